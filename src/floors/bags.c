/* bags.c - texts as bags of features, and the table of the features that training texts have. */
#include "floors/bags.h"

#include <string.h>

eg_bag_text eg_bag_text_with(const int32_t *ids, int n, ptrdiff_t apart, const eg_task *t, const eg_datum *d) {
	const eg_intake *in = t->intakes[0];
	const bool written = d && d->there && in->type->kind == EG_FIELD_TEXT && eg_intake_text_keys(in)->unit == EG_UNIT_WORD;
	return (eg_bag_text){ids, n, apart, in, written ? d->text.bytes : NULL, written ? d->text.size : 0};
}

bool eg_floor_reads_units(const eg_floor *f) {
	const eg_intake *target = eg_task_target(f->task);
	bool units = eg_floor_takes(f, EG_FIELD_TEXT) || eg_floor_takes(f, EG_FIELD_TOKENS);
	return units && target && target->type->kind == EG_FIELD_LABEL;
}

bool eg_floor_reads_words(const eg_floor *f) {
	return eg_floor_reads_units(f) && eg_floor_takes(f, EG_FIELD_TEXT) &&
	       eg_intake_text_keys(f->task->intakes[0])->unit == EG_UNIT_WORD;
}

bool eg_floor_tags_units(const eg_floor *f) {
	return eg_floor_takes(f, EG_FIELD_TOKENS) && f->task->nintakes == 2;
}

uint64_t eg_feature_key(int32_t before, int32_t id) { return (uint64_t)(before + 1) << 32 | (uint64_t)(id + 1); }

/* ---- the table --------------------------------------------------------------------------------------------------- */

static uint32_t hash(uint64_t key) {
	key *= UINT64_C(0x9E3779B97F4A7C15);
	return (uint32_t)(key >> 32);
}

int eg_features_find(const eg_features *x, uint64_t key) {
	for (uint32_t at = hash(key) & x->mask; x->slots; at = (at + 1) & x->mask) {
		if (x->slots[at] < 0) return -1;
		if (x->keys[x->slots[at]] == key) return x->slots[at];
	}
	return -1;
}

static bool rehash(eg_features *x) {
	uint32_t size = x->mask ? 2 * (x->mask + 1) : 1024;
	int32_t *slots = eg_alloc(NULL, size * sizeof *slots);
	if (!slots) return false;
	eg_release(NULL, x->slots);
	x->slots = slots, x->mask = size - 1;
	memset(slots, 0xff, size * sizeof *slots);
	for (int i = 0; i < x->n; i++) {
		uint32_t at = hash(x->keys[i]) & x->mask;
		while (slots[at] >= 0) at = (at + 1) & x->mask;
		slots[at] = i;
	}
	return true;
}

int eg_features_put(eg_features *x, uint64_t key) {
	int known = eg_features_find(x, key);
	if (known >= 0) return known;
	if (2 * (uint32_t)(x->n + 1) > x->mask && !rehash(x)) return -1;
	if (!eg_grow(NULL, &x->keys, &x->cap, x->n, sizeof *x->keys)) return -1;
	if (!eg_grow(NULL, &x->seen, &x->cap_seen, x->n, sizeof *x->seen)) return -1;
	uint32_t at = hash(key) & x->mask;
	while (x->slots[at] >= 0) at = (at + 1) & x->mask;
	x->slots[at] = x->n;
	x->keys[x->n] = key;
	x->seen[x->n] = 0;
	return x->n++;
}

void eg_features_free(eg_features *x) {
	eg_release(NULL, x->keys);
	eg_release(NULL, x->slots);
	eg_release(NULL, x->seen);
	eg_release(NULL, x->found);
	eg_occurrences_free(&x->list);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

eg_bag_text eg_bag_text_of(const eg_floor_batch *b, int i) {
	const int each = eg_floor_step(b);
	const eg_task *t = b->part->samples->task;
	const eg_record *r = eg_samples_record(b->part->samples, &b->fill, i);
	const int field = t->intakes[0]->field;
	return eg_bag_text_with((const int32_t *)b->slots[0] + (ptrdiff_t)i * each, b->time, (ptrdiff_t)b->n * each, t,
	        r && field >= 0 ? &r->fields[field] : NULL);
}

bool eg_occurrences_add(eg_occurrences *list, uint64_t key, int unit, bool two) {
	if (!eg_grow(NULL, &list->at, &list->cap, list->n, sizeof *list->at)) return false;
	list->at[list->n++] = (eg_occurrence){key, unit, two};
	return true;
}

void eg_occurrences_free(eg_occurrences *list) {
	eg_release(NULL, list->at);
	eg_release(NULL, list->starts);
}

bool eg_features_list(eg_features *x, eg_bag_text text) {
	bool ok = true;
	x->list.n = 0;
	for (int t = 0; t < text.n && ok; t++) {
		const int32_t *id = text.ids + t * text.apart;
		ok = eg_occurrences_add(&x->list, eg_feature_key(-1, *id), t, false);
		if (ok && x->pairs && t > 0) ok = eg_occurrences_add(&x->list, eg_feature_key(*(id - text.apart), *id), t, true);
	}
	return ok && (!x->letters || eg_letters_list(&x->list, text));
}

int eg_features_of(eg_features *x, eg_bag_text text, bool learn) {
	int n = 0;
	x->texts++;
	if (!eg_features_list(x, text)) return -1;
	for (int i = 0; i < x->list.n; i++) {
		const uint64_t key = x->list.at[i].key;
		const int k = learn ? eg_features_put(x, key) : eg_features_find(x, key);
		if (k < 0 && learn) return -1;
		if (k < 0 || x->seen[k] == x->texts) continue;
		if (!eg_grow(NULL, &x->found, &x->cap_found, n, sizeof *x->found)) return -1;
		x->seen[k] = x->texts;
		x->found[n++] = k;
	}
	return n;
}

static bool make_room(eg_bags *b, size_t more) {
	if (b->size + more <= b->room) return true;
	size_t room = 2 * (b->size + more);
	int32_t *feature = eg_alloc(NULL, room * sizeof *feature);
	if (!feature) return false;
	if (b->size) memcpy(feature, b->feature, b->size * sizeof *feature);
	eg_release(NULL, b->feature);
	b->feature = feature, b->room = room;
	return true;
}

static eg_status add_batch(eg_bags *bags, eg_features *x, const eg_floor *f, const eg_floor_batch *b, eg_error *err) {
	for (int i = 0; i < b->n; i++) {
		const int n = eg_features_of(x, eg_bag_text_of(b, i), true);
		if (n < 0 || !make_room(bags, (size_t)n)) return eg_floor_no_memory(f, err);
		if (n) memcpy(bags->feature + bags->size, x->found, (size_t)n * sizeof *x->found);
		bags->start[bags->n] = bags->size;
		bags->label[bags->n++] = eg_floor_label(f, b, i);
		bags->size += (size_t)n;
		bags->start[bags->n] = bags->size;
	}
	return EG_OK;
}

eg_status eg_bags_read(eg_bags *bags, eg_features *x, const eg_floor *f, const eg_floor_part *p, eg_error *err) {
	eg_floor_batch b = {.part = p};
	bags->start = eg_calloc(NULL, (size_t)p->count + 1, sizeof *bags->start);
	bags->label = eg_calloc(NULL, (size_t)p->count + 1, sizeof *bags->label);
	if (!bags->start || !bags->label) return eg_floor_no_memory(f, err);
	eg_status status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	while (!status && b.n > 0) {
		status = add_batch(bags, x, f, &b, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

void eg_bags_free(eg_bags *b) {
	eg_release(NULL, b->start);
	eg_release(NULL, b->feature);
	eg_release(NULL, b->label);
}
