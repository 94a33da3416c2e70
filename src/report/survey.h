/* survey.h - what the files of this folder that show data share: survey.c (facts), survey_lines.c (facts as lines, one
 * record, what a network gets of it), sheet.c (a page). */
#ifndef ENGRAM_REPORT_SURVEY_H
#define ENGRAM_REPORT_SURVEY_H

#include "data/data.h"
#include "engram_report.h"
#include "report/plot.h"
#include "tasks/samples.h"

/* With at most four digits that tell something: 0.1307, 5923. */
const char *eg_brief(double v, char buf[32]);
/* The name of class `label` of field k, or its number; "-": none. */
const char *eg_class_name(const eg_source *s, int k, int label, char buf[24]);
/* At most `most` bytes of a text that need not end with a zero, cut between characters, with "..." where it was. */
char *eg_cut_text(const char *bytes, size_t size, size_t most, char *buf);

#endif
