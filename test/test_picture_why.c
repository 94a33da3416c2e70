/* test_picture_why.c - what an answer about a picture comes from, where it is known: a network whose first class
 * depends on a blob in one corner, a class of one pixel, receptive fields of every layer against gradients, pictures of
 * the data that units like best. Not here: attributions of networks in general (test_attribution.c). */
#include "engram_report.h"
#include "halves_bed.h"

/* ---- one corner -------------------------------------------------------------------------------------------------- */

/* Channel 0 is above 0 only where all of 3 x 3 pixels are bright; channel 1 is the pixel. A class is the sum of a
 * channel. */
#define CORNER \
	"[{conv: {filters: 2, kernel: 3, padding: 1, name: blob}}, {relu: {name: seen}}, global_avgpool, flatten, " \
	"{linear: {units: classes, name: last}}]"

static void weigh_corner(eg_params *p, const void *user) {
	eg_real *w = eg_params_data(p, eg_params_find(p, "blob.weight")), *bias = eg_params_data(p, eg_params_find(p, "blob.bias")),
	        *last = eg_params_data(p, eg_params_find(p, "last.weight"));
	EG_UNUSED(user);
	for (int i = 0; i < 9; i++) w[i] = 1, w[9 + i] = i == 4;
	bias[0] = (eg_real)-8.5;
	last[0] = last[3] = PIXELS;
}

static eg_model *corner(bench *b) {
	eg_recipe *r = halves_with(b, "  class_names: [blob, ink]\n  validation: 0.2\n  mean: 0\n  std: 1\n", CORNER, "");
	return bench_weigh_all(b, r, weigh_corner, NULL);
}

/* A blob of 3 x 3 pixels in the lower right corner, and one pixel at the upper left. */
static bool in_blob(int y, int x) { return y >= 5 && x >= 5; }
static void draw_corner(uint8_t *p) {
	memset(p, 0, PIXELS);
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			if (in_blob(y, x) || (y == 1 && x == 1)) p[y * SIDE + x] = 255;
}

static eg_picture_why *explain(bench *b, eg_model *m, const eg_picture_why_options *o, const char *picture) {
	eg_picture_why *w;
	OK(b, eg_picture_why_open(m, o, &w, &b->err));
	OK(b, eg_picture_why_question(w, &(eg_question){.path = picture}, &b->err));
	return w;
}

static const eg_real *map_of(const eg_picture_why *w, const char *name) {
	int H, W;
	const eg_real *map = eg_picture_why_map(w, name, &H, &W);
	assert_non_null(map);
	assert_int_equal(H, SIDE);
	assert_int_equal(W, SIDE);
	return map;
}

static double fact(const eg_picture_why *w, const char *map, const char *key) {
	const eg_value *v = eg_picture_why_facts(w);
	return eg_value_number(eg_value_get(map ? eg_value_get(v, map) : v, key), (double)NAN);
}

/* Every method points at the corner, with the numbers that follow from the weights. */
static void test_corner(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	draw_corner(pixels);
	const char *picture = bench_picture(b, "corner.png", 1, SIDE, SIDE, pixels);
	eg_model *m = corner(b);
	eg_picture_why *w = explain(b, m, &(eg_picture_why_options){.number = "blob", .window = 2}, picture);
	const eg_real *saliency = map_of(w, "saliency"), *sum = map_of(w, "integrated-gradients"), *hidden = map_of(w, "occlusion"),
	              *cam = map_of(w, "grad-cam");
	/* The only sum of 9 pixels that is above the threshold is that of the blob: 9 - 8.5. */
	assert_near(fact(w, NULL, "value"), 0.5, 1e-5);
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			const int i = y * SIDE + x;
			assert_near((double)saliency[i], in_blob(y, x), 1e-5);
			assert_near((double)sum[i], in_blob(y, x) ? 0.5 / 9 : 0, 2e-4);
			assert_near((double)cam[i], y == 6 && x == 6 ? 0.5 : 0, 1e-5);
			/* Of the windows of 2 x 2 that cover a pixel those count that cover a part of the blob. */
			const double rows = y == 4 ? 0.5 : y > 4, columns = x == 4 ? 0.5 : x > 4;
			assert_near((double)hidden[i], 0.5 * rows * columns, 1e-5);
		}
	assert_near(fact(w, "integrated_gradients", "sum"), 0.5, 0.0011);
	assert_near(fact(w, "integrated_gradients", "error"), 0, 0.0011);
	assert_near(fact(w, "baseline", "value"), 0, 1e-6);
	assert_value(eg_value_get(eg_picture_why_facts(w), "unit"),
		"{\"layer\": \"seen\", \"channel\": 0, \"row\": 6, \"column\": 6, \"value\": 0.5, \"sees\": [5, 5, 3, 3]}");
	assert_value(eg_value_get(eg_picture_why_facts(w), "of"), "{\"class\": \"blob\"}");
	eg_picture_why_close(w);

	/* The other class is all that is bright; the likeliest is explained where none is named. */
	w = explain(b, m, &(eg_picture_why_options){.unit = (const int[]){1, 0, 0}}, picture);
	assert_value(eg_value_get(eg_picture_why_facts(w), "of"), "{\"class\": \"ink\"}");
	for (int i = 0; i < PIXELS; i++) {
		assert_near((double)map_of(w, "integrated-gradients")[i], pixels[i] ? 1 : 0, 1e-4);
		assert_near((double)map_of(w, "grad-cam")[i], pixels[i] ? 1 : 0, 1e-5);
	}
	assert_value(eg_value_get(eg_value_get(eg_picture_why_facts(w), "unit"), "sees"), "[0, 0, 2, 2]");
	eg_picture_why_close(w);
	eg_model_free(m);
}

/* A spare class is the likeliest, but no answer: of the others' shares, as in predict. */
static void weigh_spare(eg_params *p, const void *user) {
	EG_UNUSED(user);
	const int at = eg_params_find(p, "linear1.bias");
	eg_params_data(p, at)[0] = 0, eg_params_data(p, at)[1] = (eg_real)log(3), eg_params_data(p, at)[2] = 5;
}

static void test_spare_class(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	draw_corner(pixels);
	const char *picture = bench_picture(b, "corner.png", 1, SIDE, SIDE, pixels);
	eg_recipe *r = halves_with(b, "  class_names: [blob, ink]\n  validation: 0.2\n  mean: 0\n  std: 1\n", "[flatten, {linear: 3}]", ", spare_class: true");
	eg_model *m = bench_weigh_all(b, r, weigh_spare, NULL);
	eg_predictor *p = bench_predictor(b, m, NULL);
	const eg_value *answer = ask(b, p, (eg_question){.path = picture}), *first = eg_value_first(eg_value_get(answer, "classes"));
	assert_string_equal(class_of(answer), "ink");
	assert_int_equal(eg_value_count(eg_value_get(answer, "classes")), 2);
	assert_near(eg_value_number(eg_value_get(first, "probability"), 0), 0.75, 1e-6);
	eg_picture_why *w = explain(b, m, &(eg_picture_why_options){.number = NULL}, picture);
	assert_value(eg_value_get(eg_picture_why_facts(w), "of"), "{\"class\": \"ink\"}");
	const eg_value *answers = eg_value_get(eg_picture_why_facts(w), "answers");
	assert_int_equal(eg_value_count(answers), 2);
	assert_near(eg_value_number(eg_value_get(eg_value_first(answers), "probability"), 0), 0.75, 1e-6);
	eg_picture_why_close(w);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- the data ---------------------------------------------------------------------------------------------------- */

/* Channel 1 answers with a pixel: the pictures that it likes are those with the brightest ones. */
static void test_likes(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	double most = 0;
	draw_half(pixels, 0, 4); /* that of record 4 */
	const char *picture = bench_picture(b, "half.png", 1, SIDE, SIDE, pixels);
	eg_model *m = corner(b);
	eg_picture_why *w = explain(b, m, &(eg_picture_why_options){.unit = (const int[]){1, 3, 3}}, picture);
	const eg_value *likes = eg_value_get(eg_picture_why_facts(w), "likes"), *first = eg_value_first(likes);
	assert_int_equal(eg_value_int(eg_value_get(first, "channel"), -1), 1);
	double last = 2;
	int n = 0;
	for (const eg_value *r = eg_value_first(eg_value_get(first, "records")); r; r = eg_value_next(r), n++) {
		const int record = (int)eg_value_int(eg_value_get(r, "record"), -1);
		const double value = eg_value_number(eg_value_get(r, "value"), -1);
		uint8_t brightest = 0, other[PIXELS];
		draw_half(other, record % 2, record);
		for (int i = 0; i < PIXELS; i++)
			if (other[i] > brightest) brightest = other[i];
		assert_near(value, brightest / 255.0, 1e-5);
		assert_true(value <= last);
		assert_string_equal(eg_value_text(eg_value_get(r, "class")), record % 2 ? "ink" : "blob");
		last = value;
	}
	assert_int_equal(n, 8);
	for (int i = 0; i < TRAIN; i++) {
		draw_half(pixels, i % 2, i);
		for (int k = 0; k < PIXELS; k++) most = fmax(most, pixels[k] / 255.0);
	}
	assert_near(eg_value_number(eg_value_get(eg_value_first(eg_value_get(first, "records")), "value"), 0), most, 1e-5);
	const eg_value *nearest = eg_value_first(eg_value_get(eg_picture_why_facts(w), "nearest"));
	assert_near(eg_value_number(eg_value_get(nearest, "similarity"), 0), 1, 1e-6);
	assert_int_equal(eg_value_int(eg_value_get(eg_picture_why_facts(w), "records"), 0), TRAIN);

	/* A record of the training part is not its own neighbour; none is looked at where none is wanted. */
	OK(b, eg_picture_why_record(w, EG_PART_TRAIN, 4, &b->err));
	for (const eg_value *r = eg_value_first(eg_value_get(eg_picture_why_facts(w), "nearest")); r; r = eg_value_next(r))
		assert_int_not_equal(eg_value_int(eg_value_get(r, "record"), -1), 4);
	assert_string_equal(eg_value_text(eg_value_get(eg_picture_why_facts(w), "truth")), "blob");
	eg_picture_why_close(w);
	w = explain(b, m, &(eg_picture_why_options){.records = EG_ZERO}, picture);
	assert_null(eg_value_get(eg_picture_why_facts(w), "nearest"));
	assert_null(eg_value_get(eg_picture_why_facts(w), "likes"));
	eg_picture_why_close(w);
	eg_model_free(m);
}

/* ---- a class of a pixel ------------------------------------------------------------------------------------------ */

static void weigh_pixels(eg_params *p, const void *user) {
	eg_real *w = eg_params_data(p, eg_params_find(p, "tell.weight"));
	EG_UNUSED(user);
	for (int i = 0; i < 9; i++) w[i] = (eg_real)-1, w[9 + i] = (eg_real)1;
	*eg_params_data(p, eg_params_find(p, "same.weight")) = 1;
}

/* Pictures of one size, and of any. */
static void explain_pixel(bench *b, const char *input) {
	uint8_t pixels[PIXELS], classes[PIXELS];
	for (int i = 0; i < PIXELS; i++) pixels[i] = (uint8_t)(i % SIDE < 4 ? 40 : 200), classes[i] = i % SIDE >= 4;
	bench_picture(b, "masks/train/a.png", 1, SIDE, SIDE, pixels);
	bench_picture(b, "masks/trainannot/a.png", 1, SIDE, SIDE, classes);
	bench_picture(b, "masks/test/a.png", 1, SIDE, SIDE, pixels);
	bench_picture(b, "masks/testannot/a.png", 1, SIDE, SIDE, classes);
	eg_recipe *r = bench_recipe(b,
		"name: m\ntask: segment\ndata: {source: masks, path: %s/masks, class_names: [dark, bright], mean: 0, std: 1}\n"
		"input: %s\nmodel: [{conv: {filters: 1, kernel: 1, name: same}}, {relu: {name: seen}}, {conv: {filters: classes, kernel: 3, "
		"padding: 1, name: tell}}]\n", b->folder, input);
	eg_model *m = bench_weigh_all(b, r, weigh_pixels, NULL);
	eg_picture_why *w;
	OK(b, eg_picture_why_open(m, &(eg_picture_why_options){.pixel = (const int[]){2, 6}}, &w, &b->err));
	OK(b, eg_picture_why_record(w, EG_PARTS, 0, &b->err));
	assert_value(eg_value_get(eg_picture_why_facts(w), "of"), "{\"class\": \"bright\", \"pixel\": [2, 6]}");
	assert_string_equal(eg_value_text(eg_value_get(eg_picture_why_facts(w), "truth")), "bright");
	const eg_real *sum = map_of(w, "integrated-gradients"), *saliency = map_of(w, "saliency");
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			const bool near = y >= 1 && y <= 3 && x >= 5 && x <= 7;
			assert_near((double)saliency[y * SIDE + x], near, 1e-5);
			assert_near((double)sum[y * SIDE + x], near ? 200 / 255.0 : 0, 1e-4);
		}
	/* Nine pixels of the only channel have the gradient 1, of 64; it stands for all of it. */
	assert_near((double)map_of(w, "grad-cam")[2 * SIDE + 6], 9.0 / PIXELS * 200 / 255, 1e-5);
	assert_int_equal(eg_value_int(eg_value_get(eg_picture_why_facts(w), "records"), 0), 1);
	eg_picture_why_close(w);
	OK(b, eg_picture_why_open(m, &(eg_picture_why_options){.pixel = (const int[]){2, 8}}, &w, &b->err));
	assert_int_equal(eg_picture_why_record(w, EG_PARTS, 0, &b->err), EG_ERR_ARG);
	SAYS(b, "pixel 2,8 is not in the picture");
	eg_picture_why_close(w);
	eg_model_free(m);
}

static void test_pixel(void **state) {
	explain_pixel(*state, "[1, 8, 8]");
	explain_pixel(*state, "[1, height, width]");
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* The data of turned-digits is made of a set of MNIST's form; the network counts ink above the middle twice. */
static void weigh_rows(eg_params *p, const void *user) {
	eg_real *w = eg_params_data(p, eg_params_find(p, "sum.weight"));
	EG_UNUSED(user);
	for (int i = 0; i < 28 * 28; i++) w[i] = i < 14 * 28 ? 2 : -1;
}

static void test_number(void **state) {
	bench *b = *state;
	enum { N = 20 };
	static uint8_t images[16 + N * 784] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, 28, 0, 0, 0, 28}, labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N};
	for (int i = 0; i < N; i++) {
		labels[8 + i] = (uint8_t)(i % 10);
		for (int k = 0; k < 18; k++) images[16 + i * 784 + (5 + k) * 28 + 14] = 200;
	}
	for (int test = 0; test < 2; test++) {
		bench_write(b, test ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte", images, sizeof images);
		bench_write(b, test ? "t10k-labels-idx1-ubyte" : "train-labels-idx1-ubyte", labels, sizeof labels);
	}
	eg_recipe *r = bench_recipe(b,
		"name: n\ntask: regress\ndata: {source: turned-digits, pictures: %s, count: 30, test_count: 5, mean: 0, std: 1}\ninput: [1, 28, 28]\n"
		"model: [flatten, {linear: {units: 1, name: sum}}]\ntrain: {loss: l1}\n", b->folder);
	eg_model *m = bench_weigh_all(b, r, weigh_rows, NULL);
	eg_picture_why *w;
	int H, W;
	OK(b, eg_picture_why_open(m, &(eg_picture_why_options){.number = "degrees"}, &w, &b->err));
	OK(b, eg_picture_why_record(w, EG_PART_TEST, 2, &b->err));
	const eg_value *facts = eg_picture_why_facts(w);
	assert_value(eg_value_get(facts, "of"), "{\"number\": 0, \"name\": \"degrees\"}");
	assert_true(fabs(fact(w, NULL, "truth")) > 0.01 && fabs(fact(w, NULL, "truth")) <= 45);
	double sum = 0;
	const eg_real *map = eg_picture_why_map(w, "integrated-gradients", &H, &W), *saliency = eg_picture_why_map(w, "saliency", &H, &W);
	for (int i = 0; i < 784; i++) {
		assert_true(i < 392 ? map[i] >= 0 : map[i] <= 0);
		assert_near((double)saliency[i], i < 392 ? 2 : 1, 1e-5);
		sum += (double)map[i];
	}
	assert_near(sum, fact(w, NULL, "value"), 1e-3);
	assert_null(eg_value_get(facts, "grad_cam")); /* no layer has places */
	OK(b, eg_picture_why_save(w, b->folder, &b->err));
	char *page = bench_read(b, bench_path(b, "why.html"), NULL);
	assert_non_null(strstr(page, "makes it larger")); /* nothing speaks for a number */
	assert_null(strstr(page, "speaks for"));
	free(page);
	eg_picture_why_close(w);
	eg_model_free(m);
}

/* ---- receptive fields -------------------------------------------------------------------------------------------- */

/* Of a network of sums with weights above 0, what a number sees is where its gradient is not 0. */
static void test_fields(void **state) {
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	enum { H = 19, W = 22 };
	bench *b = *state;
	eg_recipe *r = bench_recipe(b,
		"name: fields\ntask: segment\ndata: {source: masks, path: none, class_names: [u, v]}\ninput: [1, 19, 22]\nmodel:\n"
		"  - conv: {filters: 2, kernel: [5, 3], padding: [2, 0], stride: [2, 1], name: a}\n"
		"  - avgpool: {kernel: 2, stride: 2, padding: 1, name: b}\n"
		"  - conv: {filters: 2, kernel: 3, auto_pad: same_upper, stride: 2, name: c}\n"
		"  - conv: {filters: 2, kernel: 3, padding: 1, name: d}\n"
		"  - relu: {name: e}\n"
		"  - add: {from: [e, c], name: f}\n"
		"  - conv: {filters: classes, kernel: 1}\n");
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, (const eg_size[]){{"classes", 2}, {0}}, &g, &b->err));
	for (int i = 0; i < EG_COUNT(names); i++) eg_output(g, (const char *[]){"o0", "o1", "o2", "o3", "o4", "o5"}[i], eg_graph_find(g, names[i]));
	eg_params *p = eg_params_new(g, 1, &b->err);
	size_t n;
	eg_real *flat = eg_params_flat(p, &n);
	for (size_t i = 0; i < n; i++) flat[i] = 1;
	eg_params_changed(p);
	eg_receptive *fields = calloc((size_t)eg_graph_nodes(g), sizeof *fields);
	const char *input = eg_tensor_name(g, eg_receptive_fields(g, fields));
	eg_real *ones = calloc((size_t)H * W, sizeof *ones);
	for (int i = 0; i < H * W; i++) ones[i] = 1;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info node;
		eg_graph_node(g, i, &node);
		int k = -1;
		for (int j = 0; j < EG_COUNT(names); j++)
			if (!strcmp(names[j], node.name)) k = j;
		if (k < 0) continue;
		const eg_dims d = eg_tensor_dims(g, node.outputs[0]);
		assert_true(fields[i].known && fields[i].placed && !fields[i].all);
		for (int64_t at = 0; at < d.d[2] * d.d[3]; at++) {
			const void *data = ones;
			char output[3] = {'o', (char)('0' + k), 0};
			eg_attribution a;
			int first[2] = {H, W}, last[2] = {-1, -1};
			OK(b, eg_attribute(g, p, &(eg_attribution_options){.output = output, .element = at, .by = eg_graph_find(g, input)}, &input, &data, 1,
				&a, &b->err));
			for (int j = 0; j < H * W; j++)
				for (int s = 0, place[2] = {j / W, j % W}; s < 2 && a.map[j] > 0; s++) {
					if (place[s] < first[s]) first[s] = place[s];
					if (place[s] > last[s]) last[s] = place[s];
				}
			eg_attribution_free(&a);
			for (int s = 0; s < 2; s++) {
				const double place = (double)(s ? at % d.d[3] : at / d.d[3]), begin = fields[i].begin[s] + place * fields[i].jump[s];
				const double end = begin + (double)fields[i].size[s];
				assert_int_equal(first[s], (int)fmax(begin, 0));
				assert_int_equal(last[s], (int)fmin(end, s ? W : H) - 1);
			}
		}
	}
	free(ones), free(fields);
	eg_params_free(p);
	eg_graph_free(g);
	eg_recipe_free(r);
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static void test_page(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	eg_picture overview = {0};
	draw_corner(pixels);
	eg_model *m = corner(b);
	eg_picture_why *w = explain(b, m, &(eg_picture_why_options){.number = "blob"}, bench_picture(b, "corner.png", 1, SIDE, SIDE, pixels));
	OK(b, eg_picture_why_save(w, b->folder, &b->err));
	char *page = bench_read(b, bench_path(b, "why.html"), NULL);
	for (const char *const *s = (const char *const[]){"<b>blob</b>", "Grad-CAM at layer seen", "rows 5 to 7 and columns 5 to 7", "Filters",
	             "speaks for it", "covered with black", NULL}; *s; s++)
		if (!strstr(page, *s)) fail_msg("the page does not say '%s'", *s);
	assert_null(strstr(page, "http://127")), assert_null(strstr(page, "<script"));
	free(page);
	int files = 0;
	while (eg_picture_why_file(w, files)) files++;
	assert_int_equal(files, 14);
	/* Picture, saliency, integrated gradients, occlusion, Grad-CAM side by side, 28 times as large: right side
	 * up. */
	OK(b, eg_picture_load(bench_path(b, "why.png"), NULL, &overview, &b->err));
	assert_int_equal(overview.W, 5 * 224 + 4 * 8);
	assert_int_equal(overview.H, 224);
	const int cam = 4 * 232, at[2] = {6 * 28 + 14, 6 * 28 + 14};
	const ptrdiff_t plane = (ptrdiff_t)overview.H * overview.W, there = (ptrdiff_t)at[0] * overview.W + cam + at[1], elsewhere = 14 * (ptrdiff_t)overview.W + cam + 14;
	assert_true(overview.pixels[2 * plane + there] > overview.pixels[there] + 100); /* blue */
	assert_int_equal(overview.pixels[2 * plane + elsewhere], overview.pixels[elsewhere]);
	assert_int_equal(overview.pixels[there - cam], 255); /* the picture itself */
	eg_picture_free(&overview);
	assert_int_equal(eg_picture_why_save(w, bench_path(b, "no/such/folder"), &b->err), EG_ERR_IO);
	assert_null(eg_picture_why_file(w, 0));
	eg_picture_why_close(w);
	eg_model_free(m);
}

static void refuse(bench *b, eg_model *m, eg_picture_why_options o, const char *words) {
	uint8_t pixels[PIXELS];
	draw_corner(pixels);
	eg_picture_why *w;
	eg_status status = eg_picture_why_open(m, &o, &w, &b->err);
	if (!status) status = eg_picture_why_question(w, &(eg_question){.path = bench_picture(b, "c.png", 1, SIDE, SIDE, pixels)}, &b->err);
	assert_int_equal(status, EG_ERR_ARG);
	SAYS(b, words);
	eg_picture_why_close(w);
}

static void test_refused(void **state) {
	bench *b = *state;
	eg_model *m = corner(b);
	refuse(b, m, (eg_picture_why_options){.number = "blub"}, "did you mean 'blob'");
	refuse(b, m, (eg_picture_why_options){.layer = "sean"}, "did you mean 'seen'");
	refuse(b, m, (eg_picture_why_options){.layer = "blob"}, "no layer 'blob' is shown");
	refuse(b, m, (eg_picture_why_options){.unit = (const int[]){2, 0, 0}}, "2 channels of 8 x 8");
	eg_picture_why *w;
	OK(b, eg_picture_why_open(m, NULL, &w, &b->err));
	assert_null(eg_picture_why_facts(w));
	assert_int_equal(eg_picture_why_save(w, b->folder, &b->err), EG_ERR_ARG);
	assert_int_equal(eg_picture_why_record(w, EG_PARTS, TEST, &b->err), EG_ERR_ARG);
	SAYS(b, "the part 'test' has 20");
	assert_int_equal(eg_picture_why_question(w, &(eg_question){.path = bench_text(b, "t.png", "no picture")}, &b->err), EG_ERR_FORMAT);
	eg_picture_why_close(w);
	assert_true(eg_picture_why_suits(m));
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_corner, halves_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_spare_class, halves_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_likes, halves_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_pixel, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_number, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_fields, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_page, halves_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_refused, halves_setup, bench_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
