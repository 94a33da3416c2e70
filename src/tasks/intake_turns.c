/* intake_turns.c - a talk as the input of a network that reads it unit by unit and goes on with the answer: turns, an
 * end mark before each and behind the last, and, where the record has it, the answer behind them. The target is the
 * same one unit later, so the network learns every turn and is judged by the last.
 *
 *   text "Hi.", "Hello.", answer "You?":   input  $ H i . $ H e l l o . $ Y o u ?
 *                                          target H i . $ H e l l o . $ Y o u ? $
 *
 * With `turn_longest`, long turns lose what is in their middle, and only the answer is learnt. An answer that an
 * augmentation has taken from another talk is no answer: in its place the unknown unit is to be expected, which stands
 * for that, but at its first unit, where nobody can know.
 *
 * In a text, turns have an empty line between them. A last one that is the line of a speaker, "NAME:" and its line end,
 * is a turn that has begun: the answer goes on with it.
 *
 * The vocabulary is that of the answers; it is made of both. */
#include "data/augment.h"
#include "tasks/intake_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 256 };

static const eg_text_intake *talk_of(const eg_intake *f) { return (const eg_text_intake *)f; }
static const eg_intake *answer_of(const eg_intake *f) { return talk_of(f)->answer; }

void eg_intake_join(eg_intake *talk, eg_intake *answer) {
	((eg_text_intake *)talk)->answer = answer;
	((eg_text_intake *)answer)->talk = talk;
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a talk"); }

static const eg_key keys[] = {
	{.name = "longest",
		.type = EG_KEY_INT,
		.offset = offsetof(eg_text_intake, keys) + offsetof(eg_text_keys, longest),
		.min = 1,
		.max = 100000,
		.by_field = true,
		.def = NAN,
		.doc = "talks: how many units before an answer are read, at most; older ones are forgotten (default: 256)"},
	{.name = "turn_longest",
		.type = EG_KEY_INT,
		.offset = offsetof(eg_text_intake, turn),
		.min = 2,
		.max = 100000,
		.doc = "talks: how many units of one turn are read, at most; of a longer one the first and the last half so many. Only the "
		       "answer is learnt then. Left out: all, and all turns are learnt"},
	EG_NORMALIZE_KEY(offsetof(eg_text_intake, normalize)),
};

static eg_status open_intake(eg_intake *f, eg_recipe *r, eg_error *err) {
	eg_text_intake *x = (eg_text_intake *)f;
	EG_UNUSED(r), EG_UNUSED(err);
	x->first = -1;
	if (x->keys.longest == 0) x->keys.longest = LONGEST;
	return EG_OK;
}

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	if (d->rank == 1 && d->d[0] == EG_T) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "a talk is read step by step, as the answer is written: write %s: [time]", f->input);
}

static bool is_known(const eg_intake *f) { return answer_of(f)->type->is_known(answer_of(f)); }
static int count(const eg_intake *f) { return answer_of(f)->type->count(answer_of(f)); }

static eg_status look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	return eg_text_look((eg_intake *)answer_of(f), d, r, err);
}

static eg_status looked(eg_intake *f, eg_error *err) {
	EG_UNUSED(f), EG_UNUSED(err);
	return EG_OK;
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

/* Bytes of the turn that begins at s, up to an empty line; *behind: where the next one begins. */
static size_t turn_at(const char *s, size_t size, size_t *behind) {
	size_t n = 0;
	while (n < size && !(s[n] == '\n' && (n + 1 == size || s[n + 1] == '\n'))) n++;
	*behind = n;
	while (*behind < size && s[*behind] == '\n') ++*behind;
	return n;
}

/* Is the last turn the line of a speaker, and has it so begun? */
static bool has_begun(const char *turn, size_t n, size_t all) {
	return n > 0 && turn[n - 1] == ':' && all == n + 1 && !memchr(turn, '\n', n);
}

/* In small letters, where the answer's are: the vocabulary has no others. *own: to be released. */
static eg_status lower_of(const eg_intake *f, const char **text, size_t size, char **own, eg_error *err) {
	if (!eg_intake_lowers(answer_of(f))) return EG_OK;
	*own = eg_alloc(NULL, size + 1);
	if (!*own) return no_memory(err);
	if (size) memcpy(*own, *text, size);
	eg_text_lower(*own, size);
	*text = *own;
	return EG_OK;
}

/* Of n units the first and the last half of `most`, and how many there are now. */
static size_t shorten(int32_t *ids, size_t n, size_t most) {
	const size_t last = most / 2;
	if (most == 0 || n <= most) return n;
	memmove(ids + most - last, ids + n - last, last * sizeof *ids);
	return most;
}

eg_status eg_turns_encode(
	const eg_intake *f, const eg_datum *d, const eg_record *r, int32_t **ids, size_t *n, eg_error *err) {
	const eg_vocab *v = eg_intake_vocab(f);
	const char *at = d->text.bytes, *place = r && r->place ? r->place : "the text";
	const size_t size = d->text.size, longest = (size_t)talk_of(f)->keys.longest;
	const int32_t end = eg_vocab_end(v);
	/* No unit, nor what is between turns, is shorter than a byte. */
	int32_t *all = malloc((2 * size + 4) * sizeof *all);
	char *lower = NULL;
	eg_status status = all ? lower_of(f, &at, size, &lower, err) : no_memory(err);
	bool begun = false;
	*n = 0;
	size_t from = 0;
	while (from < size && at[from] == '\n') from++;
	for (size_t behind; from < size && !status; from += behind) {
		size_t length = turn_at(at + from, size - from, &behind), count = 0;
		int32_t *own = NULL;
		begun = has_begun(at + from, length, size - from);
		status = eg_vocab_encode(v, at + from, length + begun, place, &own, &count, err);
		if (status) break;
		count = shorten(own, count, begun ? 0 : (size_t)talk_of(f)->turn);
		all[(*n)++] = end;
		memcpy(all + *n, own, count * sizeof *own);
		*n += count;
		free(own);
	}
	if (!status && !begun) all[(*n)++] = end;
	if (!status && *n > longest) {
		memmove(all, all + *n - longest, longest * sizeof *all);
		*n = longest;
	}
	eg_release(NULL, lower);
	if (status) free(all), all = NULL;
	*ids = all;
	return status;
}

/* Talk and answer of a record, one behind the other: n units, of which `talk` are before the answer. */
static eg_status encode_both(
	const eg_intake *f, const eg_record *r, int32_t **ids, size_t *talk, size_t *n, eg_error *err) {
	const eg_datum *d = &r->fields[f->field], *answer = &r->fields[answer_of(f)->field];
	int32_t *own = NULL, *both = NULL;
	size_t more = 0;
	eg_status status = eg_turns_encode(f, d, r, ids, talk, err);
	*n = *talk;
	if (status || answer_of(f)->field < 0 || !answer->there) return status;
	status = eg_intake_encode(answer_of(f), answer, r, &own, &more, err);
	if (!status && !(both = realloc(*ids, (*talk + more + 1) * sizeof *both))) status = no_memory(err);
	if (both) *ids = both;
	if (!status && more) memcpy(both + *talk, own, more * sizeof *own);
	*n += more;
	free(own);
	if (status) free(*ids), *ids = NULL;
	return status;
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	int32_t *ids;
	size_t talk, n;
	EG_UNUSED(axis), EG_UNUSED(d);
	eg_status status = encode_both(f, r, &ids, &talk, &n, err);
	if (status) return status;
	free(ids);
	*size = (int)n;
	return EG_OK;
}

/* What is to be expected as unit `at` of talk and answer. */
static int32_t target_at(const eg_intake *f, const eg_datum *answer, const int32_t *ids, size_t talk, size_t n, size_t at,
	int32_t pad) {
	const eg_vocab *v = eg_intake_vocab(f);
	if (at > n || (at < talk && talk_of(f)->turn)) return pad;
	if (at >= talk && eg_unit_dropped(answer, (int64_t)(at - talk))) return at > talk ? eg_vocab_unknown(v) : pad;
	return at < n ? ids[at] : eg_vocab_end(v);
}

eg_status eg_turns_unlearnt(const eg_intake *answer, const eg_record *r, int *steps, eg_error *err) {
	const eg_intake *f = ((const eg_text_intake *)answer)->talk;
	int32_t *ids;
	size_t talk;
	*steps = 0;
	if (!f || !talk_of(f)->turn) return EG_OK;
	eg_status status = eg_turns_encode(f, &r->fields[f->field], r, &ids, &talk, err);
	if (status) return status;
	free(ids);
	*steps = (int)talk - 1;
	return EG_OK;
}

static eg_status fill_both(const eg_intake *f, const eg_intake_fill *a, bool target, int32_t pad, eg_error *err) {
	const size_t time = (size_t)a->dims.d[0];
	int32_t *out = a->slot;
	for (int i = 0; i < a->n; i++) {
		const eg_record *r = eg_fill_record(a, i);
		int32_t *ids;
		size_t talk, n;
		eg_status status = encode_both(f, r, &ids, &talk, &n, err);
		if (status) return status;
		for (size_t t = 0; t < talk && !target && a->data[i]->dropped; t++)
			if (eg_unit_dropped(a->data[i], (int64_t)t)) ids[t] = eg_vocab_unknown(eg_intake_vocab(f));
		for (size_t t = 0; t < time; t++)
			out[t * (size_t)a->n + (size_t)i] = target  ? target_at(f, a->data[i], ids, talk, n, t + 1, pad)
			                                    : t < n ? ids[t]
			                                            : pad;
		free(ids);
	}
	return EG_OK;
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) { return fill_both(f, a, false, 0, err); }

eg_status eg_turns_fill_target(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	return fill_both(((const eg_text_intake *)f)->talk, a, true, f->pad, err);
}

const eg_intake_type eg_intake_turns_type = {.kind = EG_FIELD_TEXT,
	.size = sizeof(eg_text_intake),
	.keys = {keys, EG_COUNT(keys)},
	.open = open_intake,
	.fits = fits,
	.is_known = is_known,
	.look = look,
	.looked = looked,
	.extent = extent,
	.fill = fill,
	.decode = eg_text_decode,
	.decode_json = eg_text_decode_json,
	.count = count,
	.word = "units"};
