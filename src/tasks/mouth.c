/* mouth.c - see mouth.h. */
#include "tasks/mouth.h"

#include <math.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for what is spoken"); }

static void forget(eg_mouth *m) {
	eg_release(NULL, m->told);
	eg_release(NULL, m->attention);
	eg_release(NULL, m->ends);
	eg_release(NULL, m->stopped);
	m->told = m->attention = NULL;
	m->ends = NULL, m->stopped = NULL;
	m->n = m->steps = 0;
}

void eg_mouth_clear(eg_mouth *m) {
	forget(m);
	eg_scribe_free(m->scribe);
	*m = (eg_mouth){0};
}

/* ---- step by step ------------------------------------------------------------------------------------------------ */

/* Where a batch is while it is spoken. */
typedef struct speaking {
	int room, before; /* steps that there is room for; numbers of `previous` */
	double stop;      /* what "stop" is at least when it stops */
	eg_real *previous; /* (n, before) */
} speaking;

static eg_real *grown(eg_real *old, size_t used, size_t room) {
	eg_real *more = eg_alloc(NULL, room * sizeof *more);
	if (more && used) memcpy(more, old, used * sizeof *more);
	return more;
}

static eg_status make_room(eg_mouth *m, speaking *s, bool attends, eg_error *err) {
	if (m->steps < s->room) return EG_OK;
	const size_t n = (size_t)m->n, places = (size_t)eg_scribe_stride(m->scribe), steps = (size_t)m->steps;
	const int room = 2 * s->room + 32;
	eg_real *told = grown(m->told, steps * n * (size_t)m->width, (size_t)room * n * (size_t)m->width);
	eg_real *attention = attends ? grown(m->attention, steps * n * places, (size_t)room * n * places) : NULL;
	if (!told || (attends && !attention)) {
		eg_release(NULL, told);
		eg_release(NULL, attention);
		return no_memory(err);
	}
	eg_release(NULL, m->told);
	eg_release(NULL, m->attention);
	m->told = told, m->attention = attention, s->room = room;
	return EG_OK;
}

/* One step of all rows; *going becomes how many have not stopped. */
static eg_status step(eg_mouth *m, speaking *s, int *going, eg_error *err) {
	eg_scribe_told told;
	eg_status status = eg_scribe_next(m->scribe, s->previous, &told, err);
	if (!status) status = make_room(m, s, told.attention != NULL, err);
	if (status) return status;
	const size_t row = (size_t)m->width, places = (size_t)eg_scribe_stride(m->scribe), n = (size_t)m->n;
	memcpy(m->told + (size_t)m->steps * n * row, told.logits, n * row * sizeof *m->told);
	if (told.attention) memcpy(m->attention + (size_t)m->steps * n * places, told.attention, n * places * sizeof *m->attention);
	m->steps++;
	*going = 0;
	for (int i = 0; i < m->n; i++) {
		const eg_real *last = told.logits + (size_t)i * row + (row - (size_t)s->before);
		for (size_t k = 0; k < row; k++)
			if (!isfinite((double)told.logits[(size_t)i * row + k]))
				return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number; the model is damaged or its training failed");
		memcpy(s->previous + (ptrdiff_t)i * s->before, last, (size_t)s->before * sizeof *last);
		if (m->stopped[i]) continue;
		m->ends[i] = m->steps;
		m->stopped[i] = (double)told.stop[i] >= s->stop;
		*going += !m->stopped[i];
	}
	return EG_OK;
}

static eg_status speak(eg_mouth *m, const eg_task *t, const eg_row *r, int most, double sure, eg_error *err) {
	const eg_dims told = eg_tensor_dims(r->graph, eg_graph_find(r->graph, "logits"));
	speaking s = {.before = (int)t->intakes[t->nasked]->sample.d[1], .stop = log(sure / (1 - sure))};
	int going = r->n;
	forget(m);
	eg_status status = eg_scribe_begin(m->scribe, r, err);
	if (status) return status;
	m->n = r->n, m->width = (int)told.d[2];
	m->ends = eg_calloc(NULL, (size_t)r->n, sizeof *m->ends);
	m->stopped = eg_calloc(NULL, (size_t)r->n, sizeof *m->stopped);
	s.previous = eg_calloc(NULL, (size_t)r->n * (size_t)s.before, sizeof *s.previous);
	if (!m->ends || !m->stopped || !s.previous) status = no_memory(err);
	while (!status && going > 0 && m->steps < most) status = step(m, &s, &going, err);
	eg_release(NULL, s.previous);
	if (status) forget(m);
	return status;
}

eg_status eg_mouth_speak(eg_mouth *m, const eg_task *t, const eg_row *r, int most, double sure, eg_error *err) {
	const bool attends = eg_graph_find(r->graph, "attention").id != 0;
	if (m->graph != r->graph || m->params != r->params) eg_mouth_clear(m);
	eg_status status = EG_OK;
	if (!m->scribe)
		status = eg_scribe_new((eg_graph *)r->graph, r->params, t->intakes[0]->input, t->intakes[t->nasked]->input, attends, &m->scribe, err);
	m->graph = r->graph, m->params = r->params;
	if (!status && (r->i == 0 || m->n != r->n)) status = speak(m, t, r, most, sure, err);
	return status;
}

/* ---- as sound ---------------------------------------------------------------------------------------------------- */

eg_status eg_mouth_sound_of(
	const eg_mouth *m, const eg_task *t, int i, int rounds, uint64_t seed, eg_mouth_sound *sound, eg_error *err) {
	const eg_intake *target = eg_task_target(t);
	const eg_sound_intake *p = eg_intake_spoken_sound(target);
	const int bands = p->o.bands, each = eg_intake_spoken_frames(target), frames = m->ends[i] * each;
	*sound = (eg_mouth_sound){.n = (int64_t)(frames - 1) * p->o.hop + p->o.window, .rate = p->o.rate};
	float *plain = eg_alloc(NULL, (size_t)frames * (size_t)bands * sizeof *plain);
	sound->at = eg_alloc(NULL, (size_t)sound->n * sizeof *sound->at);
	eg_status status = plain && sound->at ? EG_OK : no_memory(err);
	for (int k = 0; k < frames && !status; k++) {
		const eg_real *told = m->told + ((ptrdiff_t)(k / each) * m->n + i) * m->width + (ptrdiff_t)(k % each) * bands;
		eg_intake_spoken_plain(target, told, plain + (ptrdiff_t)k * bands);
	}
	if (!status) status = eg_sound_features_sound(p->features, plain, frames, rounds, seed, sound->at, err);
	eg_release(NULL, plain);
	if (status) eg_release(NULL, sound->at), *sound = (eg_mouth_sound){0};
	return status;
}
