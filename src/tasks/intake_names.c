/* intake_names.c - fields that say classes: a label, a tag for each token or step, a class for each pixel. A model
 * keeps the names in the order of its numbers; what another source calls them is looked up by name. */
#include "tasks/intake_names.h"

#include <string.h>

static eg_status no_memory(eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for the names of classes");
}

void eg_names_close(eg_intake *f) {
	eg_names_intake *n = (eg_names_intake *)f;
	eg_lexicon_free(&n->names);
	eg_release(NULL, n->map);
	eg_release(NULL, n->begins);
}

const eg_lexicon *eg_intake_names(const eg_intake *f) { return &((const eg_names_intake *)f)->names; }

int32_t eg_intake_label(const eg_intake *f, int32_t label) {
	const eg_names_intake *n = (const eg_names_intake *)f;
	if (label < 0 || !n->map) return label;
	return label < n->nmap ? n->map[label] : -1;
}

void eg_intake_allow_unknown(eg_intake *f, bool allow) { ((eg_names_intake *)f)->allows_unknown = allow; }
void eg_intake_allow_others(eg_intake *f) { ((eg_names_intake *)f)->allows_others = true; }

bool eg_names_known(const eg_intake *f) { return ((const eg_names_intake *)f)->known; }
int eg_names_count(const eg_intake *f) { return ((const eg_names_intake *)f)->names.n; }

static const char *what(const eg_intake *f) { return f->type->kind == EG_FIELD_TAGS ? "tag" : "class"; }

/* The source's own names are the model's. */
eg_status eg_names_begin(eg_intake *f, const eg_field *field, eg_error *err) {
	eg_names_intake *n = (eg_names_intake *)f;
	eg_lexicon_free(&n->names);
	for (int i = 0; i < field->nnames; i++) {
		int k = eg_lexicon_put(&n->names, field->names[i]);
		if (k < 0) return no_memory(err);
		if (k != i) return eg_fail(err, EG_ERR_ARG, "the %s '%s' is there twice", what(f), field->names[i]);
	}
	if (n->names.n == 0) return eg_fail(err, EG_ERR_ARG, "the data does not say which %ss there are", what(f));
	n->known = true;
	return EG_OK;
}

eg_status eg_names_meet(eg_intake *f, const eg_field *field, eg_error *err) {
	eg_names_intake *n = (eg_names_intake *)f;
	eg_release(NULL, n->map);
	n->map = eg_calloc(NULL, (size_t)field->nnames + 1, sizeof *n->map);
	if (!n->map) return no_memory(err);
	n->nmap = field->nnames;
	for (int i = 0; i < field->nnames; i++) {
		n->map[i] = eg_lexicon_find(&n->names, field->names[i]);
		if (n->map[i] >= 0 || n->allows_others || (n->allows_unknown && !strcmp(field->names[i], "unknown"))) continue;
		const char *meant = eg_did_you_mean(field->names[i], n->names.at, n->names.n);
		return eg_fail(err, EG_ERR_SHAPE,
		        "the data has a %s '%s', which is not among the %d that the model knows (%s%s%s", what(f),
		        field->names[i], n->names.n, meant ? "is it '" : "", meant ? meant : n->names.at[0],
		        meant ? "'?)" : ", ...): take it out of the data, or train a model with it");
	}
	return EG_OK;
}

void eg_names_save(const eg_intake *f, eg_value *map) {
	const eg_names_intake *n = (const eg_names_intake *)f;
	eg_value *list = eg_value_put_list(map, f->type->kind == EG_FIELD_TAGS ? "tags" : "classes");
	for (int i = 0; i < n->names.n; i++) eg_value_put_text(list, NULL, n->names.at[i]);
}

eg_status eg_names_restore(eg_intake *f, const eg_value *map, eg_error *err) {
	eg_names_intake *n = (eg_names_intake *)f;
	const eg_value *list = eg_value_get(map, f->type->kind == EG_FIELD_TAGS ? "tags" : "classes");
	eg_lexicon_free(&n->names);
	if (eg_value_count(list) < 1) return eg_fail(err, EG_ERR_FORMAT, "damaged: the %s names are missing", what(f));
	for (const eg_value *v = eg_value_first(list); v; v = eg_value_next(v)) {
		const char *name = eg_value_text(v);
		if (!name) return eg_fail(err, EG_ERR_FORMAT, "damaged: a %s name is not a text", what(f));
		int before = n->names.n, k = eg_lexicon_put(&n->names, name);
		if (k < 0) return no_memory(err);
		if (k != before)
			return eg_fail(err, EG_ERR_FORMAT, "damaged: the %s '%s' is there twice", what(f), name);
	}
	n->known = true;
	return EG_OK;
}

/* ---- a label ----------------------------------------------------------------------------------------------------- */

/* Shares of all classes, of a sample whose label is one or is mixed; of one without a label none. */
static void fill_shares(const eg_intake *f, const eg_intake_fill *a) {
	const int classes = (int)a->dims.d[1];
	eg_real *out = a->slot;
	memset(out, 0, (size_t)a->n * (size_t)classes * sizeof *out);
	for (int i = 0; i < a->n; i++, out += classes) {
		const eg_datum *d = a->data[i];
		const float one = 1;
		const eg_shares plain = {1, &d->label, &one}, *s = d->shares ? d->shares : &plain;
		for (int k = 0; k < s->n && d->there; k++) {
			const int32_t label = eg_intake_label(f, s->label[k]);
			if (label >= 0 && label < classes) out[label] += (eg_real)s->share[k];
		}
	}
}

static eg_status fill_label(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int32_t *out = a->slot;
	EG_UNUSED(err);
	if (a->dims.rank == 2) {
		fill_shares(f, a);
		return EG_OK;
	}
	for (int i = 0; i < a->n; i++) {
		int32_t label = a->data[i]->there ? eg_intake_label(f, a->data[i]->label) : -1;
		out[i] = label < 0 ? f->pad : label;
	}
	return EG_OK;
}

/* The name of a class. */
static eg_status label_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d, int *remark, eg_error *err) {
	const eg_lexicon *names = eg_intake_names(f);
	EG_UNUSED(r), EG_UNUSED(remark);
	const int label = eg_value_text(v) ? eg_lexicon_find(names, eg_value_text(v)) : -1;
	if (!eg_value_text(v)) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be the name of a class, a text", name, f->name);
	if (label < 0) {
		const char *meant = eg_did_you_mean(eg_value_text(v), names->at, names->n);
		return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' is '%s', which is not among the %d that the model knows (%s%s%s)", name, f->name,
			eg_value_text(v), names->n, meant ? "is it '" : "", meant ? meant : names->at[0], meant ? "'?" : ", ...");
	}
	*d = (eg_datum){.there = true, .label = label};
	return EG_OK;
}

const eg_intake_type eg_intake_label_type = {.kind = EG_FIELD_LABEL,
	.size = sizeof(eg_names_intake),
	.close = eg_names_close,
	.is_known = eg_names_known,
	.begin = eg_names_begin,
	.fill = fill_label,
	.decode_json = label_json,
	.save = eg_names_save,
	.restore = eg_names_restore,
	.meet = eg_names_meet,
	.count = eg_names_count,
	.word = "classes"};

/* ---- tags -------------------------------------------------------------------------------------------------------- */

static int32_t find_begin(const eg_lexicon *names, int k) {
	char name[256];
	const char *tag = names->at[k];
	if (strncmp(tag, "I-", 2) != 0) return -1;
	return snprintf(name, sizeof name, "B-%s", tag + 2) < (int)sizeof name ? eg_lexicon_find(names, name) : -1;
}

static eg_status find_begins(eg_names_intake *n, eg_error *err) {
	eg_release(NULL, n->begins);
	n->begins = eg_calloc(NULL, (size_t)n->names.n, sizeof *n->begins);
	if (!n->begins) return no_memory(err);
	for (int k = 0; k < n->names.n; k++) n->begins[k] = find_begin(&n->names, k);
	return EG_OK;
}

bool eg_intake_spans(const eg_intake *f) {
	const eg_names_intake *n = (const eg_names_intake *)f;
	int inside = 0, begun = 0;
	for (int k = 0; k < n->names.n; k++) {
		inside += strncmp(n->names.at[k], "I-", 2) == 0;
		begun += n->begins[k] >= 0;
	}
	return inside > 0 && begun == inside;
}

static eg_status begin_tags(eg_intake *f, const eg_field *field, eg_error *err) {
	eg_status status = eg_names_begin(f, field, err);
	return status ? status : find_begins((eg_names_intake *)f, err);
}

static eg_status restore_tags(eg_intake *f, const eg_value *map, eg_error *err) {
	eg_status status = eg_names_restore(f, map, err);
	return status ? status : find_begins((eg_names_intake *)f, err);
}

/* The tag of step t as the model counts. An I-X that follows no X begins one: where there is a B-X, it is read as
 * that. */
static int32_t tag_of(const eg_names_intake *n, const eg_datum *d, int t) {
	const int32_t k = eg_intake_label(&n->base, d->tags.at[t]);
	if (k < 0 || n->begins[k] < 0) return k;
	const int32_t before = t > 0 ? eg_intake_label(&n->base, d->tags.at[t - 1]) : -1;
	return eg_tag_may_follow(n->names.at[k], before >= 0 ? n->names.at[before] : NULL) ? k : n->begins[k];
}

static eg_status fill_tags(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int32_t *out = a->slot;
	EG_UNUSED(err);
	for (int t = -f->delay; t < a->time - f->delay; t++)
		for (int i = 0; i < a->n; i++) {
			const eg_datum *d = a->data[i];
			*out++ = d->there && t >= 0 && t < d->tags.n ? tag_of((const eg_names_intake *)f, d, t) : f->pad;
		}
	return EG_OK;
}

static eg_status tags_extent(
	const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	EG_UNUSED(r), EG_UNUSED(axis), EG_UNUSED(err);
	*size = d->tags.n + f->delay;
	return EG_OK;
}

const eg_intake_type eg_intake_tags_type = {.kind = EG_FIELD_TAGS,
	.size = sizeof(eg_names_intake),
	.close = eg_names_close,
	.is_known = eg_names_known,
	.begin = begin_tags,
	.extent = tags_extent,
	.fill = fill_tags,
	.save = eg_names_save,
	.restore = restore_tags,
	.meet = eg_names_meet,
	.count = eg_names_count,
	.word = "classes"};

/* ---- masks ------------------------------------------------------------------------------------------------------- */

/* The nearest pixel's class, where the network sees a smaller or larger picture; beyond the picture and where there is
 * no class, -100. */
static eg_status fill_mask(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int H = (int)a->dims.d[1], W = (int)a->dims.d[2];
	int32_t *out = a->slot;
	EG_UNUSED(err);
	for (int i = 0; i < a->n; i++) {
		const eg_datum *d = a->data[i];
		int h = d->there ? d->mask.H : 0, w = d->there ? d->mask.W : 0;
		bool stretch = !f->padded; /* the network's size is fixed: the picture was brought to it */
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++) {
				int v = stretch && h ? (int)(((int64_t)2 * y + 1) * h / (2 * H)) : y;
				int u = stretch && w ? (int)(((int64_t)2 * x + 1) * w / (2 * W)) : x;
				int k = v < h && u < w ? d->mask.classes[(ptrdiff_t)v * w + u] : EG_VOID;
				int label = k == EG_VOID ? -1 : eg_intake_label(f, k);
				*out++ = label < 0 ? f->pad : label;
			}
	}
	return EG_OK;
}

const eg_intake_type eg_intake_mask_type = {.kind = EG_FIELD_MASK,
	.size = sizeof(eg_names_intake),
	.close = eg_names_close,
	.is_known = eg_names_known,
	.begin = eg_names_begin,
	.fill = fill_mask,
	.save = eg_names_save,
	.restore = eg_names_restore,
	.meet = eg_names_meet,
	.count = eg_names_count,
	.word = "classes"};
