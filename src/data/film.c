/* film.c - films, frame by frame: folders of pictures, Y4M, raw frames. A stream is read as it comes, so that a pipe
 * may be as long as it likes; no more than one frame of it is in memory.
 *
 * Y4M as mjpegtools' yuv4mpeg(5) describes it: a line `YUV4MPEG2 W.. H.. F.. I.. C.. X..`, then each frame behind a
 * line `FRAME ..`. Of interlaced films both fields are shown as they lie.
 *
 * Not here: colours (film_form.c), writing (film_write.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/film.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_MOST = 1024, SIDE_MOST = 1 << 15 };
#define Y4M "YUV4MPEG2"

struct eg_film {
	eg_film_info info;
	eg_arena arena;
	FILE *stream; /* NULL: a folder, whose pictures are: */
	const char *folder;
	eg_names names;
	bool y4m;
	char head[LINE_MOST]; /* of a Y4M */
	char begun[16];       /* bytes of the stream that have been looked at, and come first */
	size_t nbegun, taken;
	eg_film_form form;
	size_t size; /* bytes of a frame */
	uint8_t *bytes, *pixels;
	int64_t at; /* the next frame */
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a film"); }

/* ---- a stream ---------------------------------------------------------------------------------------------------- */

static size_t read_bytes(eg_film *f, void *to, size_t n) {
	size_t first = f->nbegun - f->taken < n ? f->nbegun - f->taken : n;
	if (first) memcpy(to, f->begun + f->taken, first);
	f->taken += first;
	return first + fread((char *)to + first, 1, n - first, f->stream);
}

static eg_status cannot_read(const eg_film *f, eg_error *err) {
	return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", f->info.name, strerror(errno));
}

/* A line without its end. *n: how many bytes there were, 0 at the end of the film; too long a line is an error. */
static eg_status read_line(eg_film *f, char line[LINE_MOST], size_t *n, eg_error *err) {
	*n = 0;
	for (char c; read_bytes(f, &c, 1) == 1 && ++*n < LINE_MOST;) {
		line[*n - 1] = c == '\n' ? '\0' : c;
		if (c == '\n') return EG_OK;
	}
	if (ferror(f->stream)) return cannot_read(f, err);
	if (*n == 0) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "'%s', frame %lld: the line before it %s; the file is damaged or cut off",
		f->info.name, (long long)f->at, *n < LINE_MOST ? "has no end" : "is longer than a Y4M's");
}

/* ---- Y4M --------------------------------------------------------------------------------------------------------- */

static bool number(const char *s, const char *end, long most, int *v) {
	char *stop;
	if (*s < '0' || *s > '9') return false;
	errno = 0;
	const long n = strtol(s, &stop, 10);
	*v = (int)n;
	return stop == end && !errno && n <= most;
}

/* "420jpeg", "mono", ...: how it lies. */
static bool form_of(const char *word, eg_film_form *form) {
	static const struct {
		const char *word;
		int sx, sy;
	} known[] = {{"420", 2, 2}, {"420jpeg", 2, 2}, {"420mpeg2", 2, 2}, {"420paldv", 2, 2}, {"422", 2, 1}, {"444", 1, 1},
		{"mono", 0, 0}};
	for (int i = 0; i < EG_COUNT(known); i++)
		if (!strcmp(known[i].word, word)) {
			form->sx = known[i].sx, form->sy = known[i].sy;
			return true;
		}
	return false;
}

static eg_status bad_word(const eg_film *f, const char *word, const char *why, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "'%s': %s '%s' in the first line: %s", f->info.name, Y4M, word, why);
}

static eg_status take_word(eg_film *f, const char *word, eg_error *err) {
	const char *v = word + 1, *end = v + strlen(v), *colon = strchr(v, ':');
	switch (*word) {
	case 'W':
		return number(v, end, SIDE_MOST, &f->info.W) && f->info.W ? EG_OK : bad_word(f, word, "no width (1 to 32768)", err);
	case 'H':
		return number(v, end, SIDE_MOST, &f->info.H) && f->info.H ? EG_OK : bad_word(f, word, "no height (1 to 32768)", err);
	case 'F':
		if (colon && number(v, colon, INT32_MAX, &f->info.rate) && number(colon + 1, end, INT32_MAX, &f->info.per)) {
			if (f->info.per == 0) f->info.rate = 0, f->info.per = 1; /* 0:0: not known */
			return EG_OK;
		}
		return bad_word(f, word, "no frame rate, as in F25:1", err);
	case 'C':
		if (form_of(v, &f->form)) return EG_OK;
		return bad_word(f, word,
			"such colours are not read here; 4:2:0, 4:2:2, 4:4:4 and mono of 8 bits are (ffmpeg -i FILM -pix_fmt yuv420p "
			"NEW.y4m)",
			err);
	case 'X':
		if (!strcmp(v, "COLORRANGE=FULL")) f->form.full = true;
		return EG_OK;
	default: return EG_OK; /* I, A: fields and the shape of pixels are left as they are */
	}
}

static eg_status read_head(eg_film *f, eg_error *err) {
	char line[LINE_MOST], *rest = NULL;
	size_t n;
	eg_status status = read_line(f, f->head, &n, err);
	if (status) return status;
	f->form = (eg_film_form){.sx = 2, .sy = 2};
	memcpy(line, f->head, sizeof line);
	char *word = strtok_r(line, " ", &rest);
	if (n == 0 || !word || strcmp(word, Y4M) != 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' does not begin with the line '%s W.. H.. F..': it is no Y4M", f->info.name, Y4M);
	while (!status && (word = strtok_r(NULL, " ", &rest))) status = take_word(f, word, err);
	if (status || (f->info.W && f->info.H)) return status;
	return eg_fail(err, EG_ERR_FORMAT, "'%s': its first line does not say how %s its frames are (%s)", f->info.name,
		f->info.W ? "high" : "wide", f->info.W ? "H180" : "W240");
}

/* The line before a frame. Y4M files that were put one behind the other are one film, if they are alike. */
static eg_status read_frame_line(eg_film *f, bool *ended, eg_error *err) {
	char line[LINE_MOST];
	size_t n;
	eg_status status = read_line(f, line, &n, err);
	*ended = n == 0;
	if (status || *ended) return status;
	if (!strncmp(line, Y4M " ", sizeof Y4M)) {
		if (!strcmp(line, f->head)) return read_frame_line(f, ended, err);
		return eg_fail(err, EG_ERR_FORMAT,
			"'%s', frame %lld: another film begins here, '%.200s', where those before it are '%.200s'; all frames of a film are "
			"alike: cut it in two",
			f->info.name, (long long)f->at, line, f->head);
	}
	if (strcmp(line, "FRAME") != 0 && strncmp(line, "FRAME ", 6) != 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s', frame %lld: the line FRAME is not there; the file is damaged", f->info.name,
			(long long)f->at);
	return EG_OK;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static eg_status make_room(eg_film *f, size_t bytes, eg_error *err) {
	const size_t n = (size_t)f->info.H * (size_t)f->info.W;
	if (n > (size_t)64 << 20)
		return eg_fail(err, EG_ERR_FORMAT, "'%s': frames of %d x %d (height, width) are more than the 64 Mi pixels that are read here",
			f->info.name, f->info.H, f->info.W);
	f->size = bytes;
	f->bytes = bytes ? eg_alloc(NULL, bytes) : NULL;
	f->pixels = eg_alloc(NULL, (size_t)f->info.C * n);
	return f->pixels && (f->bytes || !bytes) ? EG_OK : no_memory(err);
}

static eg_status open_raw(eg_film *f, const eg_film_options *o, eg_error *err) {
	const char *name = o->pixels ? o->pixels : "rgb24";
	const eg_film_form *form = eg_film_form_of(name);
	if (!form)
		return eg_fail(err, EG_ERR_ARG,
			"raw frames cannot lie as '%s': there are rgb24, bgr24, rgba, bgra, gray, yuv420p, yuv422p and yuv444p", name);
	if (o->H < 1 || o->W < 1 || o->H > SIDE_MOST || o->W > SIDE_MOST)
		return eg_fail(err, EG_ERR_ARG, "raw frames cannot be %d x %d (height, width): 1 to %d each", o->H, o->W, SIDE_MOST);
	f->info.H = o->H, f->info.W = o->W;
	f->form = *form;
	return EG_OK;
}

static eg_status open_stream(eg_film *f, const eg_film_options *o, eg_error *err) {
	eg_status status;
	f->nbegun = fread(f->begun, 1, sizeof Y4M - 1, f->stream);
	if (ferror(f->stream)) return cannot_read(f, err);
	f->y4m = f->nbegun == sizeof Y4M - 1 && !memcmp(f->begun, Y4M, f->nbegun);
	if (f->y4m)
		status = read_head(f, err);
	else if (o->H || o->W)
		status = open_raw(f, o, err);
	else
		return eg_fail(err, EG_ERR_FORMAT,
			"'%s' %s: it is no Y4M (ffmpeg -i FILM NEW.y4m makes one); of raw frames say how high and wide they are", f->info.name,
			f->nbegun ? "does not begin with " Y4M : "is empty");
	if (status) return status;
	f->info.C = eg_film_form_grey(&f->form) ? 1 : 3;
	return make_room(f, eg_film_form_bytes(&f->form, f->info.H, f->info.W), err);
}

/* "frame2" before "frame10". */
static int in_order(const void *a, const void *b) { return strverscmp(*(char *const *)a, *(char *const *)b); }

static eg_status frame_picture(const eg_film *f, eg_picture *pic, const char **path, eg_error *err) {
	char full[EG_PATH];
	eg_status status = eg_join(full, f->folder, f->names.at[f->at], "", err);
	*path = f->names.at[f->at];
	return status ? status : eg_picture_read(NULL, full, NULL, pic, err);
}

static eg_status open_folder(eg_film *f, eg_error *err) {
	eg_picture pic = {0};
	const char *path;
	eg_status status = eg_list(&f->arena, NULL, f->folder, EG_LIST_PICTURES, &f->names, err);
	if (!status && f->names.n == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "there is no frame in the folder '%s' (" EG_PICTURE_FILES ")", f->folder);
	if (status) return status;
	qsort(f->names.at, (size_t)f->names.n, sizeof *f->names.at, in_order);
	f->info.frames = f->names.n;
	status = frame_picture(f, &pic, &path, err);
	f->info.C = 3, f->info.H = pic.H, f->info.W = pic.W;
	if (!status) status = make_room(f, 0, err);
	eg_picture_free(&pic);
	return status;
}

static eg_film *new_film(const char *name, const eg_film_options *o) {
	eg_film *f = eg_calloc(NULL, 1, sizeof *f);
	if (!f) return NULL;
	f->info = (eg_film_info){.rate = o->rate > 0 ? o->rate : 0, .per = o->per > 0 ? o->per : 1, .frames = -1};
	f->info.name = eg_arena_strdup(&f->arena, name);
	if (f->info.name) return f;
	eg_film_close(f);
	return NULL;
}

static const eg_film_options none;

eg_status eg_film_open_stream(
	FILE *stream, const char *name, const eg_film_options *options, eg_film **film, eg_error *err) {
	const eg_film_options *o = options ? options : &none;
	*film = NULL;
	eg_film *f = new_film(name, o);
	if (!f) fclose(stream);
	if (!f) return no_memory(err);
	f->stream = stream;
	eg_status status = open_stream(f, o, err);
	if (status)
		eg_film_close(f);
	else
		*film = f;
	return status;
}

eg_status eg_film_open(const char *path, const eg_film_options *options, eg_film **film, eg_error *err) {
	const eg_film_options *o = options ? options : &none;
	*film = NULL;
	if (!strcmp(path, "-")) return eg_film_open_stream(stdin, "standard input", o, film, err);
	if (!eg_is_folder(path)) {
		FILE *stream = fopen(path, "rb");
		if (!stream) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
		return eg_film_open_stream(stream, path, o, film, err);
	}
	eg_film *f = new_film(path, o);
	if (!f) return no_memory(err);
	f->folder = f->info.name;
	eg_status status = open_folder(f, err);
	if (status)
		eg_film_close(f);
	else
		*film = f;
	return status;
}

const eg_film_info *eg_film_about(const eg_film *f) { return &f->info; }

void eg_film_close(eg_film *f) {
	if (!f) return;
	if (f->stream && f->stream != stdin) fclose(f->stream);
	eg_release(NULL, f->names.at);
	eg_release(NULL, f->bytes);
	eg_release(NULL, f->pixels);
	eg_arena_free(&f->arena);
	eg_release(NULL, f);
}

bool eg_film_is(const char *path) {
	char begin[sizeof Y4M - 1] = "";
	struct stat st;
	if (stat(path, &st)) return false;
	if (!S_ISREG(st.st_mode)) {
		const char *dot = strrchr(path, '.');
		return !S_ISDIR(st.st_mode) && dot && !strcmp(dot, ".y4m");
	}
	FILE *f = fopen(path, "rb");
	const bool is = f && fread(begin, 1, sizeof begin, f) == sizeof begin && !memcmp(begin, Y4M, sizeof begin);
	if (f) fclose(f);
	return is;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static eg_status next_of_folder(eg_film *f, eg_error *err) {
	eg_picture pic = {0};
	const char *name;
	eg_status status = frame_picture(f, &pic, &name, err);
	if (!status && (pic.H != f->info.H || pic.W != f->info.W))
		status = eg_fail(err, EG_ERR_FORMAT,
			"'%s/%s', frame %lld: it is %d x %d (height, width), but the frames before it are %d x %d: all frames of a film "
			"are of one size (ImageMagick: `mogrify -resize %dx%d! FOLDER/*` makes them so)",
			f->folder, name, (long long)f->at, pic.H, pic.W, f->info.H, f->info.W, f->info.W, f->info.H);
	const size_t n = (size_t)f->info.H * (size_t)f->info.W;
	for (size_t c = 0; c < 3 && !status; c++) memcpy(f->pixels + c * n, pic.pixels + (pic.C == 3 ? c * n : 0), n);
	eg_picture_free(&pic);
	return status;
}

static eg_status next_of_stream(eg_film *f, bool *ended, eg_error *err) {
	eg_status status = f->y4m ? read_frame_line(f, ended, err) : EG_OK;
	if (status || *ended) return status;
	const size_t n = read_bytes(f, f->bytes, f->size);
	if (ferror(f->stream)) return cannot_read(f, err);
	if (n == 0 && !f->y4m) {
		*ended = true;
		return EG_OK;
	}
	if (n < f->size)
		return eg_fail(err, EG_ERR_FORMAT, "'%s', frame %lld: it is cut off, %zu of its %zu bytes are there%s", f->info.name,
			(long long)f->at, n, f->size,
			f->y4m ? "" : "; are the frames of this size, and do their pixels lie as was said?");
	eg_film_decode(&f->form, f->info.H, f->info.W, f->bytes, f->pixels);
	return EG_OK;
}

eg_status eg_film_next(eg_film *f, const uint8_t **pixels, eg_error *err) {
	bool ended = !f->stream && f->at >= f->names.n;
	*pixels = NULL;
	if (ended) return EG_OK;
	eg_status status = f->stream ? next_of_stream(f, &ended, err) : next_of_folder(f, err);
	if (status || ended) return status;
	f->at++;
	*pixels = f->pixels;
	return EG_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

void eg_film_frames_free(eg_film_frames *frames) {
	eg_release(NULL, frames->pixels);
	*frames = (eg_film_frames){0};
}

static eg_status take_all(eg_film *f, int most, size_t bytes, eg_film_frames *out, bool *more, eg_error *err) {
	const size_t each = (size_t)out->C * (size_t)out->H * (size_t)out->W;
	size_t room = 0;
	const uint8_t *pixels;
	for (;;) {
		eg_status status = eg_film_next(f, &pixels, err);
		if (status || !pixels) return status;
		*more = (most && out->n == most) || (bytes && ((size_t)out->n + 1) * each > bytes) || out->n == INT32_MAX;
		if (*more) return EG_OK;
		if ((size_t)out->n == room) {
			room = room ? 2 * room : 16;
			uint8_t *larger = room > SIZE_MAX / each ? NULL : eg_alloc(NULL, room * each);
			if (!larger) return no_memory(err);
			if (out->n) memcpy(larger, out->pixels, (size_t)out->n * each);
			eg_release(NULL, out->pixels);
			out->pixels = larger;
		}
		memcpy(out->pixels + (size_t)out->n++ * each, pixels, each);
	}
}

eg_status eg_film_load(const char *path, const eg_film_options *options, int most, size_t bytes,
	eg_film_frames *frames, bool *more, eg_error *err) {
	eg_film *f;
	bool others = false;
	*frames = (eg_film_frames){0};
	eg_status status = eg_film_open(path, options, &f, err);
	if (status) return status;
	*frames = (eg_film_frames){.C = f->info.C, .H = f->info.H, .W = f->info.W, .rate = f->info.rate, .per = f->info.per};
	status = take_all(f, most, bytes, frames, &others, err);
	if (status) eg_film_frames_free(frames);
	if (more) *more = others;
	eg_film_close(f);
	return status;
}
