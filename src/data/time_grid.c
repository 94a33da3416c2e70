/* time_grid.c - steps in time: the calendar, the grid that times lie on, the time of a step, and the seasons that the
 * calendar suggests.
 *
 * Not here: reading tables (time_table.c), formats and time zones (time_zone.c). */
#include "data/time_table.h"

#include <math.h>
#include <string.h>

/* ---- the calendar ------------------------------------------------------------------------------------------------ */

/* Howard Hinnant, "chrono-compatible low-level date algorithms". */
void eg_time_civil(double seconds, int64_t *year, int *month, int *day, double *rest) {
	int64_t z = (int64_t)floor(seconds / 86400);
	*rest = seconds - (double)z * 86400;
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
	int64_t of = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t day_of_year = of_era - (365 * of + of / 4 - of / 100), m = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * m + 2) / 5) + 1;
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = of + era * 400 + (*month <= 2);
}

static bool is_month_end(double seconds) {
	int64_t year;
	int month, day;
	double rest;
	eg_time_civil(seconds + 86400, &year, &month, &day, &rest);
	return day == 1;
}

/* Months since year 0. */
static int64_t months_since(double seconds, int *day, double *rest) {
	int64_t year;
	int month;
	eg_time_civil(seconds, &year, &month, day, rest);
	return year * 12 + month - 1;
}

/* Are all times on one day of the month, or its last day, and at one time of it? */
static bool are_monthly(const double *times, int n, bool *ends) {
	bool same = n > 1 && times[1] - times[0] >= 28 * 86400.0;
	int first, day;
	double rest, clock;
	*ends = same;
	months_since(times[0], &first, &clock);
	for (int i = 0; i < n && (same || *ends); i++) {
		months_since(times[i], &day, &rest);
		same = same && day == first && day <= 28 && rest == clock;
		*ends = *ends && is_month_end(times[i]) && rest == clock;
	}
	*ends = *ends && !same;
	return same || *ends;
}

/* The time so many months later: the same day, or the last one. */
static double months_later(double time, int64_t months, bool ends) {
	int day;
	double rest, then;
	months += months_since(time, &day, &rest) + ends;
	const int64_t year = months / 12;
	const double parts[3] = {(double)year, (double)(months % 12 + 1), ends ? 1 : day};
	return eg_time_of(parts, 3, &then) ? then + rest - (ends ? 86400 : 0) : NAN;
}

static int64_t common(int64_t a, int64_t b) {
	while (b) {
		int64_t rest = a % b;
		a = b, b = rest;
	}
	return a;
}

/* ---- the grid ---------------------------------------------------------------------------------------------------- */

void eg_time_grid_find(eg_time_table *t, const double *times, int n) {
	int64_t before = 0, step = 0;
	double least = INFINITY, rest;
	const bool calendar = are_monthly(times, n, &t->month_ends);
	for (int i = 0, day; i < n; i++) {
		const int64_t months = months_since(times[i], &day, &rest);
		if (i > 0) least = fmin(least, times[i] - times[i - 1]), step = common(months - before, step);
		before = months;
	}
	t->begin = times[0];
	if (calendar)
		t->months = (int)step;
	else
		t->seconds = n < 2 ? 1 : least < 5e-7 ? least : fmax(1e-6, nearbyint(least * 1e6) / 1e6);
}

void eg_time_grid_none(eg_time_table *t, const double *times, int n) {
	int64_t step = 0;
	bool whole = true;
	for (int i = 0; i < n; i++) {
		const double since = times[i] - times[0];
		whole = whole && since == floor(since) && since < 1e15;
		if (whole) step = common((int64_t)since, step);
	}
	/* how exactly times are written */
	*t = (eg_time_table){.file = t->file, .id = t->id, .time = t->time, .told = t->told, .remark = t->remark, .steps = n, .rows = n,
		.dated = true, .begin = times[0], .seconds = !whole ? 0.001 : step > 0 ? (double)step : 1, .times = times};
}

double eg_time_usual_step(const double *times, int n) {
	enum { MOST = 7 };
	double steps[MOST];
	int m = 0;
	for (int t = n - 1; t > 0 && m < MOST; t--, m++) {
		const double step = times[t] - times[t - 1];
		int at = m;
		for (; at > 0 && steps[at - 1] > step; at--) steps[at] = steps[at - 1];
		steps[at] = step;
	}
	if (m == 0) return 1;
	const double last = times[n - 1] - times[n - 2], usual = steps[(m - 1) / 2];
	return last > 1.5 * usual ? usual : last;
}

/* Steps begin at whole hours, days and months. */
void eg_time_grid_set(eg_time_table *t, int months, double seconds, double first) {
	int64_t year;
	int month, day;
	double rest;
	const double unit = seconds < 86400 ? seconds : 86400;
	t->averaged = true;
	t->months = months, t->seconds = months ? 0 : seconds;
	t->begin = floor(first / unit) * unit;
	if (!months) return;
	eg_time_civil(first, &year, &month, &day, &rest);
	const double parts[2] = {(double)year, months % 12 == 0 ? 1 : (month - 1) / months * months + 1};
	if (!eg_time_of(parts, 2, &t->begin)) t->begin = first;
}

int64_t eg_time_grid_place(const eg_time_table *t, double time, int row) {
	int day;
	double rest;
	if (t->months > 0) return (months_since(time, &day, &rest) - months_since(t->begin, &day, &rest)) / t->months;
	const double steps = (time - t->begin) / t->seconds;
	if (t->averaged) return (int64_t)floor(steps + 1e-9);
	const double beside = fmin(1e-6 + 1e-6 / t->seconds, 0.25);
	return fabs(steps - nearbyint(steps)) < beside && nearbyint(steps) >= row ? (int64_t)nearbyint(steps) : -1;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* Behind a time: Z, or +02:00. */
static void put_offset(eg_time_told told, double offset, char buf[32]) {
	const size_t used = strlen(buf);
	const int minutes = (int)nearbyint(fabs(offset) / 60);
	if (told == EG_TIME_UTC) snprintf(buf + used, 32 - used, "Z");
	if (told == EG_TIME_LOCAL) snprintf(buf + used, 32 - used, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* A time of a grid of so many seconds, with as much as that needs. */
static const char *write_time(char buf[32], long long y, int month, int day, double rest, double step) {
	int seconds = (int)floor(rest);
	if (fmod(step, 86400) == 0)
		snprintf(buf, 32, "%04lld-%02d-%02d", y, month, day);
	else if (fmod(step, 60) == 0)
		snprintf(buf, 32, "%04lld-%02d-%02dT%02d:%02d", y, month, day, seconds / 3600, seconds / 60 % 60);
	else if (step == floor(step))
		snprintf(buf, 32, "%04lld-%02d-%02dT%02d:%02d:%02d", y, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60);
	else {
		const int thousandths = (int)fmin((rest - seconds) * 1000 + 0.5, 999);
		snprintf(buf, 32, "%04lld-%02d-%02dT%02d:%02d:%02d.%03d", y, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60, thousandths);
	}
	return buf;
}

/* How many whole months such a step is; 0: it is no such. */
static int months_of(double step) {
	const double days = step / 86400;
	if (days < 28 || days > 366 || days != floor(days)) return 0;
	for (int months = 1; months <= 12; months++)
		if (days >= 30.4 * months - 3 && days <= 30.5 * months + 1.5 && (months == 1 || months % 3 == 0)) return months;
	return 0;
}

double eg_time_ahead(double time, double step, int steps) {
	int day;
	double rest;
	const bool ends = is_month_end(time) && is_month_end(time - step);
	months_since(time, &day, &rest);
	const double then = months_of(step) > 0 && (day <= 28 || ends) ? months_later(time, (int64_t)months_of(step) * steps, ends) : NAN;
	return isnan(then) ? time + step * steps : then;
}

double eg_time_table_time(const eg_time_table *t, int step) {
	if (t->times && step < t->steps) return t->times[step];
	if (t->times) return eg_time_ahead(t->times[t->steps - 1], eg_time_usual_step(t->times, t->steps), step - t->steps + 1);
	return t->months ? months_later(t->begin, (int64_t)t->months * step, t->month_ends) : t->begin + t->seconds * step;
}

const char *eg_time_text(double time, double step, char buf[32]) {
	int64_t year;
	int month, day;
	double rest;
	eg_time_civil(time, &year, &month, &day, &rest);
	if (months_of(step) > 0 && day == 1 && rest == 0)
		return snprintf(buf, 32, "%04lld-%02d", (long long)year, month), buf;
	return write_time(buf, (long long)year, month, day, rest, step);
}

const char *eg_time_table_when(const eg_time_table *t, int step, char buf[32]) {
	int64_t year;
	int month, day;
	double rest;
	buf[0] = '\0';
	if (!t->dated) return buf;
	double time = eg_time_table_time(t, step), offset = 0;
	if (isnan(time)) return snprintf(buf, 32, "%d", step + 1), buf; /* beyond the year 9999 */
	const bool within = !t->months && fmod(t->seconds, 86400) != 0; /* steps that a day has more than one of */
	if (within && t->told == EG_TIME_LOCAL) time += offset = eg_time_local_offset(time);
	eg_time_civil(time, &year, &month, &day, &rest);
	if (t->months && day == 1 && rest == 0)
		snprintf(buf, 32, t->months % 12 == 0 && month == 1 ? "%04lld" : "%04lld-%02d", (long long)year, month);
	else
		write_time(buf, (long long)year, month, day, rest, t->months ? 86400 : t->seconds);
	if (within) put_offset(t->told, offset, buf);
	return buf;
}

const int *eg_time_table_periods(const eg_time_table *t) {
	static const int months[] = {12, 0}, quarters[] = {4, 0}, days[] = {7, 365, 0}, weeks[] = {52, 0}, hours[] = {24, 168, 0},
	                 halves[] = {48, 336, 0}, tens[] = {144, 0}, minutes[] = {60, 1440, 0}, none[] = {0};
	if (t->times) return none;
	if (t->months) return t->months == 1 ? months : t->months == 3 ? quarters : none;
	return t->seconds == 86400     ? days
	       : t->seconds == 604800 ? weeks
	       : t->seconds == 3600   ? hours
	       : t->seconds == 1800   ? halves
	       : t->seconds == 600    ? tens
	       : t->seconds == 60     ? minutes
	                              : none;
}
