/* fuzz_idx.c - any bytes as an IDX file, plain or gzipped; and as two: the length of the file of labels in two bytes,
 * that file, the file of pictures. */
#include "data/data.h"
#include "fuzz.h"

static void one(const uint8_t *data, size_t size) {
	eg_error err;
	eg_idx idx;
	eg_reader *r = eg_reader_memory(data, size, "fuzz", &err);
	if (r && eg_idx_read(r, NULL, 1, 4, &idx, &err) == EG_OK) {
		int64_t n = 1;
		for (int i = 0; i < idx.rank; i++) n *= idx.d[i];
		if (n != idx.bytes) abort();
		volatile uint8_t last = idx.data[n - 1];
		EG_UNUSED(last);
		eg_block_free(NULL, idx.data);
	}
	eg_reader_close(r);
}

static void two(const uint8_t *data, size_t size) {
	eg_error err;
	eg_pictures *p = NULL;
	if (size < 2) return;
	size_t cut = (size_t)data[0] << 8 | data[1];
	data += 2, size -= 2;
	if (cut > size) cut = size;
	eg_reader *labels = eg_reader_memory(data, cut, "labels", &err);
	eg_reader *images = eg_reader_memory(data + cut, size - cut, "images", &err);
	if (labels && images && eg_idx_pictures(images, labels, size % 2 ? 0 : 10, NULL, 0, NULL, &p, &err) == EG_OK) {
		for (int64_t i = 0; i < p->count; i++)
			if (p->labels[i] < 0 || p->labels[i] >= p->classes) abort();
		eg_pictures_free(p);
	} else if (p) {
		abort();
	}
	eg_reader_close(labels);
	eg_reader_close(images);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	one(data, size);
	two(data, size);
	return 0;
}
