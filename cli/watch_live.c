/* watch_live.c - rows of standard input as they come, and events as they happen. What one row says is what the same row
 * of a file would say. */
#include "watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char verb[] = "watch";
enum { GAP_MOST = 1000000 };

typedef struct live {
	const watch_job *j;
	eg_watch_run *run;
	char *names, *text; /* the first line; it and a row */
	size_t room;
	int64_t line, next; /* the step that comes next */
	double before;      /* the time of the last row, where the table's are of a time zone */
	bool known;         /* the columns of the rows have been looked at */
	double *row;
	bool failed;
} live;

/* The step of a time: about there, by the length of steps, and then the one that is written alike. -1: none. */
static int64_t step_of(const watch_job *j, const eg_time_table *row, int64_t next) {
	const double month = 365.2425 * 86400 / 12;
	const double seconds = j->table->months ? month * j->table->months : j->table->seconds;
	char asked[32], written[32];
	if (!j->table->dated) return next;
	if (!row->dated) return -1;
	eg_time_table_when(row, 0, asked);
	if (!j->table->months) {
		double steps = (row->begin - j->table->begin) / seconds;
		return fabs(steps - nearbyint(steps)) < 0.01 ? (int64_t)nearbyint(steps) : -1;
	}
	int64_t about = (int64_t)nearbyint((row->begin - j->table->begin) / seconds);
	for (int64_t at = about - 1; at <= about + 1; at++) {
		eg_time_table_when(j->table, (int)at, written);
		if (strncmp(asked, written, strlen(written)) == 0) return at;
	}
	return -1;
}

static void tell_begin(const live *l, const eg_watch_event *e) {
	const watch_job *j = l->j;
	char time[32];
	watch_when(j, e->start, time);
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "state", "begins");
		eg_value_put_text(v, "start", time);
		eg_value_put_text(v, "variable", j->columns[e->column]->name);
		eg_value_put_text(v, "sign", eg_sign_name(e->sign));
		eg_value_put_number(v, "score", e->score);
		print_json(v);
		eg_value_free(v);
	} else
		printf("%s  alarm: %s, %s: %s (%.2f times the threshold)\n", time, text_shown(j->columns[e->column]->name), eg_sign_name(e->sign),
		        eg_sign_doc(e->sign), e->score);
	out_push();
}

static void tell_end(const live *l, const eg_watch_event *e) {
	const watch_job *j = l->j;
	char start[32], peak[32], end[32], blame[400];
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "state", "ends");
		watch_put_event(j, v, e, e->shares);
		print_json(v);
		eg_value_free(v);
	} else {
		watch_blame(j, e->shares, blame, sizeof blame);
		printf("%s  over: since %s, at its worst %s (%.2f times the threshold): %s\n", watch_when(j, e->end, end), watch_when(j, e->start, start),
		        watch_when(j, e->peak, peak), e->score, blame);
	}
	out_push();
}

static void step(live *l, const double *row) {
	eg_watch_now now;
	eg_watch_step(l->run, row, &now);
	if (now.begins) tell_begin(l, &now.event);
	if (now.ends) tell_end(l, &now.event);
	l->next++;
}

/* Columns by their names; what has none there is missing. false after a message: the row is passed over. */
static bool take_row(live *l, const eg_time_table *t) {
	const watch_job *j = l->j;
	double *row = l->row, *nothing = row + j->ncolumns;
	int64_t at = step_of(j, t, l->next);
	if (at < l->next || at - l->next > GAP_MOST) {
		char time[32], last[32];
		if (at >= 0) watch_when(j, at, time);
		if (at < 0) eg_time_table_when(t, 0, time); /* beside the grid, or before the table */
		fail(verb, "standard input:%lld: the time '%s' is %s %s, which was the last; the row is passed over", (long long)l->line, time,
		        at < l->next ? "no later step than" : "more than a million steps behind", watch_when(j, l->next - 1, last));
		return false;
	}
	l->before = t->begin;
	for (int i = 0; i < j->ncolumns; i++) {
		row[i] = nothing[i] = NAN;
		for (int k = 0; k < t->ncolumns; k++) {
			const eg_time_column *c = &t->columns[k];
			if (strcmp(c->name, j->columns[i]->name) != 0) continue;
			row[i] = c->nwords > 0 ? (double)NAN : c->values[0];
			if (!c->wrong_line && c->nwords == 0) continue;
			fail(verb, "standard input:%lld: '%.40s' in the column '%s' is no number; it is taken for missing", (long long)l->line,
			        c->nwords > 0 ? c->words[0] : c->wrong, c->name);
			row[i] = NAN, l->failed = true;
		}
	}
	while (l->next < at) step(l, nothing); /* steps without a row */
	step(l, row);
	return true;
}

static bool read_line(live *l, char **line, size_t *room) {
	size_t n = 0;
	int c;
	while ((c = getchar()) != EOF && c != '\n') {
		if (n + 2 > *room) {
			char *more = realloc(*line, *room = 2 * *room + 256);
			if (!more) fail(verb, "out of memory"), exit(CLI_FAILED);
			*line = more;
		}
		(*line)[n++] = (char)c;
	}
	if (n > 0 && (*line)[n - 1] == '\r') n--;
	(*line)[n] = '\0';
	l->line++;
	return c != EOF || n > 0;
}

/* Are the watched columns among those of the first line: as a text, and then, with its first row, as they are? */
static bool has_columns(const live *l, const char *names, const eg_time_table *t) {
	const watch_job *j = l->j;
	for (int i = 0; i < j->options.watched; i++) {
		const char *name = j->columns[i]->name;
		int k = 0;
		while (t && k < t->ncolumns && strcmp(t->columns[k].name, name) != 0) k++;
		if (t ? k == t->ncolumns : !strstr(names, name))
			return fail(verb, "standard input:1: the first line names no column '%s', which is watched; it has to name the columns, as that of "
			                  "%s does", name, j->table->file), false;
	}
	return true;
}

/* false: no row of it can be taken. */
static bool take_line(live *l, const char *line) {
	size_t need = strlen(l->names) + strlen(line) + 3;
	if (need > l->room) {
		free(l->text);
		l->text = cli_alloc(l->room = 2 * need);
	}
	snprintf(l->text, l->room, "%s\n%s\n", l->names, line);
	int code;
	const forecast_rows rows = {l->text, l->line, l->j->table->told == EG_TIME_LOCAL ? &l->before : NULL};
	eg_time_tables *t = forecast_read(l->j->args, "standard input", &rows, &code);
	const bool ok = !t || l->known || has_columns(l, l->names, t->at[0]);
	l->known = l->known || t;
	if (!ok || !t || !take_row(l, t->at[0])) l->failed = true;
	eg_time_tables_free(t);
	return ok;
}

int watch_live(const watch_job *j) {
	size_t room = 256;
	char *line = cli_alloc(room);
	live l = {.j = j, .run = eg_watch_begin(j->watch), .next = j->learned,
		.before = j->table->begin + j->table->seconds * (j->learned - 1)};
	eg_watch_event last;
	if (!l.run) return fail(verb, "out of memory");
	l.row = cli_alloc(2 * (size_t)j->ncolumns * sizeof *l.row);
	if (!args_has(j->args, "json")) watch_show_head(j, stderr);
	bool ok = read_line(&l, &line, &room);
	if (!ok) fail(verb, "standard input is empty; its first line has to name the columns, as that of %s does", j->table->file);
	ok = ok && has_columns(&l, line, NULL);
	if (ok) l.names = cli_alloc(strlen(line) + 1), strcpy(l.names, line);
	while (ok && read_line(&l, &line, &room))
		if (line[0]) ok = take_line(&l, line);
	if (ok && eg_watch_finish(l.run, &last)) tell_end(&l, &last);
	eg_watch_end(l.run);
	free(l.row);
	free(l.names);
	free(l.text);
	free(line);
	return ok && !l.failed ? CLI_OK : CLI_FAILED;
}
