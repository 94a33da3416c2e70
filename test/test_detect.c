/* test_detect.c - the task `detect`: average precision by hand, boxes out of a grid, limits by counting, answers and
 * pictures with frames, what is refused.
 *
 * The network here is sure of an object where a picture is bright, by weights that are set. Not here: reading
 * annotations (test_voc.c, test_yolo.c). test/interop/boxes.py asks pycocotools. */
#include "data/raster.h"
#include "engram_report.h"
#include "support_tasks.h"
#include "tasks/detect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- average precision ------------------------------------------------------------------------------------------- */

static eg_box square(int label, double x, double side) { return (eg_box){.label = label, .x0 = x, .y0 = 0, .x1 = x + side, .y1 = side}; }

static eg_found seen(eg_box box, double score) { return (eg_found){.box = box, .score = score}; }

static void precision(void **state) {
	bench *b = *state;
	eg_precision *p = eg_precision_new(3);
	assert_non_null(p);
	/* two of class 0, one found exactly, one twice, and one that is nothing; one of class 1, missed */
	const eg_box truth[] = {square(0, 0, 10), square(0, 20, 10), square(1, 40, 10), square(-1, 60, 10)};
	const eg_found found[] = {seen(square(0, 0, 10), 0.9), seen(square(0, 80, 10), 0.8), seen(square(0, 22, 10), 0.7),
	        seen(square(0, 20, 10), 0.6)};
	OK(b, eg_precision_add(p, truth, 4, found, 4, &b->err));
	/* At 0.5 the third, 2/3, takes the second true box: right, wrong, right, wrong: precision 1 to recall 0.5, then
	 * 2/3. From an overlap of 0.7 on it does not, but the last does: 1 to 0.5, then 2/4. */
	const double at50 = (51 * 1.0 + 50 * 2.0 / 3) / 101, beyond = (51 * 1.0 + 50 * 0.5) / 101;
	eg_class_precision c = eg_precision_of(p, 0);
	assert_near(c.ap50, at50, 1e-12);
	assert_near(c.ap50_95, (4 * at50 + 6 * beyond) / 10, 1e-12);
	assert_true(eg_precision_of(p, 1).ap50 == 0 && eg_precision_count(p, 1) == 1);
	assert_true(isnan(eg_precision_of(p, 2).ap50) && eg_precision_count(p, 2) == 0);
	/* What is difficult counts neither way, and may be found twice. */
	eg_precision_reset(p);
	eg_box hard[] = {square(0, 0, 10), square(0, 20, 10)};
	hard[0].difficult = true;
	const eg_found twice[] = {seen(square(0, 0, 10), 0.9), seen(square(0, 1, 10), 0.8), seen(square(0, 20, 10), 0.7)};
	OK(b, eg_precision_add(p, hard, 2, twice, 3, &b->err));
	assert_true(eg_precision_count(p, 0) == 1);
	assert_near(eg_precision_of(p, 0).ap50, 1, 1e-12);
	eg_precision_free(p);
}

/* ---- boxes out of a grid ----------------------------------------------------------------------------------------- */

static void grid(void **state) {
	(void)state;
	/* 2 classes, 1 x 4 cells of 10 x 20 pixels */
	eg_real logits[] = {2, 1, -9, 3, -9, 1.5, -9, -9}, sides[16];
	for (int i = 0; i < 16; i++) sides[i] = (eg_real)0.5;
	sides[0 * 4 + 1] = (eg_real)1.4, sides[2 * 4 + 1] = (eg_real)0.4; /* of cell 1, leftwards mostly */
	const double limit[] = {0.5, 1 / (1 + exp(-1.5))};
	eg_grid g = {.logits = logits, .sides = sides, .K = 2, .h = 1, .w = 4, .H = 20, .W = 40, .overlap = 0.4};
	eg_found out[EG_FOUND_MOST];
	assert_int_equal(eg_grid_find(&g, out), 3); /* cell 1 tells of class 0 what cell 0 tells, less surely */
	assert_true(out[0].box.label == 0 && out[1].box.label == 0 && out[2].box.label == 1);
	assert_near(out[0].score, 1 / (1 + exp(-3)), 1e-6);
	assert_true(out[0].box.x0 == 30 && out[0].box.x1 == 40 && out[0].box.y0 == 0 && out[0].box.y1 == 20);
	assert_true(out[2].box.x0 == 1 && out[2].box.x1 == 19);
	g.limit = limit;
	assert_int_equal(eg_grid_find(&g, out), 3);
	assert_near(out[2].score, 0.5, 1e-6); /* what was at its limit */
	g.overlap = 0.5; /* they share 9 of 19 */
	assert_int_equal(eg_grid_find(&g, out), 4);
	assert_true(out[3].box.label == 1 && out[2].box.label == 0 && out[2].box.x0 == 1);
	assert_near(eg_box_overlap(&out[0].box, &out[0].box), 1, 0);
}

/* ---- a task ------------------------------------------------------------------------------------------------------ */

#define HEAD "{avgpool: {kernel: 2, stride: 2, name: seen}}, {conv: {filters: classes, kernel: 1, name: kinds}}, "
#define TAIL "{conv: {filters: 4, kernel: 1, name: sides, from: seen}}"
#define FOCAL "{focal: , of: kinds}"
#define IOU "{iou: {boxes: sides, axis: 1}, of: sides, target: boxes}"

static const char *recipe_text(char *to, size_t size, const bench *b, const char *model, const char *outputs, const char *losses) {
	snprintf(to, size,
	        "name: dots\ntask: detect\ndata: {source: yolo, path: %s/set, class_names: [dot, ring], resize: true, mean: 0, std: 1}\n"
	        "input: [1, 8, 8]\nmodel: [%s]\n%strain: {epochs: 2, batch: 4, lr: 0.01, optimizer: adam, loss: [%s]}\n",
	        b->folder, model, outputs, losses);
	return to;
}

/* A dark picture of 16 x 16, bright in whole cells of 4 x 4, and the labels that stand there. */
static void write_dots(bench *b, const char *part, const char *name, const char *cells, const char *labels) {
	uint8_t pixels[256];
	char path[100];
	for (int i = 0; i < 256; i++) pixels[i] = cells[i / 64 * 4 + i % 16 / 4] == '#' ? 255 : 0;
	snprintf(path, sizeof path, "set/images/%s/%s.png", part, name);
	bench_picture(b, path, 1, 16, 16, pixels);
	snprintf(path, sizeof path, "set/labels/%s/%s.txt", part, name);
	bench_text(b, path, labels);
}

static void write_set(bench *b) {
	write_dots(b, "train", "a", "#...............", "0 0.125 0.125 0.25 0.25\n");
	write_dots(b, "val", "b", "#....#..........", "0 0.125 0.125 0.25 0.25\n0 0.375 0.375 0.25 0.25\n");
	write_dots(b, "test", "c", ".#..............", "0 0.375 0.125 0.25 0.25\n");
	write_dots(b, "test", "d", "#.#.............", "0 0.125 0.125 0.25 0.25\n1 0.875 0.875 0.25 0.25\n");
}

/* Of class 0 sure where it is bright, never of class 1; sides of half a cell. */
static void tell_bright(eg_params *p, const void *user) {
	eg_real *w = eg_params_data(p, eg_params_find(p, "kinds.weight")), *bias = eg_params_data(p, eg_params_find(p, "kinds.bias")),
	        *sides = eg_params_data(p, eg_params_find(p, "sides.bias"));
	(void)user;
	w[0] = 12, bias[0] = -9, bias[1] = -9;
	for (int i = 0; i < 4; i++) sides[i] = (eg_real)0.5;
}

static eg_recipe *dots(bench *b) {
	char text[1200];
	write_set(b);
	return bench_recipe(b, "%s", recipe_text(text, sizeof text, b, HEAD TAIL, "outputs: [sides]\n", FOCAL ", " IOU));
}

static void judged(void **state) {
	bench *b = *state;
	eg_model *m = bench_weigh_all(b, dots(b), tell_bright, NULL);
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	/* class dot: two right, one wrong, all alike sure, in the order of the pictures; class ring: missed */
	assert_near(eg_evaluation_find(e, "map50"), 0.5, 1e-12);
	const eg_value *r = eg_evaluation_result(e);
	assert_value(eg_value_get(r, "count_mae"), "{\"dot\": 0.5, \"ring\": 0.5}");
	assert_value(eg_value_at(eg_value_get(r, "per_class"), 1), "{\"class\": \"ring\", \"n\": 1, \"ap50\": 0, \"ap50_95\": 0}");
	eg_evaluation_free(e);
	eg_model_free(m);
}

/* librsvg, which draws frames and names, may not be there. */
static bool can_draw(void) {
	static const char nothing[] = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>";
	uint8_t pixels[3] = {0};
	return eg_raster_over(nothing, strlen(nothing), 1, 1, pixels, NULL) == EG_OK;
}

static void answers(void **state) {
	bench *b = *state;
	char setting[100];
	const bool draws = can_draw();
	eg_model *m = bench_weigh_all(b, dots(b), tell_bright, NULL);
	snprintf(setting, sizeof setting, "output=%s", b->folder);
	eg_predictor *p = bench_predictor(b, m, draws ? setting : NULL);
	eg_question q = {.path = bench_path(b, "set/images/test/d.png")};
	const eg_value *a = ask(b, p, q), *boxes = eg_value_get(a, "boxes");
	assert_value(eg_value_get(a, "counts"), "{\"dot\": 2, \"ring\": 0}");
	assert_near(eg_value_number(eg_value_get(a, "threshold"), 0), 0.5, 0);
	assert_int_equal(eg_value_count(boxes), 2);
	assert_value(eg_value_get(eg_value_at(boxes, 1), "box"), "[8, 0, 12, 4]");
	char *line;
	OK(b, eg_value_print(a, NULL, NULL, &line, &b->err));
	assert_non_null(strstr(line, "dot 95.26 % 4 x 4 at 8, 0"));
	assert_non_null(strstr(line, "dot: 2  ring: 0"));
	free(line);
	eg_picture pic = {0};
	if (draws) {
		OK(b, eg_picture_load(eg_value_text(eg_value_get(a, "file")), NULL, &pic, &b->err));
		assert_true(pic.C == 3 && pic.H == 16 && pic.W == 16); /* as large as what was asked */
	}
	eg_picture_free(&pic);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* Training, and what is learnt of validation pictures when it is over. */
static void settled(void **state) {
	bench *b = *state;
	eg_graph *g;
	eg_recipe *r = dots(b);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	eg_params *p = eg_params_new_zero(g, &b->err);
	assert_non_null(p);
	tell_bright(p, NULL);
	eg_params_data(p, eg_params_find(p, "kinds.bias"))[0] = -12; /* bright: a score of 0.5; dark: next to none */
	OK(b, eg_task_suits(d.task, g, &b->err));
	OK(b, eg_samples_settle((eg_samples *)d.samples, g, p, &b->err));
	/* Both dots are found from a score of just below 0.5 on down to nothing: the middle of that. Of rings there are
	 * none. */
	const eg_value *limits = eg_value_get(eg_samples_kept(d.samples), "limits");
	assert_near(eg_value_number(eg_value_at(limits, 0), 0), 0.25, 1e-6);
	assert_near(eg_value_number(eg_value_at(limits, 1), 0), 0.5, 0);
	eg_params_free(p);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
	eg_model *m = bench_train_all(b, dots(b));
	eg_model_free(m);
}

/* Numbers by a line: of the first class one object in two is not found, of the second all boxes are right. */
static void counted(void **state) {
	bench *b = *state;
	enum { K = 2, PICTURES = 12 };
	eg_sightings s = {.K = K};
	eg_count_line *lines;
	OK(b, eg_sightings_begin(&s, PICTURES, &b->err));
	for (int i = 0; i < PICTURES; i++) {
		const int there = 2 * (i % 4) + 1;
		s.truth[i * K] = there, s.said[i * K] = i % 2, s.sum[i * K] = 0.5 * (there - 1);
		s.truth[i * K + 1] = s.said[i * K + 1] = i % 3, s.sum[i * K + 1] = 1;
		OK(b, eg_sightings_add(&s, NULL, 0, &b->err));
	}
	OK(b, eg_sightings_lines(&s, &lines, &b->err));
	assert_true(lines[0].used && !lines[1].used);
	assert_near(lines[0].slope, 2, 1e-12);
	assert_near(lines[0].offset, 1, 1e-12);
	assert_int_equal(eg_count_by(&lines[0], 1.3), 4);
	assert_int_equal(eg_count_by(&(eg_count_line){true, 1, -3}, 2), 0);
	eg_release(NULL, lines);
	s.pictures = 7; /* too few to tell */
	OK(b, eg_sightings_lines(&s, &lines, &b->err));
	assert_true(!lines[0].used && !lines[1].used);
	eg_release(NULL, lines);
	eg_sightings_free(&s);
	const eg_found found[] = {{.box = {.label = 1}, .score = 0.5}, {.box = {.label = 0}, .score = 1}, {.box = {.label = 1}, .score = 0.1}};
	assert_near(eg_found_sum(found, 3, 1), 0.26, 1e-12);
}

/* What a model file keeps of limits and lines is taken as it is, or refused. */
static void damaged(void **state) {
	bench *b = *state;
	static const struct {
		const char *kept, *words;
	} all[] = {
		{"{\"limits\": [0.5, 0.25], \"count_lines\": [[0.5, -2], []]}", NULL},
		{"{\"limits\": [0.5]}", "damaged: 1 limits for 2 classes"},
		{"{\"limits\": [0.5, 1]}", "damaged: a limit is no score between 0 and 1"},
		{"{\"limits\": [0.5, 0.5], \"count_lines\": [[]]}", "damaged: 1 lines to count by for 2 classes"},
		{"{\"limits\": [0.5, 0.5], \"count_lines\": [[0.5], []]}", "damaged: a line to count by is no pair of numbers"},
		{"{\"limits\": [0.5, 0.5], \"count_lines\": [[], 7]}", "damaged: a line to count by is no pair of numbers"},
		{"{\"limits\": [0.5, 0.5], \"count_lines\": [[], [\"a\", 1]]}", "damaged: a line to count by is no pair of numbers"},
		{"{\"limits\": [0.5, 0.5], \"count_lines\": [[], [1e9, 1]]}", "damaged: a line to count by is no pair of numbers"},
	};
	eg_recipe *r = dots(b);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	for (size_t i = 0; i < EG_COUNT(all); i++) {
		eg_value *more = value_of(all[i].kept), *kept = eg_value_new(EG_VALUE_MAP);
		for (const eg_value *c = eg_value_first(eg_samples_kept(d.samples)); c; c = eg_value_next(c))
			eg_value_put_copy(kept, eg_value_key(c), c);
		for (const eg_value *c = eg_value_first(more); c; c = eg_value_next(c)) eg_value_put_copy(kept, eg_value_key(c), c);
		if (all[i].words) {
			assert_int_equal(eg_task_restore(d.task, kept, &b->err), EG_ERR_FORMAT);
			SAYS(b, all[i].words);
		} else {
			eg_value *again = eg_value_new(EG_VALUE_MAP);
			OK(b, eg_task_restore(d.task, kept, &b->err));
			eg_task_save(d.task, again);
			assert_same(eg_value_get(again, "count_lines"), eg_value_get(more, "count_lines"));
			assert_same(eg_value_get(again, "limits"), eg_value_get(more, "limits"));
			eg_value_free(again);
		}
		eg_value_free(kept);
		eg_value_free(more);
	}
	undraw(&d);
	eg_recipe_free(r);
}

/* The number behind a box is 12 times the mean of its cell's 2 x 2 pixels. */
static void explained(void **state) {
	bench *b = *state;
	eg_model *m = bench_weigh_all(b, dots(b), tell_bright, NULL);
	const int second = 1, none = 2;
	eg_picture_why *w;
	int H, W;
	OK(b, eg_picture_why_open(m, &(eg_picture_why_options){.box = &second, .records = EG_ZERO}, &w, &b->err));
	OK(b, eg_picture_why_question(w, &(eg_question){.path = bench_path(b, "set/images/test/d.png")}, &b->err));
	const eg_value *of = eg_value_get(eg_picture_why_facts(w), "of");
	assert_value(eg_value_get(of, "pixel"), "[1, 5]");
	assert_value(eg_value_get(of, "box"), "[4, 0, 6, 2]"); /* of the 8 x 8 that the network sees */
	assert_near(eg_value_number(eg_value_get(of, "score"), 0), 1 / (1 + exp(-3)), 1e-6);
	const eg_real *map = eg_picture_why_map(w, "saliency", &H, &W);
	for (int i = 0; i < 64; i++) assert_near((double)map[i], i / 8 < 2 && i % 8 / 2 == 2 ? 3 : 0, 1e-5);
	OK(b, eg_picture_why_record(w, EG_PART_TEST, 1, &b->err)); /* nobody has labelled it */
	assert_null(eg_value_get(eg_picture_why_facts(w), "truth"));
	eg_picture_why_close(w);
	OK(b, eg_picture_why_open(m, &(eg_picture_why_options){.box = &none, .records = EG_ZERO}, &w, &b->err));
	assert_int_equal(eg_picture_why_record(w, EG_PART_TEST, 1, &b->err), EG_ERR_ARG);
	SAYS(b, "there is no box 2: 2 are found in this picture");
	eg_picture_why_close(w);
	eg_model_free(m);
}

static void refuse(bench *b, const char *model, const char *outputs, const char *losses, const char *words) {
	char text[1200];
	eg_recipe *r = bench_recipe(b, "%s", recipe_text(text, sizeof text, b, model, outputs, losses));
	eg_task *t = NULL;
	eg_graph *g = NULL;
	const eg_size *sizes;
	eg_status status = eg_task_open(r, &t, &b->err);
	if (!status) status = eg_task_sizes(t, &sizes, &b->err);
	if (!status) status = eg_recipe_build(r, b->ctx, sizes, &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	assert_int_not_equal(status, EG_OK);
	SAYS(b, words);
	eg_graph_free(g);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void refused(void **state) {
	bench *b = *state;
	write_set(b);
	refuse(b, HEAD TAIL, "outputs: [sides]\n", FOCAL, "a list of two losses");
	refuse(b, HEAD TAIL, "", FOCAL ", " IOU, "outputs: {sides: LAYER}");
	refuse(b, HEAD TAIL, "outputs: [sides]\n", "{cross_entropy: , of: kinds}, " IOU, "the loss 'cross_entropy' compares with class numbers");
	refuse(b, "{avgpool: {kernel: 2, stride: 2, name: seen}}, {conv: {filters: 3, kernel: 1, name: kinds}}, " TAIL, "outputs: [sides]\n",
	        FOCAL ", " IOU, "a number for each class, (N,2,h,w), but what the first loss judges is");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(precision), CASE(grid), CASE(judged), CASE(answers), CASE(settled), CASE(counted), CASE(damaged), CASE(explained), CASE(refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
