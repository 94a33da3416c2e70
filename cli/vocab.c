/* vocab.c - engram data vocab: the units that a recipe or a model cuts its texts into: how many there are, how often
 * they occur, what is unknown in each part, and how a sentence is cut. */
#include "show.h"

#include "engram_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct vocab_job {
	const cli_args *args;
	eg_context *ctx;
	eg_model *model;
	eg_recipe *recipe; /* NULL: the model's */
	eg_task *task;
	eg_samples *samples[2]; /* of the test part: the second, or NULL */
	int n, unknown;
	int64_t *counts[EG_PARTS]; /* NULL: the part is not there */
	int64_t total[EG_PARTS];
} vocab_job;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static eg_status count_part(vocab_job *j, eg_part part, eg_error *err) {
	const eg_samples *s = j->samples[part == EG_PART_TEST];
	if (!s || eg_samples_count(s, part) == 0) return EG_OK;
	j->counts[part] = cli_alloc(((size_t)j->n + 1) * sizeof *j->counts[part]);
	eg_status status = eg_samples_count_units(s, part, j->counts[part], err);
	for (int i = 0; i < j->n && !status; i++) j->total[part] += j->counts[part][i];
	return status;
}

/* false after a message. */
static bool read_all(vocab_job *j, const char *name) {
	eg_error err;
	j->ctx = cli_context(j->args);
	if (!j->ctx) return false;
	if (cli_is_model(name))
		j->model = cli_model_to_look(j->args, name, j->ctx);
	else
		j->recipe = cli_recipe(j->args, name);
	if (!j->model && !j->recipe) return false;
	eg_samples_options o = {.part = EG_PART_TRAIN, .model = j->model};
	eg_status status = eg_task_open(j->recipe ? j->recipe : eg_model_recipe(j->model), &j->task, &err);
	if (!status) status = cli_choose_data(j->args, j->task, &err);
	if (!status) status = eg_samples_load(j->task, &o, &j->samples[0], &err);
	if (!status) {
		eg_error none; /* many sets have no test part */
		o.part = EG_PART_TEST;
		if (eg_samples_load(j->task, &o, &j->samples[1], &none)) j->samples[1] = NULL;
		j->n = eg_samples_unit_count(j->samples[0]);
		j->unknown = eg_samples_unit_unknown(j->samples[0]);
	}
	if (!status && j->n == 0)
		return fail("data vocab", "'%s' reads neither text nor tokens: it has no units", name), false;
	for (int p = 0; p < EG_PARTS && !status; p++) status = count_part(j, (eg_part)p, &err);
	if (status) return fail_error("data vocab", &err), false;
	assert(j->counts[EG_PART_TRAIN]); /* which every set has */
	return true;
}

static void close_vocab(vocab_job *j) {
	for (int p = 0; p < EG_PARTS; p++) free(j->counts[p]);
	eg_samples_free(j->samples[0]);
	eg_samples_free(j->samples[1]);
	eg_task_free(j->task);
	eg_recipe_free(j->recipe);
	eg_model_free(j->model);
	eg_context_free(j->ctx);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

typedef struct ranked {
	double key; /* the larger, the earlier */
	int id;
} ranked;

static int by_key(const void *a, const void *b) {
	const ranked *x = a, *y = b;
	if (x->key != y->key) return x->key > y->key ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static int characters(const char *s, size_t size) {
	int n = 0;
	for (size_t i = 0; i < size; i++) n += ((unsigned char)s[i] & 0xC0) != 0x80;
	return n;
}

static bool is_mark(const vocab_job *j, int id) {
	const eg_vocab *v = eg_samples_vocab(j->samples[0]);
	return id == j->unknown || (v && id == eg_vocab_end(v));
}

/* The units in this order, without marks; *n of them. To be freed. */
static ranked *ranking(const vocab_job *j, bool longest, int *n) {
	ranked *r = cli_alloc(((size_t)j->n + 1) * sizeof *r);
	*n = 0;
	for (int i = 0; i < j->n; i++) {
		size_t size;
		const char *s = eg_samples_unit(j->samples[0], i, &size);
		if (is_mark(j, i)) continue;
		r[(*n)++] = (ranked){longest ? characters(s, size) : (double)j->counts[EG_PART_TRAIN][i], i};
	}
	qsort(r, (size_t)*n, sizeof *r, by_key);
	return r;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_units(const vocab_job *j, eg_value *v, const char *key, bool longest, int most) {
	int n;
	ranked *r = ranking(j, longest, &n);
	eg_value *list = eg_value_put_list(v, key);
	for (int i = 0; i < n && i < most; i++) {
		size_t size;
		const char *s = eg_samples_unit(j->samples[0], r[i].id, &size);
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_int(one, "id", r[i].id);
		if (size == 1 && s[0] & 0x80)
			eg_value_put_int(one, "byte", (unsigned char)s[0]);
		else
			eg_value_put_bytes(one, "text", s, size);
		eg_value_put_int(one, "n", j->counts[EG_PART_TRAIN][r[i].id]);
	}
	free(r);
}

static const char *unit_name(const vocab_job *j) {
	const eg_vocab *v = eg_samples_vocab(j->samples[0]);
	return v ? eg_unit_names()[eg_vocab_unit(v)] : "token";
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

/* The unit so that every space is seen; buf has room for 4 bytes each and 8. */
static const char *visible(char *buf, const char *s, size_t size) {
	char *to = buf;
	for (size_t i = 0; i < size;) {
		bool shown;
		size_t n = (size_t)eg_utf8_shown(s + i, size - i, &shown);
		if (s[i] == ' ')
			to += sprintf(to, "\xE2\x90\xA3"); /* an open box */
		else if (s[i] == '\n')
			to += sprintf(to, "\\n");
		else if (s[i] == '\t')
			to += sprintf(to, "\\t");
		else if (shown)
			to += sprintf(to, "%.*s", (int)n, s + i);
		else
			for (size_t k = 0; k < n; k++) to += sprintf(to, "\\x%02X", (unsigned)(unsigned char)s[i + k]);
		i += n;
	}
	*to = '\0';
	return buf;
}

static void print_parts(const vocab_job *j) {
	char number[NUMBER];
	table *t = table_new("lrrr");
	table_cell(t, "part");
	table_cell(t, "units");
	table_cell(t, "unknown");
	table_cell(t, "share");
	table_rule(t);
	for (int p = 0; p < EG_PARTS; p++) {
		if (!j->counts[p]) continue;
		int64_t lost = j->unknown >= 0 ? j->counts[p][j->unknown] : 0;
		table_cell(t, "%s", eg_part_name((eg_part)p));
		table_cell(t, "%s", number_int(number, j->total[p]));
		table_cell(t, "%s", number_int(number, lost));
		table_cell(t, "%s", number_percent(number, j->total[p] ? (double)lost / (double)j->total[p] : 0));
	}
	table_print(t, stdout, 0);
	table_free(t);
}

static void print_units(const vocab_job *j, bool longest, int most) {
	int n;
	ranked *r = ranking(j, longest, &n);
	char buf[4 * EG_UNIT_MOST + 8], number[NUMBER];
	table *t = table_new("rlrr");
	table_cell(t, "number");
	table_cell(t, longest ? "longest" : "commonest");
	table_cell(t, "in training");
	table_cell(t, "share");
	table_rule(t);
	for (int i = 0; i < n && i < most; i++) {
		size_t size;
		const char *s = eg_samples_unit(j->samples[0], r[i].id, &size);
		int64_t count = j->counts[EG_PART_TRAIN][r[i].id], all = j->total[EG_PART_TRAIN];
		table_cell(t, "%d", r[i].id);
		table_cell(t, "%s", visible(buf, s, size < EG_UNIT_MOST ? size : EG_UNIT_MOST));
		table_cell(t, "%s", number_int(number, count));
		table_cell(t, "%s", number_percent(number, all ? (double)count / (double)all : 0));
	}
	putchar('\n');
	table_print(t, stdout, 0);
	table_free(t);
	free(r);
}

/* ---- how a sentence is cut --------------------------------------------------------------------------------------- */

/* false after a message. */
static bool cut_text(const vocab_job *j, const char *text, eg_value *json) {
	const eg_vocab *v = eg_samples_vocab(j->samples[0]);
	int32_t *ids;
	size_t n;
	eg_error err;
	char buf[4 * EG_UNIT_MOST + 8];
	if (!v) return fail("data vocab", "--text: the data's tokens were cut by somebody else; there is no rule to show"), false;
	if (eg_vocab_encode(v, text, strlen(text), "the text", &ids, &n, &err)) return fail_error("data vocab", &err), false;
	eg_value *list = json ? eg_value_put_list(json, "cut") : NULL;
	if (!json) printf("\n%zu units: ", n);
	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *s = eg_vocab_token(v, ids[i], &size);
		if (json)
			eg_value_put_text(list, NULL, visible(buf, s, size));
		else
			printf("%s%s", i ? "|" : "", text_shown(visible(buf, s, size)));
	}
	if (!json) putchar('\n');
	free(ids);
	return true;
}

static bool print_vocab_json(const vocab_job *j, int most) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	const char *text = args_text(j->args, "text");
	eg_value_put_text(v, "unit", unit_name(j));
	eg_value_put_int(v, "units", j->n);
	eg_value *parts = eg_value_put_list(v, "parts");
	for (int p = 0; p < EG_PARTS; p++) {
		if (!j->counts[p]) continue;
		eg_value *one = eg_value_put_map(parts, NULL);
		eg_value_put_text(one, "part", eg_part_name((eg_part)p));
		eg_value_put_int(one, "n", j->total[p]);
		eg_value_put_int(one, "unknown", j->unknown >= 0 ? j->counts[p][j->unknown] : 0);
	}
	put_units(j, v, "commonest", false, most);
	put_units(j, v, "longest", true, most);
	bool ok = !text || cut_text(j, text, v);
	if (ok) print_json(v);
	eg_value_free(v);
	return ok;
}

/* Characters and bytes are all of one length. */
static bool have_lengths(const vocab_job *j) {
	const eg_vocab *v = eg_samples_vocab(j->samples[0]);
	return !v || eg_vocab_unit(v) == EG_UNIT_WORD || eg_vocab_unit(v) == EG_UNIT_SUBWORD;
}

int data_vocab(const cli_args *a, const char *name) {
	vocab_job j = {.args = a};
	const int most = (int)args_number(a, "number", 20);
	const char *text = args_text(a, "text");
	char number[NUMBER];
	bool ok = read_all(&j, name);
	if (ok && args_has(a, "json")) {
		ok = print_vocab_json(&j, most);
	} else if (ok) {
		printf("%s units: %s\n\n", number_int(number, j.n), unit_name(&j));
		print_parts(&j);
		if (most > 0) print_units(&j, false, most);
		if (most > 0 && have_lengths(&j)) print_units(&j, true, most);
		if (text) ok = cut_text(&j, text, NULL);
	}
	close_vocab(&j);
	return ok ? CLI_OK : CLI_FAILED;
}
