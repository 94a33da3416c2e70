/* place.c - where the files of a set lie on this machine. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

eg_status eg_join(char path[EG_PATH], const char *a, const char *b, const char *suffix, eg_error *err) {
	size_t n = strlen(a);
	int made = snprintf(path, EG_PATH, "%s%s%s%s", a, n > 0 && a[n - 1] == '/' ? "" : "/", b, suffix);
	if (made >= 0 && made < EG_PATH) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "a path is longer than %d bytes: '%s/%s%s'", EG_PATH - 1, a, b, suffix);
}

bool eg_data_file_find(const char *folder, const char *name, char path[EG_PATH]) {
	struct stat st;
	if (eg_join(path, folder, name, ".gz", NULL) == EG_OK && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return true;
	return eg_join(path, folder, name, "", NULL) == EG_OK && stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

const char *eg_data_folder_name(const eg_data_info *info) { return info->folder ? info->folder : info->name; }

const char *eg_data_file_suffix(const eg_data_file *file) { return file->published ? "" : ".gz"; }

static void lacks(char lacking[EG_LACKING], const char *name, const char *suffix) {
	if (!lacking[0]) snprintf(lacking, EG_LACKING, "%s%s", name, suffix);
}

bool eg_data_is_set(const eg_data_info *info) { return info->nfiles > 0 || info->folders; }

/* Without the archive. */
static int own_pieces(const eg_data_info *info, const char *folder, char lacking[EG_LACKING]) {
	char path[EG_PATH];
	int found = 0;
	lacking[0] = '\0';
	if (info->instead && eg_data_file_find(folder, info->instead, path)) return 1;
	for (int i = 0; i < info->nfiles; i++) {
		if (eg_data_file_find(folder, info->files[i].name, path))
			found++;
		else
			lacks(lacking, info->files[i].name, eg_data_file_suffix(&info->files[i]));
	}
	for (int i = 0; info->folders && info->folders[i]; i++) {
		if (eg_join(path, folder, info->folders[i], "", NULL) == EG_OK && eg_is_folder(path))
			found++;
		else
			lacks(lacking, info->folders[i], "/");
	}
	return found;
}

bool eg_data_archive_find(const eg_data_info *info, const char *folder, char path[EG_PATH]) {
	char lacking[EG_LACKING];
	if (!info->archive) return false;
	own_pieces(info, folder, lacking);
	return lacking[0] && eg_data_file_find(folder, info->archive->file.name, path);
}

int eg_data_pieces(const eg_data_info *info, const char *folder, char lacking[EG_LACKING]) {
	char path[EG_PATH];
	int found = own_pieces(info, folder, lacking);
	if (!lacking[0] || !eg_data_archive_find(info, folder, path)) return found;
	lacking[0] = '\0';
	return 1;
}

/* XDG Base Directory Specification 0.8: a relative XDG_CACHE_HOME is to be ignored. */
eg_status eg_data_cache_folder(const char *name, char folder[EG_PATH], eg_error *err) {
	char base[EG_PATH];
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && cache[0] == '/')
		return eg_join(base, cache, "engram", "", err) == EG_OK ? eg_join(folder, base, name, "", err)
		                                                        : EG_ERR_ARG;
	if (!home || !*home)
		return eg_fail(err, EG_ERR_IO, "no folder for downloaded data: neither HOME nor XDG_CACHE_HOME is set");
	if (eg_join(base, home, ".cache/engram", "", err) != EG_OK) return EG_ERR_ARG;
	return eg_join(folder, base, name, "", err);
}

/* The folder that this program lies in; empty where the system does not tell. */
static void program_folder(char folder[EG_PATH]) {
	ssize_t n = readlink("/proc/self/exe", folder, EG_PATH - 1);
	folder[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash) *slash = '\0';
}

/* Folder number i of those that recipes come in: beside the recipe at hand, in the working folder, installed, and in
 * the source's folder with the program in a folder below it. */
static bool shipped_folder(const char *beside, int i, char folder[EG_PATH]) {
	static const char *const below[] = {"data", "recipes/data", "../share/engram/recipes/data", "../recipes/data"};
	char top[EG_PATH];
	if (i >= EG_COUNT(below)) return false;
	if (i >= 2) program_folder(top);
	if (i == 1) {
		snprintf(folder, EG_PATH, "%s", below[i]);
		return true;
	}
	const char *from = i == 0 ? beside : *top ? top : NULL;
	if (!from || eg_join(folder, from, below[i], "", NULL) != EG_OK) folder[0] = '\0';
	return true;
}

/* Folder number i that may hold the set, in the order of search. false: there are no more. One that cannot be (too
 * long) is left empty. */
static bool candidate(const eg_data_info *info, const char *beside, int i, eg_data_place *place) {
	const char *list = getenv("ENGRAM_DATA");
	place->origin = EG_DATA_VARIABLE;
	place->folder[0] = '\0';
	for (const char *p = list ? list : ""; *p;) {
		size_t n = strcspn(p, ":");
		if (n > 0 && i-- == 0) {
			char part[EG_PATH];
			snprintf(part, sizeof part, "%.*s", (int)(n < EG_PATH ? n : EG_PATH), p);
			if (n >= EG_PATH || eg_join(place->folder, part, eg_data_folder_name(info), "", NULL) != EG_OK)
				place->folder[0] = '\0';
			return true;
		}
		p += n + (p[n] == ':');
	}
	place->origin = EG_DATA_SHIPPED;
	for (int k = 0; info->shipped && shipped_folder(beside, k, place->folder); k++)
		if (i-- == 0) return true;
	if (info->package_folder && i-- == 0) {
		place->origin = EG_DATA_PACKAGE;
		snprintf(place->folder, sizeof place->folder, "%s", info->package_folder);
		return true;
	}
	place->origin = EG_DATA_CACHE;
	if (i == 0 && eg_data_cache_folder(eg_data_folder_name(info), place->folder, NULL) != EG_OK)
		place->folder[0] = '\0';
	return i == 0;
}

eg_status eg_data_locate_set(const eg_data_info *info, const char *beside, eg_data_place *place, eg_error *err) {
	if (!eg_data_is_set(info))
		return eg_fail(err, EG_ERR_ARG, "data source '%s' has no files of its own", info->name);
	char looked[700] = "", lacking[EG_LACKING];
	for (int i = 0; candidate(info, beside, i, place); i++) {
		if (!place->folder[0]) continue;
		int found = eg_data_pieces(info, place->folder, lacking);
		if (!lacking[0]) return EG_OK;
		size_t n = strlen(looked);
		snprintf(looked + n, sizeof looked - n, found ? "%s%s (lacks %s)" : "%s%s", n ? ", " : "",
		        place->folder, lacking);
	}
	if (!info->urls && info->by_hand)
		return eg_fail(err, EG_ERR_IO, "%s is not on this machine and cannot be downloaded: %s (looked in %s)",
		        info->name, info->by_hand, looked);
	return eg_fail(err, EG_ERR_IO, "%s is not on this machine: type `engram data get %s` (looked in %s)",
	        info->name, info->name, looked);
}

eg_status eg_data_locate(const char *name, eg_data_place *place, eg_error *err) {
	const eg_source_type *type = eg_source_type_find(name, err);
	return type ? eg_data_locate_set(&type->info, NULL, place, err) : EG_ERR_ARG;
}

eg_status eg_make_folders(const char *folder, eg_error *err) {
	char path[EG_PATH];
	size_t n = strlen(folder);
	if (n == 0 || n >= sizeof path)
		return eg_fail(err, EG_ERR_ARG, "cannot make the folder '%s': its name's length", folder);
	memcpy(path, folder, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0') continue;
		char end = path[i];
		path[i] = '\0';
		struct stat st;
		if (mkdir(path, 0777) != 0 && (errno != EEXIST || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
			return eg_fail(err, EG_ERR_IO, "cannot make the folder '%s': %s", path,
			        errno == EEXIST ? "a file of this name is in the way" : strerror(errno));
		path[i] = end;
	}
	return EG_OK;
}
