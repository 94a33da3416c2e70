/* listing.c - what is in a folder, in an order that does not depend on the system: names are sorted by their bytes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool eg_is_folder(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_picture(const char *name) {
	static const char *const endings[] = {".png", ".jpg", ".jpeg", ".pgm", ".ppm"};
	const char *ending = strrchr(name, '.');
	for (int i = 0; ending && i < EG_COUNT(endings); i++)
		if (strcasecmp(ending, endings[i]) == 0) return true;
	return false;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static eg_status add_name(eg_arena *arena, eg_names *out, const char *folder, const char *name, eg_error *err) {
	char *copy = eg_arena_strdup(arena, name);
	if (!copy || !eg_grow(arena->allocator, &out->at, &out->cap, out->n, sizeof *out->at))
		return eg_fail(err, EG_ERR_MEMORY, "cannot list '%s': out of memory", folder);
	out->at[out->n++] = copy;
	return EG_OK;
}

static eg_status read_names(
        eg_arena *arena, DIR *dir, const char *folder, eg_listed what, eg_names *out, eg_error *err) {
	eg_status status = EG_OK;
	while (!status) {
		char path[EG_PATH];
		errno = 0;
		struct dirent *e = readdir(dir);
		if (!e && errno) return eg_fail(err, EG_ERR_IO, "cannot list '%s': %s", folder, strerror(errno));
		if (!e) break;
		if (e->d_name[0] == '.') continue;
		if (what == EG_LIST_FOLDERS) status = eg_join(path, folder, e->d_name, "", err);
		if (status) break;
		if (what == EG_LIST_FOLDERS ? eg_is_folder(path) : is_picture(e->d_name))
			status = add_name(arena, out, folder, e->d_name, err);
		else
			out->others++;
	}
	return status;
}

eg_status eg_list(eg_arena *arena, const char *folder, eg_listed what, eg_names *out, eg_error *err) {
	DIR *dir = opendir(folder);
	if (!dir) return eg_fail(err, EG_ERR_IO, "cannot list '%s': %s", folder, strerror(errno));
	eg_status status = read_names(arena, dir, folder, what, out, err);
	closedir(dir);
	if (out->n > 1) qsort(out->at, (size_t)out->n, sizeof *out->at, by_bytes);
	return status;
}
