/* forecast_follow.c - engram forecast MODEL --follow: rows of standard input, and after each what comes next. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "forecast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char verb[] = "forecast";

/* A line a step ahead: from when, when, the forecast, its quantiles. */
static void print_answer(const eg_value *answer) {
	const eg_value *time = eg_value_first(eg_value_get(answer, "times")), *mean = eg_value_first(eg_value_get(answer, "mean"));
	const eg_value *quantiles = eg_value_get(answer, "quantiles");
	for (int k = 0; time && mean; k++, time = eg_value_next(time), mean = eg_value_next(mean)) {
		printf("%s,%s,%.9g", eg_value_text(eg_value_get(answer, "origin")), eg_value_text(time), eg_value_number(mean, 0));
		for (const eg_value *q = eg_value_first(quantiles); q; q = eg_value_next(q))
			printf(",%.9g", eg_value_number(eg_value_at(q, k), 0));
		printf("\n");
	}
}

static void print_row(const cli_args *a, const eg_value *answer) {
	if (args_has(a, "json"))
		print_json(answer);
	else
		print_answer(answer);
	out_push();
}

static int follow(const cli_args *a, eg_model *m) {
	eg_forecast_stream *s = NULL;
	char *line = NULL;
	size_t room = 0;
	int code = CLI_OK;
	for (bool first = true; getline(&line, &room, stdin) >= 0;) {
		eg_error err;
		const eg_value *answer = NULL;
		if (line[strspn(line, " \t\r\n")] == '\0') continue;
		if (first && eg_forecast_stream_new(m, line, &s, &err)) {
			code = fail_error(verb, &err);
			break;
		}
		if (first && !args_has(a, "json")) printf("origin,time,mean,0.025,0.1,0.5,0.9,0.975\n");
		/* the others are still done */
		if (!first && eg_forecast_stream_row(s, line, &answer, &err)) code = fail_error(verb, &err);
		if (answer) print_row(a, answer);
		first = false;
	}
	if (!s && code == CLI_OK) code = fail(verb, "nothing came on standard input; its first line names the columns, and rows follow");
	if (ferror(stdin)) code = fail(verb, "cannot read standard input: %s", strerror(errno));
	eg_forecast_stream_free(s);
	free(line);
	return code;
}

int forecast_follow(const cli_args *a) {
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	const int code = m ? follow(a, m) : CLI_FAILED;
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}
