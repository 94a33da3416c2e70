/* schema.c - the JSON Schema of recipes, made of the tables of keys and of the operator table.
 *
 * Not here: the tables (recipe_keys.c). */
#include "io/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef eg_tree_builder builder;

static void schema_type(builder *b, eg_tree *t, const char *type) { eg_tree_string(b, t, "type", type); }

/* most: 0: any number. */
static void schema_array(builder *b, eg_tree *t, int least, int most) {
	schema_type(b, t, "array");
	eg_tree_put_int(b, t, "minItems", least);
	if (most) eg_tree_put_int(b, t, "maxItems", most);
}

static void schema_range(builder *b, eg_tree *t, const eg_key *k) {
	if (k->min == EG_ABOVE_0)
		eg_tree_put_int(b, t, "exclusiveMinimum", 0);
	else if (k->min > -INT32_MAX)
		eg_tree_put_double(b, t, "minimum", k->min);
	if (k->max == EG_BELOW_1)
		eg_tree_put_int(b, t, "exclusiveMaximum", 1);
	else if (k->max < INT32_MAX)
		eg_tree_put_double(b, t, "maximum", k->max);
}

static void schema_variants(builder *b, eg_tree *t, const eg_key *k);
static void schema_object(builder *b, eg_tree *t, const eg_key_set *sets, int nsets);

/* Fills `t` with what a value of this key may be. */
static void schema_value(builder *b, eg_tree *t, const eg_key *k) {
	eg_tree *any, *one;
	switch (k->type) {
	case EG_KEY_INT:
	case EG_KEY_INT64:
	case EG_KEY_U64:
		schema_type(b, t, "integer");
		schema_range(b, t, k);
		break;
	case EG_KEY_FLOAT:
	case EG_KEY_DOUBLE:
		schema_type(b, t, "number");
		schema_range(b, t, k);
		break;
	case EG_KEY_BOOL:
	case EG_KEY_NOT: schema_type(b, t, "boolean"); break;
	case EG_KEY_STRING: schema_type(b, t, "string"); break;
	case EG_KEY_ENUM:
		any = eg_tree_list(b, t, "enum");
		for (int i = 0; k->names[i]; i++) eg_tree_string(b, any, NULL, k->names[i]);
		break;
	case EG_KEY_INTS:
	case EG_KEY_NUMBERS:
	case EG_KEY_INT_LIST:
	case EG_KEY_FLOAT_LIST:
		any = eg_tree_list(b, t, "anyOf");
		for (int list = 0; list < 2; list++) {
			one = eg_tree_map(b, any, NULL);
			if (list) {
				schema_array(b, one, k->type == EG_KEY_INTS ? k->count : 1, k->count);
				one = eg_tree_map(b, one, "items");
			}
			schema_type(b, one, k->type == EG_KEY_INTS || k->type == EG_KEY_INT_LIST ? "integer" : "number");
			schema_range(b, one, k);
		}
		break;
	case EG_KEY_STRINGS:
		one = t;
		if (k->one_will_do) {
			any = eg_tree_list(b, t, "anyOf");
			schema_type(b, eg_tree_map(b, any, NULL), "string");
			one = eg_tree_map(b, any, NULL);
		}
		schema_array(b, one, 1, k->count);
		schema_type(b, eg_tree_map(b, one, "items"), "string");
		break;
	case EG_KEY_MAPS:
		schema_type(b, t, "array");
		schema_object(b, eg_tree_map(b, t, "items"), &(eg_key_set){k->variants->keys, k->variants->nkeys, NULL}, 1);
		break;
	case EG_KEY_MAP: schema_object(b, t, &(eg_key_set){k->variants->keys, k->variants->nkeys, NULL}, 1); break;
	case EG_KEY_CHOICE: schema_variants(b, t, k); break;
	}
}

/* Adds a key to "properties", unless another table has put it there. */
static void schema_property(builder *b, eg_tree *properties, const eg_key *k) {
	if (eg_tree_get(properties, k->name)) return;
	eg_tree *t = eg_tree_map(b, properties, k->name);
	eg_tree_string(b, t, "description", k->doc);
	if (k->by_field) {
		eg_tree *any = eg_tree_list(b, t, "anyOf");
		schema_value(b, eg_tree_map(b, any, NULL), k);
		t = eg_tree_map(b, any, NULL);
		schema_type(b, t, "object");
		schema_value(b, eg_tree_map(b, t, "additionalProperties"), k);
	} else {
		schema_value(b, t, k);
	}
	if (k->type == EG_KEY_DOUBLE && !isnan(k->def)) eg_tree_put_double(b, t, "default", k->def);
}

static bool names_it(const eg_tree *list, const char *name) {
	for (const eg_tree *t = list ? list->first : NULL; t; t = t->next)
		if (!strcmp(t->text, name)) return true;
	return false;
}

/* An object that takes exactly the keys of these tables. */
static void schema_object(builder *b, eg_tree *t, const eg_key_set *sets, int nsets) {
	schema_type(b, t, "object");
	eg_tree *properties = eg_tree_map(b, t, "properties"), *required = NULL;
	for (int s = 0; s < nsets; s++)
		for (int i = 0; i < sets[s].n; i++) {
			const eg_key *k = &sets[s].keys[i];
			schema_property(b, properties, k);
			if (!k->required || names_it(required, k->name)) continue;
			if (!required) required = eg_tree_list(b, t, "required");
			eg_tree_string(b, required, NULL, k->name);
		}
	eg_tree_literal(b, t, "additionalProperties", "false");
}

/* {word: ...}: returns the schema to fill for the value. */
static eg_tree *schema_single(builder *b, eg_tree *any, const char *word, const char *doc) {
	eg_tree *t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	if (doc) eg_tree_string(b, t, "description", doc);
	eg_tree *inner = eg_tree_map(b, eg_tree_map(b, t, "properties"), word);
	eg_tree_string(b, eg_tree_list(b, t, "required"), NULL, word);
	eg_tree_literal(b, t, "additionalProperties", "false");
	return inner;
}

/* The attribute table of an operator as keys; at most `max`. */
static int op_keys(const eg_op_info *op, eg_key *keys, int max) {
	int n = op->nattrs < max ? op->nattrs : max;
	for (int i = 0; i < n; i++) keys[i] = eg_key_of_attr(&op->attrs[i]);
	return n;
}

enum { MAX_KEYS = 64 };

/* A whole number, or a word for one that the task knows. */
static void schema_int_or_word(builder *b, eg_tree *t, const eg_key *k) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_value(b, eg_tree_map(b, any, NULL), k);
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "string");
	eg_tree_string(b, t, "pattern", "^[a-z][a-z0-9_]*(\\.[A-Za-z0-9_-]+)?$");
}

/* The attributes of an operator, beside what `properties` holds already. */
static void schema_attrs(builder *b, const eg_op_info *op, eg_tree *properties) {
	eg_key keys[MAX_KEYS];
	int n = op_keys(op, keys, MAX_KEYS);
	for (int i = 0; i < n; i++) {
		eg_tree *t = eg_tree_map(b, properties, keys[i].name);
		eg_tree_string(b, t, "description", keys[i].doc);
		if (keys[i].type == EG_KEY_INT)
			schema_int_or_word(b, t, &keys[i]);
		else
			schema_value(b, t, &keys[i]);
	}
}

/* A list, or a word. */
static void schema_class_weights(builder *b, eg_tree *properties) {
	eg_tree *t = eg_tree_map(b, properties, eg_class_weights_key.name), *any = eg_tree_list(b, t, "anyOf");
	eg_tree_string(b, t, "description", eg_class_weights_key.doc);
	schema_value(b, eg_tree_map(b, any, NULL), &eg_class_weights_key);
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (int i = 0; eg_class_weights_words[i]; i++) eg_tree_string(b, words, NULL, eg_class_weights_words[i]);
}

/* One loss: a word, or {word: attributes} with the keys of losses beside it. */
static void schema_loss(builder *b, eg_tree *any) {
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (int i = 0; eg_loss_op(i); i++) {
		const eg_op_info *op = eg_loss_op(i);
		eg_tree_string(b, words, NULL, op->name);
		eg_tree *t = eg_tree_map(b, any, NULL);
		schema_type(b, t, "object");
		eg_tree_string(b, t, "description", op->doc);
		eg_tree *properties = eg_tree_map(b, t, "properties"), *attrs = eg_tree_map(b, properties, op->name);
		eg_tree *types = eg_tree_list(b, attrs, "type");
		eg_tree_string(b, types, NULL, "object");
		eg_tree_string(b, types, NULL, "null");
		eg_tree *own = eg_tree_map(b, attrs, "properties");
		schema_attrs(b, op, own);
		if (eg_loss_weighs(op)) schema_class_weights(b, own);
		eg_tree_literal(b, attrs, "additionalProperties", "false");
		for (int k = 0; k < eg_loss_keys.n; k++) schema_property(b, properties, &eg_loss_keys.keys[k]);
		eg_tree_string(b, eg_tree_list(b, t, "required"), NULL, op->name);
		eg_tree_literal(b, t, "additionalProperties", "false");
	}
}

static void schema_variants(builder *b, eg_tree *t, const eg_key *k) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	if (!k->variants) { /* losses: one, or a list */
		schema_loss(b, any);
		t = eg_tree_map(b, any, NULL);
		schema_array(b, t, 1, EG_RECIPE_LOSSES);
		schema_loss(b, eg_tree_list(b, eg_tree_map(b, t, "items"), "anyOf"));
		return;
	}
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (const eg_variant *v = k->variants; v->name; v++) {
		eg_tree_string(b, words, NULL, v->name);
		schema_object(b, schema_single(b, any, v->name, v->doc), &(eg_key_set){v->keys, v->nkeys, NULL}, 1);
	}
}

static void schema_from(builder *b, eg_tree *properties) {
	eg_tree *t = eg_tree_map(b, properties, "name");
	eg_tree_string(b, t, "description", "of the layer and its weights; letters, digits, - _");
	schema_type(b, t, "string");
	t = eg_tree_map(b, properties, "from");
	eg_tree_string(b, t, "description", "the layers it takes its inputs from; left out: the layer before");
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_type(b, eg_tree_map(b, any, NULL), "string");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "array");
	schema_type(b, eg_tree_map(b, t, "items"), "string");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	schema_type(b, eg_tree_map(b, t, "additionalProperties"), "string");
}

static void schema_layer(builder *b, const eg_op_info *op, eg_tree *any, eg_tree *words) {
	eg_key keys[MAX_KEYS];
	int n = op_keys(op, keys, MAX_KEYS);
	bool optional = true;
	eg_tree *forms = eg_tree_list(b, schema_single(b, any, op->layer, op->doc), "anyOf");
	for (int i = 0; i < n; i++) {
		optional = optional && !keys[i].required;
		if (!op->shorthand || strcmp(op->shorthand, keys[i].name) != 0) continue;
		if (keys[i].type == EG_KEY_INT)
			schema_int_or_word(b, eg_tree_map(b, forms, NULL), &keys[i]);
		else
			schema_value(b, eg_tree_map(b, forms, NULL), &keys[i]);
	}
	eg_tree *object = eg_tree_map(b, forms, NULL);
	schema_type(b, object, "object");
	eg_tree *properties = eg_tree_map(b, object, "properties");
	eg_tree *required = optional ? NULL : eg_tree_list(b, object, "required");
	schema_attrs(b, op, properties);
	for (int i = 0; i < n; i++)
		if (keys[i].required) eg_tree_string(b, required, NULL, keys[i].name);
	schema_from(b, properties);
	eg_tree_literal(b, object, "additionalProperties", "false");
	if (optional) eg_tree_string(b, words, NULL, op->layer);
}

static void schema_shape(builder *b, eg_tree *t);

/* One size of a state, or several, or a map that holds them. */
static void schema_state(builder *b, eg_tree *t) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_shape(b, eg_tree_map(b, any, NULL));
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	eg_tree *properties = eg_tree_map(b, t, "properties");
	schema_shape(b, eg_tree_map(b, properties, "size"));
	schema_type(b, eg_tree_map(b, properties, "learned"), "boolean");
	schema_type(b, eg_tree_map(b, properties, "from"), "string");
	eg_tree_string(b, eg_tree_list(b, t, "required"), NULL, "size");
	eg_tree_literal(b, t, "additionalProperties", "false");
}

/* A map of names and what `one` says of each; its description. */
static eg_tree *schema_names(builder *b, eg_tree *properties, const char *key, const char *doc) {
	eg_tree *t = eg_tree_map(b, properties, key);
	eg_tree_string(b, t, "description", doc);
	schema_type(b, t, "object");
	return eg_tree_map(b, t, "additionalProperties");
}

/* The layer that is no operator (cell.c). */
static void schema_cell(builder *b, eg_tree *any) {
	const eg_op_info *info = eg_cell_info();
	eg_tree *object = schema_single(b, any, info->layer, info->doc), *properties;
	schema_type(b, object, "object");
	properties = eg_tree_map(b, object, "properties");
	schema_from(b, properties);
	schema_type(b, schema_names(b, properties, "whole", "what every step sees as it is: {NAME: LAYER}"), "string");
	schema_state(b, schema_names(b, properties, "state", "states and their sizes for a sample: {h: [32]}"));
	schema_type(b, schema_names(b, properties, "next", "what each state becomes: a name in the body"), "string");
	schema_type(b, eg_tree_map(b, properties, "output"), "string");
	schema_type(b, eg_tree_map(b, properties, "reverse"), "boolean");
	eg_tree *layers = eg_tree_map(b, properties, "layers");
	eg_tree_string(b, layers, "description", "one step; `from` may name x, what `from` and `whole` name, and states");
	schema_array(b, layers, 1, 0);
	eg_tree_string(b, eg_tree_map(b, layers, "items"), "$ref", "#/properties/model/items");
	eg_tree_string(b, eg_tree_list(b, object, "required"), NULL, "layers");
	eg_tree_literal(b, object, "additionalProperties", "false");
}

/* data: a source's name, or a map of one of these forms. */
static void schema_data(builder *b, eg_tree *t, const eg_schema_variant *data, int ndata) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_type(b, eg_tree_map(b, any, NULL), "string");
	for (int i = 0; i < ndata; i++) {
		t = eg_tree_map(b, any, NULL);
		eg_tree_string(b, t, "title", data[i].title);
		schema_object(b, t, data[i].sets, data[i].nsets);
	}
}

static void schema_size(builder *b, eg_tree *any) {
	eg_key size = {.name = "input", .type = EG_KEY_INT, .min = 1, .max = 1e6};
	schema_value(b, eg_tree_map(b, any, NULL), &size);
	eg_tree *t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "string");
	eg_tree_string(b, t, "pattern", "^[a-z][a-z0-9_]*$");
}

/* One size, or a list of them. */
static void schema_shape(builder *b, eg_tree *t) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_size(b, any);
	t = eg_tree_map(b, any, NULL);
	schema_array(b, t, 1, EG_MAX_DIMS - 1);
	schema_size(b, eg_tree_list(b, eg_tree_map(b, t, "items"), "anyOf"));
}

static void schema_inputs(builder *b, eg_tree *t) {
	schema_type(b, t, "object");
	eg_tree_put_int(b, t, "minProperties", 1);
	eg_tree_put_int(b, t, "maxProperties", EG_RECIPE_INPUTS);
	schema_shape(b, eg_tree_map(b, t, "additionalProperties"));
}

static void schema_outputs(builder *b, eg_tree *t) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	t = eg_tree_map(b, any, NULL);
	schema_array(b, t, 1, 0);
	schema_type(b, eg_tree_map(b, t, "items"), "string");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	schema_type(b, eg_tree_map(b, t, "additionalProperties"), "string");
}

/* tune: a map of paths. */
static void schema_tune(builder *b, eg_tree *t) {
	schema_type(b, t, "object");
	t = eg_tree_map(b, t, "additionalProperties");
	schema_type(b, t, "object");
	eg_tree *properties = eg_tree_map(b, t, "properties");
	for (int i = 0; i < eg_tune_keys.n; i++) {
		const eg_key *k = &eg_tune_keys.keys[i];
		eg_tree *one = eg_tree_map(b, properties, k->name);
		eg_tree_string(b, one, "description", k->doc);
		if (k->type != EG_KEY_CHOICE) schema_value(b, one, k);
	}
	if (b->failed) return;
	eg_tree *choices = eg_tree_get(properties, "choices");
	schema_array(b, choices, 2, 0);
	schema_type(b, eg_tree_get(properties, "when"), "object");
	eg_tree_literal(b, t, "additionalProperties", "false");
}

/* Sections are choices without variants in the table: what they hold is told here. */
static void schema_sections(builder *b, eg_tree *properties, const char *const *tasks, const eg_schema_variant *data,
	int ndata) {
	if (b->failed) return;
	eg_tree *t = eg_tree_list(b, eg_tree_get(properties, "task"), "enum");
	for (int i = 0; tasks[i]; i++) eg_tree_string(b, t, NULL, tasks[i]);
	schema_data(b, eg_tree_get(properties, "data"), data, ndata);
	schema_shape(b, eg_tree_get(properties, "input"));
	schema_inputs(b, eg_tree_get(properties, "inputs"));
	schema_outputs(b, eg_tree_get(properties, "outputs"));
	t = eg_tree_get(properties, "model");
	schema_array(b, t, 1, 0);
	eg_tree *any = eg_tree_list(b, eg_tree_map(b, t, "items"), "anyOf");
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (int i = 0; eg_layer_op(i); i++) schema_layer(b, eg_layer_op(i), any, words);
	schema_cell(b, any);
	schema_object(b, eg_tree_get(properties, "train"), &(eg_key_set){eg_train_keys.keys, eg_train_keys.n, NULL}, 1);
	schema_tune(b, eg_tree_get(properties, "tune"));
}

/* A list of words, and of maps of one word. */
static void schema_augment(builder *b, eg_tree *properties, const eg_variant *kinds) {
	if (b->failed) return;
	eg_tree *t = eg_tree_get(properties, "augment");
	const eg_key key = {.name = "augment", .type = EG_KEY_CHOICE, .variants = kinds};
	schema_type(b, t, "array");
	schema_variants(b, eg_tree_map(b, t, "items"), &key);
}

/* Exactly one of input and inputs. */
static void schema_one_input(builder *b, eg_tree *root) {
	static const char *const names[] = {"input", "inputs"};
	eg_tree *one = eg_tree_list(b, root, "oneOf");
	for (int i = 0; i < EG_COUNT(names); i++)
		eg_tree_string(b, eg_tree_list(b, eg_tree_map(b, one, NULL), "required"), NULL, names[i]);
}

eg_status eg_schema_make(
	const char *const *tasks, const eg_schema_variant *data, int ndata, const eg_variant *augment, char **text, eg_error *err) {
	eg_arena arena = {0};
	builder b = {&arena, "schema", false};
	const char *json = NULL;
	*text = NULL;
	eg_tree *root = eg_tree_new(&b, EG_TREE_MAP), *required = NULL;
	eg_tree_string(&b, root, "$schema", "https://json-schema.org/draft/2020-12/schema");
	eg_tree_string(&b, root, "title", "Engram recipe");
	schema_type(&b, root, "object");
	eg_tree *properties = eg_tree_map(&b, root, "properties");
	required = eg_tree_list(&b, root, "required");
	for (int i = 0; i < eg_recipe_keys.n; i++) {
		const eg_key *k = &eg_recipe_keys.keys[i];
		eg_tree *t = eg_tree_map(&b, properties, k->name);
		eg_tree_string(&b, t, "description", k->doc);
		if (k->type != EG_KEY_CHOICE) schema_value(&b, t, k);
		if (k->required) eg_tree_string(&b, required, NULL, k->name);
	}
	schema_sections(&b, properties, tasks, data, ndata);
	schema_augment(&b, properties, augment);
	schema_one_input(&b, root);
	eg_tree_literal(&b, root, "additionalProperties", "false");
	eg_status status = b.failed ? eg_fail(err, EG_ERR_MEMORY, "out of memory for the schema")
				    : eg_json_write(&arena, root, 2, &json, err);
	if (!status) {
		*text = malloc(strlen(json) + 2);
		if (*text)
			sprintf(*text, "%s\n", json);
		else
			status = eg_fail(err, EG_ERR_MEMORY, "out of memory for the schema");
	}
	eg_arena_free(&arena);
	return status;
}
