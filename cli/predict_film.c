/* predict_film.c - engram predict of models that read films: frames of standard input that are tagged as they come, and
 * the summary of a film as a page. */
#include "predict_film.h"

#include "engram_report.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool predict_is_film(const char *folder) {
	int n;
	bool films = false;
	char **all = cli_folder_names(folder, &n);
	for (int i = 0; i < n; i++) {
		const size_t size = strlen(folder) + strlen(all[i]) + 2;
		char *path = cli_alloc(size);
		snprintf(path, size, "%s/%s", folder, all[i]);
		films = films || eg_film_is(path);
		free(path), free(all[i]);
	}
	free(all);
	return n > 0 && !films;
}

static void show_frame(int64_t number, const eg_value *answer, bool json) {
	if (json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "input", "-");
		eg_value_put_int(v, "frame", number);
		eg_value_put_copy(v, "answer", answer);
		print_json(v);
		eg_value_free(v);
	} else {
		char *text = NULL;
		if (!eg_value_print(answer, NULL, NULL, &text, NULL)) printf("%6lld  %s\n", (long long)number, text);
		free(text);
	}
	fflush(stdout); /* who writes frames gets tags */
}

static eg_status tag_frames(eg_frame_tagger *t, const eg_film_options *o, bool json, eg_error *err) {
	eg_film *film;
	const uint8_t *pixels = NULL;
	const eg_value *answer;
	bool some = false;
	eg_status status = eg_film_open("-", o, &film, err);
	for (int64_t n = 0; !status && !ferror(stdout);) {
		status = eg_film_next(film, &pixels, err);
		if (status) break;
		const eg_film_info *about = eg_film_about(film);
		status = eg_frame_tagger_next(t, about->C, about->H, about->W, pixels, &answer, err);
		if (!status && answer) show_frame(n++, answer, json);
		some = some || pixels;
		if (!pixels && !answer) break;
	}
	if (!status && !some && !ferror(stdout)) {
		status = err->status = EG_ERR_FORMAT;
		snprintf(err->message, sizeof err->message, "'standard input' has no frame");
	}
	eg_film_close(film);
	return status;
}

bool predict_as_it_comes(eg_model *m, const eg_film_options *o, bool json, int *code) {
	eg_frame_tagger *t;
	eg_error err;
	if (eg_frame_tagger_new(m, &t, NULL)) return false;
	*code = tag_frames(t, o, json, &err) ? fail_error("predict", &err) : CLI_OK;
	eg_frame_tagger_free(t);
	return true;
}

eg_value *predict_summary(const char *folder, const char *path, const cli_whole_film *film, const eg_value *answer, eg_error *err) {
	eg_value *map = eg_value_new(EG_VALUE_MAP);
	char *name = cli_film_stem(strcmp(path, "-") != 0 ? path : "film");
	for (const eg_value *c = eg_value_first(answer); c; c = eg_value_next(c)) eg_value_put_copy(map, eg_value_key(c), c);
	const eg_status status = eg_film_summary(folder, name, &film->frames, answer, map, err);
	free(name);
	if (!status) return map;
	eg_value_free(map);
	return NULL;
}
