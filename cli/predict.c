/* predict.c - engram predict: what a model answers, to files, folders, lines of standard input, texts, or to the
 * records of its own data. What a model takes and what its answers look like is the task's business; here they are
 * only handed on.
 *
 * Nothing of the training data is read, unless its records are what is asked about. */
#define _POSIX_C_SOURCE 200809L /* stat, read */
#include "engram_report.h"
#include "listen.h"
#include "onnx.h"
#include "predict_film.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 32, NAME_WIDTH = 48 };

/* What is asked next: questions, and the names under which they are answered. */
typedef struct asked {
	char *name;  /* "input" of JSON, and what stands before the answer */
	char *where; /* of the question, for messages; NULL: the name */
	char *bytes; /* NULL: the name is the path of a file */
	size_t size;
	bool json, is_text;
	cli_frame *frame; /* of a film, in place of bytes; NULL: it is none */
	cli_whole_film *film; /* likewise */
} asked;

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	eg_why *why; /* NULL: it was not asked for */
	asked batch[BATCH];
	int n, width, code;
	bool json, truth;
	bool pictures; /* are what the model takes: films then are asked about frame by frame */
	bool sounds;   /* are what it takes: raw samples then are transcribed as they come */
	bool films;    /* are, as a whole */
	eg_film_options film;
} job;

static char *copy(const char *s, size_t n) {
	char *c = cli_alloc(n + 1);
	if (n) memcpy(c, s, n);
	return c;
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

/* The name in its column; a text that is long is cut. */
static void print_name(const job *j, const char *name, bool is_text) {
	char *shown = text_clean(copy(name, strlen(name)));
	size_t bytes = strlen(shown);
	int width = text_width(shown);
	bool cut = is_text && width > NAME_WIDTH;
	while (cut && bytes > 0 && width >= NAME_WIDTH) {
		bytes--;
		width -= ((unsigned char)shown[bytes] & 0xc0) != 0x80;
	}
	int room = j->width - width - cut;
	printf("%.*s%s%*s", (int)bytes, shown, cut ? "…" : "", room > 0 ? room : 0, "");
	free(shown);
}

/* An answer in a line; "-" where there is nothing to be said. */
static char *spelled(const eg_value *v) {
	eg_error err;
	char *text = NULL;
	bool colour = has_colour(stdout);
	if (eg_value_print(v, colour ? "\x1b[1m" : NULL, colour ? "\x1b[0m" : NULL, &text, &err))
		fail_error("predict", &err), exit(CLI_FAILED);
	if (*text) return text;
	free(text);
	return copy("-", 1);
}

static void show_error(job *j, const char *name, const eg_error *err) {
	j->code = CLI_FAILED;
	if (!j->json) {
		fflush(stdout);
		fail_error("predict", err);
		return;
	}
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "input", name);
	eg_value_put_text(v, "error", err->message);
	print_json(v);
	eg_value_free(v);
}

enum { WHY_LINES = 8 };

/* The units that have most to do with the answer, in the order of their size. */
static void print_why(const eg_value *answer) {
	const eg_value *why = eg_value_get(answer, "why"), *of = eg_value_get(answer, "why_of");
	double last = INFINITY;
	int64_t last_at = -1;
	if (!of) return;
	printf("    log odds of %s", text_shown(eg_value_text(eg_value_get(of, "class"))));
	printf(" against %s: %.2f; of an empty text %.2f, and the words add (to %.1g):\n",
	        text_shown(eg_value_text(eg_value_get(of, "against"))), eg_value_number(eg_value_get(of, "log_odds"), (double)NAN),
	        eg_value_number(eg_value_get(of, "empty"), (double)NAN), eg_value_number(eg_value_get(of, "error"), (double)NAN));
	for (int i = 0; i < WHY_LINES; i++) {
		const eg_value *most = NULL;
		double size = -1;
		int64_t at = 0, most_at = 0;
		for (const eg_value *u = eg_value_first(why); u; u = eg_value_next(u), at++) {
			const double x = fabs(eg_value_number(eg_value_get(u, "adds"), 0));
			const bool comes = x < last || (x == last && at > last_at);
			if (comes && x > size) size = x, most = u, most_at = at;
		}
		if (!most) break;
		last = size, last_at = most_at;
		printf("    %+7.2f  %4.0f %%  without it %+.2f  %s\n", eg_value_number(eg_value_get(most, "adds"), 0),
		        100 * eg_value_number(eg_value_get(most, "share"), 0), -eg_value_number(eg_value_get(most, "occlusion"), 0),
		        text_shown(eg_value_text(eg_value_get(most, "text"))));
	}
}

/* The answer with what it comes from; the caller's. NULL after a message. */
static eg_value *with_why(job *j, const char *name, const eg_question *q, const eg_value *answer) {
	eg_error err;
	eg_value *map = eg_value_new(EG_VALUE_MAP);
	for (const eg_value *c = eg_value_first(answer); c; c = eg_value_next(c)) eg_value_put_copy(map, eg_value_key(c), c);
	if (!eg_why_question(j->why, q, map, &err)) return map;
	show_error(j, name, &err);
	eg_value_free(map);
	return NULL;
}

static void show(const job *j, const asked *q, const eg_value *answer) {
	if (j->json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "input", q->name);
		if (q->frame) eg_value_put_int(v, "frame", q->frame->number);
		eg_value_put_copy(v, "answer", answer);
		print_json(v);
		eg_value_free(v);
		return;
	}
	char *text = spelled(answer);
	print_name(j, q->name, q->is_text);
	if (q->frame) printf("  %6lld", (long long)q->frame->number);
	printf("  %s\n", text);
	free(text);
	print_why(answer);
}

/* The summary of a film, where it has one and there is a place for it. NULL: there is none; *failed: after a
 * message. */
static eg_value *with_summary(job *j, const asked *q, const eg_value *answer, bool *failed) {
	eg_error err;
	const char *folder = args_text(j->args, "output");
	if (!q->film || !folder || !eg_value_get(answer, "segments")) return NULL;
	eg_value *map = predict_summary(folder, q->name, q->film, answer, &err);
	*failed = !map;
	if (!map) show_error(j, q->name, &err);
	return map;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* Asks what has been gathered, and shows the answers in order. false: there is no point in going on. */
static bool ask(job *j) {
	eg_question q[BATCH] = {0};
	const eg_value *answers[BATCH] = {0};
	eg_error errors[BATCH], err;
	for (int i = 0; i < j->n; i++) {
		const asked *a = &j->batch[i];
		q[i] = (eg_question){.path = a->bytes || a->frame || a->film ? NULL : a->name,
		        .record = a->frame ? &a->frame->record : a->film ? &a->film->record : NULL,
		        .bytes = a->bytes,
		        .size = a->size,
		        .json = a->json,
		        .name = a->where ? a->where : a->name};
	}
	eg_status status = eg_predictor_run(j->predictor, q, j->n, answers, errors, &err);
	for (int i = 0; i < j->n; i++) {
		asked *a = &j->batch[i];
		bool failed = false;
		eg_value *more = !status && answers[i] && j->why ? with_why(j, a->name, &q[i], answers[i]) : NULL;
		if (!status && answers[i] && !j->why) more = with_summary(j, a, answers[i], &failed);
		if (!status && !answers[i])
			show_error(j, a->name, &errors[i]);
		else if (!status && !failed && (more || !j->why))
			show(j, a, more ? more : answers[i]);
		eg_value_free(more);
		free(a->name), free(a->where), free(a->bytes);
		cli_frame_free(a->frame);
		cli_whole_film_free(a->film);
	}
	j->n = 0;
	if (status) j->code = fail_error("predict", &err);
	out_push();
	return !ferror(stdout) && !status;
}

static bool put(job *j, asked a) {
	j->batch[j->n++] = a;
	return j->n < BATCH || ask(j);
}

static bool put_file(job *j, const char *path) { return put(j, (asked){.name = copy(path, strlen(path))}); }

/* A line of a file or of standard input: a map of fields, or what the one field would be. */
static bool put_line(job *j, const char *line, size_t size, const char *where, int64_t number, bool named) {
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
	return put(j, (asked){.name = named ? copy(full, room - 1) : copy(line, size),
	                      .where = full,
	                      .bytes = copy(line, size),
	                      .size = size,
	                      .json = begin < line + size && *begin == '{',
	                      .is_text = !named});
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end) {
	size_t n = strlen(s), m = strlen(end);
	return n >= m && !strcmp(s + n - m, end);
}

static bool put_lines(job *j, const char *path) {
	size_t size = 0;
	eg_error err = {.status = EG_ERR_IO};
	FILE *f = fopen(path, "rb");
	char *data = f ? cli_slurp(fileno(f), SIZE_MAX, &size) : NULL;
	int reason = errno;
	if (f) fclose(f);
	if (!data) {
		bool ok = ask(j); /* what comes before it is told before it */
		snprintf(err.message, sizeof err.message, "cannot read %s: %s", path, strerror(reason));
		show_error(j, path, &err);
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
static bool put_film(job *j, const char *path) {
	eg_film *film;
	eg_error err;
	const uint8_t *pixels = NULL;
	bool ok = true;
	eg_status status = eg_film_open(path, &j->film, &film, &err);
	for (int64_t n = 0; ok && !status && !(status = eg_film_next(film, &pixels, &err)) && pixels; n++) {
		cli_frame *f = cli_frame_new(eg_film_about(film), n, pixels);
		ok = put(j, (asked){.name = copy(path, strlen(path)), .where = copy(f->file, strlen(f->file)), .frame = f});
	}
	eg_film_close(film);
	if (!status || !ok) return ok;
	ok = ask(j);
	show_error(j, path, &err);
	return ok;
}

/* As a whole; it is answered before the next one is read. */
static bool put_whole_film(job *j, const char *path) {
	eg_error err;
	eg_film_options o = j->film;
	const bool piped = !strcmp(path, "-");
	if (piped) cli_film_as_model(j->model, &o);
	if (piped && predict_as_it_comes(j->model, &o, j->json, &j->code)) return j->code == CLI_OK;
	cli_whole_film *film = cli_whole_film_new(path, &o, &err);
	if (film) return put(j, (asked){.name = copy(path, strlen(path)), .film = film}) && ask(j);
	const bool ok = ask(j);
	show_error(j, path, &err);
	return ok;
}

static bool put_path(job *j, const char *path) {
	if (j->films && !ends_with(path, ".json") && !ends_with(path, ".jsonl")) return put_whole_film(j, path);
	if (j->pictures && eg_film_is(path)) return put_film(j, path);
	return ends_with(path, ".json") || ends_with(path, ".jsonl") ? put_lines(j, path) : put_file(j, path);
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
		snprintf(path, size, "%s%s%s", folder, ends_with(folder, "/") ? "" : "/", all[i]);
		free(all[i]);
		if (!stat(path, &st) && S_ISREG(st.st_mode))
			all[kept++] = path;
		else
			free(path), ++*others;
	}
	if (*n > 0) *n = kept;
	return all;
}

static void widen(job *j, const char *name) {
	int w = text_width(name);
	if (w > j->width && w <= NAME_WIDTH) j->width = w;
}

static bool put_folder(job *j, const char *folder) {
	int n, others;
	bool ok = true;
	eg_error err = {.status = EG_ERR_IO};
	char **paths = list_folder(folder, &n, &others);
	if (others > 0)
		fail("predict", "note: %s: %d %s in it (folder, pipe or link that leads nowhere) %s passed over", folder, others,
		        others == 1 ? "thing" : "things", others == 1 ? "is" : "are");
	if (n < 1) {
		ok = ask(j);
		snprintf(err.message, sizeof err.message,
		        n < 0 ? "cannot read the folder %s" : "%s: there is no file in this folder", folder);
		show_error(j, folder, &err);
	}
	for (int i = 0; i < n; i++) widen(j, paths[i]);
	for (int i = 0; i < n; i++) {
		ok = ok && put_path(j, paths[i]);
		free(paths[i]);
	}
	free(paths);
	return ok;
}

/* ---- standard input ---------------------------------------------------------------------------------------------- */

/* Does standard input hold a question a line? Not where the one field is something that files hold as bytes. */
static bool by_line(const job *j) {
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

static bool cannot_read(job *j, int reason) {
	j->code = fail("predict", "cannot read standard input: %s", strerror(reason));
	return false;
}

static bool put_all_of_stdin(job *j) {
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
	return put(j, (asked){.name = copy("-", 1), .where = copy("standard input", 14), .bytes = data, .size = size});
}

typedef struct lines {
	char *data;
	size_t size, room;
	int64_t number;
} lines;

static bool room_for_more(lines *l) {
	if (l->size < l->room) return true;
	size_t room = l->room ? 2 * l->room : 1 << 16;
	char *more = cli_alloc(room);
	if (l->size) memcpy(more, l->data, l->size);
	free(l->data);
	l->data = more, l->room = room;
	return true;
}

/* The lines that are whole; what is left moves to the front. */
static bool put_whole_lines(job *j, lines *l) {
	char *at = l->data, *end = l->data + l->size, *stop;
	bool ok = true;
	while (ok && at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		ok = put_line(j, at, (size_t)(stop - at), "standard input", ++l->number, false);
		at = stop + 1;
	}
	l->size = (size_t)(end - at);
	if (l->size) memmove(l->data, at, l->size);
	return ok && ask(j); /* who writes them line by line gets answers line by line */
}

static bool put_stdin(job *j) {
	lines l = {0};
	bool ok = ask(j);
	if (!by_line(j)) return ok && put_all_of_stdin(j);
	while (ok && room_for_more(&l)) {
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

static bool put_text(job *j, const char *text) {
	size_t n = strlen(text);
	return put(j, (asked){.name = copy(text, n),
	                      .where = copy("--text", 6),
	                      .bytes = copy(text, n),
	                      .size = n,
	                      .is_text = true});
}

static bool is_folder(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void answer_inputs(job *j) {
	const cli_args *a = j->args;
	bool ok = true;
	int n;
	const char **texts = args_all(a, "text", &n);
	for (int i = 1; i < a->noperands; i++) widen(j, a->operands[i]);
	for (int i = 0; i < n; i++) widen(j, texts[i]);
	for (int i = 1; i < a->noperands && ok; i++) {
		const char *path = a->operands[i];
		const bool many = is_folder(path) && !(j->films && predict_is_film(path));
		ok = !strcmp(path, "-") ? put_stdin(j) : many ? put_folder(j, path) : put_path(j, path);
	}
	if (ok) ok = ask(j);
	if (ok && n > 0 && !by_line(j)) ok = false, j->code = fail("predict", "--text: the model does not take text");
	for (int i = 0; i < n && ok; i++) ok = put_text(j, texts[i]);
	if (ok) ask(j);
	free(texts);
}

/* ---- the data's own records -------------------------------------------------------------------------------------- */

/* They come in batches of like length, and are shown in the order of the data: what comes too early waits. */
typedef struct records {
	job *j;
	char **waiting; /* by index */
	int64_t count, next;
} records;

static char *json_of(const job *j, const eg_answered *r) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	char *text = NULL;
	eg_value_put_null(v, "input");
	eg_value_put_text(v, "id", r->id);
	if (r->group) eg_value_put_text(v, "group", r->group);
	eg_value_put_copy(v, "answer", r->answer);
	if (j->truth) eg_value_put_copy(v, "truth", eg_value_count(r->truth) > 0 ? r->truth : NULL);
	if (!eg_value_whole(v) || eg_value_json(v, &text, NULL, NULL))
		fail("predict", "out of memory"), exit(CLI_FAILED);
	eg_value_free(v);
	return text;
}

/* The id, and behind its zero what is shown beside it. */
static char *text_of(const job *j, const eg_answered *r) {
	char *answer = spelled(r->answer), *truth = j->truth ? spelled(r->truth) : NULL;
	size_t room = strlen(r->id) + strlen(answer) + (truth ? strlen(truth) : 0) + 32;
	char *text = cli_alloc(room);
	snprintf(text, room, "%s%c%s%s%s", r->id, '\0', answer, truth ? "  truth: " : "", truth ? truth : "");
	free(answer);
	free(truth);
	return text;
}

static void show_waiting(records *r) {
	char *text = r->waiting[r->next];
	if (text && r->j->json) puts(text);
	if (text && !r->j->json) {
		widen(r->j, text);
		print_name(r->j, text, false);
		printf("  %s\n", text + strlen(text) + 1);
	}
	free(text);
	r->waiting[r->next++] = NULL;
}

static bool take(void *user, const eg_answered *a) {
	records *r = user;
	if (a->index < 0 || a->index >= r->count || r->waiting[a->index]) return true;
	r->waiting[a->index] = r->j->json ? json_of(r->j, a) : text_of(r->j, a);
	while (r->next < r->count && r->waiting[r->next]) show_waiting(r);
	return !ferror(stdout);
}

static eg_status answer_part(job *j, const eg_samples *s, eg_part part, eg_error *err) {
	char last[32];
	records r = {.j = j, .count = eg_samples_count(s, part)};
	snprintf(last, sizeof last, "%lld", (long long)(r.count - 1));
	widen(j, last);
	r.waiting = cli_alloc((size_t)(r.count + 1) * sizeof *r.waiting);
	eg_status status = eg_samples_answer(j->predictor, s, part, take, &r, err);
	while (r.next < r.count) show_waiting(&r); /* after a failure, what was answered before it */
	free(r.waiting);
	return status;
}

static void answer_records(job *j) {
	eg_error err;
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_samples_options o = {.model = j->model};
	eg_status status = eg_task_open(eg_model_recipe(j->model), &t, &err);
	if (!status) status = cli_choose_data(j->args, t, &err);
	if (!status) o.part = cli_split(j->args, eg_task_eval_part(t));
	if (!status) status = cli_samples(j->args, t, &o, &s, &err);
	if (!status) status = answer_part(j, s, o.part, &err);
	if (status && status != EG_ERR_STOPPED) j->code = fail_error("predict", &err);
	eg_samples_free(s);
	eg_task_free(t);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* With ENGRAM_VERBOSE: the plan for one question. */
static void show_plan(const job *j) {
	eg_task *t = NULL;
	eg_graph *g = eg_model_graph(j->model);
	if (cli_verbose() > 0 && !eg_task_open(eg_model_recipe(j->model), &t, NULL))
		cli_verbose_plan(g, eg_model_params(j->model),
		        &(eg_plan_options){.batch = 1, .time = CLI_OPEN_SIZE, .outputs = eg_task_outputs(t, g)});
	eg_task_free(t);
}

/* "output='DIR'", as a setting: in YAML's quotes. */
static char *folder_setting(const char *folder) {
	char *s = cli_alloc(2 * strlen(folder) + 16), *to = s;
	for (const char *c = "output='"; *c; c++) *to++ = *c;
	for (; *folder; folder++) {
		if (*folder == '\'') *to++ = '\'';
		*to++ = *folder;
	}
	*to = '\'';
	return s;
}

static bool prepare(job *j) {
	eg_error err;
	const char *folder = args_text(j->args, "output");
	if (folder && !cli_make_folder(j->args, folder)) return false;
	char *output = folder ? folder_setting(folder) : NULL, **settings = args_settings(j->args, output);
	eg_status status = eg_predictor_new(j->model, NULL, (const char *const *)settings, &j->predictor, &err);
	args_settings_free(settings);
	free(output);
	if (!status && args_has(j->args, "why")) status = eg_why_open(j->model, &j->why, &err);
	if (!status) show_plan(j);
	const eg_field *fields;
	const bool one = !status && eg_predictor_fields(j->predictor, &fields) == 1;
	j->pictures = one && fields[0].kind == EG_FIELD_PICTURE;
	j->sounds = one && fields[0].kind == EG_FIELD_SOUND;
	j->films = !status && cli_reads_films(j->model, j->predictor);
	return !status || (fail_error("predict", &err), false);
}

static const char *const of_records[] = {"split", "data", "folder", "path", "truth"};

/* What cannot be asked for together. */
static bool check(const cli_args *a) {
	if (args_has(a, "path") && args_has(a, "folder"))
		return fail_usage("predict", "--path and --folder exclude each other"), false;
	if (a->noperands == 1 && !args_has(a, "text")) {
		if (args_has(a, "why")) return fail_usage("predict", "--why is about texts that are named, by --text or in files"), false;
		const char *invert = args_has(a, "invert") ? args_text(a, "invert") : "no";
		if (strcmp(invert, "yes") != 0) return true; /* records never are by themselves */
		fail_usage("predict", "--invert yes is about pictures that are named; records of the data are taken as they are");
		return false;
	}
	for (int i = 0; i < (int)(sizeof of_records / sizeof *of_records); i++) {
		if (!args_has(a, of_records[i])) continue;
		fail_usage("predict", "--%s is about the records of the data; leave the inputs out", of_records[i]);
		return false;
	}
	return true;
}

static int run(const cli_args *a) {
	if (eg_network_is(a->operands[0])) return onnx_predict(a);
	if (args_has(a, "input")) return fail_usage("predict", "--input is about networks of ONNX; %s is none", a->operands[0]);
	eg_film_options film;
	if (!check(a) || !cli_film_options(a, &film)) return CLI_USAGE;
	job j = {.film = film, .args = a, .json = args_has(a, "json"), .truth = args_has(a, "truth"), .code = CLI_OK};
	eg_context *ctx = cli_context(a);
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	if (!j.model || !prepare(&j))
		j.code = CLI_FAILED;
	else if (a->noperands > 1 || args_has(a, "text"))
		answer_inputs(&j);
	else
		answer_records(&j);
	eg_why_close(j.why);
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return j.code;
}

static const cli_option options[] = {
	{"text", 0, "TEXT", "a text to be answered; may be repeated", 0, 0},
	{"why", 0, NULL, "of texts that are classified: which words the answer comes from, and how much each adds", 0, 0},
	{"split", 0, "train|validation|test",
		"answer the records of this part of the data (default: the part that eval judges by)", 0, 0},
	{"truth", 0, NULL, "records: what would be right, beside the answer", 0, 0},
	{"data", 0, "SOURCE", "records: another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "records: where the files of the data set lie", 0, 0},
	{"path", 0, "PATH", "records: your own, a file or a folder laid out as the data set's reader takes it", 0, 0},
	{"output", 'o', "DIR", "where answers that are files go; made when it is not there", 0, 0},
	{"input", 0, "NAME=FILE", "networks of ONNX: numbers of one input (.npy, .csv); may be repeated", 0, 0},
	OPTIONS_RAW_FRAMES,
	OPTIONS_RAW_SOUND,
	{"rate", 0, "N[:D]", "films that do not say it themselves: frames a second; raw sound: samples a second (default: as many "
		"as the model hears)", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object an input: input, answer; of records input, id, group, answer, truth; of what "
		    "failed input, error"),
	{0},
};

const cli_verb verb_predict = {
	.name = "predict",
	.line = "say what a model answers",
	.operands = "MODEL [INPUT...]",
	.min_operands = 1,
	.max_operands = -1,
	.about = "Inputs are files, folders (every file in them, in the order of their names), and - for\n"
		 "standard input: a line each, unless the model takes what files hold as a whole. Files that\n"
		 "end in .json or .jsonl hold a line each too; one that begins with { is a map of the model's\n"
		 "fields by their names. What cannot be read is named, the rest is still done, and the exit\n"
		 "code is 1.\n\n"
		 "Models that take pictures take films too, frame by frame: Y4M (ffmpeg -i FILM NEW.y4m), and on\n"
		 "standard input Y4M or, with --size, raw frames; with --json each answer has a `frame`, from 0.\n"
		 "Models that take films read them as a whole: Y4M, folders of frames, and on standard input Y4M\n"
		 "or raw frames, without --size of the size that the model reads (grey, or rgb24). A model that\n"
		 "tags frames and goes in one direction says each tag as its frame comes in. Of captions of\n"
		 "films -o writes the film's summary, a page with key frames.\n\n"
		 "Models that transcribe sound and look back only take raw samples on standard input, signed\n"
		 "numbers of 16 bits at the model's rate if nothing else is said, and tell each word as soon as\n"
		 "it has been said, with the seconds where it begins and ends. With --json there is a line a word.\n\n"
		 "Without any input the records of the model's own data are answered, those of the part that\n"
		 "eval judges by.\n\n"
		 "A network without a task (a file of ONNX, or what import has made of one) takes numbers:\n"
		 ".npy, .csv without names, lines of JSON (a map of its inputs, or the only one's lists), or\n"
		 "--input; it answers with its outputs by name, with -o as .npy files.",
	.options = options,
	.answers = true,
	.next = "",
	.next_operands = "INPUT...",
	.examples = "  engram predict lenet5.safetensors boot.png\n"
		    "  engram predict lenet5.safetensors --top 1 --json *.jpg\n"
		    "  engram predict lenet5.safetensors --split test --truth --json\n"
		    "  engram predict intents.safetensors --text 'wake me at six'\n"
		    "  ffmpeg -i street.mp4 -f yuv4mpegpipe - | engram predict camvid.safetensors - -o coloured\n"
		    "  arecord -t raw -f S16_LE -r 8000 | engram predict speech-stream.safetensors -\n"
		    "  ffmpeg -i film.mp4 -vf scale=64:64 -pix_fmt gray -f rawvideo - | engram predict motion.safetensors -\n"
		    "  engram predict film-caption.safetensors film.y4m -o summary\n"
		    "  cat lines.txt | engram predict intents.safetensors -\n"
		    "  engram predict net.onnx x.npy --json\n",
	.run = run,
};
