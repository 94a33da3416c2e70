/* intake.c - the table of intakes, by the kind of field, and their life; and questions that are text. */
#include "data/text_form.h"
#include "tasks/intake.h"

#include <stdlib.h>
#include <string.h>

extern const eg_intake_type eg_intake_picture_type, eg_intake_text_type, eg_intake_tokens_type, eg_intake_label_type,
	eg_intake_tags_type, eg_intake_mask_type, eg_intake_boxes_type, eg_intake_numbers_type, eg_intake_series_type,
	eg_intake_sound_type, eg_intake_frames_type;

const eg_intake_type *eg_intake_of(eg_field_kind kind) {
	static const eg_intake_type *const types[] = {&eg_intake_picture_type, &eg_intake_text_type,
	        &eg_intake_tokens_type, &eg_intake_label_type, &eg_intake_tags_type, &eg_intake_mask_type, &eg_intake_boxes_type,
	        &eg_intake_numbers_type, &eg_intake_series_type, &eg_intake_sound_type,
	        &eg_intake_frames_type};
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

eg_status eg_intake_question(const void *bytes, size_t size, eg_question_rules rules, const char *name, eg_record *r,
	char **text, size_t *n, eg_error *err) {
	char *own = eg_record_room(r, size + 1), *composed = NULL;
	if (!own) return eg_record_no_memory(err);
	if (size) memcpy(own, bytes, size);
	*text = own;
	*n = rules.any ? size : eg_text_normalize(own, size);
	own[*n] = '\0';
	size_t wrong = rules.any ? *n : eg_utf8_check(own, *n);
	if (wrong < *n) {
		eg_text_place p = eg_text_place_of(own, wrong);
		char line[32] = ""; /* a text of one line is named by who asks */
		if (memchr(own, '\n', *n)) snprintf(line, sizeof line, ", line %zu", p.line);
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s%s, column %zu: byte 0x%02X is not UTF-8: convert the text, `iconv -f LATIN1 -t UTF-8` (for LATIN1 the "
		        "encoding it is in)",
		        name, line, p.column, (unsigned)(unsigned char)own[wrong]);
	}
	if (rules.any || !rules.nfc) return EG_OK;
	eg_status status = eg_text_nfc(own, *n, &composed, n, err);
	if (status || !composed) return status;
	*text = eg_record_room(r, *n + 1);
	if (*text) memcpy(*text, composed, *n + 1);
	free(composed);
	return *text ? EG_OK : eg_record_no_memory(err);
}
