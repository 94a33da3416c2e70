/* fitting.c - over- or underfitting, told by the losses of the epochs. docs/design.md says where the limits are from.
 *
 * Not here: what is said of a network that does worse than guessing (cli/train_notes.c); losses (src/train/loop.c). */
#include "tasks/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Shares of what was learnt, unless told otherwise. */
static const double CHANCE = 0.05; /* of the loss of a network that knows nothing: within it nothing was learnt */
static const double ROSE = 0.05;   /* lost again since the best epoch */
static const double FELL = 0.02;   /* gained in the last quarter of the epochs */
static const double FAR = 0.1;     /* between training and validation; or */
static const double MOST = 0.5;    /* of the validation loss is not in the training loss */
static const double LITTLE = 0.01; /* but at least this between them */
static const double ALIKE = 0.05;
static const double LEFT = 0.1;    /* loss that is left, of that of a network that knows nothing: little below it */
static const double SURE = 3;      /* deviations of the validation loss from epoch to epoch */

typedef struct facts {
	const eg_fitting_history *h;
	int n, best;           /* best: 0.. */
	double known;          /* the loss that counts as knowing nothing */
	double least, least_train;
	double learnt;         /* from there to the lowest loss */
	double noise;          /* deviation of the validation loss */
	double end, end_train; /* losses at the end */
	bool risen;            /* the last epochs are all behind the best one */
} facts;

static double lowest(const double *x, int from, int to) {
	double least = x[from];
	for (int i = from + 1; i < to; i++) least = fmin(least, x[i]);
	return least;
}

static double mean_of_last(const double *x, int n, int k) {
	double sum = 0;
	for (int i = n - k; i < n; i++) sum += x[i];
	return sum / k;
}

static int compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The deviation of independent noise on a smooth curve: the median of second differences, which have sqrt(6) of it;
 * over the last epochs, where the curve bends least. */
static double noise_of(const double *x, int n) {
	enum { MOST_EPOCHS = 64 };
	double d[MOST_EPOCHS];
	int from = n - 1 - MOST_EPOCHS > n / 2 ? n - 1 - MOST_EPOCHS : n / 2, k = 0;
	if (from > n - 4) from = n - 4; /* three differences, where there are as many */
	for (int i = from < 1 ? 1 : from; i + 1 < n && k < MOST_EPOCHS; i++)
		d[k++] = fabs(x[i - 1] - 2 * x[i] + x[i + 1]);
	if (k < 3) return 0;
	qsort(d, (size_t)k, sizeof *d, compare);
	return d[k / 2] / (0.6745 * sqrt(6));
}

static bool gather(const eg_fitting_history *h, facts *f) {
	const int n = h->epochs;
	if (n < 3 || !h->loss || !h->val_loss) return false;
	for (int i = 0; i < n; i++)
		if (!isfinite(h->loss[i]) || !isfinite(h->val_loss[i])) return false;
	*f = (facts){.h = h, .n = n};
	for (int i = 1; i < n; i++)
		if (h->val_loss[i] < h->val_loss[f->best]) f->best = i;
	f->least = h->val_loss[f->best];
	f->least_train = lowest(h->loss, 0, n);
	f->known = isfinite(h->chance) ? h->chance : fmax(h->loss[0], h->val_loss[0]);
	f->learnt = f->known - fmin(f->least, f->least_train);
	f->noise = noise_of(h->val_loss, n);
	const int few = n < 12 ? 1 : 3; /* one bad epoch among many is no rise */
	f->risen = n - 1 - f->best >= few;
	f->end = mean_of_last(h->val_loss, n, few);
	f->end_train = mean_of_last(h->loss, n, few);
	return true;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void say(eg_fitting *f, eg_fitting_kind kind, const char *advice) {
	f->kind = kind;
	snprintf(f->advice, sizeof f->advice, "%s", advice);
}

#define MORE_REGULAR "dropout, weight_decay, augment, a smaller network, or more data"

/* "; accuracy still rose from 0.81 to 0.83: only the probabilities became worse", or nothing. */
static void say_metric(const facts *a, eg_fitting *f) {
	const eg_metric_info *m = a->h->metric_info;
	size_t used = strlen(f->text);
	if (!a->h->metric || !m) return;
	double then = a->h->metric[a->best], now = a->h->metric[a->n - 1];
	if (!(m->lower_is_better ? now < then : now > then)) return;
	snprintf(f->text + used, sizeof f->text - used,
	        "; %.40s went on from %.4g to %.4g: the network is surer than it may be", m->name, then, now);
}

static void say_rose(const facts *a, eg_fitting *f) {
	snprintf(f->text, sizeof f->text,
	        "overfitting: the validation loss was lowest after epoch %d of %d, %.4g, and has risen to %.4g; that of "
	        "training went from %.4g to %.4g",
	        a->best + 1, a->n, a->least, a->end, a->h->loss[a->best], a->end_train);
	say_metric(a, f);
	say(f, EG_FITTING_OVER, MORE_REGULAR "; or fewer epochs");
}

static void say_by_heart(const facts *a, eg_fitting *f) {
	snprintf(f->text, sizeof f->text,
	        "overfitting: the training loss fell to %.4g, but validation never came below %.4g, and a network that "
	        "knows nothing has %.4g: what was learnt holds for the training samples only",
	        a->least_train, a->least, a->known);
	say(f, EG_FITTING_OVER, MORE_REGULAR "; and see whether the validation samples are of the same kind");
}

static void say_falling(const facts *a, eg_fitting *f) {
	snprintf(f->text, sizeof f->text,
	        "too short: the validation loss was still falling at the end, by %.3g in the last quarter of %d epochs, "
	        "to %.4g",
	        f->fall * a->learnt, a->n, a->least);
	say(f, EG_FITTING_SHORT, "more epochs, or a higher learning rate");
}

static void say_far(const facts *a, eg_fitting *f) {
	snprintf(f->text, sizeof f->text,
	        "overfitting: at the end the validation loss is %.4g, that of training %.4g%s", a->end, a->end_train,
	        a->h->disturbed ? " although its samples are made harder by dropout or augmentation" : "");
	say(f, EG_FITTING_OVER, MORE_REGULAR);
}

static void say_alike(const facts *a, eg_fitting *f) {
	const bool harder = a->h->disturbed;
	snprintf(f->text, sizeof f->text,
	        "underfitting, if the loss can be lower at all: training (%.4g) and validation (%.4g) are alike and do not "
	        "fall any more%s",
	        a->end_train, a->end,
	        harder ? "; that of training is measured with dropout or augmentation, and would be lower without" : "");
	say(f, EG_FITTING_UNDER, "");
	snprintf(f->advice, sizeof f->advice, "%s%s",
	        a->h->annealed ? "more epochs, since the learning rate ended near 0; " : "",
	        harder ? "less dropout, weight_decay or augmentation, a larger network, or another learning rate"
	               : "a larger network, another learning rate, or less weight_decay");
}

static void say_nothing_learnt(const facts *a, eg_fitting *f) {
	snprintf(f->text, sizeof f->text,
	        "nothing was learnt: training (%.4g) and validation loss (%.4g) are near the %.4g of a network that knows "
	        "nothing of its input",
	        a->least_train, a->least, a->known);
	say(f, EG_FITTING_NOTHING,
	        "another learning rate (engram tune --lr finds one), more epochs, or see whether inputs and targets "
	        "belong together");
}

static void say_none(const facts *a, eg_fitting *f) {
	snprintf(f->text, sizeof f->text,
	        "no clear sign of over- or underfitting: at the end training loss %.4g, validation %.4g", a->end_train,
	        a->end);
	say(f, EG_FITTING_NONE, "");
}

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

static bool above(double share, double limit, const facts *a) {
	return share > limit && share * a->learnt > SURE * a->noise;
}

static void judge(const facts *a, eg_fitting *f) {
	const double near = a->known - CHANCE * fabs(a->known);
	const int quarter = a->n / 4 > 1 ? a->n / 4 : 1;
	const bool has_chance = isfinite(a->h->chance);
	if (has_chance && a->least > near) {
		if (a->least_train > near)
			say_nothing_learnt(a, f);
		else
			say_by_heart(a, f);
		return;
	}
	if (!(a->learnt > CHANCE * fabs(a->known))) { /* gone on from learnt weights, say */
		say_none(a, f);
		return;
	}
	f->gap = (a->end - a->end_train) / a->learnt;
	f->rise = (a->end - a->least) / a->learnt;
	f->fall = fmax(0, lowest(a->h->val_loss, 0, a->n - quarter) - lowest(a->h->val_loss, a->n - quarter, a->n)) /
	          a->learnt;
	const bool positive = a->least > 0 && a->least_train > 0;
	const bool most = positive && a->end - a->end_train > MOST * a->end;
	const double left = positive ? fmin(a->end, a->end_train) / a->known : 1;
	if (a->risen && above(f->rise, ROSE, a))
		say_rose(a, f);
	else if (above(f->fall, FELL, a))
		say_falling(a, f);
	else if (above(f->gap, most ? LITTLE : FAR, a))
		say_far(a, f);
	else if (f->gap < ALIKE && left > LEFT)
		say_alike(a, f);
	else
		say_none(a, f);
}

const char *eg_fitting_name(eg_fitting_kind kind) {
	static const char *const names[] = {"unknown", "none", "nothing", "short", "under", "over"};
	return kind >= 0 && (size_t)kind < EG_COUNT(names) ? names[kind] : names[0];
}

void eg_fitting_judge(const eg_fitting_history *h, eg_fitting *f) {
	facts a;
	*f = (eg_fitting){.gap = NAN, .rise = NAN, .fall = NAN};
	if (!gather(h, &a)) return;
	f->best = a.best + 1;
	judge(&a, f);
}

/* ---- what makes training samples harder -------------------------------------------------------------------------- */

static bool acts(const eg_node_info *node, const char *name) {
	for (int i = 0; i < node->op->nattrs && node->options; i++) {
		const eg_attr *a = &node->op->attrs[i];
		float v = 0;
		if (a->type != EG_ATTR_FLOAT || !strstr(a->name, name)) continue;
		memcpy(&v, (const char *)node->options + a->offset, sizeof v);
		if (v > 0) return true;
	}
	return false;
}

bool eg_samples_disturbed(const eg_samples *s, const eg_graph *g) {
	eg_node_info node;
	if (s->task->naugments > 0) return true;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &node);
		const bool all = !strcmp(node.op->name, "dropout") || !strcmp(node.op->name, "zoneout");
		if (acts(&node, all ? "" : "dropout") || acts(&node, all ? "" : "zoneout")) return true;
	}
	return false;
}
