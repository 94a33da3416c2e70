/* vectors_files.c - the files that the comparison with other systems reads: safetensors cases and IDX pictures. A
 * reader of its own, so that the library's reader is not its own judge. */
#include "vectors.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEADER_MOST = 1 << 20, FILE_MOST = 1 << 28 };

static char *read_all(const char *path, size_t *size) {
	FILE *file = fopen(path, "rb");
	if (!file) return NULL;
	char *data = NULL;
	long n = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
	if (n >= 8 && n < FILE_MOST && !fseek(file, 0, SEEK_SET)) data = malloc((size_t)n);
	if (data && fread(data, 1, (size_t)n, file) != (size_t)n) {
		free(data);
		data = NULL;
	}
	fclose(file);
	*size = data ? (size_t)n : 0;
	return data;
}

/* The numbers of type `dtype` at `raw` as double. */
static bool widen(double *to, int64_t n, const char *dtype, const char *raw) {
	for (int64_t i = 0; i < n; i++) {
		if (!strcmp(dtype, "F32")) {
			float v;
			memcpy(&v, raw + 4 * i, sizeof v);
			to[i] = (double)v;
		} else if (!strcmp(dtype, "I64")) {
			int64_t v;
			memcpy(&v, raw + 8 * i, sizeof v);
			to[i] = (double)v;
		} else if (!strcmp(dtype, "U8")) {
			to[i] = (double)(unsigned char)raw[i];
		} else {
			return false;
		}
	}
	return true;
}

static bool read_tensor(vec_tensor *t, const char *name, json_t *entry, const char *blob, size_t size) {
	const char *dtype = json_string_value(json_object_get(entry, "dtype"));
	json_t *shape = json_object_get(entry, "shape"), *place = json_object_get(entry, "data_offsets");
	if (!dtype || !json_is_array(shape) || json_array_size(shape) > EG_MAX_DIMS) return false;
	*t = (vec_tensor){.name = name, .integer = dtype[0] != 'F', .rank = (int)json_array_size(shape), .count = 1};
	for (int i = 0; i < t->rank; i++) {
		t->d[i] = json_integer_value(json_array_get(shape, (size_t)i));
		if (t->d[i] < 0 || t->d[i] > FILE_MOST) return false;
		t->count *= t->d[i];
	}
	json_int_t begin = json_integer_value(json_array_get(place, 0)),
	           end = json_integer_value(json_array_get(place, 1));
	int64_t bytes = t->count * (!strcmp(dtype, "I64") ? 8 : !strcmp(dtype, "U8") ? 1 : 4);
	if (begin < 0 || end < begin || (size_t)end > size || end - begin != bytes) return false;
	t->x = malloc(((size_t)t->count + 1) * sizeof *t->x);
	return t->x && widen(t->x, t->count, dtype, blob + begin);
}

bool vec_read(vec_file *f, const char *path, char *why, size_t room) {
	size_t size;
	char *data = read_all(path, &size);
	*f = (vec_file){0};
	snprintf(why, room, "not a safetensors file that can be read");
	if (!data) return false;
	uint64_t head;
	memcpy(&head, data, sizeof head);
	if (head <= HEADER_MOST && head + 8 <= size) f->header = json_loadb(data + 8, (size_t)head, 0, NULL);
	json_t *meta = json_object_get(f->header, "__metadata__"), *entry;
	f->op = json_string_value(json_object_get(meta, "op"));
	const char *attrs = json_string_value(json_object_get(meta, "attrs")), *name;
	if (attrs) f->attrs = json_loads(attrs, 0, NULL);
	bool ok = f->op && (!attrs || f->attrs);
	json_object_foreach(f->header, name, entry) {
		if (!ok || !strcmp(name, "__metadata__")) continue;
		ok = f->count < VECTOR_TENSORS &&
		     read_tensor(&f->tensor[f->count++], name, entry, data + 8 + head, size - 8 - (size_t)head);
		if (!ok)
			snprintf(why, room, "tensor '%s' is damaged, or of a type or size that is not read here", name);
	}
	free(data);
	if (!ok) vec_free(f);
	return ok;
}

void vec_free(vec_file *f) {
	for (int i = 0; i < f->count; i++) free(f->tensor[i].x);
	json_decref(f->header);
	json_decref(f->attrs);
	*f = (vec_file){0};
}

const vec_tensor *vec_find(const vec_file *f, const char *name) {
	for (int i = 0; i < f->count; i++)
		if (!strcmp(f->tensor[i].name, name)) return &f->tensor[i];
	return NULL;
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

static bool read_idx(const char *folder, const char *name, unsigned head, unsigned char *to, unsigned bytes) {
	char path[1024], skipped[16];
	gzFile file = NULL;
	for (int zipped = 1; zipped >= 0 && !file; zipped--) {
		snprintf(path, sizeof path, "%s/%s%s", folder, name, zipped ? ".gz" : "");
		file = gzopen(path, "rb"); /* reads plain files too */
	}
	if (!file) return false;
	bool ok = gzread(file, skipped, head) == (int)head && gzread(file, to, bytes) == (int)bytes;
	gzclose(file);
	return ok;
}

bool vec_pictures(unsigned char *pictures, unsigned char *labels, int n) {
	char own[900];
	const char *env = getenv("ENGRAM_DATA"), *folders[] = {own, "/usr/share/datasets/fashion-mnist"};
	snprintf(own, sizeof own, "%s/fashion-mnist", env ? env : ".");
	for (int i = env ? 0 : 1; i < 2; i++)
		if (read_idx(folders[i], "train-images-idx3-ubyte", 16, pictures, 784 * (unsigned)n) &&
		        read_idx(folders[i], "train-labels-idx1-ubyte", 8, labels, (unsigned)n))
			return true;
	return false;
}
