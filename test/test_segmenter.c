/* test_segmenter.c - the task `segment`: intersection over union by hand, pictures of other sizes than the network's,
 * open sizes, mirrored views, answers as runs and as colour pictures.
 *
 * The networks here tell three greys apart, by weights that are set: dark, middle, bright. Not here: reading
 * pictures and masks (test_masks.c), the layers of such networks (test_segment.c). */
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 4, VOID = 9 };
#define CLASS_NAMES "[dark, middle, bright, never]"

/* ---- pictures and networks --------------------------------------------------------------------------------------- */

/* A line for each row: letters d, m, b as greys, digits as classes. */
static uint8_t meaning(char c, int i) {
	int v = c == 'd' ? 10 + i % 7 : c == 'm' ? 125 + i % 5 : c == 'b' ? 240 + i % 9 : c - '0';
	return (uint8_t)v;
}

static const char *write_drawn(bench *b, const char *name, int H, int W, const char *drawing) {
	uint8_t pixels[600];
	assert_true(H * W <= 600 && (int)strlen(drawing) == H * W);
	for (int i = 0; i < H * W; i++) pixels[i] = meaning(drawing[i], i);
	return bench_picture(b, name, 1, H, W, pixels);
}

/* PART/NAME.png and its mask. */
static void write_pair(bench *b, const char *set, const char *part, const char *name, int H, int W, const char *picture,
	const char *mask) {
	char path[100];
	snprintf(path, sizeof path, "%s/%s/%s.png", set, part, name);
	write_drawn(b, path, H, W, picture);
	snprintf(path, sizeof path, "%s/%sannot/%s.png", set, part, name);
	write_drawn(b, path, H, W, mask);
}

static eg_recipe *recipe(bench *b, const char *set, const char *input, const char *model) {
	return bench_recipe(b,
	        "name: greys\ntask: segment\ndata: {source: masks, path: %s/%s, class_names: " CLASS_NAMES
	        ", void: 9, mean: 0, std: 1}\n"
	        "input: %s\nmodel: %s\ntrain: {epochs: 2, batch: 4}\n",
	        b->folder, set, input, model);
}

#define LAST "{conv: {filters: classes, kernel: 1, name: tell}}"

/* Nearest of the greys 0, 1/2 and 1, as numbers that are largest for it; nobody is of the fourth class. */
static void tell_greys(eg_params *p, const void *user) {
	eg_real *w = eg_params_data(p, eg_params_find(p, "tell.weight")),
	        *bias = eg_params_data(p, eg_params_find(p, "tell.bias"));
	(void)user;
	for (int k = 0; k < CLASSES; k++) w[k] = k < 3 ? (eg_real)k : 0, bias[k] = k < 3 ? (eg_real)(-k * k) / 4 : -9;
}

static eg_model *greys(bench *b, const char *set, const char *input, const char *model) {
	return bench_weigh_all(b, recipe(b, set, input, model), tell_greys, NULL);
}

/* Runs of an answer or truth, as letters and digits; the caller's buffer. */
static const char *drawing_of(const eg_value *answer, int H, int W, char *out) {
	char *to = out;
	const eg_value *size = eg_value_get(answer, "size");
	assert_true(eg_value_int(eg_value_at(size, 0), -1) == H && eg_value_int(eg_value_at(size, 1), -1) == W);
	assert_value(eg_value_get(answer, "classes"), "[\"dark\", \"middle\", \"bright\", \"never\"]");
	int64_t last = -2;
	for (const eg_value *run = eg_value_first(eg_value_get(answer, "runs")); run; run = eg_value_next(run)) {
		int64_t k = eg_value_int(eg_value_at(run, 0), -9), n = eg_value_int(eg_value_at(run, 1), 0);
		assert_true(n > 0 && k != last && k >= -1 && k < CLASSES);
		for (int64_t i = 0; i < n; i++) *to++ = k < 0 ? '9' : (char)('0' + k);
		last = k;
	}
	*to = '\0';
	assert_int_equal(to - out, H * W);
	return out;
}

static void drawing_is(const eg_value *answer, int H, int W, const char *want) {
	char have[601];
	assert_string_equal(drawing_of(answer, H, W, have), want);
}

static double share_of(const eg_value *answer, const char *class) {
	for (const eg_value *v = eg_value_first(eg_value_get(answer, "shares")); v; v = eg_value_next(v))
		if (!strcmp(eg_value_text(eg_value_get(v, "class")), class))
			return eg_value_number(eg_value_get(v, "share"), NAN);
	return 0;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static double iou_of(const eg_evaluation *e, const char *class, int n) {
	for (const eg_value *v = eg_value_first(eg_value_get(eg_evaluation_result(e), "per_class")); v;
	        v = eg_value_next(v))
		if (!strcmp(eg_value_text(eg_value_get(v, "class")), class)) {
			assert_int_equal(eg_value_int(eg_value_get(v, "n"), -1), n);
			return eg_value_number(eg_value_get(v, "iou"), NAN);
		}
	return NAN;
}

static void overlaps_by_hand(void **state) {
	bench *b = *state;
	write_pair(b, "hand", "train", "a", 2, 3, "dddddd", "000000");
	write_pair(b, "hand", "test", "a", 2, 3, "ddmmbb", "009112");
	write_pair(b, "hand", "test", "b", 2, 3, "dmbbdd", "002219");
	write_pair(b, "hand", "val", "a", 2, 3, "ddbbbb", "000009");
	eg_model *m = greys(b, "hand", "[1, 2, 3]", "[" LAST "]");
	for (int batch = 1; batch <= 2; batch++) {
		drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
		eg_evaluation *e;
		OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, batch, &e, &b->err));
		assert_int_equal(eg_evaluation_count(e), 2);
		assert_string_equal(eg_evaluation_metric(e, 0)->name, "miou");
		assert_string_equal(eg_evaluation_metric(e, 1)->name, "pixel_accuracy");
		assert_near(iou_of(e, "dark", 4), 3.0 / 5, 1e-12);
		assert_near(iou_of(e, "middle", 3), 1.0 / 4, 1e-12);
		assert_near(iou_of(e, "bright", 3), 3.0 / 4, 1e-12);
		assert_true(isnan(iou_of(e, "never", 0)));
		assert_value(eg_value_get(eg_evaluation_result(e), "absent"), "[\"never\"]");
		assert_near(eg_evaluation_find(e, "miou"), (3.0 / 5 + 1.0 / 4 + 3.0 / 4) / 3, 1e-12);
		assert_near(eg_evaluation_find(e, "pixel_accuracy"), 7.0 / 10, 1e-12);
		assert_int_equal(eg_evaluation_total(e), 2);
		eg_evaluation_free(e);
		undraw(&d);
	}
	/* What is said though it is nowhere counts as well; what is neither there nor said does not. */
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_VALIDATION, NULL, NULL);
	assert_near(iou_of(e, "dark", 5), 2.0 / 5, 1e-12);
	assert_near(iou_of(e, "bright", 0), 0, 1e-12);
	assert_value(eg_value_get(eg_evaluation_result(e), "absent"), "[\"middle\", \"never\"]");
	assert_near(eg_evaluation_find(e, "miou"), (2.0 / 5 + 0) / 2, 1e-12);
	eg_evaluation_free(e);
	eg_model_free(m);
}

/* Bright is what has a bright pixel at its left, else dark and middle are as likely. */
static void tell_left(eg_params *p, const void *user) {
	eg_real *w = eg_params_data(p, eg_params_find(p, "tell.weight")), *bias = eg_params_data(p, eg_params_find(p, "tell.bias"));
	EG_UNUSED(user);
	memset(w, 0, CLASSES * 3 * sizeof *w);
	w[2 * 3] = 20;
	bias[0] = bias[1] = 0, bias[2] = bias[3] = -10;
}

static double right_by(bench *b, eg_model *m, const char *views) {
	drawn d = draw(b, eg_model_recipe(m), (eg_samples_options){.part = EG_PART_TEST, .model = m, .views = views});
	eg_evaluation *e;
	OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, 0, &e, &b->err));
	const double accuracy = eg_evaluation_find(e, "pixel_accuracy");
	assert_int_equal(eg_value_int(eg_value_get(eg_evaluation_result(e), "views"), 1), strcmp(views, "flip") == 0 ? 2 : 1);
	eg_evaluation_free(e);
	undraw(&d);
	return accuracy;
}

/* What is said of a mirrored picture is turned back before it is averaged: left and right of the bright pixel are
 * bright. */
static void mirrored_views_are_turned_back(void **state) {
	bench *b = *state;
	write_pair(b, "turned", "train", "a", 2, 4, "dddddddd", "00000000");
	write_pair(b, "turned", "test", "a", 2, 4, "ddbdddbd", "02020202");
	write_pair(b, "turned", "test", "b", 2, 4, "dbddddbd", "20200202");
	eg_model *m = bench_weigh_all(b, recipe(b, "turned", "[1, 2, 4]", "[{conv: {filters: classes, kernel: [1, 3], padding: [0, 1], name: tell}}]"),
		tell_left, NULL);
	assert_near(right_by(b, m, "one"), 12.0 / 16, 1e-12);
	assert_near(right_by(b, m, "flip"), 1, 1e-12);
	eg_task *t;
	eg_samples *s;
	OK(b, eg_task_open(eg_model_recipe(m), &t, &b->err));
	assert_int_equal(eg_samples_load(t, &(eg_samples_options){.model = m, .views = "flip_shift"}, &s, &b->err), EG_ERR_ARG);
	SAYS(b, "only mirrored views are averaged");
	eg_task_free(t);
	eg_model_free(m);
}

/* Pictures of another size than the network's: each pixel has the class of the nearest one that the network saw, and
 * is judged where it is. Blocks of 2x2, so that the smaller picture is clear. */
static void other_sizes_by_the_nearest(void **state) {
	static const char big[] = "ddmmbb"
	                          "ddmmbb"
	                          "bbbbdd"
	                          "bbbbdd",
	                  fine[] = "000112"
	                           "091111"
	                           "222200"
	                           "220022",
	                  said[] = "001122"
	                           "001122"
	                           "222200"
	                           "222200";
	bench *b = *state;
	write_pair(b, "sizes", "train", "a", 4, 6, big, fine);
	write_pair(b, "sizes", "test", "big", 4, 6, big, fine);
	write_pair(b, "sizes", "test", "line", 1, 2, "db", "01");
	eg_model *m = greys(b, "sizes", "[1, 2, 3]", "[" LAST "]");
	eg_predictor *p = bench_predictor(b, m, NULL);
	drawing_is(ask(b, p, (eg_question){.path = bench_path(b, "sizes/test/big.png")}), 4, 6, said);
	drawing_is(ask(b, p, (eg_question){.path = bench_path(b, "sizes/test/line.png")}), 1, 2, "02");
	eg_model *larger = greys(b, "sizes", "[1, 3, 3]", "[" LAST "]"); /* with something between in its middle row */
	eg_predictor *q = bench_predictor(b, larger, NULL);
	drawing_is(ask(b, q, (eg_question){.path = write_drawn(b, "two.png", 2, 2, "dbbd")}), 2, 2, "0220");
	eg_predictor_free(q);
	eg_model_free(larger);
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	int right = 1, all = 2; /* of the line */
	int64_t both[3] = {1, 0, 0}, either[3] = {1, 1, 1};
	for (int i = 0; i < 24; i++) {
		int t = fine[i] - '0', s = said[i] - '0';
		if (t == VOID) continue;
		all++, right += t == s;
		if (t == s) both[t]++;
		either[t]++, either[s] += s != t;
	}
	assert_near(eg_evaluation_find(e, "pixel_accuracy"), (double)right / all, 1e-12);
	double sum = 0;
	for (int k = 0; k < 3; k++) sum += (double)both[k] / (double)either[k];
	assert_near(eg_evaluation_find(e, "miou"), sum / 3, 1e-12);
	eg_evaluation_free(e);

	/* What is trained on: the mask at the network's size, likewise. */
	eg_real x[6];
	int32_t target[6];
	drawn d = draw_for(b, m, EG_PART_TRAIN, NULL, NULL);
	OK(b, eg_task_suits(d.task, eg_model_graph(m), &b->err));
	const eg_dataset *data = eg_samples_get(d.samples, EG_PART_TRAIN);
	OK(b, data->fill(data->user, &(eg_fill){.items = (uint32_t[]){0}, .n = 1, .epoch = -1}, (void *[]){x, target},
	              &b->err));
	for (int i = 0; i < 6; i++) { /* rows 1 and 3, columns 1, 3, 5 */
		int want = fine[(2 * (i / 3) + 1) * 6 + 2 * (i % 3) + 1] - '0';
		assert_int_equal(target[i], want == VOID ? -100 : want);
	}
	undraw(&d);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- sizes that are left open ------------------------------------------------------------------------------------ */

#define WIDE1 \
	"dmbdmbd" \
	"dmbdmbd" \
	"bbbbbbb" \
	"ddddddd" \
	"mmmmmmd"
#define FINE1 \
	"0120120" \
	"9120120" \
	"2222221" \
	"0000000" \
	"1111110"
#define TALL1 \
	"db" \
	"mm" \
	"bd" \
	"dd" \
	"bb" \
	"mm" \
	"dm" \
	"bd" \
	"mb" \
	"dd"

static void write_open(bench *b) {
	write_pair(b, "open", "train", "a", 4, 4, "ddddmmmmbbbbdddd", "0000111122220000");
	write_pair(b, "open", "test", "wide", 5, 7, WIDE1, FINE1);
	write_pair(b, "open", "test", "square", 4, 4, "dmbbdmbddmbbdmbb", "0122012901220122");
	write_pair(b, "open", "test", "tall", 10, 2, TALL1, "02112002221901200122");
	write_pair(b, "open", "test", "dot", 1, 1, "b", "2");
}

typedef struct matched {
	bench *b;
	eg_predictor *p;
	int n;
} matched;

static bool as_files(void *user, const eg_answered *a) {
	matched *k = user;
	char path[200], truth[601];
	snprintf(path, sizeof path, "open/%s", a->id);
	const eg_value *own = ask(k->b, k->p, (eg_question){.path = bench_path(k->b, path)});
	assert_same(own, a->answer);
	if (strstr(a->id, "wide")) assert_string_equal(drawing_of(a->truth, 5, 7, truth), FINE1);
	k->n++;
	return true;
}

/* Pictures of different sizes at once are answered as one by one, also in the batches of an evaluation, where what
 * is left over is filled up; and they are judged alike. */
static void sizes_may_be_open(void **state) {
	static const char *const names[] = {"wide", "square", "tall", "dot", "wide"};
	static const char *const models[] = {
	        "[" LAST "]", "[{conv: {filters: 3, kernel: 3, padding: 1, bias: false}}, " LAST "]"};
	bench *b = *state;
	write_open(b);
	for (int k = 0; k < 2; k++) {
		eg_recipe *r = recipe(b, "open", "[1, height, width]", models[k]);
		eg_model *m = k ? bench_train_all(b, r) : bench_weigh_all(b, r, tell_greys, NULL);
		eg_predictor *all = bench_predictor(b, m, NULL), *one = bench_predictor(b, m, NULL);
		eg_question questions[5];
		const eg_value *answers[5];
		eg_error errors[5];
		for (int i = 0; i < 5; i++) {
			char path[100];
			snprintf(path, sizeof path, "open/test/%s.png", names[i]);
			questions[i] = (eg_question){.path = bench_path(b, path)};
		}
		OK(b, eg_predictor_run(all, questions, 5, answers, errors, &b->err));
		for (int i = 0; i < 5; i++) assert_same(ask(b, one, questions[i]), answers[i]);
		const void *tensors[] = {"numbers, whose size nobody says"};
		ask_in_vain(b, one, (eg_question){.tensors = tensors}, "'height'");
		if (k == 0)
			drawing_is(answers[0], 5, 7,
			        "0120120"
			        "0120120"
			        "2222222"
			        "0000000"
			        "1111110");
		drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
		matched c = {.b = b, .p = one};
		OK(b, eg_samples_answer(all, d.samples, EG_PART_TEST, as_files, &c, &b->err));
		assert_int_equal(c.n, 4);
		eg_evaluation *together, *alone;
		OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, 4, &together, &b->err));
		OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, 1, &alone, &b->err));
		assert_same(eg_evaluation_result(together), eg_evaluation_result(alone));
		assert_true(k || eg_evaluation_find(alone, "pixel_accuracy") > 0.5);
		eg_evaluation_free(together);
		eg_evaluation_free(alone);
		undraw(&d);
		eg_predictor_free(all);
		eg_predictor_free(one);
		eg_model_free(m);
	}
}

/* Down and up again: the skip says that the size is the picture's own. It is so where sizes are even, and else that
 * is told. */
static void skips_keep_the_size(void **state) {
	static const char *const orders[] = {"[up, full]", "[full, up]"};
	bench *b = *state;
	char model[400];
	write_open(b);
	write_pair(b, "even", "train", "a", 4, 6, "ddddddmmmmmmbbbbbbdddddd", "000000111111222222000000");
	write_pair(b, "even", "train", "b", 6, 4, "ddddmmmmbbbbddddmmmmbbbb", "000011112222000011112222");
	for (int i = 0; i < 2; i++) {
		snprintf(model, sizeof model,
		        "[{conv: {filters: 3, kernel: 3, padding: 1}}, {relu: {name: full}}, {maxpool: 2}, {upsample: "
		        "{scale: 2, name: up}}, {concat: {from: %s}}, " LAST "]",
		        orders[i]);
		eg_model *m = bench_train_all(b, recipe(b, "even", "[1, height, width]", model));
		eg_predictor *p = bench_predictor(b, m, NULL);
		eg_question questions[] = {{.path = bench_path(b, "open/test/square.png")},
		        {.path = bench_path(b, "open/test/wide.png")}, {.path = bench_path(b, "even/train/a.png")}};
		const eg_value *answers[3];
		eg_error errors[3];
		OK(b, eg_predictor_run(p, questions, 3, answers, errors, &b->err));
		assert_true(answers[0] && !answers[1] && answers[2]);
		assert_non_null(strstr(errors[1].message, "height 5, width 7"));
		eg_evaluation *e = bench_evaluate(b, m, EG_PART_TRAIN, NULL, NULL);
		assert_int_equal(eg_evaluation_total(e), 2);
		eg_evaluation_free(e);
		eg_predictor_free(p);
		eg_model_free(m);
	}
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static bool writes_file(void *user, const eg_answered *a) {
	bench *b = user;
	const char *file = bench_path(b, "out/train_a.png");
	assert_string_equal(a->id, "train/a.png");
	assert_string_equal(eg_value_text(eg_value_get(a->answer, "file")), file);
	free(bench_read(b, file, NULL)); /* it is there */
	return true;
}

static void colours_are_written(void **state) {
	static const char want[] = "0120120"
	                           "0120120"
	                           "2222222"
	                           "0000000"
	                           "1111110";
	bench *b = *state;
	char setting[200];
	eg_picture pic = {0}, from = {0};
	uint8_t colours[3][3];
	int16_t *classes, read_back[] = {0, -1};
	int H, W;
	write_open(b);
	bench_text(b, "out/note", "a folder");
	eg_model *m = greys(b, "open", "[1, height, width]", "[" LAST "]");
	snprintf(setting, sizeof setting, "output='%s'", bench_path(b, "out"));
	eg_predictor *p = bench_predictor(b, m, setting);
	const eg_value *answer = ask(b, p, (eg_question){.path = bench_path(b, "open/test/wide.png")});
	drawing_is(answer, 5, 7, want);
	assert_near(share_of(answer, "dark"), 14.0 / 35, 1e-12);
	assert_string_equal(eg_value_text(eg_value_get(answer, "file")), bench_path(b, "out/wide.png"));
	OK(b, eg_picture_load(bench_path(b, "out/wide.png"), NULL, &pic, &b->err));
	assert_true(pic.C == 3 && pic.H == 5 && pic.W == 7);
	OK(b, eg_picture_load(bench_path(b, "open/test/wide.png"), NULL, &from, &b->err));
	for (int k = 0; k < 3; k++) eg_class_colour(k, colours[k]);
	for (int i = 0; i < 35; i++) /* over the picture */
		for (int c = 0; c < 3; c++)
			assert_near(pic.pixels[c * 35 + i], 0.6 * colours[want[i] - '0'][c] + 0.4 * from.pixels[i], 0.51);
	eg_picture_free(&from);
	assert_non_null(classes = eg_segment_classes(answer, &H, &W));
	assert_true(H == 5 && W == 7);
	for (int i = 0; i < 35; i++) assert_int_equal(classes[i], want[i] - '0');
	free(classes);
	uint8_t painted[6];
	eg_segment_paint(1, 1, 2, (const uint8_t[]){100, 50}, read_back, 0.5, painted);
	assert_true(painted[0] == 171 && painted[2] == 50 && painted[1] == 50 && painted[3] == 50 && painted[5] == 50);
	assert_null(eg_segment_classes(eg_value_get(answer, "shares"), &H, &W));
	assert_true(memcmp(colours[0], colours[1], 3) && memcmp(colours[0], colours[2], 3) &&
	            memcmp(colours[1], colours[2], 3));
	assert_true(colours[0][0] == 242 && colours[0][1] == 0 &&
	            colours[0][2] == 0); /* red is the first hue, whatever the picture */
	eg_picture_free(&pic);
	/* A record of the data is called after its place in it, so that two of one name do not meet; the file of a
	 * question after the file. */
	drawn d = draw_for(b, m, EG_PART_TRAIN, NULL, NULL);
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TRAIN, writes_file, b, &b->err));
	undraw(&d);
	eg_predictor_free(p);
	p = bench_predictor(b, m, "output=/no/such/folder");
	ask_in_vain(b, p, (eg_question){.path = bench_path(b, "open/test/dot.png")}, "/no/such/folder/dot.png");
	eg_predictor_free(p);
	eg_model_free(m);
}

/* File, bytes, JSON, record and numbers: one answer. Numbers are of the network's size, whatever was asked before. */
static void one_answer_for_all_kinds(void **state) {
	static const char picture[] = "dmbdmb", want[] = "012012";
	bench *b = *state;
	char json[300];
	size_t size;
	eg_real x[6];
	uint8_t pixels[6];
	write_pair(b, "kinds", "train", "a", 2, 3, "dddddd", "000000");
	write_pair(b, "kinds", "train", "b", 4, 4, "ddddmmmmbbbbdddd", "0000111122220000");
	eg_model *m = greys(b, "kinds", "[1, 2, 3]", "[" LAST "]");
	eg_predictor *p = bench_predictor(b, m, NULL);
	const char *path = write_drawn(b, "p.png", 2, 3, picture);
	char *bytes = bench_read(b, path, &size);
	for (int i = 0; i < 6; i++) pixels[i] = meaning(picture[i], i), x[i] = (eg_real)pixels[i] / 255;
	eg_record r = {.fields = {{.there = true, .picture = {1, 2, 3, pixels}}}};
	int n = snprintf(json, sizeof json, "{\"picture\": \"%s\"}", path);
	const void *tensors[] = {x};
	const eg_question questions[] = {{.path = path}, {.bytes = bytes, .size = size},
	        {.bytes = json, .size = (size_t)n, .json = true}, {.record = &r}, {.tensors = tensors}};
	eg_value *first = eg_value_new(EG_VALUE_MAP);
	eg_value_put_copy(first, "answer", ask(b, p, questions[0]));
	drawing_is(eg_value_get(first, "answer"), 2, 3, want);
	assert_value(eg_value_get(eg_value_get(first, "answer"), "shares"),
	        "[{\"class\": \"dark\", \"share\": 0.3333333333333333}, {\"class\": \"middle\", \"share\": "
	        "0.3333333333333333}, "
	        "{\"class\": \"bright\", \"share\": 0.3333333333333333}]");
	for (int i = 0; i < EG_COUNT(questions); i++) {
		eg_value_int(ask(b, p, (eg_question){.path = bench_path(b, "kinds/train/b.png")}), 0);
		assert_same(ask(b, p, questions[i]), eg_value_get(first, "answer"));
	}
	eg_value_free(first);
	free(bytes);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- the network and the section --------------------------------------------------------------------------------- */

static void refuse(bench *b, const char *input, const char *model, const char *words) {
	eg_task *t;
	eg_graph *g = NULL;
	eg_recipe *r = recipe(b, "open", input, model);
	const eg_size *sizes;
	OK(b, eg_task_open(r, &t, &b->err));
	eg_status status = eg_task_fits(t, &b->err);
	if (!status) OK(b, eg_task_sizes(t, &sizes, &b->err));
	if (!status) status = eg_recipe_build(r, b->ctx, sizes, &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	assert_int_not_equal(status, EG_OK);
	SAYS(b, words);
	eg_graph_free(g);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void networks_answer_at_every_pixel(void **state) {
	bench *b = *state;
	eg_task *t;
	write_open(b);
	refuse(b, "[1, 4, 4]", "[flatten, {linear: classes}]",
	        "r.yaml:5:8: to segment, a network puts out a number for each class and pixel of its input");
	refuse(b, "[1, 4, 4]", "[{maxpool: 2}, " LAST "]", "a number for each class and pixel of its input");
	refuse(b, "[1, 4, 4]", "[{conv: {filters: 3, kernel: 1}}]", "but there are 4 classes");
	refuse(b, "[1, height, width]", "[{maxpool: 2}, {upsample: 2}, " LAST "]",
	        "its input (N,1,height,width), but these are (N,4,height',width'): are they as many? Behind the last "
	        "`upsample`, join a layer");
	refuse(b, "[2, 4, 4]", "[" LAST "]", "the input has 2 channels; pictures have 1 (grey) or 3 (colour)");
	eg_recipe *r = recipe(b, "open", "[1, 4, 4]", "[" LAST "]");
	OK(b, eg_task_open(r, &t, &b->err));
	assert_string_equal(eg_task_unit(t, false), "pictures");
	assert_int_equal(eg_task_kind(t)->abilities, EG_ABLE_SEGMENT);
	eg_task_free(t);
	eg_recipe_free(r);
	/* A class that the model does not know: of another source, by its name. */
	eg_model *m = greys(b, "open", "[1, 4, 4]", "[" LAST "]");
	eg_value *facts;
	OK(b, eg_task_describe(m, &facts, &b->err));
	assert_value(facts, "{\"classes\": [\"dark\", \"middle\", \"bright\", \"never\"]}");
	eg_value_free(facts);
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(overlaps_by_hand),
	        cmocka_unit_test(mirrored_views_are_turned_back),
	        cmocka_unit_test(other_sizes_by_the_nearest),
	        cmocka_unit_test(sizes_may_be_open),
	        cmocka_unit_test(skips_keep_the_size),
	        cmocka_unit_test(colours_are_written),
	        cmocka_unit_test(one_answer_for_all_kinds),
	        cmocka_unit_test(networks_answer_at_every_pixel),
	};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
