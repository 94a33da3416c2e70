/* unseen.c - the key `unseen` of tasks that are judged by classes they have never been trained on: which they are, and
 * which records are of them. */
#include "tasks/unseen.h"

#include <string.h>

bool eg_unseen_has(const eg_strings *unseen, const char *name) {
	for (int i = 0; i < unseen->n && name; i++)
		if (!strcmp(unseen->at[i], name)) return true;
	return false;
}

static eg_status check(const eg_task *t, const eg_strings *unseen, const eg_field *f, int least, eg_error *err) {
	int left = 0;
	eg_status status = EG_OK;
	for (int k = 0; k < f->nnames; k++) left += !eg_unseen_has(unseen, f->names[k]);
	for (int i = 0; i < unseen->n && !status; i++) {
		bool there = false;
		for (int k = 0; k < f->nnames; k++) there = there || !strcmp(unseen->at[i], f->names[k]);
		if (!there) status = eg_fail(err, EG_ERR_ARG, "'%s' is none of the %d classes of the data", unseen->at[i], f->nnames);
	}
	if (!status && left < least)
		status = eg_fail(err, EG_ERR_ARG, "of %d classes %d would be left to train on; %s at least %s needed", f->nnames, left,
			least == 1 ? "one" : "two", least == 1 ? "is" : "are");
	if (status) eg_recipe_locate(t->recipe, "data.unseen", err);
	return status;
}

eg_status eg_unseen_leaves_out(const eg_task *t, const eg_strings *unseen, int field, int least, const eg_record *r, bool *out,
	eg_error *err) {
	const eg_field *f = eg_source_field(t->source, field);
	const int32_t label = r ? r->fields[field].label : -1;
	*out = label >= 0 && label < f->nnames && eg_unseen_has(unseen, f->names[label]);
	return r ? EG_OK : check(t, unseen, f, least, err);
}
