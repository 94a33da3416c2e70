/* regress.c - the task `regress`: numbers from samples or sequences. The network's output "logits" is compared with
 * the target number by number; there are no classes.
 *
 * Its samples are computed: the data source `adding` is the adding problem (src/data/adding.c). */
#include "data/adding.h"
#include "tasks/task.h"

#include <math.h>
#include <string.h>

typedef struct regress {
	eg_task base;
	int steps;
	int64_t count[EG_PARTS];
} regress;

typedef struct numbers {
	eg_samples base;
	eg_adding *parts[EG_PARTS];
} numbers;

extern const eg_task_type eg_task_type_regress;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* ---- the data section -------------------------------------------------------------------------------------------- */

enum { STEPS = 100, TRAIN_COUNT = 100000, TEST_COUNT = 10000, MAX_STEPS = 100000 };

static const eg_key data_keys[] = {
        {.name = "steps",
                .type = EG_KEY_INT,
                .min = 2,
                .max = MAX_STEPS,
                .def = STEPS,
                .doc = "source adding: how long a sequence is"},
        {.name = "count",
                .type = EG_KEY_INT,
                .min = 1,
                .max = 1e9,
                .def = TRAIN_COUNT,
                .doc = "source adding: how many sequences to train on; the share `validation` of so many more are made "
                       "to judge "
                       "each epoch"},
        {.name = "test_count",
                .type = EG_KEY_INT,
                .min = 1,
                .max = 1e9,
                .def = TEST_COUNT,
                .doc = "source adding: how many others make the test part"},
};

static const char *const sources[] = {"adding"};

static eg_status choose_source(regress *r, const char *name, eg_error *err) {
	r->base.source = sources[0];
	if (name && !strcmp(name, sources[0])) return EG_OK;
	const char *meant = name ? eg_did_you_mean(name, sources, EG_COUNT(sources)) : NULL;
	if (meant) return eg_fail(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", name, meant);
	return eg_fail(err, EG_ERR_ARG, "the task 'regress' has no data source '%s'; there is: %s", name ? name : "",
	        sources[0]);
}

static eg_status read_section(eg_recipe *r, regress *t, eg_error *err) {
	const char *name;
	double steps = STEPS, count = TRAIN_COUNT, test = TEST_COUNT, validation = 0;
	eg_status status = eg_recipe_string(r, "data.source", NULL, &name, err);
	if (!status && (status = choose_source(t, name, err))) eg_recipe_locate(r, "data.source", err);
	if (!status) status = eg_recipe_number(r, "data.steps", STEPS, 2, MAX_STEPS, &steps, err);
	if (!status) status = eg_recipe_number(r, "data.count", TRAIN_COUNT, 1, 1e9, &count, err);
	if (!status) status = eg_recipe_number(r, "data.test_count", TEST_COUNT, 1, 1e9, &test, err);
	if (!status) status = eg_recipe_number(r, "data.validation", 0, 0, 0.999, &validation, err);
	if (!status) status = eg_recipe_check_known(r, "data", err);
	t->steps = (int)steps;
	t->count[EG_PART_TRAIN] = (int64_t)count;
	t->count[EG_PART_VALIDATION] = (int64_t)llround(count * validation);
	t->count[EG_PART_TEST] = (int64_t)test;
	return status;
}

static void free_task(eg_task *t) { eg_release(NULL, t); }

static eg_status open_task(eg_recipe *r, eg_task **task, eg_error *err) {
	regress *t = eg_calloc(NULL, 1, sizeof *t);
	if (!t) return no_memory(err);
	t->base = (eg_task){.type = &eg_task_type_regress, .recipe = r, .one = "sequence", .many = "sequences"};
	t->base.eval_part = EG_PART_TEST;
	eg_status status = read_section(r, t, err);
	if (status)
		free_task(&t->base);
	else
		*task = &t->base;
	return status;
}

static eg_status set_source(eg_task *t, const char *source, const char *path, eg_error *err) {
	if (path)
		return eg_fail(err, EG_ERR_ARG,
		        "samples of the source '%s' are computed; they cannot be read from '%s'", t->source, path);
	return source ? choose_source((regress *)t, source, err) : EG_OK;
}

static eg_status classes(const eg_task *t, int *n, eg_error *err) {
	EG_UNUSED(t);
	EG_UNUSED(err);
	*n = 0;
	return EG_OK;
}

static eg_status fits(const eg_task *t, eg_error *err) {
	eg_dims in = eg_recipe_input(t->recipe);
	if (in.rank == 2 && in.d[0] == EG_T && in.d[1] == 2) return EG_OK;
	eg_status status = eg_fail(err, EG_ERR_SHAPE,
	        "a step of the source '%s' has two numbers, a value and a marker; write input: [time, 2]", t->source);
	eg_recipe_locate(t->recipe, "input", err);
	return status;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	eg_tensor target = eg_graph_find(g, "target");
	if (d.rank == 2 && d.d[0] == EG_N && d.d[1] == 1 && target.id && eg_tensor_dtype(g, target) == EG_F32)
		return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE,
	        "the source '%s' wants one number for a whole sequence; end the model with `last` and `linear: 1`, and "
	        "take a loss "
	        "between numbers (loss: mse)",
	        t->source);
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static void free_samples(eg_samples *samples) {
	numbers *s = (numbers *)samples;
	for (int i = 0; i < EG_PARTS; i++) eg_adding_free(s->parts[i]);
	eg_release(NULL, s);
}

static eg_status add_part(numbers *s, const regress *t, eg_part part, eg_error *err) {
	eg_error why = {0};
	if (t->count[part] < 1) return EG_OK;
	s->parts[part] = eg_adding_new(
	        t->steps, t->count[part], eg_recipe_train(t->base.recipe)->seed, (uint32_t)part, &why);
	if (s->parts[part]) {
		s->base.parts[part] = eg_adding_get(s->parts[part]);
		s->base.units[part] = t->count[part];
		return EG_OK;
	}
	if (err) *err = why;
	return why.status;
}

static eg_status load(const eg_task *task, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err) {
	const regress *t = (const regress *)task;
	numbers *s = eg_calloc(NULL, 1, sizeof *s);
	EG_UNUSED(model);
	if (!s) return no_memory(err);
	s->base.type = &eg_task_type_regress;
	s->base.one = task->one, s->base.many = task->many;
	s->base.eval_batch = 200;
	eg_status status = fits(task, err);
	if (!status && part == EG_PART_TEST) status = add_part(s, t, EG_PART_TEST, err);
	if (!status && part != EG_PART_TEST) status = add_part(s, t, EG_PART_TRAIN, err);
	if (!status && part != EG_PART_TEST) status = add_part(s, t, EG_PART_VALIDATION, err);
	if (status)
		free_samples(&s->base);
	else
		*samples = &s->base;
	return status;
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

typedef struct errors {
	double square, absolute;
	int64_t values;
} errors;

static void add_errors(errors *e, eg_plan *plan, eg_dims d) {
	const eg_real *y = eg_plan_output(plan, "logits"), *target = eg_plan_input(plan, "target");
	int64_t n = 1;
	for (int i = 0; i < d.rank; i++) n *= d.d[i];
	for (int64_t i = 0; i < n; i++) {
		double error = (double)y[i] - (double)target[i];
		e->square += error * error;
		e->absolute += fabs(error);
	}
	e->values += n;
}

/* One pass over the data, since the loss need not be the squared error. */
static eg_status add_up(errors *e, eg_plan_cache *plans, eg_tensor logits, const eg_dataset *data, int batch,
        uint32_t *items, eg_error *err) {
	void *slots[EG_MAX_INPUTS] = {0};
	for (int64_t at = 0; at < data->count; at += batch) {
		int n = (int)(data->count - at < batch ? data->count - at : batch);
		eg_plan *plan = eg_plan_cache_get(plans, n, data->time, NULL, err);
		if (!plan) return err->status;
		for (int i = 0; i < n; i++) items[i] = (uint32_t)(at + i);
		for (int i = 0; data->inputs[i] && i < EG_MAX_INPUTS; i++)
			slots[i] = eg_plan_input(plan, data->inputs[i]);
		eg_fill fill = {.items = items, .n = n, .time = data->time, .epoch = -1};
		eg_status status = data->fill(data->user, &fill, slots, err);
		if (status) return status;
		int32_t *lengths = eg_plan_input(plan, "lengths"); /* of a network that asks for them */
		for (int i = 0; lengths && i < n; i++) lengths[i] = data->time;
		eg_plan_run(plan, 0);
		add_errors(e, plan, eg_plan_dims(plan, logits));
	}
	return EG_OK;
}

static eg_status evaluate(eg_evaluation *e, eg_model *m, const eg_dataset *data, int batch, eg_error *err) {
	static const char *const outputs[] = {"logits", "loss", NULL};
	eg_graph *g = eg_model_graph(m);
	errors sums = {0};
	eg_error why = {0};
	uint32_t *items = eg_calloc(NULL, (size_t)batch, sizeof *items);
	eg_plan_cache *plans = eg_plan_cache_new(
	        g, eg_model_params(m), &(eg_plan_options){.batch = batch, .time = data->time, .outputs = outputs}, &why);
	eg_status status = items && plans ? add_up(&sums, plans, eg_graph_find(g, "logits"), data, batch, items, &why)
	                                  : eg_fail(&why, EG_ERR_MEMORY, "out of memory for the metrics");
	if (status && err) *err = why;
	eg_plan_cache_free(plans);
	eg_release(NULL, items);
	if (status) return status;
	e->total = data->count;
	double mse = sums.square / (double)sums.values;
	eg_evaluation_put(e, "mse", mse, false, "mean squared error");
	eg_evaluation_put(e, "rmse", sqrt(mse), false, "its root, in the unit of the numbers");
	eg_evaluation_put(e, "mae", sums.absolute / (double)sums.values, false, "mean absolute error");
	return EG_OK;
}

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

const eg_task_type eg_task_type_regress = {
        .info = {.name = "regress", .doc = "numbers from sequences", .verb = "eval", .reader = "adding"},
        .data = {data_keys, EG_COUNT(data_keys)},
        .open = open_task,
        .free = free_task,
        .set_source = set_source,
        .classes = classes,
        .fits = fits,
        .suits = suits,
        .load = load,
        .free_samples = free_samples,
        .evaluate = evaluate,
};
