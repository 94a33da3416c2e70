/* predict_inputs.c - what is asked about: files, folders, lines of standard input, films, texts. */
#define _POSIX_C_SOURCE 200809L /* stat, read */
#include "listen.h"
#include "predict.h"
#include "predict_film.h"
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool put_file(predict_job *j, const char *path) {
	return predict_put(j, (predict_asked){.name = predict_copy(path, strlen(path))});
}

/* A line of a file or of standard input: a map of fields, or what the one field would be. */
static bool put_line(predict_job *j, const char *line, size_t size, const char *where, int64_t number, bool named) {
	char place[64];
	size_t mark = number == 1 ? eg_utf8_mark(line, size) : 0;
	line += mark, size -= mark;
	const char *begin = line;
	if (size > 0 && line[size - 1] == '\r') size--;
	while (begin < line + size && (*begin == ' ' || *begin == '\t')) begin++;
	snprintf(place, sizeof place, named ? ":%lld" : ", line %lld", (long long)number);
	size_t n = strlen(where), room = n + strlen(place) + 1;
	char *full = cli_alloc(room);
	snprintf(full, room, "%s%s", where, place);
	return predict_put(j, (predict_asked){.name = named ? predict_copy(full, room - 1) : predict_copy(line, size),
	                      .where = full,
	                      .bytes = predict_copy(line, size),
	                      .size = size,
	                      .json = begin < line + size && *begin == '{',
	                      .is_text = !named});
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool put_lines(predict_job *j, const char *path) {
	size_t size = 0;
	eg_error err = {.status = EG_ERR_IO};
	FILE *f = fopen(path, "rb");
	char *data = f ? cli_slurp(fileno(f), SIZE_MAX, &size) : NULL;
	int reason = errno;
	if (f) fclose(f);
	if (!data) {
		bool ok = predict_ask(j); /* what comes before it is told before it */
		snprintf(err.message, sizeof err.message, "cannot read %s: %s", path, strerror(reason));
		predict_error(j, path, &err);
		return ok;
	}
	bool ok = true;
	const char *at = data, *end = data + size;
	for (int64_t number = 1; at < end && ok; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);
		if (n > strspn(at, " \t\r\n")) ok = put_line(j, at, n, path, number, true);
		at += n + 1;
	}
	free(data);
	return ok;
}

/* Frame by frame: a Y4M, or what standard input holds. What is wrong with it comes behind the frames before. */
static bool put_film(predict_job *j, const char *path) {
	eg_film *film;
	eg_error err;
	const uint8_t *pixels = NULL;
	bool ok = true;
	eg_status status = eg_film_open(path, &j->film, &film, &err);
	for (int64_t n = 0; ok && !status && !(status = eg_film_next(film, &pixels, &err)) && pixels; n++) {
		cli_frame *f = cli_frame_new(eg_film_about(film), n, pixels);
		ok = predict_put(j, (predict_asked){.name = predict_copy(path, strlen(path)), .where = predict_copy(f->file, strlen(f->file)), .frame = f});
	}
	eg_film_close(film);
	if (!status || !ok) return ok;
	ok = predict_ask(j);
	predict_error(j, path, &err);
	return ok;
}

/* As a whole; it is answered before the next one is read. */
static bool put_whole_film(predict_job *j, const char *path) {
	eg_error err;
	eg_film_options o = j->film;
	const bool piped = !strcmp(path, "-");
	if (piped) cli_film_as_model(j->model, &o);
	if (piped && predict_as_it_comes(j->model, &o, j->json, &j->code)) return j->code == CLI_OK;
	cli_whole_film *film = cli_whole_film_new(path, &o, &err);
	if (film) return predict_put(j, (predict_asked){.name = predict_copy(path, strlen(path)), .film = film}) && predict_ask(j);
	const bool ok = predict_ask(j);
	predict_error(j, path, &err);
	return ok;
}

static bool put_path(predict_job *j, const char *path) {
	const bool lines = cli_ends_with(path, ".json") || cli_ends_with(path, ".jsonl");
	if (j->films && !lines) return put_whole_film(j, path);
	if (j->pictures && eg_film_is(path)) return put_film(j, path);
	return lines ? put_lines(j, path) : put_file(j, path);
}

/* Paths of the plain files in a folder, sorted, without hidden ones. *n -1: it cannot be read. *others: folders, pipes
 * and so on. */
static char **list_folder(const char *folder, int *n, int *others) {
	struct stat st;
	int kept = 0;
	char **all = cli_folder_names(folder, n);
	*others = 0;
	for (int i = 0; i < *n; i++) {
		const size_t size = strlen(folder) + strlen(all[i]) + 2;
		char *path = cli_alloc(size);
		snprintf(path, size, "%s%s%s", folder, cli_ends_with(folder, "/") ? "" : "/", all[i]);
		free(all[i]);
		if (!stat(path, &st) && S_ISREG(st.st_mode))
			all[kept++] = path;
		else
			free(path), ++*others;
	}
	if (*n > 0) *n = kept;
	return all;
}

static bool put_folder(predict_job *j, const char *folder) {
	int n, others;
	bool ok = true;
	eg_error err = {.status = EG_ERR_IO};
	char **paths = list_folder(folder, &n, &others);
	if (others > 0)
		fail("predict", "note: %s: %d %s in it (folder, pipe or link that leads nowhere) %s passed over", folder, others,
		        others == 1 ? "thing" : "things", others == 1 ? "is" : "are");
	if (n < 1) {
		ok = predict_ask(j);
		snprintf(err.message, sizeof err.message,
		        n < 0 ? "cannot read the folder %s" : "%s: there is no file in this folder", folder);
		predict_error(j, folder, &err);
	}
	for (int i = 0; i < n; i++) predict_widen(j, paths[i]);
	for (int i = 0; i < n; i++) {
		ok = ok && put_path(j, paths[i]);
		free(paths[i]);
	}
	free(paths);
	return ok;
}

/* ---- standard input ---------------------------------------------------------------------------------------------- */

/* Does standard input hold a question a line? Not where the one field is something that files hold as bytes. */
static bool by_line(const predict_job *j) {
	const eg_field *fields;
	if (eg_predictor_fields(j->predictor, &fields) != 1) return true;
	switch (fields[0].kind) {
	case EG_FIELD_TEXT:
	case EG_FIELD_TOKENS:
	case EG_FIELD_TAGS:
	case EG_FIELD_NUMBERS:
	case EG_FIELD_SERIES: return true;
	default: return false;
	}
}

static bool cannot_read(predict_job *j, int reason) {
	j->code = fail("predict", "cannot read standard input: %s", strerror(reason));
	return false;
}

static bool put_all_of_stdin(predict_job *j) {
	size_t size;
	int first = -1;
	cli_sound_head head = {.n = 0}; /* what has been looked at */
	if (j->films) return put_whole_film(j, "-");
	if (j->pictures && (j->film.W || cli_film_on_stdin(&first))) return put_film(j, "-");
	if (j->sounds && cli_sound_is_raw(j->args, &head)) {
		j->code = cli_listen(j->args, j->model, (double)j->film.rate / (j->film.per ? j->film.per : 1), &head);
		return false;
	}
	if (first >= 0) head = (cli_sound_head){.bytes = {(char)first}, .n = 1};
	char *data = cli_slurp(STDIN_FILENO, SIZE_MAX, &size);
	if (!data) return cannot_read(j, errno);
	if (head.n > 0) {
		char *whole = cli_alloc(head.n + size + 1);
		memcpy(whole, head.bytes, head.n);
		memcpy(whole + head.n, data, size);
		free(data);
		data = whole, size += head.n;
	}
	return predict_put(j, (predict_asked){.name = predict_copy("-", 1), .where = predict_copy("standard input", 14), .bytes = data, .size = size});
}

typedef struct lines {
	char *data;
	size_t size, room;
	int64_t number;
} lines;

static void make_room(lines *l) {
	if (l->size < l->room) return;
	size_t room = l->room ? 2 * l->room : 1 << 16;
	char *more = cli_alloc(room);
	if (l->size) memcpy(more, l->data, l->size);
	free(l->data);
	l->data = more, l->room = room;
}

/* The lines that are whole; what is left moves to the front. */
static bool put_whole_lines(predict_job *j, lines *l) {
	char *at = l->data, *end = l->data + l->size, *stop;
	bool ok = true;
	while (ok && at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		ok = put_line(j, at, (size_t)(stop - at), "standard input", ++l->number, false);
		at = stop + 1;
	}
	l->size = (size_t)(end - at);
	if (l->size) memmove(l->data, at, l->size);
	return ok && predict_ask(j); /* who writes them line by line gets answers line by line */
}

static bool put_stdin(predict_job *j) {
	lines l = {0};
	bool ok = predict_ask(j);
	if (!by_line(j)) return ok && put_all_of_stdin(j);
	while (ok) {
		make_room(&l);
		ssize_t n = read(STDIN_FILENO, l.data + l.size, l.room - l.size);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) ok = cannot_read(j, errno);
		if (n <= 0) break;
		l.size += (size_t)n;
		ok = put_whole_lines(j, &l);
	}
	if (ok && l.size) ok = put_line(j, l.data, l.size, "standard input", ++l.number, false);
	free(l.data);
	return ok;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool put_text(predict_job *j, const char *text) {
	size_t n = strlen(text);
	return predict_put(j, (predict_asked){.name = predict_copy(text, n),
	                      .where = predict_copy("--text", 6),
	                      .bytes = predict_copy(text, n),
	                      .size = n,
	                      .is_text = true});
}

static bool is_folder(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void predict_inputs(predict_job *j) {
	const cli_args *a = j->args;
	bool ok = true;
	int n;
	const char **texts = args_all(a, "text", &n);
	for (int i = 1; i < a->noperands; i++) predict_widen(j, a->operands[i]);
	for (int i = 0; i < n; i++) predict_widen(j, texts[i]);
	for (int i = 1; i < a->noperands && ok; i++) {
		const char *path = a->operands[i];
		const bool many = is_folder(path) && !(j->films && predict_is_film(path));
		ok = !strcmp(path, "-") ? put_stdin(j) : many ? put_folder(j, path) : put_path(j, path);
	}
	if (ok) ok = predict_ask(j);
	if (ok && n > 0 && !by_line(j)) ok = false, j->code = fail("predict", "--text: the model does not take text");
	for (int i = 0; i < n && ok; i++) ok = put_text(j, texts[i]);
	if (ok) predict_ask(j);
	free(texts);
}
