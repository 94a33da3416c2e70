/* detect_count.c - what a detector learns of validation pictures when its training is over: from which score on a box
 * is believed, and, where a recipe asks for it, how many objects there are by all scores together.
 *
 * Where many objects are not labelled, or lie in clumps, the number of sure boxes is a poor guess. The squares of all
 * scores of a class, summed, and a straight line through them and the numbers that are labelled, with the least sum of
 * absolute errors, is a better one; it is taken where it is nearer in pictures that were kept aside when it was drawn.
 */
#include "tasks/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USUAL 0.5 /* a limit, where nothing says another */

typedef struct eg_sighting {
	double score;
	int label, picture;
} eg_sighting;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for boxes"); }

eg_status eg_sightings_begin(eg_sightings *s, int64_t pictures, eg_error *err) {
	const size_t each = (size_t)pictures * (size_t)s->K;
	s->truth = eg_calloc(NULL, each, sizeof *s->truth);
	s->said = eg_calloc(NULL, each, sizeof *s->said);
	s->sum = eg_calloc(NULL, each, sizeof *s->sum);
	return s->truth && s->said && s->sum ? EG_OK : no_memory(err);
}

eg_status eg_sightings_add(eg_sightings *s, const eg_found *found, int n, eg_error *err) {
	for (int i = 0; i < n; i++) {
		if (!eg_grow(NULL, &s->at, &s->cap, s->n, sizeof *s->at)) return no_memory(err);
		s->at[s->n++] = (eg_sighting){found[i].score, found[i].box.label, s->pictures};
	}
	s->pictures++;
	return EG_OK;
}

void eg_sightings_free(eg_sightings *s) {
	eg_release(NULL, s->at);
	eg_release(NULL, s->truth);
	eg_release(NULL, s->said);
	eg_release(NULL, s->sum);
	*s = (eg_sightings){0};
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static int surer(const void *a, const void *b) {
	const eg_sighting *x = a, *y = b;
	if (x->score != y->score) return x->score < y->score ? 1 : -1;
	return x->picture - y->picture;
}

/* The score at which the numbers of objects of class k in the pictures are nearest to the true ones, in the middle of
 * the widest gap between scores where that holds; 0.5 where there are none. seen: room for a number a picture. */
static double limit_of(const eg_sightings *s, int k, int64_t *seen) {
	int64_t error = 0;
	double before = 1, best = USUAL, widest = -1;
	for (int i = 0; i < s->pictures; i++) seen[i] = 0, error += s->truth[(ptrdiff_t)i * s->K + k];
	if (error == 0) return USUAL;
	int64_t least = error + 1;
	for (int i = 0; i <= s->n; i++) {
		if (i < s->n && s->at[i].label != k) continue;
		const double score = i < s->n ? s->at[i].score : 0, gap = before - score;
		if (gap > 0 && (error < least || (error == least && gap > widest)))
			least = error, widest = gap, best = (before + score) / 2;
		if (i == s->n) break;
		before = score;
		const int p = s->at[i].picture;
		error += seen[p]++ < s->truth[(ptrdiff_t)p * s->K + k] ? -1 : 1;
	}
	return fmin(fmax(best, 0.02), 0.98);
}

eg_status eg_sightings_limits(eg_sightings *s, double **limits, eg_error *err) {
	int64_t *seen = eg_calloc(NULL, (size_t)s->pictures + 1, sizeof *seen);
	*limits = eg_calloc(NULL, (size_t)s->K, sizeof **limits);
	const bool there = seen && *limits;
	if (there && s->n) qsort(s->at, (size_t)s->n, sizeof *s->at, surer);
	for (int k = 0; k < s->K && there; k++) (*limits)[k] = limit_of(s, k, seen);
	eg_release(NULL, seen);
	return there ? EG_OK : no_memory(err);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

double eg_found_sum(const eg_found *found, int n, int label) {
	double sum = 0;
	for (int i = 0; i < n; i++)
		if (found[i].box.label == label) sum += found[i].score * found[i].score;
	return sum;
}

int64_t eg_count_by(const eg_count_line *line, double sum) { return (int64_t)fmax(0, round(line->slope * sum + line->offset)); }

enum { STEPS = 200, FOLDS = 32, FEWEST = 8 };
static const double STEEPEST = 2;

static int rising(const void *a, const void *b) {
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The line of class k through all pictures but those of one fold (-1: all): for each slope the offset is the median of
 * what is left. rest: room for two numbers a picture. */
static eg_count_line draw_line(const eg_sightings *s, int k, int folds, int but, double *rest) {
	eg_count_line best = {.used = true};
	double least = INFINITY, *sorted = rest + s->pictures;
	for (int step = 0; step <= STEPS; step++) {
		const double slope = STEEPEST * step / STEPS;
		double error = 0;
		int n = 0;
		for (int i = 0; i < s->pictures; i++)
			if (but < 0 || i % folds != but) rest[n++] = (double)s->truth[(ptrdiff_t)i * s->K + k] - slope * s->sum[(ptrdiff_t)i * s->K + k];
		if (n == 0) break;
		memcpy(sorted, rest, (size_t)n * sizeof *rest);
		qsort(sorted, (size_t)n, sizeof *sorted, rising);
		const double offset = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
		for (int i = 0; i < n; i++) error += fabs(rest[i] - offset);
		if (error < least - 1e-9) least = error, best.slope = slope, best.offset = offset;
	}
	return best;
}

static eg_count_line line_of(const eg_sightings *s, int k, double *rest) {
	const int folds = s->pictures < FOLDS ? s->pictures : FOLDS;
	int64_t boxes = 0, line = 0;
	for (int but = 0; but < folds; but++) {
		const eg_count_line here = draw_line(s, k, folds, but, rest);
		for (int i = but; i < s->pictures; i += folds) {
			const ptrdiff_t at = (ptrdiff_t)i * s->K + k;
			line += llabs(eg_count_by(&here, s->sum[at]) - s->truth[at]);
			boxes += llabs(s->said[at] - s->truth[at]);
		}
	}
	return line < boxes ? draw_line(s, k, folds, -1, rest) : (eg_count_line){.used = false};
}

eg_status eg_sightings_lines(const eg_sightings *s, eg_count_line **lines, eg_error *err) {
	double *rest = eg_calloc(NULL, 2 * (size_t)s->pictures + 1, sizeof *rest);
	*lines = eg_calloc(NULL, (size_t)s->K, sizeof **lines);
	for (int k = 0; k < s->K && rest && *lines && s->pictures >= FEWEST; k++) (*lines)[k] = line_of(s, k, rest);
	const bool there = rest && *lines;
	eg_release(NULL, rest);
	return there ? EG_OK : no_memory(err);
}
