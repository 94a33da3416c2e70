/* schema.c - engram schema: what a recipe may hold, for editors. */
#include "print.h"

#include <stdlib.h>

static int run(const cli_args *a) {
	eg_error err;
	char *text;
	(void)a;
	if (eg_schema_json(&text, &err)) return fail_error("schema", &err);
	fputs(text, stdout);
	free(text);
	return CLI_OK;
}

static const cli_option options[] = {{0}};

const cli_verb verb_schema = {
	.name = "schema",
	.line = "print the JSON Schema of recipes, for editors",
	.operands = "",
	.about = "An editor that knows JSON Schema completes and checks recipes with it. With the YAML\n"
		 "language server, put this in the first line of a recipe:\n\n"
		 "  # yaml-language-server: $schema=recipe.schema.json",
	.options = options,
	.examples = "  engram schema >recipe.schema.json\n",
	.run = run,
};
