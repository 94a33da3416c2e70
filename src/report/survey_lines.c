/* survey_lines.c - facts of a data set as lines for people; one record in words, and what a network gets of it. */
#include "report/survey.h"

#include <math.h>
#include <string.h>

/* ---- words ------------------------------------------------------------------------------------------------------- */

const char *eg_brief(double v, char buf[32]) {
	if (!isfinite(v)) return "-";
	double power = v == 0 ? 0 : floor(log10(fabs(v)));
	double unit = pow(10, fmin(power, 15) - 3);
	return eg_number(fabs(v) >= 1000 ? round(v) : round(v / unit) * unit, buf);
}

const char *eg_class_name(const eg_source *s, int k, int label, char buf[24]) {
	const char *name = label < 0 ? "-" : eg_source_name(s, k, label);
	if (name) return name;
	snprintf(buf, 24, "%d", label);
	return buf;
}

char *eg_cut_text(const char *bytes, size_t size, size_t most, char *buf) {
	size_t n = size < most ? size : most;
	while (n > 0 && n < size && ((unsigned char)bytes[n] & 0xc0) == 0x80) n--;
	for (size_t i = 0; i < n; i++) buf[i] = bytes[i] ? bytes[i] : ' ';
	memcpy(buf + n, n < size ? "..." : "", n < size ? 4 : 1);
	return buf;
}

enum { LINE = 1600, SHOWN_CLASSES = 24 };
typedef struct words {
	size_t n;
	char text[LINE];
} words;

EG_PRINTF(2, 3) static void add(words *w, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(w->text + w->n, LINE - w->n, fmt, args);
	va_end(args);
	if (n > 0) w->n = w->n + (size_t)n < LINE ? w->n + (size_t)n : LINE - 1;
}

/* ---- facts as lines ---------------------------------------------------------------------------------------------- */

typedef struct lines {
	void (*take)(void *user, const eg_survey_line *line);
	void *user;
	const char *part, *field;
} lines;

static void tell(const lines *l, const char *what, const words *w) {
	l->take(l->user, &(eg_survey_line){l->part, l->field, what, w->text});
}

static double number_of(const eg_value *map, const char *key) {
	return eg_value_number(eg_value_get(map, key), (double)NAN);
}
static long long int_of(const eg_value *map, const char *key) {
	return (long long)eg_value_int(eg_value_get(map, key), 0);
}
static const char *text_of(const eg_value *map, const char *key) {
	const char *s = eg_value_text(eg_value_get(map, key));
	return s ? s : "";
}

static void tell_lengths(const lines *l, const eg_value *field, const char *what) {
	static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const eg_value *v = eg_value_get(field, what), *h = eg_value_get(v, "histogram");
	char a[32], b[32], c[32];
	words w = {0};
	int64_t most = 1;
	if (eg_value_kind_of(v) != EG_VALUE_MAP) return;
	if (!h) {
		add(&w, "%s %s", eg_brief(number_of(v, "min"), a), text_of(v, "of"));
		tell(l, what, &w);
		return;
	}
	add(&w, "min %s, median %s, max %s %s  ", eg_brief(number_of(v, "min"), a), eg_brief(number_of(v, "median"), b),
	        eg_brief(number_of(v, "max"), c), text_of(v, "of"));
	for (const eg_value *x = eg_value_first(h); x; x = eg_value_next(x))
		if (eg_value_int(x, 0) > most) most = eg_value_int(x, 0);
	for (const eg_value *x = eg_value_first(h); x; x = eg_value_next(x))
		add(&w, "%s", bars[(eg_value_int(x, 0) * 8 + most - 1) / most]);
	tell(l, what, &w);
}

static void tell_classes(const lines *l, const eg_value *field) {
	const eg_value *v = eg_value_get(field, "classes"), *list = eg_value_get(v, "of");
	words w = {0};
	int n = 0;
	if (!v) return;
	for (const eg_value *c = eg_value_first(list); c && n < SHOWN_CLASSES; c = eg_value_next(c), n++)
		add(&w, "%s%s %lld", n ? ", " : "", text_of(c, "class"), int_of(c, "count"));
	if (eg_value_count(list) > n) add(&w, ", and %lld more classes", (long long)eg_value_count(list) - n);
	if (int_of(v, "none")) add(&w, "%snone %lld", n ? ", " : "", int_of(v, "none"));
	char what[40];
	snprintf(what, sizeof what, "classes, in %s", text_of(v, "counted"));
	tell(l, what, &w);
}

static void tell_values(const lines *l, const eg_value *field) {
	const eg_value *list = eg_value_get(field, "values");
	char a[32], b[32], c[32];
	int64_t k = 0;
	for (const eg_value *x = eg_value_first(list); x; x = eg_value_next(x), k++) {
		words w = {0};
		char what[64];
		const char *column = eg_value_text(eg_value_get(x, "column"));
		if (column)
			snprintf(what, sizeof what, "%.50s", column);
		else
			snprintf(what, sizeof what, eg_value_count(list) > 1 ? "column %lld" : "values", (long long)k);
		add(&w, "%s to %s, mean %s", eg_brief(number_of(x, "min"), a), eg_brief(number_of(x, "max"), b),
		        eg_brief(number_of(x, "mean"), c));
		if (int_of(x, "gaps")) add(&w, ", %lld gaps", int_of(x, "gaps"));
		tell(l, what, &w);
	}
}

static void tell_field(lines *l, const eg_value *field, long long records) {
	words w = {0};
	l->field = text_of(field, "name");
	add(&w, "%s", text_of(field, "kind"));
	if (int_of(field, "read") < records) add(&w, ", of %lld records", int_of(field, "read"));
	tell(l, "kind", &w);
	if (int_of(field, "missing")) {
		words m = {0};
		add(&m, "in %lld records", int_of(field, "missing"));
		tell(l, "missing", &m);
	}
	tell_classes(l, field);
	tell_lengths(l, field, "length");
	tell_lengths(l, field, "height");
	tell_lengths(l, field, "width");
	tell_values(l, field);
}

static void tell_duplicates(lines *l, const eg_value *d) {
	const char *in = text_of(d, "in");
	words w = {0};
	l->part = text_of(d, "part");
	const long long n = int_of(d, "count"), differ = int_of(d, "differ");
	const bool same = !strcmp(in, l->part);
	add(&w, "%lld %s", n, n == 1 ? "record is" : "records are");
	add(&w, same ? " there before" : " in %s too", in);
	if (differ) add(&w, ", %lld with another label", differ);
	add(&w, ": ");
	for (const eg_value *x = eg_value_first(eg_value_get(d, "some")); x; x = eg_value_next(x))
		add(&w, "%s%s as %s%s", x == eg_value_first(eg_value_get(d, "some")) ? "" : ", ", text_of(x, "record"),
		        text_of(x, "same_as"), eg_value_bool(eg_value_get(x, "differs"), false) ? " (another label)" : "");
	if (n > eg_value_count(eg_value_get(d, "some"))) add(&w, ", ...");
	tell(l, "duplicates", &w);
}

void eg_survey_lines(const eg_value *facts, void (*take)(void *user, const eg_survey_line *line), void *user) {
	lines l = {take, user, "", ""};
	for (const eg_value *p = eg_value_first(eg_value_get(facts, "parts")); p; p = eg_value_next(p)) {
		words w = {0};
		l.part = text_of(p, "part"), l.field = "";
		add(&w, "%lld", int_of(p, "records"));
		if (int_of(p, "read") < int_of(p, "records")) add(&w, ", of which %lld were read as a whole", int_of(p, "read"));
		if (*text_of(p, "remark")) add(&w, "; %s", text_of(p, "remark"));
		tell(&l, "records", &w);
		for (const eg_value *f = eg_value_first(eg_value_get(p, "fields")); f; f = eg_value_next(f))
			tell_field(&l, f, int_of(p, "records"));
	}
	l.field = "", l.part = "";
	const eg_value *broken = eg_value_get(facts, "broken"), *named = eg_value_get(broken, "named");
	const long long more = int_of(broken, "count") - (long long)eg_value_count(named);
	for (const eg_value *b = eg_value_first(named); b; b = eg_value_next(b)) {
		words w = {0};
		add(&w, "%s", eg_value_text(b));
		tell(&l, "broken", &w);
	}
	if (more > 0) {
		words w = {0};
		add(&w, "and %lld more", more);
		tell(&l, "broken", &w);
	}
	for (const eg_value *d = eg_value_first(eg_value_get(facts, "duplicates")); d; d = eg_value_next(d))
		tell_duplicates(&l, d);
}

/* ---- a record in words ------------------------------------------------------------------------------------------- */

enum { SHOWN_TEXT = 100, SHOWN_ITEMS = 16 };

static void add_label(words *w, const eg_source *s, int k, const eg_datum *d) {
	char buf[24], share[32];
	for (int i = 0; d->shares && i < d->shares->n; i++)
		add(w, "%s%s %s", i ? ", " : "", eg_class_name(s, k, d->shares->label[i], buf), eg_brief(d->shares->share[i], share));
	if (!d->shares) add(w, "%s", eg_class_name(s, k, d->label, buf));
}

static void add_list(words *w, const eg_source *s, int k, const eg_datum *d) {
	const eg_field *f = &s->fields[k];
	const int n = f->kind == EG_FIELD_TOKENS ? d->tokens.n
	              : f->kind == EG_FIELD_TAGS ? d->tags.n
	              : f->kind == EG_FIELD_BOXES ? d->boxes.n
	                                          : d->numbers.n;
	char buf[32];
	for (int i = 0; i < n && i < SHOWN_ITEMS; i++) {
		add(w, "%s", i ? " " : "");
		switch (f->kind) {
		case EG_FIELD_TOKENS: add(w, "%.60s", d->tokens.at[i]); break;
		case EG_FIELD_TAGS: add(w, "%s", eg_class_name(s, k, d->tags.at[i], buf)); break;
		case EG_FIELD_BOXES: add(w, "%s", eg_class_name(s, k, d->boxes.at[i].label, buf)); break;
		default: add(w, "%s", eg_brief(d->numbers.at[i], buf));
		}
	}
	if (n > SHOWN_ITEMS) add(w, " ... (%d)", n);
	if (n == 0) add(w, "none");
}

static void add_datum(words *w, const eg_source *s, int k, const eg_datum *d) {
	char buf[SHOWN_TEXT + 4];
	if (!d->there) {
		add(w, "missing");
		return;
	}
	switch (s->fields[k].kind) {
	case EG_FIELD_PICTURE: add(w, "%d x %d x %d", d->picture.C, d->picture.H, d->picture.W); break;
	case EG_FIELD_LABEL: add_label(w, s, k, d); break;
	case EG_FIELD_MASK: add(w, "%d x %d", d->mask.H, d->mask.W); break;
	case EG_FIELD_TEXT: add(w, "%s", eg_cut_text(d->text.bytes, d->text.size, SHOWN_TEXT, buf)); break;
	case EG_FIELD_SERIES: add(w, "%d steps of %d columns", d->series.steps, d->series.columns); break;
	case EG_FIELD_SOUND:
		add(w, "%s s, ", eg_brief(d->sound.rate > 0 ? (double)d->sound.n / d->sound.rate : 0, buf));
		add(w, "%lld samples at %s Hz", (long long)d->sound.n, eg_brief(d->sound.rate, buf));
		break;
	case EG_FIELD_FRAMES: add(w, "%d frames of %d x %d x %d", d->frames.n, d->frames.C, d->frames.H, d->frames.W); break;
	default: add_list(w, s, k, d);
	}
}

void eg_record_describe(const eg_source *source, const eg_record *r, eg_value *map) {
	eg_value_put_text(map, "record", r->id);
	if (r->group) eg_value_put_text(map, "group", r->group);
	eg_value *list = eg_value_put_list(map, "fields");
	for (int k = 0; k < source->nfields; k++) {
		words w = {0};
		eg_value *one = eg_value_put_map(list, NULL);
		add_datum(&w, source, k, &r->fields[k]);
		eg_value_put_text(one, "name", source->fields[k].name);
		eg_value_put_text(one, "kind", eg_field_kind_name(source->fields[k].kind));
		eg_value_put_text(one, "holds", w.text);
	}
}

/* ---- as the network gets it -------------------------------------------------------------------------------------- */

static void put_numbers(eg_value *map, const void *at, eg_dtype type, int64_t n) {
	enum { FIRST = 16 };
	const eg_real *x = at;
	const int32_t *id = at;
	double least = INFINITY, most = -INFINITY, sum = 0;
	for (int64_t i = 0; i < n; i++) {
		double v = type == EG_F32 ? (double)x[i] : id[i];
		least = fmin(least, v), most = fmax(most, v), sum += v;
	}
	eg_value_put_number(map, "min", least);
	if (type == EG_F32) eg_value_put_number(map, "mean", n ? sum / (double)n : (double)NAN);
	eg_value_put_number(map, "max", most);
	eg_value *first = eg_value_put_list(map, "first");
	for (int64_t i = 0; i < n && i < FIRST; i++)
		if (type == EG_F32)
			eg_value_put_number(first, NULL, (float)x[i]);
		else
			eg_value_put_int(first, NULL, id[i]);
}

eg_status eg_samples_seen(
	const eg_samples *s, eg_graph *g, eg_part part, int64_t i, int epoch, eg_value *list, eg_error *err) {
	const eg_dataset *d = s->data[part];
	if (!d || i < 0 || i >= d->count)
		return eg_fail(err, EG_ERR_ARG, "there is no sample %lld in the part '%s'", (long long)i, eg_part_name(part));
	const uint32_t item = (uint32_t)i;
	void *slots[EG_TASK_INTAKES + 4] = {0};
	int sizes[EG_MAX_DIMS + 1] = {0};
	eg_dims dims[EG_TASK_INTAKES + 4];
	eg_status status = EG_OK;
	const int time = d->time_of ? d->time_of(d->user, item) : d->time;
	for (int k = 0; d->dims && d->dims[k]; k++) sizes[k] = d->size_of ? d->size_of(d->user, item, k) : d->most[k];
	for (int k = 0; d->inputs[k] && !status; k++) {
		size_t bytes = eg_dtype_size(eg_tensor_dtype(g, eg_graph_find(g, d->inputs[k])));
		dims[k] = eg_samples_dims(s, k, 1, time, sizes);
		for (int j = 0; j < dims[k].rank; j++) bytes *= (size_t)dims[k].d[j];
		slots[k] = eg_block_new(NULL, bytes);
		if (!slots[k]) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a sample");
	}
	const eg_fill f = {.items = &item, .n = 1, .time = time, .sizes = sizes, .epoch = epoch,
	        .seed = eg_recipe_train(s->task->recipe)->seed};
	if (!status) status = d->fill(d->user, &f, slots, err);
	for (int k = 0; d->inputs[k] && !status; k++) {
		const eg_dtype type = eg_tensor_dtype(g, eg_graph_find(g, d->inputs[k]));
		eg_value *map = eg_value_put_map(list, NULL);
		int64_t n = 1;
		eg_value_put_text(map, "input", d->inputs[k]);
		eg_value_put_text(map, "type", eg_dtype_name(type));
		eg_value *shape = eg_value_put_list(map, "shape");
		for (int j = 0; j < dims[k].rank; j++) eg_value_put_int(shape, NULL, dims[k].d[j]), n *= dims[k].d[j];
		if (type == EG_F32 || type == EG_I32) put_numbers(map, slots[k], type, n);
	}
	for (int k = 0; k < EG_COUNT(slots); k++) eg_block_free(NULL, slots[k]);
	return status;
}
