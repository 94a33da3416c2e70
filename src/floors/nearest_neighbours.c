/* nearest_neighbours.c - the floor `nearest-neighbours`: the class that most of the k nearest training samples
 * have, pixel by pixel (Fix and Hodges 1951; Cover and Hart 1967). Nothing is learnt; everything is remembered.
 *
 *   |x - y|^2 = |x|^2 - 2 <x, y> + |y|^2
 *
 * so the distances of a batch from many training samples at once are one matrix product, which the engine
 * computes; |x|^2 is the same for all and left out. Of classes with as many of the k, the one with the nearer
 * sample comes first.
 *
 * Training samples are kept in memory, as many as fit into MOST numbers: of larger sets an even selection, told as
 * `of`. */
#include "floors/floors.h"
#include "engram_ops.h" /* behind it: its builder eg_softmax is a macro */

#include <math.h>
#include <string.h>

enum { ROWS = 1024, MOST_K = 64 };
static const int64_t most = INT64_C(64) << 20;
enum { K_NEAREST, OF };

typedef struct near {
	double distance;
	int32_t label;
} near;

typedef struct neighbours {
	eg_floor base;
	int64_t n, D;
	eg_real *rows;
	int32_t *labels;
	double *length;
	near *best; /* [sample of a batch][k], the nearest first */
	eg_graph *graph;
	eg_params *params;
	eg_plan *plan;
	int batch;
} neighbours;

/* ---- remembering ------------------------------------------------------------------------------------------------- */

/* y = x rows': x the batch, rows as many training samples as are looked at together. */
static eg_status make_graph(neighbours *m, eg_error *err) {
	m->graph = eg_graph_new(m->base.ctx, err);
	if (!m->graph) return EG_ERR_MEMORY;
	eg_tensor x = eg_input(m->graph, "x", EG_F32, EG_DIMS(EG_N, m->D)),
	          rows = eg_input(m->graph, "rows", EG_F32, EG_DIMS(ROWS, m->D));
	eg_output(m->graph, "y", eg_matmul(m->graph, x, rows, .trans_b = true));
	m->params = eg_params_new(m->graph, 0, err);
	return m->params ? EG_OK : EG_ERR_MEMORY;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	neighbours *m = (neighbours *)f;
	eg_floor_part some;
	m->D = eg_floor_width(f);
	eg_status status = eg_floor_some(p, most / m->D, &some, err);
	m->n = some.count;
	f->settings[OF] = (double)m->n;
	size_t n = (size_t)m->n;
	m->rows = eg_block_new(NULL, n * (size_t)m->D * sizeof *m->rows);
	m->labels = eg_calloc(NULL, n + 1, sizeof *m->labels);
	m->length = eg_calloc(NULL, n + 1, sizeof *m->length);
	m->best = eg_calloc(NULL, (size_t)EG_FLOOR_BATCH * MOST_K, sizeof *m->best);
	if (!status && (!m->rows || !m->labels || !m->length || !m->best)) status = eg_floor_no_memory(f, err);
	if (!status) status = eg_floor_read(f, &some, m->labels, m->rows, err);
	for (size_t i = 0; i < n && !status; i++)
		for (int64_t d = 0; d < m->D; d++) {
			double x = (double)m->rows[(int64_t)i * m->D + d];
			m->length[i] += x * x;
		}
	eg_release(NULL, some.items);
	return status ? status : make_graph(m, err);
}

/* ---- looking up -------------------------------------------------------------------------------------------------- */

static void note(near *best, int k, double distance, int32_t label) {
	if (!(distance < best[k - 1].distance)) return;
	int at = k - 1;
	for (; at > 0 && distance < best[at - 1].distance; at--) best[at] = best[at - 1];
	best[at] = (near){distance, label};
}

/* Products of the batch with training samples first..first+n-1 are in y. */
static void note_all(neighbours *m, const eg_real *y, int batch, int64_t first, int64_t n, int k) {
	for (int i = 0; i < batch; i++)
		for (int64_t j = 0; j < n; j++)
			if (m->labels[first + j] >= 0)
				note(m->best + (ptrdiff_t)i * k, k, m->length[first + j] - 2 * (double)y[(int64_t)i * ROWS + j],
				        m->labels[first + j]);
}

static eg_status look_up(neighbours *m, const eg_floor_batch *b, int k, eg_error *err) {
	if (m->batch != b->n) {
		eg_plan_free(m->plan);
		m->plan = eg_plan_new(m->graph, m->params, &(eg_plan_options){.batch = b->n}, err);
		m->batch = m->plan ? b->n : 0;
		if (!m->plan) return EG_ERR_MEMORY;
	}
	for (int i = 0; i < b->n * k; i++) m->best[i] = (near){INFINITY, -1};
	eg_real *x = eg_plan_input(m->plan, "x"), *rows = eg_plan_input(m->plan, "rows");
	memcpy(x, b->slots[0], (size_t)(b->n * m->D) * sizeof *x);
	for (int64_t first = 0; first < m->n; first += ROWS) {
		int64_t n = m->n - first < ROWS ? m->n - first : ROWS;
		memcpy(rows, m->rows + first * m->D, (size_t)(n * m->D) * sizeof *rows);
		eg_plan_run(m->plan, 0);
		note_all(m, eg_plan_output(m->plan, "y"), b->n, first, n, k);
		eg_status status = eg_floor_tell(&m->base, (double)b->first / (double)b->part->count, err);
		if (status) return status;
	}
	return EG_OK;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	neighbours *m = (neighbours *)f;
	int K = eg_floor_classes(f), k = (int)f->settings[K_NEAREST];
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	EG_UNUSED(from), EG_UNUSED(steps);
	eg_status status = out ? look_up(m, b, k, err) : eg_floor_no_memory(f, err);
	if (status) return status;
	memset(out, 0, (size_t)b->n * (size_t)K * sizeof *out);
	for (int i = 0; i < b->n; i++)
		for (int j = 0; j < k; j++) {
			const near *x = &m->best[i * k + j];
			if (x->label < 0) break;
			eg_real *votes = &out[i * K + x->label];
			if (*votes == 0) *votes = (eg_real)0.5 / (eg_real)(j + 1);
			*votes += 1;
		}
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static bool serves(const eg_floor *f) { return f->task->ninputs == 1 && f->task->nintakes == 2 && eg_floor_width(f) > 0; }

static void free_floor(eg_floor *f) {
	neighbours *m = (neighbours *)f;
	eg_plan_free(m->plan);
	eg_params_free(m->params);
	eg_graph_free(m->graph);
	eg_block_free(NULL, m->rows);
	eg_release(NULL, m->labels);
	eg_release(NULL, m->length);
	eg_release(NULL, m->best);
}

const eg_floor_type eg_floor_type_nearest_neighbours = {
	.info = {.name = "nearest-neighbours",
		.task = "classify",
		.doc = "the class that most of the k nearest training samples have",
		.source = "Fix and Hodges 1951; Cover and Hart 1967",
		.version = 1},
	.size = sizeof(neighbours),
	.settings = {{.name = "k", .n = 4, .tried = {1, 3, 5, 9}, .low = 1, .high = 30, .log = true, .whole = true},
	        {.name = "of", .n = 1, .tried = {0}}},
	.trial = 20000,
	.batch = EG_FLOOR_BATCH,
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};
