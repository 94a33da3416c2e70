#include "support_plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool plans_add(plans *p, const char *kind, eg_plan *plan) {
	const char *calls = eg_plan_describe(plan);
	eg_memory m;
	if (!calls) return true;
	eg_plan_memory(plan, &m);
	const size_t size = strlen(kind) + strlen(calls) + 100;
	char *text = malloc(size), **more = realloc(p->text, (size_t)(p->n + 1) * sizeof *more);
	if (more) p->text = more;
	if (!text || !more) {
		free(text);
		return true;
	}
	snprintf(text, size, "%s, %zu, %zu, %zu, %zu bytes\n%s", kind, m.io, m.activations, m.packed, m.scratch, calls);
	for (int i = 0; i < p->n; i++)
		if (!strcmp(p->text[i], text)) {
			free(text);
			return false;
		}
	p->text[p->n++] = text;
	return true;
}

void plans_forget(plans *p) {
	for (int i = 0; i < p->n; i++) free(p->text[i]);
	free(p->text);
	*p = (plans){0};
}
