/* context.c - choosing the kernel table and the number of threads. */
#include "core/context.h"

#include <stdlib.h>
#include <string.h>

/* Appends one line to the description; what does not fit is left out. */
static void note(eg_context *ctx, const char *fmt, ...) EG_PRINTF(2, 3);
static void note(eg_context *ctx, const char *fmt, ...) {
	size_t used = strlen(ctx->log);
	va_list args;
	va_start(args, fmt);
	vsnprintf(ctx->log + used, sizeof ctx->log - used, fmt, args);
	va_end(args);
}

static eg_status choose_isa(eg_context *ctx, const char *wish, eg_error *err) {
	eg_isa isa;
	if (wish && *wish) {
		if (!eg_isa_parse(wish, &isa)) return eg_fail(err, EG_ERR_ARG, "unknown instruction set '%s'; known are ref, neon, avx2, avx512", wish);
		if (!eg_kernels_get(&ctx->kern, isa, &ctx->cpu))
			return eg_fail(err, EG_ERR_ARG, "instruction set '%s' cannot be used here: %s; leave ENGRAM_ISA unset to use the best there is", wish,
				ctx->cpu.why_not[isa] ? ctx->cpu.why_not[isa] : "this build has no kernels for it");
		note(ctx, "kernels: %s (asked for)\n", wish);
		return EG_OK;
	}
	for (int i = EG_ISA_COUNT - 1; i >= 0; i--) {
		if (i == EG_ISA_WIDE16) continue; /* only when asked for */
		if (eg_kernels_get(&ctx->kern, (eg_isa)i, &ctx->cpu)) {
			note(ctx, "kernels: %s\n", ctx->kern.name);
			return EG_OK;
		}
		note(ctx, "not %s: %s\n", eg_isa_name((eg_isa)i), ctx->cpu.why_not[i] ? ctx->cpu.why_not[i] : "this build has no kernels for it");
	}
	return eg_fail(err, EG_ERR_ARG, "no kernel table can be used on this machine");
}

/* What the environment says, where it says something, into *wish. */
static eg_status read_variable(const char *name, int least, int most, int *wish, eg_error *err) {
	const char *env = getenv(name);
	if (!env || !*env) return EG_OK;
	char *end;
	long v = strtol(env, &end, 10);
	if (*end || v < least || v > most)
		return eg_fail(err, EG_ERR_ARG, "%s is '%s'; expected a number from %d to %d", name, env, least, most);
	*wish = (int)v;
	return EG_OK;
}

static eg_status choose_threads(const eg_context *ctx, int wish, int *threads, eg_error *err) {
	eg_status status = wish == 0 ? read_variable("ENGRAM_THREADS", 1, 1024, &wish, err) : EG_OK;
	if (status) return status;
	if (wish < 0 || wish > 1024) return eg_fail(err, EG_ERR_ARG, "%d threads were asked for; allowed are 1 to 1024, or 0 for all cores", wish);
	*threads = wish ? wish : ctx->cpu.cores;
	return EG_OK;
}

/* Where nobody says how many, processors that do not compute load, but no more than LOADERS; where all compute, one
 * loads all the same: it works while they wait for each other, or for files. */
enum { LOADERS = 4, LOADERS_MOST = 64 };
static eg_status choose_loaders(eg_context *ctx, int wish, eg_error *err) {
	if (wish != EG_ZERO && (wish < 0 || wish > LOADERS_MOST))
		return eg_fail(err, EG_ERR_ARG, "%d loaders were asked for; allowed are 1 to %d, 0 for as many as suit, or EG_ZERO for none",
			wish, LOADERS_MOST);
	ctx->loaders_asked = wish == EG_ZERO ? 0 : wish == 0 ? -1 : wish;
	eg_status status = wish == 0 ? read_variable("ENGRAM_LOADERS", 0, LOADERS_MOST, &ctx->loaders_asked, err) : EG_OK;
	if (status) return status;
	const int idle = ctx->cpu.cores - eg_team_size(ctx->team);
	ctx->loaders = ctx->loaders_asked >= 0 ? ctx->loaders_asked : idle < 1 ? ctx->cpu.cores > 1 : idle > LOADERS ? LOADERS : idle;
	return EG_OK;
}

eg_context *eg_context_new(const eg_context_options *options, eg_error *err) {
	const eg_allocator *a = options ? options->allocator : NULL;
	eg_context *ctx = eg_calloc(a, 1, sizeof *ctx);
	if (!ctx) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a context");
		return NULL;
	}
	if (a) {
		ctx->allocator_copy = *a;
		ctx->allocator = &ctx->allocator_copy;
	}
	if (options && options->limit_macs > 0) ctx->limit_macs = options->limit_macs;
	eg_cpu_detect(&ctx->cpu);
	int threads = 1;
	const char *isa = options && options->isa ? options->isa : getenv("ENGRAM_ISA");
	note(ctx, "cpu: %s, %d core%s\n", ctx->cpu.model, ctx->cpu.cores, ctx->cpu.cores == 1 ? "" : "s");
	if (choose_isa(ctx, isa, err) || choose_threads(ctx, options ? options->threads : 0, &threads, err)) goto fail;
	ctx->team = eg_team_new(ctx->allocator, threads, err);
	if (!ctx->team) goto fail;
	note(ctx, "threads: %d\n", threads);
	if (choose_loaders(ctx, options ? options->loaders : 0, err)) goto fail;
	return ctx;
fail:
	eg_context_free(ctx);
	return NULL;
}

void eg_context_free(eg_context *ctx) {
	if (!ctx) return;
	eg_team_free(ctx->team);
	eg_release(ctx->allocator, ctx->tuning);
	eg_allocator copy = ctx->allocator_copy; /* the context itself lies in memory that the allocator gave */
	eg_release(ctx->allocator ? &copy : NULL, ctx);
}

int eg_context_loaders(const eg_context *ctx) { return ctx->loaders; }
int eg_context_loaders_asked(const eg_context *ctx) { return ctx->loaders_asked; }
int eg_context_threads(const eg_context *ctx) { return eg_team_size(ctx->team); }
const char *eg_context_isa(const eg_context *ctx) { return ctx->kern.name; }
const char *eg_context_cpu(const eg_context *ctx) { return ctx->cpu.model; }
const char *eg_context_describe(const eg_context *ctx) { return ctx->log; }
const char *eg_version(void) { return EG_VERSION; }
