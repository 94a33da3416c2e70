/* version.c - engram version: what this program is made of, and what it would compute with. */
#include "print.h"

static int run(const cli_args *a) {
	eg_error err;
	eg_context *ctx = eg_context_new(NULL, &err);
	if (args_has(a, "json")) {
		json j = {.f = stdout};
		json_put_open(&j, NULL, '{');
		json_put_string(&j, "version", eg_version());
		json_put_string(&j, "kernels", ctx ? eg_context_isa(ctx) : NULL);
		json_put_int(&j, "threads", ctx ? eg_context_threads(ctx) : 0);
		json_put_string(&j, "libraries", ENGRAM_FEATURES);
		json_put_close(&j, '}');
		json_put_end(&j);
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
