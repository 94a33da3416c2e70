/* data.c - engram data: which data sets are known and where they lie; fetching them. Showing one is in show.c, its
 * units in vocab.c. */
#include "forecast.h"
#include "show.h"

#include <stdlib.h>
#include <string.h>

/* ---- list -------------------------------------------------------------------------------------------------------- */

static const char *origin_name(eg_data_origin o) {
	switch (o) {
	case EG_DATA_VARIABLE: return "ENGRAM_DATA";
	case EG_DATA_PACKAGE: return "Debian package";
	case EG_DATA_SHIPPED: return "with the recipes";
	case EG_DATA_CACHE: return "downloaded";
	default: return "folder given";
	}
}

static int64_t download_size(const eg_data_info *d) {
	int64_t n = d->archive ? d->archive->file.bytes : 0;
	for (int i = 0; i < d->nfiles; i++) n += d->files[i].download;
	return n;
}

static int64_t unpacked_size(const eg_data_info *d) {
	int64_t n = 0;
	for (int i = 0; i < d->nfiles; i++) n += d->files[i].bytes;
	return n;
}

static bool is_set(const eg_data_info *d) { return d->path == EG_DATA_PATH_SET; }

/* "picture, label" */
static const char *field_names(const eg_data_info *d, char *buf, size_t size) {
	size_t n = 0;
	buf[0] = 0;
	for (int i = 0; i < d->nfields && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "", d->fields[i].name);
	return buf;
}

/* How many different labels, tags and so on there are; 0: none, or told by the files. */
static int class_count(const eg_data_info *d) {
	for (int i = 0; i < d->nfields; i++) {
		eg_field_kind kind = d->fields[i].kind;
		if (kind == EG_FIELD_LABEL || kind == EG_FIELD_MASK || kind == EG_FIELD_BOXES || kind == EG_FIELD_TAGS)
			return d->fields[i].nnames;
	}
	return 0;
}

static void list_json(eg_value *v, const eg_data_info *d, const eg_data_place *place) {
	eg_value_put_text(v, "name", d->name);
	eg_value_put_text(v, "about", d->doc);
	eg_value *fields = eg_value_put_list(v, "fields");
	for (int i = 0; i < d->nfields; i++) {
		eg_value *f = eg_value_put_map(fields, NULL);
		eg_value_put_text(f, "name", d->fields[i].name);
		eg_value_put_text(f, "kind", eg_field_kind_name(d->fields[i].kind));
	}
	eg_value_put_text(v, "origin", d->origin);
	eg_value_put_text(v, "licence", d->licence);
	if (d->train > 0) {
		eg_value_put_int(v, "train", d->train);
		eg_value_put_int(v, "test", d->test);
	}
	if (class_count(d) > 0) eg_value_put_int(v, "classes", class_count(d));
	eg_value_put_int(v, "bytes", unpacked_size(d));
	eg_value_put_int(v, "download_bytes", download_size(d));
	eg_value_put_bool(v, "here", place != NULL || d->path == EG_DATA_PATH_COMPUTED);
	eg_value_put_text(v, "folder", place ? place->folder : NULL);
}

static void counts(table *t, const eg_data_info *d) {
	char train[NUMBER], test[NUMBER];
	if (d->train > 0) {
		table_cell(t, "%s", number_int(train, d->train));
		table_cell(t, "%s", number_int(test, d->test));
	} else { /* not cut into records: how long it is */
		table_cell(t, "%s", number_bytes(train, (double)unpacked_size(d)));
		table_cell(t, " ");
	}
	if (class_count(d) > 0)
		table_cell(t, "%d", class_count(d));
	else
		table_cell(t, " ");
}

static void list_row(table *t, const eg_data_info *d, const eg_data_place *place) {
	char fields[100], bytes[NUMBER];
	table_cell(t, "%s", d->name);
	table_cell(t, "%s", field_names(d, fields, sizeof fields));
	if (!is_set(d)) {
		for (int i = 0; i < 5; i++) table_cell(t, "%s", i == 3 ? "-" : "");
		table_cell(t, d->path == EG_DATA_PATH_COMPUTED ? "computed" : "your own files, named in the recipe");
		return;
	}
	counts(t, d);
	table_cell(t, "%s", d->licence ? d->licence : "");
	if (download_size(d) > 0)
		table_cell(t, "%s", number_bytes(bytes, (double)download_size(d)));
	else
		table_cell(t, d->shipped ? "with engram" : "by hand");
	if (place)
		table_cell(t, "%s (%s)", place->folder, origin_name(place->origin));
	else
		table_cell(
		        t, d->urls || d->package ? "not here: engram data get %s" : "not here: see %s below", d->name);
}

static int list(bool as_json) {
	eg_value *v = as_json ? eg_value_new(EG_VALUE_LIST) : NULL;
	table *t = table_new("llrrrlrl");
	static const char *const head[] = {
	        "name", "fields", "train", "test", "classes", "licence", "download", "where", NULL};
	for (int i = 0; head[i]; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	for (int i = 0; i < eg_data_count(); i++) {
		const eg_data_info *d = eg_data_at(i);
		eg_data_place place;
		bool here = is_set(d) && eg_data_locate(d->name, &place, NULL) == EG_OK;
		if (as_json)
			list_json(eg_value_put_map(v, NULL), d, here ? &place : NULL);
		else
			list_row(t, d, here ? &place : NULL);
	}
	if (as_json) {
		print_json(v);
	} else {
		table_print(t, stdout, 0);
		putchar('\n');
		for (int i = 0; i < eg_data_count(); i++) {
			printf("%-15s ", eg_data_at(i)->name);
			text_wrap(stdout, eg_data_at(i)->doc, 16, 16, 80);
		}
	}
	table_free(t);
	eg_value_free(v);
	return CLI_OK;
}

/* ---- get --------------------------------------------------------------------------------------------------------- */

static bool show(void *user, const eg_data_progress *p) {
	char left[160], right[80], done[NUMBER], total[NUMBER];
	(void)user;
	snprintf(left, sizeof left, "%.100s (%d of %d)", p->file, p->index + 1, p->files);
	if (p->checking)
		snprintf(right, sizeof right, "checking");
	else if (p->total > 0)
		snprintf(right, sizeof right, "%s of %s", number_bytes(done, (double)p->done),
		        number_bytes(total, (double)p->total));
	else
		snprintf(right, sizeof right, "%s", number_bytes(done, (double)p->done));
	bar_show(stderr, left, p->total > 0 ? (double)p->done / (double)p->total : 0, right);
	return true;
}

static void note(void *user, const char *text) {
	(void)user;
	fail("data get", "%s", text);
}

static int get(const char *name, const char *folder, bool as_json) {
	eg_error err;
	eg_data_got got;
	const eg_data_callbacks cb = {.progress = show, .note = note};
	const eg_data_info *d = eg_data_find(name);
	if (d && d->path == EG_DATA_PATH_COMPUTED)
		return fail("data get", "'%s' is computed; there is nothing to fetch", name);
	if (d && !is_set(d)) return fail("data get", "'%s' stands for your own files; there is nothing to fetch", name);
	eg_status status = eg_data_get(name, folder, &cb, &got, &err);
	bar_clear(stderr);
	if (status) return fail_error("data get", &err);
	const char *right = got.checked ? ", checksums are right" : "";
	if (as_json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "name", name);
		eg_value_put_text(v, "folder", got.place.folder);
		eg_value_put_int(v, "downloaded", got.downloaded);
		print_json(v);
		eg_value_free(v);
	} else if (got.downloaded) {
		printf("%s: downloaded%s; it lies in %s\n", name, right, got.place.folder);
	} else {
		printf("%s: complete%s; it lies in %s (%s)\n", name, right, got.place.folder, origin_name(got.place.origin));
	}
	return CLI_OK;
}

static int run(const cli_args *a) {
	const char *what = a->operands[0];
	static const char *const whats[] = {"list", "get", "show", "vocab"};
	int code = CLI_OK;
	if (!strcmp(what, "list") && a->noperands == 1) return list(args_has(a, "json"));
	if (!strcmp(what, "list")) return fail_usage("data", "'list' takes no argument '%s'", a->operands[1]);
	if (!strcmp(what, "show") && a->noperands == 2) return data_show(a, a->operands[1]);
	if (!strcmp(what, "show")) return fail_usage("data", "'show' takes one NAME, RECIPE or FILE.csv");
	if (!strcmp(what, "vocab") && a->noperands == 2) return data_vocab(a, a->operands[1]);
	if (!strcmp(what, "vocab")) return fail_usage("data", "'vocab' takes one RECIPE or MODEL");
	if (strcmp(what, "get")) {
		const char *meant = eg_did_you_mean(what, whats, 4);
		if (meant) return fail_usage("data", "there is no 'data %s'; did you mean 'data %s'?", what, meant);
		return fail_usage("data", "there is no 'data %s': it is 'data list', 'data get NAME', 'data show NAME|RECIPE|FILE.csv' or "
				"'data vocab RECIPE|MODEL'", what);
	}
	if (a->noperands == 1) return fail_usage("data", "get what? 'engram data list' shows what there is");
	if (args_has(a, "folder") && a->noperands > 2)
		return fail_usage("data", "--folder takes one data set at a time");
	for (int i = 1; i < a->noperands; i++) {
		int one = get(a->operands[i], args_text(a, "folder"), args_has(a, "json"));
		if (one) code = one;
	}
	return code;
}

static const cli_option options[] = {
	{"folder", 0, "DIR", "get: put the files here, and look nowhere else; show: where the data lies", 0, 0},
	{"number", 'n', "N", "show: so many records, evenly over the part (default: 4), or so many series of a table (default: 8); vocab: so many units (default: 20)", 0, 100000},
	{"output", 'o', "FILE.html", "show: a page with these facts and records, pictures and plots too", 0, 0},
	{"augmented", 0, NULL, "show: each record too as the recipe's 'augment' makes it in four epochs", 0, 0},
	{"split", 0, "train|validation|test", "show: records of this part", 0, 0},
	{"id", 0, "COLUMN", "show, of a table (FILE.csv) with several series: this column says which one a row is of", 0, 0},
	OPTIONS_TIME,
	OPTION_GRID,
	{"text", 0, "TEXT", "vocab: show how this is cut", 0, 0},
	{"all", 0, NULL, "show: read every record, however long it takes", 0, 0},
	OPTION_SET,
	OPTION_JSON("JSON instead of text"),
	{0},
};

const cli_verb verb_data = {
	.name = "data",
	.line = "list the data sets that are known, get one, or show what is in it",
	.operands = "list | get NAME... | show NAME|RECIPE|FILE.csv | vocab RECIPE|MODEL",
	.min_operands = 1,
	.max_operands = -1,
	.about = "'data list' shows the data sets, their licences and where they lie.\n\n"
		 "'data get' makes sure that a data set is here and whole. It is looked for in the\n"
		 "folders that ENGRAM_DATA names, then with the recipes, then where Debian's package\n"
		 "puts it; else it is downloaded to ~/.cache/engram and its SHA-256 checked. A\n"
		 "download that was broken off goes on where it stopped. ENGRAM_MIRROR names another\n"
		 "server, or file:///...\n\n"
		 "'data show' counts what is in a data set, or in the data of a recipe: classes, lengths,\n"
		 "sizes, missing values, records that cannot be read, and those that are there twice, in\n"
		 "a part or in two. Large sets of pictures and sound are read in part, which is said;\n"
		 "--all reads all. Then it shows some records, and, of a recipe, what its network gets of\n"
		 "them. Settings of a data set are given by --set, as in --set path=shoes. Of a table over\n"
		 "time (FILE.csv), with one series or, with --id, several, it tells the steps, gaps, trend\n"
		 "and season of each, and what is odd; -n says of how many series.\n\n"
		 "'data vocab' shows what the texts of a recipe or a model are cut into (data.unit): how\n"
		 "many units there are, which are the commonest and the longest, what share of each part\n"
		 "is unknown, and with --text how a sentence is cut.",
	.options = options,
	.examples = "  engram data list\n  engram data get fashion-mnist mnist\n"
		    "  engram data show mnist -n 12 -o mnist.html\n"
		    "  engram data show recipe.yaml --augmented -o sheet.html\n"
		    "  engram data show shops.csv --id Shop -o shops.html\n"
		    "  engram data vocab recipes/char-lstm.yaml --set data.unit=subword --text 'To be or not to be'\n",
	.run = run,
};
