/* metrics.c - what a classifier got right: the confusion matrix and everything that follows from it, top-k counts,
 * and how likely it held the right classes to be. */
#include "base/base.h"
#include "engram_train.h"

#include <math.h>
#include <string.h>

enum { TOP = 10 };

struct eg_confusion {
	int classes;
	bool slim;
	int64_t total, right, within[TOP]; /* within[k]: samples whose label is among the k+1 highest */
	double nats;                       /* sum of -ln of the probability of the right class */
	int64_t *truth, *predicted, *hit;  /* of each class */
	int64_t *count;                    /* [truth][predicted], all of them; slim: NULL */
	int64_t data[];
};

static eg_confusion *new_confusion(int classes, bool slim) {
	if (classes < 1 || classes > (slim ? 1 << 24 : 65536)) return NULL;
	size_t n = (size_t)classes, cells = 3 * n + (slim ? 0 : n * n);
	eg_confusion *c = eg_calloc(NULL, 1, sizeof *c + cells * sizeof c->data[0]);
	if (!c) return NULL;
	c->classes = classes;
	c->slim = slim;
	c->truth = c->data, c->predicted = c->data + n, c->hit = c->data + 2 * n;
	c->count = slim ? NULL : c->data + 3 * n;
	return c;
}
eg_confusion *eg_confusion_new(int classes) { return new_confusion(classes, false); }
eg_confusion *eg_confusion_new_slim(int classes) { return new_confusion(classes, true); }
void eg_confusion_free(eg_confusion *c) { eg_release(NULL, c); }

void eg_confusion_reset(eg_confusion *c) {
	size_t n = (size_t)c->classes;
	c->total = c->right = 0;
	c->nats = 0;
	memset(c->within, 0, sizeof c->within);
	memset(c->data, 0, (3 * n + (c->slim ? 0 : n * n)) * sizeof c->data[0]);
}

/* -ln softmax(x)[t], with `highest` the largest of x. */
static double nats_of(const eg_real *x, int n, eg_real highest, int t) {
	double sum = 0;
	for (int k = 0; k < n; k++) sum += (double)expf((float)(x[k] - highest));
	return log(sum) + (double)highest - (double)x[t];
}

void eg_confusion_add(eg_confusion *c, const eg_real *logits, const int32_t *labels, int n) {
	for (int i = 0; i < n; i++) {
		const eg_real *x = logits + (ptrdiff_t)i * c->classes;
		int32_t t = labels[i];
		if (t < 0 || t >= c->classes) continue; /* ignored samples */
		int best = 0, above = 0;
		for (int k = 0; k < c->classes; k++) {
			if (x[k] > x[best]) best = k;
			above += k != t && !(x[k] < x[t] || (x[k] == x[t] && k > t)); /* NaN is above all, and below
			                                                               * none */
		}
		if (c->count) c->count[(ptrdiff_t)t * c->classes + best]++;
		c->truth[t]++;
		c->predicted[best]++;
		c->hit[t] += best == t;
		c->right += best == t;
		c->nats += nats_of(x, c->classes, x[best], t);
		c->total++;
		for (int k = above; k < TOP; k++) c->within[k]++;
	}
}

int eg_confusion_classes(const eg_confusion *c) { return c->classes; }
int64_t eg_confusion_total(const eg_confusion *c) { return c->total; }

static bool valid(const eg_confusion *c, int k) { return k >= 0 && k < c->classes; }
int64_t eg_confusion_count(const eg_confusion *c, int truth, int predicted) {
	if (!valid(c, truth) || !valid(c, predicted)) return 0;
	if (!c->count) return truth == predicted ? c->hit[truth] : 0;
	return c->count[(ptrdiff_t)truth * c->classes + predicted];
}

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : 0; }

double eg_confusion_accuracy(const eg_confusion *c) { return ratio(c->right, c->total); }
double eg_confusion_nats(const eg_confusion *c) { return c->total ? c->nats / (double)c->total : 0; }
double eg_confusion_topk(const eg_confusion *c, int k) {
	return k < 1 || k > TOP ? 0 : ratio(c->within[k - 1], c->total);
}
double eg_confusion_precision(const eg_confusion *c, int k) {
	return valid(c, k) ? ratio(c->hit[k], c->predicted[k]) : 0;
}
double eg_confusion_recall(const eg_confusion *c, int k) { return valid(c, k) ? ratio(c->hit[k], c->truth[k]) : 0; }
double eg_confusion_f1(const eg_confusion *c, int k) {
	return valid(c, k) ? ratio(2 * c->hit[k], c->truth[k] + c->predicted[k]) : 0;
}
double eg_confusion_macro_f1(const eg_confusion *c) {
	double sum = 0;
	int present = 0;
	for (int k = 0; k < c->classes; k++)
		if (c->truth[k]) {
			sum += eg_confusion_f1(c, k);
			present++;
		}
	return present ? sum / present : 0;
}
