/* shelf.c - records that are made of the rows of a file, and stay in memory: their classes and tags get numbers, and
 * the file is cut into parts. Which rows are the test part depends on their classes and numbers alone.
 *
 * Not here: reading rows (rows.c), which columns are what (source_table.c, source_jsonl.c); what is validation
 * (split.c). */
#include "data/sound.h"
#include "data/split.h"
#include "data/table.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t TEST_SEED = 20240229; /* of the choice of test rows; never changed */

void eg_shelf_free(eg_shelf *f) {
	eg_pool_free(&f->pool);
	eg_release(NULL, f->at);
	*f = (eg_shelf){0};
}

/* ---- classes and tags -------------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Tags: O first, then by bytes. */
static int by_tag(const void *a, const void *b) {
	bool x = strcmp(*(const char *const *)a, "O") == 0, y = strcmp(*(const char *const *)b, "O") == 0;
	return x != y ? y - x : by_bytes(a, b);
}

/* How many names item i has for the field: its class, or its tags. */
static int names_of(const eg_item *x, bool tags, const char *const **names) {
	*names = tags ? x->tag_names : &x->class_name;
	return tags ? x->ntokens : 1;
}

/* The different names, sorted, as those of the field. */
static eg_status name_field(eg_shelf_source *s, bool tags, eg_error *err) {
	int field = tags ? s->fields.tags : s->fields.label, n = 0;
	const char *const *names;
	size_t all = 0;
	if (field < 0 || s->base.fields[field].names) return EG_OK;
	if (tags && s->own.tags.n > 0) {
		qsort(s->own.tags.at, (size_t)s->own.tags.n, sizeof *s->own.tags.at, by_tag);
		return eg_source_set_names(&s->base, field, s->own.tags.at, s->own.tags.n, err);
	}
	for (int i = 0; i < s->own.n; i++) all += (size_t)names_of(&s->own.at[i], tags, &names);
	const char **list = eg_calloc(NULL, all, sizeof *list);
	if (!list) return eg_source_no_memory(&s->base, err);
	size_t k = 0;
	for (int i = 0; i < s->own.n; i++)
		for (int m = names_of(&s->own.at[i], tags, &names), j = 0; j < m; j++) list[k++] = names[j];
	qsort(list, all, sizeof *list, tags ? by_tag : by_bytes);
	for (size_t i = 0; i < all; i++)
		if (n == 0 || strcmp(list[n - 1], list[i]) != 0) list[n++] = list[i];
	eg_status status = eg_source_set_names(&s->base, field, list, n, err);
	eg_release(NULL, list);
	return status;
}

static eg_status no_such(
	const eg_shelf_source *s, const eg_shelf *f, const eg_item *x, const char *name, bool tags, eg_error *err) {
	const eg_field *field = &s->base.fields[tags ? s->fields.tags : s->fields.label];
	const char *near = eg_did_you_mean(name, field->names, field->nnames);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lld: no %s of '%s' has the %s '%.80s'%s%s%s; correct it, or give samples of it to train on",
	        x->file ? x->file : f->file, (long long)x->line, s->one, s->own.file ? s->own.file : s->base.type->info.name, tags ? "tag" : "label", name,
	        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int32_t find_name(const eg_field *f, const char *name, bool tags) {
	const char *const *at =
	        bsearch(&name, f->names, (size_t)f->nnames, sizeof *f->names, tags ? by_tag : by_bytes);
	if (at) return (int32_t)(at - f->names);
	for (int i = 0; i < f->nnames; i++) /* of a set whose names are known they need not be sorted */
		if (strcmp(f->names[i], name) == 0) return i;
	return EG_NO_LABEL;
}

/* The name that the field has not; NULL: the item has its numbers. */
static const char *number_item(const eg_shelf_source *s, eg_item *x, bool tags) {
	const eg_field *f = &s->base.fields[tags ? s->fields.tags : s->fields.label];
	const char *const *names;
	int n = names_of(x, tags, &names);
	for (int i = 0; i < n; i++) {
		int32_t *to = tags ? &x->tags[i] : &x->label;
		*to = find_name(f, names[i], tags);
		if (*to == EG_NO_LABEL) return names[i];
	}
	return NULL;
}

static eg_status number_all(eg_shelf_source *s, eg_part part, eg_shelf *f, eg_error *err) {
	int64_t before = eg_broken_count(&s->base);
	int n = 0, all = f->n;
	eg_status status = EG_OK;
	for (int i = 0; i < all && !status; i++) {
		eg_error why;
		eg_item *x = &f->at[i];
		const char *unknown = s->fields.label >= 0 ? number_item(s, x, false) : NULL;
		bool tags = !unknown && s->fields.tags >= 0;
		if (tags) unknown = number_item(s, x, true);
		if (unknown)
			status = eg_broken_add(&s->base, no_such(s, f, x, unknown, tags, &why), &why, err);
		else
			f->at[n++] = *x;
	}
	f->n = n;
	return status ? status : eg_broken_end(&s->base, part, before, all, err);
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* The first `limit` items, one of each class and then the next of each. */
static eg_status take_in_turn(eg_shelf_source *s, eg_error *err) {
	int64_t *count = &s->base.count[EG_PART_TRAIN];
	uint32_t *items = s->items[EG_PART_TRAIN];
	if (s->base.limit == 0 || s->base.limit >= *count) return EG_OK;
	if (s->fields.label < 0) {
		*count = s->base.limit;
		return EG_OK;
	}
	size_t n = (size_t)*count, most = (size_t)s->base.limit, classes = (size_t)s->base.fields[s->fields.label].nnames,
	       taken = 0;
	uint32_t *next = eg_calloc(NULL, n + classes, sizeof *next), *chosen = eg_calloc(NULL, most, sizeof *chosen);
	uint32_t *first = next ? next + n : NULL; /* of each class, a chain through `next`: number + 1; 0: the end */
	for (size_t i = n; next && i-- > 0;) {
		int32_t k = s->own.at[items[i]].label;
		next[i] = first[k];
		first[k] = (uint32_t)i + 1;
	}
	for (size_t k = 0; next && chosen && taken < most; k = (k + 1) % classes) {
		if (!first[k]) continue;
		chosen[taken++] = items[first[k] - 1];
		first[k] = next[first[k] - 1];
	}
	eg_release(NULL, next);
	if (taken < most) {
		eg_release(NULL, chosen);
		return eg_source_no_memory(&s->base, err);
	}
	eg_release(NULL, items);
	s->items[EG_PART_TRAIN] = chosen;
	*count = s->base.limit;
	return EG_OK;
}

static eg_status cut_end(eg_shelf_source *s, eg_error *err) {
	int64_t n = s->own.n, left = n - s->test_last;
	if (left < 1)
		return eg_fail(err, EG_ERR_ARG, "'test_last' is %lld, but '%s' has %lld %s: none would be left to train on",
		        (long long)s->test_last, s->own.file, (long long)n, s->many);
	for (int64_t i = 0; i < n; i++)
		s->items[i < left ? EG_PART_TRAIN : EG_PART_TEST][i < left ? i : i - left] = (uint32_t)i;
	s->base.count[EG_PART_TRAIN] = left;
	s->base.count[EG_PART_TEST] = s->test_last;
	return EG_OK;
}

/* As the source says. */
static eg_status cut_by_rule(eg_shelf_source *s, eg_error *err) {
	for (int i = 0; i < s->own.n; i++) {
		eg_part p = s->part_of(&s->base, &s->own.at[i]);
		s->items[p][s->base.count[p]++] = (uint32_t)i;
	}
	if (s->base.count[EG_PART_TRAIN] > 0) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "'%s' has no %s to train on", s->own.file, s->one);
}

/* A share of every class, of whole groups. */
static eg_status cut_share(eg_shelf_source *s, eg_error *err) {
	size_t n = (size_t)s->own.n;
	int64_t *count = s->base.count;
	bool grouped = false;
	int32_t *labels = eg_calloc(NULL, n, sizeof *labels);
	const char **groups = eg_calloc(NULL, n, sizeof *groups);
	for (size_t i = 0; labels && groups && i < n; i++) {
		labels[i] = s->fields.label >= 0 ? s->own.at[i].label : 0;
		groups[i] = s->own.at[i].group;
		grouped = grouped || groups[i];
	}
	eg_split_of of = {.count = (int64_t)n, .labels = labels, .groups = grouped ? groups : NULL, .seed = TEST_SEED};
	eg_status status = labels && groups
	                           ? eg_split_records(&of, s->test, s->items[EG_PART_TRAIN], &count[EG_PART_TRAIN],
	                                     s->items[EG_PART_TEST], &count[EG_PART_TEST], err)
	                           : eg_source_no_memory(&s->base, err);
	eg_release(NULL, labels);
	eg_release(NULL, groups);
	return status;
}

/* Cuts the own file in two; count of both parts is known then. */
static eg_status cut(eg_shelf_source *s, eg_error *err) {
	for (int p = 0; p < EG_PARTS; p++) s->items[p] = eg_calloc(NULL, (size_t)s->own.n, sizeof **s->items);
	if (!s->items[EG_PART_TRAIN] || !s->items[EG_PART_VALIDATION] || !s->items[EG_PART_TEST])
		return eg_source_no_memory(&s->base, err);
	eg_status status = s->part_of       ? cut_by_rule(s, err)
	                   : s->test_last > 0 ? cut_end(s, err)
	                                      : cut_share(s, err);
	return status ? status : take_in_turn(s, err);
}

/* ---- sounds ------------------------------------------------------------------------------------------------------ */

const char *eg_shelf_sound(eg_shelf *f, const char *name) {
	const char *slash = strrchr(f->file, '/');
	if (name[0] == '/' || !slash) return eg_pool_text(&f->pool, name, strlen(name));
	return eg_arena_printf(&f->pool.arena, "%.*s/%s", (int)(slash - f->file), f->file, name);
}

/* Those that cannot be read are told at once, and not when a training comes to them. */
static eg_status check_sounds(eg_shelf_source *s, eg_shelf *f, eg_error *err) {
	eg_record r = {0};
	eg_status status = EG_OK;
	int n = 0, all = f->n;
	for (int i = 0; i < all && !status && s->fields.sound >= 0; i++) {
		eg_datum_sound sound;
		eg_error why;
		const eg_status wrong = eg_sound_load(s->tree, f->at[i].sound, &r, &sound, &why);
		if (wrong == EG_ERR_MEMORY)
			status = eg_fail(err, wrong, "%s", why.message);
		else if (wrong)
			status = eg_broken_add(&s->base, wrong, &why, err);
		else
			f->at[n++] = f->at[i];
		eg_record_reset(&r);
	}
	if (s->fields.sound >= 0 && !status) f->n = n;
	eg_record_free(&r);
	return status;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

eg_status eg_shelf_open(eg_source *base, eg_error *err) {
	eg_shelf_source *s = (eg_shelf_source *)base;
	if ((s->test_path != NULL) + (s->test > 0) + (s->test_last > 0) > 1)
		return eg_fail(err, EG_ERR_ARG,
		        "give 'test', a share of the file, 'test_last', how many %s at its end, or 'test_path', another file, not "
		        "two of them",
		        s->many);
	if (s->test_path && !(s->test_path = eg_source_path(base, s->test_path, err))) return EG_ERR_MEMORY;
	return eg_text_rules_check(&s->rules, err);
}

void eg_shelf_field(eg_source *base, const char *name, int *field) {
	const eg_data_info *info = &base->type->info;
	for (int i = 0; i < info->nfields; i++)
		if (strcmp(info->fields[i].name, name) == 0) base->fields[base->nfields] = info->fields[i];
	*field = base->nfields++;
}

void eg_shelf_close(eg_source *base) {
	eg_shelf_source *s = (eg_shelf_source *)base;
	eg_shelf_free(&s->own);
	eg_shelf_free(&s->other);
	for (int i = 0; i < EG_PARTS; i++) {
		eg_release(NULL, s->items[i]);
		s->items[i] = NULL;
	}
	s->ready = false;
}

/* Tags that go on with something that has not begun. */
static void count_strays(eg_shelf *f) {
	for (int i = 0; i < f->n; i++) {
		const eg_item *x = &f->at[i];
		for (int k = 0; k < x->ntokens; k++) {
			if (eg_tag_may_follow(x->tag_names[k], k > 0 ? x->tag_names[k - 1] : NULL)) continue;
			if (f->strays++ == 0) f->stray_line = x->line + (f->token_lines ? k : 0);
		}
	}
}

static eg_status fill_shelf(
	eg_shelf_source *s, eg_part part, eg_shelf *f, eg_shelf_fill fill, eg_reader *reader, eg_error *err) {
	int64_t before = eg_broken_count(&s->base);
	f->file = eg_arena_strdup(&f->pool.arena, eg_reader_name(reader));
	if (!f->file) return eg_source_no_memory(&s->base, err);
	eg_status status = fill(&s->base, f, reader, err);
	if (!status) status = check_sounds(s, f, err);
	if (!status) status = eg_broken_end(&s->base, part, before, f->n + eg_broken_count(&s->base) - before, err);
	if (!status && f->n == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has no %s to make a record of", f->file, s->one);
	if (!status) eg_latin1_remark(&s->base, part, f->latin1);
	if (!status && s->fields.tags >= 0) count_strays(f);
	return status;
}

eg_status eg_shelf_take(eg_source *base, eg_shelf_fill fill, eg_reader *reader, eg_error *err) {
	eg_shelf_source *s = (eg_shelf_source *)base;
	bool known[EG_MAX_FIELDS] = {false};
	for (int i = 0; i < base->nfields; i++) known[i] = base->fields[i].names != NULL;
	eg_shelf_close(base);
	for (int i = 0; i < EG_PARTS; i++) base->count[i] = 0;
	eg_status status = fill_shelf(s, EG_PART_TRAIN, &s->own, fill, reader, err);
	if (!status) status = name_field(s, false, err);
	if (!status) status = name_field(s, true, err);
	if (!status) status = number_all(s, EG_PART_TRAIN, &s->own, err);
	if (!status) status = cut(s, err);
	s->ready = !status;
	if (!status) return EG_OK;
	eg_shelf_close(base);
	for (int i = 0; i < base->nfields; i++)
		if (!known[i]) eg_source_forget_names(base, i);
	return status;
}

/* The own file is needed for every part: it tells the classes. */
static eg_status prepare_own(eg_shelf_source *s, eg_shelf_fill fill, eg_error *err) {
	eg_reader *reader = NULL;
	if (s->ready) return EG_OK;
	eg_status status = eg_source_reader(&s->base, 0, &reader, err);
	if (!status) status = eg_shelf_take(&s->base, fill, reader, err);
	eg_reader_close(reader);
	return status;
}

static eg_status prepare_part(eg_source *base, eg_part part, eg_shelf_fill fill, eg_error *err) {
	eg_shelf_source *s = (eg_shelf_source *)base;
	eg_reader *reader = NULL;
	if (part == EG_PART_VALIDATION && !s->part_of) return EG_OK;
	eg_status status = prepare_own(s, fill, err);
	if (status || part != EG_PART_TEST) return status;
	if (!s->test_path) {
		if (base->count[part] == 0 && s->part_of)
			eg_source_remark_on(base, part, "no %s falls into the test part by its rule", s->one);
		else if (base->count[part] == 0 && base->type->info.path == EG_DATA_PATH_SET)
			eg_source_remark_on(base, part,
			        "the set has no test part: give 'test', a share of it, or judge by folds (`engram train --folds 10`)");
		else if (base->count[part] == 0)
			eg_source_remark_on(base, part,
			        "there are no test %s: give 'test', a share of the file, 'test_last', how many at its end, or "
			        "'test_path', another file",
			        s->many);
		return EG_OK;
	}
	eg_shelf_free(&s->other); /* of an attempt that failed */
	status = eg_reader_file(s->test_path, &reader, err);
	if (!status) status = fill_shelf(s, part, &s->other, fill, reader, err);
	eg_reader_close(reader);
	if (!status) status = number_all(s, part, &s->other, err);
	base->count[part] = s->other.n;
	if (status) eg_shelf_free(&s->other);
	return status;
}

eg_status eg_shelf_prepare(eg_source *base, eg_part part, eg_shelf_fill fill, eg_error *err) {
	const eg_shelf_source *s = (const eg_shelf_source *)base;
	eg_status status = prepare_part(base, part, fill, err);
	const eg_shelf *f = part == EG_PART_TEST && s->test_path ? &s->other : &s->own;
	if (!status && base->count[part] > 0 && f->strays > 0)
		eg_source_remark_more(base, part,
		        "%lld of the tags I-... follow none of their type (the first: %s:%lld); each counts as the beginning of one",
		        (long long)f->strays, f->file, (long long)f->stray_line);
	return status;
}

static void put(eg_record *r, int field, unsigned wanted, eg_datum d) {
	if (field < 0 || !(wanted & 1u << field)) return;
	d.there = true;
	r->fields[field] = d;
}

eg_status eg_shelf_read(const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const eg_shelf_source *s = (const eg_shelf_source *)base;
	bool other = part == EG_PART_TEST && s->test_path;
	const eg_shelf *f = other ? &s->other : &s->own;
	const eg_item *x = &f->at[other ? (uint32_t)i : s->items[part][i]];
	const eg_shelf_fields *at = &s->fields;
	put(r, at->text, wanted, (eg_datum){.text = {x->text, x->text_size}});
	put(r, at->answer, wanted, (eg_datum){.text = {x->answer, x->answer_size}});
	put(r, at->label, wanted, (eg_datum){.label = x->label});
	put(r, at->numbers, wanted, (eg_datum){.numbers = {x->nnumbers, x->numbers}});
	put(r, at->target, wanted, (eg_datum){.numbers = {x->ntarget, x->target}});
	put(r, at->tokens, wanted, (eg_datum){.tokens = {x->ntokens, (const char *const *)x->tokens}});
	put(r, at->tags, wanted, (eg_datum){.tags = {x->ntokens, x->tags}});
	if (at->series >= 0)
		put(r, at->series, wanted,
		        (eg_datum){.series = {x->steps, base->fields[at->series].columns, x->series, x->times}});
	r->group = x->group;
	if (x->id) r->id = x->id;
	r->place = x->sound ? x->sound : eg_record_printf(r, "%s:%lld", x->file ? x->file : f->file, (long long)x->line);
	if (!r->place) return eg_record_no_memory(err);
	if (at->sound < 0 || !(wanted & 1u << at->sound)) return EG_OK;
	eg_datum_sound sound;
	eg_status status = eg_sound_load(s->tree, x->sound, r, &sound, err);
	if (!status) put(r, at->sound, wanted, (eg_datum){.sound = sound});
	return status;
}
