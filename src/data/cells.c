/* cells.c - what the cells of a table say: nothing, a number, a time, one of few values; and what a column is of.
 *
 * Not here: reading tables (rows.c). Numbers are those of recipes (io/tree.c). */
#include "data/table.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* ---- one cell ---------------------------------------------------------------------------------------------------- */

static bool is_word(const char *s, size_t n, const char *word) {
	return strlen(word) == n && strncasecmp(s, word, n) == 0;
}

/* Without the blanks around it. */
static const char *trim(const char *cell, size_t *n) {
	cell += strspn(cell, " \t");
	*n = strlen(cell);
	while (*n > 0 && (cell[*n - 1] == ' ' || cell[*n - 1] == '\t')) --*n;
	return cell;
}

bool eg_cell_said_missing(const char *cell, const char *column, const eg_strings *words) {
	size_t n, head = strlen(column);
	const char *s = trim(cell, &n);
	for (int i = 0; words && i < words->n; i++) {
		const char *word = words->at[i];
		if (strncmp(word, column, head) == 0 && word[head] == '=') word += head + 1;
		if (strlen(word) == n && memcmp(s, word, n) == 0) return true;
	}
	return false;
}

bool eg_cell_missing(const char *cell, const char *column, const eg_strings *words) {
	size_t n;
	const char *s = trim(cell, &n);
	return n == 0 || is_word(s, n, "NA") || is_word(s, n, "NaN") || is_word(s, n, "null") ||
	       eg_cell_said_missing(cell, column, words);
}

bool eg_cell_number(const char *cell, double *v) {
	char copy[100];
	size_t n;
	const char *s = trim(cell, &n);
	if (n >= sizeof copy) return false;
	memcpy(copy, s, n);
	copy[n] = '\0';
	return eg_tree_number(&(eg_tree){.kind = EG_TREE_SCALAR, .text = copy}, v);
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

/* `n` digits (at least one, at most `most`) as a number. */
static bool take(const char **s, int least, int most, double *v) {
	int n = 0;
	*v = 0;
	for (; n < most && isdigit((unsigned char)**s); n++, ++*s) *v = *v * 10 + (**s - '0');
	return n >= least;
}

static bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/* Days since 1970-01-01, by the calendar of today (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t year, int month, int day) {
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool eg_time_of(const double *parts, int n, double *seconds) {
	static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	static const double most[6] = {9999, 12, 31, 23, 59, 60.999999};
	double v[6] = {0, 1, 1, 0, 0, 0};
	for (int i = 0; i < n && i < 6; i++) {
		v[i] = parts[i];
		if (!(v[i] >= (i == 1 || i == 2) && v[i] <= most[i]) || (i < 5 && v[i] != floor(v[i]))) return false;
	}
	int month = (int)v[1], day = (int)v[2];
	if (day > lengths[month - 1] + (month == 2 && is_leap((int64_t)v[0]))) return false;
	*seconds = (double)days_of((int64_t)v[0], month, day) * 86400 + v[3] * 3600 + v[4] * 60 + v[5];
	return true;
}

/* What stands behind the seconds: nothing, Z, or +08:00. */
static bool take_zone(const char *s, double *seconds) {
	double hours, minutes = 0;
	if (*s == 'Z') return s[1] == '\0';
	if (*s == '\0') return true;
	double sign = *s == '+' ? 1 : *s == '-' ? -1 : 0;
	s++;
	if (sign == 0 || !take(&s, 2, 2, &hours) || hours > 14) return false;
	if (*s == ':') s++;
	if (*s && (!take(&s, 2, 2, &minutes) || minutes > 59)) return false;
	*seconds -= sign * (hours * 3600 + minutes * 60);
	return *s == '\0';
}

bool eg_cell_time(const char *cell, double *seconds) {
	static const char before[6] = {0, '-', '-', 'T', ':', ':'};
	char copy[48] = "";
	double parts[6], scale = 1, digit;
	size_t size;
	int n = 0;
	const char *s = trim(cell, &size);
	if (size >= sizeof copy) return false;
	memcpy(copy, s, size);
	for (s = copy; n < 6; n++) {
		if (n > 0 && *s != before[n] && !(n == 3 && *s == ' ')) break;
		if (n > 0) s++;
		if (!take(&s, n ? 2 : 4, n ? 2 : 4, &parts[n])) return false;
	}
	if (n == 6 && *s == '.') {
		for (s++; take(&s, 1, 1, &digit);) parts[5] += digit * (scale /= 10);
		if (scale == 1) return false;
	}
	return n > 0 && eg_time_of(parts, n, seconds) && take_zone(n > 3 ? s : *s ? "?" : "", seconds);
}

/* ---- a column ---------------------------------------------------------------------------------------------------- */

const char *eg_column_type_name(eg_column_type type) {
	static const char *const names[] = {"empty", "integer", "number", "time", "class", "text"};
	return names[type];
}

/* Its number among the values; -1: they are no longer told apart. -2: out of memory. */
static int value_of(eg_column *c, const char *cell, eg_arena *arena) {
	enum { LONGEST = 200 };
	if (c->nvalues < 0) return -1;
	for (int i = 0; i < c->nvalues; i++)
		if (strcmp(c->values[i], cell) == 0) return i;
	if (c->nvalues == EG_COLUMN_VALUES || strlen(cell) > LONGEST) {
		c->nvalues = -1;
		return -1;
	}
	char *copy = eg_arena_strdup(arena, cell);
	if (!copy) return -2;
	c->values[c->nvalues] = copy;
	return c->nvalues++;
}

bool eg_column_look(eg_column *c, const char *cell, const eg_strings *missing, eg_arena *arena, eg_table_cell *out) {
	*out = (eg_table_cell){.kind = EG_CELL_MISSING, .value = -1};
	c->cells++;
	if (eg_cell_missing(cell, c->name, missing)) {
		c->missing++;
		return true;
	}
	int value = value_of(c, cell, arena);
	if (value == -2) return false;
	out->value = (int16_t)value;
	if (eg_cell_number(cell, &out->v)) {
		out->kind = EG_CELL_NUMBER;
		c->numbers++;
		c->integers += !strpbrk(cell, ".eE");
	} else if (eg_cell_time(cell, &out->v)) {
		out->kind = EG_CELL_TIME;
		c->times++;
	} else
		out->kind = EG_CELL_OTHER;
	return true;
}

eg_column_type eg_column_found(const eg_column *c) {
	int64_t told = c->cells - c->missing;
	if (told == 0) return EG_COLUMN_EMPTY;
	if (2 * c->numbers > told) return c->integers == c->numbers ? EG_COLUMN_INTEGER : EG_COLUMN_NUMBER;
	if (2 * c->times > told) return EG_COLUMN_TIME;
	return c->nvalues > 0 && 2 * c->nvalues <= told ? EG_COLUMN_CLASS : EG_COLUMN_TEXT;
}
