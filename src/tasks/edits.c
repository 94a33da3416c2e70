/* edits.c - see edits.h. */
#include "tasks/edits.h"

int eg_edits(int n, int m, bool (*same)(const void *user, int i, int k), const void *user, int *row) {
	for (int k = 0; k <= m; k++) row[k] = k;
	for (int i = 0; i < n; i++) {
		int before = row[0];
		row[0] = i + 1;
		for (int k = 0; k < m; k++) {
			int least = before + !same(user, i, k);
			if (row[k] + 1 < least) least = row[k] + 1;
			if (row[k + 1] + 1 < least) least = row[k + 1] + 1;
			before = row[k + 1];
			row[k + 1] = least;
		}
	}
	return row[m];
}
