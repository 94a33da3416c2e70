/* groups.c - train.groups of a recipe: what is different for some parameters, by patterns of their names. */
#include "io/recipe.h"

#include <math.h>

#define GROUP(f) offsetof(eg_param_group, f)

static const eg_key keys[] = {
	{.name = "pattern",
		.type = EG_KEY_STRING,
		.offset = GROUP(pattern),
		.required = true,
		.doc = "of the names of weights, such as conv1.weight (engram info): * stands for any characters, ? "
		       "for one"},
	{.name = "lr",
		.type = EG_KEY_DOUBLE,
		.offset = GROUP(lr),
		.min = EG_ABOVE_0,
		.max = 1e6,
		.def = 1,
		.doc = "the learning rate is multiplied by it"},
	{.name = "weight_decay",
		.type = EG_KEY_DOUBLE,
		.offset = GROUP(weight_decay),
		.max = 1e6,
		.zero_is_default = true,
		.def = NAN,
		.doc = "the optimizer's weight_decay is multiplied by it; 0: none. Left out: 1, and none for biases "
		       "and "
		       "normalisations (train.decay_all)"},
	{.name = "frozen",
		.type = EG_KEY_BOOL,
		.offset = GROUP(frozen),
		.def = 0,
		.doc = "these weights are left as they are"},
	{.name = "elementwise",
		.type = EG_KEY_BOOL,
		.offset = GROUP(elementwise),
		.def = 0,
		.doc = "with muon: these weights are no matrices but follow adamw: embeddings, the last layer"},
};
const eg_variant eg_group_keys[] = {{"groups", 0, keys, EG_COUNT(keys), NULL}, {0}};

eg_status eg_groups_read(eg_recipe *r, const eg_tree *list, eg_error *err) {
	char got[64];
	if (eg_tree_is_nothing(list)) return EG_OK;
	if (list->kind != EG_TREE_LIST)
		return eg_tree_fail(err, list, EG_ERR_FORMAT,
		        "'groups' in 'train' must be a list of maps such as [{pattern: \"conv*\", lr: 0.1}], not %s",
		        eg_tree_describe(list, got, sizeof got));
	eg_param_group *groups = eg_arena_alloc(&r->arena, ((size_t)list->count + 1) * sizeof *groups);
	if (!groups) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a recipe");
	int n = 0;
	for (const eg_tree *t = list->first; t; t = t->next) {
		eg_status status = eg_keys_read(
			&r->arena, t, t, &(eg_key_set){keys, EG_COUNT(keys), &groups[n++]}, 1, "a group of 'train'", err);
		if (status) return status;
	}
	r->train.optimizer.groups = groups;
	r->train.optimizer.ngroups = n;
	return EG_OK;
}
