/* lbfgs.h - the smallest value of a smooth function of many variables (lbfgs.c). */
#ifndef ENGRAM_SERIES_LBFGS_H
#define ENGRAM_SERIES_LBFGS_H

#include "base/base.h"

/* f(x) and its gradient. false: stop. */
typedef bool (*eg_slope)(void *user, const double *x, double *value, double *gradient);

/* Goes from x to where the gradient's length is below `small` times its first one, or where two steps together gain no
 * more than `gain` (0: as long as there is any), in at most `steps` steps. EG_ERR_STOPPED: the function said so. */
eg_status eg_lbfgs(double *x, size_t n, int steps, double small, double gain, eg_slope f, void *user, eg_error *err);

#endif
