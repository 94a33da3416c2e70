/* caption.c - the task `caption`: a sentence about a picture, or about a film (caption_film.c). The network looks at
 * the picture, and tells at each step what the next unit of the caption is, when it is told those before: its input
 * `previous` (T,N), its answer "logits" (T,N,units). Captions are written by beam search (desk.c).
 *
 * What is judged is the sentence as a whole (exact), against all that the data has of a picture; and, where captions
 * say which coloured things lie where ("a red boot above a green seven"), the things, their colours and their places
 * each by themselves, against the sentence of the data that is nearest. */
#include "tasks/caption.h"

#include <math.h>
#include <string.h>

const eg_key eg_caption_keys[EG_CAPTION_KEYS] = {EG_DESK_KEYS(eg_caption, keys)};

static eg_status open_task(eg_task *base, eg_error *err) {
	base->one = "picture", base->many = "pictures";
	if (base->intakes[0]->type->kind == EG_FIELD_FRAMES) {
		base->type = &eg_task_type_caption_films;
		return base->type->open(base, err);
	}
	return eg_desk_open(&((eg_caption *)base)->desk, err);
}

void eg_caption_defaults(eg_task *base) { ((eg_caption *)base)->keys = eg_desk_usual; }

void eg_caption_close(eg_task *base) { eg_desk_close(&((eg_caption *)base)->desk); }

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	return eg_desk_suits(t, g, &((const eg_caption *)t)->keys, "picture", err);
}

const char *const *eg_caption_outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_scribe_outputs(g);
}

/* ---- what a caption says ----------------------------------------------------------------------------------------- */

/* Such a sentence, as places in its text. */
enum { THINGS = 8 };
typedef struct word {
	const char *at;
	size_t n;
} word;
typedef struct scene {
	int n;
	word colour[THINGS], thing[THINGS], place[THINGS]; /* place: of thing k to the first, k > 0 */
} scene;

static word next_word(const char **s) {
	while (**s == ' ') ++*s;
	word w = {*s, strcspn(*s, " ")};
	*s += w.n;
	return w;
}
static bool is(word w, const char *text) { return w.n == strlen(text) && memcmp(w.at, text, w.n) == 0; }
static bool same(word a, word b) { return a.n > 0 && a.n == b.n && memcmp(a.at, b.at, a.n) == 0; }

/* false: it is no such sentence. */
static bool understand(const char *text, scene *out) {
	*out = (scene){0};
	for (const char *s = text;;) {
		word w = next_word(&s);
		if (out->n > 0) {
			if (w.n == 0) return true;
			if (out->n == THINGS) return false;
			if (out->n > 1 && is(w, "and")) w = next_word(&s);
			if (!is(w, "above") && !is(w, "below") && !is(w, "left") && !is(w, "right")) return false;
			out->place[out->n] = w;
			if (is(w, "left") || is(w, "right")) {
				w = next_word(&s);
				if (!is(w, "of")) return false;
			}
			w = next_word(&s);
		}
		if (!is(w, "a")) return false;
		out->colour[out->n] = next_word(&s);
		out->thing[out->n] = next_word(&s);
		if (!out->thing[out->n++].n) return false;
	}
}

bool eg_caption_compare(const char *text, const char *right, eg_caption_marks *marks) {
	scene said, meant;
	if (!understand(right, &meant)) return false;
	understand(text, &said);
	*marks = (eg_caption_marks){.all = meant.n};
	for (int k = 0; k < said.n && k < meant.n; k++) {
		marks->things += same(said.thing[k], meant.thing[k]);
		marks->colours += same(said.colour[k], meant.colour[k]);
		marks->places += k > 0 && same(said.place[k], meant.place[k]);
	}
	return true;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum { EXACT, OBJECT, COLOUR, PLACE, UNSEEN, LOSS, METRICS };
static const eg_metric_info metrics[METRICS] = {
	{.name = "exact", .doc = "captions that are one of the right ones; where the data tells new combinations, of the others", .share = true},
	{.name = "object", .doc = "things that are told, in their order", .share = true},
	{.name = "colour", .doc = "colours of things", .share = true},
	{.name = "place", .doc = "where they lie", .share = true},
	{.name = "exact_unseen", .doc = "exact, of combinations that training has not seen", .share = true},
	{.name = "loss", .doc = "nats a unit", .lower_is_better = true},
};

/* Of combinations that were seen, and of those that were not. */
typedef struct judge {
	eg_task_judge base;
	int64_t exact[2], all[2], things, places, right_things, right_colours, right_places;
} judge;

/* The field of the source that says whether a combination is new; -1: it has none. */
static int combination_field(const eg_task *t) { return eg_source_find_field(t->source, "combination"); }

static unsigned also(const eg_task *t) { return combination_field(t) >= 0 ? 1u << combination_field(t) : 0; }

static bool is_unseen(const eg_task *t, const eg_row *r) {
	const int k = combination_field(t);
	if (k < 0 || !r->record || !r->record->fields[k].there) return false;
	const eg_field *f = eg_source_field(t->source, k);
	const int32_t label = r->record->fields[k].label;
	return label >= 0 && label < f->nnames && strcmp(f->names[label], "unseen") == 0;
}

/* The network may end before the task does. */
void eg_caption_judge_close(eg_task_judge *j) { eg_desk_clear(((const eg_caption *)j->task)->desk); }

static void judge_reset(eg_task_judge *j) {
	const eg_task_judge base = *j;
	memset(j, 0, sizeof(judge));
	*j = base;
}

static void judge_scene(judge *own, const char *text, const char *const *right, int n) {
	eg_caption_marks best = {0}, m;
	for (int i = 0; i < n; i++) {
		if (!eg_caption_compare(text, right[i], &m)) return;
		if (best.all == 0 || m.things + m.colours + m.places > best.things + best.colours + best.places) best = m;
	}
	if (best.all == 0) return;
	own->things += best.all, own->places += best.all - 1;
	own->right_things += best.things, own->right_colours += best.colours, own->right_places += best.places;
}

const eg_vocab *eg_caption_vocab(const eg_task *t) { return eg_intake_vocab(eg_task_target(t)); }

eg_status eg_caption_write(const eg_task *t, const eg_desk_options *o, const eg_row *r, const eg_hypothesis **h, eg_error *err) {
	return eg_desk_write(((const eg_caption *)t)->desk, t, &((const eg_caption *)t)->keys, o, r, h, err);
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_hypothesis *h;
	const char *text = r->text, *const *right = NULL;
	int n = 0;
	eg_arena room = {0};
	eg_status status = text ? EG_OK : eg_caption_write(j->task, NULL, r, &h, err);
	if (!status && !text) status = eg_written_spell(eg_caption_vocab(j->task), h, &room, &text, err);
	if (!status) status = eg_written_references(j->task, r, &room, &right, &n, err);
	if (!status && n > 0) {
		const int unseen = is_unseen(j->task, r);
		bool exact = false;
		for (int i = 0; i < n; i++) exact = exact || strcmp(text, right[i]) == 0;
		own->all[unseen]++, own->exact[unseen] += exact;
		judge_scene(own, text, right, n);
		j->total++;
	}
	eg_arena_free(&room);
	return status;
}

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : (double)NAN; }

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	v[EXACT] = ratio(own->exact[0], own->all[0]);
	v[OBJECT] = ratio(own->right_things, own->things);
	v[COLOUR] = ratio(own->right_colours, own->things);
	v[PLACE] = ratio(own->right_places, own->places);
	v[UNSEEN] = ratio(own->exact[1], own->all[1]);
	v[LOSS] = (double)NAN; /* the network's own */
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* How much units first..end-1 look at each place, on average. */
static void put_looks(const eg_task *t, const eg_row *r, const eg_hypothesis *h, int first, int end, eg_value *out) {
	const eg_scribe *scribe = ((const eg_caption *)t)->desk->scribe;
	const int places = eg_scribe_places(scribe, r->i), stride = eg_scribe_stride(scribe);
	eg_value *list = eg_value_put_list(out, "attention");
	for (int k = 0; k < places; k++) {
		double sum = 0;
		for (int i = first; i < end; i++) sum += (double)h->attention[(ptrdiff_t)i * stride + k];
		eg_value_put_number(list, NULL, sum / (end - first));
	}
}

/* A word is the units that no blank stands between: its probability is the product of theirs. */
static void put_words(const eg_task *t, const eg_row *r, const eg_hypothesis *h, bool attention, eg_value *out) {
	const eg_vocab *v = eg_caption_vocab(t);
	char one[EG_UNIT_MOST + 3], text[1024] = "";
	size_t n = 0;
	int first = 0;
	double sum = 0;
	eg_value *list = eg_value_mark(eg_value_put_list(out, "words"), EG_SHOW_NOT, NULL);
	for (int i = 0; i <= h->n; i++) {
		if (i < h->n) eg_vocab_spell(v, i ? h->units[i - 1] : -1, h->units[i], one, sizeof one);
		if (i == h->n || one[0] == ' ') {
			if (n > 0) {
				eg_value *w = eg_value_put_map(list, NULL);
				eg_value_put_text(w, "text", text);
				eg_value_put_number(w, "probability", exp(sum));
				if (attention) put_looks(t, r, h, first, i, w);
			}
			n = 0, sum = 0, first = i;
		}
		if (i == h->n) break;
		const char *piece = one[0] == ' ' ? one + 1 : one;
		if (n + strlen(piece) < sizeof text) n += (size_t)snprintf(text + n, sizeof text - n, "%s", piece);
		sum += h->unit_logprob[i];
	}
}

eg_status eg_caption_answer(
	const eg_task *t, const eg_desk_options *o, const eg_row *r, const eg_hypothesis *h, eg_value *out, eg_error *err) {
	const char *text = NULL;
	eg_arena room = {0};
	if (o && o->attention && !h->attention) return eg_desk_untold(err);
	eg_status status = eg_written_spell(eg_caption_vocab(t), h, &room, &text, err);
	if (!status) {
		eg_value_mark(eg_value_put_text(out, "text", text), EG_SHOW_STRONG, NULL);
		put_words(t, r, h, o && o->attention, out);
	}
	eg_arena_free(&room);
	return status;
}

static eg_status answer(const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_desk_options *o = (const eg_desk_options *)base;
	const eg_hypothesis *h = NULL;
	const eg_status status = eg_caption_write(t, o, r, &h, err);
	return status ? status : eg_caption_answer(t, o, r, h, out, err);
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	eg_status status = eg_written_truth(t, r, out, err);
	if (!status && combination_field(t) >= 0) eg_value_put_bool(out, "seen", !is_unseen(t, r));
	return status;
}

const eg_task_type eg_task_type_caption = {
	.info = {.name = "caption",
		.doc = "a sentence about a picture or film",
		.takes = "pictures, films (Y4M, folders of frames)",
		.answer = "a sentence, and how likely each of its words is; of films also when it is so",
		.judged = "Of a writer of captions: how many are one of those that the data has of a picture; and, of captions that\n"
			  "say which coloured things lie where, the share of things, of their colours and of their places. Of\n"
			  "films: how many clauses are right, in what they say (clause) and in when (f1_50)."},
	.inputs = EG_KIND(PICTURE) | EG_KIND(FRAMES),
	.targets = EG_KIND(TEXT),
	EG_CAPTION_TYPE,
	.needs = "a picture or film with a caption",
	.open = open_task,
	.suits = suits,
	.also = also,
	.metrics = metrics,
	.nmetrics = METRICS,
	.judge_size = sizeof(judge),
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.answer = answer,
	.truth = truth,
};
