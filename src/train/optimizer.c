/* optimizer.c - the optimizers' settings and what they keep: SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, NAdam, Muon,
 * and Lookahead (Zhang et al. 2019) around any of them, over the flat parameter block. Parameters that are updated
 * alike and lie side by side are one run, and without groups, decay, matrices or tables all are (groups.c).
 *
 * Not here: an update (update.c). */
#include "train/optimizer.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- settings ---------------------------------------------------------------------------------------------------- */

/* What 0 stands for; EG_ZERO_F is zero. */
static double or_default(double v, double d) { return v != 0 ? v : signbit(v) ? 0 : d; }

double eg_optimizer_lr_of(const eg_optimizer_config *c) {
	static const double usual[] = {[EG_SGD] = 0.01,
		[EG_ADAM] = 0.001,
		[EG_ADAMW] = 0.001,
		[EG_RMSPROP] = 0.01,
		[EG_ADAGRAD] = 0.01,
		[EG_ADADELTA] = 1,
		[EG_NADAM] = 0.002,
		[EG_MUON] = 0.02};
	return or_default(c->lr, (unsigned)c->kind < EG_COUNT(usual) ? usual[c->kind] : 0);
}

static bool has_momentum(eg_optimizer_kind kind) { return kind == EG_SGD || kind == EG_RMSPROP || kind == EG_MUON; }

static void complete(eg_optimizer_config *c) {
	const bool muon = c->kind == EG_MUON;
	c->lr = eg_optimizer_lr_of(c);
	c->momentum = or_default(c->momentum, muon ? 0.95 : 0);
	c->beta1 = or_default(c->beta1, 0.9);
	c->beta2 = or_default(c->beta2, muon ? 0.95 : 0.999);
	c->eps = or_default(c->eps, c->kind == EG_ADAGRAD || muon ? 1e-10 : c->kind == EG_ADADELTA ? 1e-6 : 1e-8);
	c->alpha = or_default(c->alpha, c->kind == EG_ADADELTA ? 0.9 : 0.99);
	c->momentum_decay = or_default(c->momentum_decay, 0.004);
	c->adam_lr = or_default(c->adam_lr, 3e-4);
	if (c->newton_schulz == 0) c->newton_schulz = 5;
	c->weight_decay = or_default(c->weight_decay, c->kind == EG_ADAMW ? 0.01 : 0);
	if (c->weight_decay < 0) c->weight_decay = 0;
	c->lookahead_alpha = or_default(c->lookahead_alpha, 0.5);
}

/* What belongs to a few. */
static eg_status check_special(const eg_optimizer_config *c, eg_error *err) {
	if (!(c->alpha >= 0 && c->alpha < 1))
		return eg_fail(err, EG_ERR_ARG, "optimizer: alpha is %g; it must be in [0, 1)", c->alpha);
	if (!(c->momentum_decay >= 0) || !isfinite(c->momentum_decay))
		return eg_fail(err, EG_ERR_ARG, "optimizer: momentum_decay is %g; it must not be negative", c->momentum_decay);
	if (!(c->adam_lr >= 0) || !isfinite(c->adam_lr))
		return eg_fail(err, EG_ERR_ARG, "optimizer: adam_lr is %g; it must not be negative", c->adam_lr);
	if (c->newton_schulz < 1 || c->newton_schulz > 100)
		return eg_fail(err, EG_ERR_ARG, "optimizer: newton_schulz is %d; it must be 1 to 100", c->newton_schulz);
	if (c->centered && c->kind != EG_RMSPROP)
		return eg_fail(err, EG_ERR_ARG, "optimizer: centered belongs to rmsprop");
	if ((unsigned)c->embeddings > EG_ROWS_DENSE)
		return eg_fail(err, EG_ERR_ARG, "optimizer: there is no way %d to update embeddings", (int)c->embeddings);
	if (c->lookahead < 0 || !(c->lookahead_alpha > 0 && c->lookahead_alpha <= 1))
		return eg_fail(err, EG_ERR_ARG,
			"optimizer: lookahead %d and lookahead_alpha %g; updates between looks must not be negative, the "
			"share must be above 0 and at most 1",
			c->lookahead, c->lookahead_alpha);
	return EG_OK;
}

static eg_status check(const eg_optimizer_config *c, eg_error *err) {
	if ((unsigned)c->kind > EG_MUON) return eg_fail(err, EG_ERR_ARG, "optimizer: there is no kind %d", (int)c->kind);
	if (!(c->lr > 0) || !isfinite(c->lr))
		return eg_fail(err, EG_ERR_ARG, "optimizer: learning rate is %g; it must be above 0", c->lr);
	if (!(c->momentum >= 0 && c->momentum < 1))
		return eg_fail(err, EG_ERR_ARG, "optimizer: momentum is %g; it must be in [0, 1)", c->momentum);
	if (c->nesterov && c->kind != EG_SGD)
		return eg_fail(err, EG_ERR_ARG, "optimizer: nesterov belongs to sgd; nadam and muon have it in them");
	if (c->nesterov && c->momentum == 0)
		return eg_fail(err, EG_ERR_ARG, "optimizer: nesterov needs a momentum, 0.9 for example");
	if (!(c->beta1 >= 0 && c->beta1 < 1 && c->beta2 >= 0 && c->beta2 < 1))
		return eg_fail(err, EG_ERR_ARG, "optimizer: betas are %g and %g; they must be in [0, 1)", c->beta1, c->beta2);
	if (!(c->eps > 0)) return eg_fail(err, EG_ERR_ARG, "optimizer: eps is %g; it must be above 0", c->eps);
	if (!(c->clip_norm >= 0) || !(c->clip_value >= 0))
		return eg_fail(err, EG_ERR_ARG, "optimizer: clip_norm %g and clip_value %g must not be negative",
			c->clip_norm, c->clip_value);
	if (!has_momentum(c->kind) && c->momentum != 0)
		return eg_fail(err, EG_ERR_ARG, "optimizer: momentum belongs to sgd, rmsprop and muon; adam has beta1");
	return check_special(c, err);
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

/* Which moments are kept, a bit for each kind; Muon's u is room that every matrix takes in turn. `c`: defaults need not
 * be in. */
static unsigned kept(const eg_optimizer_config *c) {
	enum { M = 1 << EG_MOMENT_M, V = 1 << EG_MOMENT_V, U = 1 << EG_MOMENT_U, SLOW = 1 << EG_MOMENT_SLOW };
	unsigned bits = c->lookahead > 0 ? SLOW : 0;
	switch (c->kind) {
	case EG_SGD: return bits | (c->momentum != 0 ? M : 0u);
	case EG_RMSPROP: return bits | V | (c->momentum != 0 ? M : 0u) | (c->centered ? U : 0u);
	case EG_ADAGRAD: return bits | V;
	case EG_ADADELTA: return bits | V | U;
	case EG_ADAM:
	case EG_ADAMW:
	case EG_NADAM:
	case EG_MUON: return bits | M | V;
	}
	return bits;
}

/* The kind of moment i, or how many there are for i < 0. */
static int kind_of(const eg_optimizer_config *c, int i) {
	int n = 0;
	for (int kind = 0; kind < EG_MOMENT_KINDS; kind++)
		if ((kept(c) >> kind & 1u) && n++ == i) return kind;
	return n;
}

int eg_optimizer_moments(const eg_optimizer *o) { return o->nmoments; }
int eg_optimizer_moments_of(const eg_optimizer_config *c) { return kind_of(c, -1); }
const char *eg_optimizer_moment_name(const eg_optimizer *o, int i) {
	static const char *const names[EG_MOMENT_KINDS] = {"m", "v", "u", "slow"};
	return i < 0 || i >= o->nmoments ? NULL : names[kind_of(&o->config, i)];
}
eg_real *eg_optimizer_moment(eg_optimizer *o, int i, size_t *n) {
	if (n) *n = o->params->trained;
	return i < 0 || i >= o->nmoments ? NULL : o->moments + (size_t)i * o->params->trained;
}
real *eg_optimizer_array(const eg_optimizer *o, int kind) {
	for (int i = 0; i < o->nmoments; i++)
		if (kind_of(&o->config, i) == kind) return o->moments + (size_t)i * o->params->trained;
	return NULL;
}

double eg_nadam_rise(const eg_optimizer_config *c, double t) { return 1 - 0.5 * pow(0.96, t * c->momentum_decay); }

double eg_nadam_product(double before, double rise) { return before * rise < DBL_MIN ? 0 : before * rise; }

int32_t *eg_optimizer_rows(eg_optimizer *o, size_t *n) {
	if (n) *n = o->nlast;
	return o->last;
}

uint64_t eg_optimizer_steps(const eg_optimizer *o) { return o->steps; }
/* The product of what NAdam's betas have been multiplied by ends at 0 or, sooner or later, with factors of 1. */
void eg_optimizer_set_steps(eg_optimizer *o, uint64_t steps) {
	double factor = 0;
	o->steps = steps;
	o->rise = 1;
	eg_rows_all(o, steps);
	if (o->config.kind != EG_NADAM) return;
	for (uint64_t t = 1; t <= steps && factor != 1 && o->rise != 0; t++) {
		factor = eg_nadam_rise(&o->config, (double)t);
		o->rise = eg_nadam_product(o->rise, factor);
	}
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static eg_status set_groups(eg_optimizer *o, eg_error *err) {
	eg_status status = eg_groups_resolve(o->params, &o->config, o->runs, &o->nruns, o->frozen, err);
	for (int i = 0; i < o->params->count; i++) o->any_frozen |= o->frozen[i];
	for (int i = 0; i < o->nruns; i++) o->run_units += eg_run_units(&o->runs[i]);
	o->config.groups = NULL; /* the caller's; not kept */
	return status;
}

static eg_status make(eg_optimizer *o, eg_error *err) {
	const eg_params *p = o->params;
	const eg_allocator *a = o->ctx->allocator;
	o->runs = eg_calloc(a, (size_t)p->count + 1, sizeof *o->runs);
	o->frozen = eg_calloc(a, (size_t)p->count + 1, sizeof *o->frozen);
	if (!o->runs || !o->frozen) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the optimizer's groups");
	eg_status status = set_groups(o, err);
	if (!status) status = eg_muon_make(o, err);
	if (status) return status;
	o->nmoments = eg_optimizer_moments_of(&o->config);
	o->units = (int)((p->trained + EG_CHUNK - 1) / EG_CHUNK);
	int row_units = 0;
	for (int i = 0; i < o->nruns; i++) row_units += o->runs[i].table ? eg_run_units(&o->runs[i]) : 0;
	o->moments = eg_block_new(a, (size_t)o->nmoments * p->trained * sizeof(real) + EG_ALIGN);
	o->partial = eg_calloc(a, (size_t)(o->units + row_units) + 1, sizeof *o->partial);
	bool whole = o->moments && o->partial && eg_rows_make(o);
	return whole ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the optimizer's moments");
}

eg_optimizer *eg_optimizer_new(eg_params *p, const eg_optimizer_config *config, eg_error *err) {
	eg_context *ctx = p->graph->ctx;
	eg_optimizer_config c = config ? *config : (eg_optimizer_config){0};
	complete(&c);
	if (check(&c, err) || eg_params_need_grad(p, err)) return NULL;
	eg_optimizer *o = eg_calloc(ctx->allocator, 1, sizeof *o);
	if (!o) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for the optimizer");
		return NULL;
	}
	*o = (eg_optimizer){.params = p, .ctx = ctx, .config = c, .rise = 1};
	if (make(o, err) == EG_OK) return o;
	eg_optimizer_free(o);
	return NULL;
}

void eg_optimizer_free(eg_optimizer *o) {
	if (!o) return;
	const eg_allocator *a = o->ctx->allocator;
	eg_muon_free(o);
	eg_block_free(a, o->moments);
	eg_release(a, o->partial);
	eg_release(a, o->last);
	eg_release(a, o->runs);
	eg_release(a, o->frozen);
	eg_release(a, o);
}

double eg_optimizer_lr(const eg_optimizer *o) { return o->config.lr; }

const bool *eg_optimizer_frozen(const eg_optimizer *o) { return o->any_frozen ? o->frozen : NULL; }

void eg_optimizer_clear_frozen(eg_optimizer *o) {
	for (int i = 0; i < o->nruns && o->any_frozen; i++)
		if (o->runs[i].frozen) memset(o->params->grad + o->runs[i].first, 0, o->runs[i].count * sizeof(real));
}
