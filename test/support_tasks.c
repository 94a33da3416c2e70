#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp */
#endif
#include "support_tasks.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int bench_setup(void **state) {
	bench *b = calloc(1, sizeof *b);
	if (!b) return -1;
	strcpy(b->folder, "/tmp/engram-tasks-XXXXXX");
	if (!mkdtemp(b->folder)) return -1;
	b->ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL);
	*state = b;
	return b->ctx ? 0 : -1;
}

void bench_one_thread(bench *b) {
	eg_context_free(b->ctx);
	b->ctx = eg_context_new(&(eg_context_options){.threads = 1}, &b->err);
	assert_non_null(b->ctx);
}

int bench_teardown(void **state) {
	bench *b = *state;
	char command[100];
	snprintf(command, sizeof command, "rm -rf '%s'", b->folder);
	int r = system(command);
	eg_context_free(b->ctx);
	free(b);
	return r;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

const char *bench_path(const bench *b, const char *name) {
	static char paths[8][400];
	static int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", b->folder, name);
	return path;
}

/* FOLDER/NAME, with the folders above it. */
static const char *with_folders(const bench *b, const char *name) {
	char folder[400];
	const char *path = bench_path(b, name);
	snprintf(folder, sizeof folder, "%s", path);
	for (char *at = folder + strlen(b->folder) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
		*at = '\0';
		if (mkdir(folder, 0777) != 0) assert_int_equal(errno, EEXIST);
	}
	return path;
}

const char *bench_write(const bench *b, const char *name, const void *data, size_t size) {
	const char *path = with_folders(b, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
	return path;
}

const char *bench_text(const bench *b, const char *name, const char *text) {
	return bench_write(b, name, text, strlen(text));
}

const char *bench_picture(bench *b, const char *name, int C, int H, int W, const uint8_t *pixels) {
	const char *path = with_folders(b, name);
	OK(b, eg_picture_save_png(path, C, H, W, pixels, &b->err));
	return path;
}

char *bench_read(bench *b, const char *path, size_t *size) {
	FILE *f = fopen(path, "rb");
	(void)b;
	if (!f) fail_msg("there is no '%s'", path);
	fseek(f, 0, SEEK_END);
	long n = ftell(f);
	rewind(f);
	char *text = calloc(1, (size_t)n + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)n, f), n);
	fclose(f);
	if (size) *size = (size_t)n;
	return text;
}

/* ---- recipes, samples -------------------------------------------------------------------------------------------- */

static eg_status parse(bench *b, eg_recipe **r, const char *format, va_list args) {
	char text[4000];
	int n = vsnprintf(text, sizeof text, format, args);
	assert_true(n > 0 && (size_t)n < sizeof text);
	*r = NULL;
	return eg_recipe_parse(text, (size_t)n, "r.yaml", NULL, r, &b->err);
}

eg_status bench_parse(bench *b, eg_recipe **r, const char *format, ...) {
	va_list args;
	va_start(args, format);
	eg_status status = parse(b, r, format, args);
	va_end(args);
	return status;
}

eg_recipe *bench_recipe(bench *b, const char *format, ...) {
	va_list args;
	eg_recipe *r;
	va_start(args, format);
	OK(b, parse(b, &r, format, args));
	va_end(args);
	return r;
}

drawn draw(bench *b, eg_recipe *r, eg_samples_options o) {
	drawn d;
	OK(b, eg_task_open(r, &d.task, &b->err));
	OK(b, eg_samples_load(d.task, &o, &d.samples, &b->err));
	return d;
}

drawn draw_for(bench *b, eg_model *m, eg_part part, const char *source, const char *path) {
	drawn d;
	OK(b, eg_task_open(eg_model_recipe(m), &d.task, &b->err));
	OK(b, eg_task_set_source(d.task, source, path, &b->err));
	OK(b, eg_samples_load(d.task, &(eg_samples_options){.part = part, .model = m}, &d.samples, &b->err));
	return d;
}

void undraw(drawn *d) {
	eg_samples_free(d->samples);
	eg_task_free(d->task);
}

void refuse_samples(bench *b, eg_model *m, eg_part part, const char *source, const char *path, const char *words) {
	drawn d = {NULL, NULL};
	OK(b, eg_task_open(eg_model_recipe(m), &d.task, &b->err));
	eg_status status = eg_task_set_source(d.task, source, path, &b->err);
	if (!status)
		status = eg_samples_load(d.task, &(eg_samples_options){.part = part, .model = m}, &d.samples, &b->err);
	assert_int_not_equal(status, EG_OK);
	assert_null(d.samples);
	SAYS(b, words);
	undraw(&d);
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

static eg_model *through_a_file(bench *b, const eg_model_parts *parts) {
	eg_model *m;
	OK(b, eg_model_save(bench_path(b, "m.safetensors"), parts, &b->err));
	OK(b, eg_model_load(bench_path(b, "m.safetensors"), b->ctx, &m, &b->err));
	return m;
}

eg_model *bench_model(bench *b, eg_recipe *r, const eg_size *sizes, const eg_value *kept, weigh set, const void *user) {
	eg_graph *g;
	size_t n;
	OK(b, eg_recipe_build(r, b->ctx, sizes, &g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err);
	assert_non_null(p);
	eg_real *w = eg_params_flat(p, &n);
	if (set) memset(w, 0, n * sizeof *w), set(p, user);
	eg_params_changed(p);
	eg_model *m = through_a_file(b, &(eg_model_parts){.recipe = r, .params = p, .sizes = sizes, .task = kept});
	eg_params_free(p);
	eg_graph_free(g);
	return m;
}

eg_model *bench_weigh(bench *b, eg_recipe *r, const eg_samples *s, weigh set, const void *user) {
	return bench_model(b, r, eg_samples_sizes(s), eg_samples_kept(s), set, user);
}

static void train(bench *b, eg_task *t, const eg_recipe *r, const eg_samples *s, eg_graph *g, eg_params *p) {
	eg_train_config c = *eg_recipe_train(r);
	eg_judge *validation, *seen;
	OK(b, eg_task_suits(t, g, &b->err));
	OK(b, eg_samples_train_judges(s, g, &validation, &seen, &b->err));
	c.judge = validation, c.train_judge = seen;
	if (eg_train(g, p, &c, eg_samples_get(s, EG_PART_TRAIN), eg_samples_get(s, EG_PART_VALIDATION), NULL, NULL,
	            NULL, NULL, &b->err))
		fail_msg("%s", b->err.message);
	eg_samples_judge_free(validation);
	eg_samples_judge_free(seen);
}

eg_model *bench_train(bench *b, eg_recipe *r, const drawn *d) {
	eg_graph *g;
	const eg_samples *s = d->samples;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(s), &g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err);
	assert_non_null(p);
	train(b, d->task, r, s, g, p);
	OK(b, eg_samples_settle(d->samples, g, p, &b->err));
	eg_model *m = through_a_file(b,
	        &(eg_model_parts){.recipe = r, .params = p, .sizes = eg_samples_sizes(s), .task = eg_samples_kept(s)});
	eg_params_free(p);
	eg_graph_free(g);
	return m;
}

eg_model *bench_train_all(bench *b, eg_recipe *r) {
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_train(b, r, &d);
	undraw(&d);
	eg_recipe_free(r);
	return m;
}

eg_model *bench_weigh_all(bench *b, eg_recipe *r, weigh set, const void *user) {
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_weigh(b, r, d.samples, set, user);
	undraw(&d);
	eg_recipe_free(r);
	return m;
}

/* ---- answers and values ------------------------------------------------------------------------------------------ */

eg_predictor *bench_predictor(bench *b, eg_model *m, const char *setting) {
	const char *const settings[] = {setting, NULL};
	eg_predictor *p;
	OK(b, eg_predictor_new(m, NULL, settings, &p, &b->err));
	return p;
}

const eg_value *ask(bench *b, eg_predictor *p, eg_question q) {
	const eg_value *answer;
	eg_error one;
	OK(b, eg_predictor_run(p, &q, 1, &answer, &one, &b->err));
	if (!answer) fail_msg("%s", one.message);
	assert_int_equal(one.status, EG_OK);
	return answer;
}

void ask_in_vain(bench *b, eg_predictor *p, eg_question q, const char *words) {
	const eg_value *answer;
	OK(b, eg_predictor_run(p, &q, 1, &answer, &b->err, NULL));
	assert_null(answer);
	assert_int_not_equal(b->err.status, EG_OK);
	SAYS(b, words);
}

eg_evaluation *bench_evaluate(bench *b, eg_model *m, eg_part part, const char *source, const char *path) {
	eg_evaluation *e;
	drawn d = draw_for(b, m, part, source, path);
	OK(b, eg_evaluation_run(m, d.samples, part, 0, &e, &b->err));
	undraw(&d);
	return e;
}

eg_value *value_of(const char *json) {
	eg_value *v;
	eg_error err;
	if (eg_value_parse(json, strlen(json), "JSON", &v, &err)) fail_msg("%s", err.message);
	return v;
}

static char *json_of(const eg_value *v) {
	char *text;
	eg_error err;
	if (eg_value_json(v, &text, NULL, &err)) fail_msg("%s", err.message);
	return text;
}

/* A number that is whole becomes an int on its way through JSON; others keep every bit. */
void assert_same(const eg_value *v, const eg_value *want) {
	char *have = json_of(v), *wanted = json_of(want);
	if (strcmp(have, wanted) != 0) {
		eg_value *a = value_of(have), *b = value_of(wanted);
		if (!eg_value_same(a, b)) fail_msg("%.1500s\ninstead of %.1500s", have, wanted);
		eg_value_free(a);
		eg_value_free(b);
	}
	free(have);
	free(wanted);
}

void assert_value(const eg_value *v, const char *json) {
	eg_value *want = value_of(json);
	assert_same(v, want);
	eg_value_free(want);
}

void assert_near(double got, double want, double most) {
	if (!(fabs(got - want) <= most)) fail_msg("%.9g instead of %.9g", got, want);
}
