/* source_speech.c - spoken digits (Free Spoken Digit Dataset): a recording in each file, whose name says the digit, who
 * speaks, and which recording of it this is.
 *
 *   DIR/recordings/7_anna_12.wav       recordings 0 to 4 of everyone are the test part, as published
 *
 * By `split: speakers` a speaker is a group: no split of the training part cuts one, so that who validates was never
 * heard. By `split: takes`, as published, recordings are drawn. A speaker is also a class of the field `voice`; the
 * field `text` says the digit as a word. Files are read when a record is wanted.
 *
 * Not here: the format of the files (sound_file.c). */
#include "data/made.h"
#include "data/sound.h"

#include <stdlib.h>
#include <string.h>

enum { SOUND, LABEL, TEXT, VOICE, DIGITS = 10, TEST_TAKES = 5 };
enum { BY_SPEAKERS, BY_TAKES };

typedef struct take {
	const char *id, *speaker, *path;
	int32_t digit, voice;
	int number;
} take;

typedef struct speech_source {
	eg_source base;
	int split;
	eg_files *tree; /* NULL: not opened yet */
	take *parts[EG_PARTS]; /* in the arena; NULL: not listed */
	int n[EG_PARTS];
} speech_source;

/* "7_anna_12.wav"; -1: it is called otherwise. Else the number of the recording. */
static int read_name(const char *name, int32_t *digit, const char **speaker, size_t *length) {
	const char *last = strrchr(name, '_'), *dot = strrchr(name, '.');
	if (name[0] < '0' || name[0] > '9' || name[1] != '_' || !last || last < name + 3 || !dot || dot < last + 2) return -1;
	if (strspn(last + 1, "0123456789") != (size_t)(dot - last - 1) || dot - last > 7) return -1;
	*digit = name[0] - '0';
	*speaker = name + 2;
	*length = (size_t)(last - *speaker);
	return (int)strtol(last + 1, NULL, 10);
}

static eg_status put_take(speech_source *s, const char *folder, const char *name, eg_error *err) {
	eg_arena *arena = &s->base.arena;
	const char *speaker;
	size_t length;
	take t;
	t.number = read_name(name, &t.digit, &speaker, &length);
	if (t.number < 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s/%s' is not called DIGIT_SPEAKER_NUMBER.wav", folder, name);
	t.speaker = eg_arena_printf(arena, "%.*s", (int)length, speaker);
	t.path = eg_arena_printf(arena, "%s/%s", folder, name);
	t.id = eg_arena_printf(arena, "recordings/%s", name);
	if (!t.speaker || !t.path || !t.id) return eg_source_no_memory(&s->base, err);
	eg_part part = t.number < TEST_TAKES ? EG_PART_TEST : EG_PART_TRAIN;
	s->parts[part][s->n[part]++] = t;
	return EG_OK;
}

/* The first of each digit and speaker, then the second: what `limit` leaves is of all. */
static int in_turn(const void *a, const void *b) {
	const take *x = a, *y = b;
	return x->number != y->number ? (x->number > y->number) - (x->number < y->number) : strcmp(x->id, y->id);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The names of all who speak are the classes of the field `voice`, sorted. */
static eg_status name_voices(speech_source *s, eg_error *err) {
	const int all = s->n[EG_PART_TRAIN] + s->n[EG_PART_TEST];
	const char **names = eg_arena_alloc(&s->base.arena, ((size_t)all + 1) * sizeof *names);
	int n = 0, voices = 0;
	if (!names) return eg_source_no_memory(&s->base, err);
	for (int p = 0; p < EG_PARTS; p++)
		for (int i = 0; i < s->n[p]; i++) names[n++] = s->parts[p][i].speaker;
	qsort(names, (size_t)n, sizeof *names, by_name);
	for (int i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i], names[voices - 1]) != 0) names[voices++] = names[i];
	for (int p = 0; p < EG_PARTS; p++)
		for (int i = 0; i < s->n[p]; i++)
			s->parts[p][i].voice = (int32_t)((const char **)bsearch(&s->parts[p][i].speaker, names, (size_t)voices, sizeof *names, by_name) - names);
	s->base.fields[VOICE].names = NULL, s->base.fields[VOICE].nnames = 0;
	return eg_source_set_names(&s->base, VOICE, names, voices, err);
}

static eg_status list_takes(speech_source *s, eg_error *err) {
	char top[EG_PATH], folder[EG_PATH];
	eg_names names = {0};
	eg_arena *arena = &s->base.arena;
	eg_files_close(s->tree); /* of an attempt that failed */
	eg_status status = eg_source_tree(&s->base, &s->tree, top, err);
	if (!status) status = eg_join(folder, top, "recordings", "", err);
	if (!status) status = eg_list(arena, s->tree, folder, EG_LIST_SOUNDS, &names, err);
	if (!status && names.n == 0) status = eg_fail(err, EG_ERR_FORMAT, "there is no recording (.wav) in '%s'", folder);
	for (int p = 0; p < EG_PARTS && !status; p++) {
		s->n[p] = 0;
		s->parts[p] = eg_arena_alloc(arena, (size_t)names.n * sizeof(take));
		if (!s->parts[p]) status = eg_source_no_memory(&s->base, err);
	}
	for (int i = 0; i < names.n && !status; i++) status = put_take(s, folder, names.at[i], err);
	for (int p = 0; p < EG_PARTS && !status; p++)
		if (s->parts[p]) qsort(s->parts[p], (size_t)s->n[p], sizeof(take), in_turn);
	eg_release(arena->allocator, names.at);
	if (!status) status = name_voices(s, err);
	if (status) s->parts[EG_PART_TRAIN] = NULL;
	return status;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	speech_source *s = (speech_source *)base;
	eg_status status = s->parts[EG_PART_TRAIN] ? EG_OK : list_takes(s, err);
	if (status) return status;
	base->count[part] = s->n[part];
	base->remarks[part] = NULL;
	eg_files_remark(s->tree, base, part);
	if (part == EG_PART_TRAIN && base->limit > 0 && base->limit < base->count[part]) base->count[part] = base->limit;
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const speech_source *s = (const speech_source *)base;
	const take *t = &s->parts[part][i];
	r->id = t->id;
	const bool cut = part != EG_PART_TEST; /* by `validation` and folds */
	r->group = cut && s->split == BY_TAKES ? NULL : t->speaker;
	r->place = t->path;
	if (wanted & 1u << LABEL) r->fields[LABEL] = (eg_datum){.there = true, .label = t->digit};
	if (wanted & 1u << TEXT) r->fields[TEXT] = (eg_datum){.there = true, .text = {eg_digit_words[t->digit], strlen(eg_digit_words[t->digit])}};
	if (wanted & 1u << VOICE) r->fields[VOICE] = (eg_datum){.there = true, .label = t->voice};
	if (!(wanted & 1u << SOUND)) return EG_OK;
	eg_datum_sound sound;
	eg_status status = eg_sound_load(s->tree, t->path, r, &sound, err);
	if (!status) r->fields[SOUND] = (eg_datum){.there = true, .sound = sound};
	return status;
}

static void close_source(eg_source *base) { eg_files_close(((speech_source *)base)->tree); }

/* Who speaks in a folder of the user's is known when it is read. */
static eg_status open_source(eg_source *base, eg_error *err) {
	EG_UNUSED(err);
	if (base->path) base->fields[VOICE].names = NULL, base->fields[VOICE].nnames = 0;
	return EG_OK;
}

static const char *const splits[] = {"speakers", "takes", NULL};

static const eg_key keys[] = {
	{.name = "split",
		.type = EG_KEY_ENUM,
		.offset = offsetof(speech_source, split),
		.names = splits,
		.def = BY_SPEAKERS,
		.doc = "speakers (the default): what `validation` and folds keep aside is of speakers who are not trained on; takes: "
		       "it is of everyone, as the test part is"},
	EG_LIMIT_KEY("train on so many recordings only, one of each digit and speaker, then the next of each; left out: on all"),
};

static const char *const digits[DIGITS] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const voices[] = {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"};
static const eg_field fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND, .rate = 8000},
	{.name = "label", .kind = EG_FIELD_LABEL, .names = digits, .nnames = DIGITS},
	{.name = "text", .kind = EG_FIELD_TEXT},
	{.name = "voice", .kind = EG_FIELD_LABEL, .names = voices, .nnames = EG_COUNT(voices)}};
static const char *const folders[] = {"recordings", NULL};
static const eg_data_archive archive = {
	.file = {.name = "free-spoken-digit-dataset-1.0.10.tar.gz",
		.bytes = 16000000,
		.published = "v1.0.10.tar.gz"},
	.contents = "04e1baae96c6a26e39c623f2b01d0182ddae627ba0ac02a3cdc17ba2af99fd9b"};
static const char *const urls[] = {"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/", NULL};

const eg_source_type eg_source_type_fsdd = {
	.info = {.name = "fsdd",
		.doc = "3,000 recordings of digits spoken in English by six people, 8 kHz; recordings 0 to 4 are the test part",
		.origin = "Jakobovski and others, Free Spoken Digit Dataset",
		.licence = "CC BY-SA 4.0",
		.path = EG_DATA_PATH_SET,
		.train = 2700,
		.test = 300,
		.folder = "speech",
		.folders = folders,
		.archive = &archive,
		.urls = urls,
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(speech_source),
	.open = open_source,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};
