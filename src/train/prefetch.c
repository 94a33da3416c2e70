/* prefetch.c - a ring of batches and the threads that fill it. See prefetch.h.
 *
 * The caller is the only one who says what is to be filled: it prepares places of the ring (sizes, memory), in order,
 * and hands them out to threads. A place is one thread's from `taken` until `done`. Nothing here is hurried: a batch is
 * thousands of times as long as a lock.
 *
 * Not here: whether it is worth it (feed.c). */
#define _POSIX_C_SOURCE 200809L
#include "train/prefetch.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

typedef enum place_state { EMPTY, READY, TAKEN, DONE } place_state;

typedef struct place {
	eg_filled filled;
	place_state state;
	int64_t number;
	eg_status status;
	eg_error error;
} place;

struct eg_prefetch {
	const eg_graph *graph;
	const eg_dataset *data;
	pthread_mutex_t mutex;
	pthread_cond_t ready, done; /* something is to be filled, or all is over; something has been */
	pthread_t *threads;
	int nthreads;
	place *ring; /* batch k lies at k modulo nring */
	int nring;
	bool over;
	/* Of the caller alone: */
	int64_t first, next; /* the batches that are in the ring: first..next-1; the first is the one handed out last */
	bool running;
	uint64_t seed;
	int epoch, views;
};

static place *place_of(eg_prefetch *p, int64_t k) { return &p->ring[k % p->nring]; }

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static void fill_place(const eg_prefetch *p, place *at) {
	at->status = eg_filled_fill(&at->filled, p->graph, p->data, &at->error);
}

/* The place that has waited longest, which becomes the caller's; NULL: none waits. */
static place *take(eg_prefetch *p) {
	place *oldest = NULL;
	for (int i = 0; i < p->nring; i++) {
		place *at = &p->ring[i];
		if (at->state == READY && (!oldest || at->number < oldest->number)) oldest = at;
	}
	if (oldest) oldest->state = TAKEN;
	return oldest;
}

static void *load(void *arg) {
	eg_prefetch *p = arg;
	pthread_mutex_lock(&p->mutex);
	while (!p->over) {
		place *at = take(p);
		if (!at) {
			pthread_cond_wait(&p->ready, &p->mutex);
			continue;
		}
		pthread_mutex_unlock(&p->mutex);
		fill_place(p, at);
		pthread_mutex_lock(&p->mutex);
		at->state = DONE;
		pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

/* Signals are the caller's: they must find the thread that expects them. */
static void begin_threads(eg_prefetch *p, int threads) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (p->nthreads < threads && pthread_create(&p->threads[p->nthreads], NULL, load, p) == 0) p->nthreads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool make_locks(eg_prefetch *p) {
	if (pthread_mutex_init(&p->mutex, NULL)) return false;
	if (pthread_cond_init(&p->ready, NULL) == 0) {
		if (pthread_cond_init(&p->done, NULL) == 0) return true;
		pthread_cond_destroy(&p->ready);
	}
	pthread_mutex_destroy(&p->mutex);
	return false;
}

eg_prefetch *eg_prefetch_new(const eg_graph *g, const eg_dataset *d, int threads) {
	const eg_allocator *a = g->ctx->allocator;
	eg_prefetch *p = eg_calloc(a, 1, sizeof *p);
	if (!p) return NULL;
	p->graph = g, p->data = d;
	p->nring = 2 * threads + 1; /* one that is used; and for each thread one that waits and one that is filled */
	p->ring = eg_calloc(a, (size_t)p->nring, sizeof *p->ring);
	p->threads = eg_calloc(a, (size_t)threads, sizeof *p->threads);
	bool locks = p->ring && p->threads && make_locks(p);
	if (locks) begin_threads(p, threads);
	if (p->nthreads > 0) return p;
	if (locks) pthread_cond_destroy(&p->ready), pthread_cond_destroy(&p->done), pthread_mutex_destroy(&p->mutex);
	eg_release(a, p->ring);
	eg_release(a, p->threads);
	eg_release(a, p);
	return NULL;
}

void eg_prefetch_free(eg_prefetch *p) {
	if (!p) return;
	const eg_allocator *a = p->graph->ctx->allocator;
	eg_prefetch_stop(p);
	pthread_mutex_lock(&p->mutex);
	p->over = true;
	pthread_cond_broadcast(&p->ready);
	pthread_mutex_unlock(&p->mutex);
	for (int i = 0; i < p->nthreads; i++) pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->ready);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->mutex);
	for (int i = 0; i < p->nring; i++) eg_filled_free(&p->ring[i].filled, p->graph, p->data);
	eg_release(a, p->ring);
	eg_release(a, p->threads);
	eg_release(a, p);
}

void eg_prefetch_stop(eg_prefetch *p) {
	if (!p) return;
	pthread_mutex_lock(&p->mutex);
	for (int i = 0; i < p->nring; i++) {
		while (p->ring[i].state == TAKEN) pthread_cond_wait(&p->done, &p->mutex);
		p->ring[i].state = EMPTY;
	}
	pthread_mutex_unlock(&p->mutex);
	p->running = false;
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* Sizes and memory of a batch; nobody else looks at an empty place. */
static void prepare(eg_prefetch *p, place *at, const eg_batches *b, int64_t k) {
	const eg_batch batch = eg_batches_get(b, k / p->views);
	at->number = k;
	at->error = (eg_error){0};
	at->status = eg_filled_begin(&at->filled, p->graph, p->data, &batch, p->seed, p->epoch, (int)(k % p->views), &at->error);
	for (int i = 0; p->data->inputs[i] && !at->status; i++)
		at->status = eg_filled_own(&at->filled, p->graph, p->data, i, &at->error);
}

/* What could not be prepared is done already: the batch has failed. */
static void hand_out(eg_prefetch *p, place *at) {
	pthread_mutex_lock(&p->mutex);
	at->state = at->status ? DONE : READY;
	pthread_cond_signal(&p->ready);
	pthread_mutex_unlock(&p->mutex);
}

/* Hands out all batches that there is room for behind the first one. */
static void look_ahead(eg_prefetch *p, const eg_batches *b) {
	for (; p->next < b->count * p->views && p->next < p->first + p->nring; p->next++) {
		place *at = place_of(p, p->next);
		prepare(p, at, b, p->next);
		hand_out(p, at);
	}
}

static void finish(eg_prefetch *p, place *at) {
	pthread_mutex_lock(&p->mutex);
	bool mine = at->state == READY;
	if (mine) at->state = TAKEN;
	while (!mine && at->state != DONE) pthread_cond_wait(&p->done, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	if (!mine) return;
	fill_place(p, at);
	pthread_mutex_lock(&p->mutex);
	at->state = DONE;
	pthread_mutex_unlock(&p->mutex);
}

eg_status eg_prefetch_get(
	eg_prefetch *p, const eg_batches *b, int64_t k, int views, uint64_t seed, int epoch, eg_filled **out, eg_error *err) {
	if (p->running && (k != p->first + 1 || seed != p->seed || epoch != p->epoch)) eg_prefetch_stop(p);
	if (!p->running) p->next = k;
	p->running = true;
	p->first = k, p->seed = seed, p->epoch = epoch, p->views = views;
	look_ahead(p, b);
	place *at = place_of(p, k);
	finish(p, at);
	*out = &at->filled;
	if (!at->status) return EG_OK;
	if (err) *err = at->error;
	return at->status;
}
