/* hog.h - histograms of oriented gradients: what edges a picture has where, as bytes (hog.c). */
#ifndef ENGRAM_FLOORS_HOG_H
#define ENGRAM_FLOORS_HOG_H

#include "base/base.h"

enum { EG_HOG_UNSIGNED = 9, EG_HOG_SIGNED = 18 };

/* How pictures of C x H x W are described. */
typedef struct eg_hog {
	int C, H, W, cell;
	int size;    /* numbers of a description */
	int scratch; /* floats of room that it needs */
} eg_hog;

eg_hog eg_hog_of(int C, int H, int W); /* size 0: the pictures are too small */
/* As it is, or moved by a pixel, the edge repeated. */
typedef enum eg_hog_view { EG_HOG_PLAIN, EG_HOG_UP, EG_HOG_DOWN, EG_HOG_LEFT, EG_HOG_RIGHT } eg_hog_view;
/* x: numbers of deviation about 1, as networks are given them. */
void eg_hog_describe(const eg_hog *h, const eg_real *x, eg_hog_view view, uint8_t *out, float *scratch);

#endif
