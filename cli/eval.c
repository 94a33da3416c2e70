/* eval.c - engram eval: how well a model does. What is measured, and what else there is to say, is the task's
 * business: metrics become lines, lists of maps tables, a list of lists the matrix of what was taken for what. */
#include "eval_worst.h"
#include "floors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVAL_BATCH = 256, WIDEST = 100, MANY = 24, COLUMNS = 16, HEARERS = 2 };

typedef struct result {
	const char *path, *source, *split, *why; /* why: of the split, when nobody asked for it */
	const char *unit;                        /* what was judged: "characters" */
	const eg_evaluation *evaluation;
	const eg_value *all;
	const eg_floors *floors; /* NULL: none are known */
	const eg_value *worst;   /* a map with the list of this name; NULL: not asked for */
} result;

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void show_json(const result *r) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "model", r->path);
	eg_value_put_text(v, "data", r->source);
	eg_value_put_text(v, "split", r->split);
	eg_value_put_text(v, "unit", r->unit);
	eg_value_put_int(v, "n", eg_evaluation_total(r->evaluation));
	for (const eg_value *c = eg_value_first(r->all); c; c = eg_value_next(c))
		eg_value_put_copy(v, eg_value_key(c), c);
	if (r->worst) eg_value_put_copy(v, "worst", eg_value_get(r->worst, "worst"));
	if (r->floors) {
		floors_put(v, r->floors, false);
		eg_value_put_bool(v, "beats_floor", eg_floors_beaten(r->floors, eg_evaluation_value(r->evaluation, 0)));
	}
	print_json(v);
	eg_value_free(v);
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static void print_head(const result *r) {
	char n[NUMBER];
	printf("%s on %s, %s%s: %s %s\n\n", r->path, text_shown(r->source), r->split, r->why,
	        number_int(n, eg_evaluation_total(r->evaluation)), r->unit);
}

static void print_metrics(const eg_evaluation *e) {
	char number[NUMBER];
	const eg_metric_info *m;
	int width = 8;
	for (int i = 0; (m = eg_evaluation_metric(e, i)); i++)
		if (text_width(text_shown(m->name)) > width) width = text_width(text_shown(m->name));
	for (int i = 0; (m = eg_evaluation_metric(e, i)); i++) {
		double v = eg_evaluation_value(e, i);
		printf("  %-*s  %9s", width, text_shown(m->name),
		        m->share   ? number_percent(number, v)
		        : isnan(v) ? "-"
		                   : number_loss(number, v));
		printf("%s%s\n", m->doc && *m->doc ? "   " : "", m->doc ? text_shown(m->doc) : "");
	}
}

/* ---- lists of maps ----------------------------------------------------------------------------------------------- */

/* A value as people are shown it, keys in maps and all. */
static char *spelled(const eg_value *v) {
	char *text = NULL;
	eg_value *around = eg_value_new(EG_VALUE_MAP); /* inside of a map, a map tells its keys */
	eg_value_put_copy(around, "value", v);
	if (!eg_value_whole(around) || eg_value_print(around, NULL, NULL, &text, NULL))
		text = strcpy(cli_alloc(2), "-");
	eg_value_free(around);
	return text;
}

/* A value in a cell of a table. To be freed. */
static char *cell_text(const eg_value *v) {
	char number[NUMBER];
	double x = eg_value_number(v, NAN);
	bool share = eg_value_marks(v) & (EG_SHOW_SHARE | EG_SHOW_PROBABILITY);
	switch (eg_value_kind_of(v)) {
	case EG_VALUE_INT: number_int(number, eg_value_int(v, 0)); break;
	case EG_VALUE_NUMBER:
		share ? number_percent(number, x) : isnan(x) ? strcpy(number, "-") : number_loss(number, x);
		break;
	case EG_VALUE_BOOL: strcpy(number, eg_value_bool(v, false) ? "yes" : "no"); break;
	default: return spelled(v);
	}
	return strcpy(cli_alloc(strlen(number) + 1), number);
}

static bool is_list_of(const eg_value *v, eg_value_kind kind) {
	if (eg_value_kind_of(v) != EG_VALUE_LIST || eg_value_count(v) < 1) return false;
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c))
		if (eg_value_kind_of(c) != kind) return false;
	return true;
}

/* Columns are the keys of the first; texts stand to the left, numbers to the right. */
static void print_table(const eg_value *list) {
	const char *keys[COLUMNS];
	char align[COLUMNS + 1] = "";
	int n = 0;
	for (const eg_value *c = eg_value_first(eg_value_first(list)); c && n < COLUMNS; c = eg_value_next(c)) {
		eg_value_kind kind = eg_value_kind_of(c);
		align[n] = kind == EG_VALUE_INT || kind == EG_VALUE_NUMBER ? 'r' : 'l';
		keys[n++] = eg_value_key(c);
	}
	if (n == 0) return;
	table *t = table_new(align);
	for (int i = 0; i < n; i++) table_cell(t, "%s", keys[i]);
	table_rule(t);
	for (const eg_value *row = eg_value_first(list); row; row = eg_value_next(row))
		for (int i = 0; i < n; i++) {
			char *text = cell_text(eg_value_get(row, keys[i]));
			table_cell(t, "%s", text);
			free(text);
		}
	putchar('\n');
	table_print(t, stdout, 2);
	table_free(t);
}

/* "absent: bus, train", "count: car 0.3, bus 1.2" */
static void print_line(const eg_value *v) {
	bool map = eg_value_kind_of(v) == EG_VALUE_MAP;
	printf("\n%s:", text_shown(eg_value_key(v)));
	if (eg_value_count(v) == 0) {
		char *text = eg_value_kind_of(v) == EG_VALUE_LIST || map ? NULL : cell_text(v);
		printf(" %s", text ? text : "none");
		free(text);
	}
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) {
		char *text = cell_text(c);
		printf(" %s%s%s%s", map ? text_shown(eg_value_key(c)) : "", map ? " " : "", text, eg_value_next(c) ? "," : "");
		free(text);
	}
	putchar('\n');
}

/* ---- the matrix of what was taken for what ----------------------------------------------------------------------- */

/* Rows are what is right, columns what the model said; the names are those of the list of maps that is as long. */
typedef struct matrix {
	const eg_value *rows;
	const char *names[MANY];
	int64_t count[MANY][MANY];
	int n;
} matrix;

static bool read_names(matrix *m, const eg_value *all) {
	for (const eg_value *c = eg_value_first(all); c; c = eg_value_next(c)) {
		if (!is_list_of(c, EG_VALUE_MAP) || eg_value_count(c) != m->n) continue;
		int k = 0;
		for (const eg_value *row = eg_value_first(c); row; row = eg_value_next(row))
			m->names[k++] = eg_value_text(eg_value_first(row));
		while (k > 0 && m->names[k - 1]) k--;
		if (k == 0) return true;
	}
	return false;
}

static bool read_matrix(matrix *m, const eg_value *rows, const eg_value *all) {
	int i = 0;
	*m = (matrix){.rows = rows, .n = (int)eg_value_count(rows)};
	for (const eg_value *row = eg_value_first(rows); row; row = eg_value_next(row), i++) {
		int k = 0;
		if (eg_value_count(row) != m->n) return false;
		for (const eg_value *c = eg_value_first(row); c; c = eg_value_next(c))
			m->count[i][k++] = eg_value_int(c, 0);
	}
	return read_names(m, all);
}

/* Columns of the first n bytes of UTF-8 text. */
static int width_of(const char *s, int n) {
	int width = 0;
	for (int i = 0; i < n; i++) width += ((unsigned char)s[i] & 0xc0) != 0x80;
	return width;
}

/* How many bytes of the first n of UTF-8 text `width` columns have room for. */
static int cut(const char *s, int n, int width) {
	int bytes = 0;
	for (int w = 0; bytes < n; bytes++)
		if (((unsigned char)s[bytes] & 0xc0) != 0x80 && ++w > width) break;
	while (bytes > 1 && s[bytes - 1] == ' ') bytes--;
	return bytes;
}

/* A name above its column: in two lines, or only in the lower one. */
typedef struct head {
	const char *upper, *lower;
	int nupper, nlower, digits; /* bytes; columns of the largest count below */
} head;

static int head_width(const head *h) {
	int upper = width_of(h->upper, h->nupper), lower = width_of(h->lower, h->nlower);
	return upper > lower ? upper : lower;
}

/* Breaks at a space, or after / or -, such that the longer half is as short as can be. */
static void wrap(head *h) {
	const char *name = h->lower;
	for (const char *s = name + 1; *name && *s && s[1]; s++) {
		if (!strchr(" /-", *s)) continue;
		head two = {
		        .upper = name, .nupper = (int)(s - name) + (*s != ' '), .lower = s + 1, .digits = h->digits};
		two.nlower = (int)strlen(two.lower);
		if (head_width(&two) < head_width(h)) *h = two;
	}
}

static int total_width(const head *heads, int n, int longest, int room) {
	int total = 2 + longest;
	for (int k = 0; k < n; k++) {
		int w = head_width(&heads[k]);
		if (w > room) w = room;
		total += 2 + (w > heads[k].digits ? w : heads[k].digits);
	}
	return total;
}

/* The names above the columns: whole in one line or in two, or else cut so that all fits. */
static void print_heads(const matrix *m, table *t) {
	head heads[MANY] = {0};
	int n = m->n, longest = 0, limit = terminal_width(stdout), room = 0;
	bool wrapped = false;
	for (int k = 0; k < n; k++) {
		heads[k].upper = heads[k].lower = m->names[k];
		heads[k].nlower = (int)strlen(heads[k].lower);
		if (head_width(&heads[k]) > longest) longest = head_width(&heads[k]);
		int64_t most = 0;
		for (int i = 0; i < n; i++)
			if (m->count[i][k] > most) most = m->count[i][k];
		for (heads[k].digits = 1; most >= 10; most /= 10) heads[k].digits++;
	}
	if (limit < WIDEST) limit = WIDEST;
	if (total_width(heads, n, longest, longest) > limit)
		for (int k = 0; k < n; k++) {
			wrap(&heads[k]);
			wrapped = wrapped || heads[k].nupper;
		}
	for (room = longest; room > 3 && total_width(heads, n, longest, room) > limit;) room--;
	for (int line = !wrapped; line < 2; line++) {
		table_cell(t, "%s", "");
		for (int k = 0; k < n; k++) {
			const head *h = &heads[k];
			if (line == 0) table_cell(t, "%.*s", cut(h->upper, h->nupper, room), h->upper);
			if (line == 1) table_cell(t, "%.*s", cut(h->lower, h->nlower, room), h->lower);
			table_mark(t);
		}
	}
	table_rule(t);
}

static void print_matrix(const eg_value *rows, const eg_value *all) {
	char align[MANY + 2];
	matrix m;
	if (eg_value_count(rows) > MANY) {
		printf("\nWith --json the whole %s, %lld rows, is there.\n", eg_value_key(rows),
		        (long long)eg_value_count(rows));
		return;
	}
	if (!read_matrix(&m, rows, all)) return;
	memset(align, 'r', sizeof align);
	align[0] = 'l';
	align[m.n + 1] = '\0';
	table *t = table_new(align);
	print_heads(&m, t);
	for (int i = 0; i < m.n; i++) {
		table_cell(t, "%s", m.names[i]);
		for (int k = 0; k < m.n; k++) {
			if (m.count[i][k])
				table_cell(t, "%lld", (long long)m.count[i][k]);
			else
				table_cell(t, "·");
			if (i == k) table_mark(t);
		}
	}
	printf("\nA row is what is right, a column what the model said (%s).\n\n", eg_value_key(rows));
	table_print(t, stdout, 2);
	table_free(t);
}

/* ---- floors ------------------------------------------------------------------------------------------------------ */

/* Beside the simplest models; and, plainly, whether it was worth the trouble. */
static void print_floors(const result *r) {
	const eg_floors *f = r->floors;
	const eg_floor_result *best = eg_floors_at(f, 0);
	const eg_metric_info *m = eg_floors_metric(f, 0);
	char number[NUMBER];
	printf("\nBeside the simplest models, trained and judged on the same samples:\n\n");
	floors_print(f, r->evaluation);
	bool beats = eg_floors_beaten(f, eg_evaluation_value(r->evaluation, 0));
	printf("\n%s '%s' (%s %s)%s\n", beats ? "The network beats the best of them," : "The network DOES NOT BEAT the floor",
	        best->info->name, text_shown(m->name),
	        m->share ? number_percent(number, best->values[0]) : number_loss(number, best->values[0]),
	        beats ? "." : ": that simple model is the better one.");
}

/* Those of the model's own data; NULL: none are known. Without --floors they are not worth an error. */
static eg_status find_floors(const cli_args *a, eg_model *m, eg_part part, eg_floors **floors, eg_error *err) {
	bool wanted = args_has(a, "floors");
	const eg_floors_options o = {.ctx = eg_graph_context(eg_model_graph(m)),
	        .use = wanted ? EG_FLOORS_MISSING : EG_FLOORS_KEPT,
	        .split = eg_part_name(part),
	        .model = m,
	        .folder = args_text(a, "folder")};
	*floors = NULL;
	if (args_has(a, "data") || args_has(a, "path")) return EG_OK;
	eg_status status = cli_floors(eg_model_recipe(m), &o, floors, err);
	if (status) return wanted ? status : EG_OK;
	if (wanted && eg_floors_remark(*floors)) fail("eval", "note: %s", eg_floors_remark(*floors));
	if (wanted && eg_floors_count(*floors) == 0) fail("eval", "note: no floor serves this task and data");
	if (eg_floors_count(*floors) > 0) return EG_OK;
	eg_floors_free(*floors);
	*floors = NULL;
	return EG_OK;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool is_metric(const eg_evaluation *e, const char *key) {
	const eg_metric_info *m;
	for (int i = 0; (m = eg_evaluation_metric(e, i)); i++)
		if (!strcmp(m->name, key)) return true;
	return false;
}

static void print_text(const result *r) {
	print_head(r);
	print_metrics(r->evaluation);
	for (const eg_value *c = eg_value_first(r->all); c; c = eg_value_next(c)) {
		if (is_metric(r->evaluation, eg_value_key(c)) || (eg_value_marks(c) & EG_SHOW_NOT)) continue;
		if (is_list_of(c, EG_VALUE_MAP))
			print_table(c);
		else if (is_list_of(c, EG_VALUE_LIST))
			print_matrix(c, r->all);
		else
			print_line(c);
	}
	if (r->worst) {
		printf("\nThe worst of them:\n");
		print_table(eg_value_get(r->worst, "worst"));
	}
	if (r->floors) print_floors(r);
}

/* With ENGRAM_VERBOSE: the plan for as many samples as are run at a time. */
static void show_plan(eg_model *m, const eg_task *t, const eg_samples *s, eg_part part) {
	const eg_dataset *d = eg_samples_get(s, part);
	eg_size sizes[EG_DATASET_DIMS + 1] = {{0}};
	if (!d || cli_verbose() < 1) return;
	for (int i = 0; d->dims && d->dims[i] && i < EG_DATASET_DIMS; i++) sizes[i] = (eg_size){d->dims[i], d->most[i]};
	eg_plan_options o = {.batch = d->streams > 0 ? d->streams : EVAL_BATCH,
	        .time = d->time,
	        .sizes = sizes,
	        .carry = d->streams > 0,
	        .outputs = eg_task_outputs(t, eg_model_graph(m))};
	cli_verbose_plan(eg_model_graph(m), eg_model_params(m), &o);
}

static void show(const cli_args *a, const eg_task *t, eg_part part, const eg_evaluation *e, const eg_floors *floors,
	const eg_value *worst) {
	bool whole = args_has(a, "path") && !args_has(a, "split") &&
	             eg_source_info(eg_task_source(t))->path == EG_DATA_PATH_FILE;
	bool chosen = args_has(a, "split") || part == EG_PART_TEST;
	result r = {.path = a->operands[0],
	        .source = cli_data_name(a, t),
	        .split = whole ? "all of it" : eg_part_name(part),
	        .why = chosen                  ? ""
	               : part == EG_PART_TRAIN ? " (it has no other part)"
	                                       : " (it has no test part)",
	        .unit = eg_task_unit(t, eg_evaluation_total(e) == 1),
	        .evaluation = e,
	        .all = eg_evaluation_result(e),
	        .floors = floors,
	        .worst = worst};
	if (args_has(a, "json"))
		show_json(&r);
	else
		print_text(&r);
}

/* A map with the list `worst`, into *v. */
static eg_status find_worst(const cli_args *a, eg_model *m, eg_task *t, eg_samples *s, eg_part part, eg_value **v, eg_error *err) {
	if (!args_has(a, "worst")) return EG_OK;
	*v = eg_value_new(EG_VALUE_MAP);
	eg_value *list = eg_value_put_list(*v, "worst");
	return eval_worst(m, t, s, part, (int)args_number(a, "worst", 10), args_text(a, "output"), list, err);
}

/* Before anything is computed; false after a message. */
static bool worst_suits(const cli_args *a, const eg_task *t) {
	if (!args_has(a, "worst") || eval_worst_suits(t)) return true;
	fail("eval",
	        "--worst tells pictures in which boxes or classes of pixels are looked for (detect, segment), not of the task '%s'; pairs of "
	        "faces: engram verify --split test",
	        eg_task_kind(t)->name);
	return false;
}

/* Models that listen to what is spoken; false after a message. */
static bool let_hear(const cli_args *a, eg_task *t, eg_context *ctx, eg_model *hearers[HEARERS]) {
	int n;
	eg_error err;
	const char **paths = args_all(a, "hearer", &n);
	bool ok = n <= HEARERS;
	if (!ok) fail("eval", "--hearer: one model that tells what is said, and one that tells who speaks; no more");
	for (int i = 0; i < n && ok; i++) {
		hearers[i] = cli_model(a, paths[i], ctx);
		ok = hearers[i] != NULL;
		if (!ok || !eg_task_hear(t, hearers[i], &err)) continue;
		fail("eval", "--hearer %s: %s", paths[i], err.message);
		ok = false;
	}
	free(paths);
	return ok;
}

static int evaluate(const cli_args *a, eg_model *m) {
	eg_error err;
	eg_samples_options o = {.model = m};
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_evaluation *e = NULL;
	eg_floors *f = NULL;
	eg_value *worst = NULL;
	eg_model *hearers[HEARERS] = {NULL};
	eg_status status = eg_task_open(eg_model_recipe(m), &t, &err);
	if (!status && !worst_suits(a, t)) return eg_task_free(t), CLI_FAILED;
	if (!status) status = cli_choose_data(a, t, &err);
	const bool told = !status && !let_hear(a, t, eg_graph_context(eg_model_graph(m)), hearers);
	if (told) status = EG_ERR_ARG;
	o.views = args_text(a, "views");
	if (!status) o.part = cli_split(a, eg_task_eval_part(t));
	if (!status) status = cli_samples(a, t, &o, &s, &err);
	if (!status) show_plan(m, t, s, o.part);
	if (!status) status = eg_evaluation_run(m, s, o.part, 0, &e, &err);
	if (!status) status = find_floors(a, m, o.part, &f, &err);
	if (!status) status = find_worst(a, m, t, s, o.part, &worst, &err);
	if (status && !told) fail_error("eval", &err);
	if (!status) show(a, t, o.part, e, f, worst);
	eg_value_free(worst);
	eg_floors_free(f);
	eg_evaluation_free(e);
	eg_samples_free(s);
	eg_task_free(t);
	for (int i = 0; i < HEARERS; i++) eg_model_free(hearers[i]);
	return status ? CLI_FAILED : CLI_OK;
}

static int run(const cli_args *a) {
	if (args_has(a, "path") && args_has(a, "folder"))
		return fail_usage("eval", "--path and --folder exclude each other");
	if (args_has(a, "floors") && (args_has(a, "path") || args_has(a, "data")))
		return fail_usage("eval", "--floors are judged on the data that the model was trained on: leave --data and --path out");
	if (args_has(a, "output") && !args_has(a, "worst")) return fail_usage("eval", "-o is the page of --worst N: say how many");
	if (args_has(a, "output") && !cli_can_write(a, args_text(a, "output"))) return CLI_FAILED;
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	int code = m ? evaluate(a, m) : CLI_FAILED;
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"split", 0, "train|validation|test",
		"which samples (default: test, or validation where there is no test part, as of a text). Validation "
		"samples are those that were kept aside in training",
		0, 0},
	{"data", 0, "SOURCE", "another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "where the files of the data set lie", 0, 0},
	{"path", 0, "PATH", "your own data: a file or a folder laid out as the data set's reader takes it", 0, 0},
	{"views", 0, "one|flip|shift|flip_shift",
		"average what is said of a picture over several views of it: mirrored too; shifted by a pixel; or both (default: as the recipe "
		"says, else one)",
		0, 0},
	{"floors", 0, NULL,
		"compute the floors (engram floor) that are not known yet; those that are known are always shown beside "
		"the network",
		0, 0},
	{"hearer", 0, "MODEL",
		"of a model that speaks: another one, of task classify, that listens to it, and tells what is said or who speaks; may be given "
		"twice, for both",
		0, 0},
	{"worst", 0, "N", "of boxes and of classes of pixels: also the N pictures that come out worst, and how", 1, 100},
	{"output", 'o', "PAGE", "with --worst: a page (HTML, with everything in it) that shows them, as they are labelled and as the model sees them", 0, 0},
	OPTION_THREADS,
	OPTION_LOADERS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object: model, data, split, unit, n, then the metrics and tables of the task; where floors "
		    "are known, floors and beats_floor"),
	{0},
};

const cli_verb verb_eval = {
	.name = "eval",
	.line = "say how well a model does",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Shows the model samples of which is known what is right, and measures how well it does. What\n"
		 "is measured, and what it means, is up to the task:",
	.options = options,
	.judges = true,
	.next = "how well it does on data it has not seen",
	.examples = "  engram eval lenet5.safetensors\n"
		    "  engram eval lenet5.safetensors --split validation --json\n"
		    "  engram eval lenet5.safetensors --data mnist\n"
		    "  engram eval char-lstm.safetensors --path sonnets.txt\n"
		    "  engram eval bccd.safetensors --worst 10 -o worst.html\n"
		    "  engram eval speak-digits.safetensors --data fsdd --hearer digits-spoken.safetensors\n",
	.run = run,
};
