/* plot_losses.c - curves of several trainings in one picture, from what `engram train --json` wrote: docs/plots was
 * made with it.
 *
 *   plot_losses OUT.svg TITLE KEY lin|log MOST NAME=LOG...
 *
 * KEY is a number of the log, such as val_loss, drawn over the epochs; MOST is the top of the axis (0: as high as
 * needed). */
#include "report/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS = 1000 };

static double x[EG_MAX_SERIES][EPOCHS], y[EG_MAX_SERIES][EPOCHS];

/* The number behind "key": in a line; NAN: null, or not there. */
static double number_of(const char *line, const char *key) {
	char quoted[64];
	snprintf(quoted, sizeof quoted, "\"%s\": ", key);
	const char *at = strstr(line, quoted);
	char *end;
	double v = at ? strtod(at + strlen(quoted), &end) : (double)NAN;
	return at && end > at + strlen(quoted) ? v : (double)NAN;
}

static int read_log(const char *path, const char *key, double *epoch, double *value) {
	char line[4096];
	int n = 0;
	FILE *f = fopen(path, "r");
	if (!f) return -1;
	while (n < EPOCHS && fgets(line, sizeof line, f)) {
		epoch[n] = number_of(line, "epoch");
		value[n] = number_of(line, key);
		n += isfinite(epoch[n]);
	}
	fclose(f);
	return n;
}

int main(int argc, char **argv) {
	eg_series series[EG_MAX_SERIES];
	eg_error err;
	if (argc < 7 || argc - 6 > EG_MAX_SERIES) {
		fprintf(stderr, "usage: plot_losses OUT.svg TITLE KEY lin|log MOST NAME=LOG...\n");
		return 2;
	}
	for (int i = 6; i < argc; i++) {
		char *path = strchr(argv[i], '=');
		int k = i - 6, n = path ? read_log(path + 1, argv[3], x[k], y[k]) : -1;
		if (n < 0) {
			fprintf(stderr, "plot_losses: cannot read '%s' as NAME=LOG\n", argv[i]);
			return 1;
		}
		*path = 0;
		series[k] = (eg_series){argv[i], x[k], y[k], n};
	}
	eg_line_plot p = {.title = argv[2], .x_title = "epoch", .y_title = argv[3], .series = series, .nseries = argc - 6};
	p.log_y = !strcmp(argv[4], "log");
	p.y_max = p.log_y ? 0 : strtod(argv[5], NULL);
	if (!eg_plot_lines(argv[1], &p, &err)) return 0;
	fprintf(stderr, "plot_losses: %s\n", err.message);
	return 1;
}
