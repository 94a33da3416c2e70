/* model_1.c - model files of format 1, which kept what a task needs in texts of their own: classes, mean, std,
 * border and vocab become the keys of one map, as format 2 has it.
 *
 * Not here: what these mean; the task that reads them knows. */
#include "io/model.h"

#include <string.h>

/* A text that holds JSON, put into the map; *v is NULL when it is not there. */
static eg_status take(eg_model *m, const char *key, const eg_value **v, eg_error *err) {
	const char *text = eg_st_text_of(&m->file, key);
	eg_value *root = NULL;
	*v = NULL;
	if (!text) return EG_OK;
	eg_status status = eg_value_parse(text, strlen(text), key, &root, err);
	if (status) return status;
	*v = root;
	if (!strcmp(key, "border")) { /* a list of one number */
		*v = eg_value_count(root) == 1 ? eg_value_first(root) : NULL;
		if (eg_value_kind_of(*v) != EG_VALUE_INT && eg_value_kind_of(*v) != EG_VALUE_NUMBER)
			status = eg_fail(err, EG_ERR_FORMAT, "damaged: 'border' is not a list of one number");
	}
	if (!status) *v = eg_value_put_copy(m->task, key, *v);
	eg_value_free(root);
	return status;
}

/* How many units a vocabulary has; of bytes it is all of them. */
static int64_t units_of(const eg_value *vocab) {
	const char *unit = eg_value_text(eg_value_get(vocab, "unit"));
	if (unit && !strcmp(unit, "byte")) return 256 + (eg_value_get(vocab, "end") != NULL);
	return eg_value_count(eg_value_get(vocab, "tokens"));
}

eg_status eg_model_read_1(eg_model *m, eg_error *err) {
	static const char *const keys[] = {"classes", "mean", "std", "border", "vocab"};
	const eg_value *values[EG_COUNT(keys)];
	eg_status status = EG_OK;
	for (int i = 0; i < EG_COUNT(keys) && !status; i++) status = take(m, keys[i], &values[i], err);
	if (status) return status;
	if (!eg_value_whole(m->task)) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	const eg_value *classes = values[0], *vocab = values[EG_COUNT(keys) - 1];
	if (!vocab && eg_value_kind_of(classes) != EG_VALUE_LIST)
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the class names are missing");
	int64_t n = classes ? eg_value_count(classes) : units_of(vocab);
	if (n > INT32_MAX) return eg_fail(err, EG_ERR_FORMAT, "damaged: %lld classes", (long long)n);
	if (n == 0) return EG_OK; /* none are told apart */
	m->sizes[0] = (eg_size){"classes", (int)n};
	m->sizes[1] = (eg_size){"units", (int)n};
	return EG_OK;
}
