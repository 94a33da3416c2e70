/* problem.c - problems in one line: what kinds there are, reading them, and how many operations they are. */
#include "base/base.h"
#include "engram_bench.h"

#include <ctype.h>
#include <string.h>

enum { MOST = 1 << 24 };

#define RECURRENT \
	.bidirectional = true, .nletters = 5, \
	.letters = {{'l', "layers", false, 1}, {'t', "steps", false, 1}, {'n', "batch", false, 1}, {'i', "input size", false, 1}, \
		{'h', "hidden size", false, 1}}

static const eg_problem_kind kinds[] = {
	{"conv2d", "convolution with bias", .nletters = 12,
		.letters = {{'n', "batch", false, 1}, {'c', "input channels", false, 1}, {'h', "height", false, 1}, {'w', "width", false, 1},
			{'k', "filters", false, 1}, {'r', "kernel height", false, 1}, {'s', "kernel width", false, 1}, {'p', "padding of the height", false, 0},
			{'q', "padding of the width", false, 0}, {'u', "stride of the height", false, 1}, {'v', "stride of the width", false, 1},
			{'g', "groups", true, 1}}},
	{"lstm", "long short-term memory layers", RECURRENT},
	{"gru", "gated recurrent layers, reset after the product", RECURRENT},
	{"rnn", "recurrent layers with tanh", RECURRENT},
	{"gemm", "matrix product C(m,n) = A(m,k) B(k,n), nothing packed before", .nletters = 3,
		.letters = {{'m', "rows", false, 1}, {'n', "columns", false, 1}, {'k', "depth", false, 1}}},
	{"chain", "e = max((a + b) c - d, e), then relu: element by element, nothing kept in between", .nletters = 1,
		.letters = {{'n', "numbers in each", false, 1}}},
	{"copy", "three tensors copied, as many bytes as chain reads and writes", .nletters = 1, .letters = {{'n', "numbers in each", false, 1}}},
	{"lenet5", "the network of recipes/lenet5.yaml, 28x28 pictures, SGD with momentum", .network = true, .nletters = 1,
		.letters = {{'n', "batch", false, 1}}},
	{"resnet20", "residual network of He et al. 2016, 3x32x32 pictures, SGD with momentum", .network = true, .nletters = 1,
		.letters = {{'n', "batch", false, 1}}},
	{"charlstm", "embedding 64, LSTM layers, linear 65, loss over all steps, Adam", .network = true, .nletters = 4,
		.letters = {{'l', "layers", false, 1}, {'t', "steps", false, 1}, {'n', "batch", false, 1}, {'h', "hidden size", false, 1}}},
};

const eg_problem_kind *eg_problem_kinds(int *n) {
	*n = EG_COUNT(kinds);
	return kinds;
}

static eg_status unknown_kind(const char *name, eg_error *err) {
	const char *names[EG_COUNT(kinds)];
	char all[256] = "";
	for (int i = 0; i < EG_COUNT(kinds); i++) {
		size_t used = strlen(all);
		names[i] = kinds[i].name;
		snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", kinds[i].name);
	}
	const char *meant = eg_did_you_mean(name, names, EG_COUNT(kinds));
	if (meant) return eg_fail(err, EG_ERR_FORMAT, "there is no kind '%s'; did you mean '%s'?", name, meant);
	return eg_fail(err, EG_ERR_FORMAT, "there is no kind '%s'; there are %s", name, all);
}

/* One letter and its number at *at, which is moved behind them. */
static eg_status read_letter(const eg_problem_kind *k, const eg_problem_letter *l, const char **at, int *value, eg_error *err) {
	const char *s = *at;
	if (*s != l->letter) {
		if (l->optional && !*s) return *value = 1, EG_OK;
		if (!*s) return eg_fail(err, EG_ERR_FORMAT, "%s: letter '%c' (%s) is missing at the end", k->name, l->letter, l->what);
		return eg_fail(err, EG_ERR_FORMAT, "%s: letter '%c' (%s) is expected where '%.20s' stands", k->name, l->letter, l->what, s);
	}
	long long v = 0;
	const char *digits = ++s;
	for (; isdigit((unsigned char)*s); s++)
		if (v <= MOST) v = 10 * v + (*s - '0');
	if (s == digits) return eg_fail(err, EG_ERR_FORMAT, "%s: letter '%c' (%s) needs a whole number behind it", k->name, l->letter, l->what);
	if (v < l->min || v > MOST)
		return eg_fail(err, EG_ERR_FORMAT, "%s: letter '%c' (%s) is %.*s; allowed are %d to %d", k->name, l->letter, l->what,
			(int)(s - digits > 30 ? 30 : s - digits), digits, l->min, MOST);
	*value = (int)v;
	*at = s;
	return EG_OK;
}

/* What letters one by one cannot tell. */
static eg_status check(const eg_problem *p, eg_error *err) {
	if (strcmp(p->kind->name, "conv2d") != 0) return EG_OK;
	int groups = eg_problem_value(p, 'g');
	if (eg_problem_value(p, 'c') % groups || eg_problem_value(p, 'k') % groups)
		return eg_fail(err, EG_ERR_FORMAT, "conv2d: letters 'c' (%d) and 'k' (%d) must be multiples of 'g' (%d)", eg_problem_value(p, 'c'),
			eg_problem_value(p, 'k'), groups);
	if (eg_problem_value(p, 'r') > eg_problem_value(p, 'h') + 2 * eg_problem_value(p, 'p'))
		return eg_fail(err, EG_ERR_FORMAT, "conv2d: letter 'r' (kernel height, %d) is larger than 'h' with padding on both sides",
			eg_problem_value(p, 'r'));
	if (eg_problem_value(p, 's') > eg_problem_value(p, 'w') + 2 * eg_problem_value(p, 'q'))
		return eg_fail(err, EG_ERR_FORMAT, "conv2d: letter 's' (kernel width, %d) is larger than 'w' with padding on both sides",
			eg_problem_value(p, 's'));
	return EG_OK;
}

eg_status eg_problem_parse(const char *text, eg_problem *p, eg_error *err) {
	memset(p, 0, sizeof *p);
	while (isspace((unsigned char)*text)) text++;
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1])) n--;
	if (n >= sizeof p->text) return eg_fail(err, EG_ERR_FORMAT, "a problem of %zu characters is too long", n);
	memcpy(p->text, text, n);
	const char *colon = strchr(p->text, ':');
	char name[32];
	if (!colon) return eg_fail(err, EG_ERR_FORMAT, "'%s' is no problem like gemm:m64n64k64: a kind and a colon come first", p->text);
	snprintf(name, sizeof name, "%.*s", (int)(colon - p->text), p->text);
	for (int i = 0; i < EG_COUNT(kinds) && !p->kind; i++)
		if (!strcmp(kinds[i].name, name)) p->kind = &kinds[i];
	if (!p->kind) return unknown_kind(name, err);
	const char *at = colon + 1;
	for (int i = 0; i < p->kind->nletters; i++)
		if (read_letter(p->kind, &p->kind->letters[i], &at, &p->value[i], err)) return EG_ERR_FORMAT;
	if (p->kind->bidirectional && at[0] == 'b' && !at[1]) p->bidirectional = true, at++;
	if (*at)
		return eg_fail(err, EG_ERR_FORMAT, "%s: nothing may follow letter '%c', but '%.20s' does", p->kind->name,
			p->kind->letters[p->kind->nletters - 1].letter, at);
	return check(p, err);
}

int eg_problem_value(const eg_problem *p, char letter) {
	for (int i = 0; i < p->kind->nletters; i++)
		if (p->kind->letters[i].letter == letter) return p->value[i];
	return 0;
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* A divisor: the parser takes no zero. */
static int divisor(const eg_problem *p, char letter) {
	int v = eg_problem_value(p, letter);
	return v > 0 ? v : 1;
}

static double conv_macs(const eg_problem *p) {
	int P = (eg_problem_value(p, 'h') + 2 * eg_problem_value(p, 'p') - eg_problem_value(p, 'r')) / divisor(p, 'u') + 1;
	int Q = (eg_problem_value(p, 'w') + 2 * eg_problem_value(p, 'q') - eg_problem_value(p, 's')) / divisor(p, 'v') + 1;
	int channels = eg_problem_value(p, 'c') / divisor(p, 'g');
	double taps = (double)channels * eg_problem_value(p, 'r') * eg_problem_value(p, 's');
	return (double)eg_problem_value(p, 'n') * eg_problem_value(p, 'k') * P * Q * taps;
}

static double recurrent_macs(const eg_problem *p, int gates, double inputs) {
	double rows = (double)eg_problem_value(p, 't') * eg_problem_value(p, 'n'), H = eg_problem_value(p, 'h'), dirs = p->bidirectional ? 2 : 1, sum = 0;
	for (int l = 0; l < eg_problem_value(p, 'l'); l++) sum += rows * dirs * gates * H * ((l == 0 ? inputs : dirs * H) + H);
	return sum;
}

double eg_problem_flops(const eg_problem *p, bool train) {
	const char *k = p->kind->name;
	double macs = 0, n = eg_problem_value(p, 'n');
	if (!strcmp(k, "conv2d")) macs = conv_macs(p);
	else if (!strcmp(k, "gemm")) macs = (double)eg_problem_value(p, 'm') * n * eg_problem_value(p, 'k');
	else if (!strcmp(k, "chain") || !strcmp(k, "copy")) macs = 0;
	else if (!strcmp(k, "lenet5")) macs = n * (28 * 28 * 6 * 25 + 100 * 16 * 150 + 120 * 400 + 120 * 84 + 840);
	else if (!strcmp(k, "resnet20")) macs = n * 40551000.0; /* as the peers count it */
	else if (!strcmp(k, "charlstm")) macs = recurrent_macs(p, 4, 64) + eg_problem_value(p, 't') * n * 65 * eg_problem_value(p, 'h');
	else macs = recurrent_macs(p, !strcmp(k, "lstm") ? 4 : !strcmp(k, "gru") ? 3 : 1, eg_problem_value(p, 'i'));
	return 2 * macs * (train ? 3 : 1);
}
