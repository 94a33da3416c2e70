/* index.c - engram index: the embeddings of pictures in a file that `engram search` looks through: of files, of folders
 * with all that is in them, or of the data that the model was trained on. */
#define _POSIX_C_SOURCE 200809L /* stat */
#include "print.h"
#include "search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { BATCH = 64, DEPTH = 40 };

typedef struct waiting {
	char *path, *class_name; /* class_name NULL: none */
} waiting;

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	eg_index *index;
	waiting batch[BATCH];
	int n, code;
	int64_t put, failed;
	bool lost; /* what was wrong concerns all */
} job;

static char *copy(const char *s) {
	char *c = cli_alloc(strlen(s) + 1);
	return strcpy(c, s);
}

/* ---- embeddings -------------------------------------------------------------------------------------------------- */

/* The embedding of an answer, as the next entry. */
static eg_status add(job *j, const eg_value *answer, const char *id, const char *class_name, eg_error *err) {
	int n;
	float *x = cli_embedding(answer, &n);
	eg_status status = EG_OK;
	if (!j->index) {
		const char *own = eg_value_text(eg_value_get(answer, "distance"));
		const bool euclidean = own && !strcmp(own, eg_distance_names()[EG_DISTANCE_EUCLIDEAN]);
		status = eg_index_new(n, euclidean ? EG_DISTANCE_EUCLIDEAN : EG_DISTANCE_COSINE, 1, &j->index, err);
	}
	if (!status) status = eg_index_add(j->index, x, id, class_name, err);
	free(x);
	return status;
}

static void refused(job *j, const char *path, const eg_error *err) {
	fail("index", "%s%s%s", strstr(err->message, path) ? "" : path, strstr(err->message, path) ? "" : ": ", err->message);
	j->failed++;
	j->code = CLI_FAILED;
}

static void ask(job *j) {
	eg_question q[BATCH];
	const eg_value *answers[BATCH];
	eg_error errors[BATCH], err;
	for (int i = 0; i < j->n; i++) q[i] = (eg_question){.path = j->batch[i].path};
	eg_status status = j->n && !j->lost ? eg_predictor_run(j->predictor, q, j->n, answers, errors, &err) : EG_OK;
	if (status) j->lost = true, j->code = fail_error("index", &err);
	for (int i = 0; i < j->n; i++) {
		waiting *w = &j->batch[i];
		if (!j->lost && !answers[i])
			refused(j, w->path, &errors[i]);
		else if (!j->lost && add(j, answers[i], w->path, w->class_name, &err))
			refused(j, w->path, &err);
		free(w->path), free(w->class_name);
	}
	j->n = 0;
}

static void put(job *j, const char *path, const char *class_name) {
	j->put++;
	j->batch[j->n++] = (waiting){copy(path), class_name ? copy(class_name) : NULL};
	if (j->n == BATCH) ask(j);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

/* A folder that is looked into, and the one that it lies in. */
typedef struct inside {
	const struct stat *st;
	const struct inside *up;
} inside;

/* Does a link lead back to a folder that it lies in? */
static bool leads_back(const struct stat *st, const inside *in) {
	for (; in; in = in->up)
		if (in->st->st_ino == st->st_ino && in->st->st_dev == st->st_dev) return true;
	return false;
}

static void note_case(const char *folder, char *const *names, int i) {
	for (int k = 0; k < i; k++)
		if (!strcasecmp(names[k], names[i]))
			fail("index", "note: %s: the classes '%s' and '%s' differ in case only; if they are one, put them into one folder", folder, names[k], names[i]);
}

/* Everything in a folder. A folder right below it is a class, of all that is in it. */
static void put_folder(job *j, const char *folder, const char *class_name, int depth, const inside *in) {
	int n;
	char **names = cli_folder_names(folder, &n);
	if (n < 0) j->failed++, j->code = fail("index", "cannot read the folder %s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		struct stat st;
		const size_t size = strlen(folder) + strlen(names[i]) + 2;
		char *path = cli_alloc(size);
		snprintf(path, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", names[i]);
		if (stat(path, &st))
			j->failed++, j->code = fail("index", "cannot read %s: %s", path, strerror(errno));
		else if (S_ISDIR(st.st_mode) && depth == DEPTH)
			j->failed++, j->code = fail("index", "%s: folders are looked into %d deep at most", path, DEPTH);
		else if (S_ISDIR(st.st_mode) && leads_back(&st, in))
			fail("index", "note: %s leads back to a folder that it lies in, and is passed over", path);
		else if (S_ISDIR(st.st_mode)) {
			const int64_t before = j->put;
			if (depth == 0) note_case(folder, names, i);
			put_folder(j, path, depth == 0 ? names[i] : class_name, depth + 1, &(inside){&st, in});
			if (depth == 0 && j->put == before) fail("index", "note: the class '%s' is empty: there is no file in %s", names[i], path);
		}
		else if (S_ISREG(st.st_mode))
			put(j, path, class_name);
		else
			fail("index", "note: %s is no plain file, and is passed over", path);
		free(path);
	}
	for (int i = 0; i < n; i++) free(names[i]);
	free(names);
}

static void put_inputs(job *j) {
	for (int i = 1; i < j->args->noperands && !j->lost; i++) {
		struct stat st;
		const char *path = j->args->operands[i];
		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			put_folder(j, path, NULL, 0, &(inside){&st, NULL});
		else
			put(j, path, NULL);
	}
	ask(j);
}

/* ---- the model's own data ---------------------------------------------------------------------------------------- */

typedef struct taking {
	job *j;
	eg_status status;
	eg_error *err;
} taking;

static bool take(void *user, const eg_answered *a) {
	taking *t = user;
	t->status = add(t->j, a->answer, a->id, eg_value_text(eg_value_get(a->truth, "class")), t->err);
	if (t->status == EG_ERR_NUMERIC) refused(t->j, a->id, t->err), t->status = EG_OK;
	return !t->status;
}

static void put_data(job *j) {
	eg_error err;
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_samples_options o = {.model = j->model, .all = true};
	taking taker = {j, EG_OK, &err};
	eg_status status = eg_task_open(eg_model_recipe(j->model), &t, &err);
	if (!status) status = cli_choose_data(j->args, t, &err);
	o.part = cli_split(j->args, EG_PART_TRAIN);
	if (!status) status = cli_samples(j->args, t, &o, &s, &err);
	/* Without --split all that training had, with what validated it. */
	const eg_part last = args_has(j->args, "split") ? o.part : EG_PART_VALIDATION;
	for (int part = (int)o.part; part <= (int)last && !status; part++) {
		if (part != (int)o.part && eg_samples_count(s, (eg_part)part) == 0) continue;
		status = eg_samples_answer(j->predictor, s, (eg_part)part, take, &taker, &err);
		if (taker.status) status = taker.status;
	}
	if (!status && j->index) status = search_keep_data(j->index, j->args, o.part, &err);
	if (status) j->lost = true, j->code = fail_error("index", &err);
	eg_samples_free(s);
	eg_task_free(t);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* Does a model of this task make embeddings? */
static bool embeds(eg_model *m, const char *path) {
	if (cli_is_able(m, EG_ABLE_EMBED)) return true;
	fail("index", "%s is a model of the task '%s', which makes no embeddings; train one of the task 'search' (recipes/search.yaml)", path,
		eg_recipe_task(eg_model_recipe(m)));
	return false;
}

static void tell(const job *j, const char *path) {
	char n[NUMBER];
	const int64_t count = eg_index_count(j->index);
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "index", path);
		eg_value_put_int(v, "n", count);
		eg_value_put_int(v, "width", eg_index_width(j->index));
		eg_value_put_text(v, "distance", eg_distance_names()[eg_index_distance(j->index)]);
		eg_value_put_int(v, "failed", j->failed);
		print_json(v);
		eg_value_free(v);
		return;
	}
	printf("%s: %s embeddings of %d numbers\n\nNext:\n  engram search %s PICTURE...   what of it is nearest\n", text_shown(path),
	        number_int(n, count), eg_index_width(j->index), text_shown(path));
}

static void make(job *j) {
	const char *path = args_text(j->args, "output");
	eg_error err;
	if (eg_predictor_new(j->model, NULL, NULL, &j->predictor, &err)) {
		j->code = fail_error("index", &err);
		return;
	}
	if (j->args->noperands > 1)
		put_inputs(j);
	else
		put_data(j);
	if (j->lost) return;
	if (!j->index) {
		const int n = j->args->noperands;
		j->code = fail("index", "nothing in %s%s can be read: no index was written", n > 1 ? j->args->operands[1] : "the data",
			n > 2 ? " and the others" : "");
		return;
	}
	eg_status status = eg_index_keep_model(j->index, j->model, j->args->operands[0], &err);
	if (!status && (status = eg_index_save(j->index, path, &err)) == EG_ERR_IO) j->code = CLI_UNWRITTEN;
	if (status)
		fail_error("index", &err), j->code = j->code ? j->code : CLI_FAILED;
	else
		tell(j, path);
}

static int run(const cli_args *a) {
	job j = {.args = a};
	if (!args_has(a, "output")) return fail_usage("index", "say where the index goes: -o FILE");
	if (a->noperands > 1 && (args_has(a, "split") || args_has(a, "data") || args_has(a, "folder") || args_has(a, "path")))
		return fail_usage("index", "--split, --data, --folder and --path are of the model's own data: leave out the pictures, or them");
	eg_context *ctx = cli_can_write(a, args_text(a, "output")) ? cli_context(a) : NULL;
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	j.code = j.model && embeds(j.model, a->operands[0]) ? CLI_OK : CLI_FAILED;
	if (j.code == CLI_OK) make(&j);
	eg_index_free(j.index);
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return j.code;
}

static const cli_option options[] = {
	{"output", 'o', "FILE", "where the index is written", 0, 0},
	{"split", 0, "train|validation|test", "without pictures: one part of the model's own data (default: train and validation, with classes that were left out of training)", 0, 0},
	{"data", 0, "SOURCE", "without pictures: another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "where the files of the data set lie", 0, 0},
	{"path", 0, "PATH", "without pictures: your own data: a file or a folder laid out as the data set's reader takes it", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object: index, n, width, distance, failed"),
	{0},
};

const cli_verb verb_index = {
	.name = "index",
	.line = "embeddings of pictures, to be searched",
	.operands = "MODEL [PICTURE|FOLDER]...",
	.min_operands = 1,
	.max_operands = -1,
	.about = "Writes the embeddings that a model makes of pictures, or whatever it takes, into one file.\n"
	         "Of a folder everything in it is taken; a folder right below it is a class, of all that is in it.\n"
	         "Without pictures it is of the data that the model was trained on.\n\n"
	         "What cannot be read is named and left out; the exit code is then 1.",
	.examples = "  engram index search.safetensors photos -o photos.index\n"
	            "  engram index search.safetensors -o clothes.index\n"
	            "  engram search photos.index picture.png\n",
	.options = options,
	.next = "an index of pictures, to be searched",
	.next_operands = "FOLDER -o INDEX",
	.ability = EG_ABLE_EMBED,
	.run = run,
};
