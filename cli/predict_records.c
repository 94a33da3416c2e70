/* predict_records.c - what a model answers to the records of its own data. */
#include "predict.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* They come in batches of like length, and are shown in the order of the data: what comes too early waits. */
typedef struct records {
	predict_job *j;
	char **waiting; /* by index */
	int64_t count, next;
} records;

static char *json_of(const predict_job *j, const eg_answered *r) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	char *text = NULL;
	eg_value_put_null(v, "input");
	eg_value_put_text(v, "id", r->id);
	if (r->group) eg_value_put_text(v, "group", r->group);
	eg_value_put_copy(v, "answer", r->answer);
	if (j->truth) eg_value_put_copy(v, "truth", eg_value_count(r->truth) > 0 ? r->truth : NULL);
	if (!eg_value_whole(v) || eg_value_json(v, &text, NULL, NULL))
		fail("predict", "out of memory"), exit(CLI_FAILED);
	eg_value_free(v);
	return text;
}

/* The id, and behind its zero what is shown beside it. */
static char *text_of(const predict_job *j, const eg_answered *r) {
	char *answer = predict_spelled(r->answer), *truth = j->truth ? predict_spelled(r->truth) : NULL;
	size_t room = strlen(r->id) + strlen(answer) + (truth ? strlen(truth) : 0) + 32;
	char *text = cli_alloc(room);
	snprintf(text, room, "%s%c%s%s%s", r->id, '\0', answer, truth ? "  truth: " : "", truth ? truth : "");
	free(answer);
	free(truth);
	return text;
}

static void show_waiting(records *r) {
	char *text = r->waiting[r->next];
	if (text && r->j->json) puts(text);
	if (text && !r->j->json) {
		predict_widen(r->j, text);
		predict_name(r->j, text, false);
		printf("  %s\n", text + strlen(text) + 1);
	}
	free(text);
	r->waiting[r->next++] = NULL;
}

static bool take(void *user, const eg_answered *a) {
	records *r = user;
	if (a->index < 0 || a->index >= r->count || r->waiting[a->index]) return true;
	r->waiting[a->index] = r->j->json ? json_of(r->j, a) : text_of(r->j, a);
	while (r->next < r->count && r->waiting[r->next]) show_waiting(r);
	return !ferror(stdout);
}

static eg_status answer_part(predict_job *j, const eg_samples *s, eg_part part, eg_error *err) {
	char last[32];
	records r = {.j = j, .count = eg_samples_count(s, part)};
	snprintf(last, sizeof last, "%lld", (long long)(r.count - 1));
	predict_widen(j, last);
	r.waiting = cli_alloc((size_t)(r.count + 1) * sizeof *r.waiting);
	eg_status status = eg_samples_answer(j->predictor, s, part, take, &r, err);
	while (r.next < r.count) show_waiting(&r); /* after a failure, what was answered before it */
	free(r.waiting);
	return status;
}

void predict_records(predict_job *j) {
	eg_error err;
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_samples_options o = {.model = j->model};
	eg_status status = eg_task_open(eg_model_recipe(j->model), &t, &err);
	if (!status) status = cli_choose_data(j->args, t, &err);
	if (!status) o.part = cli_split(j->args, eg_task_eval_part(t));
	if (!status) status = cli_samples(j->args, t, &o, &s, &err);
	if (!status) status = answer_part(j, s, o.part, &err);
	if (status && status != EG_ERR_STOPPED) j->code = fail_error("predict", &err);
	eg_samples_free(s);
	eg_task_free(t);
}
