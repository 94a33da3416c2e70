/* fuzz_sound.c - any bytes as a sound file: what comes out is numbers, and as many as it says. */
#include "data/sound.h"
#include "fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err = {EG_OK, ""};
	eg_record r = {0};
	eg_datum_sound x;
	eg_status status = eg_sound_decode(data, size, "fuzz", &r, &x, &err);
	if (!status && (x.n < 1 || x.channels < 1 || !(x.rate > 0))) abort();
	for (int64_t i = 0; !status && i < x.n * x.channels; i++)
		if (!isfinite(x.at[i])) abort();
	eg_record_free(&r);
	if (status != EG_OK && (!err.message[0] || err.status != status)) abort();
	return 0;
}
