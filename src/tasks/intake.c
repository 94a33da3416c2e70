/* intake.c - the table of intakes, by the kind of field, and their life. */
#include "tasks/intake.h"

extern const eg_intake_type eg_intake_picture_type, eg_intake_text_type, eg_intake_tokens_type, eg_intake_label_type,
	eg_intake_tags_type, eg_intake_mask_type, eg_intake_numbers_type, eg_intake_series_type;

const eg_intake_type *eg_intake_of(eg_field_kind kind) {
	static const eg_intake_type *const types[] = {&eg_intake_picture_type, &eg_intake_text_type,
	        &eg_intake_tokens_type, &eg_intake_label_type, &eg_intake_tags_type, &eg_intake_mask_type,
	        &eg_intake_numbers_type, &eg_intake_series_type};
	for (int i = 0; i < EG_COUNT(types); i++)
		if (types[i]->kind == kind) return types[i];
	return NULL;
}

eg_intake *eg_intake_new(const eg_intake_type *type, eg_error *err) {
	eg_intake *f = eg_calloc(NULL, 1, type->size);
	if (!f) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a field of the data");
		return NULL;
	}
	f->type = type;
	f->field = -1;
	return f;
}

void eg_intake_free(eg_intake *f) {
	if (!f) return;
	if (f->type->close) f->type->close(f);
	eg_arena_free(&f->arena);
	eg_release(NULL, f);
}
