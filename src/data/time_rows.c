/* time_rows.c - when the rows of a table are: which of its columns say it, what they say, in which order and on which
 * grid. What is wrong is told with line and column; nothing is guessed in silence.
 *
 * Not here: the columns beside the time (time_table.c), the grid itself (time_grid.c), formats and time zones
 * (time_zone.c). */
#include "data/time_rows.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* ---- which columns ----------------------------------------------------------------------------------------------- */

/* Every cell is a time, and none a plain number, unless a format was given. */
static bool is_time(const eg_time_reading *r, int column) {
	double seconds;
	bool zoned;
	for (int i = 0; i < r->rows; i++) {
		const char *text = eg_time_cell(r, i, column), *format = r->options.format;
		if (!text || text == eg_time_gap || (!format && !isnan(eg_time_number(r, i, column)))) return false;
		if (format ? !eg_time_formatted(text, format, &seconds, &zoned) : !eg_cell_time(text, &seconds)) return false;
	}
	return true;
}

static bool grid_given(const eg_time_reading *r) { return r->options.grid_months > 0 || r->options.grid_seconds > 0; }

static void find_time(eg_time_reading *r) {
	static const char *const parts[EG_TIME_PARTS] = {"year", "month", "day", "hour", "minute", "second"};
	for (int i = 0; i < r->head.n; i++)
		if (is_time(r, i)) {
			r->time[0] = i, r->ntime = 1;
			return;
		}
	for (int p = 0; p < EG_TIME_PARTS && p == r->ntime && !r->options.format; p++)
		for (int i = 0; i < r->head.n; i++)
			if (strcasecmp(r->head.names[i], parts[p]) == 0 && r->ntime == p) r->time[r->ntime++] = i;
	if (r->ntime < 2) r->ntime = 0;
}

eg_status eg_time_rows_choose(eg_time_reading *r, eg_error *err) {
	const char *const *names = r->options.time;
	if (!names && (!r->options.rows || r->options.row_times)) find_time(r);
	for (int i = 0; names && names[i]; i++) {
		if (i == EG_TIME_PARTS) return eg_fail(err, EG_ERR_ARG, "the time has at most %d columns: year, month, day, hour, minute, second", EG_TIME_PARTS);
		eg_status status = eg_head_find(&r->head, names[i], &r->time[r->ntime++], err);
		if (status) return status;
	}
	char list[200] = "";
	for (int i = 0; i < r->ntime; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.40s", i ? ", " : "", r->head.names[r->time[i]]);
	}
	if (r->ntime > 0 && !(r->t->time = eg_arena_strdup(r->arena, list))) return eg_time_no_memory(r, err);
	const char *needs = r->options.format ? "a format of the time" : r->options.zone ? "a time zone" : grid_given(r) ? "a grid" : NULL;
	if (r->options.rows && needs && (grid_given(r) || !r->options.row_times))
		return eg_fail(err, EG_ERR_ARG, "%s was given, and rows are to be steps; give one of the two", needs);
	if (r->ntime > 0 || !needs) return EG_OK;
	if (!r->options.format)
		return eg_fail(err, EG_ERR_ARG, "%s was given, but no column of '%s' holds times only; name it with --time, or give its format "
		                                "with --time-format", needs, r->head.file);
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: no column holds times as '%s' alone, as '%.40s' in the column '%s'; name the column with "
	                                   "--time, or correct the format", r->head.file, eg_time_line(r, 0), r->options.format,
	        eg_time_cell(r, 0, 0), r->head.names[0]);
}

/* ---- what they say ----------------------------------------------------------------------------------------------- */

/* By a format: the cells with blanks between them. */
static bool formatted(const eg_time_reading *r, int row, double *time, bool *zoned) {
	char text[200] = "";
	for (int i = 0; i < r->ntime; i++) {
		const char *part = eg_time_cell(r, row, r->time[i]);
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", part);
	}
	return eg_time_formatted(text, r->options.format, time, zoned);
}

static bool time_of(const eg_time_reading *r, int row, double *time, bool *zoned) {
	double parts[EG_TIME_PARTS];
	const char *text = eg_time_cell(r, row, r->time[0]);
	char year[32];
	*zoned = false;
	if (r->options.format) return formatted(r, row, time, zoned);
	if (r->ntime == 1 && (!text || !isnan(eg_time_number(r, row, r->time[0])))) {
		/* 2010 is a number, and a year */
		snprintf(year, sizeof year, "%.0f", eg_time_number(r, row, r->time[0]));
		return eg_cell_time(year, time);
	}
	if (r->ntime == 1) {
		*zoned = text != eg_time_gap && eg_time_has_offset(text);
		return text != eg_time_gap && eg_cell_time(text, time);
	}
	for (int i = 0; i < r->ntime; i++) parts[i] = eg_time_number(r, row, r->time[i]);
	return eg_time_of(parts, r->ntime, time);
}

static eg_status no_time(const eg_time_reading *r, int row, eg_error *err) {
	const char *text = eg_time_cell(r, row, r->time[0]);
	if (r->options.format)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: '%.40s' in the column '%s' is no time as '%s'; correct it, or the format", r->head.file,
		        eg_time_line(r, row), text, r->t->time, r->options.format);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lld: '%.40s' in the column '%s' is no time: write it as 2010-03-31, 2010-03-31 14:30 or 2010-03, or give its format, as "
	        "in --time-format '%%d.%%m.%%Y %%H:%%M'", r->head.file, eg_time_line(r, row), text ? text : "a number", r->t->time);
}

/* The times as they are written; with an offset all of them, or none. */
static eg_status read_times(eg_time_reading *r, eg_error *err) {
	bool zoned = false, first = false;
	for (int i = 0; i < r->rows; i++) {
		if (!time_of(r, i, &r->times[i], &zoned)) return no_time(r, i, err);
		if (i == 0) first = zoned;
		if (zoned == first) continue;
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the time in the column '%s' has %s offset from UTC, and that of line %lld has %s; write "
		                                   "all of them with one, or none", r->head.file, eg_time_line(r, i), r->t->time, zoned ? "an" : "no",
		        eg_time_line(r, 0), zoned ? "none" : "one");
	}
	r->t->told = !first ? EG_TIME_AS_WRITTEN : r->options.zone ? EG_TIME_LOCAL : EG_TIME_UTC;
	return EG_OK;
}

/* What clocks of the time zone showed becomes the time that it was. Days stay days. */
static eg_status leave_zone(eg_time_reading *r, eg_error *err) {
	bool days = !r->options.before;
	const double before = r->options.before ? *r->options.before : -INFINITY;
	for (int i = 0; i < r->rows; i++) days = days && fmod(r->times[i] - r->times[0], 86400) == 0;
	if (r->t->told != EG_TIME_AS_WRITTEN || !r->options.zone || days) return EG_OK;
	for (int i = 0; i < r->rows; i++)
		if (!eg_time_from_local(r->times[i], i ? r->times[i - 1] : before, &r->times[i]))
			return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: clocks in %s never showed the time in the column '%s', as they were put forward then; "
			                                   "correct it, or the time zone", r->head.file, eg_time_line(r, i), r->options.zone, r->t->time);
	r->t->told = EG_TIME_LOCAL;
	return EG_OK;
}

static eg_status check_order(const eg_time_reading *r, eg_error *err) {
	for (int i = 1; i < r->rows; i++) {
		const double step = r->times[i] - r->times[i - 1];
		if (step > 0 || (step == 0 && grid_given(r))) continue;
		const bool clocks = r->t->told == EG_TIME_AS_WRITTEN && step > -3600 && eg_time_maybe_changed(r->times[i]);
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the time in the column '%s' is %s of line %lld%s; %s, one for each time", r->head.file,
		        eg_time_line(r, i), r->t->time, step == 0 ? "the same as that" : "earlier than that", eg_time_line(r, i - 1),
		        r->t->id ? ", of the same series" : "",
		        clocks ? "if clocks were put back then, say where, as in --time-zone Europe/Berlin; else bring the lines into order"
		        : !r->options.id ? "if the rows are of several series, name the column that says which with --id; else bring the lines into order"
		                                      : "bring the lines into order");
	}
	return EG_OK;
}

/* ---- the grid ---------------------------------------------------------------------------------------------------- */

/* Rows are steps; why is a remark. */
static eg_status count_rows(eg_time_reading *r, const char *more, const eg_error *why, eg_error *err) {
	r->t->remark = eg_arena_printf(r->arena, "%s%s; rows are counted here", why->message, more);
	return r->t->remark ? EG_OK : eg_time_no_memory(r, err);
}

/* All times that do not rise, of which `why` names the first. */
static eg_status count_disorder(eg_time_reading *r, const eg_error *why, eg_error *err) {
	int same = 0, back = 0;
	char more[120];
	for (int i = 1; i < r->rows; i++) same += r->times[i] == r->times[i - 1], back += r->times[i] < r->times[i - 1];
	snprintf(more, sizeof more, " (in all %d time%s as that before, and %d earlier)", same, same == 1 ? " is the same" : "s are the same", back);
	return count_rows(r, more, why, err);
}

/* Rows are steps, and each has its time: how far one is from the next is as it is. */
static eg_status keep_times(eg_time_reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	double *times = eg_arena_alloc(r->arena, ((size_t)r->rows + 1) * sizeof *times);
	if (!times) return eg_time_no_memory(r, err);
	memcpy(times, r->times, (size_t)r->rows * sizeof *times);
	eg_time_grid_none(t, times, r->rows);
	return EG_OK;
}

/* An hour that is not there, where clocks may have been put forward. */
static eg_status look_for_clocks(const eg_time_reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	if (t->told != EG_TIME_AS_WRITTEN || t->months || !(t->seconds <= 3600)) return EG_OK;
	for (int i = 1; i < r->rows && !t->remark; i++) {
		if (r->times[i] - r->times[i - 1] != 3600 + t->seconds || !eg_time_maybe_changed(r->times[i])) continue;
		char text[300];
		snprintf(text, sizeof text, "%.80s:%lld: the hour before is not there, on a Sunday: if clocks were put forward then, say where, as in "
		                            "--time-zone Europe/Berlin; so it counts as missing", r->head.file, eg_time_line(r, i));
		t->remark = eg_arena_strdup(r->arena, text);
		if (!t->remark) return eg_time_no_memory(r, err);
	}
	return EG_OK;
}

static eg_status make_grid(eg_time_reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	const bool days = r->options.grid_months > 0 || r->options.grid_seconds >= 86400;
	if (!grid_given(r)) {
		eg_time_grid_find(t, r->times, r->rows);
		return look_for_clocks(r, err);
	}
	for (int i = 0; i < r->rows && days && t->told == EG_TIME_LOCAL; i++) r->times[i] += eg_time_local_offset(r->times[i]);
	eg_time_grid_set(t, r->options.grid_months, r->options.grid_seconds, r->times[0]);
	return EG_OK;
}

static eg_status check_grid(eg_time_reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	for (int i = 0; i < r->rows; i++) {
		int64_t at = eg_time_grid_place(t, r->times[i], t->averaged ? 0 : i);
		if (at < 0)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: this time is not a whole number of steps of %g s behind the first one, so the times are irregular; say "
			        "--grid 1h (or another step) for means over such steps, or --rows to count rows instead", r->head.file, eg_time_line(r, i),
			        t->seconds);
		if (at > 8 * (int64_t)r->rows + 1000)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: with steps of %g %s there would be %lld of them up to here, for %d rows; say --grid 1h (or another step) for "
			        "means over longer steps, or --rows to count rows instead", r->head.file, eg_time_line(r, i),
			        t->months ? t->months : t->seconds, t->months ? "months" : "s", (long long)at, i + 1);
		t->steps = (int)at + 1;
	}
	t->dated = true;
	return EG_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* The time of each step, or why there is none: an error, or where rows may be steps a remark. */
eg_status eg_time_rows_take(eg_time_reading *r, eg_error *err) {
	const bool rows = r->options.rows, may = rows || r->options.lenient;
	eg_error why = {0};
	eg_status status = read_times(r, &why);
	if (!status) status = leave_zone(r, &why);
	if (status && rows && !r->options.time) return count_rows(r, "", &why, err);
	if (!status) {
		status = check_order(r, &why);
		if (status && may) return count_disorder(r, &why, err);
	}
	if (!status && rows) return keep_times(r, err);
	if (!status) status = make_grid(r, &why);
	if (!status) {
		status = check_grid(r, &why);
		if (status && may) {
			status = count_rows(r, "", &why, err);
			return status ? status : keep_times(r, err);
		}
	}
	if (status && err) *err = why;
	return status;
}
