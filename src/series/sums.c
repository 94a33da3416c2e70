/* sums.c - linear regression with a penalty on coefficients (Hoerl and Kennard 1970), from sums over rows: rows are
 * looked at once, and sums of parts can be added and taken off. */
#include "series/series.h"

void eg_sums_add(eg_sums *s, const double *x, int k, double y) {
	for (int i = 0; i < k; i++) {
		double v = x[i], *row = s->xx + (ptrdiff_t)i * k;
		for (int j = i; j < k; j++) row[j] += v * x[j];
		s->x[i] += v, s->xy[i] += v * y;
	}
	s->y += y, s->yy += y * y, s->n++;
}

bool eg_sums_solve(const eg_sums *s, int k, double penalty, double *a, double *scale, double *weight, double *level) {
	double mean_y = s->y / s->n;
	for (int i = 0; i < k; i++) {
		double v = s->xx[(ptrdiff_t)i * k + i] / s->n - (s->x[i] / s->n) * (s->x[i] / s->n);
		scale[i] = v > 1e-12 * fabs(s->xx[(ptrdiff_t)i * k + i] / s->n) ? 1 / sqrt(v) : 0;
	}
	for (int i = 0; i < k; i++) {
		for (int j = 0; j <= i; j++) {
			double sum = (s->xx[(ptrdiff_t)j * k + i] / s->n - s->x[i] / s->n * (s->x[j] / s->n)) * scale[i] * scale[j];
			if (i == j) sum += penalty + 1e-10;
			for (int m = 0; m < j; m++) sum -= a[(ptrdiff_t)i * k + m] * a[(ptrdiff_t)j * k + m];
			if (i == j && !(sum > 0)) return false;
			a[(ptrdiff_t)i * k + j] = i == j ? sqrt(sum) : sum / a[(ptrdiff_t)j * k + j];
		}
		double z = (s->xy[i] / s->n - s->x[i] / s->n * mean_y) * scale[i];
		for (int m = 0; m < i; m++) z -= a[(ptrdiff_t)i * k + m] * weight[m];
		weight[i] = z / a[(ptrdiff_t)i * k + i];
	}
	for (int i = k - 1; i >= 0; i--) {
		for (int m = i + 1; m < k; m++) weight[i] -= a[(ptrdiff_t)m * k + i] * weight[m];
		weight[i] /= a[(ptrdiff_t)i * k + i];
	}
	*level = mean_y;
	for (int i = 0; i < k; i++) {
		weight[i] *= scale[i];
		*level -= weight[i] * s->x[i] / s->n;
	}
	return true;
}
