/* test_speak.c - the task `speak`: distortion between recordings against its definition; tones as words in two voices,
 * learnt from letter to letter and spoken again; questions that cannot be spoken; networks that cannot speak. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/sound.h"
#include "sanitized.h"
#include "support_tasks.h"
#include "tasks/cepstra.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
#if defined ENGRAM_HAVE_SNDFILE && defined ENGRAM_HAVE_KISSFFT
enum { SPEAKS = 1 };
#else
enum { SPEAKS = 0 };
#endif

/* ---- distortion -------------------------------------------------------------------------------------------------- */

enum { RATE = 8000, STEPS = 20, N = (STEPS - 1) * 64 + 256 };

/* The cepstra of a step, from log-mel by the sums of cepstra.h. */
static void by_definition(const float *log_mel, double c[EG_CEPSTRA]) {
	for (int k = 1; k <= EG_CEPSTRA; k++) {
		double sum = 0;
		for (int b = 0; b < 40; b++) sum += (double)log_mel[b] / 2 * cos(PI * k * (b + 0.5) / 40);
		c[k - 1] = sum / 40;
	}
}

static void distortion(void **state) {
	bench *b = *state;
	if (!SPEAKS) skip();
	const eg_sound_options o = {.rate = RATE, .window = 256, .hop = 64, .fft = 512, .bands = 40, .high = 4000, .quietest = -80};
	float x[N], y[2 * N], mel[STEPS * 40];
	double c[EG_CEPSTRA], db, other;
	eg_cepstra same, twice, high;
	for (int i = 0; i < N; i++) x[i] = (float)(0.3 * sin(0.3 * i) + 0.1 * sin(1.1 * i + 0.00002 * i * i));
	for (int i = 0; i < 2 * N; i++) y[i] = (float)(0.3 * sin(1.7 * i));
	eg_sound_features *f = eg_sound_features_new(&o, &b->err);
	assert_non_null(f);
	void *room = malloc(eg_sound_features_room(f));
	assert_non_null(room);
	eg_sound_features_of(f, x, N, mel, room);
	OK(b, eg_cepstra_of(x, N, RATE, &same, &b->err));
	assert_int_equal(same.n, STEPS);
	for (int t = 0; t < STEPS; t++) {
		by_definition(mel + (ptrdiff_t)t * 40, c);
		for (int k = 0; k < EG_CEPSTRA; k++) assert_near((double)same.at[t * EG_CEPSTRA + k], c[k], 1e-5);
	}
	OK(b, eg_cepstra_distortion(&same, &same, &db, &b->err));
	assert_true(db == 0);
	/* each step twice: the path lingers, and nothing is distorted */
	twice = (eg_cepstra){.at = malloc(2 * STEPS * EG_CEPSTRA * sizeof(float)), .n = 2 * STEPS};
	assert_non_null(twice.at);
	for (int t = 0; t < 2 * STEPS; t++) memcpy(twice.at + (ptrdiff_t)t * EG_CEPSTRA, same.at + (ptrdiff_t)(t / 2) * EG_CEPSTRA, EG_CEPSTRA * sizeof(float));
	OK(b, eg_cepstra_distortion(&same, &twice, &db, &b->err));
	assert_true(db == 0);
	OK(b, eg_cepstra_of(y, 2 * N, RATE, &high, &b->err));
	OK(b, eg_cepstra_distortion(&same, &high, &db, &b->err));
	OK(b, eg_cepstra_distortion(&high, &same, &other, &b->err));
	assert_true(db > 2);
	assert_near(db, other, 1e-9);
	/* of single steps it is the formula */
	double sum = 0;
	for (int k = 0; k < EG_CEPSTRA; k++) sum += pow((double)same.at[k] - (double)high.at[k], 2);
	OK(b, eg_cepstra_distortion(&(eg_cepstra){same.at, 1}, &(eg_cepstra){high.at, 1}, &db, &b->err));
	assert_near(db, 10 / log(10) * sqrt(2 * sum), 1e-9);
	assert_int_equal(eg_cepstra_distortion(&same, &(eg_cepstra){same.at, 0}, &db, &b->err), EG_ERR_ARG);
	free(twice.at), free(room);
	eg_cepstra_free(&same), eg_cepstra_free(&high);
	eg_sound_features_free(f);
}

/* ---- tones as words ---------------------------------------------------------------------------------------------- */

enum { SPOKEN = 2400 };
static const char *const speakers[] = {"anna", "ben"};
static double hz_of(int digit) { return 300 + 280 * digit; }
static float loudness_of(int speaker) { return speaker ? 0.05F : 0.5F; }

/* A digit is a tone of 0.3 s; ben is quiet. */
static void say(bench *b, int digit, int speaker, int take) {
	float x[SPOKEN];
	char name[64];
	for (int i = 0; i < SPOKEN; i++) x[i] = loudness_of(speaker) * (float)sin(2 * PI * hz_of(digit) * i / RATE + take);
	snprintf(name, sizeof name, "speech/recordings/%d_%s_%d.wav", digit, speakers[speaker], take);
	bench_text(b, name, "");
	OK(b, eg_sound_write(bench_path(b, name), x, SPOKEN, 1, RATE, &b->err));
}

static void write_tones(bench *b) {
	for (int d = 0; d < 10; d++)
		for (int s = 0; s < 2; s++)
			for (int k = 4; k < 7; k++) say(b, d, s, k); /* number 4 is of the test part */
}

#define HEAD \
	"name: tones\ntask: speak\n" \
	"data: {source: digit-strings, recordings: %s/speech, count: %s, test_count: 12, least: 1, most: 1, frames: 3,\n" \
	"  sound: {bands: 24, window: 0.032, hop: 0.016, quietest: -60}}\n" \
	"inputs: {text: [letters], voice: [2], previous: [time, 24]}\n"
/* Where in the text it is moves on at each step, by an amount that the state says. */
#define BODY \
	"model:\n" \
	"  - embedding: {size: 16, count: units, from: text}\n" \
	"  - lstm: {hidden: 16, bidirectional: true, name: read, from: {lengths: lengths.letters}}\n" \
	"  - transpose: {perm: [1, 0, 2], name: letters}\n" \
	"  - slice: {starts: 0, ends: 1, axes: 2, from: read}\n" \
	"  - clip: {min: 1, max: 1}\n  - cumsum: 0\n  - squeeze: {axes: 2}\n  - transpose: {perm: [1, 0], name: places}\n" \
	"  - linear: {units: 24, from: voice, bias: false, name: who}\n" \
	"  - linear: {units: 24, from: previous, name: said}\n  - add: {from: [said, who], name: heard}\n" \
	"  - cell:\n" \
	"      name: reader\n      from: heard\n      whole: {letters: letters, places: places}\n" \
	"      state: {h: 32, at: 1, seen: 32}\n" \
	"      layers:\n" \
	"        - concat: {from: [x, seen, h], axis: 1}\n        - linear: 32\n        - tanh: {name: state}\n" \
	"        - linear: {units: 1, from: state}\n        - softplus\n        - add: {from: [at, softplus1], name: place}\n" \
	"        - sub: {from: [places, place]}\n        - mul: {from: [sub1, sub1]}\n        - neg\n        - exp: {name: weights}\n" \
	"        - einsum: {equation: \"ns,nsc->nc\", from: [weights, letters], name: saw}\n" \
	"        - concat: {from: [state, saw, place], axis: 1}\n" \
	"      next: {h: state, at: place, seen: saw}\n" \
	"  - linear: {units: 1, from: reader, name: stop}\n" \
	"  - slice: {starts: 64, ends: 65, axes: 2, from: reader, name: place}\n" \
	"  - sub: {from: [places, place], name: far}\n  - mul: {from: [far, far]}\n  - neg\n  - exp\n" \
	"  - transpose: {perm: [1, 0, 2], name: look}\n" \
	"  - linear: {units: 48, from: reader}\n  - relu\n  - linear: %s\n  - mask: {from: {lengths: lengths}, name: frames}\n" \
	"outputs: {%s}\n" \
	"train: {loss: [{l1: , of: frames}, {bce_with_logits: , of: stop, target: sound, weight: 0.3}], optimizer: {adam: {lr: 0.01}},\n" \
	"  schedule: cosine, clip_norm: 1, batch: 16, epochs: %s, seed: 1}\n"

/* The power of a tone in the middle of a file, piece by piece, since phases are nobody's promise; hz 0: of all. */
static double power_of(const eg_datum_sound *s, double hz) {
	enum { FROM = 800, PIECE = 200, PIECES = 4 };
	double sum = 0;
	for (int p = 0; p < PIECES; p++) {
		double re = 0, im = 0, all = 0;
		for (int i = FROM + p * PIECE; i < FROM + (p + 1) * PIECE; i++) {
			const double x = (double)s->at[i];
			re += x * cos(2 * PI * hz * i / RATE), im += x * sin(2 * PI * hz * i / RATE), all += x * x;
		}
		sum += hz > 0 ? 2 * (re * re + im * im) / PIECE / PIECE : all / PIECE;
	}
	return sum / PIECES;
}

static const char *const words[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};

static const eg_value *question(bench *b, eg_predictor *p, const char *text, const char *voice, const char *wrong) {
	char json[200];
	snprintf(json, sizeof json, "{\"text\": \"%s\", \"voice\": \"%s\"}", text, voice);
	const eg_question q = {.bytes = json, .size = strlen(json), .json = true, .name = "said.json"};
	if (!wrong) return ask(b, p, q);
	ask_in_vain(b, p, q, wrong);
	return NULL;
}

/* Is it a tone of this digit, as long and as loud as that voice says it? Returns 1 where it is. */
static int sounds_right(bench *b, eg_predictor *p, int digit, int speaker) {
	const eg_value *v = question(b, p, words[digit], speakers[speaker], NULL);
	if (eg_value_int(eg_value_get(v, "samples"), 0) < 1600) return 0;
	eg_record r = {0};
	eg_datum_sound s;
	size_t size;
	char *file = bench_read(b, eg_value_text(eg_value_get(v, "file")), &size);
	OK(b, eg_sound_decode(file, size, "said.wav", &r, &s, &b->err));
	assert_int_equal(s.n, eg_value_int(eg_value_get(v, "samples"), -1));
	assert_true(eg_value_number(eg_value_get(v, "rate"), 0) == RATE && s.rate == RATE && s.channels == 1);
	assert_near(eg_value_number(eg_value_get(v, "seconds"), 0), (double)s.n / RATE, 1e-9);
	int best = 0;
	for (int d = 1; d < 10; d++)
		if (power_of(&s, hz_of(d)) > power_of(&s, hz_of(best))) best = d;
	const double louder = sqrt(2 * power_of(&s, 0)) / (double)loudness_of(speaker); /* ben is ten times as quiet */
	const int right = s.n > 1900 && s.n < 3200 && best == digit && louder > 0.32 && louder < 3.2 && !eg_value_get(v, "stopped");
	eg_record_free(&r);
	free(file);
	return right;
}

static void learns_to_speak(void **state) {
	bench *b = *state;
	const bool slow = SANITIZED;
	if (!SPEAKS) skip();
	bench_one_thread(b);
	write_tones(b);
	eg_recipe *r = bench_recipe(b, HEAD BODY, b->folder, slow ? "16" : "160", "72", "stop: stop, attention: look", slow ? "1" : "60");
	eg_model *m = bench_train_all(b, r);
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	assert_int_equal(eg_evaluation_total(e), 12);
	if (!slow) {
		assert_true(eg_evaluation_find(e, "mcd") < 4);
		assert_true(eg_evaluation_find(e, "stopped") > 0.9);
		assert_true(eg_evaluation_find(e, "loss") < 0.3);
	}
	eg_evaluation_free(e);
	char output[200], picture[200];
	snprintf(output, sizeof output, "output=%s", bench_path(b, "said.wav"));
	eg_predictor *p = bench_predictor(b, m, output);
	int right = 0;
	for (int d = 0; d < 10 && !slow; d++)
		for (int s = 0; s < 2; s++) right += sounds_right(b, p, d, s);
	if (!slow && right < 17) fail_msg("%d of 20 sound right", right);
	question(b, p, "two", "carl", "'carl', which is not among the 2 that the model knows");
	question(b, p, " ", "ben", "no word in the text");
	eg_predictor_free(p);
	snprintf(picture, sizeof picture, "alignment=%s", bench_path(b, "said.svg"));
	p = bench_predictor(b, m, picture);
	const eg_value *v = question(b, p, "seven", "ben", NULL);
	assert_null(eg_value_get(v, "file"));
	char *svg = bench_read(b, eg_value_text(eg_value_get(v, "alignment")), NULL);
	assert_non_null(strstr(svg, ">s</text>"));
	free(svg);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- networks that cannot speak ---------------------------------------------------------------------------------- */

static void refuse(bench *b, const char *says, const char *format, ...) {
	char text[6000];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	eg_recipe *r = bench_recipe(b, "%s", text);
	eg_task *t = NULL;
	eg_graph *g = NULL;
	eg_samples *s = NULL;
	eg_status status = eg_task_open(r, &t, &b->err);
	if (!status) status = eg_samples_load(t, &(eg_samples_options){.part = EG_PART_TRAIN}, &s, &b->err);
	if (!status) status = eg_recipe_build(r, b->ctx, eg_samples_sizes(s), &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	if (!status) { /* what batches are filled with */
		const eg_dataset *set = eg_samples_get(s, EG_PART_TRAIN);
		const uint32_t first = 0;
		const int sizes[] = {8};
		static eg_real room[4][40000];
		status = set->fill(set->user, &(eg_fill){.items = &first, .n = 1, .time = set->time_of(set->user, 0), .sizes = sizes, .seed = 1},
			(void *[]){room[0], room[1], room[2], room[3], room[3]}, &b->err);
	}
	assert_int_not_equal(status, EG_OK);
	SAYS(b, says);
	eg_graph_free(g);
	eg_samples_free(s);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void cannot_speak(void **state) {
	bench *b = *state;
	if (!SPEAKS) skip();
	write_tones(b);
	refuse(b, "let the layer that is judged be `linear: 72`", HEAD BODY, b->folder, "4", "71", "stop: stop, attention: look", "1");
	refuse(b, "add a layer `linear: {units: 1, name: stop}`", HEAD BODY, b->folder, "4", "72", "attention: look", "1");
	refuse(b, "its shape is (N,T,units)", HEAD BODY, b->folder, "4", "72", "stop: stop, attention: far, look: look", "1");
#define SMALL(data, inputs, said, voice, outputs) \
	"name: x\ntask: speak\ndata: {source: digit-strings, recordings: %s/speech, count: 4, test_count: 2, sound: {bands: 8" data "}}\n" \
	"inputs: {text: [letters], " inputs "}\nmodel:\n  - embedding: {size: 4, count: units, from: text, name: read}\n" voice \
	"  - linear: {units: 8, from: " said ", name: body}\n  - linear: {units: 1, name: stop}\n  - linear: {units: 32, from: body}\n" \
	"outputs: {stop: stop, read: read" outputs "}\n" \
	"train: {loss: [{l1: }, {bce_with_logits: , of: stop, target: sound}]}\n"
#define PREVIOUS(data) SMALL(data, "previous: [time, 8]", "previous", "", "")
	refuse(b, "log-mel frames", PREVIOUS(", features: mfcc"), b->folder);
	refuse(b, "not their slopes", PREVIOUS(", deltas: 1"), b->folder);
	refuse(b, "leave 'scale' out", PREVIOUS(", scale: record"), b->folder);
	refuse(b, "nothing that is written comes from the text", PREVIOUS(""), b->folder);
	refuse(b, "write previous: [time, 8], or [time, 32]", SMALL("", "previous: [time, 9]", "previous", "", ""), b->folder);
	refuse(b, "write voice: [2]",
		SMALL("", "previous: [time, 8], voice: [3]", "previous", "  - linear: {units: 4, from: voice, name: who}\n", ", who: who"), b->folder);
	refuse(b, "add the input `previous: [time, BANDS]`",
		SMALL("", "voice: [2]", "voice", "", ""), b->folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(distortion, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(learns_to_speak, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(cannot_speak, bench_setup, bench_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
