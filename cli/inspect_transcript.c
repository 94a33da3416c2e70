/* inspect_transcript.c - engram inspect of a network that transcribes: what is told when, and what it comes from; and
 * of one that classifies recordings. */
#include "inspect_picture.h"

#include "engram_report.h"
#include "print.h"

#include <math.h>

static double number_at(const eg_value *map, const char *key) { return eg_value_number(eg_value_get(map, key), (double)NAN); }

static void show(const eg_value *facts) {
	char buf[NUMBER];
	const eg_value *truth = eg_value_get(facts, "truth"), *files = eg_value_get(facts, "files"), *class = eg_value_get(facts, "class");
	const char *said = eg_value_text(class ? class : eg_value_get(facts, "text"));
	printf("%s: ", text_shown(eg_value_text(eg_value_get(facts, "input"))));
	printf("%s (%s)", *said ? text_shown(said) : "nothing", number_percent(buf, number_at(facts, "probability")));
	if (truth) printf("; right: %s", text_shown(eg_value_text(truth)));
	printf("\n\n");
	table *t = table_new(class ? "lrr" : "lrrrr");
	static const char *const head[] = {"label", "start", "end", "probability", "comes from"};
	for (int i = 0; i < 5; i++)
		if (!class || i == 0 || i > 2) table_cell(t, "%s", class && i == 0 ? "class" : head[i]);
	table_rule(t);
	for (const eg_value *v = eg_value_first(eg_value_get(facts, "labels")); v; v = eg_value_next(v)) {
		table_cell(t, "%s", text_shown(eg_value_text(eg_value_get(v, "label"))));
		if (!class) table_cell(t, "%.4g", number_at(v, "start"));
		if (!class) table_cell(t, "%.4g", number_at(v, "end"));
		table_cell(t, "%s", number_percent(buf, number_at(v, "probability")));
		if (eg_value_get(v, "from"))
			table_cell(t, "%.4g", number_at(v, "from"));
		else
			table_cell(t, "-");
	}
	table_print(t, stdout, 2);
	table_free(t);
	printf("\nWritten: %s and %d pictures beside it\n", text_shown(eg_value_text(eg_value_first(files))), (int)eg_value_count(files) - 1);
}

int inspect_transcript(const cli_args *a, eg_model *m, const char *path) {
	static const char *const others[] = {"text", "text-file", "of", "pixel", "box", "layer", "unit", "window", "beside", "records"};
	eg_error err = {0};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (args_has(a, others[i])) return fail_usage("inspect", "--%s is not for models of sound and of lines", others[i]);
	if (path && args_has(a, "record")) return fail_usage("inspect", "one input at a time: a file, or --record");
	if (!cli_make_folder(a, args_text(a, "output"))) return CLI_FAILED;
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "model", a->operands[0]);
	const eg_question q = {.path = path};
	eg_status status = eg_transcript_page(m, path ? &q : NULL, (int64_t)args_number(a, "record", 0), args_text(a, "output"), v, &err);
	if (status)
		fail("inspect", "%s: %s", a->operands[0], err.message);
	else if (args_has(a, "json"))
		print_json(v);
	else
		show(v);
	eg_value_free(v);
	return status ? CLI_FAILED : CLI_OK;
}
