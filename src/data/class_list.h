/* class_list.h - which classes the pixels of a mask stand for, as labelling tools write it down. */
#ifndef ENGRAM_DATA_CLASS_LIST_H
#define ENGRAM_DATA_CLASS_LIST_H

#include "data/data.h"

enum { EG_LISTED_MOST = 256 };

/* Line after line: number i of an index mask. A name of NULL: pixels of no class. */
typedef struct eg_class_list {
	int n;
	const char *name[EG_LISTED_MOST];
	int32_t colour[EG_LISTED_MOST]; /* 0xRRGGBB; without `coloured` nothing */
	bool coloured;                  /* masks are of these colours; else of numbers */
	int void_number;                /* of masks of numbers: what else is of no class; -1: the source says */
} eg_class_list;

/* A file of lines `R G B NAME` (label_colors.txt of CVAT's CamVid form), `NAME:R,G,B...` (labelmap.txt of its masks in
 * VOC form), or `NAME` (class_names.txt of labelme2voc, whose first line __ignore__ is number 255). Blank lines and
 * those that begin with # are passed over. A name that is `nothing`, in capitals or not, stands for no class. Names lie
 * in the arena. */
eg_status eg_class_list_read(
	eg_arena *arena, const char *path, const char *nothing, eg_class_list *out, eg_error *err);
/* The same of names, and colours "RRGGBB" (ncolours 0: none) as a recipe gives them. */
eg_status eg_class_list_of(const char *const *names, int n, const char *const *colours, int ncolours,
	const char *nothing, eg_class_list *out, eg_error *err);
/* The number of a colour in the list; -1: none has it. */
int eg_class_list_find(const eg_class_list *l, int32_t colour);

#endif
