/* samples.c - from a recipe's data section to what the training loop takes. See samples.h. */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the data section -------------------------------------------------------------------------------------------- */

static eg_status find_source(eg_recipe *r, data_section *d, eg_error *err) {
	const char *name, *names[64];
	int n = 0;
	eg_status status = eg_recipe_string(r, "data.source", NULL, &name, err);
	if (status) return status;
	d->info = name ? eg_data_find(name) : NULL;
	if (d->info) return EG_OK;
	for (; n < eg_data_count() && n < 64; n++) names[n] = eg_data_at(n)->name;
	const char *meant = name ? did_you_mean(name, names, n) : NULL;
	if (meant)
		cli_error(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", name, meant);
	else
		cli_error(err, EG_ERR_ARG, "no data source '%s'; 'engram data list' shows those there are",
			name ? name : "");
	eg_recipe_locate(r, "data.source", err);
	return err->status;
}

/* data.classes: how many; data.class_names: what they are called. */
static eg_status read_classes(eg_recipe *r, data_section *d, eg_error *err) {
	double classes;
	char path[48];
	int n = 0;
	eg_status status = eg_recipe_number(r, "data.classes", 0, 1, 65536, &classes, err);
	if (status || !eg_recipe_has(r, "data.class_names")) {
		d->options.classes = (int)classes;
		return status;
	}
	while (snprintf(path, sizeof path, "data.class_names.%d", n), eg_recipe_has(r, path)) n++;
	d->class_names = cli_alloc((size_t)(n + 1) * sizeof *d->class_names);
	for (int i = 0; i < n && !status; i++) {
		snprintf(path, sizeof path, "data.class_names.%d", i);
		status = eg_recipe_string(r, path, NULL, &d->class_names[i], err);
	}
	if (!status && (n == 0 || (classes > 0 && n != (int)classes))) {
		status = cli_error(err, EG_ERR_ARG,
			"'class_names' must be a list of as many names as there are classes; it has %d", n);
		eg_recipe_locate(r, "data.class_names", err);
	}
	d->options.classes = n;
	d->options.class_names = d->class_names;
	return status;
}

static eg_status read_files(eg_recipe *r, data_section *d, eg_error *err) {
	if (d->info->nfiles) return eg_recipe_string(r, "data.path", NULL, &d->options.folder, err);
	eg_status status = eg_recipe_string(r, "data.images", NULL, &d->options.images, err);
	if (!status) status = eg_recipe_string(r, "data.labels", NULL, &d->options.labels, err);
	if (!status) status = eg_recipe_string(r, "data.test_images", NULL, &d->options.test_images, err);
	if (!status) status = eg_recipe_string(r, "data.test_labels", NULL, &d->options.test_labels, err);
	return status ? status : read_classes(r, d, err);
}

eg_status data_section_read(eg_recipe *r, data_section *d, eg_error *err) {
	double limit;
	*d = (data_section){0};
	eg_status status = find_source(r, d, err);
	if (!status) status = read_files(r, d, err);
	if (!status) status = eg_recipe_number(r, "data.validation", 0, 0, 0.999, &d->validation, err);
	if (!status) status = eg_recipe_number(r, "data.limit", 0, 1, 1e9, &limit, err);
	if (!status) status = eg_recipe_numbers(r, "data.mean", d->mean, 3, &d->nmean, err);
	if (!status) status = eg_recipe_numbers(r, "data.std", d->std, 3, &d->nstd, err);
	if (!status) status = eg_recipe_check_known(r, "data", err);
	if (!status && (d->nmean > 0) != (d->nstd > 0)) {
		status = cli_error(
			err, EG_ERR_ARG, "give both 'mean' and 'std', or none of them to have them measured");
		eg_recipe_locate(r, d->nmean ? "data.mean" : "data.std", err);
	}
	if (status)
		data_section_free(d);
	else
		d->limit = (int64_t)limit;
	return status;
}

void data_section_free(data_section *d) {
	free(d->class_names);
	d->class_names = NULL;
}

eg_status data_section_classes(const data_section *d, int *classes, eg_error *err) {
	eg_pictures *p;
	*classes = d->options.classes > 0 ? d->options.classes : d->info->classes;
	if (*classes > 0) return EG_OK;
	eg_status status = eg_data_load(d->info->name, "train", &d->options, &p, err);
	if (status) return status;
	*classes = p->classes;
	eg_pictures_free(p);
	return EG_OK;
}

eg_status data_section_shape(const data_section *d, const eg_recipe *r, int shape[3], eg_error *err) {
	eg_dims in = eg_recipe_input(r);
	const eg_data_info *s = d->info;
	shape[0] = 1, shape[1] = 1, shape[2] = 1;
	if (in.rank == 3 || in.rank == 2) {
		for (int i = 0; i < in.rank; i++) shape[3 - in.rank + i] = (int)in.d[i];
		return EG_OK;
	}
	if (in.rank == 1 && s->C > 0 && in.d[0] == (int64_t)s->C * s->H * s->W) {
		shape[0] = s->C, shape[1] = s->H, shape[2] = s->W;
		return EG_OK;
	}
	return cli_error(err, EG_ERR_SHAPE,
		"the recipe's 'input' does not say how high and wide a picture is; write it as "
		"[channels, height, width]");
}

eg_status data_section_fits(const data_section *d, const eg_recipe *r, int C, int H, int W, eg_error *err) {
	eg_dims in = eg_recipe_input(r);
	int64_t values = 1;
	bool same = in.rank != 3 || (in.d[0] == C && in.d[1] == H && in.d[2] == W);
	for (int i = 0; i < in.rank; i++) values *= in.d[i];
	if (same && values == (int64_t)C * H * W) return EG_OK;
	cli_error(err, EG_ERR_SHAPE, "the pictures of '%s' are %d x %d x %d; write input: [%d, %d, %d]", d->info->name,
		C, H, W, C, H, W);
	eg_recipe_locate(r, "input", err);
	return err->status;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static double of_channel(const double *values, int n, int c) { return values[n == 1 ? 0 : c]; }

static eg_status choose_scale(
	samples *s, const data_section *d, const eg_recipe *r, const uint32_t *items, int64_t n, eg_error *err) {
	int C = s->pictures->C;
	if (!d->nmean) {
		s->scale = eg_pictures_statistics(s->pictures, items, n);
		return EG_OK;
	}
	if ((d->nmean != 1 && d->nmean != C) || (d->nstd != 1 && d->nstd != C)) {
		cli_error(err, EG_ERR_ARG, "%d means and %d deviations for pictures of %d channel%s", d->nmean, d->nstd,
			C, C == 1 ? "" : "s");
		eg_recipe_locate(r, "data.mean", err);
		return err->status;
	}
	for (int c = 0; c < C && c < 3; c++) {
		s->scale.mean[c] = (float)of_channel(d->mean, d->nmean, c);
		s->scale.std[c] = (float)of_channel(d->std, d->nstd, c);
	}
	return EG_OK;
}

static eg_status add_part(samples *s, split which, const uint32_t *items, int64_t n, eg_error *err) {
	s->parts[which] = eg_picture_dataset_new(s->pictures, items, n, &s->scale, "input", "target", err);
	return s->parts[which] ? EG_OK : err->status;
}

static eg_status cut(
	samples *s, const data_section *d, const eg_recipe *r, const eg_picture_scale *scale, eg_error *err) {
	const eg_pictures *p = s->pictures;
	int64_t ntrain, nvalidation;
	uint32_t *train = cli_alloc((size_t)p->count * sizeof *train),
		 *validation = cli_alloc((size_t)p->count * sizeof *validation);
	eg_status status = eg_split_stratified(p->labels, p->count, d->validation, eg_recipe_train(r)->seed, train,
		&ntrain, validation, &nvalidation, err);
	if (!status && ntrain == 0)
		status = cli_error(err, EG_ERR_ARG,
			"of %lld pictures none is left to train on; make 'validation' smaller", (long long)p->count);
	if (!status && scale)
		s->scale = *scale;
	else if (!status)
		status = choose_scale(s, d, r, train, ntrain, err);
	if (!status) status = add_part(s, SPLIT_TRAIN, train, ntrain, err);
	if (!status && nvalidation > 0) status = add_part(s, SPLIT_VALIDATION, validation, nvalidation, err);
	free(train);
	free(validation);
	return status;
}

eg_status samples_load(samples *s, const data_section *d, const eg_recipe *r, bool test, const eg_picture_scale *scale,
	eg_error *err) {
	eg_data_options o = d->options;
	*s = (samples){0};
	o.limit = test ? 0 : d->limit;
	eg_status status = eg_data_load(d->info->name, test ? "test" : "train", &o, &s->pictures, err);
	if (!status) status = data_section_fits(d, r, s->pictures->C, s->pictures->H, s->pictures->W, err);
	if (!status && s->pictures->count < 1)
		status = cli_error(err, EG_ERR_ARG, "the data set '%s' is empty", d->info->name);
	if (!status && test) {
		s->scale = scale ? *scale : (eg_picture_scale){0};
		status = add_part(s, SPLIT_TEST, NULL, 0, err);
	} else if (!status) {
		status = cut(s, d, r, scale, err);
	}
	if (status) samples_free(s);
	return status;
}

void samples_free(samples *s) {
	for (int i = 0; i < 3; i++) eg_picture_dataset_free(s->parts[i]);
	eg_pictures_free(s->pictures);
	*s = (samples){0};
}

int64_t samples_count(const samples *s, split which) {
	return s->parts[which] ? eg_picture_dataset_get(s->parts[which])->count : 0;
}

eg_picture_scale samples_model_scale(const eg_model *m) {
	eg_picture_scale scale = {0};
	const double *mean, *std;
	int n;
	eg_model_normalisation(m, &mean, &std, &n);
	for (int c = 0; c < 3 && n > 0; c++) {
		scale.mean[c] = (float)mean[c < n ? c : n - 1];
		scale.std[c] = (float)std[c < n ? c : n - 1];
	}
	return scale;
}
