/* cache.c - what floors reached, kept in the user's cache: a small JSON file for each data set, split and units,
 * called by the fingerprint of all that it depends on.
 *
 *   {"floors 1": {"train": 1234, "kneser-ney": {"version": 1, "settings": {"n": 6}, "seconds": 4, "metrics": {...}}}}
 *
 * What cannot be read, or is of another version of the floor, counts as not there, and is written anew. Nothing
 * here is a reason to fail: without a place to write, results are only not kept. */
#include "floors/floors.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 20 };
static const char format[] = "floors 1";

/* {"floors 1": {...}} of the file, or NULL. */
static eg_value *read_file(const char *path, uint64_t train) {
	char *data = NULL;
	size_t size = 0;
	eg_value *root = NULL;
	if (eg_file_read_regular(NULL, path, LARGEST, &data, &size, NULL)) return NULL;
	if (eg_value_parse(data, size, path, &root, NULL)) root = NULL;
	eg_release(NULL, data);
	const eg_value *all = eg_value_get(root, format);
	int64_t learnt = eg_value_int(eg_value_get(all, "train"), 0);
	if (eg_value_kind_of(all) == EG_VALUE_MAP && (train == 0 || (uint64_t)learnt == train)) return root;
	eg_value_free(root);
	return NULL;
}

eg_status eg_floor_cache_open(eg_floor_cache *c, eg_floor_key key, eg_error *err) {
	char folder[EG_PATH], name[32];
	eg_error why = {0};
	*c = (eg_floor_cache){.key = key};
	snprintf(name, sizeof name, "%016llx", (unsigned long long)key.hash);
	eg_status status = eg_data_cache_folder("floors", folder, &why);
	if (!status) status = eg_join(c->path, folder, name, ".json", &why);
	if (status) {
		c->path[0] = '\0';
		snprintf(c->remark, sizeof c->remark, "results of floors are not kept: %.200s", why.message);
	}
	c->root = status ? NULL : read_file(c->path, key.train);
	if (c->root) return EG_OK;
	c->root = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(eg_value_put_map(c->root, format), "train", (int64_t)key.train);
	return eg_value_whole(c->root) ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
}

const eg_value *eg_floor_cache_find(const eg_floor_cache *c, const eg_floor_info *info) {
	const eg_value *v = eg_value_get(eg_value_get(c->root, format), info->name);
	bool whole = eg_value_kind_of(eg_value_get(v, "metrics")) == EG_VALUE_MAP &&
	             eg_value_kind_of(eg_value_get(v, "settings")) == EG_VALUE_MAP;
	return whole && eg_value_int(eg_value_get(v, "version"), 0) == info->version ? v : NULL;
}

static eg_status write_file(const eg_floor_cache *c, const char *text, size_t size, eg_error *err) {
	char folder[EG_PATH];
	snprintf(folder, sizeof folder, "%s", c->path);
	*strrchr(folder, '/') = '\0';
	eg_status status = eg_make_folders(folder, err);
	eg_writer *w = status ? NULL : eg_writer_new(NULL, c->path, err);
	if (!w) return status ? status : EG_ERR_IO;
	eg_writer_put(w, text, size);
	return eg_writer_commit(w, err);
}

eg_status eg_floor_cache_put(eg_floor_cache *c, const eg_floor_info *info, const eg_value *result, eg_error *err) {
	char *text = NULL;
	size_t size = 0;
	eg_error why = {0};
	if (!c->path[0]) return EG_OK;
	eg_value *root = eg_value_new(EG_VALUE_MAP), *all = eg_value_put_map(root, format);
	for (const eg_value *v = eg_value_first(eg_value_get(c->root, format)); v; v = eg_value_next(v))
		eg_value_put_copy(all, eg_value_key(v), v);
	eg_value *one = eg_value_put_map(all, info->name);
	eg_value_put_int(one, "version", info->version);
	for (const eg_value *v = eg_value_first(result); v; v = eg_value_next(v)) eg_value_put_copy(one, eg_value_key(v), v);
	eg_status status = eg_value_whole(root) ? eg_value_json(root, &text, &size, err)
	                                        : eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
	if (status) return eg_value_free(root), status;
	eg_value_free(c->root);
	c->root = root;
	if (write_file(c, text, size, &why))
		snprintf(c->remark, sizeof c->remark, "results of floors are not kept: %.200s", why.message);
	free(text);
	return EG_OK;
}

void eg_floor_cache_close(eg_floor_cache *c) { eg_value_free(c->root); }
