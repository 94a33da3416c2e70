/* intake_sound.h - what intakes of sound share: how a recording becomes steps of features by the keys of `sound`, the
 * mean and deviation of these, and what of it a model's file keeps. One is an input (intake_sound.c), the others are
 * what a network that speaks shall say, and has said (intake_spoken.c). */
#ifndef ENGRAM_TASKS_INTAKE_SOUND_H
#define ENGRAM_TASKS_INTAKE_SOUND_H

#include "data/sound.h"
#include "engram_task.h"
#include "tasks/intake.h"

enum { EG_SCALE_SET, EG_SCALE_RECORD, EG_SCALE_NO }; /* the key `scale` */
typedef struct eg_sound_keys {
	int features, channels, scale, fft, bands, coefficients, deltas;
	double rate, window, hop, low, high, quietest, after;
} eg_sound_keys;

typedef struct eg_sound_intake {
	eg_intake base;
	eg_sound_keys keys;
	bool known;
	eg_sound_options o;
	eg_sound_features *features; /* NULL: the rate is not known yet */
	float *mean, *std;           /* of each feature; in the arena */
	double *sum, *squares, steps; /* of the training records, while they are looked at */
	int64_t silent;               /* how many of them are silent, and the name of the first */
	const char *first_silent;
} eg_sound_intake;

extern const eg_variant eg_sound_map;
#define EG_SOUND_KEY(owner, member) \
	{ \
		.name = "sound", .type = EG_KEY_MAP, .offset = offsetof(owner, member), .def = NAN, \
		.doc = "sound: what the network is given of it", .variants = &eg_sound_map \
	}

/* Samples of silence that are put behind every recording. */
int64_t eg_sound_silence(const eg_sound_intake *p);

/* Members of eg_intake_type. */
void eg_sound_close(eg_intake *f);
bool eg_sound_known(const eg_intake *f);
eg_status eg_sound_begin(eg_intake *f, const eg_field *field, eg_error *err);
eg_status eg_sound_look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err);
eg_status eg_sound_looked(eg_intake *f, eg_error *err);
void eg_sound_save(const eg_intake *f, eg_value *map);
eg_status eg_sound_restore(eg_intake *f, const eg_value *map, eg_error *err);
eg_status eg_sound_meet(eg_intake *f, const eg_field *field, eg_error *err);

/* How many steps a recording has, and these, in room of the record: `plain`, or scaled by mean and deviation. */
eg_status eg_sound_count(const eg_sound_intake *p, const eg_datum *d, const eg_record *r, int *steps, eg_error *err);
eg_status eg_sound_steps_of(const eg_sound_intake *p, const eg_datum *d, eg_record *r, bool plain, float **out,
	int64_t *steps, eg_error *err);

/* sound_front.c: how its steps are made, in the intake's room. NULL: out of memory. */
const eg_sound_front *eg_intake_sound_front(eg_intake *f, eg_error *err);

#endif
