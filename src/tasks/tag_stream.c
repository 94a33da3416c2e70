/* tag_stream.c - films that are tagged frame by frame, as they come: by a network that goes in one direction,
 * whose state is kept from frame to frame, so that a film may be as long as it likes. Each tag is the one that the
 * whole film would have got. */
#include "tasks/samples.h"
#include "tasks/tag_films.h"

#include <string.h>

struct eg_frame_tagger {
	eg_model *model;
	eg_task *task;
	eg_session *session;
	eg_record record;
	eg_arena arena;
	eg_real *input, *logits;
	double *p;
	eg_value *answer;
	const char *last; /* the tag of the frame before; NULL: there is none */
	int64_t shown, steps, told; /* frames; those and what the last was shown once more; those whose tag is told */
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for the tags of a film"); }

static const eg_lexicon *tags_of(const eg_frame_tagger *t) { return eg_intake_names(eg_task_target(t->task)); }

static eg_dims dims_of(const eg_frame_tagger *t) {
	const int sizes[EG_MAX_DIMS + 1] = {0};
	return eg_intake_dims(t->task->intakes[0], 1, 1, sizes);
}

static eg_status open_tagger(eg_frame_tagger *t, eg_error *err) {
	static const char *const outputs[] = {"logits", NULL};
	eg_status status = eg_task_of_model(t->model, &t->task, err);
	if (status) return status;
	if (t->task->type != &eg_task_type_tag_films || t->task->nasked != 1)
		return eg_fail(err, EG_ERR_ARG, "frames are tagged as they come by models of the task 'tag' that read films");
	t->session = eg_session_new(eg_model_graph(t->model), eg_model_params(t->model), &(eg_session_options){.chunk = 1, .outputs = outputs}, err);
	if (!t->session) return err->status;
	const eg_dims d = dims_of(t);
	t->input = eg_arena_alloc(&t->arena, (size_t)eg_dims_count(&d, 0) * sizeof *t->input);
	t->logits = eg_arena_alloc(&t->arena, (size_t)tags_of(t)->n * sizeof *t->logits);
	t->p = eg_arena_alloc(&t->arena, (size_t)tags_of(t)->n * sizeof *t->p);
	t->answer = eg_value_new(EG_VALUE_MAP);
	return t->input && t->logits && t->p && t->answer ? EG_OK : no_memory(err);
}

eg_status eg_frame_tagger_new(eg_model *m, eg_frame_tagger **tagger, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	eg_frame_tagger *t = *tagger = eg_calloc(NULL, 1, sizeof *t);
	if (!t) return no_memory(err);
	t->model = m;
	const eg_status status = open_tagger(t, err);
	if (!status) return EG_OK;
	eg_frame_tagger_free(t);
	*tagger = NULL;
	return status;
}

void eg_frame_tagger_free(eg_frame_tagger *t) {
	if (!t) return;
	eg_session_free(t->session);
	eg_task_free(t->task);
	eg_record_free(&t->record);
	eg_value_free(t->answer);
	eg_arena_free(&t->arena);
	eg_release(NULL, t);
}

/* A step of the network with what lies in t->input, and what it says. */
static eg_status step(eg_frame_tagger *t, const eg_value **answer, eg_error *err) {
	const char *const names[] = {t->task->intakes[0]->input};
	const void *const inputs[] = {t->input};
	eg_real *const outputs[] = {t->logits};
	const eg_status status = eg_session_run(t->session, 1, names, inputs, 1, outputs, err);
	if (status) return status;
	const eg_lexicon *tags = tags_of(t);
	const int k = eg_argmax(t->logits, tags->n);
	if (!eg_softmax(t->logits, tags->n, t->p)) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value_clear(t->answer);
	eg_value_mark(eg_value_put_text(t->answer, "tag", tags->at[k]), EG_SHOW_STRONG, NULL);
	eg_value_mark(eg_value_put_number(t->answer, "probability", t->p[k]), EG_SHOW_SHARE, NULL);
	eg_value_mark(eg_value_put_bool(t->answer, "begins", !t->last || strcmp(t->last, tags->at[k]) != 0), EG_SHOW_NOT, NULL);
	t->last = tags->at[k];
	*answer = t->answer;
	return eg_value_whole(t->answer) ? EG_OK : no_memory(err);
}

eg_status eg_frame_tagger_next(eg_frame_tagger *t, int C, int H, int W, const uint8_t *pixels, const eg_value **answer, eg_error *err) {
	const eg_datum d = {.there = true, .frames = {1, C, H, W, 0, pixels}}, *data = &d;
	const eg_dims dims = dims_of(t);
	const int delay = ((const eg_tagger *)t->task)->delay;
	void *slot = t->input;
	*answer = NULL;
	if (!pixels && t->told == t->shown) return EG_OK;
	eg_record_reset(&t->record);
	/* At the end the last frame is still there. */
	eg_status status = pixels ? eg_intakes_fill(t->task, 1, &t->record, NULL, &data, 1, 1, &dims, &slot, err) : EG_OK;
	t->shown += pixels != NULL;
	while (!status) {
		status = step(t, answer, err);
		const bool early = t->steps++ < delay;
		t->told += !early;
		if (!early) break;
		*answer = NULL, t->last = NULL;
		if (pixels) break;
	}
	return status;
}
