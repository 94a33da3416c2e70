/* time_zone.c - times in formats of their own (strptime), and those that clocks of a time zone show, with the
 * hours that are there twice or never; both by the C library. Not here: ISO 8601 (cells.c). */
#define _GNU_SOURCE /* strptime, tm_gmtoff */
#include "data/time_table.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <time.h>

bool eg_time_formatted(const char *text, const char *format, double *seconds, bool *zoned) {
	struct tm t = {.tm_mday = 1, .tm_year = 70};
	const char *end;
	text += strspn(text, " \t");
	end = strptime(text, format, &t);
	if (!end || end[strspn(end, " \t")]) return false;
	const double parts[6] = {t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec};
	*zoned = strstr(format, "%z") != NULL;
	if (!eg_time_of(parts, 6, seconds)) return false;
	*seconds -= (double)t.tm_gmtoff;
	return true;
}

bool eg_time_has_offset(const char *text) {
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1])) n--;
	if (n > 0 && text[n - 1] == 'Z') return true;
	while (n > 0 && (isdigit((unsigned char)text[n - 1]) || text[n - 1] == ':')) n--;
	return n > 1 && (text[n - 1] == '+' || (text[n - 1] == '-' && strchr(text, ':') && strchr(text, ':') < text + n));
}

/* What clocks show, as the C library has it; of a time that they show twice the first with dst, else the second. */
static bool shown_at(double shown, int dst, double *seconds) {
	int64_t year;
	int month, day;
	double rest;
	eg_time_civil(shown, &year, &month, &day, &rest);
	const int whole = (int)floor(rest);
	struct tm t = {.tm_year = (int)year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = whole / 3600,
		.tm_min = whole / 60 % 60, .tm_sec = whole % 60, .tm_isdst = dst};
	const struct tm asked = t;
	*seconds = (double)mktime(&t) + (rest - whole);
	return t.tm_mday == asked.tm_mday && t.tm_hour == asked.tm_hour && t.tm_min == asked.tm_min;
}

bool eg_time_from_local(double shown, double before, double *seconds) {
	double first, second;
	const bool summer = shown_at(shown, 1, &first), winter = shown_at(shown, 0, &second);
	if (summer && (!winter || first > before)) return *seconds = first, true;
	*seconds = second;
	return winter;
}

double eg_time_local_offset(double seconds) {
	const time_t whole = (time_t)floor(seconds);
	struct tm t;
	return localtime_r(&whole, &t) ? (double)t.tm_gmtoff : 0;
}

bool eg_time_maybe_changed(double shown) {
	int64_t year;
	int month, day;
	double rest;
	eg_time_civil(shown, &year, &month, &day, &rest);
	const double weekday = fmod(floor(shown / 86400) + 4 + 7e6, 7); /* 1970 began with a Thursday; 0: Sunday */
	return weekday == 0 && rest < 5 * 3600 && (month == 3 || month == 4 || month >= 9);
}
