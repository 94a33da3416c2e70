/* fuzz_recipe.c - a recipe from any bytes: read, its data section read by a table, the graph built, written and read
 * again. */
#include "io/recipe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct section {
	const char *source;
	double validation;
	int64_t limit;
	eg_numbers mean;
	eg_strings names;
} section;
static const eg_key keys[] = {
	{.name = "source", .type = EG_KEY_STRING, .offset = offsetof(section, source), .required = true, .doc = "name"},
	{.name = "validation",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(section, validation),
		.max = EG_BELOW_1,
		.doc = "share"},
	{.name = "limit",
		.type = EG_KEY_INT64,
		.offset = offsetof(section, limit),
		.min = 1,
		.max = 1e12,
		.doc = "most"},
	{.name = "mean",
		.type = EG_KEY_NUMBERS,
		.offset = offsetof(section, mean),
		.count = 4,
		.min = -9,
		.max = 9,
		.doc = "mean"},
	{.name = "class_names", .type = EG_KEY_STRINGS, .offset = offsetof(section, names), .doc = "names"},
};

static void use(eg_recipe *r) {
	static const eg_size sizes[] = {{"classes", 10}, {"units", 12}, {NULL, 0}};
	eg_error err = {0};
	section s = {0};
	eg_recipe_section(r, &r->arena, "data", &(eg_key_set){keys, EG_COUNT(keys), &s}, 1, &err);
	if (s.mean.n > 4) abort();
	for (int i = 0; i < s.mean.n; i++)
		if (!(s.mean.at[i] >= -9 && s.mean.at[i] <= 9)) abort();
	for (int i = 0; i < s.names.n; i++)
		if (!*s.names.at[i]) abort();
	eg_recipe_locate(r, "data.source", &err);
	for (int i = 0; i < eg_recipe_inputs(r); i++)
		if (eg_recipe_input_at(r, i)->dims.rank < 1) abort();
	for (int i = 0; i < eg_recipe_losses(r); i++)
		if (!eg_recipe_loss_at(r, i)->op) abort();

	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = "ref"}, NULL);
	eg_graph *g = NULL;
	if (ctx && eg_recipe_build(r, ctx, sizes, &g, &err) == EG_OK && !eg_graph_find(g, "loss").id) abort();
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
