/* fuzz_voc.c - any bytes as an annotation of Pascal VOC. */
#include "data/voc.h"
#include "fuzz.h"

static eg_status read_boxes(const uint8_t *data, size_t size, eg_error *err) {
	eg_arena arena = {0};
	eg_voc voc;
	eg_status status = eg_voc_parse((const char *)data, size, "fuzz", &arena, &voc, err);
	for (int i = 0; !status && i < voc.n; i++) {
		const eg_voc_object *o = &voc.objects[i];
		eg_box box = {.x0 = o->x0, .y0 = o->y0, .x1 = o->x1, .y1 = o->y1};
		if (!o->name[0]) abort();
		if (!o->empty && eg_box_clip(&box, 100, 100) && !(box.x0 >= 0 && box.x1 <= 100)) abort();
	}
	eg_release(NULL, voc.objects);
	eg_arena_free(&arena);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err = {EG_OK, ""};
	eg_status status = read_boxes(data, size, &err);
	if (status != EG_OK && (!err.message[0] || err.status != status)) abort();
	return 0;
}
