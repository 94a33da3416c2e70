/* inputs.c - what a network gets of records: the numbers of one sample, and what those of a part are like. */
#include "report/survey.h"

#include <math.h>
#include <string.h>

/* ---- one sample -------------------------------------------------------------------------------------------------- */

enum { SLOTS = EG_TASK_INTAKES + 4 };
typedef struct filled {
	void *slots[SLOTS]; /* one for each input of the data set */
	eg_dims dims[SLOTS];
	eg_dtype types[SLOTS];
} filled;

static void drop(filled *f) {
	for (int k = 0; k < SLOTS; k++) eg_block_free(NULL, f->slots[k]);
	*f = (filled){0};
}

/* Sample i of the part, as a batch of one. `f` is zero; to be dropped in every case. */
static eg_status fill(
	const eg_samples *s, eg_graph *g, eg_part part, int64_t i, int epoch, filled *f, eg_error *err) {
	const eg_dataset *d = s->data[part];
	if (!d || i < 0 || i >= d->count)
		return eg_fail(err, EG_ERR_ARG, "there is no sample %lld in the part '%s'", (long long)i, eg_part_name(part));
	const uint32_t item = (uint32_t)i;
	int sizes[EG_MAX_DIMS + 1] = {0};
	const int time = d->time_of ? d->time_of(d->user, item) : d->time;
	for (int k = 0; d->dims && d->dims[k]; k++) sizes[k] = d->size_of ? d->size_of(d->user, item, k) : d->most[k];
	for (int k = 0; d->inputs[k]; k++) {
		f->types[k] = eg_tensor_dtype(g, eg_graph_find(g, d->inputs[k]));
		f->dims[k] = eg_samples_dims(s, k, 1, time, sizes);
		size_t bytes = eg_dtype_size(f->types[k]);
		for (int j = 0; j < f->dims[k].rank; j++) bytes *= (size_t)f->dims[k].d[j];
		f->slots[k] = eg_block_new(NULL, bytes);
		if (!f->slots[k]) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a sample");
	}
	const eg_fill batch = {.items = &item, .n = 1, .time = time, .sizes = sizes, .epoch = epoch,
	        .seed = eg_recipe_train(s->task->recipe)->seed};
	return d->fill(d->user, &batch, f->slots, err);
}

static bool is_number(const filled *f, int k) { return f->types[k] == EG_F32 || f->types[k] == EG_I32; }
static int64_t numbers(const filled *f, int k) {
	int64_t n = 1;
	for (int j = 0; j < f->dims[k].rank; j++) n *= f->dims[k].d[j];
	return n;
}
static double number(const filled *f, int k, int64_t i) {
	return f->types[k] == EG_F32 ? (double)((const eg_real *)f->slots[k])[i] : ((const int32_t *)f->slots[k])[i];
}

typedef struct range {
	double least, most, sum;
	int64_t n;
} range;
static const range nothing = {INFINITY, -INFINITY, 0, 0};

static void widen(range *r, const filled *f, int k) {
	const int64_t n = numbers(f, k);
	for (int64_t i = 0; i < n; i++) {
		const double v = number(f, k, i);
		r->least = fmin(r->least, v), r->most = fmax(r->most, v), r->sum += v;
	}
	r->n += n;
}

static void put_range(eg_value *map, const range *r, eg_dtype type) {
	eg_value_put_number(map, "min", r->least);
	if (type == EG_F32) eg_value_put_number(map, "mean", r->n ? r->sum / (double)r->n : (double)NAN);
	eg_value_put_number(map, "max", r->most);
}

static void put_numbers(eg_value *map, const filled *f, int k) {
	enum { FIRST = 16 };
	range r = nothing;
	widen(&r, f, k);
	put_range(map, &r, f->types[k]);
	eg_value *first = eg_value_put_list(map, "first");
	for (int64_t i = 0; i < r.n && i < FIRST; i++)
		if (f->types[k] == EG_F32)
			eg_value_put_number(first, NULL, (float)number(f, k, i));
		else
			eg_value_put_int(first, NULL, (int64_t)number(f, k, i));
}

eg_status eg_samples_seen(
	const eg_samples *s, eg_graph *g, eg_part part, int64_t i, int epoch, eg_value *list, eg_error *err) {
	filled f = {0};
	eg_status status = fill(s, g, part, i, epoch, &f, err);
	for (int k = 0; !status && s->data[part]->inputs[k]; k++) {
		eg_value *map = eg_value_put_map(list, NULL);
		eg_value_put_text(map, "input", s->data[part]->inputs[k]);
		eg_value_put_text(map, "type", eg_dtype_name(f.types[k]));
		eg_value *shape = eg_value_put_list(map, "shape");
		for (int j = 0; j < f.dims[k].rank; j++) eg_value_put_int(shape, NULL, f.dims[k].d[j]);
		if (is_number(&f, k)) put_numbers(map, &f, k);
	}
	drop(&f);
	return status;
}

/* ---- a part ------------------------------------------------------------------------------------------------------ */

/* What some samples have in common. */
typedef struct common {
	eg_dtype type;
	eg_dims least, most;
	range range;
} common;

static void join(common *c, const filled *f, int k, bool first) {
	if (first) *c = (common){f->types[k], f->dims[k], f->dims[k], nothing};
	for (int j = 0; j < f->dims[k].rank; j++) {
		const int64_t d = f->dims[k].d[j];
		if (d < c->least.d[j]) c->least.d[j] = d;
		if (d > c->most.d[j]) c->most.d[j] = d;
	}
	if (is_number(f, k)) widen(&c->range, f, k);
}

static void put_dims(eg_value *map, const char *key, const eg_dims *d) {
	eg_value *list = eg_value_put_list(map, key);
	for (int j = 0; j < d->rank; j++) eg_value_put_int(list, NULL, d->d[j]);
}

eg_status eg_samples_inputs(const eg_samples *s, eg_graph *g, eg_part part, eg_value *map, eg_error *err) {
	enum { LOOKED_AT = 64 };
	const eg_dataset *d = s->data[part];
	common all[SLOTS] = {{0}};
	int64_t read = 0;
	if (!d) return EG_OK;
	const int64_t n = d->count < LOOKED_AT ? d->count : LOOKED_AT;
	for (int64_t i = 0; i < n; i++) {
		filled f = {0};
		eg_status status = fill(s, g, part, i * d->count / n, -1, &f, err);
		for (int k = 0; !status && d->inputs[k]; k++) join(&all[k], &f, k, read == 0);
		drop(&f);
		read += !status;
		/* broken ones are named elsewhere */
		if (status && status != EG_ERR_FORMAT && status != EG_ERR_IO) return status;
	}
	eg_value *list = read ? eg_value_put_list(map, "inputs") : NULL;
	for (int k = 0; d->inputs[k] && list; k++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "input", d->inputs[k]);
		eg_value_put_text(one, "type", eg_dtype_name(all[k].type));
		eg_value_put_int(one, "samples", read);
		put_dims(one, "least", &all[k].least);
		put_dims(one, "most", &all[k].most);
		if (all[k].range.n) put_range(one, &all[k].range, all[k].type);
	}
	return EG_OK;
}

/* ---- units of texts ---------------------------------------------------------------------------------------------- */

/* Unit k of those that texts are made of: not the end mark, nor what stands for all that is unknown. */
static bool is_unit(const eg_samples *s, int k) {
	const eg_vocab *v = eg_samples_vocab(s);
	return k != eg_samples_unit_unknown(s) && (!v || k != eg_vocab_end(v));
}

static void put_commonest(const eg_samples *s, int64_t *counts, eg_value *list) {
	enum { NAMED = 10 };
	const int n = eg_samples_unit_count(s);
	for (int i = 0; i < NAMED; i++) {
		int best = -1;
		size_t size;
		for (int k = 0; k < n; k++)
			if (is_unit(s, k) && counts[k] > (best < 0 ? 0 : counts[best])) best = k;
		if (best < 0) return;
		const char *unit = eg_samples_unit(s, best, &size);
		eg_value *one = eg_value_put_map(list, NULL);
		if (size == 1 && *unit & 0x80)
			eg_value_put_int(one, "byte", (unsigned char)*unit);
		else
			eg_value_put_bytes(one, "text", unit, size);
		eg_value_put_int(one, "n", counts[best]);
		counts[best] = 0;
	}
}

eg_status eg_samples_units_of(const eg_samples *s, eg_part part, eg_value *map, eg_error *err) {
	const int n = eg_samples_unit_count(s), unknown = eg_samples_unit_unknown(s);
	int64_t *counts = n > 0 && s->data[part] ? eg_calloc(NULL, (size_t)n, sizeof *counts) : NULL, total = 0;
	eg_error why;
	if (n < 1 || !s->data[part]) return EG_OK;
	if (!counts) return eg_fail(err, EG_ERR_MEMORY, "out of memory for counting units");
	eg_status status = eg_samples_count_units(s, part, counts, &why);
	for (int k = 0; k < n && !status; k++) total += counts[k];
	if (!status) {
		const eg_vocab *v = eg_samples_vocab(s);
		eg_value *units = eg_value_put_map(map, "units");
		eg_value_put_text(units, "of", v ? eg_unit_names()[eg_vocab_unit(v)] : "token");
		eg_value_put_int(units, "different", n);
		eg_value_put_int(units, "count", total);
		eg_value_put_int(units, "unknown", unknown >= 0 ? counts[unknown] : 0);
		put_commonest(s, counts, eg_value_put_list(units, "commonest"));
	}
	eg_release(NULL, counts);
	/* broken ones are named elsewhere */
	return status == EG_ERR_FORMAT || status == EG_ERR_IO || !status ? EG_OK : eg_fail(err, status, "%s", why.message);
}
