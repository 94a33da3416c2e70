/* persons.c - what pictures of persons lack, before a model learns to tell them apart (verify.c): of a person with one
 * picture there is no pair, two folders whose names differ in case only are hardly two persons, and without two persons
 * that validate there is no threshold. */
#include "tasks/embedding.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct counts {
	int classes;
	int64_t *n; /* pictures of each */
} counts;

static eg_status count(const eg_samples *s, eg_part part, counts *c, eg_error *err) {
	const eg_sample_part *p = &s->parts[part];
	const eg_task *t = s->task;
	const int field = eg_task_target(t)->field;
	eg_record r = {0};
	eg_status status = EG_OK;
	c->classes = eg_embedding_classes(t);
	c->n = eg_calloc(NULL, (size_t)c->classes + 1, sizeof *c->n);
	if (!c->n) return eg_embedding_no_memory(err);
	for (int64_t i = 0; s->data[part] && i < p->dataset.count && !status; i++) {
		status = eg_source_read(t->source, p->from, p->items ? p->items[i] : i, 1u << field, &r, err);
		const int32_t label = status ? -1 : r.fields[field].label;
		if (label >= 0 && label < c->classes) c->n[label]++;
	}
	eg_record_free(&r);
	return status;
}

static void advise_alone(const eg_task *t, const counts *c, const char *what, eg_advise advise, void *user) {
	char text[500];
	int alone = 0, first = -1;
	for (int k = 0; k < c->classes; k++)
		if (c->n[k] == 1 && alone++ == 0) first = k;
	if (alone == 0) return;
	snprintf(text, sizeof text,
		"of '%.150s' there is one %s only %s, and so no pair of one class: add others, or leave it out",
		eg_embedding_class(t, first), t->one, what);
	if (alone > 1)
		snprintf(text, sizeof text,
			"of '%.150s' and %d others there is one %s each %s, and so no pair of one class: add others, or leave them out",
			eg_embedding_class(t, first), alone - 1, t->one, what);
	advise(user, text);
}

static void advise_case(const eg_task *t, eg_advise advise, void *user) {
	char text[500];
	for (int k = 0, n = eg_embedding_classes(t); k < n; k++)
		for (int i = 0; i < k; i++) {
			const char *a = eg_embedding_class(t, i), *b = eg_embedding_class(t, k);
			if (strcasecmp(a, b) != 0) continue;
			snprintf(text, sizeof text, "the names '%.150s' and '%.150s' differ in case only: if they are one person, put them into one folder", a, b);
			advise(user, text);
		}
}

static void advise_threshold(const eg_task *t, const counts *c, eg_advise advise, void *user) {
	char text[400];
	int shown = 0, several = 0;
	for (int k = 0; k < c->classes; k++) shown += c->n[k] > 0, several += c->n[k] > 1;
	if (shown >= 2 && several >= 1) return;
	snprintf(text, sizeof text,
		"no threshold will be learnt, so that two %s can be compared with your own only: it needs two persons at least that "
		"validate, with two %s or more; data.validation: 0.2 takes a fifth of the persons",
		t->many, t->many);
	advise(user, text);
}

eg_status eg_samples_check_persons(const eg_samples *s, eg_advise advise, void *user, eg_error *err) {
	counts train = {0}, validation = {0};
	if (!s->data[EG_PART_TRAIN]) return EG_OK;
	eg_status status = count(s, EG_PART_TRAIN, &train, err);
	if (!status) status = count(s, EG_PART_VALIDATION, &validation, err);
	if (!status) {
		advise_alone(s->task, &train, "to train on", advise, user);
		advise_alone(s->task, &validation, "to validate", advise, user);
		advise_case(s->task, advise, user);
		advise_threshold(s->task, &validation, advise, user);
	}
	eg_release(NULL, train.n);
	eg_release(NULL, validation.n);
	return status;
}
