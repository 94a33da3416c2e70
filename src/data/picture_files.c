/* picture_files.c - labelled pictures in files, of which a source has made a list: they are decoded at once and kept,
 * when all of them take no more memory than the key `memory` says, else whenever they are asked for, so that a set
 * may be larger than the memory.
 *
 * Not here: which files there are (source_folder.c and others), decoding and resizing (picture.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <string.h>
#include <unistd.h>

enum { PICTURE, LABEL };

/* ---- reading them ------------------------------------------------------------------------------------------------ */

typedef struct reading {
	const eg_picture_files *list;
	const eg_data_options *o;
	eg_source *source; /* that gathers broken pictures; NULL: the first is an error (eg_data_load) */
	eg_pictures set;   /* pixels are asked for when the size is known: here, or with the first picture */
	bool decoded;      /* they are kept */
	double wanted;     /* bytes for that, with all that is kept already */
	const char *first;
	int64_t looked_at;
} reading;

static eg_status no_memory(const reading *r, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read the pictures in '%s': out of memory", eg_files_top(r->list->tree));
}

/* What the list of them takes. */
static double names_of(const eg_picture_files *l) {
	double bytes = (double)eg_files_memory(l->tree);
	for (int64_t i = 0; i < l->n; i++) bytes += (double)(sizeof l->at[i] + sizeof l->at[i].label + strlen(l->at[i].path) + 1);
	return bytes;
}

/* Room for all, if this machine can hold them, and the source may. */
static eg_status make_room(reading *r, int64_t count, eg_error *err) {
	eg_pictures *p = &r->set;
	double one = (double)p->C * p->H * p->W, bytes = one * (double)count;
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	double memory = pages > 0 && page > 0 ? (double)pages * (double)page : 0;
	r->wanted = bytes + (r->source ? (double)r->source->kept + names_of(r->list) : 0);
	r->decoded = !r->source || (!r->source->own_sizes && r->wanted <= (double)r->source->memory * 1e6);
	if (r->decoded && one <= INT32_MAX && bytes < (double)(SIZE_MAX / 4) && (memory == 0 || bytes < memory))
		p->pixels = eg_block_new(r->o->allocator, (size_t)bytes);
	if (p->pixels || !r->decoded) return EG_OK;
	return eg_fail(err, EG_ERR_MEMORY,
	        "no memory for the %lld pictures in '%s': as %d x %d x %d bytes each they take %.0f MB (this machine "
	        "has %.0f MB); read fewer (limit), or make them smaller (input)",
	        (long long)count, eg_files_top(r->list->tree), p->C, p->H, p->W, bytes / 1e6, memory / 1e6);
}

static eg_status odd_size(
	const eg_picture *pic, const char *path, const eg_pictures *p, const char *first, eg_error *err) {
	return eg_fail(err, EG_ERR_SHAPE,
	        "'%s' is %d x %d x %d (channels, height, width), but '%s' is %d x %d x %d; say to which size they are "
	        "to be brought",
	        path, pic->C, pic->H, pic->W, first, p->C, p->H, p->W);
}

static int64_t most(const eg_picture_files *l) { return l->most > 0 && l->most < l->n ? l->most : l->n; }

/* No size was asked for: that of the first picture is everyone's. */
static eg_status agree(reading *r, const eg_picture *pic, const char *path, eg_error *err) {
	eg_pictures *p = &r->set;
	if (!r->first) {
		p->C = pic->C, p->H = pic->H, p->W = pic->W;
		r->first = path;
		return make_room(r, most(r->list), err);
	}
	return pic->C == p->C && pic->H == p->H && pic->W == p->W ? EG_OK : odd_size(pic, path, p, r->first, err);
}

/* The next picture, which is decoded where it is kept, where its size is everyone's, and where broken ones are to be
 * left out. */
static eg_status read_picture(reading *r, const eg_picture_file *f, eg_error *err) {
	eg_picture pic = {0};
	eg_picture_options o = {.allocator = r->o->allocator, .shrink = true};
	eg_pictures *p = &r->set;
	r->looked_at++;
	const bool own_sizes = r->source && r->source->own_sizes;
	const bool needed = !own_sizes && (r->decoded || (r->source && r->source->skip_broken) || (!r->o->C && !r->first));
	eg_error why = {EG_OK, ""};
	eg_status status = needed ? eg_picture_read(r->list->tree, f->path, &o, &pic, &why) : EG_OK;
	if (status) return r->source ? eg_broken_add(r->source, status, &why, err) : eg_fail(err, status, "%s", why.message);
	if (needed && !r->o->C) status = agree(r, &pic, f->path, err);
	if (!status && r->decoded) {
		const size_t n = (size_t)p->C * (size_t)p->H * (size_t)p->W;
		status = eg_picture_bytes(&pic, p->C, p->H, p->W, p->pixels + (size_t)p->count * n, err);
	}
	eg_picture_free(&pic);
	r->list->at[p->count] = *f;
	p->labels[p->count++] = f->label;
	return status;
}

static eg_status read_all(reading *r, eg_part part, eg_error *err) {
	const eg_picture_files *l = r->list;
	const int64_t before = r->source ? eg_broken_count(r->source) : 0, wanted = most(l);
	r->set = (eg_pictures){.C = r->o->C, .H = r->o->H, .W = r->o->W, .classes = l->nclasses, .allocator = r->o->allocator};
	r->set.labels = eg_calloc(r->o->allocator, (size_t)wanted + 1, sizeof *r->set.labels);
	eg_status status = !r->set.labels ? no_memory(r, err) : r->o->C ? make_room(r, wanted, err) : EG_OK;
	for (int64_t i = 0; i < l->n && r->set.count < wanted && !status; i++) status = read_picture(r, &l->at[i], err);
	return status || !r->source ? status : eg_broken_end(r->source, part, before, r->looked_at, err);
}

static eg_status read_set(reading *r, eg_part part, eg_pictures **out, eg_error *err) {
	eg_status status = read_all(r, part, err);
	*out = NULL;
	if (status) {
		eg_block_free(r->o->allocator, r->set.pixels);
		eg_release(r->o->allocator, r->set.labels);
		return status;
	}
	*out = eg_pictures_new(r->o->allocator, &r->set, r->list->classes); /* takes pixels and labels over */
	return *out ? EG_OK : no_memory(r, err);
}

eg_status eg_picture_files_load(
	const eg_picture_files *list, const eg_data_options *o, eg_pictures **out, eg_error *err) {
	reading r = {.list = list, .o = o};
	return read_set(&r, EG_PART_TRAIN, out, err);
}

/* ---- as a source ------------------------------------------------------------------------------------------------- */

eg_status eg_file_source_open(eg_file_source *s, const char *path, eg_error *err) {
	return s->tree ? EG_OK : eg_files_open(path, &s->tree, err);
}

eg_status eg_file_source_put(eg_file_source *s, eg_part part, const eg_picture_files *list, eg_error *err) {
	eg_source *base = &s->pictures.base;
	eg_pictures *set;
	const eg_data_options o = {.C = base->want[0], .H = base->want[1], .W = base->want[2]};
	reading r = {.list = list, .o = &o, .source = base};
	eg_status status = read_set(&r, part, &set, err);
	if (status) return status;
	s->good[part] = list->at;
	eg_files_remark(s->tree, base, part);
	if (!set->pixels && !base->own_sizes)
		eg_source_remark_more(base, part,
		        "the pictures are decoded whenever they are asked for: all take %.0f MB, more than 'memory: %lld'",
		        r.wanted / 1e6, (long long)base->memory);
	return eg_picture_source_put(base, part, set, err);
}

/* Decodes the picture of a set that has no pixels into room of the record. */
static eg_status decode(const eg_file_source *s, eg_part part, int64_t i, eg_record *r, eg_error *err) {
	const eg_pictures *p = s->pictures.sets[part];
	const eg_picture_options o = {.shrink = true};
	const eg_picture_file *good = s->good[part];
	const bool own_sizes = s->pictures.base.own_sizes;
	eg_picture pic;
	eg_status status = eg_picture_read(s->tree, good[i].path, &o, &pic, err);
	if (status) return status;
	const int C = own_sizes ? pic.C : p->C, H = own_sizes ? pic.H : p->H, W = own_sizes ? pic.W : p->W;
	uint8_t *out = eg_record_room(r, (size_t)C * (size_t)H * (size_t)W);
	if (!out)
		status = eg_record_no_memory(err);
	else if (own_sizes || s->pictures.base.want[0] || (pic.C == p->C && pic.H == p->H && pic.W == p->W))
		status = eg_picture_bytes(&pic, C, H, W, out, err);
	else
		status = odd_size(&pic, good[i].path, p, good[0].path, err);
	eg_picture_free(&pic);
	r->fields[PICTURE] = (eg_datum){.there = !status, .picture = {C, H, W, out}};
	return status;
}

eg_status eg_file_source_read(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const eg_file_source *s = (const eg_file_source *)base;
	const unsigned picture = s->pictures.sets[part]->pixels ? 0 : wanted & 1u << PICTURE;
	eg_status status = eg_picture_source_read(base, part, i, wanted & ~picture, r, err);
	if (!status && s->good[part]) {
		const char *top = eg_files_top(s->tree);
		r->place = s->good[part][i].path;
		r->id = r->place + strlen(top) + (strcmp(top, "/") != 0);
		r->group = s->good[part][i].group;
	}
	return status || !picture ? status : decode(s, part, i, r, err);
}

void eg_file_source_close(eg_source *base) {
	eg_file_source *s = (eg_file_source *)base;
	eg_files_close(s->tree);
	eg_pool_free(&s->texts);
	eg_picture_source_close(base);
}
