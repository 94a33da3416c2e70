/* metrics.c - what a classifier got right: the confusion matrix and everything that follows from it, and top-k counts. */
#include "base/base.h"
#include "engram_train.h"

#include <string.h>

enum { TOP = 10 };

struct eg_confusion {
	int classes;
	int64_t total, within[TOP]; /* within[k]: samples whose label is among the k+1 highest */
	int64_t count[];            /* [truth][predicted] */
};

eg_confusion *eg_confusion_new(int classes) {
	if (classes < 1 || classes > 65536) return NULL;
	size_t cells = (size_t)classes * (size_t)classes;
	eg_confusion *c = eg_calloc(NULL, 1, sizeof *c + cells * sizeof c->count[0]);
	if (c) c->classes = classes;
	return c;
}
void eg_confusion_free(eg_confusion *c) { eg_release(NULL, c); }

void eg_confusion_reset(eg_confusion *c) {
	c->total = 0;
	memset(c->within, 0, sizeof c->within);
	memset(c->count, 0, (size_t)c->classes * (size_t)c->classes * sizeof c->count[0]);
}

void eg_confusion_add(eg_confusion *c, const eg_real *logits, const int32_t *labels, int n) {
	for (int i = 0; i < n; i++) {
		const eg_real *x = logits + (ptrdiff_t)i * c->classes;
		int32_t t = labels[i];
		if (t < 0 || t >= c->classes) continue; /* ignored samples */
		int best = 0, above = 0;
		for (int k = 0; k < c->classes; k++) {
			if (x[k] > x[best]) best = k;
			above += k != t && !(x[k] < x[t] || (x[k] == x[t] && k > t)); /* NaN is above all, and below none */
		}
		c->count[(ptrdiff_t)t * c->classes + best]++;
		c->total++;
		for (int k = above; k < TOP; k++) c->within[k]++;
	}
}

int eg_confusion_classes(const eg_confusion *c) { return c->classes; }
int64_t eg_confusion_total(const eg_confusion *c) { return c->total; }

static bool valid(const eg_confusion *c, int k) { return k >= 0 && k < c->classes; }
int64_t eg_confusion_count(const eg_confusion *c, int truth, int predicted) {
	return valid(c, truth) && valid(c, predicted) ? c->count[(ptrdiff_t)truth * c->classes + predicted] : 0;
}

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : 0; }

static int64_t row(const eg_confusion *c, int k) {
	int64_t n = 0;
	for (int i = 0; i < c->classes; i++) n += eg_confusion_count(c, k, i);
	return n;
}
static int64_t column(const eg_confusion *c, int k) {
	int64_t n = 0;
	for (int i = 0; i < c->classes; i++) n += eg_confusion_count(c, i, k);
	return n;
}

double eg_confusion_accuracy(const eg_confusion *c) {
	int64_t right = 0;
	for (int i = 0; i < c->classes; i++) right += eg_confusion_count(c, i, i);
	return ratio(right, c->total);
}
double eg_confusion_topk(const eg_confusion *c, int k) { return k < 1 || k > TOP ? 0 : ratio(c->within[k - 1], c->total); }
double eg_confusion_precision(const eg_confusion *c, int k) { return ratio(eg_confusion_count(c, k, k), column(c, k)); }
double eg_confusion_recall(const eg_confusion *c, int k) { return ratio(eg_confusion_count(c, k, k), row(c, k)); }
double eg_confusion_f1(const eg_confusion *c, int k) {
	return ratio(2 * eg_confusion_count(c, k, k), row(c, k) + column(c, k));
}
double eg_confusion_macro_f1(const eg_confusion *c) {
	double sum = 0;
	int present = 0;
	for (int k = 0; k < c->classes; k++)
		if (row(c, k)) {
			sum += eg_confusion_f1(c, k);
			present++;
		}
	return present ? sum / present : 0;
}
