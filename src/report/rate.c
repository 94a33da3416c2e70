/* rate.c - the learning-rate finder: updates with a rate that rises geometrically, the curve of the loss, what follows
 * from it, and its plot. docs/design.md says why it suggests what it does.
 *
 * Not here: an update (src/train/trainer.c), the curve on a terminal (cli/tune_lr.c). */
#include "engram_report.h"
#include "report/plot.h"

#include <math.h>
#include <string.h>

enum { STEPS = 200, LEAST_STEPS = 20, MOST_STEPS = 100000 };
static const double DECADES = 1e4; /* below and above the optimizer's default rate */
static const double MOST_RATE = 1000; /* that recipes take */
static const double FAR = 3; /* diverged: so many times what was learnt, or what is left, above the lowest loss */

typedef struct finder {
	eg_params *params;
	const eg_rate_options *options;
	eg_rate_curve *c;
	eg_trainer *trainer;
	eg_optimizer *optimizer;
	eg_train_state state;
	eg_real *kept; /* the parameters as they were */
	double factor, average, correction; /* of the rate; of the losses so far, with its bias; 1 - bias */
	double lowest;
} finder;

/* ---- getting ready ----------------------------------------------------------------------------------------------- */

static eg_status check(const eg_rate_options *o, double from, double to, int steps, eg_error *err) {
	if (!(from > 0) || !(to > from) || !(to <= MOST_RATE))
		return eg_fail(err, EG_ERR_ARG, "rates from %g to %g: they begin above 0 and rise, to %g at most", from, to,
		        MOST_RATE);
	if (steps < LEAST_STEPS || steps > MOST_STEPS)
		return eg_fail(err, EG_ERR_ARG, "%d steps; it takes %d to %d", o->steps, LEAST_STEPS, MOST_STEPS);
	return EG_OK;
}

static const eg_judge none; /* measures nothing */

static eg_status set_up(finder *f, eg_graph *g, const eg_train_config *config, const eg_dataset *data, eg_error *err) {
	eg_optimizer_config plain = config->optimizer;
	plain.lr = 0;
	const double usual = eg_optimizer_lr_of(&plain);
	const double from = f->options->from != 0 ? f->options->from : usual / DECADES;
	const double to = f->options->to != 0 ? f->options->to : fmin(usual * DECADES, MOST_RATE);
	const int steps = f->options->steps != 0 ? f->options->steps : STEPS;
	eg_rate_curve *c = f->c;
	eg_status status = check(f->options, from, to, steps, err);
	if (status) return status;
	size_t n;
	const eg_real *weights = eg_params_flat(f->params, &n);
	c->steps = steps;
	c->rate = eg_calloc(NULL, 3 * (size_t)steps, sizeof *c->rate);
	f->kept = eg_calloc(NULL, n + 1, sizeof *f->kept);
	if (!c->rate || !f->kept) return eg_fail(err, EG_ERR_MEMORY, "out of memory to look for a learning rate");
	c->loss = c->rate + steps, c->smooth = c->loss + steps;
	memcpy(f->kept, weights, n * sizeof *weights);
	f->factor = pow(to / from, 1.0 / (steps - 1));
	for (int i = 0; i < steps; i++) c->rate[i] = from * pow(f->factor, i);
	eg_train_config own = *config;
	own.average = 0;
	own.schedule = (eg_schedule_config){0};
	own.train_judge = &none;
	f->optimizer = eg_optimizer_new(f->params, &own.optimizer, err);
	if (!f->optimizer) return err->status;
	f->trainer = eg_trainer_new(g, f->params, &own, data, f->optimizer, &f->state, err);
	return f->trainer ? EG_OK : err->status;
}

static void take_down(finder *f) {
	size_t n;
	eg_real *weights = eg_params_flat(f->params, &n);
	eg_trainer_free(f->trainer);
	eg_optimizer_free(f->optimizer);
	if (f->kept && f->c->n > 0) {
		memcpy(weights, f->kept, n * sizeof *weights);
		eg_params_changed(f->params);
	}
	eg_release(NULL, f->kept);
}

/* ---- rising ------------------------------------------------------------------------------------------------------ */

static const double FLAT = 0.03; /* of the whole fall: so little above the lowest is as good */
static const double DECAY = 0.9, SMOOTH = 0.8; /* of the mean that tells the end; of the line, twice */

/* Is the mean of the last losses far above the lowest? Then further steps tell nothing. */
static bool is_lost(finder *f, double loss) {
	const double *all = f->c->loss;
	f->average = DECAY * f->average + (1 - DECAY) * loss;
	f->correction = DECAY * f->correction + 1 - DECAY;
	const double mean = f->average / f->correction;
	if (f->c->n == 1 || mean < f->lowest) f->lowest = mean;
	return mean - f->lowest > FAR * fmax(fabs(f->lowest), all[0] - f->lowest);
}

/* One update with the next rate; *over: it was the last. A number that is none ends the curve, it is no failure. */
static eg_status step(finder *f, bool *over, eg_error *err) {
	eg_step_report r;
	eg_rate_curve *c = f->c;
	eg_status status = eg_trainer_gradients(f->trainer, &r, err);
	if (!status && r.weight > 0) {
		c->loss[c->n++] = r.loss;
		*over = c->n == c->steps;
		if (is_lost(f, r.loss)) c->end = EG_RATE_DIVERGED, *over = true;
		status = eg_optimizer_step(f->optimizer, c->rate[c->n - 1], NULL, err);
		f->state.steps++;
	}
	if (status == EG_ERR_NUMERIC) c->end = EG_RATE_NOT_FINITE, *over = true;
	if (status && status != EG_ERR_NUMERIC) return status;
	if (!*over && f->options->interrupted && f->options->interrupted(f->options->user, c->n))
		return eg_fail(err, EG_ERR_STOPPED, "the search for a learning rate was stopped after step %d of %d", c->n,
		        c->steps);
	if (!*over && r.last) status = eg_trainer_begin_epoch(f->trainer, ++f->state.epoch, err);
	return status == EG_ERR_NUMERIC ? EG_OK : status;
}

/* ---- what follows ------------------------------------------------------------------------------------------------ */

/* The mean of the losses before, exponentially forgotten and corrected for its beginning at 0, and the same once more
 * from behind: it lags in neither direction. What shoots up at the end counts as no more than the highest of the first
 * ones. */
static void smooth(eg_rate_curve *c) {
	double most = c->loss[0], sum = 0, bias = 0;
	for (int i = 1; i < c->n && i < 10; i++) most = fmax(most, c->loss[i]);
	for (int i = 0; i < c->n; i++) {
		sum = SMOOTH * sum + (1 - SMOOTH) * fmin(c->loss[i], most);
		bias = SMOOTH * bias + 1 - SMOOTH;
		c->smooth[i] = sum / bias;
	}
	sum = bias = 0;
	for (int i = c->n - 1; i >= 0; i--) {
		sum = SMOOTH * sum + (1 - SMOOTH) * c->smooth[i];
		bias = SMOOTH * bias + 1 - SMOOTH;
		c->smooth[i] = sum / bias;
	}
}

static double two_digits(double v) {
	const double unit = pow(10, floor(log10(v)) - 1);
	return unit < 1 ? round(v / unit) / round(1 / unit) : round(v / unit) * unit;
}

/* Of the rates around number `at` with losses below this, as the logarithm goes. */
static double middle(const eg_rate_curve *c, int at, double below) {
	int from = at, to = at;
	while (from > 0 && c->smooth[from - 1] < below) from--;
	while (to + 1 < c->n && c->smooth[to + 1] < below) to++;
	return sqrt(c->rate[from] * c->rate[to]);
}

/* A tenth of the rate at which the loss is lowest, or, where it is flat there, of the middle. */
static void suggest(eg_rate_curve *c) {
	double low = INFINITY, high = -INFINITY, steep = 0;
	const int reach = c->steps / 40 > 1 ? c->steps / 40 : 1;
	c->lowest = c->steepest = -1;
	c->suggested = NAN;
	if (c->n < LEAST_STEPS / 2) return;
	smooth(c);
	int at = 0;
	for (int i = 1; i < c->n; i++)
		if (c->smooth[i] < c->smooth[at]) at = i;
	for (int i = 0; i <= at; i++) low = fmin(low, c->smooth[i]), high = fmax(high, c->smooth[i]);
	/* Noise makes a fall too: three deviations of the smoothed line, as those of the losses tell; */
	double noise = 0;
	for (int i = 1; i <= at; i++) noise += fabs(c->loss[i] - c->loss[i - 1]);
	/* the mean |difference| of two normals is 2 / sqrt(pi) */
	noise *= at > 0 ? 0.886 / at * sqrt((1 - SMOOTH) / (1 + SMOOTH)) : 0;
	if (at < reach || !(high - low > 3 * noise)) return;
	for (int i = reach; i + reach <= at; i++) {
		double slope = c->smooth[i + reach] - c->smooth[i - reach];
		if (slope < steep) steep = slope, c->steepest = i;
	}
	c->lowest = at;
	if (c->steepest < 0) c->steepest = at / 2;
	c->suggested = two_digits(middle(c, at, c->smooth[at] + FLAT * (high - c->smooth[at])) / 10);
}

static eg_status run(finder *f, eg_error *err) {
	bool over = false;
	eg_status status = eg_trainer_begin_epoch(f->trainer, 0, err);
	while (!status && !over) status = step(f, &over, err);
	if (!status) suggest(f->c);
	return status;
}

eg_status eg_rate_find(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *data,
	const eg_rate_options *options, eg_rate_curve *curve, eg_error *err) {
	static const eg_rate_options usual;
	eg_error own;
	if (!err) err = &own;
	*err = (eg_error){0};
	*curve = (eg_rate_curve){.lowest = -1, .steepest = -1, .suggested = NAN};
	curve->now = eg_optimizer_lr_of(&config->optimizer);
	finder f = {.params = p, .options = options ? options : &usual, .c = curve};
	eg_status status = set_up(&f, g, config, data, err);
	if (!status) status = run(&f, err);
	take_down(&f);
	return status;
}

void eg_rate_curve_free(eg_rate_curve *c) {
	eg_release(NULL, c->rate);
	*c = (eg_rate_curve){0};
}

/* ---- the plot ---------------------------------------------------------------------------------------------------- */

eg_status eg_rate_plot(const char *path, const char *title, const eg_rate_curve *c, eg_error *err) {
	char suggested[64] = "", now[64], number[32];
	double low = INFINITY, high = -INFINITY;
	if (c->n < 1) return eg_fail(err, EG_ERR_ARG, "%s: there is no curve to be drawn", path);
	double *seen = eg_calloc(NULL, (size_t)c->n, sizeof *seen);
	if (!seen) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a plot");
	for (int i = 0; i < c->n; i++) low = fmin(low, c->smooth[i]), high = fmax(high, c->smooth[i]);
	for (int i = 0; i < c->n; i++) /* what shoots up would flatten all else */
		seen[i] = c->loss[i] < high + 0.3 * (high - low) ? c->loss[i] : (double)NAN;
	const eg_series series[] = {{"of each batch", c->rate, seen, c->n}, {"smoothed", c->rate, c->smooth, c->n}};
	snprintf(suggested, sizeof suggested, "suggested %s", eg_number(c->suggested, number));
	snprintf(now, sizeof now, "now %s", eg_number(c->now, number));
	const eg_plot_mark marks[] = {{c->suggested, suggested}, {c->now, now}};
	const eg_line_plot plot = {.title = title,
	        .x_title = "learning rate",
	        .y_title = "loss",
	        .series = series,
	        .nseries = 2,
	        .log_x = true,
	        .marks = marks,
	        .nmarks = 2,
	        .thin_first = true};
	eg_status status = eg_plot_lines(path, &plot, err);
	eg_release(NULL, seen);
	return status;
}
