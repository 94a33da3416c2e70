/* intake_picture.c - pictures as an input: bytes brought to the size of the input and normalised, (byte / 255 - mean) /
 * std.
 *
 * One way for all: a picture of the data, a file that is to be answered and the contents of one become bytes of the
 * input's size first, and these become numbers. So what a model says of a picture does not depend on where it came
 * from.
 *
 * Not here: decoding and resizing (src/data/picture.c). */
#include "tasks/intake.h"

#include <math.h>
#include <string.h>

typedef struct picture_intake {
	eg_intake base;
	eg_numbers mean_key, std_key;
	bool resize;
	bool known;
	int channels; /* of mean and std: 1 or 3 */
	float mean[3], std[3];
	/* of the training pictures, while they are looked at */
	uint64_t sum[3], squares[3];
	double pixels;
	/* brightness of their outermost pixels, 0 black to 1 white; NAN: not known */
	double border, border_low, border_high;
	int64_t looked;
	eg_real mul[3], add[3]; /* byte * mul + add */
} picture_intake;

static const eg_key keys[] = {
	{.name = "mean",
		.type = EG_KEY_NUMBERS,
		.count = 3,
		.offset = offsetof(picture_intake, mean_key),
		.min = -1e9,
		.max = 1e9,
		.def = NAN,
		.doc = "pictures: subtracted from the input, one a channel; left out: measured on the training "
		       "samples"},
	{.name = "std",
		.type = EG_KEY_NUMBERS,
		.count = 3,
		.offset = offsetof(picture_intake, std_key),
		.min = EG_ABOVE_0,
		.max = 1e9,
		.def = NAN,
		.doc = "pictures: the input is divided by it, likewise"},
	{.name = "resize",
		.type = EG_KEY_BOOL,
		.offset = offsetof(picture_intake, resize),
		.def = 0,
		.doc = "pictures of a set that all have one size: bring them to the input's (default: false, another "
		       "size is an error). Files of "
		       "any size always are"},
};

/* ---- shape ------------------------------------------------------------------------------------------------------- */

/* Channels, height and width of the input; 0: open, or (a plain row of numbers) as the picture has it. */
static void shape_of(const eg_intake *f, int shape[3]) {
	const eg_dims *d = &f->sample;
	shape[0] = shape[1] = shape[2] = 0;
	if (d->rank == 2) shape[0] = 1;
	for (int i = 0; (d->rank == 3 || d->rank == 2) && i < d->rank; i++)
		if (d->d[i] > 0) shape[3 - d->rank + i] = (int)d->d[i];
}

static eg_status check_size(const eg_intake *f, const eg_field *field, eg_error *err) {
	const eg_dims *in = &f->sample;
	const int sizes[3] = {field->C, field->H, field->W};
	int64_t values = 1;
	bool same = true;
	for (int i = 0; i < in->rank; i++) values *= in->d[i] > 0 ? in->d[i] : sizes[in->rank == 3 ? i : 0];
	for (int i = 0; i < 3 && in->rank == 3; i++) same &= in->d[i] < 0 || in->d[i] == sizes[i];
	if (((const picture_intake *)f)->resize || field->C == 0 ||
	        (same && values == (int64_t)field->C * field->H * field->W))
		return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE,
	        "its pictures are %d x %d x %d; write input: [%d, %d, %d], or resize: true in 'data'", field->C,
	        field->H, field->W, field->C, field->H, field->W);
}

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	if (d->rank < 1 || d->rank > 3)
		return eg_fail(err, EG_ERR_SHAPE,
		        "an input of pictures has 1 to 3 sizes: [channels, height, width], not %d", d->rank);
	if (d->rank == 3 && d->d[0] != 1 && d->d[0] != 3)
		return eg_fail(err, EG_ERR_SHAPE,
		        "the input has %d channels; pictures have 1 (grey) or 3 (colour): write it as [channels, "
		        "height, width]",
		        (int)d->d[0]);
	EG_UNUSED(f);
	return EG_OK;
}

static eg_status meet(eg_intake *f, const eg_field *field, eg_error *err) { return check_size(f, field, err); }

/* ---- what is known of the training pictures ---------------------------------------------------------------------- */

static eg_status open_intake(eg_intake *f, eg_recipe *r, eg_error *err) {
	picture_intake *p = (picture_intake *)f;
	p->border = p->border_low = p->border_high = NAN;
	if ((p->mean_key.n > 0) == (p->std_key.n > 0)) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "give both 'mean' and 'std', or none of them to have them measured");
	eg_recipe_locate(r, p->mean_key.n ? "data.mean" : "data.std", err);
	return EG_ERR_ARG;
}

static bool is_known(const eg_intake *f) { return ((const picture_intake *)f)->known; }

static void set_known(picture_intake *p) {
	for (int c = 0; c < 3; c++) {
		int from = c < p->channels ? c : p->channels - 1;
		double mean = (double)p->mean[from], std = p->std[from] > 0 ? (double)p->std[from] : 1;
		p->mul[c] = (eg_real)(1 / (255 * std));
		p->add[c] = (eg_real)(-mean / std);
	}
	p->known = true;
}

static eg_status begin(eg_intake *f, const eg_field *field, eg_error *err) {
	picture_intake *p = (picture_intake *)f;
	memset(p->sum, 0, sizeof p->sum);
	memset(p->squares, 0, sizeof p->squares);
	p->pixels = 0;
	p->looked = 0;
	p->border = 0, p->border_low = 2, p->border_high = -1;
	return check_size(f, field, err);
}

static void add_plane(picture_intake *p, int c, const uint8_t *x, size_t plane) {
	for (size_t from = 0; from < plane; from += 4096) { /* 32 bits hold 4096 squares: narrow sums vectorise */
		size_t to = from + 4096 < plane ? from + 4096 : plane;
		uint32_t s = 0, q = 0;
		for (size_t j = from; j < to; j++) s += x[j], q += (uint32_t)x[j] * x[j];
		p->sum[c] += s, p->squares[c] += q;
	}
}

static eg_status look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	picture_intake *p = (picture_intake *)f;
	const uint8_t *pixels;
	int shape[3];
	eg_status status = eg_intake_picture(f, d, (eg_record *)r, &pixels, shape, err);
	if (status) return status;
	size_t plane = (size_t)shape[1] * (size_t)shape[2];
	p->channels = shape[0];
	if (!p->mean_key.n)
		for (int c = 0; c < shape[0]; c++) add_plane(p, c, pixels + (size_t)c * plane, plane);
	p->pixels += (double)plane;
	double border = eg_picture_border(
	        &(eg_picture){.C = shape[0], .H = shape[1], .W = shape[2], .pixels = (uint8_t *)pixels});
	p->border += border;
	p->border_low = fmin(p->border_low, border);
	p->border_high = fmax(p->border_high, border);
	p->looked++;
	return EG_OK;
}

static eg_status looked(eg_intake *f, eg_error *err) {
	picture_intake *p = (picture_intake *)f;
	if (p->looked == 0) return eg_fail(err, EG_ERR_ARG, "there are no pictures to train on");
	p->border /= (double)p->looked;
	if (p->mean_key.n) {
		if ((p->mean_key.n != 1 && p->mean_key.n != p->channels) ||
		        (p->std_key.n != 1 && p->std_key.n != p->channels))
			return eg_fail(err, EG_ERR_ARG, "%d means and %d deviations for pictures of %d channel%s",
			        p->mean_key.n, p->std_key.n, p->channels, p->channels == 1 ? "" : "s");
		for (int c = 0; c < p->channels; c++) {
			p->mean[c] = (float)p->mean_key.at[p->mean_key.n == 1 ? 0 : c];
			p->std[c] = (float)p->std_key.at[p->std_key.n == 1 ? 0 : c];
		}
	}
	for (int c = 0; c < p->channels && !p->mean_key.n; c++) {
		double mean = (double)p->sum[c] / p->pixels, variance = (double)p->squares[c] / p->pixels - mean * mean;
		p->mean[c] = (float)(mean / 255);
		p->std[c] = variance > 0 ? (float)(sqrt(variance) / 255) : 1;
	}
	set_known(p);
	return EG_OK;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* Into room of the record: the picture at this size, as bytes. */
static eg_status resize(
	const eg_picture *pic, const int shape[3], eg_record *r, const uint8_t **pixels, eg_error *err) {
	uint8_t *out = eg_record_room(r, (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2]);
	*pixels = out;
	return out ? eg_picture_bytes(pic, shape[0], shape[1], shape[2], out, err)
	           : eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
}

/* An open size is the picture's own; where the other one is the network's, the picture keeps its form. */
static void open_sizes(const eg_datum_picture *p, int shape[3]) {
	const int H = shape[1], W = shape[2];
	if (!shape[0]) shape[0] = p->C;
	if (!H) shape[1] = W && p->W > 0 && W != p->W ? (int)fmax(1, round((double)p->H * W / p->W)) : p->H;
	if (!W) shape[2] = H && p->H > 0 && H != p->H ? (int)fmax(1, round((double)p->W * H / p->H)) : p->W;
}

eg_status eg_intake_picture(
	const eg_intake *f, const eg_datum *d, eg_record *r, const uint8_t **pixels, int shape[3], eg_error *err) {
	eg_picture pic = {
	        .C = d->picture.C, .H = d->picture.H, .W = d->picture.W, .pixels = (uint8_t *)d->picture.pixels};
	shape_of(f, shape);
	open_sizes(&d->picture, shape);
	*pixels = pic.pixels;
	if (pic.C == shape[0] && pic.H == shape[1] && pic.W == shape[2]) return EG_OK;
	return resize(&pic, shape, r, pixels, err);
}

void eg_intake_picture_scale(const eg_intake *f, int channel, double *black, double *white) {
	const picture_intake *p = (const picture_intake *)f;
	*black = (double)p->add[channel];
	*white = 255 * (double)p->mul[channel] + (double)p->add[channel];
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	int sizes[3];
	EG_UNUSED(r), EG_UNUSED(err);
	shape_of(f, sizes);
	open_sizes(&d->picture, sizes);
	*size = sizes[axis + 3 - f->sample.rank];
	return EG_OK;
}

enum { AHEAD = 3 };

/* Pictures come in random order from memory that no cache holds: they are asked for while others are converted. */
static void ask_for(const eg_datum *d) {
#if defined(__GNUC__)
	size_t size = (size_t)d->picture.C * (size_t)d->picture.H * (size_t)d->picture.W;
	for (size_t i = 0; i < size && i < 4096; i += 64) __builtin_prefetch(d->picture.pixels + i);
#else
	EG_UNUSED(d);
#endif
}

/* Were all training pictures on black, or on white? */
static bool on_black(const picture_intake *p) { return p->border < 0.25 && (isnan(p->border_high) || p->border_high < 0.5); }
static bool on_white(const picture_intake *p) { return p->border > 0.75 && (isnan(p->border_low) || p->border_low > 0.5); }

/* What is left over around a picture: more of the ground that all of them are on, or else the mean, zero. */
static eg_real ground_of(const picture_intake *p, int c) {
	return on_black(p) ? p->add[c] : on_white(p) ? 255 * p->mul[c] + p->add[c] : 0;
}

/* One picture into its place, which may be larger: then something is left over below and on the right. */
static void put(const picture_intake *p, const uint8_t *pixels, const int shape[3], eg_real *out, int H, int W) {
	size_t plane = (size_t)shape[1] * (size_t)shape[2];
	for (int c = 0; c < shape[0]; c++, out += (ptrdiff_t)H * W, pixels += plane) {
		if (shape[1] == H && shape[2] == W) {
			eg_bytes_to_real(out, pixels, plane, p->mul[c], p->add[c]);
			continue;
		}
		const eg_real ground = ground_of(p, c);
		for (ptrdiff_t i = 0; i < (ptrdiff_t)H * W; i++) out[i] = ground;
		for (int y = 0; y < shape[1]; y++)
			eg_bytes_to_real(out + (ptrdiff_t)y * W, pixels + (ptrdiff_t)y * shape[2], (size_t)shape[2],
			        p->mul[c], p->add[c]);
	}
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const picture_intake *p = (const picture_intake *)f;
	int64_t each = 1;
	for (int i = 1; i < a->dims.rank; i++) each *= a->dims.d[i];
	for (int i = 0; i < AHEAD && i < a->n; i++) ask_for(a->data[i]);
	for (int i = 0; i < a->n; i++) {
		const uint8_t *pixels;
		int shape[3];
		eg_record *r = eg_fill_record(a, i);
		if (i + AHEAD < a->n) ask_for(a->data[i + AHEAD]);
		eg_status status = eg_intake_picture(f, a->data[i], r, &pixels, shape, err);
		if (status) return status;
		bool row = a->dims.rank == 2 && f->sample.rank == 1;
		int H = row ? shape[1] : (int)a->dims.d[a->dims.rank - 2],
		    W = row ? shape[2] : (int)a->dims.d[a->dims.rank - 1];
		if ((int64_t)shape[0] * H * W != each)
			return eg_fail(err, EG_ERR_SHAPE, "%s: a picture of %d x %d x %d does not fill %lld numbers",
			        r->place ? r->place
			        : r->id  ? r->id
			                 : "the record",
			        shape[0], shape[1], shape[2], (long long)each);
		put(p, pixels, shape, (eg_real *)a->slot + i * each, H, W);
	}
	return EG_OK;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* Grey, in one channel or in three that agree? */
static bool is_grey(const eg_picture *p) {
	size_t plane = (size_t)p->H * (size_t)p->W;
	return p->C == 1 || (memcmp(p->pixels, p->pixels + plane, plane) == 0 &&
	                            memcmp(p->pixels, p->pixels + 2 * plane, plane) == 0);
}

/* Ink on paper for a model that learnt from chalk, or the other way round: a grey picture whose border is on the other
 * side of grey from all those of training, which were nearly black, or nearly white. The border is measured as theirs
 * was, at the input's size: so what was learnt from is never inverted. */
static eg_status looks_inverted(const picture_intake *p, const eg_picture *pic, eg_record *r, bool *inverted, eg_error *err) {
	const eg_datum d = {.there = true, .picture = {pic->C, pic->H, pic->W, pic->pixels}};
	const uint8_t *pixels;
	int shape[3];
	*inverted = false;
	const bool black = on_black(p), white = on_white(p);
	if (!(black || white) || !is_grey(pic)) return EG_OK;
	eg_status status = eg_intake_picture(&p->base, &d, r, &pixels, shape, err);
	if (status) return status;
	double border = eg_picture_border(
	        &(eg_picture){.C = shape[0], .H = shape[1], .W = shape[2], .pixels = (uint8_t *)pixels});
	*inverted = (black && border > 0.5) || (white && border < 0.5);
	return EG_OK;
}

static eg_status decode(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	const picture_intake *p = (const picture_intake *)f;
	const eg_picture_options o = {.shrink = true};
	eg_picture pic = {0};
	bool auto_invert = *remark == EG_INVERT_AUTO, invert = *remark == EG_INVERT_YES;
	eg_status status = eg_picture_decode(bytes, size, name, &o, &pic, err);
	if (status) return status;
	size_t n = (size_t)pic.C * (size_t)pic.H * (size_t)pic.W;
	uint8_t *own = eg_record_room(r, n);
	if (own && auto_invert) status = looks_inverted(p, &pic, r, &invert, err);
	if (own && !status) {
		for (size_t i = 0; i < n; i++) own[i] = (uint8_t)(invert ? 255 - pic.pixels[i] : pic.pixels[i]);
		*d = (eg_datum){.there = true, .picture = {pic.C, pic.H, pic.W, own}};
		*remark = invert;
	}
	eg_picture_free(&pic);
	if (own) return status;
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
}

/* The path of a file. */
static eg_status decode_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	char *data = NULL;
	size_t size = 0;
	if (!eg_value_text(v))
		return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be the path of a picture", name, f->name);
	eg_status status = eg_file_read_regular(NULL, eg_value_text(v), 0, &data, &size, err);
	if (!status) status = decode(f, data, size, eg_value_text(v), r, d, remark, err);
	eg_release(NULL, data);
	return status;
}

static void tell(const eg_intake *f, int remark, eg_value *answer) {
	EG_UNUSED(f);
	eg_value_put_bool(answer, "inverted", remark != 0);
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

static void save(const eg_intake *f, eg_value *map) {
	const picture_intake *p = (const picture_intake *)f;
	if (eg_value_get(map, "mean")) return; /* a target that is the input: it is there already */
	eg_value *mean = eg_value_put_list(map, "mean"), *std = eg_value_put_list(map, "std");
	for (int c = 0; c < p->channels; c++) {
		eg_value_put_number(mean, NULL, (double)p->mean[c]);
		eg_value_put_number(std, NULL, p->std[c] > 0 ? (double)p->std[c] : 1);
	}
	if (isnan(p->border)) return;
	eg_value_put_number(map, "border", p->border);
	eg_value *range = eg_value_put_list(map, "borders");
	eg_value_put_number(range, NULL, p->border_low);
	eg_value_put_number(range, NULL, p->border_high);
}

/* Models of before the border was stored: only the training pictures' mean is known. Dark ones are taken to have a
 * black border, bright ones a white one. */
static double guess_border(const picture_intake *p) {
	double mean = 0;
	for (int c = 0; c < p->channels; c++) mean += (double)p->mean[c] / p->channels;
	return mean <= 0 ? (double)NAN : mean < 0.4 ? 0 : mean > 0.6 ? 1 : (double)NAN;
}

static eg_status damaged(eg_error *err, const char *what) { return eg_fail(err, EG_ERR_FORMAT, "damaged: %s", what); }

static eg_status restore(eg_intake *f, const eg_value *map, eg_error *err) {
	picture_intake *p = (picture_intake *)f;
	const eg_value *mean = eg_value_get(map, "mean"), *std = eg_value_get(map, "std"),
	               *borders = eg_value_get(map, "borders");
	p->channels = (int)eg_value_count(mean);
	if (p->channels != 1 && p->channels != 3) return damaged(err, "the mean of the training pictures");
	if (eg_value_count(std) != p->channels)
		return eg_fail(err, EG_ERR_FORMAT, "damaged: %d values of 'mean', but %d of 'std'", p->channels,
		        (int)eg_value_count(std));
	int shape[3];
	shape_of(f, shape);
	if (shape[0] && shape[0] != p->channels)
		return eg_fail(err, EG_ERR_FORMAT,
		        "damaged: a mean of %d channels for pictures of %d channel%s ('%s')", p->channels, shape[0],
		        shape[0] == 1 ? "" : "s", f->input);
	for (int c = 0; c < p->channels; c++) {
		double m = eg_value_number(eg_value_at(mean, c), NAN), s = eg_value_number(eg_value_at(std, c), NAN);
		if (!(fabs(m) <= 1e9)) return damaged(err, "the mean of the training pictures is no number");
		if (!(s >= 1e-30 && s <= 1e9)) /* as a recipe may say, and no zero as a float */
			return eg_fail(err, EG_ERR_FORMAT, "damaged: a standard deviation of %g", s);
		p->mean[c] = (float)m, p->std[c] = (float)s;
	}
	p->border = eg_value_number(eg_value_get(map, "border"), guess_border(p));
	if (eg_value_get(map, "border") && !(p->border >= 0 && p->border <= 1))
		return damaged(err, "'border' is not a brightness from 0 to 1");
	p->border_low = eg_value_number(eg_value_at(borders, 0), NAN);
	p->border_high = eg_value_number(eg_value_at(borders, 1), NAN);
	set_known(p);
	return EG_OK;
}

const eg_intake_type eg_intake_picture_type = {.kind = EG_FIELD_PICTURE,
	.size = sizeof(picture_intake),
	.keys = {keys, EG_COUNT(keys)},
	.open = open_intake,
	.fits = fits,
	.is_known = is_known,
	.begin = begin,
	.look = look,
	.looked = looked,
	.extent = extent,
	.fill = fill,
	.decode = decode,
	.decode_json = decode_json,
	.tell = tell,
	.save = save,
	.restore = restore,
	.meet = meet};
