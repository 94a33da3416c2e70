/* principal.c - the floors `mean-picture` and `principal-components` of the task reconstruct, for pictures.
 *
 * mean-picture: whatever goes in, the mean of the training pictures comes out: what is known without looking.
 *
 * principal-components: the picture's part in the directions in which training pictures vary most, as many as the
 * network's bottleneck has numbers (its output `embedding`; without one 16). No linear auto-encoder of that size does
 * better on the training pictures (Baldi and Hornik 1989). At most 10,000 pictures are learnt from. */
#include "data/principal.h"
#include "floors/floors.h"

enum { USUAL = 16, MOST = 10000, WIDEST = 4096 };

typedef struct principal {
	eg_floor base;
	eg_principal found;
	double *codes;
} principal;

static bool looks(const eg_floor *f) { return f->type->settings[0].n > 0; }

static bool serves(const eg_floor *f) {
	const int64_t width = eg_floor_width(f);
	return eg_floor_takes(f, EG_FIELD_PICTURE) && width > 0 && width <= WIDEST;
}

static int bottleneck(const eg_floor *f) {
	const eg_dims d = eg_tensor_dims(f->graph, eg_graph_find(f->graph, "embedding"));
	int64_t n = 1;
	for (int i = 1; i < d.rank; i++) n *= d.d[i] > 0 ? d.d[i] : 0;
	return d.rank > 1 && n > 0 && n <= WIDEST ? (int)n : USUAL;
}

/* Of the mean alone sums are enough. */
static void add(principal *m, const eg_real *row) {
	if (looks(&m->base)) {
		eg_principal_add(&m->found, row);
		return;
	}
	m->found.n++;
	for (int i = 0; i < m->found.width; i++) m->found.mean[i] += ((double)row[i] - m->found.mean[i]) / (double)m->found.n;
}

static eg_status look(principal *m, const eg_floor_part *p, eg_error *err) {
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	while (!status && b.n > 0) {
		for (int i = 0; i < b.n; i++) add(m, eg_floor_row(&m->base, &b, i));
		status = eg_floor_tell(&m->base, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	principal *m = (principal *)f;
	eg_floor_part some;
	const int k = bottleneck(f);
	eg_status status = eg_floor_some(p, MOST, &some, err);
	if (!status) status = eg_principal_begin(&m->found, (int)eg_floor_width(f), err);
	if (!status) status = look(m, &some, err);
	if (!status && looks(f)) status = eg_principal_solve(&m->found, k, err);
	if (!status && looks(f)) f->settings[0] = m->found.k;
	m->codes = status ? NULL : eg_calloc(NULL, (size_t)k, sizeof *m->codes);
	if (!status && !m->codes) status = eg_floor_no_memory(f, err);
	eg_release(NULL, some.items);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	principal *m = (principal *)f;
	const int64_t width = m->found.width;
	eg_dims d = eg_tensor_dims(f->graph, eg_graph_find(f->graph, "logits"));
	eg_real *out = eg_floor_room(f, (size_t)(b->n * width));
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out) return eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++) {
		eg_principal_project(&m->found, eg_floor_row(f, b, i), m->codes);
		eg_principal_rebuild(&m->found, m->codes, out + i * width);
	}
	d.d[0] = b->n;
	*said = (eg_said){out, d, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	principal *m = (principal *)f;
	eg_principal_free(&m->found);
	eg_release(NULL, m->codes);
	m->codes = NULL;
}

const eg_floor_type eg_floor_type_mean_picture = {
	.info = {.name = "mean-picture",
		.task = "reconstruct",
		.doc = "whatever goes in, the mean of the training pictures",
		.source = "none; the mean of each pixel",
		.version = 1},
	.size = sizeof(principal),
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};

const eg_floor_type eg_floor_type_principal_components = {
	.info = {.name = "principal-components",
		.task = "reconstruct",
		.doc = "the picture's part in the directions in which training pictures vary most, as many as the bottleneck has numbers",
		.source = "Pearson 1901; Baldi and Hornik 1989",
		.version = 1},
	.size = sizeof(principal),
	.settings = {{.name = "components", .n = 1, .tried = {USUAL}, .whole = true}},
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};
