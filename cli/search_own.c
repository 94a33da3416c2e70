/* search_own.c - pictures of an index that was made of a model's own data: the records are found again by their names
 * (search.h). */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_PART "part"
#define KEY_SOURCE "source"
#define KEY_PATH "path"

struct search_own {
	eg_task *task;
	eg_samples *samples; /* they have made its source ready */
	eg_part parts[2]; /* where records are looked for, one part after the other */
	int nparts;
	int picture, label; /* fields of the source; label -1: none */
	eg_record record;
};

eg_status search_keep_data(eg_index *x, const cli_args *a, eg_part part, eg_error *err) {
	const char *path = args_text(a, "path");
	eg_status status = eg_index_keep(x, KEY_PART, eg_part_name(part), err);
	if (!status) status = eg_index_keep(x, KEY_SOURCE, args_text(a, "data"), err);
	return status ? status : eg_index_keep(x, KEY_PATH, path ? path : args_text(a, "folder"), err);
}

/* The part of this name; EG_PARTS: there is none. */
static eg_part part_named(const char *name) {
	int part = 0;
	while (part < EG_PARTS && (!name || strcmp(name, eg_part_name((eg_part)part)) != 0)) part++;
	return (eg_part)part;
}

eg_status search_own_open(const eg_index *x, eg_model *m, search_own **own, eg_error *err) {
	const eg_part part = part_named(eg_index_kept(x, KEY_PART));
	*own = NULL;
	if (part == EG_PARTS) return EG_OK;
	search_own *o = cli_alloc(sizeof *o);
	/* Validation samples are of a part of their own or a share of the training part; an index without --split has
	 * both. */
	*o = (search_own){.parts = {part, part == EG_PART_TRAIN ? EG_PART_VALIDATION : EG_PART_TRAIN}, .nparts = part == EG_PART_TEST ? 1 : 2};
	const eg_samples_options options = {.model = m, .part = part == EG_PART_TEST ? part : EG_PART_TRAIN, .all = true};
	eg_status status = eg_task_open(eg_model_recipe(m), &o->task, err);
	if (!status) status = eg_task_set_source(o->task, eg_index_kept(x, KEY_SOURCE), eg_index_kept(x, KEY_PATH), err);
	if (!status) status = eg_samples_load(o->task, &options, &o->samples, err);
	if (status) {
		search_own_close(o);
		return status;
	}
	o->picture = eg_source_find_kind(eg_task_source(o->task), EG_FIELD_PICTURE);
	o->label = eg_source_find_kind(eg_task_source(o->task), EG_FIELD_LABEL);
	*own = o;
	return EG_OK;
}

void search_own_close(search_own *o) {
	if (!o) return;
	eg_record_free(&o->record);
	eg_samples_free(o->samples);
	eg_task_free(o->task);
	free(o);
}

/* Is record i of a part the one? */
static bool is_it(search_own *o, eg_part part, int64_t i, const char *id, const char *class_name) {
	const eg_source *s = eg_task_source(o->task);
	const unsigned wanted = o->label >= 0 ? 1u << o->label : 0;
	if (eg_source_read(s, part, i, wanted, &o->record, NULL) || !o->record.id || strcmp(o->record.id, id) != 0) return false;
	const eg_datum *d = o->label >= 0 ? &o->record.fields[o->label] : NULL;
	const char *own = d && d->there ? eg_source_name(s, o->label, d->label) : NULL;
	return !class_name || !own || !strcmp(own, class_name);
}

/* A record without a name of its own is called by its number. */
static int64_t find(search_own *o, eg_part part, const char *id, const char *class_name) {
	const int64_t n = eg_source_count(eg_task_source(o->task), part), number = strtoll(id, NULL, 10);
	if (number >= 0 && number < n && is_it(o, part, number, id, class_name)) return number;
	for (int64_t i = 0; i < n; i++)
		if (is_it(o, part, i, id, class_name)) return i;
	return -1;
}

eg_status search_own_picture(search_own *o, const char *id, const char *class_name, eg_picture *pic, eg_error *err) {
	const eg_source *s = eg_task_source(o->task);
	for (int k = 0; k < o->nparts && o->picture >= 0; k++) {
		const int64_t i = find(o, o->parts[k], id, class_name);
		if (i < 0) continue;
		eg_status status = eg_source_read(s, o->parts[k], i, 1u << o->picture, &o->record, err);
		const eg_datum *d = &o->record.fields[o->picture];
		if (status) return status;
		if (!d->there) break;
		*pic = (eg_picture){d->picture.C, d->picture.H, d->picture.W, (uint8_t *)d->picture.pixels, NULL};
		return EG_OK;
	}
	snprintf(err->message, sizeof err->message, "the data has no picture '%.200s' any more", id);
	return err->status = EG_ERR_ARG;
}
