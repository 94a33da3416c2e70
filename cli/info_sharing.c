/* info_sharing.c - engram info --explain-sharing: what local connections and shared weights save, for a picture of
 * one's choice. One channel, and one map of as many units as there are pixels, without biases. */
#include "info_sharing.h"

#include "engram_value.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>

/* "1000x1000,10x10"; false after a message. */
static bool read_sizes(const char *text, long to[4]) {
	const char *at = text;
	bool right = true;
	for (int i = 0; i < 4 && right; i++) {
		char *end;
		to[i] = strtol(at, &end, 10);
		right = end != at && to[i] >= 1 && to[i] <= 1000000 && *end == "x,x"[i];
		at = end + 1;
	}
	if (right && to[2] <= to[0] && to[3] <= to[1]) return true;
	return fail_usage("info", "--explain-sharing takes a picture's height and width and, not larger, a window's, as in 1000x1000,10x10; "
		"not '%s'", text), false;
}

static const char *power_text(char buf[NUMBER], double v) {
	const double power = log10(v);
	if (v >= 1000 && fabs(power - round(power)) < 1e-9)
		snprintf(buf, NUMBER, "10^%d", (int)lround(power));
	else
		number_short(buf, v);
	return buf;
}

typedef struct row {
	const char *name, *key, *each;
	double weights, macs;
} row;

static void print_rows(const long s[4], const row *rows, int n) {
	char a[NUMBER], b[NUMBER];
	table *t = table_new("llrr");
	static const char *const head[] = {"layer", "each unit", "weights", "multiply-adds"};
	printf("A picture of %ld x %ld pixels, and a layer with a unit for each of them:\n\n", s[0], s[1]);
	for (int i = 0; i < 4; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	for (int i = 0; i < n; i++) {
		table_cell(t, "%s", rows[i].name);
		table_cell(t, "%s", rows[i].each);
		table_cell(t, "%s", power_text(a, rows[i].weights));
		table_cell(t, "%s", power_text(b, rows[i].macs));
	}
	table_print(t, stdout, 2);
	table_free(t);
	printf("\nOne channel, one map, no biases; units at the edge see as many pixels as others, zeros among\nthem. A convolution of K filters "
	       "has K times as many weights.\n");
}

int info_sharing(const cli_args *a) {
	long s[4];
	char window[100];
	if (a->noperands > 0) return fail_usage("info", "--explain-sharing is of a picture; leave out '%s'", a->operands[0]);
	if (!read_sizes(args_text(a, "explain-sharing"), s)) return CLI_USAGE;
	const double pixels = (double)s[0] * (double)s[1], part = (double)s[2] * (double)s[3];
	snprintf(window, sizeof window, "sees %ld x %ld pixels, with weights of its own", s[2], s[3]);
	const row rows[] = {{"fully connected", "fully_connected", "sees every pixel", pixels * pixels, pixels * pixels},
	        {"locally connected", "locally_connected", window, pixels * part, pixels * part},
	        {"convolution", "convolution", "sees as many, with the same weights", part, pixels * part}};
	const int n = (int)(sizeof rows / sizeof *rows);
	if (!args_has(a, "json")) return print_rows(s, rows, n), CLI_OK;
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	for (int i = 0; i < n; i++) {
		eg_value *one = eg_value_put_map(v, rows[i].key);
		eg_value_put_number(one, "weights", rows[i].weights);
		eg_value_put_number(one, "multiply_adds", rows[i].macs);
	}
	print_json(v);
	eg_value_free(v);
	return CLI_OK;
}
