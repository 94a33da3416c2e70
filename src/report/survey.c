/* survey.c - what is in a data set: how many records of which class, how long, how large, what is missing, what cannot
 * be read, and what is there twice.
 *
 * Every record is read once at most, and of it only hashes and lengths are kept. Fields that have to be decoded
 * (pictures, sound) are read of so many records as hold some hundred MiB, evenly over the part; all else is counted
 * in all records. Parts are those of a training: what a recipe keeps aside to validate is no part of what it trains on.
 * Not here: what a network gets of them (inputs.c), showing it (sheet.c, and the program). */
#include "report/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTENT = 256 << 20, LEAST_READ = 100, MOST_READ = 1000000 };
enum { BROKEN_NAMED = 40, NAMED = 5, BINS = 10, COLUMNS = 32 };

/* Kinds that sources have to decode, and those that say what the others are. */
#define COSTLY (EG_KIND(PICTURE) | EG_KIND(MASK) | EG_KIND(SOUND) | EG_KIND(FRAMES))
#define TRUTH (EG_KIND(LABEL) | EG_KIND(MASK) | EG_KIND(BOXES) | EG_KIND(TAGS))

typedef struct lengths {
	float *at;
	size_t n, cap;
} lengths;

typedef struct column {
	double min, max, sum;
	int64_t n, gaps;
	eg_series_look look; /* of the one record that is a series */
} column;

/* What was seen of one field in one part. */
typedef struct seen_field {
	int64_t there, missing, unknown; /* unknown: no class, by label, pixel, box or tag */
	int64_t *classes;
	int nclasses;
	lengths length, height, width;
	column columns[COLUMNS];
	int ncolumns, most_columns; /* that are told of; that there are */
	bool lost;                       /* out of memory */
} seen_field;

typedef struct hashed {
	uint64_t content, truth;
	uint32_t item;
	eg_part part;
} hashed;

/* Records of a part of the source: all, or those that a recipe's cut has given this part. */
typedef struct portion {
	eg_part from;
	const uint32_t *items; /* NULL: all */
	int64_t count;
} portion;

typedef struct survey {
	eg_source *source;
	const eg_survey_options *options;
	portion parts[EG_PARTS];
	uint32_t *cut; /* holds items of parts */
	seen_field fields[EG_MAX_FIELDS];
	hashed *hashes;
	size_t nhashes, cap;
	int64_t nbroken;
	eg_value *broken; /* names */
	unsigned all, cheap, content;
} survey;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for what is in the data"); }

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static void note_length(seen_field *f, lengths *l, double v) {
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		float *more = eg_calloc(NULL, cap, sizeof *more);
		if (!more) {
			f->lost = true;
			return;
		}
		if (l->n) memcpy(more, l->at, l->n * sizeof *more);
		eg_release(NULL, l->at);
		l->at = more, l->cap = cap;
	}
	l->at[l->n++] = (float)v;
}

static void note_class(seen_field *f, int64_t label, int64_t times) {
	enum { MOST_CLASSES = 1 << 20 };
	if (label < 0 || label >= MOST_CLASSES) {
		f->unknown += times;
		return;
	}
	if (label >= f->nclasses) {
		int n = f->nclasses ? f->nclasses : 16;
		while (n <= label) n *= 2;
		int64_t *more = eg_calloc(NULL, (size_t)n, sizeof *more);
		if (!more) {
			f->lost = true;
			return;
		}
		if (f->nclasses) memcpy(more, f->classes, (size_t)f->nclasses * sizeof *more);
		eg_release(NULL, f->classes);
		f->classes = more, f->nclasses = n;
	}
	f->classes[label] += times;
}

static void note_number(seen_field *f, int k, double v) {
	if (k >= f->most_columns) f->most_columns = k + 1;
	if (k >= COLUMNS) return;
	if (k >= f->ncolumns) f->ncolumns = k + 1;
	column *c = &f->columns[k];
	if (isnan(v)) {
		c->gaps++;
		return;
	}
	if (c->n == 0 || v < c->min) c->min = v;
	if (c->n == 0 || v > c->max) c->max = v;
	c->sum += v, c->n++;
}

static void note_bytes(seen_field *f, const uint8_t *at, size_t n) {
	column *c = &f->columns[0];
	uint64_t sum = 0;
	uint8_t least = 255, most = 0;
	for (size_t i = 0; i < n; i++) {
		sum += at[i];
		least = at[i] < least ? at[i] : least;
		most = at[i] > most ? at[i] : most;
	}
	f->ncolumns = f->most_columns = 1;
	if (c->n == 0 || least < c->min) c->min = least;
	if (c->n == 0 || most > c->max) c->max = most;
	c->sum += (double)sum, c->n += (int64_t)n;
}

static void note_picture(seen_field *f, int C, int H, int W, const uint8_t *pixels, int n) {
	note_length(f, &f->height, H);
	note_length(f, &f->width, W);
	note_bytes(f, pixels, (size_t)n * (size_t)C * (size_t)H * (size_t)W);
}

static void note_mask(seen_field *f, const eg_datum_mask *m) {
	int64_t count[256] = {0};
	for (size_t i = 0, n = (size_t)m->H * (size_t)m->W; i < n; i++) count[m->classes[i]]++;
	for (int c = 0; c < 256; c++)
		if (count[c]) note_class(f, c == EG_VOID ? -1 : c, count[c]);
	note_length(f, &f->height, m->H);
	note_length(f, &f->width, m->W);
}

static void note_sound(seen_field *f, const eg_datum_sound *s) {
	note_length(f, &f->length, s->rate > 0 ? (double)s->n / s->rate : (double)s->n);
	for (int64_t i = 0; i < s->n * s->channels; i++) note_number(f, 0, s->at[i]);
}

static void note_series(seen_field *f, const eg_datum_series *s) {
	note_length(f, &f->length, s->steps);
	for (int64_t i = 0; i < (int64_t)s->steps * s->columns; i++) note_number(f, (int)(i % s->columns), s->at[i]);
	for (int c = 0; c < f->ncolumns && c < s->columns && f->there == 1; c++)
		if (eg_look_at_series(s->at + c, s->columns, s->steps, NULL, &f->columns[c].look, NULL)) f->lost = true;
}

static void note(seen_field *f, eg_field_kind kind, const eg_datum *d) {
	if (!d->there) {
		f->missing++;
		return;
	}
	f->there++;
	switch (kind) {
	case EG_FIELD_PICTURE:
		note_picture(f, d->picture.C, d->picture.H, d->picture.W, d->picture.pixels, 1);
		break;
	case EG_FIELD_LABEL: note_class(f, d->label, 1); break;
	case EG_FIELD_MASK: note_mask(f, &d->mask); break;
	case EG_FIELD_BOXES:
		note_length(f, &f->length, d->boxes.n);
		for (int i = 0; i < d->boxes.n; i++) note_class(f, d->boxes.at[i].label, 1);
		break;
	case EG_FIELD_TEXT: note_length(f, &f->length, (double)eg_characters(d->text.bytes, d->text.size)); break;
	case EG_FIELD_TOKENS: note_length(f, &f->length, d->tokens.n); break;
	case EG_FIELD_TAGS:
		note_length(f, &f->length, d->tags.n);
		for (int i = 0; i < d->tags.n; i++) note_class(f, d->tags.at[i], 1);
		break;
	case EG_FIELD_SERIES: note_series(f, &d->series); break;
	case EG_FIELD_SOUND: note_sound(f, &d->sound); break;
	case EG_FIELD_FRAMES:
		note_length(f, &f->length, d->frames.n);
		note_picture(f, d->frames.C, d->frames.H, d->frames.W, d->frames.pixels, d->frames.n);
		break;
	default:
		for (int i = 0; i < d->numbers.n; i++) note_number(f, i, d->numbers.at[i]);
	}
}

static void empty(seen_field *f) {
	eg_release(NULL, f->classes);
	eg_release(NULL, f->length.at);
	eg_release(NULL, f->height.at);
	eg_release(NULL, f->width.at);
	*f = (seen_field){0};
}

/* ---- reading a part ---------------------------------------------------------------------------------------------- */

static size_t bytes_of(eg_field_kind kind, const eg_datum *d) {
	if (!d->there) return 0;
	switch (kind) {
	case EG_FIELD_PICTURE: return (size_t)d->picture.C * (size_t)d->picture.H * (size_t)d->picture.W;
	case EG_FIELD_MASK: return (size_t)d->mask.H * (size_t)d->mask.W;
	case EG_FIELD_SOUND: return (size_t)d->sound.n * (size_t)d->sound.channels * sizeof(float);
	case EG_FIELD_FRAMES:
		return (size_t)d->frames.n * (size_t)d->frames.C * (size_t)d->frames.H * (size_t)d->frames.W;
	default: return 0;
	}
}

static eg_status note_hash(survey *s, eg_part part, int64_t item, const eg_record *r, eg_error *err) {
	hashed h = {.part = part, .item = (uint32_t)item};
	bool some = false;
	if (s->nhashes == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 256;
		hashed *more = eg_calloc(NULL, cap, sizeof *more);
		if (!more) return no_memory(err);
		if (s->nhashes) memcpy(more, s->hashes, s->nhashes * sizeof *more);
		eg_release(NULL, s->hashes);
		s->hashes = more, s->cap = cap;
	}
	for (int k = 0; k < s->source->nfields; k++) {
		uint64_t *to = s->content >> k & 1 ? &h.content : &h.truth;
		*to = eg_fingerprint_datum(*to, s->source->fields[k].kind, &r->fields[k]);
		some = some || (r->fields[k].there && (s->content >> k & 1));
	}
	if (some) s->hashes[s->nhashes++] = h;
	return EG_OK;
}

static eg_status note_broken(survey *s, eg_status status, const eg_error *why, eg_error *err) {
	if (status != EG_ERR_FORMAT && status != EG_ERR_IO) return eg_fail(err, status, "%s", why->message);
	if (s->nbroken++ < BROKEN_NAMED) eg_value_put_text(s->broken, NULL, why->message);
	return EG_OK;
}

static int64_t item_of(const portion *p, int64_t i) { return p->items ? p->items[i] : i; }

/* How many records are read with all their fields: as many as hold CONTENT bytes, by the first that can be read; all,
 * where that leaves out but a few. */
static int64_t how_many(const survey *s, const portion *p) {
	enum { TRIES = 10 };
	eg_record r = {0};
	size_t bytes = 0;
	const int64_t count = p->count;
	if (s->options->all) return count;
	int64_t most = count < MOST_READ ? count : MOST_READ;
	for (int64_t i = 0; i < count && i < TRIES && s->all != s->cheap && bytes == 0; i++)
		if (!eg_source_read(s->source, p->from, item_of(p, i), s->all & ~s->cheap, &r, NULL))
			for (int k = 0; k < s->source->nfields; k++) bytes += bytes_of(s->source->fields[k].kind, &r.fields[k]);
	eg_record_free(&r);
	int64_t fit = bytes ? CONTENT / (int64_t)bytes : most;
	if (fit < LEAST_READ) fit = LEAST_READ;
	if (fit < most) return fit < most - most / 4 ? fit : most;
	return most;
}

/* Record i is one of `some` that lie evenly among `count`. */
static bool chosen(int64_t i, int64_t some, int64_t count) { return (i + 1) * some / count > i * some / count; }

static eg_status read_record(survey *s, eg_part part, int64_t item, bool whole, eg_record *r, eg_error *err) {
	const unsigned wanted = whole ? s->all : s->cheap;
	eg_error why = {0};
	if (!wanted) return EG_OK;
	eg_status status = eg_source_read(s->source, s->parts[part].from, item, wanted, r, &why);
	if (status) return note_broken(s, status, &why, err);
	for (int k = 0; k < s->source->nfields; k++)
		if (wanted >> k & 1) note(&s->fields[k], s->source->fields[k].kind, &r->fields[k]);
	return whole ? note_hash(s, part, item, r, err) : EG_OK;
}

static eg_status tell_progress(const survey *s, eg_part part, int64_t done, eg_error *err) {
	const eg_survey_options *o = s->options;
	const int64_t count = s->parts[part].count;
	if (!o->progress || (count >= 100 && done * 100 / count == (done - 1) * 100 / count)) return EG_OK;
	return o->progress(o->user, part, done, count) ? EG_OK : eg_fail(err, EG_ERR_STOPPED, "stopped");
}

static eg_status read_part(survey *s, eg_part part, int64_t some, eg_error *err) {
	const portion *p = &s->parts[part];
	eg_record r = {0};
	eg_status status = EG_OK;
	bool lost = false;
	for (int64_t i = 0; i < p->count && !status; i++) {
		status = read_record(s, part, item_of(p, i), chosen(i, some, p->count), &r, err);
		if (!status) status = tell_progress(s, part, i + 1, err);
	}
	eg_record_free(&r);
	for (int k = 0; k < s->source->nfields; k++) lost = lost || s->fields[k].lost;
	return status ? status : lost ? no_memory(err) : EG_OK;
}

/* ---- facts of fields --------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
	const float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void put_lengths(eg_value *map, const char *key, lengths *l, const char *of) {
	if (l->n == 0) return;
	qsort(l->at, l->n, sizeof *l->at, by_size);
	const double least = l->at[0], most = l->at[l->n - 1];
	eg_value *v = eg_value_put_map(map, key);
	eg_value_put_text(v, "of", of);
	eg_value_put_number(v, "min", least);
	eg_value_put_number(v, "median", l->n % 2 ? l->at[l->n / 2] : ((double)l->at[l->n / 2 - 1] + l->at[l->n / 2]) / 2);
	eg_value_put_number(v, "max", most);
	if (!(least < most)) return;
	int64_t bins[BINS] = {0};
	for (size_t i = 0; i < l->n; i++) {
		int b = (int)((l->at[i] - least) / (most - least) * BINS);
		bins[b < BINS ? b : BINS - 1]++;
	}
	eg_value *list = eg_value_put_list(v, "histogram");
	for (int b = 0; b < BINS; b++) eg_value_put_int(list, NULL, bins[b]);
}

static const char *length_of(eg_field_kind kind) {
	switch (kind) {
	case EG_FIELD_BOXES: return "boxes";
	case EG_FIELD_TEXT: return "characters";
	case EG_FIELD_TOKENS: return "tokens";
	case EG_FIELD_TAGS: return "tags";
	case EG_FIELD_SERIES: return "steps";
	case EG_FIELD_SOUND: return "seconds";
	default: return "frames";
	}
}

static const char *class_of(eg_field_kind kind) {
	return kind == EG_FIELD_LABEL   ? "records"
	       : kind == EG_FIELD_MASK  ? "pixels"
	       : kind == EG_FIELD_BOXES ? "boxes"
	                                : "tags";
}

static void put_classes(eg_value *map, const survey *s, int k) {
	const seen_field *f = &s->fields[k];
	const eg_field *field = &s->source->fields[k];
	char number[24];
	int n = field->nnames;
	if (!(1u << field->kind & TRUTH)) return;
	for (int c = 0; c < f->nclasses; c++)
		if (f->classes[c] && c >= n) n = c + 1;
	if (n == 0 && f->unknown == 0) return;
	eg_value *v = eg_value_put_map(map, "classes");
	eg_value_put_text(v, "counted", class_of(field->kind));
	eg_value *list = eg_value_put_list(v, "of");
	for (int c = 0; c < n; c++) {
		const char *name = eg_source_name(s->source, k, c);
		eg_value *one = eg_value_put_map(list, NULL);
		snprintf(number, sizeof number, "%d", c);
		eg_value_put_text(one, "class", name ? name : number);
		eg_value_put_int(one, "count", c < f->nclasses ? f->classes[c] : 0);
	}
	if (f->unknown) eg_value_put_int(v, "none", f->unknown);
}

void eg_put_look(eg_value *map, const eg_series_look *look) {
	if (look->longest_gap) eg_value_put_int(map, "longest_gap", look->longest_gap);
	if (look->constant) eg_value_put_bool(map, "constant", true);
	if (isnan(look->lag1)) return;
	eg_value_put_number(map, "lag1", look->lag1);
	eg_value_put_int(map, "period", look->period);
	eg_value_put_number(map, "trend", look->trend);
	if (!isnan(look->season)) eg_value_put_number(map, "season", look->season);
	if (look->spikes == 0) return;
	eg_value_put_int(map, "spikes", look->spikes);
	eg_value_put_int(map, "spike_at", look->spike_at);
}

static void put_columns(eg_value *map, const survey *s, int k) {
	const seen_field *f = &s->fields[k];
	const eg_field *field = &s->source->fields[k];
	if (f->ncolumns == 0) return;
	const bool named = field->kind == EG_FIELD_SERIES || field->kind == EG_FIELD_NUMBERS;
	eg_value *list = eg_value_put_list(map, "values");
	for (int c = 0; c < f->ncolumns; c++) {
		const column *x = &f->columns[c];
		eg_value *one = eg_value_put_map(list, NULL);
		if (named && field->names && c < field->nnames) eg_value_put_text(one, "column", field->names[c]);
		eg_value_put_number(one, "min", x->n ? x->min : (double)NAN);
		eg_value_put_number(one, "mean", x->n ? x->sum / (double)x->n : (double)NAN);
		eg_value_put_number(one, "max", x->n ? x->max : (double)NAN);
		if (x->gaps) eg_value_put_int(one, "gaps", x->gaps);
		if (field->kind == EG_FIELD_SERIES && f->there == 1) eg_put_look(one, &x->look);
	}
	if (f->most_columns > f->ncolumns) eg_value_put_int(map, "more_values", f->most_columns - f->ncolumns);
}

static void put_field(eg_value *list, survey *s, int k) {
	seen_field *f = &s->fields[k];
	const eg_field *field = &s->source->fields[k];
	eg_value *map = eg_value_put_map(list, NULL);
	eg_value_put_text(map, "name", field->name);
	eg_value_put_text(map, "kind", eg_field_kind_name(field->kind));
	eg_value_put_int(map, "read", f->there + f->missing);
	eg_value_put_int(map, "missing", f->missing);
	put_classes(map, s, k);
	put_lengths(map, "length", &f->length, length_of(field->kind));
	put_lengths(map, "height", &f->height, "pixels");
	put_lengths(map, "width", &f->width, "pixels");
	put_columns(map, s, k);
}

/* ---- what is there twice ----------------------------------------------------------------------------------------- */

static int by_content(const void *a, const void *b) {
	const hashed *x = a, *y = b;
	if (x->content != y->content) return x->content < y->content ? -1 : 1;
	if (x->part != y->part) return x->part < y->part ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

typedef struct twice {
	int64_t n, differ;
	eg_value *named;
} twice;

/* "train 17", by the record's own name. */
static void put_id(const survey *s, eg_value *map, const char *key, const hashed *h) {
	eg_record r = {0};
	char number[24];
	snprintf(number, sizeof number, "%llu", (unsigned long long)h->item);
	bool read = !eg_source_read(s->source, s->parts[h->part].from, h->item, 0, &r, NULL);
	eg_value_put_text(map, key, read && r.id ? r.id : number);
	eg_record_free(&r);
}

static void note_twice(const survey *s, twice *t, const hashed *first, const hashed *again) {
	t->n++, t->differ += first->truth != again->truth;
	if (t->n > NAMED) return;
	eg_value *one = eg_value_put_map(t->named, NULL);
	put_id(s, one, "record", again);
	put_id(s, one, "same_as", first);
	eg_value_put_bool(one, "differs", first->truth != again->truth);
}

static void put_twice(eg_value *list, const twice *t, eg_part p, eg_part q) {
	if (t->n == 0) return;
	eg_value *v = eg_value_put_map(list, NULL);
	eg_value_put_text(v, "part", eg_part_name(q));
	eg_value_put_text(v, "in", eg_part_name(p));
	eg_value_put_int(v, "count", t->n);
	eg_value_put_int(v, "differ", t->differ);
	eg_value_put_copy(v, "some", t->named);
}

static eg_status put_duplicates(survey *s, eg_value *facts, eg_error *err) {
	twice t[EG_PARTS][EG_PARTS] = {{{0}}}; /* [in][part] */
	eg_value *scratch = eg_value_new(EG_VALUE_LIST), *list = eg_value_put_list(facts, "duplicates");
	if (!scratch) return no_memory(err);
	for (int p = 0; p < EG_PARTS; p++)
		for (int q = p; q < EG_PARTS; q++) t[p][q].named = eg_value_put_list(scratch, NULL);
	if (s->nhashes) qsort(s->hashes, s->nhashes, sizeof *s->hashes, by_content);
	const hashed *first[EG_PARTS] = {0}; /* of this content, in each part */
	for (size_t i = 0; i < s->nhashes; i++) {
		const hashed *h = &s->hashes[i];
		if (i == 0 || h->content != h[-1].content) memset(first, 0, sizeof first);
		for (int p = 0; p <= (int)h->part; p++)
			if (first[p]) note_twice(s, &t[p][h->part], first[p], h);
		if (!first[h->part]) first[h->part] = h;
	}
	for (int p = 0; p < EG_PARTS; p++)
		for (int q = p; q < EG_PARTS; q++) put_twice(list, &t[p][q], (eg_part)p, (eg_part)q);
	eg_value_free(scratch);
	return EG_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static eg_status put_part(survey *s, eg_value *parts, eg_part part, eg_error *err) {
	const portion *p = &s->parts[part];
	const char *remark = eg_source_remark(s->source, part);
	if (p->count < 1) return EG_OK;
	const int64_t some = how_many(s, p);
	eg_value *v = eg_value_put_map(parts, NULL);
	eg_value_put_text(v, "part", eg_part_name(part));
	eg_value_put_int(v, "records", p->count);
	eg_value_put_int(v, "read", some);
	if (remark) eg_value_put_text(v, "remark", remark);
	if (p->from != part) eg_value_put_text(v, "kept_aside_of", eg_part_name(p->from));
	eg_status status = read_part(s, part, some, err);
	eg_value *fields = eg_value_put_list(v, "fields");
	for (int k = 0; k < s->source->nfields; k++) {
		if (!status) put_field(fields, s, k);
		empty(&s->fields[k]);
	}
	const eg_samples *samples = part == EG_PART_TEST ? s->options->test : s->options->samples;
	if (!status && samples) status = eg_samples_inputs(samples, s->options->graph, part, v, err);
	if (!status && samples) status = eg_samples_units_of(samples, part, v, err);
	return status;
}

/* Records that are broken when parts are prepared are named by the source, "and 7 more" at the end. */
static void put_broken(survey *s, eg_value *facts) {
	const int64_t found = eg_broken_count(s->source);
	const char *at = found ? eg_source_broken(s->source) : NULL;
	eg_value *v = eg_value_put_map(facts, "broken");
	eg_value_put_int(v, "count", found + s->nbroken);
	eg_value *named = eg_value_put_list(v, "named");
	for (int64_t i = 0; at && *at && i < found && i < BROKEN_NAMED; i++) {
		size_t n = strcspn(at, "\n");
		eg_value_put_bytes(named, NULL, at, n);
		at += n;
		at += strspn(at, "\n");
	}
	for (const eg_value *b = eg_value_first(s->broken); b; b = eg_value_next(b))
		if (eg_value_count(named) < BROKEN_NAMED) eg_value_put_copy(named, NULL, b);
}

static void choose_fields(survey *s) {
	for (int k = 0; k < s->source->nfields; k++) {
		const eg_kinds kind = 1u << s->source->fields[k].kind;
		s->all |= 1u << k;
		if (!(kind & COSTLY)) s->cheap |= 1u << k;
		if (!(kind & TRUTH)) s->content |= 1u << k;
	}
	if (!s->content) s->content = s->all;
}

/* All parts of the source, made ready; of a task, training records as its recipe cuts them in two. Where it cannot
 * (records without a class, say), all of them are told as one part. */
static eg_status prepare(survey *s, const eg_task *t, eg_error *err) {
	eg_source *source = s->source;
	eg_error why = {0};
	int64_t n = 0, second = 0;
	eg_status status = EG_OK;
	source->skip_broken = 1; /* all of them are to be named */
	source->own_sizes = true;
	for (int p = 0; p < EG_PARTS && !status; p++) {
		status = eg_source_prepare(source, (eg_part)p, err);
		if (!status) s->parts[p] = (portion){(eg_part)p, NULL, eg_source_count(source, (eg_part)p)};
	}
	if (status || !t || t->type->load || s->parts[EG_PART_TRAIN].count < 1) return status;
	const int64_t all = s->parts[EG_PART_TRAIN].count;
	status = eg_task_cut(t, &s->cut, &n, &second, &why);
	if (status == EG_ERR_MEMORY) return no_memory(err);
	if (status || second < 1) return EG_OK;
	s->parts[EG_PART_TRAIN] = (portion){EG_PART_TRAIN, s->cut, n};
	s->parts[EG_PART_VALIDATION] = (portion){EG_PART_TRAIN, s->cut + all, second};
	return EG_OK;
}

static eg_status survey_of(
	eg_source *source, const eg_task *t, const eg_survey_options *options, eg_value **facts, eg_error *err) {
	static const eg_survey_options usual = {0};
	survey s = {.source = source, .options = options ? options : &usual, .broken = eg_value_new(EG_VALUE_LIST)};
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	*facts = NULL;
	eg_status status = v && s.broken ? prepare(&s, t, err) : no_memory(err);
	if (!status) {
		choose_fields(&s);
		eg_value_put_text(v, "data", eg_source_info(source)->name);
		if (t && t->type->load && source->validation > 0) eg_value_put_number(v, "kept_aside", source->validation);
		eg_value *parts = eg_value_put_list(v, "parts");
		for (int p = 0; p < EG_PARTS && !status; p++) status = put_part(&s, parts, (eg_part)p, err);
	}
	if (!status) put_broken(&s, v);
	if (!status) status = put_duplicates(&s, v, err);
	if (!status && !eg_value_whole(v)) status = no_memory(err);
	eg_release(NULL, s.hashes);
	eg_release(NULL, s.cut);
	eg_value_free(s.broken);
	if (status)
		eg_value_free(v);
	else
		*facts = v;
	return status;
}

eg_status eg_survey(eg_source *source, const eg_survey_options *options, eg_value **facts, eg_error *err) {
	return survey_of(source, NULL, options, facts, err);
}

eg_status eg_survey_task(eg_task *t, const eg_survey_options *options, eg_value **facts, eg_error *err) {
	return survey_of(t->source, t, options, facts, err);
}
