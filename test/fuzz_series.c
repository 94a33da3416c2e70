/* fuzz_series.c - any bytes as a table over time; the first byte says with which options. What can be read is looked at
 * and forecast. */
#include "data/table.h"
#include "engram_series.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forecast(const eg_time_table *t, int place) {
	const eg_time_column *c = &t->columns[place];
	int n = t->steps < 200 ? t->steps : 200, period, d, D;
	double strength;
	char when[32];
	while (n > 0 && isnan(c->values[n - 1])) n--;
	if (n == 0) return;
	if (eg_find_period(c->values, n, eg_time_table_periods(t), 1, &period, &strength, NULL)) abort();
	const eg_past past = {.values = c->values, .n = n, .period = period};
	if (eg_find_differences(&past, &d, &D, NULL) || d > 2 || D > 1) abort();
	static const char *const specs[] = {"naive", "mean", "theta", "arima(0,1,1)", "ets(A,N,N)"};
	for (int i = 0; i < EG_COUNT(specs); i++) {
		eg_forecaster *f;
		if (eg_forecaster_fit(specs[i], &past, NULL, &f, NULL)) continue;
		eg_outlook *o = eg_outlook_new(3);
		if (o && !eg_forecast(f, &past, o, NULL) && o->quantiles[0][2] > o->quantiles[EG_LEVELS - 1][2]) abort();
		eg_outlook_free(o);
		eg_forecaster_free(f);
	}
	if (strlen(eg_time_table_when(t, n + 1000, when)) >= sizeof when) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char *const dates[] = {"date", NULL}, *const parts[] = {"year", "month", NULL}, *const missing[] = {"-", "x", NULL};
	if (size == 0 || size > 100000) return 0;
	const int mode = data[0] % 8;
	const eg_time_table_options o = {.time = mode == 1 ? dates : mode == 2 ? parts : NULL,
		.missing = mode == 3 ? missing : NULL,
		.rows = mode == 4,
		.separator = mode == 5 ? ';' : mode == 6 ? '\t' : 0};
	eg_reader *reader = eg_reader_memory(data + 1, size - 1, "fuzz", NULL);
	eg_time_table *t = NULL;
	int place;
	if (reader && eg_time_table_take(reader, &o, &t, NULL) == EG_OK) {
		if (t->steps < t->rows || t->rows < 1) abort();
		for (int i = 0; i < t->ncolumns; i++)
			if (eg_time_table_find(t, t->columns[i].name, &place, NULL) == EG_OK) forecast(t, place);
		if (eg_time_table_find(t, NULL, &place, NULL) == EG_OK && !t->columns[place].numbers) abort();
	}
	eg_time_table_free(t);
	eg_reader_close(reader);
	return 0;
}
