/* sheet_facts.c - the facts of a data set as a table of a page: a column for each part, so that they can be compared,
 * with bars for classes and histograms of lengths. */
#include "report/sheet.h"

#include <string.h>

enum { SHOWN_CLASSES = 24, PARTS = EG_PARTS };

/* The same thing of each part side by side; NULL: this part has none. */
typedef struct across {
	const eg_value *of[PARTS];
	int n;
} across;

static across parts_of(const eg_value *facts) {
	across a = {.n = 0};
	for (const eg_value *p = eg_value_first(eg_value_get(facts, "parts")); p && a.n < PARTS; p = eg_value_next(p))
		a.of[a.n++] = p;
	return a;
}
static across get(const across *a, const char *key) {
	across b = {.n = a->n};
	for (int p = 0; p < a->n; p++) b.of[p] = eg_value_get(a->of[p], key);
	return b;
}
static across item(const across *a, int64_t i) {
	across b = {.n = a->n};
	for (int p = 0; p < a->n; p++) b.of[p] = eg_value_at(a->of[p], i);
	return b;
}
static int64_t longest(const across *a) {
	int64_t n = 0;
	for (int p = 0; p < a->n; p++)
		if (eg_value_count(a->of[p]) > n) n = eg_value_count(a->of[p]);
	return n;
}
/* Of the first part that has it. */
static const char *text_of(const across *a, const char *key) {
	for (int p = 0; p < a->n; p++)
		if (*eg_text_of(a->of[p], key)) return eg_text_of(a->of[p], key);
	return "";
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void begin_row(eg_writer *w, const char *name) {
	eg_put(w, "<tr><td>");
	eg_put_escaped(w, name);
	eg_put(w, "</td>");
}

static void group(eg_writer *w, const across *a, const char *name, const char *more) {
	eg_put(w, "<tr><th colspan=\"%d\">", a->n + 1);
	eg_put_escaped(w, name);
	if (*more) {
		eg_put(w, " <small>");
		eg_put_escaped(w, more);
		eg_put(w, "</small>");
	}
	eg_put(w, "</th></tr>\n");
}

/* A row of what `say` says of each part. */
static void row(eg_writer *w, const char *name, const across *a, void (*say)(eg_words *, const eg_value *)) {
	begin_row(w, name);
	for (int p = 0; p < a->n; p++) {
		eg_words words = {0};
		if (a->of[p]) say(&words, a->of[p]);
		eg_put(w, "<td>");
		eg_put_escaped(w, words.text);
		eg_put(w, "</td>");
	}
	eg_put(w, "</tr>\n");
}

static bool any(const across *a) {
	bool there = false;
	for (int p = 0; p < a->n; p++) there = there || a->of[p];
	return there;
}

/* ---- lengths ----------------------------------------------------------------------------------------------------- */

static void histogram(eg_writer *w, const eg_value *bins) {
	enum { WIDE = 7, HIGH = 18 };
	int64_t most = 1, x = 0;
	for (const eg_value *b = eg_value_first(bins); b; b = eg_value_next(b))
		if (eg_value_int(b, 0) > most) most = eg_value_int(b, 0);
	eg_put(w, "<svg class=\"h\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%lld\" height=\"%d\">",
	        (long long)eg_value_count(bins) * WIDE, HIGH);
	for (const eg_value *b = eg_value_first(bins); b; b = eg_value_next(b), x += WIDE) {
		const int high = (int)((eg_value_int(b, 0) * (HIGH - 1) + most - 1) / most);
		eg_put(w, "<rect x=\"%lld\" y=\"%d\" width=\"%d\" height=\"%d\"/>", (long long)x, HIGH - high, WIDE - 1, high);
	}
	eg_put(w, "</svg>");
}

static void lengths(eg_writer *w, const across *fields, const char *what) {
	const across a = get(fields, what);
	if (!any(&a)) return;
	begin_row(w, what);
	for (int p = 0; p < a.n; p++) {
		eg_words words = {0};
		eg_put(w, "<td>");
		if (a.of[p]) eg_say_lengths(&words, a.of[p]);
		eg_put_escaped(w, words.text);
		if (eg_value_get(a.of[p], "histogram")) histogram(w, eg_value_get(a.of[p], "histogram"));
		eg_put(w, "</td>");
	}
	eg_put(w, "</tr>\n");
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static void say_classes_left(eg_words *w, const eg_value *classes) {
	const int64_t more = eg_value_count(eg_value_get(classes, "of")) - SHOWN_CLASSES;
	if (more < 1) return;
	eg_say(w, "and ");
	eg_say_count(w, more);
	eg_say(w, more == 1 ? " more class" : " more classes");
}

static void share(eg_writer *w, int64_t count, int64_t all, int64_t most) {
	eg_words words = {0};
	const long long tenths = all > 0 ? (count * 2000 / all + 1) / 2 : 0;
	eg_say_count(&words, count);
	eg_put(w, "<td class=\"b\"><span>");
	if (count > 0 && most > 0) eg_put(w, "<i style=\"width:%lld%%\"></i>", (long long)(count * 100 / most));
	eg_put(w, "</span>%s", words.text);
	if (all > 0) eg_put(w, " <small>%lld.%lld %%</small>", tenths / 10, tenths % 10);
	eg_put(w, "</td>");
}

static void classes(eg_writer *w, const across *fields) {
	const across a = get(fields, "classes"), of = get(&a, "of");
	int64_t all[PARTS] = {0}, most[PARTS] = {0};
	bool none = false;
	if (!any(&a)) return;
	for (int p = 0; p < a.n; p++) {
		for (const eg_value *c = eg_value_first(of.of[p]); c; c = eg_value_next(c)) {
			all[p] += eg_int_of(c, "count");
			if (eg_int_of(c, "count") > most[p]) most[p] = eg_int_of(c, "count");
		}
		none = none || eg_int_of(a.of[p], "none");
		all[p] += eg_int_of(a.of[p], "none");
	}
	for (int64_t i = 0; i < longest(&of) && i < SHOWN_CLASSES; i++) {
		const across c = item(&of, i);
		begin_row(w, text_of(&c, "class"));
		for (int p = 0; p < a.n; p++) share(w, eg_int_of(c.of[p], "count"), all[p], most[p]);
		eg_put(w, "</tr>\n");
	}
	if (longest(&of) > SHOWN_CLASSES) row(w, "", &a, say_classes_left);
	if (!none) return;
	begin_row(w, "none");
	for (int p = 0; p < a.n; p++) share(w, eg_int_of(a.of[p], "none"), all[p], most[p]);
	eg_put(w, "</tr>\n");
}

/* ---- a field ----------------------------------------------------------------------------------------------------- */

static void say_int(eg_words *w, const eg_value *v) { eg_say_count(w, eg_value_int(v, 0)); }
static void say_more(eg_words *w, const eg_value *v) {
	eg_say(w, "and ");
	say_int(w, v);
	eg_say(w, " more columns");
}

static void values(eg_writer *w, const across *fields) {
	const across list = get(fields, "values"), more = get(fields, "more_values");
	const int64_t n = longest(&list);
	char number[32];
	for (int64_t i = 0; i < n; i++) {
		const across v = item(&list, i);
		const char *column = text_of(&v, "column");
		snprintf(number, sizeof number, n > 1 ? "column %lld" : "values", (long long)i);
		row(w, *column ? column : number, &v, eg_say_values);
	}
	if (any(&more)) row(w, "", &more, say_more);
}

static void field(eg_writer *w, const across *parts, const across *fields) {
	const char *name = text_of(fields, "name"), *kind = text_of(fields, "kind"), *counted;
	const across read = get(fields, "read"), missing = get(fields, "missing"), of = get(fields, "classes");
	bool all = true, some = false;
	counted = text_of(&of, "counted");
	for (int p = 0; p < parts->n; p++) {
		all = all && eg_value_int(read.of[p], 0) >= eg_int_of(parts->of[p], "records");
		some = some || eg_value_int(missing.of[p], 0) > 0;
	}
	char more[80] = "";
	if (strcmp(name, kind) != 0 && strcmp(kind, counted) != 0) snprintf(more, sizeof more, "%s", kind);
	if (*counted) snprintf(more + strlen(more), sizeof more - strlen(more), "%s%s of each class", *more ? ", " : "", counted);
	group(w, parts, name, more);
	if (!all) row(w, "read", &read, say_int);
	if (some) row(w, "missing", &missing, say_int);
	lengths(w, fields, "length");
	lengths(w, fields, "height");
	lengths(w, fields, "width");
	values(w, fields);
	classes(w, fields);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void duplicates(eg_writer *w, const across *parts, const eg_value *facts) {
	const eg_value *list = eg_value_get(facts, "duplicates");
	eg_words looked = {0};
	eg_say_looked(&looked, facts);
	group(w, parts, "duplicates", looked.text);
	if (!eg_value_first(list)) return;
	begin_row(w, "");
	for (int p = 0; p < parts->n; p++) {
		bool first = true;
		eg_put(w, "<td>");
		for (const eg_value *d = eg_value_first(list); d; d = eg_value_next(d)) {
			eg_words words = {0};
			if (strcmp(eg_text_of(d, "part"), eg_text_of(parts->of[p], "part")) != 0) continue;
			eg_say_duplicates(&words, d);
			if (!first) eg_put(w, "<br/>");
			eg_put_escaped(w, words.text);
			first = false;
		}
		eg_put(w, "</td>");
	}
	eg_put(w, "</tr>\n");
}

static void broken(eg_writer *w, const eg_value *facts) {
	const eg_value *all = eg_value_get(facts, "broken"), *named = eg_value_get(all, "named");
	const int64_t n = eg_int_of(all, "count"), more = n - eg_value_count(named);
	eg_words words = {0};
	if (n < 1) return;
	eg_say_count(&words, n);
	eg_put(w, "<h2>%s record%s cannot be read</h2>\n<ul>\n", words.text, n == 1 ? "" : "s");
	for (const eg_value *b = eg_value_first(named); b; b = eg_value_next(b)) {
		eg_put(w, "<li>");
		eg_put_escaped(w, eg_value_text(b) ? eg_value_text(b) : "");
		eg_put(w, "</li>\n");
	}
	if (more > 0) eg_put(w, "<li>and %lld more</li>\n", (long long)more);
	eg_put(w, "</ul>\n");
}

void eg_sheet_facts(eg_sheet *s, const eg_value *facts) {
	eg_writer *w = s->w;
	const across parts = parts_of(facts), fields = get(&parts, "fields"), inputs = get(&parts, "inputs");
	const across units = get(&parts, "units");
	eg_put(w, "<table>\n<tr><th></th>");
	for (int p = 0; p < parts.n; p++) eg_put(w, "<th>%s</th>", eg_text_of(parts.of[p], "part"));
	eg_put(w, "</tr>\n");
	row(w, "records", &parts, eg_say_records);
	for (int64_t i = 0; i < longest(&fields); i++) {
		const across f = item(&fields, i);
		field(w, &parts, &f);
	}
	if (any(&inputs)) group(w, &parts, "what the network gets", "of some samples of each part");
	for (int64_t i = 0; i < longest(&inputs); i++) {
		const across x = item(&inputs, i);
		row(w, text_of(&x, "input"), &x, eg_say_input);
	}
	if (any(&units)) row(w, "units", &units, eg_say_units);
	duplicates(w, &parts, facts);
	eg_put(w, "</table>\n");
	if (eg_value_get(facts, "kept_aside")) {
		char share_text[32];
		eg_put(w, "<p>%s %% of the text are kept aside to validate.</p>\n",
		        eg_brief(100 * eg_number_of(facts, "kept_aside"), share_text));
	}
	broken(w, facts);
}
