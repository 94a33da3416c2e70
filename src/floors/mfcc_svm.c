/* mfcc_svm.c - the floor `mfcc-svm`: the shape of the spectrum over time in a fixed number of numbers, and a flat
 * border between every two classes with as wide a margin as can be (pair_svm.h). Before networks listened, short words
 * were told apart so.
 *
 * A recording is described by cepstral coefficients (Davis and Mermelstein 1980), COEFFICIENTS of them: the orthonormal
 * cosine transform of the bands that the network is given, or, where it is given mfcc, these. Their means over each of
 * STRETCHES equal parts of the recording, their deviations over the whole of it, and the logarithm of its length make a
 * row of numbers; each is brought to mean 0 and deviation 1 over the training samples, and what lies within CUT
 * deviations becomes a byte. Slopes that the network is given (deltas) are left out.
 *
 * Of training sets that do not fit into `most` numbers an even selection is taken, told as `of`. */
#include "data/sound.h"
#include "floors/pair_svm.h"

#include <math.h>
#include <string.h>

static const int64_t most = INT64_C(64) << 20;
enum { C, OF };
enum { COEFFICIENTS = 20, STRETCHES = 10, DESCRIBED = COEFFICIENTS * (STRETCHES + 1) + 1, CUT = 4, ROUNDS = 40 };

typedef struct svm {
	eg_floor base;
	eg_pair_svm pairs;
	eg_team *team;
	int base_width, kind, coefficients; /* of a step: its features without slopes; how many are described */
	double cosines[COEFFICIENTS * 1024];
	float mean[DESCRIBED], unit[DESCRIBED]; /* of each number, and 1 / its deviation */
} svm;

static const eg_sound_options *options_of(const eg_floor *f) { return eg_intake_sound_options(f->task->intakes[0]); }

static bool serves(const eg_floor *f) {
	const int K = eg_floor_classes(f);
	return eg_floor_takes(f, EG_FIELD_SOUND) && f->task->ninputs == 1 && K > 1 && K <= EG_SVM_CLASSES &&
	       options_of(f)->kind != EG_SOUND_RAW;
}

/* ---- descriptions ------------------------------------------------------------------------------------------------ */

static void prepare(svm *m) {
	const eg_sound_options *o = options_of(&m->base);
	m->kind = o->kind;
	m->base_width = eg_sound_features_width(o) / (1 + o->deltas);
	m->coefficients = m->base_width < COEFFICIENTS ? m->base_width : COEFFICIENTS;
	for (int c = 0; c < m->coefficients && m->kind == EG_SOUND_LOG_MEL; c++)
		for (int b = 0; b < m->base_width; b++)
			m->cosines[c * m->base_width + b] =
				sqrt((c ? 2.0 : 1.0) / m->base_width) * cos(3.14159265358979323846 * c * (b + 0.5) / m->base_width);
}

static double coefficient(const svm *m, const eg_real *step, int c) {
	if (m->kind == EG_SOUND_MFCC) return (double)step[c];
	double sum = 0;
	for (int b = 0; b < m->base_width; b++) sum += m->cosines[c * m->base_width + b] * (double)step[b];
	return sum;
}

/* Of the one sample of a batch: (steps, 1, features). */
static void describe(const svm *m, const eg_floor_batch *b, float out[DESCRIBED]) {
	const int steps = b->time, width = eg_sound_features_width(options_of(&m->base));
	const eg_real *x = b->slots[0];
	double sum[STRETCHES + 1][COEFFICIENTS] = {{0}}, squares[COEFFICIENTS] = {0};
	int count[STRETCHES] = {0};
	memset(out, 0, DESCRIBED * sizeof *out);
	for (int t = 0; t < steps; t++) {
		const int stretch = (int)((int64_t)t * STRETCHES / steps);
		count[stretch]++;
		for (int c = 0; c < m->coefficients; c++) {
			const double v = coefficient(m, x + (ptrdiff_t)t * width, c);
			sum[stretch][c] += v, sum[STRETCHES][c] += v, squares[c] += v * v;
		}
	}
	for (int s = 0; s < STRETCHES; s++) /* one too short for it is as the one before */
		for (int c = 0; c < m->coefficients; c++)
			out[s * COEFFICIENTS + c] = count[s] ? (float)(sum[s][c] / count[s]) : s > 0 ? out[(s - 1) * COEFFICIENTS + c] : 0;
	for (int c = 0; c < m->coefficients && steps > 0; c++) {
		const double mean = sum[STRETCHES][c] / steps;
		out[STRETCHES * COEFFICIENTS + c] = (float)sqrt(fmax(0, squares[c] / steps - mean * mean));
	}
	out[DESCRIBED - 1] = (float)log(steps + 1.0);
}

static void to_bytes(const svm *m, const float in[DESCRIBED], uint8_t *out) {
	memset(out, 0, (size_t)m->pairs.size);
	for (int i = 0; i < DESCRIBED; i++) {
		const float v = (in[i] - m->mean[i]) * m->unit[i] / CUT;
		out[i] = (uint8_t)lrintf(127.5F * (1 + fminf(fmaxf(v, -1), 1)));
	}
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static eg_status describe_all(svm *m, const eg_floor_part *p, float *rows, int32_t *labels, eg_error *err) {
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, 1, err);
	while (!status && b.n > 0) {
		describe(m, &b, rows + b.first * DESCRIBED);
		labels[b.first] = eg_floor_label(&m->base, &b, 0);
		status = eg_floor_tell(&m->base, 0.6 * (double)(b.first + 1) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

static void measure(svm *m, const float *rows, int64_t n) {
	for (int i = 0; i < DESCRIBED; i++) {
		double sum = 0, squares = 0;
		for (int64_t k = 0; k < n; k++) sum += (double)rows[k * DESCRIBED + i];
		const double mean = sum / (double)n;
		for (int64_t k = 0; k < n; k++) squares += ((double)rows[k * DESCRIBED + i] - mean) * ((double)rows[k * DESCRIBED + i] - mean);
		const double deviation = sqrt(squares / (double)n);
		m->mean[i] = (float)mean;
		m->unit[i] = deviation > 1e-9 ? (float)(1 / deviation) : 0;
	}
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	svm *m = (svm *)f;
	eg_floor_part some;
	prepare(m);
	eg_status status = eg_floor_some(p, most / DESCRIBED, &some, err);
	if (status) return status;
	const size_t n = (size_t)some.count;
	f->settings[OF] = (double)n;
	float *rows = eg_calloc(NULL, n + 1, DESCRIBED * sizeof *rows);
	int32_t *labels = eg_calloc(NULL, n + 1, sizeof *labels);
	if (!rows || !labels) status = eg_floor_no_memory(f, err);
	if (!status && !(m->team = eg_team_new(NULL, eg_context_threads(f->ctx), err))) status = EG_ERR_MEMORY;
	if (!status) status = eg_pair_svm_new(&m->pairs, eg_floor_classes(f), DESCRIBED, some.count, f, err);
	if (!status) status = describe_all(m, &some, rows, labels, err);
	if (!status) measure(m, rows, some.count);
	for (int64_t i = 0; i < some.count && !status; i++) {
		to_bytes(m, rows + i * DESCRIBED, eg_pair_svm_at(&m->pairs, i));
		eg_pair_svm_note(&m->pairs, i, labels[i]);
	}
	if (!status) status = eg_pair_svm_train(&m->pairs, f->settings[C], ROUNDS, m->team, f, 0.6, err);
	eg_release(NULL, rows);
	eg_release(NULL, labels);
	eg_release(NULL, some.items);
	return status;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	svm *m = (svm *)f;
	const int K = eg_floor_classes(f);
	float described[DESCRIBED];
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	uint8_t *x = eg_alloc(NULL, (size_t)m->pairs.size);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out || !x) return eg_release(NULL, x), eg_floor_no_memory(f, err);
	memset(out, 0, (size_t)b->n * (size_t)K * sizeof *out);
	describe(m, b, described);
	to_bytes(m, described, x);
	eg_pair_svm_votes(&m->pairs, x, out);
	eg_release(NULL, x);
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	svm *m = (svm *)f;
	eg_pair_svm_free(&m->pairs);
	eg_team_free(m->team);
}

const eg_floor_type eg_floor_type_mfcc_svm = {
	.info = {.name = "mfcc-svm",
		.task = "classify",
		.doc = "cepstral coefficients in ten parts of a recording, and a flat border between every two classes",
		.source = "Davis and Mermelstein 1980; Cortes and Vapnik 1995; Hsieh et al. 2008",
		.version = 3},
	.size = sizeof(svm),
	.settings = {{.name = "c", .n = 3, .tried = {0.03, 0.3, 3}, .low = 0.003, .high = 30, .log = true},
	        {.name = "of", .n = 1, .tried = {0}}},
	.batch = 1,
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};
