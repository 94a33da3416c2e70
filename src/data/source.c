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

/* Where the files of the set lie; *place is filled only for sources that have files of their own. */
static eg_status find_files(const eg_source *s, const eg_data_options *o, eg_data_place *place, eg_error *err) {
	const char *lacking;
	if (s->info.nfiles == 0) return EG_OK;
	if (!o->folder) return eg_data_locate(s->info.name, place, err);
	if (strlen(o->folder) >= sizeof place->folder)
		return eg_fail(err, EG_ERR_ARG, "the folder's name is longer than %zu bytes: '%s'",
		        sizeof place->folder - 1, o->folder);
	place->origin = EG_DATA_GIVEN;
	memcpy(place->folder, o->folder, strlen(o->folder) + 1);
	if (eg_data_files_count(&s->info, o->folder, &lacking) == s->info.nfiles) return EG_OK;
	return eg_fail(err, EG_ERR_IO, "%s: there is no %s.gz in folder '%s'", s->info.name, lacking, o->folder);
}

eg_status eg_data_load(
        const char *source, const char *split, const eg_data_options *options, eg_pictures **out, eg_error *err) {
	static const eg_data_options none;
	const eg_data_options *o = options ? options : &none;
	*out = NULL;
	const eg_source *s = eg_source_find(source, err);
	if (!s) return EG_ERR_ARG;
	bool test = split && strcmp(split, "test") == 0;
	if (!test && (!split || strcmp(split, "train") != 0))
		return eg_fail(
		        err, EG_ERR_ARG, "%s has the splits 'train' and 'test', not '%s'", source, split ? split : "");
	eg_data_place place = {0};
	eg_status status = find_files(s, o, &place, err);
	if (status != EG_OK) return status;
	status = s->load(s, place.folder, test, o, out, err);
	if (status == EG_ERR_FORMAT && err && s->info.urls)
		eg_fail(err, status, "%s; `engram data get %s` checks the files", err->message, s->info.name);
	return status;
}
