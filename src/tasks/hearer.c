/* hearer.c - a classifier of sounds that is asked about what is spoken (hearer.h). Which of its classes is right, the
 * record says for which it is spoken: in the field that the classifier has learnt to tell. */
#include "tasks/hearer.h"

#include "tasks/speak.h"

#include <string.h>

void eg_hearer_close(eg_hearer *h) {
	eg_predictor_free(h->predictor);
	eg_hearing_free(h->floor);
	*h = (eg_hearer){.field = -1};
}

/* The field of the judged source that has what it tells; -1: there is none. */
static int field_of(const eg_task *t, const char *name) {
	const eg_field *f;
	for (int i = 0; (f = eg_source_field(t->source, i)); i++)
		if (f->kind == EG_FIELD_LABEL && !strcmp(f->name, name)) return i;
	return -1;
}

static eg_status suits(const eg_task *t, const eg_task *hears, eg_hearer *h, eg_error *err) {
	const eg_intake *told = eg_task_target(hears);
	if (strcmp(hears->type->info.name, "classify") != 0 || hears->nasked != 1 || hears->intakes[0]->type->kind != EG_FIELD_SOUND)
		return eg_fail(err, EG_ERR_ARG, "it does not tell classes of sounds: train one as recipes/digits-spoken.yaml");
	h->field = field_of(t, told->name);
	if (h->field >= 0) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "it tells the classes of a field '%s', and the records of '%s', which are spoken here, have none: take "
		"others, as by --data fsdd", told->name, eg_source_info(t->source)->name);
}

eg_status eg_task_hear(eg_task *t, eg_model *m, eg_error *err) {
	eg_speak *own = (eg_speak *)t;
	eg_hearer h = {.field = -1};
	eg_task *hears = NULL;
	if (t->type != &eg_task_type_speak)
		return eg_fail(err, EG_ERR_ARG, "the task '%s' makes no sounds that others could hear; 'speak' does", t->type->info.name);
	eg_status status = eg_task_of_model(m, &hears, err);
	if (!status) status = suits(t, hears, &h, err);
	eg_task_free(hears);
	if (status) return status;
	const int voice = eg_speak_voice(t);
	const bool tells_voice = voice >= 0 && t->intakes[voice]->field == h.field;
	eg_hearer *to = tells_voice ? &own->knows_voice : &own->recognises;
	if (to->predictor)
		return eg_fail(err, EG_ERR_ARG, "another model tells %s already", tells_voice ? "the voice" : "what is said");
	status = eg_predictor_new(m, NULL, NULL, &h.predictor, err);
	if (!status && !tells_voice) status = eg_hearing_new(m, &h.floor, err);
	if (status)
		eg_hearer_close(&h);
	else
		*to = h;
	return status;
}

eg_status eg_hearer_hear(eg_hearer *h, const eg_source *s, const eg_datum_sound *spoken, const eg_record *r, bool *network,
	bool *floor, eg_error *err) {
	const eg_datum *d = &r->fields[h->field];
	const eg_field *f = eg_source_field(s, h->field);
	const char *right = d->there && d->label >= 0 && f->names && d->label < f->nnames ? f->names[d->label] : "", *heard = NULL;
	const eg_record asked = {.fields = {{.there = true, .sound = *spoken}}};
	const eg_question q = {.record = &asked, .name = "what is spoken"};
	const eg_value *answer = NULL;
	eg_error why = {0};
	eg_status status = eg_predictor_run(h->predictor, &q, 1, &answer, &why, err);
	if (!status && why.status) *err = why, status = why.status;
	if (status) return status;
	const char *class = eg_value_text(eg_value_get(answer, "class"));
	*network = class && !strcmp(class, right);
	if (!h->floor) return EG_OK;
	status = eg_hearing_hear(h->floor, spoken, &heard, err);
	if (!status) *floor = !strcmp(heard, right);
	return status;
}
