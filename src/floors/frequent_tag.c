/* frequent_tag.c - the floors `frequent-tag` and `frequent-tag-of-pair`: each unit has the tag that it has most
 * often in the training sentences; or each unit together with the one before it, and by itself where that pair was
 * not seen. What was never seen at all has the tag that is most frequent. Of words in English that is most of
 * tagging (Charniak et al. 1993); where whole names count, it is little. */
#include "floors/bags.h"

#include <string.h>

typedef struct frequent_tag {
	eg_floor base;
	eg_features features;
	int32_t *count; /* [feature][tag]; feature 0: of all units */
	int room;       /* features */
} frequent_tag;

static bool pairs_of(const eg_floor *f) { return f->settings[0] > 1; }

static const int32_t *tags_of(const eg_floor *f, const eg_floor_batch *b) {
	return eg_batch_input(&b->run, eg_task_target_input(f->task));
}

/* Row of counts of a feature, made when it is new; NULL: out of memory. */
static int32_t *row_of(frequent_tag *m, uint64_t key) {
	int K = eg_floor_classes(&m->base), k = eg_features_put(&m->features, key);
	if (k >= m->room) {
		int room = 2 * m->features.n + 1024;
		int32_t *count = eg_calloc(NULL, (size_t)room * (size_t)K, sizeof *count);
		if (!count) return NULL;
		if (m->room) memcpy(count, m->count, (size_t)m->room * (size_t)K * sizeof *count);
		eg_release(NULL, m->count);
		m->count = count, m->room = room;
	}
	return k < 0 ? NULL : m->count + (ptrdiff_t)k * K;
}

static eg_status add(frequent_tag *m, const eg_floor_batch *b, eg_error *err) {
	const int32_t *ids = b->slots[0], *tags = tags_of(&m->base, b);
	const int each = eg_floor_step(b);
	for (int t = 0; t < b->time; t++) {
		if (tags[t] < 0) continue;
		for (int two = 0; two <= pairs_of(&m->base); two++) {
			int32_t *row = row_of(m, eg_feature_key(two ? (t ? ids[(t - 1) * each] : INT32_MAX - 1) : -1, ids[t * each]));
			if (!row) return eg_floor_no_memory(&m->base, err);
			row[tags[t]]++;
		}
		m->count[tags[t]]++; /* feature 0 */
	}
	return EG_OK;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	frequent_tag *m = (frequent_tag *)f;
	eg_floor_batch b = {.part = p};
	eg_status status = row_of(m, 0) ? eg_floor_next(&b, 1, err) : eg_floor_no_memory(f, err);
	while (!status && b.n > 0) {
		status = add(m, &b, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	eg_floor_batch_free(&b);
	return status ? status : eg_floor_tell(f, 1, err);
}

static const int32_t *look_up(const frequent_tag *m, int32_t before, int32_t id) {
	int k = pairs_of(&m->base) ? eg_features_find(&m->features, eg_feature_key(before, id)) : -1;
	if (k < 0) k = eg_features_find(&m->features, eg_feature_key(-1, id));
	return m->count + (ptrdiff_t)(k < 0 ? 0 : k) * eg_floor_classes(&m->base);
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const frequent_tag *m = (const frequent_tag *)f;
	const int32_t *ids = b->slots[0];
	const int each = eg_floor_step(b);
	int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)steps * (size_t)K);
	EG_UNUSED(from); /* sentences come whole */
	if (!out) return eg_floor_no_memory(f, err);
	for (int t = 0; t < steps; t++) {
		const int32_t *row = look_up(m, t ? ids[(t - 1) * each] : INT32_MAX - 1, ids[t * each]);
		for (int k = 0; k < K; k++) out[t * K + k] = (eg_real)row[k];
	}
	*said = (eg_said){out, {3, {steps, 1, K}}, true};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	frequent_tag *m = (frequent_tag *)f;
	eg_features_free(&m->features);
	eg_release(NULL, m->count);
}

#define FLOOR(units, floor_name, what) \
	{ \
		.info = {.name = floor_name, \
		        .task = "tag", \
		        .doc = what, \
		        .source = "Charniak et al. 1993", \
		        .version = 2}, \
		.size = sizeof(frequent_tag), .settings = {{.name = "units", .n = 1, .tried = {units}}}, .serves = eg_floor_tags_units, .train = train, .say = say, \
		.free = free_floor, \
	}
const eg_floor_type eg_floor_type_frequent_tag =
	FLOOR(1, "frequent-tag", "the tag that the unit has most often");
const eg_floor_type eg_floor_type_frequent_tag_of_pair =
	FLOOR(2, "frequent-tag-of-pair", "the tag that the unit has most often behind the one before it");
