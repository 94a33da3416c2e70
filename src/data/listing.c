/* listing.c - what is in a folder, in an order that does not depend on the system: names are sorted by their bytes;
 * which of its folders are the parts of a set; and what of it is passed over, counted by kind, so that it can be
 * told. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool eg_is_folder(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- names of files ---------------------------------------------------------------------------------------------- */

static const char *const read_endings[] = {
	".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".pgm", ".ppm", ".pnm"};
static const char *const unread_endings[] = {".gif", ".tif", ".tiff", ".heic", ".heif", ".avif",
	".jp2", ".j2k", ".jxl", ".svg", ".ico", ".tga", ".psd", ".pbm", ".pam", ".dng", ".cr2", ".nef", ".arw", ".exr",
	".dcm"};
_Static_assert(EG_COUNT(unread_endings) <= EG_UNREAD_KINDS, "a counter for each kind");

/* Which of the endings a name has, capitals or not; -1: none. */
static int ending_of(const char *name, const char *const *endings, int n) {
	const char *ending = strrchr(name, '.');
	for (int i = 0; ending && i < n; i++)
		if (strcasecmp(ending, endings[i]) == 0) return i;
	return -1;
}

static const char *const sound_endings[] = {".wav", ".flac", ".ogg", ".oga", ".aif", ".aiff", ".au"};

static bool is_picture(const char *name) { return ending_of(name, read_endings, EG_COUNT(read_endings)) >= 0; }

static void count_passed(const char *name, eg_listed what, eg_file_kind is, eg_passed *p) {
	int kind = ending_of(name, unread_endings, EG_COUNT(unread_endings));
	bool folder = is == EG_FILE_FOLDER, picture = is_picture(name);
	if (what == EG_LIST_FOLDERS)
		p->loose += picture && is == EG_FILE_REGULAR;
	else if (picture)
		p->odd++;
	else if (folder)
		p->inner++;
	else if (kind >= 0)
		p->unread[kind]++;
}

void eg_passed_add(eg_passed *to, const eg_passed *more) {
	for (int i = 0; i < EG_UNREAD_KINDS; i++) to->unread[i] += more->unread[i];
	to->odd += more->odd, to->inner += more->inner, to->loose += more->loose;
}

static void put(char *text, size_t size, const char *fmt, ...) EG_PRINTF(3, 4);
static void put(char *text, size_t size, const char *fmt, ...) {
	size_t n = strlen(text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(text + n, size - n, fmt, args);
	va_end(args);
}

const char *eg_passed_text(const eg_passed *p, char *text, size_t size) {
	int kinds = 0;
	int64_t files = 0;
	text[0] = '\0';
	for (int i = 0; i < EG_COUNT(unread_endings); i++) {
		if (p->unread[i] == 0) continue;
		put(text, size, "%s%lld %s", kinds++ ? ", " : "", (long long)p->unread[i], unread_endings[i]);
		files += p->unread[i];
	}
	if (kinds)
		put(text, size, " file%s not read: convert %s to PNG or JPEG (ImageMagick: `mogrify -format png FILE`)",
		        files == 1 ? " is" : "s are", files == 1 ? "it" : "them");
	if (p->odd)
		put(text, size, "%s%lld %s", *text ? "; " : "", (long long)p->odd,
		        p->odd == 1 ? "name like a picture's is not read, being a folder, pipe or device"
		                    : "names like pictures' are not read, being folders, pipes or devices");
	if (p->inner)
		put(text, size, "%s%lld folder%s inside of the folders of pictures %s not entered", *text ? "; " : "",
		        (long long)p->inner, p->inner == 1 ? "" : "s", p->inner == 1 ? "is" : "are");
	if (p->loose)
		put(text, size, "%s%lld picture%s in no class's folder %s not read", *text ? "; " : "",
		        (long long)p->loose, p->loose == 1 ? "" : "s", p->loose == 1 ? "is" : "are");
	return text;
}

/* ---- listing ----------------------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static eg_status add_name(eg_arena *arena, eg_names *out, const char *folder, const char *name, eg_error *err) {
	char *copy = eg_arena_strdup(arena, name);
	if (!copy || !eg_grow(arena->allocator, &out->at, &out->cap, out->n, sizeof *out->at))
		return eg_fail(err, EG_ERR_MEMORY, "cannot list '%s': out of memory", folder);
	out->at[out->n++] = copy;
	return EG_OK;
}

static bool is_wanted(const char *name, eg_listed what, eg_file_kind kind) {
	if (what == EG_LIST_FOLDERS) return kind == EG_FILE_FOLDER;
	if (kind != EG_FILE_REGULAR) return false;
	if (what == EG_LIST_SOUNDS) return ending_of(name, sound_endings, EG_COUNT(sound_endings)) >= 0;
	return what == EG_LIST_FILES || is_picture(name);
}

static eg_status read_names(eg_arena *arena, eg_folder *dir, eg_listed what, eg_names *out, eg_error *err) {
	const char *name;
	eg_file_kind kind;
	for (;;) {
		eg_status status = eg_folder_next(dir, &name, &kind, err);
		if (status || !name) return status;
		if (is_wanted(name, what, kind)) {
			status = add_name(arena, out, dir->path, name, err);
			if (status) return status;
			continue;
		}
		out->others++;
		count_passed(name, what, kind, &out->passed);
	}
}

eg_status eg_list(
	eg_arena *arena, const eg_files *files, const char *folder, eg_listed what, eg_names *out, eg_error *err) {
	eg_folder dir;
	eg_status status = eg_folder_open(&dir, files, folder, err);
	if (!status) status = read_names(arena, &dir, what, out, err);
	eg_folder_close(&dir);
	if (out->n > 1) qsort(out->at, (size_t)out->n, sizeof *out->at, by_bytes);
	return status;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static const char *const part_names[EG_PARTS][4] = {{"train"}, {"val", "valid", "validation"}, {"test"}};

static bool is_part(const char *name, eg_part part, const char *suffix) {
	for (int i = 0; part_names[part][i]; i++) {
		size_t n = strlen(part_names[part][i]);
		if (strncasecmp(name, part_names[part][i], n) == 0 && strcasecmp(name + n, suffix) == 0) return true;
	}
	return false;
}

bool eg_is_part_folder(const char *name) {
	for (int p = 0; p < EG_PARTS; p++)
		if (is_part(name, (eg_part)p, "")) return true;
	return false;
}

static eg_status find_part(eg_folder *dir, eg_part part, const char *suffix, char found[EG_PATH], eg_error *err) {
	const char *name;
	eg_file_kind kind;
	found[0] = '\0';
	for (;;) {
		eg_status status = eg_folder_next(dir, &name, &kind, err);
		if (status || !name) return status;
		if (kind != EG_FILE_FOLDER || !is_part(name, part, suffix)) continue;
		if (found[0]) {
			bool first = strcmp(found, name) < 0;
			return eg_fail(err, EG_ERR_FORMAT, "'%s' has two folders for the part '%s', '%s' and '%s': rename one", dir->path,
			        eg_part_name(part), first ? found : name, first ? name : found);
		}
		snprintf(found, EG_PATH, "%s", name);
	}
}

eg_status eg_part_folder(const eg_files *files, eg_part part, const char *suffix, char folder[EG_PATH], eg_error *err) {
	char found[EG_PATH];
	eg_folder dir;
	folder[0] = '\0';
	eg_status status = eg_folder_open(&dir, files, eg_files_top(files), err);
	if (!status) status = find_part(&dir, part, suffix, found, err);
	eg_folder_close(&dir);
	return status || !found[0] ? status : eg_join(folder, eg_files_top(files), found, "", err);
}

eg_status eg_other_folders(
	eg_arena *arena, const eg_files *files, const char *suffix, char *text, size_t size, int *n, eg_error *err) {
	eg_names all = {0};
	const char *first = NULL;
	*n = 0;
	text[0] = '\0';
	eg_status status = eg_list(arena, files, eg_files_top(files), EG_LIST_FOLDERS, &all, err);
	for (int i = 0; i < all.n; i++) {
		bool part = eg_is_part_folder(all.at[i]);
		for (int p = 0; p < EG_PARTS; p++) part |= is_part(all.at[i], (eg_part)p, suffix);
		if (part) continue;
		if (!first) first = all.at[i];
		++*n;
	}
	if (*n == 1) put(text, size, "'%.100s'", first);
	if (*n > 1) put(text, size, "'%.100s' and %d more", first, *n - 1);
	eg_release(arena->allocator, all.at);
	return status;
}
