/* intake_numbers.c - numbers as an input or a target: some for each record, or some for each step of a series. They go
 * in as they are; a gap is a NaN, which training tells of. */
#include "tasks/intake.h"

#include <string.h>

/* Numbers and series keep nothing. */
static bool is_known(const eg_intake *f) {
	EG_UNUSED(f);
	return true;
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for numbers"); }

static eg_status wrong_count(const eg_record *r, int64_t has, int64_t wanted, eg_error *err) {
	return eg_fail(err, EG_ERR_SHAPE, "%s has %lld numbers, but the network takes %lld",
	        r->place ? r->place
	        : r->id  ? r->id
	                 : "the record",
	        (long long)has, (long long)wanted);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static eg_status fill_numbers(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int64_t each = eg_dims_count(&a->dims, 1);
	eg_real *out = a->slot;
	EG_UNUSED(f);
	for (int i = 0; i < a->n; i++) {
		const eg_datum *d = a->data[i];
		if (d->there && d->numbers.n != each) return wrong_count(eg_fill_record(a, i), d->numbers.n, each, err);
		for (int64_t k = 0; k < each; k++) *out++ = d->there ? (eg_real)d->numbers.at[k] : 0;
	}
	return EG_OK;
}

static eg_status meet_numbers(eg_intake *f, const eg_field *field, eg_error *err) {
	if (f->target || field->columns == 0 || eg_dims_count(&f->sample, 0) == field->columns) return EG_OK;
	return eg_fail(
	        err, EG_ERR_SHAPE, "its records have %d numbers; write input: [%d]", field->columns, field->columns);
}

/* Every number of a JSON list, whatever lists it holds; -1: something is none. */
static int collect(const eg_value *v, float *out, int n) {
	for (const eg_value *c = eg_value_first(v); c && n >= 0; c = eg_value_next(c)) {
		eg_value_kind kind = eg_value_kind_of(c);
		if (kind == EG_VALUE_LIST)
			n = collect(c, out, n);
		else if (kind != EG_VALUE_INT && kind != EG_VALUE_NUMBER)
			return -1;
		else {
			if (out) out[n] = (float)eg_value_number(c, 0);
			n++;
		}
	}
	return n;
}

static eg_status numbers_of(
	const eg_intake *f, const eg_value *v, const char *name, eg_record *r, float **at, int *n, eg_error *err) {
	*n = eg_value_kind_of(v) == EG_VALUE_LIST ? collect(v, NULL, 0) : -1;
	if (*n < 1) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be a list of numbers", name, f->name);
	*at = eg_record_room(r, (size_t)*n * sizeof **at);
	if (!*at) return no_memory(err);
	collect(v, *at, 0);
	return EG_OK;
}

static eg_status decode_numbers(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	float *at;
	int n;
	EG_UNUSED(remark);
	eg_status status = numbers_of(f, v, name, r, &at, &n, err);
	if (!status && n != eg_dims_count(&f->sample, 0))
		return eg_fail(err, EG_ERR_SHAPE, "%s: %d numbers, but the network takes %lld", name, n,
		        (long long)eg_dims_count(&f->sample, 0));
	if (!status) *d = (eg_datum){.there = true, .numbers = {n, at}};
	return status;
}

/* A file or line that is JSON itself. */
static eg_status decode_text(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r,
	eg_datum *d, int *remark, eg_error *err) {
	eg_value *v;
	eg_status status = eg_value_parse(bytes, size, name, &v, err);
	if (!status) status = f->type->decode_json(f, v, name, r, d, remark, err);
	eg_value_free(v);
	return status;
}

const eg_intake_type eg_intake_numbers_type = {.kind = EG_FIELD_NUMBERS,
	.size = sizeof(eg_intake),
	.is_known = is_known,
	.fill = fill_numbers,
	.decode = decode_text,
	.decode_json = decode_numbers,
	.meet = meet_numbers};

/* ---- series ------------------------------------------------------------------------------------------------------ */

static eg_status fill_series(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int time = (int)a->dims.d[0], columns = (int)eg_dims_count(&a->dims, 2);
	EG_UNUSED(f);
	for (int i = 0; i < a->n; i++) {
		const eg_datum *d = a->data[i];
		if (d->series.columns != columns)
			return wrong_count(eg_fill_record(a, i), d->series.columns, columns, err);
		for (int t = 0; t < time; t++) {
			eg_real *out = (eg_real *)a->slot + ((ptrdiff_t)t * a->n + i) * columns;
			const float *in = d->series.at + (ptrdiff_t)t * columns;
			for (int k = 0; k < columns; k++) out[k] = t < d->series.steps ? (eg_real)in[k] : 0;
		}
	}
	return EG_OK;
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	EG_UNUSED(f), EG_UNUSED(r), EG_UNUSED(axis), EG_UNUSED(err);
	*size = d->series.steps;
	return EG_OK;
}

static eg_status meet_series(eg_intake *f, const eg_field *field, eg_error *err) {
	const eg_dims *d = &f->sample;
	if (f->target || (d->rank == 2 && d->d[0] < 0 && (field->columns == 0 || d->d[1] == field->columns)))
		return EG_OK;
	if (field->columns == 0)
		return eg_fail(err, EG_ERR_SHAPE, "a series has numbers for each step: write input: [time, COLUMNS]");
	return eg_fail(err, EG_ERR_SHAPE, "a step of it has %d number%s; write input: [time, %d]", field->columns,
	        field->columns == 1 ? "" : "s", field->columns);
}

static eg_status decode_series(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	float *at;
	int n, columns = (int)eg_dims_count(&f->sample, 1);
	EG_UNUSED(remark);
	eg_status status = numbers_of(f, v, name, r, &at, &n, err);
	if (!status && n % columns != 0)
		return eg_fail(err, EG_ERR_SHAPE, "%s: %d numbers cannot be steps of %d", name, n, columns);
	if (!status) *d = (eg_datum){.there = true, .series = {n / columns, columns, at, NULL}};
	return status;
}

const eg_intake_type eg_intake_series_type = {.kind = EG_FIELD_SERIES,
	.size = sizeof(eg_intake),
	.is_known = is_known,
	.extent = extent,
	.fill = fill_series,
	.decode = decode_text,
	.decode_json = decode_series,
	.meet = meet_series};
