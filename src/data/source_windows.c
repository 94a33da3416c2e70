/* source_windows.c - windows of a series: the past of an origin, and what came behind it. The series is a table of the
 * user's or a set that is known by name, read by source_series.c; what a window holds is windows.c's.
 *
 * The windows to train on have all that they are to forecast before the test part begins, or, with `validation`, before
 * the last such share of those steps, which validates. Scales are measured on the steps to train on alone. Not here:
 * what a network's answer means (tasks/forecast.c). */
#include "data/windows.h"
#include "data/table.h"

#include <math.h>
#include <string.h>

enum { TIME_MOST = 6, ORIGINS_PRESENT = 0 };

/* One of several series. */
typedef struct span {
	eg_panel panel;
	int cut;
	eg_windows form; /* with its scales */
} span;

typedef struct windows_source {
	eg_source base;
	/* keys */
	const char *set, *table, *test_from, *target_name;
	eg_strings columns, classes, time, missing, known, calendar;
	eg_ints ahead;
	eg_numbers waves;
	int64_t test_last;
	int separator, past, horizon, period, fill, reference, view, origins;
	bool log, mask;
	/* of the series */
	eg_windows form;
	bool kept, given, ready;
	const char **names; /* of the columns, where they are kept */
	eg_panel panel; /* of several that were given the first; so is `form` with its scales */
	float *numbers; /* the panel's, where it is the source's own */
	double *times;
	span *spans;    /* those that were given, nspans of them */
	int nspans;
	int cut, *items[EG_PARTS], *which[EG_PARTS]; /* which: NULL where there is one series */
	int widths[2];
} windows_source;

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static const char *const fill_names[] = {"last", "mean", NULL}, *const reference_names[] = {"none", "last", "season", NULL},
				  *const view_names[] = {"level", "relative", "both", NULL},
				  *const origin_names[] = {"present", "all", NULL};
#define AT(member) .offset = offsetof(windows_source, member)

static const eg_key keys[] = {
	{.name = "set", .type = EG_KEY_STRING, AT(set), .def = NAN,
		.doc = "a series that is known by name: airline, sunspots, temperatures, pm25; in its place:"},
	{.name = "table", .type = EG_KEY_STRING, AT(table), .def = NAN,
		.doc = "your own: a table with a step in each line, as the source `series` reads it"},
	{.name = "columns", .type = EG_KEY_STRINGS, .count = EG_WINDOW_COLUMNS, AT(columns), .def = NAN,
		.doc = "the columns whose past is seen; one of at most 64 different words becomes as many numbers. Left out: all"},
	{.name = "classes", .type = EG_KEY_STRINGS, AT(classes), .def = NAN,
		.doc = "those of `columns` that are classes, though they may look like numbers"},
	{.name = "time", .type = EG_KEY_STRINGS, .count = TIME_MOST, AT(time), .def = NAN,
		.doc = "of a table: the column of the times, or those of year, month, day, hour, minute, second. Left out: the steps are "
		       "0, 1, 2, ..."},
	{.name = "missing", .type = EG_KEY_STRINGS, .count = 100, AT(missing), .def = NAN,
		.doc = "of a table: cells that say that there is nothing, beside empty ones, NA, NaN and null"},
	{.name = "separator", .type = EG_KEY_ENUM, AT(separator), .names = eg_separator_names, .def = 0,
		.doc = "of a table: what stands between cells: comma (the default), tab or semicolon"},
	{.name = "test_last", .type = EG_KEY_INT64, AT(test_last), .min = 1, .max = 1e9, .def = NAN,
		.doc = "the last so many steps are the test part"},
	{.name = "test_from", .type = EG_KEY_STRING, AT(test_from), .def = NAN,
		.doc = "in place of `test_last`: the time when the test part begins, in quotation marks: \"2014-01-01\""},
	{.name = "target", .type = EG_KEY_STRING, AT(target_name), .def = NAN,
		.doc = "the column that is forecast (default: the first)"},
	{.name = "known", .type = EG_KEY_STRINGS, .count = EG_WINDOW_COLUMNS, AT(known), .def = NAN,
		.doc = "columns that are known of the future too: the field `future` has them"},
	{.name = "past", .type = EG_KEY_INT, AT(past), .min = 1, .max = 10000, .def = 24,
		.doc = "how many steps are seen, the last one among them (default: 24)"},
	{.name = "horizon", .type = EG_KEY_INT, AT(horizon), .min = 1, .max = EG_WINDOW_AHEAD, .def = 1,
		.doc = "how many steps are forecast, all at once (default: 1)"},
	{.name = "ahead", .type = EG_KEY_INT_LIST, .count = EG_WINDOW_AHEAD, AT(ahead), .min = 1, .max = 10000, .def = NAN,
		.doc = "in place of `horizon`: which steps, as in [1, 6, 24]"},
	{.name = "log", .type = EG_KEY_BOOL, AT(log), .def = 0, .doc = "the target's logarithm is seen and forecast"},
	{.name = "reference", .type = EG_KEY_ENUM, AT(reference), .names = reference_names, .def = EG_REFERENCE_LAST,
		.doc = "what is forecast is the change from the last value (the default), from the value a season ago, or, with none, the "
		       "value itself"},
	{.name = "period", .type = EG_KEY_INT, AT(period), .min = 1, .max = 100000, .def = 1,
		.doc = "steps of a season, for `reference: season` and for MASE"},
	{.name = "view", .type = EG_KEY_ENUM, AT(view), .names = view_names, .def = EG_VIEW_LEVEL,
		.doc = "the target's past as it is (level, the default), less its last value (relative), or both, a column each"},
	{.name = "fill", .type = EG_KEY_ENUM, AT(fill), .names = fill_names, .def = EG_FILL_LAST,
		.doc = "what stands in a gap of the past: the last value before it (the default), or the mean of the steps to train on"},
	{.name = "mask", .type = EG_KEY_BOOL, AT(mask), .def = 0,
		.doc = "the past has a column more for each that is seen, 1 where there is a value, 0 in a gap"},
	{.name = "waves", .type = EG_KEY_NUMBERS, .count = EG_WINDOW_WAVES, AT(waves), .min = 1.5, .max = 1e6, .def = NAN,
		.doc = "sines and cosines of these periods, in steps, beside the columns"},
	{.name = "calendar", .type = EG_KEY_STRINGS, .count = 3, AT(calendar), .def = NAN,
		.doc = "the same by the times of the steps: day, week, year"},
	{.name = "origins", .type = EG_KEY_ENUM, AT(origins), .names = origin_names, .def = ORIGINS_PRESENT,
		.doc = "a forecast begins at each step whose value is there (present, the default), or at all"},
	EG_LIMIT_KEY("train on so many windows only, spread over all of them; left out: on all"),
};

static const eg_field fields[EG_WINDOW_FIELDS] = {
	[EG_WINDOW_PAST] = {.name = "past", .kind = EG_FIELD_SERIES},
	[EG_WINDOW_FUTURE] = {.name = "future", .kind = EG_FIELD_SERIES},
	[EG_WINDOW_MASK] = {.name = "mask", .kind = EG_FIELD_SERIES},
	[EG_WINDOW_GAPS] = {.name = "gaps", .kind = EG_FIELD_SERIES},
	[EG_WINDOW_ELAPSED] = {.name = "elapsed", .kind = EG_FIELD_SERIES, .columns = 1},
	[EG_WINDOW_VALUES] = {.name = "values", .kind = EG_FIELD_SERIES},
	[EG_WINDOW_TARGET] = {.name = "target", .kind = EG_FIELD_NUMBERS},
	[EG_WINDOW_UNIT] = {.name = "unit", .kind = EG_FIELD_NUMBERS},
	[EG_WINDOW_TRUTH] = {.name = "truth", .kind = EG_FIELD_NUMBERS}};

static eg_status set_ahead(windows_source *s, eg_error *err) {
	eg_windows *w = &s->form;
	w->nahead = s->ahead.n > 0 ? s->ahead.n : s->horizon;
	for (int k = 0; k < w->nahead; k++) {
		w->ahead[k] = s->ahead.n > 0 ? s->ahead.at[k] : k + 1;
		if (k > 0 && w->ahead[k] <= w->ahead[k - 1])
			return eg_fail(err, EG_ERR_ARG, "'ahead' must rise, but %d stands before %d", w->ahead[k - 1], w->ahead[k]);
	}
	return EG_OK;
}

static eg_status set_calendar(windows_source *s, eg_error *err) {
	static const char *const names[] = {"day", "week", "year"};
	for (int i = 0; i < s->calendar.n; i++) {
		int k = 0;
		while (k < EG_COUNT(names) && strcmp(names[k], s->calendar.at[i]) != 0) k++;
		if (k == EG_COUNT(names))
			return eg_fail(err, EG_ERR_ARG, "'calendar' is a list of day, week and year, not '%.40s'", s->calendar.at[i]);
		s->form.calendar |= 1u << k;
	}
	if (s->form.calendar && s->table && s->time.n == 0)
		return eg_fail(err, EG_ERR_ARG, "'calendar' needs 'time', the column that tells the times");
	return EG_OK;
}

static eg_status open_source(eg_source *base, eg_error *err) {
	windows_source *s = (windows_source *)base;
	eg_windows *w = &s->form;
	if (!s->set == !s->table)
		return eg_fail(err, EG_ERR_ARG, "give 'set', a series that is known by name, or 'table', a file of your own%s",
		        s->set ? ", not both" : "");
	if (s->set && (s->time.n || s->missing.n || s->separator))
		return eg_fail(err, EG_ERR_ARG, "'time', 'missing' and 'separator' are about a 'table' of your own; the set '%.60s' has them",
		        s->set);
	if (s->reference == EG_REFERENCE_SEASON && s->period < 2)
		return eg_fail(err, EG_ERR_ARG, "'reference: season' needs 'period', the steps of a season, at least 2");
	w->past = s->past, w->log = s->log, w->mask = s->mask, w->period = s->period, w->calendar = 0;
	w->fill = (eg_window_fill)s->fill, w->reference = (eg_window_reference)s->reference, w->view = (eg_window_view)s->view;
	w->nwaves = s->waves.n;
	for (int i = 0; i < s->waves.n; i++) w->waves[i] = s->waves.at[i];
	eg_status status = set_ahead(s, err);
	return status ? status : set_calendar(s, err);
}

/* ---- the series -------------------------------------------------------------------------------------------------- */

/* A list of names as a setting, NAME=['a', 'b']; NULL: out of memory. */
static const char *list_setting(windows_source *s, const char *name, const eg_strings *list) {
	const char *text = eg_arena_printf(&s->base.arena, "%s=[", name);
	for (int i = 0; i < list->n && text; i++)
		text = eg_arena_printf(&s->base.arena, "%s%s\"%s\"", text, i ? ", " : "", list->at[i]);
	return text ? eg_arena_printf(&s->base.arena, "%s]", text) : NULL;
}

/* The columns that are read: those that are seen, and the target and what is known, if they are not among them. */
static bool read_columns(windows_source *s, eg_strings *all) {
	all->at = eg_arena_alloc(&s->base.arena, (size_t)(s->columns.n + s->known.n + 1) * sizeof *all->at);
	for (int i = 0; i < s->columns.n && all->at; i++) all->at[all->n++] = s->columns.at[i];
	for (int i = -1; i < s->known.n && all->at && s->columns.n > 0; i++) {
		const char *name = i < 0 ? s->target_name : s->known.at[i];
		bool there = !name;
		for (int k = 0; k < all->n && !there; k++) there = strcmp(all->at[k], name) == 0;
		if (!there) all->at[all->n++] = name;
	}
	return all->at != NULL;
}

/* What is passed on to the source that reads the series. */
static eg_status open_series(windows_source *s, eg_source **series, eg_error *err) {
	const char *settings[10] = {0};
	int n = 0;
	eg_arena *a = &s->base.arena;
	eg_strings columns = {0};
	if (!read_columns(s, &columns)) return eg_source_no_memory(&s->base, err);
	const struct {
		const char *name;
		const eg_strings *list;
	} lists[] = {{"columns", &columns}, {"classes", &s->classes}, {"time", &s->time}, {"missing", &s->missing}};
	for (int i = 0; i < EG_COUNT(lists); i++)
		if (lists[i].list->n > 0) settings[n++] = list_setting(s, lists[i].name, lists[i].list);
	if (s->test_last > 0) settings[n++] = eg_arena_printf(a, "test_last=%lld", (long long)s->test_last);
	if (s->test_from) settings[n++] = eg_arena_printf(a, "test_from=\"%s\"", s->test_from);
	if (s->separator) settings[n++] = eg_arena_printf(a, "separator=%s", eg_separator_names[s->separator]);
	if (s->table) {
		const char *path = eg_source_path(&s->base, s->table, err);
		settings[n++] = path ? eg_arena_printf(a, "path=\"%s\"", path) : NULL;
	}
	for (int i = 0; i < n; i++)
		if (!settings[i]) return eg_source_no_memory(&s->base, err);
	return eg_source_open(s->set ? s->set : "series", settings, series, err);
}

/* The numbers of both parts, one behind the other. */
static eg_status copy_parts(windows_source *s, eg_source *series, eg_error *err) {
	const eg_field *f = eg_source_field(series, 0);
	eg_record r[2] = {{0}};
	int steps = 0;
	eg_status status = EG_OK;
	for (int i = 0; i < 2 && !status; i++) {
		const eg_part part = i ? EG_PART_TEST : EG_PART_TRAIN;
		if (eg_source_count(series, part) < 1) continue;
		status = eg_source_read(series, part, 0, 1, &r[i], err);
		if (i == 0) s->cut = r[0].fields[0].series.steps;
		steps += r[i].fields[0].series.steps;
	}
	const size_t width = (size_t)f->columns;
	s->numbers = eg_alloc(NULL, (size_t)steps * width * sizeof *s->numbers + 1);
	s->times = eg_alloc(NULL, (size_t)steps * sizeof *s->times + 1);
	const char **names = eg_arena_alloc(&s->base.arena, (width + 1) * sizeof *names);
	if (!s->numbers || !s->times || !names) {
		if (!status) status = eg_source_no_memory(&s->base, err);
		eg_record_free(&r[0]);
		eg_record_free(&r[1]);
		return status;
	}
	for (int i = 0, at = 0; i < 2 && !status; i++) {
		const eg_datum_series *x = &r[i].fields[0].series;
		if (x->steps < 1) continue;
		memcpy(s->numbers + (size_t)at * width, x->at, (size_t)x->steps * width * sizeof *s->numbers);
		if (x->times) memcpy(s->times + at, x->times, (size_t)x->steps * sizeof *s->times);
		at += x->steps;
	}
	for (int k = 0; k < f->columns && !status; k++)
		if (!(names[k] = eg_arena_strdup(&s->base.arena, f->names[k]))) status = eg_source_no_memory(&s->base, err);
	s->panel = (eg_panel){s->numbers, !status && r[0].fields[0].series.times ? s->times : NULL, names, steps, f->columns, 0};
	eg_record_free(&r[0]);
	eg_record_free(&r[1]);
	return status;
}

static eg_status read_series(windows_source *s, eg_error *err) {
	eg_source *series = NULL;
	eg_status status = open_series(s, &series, err);
	if (status || !series) return status;
	if (eg_source_find_kind(series, EG_FIELD_SERIES) != 0)
		status = eg_fail(err, EG_ERR_ARG, "'set' is a series, such as airline or pm25; '%.60s' is none", s->set);
	series->beside = s->base.beside;
	if (!status) status = eg_source_prepare(series, EG_PART_TRAIN, err);
	if (!status) status = eg_source_prepare(series, EG_PART_TEST, err);
	if (!status) status = copy_parts(s, series, err);
	eg_source_close(series);
	return status;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

/* Is this the column, or one of those that a column of words has become? */
static bool is_column(const char *name, const char *asked) {
	const size_t n = strlen(asked);
	return strncmp(name, asked, n) == 0 && (name[n] == '\0' || name[n] == '=');
}

/* Adds the columns that are called so to a list. */
static eg_status find_columns(
	const windows_source *s, const char *key, const char *asked, int *list, int *n, eg_error *err) {
	const int before = *n;
	for (int c = 0; c < s->panel.columns && *n < EG_WINDOW_COLUMNS; c++)
		if (is_column(s->panel.names[c], asked)) list[(*n)++] = c;
	if (*n > before) return EG_OK;
	char all[300] = "";
	for (int c = 0; c < s->panel.columns; c++) {
		const size_t used = strlen(all);
		snprintf(all + used, sizeof all - used, "%s%.40s", c ? ", " : "", s->panel.names[c]);
	}
	return eg_fail(err, EG_ERR_ARG, "'%s': the series has no column '%.60s'; it has %s", key, asked, all);
}

static eg_status choose_columns(windows_source *s, eg_error *err) {
	eg_windows *w = &s->form;
	int target[EG_WINDOW_COLUMNS], n = 0;
	w->target = w->nseen = w->nknown = 0;
	eg_status status = s->target_name ? find_columns(s, "target", s->target_name, target, &n, err) : EG_OK;
	if (!status && n > 0) w->target = target[0];
	if (!status && n > 1)
		status = eg_fail(err, EG_ERR_ARG, "'target': the column '%.60s' is of words, and only numbers are forecast", s->target_name);
	for (int i = 0; i < s->columns.n && !status; i++)
		status = find_columns(s, "columns", s->columns.at[i], w->seen, &w->nseen, err);
	for (int c = 0; c < s->panel.columns && s->columns.n == 0 && c < EG_WINDOW_COLUMNS; c++) w->seen[w->nseen++] = c;
	for (int i = 0; i < s->known.n && !status; i++)
		status = find_columns(s, "known", s->known.at[i], w->known, &w->nknown, err);
	for (int i = 0; i < w->nknown && !status; i++)
		if (w->known[i] == w->target)
			status = eg_fail(err, EG_ERR_ARG, "'known': the future of '%.60s' is what is forecast; leave it out", s->panel.names[w->target]);
	if (!status && s->panel.columns > EG_WINDOW_COLUMNS)
		status = eg_fail(err, EG_ERR_ARG, "the series has %d columns of numbers, and windows have at most %d; name some by 'columns'",
		        s->panel.columns, EG_WINDOW_COLUMNS);
	if (!status && w->calendar && s->panel.at && !s->panel.times)
		status = eg_fail(err, EG_ERR_ARG, "'calendar' needs times, and the steps of this series have none");
	return status;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* Where the steps to train on end. */
static int train_end(const windows_source *s, int cut) { return cut - (int)(s->base.validation * cut + 0.5); }

static int series_of(const windows_source *s) { return s->nspans > 1 ? s->nspans : 1; }
static const eg_panel *panel_of(const windows_source *s, int which) { return which > 0 ? &s->spans[which].panel : &s->panel; }
static int cut_of(const windows_source *s, int which) { return which > 0 ? s->spans[which].cut : s->cut; }
static const eg_windows *form_of(const windows_source *s, int which) { return which > 0 ? &s->spans[which].form : &s->form; }

/* How many of the values ahead lie in [from, to), and are there; -1: one that lies there is missing. */
static int ahead_in(const windows_source *s, const eg_panel *p, int origin, int from, int to) {
	const eg_windows *w = &s->form;
	int n = 0, gaps = 0;
	for (int k = 0; k < w->nahead; k++) {
		const int step = origin + w->ahead[k];
		if (step < from || step >= to) continue;
		const float v = p->at[(ptrdiff_t)step * p->columns + w->target];
		const bool there = !isnan(v) && (!w->log || v > 0);
		n += there, gaps += !there;
	}
	return gaps ? -1 : n;
}

static bool is_origin(const windows_source *s, int which, eg_part part, int origin) {
	const eg_windows *w = &s->form;
	const eg_panel *p = panel_of(s, which);
	const int cut = cut_of(s, which), train = train_end(s, cut), from = part == EG_PART_TRAIN ? 0 : part == EG_PART_TEST ? cut : train;
	const int to = part == EG_PART_TRAIN ? train : part == EG_PART_TEST ? p->steps : cut;
	if (!eg_windows_possible(w, p, origin)) return false;
	if (s->origins == ORIGINS_PRESENT && isnan(p->at[(ptrdiff_t)origin * p->columns + w->target])) return false;
	if (part != EG_PART_TEST) return ahead_in(s, p, origin, from, to) == w->nahead;
	if (origin + w->ahead[0] < from) return false;
	int there = 0; /* of a test some may be missing */
	for (int k = 0; k < w->nahead; k++) {
		const int step = origin + w->ahead[k];
		there += step < to && !isnan(p->at[(ptrdiff_t)step * p->columns + w->target]);
	}
	return there > 0;
}

static void thin(windows_source *s, int *items, int *which, int64_t *n) {
	const int64_t all = *n, limit = s->base.limit;
	if (limit < 1 || limit >= all) return;
	for (int64_t i = 0; i < limit; i++) items[i] = items[i * all / limit];
	for (int64_t i = 0; i < limit && which; i++) which[i] = which[i * all / limit];
	*n = limit;
}

static eg_status too_short(const windows_source *s, eg_error *err) {
	const eg_windows *w = &s->form;
	if (s->nspans > 0)
		return eg_fail(err, EG_ERR_ARG,
		        "none of %d series has a window of %d steps with those that are forecast, the last %d steps behind it, and all its values, "
		        "in what is to be trained on; take a smaller 'past', 'horizon' or 'validation', or fewer origins", s->nspans, w->past,
		        w->ahead[w->nahead - 1]);
	return eg_fail(err, EG_ERR_ARG,
	        "%s has %d steps to train on, and no window of %d steps with those that are forecast, the last %d steps behind it, has all "
	        "its values there; take a smaller 'past', 'horizon', 'validation' or test part", eg_windows_series(&s->base), train_end(s, s->cut),
	        w->past, w->ahead[w->nahead - 1]);
}

static void set_widths(windows_source *s) {
	s->widths[0] = eg_windows_past_width(&s->form), s->widths[1] = eg_windows_future_width(&s->form);
}

static eg_status know_series(windows_source *s, eg_error *err) {
	if (s->ready) return EG_OK;
	eg_status status = s->given ? EG_OK : read_series(s, err);
	if (!status) status = choose_columns(s, err);
	if (status) return status;
	eg_windows *w = &s->form;
	for (int c = 0; s->kept && c < w->columns; c++)
		if (w->columns != s->panel.columns || strcmp(s->names[c], s->panel.names[c]) != 0)
			return eg_fail(err, EG_ERR_ARG, "the model was trained on a series of %d columns, of which number %d is '%s'; this one has %d%s%s",
			        w->columns, c + 1, s->names[c], s->panel.columns, c < s->panel.columns ? ", there " : "",
			        c < s->panel.columns ? s->panel.names[c] : "");
	if (!s->kept) eg_windows_fit(w, &s->panel, train_end(s, s->cut));
	for (int i = 0; i < s->nspans; i++) {
		s->spans[i].form = *w;
		if (i > 0) eg_windows_fit(&s->spans[i].form, &s->spans[i].panel, train_end(s, s->spans[i].cut));
	}
	set_widths(s);
	s->ready = true;
	const int columns[EG_WINDOW_FIELDS] = {s->widths[0], s->widths[1], w->nseen, w->nseen, 1, w->nseen, w->nahead, 2 * w->nahead, w->nahead};
	for (int i = 0; i < EG_WINDOW_FIELDS; i++) {
		s->base.fields[i].columns = columns[i];
		if (i <= EG_WINDOW_VALUES) s->base.fields[i].steps = i == EG_WINDOW_FUTURE ? w->nahead : w->past;
	}
	return EG_OK;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	windows_source *s = (windows_source *)base;
	eg_status status = know_series(s, err);
	if (status || (part == EG_PART_VALIDATION && base->validation <= 0)) return status;
	int64_t steps = 0, *n = &base->count[part];
	for (int k = 0; k < series_of(s); k++) steps += panel_of(s, k)->steps;
	if (!s->items[part]) s->items[part] = eg_alloc(NULL, (size_t)steps * sizeof **s->items + 1);
	if (!s->which[part] && s->nspans > 1) s->which[part] = eg_alloc(NULL, (size_t)steps * sizeof **s->which + 1);
	if (!s->items[part] || (s->nspans > 1 && !s->which[part])) return eg_source_no_memory(base, err);
	*n = 0;
	for (int k = 0; k < series_of(s); k++)
		for (int t = 0; t < panel_of(s, k)->steps; t++) {
			if (!is_origin(s, k, part, t)) continue;
			if (s->which[part]) s->which[part][*n] = k;
			s->items[part][(*n)++] = t;
		}
	if (part == EG_PART_TRAIN) thin(s, s->items[part], s->which[part], n);
	if (part == EG_PART_TRAIN && base->count[part] < 1) return too_short(s, err);
	if (part == EG_PART_VALIDATION && base->count[part] < 1)
		return eg_fail(err, EG_ERR_ARG, "%s: 'validation' keeps %d steps aside, in which no window has all its values; make it larger, or "
		                                "leave it out", eg_windows_series(base), s->cut - train_end(s, s->cut));
	if (part == EG_PART_TEST && base->count[part] < 1)
		eg_source_remark_on(base, part, "give 'test_last', how many steps at the end, or 'test_from', the time when it begins");
	return EG_OK;
}

static void forget(windows_source *s) {
	eg_release(NULL, s->numbers);
	eg_release(NULL, s->times);
	s->numbers = NULL, s->times = NULL;
	for (int i = 0; i < EG_PARTS; i++) {
		eg_release(NULL, s->items[i]);
		eg_release(NULL, s->which[i]);
		s->items[i] = s->which[i] = NULL;
		s->base.prepared[i] = false;
	}
	eg_release(NULL, s->spans);
	s->spans = NULL, s->nspans = 0;
	s->panel = (eg_panel){0};
	s->ready = false;
}

static void close_source(eg_source *base) { forget((windows_source *)base); }

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* A series of numbers in the record's room; NULL: out of memory. */
static float *put_series(eg_record *r, int field, int steps, int columns) {
	float *at = eg_record_room(r, (size_t)steps * (size_t)columns * sizeof *at);
	r->fields[field] = (eg_datum){.there = at != NULL, .series = {steps, columns, at, NULL}};
	return at;
}

static float *put_numbers(eg_record *r, int field, int n) {
	float *at = eg_record_room(r, (size_t)n * sizeof *at);
	r->fields[field] = (eg_datum){.there = at != NULL, .numbers = {n, at}};
	return at;
}

/* The times of the steps ahead, and the origin's as the record's name. */
static bool put_times(const eg_windows *w, const eg_panel *p, int origin, eg_record *r) {
	char buf[32];
	if (!p->times) return (r->id = eg_record_printf(r, "%d", p->first + origin + 1)) != NULL;
	double *times = eg_record_room(r, ((size_t)w->nahead + 1) * sizeof *times);
	if (!times) return false;
	for (int k = 0; k < w->nahead; k++) times[k] = eg_panel_time(p, origin + w->ahead[k]);
	times[w->nahead] = eg_panel_step(p);
	r->fields[EG_WINDOW_FUTURE].series.times = times;
	return (r->id = eg_record_printf(r, "%s", eg_time_text(p->times[origin], eg_panel_step(p), buf))) != NULL;
}

eg_status eg_windows_record(
	const eg_source *base, int which, const eg_panel *p, int origin, unsigned wanted, eg_record *r, eg_error *err) {
	const windows_source *s = (const windows_source *)base;
	const eg_windows *w = form_of(s, which);
	const int P = w->past, K = w->nahead;
	float *future = put_series(r, EG_WINDOW_FUTURE, K, s->widths[1]), *unit = put_numbers(r, EG_WINDOW_UNIT, 2 * K);
	float *target = put_numbers(r, EG_WINDOW_TARGET, K), *truth = put_numbers(r, EG_WINDOW_TRUTH, K), *x[EG_WINDOW_FIELDS] = {0};
	const int columns[] = {s->widths[0], 0, w->nseen, w->nseen, 1, w->nseen};
	bool ok = future && unit && target && truth;
	for (int i = 0; i <= EG_WINDOW_VALUES && ok; i++)
		if (i != EG_WINDOW_FUTURE && wanted >> i & 1) ok = (x[i] = put_series(r, i, P, columns[i])) != NULL;
	if (!ok || !put_times(w, p, origin, r)) return eg_record_no_memory(err);
	if (x[EG_WINDOW_PAST]) eg_windows_past(w, p, origin, x[EG_WINDOW_PAST]);
	if (x[EG_WINDOW_MASK]) eg_windows_mask(w, p, origin, x[EG_WINDOW_MASK]);
	if (x[EG_WINDOW_GAPS]) eg_windows_gaps(w, p, origin, x[EG_WINDOW_GAPS]);
	if (x[EG_WINDOW_ELAPSED]) eg_windows_elapsed(w, p, origin, x[EG_WINDOW_ELAPSED]);
	if (x[EG_WINDOW_VALUES]) eg_windows_values(w, p, origin, x[EG_WINDOW_VALUES]);
	eg_windows_future(w, p, origin, future);
	eg_windows_unit(w, p, origin, unit);
	eg_windows_truth(w, p, origin, truth);
	for (int k = 0; k < K; k++) {
		target[k] = eg_windows_scaled(w, unit, k, (double)truth[k]);
		if (!isfinite(target[k])) target[k] = 0; /* the truth says that there is none */
	}
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const windows_source *s = (const windows_source *)base;
	const int which = eg_windows_which(base, part, i);
	return eg_windows_record(base, which, panel_of(s, which), s->items[part][i], wanted, r, err);
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

const eg_source_type eg_source_type_windows = {
	.info = {.name = "windows",
		.doc = "windows of a series, to forecast it: the past of each step, and what came behind it; of a table of your own, or of "
		       "a series that is known by name",
		.origin = "you, or that of the set",
		.licence = "yours, or that of the set",
		.fields = fields,
		.nfields = EG_COUNT(fields),
		.path = EG_DATA_PATH_SETTINGS},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(windows_source),
	.open = open_source,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};

eg_windows *eg_windows_of(eg_source *s) {
	return s->type == &eg_source_type_windows ? &((windows_source *)s)->form : NULL;
}

const eg_panel *eg_windows_panel(const eg_source *s) { return &((const windows_source *)s)->panel; }

const char *eg_windows_series(const eg_source *base) {
	const windows_source *s = (const windows_source *)base;
	return s->set ? s->set : s->table ? s->table : "the series";
}

eg_status eg_windows_keep(eg_source *base, const eg_value *names, eg_error *err) {
	windows_source *s = (windows_source *)base;
	const int n = (int)eg_value_count(names);
	const eg_value *v = eg_value_first(names);
	s->names = eg_arena_alloc(&base->arena, ((size_t)n + 1) * sizeof *s->names);
	for (int i = 0; i < n && s->names; i++, v = eg_value_next(v))
		if (!(s->names[i] = eg_arena_strdup(&base->arena, eg_value_text(v) ? eg_value_text(v) : ""))) s->names = NULL;
	if (!s->names) return eg_source_no_memory(base, err);
	s->kept = true;
	/* what is known without the series */
	s->panel = (eg_panel){.names = s->names, .columns = n};
	eg_status status = choose_columns(s, err);
	set_widths(s);
	return status;
}

eg_windows_names eg_windows_named(const eg_source *base) {
	const windows_source *s = (const windows_source *)base;
	const eg_table_form form = {.separator = s->separator};
	return (eg_windows_names){.columns = s->columns, .known = s->known, .time = s->time, .missing = s->missing,
		.target = s->target_name, .separator = eg_separator_of(&form), .kept = s->names, .nkept = s->kept ? s->form.columns : 0};
}

void eg_windows_aim(eg_source *s, const char *target) { ((windows_source *)s)->target_name = target; }

int eg_windows_origin(const eg_source *s, eg_part part, int64_t i) { return ((const windows_source *)s)->items[part][i]; }

int eg_windows_which(const eg_source *base, eg_part part, int64_t i) {
	const windows_source *s = (const windows_source *)base;
	return s->which[part] ? s->which[part][i] : 0;
}

const eg_windows *eg_windows_scales(const eg_source *s, int which) { return form_of((const windows_source *)s, which); }

eg_status eg_windows_give(eg_source *base, const eg_panel *p, const int *cuts, int n, eg_error *err) {
	windows_source *s = (windows_source *)base;
	forget(s);
	s->spans = n > 1 ? eg_calloc(NULL, (size_t)n, sizeof *s->spans) : NULL;
	if (n > 1 && !s->spans) return eg_source_no_memory(base, err);
	s->nspans = n > 1 ? n : 0;
	for (int i = 0; i < s->nspans; i++) s->spans[i].panel = p[i], s->spans[i].cut = cuts[i];
	s->panel = *p, s->cut = *cuts, s->given = true;
	return know_series(s, err);
}
