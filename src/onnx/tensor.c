/* tensor.c - a TensorProto as a tensor of engram_onnx.h: its numbers where they lie, in one of the message's lists, as
 * bytes, or in another file beside the model. */
#define _POSIX_C_SOURCE 200809L

#ifdef ENGRAM_HAVE_ONNX

#include "onnx/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *name_of(const Onnx__TensorProto *t) { return t->name ? t->name : ""; }

static eg_status fail(eg_onnx_reader *r, const Onnx__TensorProto *t, const char *why) {
	return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': the numbers '%.100s' %s", r->source, name_of(t), why);
}

static eg_status no_memory(eg_onnx_reader *r, const Onnx__TensorProto *t, size_t bytes) {
	return eg_fail(r->err, EG_ERR_MEMORY, "'%.300s': out of memory for %zu bytes of '%.100s'", r->source, bytes, name_of(t));
}

/* ---- numbers in other files -------------------------------------------------------------------------------------- */

/* A name of a file in the same folder and nothing else. */
static bool plain_name(const char *s) { return *s && *s != '.' && !strchr(s, '/') && !strchr(s, '\\'); }

static bool whole_number(const char *s, uint64_t *v) {
	char *end;
	errno = 0;
	*v = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno;
}

/* Memory is taken when the file is known to have so many bytes. */
static eg_status read_part(eg_onnx_reader *r, const Onnx__TensorProto *t, const char *path, uint64_t offset, size_t bytes, const void **to) {
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat s;
	if (file < 0)
		return eg_fail(r->err, EG_ERR_IO, "'%.300s': the numbers '%.100s' are in the file '%.300s': %s", r->source, name_of(t), path,
			errno == ELOOP ? "it is a link, which is not followed" : strerror(errno));
	eg_status status = EG_OK;
	if (fstat(file, &s) || !S_ISREG(s.st_mode)) status = fail(r, t, "are in something that is no plain file");
	else if (offset > (uint64_t)s.st_size || bytes > (uint64_t)s.st_size - offset) status = fail(r, t, "end behind the end of the file that they are in");
	char *v = status ? NULL : eg_arena_alloc(r->arena, bytes + 1);
	if (!status && !v) status = no_memory(r, t, bytes);
	*to = v;
	for (size_t at = 0; !status && at < bytes;) {
		const ssize_t n = pread(file, v + at, bytes - at, (off_t)(offset + at));
		if (n > 0) at += (size_t)n;
		else if (n == 0 || errno != EINTR) status = fail(r, t, "cannot be read from their file");
	}
	close(file);
	return status;
}

static eg_status external(eg_onnx_reader *r, const Onnx__TensorProto *t, size_t bytes, eg_onnx_tensor *to) {
	const char *location = NULL;
	uint64_t offset = 0, length = bytes;
	for (size_t i = 0; i < t->n_external_data; i++) {
		const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
		if (!key || !value) return fail(r, t, "are in a file of which something is missing");
		uint64_t *place = !strcmp(key, "offset") ? &offset : !strcmp(key, "length") ? &length : NULL;
		if (!strcmp(key, "location")) location = value;
		else if (place ? !whole_number(value, place) : strcmp(key, "checksum") != 0)
			return fail(r, t, "are in a file, at a place that is no number");
	}
	if (!r->folder) return fail(r, t, "are in another file, which this model may not have");
	if (!location || !plain_name(location)) return fail(r, t, "are in a file that is not named by a plain name in the model's own folder");
	if (length != bytes) return fail(r, t, "have another length in their file than their shape has");
	const char *path = eg_arena_printf(r->arena, "%s/%s", r->folder, location);
	return path ? read_part(r, t, path, offset, bytes, &to->data) : no_memory(r, t, bytes);
}

/* ---- numbers in the message -------------------------------------------------------------------------------------- */

/* Small integers and halves lie in a list of 32 bits each, of which the lowest count. */
static void narrow(const int32_t *from, size_t n, size_t size, void *to) {
	/* little-endian, as eg_onnx_read_tensor demands */
	for (size_t i = 0; i < n && from; i++) memcpy((char *)to + i * size, &from[i], size);
}

/* The list of the message that this type's numbers are in, and how many there are; *bits: of each of them. */
static const void *list_of(const Onnx__TensorProto *t, size_t *n, size_t *size) {
	switch (t->data_type) {
	case EG_ONNX_FLOAT: *n = t->n_float_data; *size = 4; return t->float_data;
	case EG_ONNX_DOUBLE: *n = t->n_double_data; *size = 8; return t->double_data;
	case EG_ONNX_INT64: *n = t->n_int64_data; *size = 8; return t->int64_data;
	case EG_ONNX_UINT32: case EG_ONNX_UINT64: *n = t->n_uint64_data; *size = 8; return t->uint64_data;
	default: *n = t->n_int32_data; *size = 4; return t->int32_data;
	}
}

static eg_status texts(eg_onnx_reader *r, const Onnx__TensorProto *t, size_t n, eg_onnx_tensor *to) {
	if (t->n_string_data != n) return fail(r, t, "are not as many as their shape says");
	const char **v = eg_arena_alloc(r->arena, (n + 1) * sizeof *v);
	for (size_t i = 0; i < n && v; i++) {
		char *s = eg_arena_alloc(r->arena, t->string_data[i].len + 1);
		if (!s) v = NULL;
		else if (t->string_data[i].len) memcpy(s, t->string_data[i].data, t->string_data[i].len);
		if (v) v[i] = s;
	}
	to->data = v;
	return v ? EG_OK : no_memory(r, t, (n + 1) * sizeof *v);
}

static eg_status listed(eg_onnx_reader *r, const Onnx__TensorProto *t, size_t count, size_t elem, eg_onnx_tensor *to) {
	size_t n, size;
	const void *list = list_of(t, &n, &size);
	if (n != count) return fail(r, t, "are not as many as their shape says");
	to->data = list ? list : "";
	if (size == elem || !count || !list) return EG_OK;
	void *v = eg_arena_alloc(r->arena, count * elem);
	if (!v) return no_memory(r, t, count * elem);
	if (size == 4) narrow(list, count, elem, v);
	else for (size_t i = 0; i < count; i++) memcpy((char *)v + i * elem, (const char *)list + i * size, elem);
	to->data = v;
	return EG_OK;
}

/* How many numbers the shape has; false: none of this world. */
static bool count_of(const Onnx__TensorProto *t, size_t elem, size_t *count) {
	size_t n = 1;
	bool zero = false;
	for (size_t i = 0; i < t->n_dims; i++) {
		if (t->dims[i] < 0) return false;
		if (t->dims[i] == 0) zero = true;
		else if (n > (size_t)INT64_MAX / 16 / (size_t)t->dims[i]) return false;
		else n *= (size_t)t->dims[i];
	}
	*count = zero ? 0 : n;
	return n <= (size_t)INT64_MAX / 16 / (elem ? elem : 1);
}

eg_status eg_onnx_read_tensor(eg_onnx_reader *r, const Onnx__TensorProto *t, eg_onnx_tensor *to) {
	static const uint16_t one = 1;
	const size_t elem = eg_onnx_type_size((eg_onnx_type)t->data_type);
	size_t count;
	*to = (eg_onnx_tensor){.name = name_of(t), .type = (eg_onnx_type)t->data_type, .rank = (int)t->n_dims, .dims = t->dims};
	if (!*(const unsigned char *)&one) return fail(r, t, "are little-endian, and this machine is not");
	if (!elem && t->data_type != EG_ONNX_STRING)
		return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': the numbers '%.100s' are of type %d, which is not supported", r->source, name_of(t), (int)t->data_type);
	if (t->n_dims > 64 || !count_of(t, elem, &count)) return fail(r, t, "have a shape that no numbers can have");
	if (t->segment) return fail(r, t, "are cut into segments, which is not supported");
	const int ways = t->has_raw_data + !!t->n_external_data + !!(t->n_float_data + t->n_double_data + t->n_int64_data + t->n_uint64_data + t->n_int32_data + t->n_string_data);
	if (ways > 1) return fail(r, t, "are there twice");
	if (t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) return external(r, t, count * elem, to);
	if (t->n_external_data) return fail(r, t, "name a file, and do not say that they are in it");
	if (t->data_type == EG_ONNX_STRING) return texts(r, t, count, to);
	if (!t->has_raw_data) return listed(r, t, count, elem, to);
	if (t->raw_data.len != count * elem) return fail(r, t, "are not as many as their shape says");
	to->data = t->raw_data.len ? (const void *)t->raw_data.data : "";
	return EG_OK;
}

#else

typedef int eg_without_onnx; /* a file of C has something in it */

#endif
