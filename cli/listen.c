/* listen.c - raw sound on standard input, transcribed as it comes. Memory does not grow, however long it goes on. */
#define _POSIX_C_SOURCE 200809L /* read */
#include "listen.h"

#include "engram_listen.h"
#include "print.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 1 << 13 };

/* ---- samples ----------------------------------------------------------------------------------------------------- */

/* Whole numbers of up to 32 bits, the lowest byte first, as if they had 32. */
static float whole(const uint8_t *at, int bytes) {
	uint32_t v = 0;
	for (int i = 0; i < bytes; i++) v |= (uint32_t)at[i] << (8 * (4 - bytes + i));
	return (float)((double)(int32_t)v / 2147483648.0);
}
static float u8(const uint8_t *at) { return (float)(at[0] - 128) / 128; }
static float s16le(const uint8_t *at) { return whole(at, 2); }
static float s16be(const uint8_t *at) { return whole((const uint8_t[]){at[1], at[0]}, 2); }
static float s24le(const uint8_t *at) { return whole(at, 3); }
static float s32le(const uint8_t *at) { return whole(at, 4); }
static float f32le(const uint8_t *at) {
	const uint32_t bits = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
	float v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

typedef struct format {
	const char *name;
	int bytes;
	float (*sample)(const uint8_t *at);
} format;
static const format formats[] = {{"s16le", 2, s16le}, {"u8", 1, u8}, {"s16be", 2, s16be}, {"s24le", 3, s24le}, {"s32le", 4, s32le},
	{"f32le", 4, f32le}};

static const format *format_of(const cli_args *a) {
	const char *name = args_text(a, "samples");
	for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
		if (!strcmp(formats[i].name, name)) return &formats[i];
	return &formats[0];
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static void show_word(void *user, const eg_heard *h) {
	const bool *json = user;
	if (*json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "input", "-");
		eg_value *answer = eg_value_put_map(v, "answer");
		eg_value_put_text(answer, "text", h->text);
		eg_value *word = eg_value_put_map(eg_value_put_list(answer, "words"), NULL);
		eg_value_put_text(word, "text", h->text);
		eg_value_put_number(word, "start", h->start);
		eg_value_put_number(word, "end", h->end);
		print_json(v);
		eg_value_free(v);
	} else
		printf("%9.2f  %9.2f  %s\n", h->start, h->end, text_shown(h->text));
	out_push();
}

/* ---- standard input ---------------------------------------------------------------------------------------------- */

/* Up to `room` bytes; 0 at the end, -1 after a message. */
static ssize_t read_some(void *to, size_t room) {
	ssize_t n;
	do n = read(STDIN_FILENO, to, room);
	while (n < 0 && errno == EINTR);
	if (n < 0) fail("predict", "cannot read standard input: %s", strerror(errno));
	return n;
}

bool cli_sound_is_raw(const cli_args *a, cli_sound_head *head) {
	head->n = 0;
	if (args_has(a, "samples") || args_has(a, "channels") || args_has(a, "rate")) return true;
	for (ssize_t n; head->n < CLI_SOUND_HEAD && (n = read_some(head->bytes + head->n, CLI_SOUND_HEAD - head->n)) > 0;) head->n += (size_t)n;
	return !eg_sound_begins_file(head->bytes, head->n);
}

int cli_listen(const cli_args *a, eg_model *m, double rate, const cli_sound_head *head) {
	static uint8_t bytes[BYTES];
	static float samples[BYTES];
	const format *f = format_of(a);
	const int channels = (int)args_number(a, "channels", 1), each = f->bytes * channels;
	bool json = args_has(a, "json");
	const eg_ear ear = {show_word, &json};
	eg_listener *l;
	eg_error err;
	size_t held = head->n;
	int64_t total = 0;
	eg_status status = eg_listener_new(m, NULL, rate, &l, &err);
	if (status) return fail_error("predict", &err);
	memcpy(bytes, head->bytes, held);
	ssize_t got = 1;
	while (!status && got > 0 && !ferror(stdout)) {
		const int n = (int)held / each;
		for (int i = 0; i < n; i++) {
			double sum = 0;
			for (int c = 0; c < channels; c++) sum += (double)f->sample(bytes + i * each + c * f->bytes);
			samples[i] = channels > 1 ? (float)(sum / channels) : (float)sum;
		}
		status = eg_listener_push(l, samples, n, &ear, &err);
		total += n;
		held -= (size_t)(n * each);
		memmove(bytes, bytes + n * each, held);
		if (!status && (got = read_some(bytes + held, sizeof bytes - held)) > 0) held += (size_t)got;
	}
	if (!status && got == 0) status = eg_listener_end(l, &ear, &err);
	if (!status && got == 0 && held)
		fail("predict", "note: standard input ends with %zu bytes that are no whole sample (of %d bytes: --samples, --channels)", held, each);
	if (!status && got == 0 && !total) status = EG_ERR_FORMAT, snprintf(err.message, sizeof err.message, "there is no sound on standard input");
	eg_listener_free(l);
	if (status) return fail_error("predict", &err);
	return got < 0 ? CLI_FAILED : CLI_OK;
}
