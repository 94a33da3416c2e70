/* source.c - the table of sources, and reading a set by its name. Each source is described in a file of its own. */
#include "data/data.h"

#include <string.h>

#define EG_SOURCE(name) extern const eg_source eg_source_##name;
#include "data/sources.def"
#undef EG_SOURCE

static const eg_source *const sources[] = {
#define EG_SOURCE(name) &eg_source_##name,
#include "data/sources.def"
#undef EG_SOURCE
};

int eg_data_count(void) { return EG_COUNT(sources); }

const eg_data_info *eg_data_at(int i) { return i >= 0 && i < EG_COUNT(sources) ? &sources[i]->info : NULL; }

static const eg_source *find(const char *name) {
	for (int i = 0; name && i < EG_COUNT(sources); i++)
		if (strcmp(sources[i]->info.name, name) == 0) return sources[i];
	return NULL;
}

const eg_data_info *eg_data_find(const char *name) {
	const eg_source *s = find(name);
	return s ? &s->info : NULL;
}

const eg_source *eg_source_find(const char *name, eg_error *err) {
	const eg_source *s = find(name);
	if (s) return s;
	const char *names[EG_COUNT(sources)];
	char list[400] = "";
	for (int i = 0; i < EG_COUNT(sources); i++) {
		names[i] = sources[i]->info.name;
		size_t n = strlen(list);
		snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", names[i]);
	}
	const char *near = eg_did_you_mean(name, names, EG_COUNT(names));
	if (near)
		eg_fail(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", name, near);
	else
		eg_fail(err, EG_ERR_ARG, "no data source '%s'; there are: %s", name ? name : "", list);
	return NULL;
}

static const char *kind_name(eg_data_kind kind) { return kind == EG_DATA_TEXT ? "text" : "pictures"; }

const eg_source *eg_source_find_kind(const char *name, eg_data_kind kind, eg_error *err) {
	const eg_source *s = eg_source_find(name, err);
	if (!s || s->info.kind == kind) return s;
	char list[400] = "";
	for (int i = 0; i < EG_COUNT(sources); i++) {
		size_t n = strlen(list);
		if (sources[i]->info.kind == kind)
			snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", sources[i]->info.name);
	}
	eg_fail(err, EG_ERR_ARG, "data source '%s' is %s, but %s is wanted here; there is: %s", name,
	        kind_name(s->info.kind), kind == EG_DATA_TEXT ? "text" : "a set of pictures", list);
	return NULL;
}

eg_status eg_source_files(const eg_source *s, const char *folder, eg_data_place *place, eg_error *err) {
	const eg_data_file *lacking;
	if (s->info.nfiles == 0) return EG_OK;
	if (!folder) return eg_data_locate(s->info.name, place, err);
	if (strlen(folder) >= sizeof place->folder)
		return eg_fail(err, EG_ERR_ARG, "the folder's name is longer than %zu bytes: '%s'",
		        sizeof place->folder - 1, folder);
	place->origin = EG_DATA_GIVEN;
	memcpy(place->folder, folder, strlen(folder) + 1);
	if (eg_data_files_count(&s->info, folder, &lacking) == s->info.nfiles) return EG_OK;
	return eg_fail(err, EG_ERR_IO, "%s: there is no %s%s in folder '%s'", s->info.name, lacking->name,
	        eg_data_file_suffix(lacking), folder);
}

eg_status eg_data_load(
        const char *source, const char *split, const eg_data_options *options, eg_pictures **out, eg_error *err) {
	static const eg_data_options none;
	const eg_data_options *o = options ? options : &none;
	*out = NULL;
	const eg_source *s = eg_source_find_kind(source, EG_DATA_PICTURES, err);
	if (!s) return EG_ERR_ARG;
	bool test = split && strcmp(split, "test") == 0;
	if (!test && (!split || strcmp(split, "train") != 0))
		return eg_fail(
		        err, EG_ERR_ARG, "%s has the splits 'train' and 'test', not '%s'", source, split ? split : "");
	eg_data_place place = {0};
	eg_status status = eg_source_files(s, o->folder, &place, err);
	if (status != EG_OK) return status;
	status = s->load(s, place.folder, test, o, out, err);
	if (status == EG_ERR_FORMAT && err && s->info.urls)
		eg_fail(err, status, "%s; `engram data get %s` checks the files", err->message, s->info.name);
	return status;
}
