/* predict_ask.c - questions in batches, and their answers in order, as lines or as JSON. */
#include "predict.h"
#include "predict_film.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 48 };

char *predict_copy(const char *s, size_t n) {
	char *c = cli_alloc(n + 1);
	if (n) memcpy(c, s, n);
	return c;
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

/* The name in its column; a text that is long is cut. */
void predict_name(const predict_job *j, const char *name, bool is_text) {
	char *shown = text_clean(predict_copy(name, strlen(name)));
	size_t bytes = strlen(shown);
	int width = text_width(shown);
	bool cut = is_text && width > NAME_WIDTH;
	while (cut && bytes > 0 && width >= NAME_WIDTH) {
		bytes--;
		width -= ((unsigned char)shown[bytes] & 0xc0) != 0x80;
	}
	int room = j->width - width - cut;
	printf("%.*s%s%*s", (int)bytes, shown, cut ? "…" : "", room > 0 ? room : 0, "");
	free(shown);
}

void predict_widen(predict_job *j, const char *name) {
	int w = text_width(name);
	if (w > j->width && w <= NAME_WIDTH) j->width = w;
}

/* An answer in a line; "-" where there is nothing to be said. */
char *predict_spelled(const eg_value *v) {
	eg_error err;
	char *text = NULL;
	bool colour = has_colour(stdout);
	if (eg_value_print(v, colour ? "\x1b[1m" : NULL, colour ? "\x1b[0m" : NULL, &text, &err))
		fail_error("predict", &err), exit(CLI_FAILED);
	if (*text) return text;
	free(text);
	return predict_copy("-", 1);
}

void predict_error(predict_job *j, const char *name, const eg_error *err) {
	j->code = CLI_FAILED;
	if (!j->json) {
		fflush(stdout);
		fail_error("predict", err);
		return;
	}
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "input", name);
	eg_value_put_text(v, "error", err->message);
	print_json(v);
	eg_value_free(v);
}

enum { WHY_LINES = 8 };

/* The units that have most to do with the answer, in the order of their size. */
static void print_why(const eg_value *answer) {
	const eg_value *why = eg_value_get(answer, "why"), *of = eg_value_get(answer, "why_of");
	double last = INFINITY;
	int64_t last_at = -1;
	if (!of) return;
	printf("    log odds of %s", text_shown(eg_value_text(eg_value_get(of, "class"))));
	printf(" against %s: %.2f; of an empty text %.2f, and the words add (to %.1g):\n",
	        text_shown(eg_value_text(eg_value_get(of, "against"))), eg_value_number(eg_value_get(of, "log_odds"), (double)NAN),
	        eg_value_number(eg_value_get(of, "empty"), (double)NAN), eg_value_number(eg_value_get(of, "error"), (double)NAN));
	for (int i = 0; i < WHY_LINES; i++) {
		const eg_value *most = NULL;
		double size = -1;
		int64_t at = 0, most_at = 0;
		for (const eg_value *u = eg_value_first(why); u; u = eg_value_next(u), at++) {
			const double x = fabs(eg_value_number(eg_value_get(u, "adds"), 0));
			const bool comes = x < last || (x == last && at > last_at);
			if (comes && x > size) size = x, most = u, most_at = at;
		}
		if (!most) break;
		last = size, last_at = most_at;
		printf("    %+7.2f  %4.0f %%  without it %+.2f  %s\n", eg_value_number(eg_value_get(most, "adds"), 0),
		        100 * eg_value_number(eg_value_get(most, "share"), 0), -eg_value_number(eg_value_get(most, "occlusion"), 0),
		        text_shown(eg_value_text(eg_value_get(most, "text"))));
	}
}

/* The answer with what it comes from; the caller's. NULL after a message. */
static eg_value *with_why(predict_job *j, const char *name, const eg_question *q, const eg_value *answer) {
	eg_error err;
	eg_value *map = eg_value_new(EG_VALUE_MAP);
	for (const eg_value *c = eg_value_first(answer); c; c = eg_value_next(c)) eg_value_put_copy(map, eg_value_key(c), c);
	if (!eg_why_question(j->why, q, map, &err)) return map;
	predict_error(j, name, &err);
	eg_value_free(map);
	return NULL;
}

static void show(const predict_job *j, const predict_asked *q, const eg_value *answer) {
	if (j->json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "input", q->name);
		if (q->frame) eg_value_put_int(v, "frame", q->frame->number);
		eg_value_put_copy(v, "answer", answer);
		print_json(v);
		eg_value_free(v);
		return;
	}
	char *text = predict_spelled(answer);
	predict_name(j, q->name, q->is_text);
	if (q->frame) printf("  %6lld", (long long)q->frame->number);
	printf("  %s\n", text);
	free(text);
	print_why(answer);
}

/* The summary of a film, where it has one and there is a place for it. NULL: there is none; *failed: after a
 * message. */
static eg_value *with_summary(predict_job *j, const predict_asked *q, const eg_value *answer, bool *failed) {
	eg_error err;
	const char *folder = args_text(j->args, "output");
	if (!q->film || !folder || !eg_value_get(answer, "segments")) return NULL;
	eg_value *map = predict_summary(folder, q->name, q->film, answer, &err);
	*failed = !map;
	if (!map) predict_error(j, q->name, &err);
	return map;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* Asks what has been gathered, and shows the answers in order. false: there is no point in going on. */
bool predict_ask(predict_job *j) {
	eg_question q[PREDICT_BATCH] = {0};
	const eg_value *answers[PREDICT_BATCH] = {0};
	eg_error errors[PREDICT_BATCH], err;
	for (int i = 0; i < j->n; i++) {
		const predict_asked *a = &j->batch[i];
		q[i] = (eg_question){.path = a->bytes || a->frame || a->film ? NULL : a->name,
		        .record = a->frame ? &a->frame->record : a->film ? &a->film->record : NULL,
		        .bytes = a->bytes,
		        .size = a->size,
		        .json = a->json,
		        .name = a->where ? a->where : a->name};
	}
	eg_status status = eg_predictor_run(j->predictor, q, j->n, answers, errors, &err);
	for (int i = 0; i < j->n; i++) {
		predict_asked *a = &j->batch[i];
		bool failed = false;
		eg_value *more = !status && answers[i] && j->why ? with_why(j, a->name, &q[i], answers[i]) : NULL;
		if (!status && answers[i] && !j->why) more = with_summary(j, a, answers[i], &failed);
		if (!status && !answers[i])
			predict_error(j, a->name, &errors[i]);
		else if (!status && !failed && (more || !j->why))
			show(j, a, more ? more : answers[i]);
		eg_value_free(more);
		free(a->name), free(a->where), free(a->bytes);
		cli_frame_free(a->frame);
		cli_whole_film_free(a->film);
	}
	j->n = 0;
	if (status) j->code = fail_error("predict", &err);
	out_push();
	return !ferror(stdout) && !status;
}

bool predict_put(predict_job *j, predict_asked a) {
	j->batch[j->n++] = a;
	return j->n < PREDICT_BATCH || predict_ask(j);
}
