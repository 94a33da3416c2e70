/* resample.c - sound at another rate through libsamplerate (windowed sinc of medium quality: 121 dB); the only file
 * that knows it. Its own memory comes from malloc. */
#include "data/sound.h"

#include <limits.h>
#include <math.h>

#ifdef ENGRAM_HAVE_SAMPLERATE

#include <samplerate.h>

struct eg_resampler {
	SRC_STATE *state;
	double ratio;
};

static eg_status failed(int code, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "sound cannot be brought to another rate: %s", src_strerror(code));
}

eg_status eg_resample(const float *in, int64_t n, int channels, double ratio, float **out, int64_t *m, eg_error *err) {
	const int64_t most = (int64_t)ceil((double)n * ratio);
	*out = NULL, *m = 0;
	if (!(ratio >= 1 / 256.0 && ratio <= 256) || n < 0 || most > LONG_MAX - 1)
		return eg_fail(err, EG_ERR_ARG, "sound cannot be brought to %g times its rate: from 1/256 to 256 times can be done", ratio);
	float *to = eg_calloc(NULL, (size_t)most + 1, (size_t)channels * sizeof *to);
	if (!to) return eg_fail(err, EG_ERR_MEMORY, "out of memory for sound");
	SRC_DATA d = {.data_in = in, .data_out = to, .input_frames = (long)n, .output_frames = (long)most, .src_ratio = ratio};
	const int code = n > 0 ? src_simple(&d, SRC_SINC_MEDIUM_QUALITY, channels) : 0;
	if (code) {
		eg_release(NULL, to);
		return failed(code, err);
	}
	*out = to, *m = most; /* what the filter did not reach is 0 */
	return EG_OK;
}

eg_resampler *eg_resampler_new(double ratio, eg_error *err) {
	int code = 0;
	eg_resampler *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return eg_fail(err, EG_ERR_MEMORY, "out of memory for sound"), NULL;
	s->ratio = ratio;
	if (src_is_valid_ratio(ratio)) s->state = src_new(SRC_SINC_MEDIUM_QUALITY, 1, &code);
	if (s->state) return s;
	if (code)
		failed(code, err);
	else
		eg_fail(err, EG_ERR_ARG, "sound cannot be brought to %g times its rate: from 1/256 to 256 times can be done", ratio);
	eg_release(NULL, s);
	return NULL;
}

void eg_resampler_free(eg_resampler *s) {
	if (!s) return;
	src_delete(s->state);
	eg_release(NULL, s);
}

void eg_resampler_reset(eg_resampler *s) { src_reset(s->state); }

eg_status eg_resampler_push(eg_resampler *s, const float *in, int n, bool last, float *out, int room, int *used, int *made,
	eg_error *err) {
	SRC_DATA d = {.data_in = in, .data_out = out, .input_frames = n, .output_frames = room, .src_ratio = s->ratio,
		.end_of_input = last};
	const int code = src_process(s->state, &d);
	*used = (int)d.input_frames_used, *made = (int)d.output_frames_gen;
	return code ? failed(code, err) : EG_OK;
}

#else

static eg_status without(eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "this engram was built without libsamplerate, and cannot bring sound to another rate: install "
		"it (tools/setup) and build again, or convert the sound first, as with `sox FILE -r RATE NEW.wav`");
}
eg_status eg_resample(const float *in, int64_t n, int channels, double ratio, float **out, int64_t *m, eg_error *err) {
	EG_UNUSED(in), EG_UNUSED(n), EG_UNUSED(channels), EG_UNUSED(ratio);
	*out = NULL, *m = 0;
	return without(err);
}
eg_resampler *eg_resampler_new(double ratio, eg_error *err) {
	EG_UNUSED(ratio);
	return without(err), NULL;
}
void eg_resampler_free(eg_resampler *s) { EG_UNUSED(s); }
void eg_resampler_reset(eg_resampler *s) { EG_UNUSED(s); }
eg_status eg_resampler_push(eg_resampler *s, const float *in, int n, bool last, float *out, int room, int *used, int *made,
	eg_error *err) {
	EG_UNUSED(s), EG_UNUSED(in), EG_UNUSED(n), EG_UNUSED(last), EG_UNUSED(out), EG_UNUSED(room);
	*used = *made = 0;
	return without(err);
}

#endif
