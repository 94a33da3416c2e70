/* looks.c - where a network looks, as a page: of captions, at which places of the picture, or which frames of the film,
 * for each word (attention); of films that are classified, on which frames the answer depends, and on which of their
 * pixels (the gradient of the class's logit by each of them: Simonyan, Vedaldi and Zisserman 2014); of films that are
 * tagged, on which frames the tag in the middle of each segment depends.
 *
 * Attention says what was read to write a word, not what made it likely: a network may look somewhere and take no
 * notice. */
#include "engram_report.h"
#include "report/album.h"
#include "report/survey.h"
#include "tasks/samples.h"
#include "tasks/tag_films.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 160, SMALL = 72, BEST = 3, WORDS = 64 /* that are drawn */, FILES = WORDS + 8, ROW = 12 };

typedef struct looks {
	eg_model *model;
	eg_task *task;
	eg_record record;
	eg_datum datum;
	eg_value *answer;
	int shape[3], frames; /* what the network reads; frames 1 of a picture */
	uint8_t *pixels;      /* (frames, C, H, W) */
	const char *name;
	eg_arena arena;
	eg_album album;
	const char *files[FILES];
} looks;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory to show where a network looks"); }

/* ---- which models ------------------------------------------------------------------------------------------------ */

static bool is_film(const looks *l) { return l->task->intakes[0]->type->kind == EG_FIELD_FRAMES; }
static bool writes(const looks *l) { return l->task->type->writes; }
static bool tags(const looks *l) { return l->task->type == &eg_task_type_tag_films; }

static eg_status open_task(looks *l, eg_error *err) {
	eg_status status = eg_task_of_model(l->model, &l->task, err);
	if (status) return status;
	const eg_field_kind kind = l->task->intakes[0]->type->kind;
	const eg_dims d = eg_tensor_dims(eg_model_graph(l->model), eg_graph_find(eg_model_graph(l->model), "logits"));
	const bool captions = writes(l) && eg_graph_find(eg_model_graph(l->model), "attention").id && (is_film(l) || kind == EG_FIELD_PICTURE);
	const bool classes = is_film(l) && d.rank == 2 && eg_task_target(l->task)->type->kind == EG_FIELD_LABEL;
	if (l->task->nasked == 1 && (captions || classes || tags(l))) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "where a network looks is shown of captions whose recipe has `outputs: {attention: LAYER.weights}`, and of films "
		"that are classified or tagged");
}

static void forget(looks *l) {
	eg_task_free(l->task);
	eg_value_free(l->answer);
	eg_record_free(&l->record);
	eg_arena_free(&l->arena);
}

bool eg_looks_suit(eg_model *m) {
	looks l = {.model = m};
	const bool suits = open_task(&l, NULL) == EG_OK;
	forget(&l);
	return suits;
}

/* ---- what is looked at ------------------------------------------------------------------------------------------- */

static eg_status take_picture(looks *l, const eg_picture *pic, eg_error *err) {
	const size_t n = (size_t)l->shape[0] * (size_t)l->shape[1] * (size_t)l->shape[2];
	l->frames = 1;
	l->pixels = eg_arena_alloc(&l->arena, n);
	if (!l->pixels) return no_memory(err);
	eg_status status = eg_picture_bytes(pic, l->shape[0], l->shape[1], l->shape[2], l->pixels, err);
	l->datum = (eg_datum){.there = true, .picture = {l->shape[0], l->shape[1], l->shape[2], l->pixels}};
	return status;
}

static eg_status take_film(looks *l, const eg_datum_frames *d, eg_error *err) {
	const size_t n = (size_t)l->shape[0] * (size_t)l->shape[1] * (size_t)l->shape[2];
	eg_status status = d->n > 0 ? EG_OK : eg_fail(err, EG_ERR_ARG, "the film has no frame");
	l->frames = d->n;
	l->pixels = eg_arena_alloc(&l->arena, n * (size_t)d->n + 1);
	if (!l->pixels) return no_memory(err);
	for (int t = 0; t < d->n && !status; t++) {
		const uint8_t *frame;
		status = eg_intake_frame(d, t, l->shape[0], l->shape[1], l->shape[2], l->pixels + (size_t)t * n, &frame, err);
		if (!status && frame != l->pixels + (size_t)t * n) memcpy(l->pixels + (size_t)t * n, frame, n);
	}
	l->datum = (eg_datum){.there = true, .frames = {d->n, l->shape[0], l->shape[1], l->shape[2], d->rate, l->pixels}};
	return status;
}

static eg_status read_path(looks *l, const char *path, eg_error *err) {
	eg_status status;
	l->name = path;
	if (is_film(l)) {
		eg_film_frames film;
		status = eg_film_load(path, NULL, 0, (size_t)512 << 20, &film, NULL, err);
		if (status) return status;
		status = take_film(l, &(eg_datum_frames){film.n, film.C, film.H, film.W, film.rate ? (double)film.rate / film.per : 0, film.pixels}, err);
		eg_film_frames_free(&film);
		return status;
	}
	eg_picture pic;
	status = eg_picture_read(NULL, path, NULL, &pic, err);
	if (status) return status;
	status = take_picture(l, &pic, err);
	eg_picture_free(&pic);
	return status;
}

static eg_status read_record(looks *l, int64_t record, eg_error *err) {
	const eg_part part = eg_task_eval_part(l->task);
	const int field = l->task->intakes[0]->field;
	eg_status status = eg_task_read_record(l->task, part, record, 1u << field, &l->record, err);
	if (status) return status;
	l->name = eg_arena_printf(&l->arena, "record %lld of the part %s", (long long)record, eg_part_name(part));
	if (!l->name) return no_memory(err);
	const eg_datum *d = &l->record.fields[field];
	if (is_film(l)) return take_film(l, &d->frames, err);
	return take_picture(l, &(eg_picture){.C = d->picture.C, .H = d->picture.H, .W = d->picture.W, .pixels = (uint8_t *)d->picture.pixels}, err);
}

static eg_status ask(looks *l, eg_error *err) {
	const char *const settings[] = {writes(l) ? "attention=true" : NULL, NULL};
	eg_record r = {.id = l->name};
	const eg_value *answer = NULL;
	eg_predictor *p = NULL;
	eg_error one = {0};
	r.fields[0] = l->datum;
	eg_status status = eg_predictor_new(l->model, NULL, settings, &p, err);
	if (!status) status = eg_predictor_run(p, &(eg_question){.record = &r, .name = l->name}, 1, &answer, &one, err);
	if (!status && !answer) status = eg_fail(err, one.status, "%s", one.message);
	l->answer = eg_value_new(EG_VALUE_MAP);
	for (const eg_value *v = eg_value_first(answer); v && !status; v = eg_value_next(v)) eg_value_put_copy(l->answer, eg_value_key(v), v);
	eg_predictor_free(p);
	if (!status && !eg_value_whole(l->answer)) status = no_memory(err);
	return status;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static const uint8_t *frame_at(const looks *l, int t) {
	return l->pixels + (size_t)t * (size_t)l->shape[0] * (size_t)l->shape[1] * (size_t)l->shape[2];
}

static int small_scale(const looks *l) { return eg_pane_scale(l->shape[1], l->shape[2], SMALL); }

/* Frames in a row: as many in each, or nearly so. */
static int columns_of(const looks *l) {
	const int rows = (l->frames + ROW - 1) / ROW;
	return (l->frames + rows - 1) / rows;
}

/* All frames, in rows. */
static eg_status put_frames(looks *l) {
	eg_album *a = &l->album;
	eg_pane *panes = eg_arena_alloc(&a->arena, (size_t)l->frames * sizeof *panes), all;
	bool drawn = panes != NULL;
	for (int t = 0; t < l->frames && drawn; t++) drawn = eg_pane_picture(&a->arena, frame_at(l, t), l->shape, small_scale(l), &panes[t]);
	drawn = drawn && eg_pane_grid(&a->arena, panes, l->frames, columns_of(l), 4, &all);
	eg_status status = eg_album_figure(a, "frames", &all, drawn);
	if (status) return status;
	eg_put(a->out, "The film, frames 0 to %d, %d in a row.", l->frames - 1, columns_of(l));
	eg_album_end_figure(a);
	return EG_OK;
}

static void put_word(looks *l, const eg_value *word) {
	char share[32];
	eg_put(l->album.out, "<b>");
	eg_put_escaped(l->album.out, eg_text_of(word, "text"));
	eg_put(l->album.out, "</b> %s %%", eg_album_share(eg_number_of(word, "probability"), share));
}

/* "word-03-boot" */
static const char *name_of(looks *l, int number, const eg_value *word) {
	char *name = eg_arena_printf(&l->arena, "word-%02d-%s", number, eg_text_of(word, "text"));
	for (char *c = name; c && *c; c++)
		if ((unsigned char)*c < 0x80 && !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", *c)) *c = '_';
	return name;
}

/* The numbers of a word's attention, in an arena. */
static double *attention_of(const eg_value *word, eg_arena *arena, int *n) {
	const eg_value *list = eg_value_get(word, "attention");
	double *x = eg_arena_alloc(arena, ((size_t)eg_value_count(list) + 1) * sizeof *x);
	*n = 0;
	for (const eg_value *v = eg_value_first(list); v && x; v = eg_value_next(v)) x[(*n)++] = eg_value_number(v, 0);
	return x;
}

/* ---- captions of pictures ---------------------------------------------------------------------------------------- */

/* Places lie in rows and columns as the picture does: the numbers of both whose ratio is nearest to its own. */
static int rows_of(int places, int H, int W) {
	int best = 1;
	for (int r = 1; r <= places; r++) {
		if (places % r) continue;
		const double here = fabs(log((double)r * r / places * W / H)), now = fabs(log((double)best * best / places * W / H));
		if (here < now) best = r;
	}
	return best;
}

static bool draw_places(looks *l, const double *x, int places, eg_pane *p) {
	const int H = l->shape[1], W = l->shape[2], rows = rows_of(places, H, W), columns = places / rows;
	eg_real *map = eg_arena_alloc(&l->album.arena, (size_t)H * (size_t)W * sizeof *map);
	for (int y = 0; y < H && map; y++)
		for (int k = 0; k < W; k++) map[y * W + k] = (eg_real)x[(int64_t)y * rows / H * columns + (int64_t)k * columns / W];
	return map && eg_pane_map(&l->album.arena, map, H, W, EG_PANE_FOR, 1, l->pixels, l->shape[0], eg_pane_scale(H, W, SIDE), p);
}

static eg_status put_places(looks *l, eg_error *err) {
	eg_album *a = &l->album;
	eg_pane p;
	int number = 0;
	eg_status status = eg_album_figure(a, "picture", &p,
		eg_pane_picture(&a->arena, l->pixels, l->shape, eg_pane_scale(l->shape[1], l->shape[2], SIDE), &p));
	if (status) return status;
	eg_put(a->out, "the picture");
	eg_album_end_figure(a);
	for (const eg_value *w = eg_value_first(eg_value_get(l->answer, "words")); w && !status && number < WORDS; w = eg_value_next(w)) {
		int n;
		const double *x = attention_of(w, &l->arena, &n);
		const char *name = name_of(l, ++number, w);
		if (!x || n < 1 || !name) return no_memory(err);
		status = eg_album_figure(a, name, &p, draw_places(l, x, n, &p));
		if (status) break;
		put_word(l, w);
		eg_album_end_figure(a);
	}
	return status;
}

/* ---- captions of films ------------------------------------------------------------------------------------------- */

/* Frames by how much a word looks at them, the most first. */
static void best_of(const double *x, int n, int best[BEST]) {
	for (int i = 0; i < BEST; i++) {
		best[i] = -1;
		for (int t = 0; t < n; t++) {
			bool before = false;
			for (int k = 0; k < i; k++) before = before || best[k] == t;
			if (!before && (best[i] < 0 || x[t] > x[best[i]])) best[i] = t;
		}
	}
}

static eg_status put_heat(looks *l, const char *name, int rows, int frames, const double *all, const char *caption, eg_error *err) {
	eg_album *a = &l->album;
	eg_pane p;
	eg_real *map = eg_arena_alloc(&a->arena, (size_t)rows * (size_t)frames * sizeof *map);
	for (int i = 0; i < rows * frames && map; i++) map[i] = (eg_real)all[i];
	if (!map) return no_memory(err);
	eg_status status = eg_album_figure(a, name, &p, eg_pane_map(&a->arena, map, rows, frames, EG_PANE_SIZE, 0, NULL, 0, 14, &p));
	if (status) return status;
	eg_put(a->out, "%s", caption);
	eg_album_end_figure(a);
	return EG_OK;
}

static eg_status put_film_word(looks *l, int number, const eg_value *word, const double *x, int n, eg_error *err) {
	eg_album *a = &l->album;
	eg_pane panes[BEST], p;
	int best[BEST], shown = n < BEST ? n : BEST;
	char share[32];
	const char *name = name_of(l, number, word);
	bool drawn = name != NULL;
	best_of(x, n, best);
	for (int i = 0; i < shown && drawn; i++) drawn = eg_pane_picture(&a->arena, frame_at(l, best[i]), l->shape, small_scale(l), &panes[i]);
	if (!name) return no_memory(err);
	eg_status status = eg_album_figure(a, name, &p, drawn && eg_pane_grid(&a->arena, panes, shown, shown, 4, &p));
	if (status) return status;
	put_word(l, word);
	for (int i = 0; i < shown; i++) eg_put(a->out, "%s frame %d (%s %%)", i ? "," : ":", best[i], eg_album_share(x[best[i]], share));
	eg_album_end_figure(a);
	return EG_OK;
}

static eg_status put_film_words(looks *l, eg_error *err) {
	const eg_value *words = eg_value_get(l->answer, "words");
	const int n = (int)eg_value_count(words);
	double *all = eg_arena_alloc(&l->arena, ((size_t)n * (size_t)l->frames + 1) * sizeof *all);
	int number = 0, frames;
	eg_status status = all ? EG_OK : no_memory(err);
	for (const eg_value *w = eg_value_first(words); w && !status; w = eg_value_next(w), number++) {
		const double *x = attention_of(w, &l->arena, &frames);
		if (!x || frames != l->frames) return x ? eg_fail(err, EG_ERR_SHAPE, "the attention is over %d places, but the film has %d frames", frames, l->frames) : no_memory(err);
		memcpy(all + (ptrdiff_t)number * frames, x, (size_t)frames * sizeof *x);
	}
	if (!status) status = put_frames(l);
	if (!status && n > 0)
		status = put_heat(l, "attention", n, l->frames, all,
			"How much each word (a row, from the first to the last) looks at each frame (a column): dark is nothing, yellow the most.", err);
	number = 0;
	for (const eg_value *w = eg_value_first(words); w && !status && number < WORDS; w = eg_value_next(w), number++)
		status = put_film_word(l, number + 1, w, all + (ptrdiff_t)number * l->frames, l->frames, err);
	for (const eg_value *s = eg_value_first(eg_value_get(l->answer, "segments")); s && !status; s = eg_value_next(s)) {
		eg_put(l->album.out, "<p>Frames %lld to %lld: ", (long long)eg_value_int(eg_value_get(s, "start"), 0),
			(long long)eg_value_int(eg_value_get(s, "end"), 0) - 1);
		eg_put_escaped(l->album.out, eg_text_of(s, "text"));
		eg_put(l->album.out, "</p>\n");
	}
	return status;
}

/* ---- films that are classified ----------------------------------------------------------------------------------- */

/* The gradient of number `element` of the logits by all that the network reads. */
static eg_status saliency_of(looks *l, int64_t element, eg_attribution *s, eg_error *err) {
	const eg_intake *f = l->task->intakes[0];
	eg_graph *g = eg_model_graph(l->model);
	int sizes[EG_MAX_DIMS + 1] = {0}, time;
	const eg_datum *data = &l->datum;
	eg_status status = eg_task_extents(l->task, 1, &l->record, &l->datum, &time, sizes, err);
	if (status) return status;
	const eg_dims dims = eg_intake_dims(f, 1, time, sizes);
	void *input = eg_arena_alloc(&l->arena, (size_t)eg_dims_count(&dims, 0) * sizeof(eg_real));
	if (!input) return no_memory(err);
	status = eg_intakes_fill(l->task, 1, &l->record, NULL, &data, 1, time, &dims, &input, err);
	const int32_t length = time;
	const bool told = eg_graph_find(g, "lengths").id != 0;
	const char *const names[] = {f->input, "lengths"};
	const void *const inputs[] = {input, &length};
	const eg_attribution_options o = {.kind = EG_ATTRIBUTION_GRADIENT, .element = element, .by = eg_graph_find(g, f->input), .time = time};
	return status ? status : eg_attribute(g, eg_model_params(l->model), &o, names, inputs, told ? 2 : 1, s, err);
}

/* The largest size of a pixel's gradients over its channels, of each frame (frames, H, W); share: of a frame, of
 * the sum over all. */
static eg_real *fold(looks *l, const eg_attribution *s, double *share) {
	const size_t plane = (size_t)l->shape[1] * (size_t)l->shape[2];
	eg_real *map = eg_arena_alloc(&l->arena, plane * (size_t)l->frames * sizeof *map);
	double sum = 0;
	for (int t = 0; t < l->frames && map; t++) {
		share[t] = 0;
		for (int c = 0; c < l->shape[0]; c++)
			for (size_t i = 0; i < plane; i++) {
				const eg_real v = s->values[((size_t)t * (size_t)l->shape[0] + (size_t)c) * plane + i], size = v < 0 ? -v : v;
				eg_real *at = &map[(size_t)t * plane + i];
				share[t] += (double)size;
				if (size > *at) *at = size;
			}
		sum += share[t];
	}
	for (int t = 0; t < l->frames && sum > 0; t++) share[t] /= sum;
	return map;
}

static eg_status put_maps(looks *l, const eg_real *map) {
	eg_album *a = &l->album;
	const size_t plane = (size_t)l->shape[1] * (size_t)l->shape[2];
	eg_pane *panes = eg_arena_alloc(&a->arena, (size_t)l->frames * sizeof *panes), all;
	double most = 0;
	bool drawn = panes != NULL;
	for (size_t i = 0; i < plane * (size_t)l->frames; i++) most = fmax(most, (double)map[i]);
	for (int t = 0; t < l->frames && drawn; t++)
		drawn = eg_pane_map(&a->arena, map + (size_t)t * plane, l->shape[1], l->shape[2], EG_PANE_SIZE, most, NULL, 0, small_scale(l), &panes[t]);
	eg_status status = eg_album_figure(a, "saliency", &all, drawn && eg_pane_grid(&a->arena, panes, l->frames, columns_of(l), 4, &all));
	if (status) return status;
	eg_put(a->out, "How much the class's number would change with each pixel of each frame: dark is nothing, yellow the most.");
	eg_album_end_figure(a);
	return EG_OK;
}

static eg_status put_saliency(looks *l, const char *of, eg_value *facts, eg_error *err) {
	const eg_lexicon *classes = eg_intake_names(eg_task_target(l->task));
	const char *name = of ? of : eg_text_of(l->answer, "class");
	const int class = eg_lexicon_find(classes, name);
	double *share = eg_arena_alloc(&l->arena, (size_t)l->frames * sizeof *share), *at = eg_arena_alloc(&l->arena, (size_t)l->frames * sizeof *at);
	eg_attribution s = {0};
	if (class < 0) return eg_fail(err, EG_ERR_ARG, "the model knows no class '%s'", name);
	eg_status status = share && at ? saliency_of(l, class, &s, err) : no_memory(err);
	const eg_real *map = status ? NULL : fold(l, &s, share);
	if (!status && !map) status = no_memory(err);
	if (!status) {
		eg_put(l->album.out, "<p>Explained is <b>");
		eg_put_escaped(l->album.out, name);
		eg_put(l->album.out, "</b>.</p>\n");
		status = put_frames(l);
	}
	if (!status) status = put_maps(l, map);
	if (!status) {
		const eg_series line = {"", at, share, l->frames};
		eg_value *list = eg_value_put_list(facts, "saliency");
		for (int t = 0; t < l->frames; t++) at[t] = t, eg_value_put_number(list, NULL, share[t]);
		eg_plot_lines_into(l->album.out, &(eg_line_plot){.title = "saliency in time", .x_title = "frame",
			.y_title = "share of the size of all gradients", .series = &line, .nseries = 1, .number = 1});
		eg_value_put_text(facts, "of", name);
	}
	eg_attribution_free(&s);
	return status;
}

/* ---- films that are tagged --------------------------------------------------------------------------------------- */

static int whole_of(const eg_value *map, const char *key) { return (int)eg_value_int(eg_value_get(map, key), 0); }

/* Into a row, each frame's share of the size of all gradients of the tag in the middle of the segment. What was shown
 * of the last frame once more, for a delay, counts as that frame. */
static eg_status weigh_segment(looks *l, const eg_value *segment, double *row, eg_error *err) {
	const eg_lexicon *names = eg_intake_names(eg_task_target(l->task));
	const int middle = (whole_of(segment, "start") + whole_of(segment, "end") - 1) / 2, step = middle + ((const eg_tagger *)l->task)->delay;
	eg_attribution s = {0};
	eg_status status = saliency_of(l, (int64_t)step * names->n + eg_lexicon_find(names, eg_text_of(segment, "type")), &s, err);
	const int64_t all = status ? 0 : eg_dims_count(&s.dims, 0), each = (int64_t)l->shape[0] * l->shape[1] * l->shape[2];
	double sum = 0;
	for (int64_t i = 0; i < all; i++) {
		const double size = fabs((double)s.values[i]);
		row[i / each < l->frames ? i / each : l->frames - 1] += size;
		sum += size;
	}
	for (int t = 0; t < l->frames && sum > 0; t++) row[t] /= sum;
	eg_attribution_free(&s);
	return status;
}

static eg_status put_segments(looks *l, eg_value *facts, eg_error *err) {
	const eg_value *spans = eg_value_get(l->answer, "spans");
	const int n = eg_value_count(spans) < WORDS ? (int)eg_value_count(spans) : WORDS;
	double *all = eg_arena_alloc(&l->arena, ((size_t)n * (size_t)l->frames + 1) * sizeof *all);
	eg_value *list = eg_value_put_list(facts, "segments");
	eg_status status = all ? put_frames(l) : no_memory(err);
	const eg_value *v = eg_value_first(spans);
	for (int i = 0; i < n && !status; i++, v = eg_value_next(v)) status = weigh_segment(l, v, all + (ptrdiff_t)i * l->frames, err);
	if (!status && n > 0)
		status = put_heat(l, "saliency", n, l->frames, all,
			"How much the tag in the middle of each segment (a row, from the first to the last) would change with each frame (a column): "
			"dark is nothing, yellow the most.", err);
	v = eg_value_first(spans);
	for (int i = 0; i < n && !status; i++, v = eg_value_next(v)) {
		int best[BEST];
		best_of(all + (ptrdiff_t)i * l->frames, l->frames, best);
		eg_put(l->album.out, "<p>Frames %d to %d: <b>", whole_of(v, "start"), whole_of(v, "end") - 1);
		eg_put_escaped(l->album.out, eg_text_of(v, "type"));
		eg_put(l->album.out, "</b>, most from frame %d.</p>\n", best[0]);
		eg_value *one = eg_value_put_map(list, NULL);
		for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) eg_value_put_copy(one, eg_value_key(c), c);
		eg_value_put_int(one, "from", best[0]);
	}
	return status;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static eg_status put_page(looks *l, const char *of, eg_value *facts, eg_error *err) {
	const char *text = tags(l) ? "" : eg_text_of(l->answer, writes(l) ? "text" : "class");
	eg_put(l->album.out, "<p>");
	eg_put_escaped(l->album.out, l->name);
	eg_put(l->album.out, "%s<b>", *text ? ": " : "");
	eg_put_escaped(l->album.out, text);
	eg_put(l->album.out, "</b></p>\n<main>\n");
	eg_status status = tags(l) ? put_segments(l, facts, err)
	                 : !writes(l) ? put_saliency(l, of, facts, err) : is_film(l) ? put_film_words(l, err) : put_places(l, err);
	eg_put(l->album.out, "</main>\n");
	return status;
}

eg_status eg_looks_page(eg_model *m, const char *path, int64_t record, const char *of, const char *folder, eg_value *facts, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	looks l = {.model = m};
	eg_status status = open_task(&l, err);
	const eg_dims *d = status ? NULL : &l.task->intakes[0]->sample;
	for (int k = 0; k < 3 && d; k++) l.shape[k] = (int)d->d[d->rank - 3 + k];
	if (!status && of && (writes(&l) || tags(&l)))
		status = eg_fail(err, EG_ERR_ARG, "%s no class that could be chosen", tags(&l) ? "a film that is tagged has" : "a caption has");
	if (!status) status = path ? read_path(&l, path, err) : read_record(&l, record, err);
	if (!status) status = ask(&l, err);
	if (!status) {
		l.album = (eg_album){.folder = folder, .paths = &l.arena, .files = l.files, .most = FILES, .err = err};
		status = eg_album_begin(&l.album, "looks", eg_recipe_name(eg_model_recipe(m)), "where it looks");
		if (!status) status = put_page(&l, of, facts, err);
		status = eg_album_finish(&l.album, status);
	}
	if (!status) {
		eg_value_put_text(facts, "input", l.name);
		eg_value_put_copy(facts, "answer", l.answer);
		eg_value *files = eg_value_put_list(facts, "files");
		for (int i = 0; i < l.album.nfiles; i++) eg_value_put_text(files, NULL, l.files[i]);
	}
	forget(&l);
	return status;
}
