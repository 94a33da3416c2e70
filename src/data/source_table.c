/* source_table.c - tables, a record in each row: the user's own (csv, tsv), the intents that come with the program, and
 * reviews of Chinese hotels.
 *
 *   text,label                     the first line names the columns; the recipe says which are what
 *   "turn on, please",light on
 *
 * UTF-8 unless `encoding` says otherwise, gzipped or not, LF or CR LF. In CSV a cell may stand in quotation marks, and
 * then holds separators and line ends (RFC 4180); tsv knows none. What the records hold stays in memory, once.
 *
 * Not here: what a cell says (cells.c), which rows are the test part (shelf.c). */
#include "data/table.h"

#include <math.h>
#include <string.h>

typedef struct table_source {
	eg_shelf_source shelf;
	eg_table_form form;
	const char *text, *label, *group, *id, *sound;
	eg_strings numbers, target, classes;
	const char *const *class_values; /* what cells say for the classes of a set; NULL: their names */
	eg_frame known;                  /* the columns of the training file */
} table_source;

/* A file while it is read. */
typedef struct reading {
	table_source *s;
	eg_shelf *shelf;
	eg_head head;
	eg_frame frame; /* columns of numbers, then of targets */
	int inputs;     /* how many of them are the first */
	int text, label, group, id, sound;
} reading;

static eg_status no_memory(const reading *r, eg_error *err) { return eg_source_no_memory(&r->s->shelf.base, err); }

/* ---- which columns are what -------------------------------------------------------------------------------------- */

/* Columns that the recipe names, into the frame from `at` on. */
static eg_status name_columns(reading *r, const eg_strings *names, int at, eg_error *err) {
	for (int i = 0; i < names->n; i++) {
		eg_frame_column *c = &r->frame.columns[at + i];
		eg_status status = eg_head_find(&r->head, names->at[i], &c->place, err);
		if (status) return status;
		c->seen.name = r->head.names[c->place];
	}
	return EG_OK;
}

/* Is the column spoken for? */
static bool is_taken(const reading *r, int place, int from) {
	for (int k = from; k < r->frame.n; k++)
		if (r->frame.columns[k].seen.name && r->frame.columns[k].place == place) return true;
	return place == r->text || place == r->label || place == r->group || place == r->id || place == r->sound;
}

/* Those of the training file, in another. */
static eg_status same_columns(reading *r, eg_error *err) {
	const eg_frame *known = &r->s->known;
	eg_status status = EG_OK;
	r->inputs = known->n - r->s->target.n;
	r->frame.n = known->n;
	for (int k = 0; k < known->n && !status; k++) {
		eg_frame_column *c = &r->frame.columns[k];
		c->seen.name = known->columns[k].seen.name;
		if (known->columns[k].width > 0) status = eg_head_find(&r->head, c->seen.name, &c->place, err);
	}
	return status;
}

static eg_status choose_columns(reading *r, eg_error *err) {
	const table_source *s = r->s;
	bool all = s->shelf.fields.numbers >= 0 && s->numbers.n == 0, own = r->shelf == &s->shelf.own;
	r->inputs = !all ? s->numbers.n : own ? r->head.n : s->known.n;
	eg_status status = eg_frame_columns(&r->frame, r->inputs + s->target.n, &r->s->shelf.base.arena, err);
	if (!status) status = eg_head_find(&r->head, s->text, &r->text, err);
	if (!status) status = eg_head_find(&r->head, s->label, &r->label, err);
	if (!status) status = eg_head_find(&r->head, s->group, &r->group, err);
	if (!status) status = eg_head_find(&r->head, s->id, &r->id, err);
	if (!status) status = eg_head_find(&r->head, s->sound, &r->sound, err);
	if (!status) status = name_columns(r, &s->target, r->inputs, err);
	if (!status) status = name_columns(r, &s->numbers, 0, err);
	if (!status && !all && own) status = eg_frame_classes(&r->frame, &s->classes, err);
	if (status || !all) return status;
	if (!own) return same_columns(r, err);
	int n = 0;
	for (int i = 0; i < r->head.n; i++)
		if (!is_taken(r, i, r->inputs))
			r->frame.columns[n++] = (eg_frame_column){.place = i, .found = true, .seen.name = r->head.names[i]};
	for (int k = 0; k < s->target.n; k++) r->frame.columns[n + k] = r->frame.columns[r->inputs + k];
	r->inputs = n;
	r->frame.n = n + s->target.n;
	return EG_OK;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static bool is_nothing(const reading *r, const eg_row *row, int place) {
	return !*row->cells[place] || eg_cell_said_missing(row->cells[place], r->head.names[place], &r->s->form.missing);
}

static eg_status check_row(const reading *r, const eg_row *row, eg_error *err) {
	const char *what = NULL;
	if (r->label >= 0 && is_nothing(r, row, r->label)) what = "there is no label";
	if (r->text >= 0 && is_nothing(r, row, r->text)) what = "the text is empty";
	if (r->sound >= 0 && is_nothing(r, row, r->sound)) what = "no sound file is named";
	if (!what) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %s; write one, or remove the line", r->head.file, (long long)row->line, what);
}

static const char *copy(reading *r, const eg_row *row, int place, bool *failed) {
	if (place < 0) return NULL;
	const char *text = eg_pool_text(&r->shelf->pool, row->cells[place], strlen(row->cells[place]));
	if (!text) *failed = true;
	return text;
}

static const char *class_of(const reading *r, const char *cell) {
	const table_source *s = r->s;
	const eg_data_info *info = &s->shelf.base.type->info;
	for (int i = 0; s->class_values && s->class_values[i]; i++)
		if (strcmp(s->class_values[i], cell) == 0) return info->fields[s->shelf.fields.label].names[i];
	return cell;
}

static eg_status add_row(reading *r, const eg_row *row, eg_error *err) {
	eg_shelf *f = r->shelf;
	bool failed = !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at) ||
	              !eg_frame_add(&r->frame, row, &r->s->form.missing, &r->s->shelf.base.arena);
	if (failed) return no_memory(r, err);
	eg_item x = {.line = row->line};
	x.text = copy(r, row, r->text, &failed);
	x.class_name = copy(r, row, r->label, &failed);
	x.group = copy(r, row, r->group, &failed);
	x.id = copy(r, row, r->id, &failed);
	if (r->sound >= 0 && !(x.sound = eg_shelf_sound(f, row->cells[r->sound]))) failed = true;
	if (failed) return no_memory(r, err);
	if (x.class_name) x.class_name = class_of(r, x.class_name);
	if (x.text) x.text_size = (uint32_t)strlen(x.text);
	f->at[f->n++] = x;
	return EG_OK;
}

static eg_status read_rows(reading *r, eg_rows *rows, eg_row *first, eg_error *err) {
	eg_source *s = &r->s->shelf.base;
	eg_row row;
	eg_error why;
	for (;;) {
		eg_status status = eg_head_next(&r->head, rows, first, s, &row, err);
		if (status || row.n == 0) return status;
		eg_status wrong = check_row(r, &row, &why);
		status = wrong ? eg_broken_add(s, wrong, &why, err) : add_row(r, &row, err);
		if (status) return status;
	}
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* A target that is missing cannot be learnt. */
static int missing_target(const reading *r, const float *target, int n) {
	for (int i = 0; i < n; i++)
		if (isnan(target[i])) return r->inputs;
	return -1;
}

static eg_status no_target(const reading *r, const eg_item *x, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the target is missing; write it, or remove the line", r->head.file,
	        (long long)x->line);
}

static eg_status put_numbers(reading *r, eg_error *err) {
	eg_shelf *f = r->shelf;
	eg_source *s = &r->s->shelf.base;
	int n = 0, all = f->n, k = r->inputs, inputs = eg_frame_width(&r->frame, 0, k),
	    targets = eg_frame_width(&r->frame, k, r->frame.n);
	eg_status status = EG_OK;
	for (int i = 0; i < all && !status; i++) {
		eg_error why;
		eg_item *x = &f->at[i];
		float *at = eg_arena_alloc(&f->pool.arena, (size_t)(inputs + targets) * sizeof *at);
		if (!at) return no_memory(r, err);
		int bad = eg_frame_row(&r->frame, i, 0, k, at);
		if (bad < 0) bad = eg_frame_row(&r->frame, i, k, r->frame.n, at + inputs);
		if (bad >= 0)
			status = eg_broken_add(s, eg_frame_wrong(&r->frame, i, bad, r->head.file, x->line, &why), &why, err);
		else if (missing_target(r, at + inputs, targets) >= 0)
			status = eg_broken_add(s, no_target(r, x, &why), &why, err);
		else {
			x->numbers = at, x->nnumbers = inputs;
			x->target = at + inputs, x->ntarget = targets;
			f->at[n++] = *x;
		}
	}
	f->n = n;
	return status;
}

/* Which columns nobody named are passed over. */
static void tell_passed(reading *r, eg_part part) {
	char list[300] = "";
	int n = 0;
	for (int k = 0; k < r->inputs; k++) {
		const eg_frame_column *c = &r->frame.columns[k];
		size_t used = strlen(list);
		if (c->width > 0) continue;
		if (n++ < 8)
			snprintf(list + used, sizeof list - used, "%s%.40s (%s)", used ? ", " : "", c->seen.name,
			        eg_column_type_name(c->type));
	}
	if (n > 0)
		eg_source_remark_more(&r->s->shelf.base, part, "the column%s %s%s not read: %s not of numbers", n == 1 ? "" : "s",
		        list, n > 8 ? " and others are" : n == 1 ? " is" : " are", n == 1 ? "it is" : "they are");
}

static eg_status settle(reading *r, eg_error *err) {
	table_source *s = r->s;
	eg_source *base = &s->shelf.base;
	bool own = r->shelf == &s->shelf.own;
	eg_status status = EG_OK;
	if (r->frame.n == 0 && s->shelf.fields.numbers < 0) return EG_OK;
	status = eg_frame_settle(&r->frame, own ? NULL : &s->known, r->head.file, &base->arena, err);
	if (!status && s->shelf.fields.numbers >= 0 && eg_frame_width(&r->frame, 0, r->inputs) == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has no column of numbers beside those that the recipe names", r->head.file);
	if (!status) status = put_numbers(r, err);
	if (status || !own) return status;
	s->known = (eg_frame){.columns = r->frame.columns, .n = r->frame.n};
	if (s->shelf.fields.numbers >= 0)
		status = eg_frame_names(&r->frame, 0, r->inputs, base, s->shelf.fields.numbers, err);
	if (!status && s->shelf.fields.target >= 0)
		status = eg_frame_names(&r->frame, r->inputs, r->frame.n, base, s->shelf.fields.target, err);
	if (!status) tell_passed(r, EG_PART_TRAIN);
	return status;
}

static eg_status fill(eg_source *base, eg_shelf *f, eg_reader *reader, eg_error *err) {
	table_source *s = (table_source *)base;
	reading r = {.s = s, .shelf = f};
	eg_rows *rows = NULL;
	eg_row first;
	eg_status status = eg_rows_new(reader, eg_separator_of(&s->form), s->form.quoted, &s->shelf.rules, &rows, err);
	if (status) return status;
	int64_t before = eg_broken_count(base);
	status = eg_head_read(&r.head, rows, &s->form, &base->arena, &first, err);
	if (!status) status = choose_columns(&r, err);
	if (!status) status = read_rows(&r, rows, &first, err);
	if (!status && f->n == 0 && eg_broken_count(base) == before)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has no line behind the one that names the columns", r.head.file);
	if (!status && f->n > 0) status = settle(&r, err);
	f->latin1 = eg_lines_latin1(eg_rows_lines(rows));
	eg_frame_free(&r.frame);
	eg_rows_free(rows);
	return status;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

eg_status eg_table_take(eg_source *s, eg_reader *reader, eg_error *err) { return eg_shelf_take(s, fill, reader, err); }

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) { return eg_shelf_prepare(s, part, fill, err); }

static eg_status open_table(eg_source *base, eg_error *err) {
	table_source *s = (table_source *)base;
	s->shelf.one = "line", s->shelf.many = "lines";
	return eg_shelf_open(base, err);
}

static eg_status choose_csv(eg_source *base, eg_error *err) {
	table_source *s = (table_source *)base;
	eg_shelf_fields *at = &s->shelf.fields;
	*at = (eg_shelf_fields)EG_NO_FIELDS;
	if (s->classes.n > 0 && s->numbers.n + s->target.n == 0)
		return eg_fail(err, EG_ERR_ARG, "'classes' needs 'numbers', the columns that are read");
	if (!s->text && !s->label && !s->sound && s->numbers.n == 0 && s->target.n == 0)
		return eg_fail(err, EG_ERR_ARG,
		        "data source 'csv' needs to know what its columns are: 'text: NAME' or 'numbers: [NAME, NAME]', and 'label: "
		        "NAME' (a class) or 'target: [NAME]' (numbers to be predicted)");
	base->nfields = 0;
	if (s->sound) eg_shelf_field(base, "sound", &at->sound);
	if (s->text) eg_shelf_field(base, "text", &at->text);
	if (s->numbers.n > 0 || (!s->text && !s->sound)) eg_shelf_field(base, "numbers", &at->numbers);
	if (s->label) eg_shelf_field(base, "label", &at->label);
	if (s->target.n > 0) eg_shelf_field(base, "target", &at->target);
	return EG_OK;
}

static eg_status open_csv(eg_source *base, eg_error *err) {
	((table_source *)base)->form.quoted = true;
	return open_table(base, err);
}

static eg_status open_texts(eg_source *base, eg_error *err) {
	table_source *s = (table_source *)base;
	eg_status status = open_table(base, err);
	s->shelf.fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->shelf.fields.text = 0, s->shelf.fields.label = 1;
	s->text = "text", s->label = "label";
	s->form.header = true;
	return status;
}

static eg_status open_tsv(eg_source *base, eg_error *err) {
	((table_source *)base)->form.separator = 1;
	return open_texts(base, err);
}

static eg_status open_intents(eg_source *base, eg_error *err) {
	((table_source *)base)->shelf.test = 0.1;
	return open_tsv(base, err);
}

static eg_status open_hotels(eg_source *base, eg_error *err) {
	static const char *const values[] = {"0", "1", NULL};
	table_source *s = (table_source *)base;
	eg_status status = open_texts(base, err);
	s->text = "review";
	s->form.quoted = true;
	s->class_values = values;
	base->skip_broken = 1; /* one of the reviews is empty */
	return status;
}

static const eg_key csv_keys[] = {
	{.name = "text",
		.type = EG_KEY_STRING,
		.offset = offsetof(table_source, text),
		.def = NAN,
		.doc = "the column that is the field `text`"},
	{.name = "sound_file",
		.type = EG_KEY_STRING,
		.offset = offsetof(table_source, sound),
		.def = NAN,
		.doc = "the column with the paths of sound files, from the table's folder, which are the field `sound`"},
	{.name = "label",
		.type = EG_KEY_STRING,
		.offset = offsetof(table_source, label),
		.def = NAN,
		.doc = "the column that is the field `label`, a class"},
	{.name = "numbers",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(table_source, numbers),
		.def = NAN,
		.doc = "the columns that are the field `numbers`: of numbers, of times (they become days since 1970), or of at most "
		       "64 different words, which become as many numbers, one of them 1. Left out where there is no `text`: all "
		       "columns of numbers that no other key names"},
	{.name = "target",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(table_source, target),
		.def = NAN,
		.doc = "the columns that are the field `target`, numbers to be predicted"},
	{.name = "classes",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(table_source, classes),
		.def = NAN,
		.doc = "those of `numbers` and `target` that are classes, though they may look like numbers"},
	{.name = "group",
		.type = EG_KEY_STRING,
		.offset = offsetof(table_source, group),
		.def = NAN,
		.doc = "the column that tells which lines belong together: no split parts them"},
	{.name = "id",
		.type = EG_KEY_STRING,
		.offset = offsetof(table_source, id),
		.def = NAN,
		.doc = "the column with the names of the records; left out: their numbers"},
	EG_TABLE_FORM_KEYS(table_source, form),
	EG_SHELF_KEYS(table_source, "lines"),
};
static const eg_key tsv_keys[] = {EG_SHELF_KEYS(table_source, "lines")};
#define SET_KEYS EG_SHELF_LIMIT_KEY, EG_NORMALIZE_KEY_OF(table_source, shelf.rules)
static const eg_key intents_keys[] = {SET_KEYS};
static const eg_key hotel_keys[] = {EG_SHELF_TEST_KEY(table_source, "reviews"), SET_KEYS};

#define TYPE(keys_, choose_, open_, ...) \
	{ \
		.info = {__VA_ARGS__}, .keys = keys_, .nkeys = EG_COUNT(keys_), .size = sizeof(table_source), .choose = choose_, \
		.open = open_, .prepare = prepare, .read = eg_shelf_read, .close = eg_shelf_close \
	}

static const eg_field text_fields[] = {
	{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "label", .kind = EG_FIELD_LABEL}};
static const eg_field csv_fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND}, {.name = "text", .kind = EG_FIELD_TEXT},
	{.name = "numbers", .kind = EG_FIELD_NUMBERS}, {.name = "label", .kind = EG_FIELD_LABEL},
	{.name = "target", .kind = EG_FIELD_NUMBERS}};

const eg_source_type eg_source_type_csv = TYPE(csv_keys, choose_csv, open_csv, .name = "csv",
	.doc = "your own table: comma-separated values (or tabs, semicolons), gzipped or not; the recipe says which columns are "
	       "texts, numbers, classes, targets",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FILE, .fields = csv_fields, .nfields = EG_COUNT(csv_fields));

const eg_source_type eg_source_type_tsv = TYPE(tsv_keys, NULL, open_tsv, .name = "tsv",
	.doc = "your own texts with classes: a table in UTF-8, gzipped or not, whose first line names the columns text and "
	       "label, with a tab between them",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FILE, .fields = text_fields,
	.nfields = EG_COUNT(text_fields));

static const eg_field intents_fields[] = {
	{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "label", .kind = EG_FIELD_LABEL, .nnames = 25}};
static const eg_data_file intents_files[] = {
	{.name = "intents.tsv",
		.bytes = 92363,
		.sha256 = "0a08d0d09258e2ade2f43e4f71397f68889b6acbbc6a8659085730655ba47b42",
		.published = "intents.tsv"},
};

const eg_source_type eg_source_type_intents = TYPE(intents_keys, NULL, open_intents, .name = "intents",
	.doc = "2,000 short sentences in English and Chinese that ask a house or a telephone for one of 25 things; a tenth of "
	       "each is the test part. It comes with the recipes",
	.origin = "written for engram", .licence = "MIT", .path = EG_DATA_PATH_SET, .train = 1800, .test = 200,
	.files = intents_files, .nfiles = EG_COUNT(intents_files), .shipped = true,
	.by_hand = "it comes with engram, as recipes/data/intents.tsv of its source and below share/engram where it is "
		   "installed; put it into a folder intents in a folder that ENGRAM_DATA names",
	.fields = intents_fields, .nfields = EG_COUNT(intents_fields));

static const char *const hotel_classes[] = {"negative", "positive"};
static const eg_field hotel_fields[] = {{.name = "text", .kind = EG_FIELD_TEXT},
	{.name = "label", .kind = EG_FIELD_LABEL, .names = hotel_classes, .nnames = EG_COUNT(hotel_classes)}};
/* The published file has as many characters as the one whose checksum this is. */
static const eg_data_file hotel_files[] = {
	{.name = "chnsenticorp_htl.csv",
		.bytes = 2904858,
		.download = 2904858,
		.sha256 = "1d414b9c65caf3a836abdb4efded621968502ad3338e1a9d885ae131c86083f0",
		.published = "ChnSentiCorp_htl_all.csv"},
};
static const char *const hotel_urls[] = {
	"https://raw.githubusercontent.com/SophonPlus/ChineseNlpCorpus/master/datasets/ChnSentiCorp_htl_all/", NULL};

const eg_source_type eg_source_type_hotel_reviews = TYPE(hotel_keys, NULL, open_hotels, .name = "hotel-reviews",
	.doc = "7,765 reviews of hotels in Chinese, 5,322 of them positive; judged by folds, there is no test part",
	.origin = "Tan Songbo (ChnSentiCorp); ChineseNlpCorpus on GitHub", .licence = "research use",
	.path = EG_DATA_PATH_SET, .train = 7765, .folder = "sentiment", .files = hotel_files,
	.nfiles = EG_COUNT(hotel_files), .urls = hotel_urls, .fields = hotel_fields, .nfields = EG_COUNT(hotel_fields));
