/* value_text.c - a tree of values as a line for people. The rules are in engram_value.h (eg_value_print). */
#include "engram_text.h"
#include "io/tree.h"
#include "io/value.h"

#include <math.h>
#include <string.h>

typedef struct printer {
	eg_value_out out;
	const char *strong_on, *strong_off;
	bool strong; /* on now: strong things may stand inside of strong ones */
} printer;

/* How what a list or map holds is shown. */
typedef enum manner {
	ITEMS, /* of a list */
	BARE,  /* of a map: without keys */
	NAMED  /* of a map in a map: "key: value" */
} manner;

/* What could do more to a terminal than be seen is not shown. */
static void put_clean(printer *p, const char *text, size_t size) {
	for (size_t i = 0; i < size;) {
		bool shown;
		int n = eg_utf8_shown(text + i, size - i, &shown);
		eg_value_out_put(&p->out, shown ? text + i : "?", shown ? (size_t)n : 1);
		i += (size_t)n;
	}
}

/* At most two digits behind the point, and none that are zeros at the end. A network is never certain: a probability
 * that would be rounded to all or nothing is told as a bound. */
static void put_percent(printer *p, double share, bool probability) {
	char text[400];
	if (probability && share >= 0.99995) {
		eg_value_out_text(&p->out, "> 99.99 %");
		return;
	}
	if (probability && share < 0.00005) {
		eg_value_out_text(&p->out, "< 0.01 %");
		return;
	}
	snprintf(text, sizeof text, "%.2f", 100 * share);
	size_t n = strlen(eg_tree_point(text));
	while (text[n - 1] == '0') text[--n] = '\0';
	if (text[n - 1] == '.') text[--n] = '\0';
	eg_value_out_text(&p->out, strcmp(text, "-0") ? text : "0");
	eg_value_out_text(&p->out, " %");
}

static void put_number(printer *p, const eg_value *v) {
	char text[40];
	double number = eg_value_number(v, 0);
	if (!isfinite(number)) {
		eg_value_out_text(&p->out, "-");
		return;
	}
	if (v->show & (EG_SHOW_SHARE | EG_SHOW_PROBABILITY)) {
		put_percent(p, number, v->show & EG_SHOW_PROBABILITY);
	} else {
		bool whole = floor(number) == number && fabs(number) < 1e15;
		if (v->kind == EG_VALUE_INT)
			snprintf(text, sizeof text, "%lld", (long long)v->as.whole);
		else
			snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", number);
		eg_value_out_text(&p->out, eg_tree_point(text));
	}
	if (!v->unit) return;
	eg_value_out_put(&p->out, " ", 1);
	put_clean(p, v->unit, strlen(v->unit));
}

static void put_value(printer *p, const eg_value *v, const char *gap, manner how);

/* Those that show something, `gap` apart. */
static void put_all(printer *p, const eg_value *v, const char *gap, manner how) {
	bool some = false;
	for (const eg_value *c = eg_value_first(v); c; c = c->next) {
		size_t before = p->out.size;
		if (c->show & EG_SHOW_NOT) continue;
		if (some) eg_value_out_text(&p->out, gap);
		size_t begin = p->out.size;
		put_value(p, c, gap, how);
		if (p->out.size == begin) p->out.size = before;
		else some = true;
	}
}

static bool is_plain(const eg_value *v) { return v->kind != EG_VALUE_LIST && v->kind != EG_VALUE_MAP; }

static void put_box(printer *p, const eg_value *v) {
	char text[100];
	double side[4];
	for (int i = 0; i < 4; i++) side[i] = eg_value_number(eg_value_at(v, i), 0);
	snprintf(text, sizeof text, "%.0f x %.0f at %.0f, %.0f", side[2] - side[0], side[3] - side[1], side[0], side[1]);
	eg_value_out_text(&p->out, text);
}

/* Lists of plain values are narrow, lists of lists or maps wide, their maps narrow. */
static void put_list(printer *p, const eg_value *v) {
	bool plain = true;
	for (const eg_value *c = eg_value_first(v); c; c = c->next) plain = plain && is_plain(c);
	put_all(p, v, plain ? " " : "  ", ITEMS);
}

static void put_contents(printer *p, const eg_value *v, const char *gap, manner how) {
	switch (eg_value_kind_of(v)) {
	case EG_VALUE_BOOL: eg_value_out_text(&p->out, v->as.yes ? "true" : "false"); break;
	case EG_VALUE_INT:
	case EG_VALUE_NUMBER: put_number(p, v); break;
	case EG_VALUE_TEXT: put_clean(p, v->as.text->bytes, v->as.text->size); break;
	case EG_VALUE_LIST:
		if (v->show & EG_SHOW_BOX) put_box(p, v);
		else put_list(p, v);
		break;
	case EG_VALUE_MAP:
		if (how == ITEMS) put_all(p, v, " ", BARE);
		else put_all(p, v, gap, NAMED);
		break;
	default: eg_value_out_text(&p->out, "-"); break;
	}
}

/* A value as part of a map or list; nothing at all where its contents show nothing. */
static void put_value(printer *p, const eg_value *v, const char *gap, manner how) {
	size_t before = p->out.size;
	bool strong = (v->show & EG_SHOW_STRONG) && !p->strong, nothing = false;
	if (strong) eg_value_out_text(&p->out, p->strong_on);
	p->strong = p->strong || strong;
	if (v->kind == EG_VALUE_BOOL && how != ITEMS) {
		nothing = !v->as.yes;
		eg_value_out_put(&p->out, "(", 1);
		put_clean(p, v->key, strlen(v->key));
		eg_value_out_put(&p->out, ")", 1);
	} else {
		if (how == NAMED) put_clean(p, v->key, strlen(v->key));
		if (how == NAMED) eg_value_out_put(&p->out, ": ", 2);
		size_t begin = p->out.size;
		put_contents(p, v, gap, how);
		nothing = p->out.size == begin;
	}
	if (strong) eg_value_out_text(&p->out, p->strong_off);
	if (strong) p->strong = false;
	if (nothing) p->out.size = before;
}

eg_status eg_value_print(
	const eg_value *v, const char *strong_on, const char *strong_off, char **text, eg_error *err) {
	printer p = {.strong_on = strong_on ? strong_on : "", .strong_off = strong_off ? strong_off : ""};
	bool strong = eg_value_marks(v) & EG_SHOW_STRONG;
	p.strong = strong;
	if (strong) eg_value_out_text(&p.out, p.strong_on);
	if (eg_value_kind_of(v) == EG_VALUE_MAP)
		put_all(&p, v, "  ", BARE);
	else
		put_contents(&p, v, "  ", ITEMS);
	if (strong) eg_value_out_text(&p.out, p.strong_off);
	return eg_value_out_take(&p.out, text, NULL, err);
}
