/* hog_svm.c - the floor `hog-svm`: what edges are where (hog.c), and a flat border between every two classes with as
 * wide a margin as can be (pair_svm.h). Before convolutional networks this was how pictures were told apart.
 *
 * Each picture is learnt from as it is, and moved by a pixel. Descriptions stay bytes. Of training sets that do not fit
 * into `most` bytes an even selection is taken, told as `of`. */
#include "floors/hog.h"
#include "floors/pair_svm.h"

#include <string.h>

static const int64_t most = INT64_C(512) << 20;
enum { C, OF };
enum { COPIES = 2, ROUNDS = 6 };

typedef struct svm {
	eg_floor base;
	eg_hog hog;
	eg_pair_svm pairs; /* descriptions of one view behind those of another */
	eg_team *team;
	float *scratch; /* of each thread */
	const eg_floor_batch *batch;
	uint8_t *described;
	int copy;
} svm;

/* Each picture is learnt from as it is, and moved by a pixel in one of four directions in turn. */
static eg_hog_view view_of(int copy, int64_t i) { return copy == 0 ? EG_HOG_PLAIN : (eg_hog_view)(EG_HOG_UP + i % 4); }

static void describe_share(void *arg, int rank, int size) {
	svm *m = arg;
	int begin, end;
	eg_split(m->batch->n, rank, size, &begin, &end);
	for (int i = begin; i < end; i++) {
		uint8_t *out = m->described + (ptrdiff_t)i * m->pairs.size;
		memset(out + m->hog.size, 0, (size_t)(m->pairs.size - m->hog.size));
		eg_hog_describe(&m->hog, eg_floor_row(&m->base, m->batch, i), view_of(m->copy, m->batch->first + i), out,
		        m->scratch + (ptrdiff_t)rank * m->hog.scratch);
	}
}

static void describe(svm *m, const eg_floor_batch *b, uint8_t *out) {
	m->batch = b, m->described = out;
	eg_team_run(m->team, eg_team_size(m->team), describe_share, m);
}

static eg_status describe_all(svm *m, const eg_floor_part *p, eg_error *err) {
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	while (!status && b.n > 0) {
		for (m->copy = 0; m->copy < COPIES; m->copy++) {
			int64_t first = b.first + m->copy * p->count;
			describe(m, &b, eg_pair_svm_at(&m->pairs, first));
			for (int i = 0; i < b.n; i++) eg_pair_svm_note(&m->pairs, first + i, eg_floor_label(&m->base, &b, i));
		}
		status = eg_floor_tell(&m->base, 0.3 * (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

static eg_hog hog_of(const eg_floor *f) {
	const eg_dims *d = &f->task->intakes[0]->sample;
	if (d->rank < 2 || d->rank > 3 || eg_floor_width(f) < 1) return (eg_hog){0};
	return eg_hog_of(d->rank == 3 ? (int)d->d[0] : 1, (int)d->d[d->rank - 2], (int)d->d[d->rank - 1]);
}

static eg_status make_room(svm *m, int64_t n, eg_error *err) {
	int threads = eg_context_threads(m->base.ctx);
	m->team = eg_team_new(NULL, threads, err);
	if (!m->team) return EG_ERR_MEMORY;
	m->scratch = eg_calloc(NULL, (size_t)m->hog.scratch * (size_t)threads, sizeof *m->scratch);
	if (!m->scratch) return eg_floor_no_memory(&m->base, err);
	return eg_pair_svm_new(&m->pairs, eg_floor_classes(&m->base), m->hog.size, n, &m->base, err);
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	svm *m = (svm *)f;
	eg_floor_part some;
	m->hog = hog_of(f);
	if (m->hog.size < 1) return eg_fail(err, EG_ERR_ARG, "the floor '%s' is for pictures", f->type->info.name);
	const int size = (m->hog.size + EG_SVM_LANES - 1) / EG_SVM_LANES * EG_SVM_LANES;
	eg_status status = eg_floor_some(p, most / size / COPIES, &some, err);
	f->settings[OF] = (double)some.count;
	if (!status) status = make_room(m, some.count * COPIES, err);
	if (!status) status = describe_all(m, &some, err);
	if (!status) status = eg_pair_svm_train(&m->pairs, f->settings[C], ROUNDS, m->team, f, 0.3, err);
	eg_release(NULL, some.items);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	svm *m = (svm *)f;
	int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	uint8_t *x = eg_alloc(NULL, (size_t)b->n * (size_t)m->pairs.size);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out || !x) return eg_release(NULL, x), eg_floor_no_memory(f, err);
	memset(out, 0, (size_t)b->n * (size_t)K * sizeof *out);
	m->copy = 0;
	describe(m, b, x);
	for (int i = 0; i < b->n; i++) eg_pair_svm_votes(&m->pairs, x + (ptrdiff_t)i * m->pairs.size, out + (ptrdiff_t)i * K);
	eg_release(NULL, x);
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static bool serves(const eg_floor *f) {
	int K = eg_floor_classes(f);
	return eg_floor_takes(f, EG_FIELD_PICTURE) && f->task->nintakes == 2 && K > 1 && K <= EG_SVM_CLASSES && hog_of(f).size > 0;
}

static void free_floor(eg_floor *f) {
	svm *m = (svm *)f;
	eg_pair_svm_free(&m->pairs);
	eg_team_free(m->team);
	eg_release(NULL, m->scratch);
}

const eg_floor_type eg_floor_type_hog_svm = {
	.info = {.name = "hog-svm",
		.task = "classify",
		.doc = "histograms of a picture's edges, and a flat border between every two classes",
		.source = "Dalal and Triggs 2005; Cortes and Vapnik 1995; Hsieh et al. 2008",
		.version = 3},
	.size = sizeof(svm),
	.settings = {{.name = "c", .n = 1, .tried = {0.015}, .low = 0.001, .high = 1, .log = true},
	        {.name = "of", .n = 1, .tried = {0}}},
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};
