/* spectrogram.h - sound as a picture: how strong each frequency is over time (spectrogram.c). */
#ifndef ENGRAM_REPORT_SPECTROGRAM_H
#define ENGRAM_REPORT_SPECTROGRAM_H

#include "data/data.h"
#include "report/panel.h"

/* Of the first channel, at most `most` columns: seconds from left to right, from 0 Hz below to half the rate above;
 * the strongest is yellow, and what is 70 dB weaker dark. */
eg_status eg_spectrogram(eg_arena *a, const eg_datum_sound *d, int most, eg_pane *p, eg_error *err);

#endif
