/* index.c - embeddings that are looked through for the nearest, and their file. All entries are compared, by as many
 * threads as there are: a million of 128 numbers are half a gigabyte, which memory gives in less time than a graph of
 * neighbours would need to be made, and no answer is a guess. */
#define _POSIX_C_SOURCE 200809L /* open, posix_madvise */
#include "engram_index.h"

#include "base/base.h"
#include "io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "engram-index"
#define ANEW "; make it anew (engram index)"
enum { TOGETHER = 4, LANES = 4, KEPT_MOST = 16, WIDTH_MOST = 1 << 20 };

static const char *const distance_names[] = {"cosine", "euclidean", NULL};
const char *const *eg_distance_names(void) { return distance_names; }

typedef struct kept {
	char *key, *value;
} kept;

struct eg_index {
	int width;
	eg_distance distance;
	int64_t n;
	const char *at;    /* n embeddings, not aligned */
	const char **ids;  /* n of them */
	int32_t *class_of; /* n of them; -1: none */
	const char **classes;
	int nclasses;
	kept kept[KEPT_MOST];
	int nkept;
	eg_team *team;
	int threads;
	eg_arena arena;
	/* of one that is made */
	float *own;
	int cap, cap_ids, cap_class_of, cap_classes;
	/* of a file */
	void *map;
	size_t size;
	eg_st_file file;
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for an index"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static eg_status begin(int threads, eg_index **index, eg_error *err) {
	eg_cpu cpu;
	*index = eg_calloc(NULL, 1, sizeof **index);
	if (!*index) return no_memory(err);
	eg_cpu_detect(&cpu);
	(*index)->threads = threads > 0 ? threads : cpu.cores > 0 ? cpu.cores : 1;
	return EG_OK;
}

eg_status eg_index_new(int width, eg_distance distance, int threads, eg_index **index, eg_error *err) {
	*index = NULL;
	if (width < 1 || width > WIDTH_MOST) return eg_fail(err, EG_ERR_ARG, "embeddings of %d numbers: 1 to %d it may be", width, WIDTH_MOST);
	eg_status status = begin(threads, index, err);
	if (!status) (*index)->width = width, (*index)->distance = distance;
	return status;
}

void eg_index_free(eg_index *x) {
	if (!x) return;
	for (int i = 0; i < x->nkept; i++) {
		eg_release(NULL, x->kept[i].key);
		eg_release(NULL, x->kept[i].value);
	}
	eg_team_free(x->team);
	eg_release(NULL, x->own);
	eg_release(NULL, (void *)x->ids);
	eg_release(NULL, x->class_of);
	eg_release(NULL, (void *)x->classes);
	if (x->map) munmap(x->map, x->size);
	x->file.bytes = NULL; /* they were borrowed */
	eg_st_free(&x->file);
	eg_arena_free(&x->arena);
	eg_release(NULL, x);
}

int64_t eg_index_count(const eg_index *x) { return x->n; }
int eg_index_width(const eg_index *x) { return x->width; }
eg_distance eg_index_distance(const eg_index *x) { return x->distance; }
const char *eg_index_id(const eg_index *x, int64_t i) { return x->ids[i]; }
const char *eg_index_class(const eg_index *x, int64_t i) { return x->class_of[i] < 0 ? NULL : x->classes[x->class_of[i]]; }

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static double square_of(const eg_index *x, const float *v) {
	double square = 0;
	for (int i = 0; i < x->width; i++) square += (double)v[i] * (double)v[i];
	return square;
}

bool eg_index_fits(const eg_index *x, const float *embedding) {
	const double square = square_of(x, embedding);
	return isfinite(square) && (square > 0 || x->distance != EG_DISTANCE_COSINE);
}

/* Brings a vector to length 1, where angles are compared. */
static eg_status fit(const eg_index *x, const float *from, float *to, eg_error *err) {
	const double square = square_of(x, from);
	if (!isfinite(square)) return eg_fail(err, EG_ERR_NUMERIC, "an embedding holds something that is not a number");
	if (!eg_index_fits(x, from)) return eg_fail(err, EG_ERR_NUMERIC, "an embedding of zeros has no direction to compare");
	const double scale = x->distance == EG_DISTANCE_COSINE ? 1 / sqrt(square) : 1;
	for (int i = 0; i < x->width; i++) to[i] = (float)((double)from[i] * scale);
	return EG_OK;
}

/* Number of a class by its name; -1: out of memory. */
static int class_number(eg_index *x, const char *name) {
	for (int i = x->nclasses; i-- > 0;) /* entries of a class come together */
		if (!strcmp(x->classes[i], name)) return i;
	if (!eg_grow(NULL, &x->classes, &x->cap_classes, x->nclasses, sizeof *x->classes)) return -1;
	if (!(x->classes[x->nclasses] = eg_arena_strdup(&x->arena, name))) return -1;
	return x->nclasses++;
}

eg_status eg_index_add(eg_index *x, const float *embedding, const char *id, const char *class_name, eg_error *err) {
	const int n = (int)x->n;
	if (x->map) return eg_fail(err, EG_ERR_ARG, "an index that is a file cannot be added to; make a new one");
	if (x->n >= INT32_MAX) return eg_fail(err, EG_ERR_ARG, "an index holds at most %d entries", INT32_MAX);
	if (!eg_grow(NULL, &x->own, &x->cap, n, (size_t)x->width * sizeof *x->own) ||
	        !eg_grow(NULL, &x->ids, &x->cap_ids, n, sizeof *x->ids) ||
	        !eg_grow(NULL, &x->class_of, &x->cap_class_of, n, sizeof *x->class_of))
		return no_memory(err);
	x->at = (const char *)x->own;
	eg_status status = fit(x, embedding, x->own + (size_t)n * (size_t)x->width, err);
	if (status) return status;
	const int class = class_name ? class_number(x, class_name) : -1;
	const char *name = eg_arena_strdup(&x->arena, id);
	if (!name || (class_name && class < 0)) return no_memory(err);
	x->ids[n] = name, x->class_of[n] = class;
	x->n++;
	return EG_OK;
}

/* ---- what is kept beside them ------------------------------------------------------------------------------------ */

static char *copy(const char *s) {
	char *own = eg_alloc(NULL, strlen(s) + 1);
	return own ? strcpy(own, s) : NULL;
}

eg_status eg_index_keep(eg_index *x, const char *key, const char *value, eg_error *err) {
	int i = 0;
	while (i < x->nkept && strcmp(x->kept[i].key, key) != 0) i++;
	if (i < x->nkept) {
		eg_release(NULL, x->kept[i].key);
		eg_release(NULL, x->kept[i].value);
		x->kept[i] = x->kept[--x->nkept];
	}
	if (!value) return EG_OK;
	if (x->nkept == KEPT_MOST) return eg_fail(err, EG_ERR_ARG, "an index keeps at most %d texts", KEPT_MOST);
	kept k = {copy(key), copy(value)};
	if (!k.key || !k.value) {
		eg_release(NULL, k.key);
		eg_release(NULL, k.value);
		return no_memory(err);
	}
	x->kept[x->nkept++] = k;
	return EG_OK;
}

const char *eg_index_kept(const eg_index *x, const char *key) {
	for (int i = 0; i < x->nkept; i++)
		if (!strcmp(x->kept[i].key, key)) return x->kept[i].value;
	return NULL;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* n texts, a zero behind each. */
static char *join(const char *const *texts, int64_t n, size_t *size) {
	*size = 0;
	for (int64_t i = 0; i < n; i++) *size += strlen(texts[i]) + 1;
	char *all = eg_alloc(NULL, *size + 1), *to = all;
	for (int64_t i = 0; i < n && all; i++) {
		const size_t each = strlen(texts[i]) + 1;
		memcpy(to, texts[i], each);
		to += each;
	}
	return all;
}

eg_status eg_index_save(const eg_index *x, const char *path, eg_error *err) {
	size_t nids, nnames;
	char *ids = join(x->ids, x->n, &nids), *names = join(x->classes, x->nclasses, &nnames);
	eg_st_text texts[KEPT_MOST + 3] = {{"format", FORMAT}, {"distance", distance_names[x->distance]}};
	int ntexts = 2;
	for (int i = 0; i < x->nkept; i++) texts[ntexts++] = (eg_st_text){x->kept[i].key, x->kept[i].value};
	const eg_st_tensor tensors[] = {
	        {.name = "embeddings", .dtype = EG_ST_F32, .dims = {2, {x->n, x->width}}, .data = x->at},
	        {.name = "classes", .dtype = EG_ST_I32, .dims = {1, {x->n}}, .data = x->class_of},
	        {.name = "ids", .dtype = EG_ST_U8, .dims = {1, {(int64_t)nids}}, .data = ids},
	        {.name = "class_names", .dtype = EG_ST_U8, .dims = {1, {(int64_t)nnames}}, .data = names},
	};
	eg_status status = ids && names ? eg_st_write(path, texts, ntexts, tensors, EG_COUNT(tensors), err) : no_memory(err);
	eg_release(NULL, ids);
	eg_release(NULL, names);
	return status;
}

/* The texts of a tensor that `join` made, which there must be n of (-1: any number). */
static eg_status split(const eg_st_tensor *t, int64_t n, const char ***texts, int64_t *count, eg_error *err) {
	const char *s = t->data;
	int64_t ends = 0;
	for (size_t i = 0; i < t->bytes; i++) ends += s[i] == '\0';
	if ((t->bytes && s[t->bytes - 1]) || (n >= 0 && ends != n))
		return eg_fail(err, EG_ERR_FORMAT, "damaged: '%s' does not name %lld entries" ANEW, t->name, (long long)(n >= 0 ? n : ends));
	const char **all = eg_calloc(NULL, (size_t)ends + 1, sizeof *all);
	if (!all) return no_memory(err);
	for (int64_t i = 0; i < ends; i++, s += strlen(s) + 1) all[i] = s;
	*texts = all, *count = ends;
	return EG_OK;
}

/* A tensor that has to be there. */
static const eg_st_tensor *part(const eg_index *x, const char *name, eg_st_dtype type, int rank, eg_error *err) {
	const eg_st_tensor *t = eg_st_find(&x->file, name);
	if (t && t->dtype == type && t->dims.rank == rank) return t;
	eg_fail(err, EG_ERR_FORMAT, "damaged: an index has '%s', %s of %d dimension%s" ANEW, name, eg_st_dtype_name(type), rank,
	        rank > 1 ? "s" : "");
	return NULL;
}

/* Which of the names at p, NULL-terminated; -1: none. */
static int which(const char *const *p, const char *name) {
	for (int i = 0; p[i] && name; i++)
		if (!strcmp(p[i], name)) return i;
	return -1;
}

static eg_status keep_texts(eg_index *x, eg_error *err) {
	eg_status status = EG_OK;
	for (const eg_tree *t = x->file.texts ? x->file.texts->first : NULL; t && !status; t = t->next)
		if (strcmp(t->key, "format") != 0 && strcmp(t->key, "distance") != 0 && t->text)
			status = eg_index_keep(x, t->key, t->text, err);
	return status;
}

static eg_status take_parts(eg_index *x, eg_error *err) {
	const char *format = eg_st_text_of(&x->file, "format");
	const int distance = which(distance_names, eg_st_text_of(&x->file, "distance"));
	int64_t count;
	if (!format || strcmp(format, FORMAT) != 0)
		return eg_fail(err, EG_ERR_FORMAT, "it is no index; engram index makes one of a model and pictures");
	if (distance < 0) return eg_fail(err, EG_ERR_FORMAT, "damaged: it does not say which distance it compares by" ANEW);
	const eg_st_tensor *e = part(x, "embeddings", EG_ST_F32, 2, err), *c = e ? part(x, "classes", EG_ST_I32, 1, err) : NULL,
	                   *i = c ? part(x, "ids", EG_ST_U8, 1, err) : NULL, *s = i ? part(x, "class_names", EG_ST_U8, 1, err) : NULL;
	if (!s) return EG_ERR_FORMAT;
	x->distance = (eg_distance)distance;
	x->n = e->dims.d[0], x->width = (int)e->dims.d[1], x->at = e->data;
	if (x->n > INT32_MAX || e->dims.d[1] < 1 || e->dims.d[1] > WIDTH_MOST || c->dims.d[0] != x->n)
		return eg_fail(err, EG_ERR_FORMAT, "damaged: %lld embeddings of %lld numbers with %lld classes" ANEW, (long long)x->n,
		        (long long)e->dims.d[1], (long long)c->dims.d[0]);
	eg_status status = split(i, x->n, &x->ids, &count, err);
	if (!status) status = split(s, -1, &x->classes, &count, err);
	if (status) return status;
	x->nclasses = (int)count;
	x->class_of = eg_calloc(NULL, (size_t)x->n + 1, sizeof *x->class_of);
	if (!x->class_of) return no_memory(err);
	memcpy(x->class_of, c->data, (size_t)x->n * sizeof *x->class_of);
	for (int64_t k = 0; k < x->n; k++)
		if (x->class_of[k] < -1 || x->class_of[k] >= count)
			return eg_fail(err, EG_ERR_FORMAT, "damaged: entry %lld is of class %d of %lld" ANEW, (long long)k, x->class_of[k],
			        (long long)count);
	return keep_texts(x, err);
}

static eg_status map_file(eg_index *x, const char *path, eg_error *err) {
	struct stat st;
	/* What is no plain file does not keep waiting. */
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0) return eg_fail(err, EG_ERR_IO, "cannot read %s: %s", path, strerror(errno));
	bool ok = !fstat(file, &st);
	if (ok && !S_ISREG(st.st_mode)) {
		close(file);
		return eg_fail(err, EG_ERR_IO, "%s is not a plain file", path);
	}
	x->size = ok ? (size_t)st.st_size : 0;
	x->map = x->size ? mmap(NULL, x->size, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
	const int reason = errno;
	close(file);
	if (ok && !x->size) return eg_fail(err, EG_ERR_FORMAT, "%s is empty", path);
	if (x->map != MAP_FAILED && x->map) return EG_OK;
	x->map = NULL;
	return eg_fail(err, EG_ERR_IO, "cannot read %s: %s", path, strerror(reason));
}

eg_status eg_index_open(const char *path, int threads, eg_index **index, eg_error *err) {
	eg_index *x;
	*index = NULL;
	eg_status status = begin(threads, &x, err);
	if (status) return status;
	status = map_file(x, path, err);
	if (!status) {
		posix_madvise(x->map, x->size, POSIX_MADV_WILLNEED);
		status = eg_st_parse(x->map, x->size, path, &x->file, err);
		if (!status && (status = take_parts(x, err))) eg_fail_prefix(err, "%s", path);
	}
	if (status)
		eg_index_free(x);
	else
		*index = x;
	return status;
}

/* ---- looking through it ------------------------------------------------------------------------------------------ */

/* Some queries against some entries: what a thread finds is in `hits`, k for each query. */
typedef struct search {
	const eg_index *x;
	const float *queries; /* of length 1, where angles are compared */
	const int64_t *but;
	int n, k;
	eg_hit *hits; /* by thread, then by query */
	int *found;
} search;

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static lanes some(const void *p) {
	lanes v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* Distances of `m` queries, TOGETHER at most, from an entry: what is read once is compared with all. A query's distance
 * does not depend on those beside it. */
static void distances(const eg_index *x, const float *queries, int m, const char *entry, float *out) {
	const size_t width = (size_t)x->width, whole = width / LANES * LANES;
	const bool cosine = x->distance == EG_DISTANCE_COSINE;
	for (int q = 0; q < m; q++, queries += width) {
		lanes even = {0}, odd = {0};
		float rest = 0, e;
		size_t i = 0;
		for (; i + 2 * LANES <= whole; i += 2 * LANES) {
			const lanes e0 = some(entry + i * sizeof e), e1 = some(entry + (i + LANES) * sizeof e), v0 = some(queries + i),
			            v1 = some(queries + i + LANES), d0 = v0 - e0, d1 = v1 - e1;
			even += cosine ? v0 * e0 : d0 * d0;
			odd += cosine ? v1 * e1 : d1 * d1;
		}
		for (; i < width; i++) {
			memcpy(&e, entry + i * sizeof e, sizeof e);
			rest += cosine ? queries[i] * e : (queries[i] - e) * (queries[i] - e);
		}
		for (int k = 0; k < LANES; k++) rest += even[k] + odd[k];
		out[q] = !cosine ? sqrtf(rest) : !isfinite(rest) ? NAN : rest < 1 ? 1 - rest : 0;
	}
}

static bool before(const eg_hit *a, const eg_hit *b) {
	return a->distance < b->distance || (a->distance == b->distance && a->item < b->item);
}

/* Puts a hit into its place among the best k. */
static void note(eg_hit *hits, int *found, int k, eg_hit h) {
	if (*found == k && !before(&h, &hits[k - 1])) return;
	int i = *found < k ? (*found)++ : k - 1;
	for (; i > 0 && before(&h, &hits[i - 1]); i--) hits[i] = hits[i - 1];
	hits[i] = h;
}

static void look(void *arg, int rank, int size) {
	const search *s = arg; /* numbers of a file that are none are no distance from anything */
	const size_t each = (size_t)s->x->width * sizeof(float);
	const int64_t from = s->x->n * rank / size, to = s->x->n * (rank + 1) / size;
	enum { BLOCK = 64 }; /* entries that stay in the nearest cache for all queries */
	float d[TOGETHER];
	for (int64_t block = from; block < to; block += BLOCK)
		for (int q = 0; q < s->n; q += TOGETHER) {
			const int m = s->n - q < TOGETHER ? s->n - q : TOGETHER;
			for (int64_t i = block; i < to && i < block + BLOCK; i++) {
				distances(s->x, s->queries + (size_t)q * (size_t)s->x->width, m, s->x->at + (size_t)i * each, d);
				for (int j = 0; j < m; j++) {
					const int at = rank * s->n + q + j;
					if ((s->but && s->but[q + j] == i) || isnan(d[j])) continue;
					note(s->hits + (size_t)at * (size_t)s->k, &s->found[at], s->k, (eg_hit){i, d[j]});
				}
			}
		}
}

/* The best of what the threads have found; places: of each query in `hits`. */
static void merge(const search *s, int threads, int places, eg_hit *hits, int *found) {
	for (int q = 0; q < s->n; q++) {
		found[q] = 0;
		for (int t = 0; t < threads; t++) {
			const size_t at = (size_t)t * (size_t)s->n + (size_t)q;
			for (int i = 0; i < s->found[at]; i++)
				note(hits + (size_t)q * (size_t)places, &found[q], s->k, s->hits[at * (size_t)s->k + (size_t)i]);
		}
	}
}

/* As many queries as one walk through the entries is worth. */
static eg_status look_some(eg_index *x, const float *queries, int n, const int64_t *but, int k, int threads, eg_hit *hits,
	int *found, eg_error *err) {
	const size_t places = (size_t)threads * (size_t)n;
	float *fitted = eg_alloc(NULL, (size_t)n * (size_t)x->width * sizeof *fitted);
	search s = {.x = x, .queries = fitted, .but = but, .n = n, .k = k < x->n ? k : x->n > 0 ? (int)x->n : 1};
	s.hits = eg_alloc(NULL, places * (size_t)s.k * sizeof *s.hits);
	s.found = eg_calloc(NULL, places, sizeof *s.found);
	eg_status status = fitted && s.hits && s.found ? EG_OK : no_memory(err);
	for (int i = 0; i < n && !status; i++)
		status = fit(x, queries + (size_t)i * (size_t)x->width, fitted + (size_t)i * (size_t)x->width, err);
	if (!status && threads > 1)
		eg_team_run(x->team, threads, look, &s);
	else if (!status)
		look(&s, 0, 1);
	if (!status) merge(&s, threads, k, hits, found);
	eg_release(NULL, fitted);
	eg_release(NULL, s.hits);
	eg_release(NULL, s.found);
	return status;
}

eg_status eg_index_nearest(eg_index *x, const float *queries, int n, const int64_t *but, int k, eg_hit *hits, int *found,
	eg_error *err) {
	enum { SOME = 256, WORTH = 4096 }; /* numbers that a thread is worth waking for */
	if (k < 1) return eg_fail(err, EG_ERR_ARG, "the %d nearest: ask for 1 at least", k);
	const bool small = x->n * x->width < WORTH;
	if (!small && x->threads > 1 && !x->team && !(x->team = eg_team_new(NULL, x->threads, err))) return err ? err->status : EG_ERR_MEMORY;
	const int threads = small ? 1 : x->threads;
	eg_status status = EG_OK;
	for (int i = 0; i < n && !status; i += SOME) {
		const int m = n - i < SOME ? n - i : SOME;
		status = look_some(x, queries + (size_t)i * (size_t)x->width, m, but ? but + i : NULL, k, threads,
		        hits + (size_t)i * (size_t)k, found + i, err);
	}
	return status;
}
