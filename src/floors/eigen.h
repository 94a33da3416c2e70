/* eigen.h - eigenvectors of symmetric matrices, by LAPACK, which is loaded when the first are wanted (eigen.c). */
#ifndef ENGRAM_FLOORS_EIGEN_H
#define ENGRAM_FLOORS_EIGEN_H

#include "base/base.h"

bool eg_eigen_there(void); /* Is the library installed? */

/* The k largest eigenvalues of a (n,n), the largest first, and their vectors of length 1, a row each: vectors (k,n).
 * Of a, which is overwritten, one triangle is read. n, k >= 1, k <= n. EG_ERR_IO: there is no library; EG_ERR_NUMERIC:
 * it found none, since a holds something that is no number. */
eg_status eg_eigen_largest(double *a, int n, int k, double *values, double *vectors, eg_error *err);

#endif
