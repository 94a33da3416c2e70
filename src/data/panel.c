/* panel.c - columns of a table over time as numbers: those of words become a column a word. */
#include "data/time_table.h"
#include "data/windows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double eg_panel_time(const eg_panel *p, int step) {
	if (step < p->steps) return p->times[step];
	return eg_time_ahead(p->times[p->steps - 1], eg_panel_step(p), step - p->steps + 1);
}

double eg_panel_step(const eg_panel *p) { return eg_time_usual_step(p->times, p->steps); }

/* One column of the panel. */
typedef struct made {
	const eg_time_column *of;
	const char *word, *name; /* word NULL: its numbers */
} made;

typedef struct making {
	const eg_time_table *table;
	eg_arena *arena;
	made *at;
	int n, cap;
} making;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a series"); }

static eg_status add(making *m, const eg_time_column *of, const char *word, eg_error *err) {
	if (!eg_grow(NULL, &m->at, &m->cap, m->n, sizeof *m->at)) return no_memory(err);
	const char *name = word ? eg_arena_printf(m->arena, "%s=%s", of->name, word) : eg_arena_strdup(m->arena, of->name);
	m->at[m->n++] = (made){of, word, name};
	return name ? EG_OK : no_memory(err);
}

/* What stands in a column of words; NULL: nothing. */
static const char *word_at(const eg_time_column *c, int step) { return isnan(c->values[step]) ? NULL : c->words[(int)c->values[step]]; }

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Every word that stands in the column, in order. */
static eg_status add_words(making *m, const eg_time_column *c, eg_error *err) {
	const char *words[EG_WINDOW_COLUMNS];
	if (c->nwords > EG_WINDOW_COLUMNS)
		return eg_fail(err, EG_ERR_FORMAT, "%s: the column '%s' has more than %d different words; leave it out", m->table->file, c->name,
		        EG_WINDOW_COLUMNS);
	memcpy(words, c->words, (size_t)c->nwords * sizeof *words);
	qsort(words, (size_t)c->nwords, sizeof *words, by_text);
	eg_status status = EG_OK;
	for (int i = 0; i < c->nwords && !status; i++) status = add(m, c, words[i], err);
	return status;
}

static eg_status add_named(making *m, const char *name, eg_error *err) {
	int place;
	for (int i = 0; i < m->table->ncolumns; i++)
		if (m->table->columns[i].nwords > 0 && strcmp(m->table->columns[i].name, name) == 0) return add_words(m, &m->table->columns[i], err);
	for (int i = 0; i < m->table->ncolumns; i++) {
		const eg_time_column *c = &m->table->columns[i];
		const size_t n = strlen(c->name);
		if (c->nwords > 0 && strncmp(c->name, name, n) == 0 && name[n] == '=') return add(m, c, name + n + 1, err);
	}
	eg_status status = eg_time_table_find(m->table, name, &place, err);
	return status ? status : add(m, &m->table->columns[place], NULL, err);
}

static float value_of(const made *c, int step) {
	if (!c->word) return (float)c->of->values[step];
	const char *word = word_at(c->of, step);
	return !word ? NAN : strcmp(word, c->word) == 0 ? 1 : 0;
}

/* The times of the table's grid; NULL: out of memory. */
static double *times_of(const eg_time_table *t, eg_arena *arena) {
	double *times = eg_arena_alloc(arena, ((size_t)t->steps + 1) * sizeof *times);
	for (int i = 0; i < t->steps && times; i++) times[i] = eg_time_table_time(t, i);
	return times;
}

static eg_status fill(const making *m, eg_panel *p, eg_error *err) {
	const eg_time_table *t = m->table;
	float *at = eg_arena_alloc(m->arena, ((size_t)t->steps * (size_t)m->n + 1) * sizeof *at);
	const char **names = eg_arena_alloc(m->arena, ((size_t)m->n + 1) * sizeof *names);
	double *times = t->dated ? times_of(t, m->arena) : NULL;
	if (!at || !names || (t->dated && !times)) return no_memory(err);
	for (int c = 0; c < m->n; c++) {
		names[c] = m->at[c].name;
		for (int i = 0; i < t->steps; i++) at[(ptrdiff_t)i * m->n + c] = value_of(&m->at[c], i);
	}
	*p = (eg_panel){at, times, names, t->steps, m->n, 0};
	return EG_OK;
}

eg_status eg_panel_of_table(
	const eg_time_table *t, const char *const *names, int n, eg_arena *arena, eg_panel *panel, eg_error *err) {
	making m = {.table = t, .arena = arena};
	eg_status status = EG_OK;
	for (int i = 0; i < n && !status; i++) status = add_named(&m, names[i], err);
	if (!status) status = fill(&m, panel, err);
	eg_release(NULL, m.at);
	return status;
}
