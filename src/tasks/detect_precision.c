/* detect_precision.c - average precision of boxes, as COCO's evaluation (pycocotools) has it.
 *
 * In each picture and class the boxes that were found, the surest first, each take the true box that they overlap most
 * and that none has taken, if they overlap it enough; the others are false. Over all pictures, the surest first, this
 * makes precision and recall; the precision at a recall is the best at that recall or a higher one, and their mean
 * over the recalls 0, 0.01, ..., 1 is the average precision (Lin et al. 2014; Everingham et al. 2010). */
#include "tasks/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 10, RECALLS = 101 };

/* One box that was found: at which levels it is right, and at which it does not count. */
typedef struct verdict {
	double score;
	int64_t number; /* in the order in which they came */
	uint16_t right, passed;
} verdict;

typedef struct shelf {
	verdict *at;
	int n, cap;
	int64_t truths;
} shelf;

struct eg_precision {
	int classes;
	shelf *of;
};

eg_precision *eg_precision_new(int classes) {
	eg_precision *p = eg_calloc(NULL, 1, sizeof *p);
	if (!p) return NULL;
	p->classes = classes;
	p->of = eg_calloc(NULL, (size_t)classes, sizeof *p->of);
	if (p->of) return p;
	eg_release(NULL, p);
	return NULL;
}

void eg_precision_free(eg_precision *p) {
	if (!p) return;
	for (int k = 0; k < p->classes; k++) eg_release(NULL, p->of[k].at);
	eg_release(NULL, p->of);
	eg_release(NULL, p);
}

void eg_precision_reset(eg_precision *p) {
	for (int k = 0; k < p->classes; k++) p->of[k].n = 0, p->of[k].truths = 0;
}

int64_t eg_precision_count(const eg_precision *p, int label) { return p->of[label].truths; }

/* ---- one picture ------------------------------------------------------------------------------------------------- */

static double level_of(int i) { return 0.5 + i * ((0.95 - 0.5) / (LEVELS - 1)); }

/* The true box of the same class that is free and overlapped most, among those that count or those that do not; -1:
 * none by at least `level`. */
static int best_of(const eg_box *truth, int n, const eg_box *box, double level, bool difficult, const uint16_t *taken, int bit) {
	double most = level;
	int best = -1;
	for (int i = 0; i < n; i++) {
		if (truth[i].label != box->label || truth[i].difficult != difficult) continue;
		if (!difficult && taken[i] >> bit & 1) continue;
		const double overlap = eg_box_overlap(&truth[i], box);
		if (overlap < most) continue;
		most = overlap, best = i;
	}
	return best;
}

static void judge(const eg_box *truth, int n, const eg_box *box, uint16_t *taken, verdict *v) {
	for (int l = 0; l < LEVELS; l++) {
		const int own = best_of(truth, n, box, level_of(l), false, taken, l);
		if (own >= 0)
			taken[own] = (uint16_t)(taken[own] | 1u << l), v->right = (uint16_t)(v->right | 1u << l);
		else if (best_of(truth, n, box, level_of(l), true, taken, l) >= 0)
			v->passed = (uint16_t)(v->passed | 1u << l);
	}
}

eg_status eg_precision_add(
	eg_precision *p, const eg_box *truth, int ntruth, const eg_found *found, int nfound, eg_error *err) {
	uint16_t *taken = eg_calloc(NULL, (size_t)ntruth + 1, sizeof *taken);
	bool ok = taken != NULL;
	for (int i = 0; i < ntruth; i++)
		if (truth[i].label >= 0 && !truth[i].difficult) p->of[truth[i].label].truths++;
	for (int i = 0; i < nfound && ok; i++) {
		shelf *s = &p->of[found[i].box.label];
		ok = eg_grow(NULL, &s->at, &s->cap, s->n, sizeof *s->at);
		if (!ok) break;
		verdict *v = &s->at[s->n];
		*v = (verdict){.score = found[i].score, .number = s->n};
		judge(truth, ntruth, &found[i].box, taken, v);
		s->n++;
	}
	eg_release(NULL, taken);
	return ok ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int surer(const void *a, const void *b) {
	const verdict *x = a, *y = b;
	if (x->score != y->score) return x->score < y->score ? 1 : -1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Walks from the least sure to the surest, so that the best precision at a recall or a higher one is known. */
static double at_level(const shelf *s, int level) {
	int64_t right = 0, wrong = 0;
	double best = 0, sum = 0;
	int recall = RECALLS - 1;
	for (int i = 0; i < s->n; i++) {
		const verdict *v = &s->at[i];
		if (v->right >> level & 1) right++;
		else if (!(v->passed >> level & 1)) wrong++;
	}
	for (int i = s->n - 1; i >= 0; i--) {
		const verdict *v = &s->at[i];
		const bool is_right = v->right >> level & 1, is_wrong = !is_right && !(v->passed >> level & 1);
		/* recalls that this one reaches, and the one before it does not */
		for (; recall >= 0 && (double)right / (double)s->truths < recall * 0.01; recall--) sum += best;
		if (right + wrong > 0) best = fmax(best, (double)right / (double)(right + wrong));
		right -= is_right, wrong -= is_wrong;
	}
	return (sum + (recall + 1) * best) / RECALLS;
}

eg_class_precision eg_precision_of(eg_precision *p, int label) {
	shelf *s = &p->of[label];
	eg_class_precision out = {(double)NAN, (double)NAN};
	if (s->truths < 1) return out;
	if (s->n) qsort(s->at, (size_t)s->n, sizeof *s->at, surer);
	double sum = 0;
	for (int l = 0; l < LEVELS; l++) {
		const double ap = at_level(s, l);
		if (l == 0) out.ap50 = ap;
		sum += ap;
	}
	out.ap50_95 = sum / LEVELS;
	return out;
}
