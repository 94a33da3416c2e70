/* roi_align.c - roi_align: regions of pictures brought to one size by interpolation. */
#include "ops/ops.h"

typedef struct roi_align_options {
	const char *name;
	int output[2];
	int sampling_ratio;
	float spatial_scale;
	int mode, coordinates;
} roi_align_options;

typedef enum roi_mode { AVERAGE, MAXIMUM } roi_mode;
typedef enum roi_coordinates { HALF_PIXEL, OUTPUT_HALF_PIXEL } roi_coordinates;
static const char *const modes[] = {"avg", "max", NULL};
static const char *const coordinate_names[] = {"half_pixel", "output_half_pixel", NULL};

static const eg_attr roi_align_attrs[] = {
	OP_PAIR(roi_align_options, output, 1, 1, OP_SIZE_MAX, "output_height", "height and width of y"),
	OP_INT(roi_align_options, sampling_ratio, 0, 0, 1024, "sampling_ratio",
		"points along each side of one of the parts of a region; 0: as many as it has positions"),
	OP_FLOAT(roi_align_options, spatial_scale, 1, 1e-6, 1e6, "spatial_scale",
		"what regions are multiplied with to be in positions of x"),
	OP_ENUM(roi_align_options, mode, modes, "mode", "what is made of the points of a part"),
	OP_ENUM(roi_align_options, coordinates, coordinate_names, "coordinate_transformation_mode",
		"half_pixel: regions are shifted by -1/2 (PyTorch: aligned); output_half_pixel: not, and they are at "
		"least 1 high and wide"),
};

static eg_status roi_align_infer(eg_infer *s) {
	const roi_align_options *o = s->options;
	const eg_dims *rois = &s->in[1], *batch = &s->in[2];
	char text[128];
	if (op_check_picture(s) || op_check_real(s, 1, "rois")) return s->err->status;
	if (rois->rank != 2 || !eg_dim_fits(rois->d[1], 4))
		return eg_fail(s->err, EG_ERR_SHAPE, "rois %s must be (R,4): x1, y1, x2, y2 of each region",
		        eg_dims_text(rois, text, sizeof text));
	if (s->in_type[2] != EG_I32)
		return eg_fail(
		        s->err, EG_ERR_ARG, "batch_indices hold floating-point numbers, integers (EG_I32) are needed");
	if (batch->rank != 1 || !eg_dim_fits(batch->d[0], rois->d[0]))
		return eg_fail(s->err, EG_ERR_SHAPE, "batch_indices %s must be (R), one for each of the regions",
		        eg_dims_text(batch, text, sizeof text));
	if (op_check_no_batch(s, 1, 0, "rois") || op_check_no_batch(s, 2, 0, "batch_indices")) return s->err->status;
	s->out[0] = (eg_dims){4, {eg_dim_surer(rois->d[0], batch->d[0]), s->in[0].d[1], o->output[0], o->output[1]}};
	return EG_OK;
}

static eg_roi_shape shape_of(const eg_emit *e) {
	const roi_align_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	return (eg_roi_shape){.N = (int)x.d[0],
	        .C = (int)x.d[1],
	        .H = (int)x.d[2],
	        .W = (int)x.d[3],
	        .R = (int)y.d[0],
	        .P = (int)y.d[2],
	        .Q = (int)y.d[3],
	        .sampling = o->sampling_ratio,
	        .scale = (real)o->spatial_scale,
	        .max = o->mode == MAXIMUM,
	        .half_pixel = o->coordinates == HALF_PIXEL};
}

static double size_of(const eg_roi_shape *s) {
	const double points = s->sampling ? s->sampling * s->sampling : 4;
	return 16.0 * s->R * s->C * s->P * s->Q * points;
}

static void roi_align_fwd(eg_emit *e) {
	eg_roi_align_args a = {.s = shape_of(e)};
	a.x = eg_emit_x(e, 0, EG_PLAIN);
	a.rois = eg_emit_x(e, 1, EG_PLAIN);
	a.batch = eg_emit_x(e, 2, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	OP_CALL(e, roi_align_fwd, a, 3, 1, .units = a.s.R, .flops = size_of(&a.s));
}

/* Where somebody wants a gradient of the regions they have none but 0. */
static void rois_bwd(eg_emit *e) {
	const eg_walk w = eg_emit_walk_in(e, 1, EG_PLAIN);
	eg_fill_args f = {.unit = w.unit, .total = w.total};
	bool acc;
	if (!eg_emit_needs_dx(e, 1)) return;
	f.y = op_stride(w.block, eg_emit_dx(e, 1, EG_PLAIN, &acc), w.unit);
	if (!acc) OP_CALL(e, fill, f, 0, 1, .block = w.block, .units = w.units, .flops = (double)w.total);
}

static void roi_align_bwd(eg_emit *e) {
	eg_roi_align_bwd_args a = {.s = shape_of(e), .dy = eg_emit_dy(e, 0, EG_PLAIN)};
	if (!a.dy.p) return;
	rois_bwd(e);
	if (!eg_emit_needs_dx(e, 0)) return;
	if (a.s.max) a.x = eg_emit_x(e, 0, EG_PLAIN);
	a.rois = eg_emit_x(e, 1, EG_PLAIN);
	a.batch = eg_emit_x(e, 2, EG_PLAIN);
	a.dx = eg_emit_dx(e, 0, EG_PLAIN, &a.acc);
	OP_CALL(e, roi_align_bwd, a, 4, 1, .units = a.s.N * a.s.C, .flops = size_of(&a.s));
}

/* Regions are random, inside and outside of the pictures, some of them the wrong way round; one picture is not there.
 * No central differences, which regions would have. */
static const int32_t some_pictures[] = {0, 2, 1, 2, 7, 0};
#define ROIS(...) \
	&(const roi_align_options) { __VA_ARGS__ }
#define REGIONS .type = {EG_F32, EG_F32, EG_I32}, .values = OP_VALUES(NULL, NULL, some_pictures), .nin = 3, .ties = true
static const eg_case roi_align_cases[] = {
	{"average", ROIS(.output = {3, 2}, .spatial_scale = 6),
		.in = {OP_DIMS(EG_N, 3, 5, 7), OP_DIMS(2, 4), OP_DIMS(2)}, REGIONS, .batch = 18, .linear = true},
	{"average, so many points, not shifted, open number of regions",
		ROIS(.output = {2, 3}, .sampling_ratio = 2, .spatial_scale = 8, .coordinates = OUTPUT_HALF_PIXEL),
		.in = {OP_DIMS(3, 2, 7, 5), OP_DIMS(EG_NAMED, 4), OP_DIMS(EG_NAMED)}, REGIONS, .batch = 2,
		.sizes = OP_SIZES({"regions", 6}), .linear = true},
	{"largest", ROIS(.output = {2, 2}, .mode = MAXIMUM, .spatial_scale = 6, .sampling_ratio = 3),
		.in = {OP_DIMS(EG_N, 2, 6, 5), OP_DIMS(6, 4), OP_DIMS(6)}, REGIONS, .batch = 3},
};

const eg_op eg_op_roi_align = {
	.info =
		{
			.name = "roi_align",
			.layer = "roi_align",
			.doc = OP_TEXT("Regions of pictures brought to one size, by interpolation"),
			.equation = OP_TEXT("y[r,c,p,q] = mean (or max) over the points of part (p,q) of region r of "
				    "x[batch_indices[r],c] there, interpolated\n"
				    "bilinearly (max: each neighbour times its weight, the largest); x (N,C,H,W), rois "
				    "(R,4), y (R,C,P,Q);\n"
				    "a picture that is not there gives 0; regions have no gradient"),
			.source = OP_TEXT("ONNX RoiAlign-16; He et al. 2017, Mask R-CNN"),
			.attrs = roi_align_attrs,
			.nattrs = EG_COUNT(roi_align_attrs),
			.options_size = sizeof(roi_align_options),
			.shorthand = "output",
			.min_inputs = 3,
			.max_inputs = 3,
			.inputs = (const char *const[]){"x", "rois", "batch_indices"},
			.types = "ffi",
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = roi_align_infer,
	.fwd = roi_align_fwd,
	.bwd = OP_BWD(roi_align_bwd),
	.bwd_reads_x = true,
	.onnx = "RoiAlign",
	.onnx_since = 16,
	OP_CASES(roi_align_cases),
};
