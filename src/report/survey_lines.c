/* survey_lines.c - facts of a data set as lines for people; one record in words. */
#include "report/survey.h"

#include <math.h>
#include <string.h>

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* 1234567 as 1,234,567; buf has room. */
static const char *grouped(int64_t v, char buf[32]) {
	char digits[24];
	const int n = snprintf(digits, sizeof digits, "%lld", (long long)(v < 0 ? -v : v));
	int k = 0;
	if (v < 0) buf[k++] = '-';
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0) buf[k++] = ',';
		buf[k++] = digits[i];
	}
	buf[k] = '\0';
	return buf;
}

const char *eg_brief(double v, char buf[32]) {
	if (!isfinite(v)) return "-";
	if (fabs(v) >= 1000 && fabs(v) < 1e15) return grouped(llround(v), buf);
	double power = v == 0 ? 0 : floor(log10(fabs(v)));
	double unit = pow(10, fmin(power, 15) - 3);
	return eg_number(round(v / unit) * unit, buf);
}

const char *eg_class_name(const eg_source *s, int k, int label, char buf[24]) {
	const char *name = label < 0 ? "-" : eg_source_name(s, k, label);
	if (name) return name;
	snprintf(buf, 24, "%d", label);
	return buf;
}

char *eg_cut_text(const char *bytes, size_t size, size_t most, char *buf) {
	size_t n = size < most ? size : most;
	while (n > 0 && n < size && ((unsigned char)bytes[n] & 0xc0) == 0x80) n--;
	for (size_t i = 0; i < n; i++) buf[i] = bytes[i] ? bytes[i] : ' ';
	memcpy(buf + n, n < size ? "..." : "", n < size ? 4 : 1);
	return buf;
}

int64_t eg_characters(const char *bytes, size_t size) {
	int64_t n = 0;
	for (size_t i = 0; i < size; i++) n += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	return n;
}

void eg_say(eg_words *w, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(w->text + w->n, EG_LINE - w->n, fmt, args);
	va_end(args);
	if (n < 0) return;
	if (w->n + (size_t)n < EG_LINE) {
		w->n += (size_t)n;
		return;
	}
	for (w->n = EG_LINE - 4; w->n > 0 && ((unsigned char)w->text[w->n] & 0xc0) == 0x80;) w->n--;
	memcpy(w->text + w->n, "...", 4);
	w->n = EG_LINE - 1;
}

void eg_say_count(eg_words *w, int64_t n) {
	char buf[32];
	eg_say(w, "%s", grouped(n, buf));
}

/* ---- facts in words ---------------------------------------------------------------------------------------------- */

double eg_number_of(const eg_value *map, const char *key) {
	return eg_value_number(eg_value_get(map, key), (double)NAN);
}
int64_t eg_int_of(const eg_value *map, const char *key) { return eg_value_int(eg_value_get(map, key), 0); }
const char *eg_text_of(const eg_value *map, const char *key) {
	const char *s = eg_value_text(eg_value_get(map, key));
	return s ? s : "";
}

void eg_say_records(eg_words *w, const eg_value *part) {
	const int64_t records = eg_int_of(part, "records"), read = eg_int_of(part, "read");
	eg_say_count(w, records);
	if (*eg_text_of(part, "kept_aside_of")) eg_say(w, ", kept aside of %s", eg_text_of(part, "kept_aside_of"));
	if (read < records) {
		eg_say(w, ", of which ");
		eg_say_count(w, read);
		eg_say(w, " were read as a whole");
	}
	if (*eg_text_of(part, "remark")) eg_say(w, "; %s", eg_text_of(part, "remark"));
}

void eg_say_lengths(eg_words *w, const eg_value *v) {
	char a[32], b[32], c[32];
	const char *of = eg_text_of(v, "of");
	const double most = eg_number_of(v, "max");
	if (eg_value_get(v, "histogram")) {
		eg_say(w, "%s to %s %s, median %s", eg_brief(eg_number_of(v, "min"), a), eg_brief(most, c), of,
		        eg_brief(eg_number_of(v, "median"), b));
		return;
	}
	const int n = (int)strlen(of);
	eg_say(w, "%s %.*s", eg_brief(most, a), most == 1 && n > 0 && of[n - 1] == 's' && strcmp(of, "boxes") != 0 ? n - 1 : n, of);
}

void eg_say_values(eg_words *w, const eg_value *x) {
	char a[32], b[32], c[32];
	eg_say(w, "%s to %s, mean %s", eg_brief(eg_number_of(x, "min"), a), eg_brief(eg_number_of(x, "max"), b),
	        eg_brief(eg_number_of(x, "mean"), c));
	if (!eg_int_of(x, "gaps")) return;
	eg_say(w, ", ");
	eg_say_count(w, eg_int_of(x, "gaps"));
	eg_say(w, eg_int_of(x, "gaps") == 1 ? " gap" : " gaps");
}

const char *eg_type_word(const eg_value *input) {
	const char *type = eg_text_of(input, "type");
	return strncmp(type, "EG_", 3) == 0 ? type + 3 : type;
}

void eg_say_input(eg_words *w, const eg_value *x) {
	char a[32], b[32], c[32];
	const eg_value *most = eg_value_first(eg_value_get(x, "most"));
	eg_say(w, "%s (", eg_type_word(x));
	for (const eg_value *d = eg_value_first(eg_value_get(x, "least")); d && most; d = eg_value_next(d), most = eg_value_next(most)) {
		const int64_t from = eg_value_int(d, 0), to = eg_value_int(most, 0);
		eg_say(w, "%s%lld", d == eg_value_first(eg_value_get(x, "least")) ? "" : ", ", (long long)from);
		if (to > from) eg_say(w, " to %lld", (long long)to);
	}
	eg_say(w, ")");
	if (!eg_value_get(x, "max")) return;
	eg_say(w, ", %s to %s", eg_brief(eg_number_of(x, "min"), a), eg_brief(eg_number_of(x, "max"), b));
	if (eg_value_get(x, "mean")) eg_say(w, ", mean %s", eg_brief(eg_number_of(x, "mean"), c));
}

/* Of what is not seen: spaces and line ends as signs, others as numbers. */
static void say_unit(eg_words *w, const eg_value *unit) {
	const char *s = eg_text_of(unit, "text");
	if (eg_value_get(unit, "byte")) eg_say(w, "\\x%02X", (unsigned)eg_int_of(unit, "byte"));
	for (int n; *s; s += n) {
		bool shown;
		n = eg_utf8_shown(s, strlen(s), &shown);
		if (*s == ' ')
			eg_say(w, "\xE2\x90\xA3"); /* an open box */
		else if (*s == '\n')
			eg_say(w, "\\n");
		else if (shown)
			eg_say(w, "%.*s", n, s);
		for (int k = 0; k < n && !shown && *s != '\n'; k++) eg_say(w, "\\x%02X", (unsigned)(unsigned char)s[k]);
	}
}

void eg_say_units(eg_words *w, const eg_value *x) {
	char share[32];
	const double n = eg_number_of(x, "count");
	eg_say_count(w, eg_int_of(x, "count"));
	eg_say(w, " of ");
	eg_say_count(w, eg_int_of(x, "different"));
	eg_say(w, " different (%s), %s %% unknown", eg_text_of(x, "of"),
	        eg_brief(n > 0 ? 100 * eg_number_of(x, "unknown") / n : 0, share));
	for (const eg_value *u = eg_value_first(eg_value_get(x, "commonest")); u; u = eg_value_next(u)) {
		eg_say(w, u == eg_value_first(eg_value_get(x, "commonest")) ? "; commonest: " : "  ");
		say_unit(w, u);
		eg_say(w, " %s %%", eg_brief(100 * eg_number_of(u, "n") / n, share));
	}
}

void eg_say_duplicates(eg_words *w, const eg_value *d) {
	const int64_t n = eg_int_of(d, "count"), differ = eg_int_of(d, "differ");
	const eg_value *some = eg_value_get(d, "some");
	eg_say_count(w, n);
	eg_say(w, n == 1 ? " record is" : " records are");
	if (!strcmp(eg_text_of(d, "in"), eg_text_of(d, "part")))
		eg_say(w, " there before");
	else
		eg_say(w, " in %s too", eg_text_of(d, "in"));
	if (differ) {
		eg_say(w, ", ");
		eg_say_count(w, differ);
		eg_say(w, " with another label");
	}
	eg_say(w, ": ");
	for (const eg_value *x = eg_value_first(some); x; x = eg_value_next(x))
		eg_say(w, "%s%s as %s%s", x == eg_value_first(some) ? "" : ", ", eg_text_of(x, "record"), eg_text_of(x, "same_as"),
		        eg_value_bool(eg_value_get(x, "differs"), false) ? " (another label)" : "");
	if (n > eg_value_count(some)) eg_say(w, ", ...");
}

void eg_say_looked(eg_words *w, const eg_value *facts) {
	int64_t records = 0, read = 0;
	for (const eg_value *p = eg_value_first(eg_value_get(facts, "parts")); p; p = eg_value_next(p))
		records += eg_int_of(p, "records"), read += eg_int_of(p, "read");
	const bool none = eg_value_count(eg_value_get(facts, "duplicates")) == 0;
	if (none) eg_say(w, "none");
	if (read == records) return;
	eg_say(w, none ? " among the " : "looked for among the ");
	eg_say_count(w, read);
	eg_say(w, " records that were read as a whole");
}

/* ---- facts as lines ---------------------------------------------------------------------------------------------- */

enum { SHOWN_CLASSES = 24 };
typedef struct lines {
	void (*take)(void *user, const eg_survey_line *line);
	void *user;
	const char *part, *field;
} lines;

static void tell(const lines *l, const char *what, const eg_words *w) {
	l->take(l->user, &(eg_survey_line){l->part, l->field, what, w->text});
}

static void tell_lengths(const lines *l, const eg_value *field, const char *what) {
	static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const eg_value *v = eg_value_get(field, what), *h = eg_value_get(v, "histogram");
	eg_words w = {0};
	int64_t most = 1;
	if (eg_value_kind_of(v) != EG_VALUE_MAP) return;
	eg_say_lengths(&w, v);
	if (h) eg_say(&w, "  ");
	for (const eg_value *x = eg_value_first(h); x; x = eg_value_next(x))
		if (eg_value_int(x, 0) > most) most = eg_value_int(x, 0);
	for (const eg_value *x = eg_value_first(h); x; x = eg_value_next(x))
		eg_say(&w, "%s", bars[(eg_value_int(x, 0) * 8 + most - 1) / most]);
	tell(l, what, &w);
}

static void tell_classes(const lines *l, const eg_value *field) {
	const eg_value *v = eg_value_get(field, "classes"), *list = eg_value_get(v, "of");
	eg_words w = {0};
	int n = 0;
	if (!v) return;
	for (const eg_value *c = eg_value_first(list); c && n < SHOWN_CLASSES; c = eg_value_next(c), n++) {
		eg_say(&w, "%s%s: ", n ? " · " : "", eg_text_of(c, "class"));
		eg_say_count(&w, eg_int_of(c, "count"));
	}
	if (eg_value_count(list) > n) {
		eg_say(&w, " · and ");
		eg_say_count(&w, eg_value_count(list) - n);
		eg_say(&w, " more classes");
	}
	if (eg_int_of(v, "none")) {
		eg_say(&w, "%snone: ", n ? " · " : "");
		eg_say_count(&w, eg_int_of(v, "none"));
	}
	char what[40];
	snprintf(what, sizeof what, "classes, in %s", eg_text_of(v, "counted"));
	tell(l, what, &w);
}

/* What a column of one long series looks like. */
static void say_look(eg_words *w, const eg_value *x) {
	char a[32], b[32], c[32];
	const double season = eg_number_of(x, "season");
	if (eg_int_of(x, "longest_gap") > 1) eg_say(w, ", the longest gap %lld steps", (long long)eg_int_of(x, "longest_gap"));
	if (eg_value_get(x, "constant")) eg_say(w, "; odd: it never changes");
	if (!eg_value_get(x, "lag1")) return;
	eg_say(w, "; neighbours correlate by %s", eg_brief(eg_number_of(x, "lag1"), a));
	if (!isnan(eg_number_of(x, "trend"))) eg_say(w, ", trend %s", eg_brief(eg_number_of(x, "trend"), b));
	if (isnan(season))
		eg_say(w, ", no season");
	else
		eg_say(w, ", season of %lld steps %s", (long long)eg_int_of(x, "period"), eg_brief(season, c));
	if (!eg_int_of(x, "spikes")) return;
	eg_say(w, "; odd: %lld spike%s, the largest at step %lld", (long long)eg_int_of(x, "spikes"), eg_int_of(x, "spikes") == 1 ? "" : "s",
	        (long long)eg_int_of(x, "spike_at") + 1);
}

void eg_say_column(eg_words *w, const eg_value *x) {
	if (eg_value_get(x, "words")) {
		eg_say(w, "%s", eg_text_of(x, "words"));
		return;
	}
	eg_say_values(w, x);
	say_look(w, x);
}

static void tell_values(const lines *l, const eg_value *field) {
	const eg_value *list = eg_value_get(field, "values");
	int64_t k = 0;
	for (const eg_value *x = eg_value_first(list); x; x = eg_value_next(x), k++) {
		eg_words w = {0};
		char what[64];
		const char *column = eg_value_text(eg_value_get(x, "column"));
		if (column)
			snprintf(what, sizeof what, "%.50s", column);
		else
			snprintf(what, sizeof what, eg_value_count(list) > 1 ? "column %lld" : "values", (long long)k);
		eg_say_column(&w, x);
		tell(l, what, &w);
	}
	if (!eg_int_of(field, "more_values")) return;
	eg_words more = {0};
	eg_say(&more, "and %lld more columns", (long long)eg_int_of(field, "more_values"));
	tell(l, "columns", &more);
}

static void tell_field(lines *l, const eg_value *field, int64_t records) {
	eg_words w = {0};
	l->field = eg_text_of(field, "name");
	eg_say(&w, "%s", eg_text_of(field, "kind"));
	if (eg_int_of(field, "read") < records) {
		eg_say(&w, ", of ");
		eg_say_count(&w, eg_int_of(field, "read"));
		eg_say(&w, " records");
	}
	tell(l, "kind", &w);
	if (eg_int_of(field, "missing")) {
		eg_words m = {0};
		eg_say(&m, "in ");
		eg_say_count(&m, eg_int_of(field, "missing"));
		eg_say(&m, eg_int_of(field, "missing") == 1 ? " record" : " records");
		tell(l, "missing", &m);
	}
	tell_classes(l, field);
	tell_lengths(l, field, "length");
	tell_lengths(l, field, "height");
	tell_lengths(l, field, "width");
	tell_values(l, field);
}

static void tell_part(lines *l, const eg_value *p) {
	eg_words w = {0};
	l->part = eg_text_of(p, "part"), l->field = "";
	eg_say_records(&w, p);
	tell(l, "records", &w);
	for (const eg_value *f = eg_value_first(eg_value_get(p, "fields")); f; f = eg_value_next(f))
		tell_field(l, f, eg_int_of(p, "records"));
	l->field = "the network";
	for (const eg_value *x = eg_value_first(eg_value_get(p, "inputs")); x; x = eg_value_next(x)) {
		eg_words in = {0};
		eg_say_input(&in, x);
		tell(l, eg_text_of(x, "input"), &in);
	}
	if (!eg_value_get(p, "units")) return;
	eg_words units = {0};
	eg_say_units(&units, eg_value_get(p, "units"));
	tell(l, "units", &units);
}

static void tell_broken(lines *l, const eg_value *facts) {
	const eg_value *broken = eg_value_get(facts, "broken"), *named = eg_value_get(broken, "named");
	const int64_t more = eg_int_of(broken, "count") - eg_value_count(named);
	for (const eg_value *b = eg_value_first(named); b; b = eg_value_next(b)) {
		eg_words w = {0};
		eg_say(&w, "%s", eg_value_text(b));
		tell(l, "broken", &w);
	}
	if (more < 1) return;
	eg_words w = {0};
	eg_say(&w, "and ");
	eg_say_count(&w, more);
	eg_say(&w, " more");
	tell(l, "broken", &w);
}

static void tell_series(lines *l, const eg_value *p) {
	eg_words steps = {0};
	l->part = eg_text_of(p, "part");
	eg_say(&steps, "%s", eg_text_of(p, "steps"));
	tell(l, "steps", &steps);
	for (const eg_value *x = eg_value_first(eg_value_get(p, "values")); x; x = eg_value_next(x)) {
		eg_words w = {0};
		eg_say_column(&w, x);
		tell(l, eg_text_of(x, "column"), &w);
	}
}

/* A table of one or several series: some of them, how many more there are, and what is odd about those. */
static void tell_table(lines *l, const eg_value *facts) {
	const int64_t more = eg_int_of(facts, "more_series"), odd = eg_int_of(facts, "more_odd");
	eg_words w = {0};
	for (const eg_value *p = eg_value_first(eg_value_get(facts, "parts")); p; p = eg_value_next(p)) tell_series(l, p);
	l->part = "";
	if (more) {
		eg_say(&w, "and %lld more", (long long)more);
		tell(l, "series", &w);
	}
	for (const eg_value *o = eg_value_first(eg_value_get(facts, "odd")); o; o = eg_value_next(o)) {
		const char *column = eg_text_of(o, "column");
		eg_words one = {0};
		if (eg_value_get(o, "shown") && *column) continue; /* its line says so */
		eg_say(&one, "%s%s%s%s%s", eg_text_of(o, "series"), *eg_text_of(o, "series") ? ": " : "", column, *column ? ": " : "",
		        eg_text_of(o, "what"));
		tell(l, "odd", &one);
	}
	eg_words rest = {0};
	if (odd) {
		eg_say(&rest, "and %lld more", (long long)odd);
		tell(l, "odd", &rest);
	}
}

void eg_survey_lines(const eg_value *facts, void (*take)(void *user, const eg_survey_line *line), void *user) {
	lines l = {take, user, "", ""};
	if (eg_value_get(facts, "series")) {
		tell_table(&l, facts);
		return;
	}
	for (const eg_value *p = eg_value_first(eg_value_get(facts, "parts")); p; p = eg_value_next(p)) tell_part(&l, p);
	l.field = "", l.part = "";
	if (eg_value_get(facts, "kept_aside")) {
		eg_words w = {0};
		char share[32];
		eg_say(&w, "%s %% of the text are kept aside to validate", eg_brief(100 * eg_number_of(facts, "kept_aside"), share));
		tell(&l, "validation", &w);
	}
	tell_broken(&l, facts);
	for (const eg_value *d = eg_value_first(eg_value_get(facts, "duplicates")); d; d = eg_value_next(d)) {
		eg_words w = {0};
		l.part = eg_text_of(d, "part");
		eg_say_duplicates(&w, d);
		tell(&l, "duplicates", &w);
	}
	eg_words looked = {0};
	l.part = "";
	eg_say_looked(&looked, facts);
	if (looked.n) tell(&l, "duplicates", &looked);
}

/* ---- a record in words ------------------------------------------------------------------------------------------- */

enum { SHOWN_TEXT = 100, SHOWN_ITEMS = 16 };

static void add_label(eg_words *w, const eg_source *s, int k, const eg_datum *d) {
	char buf[24], share[32];
	for (int i = 0; d->shares && i < d->shares->n; i++)
		eg_say(w, "%s%s %s", i ? ", " : "", eg_class_name(s, k, d->shares->label[i], buf), eg_brief(d->shares->share[i], share));
	if (!d->shares) eg_say(w, "%s", eg_class_name(s, k, d->label, buf));
}

/* Item i of a list; tags and boxes by their class. */
static const char *item_of(const eg_source *s, int k, const eg_datum *d, int i, char buf[32]) {
	switch (s->fields[k].kind) {
	case EG_FIELD_TOKENS: return d->tokens.at[i];
	case EG_FIELD_TAGS: return eg_class_name(s, k, d->tags.at[i], buf);
	case EG_FIELD_BOXES: return eg_class_name(s, k, d->boxes.at[i].label, buf);
	default: return eg_brief(d->numbers.at[i], buf);
	}
}

/* "B-PER I-PER O x 14": of classes, those that come again and again are told once. */
static void add_list(eg_words *w, const eg_source *s, int k, const eg_datum *d) {
	const eg_field_kind kind = s->fields[k].kind;
	const int n = kind == EG_FIELD_TOKENS ? d->tokens.n
	              : kind == EG_FIELD_TAGS ? d->tags.n
	              : kind == EG_FIELD_BOXES ? d->boxes.n
	                                          : d->numbers.n;
	const bool classes = kind == EG_FIELD_TAGS || kind == EG_FIELD_BOXES;
	char buf[32], other[32];
	int i = 0;
	for (int told = 0; i < n && told < SHOWN_ITEMS; told++) {
		const char *item = item_of(s, k, d, i, buf);
		int again = 1;
		while (classes && i + again < n && !strcmp(item, item_of(s, k, d, i + again, other))) again++;
		eg_say(w, "%s%.60s", i ? " " : "", item);
		if (again > 1) eg_say(w, " × %d", again);
		i += again;
	}
	if (i < n) eg_say(w, " ... (%d)", n);
	if (n == 0) eg_say(w, "none");
}

static void add_datum(eg_words *w, const eg_source *s, int k, const eg_datum *d) {
	char buf[SHOWN_TEXT + 4];
	if (!d->there) {
		eg_say(w, "missing");
		return;
	}
	switch (s->fields[k].kind) {
	case EG_FIELD_PICTURE: eg_say(w, "%d x %d x %d", d->picture.C, d->picture.H, d->picture.W); break;
	case EG_FIELD_LABEL: add_label(w, s, k, d); break;
	case EG_FIELD_MASK: eg_say(w, "%d x %d", d->mask.H, d->mask.W); break;
	case EG_FIELD_TEXT: eg_say(w, "%s", eg_cut_text(d->text.bytes, d->text.size, SHOWN_TEXT, buf)); break;
	case EG_FIELD_SERIES:
		eg_say_count(w, d->series.steps);
		eg_say(w, " steps of %d column%s", d->series.columns, d->series.columns == 1 ? "" : "s");
		break;
	case EG_FIELD_SOUND:
		if (d->sound.rate > 0) eg_say(w, "%s s, ", eg_brief((double)d->sound.n / d->sound.rate, buf));
		eg_say_count(w, d->sound.n);
		eg_say(w, " samples");
		if (d->sound.rate > 0) eg_say(w, " at %s Hz", eg_brief(d->sound.rate, buf));
		break;
	case EG_FIELD_FRAMES: eg_say(w, "%d frames of %d x %d x %d", d->frames.n, d->frames.C, d->frames.H, d->frames.W); break;
	default: add_list(w, s, k, d);
	}
}

void eg_record_describe(const eg_source *source, const eg_record *r, eg_value *map) {
	eg_value_put_text(map, "record", r->id);
	if (r->group) eg_value_put_text(map, "group", r->group);
	eg_value *list = eg_value_put_list(map, "fields");
	for (int k = 0; k < source->nfields; k++) {
		eg_words w = {0};
		eg_value *one = eg_value_put_map(list, NULL);
		add_datum(&w, source, k, &r->fields[k]);
		eg_value_put_text(one, "name", source->fields[k].name);
		eg_value_put_text(one, "kind", eg_field_kind_name(source->fields[k].kind));
		eg_value_put_text(one, "holds", w.text);
	}
}
