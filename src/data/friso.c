/* friso.c - Chinese words by libfriso: the maximum matching of MMSEG with friso's dictionary, which is loaded when the
 * first text is cut, is shared by all vocabularies, and goes with the last of them.
 *
 * Friso keeps what it found last within the dictionary's entries, so one lock is held around each cut. It may turn
 * characters that it does not know into others: what it says is compared with the text, byte by byte, and where the two
 * differ each character is a word. What cannot be mended here: friso ends the process when it gets no memory.
 * Not here: what is cut by it and what is not (text_words.c, vocab.c). */
#include "data/data.h"
#include "data/units.h"

#include <stdlib.h>
#include <string.h>

struct eg_friso {
	uint64_t dictionary; /* checksum; 0: not known yet, any will do */
	bool holds;          /* is counted among who needs the dictionary; under the lock */
};

eg_friso *eg_friso_new(uint64_t dictionary) {
	eg_friso *f = eg_calloc(NULL, 1, sizeof *f);
	if (f) f->dictionary = dictionary;
	return f;
}

uint64_t eg_friso_dictionary(const eg_friso *f) { return f->dictionary; }

#ifdef ENGRAM_HAVE_FRISO

#include <dlfcn.h>
#include <friso.h>
#include <pthread.h>
#include <stdio.h>

#define FOLDER "/usr/share/friso/dict/UTF-8"

enum {
	WINDOW = 3 * EG_FRISO_WORDS, /* bytes that are cut at once; a character has at least three */
	AHEAD = 80, /* no word depends on more bytes from its beginning on: three words of five characters */
	SHORT = 60, /* bytes of a run that is remembered; most are not longer */
	SLOTS = 1 << 18,
	LINE_MOST = 500 /* of a dictionary: friso has so much room for one, and does not look */
};

/* A run that was cut: texts come again in every epoch, and friso takes a second for half a million characters. */
typedef struct known {
	uint8_t size, count, words[SHORT / 3];
	char text[SHORT];
} known;

/* What is used of the library: FUNCTION(name, result, arguments). Its names are common ones ("hash_get_value"), so it
 * is loaded for this file alone. */
#define FUNCTIONS(F) \
	F(friso_new, friso_t, (void)) \
	F(friso_free, void, (friso_t)) \
	F(friso_new_config, friso_config_t, (void)) \
	F(friso_set_mode, void, (friso_config_t, friso_mode_t)) \
	F(friso_dic_new, friso_dic_t, (void)) \
	F(friso_dic_load, void, (friso_t, friso_config_t, friso_lex_t, fstring, uint_t)) \
	F(friso_new_task, friso_task_t, (void)) \
	F(friso_free_task, void, (friso_task_t)) \
	F(friso_set_text, void, (friso_task_t, fstring))

typedef struct library {
#define MEMBER(name, result, arguments) result(*name) arguments;
	FUNCTIONS(MEMBER)
#undef MEMBER
} library;

static struct {
	pthread_mutex_t lock;
	int holders;
	uint64_t dictionary;
	library l;
	friso_t friso;
	friso_config_t config;
	friso_task_t task;
	known *known; /* SLOTS of them; NULL: there was no memory, so nothing is remembered */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static eg_status load_library(library *l, eg_error *err) {
	static const char *const names[] = {"libfriso.so.0", "libfriso.so", "libfriso.dylib"};
	void *from = NULL, *p;
	bool whole = true;
	for (int i = 0; !from && i < EG_COUNT(names); i++) from = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!from)
		return eg_fail(err, EG_ERR_IO,
		        "libfriso.so.0 is not installed, which cuts Chinese words ('words: friso'; Debian: apt install libfriso0)");
	/* dlsym returns a pointer to data; POSIX promises that its bits are the function's address */
#define LOAD(name, result, arguments) p = dlsym(from, #name), memcpy(&l->name, &p, sizeof p), whole = whole && p;
	FUNCTIONS(LOAD)
#undef LOAD
	return whole ? EG_OK : eg_fail(err, EG_ERR_IO, "libfriso is older than 1.6.4, which Chinese words need ('words: friso')");
}

/* ---- the dictionary ---------------------------------------------------------------------------------------------- */

/* Goes on with the checksum (FNV-1a); refuses a file with a line that friso has no room for. */
static eg_status check(const char *path, uint64_t *sum, eg_error *err) {
	char *bytes;
	size_t size, line = 0;
	eg_status status = eg_file_read_regular(NULL, path, 0, &bytes, &size, err);
	if (status) return status;
	for (size_t i = 0; i < size && line < LINE_MOST; i++) {
		*sum = (*sum ^ (unsigned char)bytes[i]) * 1099511628211u;
		line = bytes[i] == '\n' ? 0 : line + 1;
	}
	eg_release(NULL, bytes);
	if (line < LINE_MOST) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "'%s' is no dictionary of friso: a line has %d bytes or more", path, (int)LINE_MOST);
}

/* The lists of words that friso.lex.ini names. Of its others (names, mixed with Latin, units) none tells where a run of
 * Chinese characters is to be cut. */
static eg_status load_dictionary(eg_error *err) {
	static const char *const lists[] = {"main", "admin", "chars", "cn-mz", "cn-place", "company", "festival", "flname", "food",
	        "lang", "nation", "net", "org", "touris"};
	const char *own = getenv("ENGRAM_FRISO"), *folder = own && *own ? own : FOLDER;
	uint64_t sum = 14695981039346656037u;
	char path[4096];
	for (int i = 0; i < EG_COUNT(lists); i++) {
		const int n = snprintf(path, sizeof path, "%s/lex-%s.lex", folder, lists[i]);
		FILE *there = n > 0 && (size_t)n < sizeof path ? fopen(path, "rb") : NULL;
		if (!there && i > 0) continue;
		if (!there)
			return eg_fail(err, EG_ERR_IO,
			        "'words: friso' needs friso's dictionary, but there is no '%s': install it (Debian: apt install friso-dict), or "
			        "say in ENGRAM_FRISO which folder holds lex-main.lex in UTF-8",
			        path);
		fclose(there);
		eg_status status = check(path, &sum, err);
		if (status) return status;
		shared.l.friso_dic_load(shared.friso, shared.config, __LEX_CJK_WORDS__, path, 3u * shared.config->max_len);
	}
	shared.dictionary = sum;
	return EG_OK;
}

static void unload(void) {
	if (shared.task) shared.l.friso_free_task(shared.task);
	if (shared.config) FRISO_FREE(shared.config);
	if (shared.friso) shared.l.friso_free(shared.friso);
	eg_release(NULL, shared.known);
	shared.task = NULL, shared.config = NULL, shared.friso = NULL, shared.known = NULL;
}

static eg_status load(eg_error *err) {
	eg_status status = load_library(&shared.l, err);
	if (status) return status;
	shared.friso = shared.l.friso_new();
	shared.config = shared.l.friso_new_config();
	shared.task = shared.l.friso_new_task();
	shared.friso->charset = FRISO_UTF8;
	shared.friso->dic = shared.l.friso_dic_new();
	shared.config->add_syn = 0;   /* no words that are not there, */
	shared.config->clr_stw = 0;   /* all that are, */
	shared.config->keep_urec = 1; /* and the unknown ones */
	shared.config->en_sseg = 0;
	shared.l.friso_set_mode(shared.config, __FRISO_COMPLEX_MODE__);
	shared.known = eg_calloc(NULL, SLOTS, sizeof *shared.known);
	status = load_dictionary(err);
	if (status) unload();
	return status;
}

eg_status eg_friso_open(eg_friso *f, eg_error *err) {
	pthread_mutex_lock(&shared.lock);
	eg_status status = f->holds || shared.holders ? EG_OK : load(err);
	if (!status && !f->holds && f->dictionary && f->dictionary != shared.dictionary) {
		status = eg_fail(err, EG_ERR_ARG,
		        "the model's words were cut with another dictionary of friso (checksum %016llx, that of here is %016llx): install "
		        "the package friso-dict of then, or train anew",
		        (unsigned long long)f->dictionary, (unsigned long long)shared.dictionary);
		if (!shared.holders) unload();
	}
	if (!status && !f->holds) {
		f->holds = true;
		if (!f->dictionary) f->dictionary = shared.dictionary;
		shared.holders++;
	}
	pthread_mutex_unlock(&shared.lock);
	return status;
}

void eg_friso_free(eg_friso *f) {
	if (!f) return;
	pthread_mutex_lock(&shared.lock);
	if (f->holds && --shared.holders == 0) unload();
	pthread_mutex_unlock(&shared.lock);
	eg_release(NULL, f);
}

/* ---- cutting ----------------------------------------------------------------------------------------------------- */

/* Words that begin before `last`, of n bytes with a zero behind; 0: friso does not say what is written there. */
static int words_of(char *text, size_t n, size_t last, uint8_t *words) {
	size_t at = 0;
	int count = 0;
	const friso_token_entry *t;
	shared.l.friso_set_text(shared.task, text);
	while (at < last) {
		t = shared.config->next_token(shared.friso, shared.config, shared.task);
		if (!t || t->offset < 0 || (size_t)t->offset != at || t->length == 0 || t->length > n - at || t->length >= sizeof t->word) return 0;
		if (memcmp(t->word, text + at, t->length) != 0 || ((unsigned char)text[at + t->length] & 0xC0) == 0x80) return 0;
		words[count++] = t->length;
		at += t->length;
	}
	return count;
}

/* The same for a whole run. */
static int words_of_run(char *text, size_t n, uint8_t *words) {
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	known *k = &shared.known[(hash ^ hash >> 15) % SLOTS];
	if (k->size != n || memcmp(k->text, text, n) != 0) {
		int count = words_of(text, n, n, words);
		if (count == 0) return 0;
		k->size = (uint8_t)n, k->count = (uint8_t)count;
		memcpy(k->text, text, n);
		memcpy(k->words, words, (size_t)count);
	}
	memcpy(words, k->words, k->count);
	return k->count;
}

int eg_friso_cut(const eg_friso *f, const char *s, size_t size, uint8_t words[EG_FRISO_WORDS]) {
	char text[WINDOW + 1];
	const size_t n = f->holds ? eg_chinese_size(s, size, WINDOW) : 0;
	const size_t last = n < size && eg_chinese_size(s + n, size - n, 4) ? n - AHEAD : n;
	int count = 0;
	if (n == 0) return 0;
	memcpy(text, s, n);
	text[n] = '\0';
	pthread_mutex_lock(&shared.lock);
	count = n <= SHORT && shared.known ? words_of_run(text, n, words) : words_of(text, n, last, words);
	pthread_mutex_unlock(&shared.lock);
	if (count > 0) return count;
	for (size_t at = 0; at < last; at += words[count++]) words[count] = (uint8_t)eg_utf8_length(s + at, n - at);
	return count;
}

#else

eg_status eg_friso_open(eg_friso *f, eg_error *err) {
	EG_UNUSED(f);
	return eg_fail(err, EG_ERR_ARG,
	        "'words: friso': engram was built without libfriso, which cuts Chinese words; install libfriso-dev and friso-dict and build "
	        "anew");
}

void eg_friso_free(eg_friso *f) { eg_release(NULL, f); }

int eg_friso_cut(const eg_friso *f, const char *s, size_t size, uint8_t words[EG_FRISO_WORDS]) {
	EG_UNUSED(f), EG_UNUSED(s), EG_UNUSED(size), EG_UNUSED(words);
	return 0;
}

#endif
