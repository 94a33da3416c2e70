/* augment.c - `augment` of a recipe: the list is read and compared with the task's fields, and training records go
 * through it before they become numbers.
 * A picture is brought to the size of the network's input first, its mask and boxes with it: so pixels in the recipe
 * are those that the network sees.
 * Not here: what the kinds do (src/data/augment*.c). */
#include "tasks/samples.h"

#include <math.h>
#include <string.h>

/* ---- reading the list -------------------------------------------------------------------------------------------- */

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for augmentations"); }

static unsigned kinds_of(const eg_task *t, int from, int to) {
	unsigned kinds = 0;
	for (int i = from; i < to; i++) kinds |= 1u << t->intakes[i]->type->kind;
	return kinds;
}

/* "picture, label": the kinds among these, into buf. */
static const char *list_kinds(unsigned kinds, char *buf, size_t size) {
	size_t n = 0;
	buf[0] = '\0';
	for (int k = 0; k < EG_FIELD_KINDS && n + 1 < size; k++)
		if (kinds >> k & 1)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "", eg_field_kind_name((eg_field_kind)k));
	return buf;
}

/* The row of this name that suits the inputs, else any of this name; NULL: there is none. */
static const eg_augment_type *find(const char *word, unsigned inputs) {
	const eg_augment_type *any = NULL, *type;
	for (int i = 0; (type = eg_augment_at(i)) != NULL; i++) {
		if (strcmp(type->name, word) != 0) continue;
		if (type->works_on & inputs) return type;
		if (!any) any = type;
	}
	return any;
}

enum { MAX_KINDS = 64 };
static eg_status no_such(const eg_tree *t, const char *word, eg_error *err) {
	const char *names[MAX_KINDS];
	int n = 0;
	for (int i = 0; eg_augment_at(i) && n < MAX_KINDS; i++) {
		const char *name = eg_augment_at(i)->name;
		int twin = 0;
		while (twin < n && strcmp(names[twin], name) != 0) twin++;
		if (twin == n) names[n++] = name;
	}
	return eg_keys_no_such(t, word, "augmentation", names, n, err);
}

/* Would it make sense for this network? */
static eg_status check_inputs(const eg_task *t, const eg_augment_type *type, const eg_tree *at, eg_error *err) {
	for (int i = 0; i < t->nasked; i++) {
		const eg_intake *f = t->intakes[i];
		if (f->type->kind == EG_FIELD_TEXT && type->works_on & 1u << EG_FIELD_TEXT &&
			eg_intake_text_keys(f)->unit == EG_UNIT_BYTE)
			return eg_tree_fail(err, at, EG_ERR_ARG, "augmentation '%s' makes units unknown, but no byte is: take "
				"'unit: char' or 'unit: word'", type->name);
		if (f->type->kind != EG_FIELD_PICTURE) continue;
		bool open = false;
		for (int k = 0; k < f->sample.rank; k++) open |= f->sample.d[k] < 0;
		const bool grey = f->sample.rank == 2 || (f->sample.rank == 3 && f->sample.d[0] == 1);
		if (type->colour && grey)
			return eg_tree_fail(err, at, EG_ERR_ARG,
				"augmentation '%s' changes colours, but the input '%s' is grey: leave it out", type->name, f->input);
		if (type->one_size && (open || f->sample.rank < 2))
			return eg_tree_fail(err, at, EG_ERR_ARG,
				"augmentation '%s' puts several pictures together, so '%s' must have one height and width, and no words",
				type->name, f->input);
	}
	return EG_OK;
}

/* A label becomes shares of classes only where its loss takes them. */
static eg_status check_losses(const eg_task *t, const eg_augment_type *type, const eg_tree *at, eg_error *err) {
	for (int i = 0; i < eg_recipe_losses(t->recipe) && type->mixes_classes; i++) {
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(t->recipe, i);
		for (int k = t->ninputs; k < t->nintakes; k++) {
			const eg_intake *f = t->intakes[k];
			if (strcmp(f->input, loss->input) != 0 || f->type->kind != EG_FIELD_LABEL) continue;
			if (!loss->soft)
				return eg_tree_fail(err, at, EG_ERR_ARG,
					"augmentation '%s' mixes classes, which the loss '%s' cannot judge; take cross_entropy", type->name,
					loss->op->name);
		}
	}
	return EG_OK;
}

static eg_status check(const eg_task *t, const eg_augment_type *type, const eg_tree *at, eg_error *err) {
	char works[100], has[100];
	const unsigned inputs = kinds_of(t, 0, t->ninputs), all = kinds_of(t, 0, t->nintakes);
	if (t->type->load)
		return eg_tree_fail(err, at, EG_ERR_ARG, "the task '%s' makes its own samples of a text; they cannot be augmented",
			t->type->info.name);
	if (!(type->works_on & inputs))
		return eg_tree_fail(err, at, EG_ERR_ARG, "augmentation '%s' is for an input of the kind %s, but this network's is %s",
			type->name, list_kinds(type->works_on, works, sizeof works), list_kinds(inputs, has, sizeof has));
	if (type->talks && t->type->reads != &eg_intake_turns_type)
		return eg_tree_fail(err, at, EG_ERR_ARG, "augmentation '%s' is for talks with their answers, the task 'reply', not for '%s'",
			type->name, t->type->info.name);
	if (type->refuses & all)
		return eg_tree_fail(err, at, EG_ERR_ARG, "augmentation '%s' does not go with a field of the kind %s: %s", type->name,
			list_kinds(type->refuses & all, has, sizeof has), type->why);
	eg_status status = check_inputs(t, type, at, err);
	return status ? status : check_losses(t, type, at, err);
}

/* `rotate: 15` is `rotate: {degrees: 15}`. */
static eg_status read_short(eg_task *t, const eg_augment_type *type, const eg_tree *value, void *options, eg_error *err) {
	char where[64], got[64];
	snprintf(where, sizeof where, "augmentation '%s'", type->name);
	for (int i = 0; i < type->keys.n && type->shorthand; i++)
		if (!strcmp(type->keys.keys[i].name, type->shorthand))
			return eg_key_read(&t->arena, &type->keys.keys[i], value, options, where, err);
	return eg_tree_fail(err, value, EG_ERR_FORMAT, "%s has no value of its own, but keys: write {%s: {KEY: VALUE}}, not %s",
		where, type->name, eg_tree_describe(value, got, sizeof got));
}

static eg_status read_entry(eg_task *t, const eg_tree *entry, eg_augment_entry *out, eg_error *err) {
	const char *word;
	char where[64];
	const eg_tree *value = NULL, *single = NULL;
	if (entry->kind == EG_TREE_MAP && entry->count == 1 && entry->first->kind == EG_TREE_SCALAR &&
		!eg_tree_is_nothing(entry->first))
		single = entry->first, word = single->key;
	eg_status status = single ? EG_OK : eg_choice_read(entry, "an augmentation", &word, &value, err);
	if (status) return status;
	const eg_augment_type *type = find(word, kinds_of(t, 0, t->ninputs));
	if (!type) return no_such(entry, word, err);
	status = check(t, type, entry, err);
	if (status) return status;
	out->type = type;
	eg_augment_options *o = out->options = eg_arena_alloc(&t->arena, type->size);
	if (!o) return no_memory(err);
	o->probability = type->usual;
	if (type->defaults) type->defaults(o);
	if (single) return read_short(t, type, single, o, err);
	snprintf(where, sizeof where, "augmentation '%s'", type->name);
	const eg_key_set sets[] = {{&eg_augment_probability, 1, o}, {type->keys.keys, type->keys.n, o}};
	status = eg_keys_read(&t->arena, value, entry, sets, EG_COUNT(sets), where, err);
	const char *wrong = !status && type->check ? type->check(o) : NULL;
	return wrong ? eg_tree_fail(err, entry, EG_ERR_ARG, "%s: %s", where, wrong) : status;
}

enum { MIXING_MOST = 4 };
eg_status eg_augments_read(eg_task *t, eg_error *err) {
	const eg_tree *list = eg_tree_get(t->recipe->root, "augment");
	char got[64];
	t->augments = NULL, t->naugments = 0;
	if (eg_tree_is_nothing(list)) return EG_OK;
	if (list->kind != EG_TREE_LIST)
		return eg_tree_fail(err, list, EG_ERR_FORMAT, "'augment' must be a list such as [flip, crop: {pad: 4}], not %s",
			eg_tree_describe(list, got, sizeof got));
	t->augments = eg_arena_alloc(&t->arena, ((size_t)list->count + 1) * sizeof *t->augments);
	if (!t->augments) return no_memory(err);
	eg_status status = EG_OK;
	int mixing = 0;
	for (const eg_tree *c = list->first; c && !status; c = c->next) {
		status = read_entry(t, c, &t->augments[t->naugments], err);
		if (status) break;
		mixing += t->augments[t->naugments++].type->one_size;
		if (mixing > MIXING_MOST)
			status = eg_tree_fail(err, c, EG_ERR_ARG,
				"more than %d entries that put records together: each reads those that the ones before it read, again",
				MIXING_MOST);
	}
	return status;
}

/* ---- for the schema ---------------------------------------------------------------------------------------------- */

const eg_variant *eg_augment_variants(eg_arena *arena) {
	const int n = eg_augment_count();
	eg_variant *v = eg_arena_alloc(arena, ((size_t)n + 1) * sizeof *v);
	for (int i = 0; i < n && v; i++) {
		const eg_augment_type *type = eg_augment_at(i);
		eg_key *keys = eg_arena_alloc(arena, ((size_t)type->keys.n + 1) * sizeof *keys);
		if (!keys) return NULL;
		if (type->keys.n) memcpy(keys, type->keys.keys, (size_t)type->keys.n * sizeof *keys);
		keys[type->keys.n] = eg_augment_probability;
		keys[type->keys.n].def = type->usual;
		v[i] = (eg_variant){type->name, i, keys, type->keys.n + 1, type->doc};
	}
	return v;
}

/* ---- the size that the network sees ------------------------------------------------------------------------------ */

/* To H x W pixels, each of which is the nearest one's class. */
static eg_status fit_mask(eg_record *r, eg_datum_mask *m, int H, int W, eg_error *err) {
	if (m->H == H && m->W == W) return EG_OK;
	uint8_t *out = eg_record_room(r, (size_t)H * (size_t)W + 1), *to = out;
	if (!out) return eg_record_no_memory(err);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			*to++ = m->classes[((int64_t)2 * y + 1) * m->H / (2 * H) * m->W + ((int64_t)2 * x + 1) * m->W / (2 * W)];
	*m = (eg_datum_mask){H, W, out};
	return EG_OK;
}

static eg_status fit_boxes(eg_record *r, eg_datum_boxes *b, double fy, double fx, eg_error *err) {
	eg_box *out = eg_record_room(r, ((size_t)b->n + 1) * sizeof *out);
	if (!out) return eg_record_no_memory(err);
	for (int i = 0; i < b->n; i++) {
		out[i] = b->at[i];
		out[i].x0 *= fx, out[i].x1 *= fx, out[i].y0 *= fy, out[i].y1 *= fy;
	}
	b->at = out;
	return EG_OK;
}

eg_status eg_samples_fit(const eg_task *t, eg_record *r, eg_error *err) {
	for (int i = 0; i < t->ninputs; i++) {
		const eg_intake *f = t->intakes[i];
		eg_datum *d = &r->fields[f->field];
		const uint8_t *pixels;
		int shape[3];
		if (f->type->kind != EG_FIELD_PICTURE || !d->there) continue;
		const double fy = 1.0 / d->picture.H, fx = 1.0 / d->picture.W;
		eg_status status = eg_intake_picture(f, d, r, &pixels, shape, err);
		if (status) return status;
		const bool same = shape[1] == d->picture.H && shape[2] == d->picture.W;
		d->picture = (eg_datum_picture){shape[0], shape[1], shape[2], pixels};
		for (int k = 0; k < t->source->nfields && !same && !status; k++) {
			eg_datum *o = &r->fields[k];
			if (o->there && t->source->fields[k].kind == EG_FIELD_MASK) status = fit_mask(r, &o->mask, shape[1], shape[2], err);
			if (o->there && t->source->fields[k].kind == EG_FIELD_BOXES)
				status = fit_boxes(r, &o->boxes, fy * shape[1], fx * shape[2], err);
		}
		return status;
	}
	return EG_OK;
}

/* ---- a record ---------------------------------------------------------------------------------------------------- */

/* What mixing asks for: records of the same part, each in memory of its own. */
typedef struct others {
	const eg_sample_part *part;
	eg_samples_room *room;
	uint64_t seed;
	int epoch, upto; /* they go through this many entries */
} others;

static eg_status augment(const others *o, int64_t at, eg_record *r, eg_error *err);
static int64_t item_at(const eg_sample_part *p, int64_t at) { return p->items ? p->items[at] : at; }

/* The next of the room's spare records, made when it is first needed. */
static eg_record *spare(eg_samples_room *room) {
	if (room->used_others == room->nothers) {
		if (room->nothers == EG_SAMPLES_OTHERS) return NULL;
		eg_record *r = eg_calloc(NULL, 1, sizeof *r);
		if (!r) return NULL;
		room->others[room->nothers++] = r;
	}
	return room->others[room->used_others++];
}

static eg_status read_other(void *user, int64_t at, const eg_record **out, eg_error *err) {
	const others *o = user;
	const eg_samples *s = o->part->samples;
	eg_record *r = spare(o->room);
	if (!r) return no_memory(err);
	*out = r;
	eg_status status = eg_source_read(s->task->source, o->part->from, item_at(o->part, at), s->wanted, r, err);
	return status ? status : augment(o, at, r, err);
}

static eg_status augment(const others *o, int64_t at, eg_record *r, eg_error *err) {
	const eg_task *t = o->part->samples->task;
	const int64_t item = item_at(o->part, at);
	eg_status status = eg_samples_fit(t, r, err);
	for (int i = 0; i < o->upto && !status; i++) {
		others before = *o;
		before.upto = i;
		eg_augment_call c = {.options = t->augments[i].options,
			.fields = t->source->fields,
			.nfields = t->source->nfields,
			.record = r,
			.draw = eg_draw_of(o->seed, o->epoch, item, i),
			.seed = o->seed,
			.epoch = o->epoch,
			.item = item,
			.at = at,
			.items = o->part->dataset.count,
			.other = read_other,
			.user = &before};
		/* not of `previous`, whose field is the target */
		for (int k = 0; k < t->nasked; k++) c.inputs |= 1u << t->intakes[k]->field;
		const int used = o->room->used_others;
		status = t->augments[i].type->apply(&c, err);
		o->room->used_others = used;
	}
	return status;
}

eg_status eg_samples_augment(const eg_sample_part *p, eg_samples_room *room, int64_t at, uint64_t seed, int epoch,
	eg_record *r, eg_error *err) {
	const eg_samples *s = p->samples;
	if (epoch < 0 || s->task->naugments == 0 || p != &s->parts[EG_PART_TRAIN]) return EG_OK;
	return augment(&(others){p, room, seed, epoch, s->task->naugments}, at, r, err);
}

eg_status eg_samples_show(const eg_samples *s, eg_part part, int64_t i, int epoch, eg_record *r, eg_error *err) {
	eg_samples all = *s; /* people are shown fields that no input needs, too */
	for (int k = 0; k < EG_PARTS; k++) all.parts[k].samples = &all;
	all.wanted = (1u << s->task->source->nfields) - 1;
	const eg_sample_part *p = &all.parts[part];
	eg_samples_room room = {0};
	if (!s->data[part] || s->task->type->load || i < 0 || i >= p->dataset.count)
		return eg_fail(err, EG_ERR_ARG, "there is no record %lld in the part '%s' of these samples", (long long)i,
			eg_part_name(part));
	eg_status status = eg_source_read(s->task->source, p->from, item_at(p, i), all.wanted, r, err);
	if (!status) status = eg_samples_augment(p, &room, i, eg_recipe_train(s->task->recipe)->seed, epoch, r, err);
	eg_samples_empty_room(&room);
	return status;
}
