/* get_archive.c - what is in the archive of a set, or in its folders, compared with what figures are told of; and the
 * sum of an archive of which none is known, kept beside it from the first download on.
 *
 * Not here: downloading (get.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <string.h>
#include <unistd.h>

/* ---- contents ---------------------------------------------------------------------------------------------------- */

static eg_status sum_file(const eg_files *tree, const char *path, char hex[65], int64_t *bytes, eg_error *err) {
	char *data;
	size_t size;
	eg_sha256 sum;
	eg_status status = eg_files_read(tree, NULL, path, (size_t)1 << 30, &data, &size, err);
	if (status) return status;
	eg_sha256_begin(&sum);
	eg_sha256_add(&sum, data, size);
	eg_sha256_end(&sum, hex);
	*bytes = (int64_t)size;
	eg_release(NULL, data);
	return EG_OK;
}

static eg_status check_files(
	const eg_files *tree, const char *top, const eg_data_info *info, bool *same, eg_error *err) {
	char path[EG_PATH], hex[65];
	int64_t bytes = 0;
	eg_status status = EG_OK;
	for (int i = 0; i < info->nfiles && !status; i++) {
		const eg_data_file *file = &info->files[i];
		status = eg_join(path, top, file->published ? file->published : file->name, "", err);
		if (!status && !eg_files_is_file(tree, path))
			return eg_fail(err, EG_ERR_FORMAT, "'%s' is not the archive of %s: there is no '%s'", eg_files_top(tree), info->name, path);
		if (!status) status = sum_file(tree, path, hex, &bytes, err);
		if (!status && (bytes != file->bytes || strcmp(hex, file->sha256) != 0)) *same = false;
	}
	return status;
}

/* A line of each file, as sha256sum writes it. */
static eg_status add_folder(
	const eg_files *tree, const char *top, const char *folder, eg_arena *arena, eg_sha256 *all, eg_error *err) {
	char path[EG_PATH], file[EG_PATH], hex[65];
	int64_t bytes;
	eg_names names = {0};
	eg_status status = eg_join(path, top, folder, "", err);
	if (!status && !eg_files_is_folder(tree, path))
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is not of this set: there is no folder '%s'", eg_files_top(tree), path);
	if (!status) status = eg_list(arena, tree, path, EG_LIST_FILES, &names, err);
	for (int i = 0; i < names.n && !status; i++) {
		status = eg_join(file, path, names.at[i], "", err);
		if (!status) status = sum_file(tree, file, hex, &bytes, err);
		const char *line = status ? NULL : eg_arena_printf(arena, "%s  %s/%s\n", hex, folder, names.at[i]);
		if (line) eg_sha256_add(all, line, strlen(line));
		if (!line && !status) status = eg_fail(err, EG_ERR_MEMORY, "cannot check '%s': out of memory", path);
	}
	eg_release(NULL, names.at);
	return status;
}

static eg_status check_folders(
	const eg_files *tree, const char *top, const eg_data_info *info, bool *same, eg_error *err) {
	eg_sha256 all;
	char hex[65];
	eg_arena arena = {0};
	eg_status status = EG_OK;
	eg_sha256_begin(&all);
	for (int i = 0; info->folders[i] && !status; i++) status = add_folder(tree, top, info->folders[i], &arena, &all, err);
	eg_sha256_end(&all, hex);
	eg_arena_free(&arena);
	*same = !strcmp(hex, info->archive->contents);
	return status;
}

eg_status eg_data_contents_check(const eg_data_info *info, const char *path, bool *same, eg_error *err) {
	char top[EG_PATH];
	eg_files *tree = NULL;
	*same = true;
	eg_status status = eg_files_open(path, &tree, err);
	if (!status) status = eg_files_inside(tree, info, top, err);
	if (!status) status = (info->folders ? check_folders : check_files)(tree, top, info, same, err);
	/* It will have another name, and be unpacked under that. */
	const size_t n = strlen(path);
	if (tree && eg_files_unpacked(tree) && n > 5 && !strcmp(path + n - 5, ".part")) unlink(eg_files_unpacked(tree));
	eg_files_close(tree);
	return status;
}

/* ---- the sum of the first download ------------------------------------------------------------------------------- */

bool eg_data_sum_read(const char *path, char hex[65]) {
	char file[EG_PATH], *data;
	size_t size;
	snprintf(file, sizeof file, "%s.sha256", path);
	if (eg_file_read_regular(NULL, file, 4096, &data, &size, NULL) != EG_OK) return false;
	const bool whole = strspn(data, "0123456789abcdef") == 64;
	if (whole) snprintf(hex, 65, "%.64s", data);
	eg_release(NULL, data);
	return whole;
}

eg_status eg_data_sum_write(const char *path, const char *hex, eg_error *err) {
	char file[EG_PATH], line[EG_PATH + 80];
	const char *slash = strrchr(path, '/');
	snprintf(file, sizeof file, "%s.sha256", path);
	const int n = snprintf(line, sizeof line, "%s  %s\n", hex, slash ? slash + 1 : path);
	eg_writer *w = eg_writer_new(NULL, file, err);
	if (!w) return err ? err->status : EG_ERR_IO;
	eg_writer_put(w, line, (size_t)n);
	return eg_writer_commit(w, err);
}
