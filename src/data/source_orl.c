/* source_orl.c - the ORL faces: ten pictures of each of forty persons, as files sK/N.pgm.
 *
 * Two questions are asked of them, and each has a split of its own. Who is it? Five pictures of each person, drawn by
 * the seed, are learnt from; the other five are the test part. Is it the same person? Persons 1 to 30 are learnt from,
 * and of 31 to 40 nothing is; then a person is a group, which no further split cuts.
 *
 * Not here: decoding, and what is kept (picture_files.c). */
#include "data/data.h"

#include <math.h>

enum { PERSONS = 40, PICTURES = 10, LEARNT = 5, KNOWN = 30, BY_PICTURES = 0, BY_PERSONS };

typedef struct orl_source {
	eg_file_source files;
	int split;
} orl_source;

static const char *const folders[] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14",
	"s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31", "s32",
	"s33", "s34", "s35", "s36", "s37", "s38", "s39", "s40", NULL};

/* Which pictures of a person are of a part, 0..9, in order; returns how many. */
static int choose(const orl_source *s, eg_part part, uint32_t person, uint32_t which[PICTURES]) {
	const bool test = part == EG_PART_TEST;
	bool learnt[PICTURES] = {false};
	uint32_t order[PICTURES];
	int n = 0;
	for (uint32_t i = 0; i < PICTURES; i++) order[i] = i;
	eg_rng_shuffle((eg_rng){s->files.pictures.base.seed, eg_stream(EG_RNG_DATA, person, 0)}, order, PICTURES);
	for (int i = 0; i < LEARNT; i++) learnt[order[i]] = true;
	for (uint32_t i = 0; i < PICTURES; i++)
		if (s->split == BY_PERSONS ? test == (person >= KNOWN) : test != learnt[i]) which[n++] = i;
	return n;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	orl_source *s = (orl_source *)base;
	eg_data_place place;
	if (part == EG_PART_VALIDATION) return EG_OK; /* cut off the training part, above */
	eg_status status = eg_source_place(base, &place, err);
	if (!status) status = eg_file_source_open(&s->files, place.folder, err);
	if (status) return status;
	eg_picture_file *at = eg_arena_alloc(&base->arena, PERSONS * PICTURES * sizeof *at);
	if (!at) return eg_source_no_memory(base, err);
	eg_picture_files list = {.tree = s->files.tree,
	        .at = at,
	        .most = part == EG_PART_TRAIN ? s->files.pictures.base.limit : 0,
	        .classes = folders,
	        .nclasses = PERSONS};
	for (int turn = 0; turn < PICTURES; turn++)
		for (uint32_t p = 0; p < PERSONS; p++) {
			uint32_t which[PICTURES];
			if (turn >= choose(s, part, p, which)) continue;
			const char *path = eg_arena_printf(
			        &base->arena, "%s/%s/%u.pgm", eg_files_top(s->files.tree), folders[p], (unsigned)which[turn] + 1);
			if (!path) return eg_source_no_memory(base, err);
			at[list.n++] = (eg_picture_file){
			        .path = path, .label = (int32_t)p, .group = s->split == BY_PERSONS ? folders[p] : NULL};
		}
	base->remarks[part] = NULL; /* of an attempt that failed */
	return eg_file_source_put(&s->files, part, &list, err);
}

static const char *const splits[] = {"pictures", "persons", NULL};

static const eg_key keys[] = {
	{.name = "split",
		.type = EG_KEY_ENUM,
		.offset = offsetof(orl_source, split),
		.names = splits,
		.def = BY_PICTURES,
		.doc = "pictures (the default): five of each person, drawn by the seed, to train on, the other five to test; "
		       "persons: 1 to 30 to train on, 31 to 40 to test"},
	EG_LIMIT_OF_PICTURES,
	EG_BROKEN_KEY,
	EG_MEMORY_KEY,
};

static const eg_field fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 1, .H = 112, .W = 92},
	{.name = "label", .kind = EG_FIELD_LABEL, .names = folders, .nnames = PERSONS}};

const eg_source_type eg_source_type_orl = {.info = {.name = "orl",
						   .doc = "the ORL (AT&T) faces: ten pictures of each of forty persons, 92x112 grey. "
							  "To be placed by hand",
						   .origin = "Samaria, Harter (AT&T Laboratories Cambridge), 1994",
						   .licence = "research use",
						   .path = EG_DATA_PATH_SET,
						   .train = PERSONS * LEARNT,
						   .test = PERSONS * LEARNT,
						   .folder = "faces/data_faces",
						   .folders = folders,
						   .by_hand = "take the Database of Faces of AT&T Laboratories Cambridge "
							      "(att_faces.zip), and put its forty folders s1 to s40 into "
							      "faces/data_faces in a folder that ENGRAM_DATA names",
						   .fields = fields,
						   .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(orl_source),
	.prepare = prepare,
	.read = eg_file_source_read,
	.close = eg_file_source_close};
