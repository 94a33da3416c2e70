/* tune_lr.c - engram tune --lr: the learning-rate finder, its curve on the screen and as a picture.
 *
 * Not here: how it is found (src/report/rate.c), loading (train.c). */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "engram_report.h"
#include "train.h"
#include "tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 13, LEFT = 10 };

/* ---- the curve on a screen --------------------------------------------------------------------------------------- */

typedef struct canvas {
	const eg_rate_curve *c;
	int columns;
	double low, high;
} canvas;

static int column_of(const canvas *v, double rate) {
	const double *r = v->c->rate;
	const double whole = log(r[v->c->steps - 1] / r[0]);
	return (int)lround(log(rate / r[0]) / whole * (v->columns - 1));
}

/* The mean of the smoothed losses in this column, as a row from the top; -1: none. */
static int row_of(const canvas *v, int column) {
	double sum = 0;
	int n = 0;
	for (int i = 0; i < v->c->n; i++)
		if (column_of(v, v->c->rate[i]) == column) sum += v->c->smooth[i], n++;
	return n ? (int)lround((v->high - sum / n) / (v->high - v->low) * (ROWS - 1)) : -1;
}

static void show_row(const canvas *v, int row, int suggested, int now) {
	char number[NUMBER];
	const double here = v->high - (v->high - v->low) * row / (ROWS - 1);
	printf("%*s ", LEFT - 2, row % 4 == 0 ? number_loss(number, here) : "");
	fputs(row % 4 == 0 ? "\u2524" : "\u2502", stdout);
	for (int k = 0; k < v->columns; k++)
		fputs(row_of(v, k) == row ? "\u2022" : k == suggested ? "\u2506" : k == now ? "\u250a" : " ", stdout);
	putchar('\n');
}

/* A mark at each power of ten, and its number below. */
static void show_rates(const canvas *v) {
	const double *r = v->c->rate;
	int at = 0;
	printf("%*s\u2514", LEFT - 1, "");
	for (int k = 0, power = (int)ceil(log10(r[0]) - 1e-9); k < v->columns; k++) {
		const bool tick = column_of(v, pow(10, power)) == k;
		fputs(tick ? "\u2534" : "\u2500", stdout);
		power += tick;
	}
	printf("\n%*s", LEFT, "");
	for (int power = (int)ceil(log10(r[0]) - 1e-9); power <= (int)floor(log10(r[v->c->steps - 1]) + 1e-9); power++) {
		char label[NUMBER];
		const int n = snprintf(label, sizeof label, "1e%d", power);
		const int from = column_of(v, pow(10, power)) - n / 2;
		if (from < at + (at > 0) || from + n > v->columns + 2) continue;
		at += printf("%*s%s", from - at, "", label);
	}
	putchar('\n');
}

static void show_curve(const eg_rate_curve *c) {
	const int room = terminal_width(stdout) - LEFT - 2;
	canvas v = {.c = c, .columns = room < 20 ? 20 : room > 80 ? 80 : room, .low = INFINITY, .high = -INFINITY};
	for (int i = 0; i < c->n; i++) v.low = fmin(v.low, c->smooth[i]), v.high = fmax(v.high, c->smooth[i]);
	if (!(v.high > v.low)) v.high = v.low + fmax(fabs(v.low), 1e-6);
	const int suggested = isnan(c->suggested) ? -1 : column_of(&v, c->suggested), now = column_of(&v, c->now);
	printf("\n");
	for (int row = 0; row < ROWS; row++) show_row(&v, row, suggested, now);
	show_rates(&v);
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static const char *end_of(const eg_rate_curve *c) {
	return c->end == EG_RATE_DIVERGED ? "the loss shot up"
	       : c->end == EG_RATE_NOT_FINITE ? "a loss or gradient was no number any more"
	                                      : "all steps were made";
}

static void show_text(const training *t, const eg_rate_curve *c) {
	printf("%s: learning rates from %.3g to %.3g, %d of %d steps: %s\n", text_shown(eg_recipe_name(t->recipe)), c->rate[0],
	        c->rate[c->n - 1], c->n, c->steps, end_of(c));
	if (c->lowest < 0) {
		printf("The loss did not fall beyond its noise: there is no rate to be suggested. Try more steps, a larger batch, "
		       "or other ends (--steps, --from, --to).\n");
		return;
	}
	show_curve(c);
	printf("\nsuggested  %.2g   (a tenth of where the loss is lowest; it falls most steeply at %.2g)\n", c->suggested,
	        c->rate[c->steepest]);
	printf("now        %.3g\n", c->now);
	if (c->lowest > c->n - 1 - c->steps / 20 && c->end == EG_RATE_WHOLE)
		printf("The loss is lowest at the end: go further (--to).\n");
	printf("\nTo try it:\n  engram train %s --set train.lr=%.2g\n", text_shown(t->recipe_path), c->suggested);
}

static void put_numbers(eg_value *v, const char *key, const double *x, int n) {
	eg_value *list = eg_value_put_list(v, key);
	for (int i = 0; i < n; i++) eg_value_put_number(list, NULL, x[i]);
}

static void show_json(const eg_rate_curve *c) {
	static const char *const ends[] = {"whole", "diverged", "not_finite"};
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_number(v, "suggested", c->suggested);
	eg_value_put_number(v, "now", c->now);
	eg_value_put_number(v, "steepest", c->steepest >= 0 ? c->rate[c->steepest] : (double)NAN);
	eg_value_put_number(v, "lowest", c->lowest >= 0 ? c->rate[c->lowest] : (double)NAN);
	eg_value_put_text(v, "end", ends[c->end]);
	eg_value_put_int(v, "steps", c->steps);
	put_numbers(v, "rates", c->rate, c->n);
	put_numbers(v, "losses", c->loss, c->n);
	put_numbers(v, "smooth", c->smooth, c->n);
	print_json(v);
	eg_value_free(v);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static bool on_step(void *user, int step) {
	const training *t = user;
	char left[64];
	if (t->live && (step % 8 == 0 || step == 1)) {
		snprintf(left, sizeof left, "step %d ", step);
		bar_show(stdout, left, fmin(1, step / (double)t->first), "rate rising");
	}
	return false;
}

static int find(training *t, const eg_rate_options *o) {
	eg_rate_curve c;
	eg_error err;
	char title[200];
	const char *path = args_text(t->args, "output");
	eg_status status = eg_rate_find(t->graph, t->params, &t->config, eg_samples_get(t->samples, EG_PART_TRAIN), o, &c, &err);
	if (t->live) bar_clear(stdout);
	if (!status && c.n == 0 && !t->json) {
		fail("tune", "%s: the very first loss, or its gradient, is no number, before any step: no learning rate helps there. Look "
		             "for values in the data that are infinite or very large, and scale them", text_shown(t->recipe_path));
		eg_rate_curve_free(&c);
		return CLI_FAILED;
	}
	snprintf(title, sizeof title, "%.120s: the loss as the learning rate rises", eg_recipe_name(t->recipe));
	if (!status && path) status = eg_rate_plot(path, title, &c, &err);
	if (status)
		fail_error("tune", &err);
	else if (t->json)
		show_json(&c);
	else
		show_text(t, &c);
	if (!status && path && !t->json) printf("Curve: %s\n", text_shown(path));
	eg_rate_curve_free(&c);
	return status ? CLI_FAILED : CLI_OK;
}

static bool get_ready(training *t) {
	eg_error err;
	const char *path = args_text(t->args, "output");
	if (path && !cli_can_write(t->args, path)) return false;
	t->recipe = cli_recipe(t->args, t->recipe_path);
	if (!t->recipe) return false;
	if (eg_task_open(t->recipe, &t->task, &err)) return fail_error("tune", &err), false;
	t->config = *eg_recipe_train(t->recipe);
	t->ctx = cli_context(t->args);
	return t->ctx && train_load(t, 0, 0) && train_network(t);
}

int tune_lr(const cli_args *a) {
	training t = {.args = a,
	        .recipe_path = a->operands[0],
	        .json = args_has(a, "json"),
	        .quiet = args_has(a, "quiet"),
	        .first = (int)args_number(a, "steps", 200)};
	eg_rate_options o = {.steps = t.first, .user = &t, .interrupted = on_step};
	if (!args_real(a, "from", 1e-30, 1000, &o.from) || !args_real(a, "to", 1e-30, 1000, &o.to)) return CLI_USAGE;
	t.live = is_terminal(stdout) && !t.json && !t.quiet;
	int code = get_ready(&t) ? find(&t, &o) : CLI_FAILED;
	train_drop(&t);
	eg_context_free(t.ctx);
	eg_recipe_free(t.recipe);
	return code;
}
