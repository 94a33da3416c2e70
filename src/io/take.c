/* take.c - weights of a model as the beginning of another training: copied by name and shape. See eg_params_take. */
#include "base/base.h"
#include "engram_io.h"

#include <math.h>
#include <string.h>

/* "conv1" of "conv1.weight", or all of it. */
static bool fits(const char *pattern, const char *name) {
	char layer[128];
	snprintf(layer, sizeof layer, "%.*s", (int)strcspn(name, "."), name);
	return eg_name_fits(pattern, layer) || eg_name_fits(pattern, name);
}

static bool wanted(const char *const *patterns, const char *name) {
	for (; patterns && *patterns; patterns++)
		if (fits(*patterns, name)) return true;
	return false;
}

static eg_status check_patterns(const eg_params *to, const char *const *patterns, eg_error *err) {
	for (; patterns && *patterns; patterns++) {
		bool any = false;
		for (int i = 0; i < eg_params_count(to) && !any; i++) any = fits(*patterns, eg_params_name(to, i));
		if (any) continue;
		return eg_fail(err, EG_ERR_ARG, "'%.80s' fits no layer and no weight; the first is '%s'", *patterns,
		        eg_params_count(to) ? eg_params_name(to, 0) : "");
	}
	return EG_OK;
}

/* "(12,5,5)" */
static const char *shape(const eg_dims *d, char buf[96]) {
	size_t n = 0;
	for (int i = 0; i < d->rank && n < 80; i++)
		n += (size_t)snprintf(buf + n, 96 - n, "%s%lld", i ? "," : "(", (long long)d->d[i]);
	snprintf(buf + n, 96 - n, n ? ")" : "()");
	return buf;
}

/* NULL: it was taken; else why not, in buf. */
static const char *take(eg_params *to, int i, eg_params *from, char buf[256]) {
	char a[96], b[96];
	int k = eg_params_find(from, eg_params_name(to, i));
	if (k < 0) return strcpy(buf, "the other model has none of this name");
	eg_dims have = eg_params_dims(from, k), want = eg_params_dims(to, i);
	bool same = have.rank == want.rank;
	for (int j = 0; same && j < want.rank; j++) same = have.d[j] == want.d[j];
	if (!same) {
		snprintf(buf, 256, "it is %s there, and %s here", shape(&have, a), shape(&want, b));
		return buf;
	}
	const eg_real *x = eg_params_data(from, k);
	for (int64_t j = 0; j < eg_dims_count(&want, 0); j++)
		if (!isfinite(x[j])) return strcpy(buf, "the other model's holds NaN or infinity");
	memcpy(eg_params_data(to, i), x, (size_t)eg_dims_count(&want, 0) * sizeof(eg_real));
	return NULL;
}

eg_status eg_params_take(eg_params *to, eg_model *from, const char *const *patterns,
	void (*tell)(void *user, const char *name, const char *why), void *user, eg_error *err) {
	char buf[256], first[400] = "";
	int taken = 0;
	eg_status status = check_patterns(to, patterns, err);
	for (int i = 0; i < eg_params_count(to) && !status; i++) {
		const char *name = eg_params_name(to, i);
		if (patterns && !wanted(patterns, name)) continue;
		const char *why = take(to, i, eg_model_params(from), buf);
		taken += !why;
		if (why && !first[0]) snprintf(first, sizeof first, "'%.120s': %s", name, why);
		if (tell) tell(user, name, why);
	}
	eg_params_changed(to);
	if (status || taken) return status;
	return eg_fail(err, EG_ERR_ARG, "no weight of %.300s can be taken over%s%s", eg_model_path(from),
	        first[0] ? "; " : "", first);
}
