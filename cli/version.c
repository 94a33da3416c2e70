/* version.c - engram version: what this program is made of, and what it would compute with. */
#include "print.h"

static int run(const cli_args *a) {
	eg_error err;
	eg_context *ctx = eg_context_new(NULL, &err);
	if (args_has(a, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "version", eg_version());
		eg_value_put_text(v, "kernels", ctx ? eg_context_isa(ctx) : NULL);
		eg_value_put_int(v, "threads", ctx ? eg_context_threads(ctx) : 0);
		eg_value_put_text(v, "libraries", ENGRAM_FEATURES);
		print_json(v);
		eg_value_free(v);
	} else {
		printf("engram %s\n", eg_version());
		printf("libraries: %s\n", ENGRAM_FEATURES);
		if (ctx) fputs(eg_context_describe(ctx), stdout);
	}
	int code = ctx ? CLI_OK : fail_error("version", &err);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {OPTION_JSON("one JSON object"), {0}};

const cli_verb verb_version = {
	.name = "version",
	.line = "what this program is made of, and what it computes with",
	.operands = "",
	.options = options,
	.run = run,
};
