/* fuzz_recipe.c - a recipe from any bytes: read, its values asked for, the graph built, written and read again. */
#include "engram_io.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(eg_recipe *r) {
	eg_error err = {0};
	double numbers[8], v;
	const char *text;
	int n;
	eg_recipe_number(r, "data.validation", 0, 0, 1, &v, &err);
	eg_recipe_string(r, "data.source", NULL, &text, &err);
	eg_recipe_numbers(r, "data.mean", numbers, 8, &n, &err);
	eg_recipe_check_known(r, "data", &err);
	eg_recipe_locate(r, "data.source", &err);

	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = "ref"}, NULL);
	eg_graph *g = NULL;
	if (ctx) eg_recipe_build(r, ctx, 10, &g, &err);
	eg_graph_free(g);
	eg_context_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err = {0};
	eg_recipe *r = NULL, *again = NULL;
	const char *text = (const char *)data;
	if (eg_recipe_parse(text, size, "fuzz.yaml", NULL, &r, &err) != EG_OK) return 0;
	use(r);
	text = eg_recipe_text(r);
	size_t n = 0;
	while (text[n]) n++;
	if (eg_recipe_parse(text, n, "again.yaml", NULL, &again, &err) != EG_OK) {
		fprintf(stderr, "what was written cannot be read: %s\n%s\n", err.message, text);
		abort();
	}
	eg_recipe_free(again);
	eg_recipe_free(r);
	return 0;
}
