/* resize.c - resize: sequences, pictures and volumes of another size, by interpolation along each axis. Where whole
 * factors and repetition will do, upsample2d (upsample.c) is faster. */
#include "ops/resample.h"

typedef struct resize_options {
	const char *name;
	eg_ints sizes;
	eg_floats scales, roi;
	int mode, coordinates, rounding;
	float cubic_a, extrapolation;
	bool exclude_outside, antialias;
	int aspect;
} resize_options;

enum { RESIZE_AXES = 3 };

/* In the order of eg_resample_method, eg_coordinate and eg_rounding. */
static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
static const char *const coordinate_names[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
	"align_corners", "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL};
static const char *const rounding_names[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
typedef enum aspect { STRETCH, NOT_LARGER, NOT_SMALLER } aspect;
static const char *const aspect_names[] = {"stretch", "not_larger", "not_smaller", NULL};
static_assert(EG_COUNT(modes) == EG_RESAMPLE_ADAPTIVE + 1, "a name for each but adaptive");
static_assert(EG_COUNT(coordinate_names) == EG_COORDINATE_TF_CROP_AND_RESIZE + 2, "a name for each");
static_assert(EG_COUNT(rounding_names) == EG_ROUNDING_CEIL + 2, "a name for each");

static const eg_attr resize_attrs[] = {
	OP_INT_LIST(resize_options, sizes, 0, 3, 1, OP_SIZE_MAX, "sizes",
		"size of y along each axis behind the channels, or one for all; left out: `scales` says it"),
	OP_FLOAT_LIST(resize_options, scales, 0, 3, 1e-6, OP_SIZE_MAX, "scales",
		"how many times as large y is along each axis, or one number for all; sizes are rounded down"),
	OP_FLOAT_LIST(resize_options, roi, 0, 2 * RESIZE_AXES, -1e6, 1e6, NULL,
		"tf_crop_and_resize: the part of x that y shows, where it begins along each axis and then where it ends, 0 being the first position of x and 1 the last"),
	OP_ENUM(resize_options, mode, modes, "mode",
		"how a value is made of its neighbours: the nearest one, linearly (bilinear, trilinear), cubic"),
	OP_ENUM(resize_options, coordinates, coordinate_names, "coordinate_transformation_mode",
		"where a position of y lies in x; PyTorch: half_pixel, or align_corners; for its nearest asymmetric "
		"with rounding floor"),
	OP_ENUM(resize_options, rounding, rounding_names, "nearest_mode", "mode nearest: which neighbour that is"),
	OP_FLOAT(resize_options, cubic_a, -0.75, -8, 8, "cubic_coeff_a",
		"mode cubic: parameter of Keys' kernel (-0.5 in TensorFlow and PIL)"),
	OP_FLOAT(resize_options, extrapolation, 0, -1e30, 1e30, "extrapolation_value", "tf_crop_and_resize: what y is where the part reaches beyond x"),
	OP_BOOL(resize_options, exclude_outside, "exclude_outside",
		"positions outside of x have no weight; else they are as the nearest inside"),
	OP_BOOL(resize_options, antialias, "antialias",
		"modes linear and cubic: where y is smaller, kernels are as much wider (PyTorch: with exclude_outside, "
		"and cubic_a -0.5)"),
	OP_ENUM(resize_options, aspect, aspect_names, "keep_aspect_ratio_policy",
		"stretch: `sizes` as they are; not_larger, not_smaller: one scale for all axes, the largest with which "
		"y "
		"is nowhere larger than `sizes`, or the smallest with which it is nowhere smaller"),
};

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static float scale_of(const resize_options *o, int i) { return o->scales.at[o->scales.n == 1 ? 0 : i]; }
static int size_of(const resize_options *o, int i) { return o->sizes.at[o->sizes.n == 1 ? 0 : i]; }

static bool crops(const resize_options *o) { return o->coordinates == EG_COORDINATE_TF_CROP_AND_RESIZE; }
/* Where the part begins (side 0) or ends (1) along axis i of n. */
static float roi_of(const resize_options *o, int i, int side, int n) { return crops(o) ? o->roi.at[side * n + i] : (float)side; }

/* By how much axis i becomes larger; x is known. */
static double scale_over(const resize_options *o, const eg_dims *x, int i) {
	if (!o->sizes.at) return (double)scale_of(o, i);
	if (o->aspect == STRETCH) return (double)size_of(o, i) / (double)x->d[i + 2];
	double scale = (double)size_of(o, 0) / (double)x->d[2];
	for (int k = 1; k < x->rank - 2; k++) {
		const double other = (double)size_of(o, k) / (double)x->d[k + 2];
		if (o->aspect == NOT_LARGER ? other < scale : other > scale) scale = other;
	}
	return scale;
}

/* Positions of y along axis i; a product is rounded down as a float, as everybody does it. That
 * a part of x is taken makes y no smaller: ONNX says so in words, but its own inference of shapes, its reference and
 * onnxruntime do not. */
static int64_t size_over(eg_infer *s, int i) {
	const resize_options *o = s->options;
	const eg_dims *x = &s->in[0];
	bool open = x->d[i + 2] < 0;
	if (!o->sizes.at && open) return scale_of(o, i) == 1 ? x->d[i + 2] : eg_infer_size(s, x->d[i + 2]);
	if (!o->sizes.at) return (int64_t)floorf((float)x->d[i + 2] * scale_of(o, i));
	if (o->aspect == STRETCH) return size_of(o, i);
	for (int k = 0; k < x->rank - 2; k++)
		if (x->d[k + 2] < 0) return eg_infer_size(s, x->d[k + 2]);
	return (int64_t)floor(scale_over(o, x, i) * (double)x->d[i + 2] + 0.5);
}

static eg_status check_roi(const eg_infer *s, int rank) {
	const resize_options *o = s->options;
	char text[128];
	eg_dims_text(&s->in[0], text, sizeof text);
	if (!crops(o) && o->roi.n) return eg_fail(s->err, EG_ERR_ARG, "'roi' is for coordinates tf_crop_and_resize, not %s", coordinate_names[o->coordinates]);
	if (!crops(o)) return EG_OK;
	if (o->roi.n != 2 * rank)
		return eg_fail(s->err, EG_ERR_ARG, "tf_crop_and_resize needs the begin and then the end of the part along each axis behind the channels of x %s: "
			"'roi' with %d numbers, not %d", text, 2 * rank, o->roi.n);
	for (int i = 0; i < rank; i++)
		if (!(roi_of(o, i, 0, rank) <= roi_of(o, i, 1, rank)))
			return eg_fail(s->err, EG_ERR_ARG, "along axis %d the part 'roi' begins at %g and ends before, at %g; a part cannot be turned over", i,
				(double)roi_of(o, i, 0, rank), (double)roi_of(o, i, 1, rank));
	if (o->antialias || o->aspect != STRETCH) return eg_fail(s->err, EG_ERR_ARG, "tf_crop_and_resize knows no antialias and no aspect");
	return EG_OK;
}

static eg_status check(const eg_infer *s) {
	const resize_options *o = s->options;
	const eg_dims *x = &s->in[0];
	const int rank = x->rank - 2, n = o->sizes.at ? o->sizes.n : o->scales.n;
	char text[128];
	eg_dims_text(x, text, sizeof text);
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (rank < 1 || rank > 3)
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "x %s has %d dimensions, (N,C,L), (N,C,H,W) and (N,C,D,H,W) can be resized", text, x->rank);
	if (!o->sizes.at == !o->scales.at)
		return eg_fail(s->err, EG_ERR_ARG, "it needs 'sizes' or 'scales', and not both");
	if (n != 1 && n != rank)
		return eg_fail(s->err, EG_ERR_ARG,
		        "'%s' has %d numbers, x %s has %d axes behind its channels; give one for each, or one for all",
		        o->sizes.at ? "sizes" : "scales", n, text, rank);
	if (o->aspect != STRETCH && !o->sizes.at)
		return eg_fail(s->err, EG_ERR_ARG, "aspect '%s' is for 'sizes'; scales say it themselves",
		        aspect_names[o->aspect]);
	if (o->antialias && o->mode == EG_RESAMPLE_NEAREST)
		return eg_fail(s->err, EG_ERR_ARG,
		        "antialias is for the modes linear and cubic, the nearest value has no kernel to be made "
		        "wider");
	if (check_roi(s, rank)) return s->err->status;
	return op_check_known(s, 0, 1, 2, "x") ? s->err->status : op_check_no_batch(s, 0, 2, "x");
}

/* The receptive field along the last two axes, where sizes are known. */
static void inform(eg_infer *s) {
	static const int weights[] = {1, 2, 4}; /* of each mode */
	const resize_options *o = s->options;
	for (int i = 0; i < 2; i++) {
		const int axis = s->in[0].rank - 2 + i;
		const int64_t in = axis < 2 ? 1 : s->in[0].d[axis], out = axis < 2 ? 1 : s->out[0].d[axis];
		if (in < 0 || out < 0) continue;
		const int64_t wider = o->antialias && in > out ? (in + out - 1) / out : 1;
		s->info->window[i] = axis < 2 ? 1 : (int)(weights[o->mode] * wider);
		s->info->stride[i] = (int)in;
		s->info->repeats[i] = (int)out;
	}
}

static eg_status resize_infer(eg_infer *s) {
	const resize_options *o = s->options;
	char text[128];
	if (check(s)) return s->err->status;
	s->out[0] = s->in[0];
	for (int i = 0; i < s->in[0].rank - 2; i++) {
		int64_t *out = &s->out[0].d[i + 2];
		*out = size_over(s, i);
		if (*out == 0 || *out > OP_SIZE_MAX)
			return eg_fail(s->err, EG_ERR_SHAPE,
			        "dimension %d of x %s would have %lld positions at scale %g; 1 to %d are possible",
			        i + 2, eg_dims_text(&s->in[0], text, sizeof text), (long long)*out,
			        scale_over(o, &s->in[0], i), OP_SIZE_MAX);
	}
	inform(s);
	return EG_OK;
}

/* ---- forward, backward ------------------------------------------------------------------------------------------- */

static resample axes_of(const eg_emit *e) {
	const resize_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	resample r = {.rank = x.rank - 2};
	for (int i = 0; i < r.rank; i++)
		r.axis[i] = (eg_resample_axis){.in = (int)x.d[i + 2],
		        .out = (int)y.d[i + 2],
		        .method = (eg_resample_method)o->mode,
		        .coordinate = (eg_coordinate)o->coordinates,
		        .rounding = (eg_rounding)o->rounding,
		        .exclude_outside = o->exclude_outside,
		        .antialias = o->antialias,
		        .cubic_a = (double)o->cubic_a,
		        .scale = scale_over(o, &x, i),
		        .start = (double)roi_of(o, i, 0, r.rank),
		        .end = (double)roi_of(o, i, 1, r.rank),
		        .outside = (double)o->extrapolation};
	return r;
}

static void resize_fwd(eg_emit *e) {
	const resample r = axes_of(e);
	resample_fwd(e, &r);
}

static void resize_bwd(eg_emit *e) {
	const resample r = axes_of(e);
	resample_bwd(e, &r);
}

/* A cubic kernel has negative weights; what is beyond x may be anything. */
static eg_range resize_range(const void *options) {
	const resize_options *o = options;
	return o && (o->mode == EG_RESAMPLE_CUBIC || crops(o)) ? (eg_range){0} : op_range_of_input(options);
}

#define RESIZE(...) \
	&(const resize_options) { __VA_ARGS__ }
#define SIZES(...) .sizes = EG_INTS(__VA_ARGS__)
#define SCALES(...) .scales = {(const float[]){__VA_ARGS__}, (int)(sizeof((float[]){__VA_ARGS__}) / sizeof(float))}
#define CROP .coordinates = EG_COORDINATE_TF_CROP_AND_RESIZE
static const eg_case resize_cases[] = {
	{"nearest, larger", RESIZE(SIZES(7, 9)), .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1, .batch = 18, .linear = true},
	{"nearest, smaller, another coordinate and rounding",
		RESIZE(SCALES(0.6f), .coordinates = EG_COORDINATE_ASYMMETRIC, .rounding = EG_ROUNDING_FLOOR),
		.in = {OP_DIMS(EG_N, 2, 11, 9)}, .nin = 1, .batch = 3, .linear = true},
	{"linear, by scales", RESIZE(SCALES(2, 3), .mode = EG_RESAMPLE_LINEAR), .in = {OP_DIMS(EG_N, 3, 4, 5)},
		.nin = 1, .batch = 18, .linear = true},
	{"linear, larger and smaller, many channels",
		RESIZE(SIZES(9, 4), .mode = EG_RESAMPLE_LINEAR, .coordinates = EG_COORDINATE_ALIGN_CORNERS),
		.in = {OP_DIMS(5, 37, 4, 7)}, .nin = 1, .batch = 2, .linear = true},
	{"cubic", RESIZE(SIZES(5, 9), .mode = EG_RESAMPLE_CUBIC, .cubic_a = -0.5f), .in = {OP_DIMS(EG_N, 2, 7, 6)},
		.nin = 1, .batch = 3, .linear = true},
	{"cubic, nothing outside", RESIZE(SIZES(9, 5), .mode = EG_RESAMPLE_CUBIC, .exclude_outside = true),
		.in = {OP_DIMS(EG_N, 2, 7, 3)}, .nin = 1, .batch = 3, .linear = true},
	{"linear, wider kernels, rows alone", RESIZE(SIZES(4, 8), .mode = EG_RESAMPLE_LINEAR, .antialias = true),
		.in = {OP_DIMS(EG_N, 3, 11, 8)}, .nin = 1, .batch = 3, .linear = true},
	{"sequences, open length",
		RESIZE(SCALES(1.5f), .mode = EG_RESAMPLE_LINEAR, .coordinates = EG_COORDINATE_PYTORCH_HALF_PIXEL),
		.in = {OP_DIMS(EG_TN, 3, EG_NAMED)}, .nin = 1, .batch = 5, .time = 4, .sizes = OP_SIZES({"length", 7}),
		.linear = true},
	{"volumes",
		RESIZE(SIZES(5, 2, 7), .mode = EG_RESAMPLE_LINEAR, .coordinates = EG_COORDINATE_HALF_PIXEL_SYMMETRIC),
		.in = {OP_DIMS(EG_N, 2, 3, 4, 6)}, .nin = 1, .batch = 3, .linear = true},
	{"one scale for both", RESIZE(SIZES(9, 5), .mode = EG_RESAMPLE_LINEAR, .aspect = NOT_LARGER),
		.in = {OP_DIMS(EG_N, 3, 5, EG_NAMED)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"width", 4}),
		.linear = true},
	{"a part, linear", RESIZE(SIZES(5, 7), .roi = {(const float[]){0.2f, -0.3f, 0.9f, 0.8f}, 4}, .mode = EG_RESAMPLE_LINEAR, CROP),
		.in = {OP_DIMS(EG_N, 3, 6, 9)}, .nin = 1, .batch = 18, .linear = true},
	{"a part beyond x, nearest", RESIZE(SCALES(1.5f, 0.8f), .roi = {(const float[]){-0.5f, 0, 1.5f, 2}, 4}, .extrapolation = 0.6f, CROP),
		.in = {OP_DIMS(EG_N, 2, 5, 4)}, .nin = 1, .batch = 3},
	{"a part of volumes, cubic, one position", RESIZE(SIZES(1, 4, 3), .roi = {(const float[]){0, 0.1f, 0.5f, 1, 0.7f, 1.2f}, 6}, .mode = EG_RESAMPLE_CUBIC,
		 .extrapolation = -2, CROP), .in = {OP_DIMS(EG_N, 2, 3, 4, 6)}, .nin = 1, .batch = 3},
	{"the same size", RESIZE(SIZES(4, 5)), .in = {OP_DIMS(EG_N, 3, 4, 5)}, .nin = 1, .batch = 3, .linear = true},
};

static void resize_export(eg_export *x) {
	const resize_options *o = eg_export_options(x);
	const int axes = eg_export_in_dims(x, 0).rank - 2;
	const char *scales = "", *sizes = "";
	real factors[2 + RESIZE_AXES], part[2 * (2 + RESIZE_AXES)] = {0};
	const char *roi = "";
	int64_t lengths[RESIZE_AXES], which[RESIZE_AXES];
	for (int i = 0; i < axes; i++) {
		which[i] = 2 + i;
		if (o->sizes.at) lengths[i] = o->sizes.at[o->sizes.n == 1 ? 0 : i];
		else factors[2 + i] = (real)o->scales.at[o->scales.n == 1 ? 0 : i];
	}
	factors[0] = factors[1] = 1;
	for (int i = 0; i < 2 + axes && !o->sizes.at; i++) part[2 + axes + i] = i < 2 ? 1 : (real)roi_of(o, i - 2, 1, axes);
	for (int i = 0; i < axes; i++) { /* of all dimensions, or, with sizes, of the axes that they are of */
		part[o->sizes.at ? i : 2 + i] = (real)roi_of(o, i, 0, axes);
		if (o->sizes.at) part[axes + i] = (real)roi_of(o, i, 1, axes);
	}
	if (crops(o)) roi = eg_export_reals(x, part, EG_DIMS(2 * (o->sizes.at ? axes : 2 + axes)));
	if (o->sizes.at) sizes = eg_export_ints(x, lengths, axes);
	else scales = eg_export_reals(x, factors, EG_DIMS(2 + axes));
	if (eg_export_opset(x) < 18 && (o->sizes.at || o->antialias || o->aspect != STRETCH))
		eg_export_fail(x, "ONNX's Resize knows sizes of some axes, antialias and keep_aspect_ratio_policy from opset 18 on");
	eg_export_node(x, "Resize", EG_NAMES(eg_export_in(x, 0), roi, scales, sizes), EG_NAMES(eg_export_out(x, 0)));
	if (o->sizes.at) eg_export_set_ints(x, "axes", which, axes);
	eg_export_set_string(x, "mode", modes[o->mode]);
	eg_export_set_string(x, "coordinate_transformation_mode", coordinate_names[o->coordinates]);
	eg_export_set_string(x, "nearest_mode", rounding_names[o->rounding]);
	eg_export_set_float(x, "cubic_coeff_a", (double)o->cubic_a);
	eg_export_set_int(x, "exclude_outside", o->exclude_outside);
	if (crops(o)) eg_export_set_float(x, "extrapolation_value", (double)o->extrapolation);
	if (o->antialias) eg_export_set_int(x, "antialias", 1);
	if (o->aspect != STRETCH) eg_export_set_string(x, "keep_aspect_ratio_policy", aspect_names[o->aspect]);
}

static int word(eg_import *m, const char *name, const char *const *words, const char *absent) {
	const char *said = eg_import_string(m, name, absent);
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], said)) return i;
	eg_import_fail(m, "%s '%.40s' is not supported", name, said);
	return 0;
}

/* The n numbers of some axes, or of all, for those behind the channels; false: a batch or channels are resized. */
static bool behind_channels(const double *v, int n, const int64_t *which, int nwhich, int axes, const eg_dims *x, double neutral,
	bool sizes, double *out) {
	for (int i = 0; i < axes; i++) out[i] = sizes ? (double)x->d[2 + i] : neutral;
	for (int i = 0; i < n; i++) {
		int64_t axis = nwhich < 0 ? i : which[i];
		if (axis < 0) axis += x->rank;
		if (axis < 0 || axis >= x->rank) return false;
		if (axis < 2 && (sizes ? v[i] != (double)x->d[axis] : v[i] != neutral)) return false;
		if (axis >= 2) out[axis - 2] = v[i];
	}
	return nwhich < 0 ? n == x->rank : n == nwhich;
}

/* Begin and end along the axes behind the channels; false with a message: there is none, or batch or channels are
 * cut. */
static bool import_roi(eg_import *m, const int64_t *which, int nwhich, int axes, const eg_dims *x, float *roi) {
	eg_dims d;
	const real *r = eg_import_has_in(m, 1) ? eg_import_reals(m, 1, &d) : NULL;
	const int n = r ? (int)eg_dims_count(&d, 0) / 2 : 0;
	double side[EG_MAX_DIMS], mine[EG_MAX_DIMS];
	bool good = n > 0 && n <= EG_MAX_DIMS && (int)eg_dims_count(&d, 0) == 2 * n;
	for (int end = 0; end < 2 && good; end++) {
		for (int i = 0; i < n; i++) side[i] = (double)r[end * n + i];
		good = behind_channels(side, n, which, nwhich, axes, x, end, false, mine);
		for (int i = 0; i < axes && good; i++) roi[end * axes + i] = (float)mine[i];
	}
	if (!good) eg_import_fail(m, "tf_crop_and_resize without a constant roi, or with one that cuts the batch or the channels, is not supported");
	return good;
}

static bool resize_import(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0);
	int64_t which[EG_MAX_DIMS];
	const int axes = x.rank - 2, nwhich = eg_import_int_list(m, "axes", which, EG_MAX_DIMS);
	resize_options o = {.mode = word(m, "mode", modes, "nearest"),
		.coordinates = word(m, "coordinate_transformation_mode", coordinate_names, "half_pixel"),
		.rounding = word(m, "nearest_mode", rounding_names, "round_prefer_floor"),
		.cubic_a = (float)eg_import_float(m, "cubic_coeff_a", -0.75),
		.exclude_outside = eg_import_int(m, "exclude_outside", 0) != 0,
		.antialias = eg_import_int(m, "antialias", 0) != 0,
		.aspect = word(m, "keep_aspect_ratio_policy", aspect_names, "stretch")};
	const bool by_size = eg_import_has_in(m, 3);
	double v[EG_MAX_DIMS] = {0}, mine[EG_MAX_DIMS];
	int n = 0;
	int sizes[RESIZE_AXES];
	float scales[RESIZE_AXES];
	float roi[2 * RESIZE_AXES];
	o.extrapolation = (float)eg_import_float(m, "extrapolation_value", 0);
	if (by_size) {
		int64_t wide[EG_MAX_DIMS];
		n = eg_import_ints(m, 3, wide, EG_MAX_DIMS);
		for (int i = 0; i < n; i++) v[i] = (double)wide[i];
	} else {
		eg_dims d;
		const real *r = eg_import_reals(m, 2, &d);
		n = r ? (int)eg_dims_count(&d, 0) : 0;
		for (int i = 0; i < n && n <= EG_MAX_DIMS; i++) v[i] = (double)r[i];
	}
	if (axes < 1 || axes > RESIZE_AXES || n > EG_MAX_DIMS || !behind_channels(v, n, which, nwhich, axes, &x, 1, by_size, mine)) {
		eg_import_fail(m, "only sizes behind the batch and the channels can be changed, up to %d of them", RESIZE_AXES);
		return true;
	}
	/* one scale for all axes that are named; ours are all behind the channels */
	bool named = nwhich == axes;
	for (int i = 0; i < nwhich; i++) named &= (which[i] < 0 ? which[i] + x.rank : which[i]) >= 2;
	if (o.aspect != STRETCH && !named) eg_import_fail(m, "keep_aspect_ratio_policy is supported where axes are all those behind the channels");
	for (int i = 0; i < axes; i++) {
		sizes[i] = mine[i] > 0 && mine[i] <= OP_SIZE_MAX ? (int)mine[i] : -1;
		scales[i] = (float)mine[i];
	}
	if (by_size) o.sizes = (eg_ints){sizes, axes};
	else o.scales = (eg_floats){scales, axes};
	if (crops(&o)) {
		if (!import_roi(m, which, nwhich, axes, &x, roi)) return true;
		o.roi = (eg_floats){roi, 2 * axes};
	}
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "resize", &o, &in, 1));
	return true;
}

const eg_op eg_op_resize = {
	.info =
		{
			.name = "resize",
			.layer = "resize",
			.doc = OP_TEXT("Sequences, pictures or volumes of another size, by interpolation along each axis"),
			.equation = OP_TEXT("y[n,c,p..] = sum over the neighbours i of place(p) along each axis of weight(i - "
				    "place(p)) x[n,c,i..];\n"
				    "half_pixel: place(p) = (p + 1/2) / scale - 1/2; asymmetric: p / scale; "
				    "align_corners: p (size - 1) / (scale size - 1);\n"
				    "tf_crop_and_resize: (begin + (end - begin) p / (size of y - 1)) (size - 1), and y is `extrapolation` where that is outside of x;\n"
				    "x (N,C,L), (N,C,H,W) or (N,C,D,H,W), y likewise"),
			.source = OP_TEXT("ONNX Resize-18; PyTorch interpolate; TensorFlow crop_and_resize; Keys 1981"),
			.attrs = resize_attrs,
			.nattrs = EG_COUNT(resize_attrs),
			.options_size = sizeof(resize_options),
			.shorthand = "sizes",
			.min_inputs = 1,
			.max_inputs = 1,
			.inputs = (const char *const[]){"x"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = resize_infer,
	.range = resize_range,
	.fwd = resize_fwd,
	.bwd = OP_BWD(resize_bwd),
	.follows = op_follows,
	.onnx = "Resize",
	.onnx_since = 11,
	.export = OP_ONNX(resize_export),
	.import = OP_ONNX(resize_import),
	OP_CASES(resize_cases),
};
