/* inspect_picture.c - engram inspect of a network that takes pictures: what one of its answers comes from. */
#include "inspect_picture.h"

#include "engram_report.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "3,4": n numbers from 0; false after a message. */
static bool read_places(const cli_args *a, const char *name, int n, const char *what, int *to) {
	const char *at = args_text(a, name);
	for (int i = 0; i < n; i++) {
		char *end;
		const long v = strtol(at, &end, 10);
		if (end == at || v < 0 || v > INT32_MAX || *end != (i + 1 < n ? ',' : '\0'))
			return fail_usage("inspect", "--%s takes %s, from 0, not '%s'", name, what, args_text(a, name)), false;
		to[i] = (int)v, at = end + 1;
	}
	return true;
}

static const char *class_or_number(const eg_value *map, char buf[NUMBER]) {
	const char *class = eg_value_text(eg_value_get(map, eg_value_get(map, "class") ? "class" : "name"));
	const char *number = eg_value_text(eg_value_get(map, "number"));
	if (class || number) return text_shown(class ? class : number);
	snprintf(buf, NUMBER, "number %lld", (long long)eg_value_int(eg_value_get(map, "number"), 0));
	return buf;
}

static double number_at(const eg_value *map, const char *key) { return eg_value_number(eg_value_get(map, key), (double)NAN); }

static void print_facts(const eg_value *facts) {
	char buf[NUMBER];
	const eg_value *of = eg_value_get(facts, "of"), *pixel = eg_value_get(of, "pixel"), *box = eg_value_get(of, "box"), *unit = eg_value_get(facts, "unit"),
	               *sum = eg_value_get(facts, "integrated_gradients"), *base = eg_value_get(facts, "baseline"), *sees = eg_value_get(unit, "sees"),
	               *truth = eg_value_get(facts, "truth"), *cam = eg_value_get(facts, "grad_cam"), *note = eg_value_get(facts, "note");
	printf("%s: ", text_shown(eg_value_text(eg_value_get(facts, "picture"))));
	for (const eg_value *v = eg_value_first(eg_value_get(facts, "answers")); v; v = eg_value_next(v)) {
		printf("%s%s", v == eg_value_first(eg_value_get(facts, "answers")) ? "" : ", ", class_or_number(v, buf));
		if (eg_value_get(v, "probability"))
			printf(" %s", number_probability(buf, number_at(v, "probability")));
		else
			printf(" is %.4g", number_at(v, "value"));
	}
	if (truth && eg_value_text(truth)) printf("; the data says %s", text_shown(eg_value_text(truth)));
	if (truth && !eg_value_text(truth)) printf("; the data says %.4g", eg_value_number(truth, 0));
	const char *beside = eg_value_text(eg_value_get(of, "beside"));
	printf("\n\nExplained is %s", class_or_number(of, buf));
	if (beside) printf(" to %s", text_shown(beside));
	if (box) {
		double side[4];
		for (int i = 0; i < 4; i++) side[i] = eg_value_number(eg_value_at(box, i), 0);
		printf(", the box of %.0f x %.0f pixels from row %.0f, column %.0f of the %lld x %lld that the network sees, score %s, by its cell's middle",
			side[3] - side[1], side[2] - side[0], side[1], side[0], (long long)eg_value_int(eg_value_at(eg_value_get(facts, "size"), 1), 0),
			(long long)eg_value_int(eg_value_at(eg_value_get(facts, "size"), 2), 0), number_probability(buf, number_at(of, "score")));
	}
	if (pixel)
		printf(" at row %lld, column %lld", (long long)eg_value_int(eg_value_at(pixel, 0), 0), (long long)eg_value_int(eg_value_at(pixel, 1), 0));
	printf(", of which the network puts out %.4g.\n", number_at(facts, "value"));
	const char *ground = eg_value_text(eg_value_get(base, "what"));
	printf("Integrated gradients: %.4g where all is %s, the pixels add %.4g; %.2g are missing after %lld steps.\n", number_at(base, "value"),
		!strcmp(ground, "mean") ? "the mean colour" : ground, number_at(sum, "sum"), number_at(sum, "error"),
		(long long)eg_value_int(eg_value_get(sum, "steps"), 0));
	if (cam) printf("Grad-CAM: layer %s.\n", text_shown(eg_value_text(eg_value_get(cam, "layer"))));
	if (sees)
		printf("Its unit of channel %lld, row %lld, column %lld sees %lld x %lld pixels from row %lld, column %lld.\n",
			(long long)eg_value_int(eg_value_get(unit, "channel"), 0), (long long)eg_value_int(eg_value_get(unit, "row"), 0),
			(long long)eg_value_int(eg_value_get(unit, "column"), 0), (long long)eg_value_int(eg_value_at(sees, 2), 0),
			(long long)eg_value_int(eg_value_at(sees, 3), 0), (long long)eg_value_int(eg_value_at(sees, 0), 0),
			(long long)eg_value_int(eg_value_at(sees, 1), 0));
	if (note) fail("inspect", "note: %s", eg_value_text(note));
}

static void show(const cli_args *a, const eg_picture_why *w) {
	if (args_has(a, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "model", a->operands[0]);
		for (const eg_value *f = eg_value_first(eg_picture_why_facts(w)); f; f = eg_value_next(f)) eg_value_put_copy(v, eg_value_key(f), f);
		eg_value *files = eg_value_put_list(v, "files");
		for (int k = 0; eg_picture_why_file(w, k); k++) eg_value_put_text(files, NULL, eg_picture_why_file(w, k));
		print_json(v);
		eg_value_free(v);
		return;
	}
	int n = 0;
	print_facts(eg_picture_why_facts(w));
	while (eg_picture_why_file(w, n)) n++;
	printf("\nWritten: %s and %d pictures beside it\n", text_shown(eg_picture_why_file(w, 0)), n - 1);
}

/* An auto-encoder: there is a page of its whole data. */
int inspect_rebuilt(const cli_args *a, eg_model *m, const char *path) {
	static const char *const others[] = {"text", "text-file", "record", "of", "pixel", "layer", "unit", "window"};
	eg_error err = {0};
	if (path) return fail_usage("inspect", "of an auto-encoder pictures of its own data are shown; what it makes of %s: engram predict %s %s -o DIR",
		path, a->operands[0], path);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (args_has(a, others[i])) return fail_usage("inspect", "--%s is not for auto-encoders", others[i]);
	if (!cli_make_folder(a, args_text(a, "output"))) return CLI_FAILED;
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "model", a->operands[0]);
	eg_status status = eg_rebuilt_page(m, (int)args_number(a, "records", 0), args_text(a, "output"), v, &err);
	if (status)
		fail("inspect", "%s: %s", a->operands[0], err.message);
	else if (args_has(a, "json"))
		print_json(v);
	else {
		const eg_value *files = eg_value_get(v, "files");
		char buf[NUMBER];
		printf("%lld pictures of the part %s: mean squared error %.4g", (long long)eg_value_int(eg_value_get(v, "records"), 0),
			eg_value_text(eg_value_get(v, "part")), number_at(v, "mse"));
		if (!isnan(number_at(v, "auc"))) printf("; those of classes that were left out have larger ones in %s of all pairs (auc)", number_percent(buf, number_at(v, "auc")));
		printf("\n\nWritten: %s and %d pictures beside it\n", text_shown(eg_value_text(eg_value_first(files))), (int)eg_value_count(files) - 1);
	}
	eg_value_free(v);
	return status ? CLI_FAILED : CLI_OK;
}

/* The embedding of the picture that this one is to be like; false after a message. To be freed. */
static bool embed(eg_model *m, const char *path, float **to, int *width) {
	const eg_question q = {.path = path};
	const eg_value *answer;
	eg_error one, err;
	eg_predictor *p = NULL;
	if (!cli_is_able(m, EG_ABLE_EMBED))
		return fail("inspect", "--beside is for models that compare pictures (search, verify); this one is of the task '%s'",
			       eg_recipe_task(eg_model_recipe(m))), false;
	eg_status status = eg_predictor_new(m, NULL, NULL, &p, &err);
	if (!status) status = eg_predictor_run(p, &q, 1, &answer, &one, &err);
	if (!status && !answer) status = one.status, err = one;
	if (status)
		fail_error("inspect", &err);
	else
		*to = cli_embedding(answer, width);
	eg_predictor_free(p);
	return !status;
}

int inspect_picture(const cli_args *a, eg_model *m, const char *path) {
	int pixel[2], unit[3], box = (int)args_number(a, "box", 0);
	eg_picture_why_options o = {.number = args_text(a, "of"), .layer = args_text(a, "layer"), .window = (int)args_number(a, "window", 0)};
	eg_picture_why *w = NULL;
	eg_error err = {0};
	float *beside = NULL;
	if (args_has(a, "text") || args_has(a, "text-file")) return fail_usage("inspect", "%s reads pictures, not texts", a->operands[0]);
	if (path && args_has(a, "record")) return fail_usage("inspect", "one picture at a time: a file, or --record");
	if (args_has(a, "pixel") && !read_places(a, "pixel", 2, "ROW,COLUMN", pixel)) return CLI_USAGE;
	if (args_has(a, "unit") && !read_places(a, "unit", 3, "CHANNEL,ROW,COLUMN", unit)) return CLI_USAGE;
	if (args_has(a, "box")) o.box = &box;
	if (args_has(a, "pixel")) o.pixel = pixel;
	if (args_has(a, "unit")) o.unit = unit;
	if (args_has(a, "records")) o.records = args_number(a, "records", 0) ? (int)args_number(a, "records", 0) : EG_ZERO;
	if (args_has(a, "beside") && !embed(m, args_text(a, "beside"), &beside, &o.width)) return CLI_FAILED;
	o.beside = beside, o.beside_path = args_text(a, "beside");
	eg_status status = eg_picture_why_open(m, &o, &w, &err);
	free(beside);
	if (!status && path) status = eg_picture_why_question(w, &(eg_question){.path = path}, &err);
	if (!status && !path) status = eg_picture_why_record(w, EG_PARTS, (int64_t)args_number(a, "record", 0), &err);
	if (!status && !cli_make_folder(a, args_text(a, "output"))) status = EG_ERR_IO;
	if (!status) status = eg_picture_why_save(w, args_text(a, "output"), &err);
	if (!status) show(a, w);
	if (status && err.message[0]) fail("inspect", "%s: %s", a->operands[0], err.message);
	eg_picture_why_close(w);
	return status ? CLI_FAILED : CLI_OK;
}
