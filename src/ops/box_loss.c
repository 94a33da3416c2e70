/* box_loss.c - the loss of boxes: how much of two of them is the same. Not here: its kernel (kern_losses.h). */
#include "ops/row_loss.h"

typedef struct iou_options {
	const char *name;
	int reduction, axis, kind, boxes;
} iou_options;

static const char *const kinds[] = {"iou", "giou", "diou", "ciou", NULL};
static const char *const forms[] = {"corners", "centre", "sides", NULL};
static const eg_attr iou_attrs[] = {
	OP_REDUCTION(iou_options, "mean: divided by the number of boxes; none: a number for each box"),
	OP_ROW_AXIS(iou_options, -1),
	OP_ENUM(iou_options, kind, kinds, NULL,
		"giou: also what of the box around both is empty; diou: how far the centres are apart; ciou: and the form"),
	OP_ENUM(iou_options, boxes, forms, NULL, "corners: x0, y0, x1, y1; centre: x, y, width, height; sides: how far left, top, right and bottom are from a place in it"),
};

static eg_status check_boxes(const iou_options *o, const eg_dims *declared, const eg_dims *x, eg_error *err) {
	char text[128];
	const int at = op_row_axis(o->axis, declared);
	if (x->rank >= 2 && at >= 0 && x->d[at] == 4) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "boxes %s need their 4 numbers along axis %d", eg_dims_text(x, text, sizeof text), o->axis);
}

static eg_status iou_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	*target = (eg_target_info){.dims = *x, .type = EG_F32, .class_axis = -1, .means = true};
	return check_boxes(options, x, x, err);
}

static eg_status iou_infer(eg_infer *s) {
	const iou_options *o = s->options;
	if (check_boxes(o, &s->declared[0], &s->in[0], s->err)) return s->err->status;
	return op_pairs_infer(s, o->axis, 2, false, o->reduction);
}

static op_row_loss iou_loss(const eg_emit *e) {
	const iou_options *o = eg_emit_options(e);
	return (op_row_loss){.op = EG_ROW_IOU, .axis = o->axis, .reduction = o->reduction, .rows = 2, .kind = o->kind, .a = o->boxes};
}
OP_ROW_CALLS(iou)

#define IOU(...) &(const iou_options){__VA_ARGS__}
#define BOXES(...) .in = {OP_DIMS(__VA_ARGS__), OP_DIMS(__VA_ARGS__)}, .nin = 2, .unequal = true
static const eg_case iou_cases[] = {
	{"corners", NULL, BOXES(EG_N, 4), .batch = 18},
	{"centres", IOU(.boxes = 1), BOXES(EG_N, 4), .batch = 33, .low = 0.2f, .high = 1},
	{"giou, places, each", IOU(.kind = 1, .axis = 1, .reduction = OP_NONE), BOXES(EG_TN, 4, EG_NAMED), .batch = 6, .time = 3,
		.sizes = OP_SIZES({"places", 5})},
	{"diou, sequences, sum", IOU(.kind = 2, .reduction = OP_SUM), BOXES(EG_T, EG_N, 4), .batch = 6, .time = 3},
	{"diou, sides, places", IOU(.kind = 2, .boxes = 2, .axis = 1), BOXES(EG_N, 4, 5), .batch = 18, .low = 0.2f, .high = 1},
	{"giou, sides", IOU(.kind = 1, .boxes = 2), BOXES(EG_N, 4), .batch = 33},
	{"giou, centres", IOU(.kind = 1, .boxes = 1), BOXES(EG_N, 4), .batch = 18, .low = 0.2f, .high = 1},
	/* A share of ciou counts as a constant, which a difference cannot know. */
	{"ciou", IOU(.kind = 3), BOXES(EG_N, 4), .batch = 33, .ties = true},
};

const eg_op eg_op_iou = {
	.info = {
		.name = "iou",
		.doc = OP_TEXT("Loss of boxes: 1 less the share of both that they have in common"),
		.equation = OP_TEXT("row = 1 - I/U, I and U intersection and union of the boxes x and target; with C the smallest box around both:\n"
			"giou + (C-U)/C; diou + (distance of the centres)^2 / (diagonal of C)^2; ciou: diou + alpha v,\n"
			"v = 4/pi^2 (atan(w_target/h_target) - atan(w/h))^2, alpha = v/(1 - I/U + v), which counts as a constant;\n"
			"loss () = mean (or sum) of rows; none: (N,...); x, target (N,...,4); widths and heights below 0 count as 0;\n"
			"where the target has none there is no box, and the row is 0"),
		.source = OP_TEXT("Yu et al. 2016; Rezatofighi et al. 2019 (GIoU); Zheng et al. 2020 (DIoU, CIoU); as torchvision's losses"),
		.shorthand = "kind",
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = (const char *const[]){"x", "target"},
		.outputs = (const char *const[]){"loss", NULL},
		.types = "ff",
		.attrs = iou_attrs,
		.nattrs = EG_COUNT(iou_attrs),
		.options_size = sizeof(iou_options),
	},
	.infer = iou_infer,
	.target = iou_target,
	.fwd = iou_fwd,
	.bwd = OP_BWD(iou_bwd),
	.bwd_reads_x = true,
	OP_CASES(iou_cases),
};
