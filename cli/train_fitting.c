/* train_fitting.c - over- and underfitting in the last lines of engram train: what the epochs were, what they tell
 * (eg_fitting_judge), and that in words.
 *
 * Not here: a network that does worse than guessing (train_notes.c). */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "train.h"

#include <math.h>
#include <stdlib.h>

void train_remember(training *t, const eg_epoch_report *r) {
	const size_t n = (size_t)(r->epochs > r->epoch ? r->epochs : r->epoch);
	if (!t->losses) {
		t->losses = cli_alloc(n * sizeof *t->losses);
		t->val_losses = cli_alloc(n * sizeof *t->val_losses);
		t->metrics = cli_alloc(n * sizeof *t->metrics);
	}
	t->losses[t->seen] = r->loss;
	t->val_losses[t->seen] = r->val_loss;
	t->metrics[t->seen] = t->shown >= 0 ? r->val[t->shown] : (double)NAN;
	t->highest_lr = fmax(t->highest_lr, r->lr);
	t->last_lr = r->lr;
	t->seen++;
}

void train_forget(training *t) {
	free(t->losses);
	free(t->val_losses);
	free(t->metrics);
	t->losses = t->val_losses = t->metrics = NULL;
	t->seen = 0;
}

void train_fitting(training *t, eg_fitting *f) {
	const bool decides = t->shown >= 0 && t->judge->best >= 0 && t->config.best != EG_BEST_OBJECTIVE;
	const eg_fitting_history h = {.epochs = t->seen,
	        .loss = t->losses,
	        .val_loss = t->has_validation ? t->val_losses : NULL,
	        .metric = decides ? t->metrics : NULL,
	        .metric_info = decides ? &t->judge->metrics[t->shown] : NULL,
	        .chance = train_chance(t),
	        .annealed = t->last_lr < 0.1 * t->highest_lr,
	        .disturbed = eg_samples_disturbed(t->samples, t->graph)};
	eg_fitting_judge(&h, f);
}

/* Nothing where too little is known. */
void train_show_fitting(training *t) {
	eg_fitting f;
	char line[800];
	train_fitting(t, &f);
	if (f.kind == EG_FITTING_UNKNOWN) return;
	snprintf(line, sizeof line, "Fit%s: %s.%s%s%s", t->first ? " of these epochs" : "", f.text,
	        *f.advice ? " Try " : "", f.advice, *f.advice ? "." : "");
	text_wrap(stdout, line, 0, 0, terminal_width(stdout) < 100 ? terminal_width(stdout) : 100);
	printf("\n");
}
