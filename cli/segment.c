/* segment.c - engram segment: a picture or a film with its classes' colours over it, or what is of some classes cut
 * out: PNG with transparency, or a Y4M before a background. */
#include "film.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { BATCH = 4, CLASSES_MOST = 256 };

typedef struct job {
	const cli_args *args;
	eg_predictor *predictor;
	const char *input, *output;
	double opacity;
	uint8_t background[3];
	bool cut, keeps[CLASSES_MOST]; /* of which classes; without a cut all are shown in colours */
	bool checked;                  /* the names of the classes are known, and these are some of them */
	eg_film_writer *film;          /* NULL: PNG files */
	bool one;                      /* a single picture, whose file `output` is */
	int64_t frames, kept, pixels;  /* that have been answered; pixels of what is cut out */
} job;

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

static bool read_colour(const char *text, uint8_t rgb[3]) {
	char *end;
	const unsigned long v = strtoul(text, &end, 16);
	for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(v >> (16 - 8 * c));
	return strlen(text) == 6 && !*end && *text != '-' && *text != '+';
}

/* The classes of --of, by the names that an answer has. */
static bool choose_classes(job *j, const eg_value *answer) {
	const eg_value *list = eg_value_get(answer, "classes");
	const char *names[CLASSES_MOST];
	int n = 0, asked;
	for (const eg_value *v = eg_value_first(list); v && n < CLASSES_MOST; v = eg_value_next(v)) names[n++] = eg_value_text(v);
	const char **of = args_all(j->args, "of", &asked);
	bool ok = true;
	for (int i = 0; i < asked && ok; i++) {
		int k = 0;
		while (k < n && strcmp(names[k], of[i]) != 0) k++;
		ok = k < n;
		if (ok) j->keeps[k] = true;
		const char *meant = ok ? NULL : eg_did_you_mean(of[i], names, n);
		if (!ok && meant) fail("segment", "the model knows no class '%s'; did you mean '%s'?", of[i], meant);
		if (!ok && !meant) fail("segment", "the model knows no class '%s'; engram info tells its classes", of[i]);
	}
	free(of);
	j->checked = ok;
	return ok;
}

/* ---- a frame ----------------------------------------------------------------------------------------------------- */

static bool is_kept(const job *j, int k) { return k >= 0 && k < CLASSES_MOST && j->keeps[k]; }

/* (4,H,W): the picture, opaque where it is kept; for a film (3,H,W), the background elsewhere. */
static void cut_out(job *j, const eg_datum_picture *p, const int16_t *classes, uint8_t *out) {
	const size_t n = (size_t)p->H * (size_t)p->W;
	for (size_t i = 0; i < n; i++) {
		const bool kept = is_kept(j, classes[i]);
		j->pixels += kept;
		for (size_t c = 0; c < 3; c++)
			out[c * n + i] = kept || !j->film ? p->pixels[(p->C == 3 ? c * n : 0) + i] : j->background[c];
		if (!j->film) out[3 * n + i] = kept ? 255 : 0;
	}
}

/* Where a frame's PNG goes; to be freed. */
static char *path_of(const job *j, const cli_frame *f) {
	const size_t room = strlen(j->output) + strlen(f->file) + 8;
	char *path = cli_alloc(room);
	const char *dot = strrchr(f->file, '.');
	if (j->one)
		snprintf(path, room, "%s", j->output);
	else
		snprintf(path, room, "%s/%.*s.png", j->output, (int)(dot - f->file), f->file);
	return path;
}

static bool write_frame(job *j, const cli_frame *f, const eg_value *answer) {
	const eg_datum_picture *p = &f->record.fields[0].picture;
	int H, W;
	eg_error err;
	if (j->cut && !j->checked && !choose_classes(j, answer)) return false;
	int16_t *classes = eg_segment_classes(answer, &H, &W);
	if (!classes || H != p->H || W != p->W) {
		free(classes);
		return fail("segment", "%s: the model's answer is not of the picture's size", f->file), false;
	}
	uint8_t *out = cli_alloc(4 * (size_t)H * (size_t)W);
	const int64_t before = j->pixels;
	if (j->cut)
		cut_out(j, p, classes, out);
	else
		eg_segment_paint(p->C, H, W, p->pixels, classes, j->opacity, out);
	j->kept += j->pixels > before;
	eg_status status = EG_OK;
	if (j->film)
		eg_film_put(j->film, 3, out);
	else {
		char *path = path_of(j, f);
		status = eg_picture_save_png(path, j->cut ? 4 : 3, H, W, out, &err);
		free(path);
	}
	free(out);
	free(classes);
	j->frames++;
	return !status || (fail_error("segment", &err), false);
}

static bool ask(job *j, cli_frame **frames, int n) {
	eg_question q[BATCH] = {0};
	const eg_value *answers[BATCH] = {0};
	eg_error errors[BATCH], err;
	for (int i = 0; i < n; i++) q[i] = (eg_question){.record = &frames[i]->record, .name = frames[i]->file};
	bool ok = !eg_predictor_run(j->predictor, q, n, answers, errors, &err) || (fail_error("segment", &err), false);
	for (int i = 0; i < n; i++) {
		if (ok && !answers[i]) ok = (fail_error("segment", &errors[i]), false);
		ok = ok && write_frame(j, frames[i], answers[i]);
		cli_frame_free(frames[i]);
	}
	return ok;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static bool run_picture(job *j) {
	eg_error err;
	eg_picture pic;
	if (eg_picture_load(j->input, NULL, &pic, &err)) return fail_error("segment", &err), false;
	const eg_film_info info = {.name = j->input, .C = pic.C, .H = pic.H, .W = pic.W};
	cli_frame *f = cli_frame_new(&info, 0, pic.pixels);
	eg_picture_free(&pic);
	return ask(j, &f, 1);
}

static bool make_film(job *j, const eg_film_info *info) {
	eg_error err;
	return !eg_film_create(j->output, info->H, info->W, info->rate, info->per, EG_FILM_444, &j->film, &err) ||
	       (fail_error("segment", &err), false);
}

static bool run_film(job *j, const eg_film_options *o, bool to_film) {
	eg_film *film;
	eg_error err;
	cli_frame *frames[BATCH];
	int n = 0;
	const uint8_t *pixels = NULL;
	eg_status status = eg_film_open(j->input, o, &film, &err);
	const eg_film_info *info = status ? NULL : eg_film_about(film);
	bool ok = !status && (!to_film || make_film(j, info));
	for (int64_t t = 0; ok && !(status = eg_film_next(film, &pixels, &err)) && pixels; t++) {
		frames[n++] = cli_frame_new(info, t, pixels);
		if (n < BATCH) continue;
		ok = ask(j, frames, n);
		n = 0;
		if (is_terminal(stderr)) fprintf(stderr, "\r%lld frames", (long long)(t + 1));
	}
	if (ok && n) ok = ask(j, frames, n);
	if (is_terminal(stderr) && j->frames >= BATCH) fputc('\r', stderr);
	eg_film_close(film);
	if (status) fail_error("segment", &err);
	return ok && !status;
}

static bool is_folder(const char *path) {
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool answers_all(job *j, const eg_film_options *o) {
	eg_error err;
	const bool picture = strcmp(j->input, "-") != 0 && !is_folder(j->input) && !eg_film_is(j->input) && !o->W,
		   to_film = cli_ends_with(j->output, ".y4m");
	j->one = cli_ends_with(j->output, ".png");
	if (j->one && !picture)
		return fail("segment", "a film does not fit into one picture: -o FILM.y4m, or a folder for its frames"), false;
	if (to_film && picture) return fail("segment", "%s is one picture: -o PICTURE.png", text_shown(j->input)), false;
	if (!j->one && !to_film && !cli_make_folder(j->args, j->output)) return false;
	bool ok = picture ? run_picture(j) : run_film(j, o, to_film);
	if (j->film && !ok) eg_film_abort(j->film);
	if (j->film && ok && eg_film_commit(j->film, &err)) ok = (fail_error("segment", &err), false);
	return ok;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static double now(void) {
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void tell(const job *j, double seconds) {
	const double rate = (double)j->frames / seconds;
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "input", j->input);
		eg_value_put_text(v, "output", j->output);
		eg_value_put_int(v, "frames", j->frames);
		if (j->cut) eg_value_put_int(v, "frames_with", j->kept);
		if (j->cut) eg_value_put_int(v, "pixels", j->pixels);
		eg_value_put_number(v, "frames_per_second", rate);
		print_json(v);
		eg_value_free(v);
		return;
	}
	char n[NUMBER];
	printf("%s: %s %s", text_shown(j->output), number_int(n, j->frames), j->frames == 1 ? "picture" : "frames");
	if (j->frames > 1) printf(", %.3g a second", rate);
	if (j->cut && j->kept == 0) printf("; nothing of what was asked for is in %s", j->frames == 1 ? "it" : "them");
	if (j->cut && j->kept && j->frames > 1) printf("; in %s of them something was cut out", number_int(n, j->kept));
	putchar('\n');
}

static int run(const cli_args *a) {
	job j = {.args = a, .input = a->operands[1], .output = args_text(a, "output"), .cut = args_has(a, "of"), .opacity = 0.6};
	eg_film_options film;
	eg_error err;
	if (!j.output) return fail_usage("segment", "say with -o where to: a folder, PICTURE.png or FILM.y4m");
	if (!cli_film_options(a, &film) || !args_real(a, "opacity", 0, 1, &j.opacity)) return CLI_USAGE;
	if (film.W && strcmp(j.input, "-") != 0) return fail_usage("segment", "--size is about raw frames on standard input (-)");
	if (j.cut && args_has(a, "opacity")) return fail_usage("segment", "--opacity is about colours; with --of there are none");
	if (args_has(a, "background") && !read_colour(args_text(a, "background"), j.background))
		return fail_usage("segment", "--background is RRGGBB, as in 00ff00");
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	eg_task *t = NULL;
	int code = m ? CLI_OK : CLI_FAILED;
	if (!code && (eg_task_open(eg_model_recipe(m), &t, &err) || eg_predictor_new(m, NULL, NULL, &j.predictor, &err)))
		code = fail_error("segment", &err);
	if (!code && !(eg_task_kind(t)->abilities & EG_ABLE_SEGMENT))
		code = fail("segment", "%s says no class for each pixel: its task is %s, not segment", text_shown(a->operands[0]), eg_task_kind(t)->name);
	const double begin = now();
	if (!code && !answers_all(&j, &film)) code = CLI_FAILED;
	if (!code) tell(&j, now() - begin);
	eg_predictor_free(j.predictor);
	eg_task_free(t);
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"output", 'o', "OUT", "where to: PICTURE.png, FILM.y4m, or a folder for the frames as PNG", 0, 0},
	{"of", 0, "CLASS", "cut this class out: all else is transparent (PNG), or background (Y4M); may be repeated", 0, 0},
	{"background", 0, "RRGGBB", "of a Y4M with --of: what is behind (default: 000000, black)", 0, 0},
	{"opacity", 0, "X", "without --of: how much of the classes' colours is over the picture (default: 0.6)", 0, 0},
	OPTIONS_FILM,
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object: input, output, frames, frames_with (something cut out), pixels, frames_per_second"),
	{0},
};

const cli_verb verb_segment = {
	.name = "segment",
	.line = "cut out of pictures and films what is of a class",
	.operands = "MODEL PICTURE|FILM",
	.min_operands = 2,
	.max_operands = 2,
	.about = "For models that say a class for each pixel (task segment). A film is a Y4M, a folder of\n"
		 "pictures of one size, or - for standard input: Y4M, or with --size raw frames. ffmpeg makes\n"
		 "such of any film, and a film of a Y4M (ffmpeg -i NEW.y4m NEW.mp4).",
	.examples = "  engram segment camvid.safetensors street.png --of car -o cars.png\n"
		    "  engram segment camvid.safetensors street.y4m -o coloured.y4m\n"
		    "  ffmpeg -i street.mp4 -f yuv4mpegpipe - | engram segment camvid.safetensors - --of road -o road.y4m\n",
	.options = options,
	.next = "what is of a class, cut out",
	.next_operands = "PICTURE|FILM -o OUT",
	.ability = EG_ABLE_SEGMENT,
	.run = run,
};
