/* text_score.c - BLEU and chrF (text_score.h). A token is known by a number of 64 bits that is made of its bytes, an
 * n-gram by one made of its tokens': sorted lists of these are all that is compared. */
#include "tasks/text_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- characters -------------------------------------------------------------------------------------------------- */

/* The character at s, *n bytes; what is no UTF-8 counts byte by byte. */
static uint32_t character(const char *s, int *n) {
	const unsigned char *b = (const unsigned char *)s;
	const int length = b[0] < 0x80 ? 1 : b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : b[0] >= 0xc0 ? 2 : 1;
	uint32_t c = length == 1 ? b[0] : b[0] & (0xffu >> (length + 1));
	for (int i = 1; i < length; i++) {
		if ((b[i] & 0xc0) != 0x80) return *n = 1, b[0];
		c = c << 6 | (b[i] & 0x3fu);
	}
	*n = length;
	return c;
}

static bool is_space(uint32_t c) {
	return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* As sacreBLEU's tokenizer has them; its two ranges of five digits (\u20000) are read by Python as these. */
static bool is_chinese(uint32_t c) {
	static const uint32_t ranges[][2] = {{0x2001, 0x2a6d}, {0x2e80, 0x2fdf}, {0x2ff0, 0x303f}, {0x3100, 0x312f},
		{0x31a0, 0x31bf}, {0x31c0, 0x31ef}, {0x3200, 0x33ff}, {0x3400, 0x4db5}, {0x4e00, 0x9fbb},
		{0xf900, 0xfa2d}, {0xfa30, 0xfa6a}, {0xfa70, 0xfad9}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f},
		{0xff00, 0xffef}};
	for (int i = 0; i < EG_COUNT(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
	return false;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

typedef struct text {
	char *at;
	size_t n, cap;
	bool failed;
} text;

static void put(text *t, char c) {
	if (t->n + 1 >= t->cap) {
		const size_t cap = 2 * t->cap + 256;
		char *more = eg_alloc(NULL, cap);
		if (more && t->n) memcpy(more, t->at, t->n);
		t->failed = t->failed || !more;
		if (!more) return;
		eg_release(NULL, t->at);
		t->at = more, t->cap = cap;
	}
	t->at[t->n++] = c;
	t->at[t->n] = '\0';
}

static void put_all(text *t, const char *s, int n) {
	for (int i = 0; i < n; i++) put(t, s[i]);
}

/* The whole of `from` by one rule into `to`, which is emptied before. A rule takes what is at s, puts something, and
 * says how many bytes it has taken. */
static void by_rule(text *to, const text *from, int (*rule)(text *to, const char *s)) {
	to->n = 0;
	put_all(to, "", 1);
	to->n = 0;
	for (size_t i = 0; i < from->n;) i += (size_t)rule(to, from->at + i);
}

static int take(text *to, const char *s, int n) { return put_all(to, s, n), n; }

static int without_entities(text *to, const char *s) {
	static const char *const names[][2] = {{"&quot;", "\""}, {"&amp;lt;", "<"}, {"&amp;gt;", ">"}, {"&amp;", "&"},
		{"&lt;", "<"}, {"&gt;", ">"}, {"<skipped>", ""}, {"-\n", ""}, {"\n", " "}};
	for (int i = 0; i < EG_COUNT(names); i++)
		if (!strncmp(s, names[i][0], strlen(names[i][0]))) {
			put_all(to, names[i][1], (int)strlen(names[i][1]));
			return (int)strlen(names[i][0]);
		}
	return take(to, s, 1);
}

static int chinese_apart(text *to, const char *s) {
	int n;
	const bool apart = is_chinese(character(s, &n));
	if (apart) put(to, ' ');
	take(to, s, n);
	if (apart) put(to, ' ');
	return n;
}

static int all_apart(text *to, const char *s) {
	int n;
	character(s, &n);
	take(to, s, n);
	put(to, ' ');
	return n;
}

static int marks_apart(text *to, const char *s) {
	const unsigned char c = (unsigned char)*s;
	const bool mark = (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
	                  (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
	if (mark) put(to, ' ');
	take(to, s, 1);
	if (mark) put(to, ' ');
	return 1;
}

static bool is_stop(char c) { return c == '.' || c == ','; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int stops_behind(text *to, const char *s) {
	if (is_digit(*s) || !is_stop(s[1])) return take(to, s, 1);
	const char apart[] = {s[0], ' ', s[1], ' '};
	put_all(to, apart, 4);
	return 2;
}

static int stops_before(text *to, const char *s) {
	if (!is_stop(*s) || !s[1] || is_digit(s[1])) return take(to, s, 1);
	const char apart[] = {' ', s[0], ' ', s[1]};
	put_all(to, apart, 4);
	return 2;
}

static int dashes_behind(text *to, const char *s) {
	if (!is_digit(*s) || s[1] != '-') return take(to, s, 1);
	const char apart[] = {s[0], ' ', '-', ' '};
	put_all(to, apart, 4);
	return 2;
}

/* Tokens with spaces between them. */
static void cut(int tokens, const char *s, text *a, text *b) {
	static int (*const words[])(text *, const char *) = {marks_apart, stops_behind, stops_before, dashes_behind};
	a->n = 0;
	if (tokens == EG_TOKENS_13A) put(a, ' ');
	put_all(a, s, (int)strlen(s));
	if (tokens == EG_TOKENS_13A) put(a, ' ');
	by_rule(b, a, tokens == EG_TOKENS_13A ? without_entities : tokens == EG_TOKENS_ZH ? chinese_apart : all_apart);
	for (int i = 0; i < EG_COUNT(words) && tokens != EG_TOKENS_CHAR; i++) {
		by_rule(i % 2 ? b : a, i % 2 ? a : b, words[i]);
	}
	if (a->failed) b->failed = true;
}

/* ---- n-grams ----------------------------------------------------------------------------------------------------- */

typedef struct numbers {
	uint64_t *at;
	int n, cap;
} numbers;

static uint64_t mix(uint64_t h, uint64_t x) {
	h = (h ^ x) * 0xbf58476d1ce4e5b9U;
	return (h ^ h >> 29) * 0x94d049bb133111ebU + 0x9e3779b97f4a7c15U;
}

static bool add_number(numbers *l, uint64_t x) {
	if (!eg_grow(NULL, &l->at, &l->cap, l->n, sizeof *l->at)) return false;
	l->at[l->n++] = x;
	return true;
}

/* What stands between white space; or, by `characters`, every character that is none. */
static bool number_tokens(const char *s, bool characters, numbers *out) {
	uint64_t h = 0;
	bool open = false;
	out->n = 0;
	for (int n; *s; s += n) {
		const uint32_t c = character(s, &n);
		if (open && (characters || is_space(c))) {
			if (!add_number(out, h)) return false;
			open = false;
		}
		if (is_space(c)) continue;
		h = mix(open ? h : 1, c);
		open = true;
	}
	return !open || add_number(out, h);
}

static int by_value(const void *a, const void *b) {
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The n-grams of order n, sorted. */
static bool grams(const numbers *tokens, int n, numbers *out) {
	out->n = 0;
	for (int i = 0; i + n <= tokens->n; i++) {
		uint64_t h = (uint64_t)n;
		for (int k = 0; k < n; k++) h = mix(h, tokens->at[i + k]);
		if (!add_number(out, h)) return false;
	}
	if (out->n) qsort(out->at, (size_t)out->n, sizeof *out->at, by_value);
	return true;
}

static int run_at(const numbers *l, int i) {
	int n = 1;
	while (i + n < l->n && l->at[i + n] == l->at[i]) n++;
	return n;
}

/* How often x is there. */
static int count_of(const numbers *l, uint64_t x) {
	int low = 0, high = l->n;
	while (low < high) {
		const int middle = (low + high) / 2;
		if (l->at[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->n && l->at[low] == x ? run_at(l, low) : 0;
}

/* ---- a sentence -------------------------------------------------------------------------------------------------- */

enum { REFERENCES = 256 };
typedef struct sentence {
	text a, b;
	numbers tokens[1 + REFERENCES], said, meant[REFERENCES]; /* of what is said, then of the references */
} sentence;

static bool number_all(sentence *x, int tokens, const char *said, const char *const *references, int n) {
	for (int i = 0; i <= n; i++) {
		const char *s = i ? references[i - 1] : said;
		if (tokens >= 0) cut(tokens, s, &x->a, &x->b);
		if (x->a.failed || x->b.failed || !number_tokens(tokens >= 0 ? x->b.at : s, tokens < 0, &x->tokens[i]))
			return false;
	}
	return true;
}

static bool add_bleu(eg_text_score *s, sentence *x, int n) {
	int meant = x->tokens[1].n, said = x->tokens[0].n;
	for (int i = 1; i <= n; i++) {
		const int d = abs(x->tokens[i].n - said), best = abs(meant - said);
		if (d < best || (d == best && x->tokens[i].n < meant)) meant = x->tokens[i].n;
	}
	s->said += said, s->meant += meant;
	for (int k = 1; k <= EG_BLEU_ORDER; k++) {
		bool ok = grams(&x->tokens[0], k, &x->said);
		for (int i = 0; i < n && ok; i++) ok = grams(&x->tokens[1 + i], k, &x->meant[i]);
		if (!ok) return false;
		s->total[k - 1] += x->said.n;
		for (int at = 0, run; at < x->said.n; at += run) {
			int most = 0;
			run = run_at(&x->said, at);
			for (int i = 0; i < n; i++) {
				const int there = count_of(&x->meant[i], x->said.at[at]);
				most = there > most ? there : most;
			}
			s->right[k - 1] += run < most ? run : most;
		}
	}
	return true;
}

static double f_score(int64_t (*const counts)[3]) {
	double precision = 0, recall = 0;
	int orders = 0;
	for (int k = 0; k < EG_CHRF_ORDER; k++) {
		if (counts[k][0] < 1 || counts[k][1] < 1) continue;
		precision += (double)counts[k][2] / (double)counts[k][0];
		recall += (double)counts[k][2] / (double)counts[k][1];
		orders++;
	}
	if (orders == 0 || precision + recall <= 0) return 0;
	return 100 * 5 * precision * recall / orders / (4 * precision + recall);
}

static bool add_chrf(eg_text_score *s, sentence *x, int n) {
	int64_t best[EG_CHRF_ORDER][3] = {{0}}, now[EG_CHRF_ORDER][3];
	double most = -1;
	for (int i = 1; i <= n; i++) {
		for (int k = 0; k < EG_CHRF_ORDER; k++) {
			numbers *meant = &x->meant[0];
			if (!grams(&x->tokens[0], k + 1, &x->said) || !grams(&x->tokens[i], k + 1, meant)) return false;
			now[k][0] = meant->n ? x->said.n : 0, now[k][1] = meant->n, now[k][2] = 0;
			for (int at = 0, run; at < x->said.n; at += run) {
				run = run_at(&x->said, at);
				const int there = count_of(meant, x->said.at[at]);
				now[k][2] += run < there ? run : there;
			}
		}
		const double f = f_score(now);
		if (f > most) memcpy(best, now, sizeof best), most = f;
	}
	for (int k = 0; k < EG_CHRF_ORDER; k++)
		for (int c = 0; c < 3; c++) s->chrf[k][c] += best[k][c];
	return true;
}

eg_status eg_text_score_add(
	eg_text_score *s, int tokens, const char *said, const char *const *references, int n, eg_error *err) {
	if (n > REFERENCES) n = REFERENCES;
	sentence *x = eg_calloc(NULL, 1, sizeof *x);
	bool ok = x && number_all(x, tokens, said, references, n) && add_bleu(s, x, n) &&
	          number_all(x, -1, said, references, n) && add_chrf(s, x, n);
	for (int i = 0; x && i <= n; i++) {
		eg_release(NULL, x->tokens[i].at);
		if (i < n) eg_release(NULL, x->meant[i].at);
	}
	if (x) {
		eg_release(NULL, x->said.at);
		eg_release(NULL, x->a.at);
		eg_release(NULL, x->b.at);
	}
	eg_release(NULL, x);
	return ok ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for comparing texts");
}

/* ---- a corpus ---------------------------------------------------------------------------------------------------- */

double eg_text_bleu(const eg_text_score *s) {
	double sum = 0, smooth = 1;
	if (s->said < 1 || s->right[0] + s->right[1] + s->right[2] + s->right[3] == 0) return 0;
	for (int k = 0; k < EG_BLEU_ORDER; k++) {
		if (s->total[k] == 0) return 0;
		if (s->right[k] == 0) smooth *= 2;
		sum += log(
			s->right[k] ? (double)s->right[k] / (double)s->total[k] : 1 / (smooth * (double)s->total[k]));
	}
	const double brevity = s->said < s->meant ? exp(1 - (double)s->meant / (double)s->said) : 1;
	return 100 * brevity * exp(sum / EG_BLEU_ORDER);
}

double eg_text_chrf(const eg_text_score *s) {
	int64_t counts[EG_CHRF_ORDER][3];
	memcpy(counts, s->chrf, sizeof counts);
	return f_score(counts);
}
