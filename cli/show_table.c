/* show_table.c - engram data show of a table over time, with one series or several: what is in each, what is odd, and,
 * on a page, how they look. Data sets and recipes: show.c; how a table is read: forecast_table.c. */
#include "forecast.h"
#include "show.h"

#include <string.h>

enum { SERIES_SHOWN = 8 };

bool data_is_table(const char *name) {
	const char *dot = strrchr(name, '.');
	return dot && (!strcmp(dot, ".csv") || !strcmp(dot, ".tsv"));
}

typedef struct rows {
	table *t;
	char part[128]; /* of the row before */
} rows;

static void line(void *user, const eg_survey_line *l) {
	rows *r = user;
	table_cell(r->t, "%s", strcmp(r->part, l->part) ? l->part : "");
	table_cell(r->t, "%s", l->what);
	table_cell(r->t, "%s", l->text);
	snprintf(r->part, sizeof r->part, "%s", l->part);
}

static void print_facts(const eg_time_tables *tables, const eg_value *facts, const char *id) {
	table *t = table_new("lll");
	const eg_time_table *first = tables->at[0];
	printf("%s: ", text_shown(first->file));
	if (id)
		printf("%d series by the column %s", tables->n, text_shown(id));
	else
		printf("one series; if there are several, --id names the column that says which");
	printf("\ntime: %s%s%s\n\n", first->time ? "the column " : "rows are steps", first->time ? text_shown(first->time) : "",
	        first->time && (!first->dated || first->times) ? "; rows are steps" : "");
	table_cell(t, id ? "series" : "");
	table_cell(t, "what");
	table_cell(t, "%s", "");
	table_rule(t);
	eg_survey_lines(facts, line, &(rows){.t = t});
	table_print(t, stdout, 0);
	table_free(t);
}

static eg_status save_page(const eg_time_tables *tables, const eg_value *facts, const char *path, eg_error *err) {
	eg_sheet *s = NULL;
	eg_status status = eg_sheet_new(path, tables->at[0]->file, &s, err);
	const eg_value *part = eg_value_first(eg_value_get(facts, "parts"));
	for (int i = 0; part && !status; i++, part = eg_value_next(part)) status = eg_sheet_table(s, tables->at[i], part, err);
	const long long more = (long long)eg_value_int(eg_value_get(facts, "more_series"), 0);
	char heading[80];
	snprintf(heading, sizeof heading, "and %lld more series", more);
	if (!status && more > 0) eg_sheet_heading(s, heading);
	if (!status) return eg_sheet_save(s, err);
	eg_sheet_drop(s);
	return status;
}

int data_show_table(const cli_args *a, const char *path) {
	const char *page = args_text(a, "output");
	int code = CLI_FAILED;
	eg_error err;
	eg_value *facts = NULL;
	if (args_has(a, "augmented") || args_has(a, "split"))
		return fail_usage("data", "--augmented and --split are about the records of a recipe; a table (%s) has none", path);
	eg_time_tables *tables = page && !cli_can_write(a, page) ? NULL : forecast_read(a, path, NULL, &code);
	if (!tables) return code;
	eg_status status = eg_survey_tables(tables, (int)args_number(a, "number", SERIES_SHOWN), &facts, &err);
	if (!status && page) status = save_page(tables, facts, page, &err);
	if (status)
		fail_error("data show", &err);
	else if (args_has(a, "json"))
		print_json(facts);
	else {
		print_facts(tables, facts, args_text(a, "id"));
		if (page) printf("\n%s shows them\n", page);
	}
	eg_value_free(facts);
	eg_time_tables_free(tables);
	return status ? CLI_FAILED : CLI_OK;
}
