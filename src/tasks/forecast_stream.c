/* forecast_stream.c - a model that forecasts, fed with rows of a table: a file of them, or one after the other as they
 * come, of which no more are kept than windows reach back. */
#include "tasks/forecast.h"

#include <math.h>
#include <string.h>

struct eg_forecast_stream {
	eg_task *task;
	eg_predictor *predictor;
	eg_panel_feed *feed;
	eg_record record;
	int64_t rows;
};

eg_status eg_forecast_feed(const eg_task *t, eg_panel_feed **feed, eg_error *err) {
	const eg_windows_names n = eg_windows_named(t->source);
	*feed = NULL;
	if (n.nkept == 0) return eg_fail(err, EG_ERR_ARG, "only a trained model forecasts a table: it knows the scales");
	return eg_panel_feed_new(n.kept, n.nkept, &n.time, &n.missing, n.separator, feed, err);
}

eg_status eg_forecast_record(const eg_task *t, const eg_panel *p, const char *name, eg_record *r, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(t);
	/* rows behind the last value tell what is known of the future */
	int origin = p->steps - 1;
	while (w->nknown > 0 && origin > 0 && isnan(p->at[(ptrdiff_t)origin * p->columns + w->target])) origin--;
	if (!eg_windows_possible(w, p, origin))
		return eg_fail(err, EG_ERR_ARG, "%s: the model sees %d rows, and there are %d%s", name, w->past, p->steps,
		        p->steps < w->past ? "" : ", in which its target has no value");
	if (w->calendar && !p->times)
		return eg_fail(err, EG_ERR_ARG, "%s: the model goes by the calendar, and no column is one of times", name);
	const int needed = origin + 1 + w->ahead[w->nahead - 1], known = eg_windows_known_until(w, p);
	if (w->nknown > 0 && known < needed)
		return eg_fail(err, EG_ERR_ARG, "%s: the model forecasts up to row %d, and the columns that are known of the future end at row %d; give "
		                                "their future as rows without a value of '%s'", name, needed, known, p->names[w->target]);
	return eg_windows_record(t->source, 0, p, origin, ~0u, r, err);
}

eg_status eg_forecast_stream_new(eg_model *m, const char *header, eg_forecast_stream **stream, eg_error *err) {
	eg_forecast_stream *s = *stream = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a forecast");
	eg_status status = eg_task_of_model(m, &s->task, err);
	if (!status && s->task->type != &eg_task_type_forecast)
		status = eg_fail(err, EG_ERR_ARG, "%s: its task is '%s', and rows are followed by models that forecast", eg_model_path(m),
		        s->task->type->info.name);
	if (!status && eg_forecast_windows(s->task)->nknown > 0)
		status = eg_fail(err, EG_ERR_ARG, "%s: it goes by columns that are known of the future, and rows as they come do not tell it; give a table "
		                                  "with their future to engram predict", eg_model_path(m));
	if (!status) status = eg_predictor_new(m, NULL, NULL, &s->predictor, err);
	if (!status) status = eg_forecast_feed(s->task, &s->feed, err);
	if (!status) status = eg_panel_feed_lines(s->feed, header, strlen(header), "the rows", 1, err);
	/* and some more rows, whose times say how long a step is */
	if (!status) eg_panel_feed_keep(s->feed, eg_windows_reach(eg_forecast_windows(s->task)) + 8);
	if (!status) return EG_OK;
	eg_forecast_stream_free(s);
	*stream = NULL;
	return status;
}

void eg_forecast_stream_free(eg_forecast_stream *s) {
	if (!s) return;
	eg_panel_feed_free(s->feed);
	eg_predictor_free(s->predictor);
	eg_task_free(s->task);
	eg_record_free(&s->record);
	eg_release(NULL, s);
}

eg_status eg_forecast_stream_row(eg_forecast_stream *s, const char *line, const eg_value **answer, eg_error *err) {
	const eg_question q = {.record = &s->record, .name = "the rows"};
	eg_error why = {0};
	*answer = NULL;
	eg_status status = eg_panel_feed_lines(s->feed, line, strlen(line), "the rows", ++s->rows + 1, err);
	const eg_panel *p = eg_panel_feed_get(s->feed);
	if (status || !eg_windows_possible(eg_forecast_windows(s->task), p, p->steps - 1)) return status;
	eg_record_reset(&s->record);
	memset(s->record.fields, 0, sizeof s->record.fields);
	status = eg_forecast_record(s->task, p, "the rows", &s->record, err);
	if (!status) status = eg_predictor_run(s->predictor, &q, 1, answer, &why, err);
	return !status && why.status ? eg_fail(err, why.status, "%s", why.message) : status;
}
