/* principal.h - principal components: the directions in which rows of numbers vary most (Pearson 1901). */
#ifndef ENGRAM_DATA_PRINCIPAL_H
#define ENGRAM_DATA_PRINCIPAL_H

#include "base/base.h"

/* Rows that have been seen, then the components, which the caller reads. */
typedef struct eg_principal {
	int width, k;
	int64_t n;
	double *mean;      /* (width); sums until it is solved */
	double *products;  /* (width, width): sums of products, the upper half */
	double *axes;      /* (k, width): orthonormal, that of the largest variance first; signs as they come */
	double *variances; /* (k) */
	double total;      /* variance of all directions together */
} eg_principal;

eg_status eg_principal_begin(eg_principal *p, int width, eg_error *err); /* 1 to 4096 numbers */
void eg_principal_add(eg_principal *p, const eg_real *row);
/* The first k components (at most as many as there are numbers); products are given back. Without rows: EG_ERR_ARG. */
eg_status eg_principal_solve(eg_principal *p, int k, eg_error *err);
void eg_principal_project(const eg_principal *p, const eg_real *row, double *codes);  /* codes (k) */
void eg_principal_rebuild(const eg_principal *p, const double *codes, eg_real *row);
void eg_principal_free(eg_principal *p);

/* All eigenvectors, rows of v (n, n), of a symmetric matrix a (n, n), which becomes diagonal: a[k][k] is that of row k.
 * Jacobi's method (Golub and Van Loan, "Matrix Computations", 8.5). */
void eg_jacobi(double *a, double *v, int n);

#endif
