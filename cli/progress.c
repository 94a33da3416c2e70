/* progress.c - a bar on one line of the terminal. */
#include "print.h"

#include <string.h>

void bar_clear(FILE *f) {
	if (!is_terminal(f)) return;
	fputs("\r\x1b[K", f);
	fflush(f);
}

void bar_show(FILE *f, const char *left, double share, const char *right) {
	if (!is_terminal(f)) return;
	int room = terminal_width(f) - 1 - text_width(left) - text_width(right) - 2;
	int width = room < 30 ? room : 30;
	bool colour = has_colour(f);
	fprintf(f, "\r%s ", left);
	if (width >= 4) {
		int full = (int)((share < 0 ? 0 : share > 1 ? 1 : share) * width + 0.5);
		if (colour) fputs("\x1b[32m", f);
		for (int i = 0; i < full; i++) fputs("━", f);
		if (colour) fputs("\x1b[0;2m", f);
		for (int i = full; i < width; i++) fputs(colour ? "━" : "─", f);
		if (colour) fputs("\x1b[0m", f);
		putc(' ', f);
	}
	if (room >= 0) fputs(right, f);
	fputs("\x1b[K", f);
	fflush(f);
}
