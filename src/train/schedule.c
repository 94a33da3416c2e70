/* schedule.c - learning rates over time: linear warm-up, then constant, step, cosine (Loshchilov and Hutter 2017, without restarts) or
 * reduce-on-plateau. */
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

double eg_schedule_lr(const eg_schedule_config *c, const eg_schedule_state *s, double lr, double epoch, double share,
	double epochs) {
	/* A rise counts the update itself: the first one moves the weights, the last one of the rise has lr. */
	if (epoch + share < c->warmup) return lr * (epoch + share) / c->warmup;
	if (epoch < c->warmup) return lr;
	switch (c->kind) {
	case EG_SCHEDULE_CONSTANT: return lr;
	case EG_SCHEDULE_STEP: return lr * pow(or_default(c->factor, 0.1), cuts(c, epoch));
	case EG_SCHEDULE_COSINE: {
		double span = epochs - c->warmup, part = span > 0 ? (epoch - c->warmup) / span : 1;
		if (part > 1) part = 1;
		return c->min_lr + (lr - c->min_lr) * 0.5 * (1 + cos(PI * part));
	}
	case EG_SCHEDULE_PLATEAU: {
		double now = lr * (s && s->scale > 0 ? s->scale : 1);
		return now < c->min_lr ? c->min_lr : now;
	}
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
