/* train_notes.c - what engram train says on the side: before, of recipes that hardly mean what they say; while it
 * runs and at its end, of a network that does worse than one that knows nothing.
 *
 * Not here: progress and results (train_show.c). */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "train.h"

#include <math.h>
#include <string.h>

static void on_advice(void *user, const char *text) {
	const training *t = user;
	if (!t->quiet && !t->advised) fail(t->args->verb->name, "note: %s", text);
}

bool train_advise(training *t) {
	eg_error err;
	eg_status status = eg_task_advise(t->task, on_advice, t, &err);
	if (!status) status = eg_samples_advise(t->samples, on_advice, t, &err);
	t->advised = true; /* of several folds the first one */
	if (status) fail_error(t->args->verb->name, &err);
	return !status;
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

/* Label smoothing of a loss; 0: none. */
static double smoothing_of(const eg_recipe_loss_info *loss) {
	for (int i = 0; i < loss->op->nattrs && loss->options; i++) {
		const eg_attr *a = &loss->op->attrs[i];
		float v = 0;
		if (strcmp(a->name, "label_smoothing") != 0) continue;
		memcpy(&v, (const char *)loss->options + a->offset, sizeof v);
		return (double)v;
	}
	return 0;
}

/* The smoothed loss of who is right and as sure as smoothing wants it. */
static double least(double smoothing, int classes) {
	double other = smoothing / classes, right = 1 - smoothing + other;
	return -right * log(right) - (classes - 1) * (other > 0 ? other * log(other) : 0);
}

static int classes_of(const training *t) {
	for (const eg_size *s = eg_samples_sizes(t->samples); s && s->name; s++)
		if (!strcmp(s->name, "classes")) return s->size;
	return 0;
}

/* "loss: cross_entropy with class weights 2, 0.6667" */
static void show_weights(const eg_recipe_loss_info *l) {
	enum { SHOWN = 8 };
	if (!l->classes) return;
	printf("loss: %s with class weights ", l->op->name);
	for (int i = 0; i < l->nclasses && i < SHOWN; i++) printf("%s%.4g", i ? ", " : "", (double)l->classes[i]);
	printf("%s\n", l->nclasses > SHOWN ? ", ..." : "");
}

void train_show_losses(const training *t) {
	char number[NUMBER];
	const eg_recipe_loss_info *l;
	int classes = classes_of(t);
	for (int i = 0; (l = eg_recipe_loss_at(t->recipe, i)); i++) {
		double smoothing = smoothing_of(l);
		show_weights(l);
		if (!(smoothing > 0)) continue;
		printf("loss: %s with label smoothing %g", l->op->name, smoothing);
		if (!l->field && classes > 1)
			printf(", %s at the least", number_loss(number, least(smoothing, classes)));
		printf("\n");
	}
}

/* ---- worse than guessing ----------------------------------------------------------------------------------------- */

static double rate_of(const training *t) {
	return eg_optimizer_lr_of(&t->config.optimizer);
}

/* Found out once, when it is first needed. */
double train_chance(training *t) {
	eg_error err;
	if (!t->chance_known && eg_samples_chance(t->samples, t->graph, &t->chance, &err)) t->chance = NAN;
	t->chance_known = true;
	return t->chance;
}

static bool note_diverged(training *t, double loss, double factor, const char *when, int epoch) {
	char number[NUMBER], known[NUMBER];
	if (!(loss > train_chance(t) * factor + 1e-6)) return false;
	fail("train",
	        "note: %s %d the loss is %s, above the %s of a network that knows nothing of its input: train longer "
	        "if it "
	        "still falls, else try a smaller learning rate (now %g), or clip_norm: 1",
	        when, epoch, number_loss(number, loss), number_loss(known, t->chance), rate_of(t));
	return t->warned = true;
}

/* While it runs only what is far off: a first epoch begins anywhere. */
void train_note_epoch(training *t, const eg_epoch_report *r) {
	const double far = r->epoch == 1 ? 10 : 2;
	if (r->epoch < r->epochs && !t->quiet && !t->warned) note_diverged(t, r->loss, far, "after epoch", r->epoch);
}

/* The task's accuracy, where that decides, says that it guesses. */
static bool note_guessing(const training *t, const eg_train_result *result) {
	char percent[NUMBER];
	const eg_size *told_apart = eg_samples_sizes(t->samples);
	double accuracy = t->has_validation ? result->val_metric : result->train_metric;
	int n = told_apart ? told_apart->size : 0;
	if (!result->metric || strcmp(result->metric, "accuracy") != 0) return false;
	/* Half as good again as guessing, but with few to choose from not more than a little better. */
	if (n < 2 || !(accuracy <= fmin(1.5 / n, 1.0 / n + 0.05))) return false;
	fail("train",
	        "note: the network does no better than guessing (accuracy %s, %d %s): try a smaller learning rate "
	        "(now %g), or a larger one if the loss hardly changed",
	        number_percent(percent, accuracy), n, told_apart->name, rate_of(t));
	return true;
}

/* A training that diverged without a number ceasing to be one ends as any other; only loss and accuracy tell. */
bool train_note_end(training *t, const eg_train_result *result) {
	char number[NUMBER], known[NUMBER];
	const double little = 1.02;
	bool decides = t->judge && (t->judge->best >= 0 || t->config.best == EG_BEST_METRIC) &&
	               t->config.best != EG_BEST_OBJECTIVE;
	if (t->quiet || t->warned) return false;
	if (decides && note_guessing(t, result)) return true;
	if (note_diverged(t, result->loss, little, "after the last epoch,", t->state.epoch)) return true;
	if (decides || !t->has_validation || !(result->val_loss > train_chance(t) * little + 1e-6)) return false;
	fail("train",
	        "note: the validation loss is %s, above the %s of a network that knows nothing of its input, though "
	        "the "
	        "loss of training is not: it has learnt its samples by heart. Try more data, a smaller network, "
	        "dropout or fewer epochs",
	        number_loss(number, result->val_loss), number_loss(known, t->chance));
	return true;
}
