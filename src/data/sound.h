/* sound.h - sound as numbers: files, other rates, spectra, and the features that networks are given of it.
 *
 * sound_file.c is the only file that knows libsndfile, resample.c libsamplerate, spectrum.c kissfft; features.c has
 * what is made of spectra. */
#ifndef ENGRAM_DATA_SOUND_H
#define ENGRAM_DATA_SOUND_H

#include "data/data.h"

/* ---- sound_file.c ------------------------------------------------------------------------------------------------ */

#define EG_SOUND_FILES "WAV, FLAC, Ogg, AIFF and AU: .wav .flac .ogg .oga .aif .aiff .au"
/* The contents of a sound file, in room of the record: -1..1 whatever it is written in (8 to 32 bits, float, A-law
 * ...). A file that ends too early, an empty one, and numbers that are none are EG_ERR_FORMAT. */
eg_status eg_sound_decode(const void *data, size_t size, const char *name, eg_record *r, eg_datum_sound *sound, eg_error *err);
eg_status eg_sound_load(const eg_files *files, const char *path, eg_record *r, eg_datum_sound *sound, eg_error *err);
/* A WAV file of 16 bits, whole or not at all. Numbers beyond -1..1 are cut off. */
eg_status eg_sound_write(const char *path, const float *at, int64_t n, int channels, double rate, eg_error *err);
/* The mean of each sample's channels: x (n, channels) into out (n). */
void eg_sound_mix(const float *x, int64_t n, int channels, float *out);

/* ---- resample.c -------------------------------------------------------------------------------------------------- */

/* n samples of each of `channels`, interleaved, become *m samples, ratio times as many (rounded up); *out is from
 * eg_alloc, to be released. The same call gives the same bits. 1/256 <= ratio <= 256. */
eg_status eg_resample(
	const float *in, int64_t n, int channels, double ratio, float **out, int64_t *m, eg_error *err);
/* Piece by piece: what comes out of all pieces is that of the whole. */
typedef struct eg_resampler eg_resampler;
eg_resampler *eg_resampler_new(double ratio, eg_error *err); /* one channel; NULL on failure */
void eg_resampler_free(eg_resampler *s);
void eg_resampler_reset(eg_resampler *s); /* what comes next begins another sound */
/* Takes n samples, of which the last are the end of all if `last`; puts at most `room` into out and says how many of
 * each in *used and *made. To be called again as long as something is left or comes out. */
eg_status eg_resampler_push(eg_resampler *s, const float *in, int n, bool last, float *out, int room, int *used, int *made,
	eg_error *err);

/* ---- spectrum.c -------------------------------------------------------------------------------------------------- */

/* The Fourier transform of n real numbers, n even; n/2 + 1 frequencies come out: re, im, re, im. It lies in `room`, of
 * eg_fourier_room(n) bytes, aligned to 16, and must not be used by two threads at once. */
typedef struct eg_fourier eg_fourier;
eg_status eg_fourier_check(eg_error *err); /* can this build compute one? */
size_t eg_fourier_room(int n);
eg_fourier *eg_fourier_begin(void *room, int n, bool inverse);
void eg_fourier_forward(eg_fourier *f, const float *x, float *spectrum);
void eg_fourier_inverse(eg_fourier *f, const float *spectrum, float *x); /* of what forward gave: n times x */
/* The periodic Hann window of n points. */
void eg_hann(int n, float *window);
/* Sound of which only the strengths of frequencies are known (Griffin and Lim 1984; with `momentum` Perraudin and
 * others 2013, 0: the former): strengths (frames, fft/2 + 1) of frames of `window` samples every `hop`, so many
 * rounds; out is (frames - 1) hop + window samples. Phases begin at random by the seed. */
typedef struct eg_griffin_lim {
	int frames, window, hop, fft, rounds;
	double momentum;
	uint64_t seed;
} eg_griffin_lim;
eg_status eg_griffin_lim_run(const eg_griffin_lim *g, const float *strengths, float *out, eg_error *err);

/* ---- features.c -------------------------------------------------------------------------------------------------- */

/* What a step of a network's input is, of one channel of sound at `rate`:
 *
 *   raw       the `window` samples that begin every `hop`
 *   log_mel   ln(max(q, M |FFT(hann * frame)|^2)), q = 1e-10 or as `quietest` says: `bands` triangles M of equal width
 *             in mels and equal area (Slaney 1998), from `low` to `high` Hz;
 *             librosa.feature.melspectrogram(center=False) has the same numbers
 *   mfcc      the first `coefficients` of the orthonormal cosine transform (DCT-II) of log_mel
 *
 * `deltas` adds the slopes over nine steps (1), and their slopes (2), behind them; at both ends the outermost step goes
 * on. Frame i begins at sample i hop; the last one is the first that reaches the end, filled up with zeros. */
typedef enum eg_sound_kind { EG_SOUND_LOG_MEL, EG_SOUND_MFCC, EG_SOUND_RAW } eg_sound_kind;
typedef struct eg_sound_options {
	int kind;
	double rate;        /* samples a second */
	int window, hop;    /* samples */
	int fft;            /* samples of a transform: even, at least `window` */
	int bands;
	double low, high;   /* Hz */
	double quietest;    /* dB, below 0: the energy of a band is no smaller; 0: -100 */
	int coefficients;
	int deltas;         /* 0 to 2 */
} eg_sound_options;
enum { EG_DELTA_REACH = 4 }; /* steps on each side that a slope looks at */

typedef struct eg_sound_features eg_sound_features;
/* NULL, with a message: what is wrong. */
eg_sound_features *eg_sound_features_new(const eg_sound_options *o, eg_error *err);
void eg_sound_features_free(eg_sound_features *f);
int eg_sound_features_width(const eg_sound_options *o);             /* numbers a step */
int64_t eg_sound_features_steps(const eg_sound_options *o, int64_t n); /* of n samples; 0 of none */
/* All steps of n samples: out is (steps, width). Threads may share f: what is changed is in `room`, of
 * eg_sound_features_room(f) bytes. */
size_t eg_sound_features_room(const eg_sound_features *f);
void eg_sound_features_of(const eg_sound_features *f, const float *x, int64_t n, float *out, void *room);
/* What they are computed with, but for `raw`: the window, (window); what each frequency is in each band, (fft/2 + 1,
 * bands), into `mel`; the cosine transform, (bands, coefficients), into `cosines` (mfcc only). */
const float *eg_sound_features_window(const eg_sound_features *f, double *quietest);
void eg_sound_features_tables(const eg_sound_features *f, float *mel, float *cosines);
/* And back from steps of log_mel without slopes: sound of (steps - 1) hop + window samples. In each step the strengths
 * of frequencies are those, none below 0, whose energies in the bands come nearest (Lee and Seung 2001: p becomes
 * p M'e / M'M p, again and again); the phases are eg_griffin_lim_run's, of so many rounds. */
eg_status eg_sound_features_sound(
	const eg_sound_features *f, const float *steps, int n, int rounds, uint64_t seed, float *out, eg_error *err);
/* The same as sound comes in: a stream holds what the next steps need, at most a window and, with deltas, 8 steps each,
 * and allocates nothing after it has been made. */
typedef struct eg_sound_stream eg_sound_stream;
eg_sound_stream *eg_sound_stream_new(const eg_sound_features *f, eg_error *err); /* NULL on failure */
void eg_sound_stream_free(eg_sound_stream *s);
void eg_sound_stream_reset(eg_sound_stream *s);
/* Takes samples up to what the next step needs, says how many, and whether a step came out, into `out` (width). */
int64_t eg_sound_stream_push(eg_sound_stream *s, const float *x, int64_t n, float *out, bool *step);
/* After the last sample: the steps that are left, one a call; false: there is no more. */
bool eg_sound_stream_end(eg_sound_stream *s, float *out);

#endif
