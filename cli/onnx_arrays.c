/* onnx_arrays.c - arrays of numbers as the inputs of a network: from NumPy's files, tables, and JSON. What a file holds
 * is converted to the type that the input has. */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include "onnx.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 30 };

void onnx_arrays_clear(onnx_arrays *a) {
	for (int i = 0; i < a->n; i++) free(a->owned[i]);
	free(a->owned);
	free(a->at);
	a->owned = NULL;
	a->at = NULL;
	a->n = 0;
}

static size_t count(const eg_dims *d) {
	size_t n = 1;
	for (int i = 0; i < d->rank; i++) n *= (size_t)d->d[i];
	return n;
}

static void put(eg_dtype type, void *to, size_t i, double v) {
	switch (type) {
	case EG_F32: ((eg_real *)to)[i] = (eg_real)v; break;
	case EG_F64: ((double *)to)[i] = v; break;
	case EG_I32: ((int32_t *)to)[i] = (int32_t)v; break;
	case EG_I64: ((int64_t *)to)[i] = (int64_t)v; break;
	case EG_U8: ((uint8_t *)to)[i] = (uint8_t)v; break;
	case EG_BOOL: ((uint8_t *)to)[i] = v != 0; break;
	case EG_F16:
	case EG_BF16: break; /* refused before */
	}
}

/* What whole numbers of a type may be; of the longest what a real number holds exactly. */
static void range_of(eg_onnx_type type, double *least, double *most) {
	switch (type) {
	case EG_ONNX_INT8: *least = INT8_MIN, *most = INT8_MAX; break;
	case EG_ONNX_UINT8: *least = 0, *most = UINT8_MAX; break;
	case EG_ONNX_INT16: *least = INT16_MIN, *most = INT16_MAX; break;
	case EG_ONNX_UINT16: *least = 0, *most = UINT16_MAX; break;
	case EG_ONNX_INT32: *least = INT32_MIN, *most = INT32_MAX; break;
	case EG_ONNX_UINT32: *least = 0, *most = UINT32_MAX; break;
	default: *most = 9e15, *least = type == EG_ONNX_UINT64 ? 0 : -9e15; break;
	}
}

/* The numbers v, of input `name`, which are freed. */
static bool add(onnx_arrays *a, const char *verb, const char *name, eg_dims dims, double *v) {
	eg_dtype type = EG_F32;
	const eg_onnx_model *m = eg_network_model(a->of);
	const char *known = NULL;
	double least = 0, most = 0;
	for (int i = 0; i < m->ninputs; i++)
		if (!strcmp(m->inputs[i].name, name)) known = m->inputs[i].name, range_of(m->inputs[i].type, &least, &most);
	bool ok = known && eg_network_type(a->of, name, &type) && type != EG_F16 && type != EG_BF16, twice = false;
	for (int i = 0; i < a->n; i++) twice |= !strcmp(a->at[i].name, name);
	ok = ok && !twice;
	if (twice) fail(verb, "input '%s' is given twice", text_shown(name));
	else if (!known) fail(verb, "the network has no input '%s'; its first is '%s'", text_shown(name), m->ninputs ? text_shown(m->inputs[0].name) : "");
	else if (!ok) fail(verb, "input '%s' is of a type that cannot be given here", text_shown(name));
	const size_t n = count(&dims);
	for (size_t i = 0; i < n && ok; i++) {
		const bool whole = type == EG_I32 || type == EG_I64 || type == EG_U8;
		ok = !whole || (v[i] >= least && v[i] <= most && floor(v[i]) == v[i]);
		if (!ok) fail(verb, "input '%s' takes whole numbers; %g is none that fits", text_shown(name), v[i]);
	}
	if (ok) {
		eg_network_array *at = cli_alloc((size_t)(a->n + 1) * sizeof *at);
		void **owned = cli_alloc((size_t)(a->n + 1) * sizeof *owned);
		if (a->n) memcpy(at, a->at, (size_t)a->n * sizeof *at), memcpy(owned, a->owned, (size_t)a->n * sizeof *owned);
		free(a->at), free(a->owned);
		a->at = at, a->owned = owned;
		owned[a->n] = cli_alloc(n * eg_dtype_size(type) + 1);
		for (size_t i = 0; i < n; i++) put(type, owned[a->n], i, v[i]);
		at[a->n] = (eg_network_array){known, dims, owned[a->n], type};
		a->n++;
	}
	free(v);
	return ok;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char *slurp(const char *verb, const char *path, size_t *size) {
	FILE *f = fopen(path, "rb");
	char *data = f ? cli_slurp(fileno(f), MOST_BYTES, size) : NULL;
	const int reason = errno;
	if (f) fclose(f);
	if (!data) fail(verb, "cannot read %s: %s", path, strerror(reason));
	return data;
}

static bool wrong(const char *verb, const char *path, const char *why) { return fail(verb, "%s: %s", path, why), false; }

static double element(char kind, int size, const char *p) {
	union { float f; double d; int8_t i8; uint8_t u8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32; int64_t i64; uint64_t u64; } v = {0};
	memcpy(&v, p, (size_t)size);
	if (kind == 'f') return size == 4 ? (double)v.f : v.d;
	if (kind == 'i') return size == 1 ? v.i8 : size == 2 ? v.i16 : size == 4 ? v.i32 : (double)v.i64;
	return size == 1 ? v.u8 : size == 2 ? v.u16 : size == 4 ? v.u32 : (double)v.u64;
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } */
static bool npy_header(const char *text, char *kind, int *size, eg_dims *dims) {
	const char *descr = strstr(text, "'descr':"), *shape = strstr(text, "'shape':"), *order = strstr(text, "'fortran_order': False");
	char *behind;
	*dims = (eg_dims){0};
	if (!descr || !shape || !order || strlen(descr) < 13) return false;
	const char little = descr[10]; /* behind "'descr': '" */
	*kind = descr[11];
	*size = (int)strtol(descr + 12, &behind, 10);
	if (*behind != '\'') return false;
	if ((little != '<' && little != '|') || !strchr("fiub", *kind) || (*size != 1 && *size != 2 && *size != 4 && *size != 8)) return false;
	if (*kind == 'f' && *size < 4) return false;
	const char *at = strchr(shape, '(');
	for (at = at ? at + 1 : NULL; at && dims->rank < EG_MAX_DIMS;) {
		char *end;
		const long long d = strtoll(at, &end, 10);
		if (end == at) break;
		if (d < 1 || d > INT32_MAX) return false;
		dims->d[dims->rank++] = d;
		at = end + strspn(end, ", ");
	}
	return at && *at == ')';
}

static bool read_npy(onnx_arrays *a, const char *verb, const char *name, const char *path) {
	size_t size;
	char *data = slurp(verb, path, &size), kind;
	int each;
	eg_dims dims;
	if (!data) return false;
	const bool is = size > 12 && !memcmp(data, "\x93NUMPY", 6) && (data[6] == 1 || data[6] == 2);
	const size_t begin = !is ? 0 : data[6] == 1 ? 10 : 12, length = is ? (unsigned char)data[8] + 256u * (unsigned char)data[9] : 0;
	char *text = is && begin + length <= size ? cli_alloc(length + 1) : NULL;
	if (text) memcpy(text, data + begin, length);
	bool ok = text && npy_header(text, &kind, &each, &dims);
	size_t n = 1;
	for (int i = 0; ok && i < dims.rank; i++) ok = n <= MOST_BYTES / (size_t)dims.d[i], n *= (size_t)dims.d[i];
	ok = ok && size - begin - length == n * (size_t)each;
	double *v = ok ? cli_alloc(n * sizeof *v) : NULL;
	for (size_t i = 0; i < n && ok; i++) v[i] = element(kind, each, data + begin + length + i * (size_t)each);
	free(text);
	free(data);
	return ok ? add(a, verb, name, dims, v) : wrong(verb, path, "no file of NumPy with numbers in C's order, or damaged");
}

/* Rows of numbers between commas, all of one length. */
static bool read_csv(onnx_arrays *a, const char *verb, const char *name, const char *path) {
	size_t size, room = 0, n = 0;
	char *data = slurp(verb, path, &size);
	double *v = NULL;
	int64_t rows = 0, columns = 0;
	bool ok = data;
	char *text = cli_alloc(data ? size + 1 : 1);
	if (data) memcpy(text, data, size);
	ok = ok && strlen(text) == size;
	for (char *line = text; ok && *line; rows++) {
		int64_t here = 0;
		for (bool more = true; more && ok; here++) {
			char *end;
			line += strspn(line, " \t");
			if (n == room) {
				double *bigger = cli_alloc((room = 2 * room + 256) * sizeof *bigger);
				if (n) memcpy(bigger, v, n * sizeof *v);
				free(v), v = bigger;
			}
			v[n++] = strtod(line, &end);
			ok = end > line && *line != '\n'; /* strtod would go on in the next row */
			end += strspn(end, " \t\r");
			more = *end == ',';
			line = end + more;
			ok = ok && (more || !*end || *end == '\n');
		}
		line += *line == '\n';
		ok = ok && (!rows || here == columns);
		columns = here;
	}
	free(text);
	free(data);
	if (ok && n) return add(a, verb, name, EG_DIMS(rows, columns), v);
	free(v);
	return wrong(verb, path, "it must hold rows of numbers with commas between them, all of one length");
}

bool onnx_read_array(onnx_arrays *a, const char *verb, const char *name, const char *path) {
	const char *dot = strrchr(path, '.');
	if (dot && !strcmp(dot, ".csv")) return read_csv(a, verb, name, path);
	return read_npy(a, verb, name, path);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* The shape that nested lists have by their first elements. */
static eg_dims shape_of(const eg_value *v) {
	eg_dims d = {0};
	for (; eg_value_kind_of(v) == EG_VALUE_LIST && d.rank < EG_MAX_DIMS; v = eg_value_first(v)) d.d[d.rank++] = eg_value_count(v);
	return d;
}

static bool flatten(const eg_value *v, const eg_dims *d, int depth, double **to) {
	if (depth == d->rank) {
		const bool number = eg_value_kind_of(v) == EG_VALUE_NUMBER || eg_value_kind_of(v) == EG_VALUE_INT || eg_value_kind_of(v) == EG_VALUE_BOOL;
		*(*to)++ = eg_value_kind_of(v) == EG_VALUE_BOOL ? eg_value_bool(v, false) : eg_value_number(v, 0);
		return number;
	}
	if (eg_value_kind_of(v) != EG_VALUE_LIST || eg_value_count(v) != d->d[depth] || !d->d[depth]) return false;
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c))
		if (!flatten(c, d, depth + 1, to)) return false;
	return true;
}

/* most: numbers that the text has room for. */
static bool add_value(onnx_arrays *a, const char *verb, const char *name, const eg_value *v, size_t most, const char *where) {
	const eg_dims d = shape_of(v);
	size_t n = 1;
	bool possible = true;
	for (int i = 0; i < d.rank && possible; i++) n *= (size_t)d.d[i], possible = n && n <= most;
	double *numbers = cli_alloc((possible ? n + 1 : 1) * sizeof *numbers), *end = numbers;
	if (possible && flatten(v, &d, 0, &end)) return add(a, verb, name, d, numbers);
	free(numbers);
	return fail(verb, "%s: '%s' must be lists of numbers, those of one depth of one length", where, text_shown(name)), false;
}

bool onnx_read_json(onnx_arrays *a, const char *verb, const char *text, size_t size, const char *where) {
	eg_error err;
	eg_value *v;
	bool ok = true;
	const eg_onnx_model *m = eg_network_model(a->of);
	if (eg_value_parse(text, size, where, &v, &err)) return fail_error(verb, &err), false;
	if (eg_value_kind_of(v) == EG_VALUE_LIST && m->ninputs == 1) {
		ok = add_value(a, verb, m->inputs[0].name, v, size, where);
	} else if (eg_value_kind_of(v) == EG_VALUE_MAP) {
		for (const eg_value *c = eg_value_first(v); c && ok; c = eg_value_next(c)) ok = add_value(a, verb, eg_value_key(c), c, size, where);
	} else {
		ok = false;
		fail(verb, "%s: a map of the inputs by their names is needed", where);
	}
	eg_value_free(v);
	return ok;
}
