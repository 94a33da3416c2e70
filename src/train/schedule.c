/* schedule.c - learning rates over time: linear warm-up, then one of many: see eg_schedule_kind. All but PLATEAU are
 * functions of how much of the training is done, and know nothing of what was before. */
#include "engram_train.h"

#include <float.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

/* What 0 stands for; EG_ZERO_F is zero. */
static double or_default(double v, double d) { return v != 0 ? v : signbit(v) ? 0 : d; }

/* Sums of fractions of an epoch come out a little too small: three tenths are less than three times a tenth. */
enum { ROUNDING = 1000000000 };

static double cuts(const eg_schedule_config *c, double epoch) {
	return floor(epoch / (c->every > 0 ? c->every : 10) + 1.0 / ROUNDING);
}

/* From a to b along half a wave, or a line; part 0..1. */
static double half_wave(double a, double b, double part) { return b + (a - b) * 0.5 * (1 + cos(PI * part)); }
static double line(double a, double b, double part) { return a + (b - a) * part; }

static double beginning(const eg_schedule_config *c) {
	double div = c->kind == EG_SCHEDULE_ONE_CYCLE ? 25 : 10;
	bool low = c->kind == EG_SCHEDULE_ONE_CYCLE || c->kind == EG_SCHEDULE_TRIANGULAR;
	return low ? 1 / or_default(c->div, div) : 1;
}

/* PyTorch counts the updates and places the summit and the end on two of them, the last one of the rise and the last
 * one. */
static double one_cycle(const eg_schedule_config *c, double lr, double done, double share, double span) {
	double (*between)(double a, double b, double part) = c->linear ? line : half_wave;
	double first = lr * beginning(c), last = first / or_default(c->final_div, 1e4);
	double top = or_default(c->rise, 0.3) * span - share, end = span - share;
	if (done < top) return between(first, lr, done / top);
	return end > top && done < end ? between(lr, last, (done - top) / (end - top)) : last;
}

static double triangular(const eg_schedule_config *c, double lr, double done) {
	double cycles = done / (c->every > 0 ? c->every : 10), number = floor(cycles + 1.0 / ROUNDING);
	double part = fmax(cycles - number, 0), rise = or_default(c->rise, 0.5), low = lr * beginning(c);
	double top = low + (lr - low) * pow(or_default(c->factor, 1), number);
	return part < rise ? line(low, top, part / rise) : rise < 1 ? line(top, low, (part - rise) / (1 - rise)) : top;
}

/* Restart n is after every (1 + mult + ... + mult^(n-1)) epochs. */
static double restarts(const eg_schedule_config *c, double lr, double done) {
	double past = done / (c->every > 0 ? c->every : 10), m = or_default(c->mult, 1) - 1, part = 0;
	if (m > 0) {
		double n = floor(log1p(past * m) / log1p(m) + 1.0 / ROUNDING);
		part = (past - expm1(n * log1p(m)) / m) / exp(n * log1p(m));
	} else
		part = past - floor(past + 1.0 / ROUNDING);
	return half_wave(lr, c->min_lr, fmax(part, 0));
}

double eg_schedule_lr(const eg_schedule_config *c, const eg_schedule_state *s, double lr, double epoch, double share,
	double epochs) {
	/* A rise counts the update itself: the first one moves the weights, the last one of the rise is at its end. */
	if (epoch < c->warmup) return lr * beginning(c) * fmin((epoch + share) / c->warmup, 1);
	double span = epochs - c->warmup, done = epoch - c->warmup, part = span > 0 ? fmin(done / span, 1) : 1;
	switch (c->kind) {
	case EG_SCHEDULE_CONSTANT: return lr;
	case EG_SCHEDULE_STEP: return lr * pow(or_default(c->factor, 0.1), cuts(c, epoch));
	case EG_SCHEDULE_COSINE: return half_wave(lr, c->min_lr, part);
	case EG_SCHEDULE_PLATEAU: {
		double now = lr * (s && s->scale > 0 ? s->scale : 1);
		return now < c->min_lr ? c->min_lr : now;
	}
	case EG_SCHEDULE_EXPONENTIAL: return lr * pow(or_default(c->factor, 0.95), done);
	case EG_SCHEDULE_POLYNOMIAL: return c->min_lr + (lr - c->min_lr) * pow(1 - part, or_default(c->power, 1));
	case EG_SCHEDULE_ONE_CYCLE: return one_cycle(c, lr, done, share, span);
	case EG_SCHEDULE_TRIANGULAR: return triangular(c, lr, done);
	case EG_SCHEDULE_RESTARTS: return restarts(c, lr, done);
	}
	return lr;
}

void eg_schedule_epoch(const eg_schedule_config *c, eg_schedule_state *s, double loss) {
	if (c->kind != EG_SCHEDULE_PLATEAU) return;
	bool begun = s->scale > 0;
	if (!begun) s->scale = 1;
	if (!begun || loss < s->best - fabs(s->best) * or_default(c->threshold, 1e-4)) {
		s->best = loss;
		s->bad_epochs = 0;
		return;
	}
	if (++s->bad_epochs >= (c->patience > 0 ? c->patience : 3)) {
		s->scale = fmax(s->scale * or_default(c->factor, 0.1), DBL_MIN); /* 0: not begun */
		s->bad_epochs = 0;
	}
}
