/* forecast_table.c - the series of engram forecast, as the options say: the time, the target, and the columns that are
 * known of the future or seen up to now. Models: forecast.c. */
#define _POSIX_C_SOURCE 200809L /* setenv, tzset */
#include "forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* "year,month,day" as names, a NULL behind them; NULL: none. Both to be freed. */
static const char **split_names(const char *text, char **copy) {
	*copy = NULL;
	if (!text) return NULL;
	const char **names = cli_alloc((strlen(text) + 2) * sizeof *names);
	char *at = *copy = cli_alloc(strlen(text) + 1);
	strcpy(at, text);
	for (int n = 0; at; n++) {
		names[n] = at;
		at = strchr(at, ',');
		if (at) *at++ = '\0';
	}
	return names;
}

/* "15min", "1h", "3mo". */
static bool read_grid(const char *verb, const char *text, eg_time_table_options *o) {
	static const struct {
		const char *name;
		double seconds;
		int months;
	} units[] = {{"s", 1, 0}, {"min", 60, 0}, {"h", 3600, 0}, {"d", 86400, 0}, {"w", 604800, 0}, {"mo", 0, 1}, {"y", 0, 12}};
	char *end;
	if (!text) return true;
	long n = strtol(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units && n >= 1 && n <= 10000; i++)
		if (!strcmp(end, units[i].name)) {
			o->grid_seconds = (double)n * units[i].seconds, o->grid_months = (int)n * units[i].months;
			return true;
		}
	return fail_usage(verb, "--grid takes a whole number and a unit: 30s, 10min, 1h, 1d, 1w, 1mo or 1y; not '%.40s'", text), false;
}

/* Clocks of this process become those of the zone. The C library takes a name that it does not know for UTC, so it is
 * looked for first; "CET-1CEST,M3.5.0,M10.5.0/3" says itself what it is. */
static bool enter_zone(const char *verb, const char *zone) {
	char path[300];
	const char *folder = getenv("TZDIR");
	if (!zone) return true;
	snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", zone);
	if ((zone[0] == '\0' || strstr(zone, "..") || access(path, R_OK)) && !strpbrk(zone, "0123456789") && strcmp(zone, "UTC") != 0)
		return fail(verb, "there is no time zone '%.60s' (no file %.100s); write one as Europe/Berlin, Asia/Shanghai, America/New_York, or "
		                  "by its rule, as CET-1CEST,M3.5.0,M10.5.0/3", zone, path), false;
	setenv("TZ", zone, 1);
	tzset();
	return true;
}

/* A table that is not in this folder, but is a file of a known series: that one, wherever it lies. NULL: it is none, or
 * lies nowhere, and then err says what to type. */
static const char *find_known(const char *path, char *found, size_t size, eg_error *err) {
	const eg_data_info *info;
	err->message[0] = '\0';
	for (int i = 0; (info = eg_data_at(i)) && !strchr(path, '/'); i++)
		for (int k = 0; k < info->nfiles; k++) {
			eg_data_place place;
			if (strcmp(info->files[k].name, path) != 0) continue;
			if (eg_data_locate(info->name, &place, err)) return NULL;
			snprintf(found, size, "%s/%s", place.folder, path);
			return access(found, R_OK) ? NULL : found; /* it may be packed there */
		}
	return NULL;
}

eg_time_tables *forecast_read(const cli_args *a, const char *path, const forecast_rows *rows, int *code) {
	eg_error err = {0};
	const char *verb = a->verb->name;
	eg_time_tables *tables = NULL;
	const char *separator = args_text(a, "separator");
	char *copy;
	int n;
	const char **time = split_names(args_text(a, "time"), &copy), **missing = args_all(a, "missing", &n);
	eg_time_table_options o = {.time = time, .missing = missing, .rows = args_has(a, "rows"),
		.row_times = strcmp(verb, "watch") != 0, .lenient = strcmp(verb, "data") == 0, .format = args_text(a, "time-format"),
		.zone = args_text(a, "time-zone"), .id = args_text(a, "id"), .line = rows ? rows->line : 0, .before = rows ? rows->before : NULL,
		.separator = !separator ? 0 : strcmp(separator, "tab") == 0 ? '\t' : strcmp(separator, "semicolon") == 0 ? ';' : ','};
	char place[2048];
	const char *known = !rows && access(path, F_OK) ? find_known(path, place, sizeof place, &err) : path;
	const bool nowhere = !known && err.message[0];
	if (nowhere) fail_error(verb, &err);
	if (known) path = known;
	const bool grid = read_grid(verb, args_text(a, "grid"), &o);
	*code = grid ? CLI_FAILED : CLI_USAGE;
	if (grid && !nowhere && enter_zone(verb, o.zone) &&
	        (rows ? eg_time_tables_parse(rows->text, strlen(rows->text), path, &o, &tables, &err) : eg_time_tables_read(path, &o, &tables, &err)))
		fail_error(verb, &err);
	for (int i = 0; tables && i < tables->n; i++)
		if (tables->at[i]->remark && (i == 0 || !tables->at[0]->remark)) fail(verb, "note: %s", tables->at[i]->remark);
	free(time);
	free(copy);
	free(missing);
	return tables;
}

/* ---- columns beside the target ----------------------------------------------------------------------------------- */

/* Columns that become numbers: those of words as many as there are words but the first, one of them 1. */
typedef struct chosen {
	const eg_time_column **at;
	int n, width;
} chosen;

static int width_of(const eg_time_column *c) { return c->nwords > 0 ? c->nwords - 1 : 1; }

static bool choose(forecast_job *j, const char *name, const char *option, chosen *c) {
	int place;
	if (eg_time_table_column(j->table, name, &place, &j->err)) return false;
	const eg_time_column *column = &j->table->columns[place];
	if (column == j->target)
		return forecast_refuse(j, "%s: '%s' is the column to be forecast, and cannot be given with %s too", j->table->file, name, option);
	if (column->nwords == 0 && eg_time_table_find(j->table, name, &place, &j->err)) return false;
	c->at[c->n++] = column;
	c->width += width_of(column);
	return true;
}

/* The numbers of a step into a row, and, with names, what they are called. */
static void put_step(const chosen *c, int step, double *row, char **names) {
	int n = 0;
	for (int i = 0; i < c->n; i++) {
		const eg_time_column *column = c->at[i];
		const double v = column->values[step];
		for (int k = 0; k < width_of(column); k++, n++) {
			row[n] = column->nwords == 0 || isnan(v) ? v : v == k + 1;
			if (!names) continue;
			const char *word = column->nwords > 0 ? column->words[k + 1] : "";
			const size_t size = strlen(column->name) + strlen(word) + 2;
			names[n] = cli_alloc(size);
			snprintf(names[n], size, "%s%s%s", column->name, *word ? "=" : "", word);
		}
	}
}

/* Names that stand in an option, with commas between them, in all places where it was given. */
static bool choose_all(forecast_job *j, const char *option, bool commas, chosen *c) {
	int given;
	bool ok = true;
	const char **all = args_all(j->args, option, &given);
	c->at = cli_alloc((size_t)(j->table->ncolumns + 1) * sizeof *c->at * (size_t)(given + 1) * 8);
	for (int i = 0; i < given && ok; i++) {
		char *copy = NULL;
		const char **names = commas ? split_names(all[i], &copy) : NULL;
		for (int k = 0; names && names[k] && ok && c->n < 8 * j->table->ncolumns; k++) ok = choose(j, names[k], "--with", c);
		if (!names) ok = choose(j, all[i], "--known", c);
		free(names);
		free(copy);
	}
	free(all);
	return ok;
}

/* "365.25:2": sines and cosines of a year and of half a year, which are known as far as one likes. They stand behind
 * the known columns. */
static bool read_waves(forecast_job *j, double *period, int *count) {
	const char *text = args_text(j->args, "waves");
	char *end;
	*count = 0;
	if (!text) return true;
	*period = strtod(text, &end);
	if (*end == ':') *count = (int)strtol(end + 1, &end, 10);
	if (!*end && *period >= 2 && isfinite(*period) && *count >= 1 && *count <= 10) return true;
	return forecast_refuse(j, "--waves takes PERIOD:COUNT, as in 365.25:2, the period at least 2, 1 to 10 waves; not '%.40s'", text);
}

/* The first gap in a known column, among the rows that are looked at. */
static bool without_gaps(forecast_job *j, const chosen *c) {
	char when[32];
	for (int i = 0; i < c->n; i++)
		for (int t = 0; t < j->past.rows; t++) {
			if (!isnan(c->at[i]->values[t])) continue;
			eg_time_table_when(j->table, t, when);
			return forecast_refuse(j, "%s: the known column '%s' has nothing at step %d%s%s, and known columns may have no gaps; fill it in, or "
			                          "give the column with --with, where its past alone is seen", j->table->file, c->at[i]->name, t + 1,
			        when[0] ? ", " : "", when);
		}
	return true;
}

/* Columns of the future: as many rows as all of them have. */
static bool take_known(forecast_job *j) {
	eg_past *p = &j->past;
	chosen c = {0};
	double period = 0;
	int waves = 0;
	bool ok = read_waves(j, &period, &waves) && choose_all(j, "known", false, &c);
	p->nknown = c.width + 2 * waves;
	/* beyond the table, where there are only waves: any horizon that is possible is shorter than the past */
	p->rows = c.n ? j->table->steps : 2 * j->table->steps;
	for (int i = 0; i < c.n && ok; i++)
		while (p->rows > 0 && isnan(c.at[i]->values[p->rows - 1])) p->rows--;
	ok = ok && without_gaps(j, &c);
	if (ok && p->nknown > 0) {
		j->known = cli_alloc(((size_t)p->rows * (size_t)p->nknown + 1) * sizeof *j->known);
		j->known_names = cli_alloc((size_t)(p->nknown + 1) * sizeof *j->known_names);
		p->known = j->known;
	}
	for (int t = 0; ok && t < p->rows && p->nknown > 0; t++) {
		double *row = j->known + (ptrdiff_t)t * p->nknown;
		put_step(&c, t, row, t == 0 ? j->known_names : NULL);
		for (int i = 0; i < 2 * waves; i++) {
			const int wave = i / 2 + 1;
			double angle = 2 * 3.14159265358979323846 * wave * t / period;
			row[c.width + i] = i % 2 ? cos(angle) : sin(angle);
		}
	}
	free(c.at);
	return ok;
}

/* Columns that are seen up to now: a gap is a gap. */
static bool take_seen(forecast_job *j) {
	eg_past *p = &j->past;
	chosen c = {0};
	const char *text = args_text(j->args, "with");
	bool ok = true;
	if (!text) return true;
	if (strcmp(text, "all") != 0)
		ok = choose_all(j, "with", true, &c);
	else {
		c.at = cli_alloc((size_t)(j->table->ncolumns + 1) * sizeof *c.at);
		for (int i = 0; i < j->table->ncolumns && ok; i++) {
			const eg_time_column *column = &j->table->columns[i];
			if (column != j->target && !column->counts && (column->nwords > 0 || (column->numbers && !column->wrong_line)))
				ok = choose(j, column->name, "--with", &c);
		}
	}
	p->nseen = c.width;
	if (ok && p->nseen > 0) {
		j->seen = cli_alloc((size_t)j->table->steps * (size_t)p->nseen * sizeof *j->seen);
		j->seen_names = cli_alloc((size_t)(p->nseen + 1) * sizeof *j->seen_names);
		p->seen = j->seen;
	}
	for (int t = 0; ok && t < j->table->steps && p->nseen > 0; t++)
		put_step(&c, t, j->seen + (ptrdiff_t)t * p->nseen, t == 0 ? j->seen_names : NULL);
	free(c.at);
	return ok;
}

bool forecast_take(forecast_job *j) {
	int place;
	if (eg_time_table_find(j->table, args_text(j->args, "target"), &place, &j->err)) return false;
	j->target = &j->table->columns[place];
	j->past.values = j->target->values;
	j->past.n = j->table->steps;
	while (j->past.n > 0 && isnan(j->past.values[j->past.n - 1])) j->past.n--;
	if (j->past.n == 0)
		return forecast_refuse(j, "%s: all %d cells of the column '%s' are missing: there is nothing to forecast from; name another with "
		                          "--target", j->table->file, j->table->rows, j->target->name);
	return take_known(j) && take_seen(j);
}

static void free_names(char **names) {
	for (int i = 0; names && names[i]; i++) free(names[i]);
	free(names);
}

void forecast_leave(forecast_job *j) {
	free_names(j->known_names);
	free_names(j->seen_names);
	free(j->known);
	free(j->seen);
	j->known = j->seen = NULL;
	j->known_names = j->seen_names = NULL;
}
