/* model.c - a trained network in one safetensors file: weights under their layers' names, and in the metadata all
 * that is needed to use it. A checkpoint is the same file with what training needs to go on.
 *
 * Tensors: NAME.PARAM; of a checkpoint also optimizer.MOMENT.NAME.PARAM, best.NAME.PARAM, average.NAME.PARAM and
 * streams (layers have no point in their names, so these cannot be confused). Texts: engram_format, engram_version,
 * recipe (YAML), sizes (JSON map of whole numbers), task (JSON map: what the task keeps, which is not looked at here),
 * result, state (JSON maps). Nothing depends on the clock, so the same training gives the same file. */
#include "io/model.h"
#include "io/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Raised when an older program could misunderstand a file. */
enum { FORMAT = 2, MAX_SIZES = 64, MAX_CLASSES = 1 << 20 };
static const char optimizer_prefix[] = "optimizer.", best_prefix[] = "best.", average_prefix[] = "average.";
static const char streams_name[] = "streams", rows_name[] = "rows";

/* ---- numbers in texts -------------------------------------------------------------------------------------------- */

/* The fields of the two structs that are stored, by name. */
typedef enum field_type { FIELD_INT, FIELD_I64, FIELD_U64, FIELD_DOUBLE } field_type;
typedef struct field {
	const char *name;
	field_type type;
	size_t offset;
	const char *before; /* its name in format 1; NULL: the same */
} field;
#define RESULT(n, f, t, before) \
	{ n, t, offsetof(eg_train_result, f), before }
#define STATE(n, f, t, before) \
	{ n, t, offsetof(eg_train_state, f), before }

static const field result_fields[] = {RESULT("epochs_done", epochs_done, FIELD_INT, NULL),
	RESULT("best_epoch", best_epoch, FIELD_INT, NULL), RESULT("loss", loss, FIELD_DOUBLE, NULL),
	RESULT("val_loss", val_loss, FIELD_DOUBLE, NULL), RESULT("train_metric", train_metric, FIELD_DOUBLE, "accuracy"),
	RESULT("val_metric", val_metric, FIELD_DOUBLE, "val_accuracy")};
static const field state_fields[] = {STATE("epoch", epoch, FIELD_INT, NULL), STATE("steps", steps, FIELD_U64, NULL),
	STATE("schedule_best", schedule.best, FIELD_DOUBLE, NULL),
	STATE("schedule_scale", schedule.scale, FIELD_DOUBLE, NULL),
	STATE("schedule_bad_epochs", schedule.bad_epochs, FIELD_INT, NULL),
	STATE("best_epoch", best_epoch, FIELD_INT, NULL), STATE("bad_epochs", bad_epochs, FIELD_INT, NULL),
	STATE("best_loss", best_loss, FIELD_DOUBLE, NULL),
	STATE("best_metric", best_metric, FIELD_DOUBLE, "best_accuracy")};
/* Of files that have none, 0: they were written between two epochs, and by programs that did not look at the data. */
static const field newer_fields[] = {STATE("batch", batch, FIELD_I64, NULL), STATE("batches", batches, FIELD_I64, NULL),
	STATE("loss_sum", loss_sum, FIELD_DOUBLE, NULL), STATE("loss_weight", loss_weight, FIELD_DOUBLE, NULL),
	STATE("lr", lr, FIELD_DOUBLE, NULL), STATE("grad_norm", grad_norm, FIELD_DOUBLE, NULL),
	STATE("train_data", train_data, FIELD_U64, NULL), STATE("train_count", train_count, FIELD_I64, NULL),
	STATE("validation_data", validation_data, FIELD_U64, NULL),
	STATE("validation_count", validation_count, FIELD_I64, NULL)};
static const field optimizer_field = {"optimizer_steps", FIELD_U64, 0, NULL};

static void put_field(eg_tree_builder *b, eg_tree *map, const field *f, const void *from) {
	const char *p = (const char *)from + f->offset;
	if (f->type == FIELD_INT)
		eg_tree_put_int(b, map, f->name, *(const int *)(const void *)p);
	else if (f->type == FIELD_I64)
		eg_tree_put_int(b, map, f->name, *(const int64_t *)(const void *)p);
	else if (f->type == FIELD_U64) /* JSON's whole numbers have 63 bits */
		eg_tree_put_int(b, map, f->name, (int64_t)(*(const uint64_t *)(const void *)p & INT64_MAX));
	else
		eg_tree_put_double(b, map, f->name, *(const double *)(const void *)p);
}

/* A number that JSON has no word for is a text: "inf", "-nan". */
static bool get_double(const eg_tree *t, double *v) {
	if (eg_tree_number(t, v)) return true;
	if (!t || t->kind != EG_TREE_SCALAR || !t->quoted) return false;
	bool minus = t->text[0] == '-';
	bool infinite = !strcmp(t->text + minus, "inf");
	if (!infinite && strcmp(t->text + minus, "nan")) return false;
	*v = infinite ? (minus ? -(double)INFINITY : (double)INFINITY) : (double)NAN;
	return true;
}

static const eg_tree *find_field(const eg_tree *map, const field *f) {
	const eg_tree *t = eg_tree_get(map, f->name);
	return t || !f->before ? t : eg_tree_get(map, f->before);
}

static bool get_field(const eg_tree *map, const field *f, void *to) {
	const eg_tree *t = find_field(map, f);
	char *p = (char *)to + f->offset;
	int64_t v = 0;
	if (f->type == FIELD_DOUBLE) return get_double(t, (double *)(void *)p);
	if (!eg_tree_integer(t, &v) || v < 0 || (f->type == FIELD_INT && v > INT32_MAX)) return false;
	if (f->type == FIELD_INT)
		*(int *)(void *)p = (int)v;
	else if (f->type == FIELD_I64)
		*(int64_t *)(void *)p = v;
	else
		*(uint64_t *)(void *)p = (uint64_t)v;
	return true;
}

static bool get_fields(const eg_tree *map, const field *fields, int n, void *to) {
	for (int i = 0; i < n; i++)
		if (!get_field(map, &fields[i], to)) return false;
	return true;
}

enum { MOST_EPOCHS = 1000 * 1000 * 1000 };

/* Could a training be in this state? All of it is counted on from here. */
static bool sound_state(const eg_train_state *s) {
	return s->epoch <= MOST_EPOCHS && s->best_epoch <= s->epoch && s->bad_epochs <= s->epoch &&
	       s->schedule.bad_epochs <= s->epoch && isfinite(s->schedule.scale) && s->schedule.scale >= 0 &&
	       s->batch <= s->batches && isfinite(s->loss_sum) && isfinite(s->loss_weight) && s->loss_weight >= 0;
}

/* The state of training, all but what is in tensors; *steps: of the optimizer. */
static bool get_state(const eg_tree *map, eg_train_state *s, uint64_t *steps) {
	if (!get_fields(map, state_fields, EG_COUNT(state_fields), s) || !get_field(map, &optimizer_field, steps))
		return false;
	for (int i = 0; i < EG_COUNT(newer_fields); i++)
		if (find_field(map, &newer_fields[i]) && !get_field(map, &newer_fields[i], s)) return false;
	return sound_state(s);
}

/* What is not known, such as the validation loss of a training without validation, is left out. */
static bool is_unknown(const field *f, const void *from) {
	return f->type == FIELD_DOUBLE && isnan(*(const double *)(const void *)((const char *)from + f->offset));
}

/* `metric` is the name of the metric; before there was only one. */
static bool get_result(const eg_tree *map, eg_train_result *r) {
	const eg_tree *metric = eg_tree_get(map, "metric");
	*r = (eg_train_result){.loss = NAN, .val_loss = NAN, .train_metric = NAN, .val_metric = NAN};
	for (int i = 0; i < EG_COUNT(result_fields); i++) {
		const field *f = &result_fields[i];
		bool left_out = f->type == FIELD_DOUBLE && !find_field(map, f);
		if (!left_out && !get_field(map, f, r)) return false;
	}
	if (metric && !eg_tree_is_string(metric)) return false;
	bool known = !isnan(r->val_metric) || !isnan(r->train_metric);
	r->metric = metric ? metric->text : known ? "accuracy" : NULL;
	return true;
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

enum { MAX_TEXTS = 12 };

typedef struct saver {
	const eg_model_parts *parts;
	eg_arena arena;
	eg_tree_builder b;
	eg_st_text texts[MAX_TEXTS];
	int ntexts;
	eg_st_tensor *tensors;
	int n;
	eg_error *err;
} saver;

static void add_text(saver *s, const char *key, const char *value) { s->texts[s->ntexts++] = (eg_st_text){key, value}; }

static eg_status add_json(saver *s, const char *key, const eg_tree *t) {
	const char *text = NULL;
	if (s->b.failed) return eg_fail(s->err, EG_ERR_MEMORY, "out of memory for a model file");
	eg_status status = eg_json_write(&s->arena, t, 0, &text, s->err);
	add_text(s, key, text);
	return status;
}

static eg_status add_sizes(saver *s) {
	eg_tree *map = eg_tree_new(&s->b, EG_TREE_MAP);
	int n = 0;
	for (const eg_size *z = s->parts->sizes; z && z->name; z++, n++) {
		if (z->size < 1 || n == MAX_SIZES)
			return eg_fail(s->err, EG_ERR_ARG,
				"a model file with `%s` = %d as its size number %d (at most %d)", z->name, z->size,
				n + 1, MAX_SIZES);
		eg_tree_put_int(&s->b, map, z->name, z->size);
	}
	return add_json(s, "sizes", map);
}

static int64_t count_values(const eg_value *v) {
	int64_t n = 1;
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) n += count_values(c);
	return n;
}

static eg_status add_task(saver *s) {
	char *text = NULL;
	if (!s->parts->task) return EG_OK;
	if (eg_value_kind_of(s->parts->task) != EG_VALUE_MAP)
		return eg_fail(s->err, EG_ERR_ARG, "what the task keeps in a model file must be a map");
	if (!eg_value_whole(s->parts->task)) return eg_fail(s->err, EG_ERR_MEMORY, "out of memory for a model file");
	int64_t n = count_values(s->parts->task);
	if (n > EG_VALUE_NODES) /* it could not be read again */
		return eg_fail(s->err, EG_ERR_ARG, "what the task keeps is %lld values; a model file holds %d at most",
			(long long)n, EG_VALUE_NODES);
	eg_status status = eg_value_json_exact(s->parts->task, &text, NULL, s->err);
	if (status) return status;
	const char *copy = eg_arena_strdup(&s->arena, text);
	free(text);
	add_text(s, "task", copy);
	return copy ? EG_OK : eg_fail(s->err, EG_ERR_MEMORY, "out of memory for a model file");
}

static eg_status add_texts(saver *s) {
	const eg_model_parts *p = s->parts;
	add_text(s, "engram_format", "2");
	add_text(s, "engram_version", EG_VERSION);
	add_text(s, "recipe", eg_recipe_text(p->recipe));
	eg_tree *t;
	eg_status status = add_sizes(s);
	if (!status) status = add_task(s);
	if (!status && p->result) {
		t = eg_tree_new(&s->b, EG_TREE_MAP);
		for (int i = 0; i < EG_COUNT(result_fields); i++)
			if (!is_unknown(&result_fields[i], p->result))
				put_field(&s->b, t, &result_fields[i], p->result);
		if (p->result->metric) eg_tree_string(&s->b, t, "metric", p->result->metric);
		status = add_json(s, "result", t);
	}
	if (!status && p->state) {
		uint64_t steps = eg_optimizer_steps(p->optimizer);
		t = eg_tree_new(&s->b, EG_TREE_MAP);
		for (int i = 0; i < EG_COUNT(state_fields); i++) put_field(&s->b, t, &state_fields[i], p->state);
		for (int i = 0; i < EG_COUNT(newer_fields); i++) put_field(&s->b, t, &newer_fields[i], p->state);
		put_field(&s->b, t, &optimizer_field, &steps);
		status = add_json(s, "state", t);
	}
	return status;
}

/* One tensor for each parameter, of moments for each that is trained, cut out of a flat array that lies as
 * eg_params_flat does. */
static bool add_tensors(saver *s, const char *prefix, const char *moment, const eg_real *flat) {
	eg_params *p = s->parts->params;
	const eg_real *base = eg_params_flat(p, NULL);
	for (int i = 0; i < eg_params_count(p); i++) {
		const char *name = eg_params_name(p, i);
		if (*moment && !eg_params_trained(p, i)) continue;
		if (*prefix) name = eg_arena_printf(&s->arena, "%s%s%s%s", prefix, moment, *moment ? "." : "", name);
		if (!name) return false;
		s->tensors[s->n++] = (eg_st_tensor){.name = name,
			.dtype = eg_st_real,
			.dims = eg_params_dims(p, i),
			.data = flat + (eg_params_data(p, i) - base)};
	}
	return true;
}

static eg_status add_all_tensors(saver *s) {
	const eg_model_parts *p = s->parts;
	int moments = p->optimizer && p->state ? eg_optimizer_moments(p->optimizer) : 0;
	s->tensors = eg_arena_alloc(
		&s->arena, ((size_t)eg_params_count(p->params) * (size_t)(moments + 3) + 3) * sizeof *s->tensors);
	bool ok = s->tensors && add_tensors(s, "", "", eg_params_flat(p->params, NULL));
	for (int i = 0; i < moments && ok; i++)
		ok = add_tensors(s, optimizer_prefix, eg_optimizer_moment_name(p->optimizer, i),
			eg_optimizer_moment(p->optimizer, i, NULL));
	if (ok && p->state && p->state->best_weights && p->state->best_epoch > 0)
		ok = add_tensors(s, best_prefix, "", p->state->best_weights);
	if (ok && p->state && p->state->average) ok = add_tensors(s, average_prefix, "", p->state->average);
	if (ok && p->state && p->state->streams)
		s->tensors[s->n++] = (eg_st_tensor){.name = streams_name,
			.dtype = eg_st_real,
			.dims = EG_DIMS((int64_t)p->state->nstreams),
			.data = p->state->streams};
	size_t rows = 0;
	const int32_t *last = p->state ? eg_optimizer_rows(p->optimizer, &rows) : NULL;
	if (ok && last)
		s->tensors[s->n++] = (eg_st_tensor){
			.name = rows_name, .dtype = EG_ST_I32, .dims = EG_DIMS((int64_t)rows), .data = last};
	return ok ? EG_OK : eg_fail(s->err, EG_ERR_MEMORY, "out of memory for a model file");
}

eg_status eg_model_save(const char *path, const eg_model_parts *parts, eg_error *err) {
	saver s = {.parts = parts, .err = err};
	s.b.arena = &s.arena;
	if (!parts->recipe || !parts->params)
		return eg_fail(err, EG_ERR_ARG, "a model file needs a recipe and parameters");
	if (!parts->optimizer != !parts->state)
		return eg_fail(err, EG_ERR_ARG, "a checkpoint needs both optimizer and state");
	eg_status status = add_texts(&s);
	if (!status) status = add_all_tensors(&s);
	if (!status) status = eg_st_write(path, s.texts, s.ntexts, s.tensors, s.n, err);
	eg_arena_free(&s.arena);
	return status;
}

eg_status eg_output_check(const char *path, size_t bytes, eg_error *err) { return eg_writer_check(path, bytes, err); }

/* ---- loading: texts ---------------------------------------------------------------------------------------------- */

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* A text that holds JSON; *t is NULL when it is not there. */
static eg_status json_text(eg_model *m, const char *key, eg_tree **t, eg_error *err) {
	const char *text = eg_st_text_of(&m->file, key);
	*t = NULL;
	return text ? eg_json_parse(&m->arena, text, strlen(text), key, t, err) : EG_OK;
}

static eg_status check_format(eg_model *m, eg_error *err) {
	const char *format = eg_st_text_of(&m->file, "engram_format"),
		   *version = eg_st_text_of(&m->file, "engram_version");
	if (!format)
		return eg_fail(
			err, EG_ERR_FORMAT, "a safetensors file, but not one of Engram's models: it holds no recipe");
	char *end = NULL;
	long v = strtol(format, &end, 10);
	if (*end || end == format || v < 1)
		return eg_fail(err, EG_ERR_FORMAT, "damaged: format version '%.20s'", format);
	if (v > FORMAT)
		return eg_fail(err, EG_ERR_FORMAT,
			"written by engram %.20s in format %ld; this is engram %s, which reads formats up to %d: a "
			"newer "
			"engram is needed",
			version ? version : "(unknown)", v, EG_VERSION, FORMAT);
	m->format = (int)v;
	m->version = eg_arena_strdup(&m->arena, version ? version : "unknown");
	return m->version ? EG_OK : no_memory(err);
}

static eg_status read_recipe(eg_model *m, eg_error *err) {
	const char *text = eg_st_text_of(&m->file, "recipe");
	if (!text && eg_st_text_of(&m->file, "network"))
		return eg_fail(err, EG_ERR_FORMAT, "it is a network alone, without a recipe and a task");
	if (!text) return eg_fail(err, EG_ERR_FORMAT, "damaged: the recipe is missing");
	eg_status status = eg_recipe_parse(text, strlen(text), "its recipe", NULL, &m->recipe, err);
	if (!status) m->recipe->model = m->path;
	return status;
}

static eg_status read_sizes(eg_model *m, eg_error *err) {
	eg_tree *map;
	eg_status status = json_text(m, "sizes", &map, err);
	if (status) return status;
	if (!map || map->kind != EG_TREE_MAP || map->count > MAX_SIZES)
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the sizes are missing");
	int n = 0;
	for (const eg_tree *t = map->first; t; t = t->next) {
		int64_t v;
		if (!eg_tree_integer(t, &v) || v < 1 || v > INT32_MAX)
			return eg_fail(err, EG_ERR_FORMAT, "damaged: the size '%.60s'", t->key);
		m->sizes[n++] = (eg_size){t->key, (int)v};
	}
	return EG_OK;
}

static eg_status read_task(eg_model *m, eg_error *err) {
	const char *text = eg_st_text_of(&m->file, "task");
	eg_value *v = NULL;
	eg_status status = text ? eg_value_parse(text, strlen(text), "task", &v, err) : EG_OK;
	if (status || !v) return status;
	if (eg_value_kind_of(v) != EG_VALUE_MAP) {
		eg_value_free(v);
		return eg_fail(err, EG_ERR_FORMAT, "damaged: what the task keeps is not a map");
	}
	eg_value_free(m->task);
	m->task = v;
	return EG_OK;
}

/* What the file says beside the recipe, in its format. */
static eg_status read_own(eg_model *m, eg_error *err) {
	m->sizes = eg_arena_alloc(&m->arena, (MAX_SIZES + 1) * sizeof *m->sizes); /* zeroed: ended by a NULL name */
	m->task = eg_value_new(EG_VALUE_MAP);
	if (!m->sizes || !m->task) return no_memory(err);
	if (m->format == 1) return eg_model_read_1(m, err);
	eg_status status = read_sizes(m, err);
	return status ? status : read_task(m, err);
}

static eg_status read_training(eg_model *m, eg_error *err) {
	eg_tree *result, *state;
	eg_train_state s = {0};
	eg_status status = json_text(m, "result", &result, err);
	if (!status) status = json_text(m, "state", &state, err);
	if (status) return status;
	if (result && !get_result(result, &m->result))
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the training summary");
	if (m->format == 1 && !m->sizes[0].name) /* an accuracy was written even where no classes are told apart */
		m->result.metric = NULL, m->result.train_metric = m->result.val_metric = NAN;
	uint64_t steps;
	if (state && !get_state(state, &s, &steps))
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the state of training");
	m->has_result = result != NULL;
	m->state = state;
	m->progress = s;
	return EG_OK;
}

/* ---- loading: weights -------------------------------------------------------------------------------------------- */

static bool same_dims(const eg_dims *a, const eg_dims *b) {
	if (a->rank != b->rank) return false;
	for (int i = 0; i < a->rank; i++)
		if (a->d[i] != b->d[i]) return false;
	return true;
}

/* The parameter that tensor `name` belongs to, weights and checkpoint alike; -1: none. */
static int param_of(const eg_model *m, const char *name) {
	int i = eg_params_find(m->params, name);
	if (i >= 0 || !m->state) return i;
	size_t n = strlen(best_prefix), a = strlen(average_prefix), k = strlen(optimizer_prefix);
	if (!strncmp(name, best_prefix, n)) return eg_params_find(m->params, name + n);
	if (!strncmp(name, average_prefix, a)) return eg_params_find(m->params, name + a);
	const char *moment = strncmp(name, optimizer_prefix, k) ? NULL : strchr(name + k, '.');
	i = moment ? eg_params_find(m->params, moment + 1) : -1;
	return eg_params_trained(m->params, i) ? i : -1;
}

/* Every tensor of the file belongs to a weight and has its shape; no weight is missing. Nothing of them has memory yet:
 * a file of a few bytes must not be able to ask for more than it brings. */
static eg_status check_tensors(const eg_model *m, eg_error *err) {
	char ours[128], theirs[128];
	for (int i = 0; i < m->file.n; i++) {
		const eg_st_tensor *t = &m->file.tensors[i];
		if (m->state && (!strcmp(t->name, streams_name) || !strcmp(t->name, rows_name)))
			continue; /* eg_model_resume looks at them */
		int p = param_of(m, t->name);
		if (p < 0)
			return eg_fail(err, EG_ERR_FORMAT,
				"weight '%.100s' is in the file, but the recipe has no such weight", t->name);
		eg_dims d = eg_params_dims(m->params, p);
		if (!same_dims(&d, &t->dims))
			return eg_fail(err, EG_ERR_SHAPE, "weight '%.100s' is %s in the recipe but %s in the file",
				t->name, eg_st_dims_text(&d, ours, sizeof ours),
				eg_st_dims_text(&t->dims, theirs, sizeof theirs));
		if (t->dtype != EG_ST_F32 && t->dtype != EG_ST_F64 && t->dtype != EG_ST_F16 && t->dtype != EG_ST_BF16)
			return eg_fail(err, EG_ERR_FORMAT,
				"weight '%.100s' is of type %s; expected F32, F64, F16 or BF16", t->name,
				eg_st_dtype_name(t->dtype));
	}
	for (int i = 0; i < eg_params_count(m->params); i++)
		if (!eg_st_find(&m->file, eg_params_name(m->params, i)))
			return eg_fail(err, EG_ERR_FORMAT, "weight '%s' is missing in the file",
				eg_params_name(m->params, i));
	return EG_OK;
}

static eg_status read_weights(eg_model *m, eg_error *err) {
	eg_status status = check_tensors(m, err);
	if (!status) status = eg_params_allocate(m->params, err);
	for (int i = 0; i < eg_params_count(m->params) && !status; i++) {
		const char *name = eg_params_name(m->params, i);
		const eg_st_tensor *t = eg_st_find(&m->file, name);
		int64_t odd = 0;
		eg_st_to_real(t, eg_params_data(m->params, i), &odd);
		if (!odd || m->warning) continue;
		m->warning = eg_arena_printf(&m->arena,
			"weight '%s' holds %lld value%s NaN or infinite: whatever it is asked, its answers mean nothing",
			name, (long long)odd, odd == 1 ? " that is" : "s that are");
		if (!m->warning) return no_memory(err);
	}
	if (!status) eg_params_changed(m->params);
	return status;
}

/* Weights of classes that followed from the training samples: under `class_weights` of what the task keeps, by the
 * loss's input. */
static eg_status take_class_weights(eg_model *m, eg_error *err) {
	const eg_value *all = eg_value_get(m->task, "class_weights");
	for (int i = 0; i < eg_recipe_losses(m->recipe) && all; i++) {
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(m->recipe, i);
		const eg_value *list = loss->balanced ? eg_value_get(all, loss->input) : NULL;
		int n = 0, count = (int)eg_value_count(list);
		float *w = count > 0 && count <= MAX_CLASSES ? eg_arena_alloc(&m->arena, (size_t)count * sizeof *w) : NULL;
		if (!loss->balanced) continue;
		if (count < 1 || count > MAX_CLASSES) return eg_fail(err, EG_ERR_FORMAT, "damaged: the weights of the classes");
		if (!w) return no_memory(err);
		for (const eg_value *v = eg_value_first(list); v; v = eg_value_next(v)) {
			w[n] = (float)eg_value_number(v, -1);
			if (!(w[n++] >= 0)) return eg_fail(err, EG_ERR_FORMAT, "damaged: a weight of a class");
		}
		eg_status status = eg_recipe_weigh(m->recipe, i, w, n, err);
		if (status) return status;
	}
	return EG_OK;
}

static eg_status build(eg_model *m, eg_context *ctx, eg_error *err) {
	eg_status status = take_class_weights(m, err);
	if (!status) status = eg_recipe_build(m->recipe, ctx, m->sizes, &m->graph, err);
	if (status) return status;
	eg_error why;
	m->params = eg_params_new_bare(m->graph, &why);
	if (!m->params && err) *err = why;
	return m->params ? EG_OK : why.status;
}

/* As eg_st_load: the file's own bytes, which a checkpoint keeps. */
static eg_status parse_copy(eg_st_file *f, const void *bytes, size_t size, const char *name, eg_error *err) {
	f->bytes = eg_alloc(NULL, size);
	if (!f->bytes) return eg_fail(err, EG_ERR_MEMORY, "out of memory for '%.300s'", name);
	if (size) memcpy(f->bytes, bytes, size);
	f->size = size;
	return eg_st_parse(f->bytes, size, name, f, err);
}

/* bytes NULL: from the file. */
static eg_status load(
	eg_model *m, const char *path, const void *bytes, size_t size, eg_context *ctx, eg_error *err) {
	m->path = eg_arena_strdup(&m->arena, path);
	if (!m->path) return no_memory(err);
	eg_status status = bytes ? parse_copy(&m->file, bytes, size, path, err) : eg_st_load(path, &m->file, err);
	if (status) return status; /* these messages name the file themselves */
	status = check_format(m, err);
	if (!status) status = read_recipe(m, err);
	if (!status) status = read_own(m, err);
	if (!status) status = read_training(m, err);
	if (!status) status = build(m, ctx, err);
	if (!status) status = read_weights(m, err);
	if (status) eg_fail_prefix(err, "model '%.300s'", path);
	return status;
}

static eg_status open_model(
	const char *path, const void *bytes, size_t size, eg_context *ctx, eg_model **model, eg_error *err) {
	*model = NULL;
	eg_model *m = eg_calloc(NULL, 1, sizeof *m);
	eg_status status = m ? load(m, path, bytes, size, ctx, err) : no_memory(err);
	if (status) {
		eg_model_free(m);
		return status;
	}
	if (!m->state) eg_st_free(&m->file); /* everything has been copied; moments of a checkpoint are still in it */
	*model = m;
	return EG_OK;
}

eg_status eg_model_load(const char *path, eg_context *ctx, eg_model **model, eg_error *err) {
	return open_model(path, NULL, 0, ctx, model, err);
}

eg_status eg_model_parse(
	const void *bytes, size_t size, const char *name, eg_context *ctx, eg_model **model, eg_error *err) {
	return open_model(name, bytes ? bytes : "", size, ctx, model, err);
}

void eg_model_free(eg_model *m) {
	if (!m) return;
	eg_params_free(m->params);
	eg_graph_free(m->graph);
	eg_recipe_free(m->recipe);
	eg_value_free(m->task);
	eg_st_free(&m->file);
	eg_arena_free(&m->arena);
	eg_release(NULL, m);
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

eg_recipe *eg_model_recipe(eg_model *m) { return m->recipe; }
eg_graph *eg_model_graph(eg_model *m) { return m->graph; }
eg_params *eg_model_params(eg_model *m) { return m->params; }
const eg_train_result *eg_model_result(const eg_model *m) { return m->has_result ? &m->result : NULL; }
const eg_value *eg_model_task(const eg_model *m) { return m->task; }
const eg_size *eg_model_sizes(const eg_model *m) { return m->sizes; }
const char *eg_model_path(const eg_model *m) { return m->path; }
const char *eg_model_version(const eg_model *m) { return m->version; }
const char *eg_model_warning(const eg_model *m) { return m->warning; }
bool eg_model_is_checkpoint(const eg_model *m) { return m->state != NULL; }
const eg_train_state *eg_model_progress(const eg_model *m) { return m->state ? &m->progress : NULL; }

int eg_model_size(const eg_model *m, const char *name) {
	for (const eg_size *s = m->sizes; s->name; s++)
		if (!strcmp(s->name, name)) return s->size;
	return 0;
}

/* ---- going on with training -------------------------------------------------------------------------------------- */

/* Into a flat array that lies as eg_params_flat does; false when a tensor is missing. With `flat` NULL it only
 * looks. *odd (may be NULL): how many values are NaN or infinite. */
static bool fill_flat(const eg_model *m, const char *prefix, const char *moment, eg_real *flat, int64_t *odd) {
	const eg_real *base = eg_params_flat(m->params, NULL);
	if (odd) *odd = 0;
	for (int i = 0; i < eg_params_count(m->params); i++) {
		char name[300];
		snprintf(name, sizeof name, "%s%s%s%s", prefix, moment, *moment ? "." : "",
			eg_params_name(m->params, i));
		if (*moment && !eg_params_trained(m->params, i)) continue;
		const eg_st_tensor *t = eg_st_find(&m->file, name);
		if (!t) return false;
		int64_t n = 0;
		if (flat) eg_st_to_real(t, flat + (eg_params_data(m->params, i) - base), &n);
		if (odd) *odd += n;
	}
	return true;
}

static int count_prefix(const eg_st_file *f, const char *prefix) {
	int n = 0;
	for (int i = 0; i < f->n; i++) n += !strncmp(f->tensors[i].name, prefix, strlen(prefix));
	return n;
}

static int count_trained(const eg_params *p) {
	int n = 0;
	for (int i = 0; i < eg_params_count(p); i++) n += eg_params_trained(p, i);
	return n;
}

/* Of a training on streams that was stopped inside of an epoch. */
static bool get_streams(eg_model *m, eg_train_state *state) {
	const eg_st_tensor *t = eg_st_find(&m->file, streams_name);
	int64_t odd = 0;
	if (!t) return true;
	if (t->dims.rank != 1 || t->dims.d[0] < 1) return false;
	eg_real *to = eg_arena_alloc(&m->arena, (size_t)t->dims.d[0] * sizeof *to);
	if (!to || !eg_st_to_real(t, to, &odd) || odd) return false;
	state->streams = to, state->nstreams = (size_t)t->dims.d[0];
	return true;
}

/* When the rows of tables occurred last. Of a checkpoint without that, or of other tables, none rests. */
static bool get_rows(const eg_model *m, eg_optimizer *o, uint64_t steps) {
	size_t n;
	int32_t *last = eg_optimizer_rows(o, &n);
	const eg_st_tensor *t = eg_st_find(&m->file, rows_name);
	if (!t || !last || t->dims.rank != 1 || t->dims.d[0] != (int64_t)n) return true;
	if (!eg_st_to_i32(t, last)) return false;
	for (size_t i = 0; i < n; i++)
		if (last[i] < 0 || (uint64_t)last[i] > steps) return false;
	return true;
}

/* Elements of a flat array of moments, at least. */
static size_t count_moments(eg_params *p) {
	size_t n = 0;
	for (int i = 0; i < eg_params_count(p); i++) {
		const eg_dims d = eg_params_dims(p, i);
		if (!eg_params_trained(p, i)) continue;
		size_t end = (size_t)(eg_params_data(p, i) - eg_params_flat(p, NULL)), count = (size_t)eg_dims_count(&d, 0);
		if (end + count > n) n = end + count;
	}
	return n;
}

eg_status eg_model_resume(eg_model *m, eg_optimizer *optimizer, eg_train_state *state, eg_error *err) {
	size_t n;
	int moments = eg_optimizer_moments(optimizer);
	uint64_t steps = 0;
	if (!m->state)
		return eg_fail(err, EG_ERR_ARG,
			"model '%s' is not a checkpoint: it holds no state of training to go on from", m->path);
	bool fits = count_prefix(&m->file, optimizer_prefix) == moments * count_trained(m->params);
	for (int i = 0; i < moments && fits; i++) {
		eg_optimizer_moment(optimizer, i, &n);
		fits = n >= count_moments(m->params) && fill_flat(m, optimizer_prefix, eg_optimizer_moment_name(optimizer, i), NULL, NULL);
	}
	if (!fits)
		return eg_fail(err, EG_ERR_FORMAT,
			"checkpoint '%s' was written by a different optimizer from the one that is to go on", m->path);
	eg_real *best = state->best_weights, *average = state->average;
	if (!get_state(m->state, state, &steps) || !get_streams(m, state))
		return eg_fail(err, EG_ERR_FORMAT, "checkpoint '%s' is damaged: the state of training", m->path);
	for (int i = 0; i < moments; i++)
		fill_flat(m, optimizer_prefix, eg_optimizer_moment_name(optimizer, i),
			eg_optimizer_moment(optimizer, i, NULL), NULL);
	eg_optimizer_set_steps(optimizer, steps);
	if (!get_rows(m, optimizer, steps))
		return eg_fail(err, EG_ERR_FORMAT, "checkpoint '%s' is damaged: when rows of tables occurred last", m->path);
	state->best_weights = best;
	state->average = average;
	int64_t odd = 0, more = 0;
	if (best && state->best_epoch > 0 && !fill_flat(m, best_prefix, "", best, &odd))
		return eg_fail(err, EG_ERR_FORMAT, "checkpoint '%s' is damaged: the best weights are missing", m->path);
	if (average && !fill_flat(m, average_prefix, "", average, &more)) { /* begun without: it begins here */
		memcpy(average, eg_params_flat(m->params, &n), n * sizeof *average);
		more = 0;
	}
	if (odd + more > 0) /* either may become the model */
		return eg_fail(err, EG_ERR_FORMAT,
			"checkpoint '%s' is damaged: %lld of its %s weights are NaN or infinite", m->path,
			(long long)(odd + more), odd ? "best" : "averaged");
	return EG_OK;
}
