/* args.c - the command line: options by the verbs' own tables and, for verbs that answer, by those of the tasks; help
 * texts from the same tables, "did you mean". */
#include "print.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- options of tasks -------------------------------------------------------------------------------------------- */

enum { MAX_OPTIONS = 64 };

static char *copy(const char *text) {
	char *c = cli_alloc(strlen(text) + 1);
	return strcpy(c, text);
}

typedef struct gathering {
	cli_task_options *all;
	const char *task;
} gathering;

/* "classify: how many ... language: how many ..." where several tasks have it; where all say the same, "classify,
 * language: ...". */
static char *joined_doc(const char *before, const char *task, const char *doc) {
	size_t nbefore = strlen(before), ndoc = strlen(doc), room = nbefore + strlen(task) + ndoc + 8;
	char *text = cli_alloc(room);
	bool same = nbefore > ndoc + 2 && !strcmp(before + nbefore - ndoc, doc) &&
	            !memcmp(before + nbefore - ndoc - 2, ": ", 2);
	if (same)
		snprintf(text, room, "%.*s, %s: %s", (int)(nbefore - ndoc - 2), before, task, doc);
	else
		snprintf(text, room, "%s%s%s: %s", before, *before ? ". " : "", task, doc);
	return text;
}

static void gather_option(void *user, const eg_option *o) {
	const gathering *g = user;
	cli_option *at = g->all->options;
	while (at->name && strcmp(at->name, o->name) != 0) at++;
	if (!at->name && g->all->n == MAX_OPTIONS) return;
	char *doc = joined_doc(at->name ? at->doc : "", g->task, o->doc);
	if (at->name)
		free((char *)at->doc);
	else
		*at = (cli_option){.name = copy(o->name), .value = o->value ? copy(o->value) : NULL}, g->all->n++;
	at->doc = doc;
}

static cli_task_options *gather(void) {
	cli_task_options *all = cli_alloc(sizeof *all);
	all->options = cli_alloc((MAX_OPTIONS + 1) * sizeof *all->options);
	for (int i = 0; i < eg_task_count(); i++) {
		gathering g = {all, eg_task_at(i)->name};
		eg_task_options(i, gather_option, &g, NULL);
	}
	return all;
}

static void forget(cli_task_options *all) {
	if (!all) return;
	for (int i = 0; i < all->n; i++) {
		free((char *)all->options[i].name);
		free((char *)all->options[i].value);
		free((char *)all->options[i].doc);
	}
	free(all->options);
	free(all);
}

static bool is_of_tasks(const cli_args *a, const cli_option *o) {
	return a->tasks && o >= a->tasks->options && o < a->tasks->options + a->tasks->n;
}

char **args_settings(const cli_args *a, const char *more) {
	char **all = cli_alloc((size_t)(a->ngiven + 2) * sizeof *all);
	int n = 0;
	for (int i = 0; i < a->ngiven; i++) {
		const cli_given *g = &a->given[i];
		const char *value = g->value ? g->value : "true";
		if (!is_of_tasks(a, g->option)) continue;
		size_t size = strlen(g->option->name) + strlen(value) + 2;
		all[n] = cli_alloc(size);
		snprintf(all[n++], size, "%s=%s", g->option->name, value);
	}
	if (more) all[n] = copy(more);
	return all;
}

void args_settings_free(char **settings) {
	for (int i = 0; settings && settings[i]; i++) free(settings[i]);
	free(settings);
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

/* Options of tasks are called as their settings are, with _ between words; here - does as well, as help has it. */
static bool is_named(const cli_option *o, const char *name, size_t n) {
	if (strlen(o->name) != n) return false;
	for (size_t i = 0; i < n; i++)
		if (o->name[i] != name[i] && !(o->name[i] == '_' && name[i] == '-')) return false;
	return true;
}

static const cli_option *find_in(const cli_option *o, const char *name, size_t n) {
	for (; o->name; o++)
		if (is_named(o, name, n)) return o;
	return NULL;
}

static const cli_option *find(const cli_args *a, const char *name, size_t n) {
	const cli_option *o = find_in(a->verb->options, name, n);
	return o || !a->tasks ? o : find_in(a->tasks->options, name, n);
}

/* A key of recipes that was written as an option: "--epochs 3" for "--set train.epochs=3". `value` is what stands
 * behind it, or NULL. */
static bool is_key(const cli_verb *v, const char *word, bool near, const char *value) {
	char path[128];
	const cli_option *set = find_in(v->options, "set", 3);
	if (!set || !eg_recipe_key_path(word, near, path, sizeof path)) return false;
	bool quote = value && strpbrk(value, " '\"{}[]$&;|<>()*?#!\\");
	fail_usage(v->name, "there is no option '--%s', but the recipe has such a key; did you mean --set %s%s=%s%s?", word,
	        quote ? "'" : "", path, value ? value : "...", quote ? "'" : "");
	return true;
}

static bool unknown(const cli_args *a, const char *typed, size_t n, const char *next) {
	const cli_verb *v = a->verb;
	const char *value = typed[n] == '=' ? typed + n + 1 : next && next[0] != '-' ? next : NULL;
	const char *names[2 * MAX_OPTIONS] = {"help"};
	char word[64];
	int count = 1;
	for (const cli_option *o = v->options; o->name && count < MAX_OPTIONS; o++) names[count++] = o->name;
	for (int i = 0; a->tasks && i < a->tasks->n; i++) names[count++] = a->tasks->options[i].name;
	snprintf(word, sizeof word, "%.*s", (int)n, typed);
	if (is_key(v, word, false, value)) return false;
	const char *meant = eg_did_you_mean(word, names, count);
	if (!meant && is_key(v, word, true, value)) return false;
	if (meant)
		fail_usage(v->name, "there is no option '--%s'; did you mean '--%s'?", word, meant);
	else
		fail_usage(v->name, "there is no option '--%s'", word);
	return false;
}

static bool is_number(const cli_option *o) { return o->value && isupper((unsigned char)o->value[0]) && !o->value[1]; }

static bool parse_number(const char *text, uint64_t *v) {
	char *end;
	errno = 0;
	if (!isdigit((unsigned char)text[0])) return false;
	*v = strtoull(text, &end, 10);
	return !*end && !errno;
}

/* "2.5G": 2.5e9. */
static bool parse_count(const char *text, double *v) {
	static const char units[] = "kMGT";
	char *end;
	if (!isdigit((unsigned char)text[0])) return false;
	*v = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;
	for (const char *u = units; unit && u <= unit; u++) *v *= 1000;
	return (!*end || (unit && !end[1])) && *v > 0 && *v < 1e18;
}

static bool one_of(const char *choices, const char *value) {
	size_t n = strlen(value);
	for (const char *at = choices; at; at = strchr(at, '|')) {
		if (*at == '|') at++;
		if (!strncmp(at, value, n) && n > 0 && (at[n] == '|' || !at[n])) return true;
	}
	return false;
}

static bool valid(const cli_verb *v, const cli_option *o, const char *value) {
	uint64_t x;
	if (is_number(o) && (!parse_number(value, &x) || x < o->min || x > o->max)) {
		fail_usage(v->name, "--%s needs a whole number from %llu to %llu, not '%s'", o->name,
		        (unsigned long long)o->min, (unsigned long long)o->max, value);
		return false;
	}
	double count;
	const bool counts = o->value && !strcmp(o->value, CLI_COUNT);
	if (counts && !parse_count(value, &count)) {
		fail_usage(v->name, "--%s needs a number above 0, such as 500M or 2.5G, not '%s'", o->name, value);
		return false;
	}
	if (!counts && o->value && strchr(o->value, '|') && !one_of(o->value, value)) {
		fail_usage(v->name, "--%s needs one of %s, not '%s'", o->name, o->value, value);
		return false;
	}
	return true;
}

static bool add(cli_args *a, const cli_option *o, const char *value, int argc, char **argv, int *i) {
	const cli_verb *v = a->verb;
	if (!o->value && value) {
		fail_usage(v->name, "--%s takes no value", o->name);
		return false;
	}
	if (o->value && !value) {
		if (*i + 1 >= argc) {
			fail_usage(v->name, "--%s needs a value: %s", o->name, o->value);
			return false;
		}
		value = argv[++*i];
	}
	if (o->value && !is_of_tasks(a, o) && !valid(v, o, value))
		return false; /* what a task's may be, the task says */
	a->given[a->ngiven++] = (cli_given){o, value};
	return true;
}

static bool parse_long(cli_args *a, char *typed, int argc, char **argv, int *i) {
	char *equals = strchr(typed, '=');
	size_t n = equals ? (size_t)(equals - typed) : strlen(typed);
	if (n == 4 && !memcmp(typed, "help", n)) return a->help = true;
	const cli_option *o = find(a, typed, n);
	return o ? add(a, o, equals ? equals + 1 : NULL, argc, argv, i)
	         : unknown(a, typed, n, *i + 1 < argc ? argv[*i + 1] : NULL);
}

/* -o FILE, -oFILE, and flags one after the other. */
static bool parse_short(cli_args *a, const char *letters, int argc, char **argv, int *i) {
	for (; *letters; letters++) {
		if (*letters == 'h') return a->help = true;
		const cli_option *o = a->verb->options;
		while (o->name && o->letter != *letters) o++;
		if (!o->name) {
			fail_usage(a->verb->name, "there is no option '-%c'",
			        isprint((unsigned char)*letters) ? *letters : '?');
			return false;
		}
		bool rest = o->value && letters[1];
		if (!add(a, o, rest ? letters + 1 : NULL, argc, argv, i)) return false;
		if (o->value) return true;
	}
	return true;
}

bool args_parse(cli_args *a, const cli_verb *verb, int argc, char **argv) {
	bool options = true;
	*a = (cli_args){.verb = verb, .operands = argv, .given = cli_alloc((size_t)(argc + 1) * sizeof *a->given)};
	if (verb->answers) a->tasks = gather();
	for (int i = 0; i < argc; i++) {
		char *s = argv[i];
		bool ok = true;
		if (options && !strcmp(s, "--"))
			options = false;
		else if (options && s[0] == '-' && s[1] == '-')
			ok = parse_long(a, s + 2, argc, argv, &i);
		else if (options && s[0] == '-' && s[1])
			ok = parse_short(a, s + 1, argc, argv, &i);
		else
			argv[a->noperands++] = s;
		if (!ok) return false;
		if (a->help) return true;
	}
	if (a->noperands < verb->min_operands) {
		fail_usage(verb->name, a->noperands == 0 ? "%s is missing" : "too few arguments; it needs %s",
		        verb->operands);
		return false;
	}
	if (verb->max_operands >= 0 && a->noperands > verb->max_operands) {
		if (verb->max_operands == 0)
			fail_usage(verb->name, "it takes no argument '%s'", a->operands[0]);
		else
			fail_usage(verb->name, "one argument too many: '%s'", a->operands[verb->max_operands]);
		return false;
	}
	return true;
}

void args_free(cli_args *a) {
	forget(a->tasks);
	free(a->given);
}

static const cli_given *last(const cli_args *a, const char *name) {
	for (int i = a->ngiven; i-- > 0;)
		if (!strcmp(a->given[i].option->name, name)) return &a->given[i];
	return NULL;
}

bool args_has(const cli_args *a, const char *name) { return last(a, name) != NULL; }

const char *args_text(const cli_args *a, const char *name) {
	const cli_given *g = last(a, name);
	return g ? g->value : NULL;
}

uint64_t args_number(const cli_args *a, const char *name, uint64_t otherwise) {
	const char *text = args_text(a, name);
	uint64_t v;
	return text && parse_number(text, &v) ? v : otherwise;
}

bool args_real(const cli_args *a, const char *name, double min, double max, double *value) {
	const char *text = args_text(a, name);
	char *end = NULL;
	if (!text) return true;
	double v = strtod(text, &end);
	if (end == text || *end || !(v >= min && v <= max)) {
		fail_usage(a->verb->name, "--%s needs a number from %g to %g, not '%s'", name, min, max, text);
		return false;
	}
	*value = v;
	return true;
}

double args_count(const cli_args *a, const char *name, double otherwise) {
	const char *text = args_text(a, name);
	double v;
	return text && parse_count(text, &v) ? v : otherwise;
}

const char **args_all(const cli_args *a, const char *name, int *n) {
	const char **all = cli_alloc((size_t)(a->ngiven + 2) * sizeof *all);
	*n = 0;
	for (int i = 0; i < a->ngiven; i++)
		if (!strcmp(a->given[i].option->name, name)) all[(*n)++] = a->given[i].value;
	return all;
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

enum { WIDTH = 80 };

static void option_line(const cli_option *o, int column) {
	char text[80];
	int n = o->letter ? snprintf(text, sizeof text, "-%c, ", o->letter) : snprintf(text, sizeof text, "    ");
	snprintf(text + n, sizeof text - (size_t)n, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	for (char *c = text; *c && c < text + n + 2 + strlen(o->name); c++)
		if (*c == '_') *c = '-';
	printf("  %-*s", column - 2, text);
	if (text_width(text) > column - 4) printf("\n%*s", column, "");
	text_wrap(stdout, o->doc, column, column, WIDTH);
}

/* Paragraphs are an empty line apart; those that begin with a blank are kept as they are. */
static void paragraphs(const char *text) {
	char one[1024];
	while (*text) {
		const char *end = strstr(text, "\n\n");
		int n = end ? (int)(end - text) : (int)strlen(text);
		snprintf(one, sizeof one, "%.*s", n, text);
		putchar('\n');
		if (one[0] == ' ')
			puts(one);
		else
			text_wrap(stdout, one, 0, 0, WIDTH);
		text += end ? n + 2 : n;
	}
}

/* What the verb has to say of every task. */
static void about_tasks(const cli_verb *v) {
	char text[1024];
	for (int i = 0; v->judges && i < eg_task_count(); i++) paragraphs(eg_task_at(i)->judged);
	if (!v->answers) return;
	int column = 0;
	for (int i = 0; i < eg_task_count(); i++)
		if ((int)strlen(eg_task_at(i)->name) + 4 > column) column = (int)strlen(eg_task_at(i)->name) + 4;
	printf("\nTasks, what their models take, and what they answer:\n");
	for (int i = 0; i < eg_task_count(); i++) {
		const eg_task_info *t = eg_task_at(i);
		snprintf(text, sizeof text, "%s. Answer: %s", t->takes, t->answer);
		printf("  %-*s", column - 2, t->name);
		text_wrap(stdout, text, column, column, WIDTH);
	}
}

static int option_column(const cli_option *o, int column) {
	for (; o->name; o++) {
		int n = 6 + (int)strlen(o->name) + (o->value ? (int)strlen(o->value) + 1 : 0) + 4;
		if (n > column && n <= 30) column = n;
	}
	return column;
}

void args_help(const cli_verb *v) {
	static const cli_option help = {"help", 'h', NULL, "this text", 0, 0};
	cli_task_options *tasks = v->answers ? gather() : NULL;
	int column = option_column(v->options, 14);
	if (tasks) column = option_column(tasks->options, column);
	printf("engram %s - %s\n\nUsage: engram %s%s%s%s\n", v->name, v->line, v->name,
	        v->options->name ? " [OPTION]..." : "", v->operands[0] ? " " : "", v->operands);
	if (v->about) paragraphs(v->about);
	about_tasks(v);
	printf("\nOptions:\n");
	for (const cli_option *o = v->options; o->name; o++) option_line(o, column);
	option_line(&help, column);
	if (tasks && tasks->n > 0) printf("\nOptions of the model's task:\n");
	for (int i = 0; tasks && i < tasks->n; i++) option_line(&tasks->options[i], column);
	if (v->examples) printf("\nExamples:\n%s", v->examples);
	forget(tasks);
}
