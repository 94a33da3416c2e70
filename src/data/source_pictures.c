/* source_pictures.c - what sources of labelled pictures in memory have in common: a record is a picture and its
 * label, and reading one hands out pointers into the set.
 *
 * Not here: where the pictures come from (source_mnist.c, source_idx.c, source_folder.c), sets without a source
 * (pictures.c). */
#include "data/data.h"

const eg_field eg_picture_fields[2] = {
	{.name = "picture", .kind = EG_FIELD_PICTURE}, {.name = "label", .kind = EG_FIELD_LABEL}};

enum { PICTURE, LABEL };

eg_status eg_picture_source_put(eg_source *s, eg_part part, eg_pictures *set, eg_error *err) {
	eg_picture_source *p = (eg_picture_source *)s;
	eg_field *f = &s->fields[PICTURE];
	const size_t bytes = (size_t)set->count * (size_t)set->C * (size_t)set->H * (size_t)set->W;
	if (!p->sets[part] && set->pixels) s->kept += bytes;
	eg_pictures_free(p->sets[part]); /* of an attempt that failed */
	p->sets[part] = set;
	s->count[part] = set->count;
	bool other = false;
	for (int i = 0; i < EG_PARTS; i++) {
		const eg_pictures *q = p->sets[i];
		if (q && (q->C != set->C || q->H != set->H || q->W != set->W)) other = true;
	}
	f->C = other ? 0 : set->C, f->H = other ? 0 : set->H, f->W = other ? 0 : set->W;
	return eg_source_set_names(s, LABEL, set->class_names, set->classes, err);
}

eg_status eg_picture_source_prepare(eg_source *s, eg_part part, eg_error *err) {
	const eg_source_type *type = s->type;
	eg_data_place place;
	eg_pictures *set;
	if (part == EG_PART_VALIDATION) return EG_OK; /* cut off the training part, above */
	eg_data_options o = {.folder = s->path, .limit = part == EG_PART_TRAIN ? s->limit : 0};
	eg_status status = eg_source_place(s, &place, err);
	if (!status) status = type->load(type, place.folder, part == EG_PART_TEST, &o, &set, err);
	eg_source_advise(&type->info, status, err);
	return status ? status : eg_picture_source_put(s, part, set, err);
}

eg_status eg_picture_source_read(
	const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const eg_picture_source *p = (const eg_picture_source *)s;
	const eg_pictures *set = p->sets[part];
	size_t size = (size_t)set->C * (size_t)set->H * (size_t)set->W;
	EG_UNUSED(err);
	if (wanted & 1u << PICTURE)
		r->fields[PICTURE] = (eg_datum){
		        .there = true, .picture = {set->C, set->H, set->W, set->pixels + (size_t)i * size}};
	if (wanted & 1u << LABEL) r->fields[LABEL] = (eg_datum){.there = true, .label = set->labels[i]};
	return EG_OK;
}

void eg_picture_source_close(eg_source *s) {
	eg_picture_source *p = (eg_picture_source *)s;
	for (int i = 0; i < EG_PARTS; i++) eg_pictures_free(p->sets[i]);
}
