/* eigen.c - eigenvectors of symmetric matrices: LAPACK's dsyevr (Dhillon and Parlett 2004). See eigen.h. The library is
 * loaded when it is wanted: its 7 MB would slow down the start of a program that hardly ever needs it.
 *
 * It is called as Fortran calls: all by address, lengths of texts behind. LAPACK is 32 bits wide there. */
#include "floors/eigen.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

typedef void (*dsyevr_function)(const char *job, const char *range, const char *triangle, const int *n, double *a,
	const int *lda, const double *low, const double *high, const int *first, const int *last, const double *tolerance,
	int *found, double *values, double *vectors, const int *ldz, int *support, double *work, const int *lwork, int *iwork,
	const int *liwork, int *info, size_t, size_t, size_t);

/* NULL: it is not installed. dlsym returns a pointer to data; POSIX promises that its bits are the function's
 * address. */
static dsyevr_function load(void) {
	static const char *const names[] = {"liblapack.so.3", "liblapack.so", "liblapack.dylib"};
	dsyevr_function function = NULL;
	for (int i = 0; !function && i < EG_COUNT(names); i++) {
		void *from = dlopen(names[i], RTLD_NOW | RTLD_LOCAL), *symbol = from ? dlsym(from, "dsyevr_") : NULL;
		if (symbol) memcpy(&function, &symbol, sizeof function);
	}
	return function;
}

bool eg_eigen_there(void) { return load() != NULL; }

eg_status eg_eigen_largest(double *a, int n, int k, double *values, double *vectors, eg_error *err) {
	const dsyevr_function dsyevr = load();
	if (!dsyevr)
		return eg_fail(err, EG_ERR_IO, "liblapack.so.3 is not installed, which eigenvectors need (Debian: apt install liblapack3)");
	const int first = n - k + 1, lwork = 32 * n, liwork = 10 * n;
	const double none = 0;
	int found = 0, info = 1;
	double *work = eg_alloc(NULL, (size_t)lwork * sizeof *work), *w = eg_alloc(NULL, (size_t)n * sizeof *w),
	       *z = eg_alloc(NULL, (size_t)n * (size_t)k * sizeof *z);
	int *iwork = eg_alloc(NULL, (size_t)liwork * sizeof *iwork), *support = eg_alloc(NULL, 2 * (size_t)n * sizeof *support);
	const bool room = work && w && z && iwork && support;
	bool whole = true;
	for (int64_t i = 0; i < (int64_t)n * n; i++) whole = whole && isfinite(a[i]);
	if (room && whole)
		dsyevr("V", "I", "L", &n, a, &n, &none, &none, &first, &n, &none, &found, w, z, &n, support, work, &lwork, iwork,
			&liwork, &info, 1, 1, 1);
	for (int i = 0; i < k && found == k && !info; i++) { /* they rise there */
		values[i] = w[k - 1 - i];
		memcpy(vectors + (size_t)i * (size_t)n, z + (size_t)(k - 1 - i) * (size_t)n, (size_t)n * sizeof *z);
	}
	eg_release(NULL, work);
	eg_release(NULL, w);
	eg_release(NULL, z);
	eg_release(NULL, iwork);
	eg_release(NULL, support);
	if (!room) return eg_fail(err, EG_ERR_MEMORY, "out of memory for eigenvectors of %d numbers", n);
	if (info || found != k) return eg_fail(err, EG_ERR_NUMERIC, "no eigenvectors were found: there are numbers that are none");
	return EG_OK;
}
