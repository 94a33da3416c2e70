/* safetensors.c - reading and writing safetensors files. See safetensors.h.
 *
 * Not here: what the tensors mean (model.c). */
#include "io/safetensors.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 1 << 25 }; /* the format allows 100 MB, networks need a few kB */

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[EG_ST_F64] = {"F64", 8},
	[EG_ST_I64] = {"I64", 8},
	[EG_ST_U64] = {"U64", 8},
	[EG_ST_F32] = {"F32", 4},
	[EG_ST_I32] = {"I32", 4},
	[EG_ST_U32] = {"U32", 4},
	[EG_ST_F16] = {"F16", 2},
	[EG_ST_BF16] = {"BF16", 2},
	[EG_ST_I16] = {"I16", 2},
	[EG_ST_U16] = {"U16", 2},
	[EG_ST_I8] = {"I8", 1},
	[EG_ST_U8] = {"U8", 1},
	[EG_ST_BOOL] = {"BOOL", 1},
};

const char *eg_st_dtype_name(eg_st_dtype t) { return types[t].name; }
size_t eg_st_dtype_size(eg_st_dtype t) { return types[t].size; }
const eg_st_dtype eg_st_real = sizeof(real) == 8 ? EG_ST_F64 : EG_ST_F32;

const char *eg_st_dims_text(const eg_dims *d, char *buf, size_t size) {
	size_t n = (size_t)snprintf(buf, size, "(");
	for (int i = 0; i < d->rank && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%lld", i ? "," : "", (long long)d->d[i]);
	if (n < size) snprintf(buf + n, size - n, ")");
	return buf;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static uint64_t little(const unsigned char *p, int bytes) {
	uint64_t v = 0;
	for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
	return v;
}

static eg_status fail(eg_error *err, const char *source, const eg_tree *entry, const char *what) {
	return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: tensor '%.100s' %s", source, entry->key, what);
}

static bool read_dtype(const eg_tree *t, eg_st_dtype *dtype) {
	if (!t || t->kind != EG_TREE_SCALAR || !t->quoted) return false;
	for (int i = 0; i < EG_COUNT(types); i++) {
		if (strcmp(types[i].name, t->text)) continue;
		*dtype = (eg_st_dtype)i;
		return true;
	}
	return false;
}

/* Bytes of all elements; false on overflow. */
static bool byte_count(const eg_dims *d, eg_st_dtype dtype, size_t *bytes) {
	uint64_t n = types[dtype].size;
	for (int i = 0; i < d->rank; i++) {
		if (d->d[i] > 0 && n > (uint64_t)INT64_MAX / (uint64_t)d->d[i]) return false;
		n *= (uint64_t)d->d[i];
	}
	*bytes = (size_t)n;
	return n <= SIZE_MAX;
}

static eg_status read_tensor(
	const eg_tree *entry, const char *data, size_t room, const char *source, eg_st_tensor *t, eg_error *err) {
	const eg_tree *shape = eg_tree_get(entry, "shape"), *offsets = eg_tree_get(entry, "data_offsets");
	int64_t begin, end;
	*t = (eg_st_tensor){.name = entry->key};
	if (!read_dtype(eg_tree_get(entry, "dtype"), &t->dtype))
		return fail(err, source, entry, "has no known type (dtype)");
	if (!shape || shape->kind != EG_TREE_LIST) return fail(err, source, entry, "has no shape");
	if (shape->count > EG_MAX_DIMS)
		return eg_fail(err, EG_ERR_FORMAT,
			"'%.300s': tensor '%.100s' has %d dimensions; at most %d are supported", source, entry->key,
			shape->count, EG_MAX_DIMS);
	for (const eg_tree *c = shape->first; c; c = c->next)
		if (!eg_tree_integer(c, &t->dims.d[t->dims.rank++]) || t->dims.d[t->dims.rank - 1] < 0)
			return fail(err, source, entry, "has a wrong shape");
	if (!byte_count(&t->dims, t->dtype, &t->bytes)) return fail(err, source, entry, "is larger than any memory");
	if (!eg_tree_integer(eg_tree_at(offsets, 0), &begin) || !eg_tree_integer(eg_tree_at(offsets, 1), &end) ||
		offsets->count != 2 || begin < 0 || end < begin)
		return fail(err, source, entry, "has wrong data_offsets");
	if ((uint64_t)end > room)
		return eg_fail(err, EG_ERR_FORMAT,
			"'%.300s' is cut off: tensor '%.100s' ends at byte %lld of the data, the file has %zu", source,
			entry->key, (long long)end, room);
	if ((uint64_t)(end - begin) != t->bytes)
		return fail(err, source, entry, "has data_offsets that do not agree with its shape");
	t->data = data + begin;
	return EG_OK;
}

/* By place, then by size (empty ones first), then by name. */
static int by_place(const void *x, const void *y) {
	const eg_st_tensor *a = x, *b = y;
	const char *p = a->data, *q = b->data;
	if (p != q) return p < q ? -1 : 1;
	if (a->bytes != b->bytes) return a->bytes < b->bytes ? -1 : 1;
	return strcmp(a->name, b->name);
}

static eg_status read_tensors(
	const eg_tree *root, const char *data, size_t room, const char *source, eg_st_file *f, eg_error *err) {
	f->tensors = eg_arena_alloc(&f->arena, ((size_t)root->count + 1) * sizeof *f->tensors);
	if (!f->tensors) return eg_fail(err, EG_ERR_MEMORY, "out of memory for '%.300s'", source);
	for (const eg_tree *t = root->first; t; t = t->next) {
		if (!strcmp(t->key, "__metadata__")) continue;
		eg_status status = read_tensor(t, data, room, source, &f->tensors[f->n], err);
		if (status) return status;
		f->n++;
	}
	if (f->n > 0) qsort(f->tensors, (size_t)f->n, sizeof *f->tensors, by_place);
	const char *at = data;
	for (int i = 0; i < f->n; i++) {
		const char *p = f->tensors[i].data;
		if (p != at)
			return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: %s before tensor '%.100s'", source,
				p < at ? "data used twice" : "a gap in the data", f->tensors[i].name);
		at = p + f->tensors[i].bytes;
	}
	if (at != data + room)
		return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: %zu bytes at its end belong to no tensor",
			source, (size_t)(data + room - at));
	return EG_OK;
}

static eg_status read_texts(const eg_tree *root, const char *source, eg_st_file *f, eg_error *err) {
	f->texts = eg_tree_get(root, "__metadata__");
	if (!f->texts) return EG_OK;
	if (f->texts->kind != EG_TREE_MAP)
		return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: __metadata__ is not a map", source);
	for (const eg_tree *t = f->texts->first; t; t = t->next)
		if (t->kind != EG_TREE_SCALAR || !t->quoted)
			return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: __metadata__ '%.100s' is not a text",
				source, t->key);
	return EG_OK;
}

eg_status eg_st_parse(const char *bytes, size_t size, const char *source, eg_st_file *f, eg_error *err) {
	char place[400];
	eg_tree *root = NULL;
	uint64_t header = size < 8 ? 0 : little((const unsigned char *)bytes, 8);
	if (size < 10 || header < 2 || bytes[8] != '{')
		return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is not a safetensors file%s", source,
			size == 0 ? ": it is empty" : "");
	if (header > MAX_HEADER)
		return eg_fail(err, EG_ERR_FORMAT, "'%.300s' claims a header of %llu bytes; at most %d are read",
			source, (unsigned long long)header, MAX_HEADER);
	if (header > size - 8)
		return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is cut off: its header needs %llu bytes, %zu are there",
			source, (unsigned long long)header, size - 8);
	snprintf(place, sizeof place, "'%.300s' is damaged: header", source);
	eg_status status = eg_json_parse(&f->arena, bytes + 8, (size_t)header, place, &root, err);
	if (status) return status;
	if (root->kind != EG_TREE_MAP) return eg_fail(err, EG_ERR_FORMAT, "%s is not a map", place);
	status = read_texts(root, source, f, err);
	return status ? status : read_tensors(root, bytes + 8 + header, size - 8 - (size_t)header, source, f, err);
}

eg_status eg_st_load(const char *path, eg_st_file *f, eg_error *err) {
	eg_status status = eg_file_read(NULL, path, 0, &f->bytes, &f->size, err);
	return status ? status : eg_st_parse(f->bytes, f->size, path, f, err);
}

void eg_st_free(eg_st_file *f) {
	eg_arena_free(&f->arena);
	eg_release(NULL, f->bytes);
	*f = (eg_st_file){0};
}

const eg_st_tensor *eg_st_find(const eg_st_file *f, const char *name) {
	for (int i = 0; i < f->n; i++)
		if (!strcmp(f->tensors[i].name, name)) return &f->tensors[i];
	return NULL;
}

const char *eg_st_text_of(const eg_st_file *f, const char *key) {
	const eg_tree *t = eg_tree_get(f->texts, key);
	return t ? t->text : NULL;
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */

static double from_bits(uint64_t bits, eg_st_dtype type) {
	uint32_t b32 = (uint32_t)bits;
	float f;
	double d;
	switch (type) {
	case EG_ST_F64: memcpy(&d, &bits, sizeof d); return d;
	case EG_ST_BF16: b32 <<= 16; break;
	case EG_ST_F16: { /* sign, 5 bits of exponent, 10 of fraction */
		int exponent = (int)(b32 >> 10 & 31);
		double fraction = (double)(b32 & 1023);
		d = exponent == 31 ? (fraction > 0 ? (double)NAN : (double)INFINITY)
		    : exponent     ? ldexp(1024 + fraction, exponent - 25)
				   : ldexp(fraction, -24);
		return b32 >> 15 & 1 ? -d : d;
	}
	default: break;
	}
	memcpy(&f, &b32, sizeof f);
	return (double)f;
}

bool eg_st_to_real(const eg_st_tensor *t, real *out, int64_t *odd) {
	const unsigned char *p = t->data;
	size_t size = types[t->dtype].size, n = t->bytes / size;
	int64_t bad = 0;
	if (t->dtype != EG_ST_F64 && t->dtype != EG_ST_F32 && t->dtype != EG_ST_F16 && t->dtype != EG_ST_BF16)
		return false;
	for (size_t i = 0; i < n; i++) {
		out[i] = (real)from_bits(little(p + i * size, (int)size), t->dtype);
		bad += !isfinite(out[i]);
	}
	if (odd) *odd = bad;
	return true;
}

bool eg_st_to_i32(const eg_st_tensor *t, int32_t *out) {
	const unsigned char *p = t->data;
	size_t size = types[t->dtype].size, n = t->bytes / size;
	if (t->dtype != EG_ST_I64 && t->dtype != EG_ST_I32 && t->dtype != EG_ST_U8) return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = little(p + i * size, (int)size);
		int64_t v = t->dtype == EG_ST_I32 ? (int32_t)(uint32_t)bits : (int64_t)bits;
		if (v < INT32_MIN || v > INT32_MAX) return false;
		out[i] = (int32_t)v;
	}
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Large elements first, so that all are aligned; then by name, so that the order given does not matter. */
static int by_type(const void *x, const void *y) {
	const eg_st_tensor *a = x, *b = y;
	if (types[a->dtype].size != types[b->dtype].size) return types[a->dtype].size > types[b->dtype].size ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int by_key(const void *x, const void *y) {
	const eg_st_text *a = x, *b = y;
	return strcmp(a->key, b->key);
}

static eg_status header_text(eg_arena *arena, eg_st_text *texts, int ntexts, eg_st_tensor *tensors, int n,
	const char **text, eg_error *err) {
	eg_tree_builder b = {arena, NULL, false};
	eg_tree *root = eg_tree_new(&b, EG_TREE_MAP), *map = ntexts ? eg_tree_map(&b, root, "__metadata__") : NULL;
	size_t at = 0;
	for (int i = 0; i < ntexts; i++) eg_tree_string(&b, map, texts[i].key, texts[i].value);
	for (int i = 0; i < n; i++) {
		const eg_st_tensor *t = &tensors[i];
		map = eg_tree_map(&b, root, t->name);
		eg_tree_string(&b, map, "dtype", types[t->dtype].name);
		eg_tree *list = eg_tree_list(&b, map, "shape");
		for (int k = 0; k < t->dims.rank; k++) eg_tree_put_int(&b, list, NULL, t->dims.d[k]);
		list = eg_tree_list(&b, map, "data_offsets");
		eg_tree_put_int(&b, list, NULL, (int64_t)at);
		eg_tree_put_int(&b, list, NULL, (int64_t)(at += t->bytes));
	}
	return b.failed ? eg_fail(err, EG_ERR_MEMORY, "out of memory for a file header")
			: eg_json_write(arena, root, 0, text, err);
}

/* Elements of `size` bytes, least significant byte first. */
static void put_little(eg_writer *w, const void *data, size_t bytes, size_t size) {
	const uint16_t one = 1;
	const unsigned char *p = data;
	unsigned char swapped[8];
	if (*(const unsigned char *)&one == 1 || size == 1) {
		eg_writer_put(w, data, bytes);
		return;
	}
	for (size_t at = 0; at < bytes; at += size) {
		for (size_t i = 0; i < size; i++) swapped[i] = p[at + size - 1 - i];
		eg_writer_put(w, swapped, size);
	}
}

static eg_status write_file(const char *path, const char *header, const eg_st_tensor *tensors, int n, eg_error *err) {
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (!w) return err ? err->status : EG_ERR_IO;
	uint64_t length = strlen(header), padded = (length + 7) & ~(uint64_t)7;
	put_little(w, &padded, sizeof padded, sizeof padded);
	eg_writer_put(w, header, (size_t)length);
	eg_writer_put(w, "       ", (size_t)(padded - length));
	for (int i = 0; i < n; i++) put_little(w, tensors[i].data, tensors[i].bytes, types[tensors[i].dtype].size);
	return eg_writer_commit(w, err);
}

eg_status eg_st_write(
	const char *path, const eg_st_text *texts, int ntexts, const eg_st_tensor *tensors, int n, eg_error *err) {
	eg_arena arena = {0};
	const char *header = NULL;
	eg_st_tensor *sorted = eg_arena_alloc(&arena, ((size_t)n + 1) * sizeof *sorted);
	eg_st_text *keys = eg_arena_alloc(&arena, ((size_t)ntexts + 1) * sizeof *keys);
	eg_status status = sorted && keys ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for '%.300s'", path);
	for (int i = 0; i < n && !status; i++) {
		sorted[i] = tensors[i];
		if (!byte_count(&sorted[i].dims, sorted[i].dtype, &sorted[i].bytes))
			status = eg_fail(err, EG_ERR_ARG, "tensor '%s' is too large", sorted[i].name);
	}
	if (!status) {
		if (ntexts) memcpy(keys, texts, (size_t)ntexts * sizeof *keys);
		if (ntexts) qsort(keys, (size_t)ntexts, sizeof *keys, by_key);
		if (n) qsort(sorted, (size_t)n, sizeof *sorted, by_type);
		status = header_text(&arena, keys, ntexts, sorted, n, &header, err);
	}
	if (!status && strlen(header) > MAX_HEADER) /* it could not be read again */
		status = eg_fail(err, EG_ERR_ARG, "'%.300s': a header of %zu bytes; at most %d are read", path,
			strlen(header), MAX_HEADER);
	if (!status) status = write_file(path, header, sorted, n, err);
	eg_arena_free(&arena);
	return status;
}
