/* samples.h - from a recipe's data section to what the training loop takes: pictures, their split, their scale. */
#ifndef ENGRAM_SAMPLES_H
#define ENGRAM_SAMPLES_H

#include "cli.h"

/* What a recipe says of its data. Strings belong to the recipe. */
typedef struct data_section {
	const eg_data_info *info;
	eg_data_options options;
	const char **class_names; /* of the recipe, or NULL */
	double validation;
	int64_t limit; /* of the training pictures; 0: all */
	double mean[3], std[3];
	int nmean, nstd;
} data_section;

/* Reads and checks the section; nothing is loaded. */
eg_status data_section_read(eg_recipe *r, data_section *d, eg_error *err);
void data_section_free(data_section *d);
/* How many classes there are: by the recipe, by the table of sources, or else by the training labels. */
eg_status data_section_classes(const data_section *d, int *classes, eg_error *err);
/* Channels, height and width of what the recipe's network takes. */
eg_status data_section_shape(const data_section *d, const eg_recipe *r, int shape[3], eg_error *err);
/* Are pictures of this size what the network takes? */
eg_status data_section_fits(const data_section *d, const eg_recipe *r, int C, int H, int W, eg_error *err);

typedef enum split { SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_TEST } split;

typedef struct samples {
	eg_pictures *pictures;
	eg_picture_scale scale;
	eg_picture_dataset *parts[3]; /* by split; NULL: not loaded, or empty */
} samples;

/* The training pictures (which are cut into training and validation as the recipe says), or with `test` those of the
 * test. scale NULL: as the recipe says, or measured on the training part. */
eg_status samples_load(
	samples *s, const data_section *d, const eg_recipe *r, bool test, const eg_picture_scale *scale, eg_error *err);
void samples_free(samples *s);
int64_t samples_count(const samples *s, split which);
/* How a model's file says that bytes become numbers. */
eg_picture_scale samples_model_scale(const eg_model *m);

#endif
