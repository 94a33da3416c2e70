/* listen.h - sound on standard input: a file as a whole, or raw samples, transcribed as they come. */
#ifndef ENGRAM_CLI_LISTEN_H
#define ENGRAM_CLI_LISTEN_H

#include "cli.h"

#define OPTIONS_RAW_SOUND \
	{"samples", 0, "u8|s16le|s16be|s24le|s32le|f32le", \
		"raw sound on standard input: how the bytes of a sample lie, in ffmpeg's names (default: s16le)", 0, 0}, \
		{"channels", 0, "C", "and how many channels it has, which are mixed (default: 1)", 1, 64}

enum { CLI_SOUND_HEAD = 12 };
/* What standard input begins with. */
typedef struct cli_sound_head {
	char bytes[CLI_SOUND_HEAD];
	size_t n;
} cli_sound_head;

/* Is what comes raw samples? By its first bytes, unless --samples, --channels or --rate are given. */
bool cli_sound_is_raw(const cli_args *a, cli_sound_head *head);
/* Tells the words of raw samples as they are said, a line each; the exit code. */
int cli_listen(const cli_args *a, eg_model *m, double rate, const cli_sound_head *head);

#endif
