/* source_digit_strings.c - strings of spoken digits: recordings of one speaker (source fsdd), joined with pauses.
 *
 * The rule, for a record: a speaker, all as likely; how many digits, `least` to `most`; for each the digit and which of
 * the speaker's recordings of it; between two of them a pause of `pause_least` to `pause_most` milliseconds, in whole
 * samples, in which there is nothing (zeros). Recordings are as they are. The test part is of recordings 0 to 4. The
 * field `text` says the digits as words, `voice` whose they are.
 * Nobody learns from the speaker `left_out`, of whom the test part then is. */
#include "data/made.h"

#include <string.h>

enum { SOUND, DIGITS, PLACES, TEXT, VOICE, RATE = 8000, MOST = 64, TIMES = 2 };

typedef struct string_source {
	eg_made_source made;
	const char *recordings, *left_out;
	int least, most, pause_least, pause_most;
	eg_stock stock;
	int left; /* the speaker left out; -1: nobody is */
} string_source;

static const eg_key keys[] = {
	EG_MADE_KEYS(string_source, "strings", 10000, 1000),
	EG_MADE_FOLDER_KEY(string_source, recordings, "fsdd"),
	{.name = "least",
		.type = EG_KEY_INT,
		.offset = offsetof(string_source, least),
		.min = 1,
		.max = MOST,
		.def = 3,
		.doc = "the fewest digits in a string"},
	{.name = "most",
		.type = EG_KEY_INT,
		.offset = offsetof(string_source, most),
		.min = 1,
		.max = MOST,
		.def = 7,
		.doc = "the most digits in a string"},
	{.name = "pause_least",
		.type = EG_KEY_INT,
		.offset = offsetof(string_source, pause_least),
		.min = 0,
		.max = 10000,
		.def = 50,
		.doc = "the shortest pause between two digits, in milliseconds"},
	{.name = "pause_most",
		.type = EG_KEY_INT,
		.offset = offsetof(string_source, pause_most),
		.min = 0,
		.max = 10000,
		.def = 300,
		.doc = "the longest pause"},
	{.name = "left_out",
		.type = EG_KEY_STRING,
		.offset = offsetof(string_source, left_out),
		.def = NAN,
		.doc = "a speaker (jackson, theo, ...) who is in no string to train on; the test part is of this speaker alone. Left "
		       "out: all speak in both parts"},
};

static const char *const times[TIMES] = {"begin", "end"};
static const eg_field fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND, .rate = RATE},
	{.name = "digits", .kind = EG_FIELD_TOKENS},
	{.name = "places", .kind = EG_FIELD_SERIES, .columns = TIMES, .names = times, .nnames = TIMES},
	{.name = "text", .kind = EG_FIELD_TEXT},
	{.name = "voice", .kind = EG_FIELD_LABEL}};

static eg_status open_source(eg_source *base, eg_error *err) {
	const string_source *s = (const string_source *)base;
	if (s->least > s->most)
		return eg_fail(err, EG_ERR_ARG, "'least' is %d and 'most' is %d digits; there is nothing between", s->least, s->most);
	if (s->pause_least > s->pause_most)
		return eg_fail(err, EG_ERR_ARG, "'pause_least' is %d and 'pause_most' is %d ms; there is nothing between",
		        s->pause_least, s->pause_most);
	return EG_OK;
}

static eg_status find_left_out(string_source *s, eg_error *err) {
	char list[200] = "";
	s->left = -1;
	for (int g = 0; g < s->stock.ngroups && s->left_out; g++) {
		const size_t n = strlen(list);
		if (strcmp(s->stock.groups[g], s->left_out) == 0) s->left = g;
		snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", s->stock.groups[g]);
	}
	if (s->left_out && s->left < 0)
		return eg_fail(err, EG_ERR_ARG, "'left_out': there is no speaker '%s'; there are: %s", s->left_out, list);
	if (s->left_out && s->stock.ngroups == 1)
		return eg_fail(err, EG_ERR_ARG, "'left_out': without '%s' nobody is left to train on", s->left_out);
	return EG_OK;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	string_source *s = (string_source *)base;
	base->count[part] = eg_made_count(&s->made, part);
	eg_status status = eg_stock_prepare(&s->stock, base, "fsdd", s->recordings, part, err);
	if (!status) status = eg_source_set_names(base, VOICE, s->stock.groups, s->stock.ngroups, err);
	return status ? status : find_left_out(s, err);
}

static int draw_speaker(const string_source *s, eg_part part, eg_draw *d) {
	if (s->left >= 0 && part == EG_PART_TEST) return s->left;
	if (s->left < 0) return (int)eg_draw_whole(d, 0, s->stock.ngroups - 1);
	const int g = (int)eg_draw_whole(d, 0, s->stock.ngroups - 2);
	return g + (g >= s->left);
}

/* The string, while it is put together. */
typedef struct spoken {
	int n, digit[MOST];
	const char *digits[MOST];
	float places[MOST][TIMES];
	const float *samples[MOST];
	int64_t length[MOST], from[MOST], all;
} spoken;

/* Draws the digits and reads their recordings, each into room of `heard`. */
static eg_status draw_digits(
	const string_source *s, eg_part part, eg_draw *d, bool sound, spoken *w, eg_record heard[MOST], eg_error *err) {
	const int speaker = draw_speaker(s, part, d);
	w->n = (int)eg_draw_whole(d, s->least, s->most);
	for (int k = 0; k < w->n; k++) {
		const int digit = (int)eg_draw_whole(d, 0, 9);
		const int64_t pause = eg_draw_whole(d, (int64_t)s->pause_least * RATE / 1000, (int64_t)s->pause_most * RATE / 1000);
		eg_status status = eg_stock_draw(&s->stock, part, speaker * s->stock.classes + digit, d,
		        sound ? 1u << SOUND : 0, &heard[k], err);
		if (status) return status;
		w->digit[k] = digit, w->digits[k] = eg_digit_names[digit];
		if (!sound) continue;
		const eg_datum_sound *x = &heard[k].fields[SOUND].sound;
		if (x->channels != 1 || x->rate != RATE)
			return eg_fail(err, EG_ERR_FORMAT, "'%s' has %d channels and %g samples a second; strings are made of 1 and %d",
			        heard[k].place, x->channels, x->rate, RATE);
		w->from[k] = w->all + (k > 0 ? pause : 0);
		w->samples[k] = x->at, w->length[k] = x->n;
		w->all = w->from[k] + x->n;
		w->places[k][0] = (float)((double)w->from[k] / RATE), w->places[k][1] = (float)((double)w->all / RATE);
	}
	return EG_OK;
}

/* What is said, as words: "four two". */
static eg_status put_text(const spoken *w, eg_record *r, eg_error *err) {
	size_t size = 1, n = 0;
	for (int k = 0; k < w->n; k++) size += strlen(eg_digit_words[w->digit[k]]) + 1;
	char *text = eg_record_room(r, size);
	if (!text) return eg_record_no_memory(err);
	for (int k = 0; k < w->n; k++) n += (size_t)snprintf(text + n, size - n, "%s%s", k ? " " : "", eg_digit_words[w->digit[k]]);
	r->fields[TEXT] = (eg_datum){.there = true, .text = {text, n}};
	return EG_OK;
}

static eg_status put(const spoken *w, bool sound, eg_record *r, eg_error *err) {
	const char **digits = eg_record_room(r, (size_t)w->n * sizeof *digits);
	float *places = eg_record_room(r, (size_t)w->n * sizeof w->places[0]);
	float *at = sound ? eg_record_room(r, (size_t)w->all * sizeof *at) : NULL;
	if (!digits || !places || (sound && !at)) return eg_record_no_memory(err);
	memcpy(digits, w->digits, (size_t)w->n * sizeof *digits);
	r->fields[DIGITS] = (eg_datum){.there = true, .tokens = {w->n, digits}};
	if (!sound) return EG_OK;
	memset(at, 0, (size_t)w->all * sizeof *at);
	for (int k = 0; k < w->n; k++) memcpy(at + w->from[k], w->samples[k], (size_t)w->length[k] * sizeof *at);
	memcpy(places, w->places, (size_t)w->n * sizeof w->places[0]);
	r->fields[SOUND] = (eg_datum){.there = true, .sound = {w->all, 1, RATE, at}};
	r->fields[PLACES] = (eg_datum){.there = true, .series = {w->n, TIMES, places, NULL}};
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const string_source *s = (const string_source *)base;
	const bool sound = (wanted & (1u << SOUND | 1u << PLACES)) != 0;
	eg_draw d = eg_made_draw(&s->made, part, i), who = d;
	eg_record heard[MOST] = {0};
	spoken w = {0};
	const int speaker = draw_speaker(s, part, &who);
	r->group = s->stock.groups[speaker];
	eg_status status = draw_digits(s, part, &d, sound, &w, heard, err);
	if (!status) status = put(&w, sound, r, err);
	if (!status && wanted & 1u << TEXT) status = put_text(&w, r, err);
	r->fields[VOICE] = (eg_datum){.there = !status, .label = speaker};
	for (int k = 0; k < w.n; k++) eg_record_free(&heard[k]);
	eg_made_only(r, wanted);
	return status;
}

static void close_source(eg_source *base) { eg_stock_close(&((string_source *)base)->stock); }

const eg_source_type eg_source_type_digit_strings = {
	.info = {.name = "digit-strings",
		.doc = "strings of 3 to 7 digits, made by a rule: recordings of one speaker (fsdd, which has to be there), joined "
		       "with pauses",
		.origin = "made of fsdd",
		.licence = "CC BY-SA 4.0",
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(string_source),
	.open = open_source,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};
