/* inspect_looks.c - engram inspect of networks that write captions or classify films: where they look. */
#include "inspect_picture.h"

#include "engram_report.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

static void print_facts(const eg_value *facts) {
	const eg_value *answer = eg_value_get(facts, "answer"), *files = eg_value_get(facts, "files");
	const char *text = eg_value_text(eg_value_get(answer, "text")), *class = eg_value_text(eg_value_get(answer, "class"));
	const char *said = text ? text : class ? class : "tags, and the frames that they come from";
	int t = 0, best = 0;
	double most = 0;
	printf("%s: ", text_shown(eg_value_text(eg_value_get(facts, "input"))));
	printf("%s\n", text_shown(said));
	for (const eg_value *v = eg_value_first(eg_value_get(facts, "saliency")); v; v = eg_value_next(v), t++)
		if (eg_value_number(v, 0) > most) most = eg_value_number(v, 0), best = t;
	if (t > 0) printf("The answer depends most on frame %d of 0 to %d: %.0f %% of the size of all gradients\n", best, t - 1, 100 * most);
	for (const eg_value *s = eg_value_first(eg_value_get(answer, "segments")); s; s = eg_value_next(s))
		printf("  frames %lld to %lld: %s\n", (long long)eg_value_int(eg_value_get(s, "start"), 0), (long long)eg_value_int(eg_value_get(s, "end"), 0) - 1,
			text_shown(eg_value_text(eg_value_get(s, "text"))));
	for (const eg_value *s = eg_value_first(eg_value_get(facts, "segments")); s; s = eg_value_next(s))
		printf("  frames %lld to %lld: %s, most from frame %lld\n", (long long)eg_value_int(eg_value_get(s, "start"), 0),
			(long long)eg_value_int(eg_value_get(s, "end"), 0) - 1, text_shown(eg_value_text(eg_value_get(s, "type"))),
			(long long)eg_value_int(eg_value_get(s, "from"), 0));
	printf("\nWritten: %s and %d pictures beside it\n", text_shown(eg_value_text(eg_value_first(files))), (int)eg_value_count(files) - 1);
}

int inspect_looks(const cli_args *a, eg_model *m, const char *path) {
	static const char *const others[] = {"text", "text-file", "pixel", "layer", "unit", "window", "box", "beside", "records"};
	eg_error err = {0};
	if (path && args_has(a, "record")) return fail_usage("inspect", "one at a time: a file, or --record");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (args_has(a, others[i])) return fail_usage("inspect", "--%s is not for captions and films", others[i]);
	if (!cli_make_folder(a, args_text(a, "output"))) return CLI_FAILED;
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "model", a->operands[0]);
	const eg_status status = eg_looks_page(m, path, (int64_t)args_number(a, "record", 0), args_text(a, "of"), args_text(a, "output"), v, &err);
	if (status)
		fail("inspect", "%s: %s", a->operands[0], err.message);
	else if (args_has(a, "json"))
		print_json(v);
	else
		print_facts(v);
	eg_value_free(v);
	return status ? CLI_FAILED : CLI_OK;
}
