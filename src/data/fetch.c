/* fetch.c - downloading with libcurl, the only file that knows it. The library is loaded when it is first needed: it
 * brings some forty others with it, and most runs of the program download nothing.
 *
 * Not here: which addresses to try, checksums, names of files (get.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#ifdef ENGRAM_HAVE_CURL

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CONNECT_SECONDS = 20, STALL_SECONDS = 30, STALL_BYTES = 1000 }; /* give up below this many bytes/s for so long */

struct eg_fetch {
	CURL *curl;
	CURLcode (*global_init)(long flags);
	CURL *(*init)(void);
	CURLcode (*set)(CURL *, CURLoption, ...);
	CURLcode (*perform)(CURL *);
	CURLcode (*info)(CURL *, CURLINFO, ...);
	void (*reset)(CURL *);
	void (*cleanup)(CURL *);
	const char *(*text)(CURLcode);
};

/* dlsym returns a pointer to data; POSIX promises that its bits are the function's address. */
static bool symbol(void *library, const char *name, void *function) {
	void *p = dlsym(library, name);
	memcpy(function, &p, sizeof p);
	return p != NULL;
}

eg_fetch *eg_fetch_new(eg_error *err) {
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", "libcurl.4.dylib"};
	void *library = NULL;
	for (int i = 0; !library && i < EG_COUNT(names); i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		eg_fail(err, EG_ERR_IO,
		        "libcurl.so.4 is not installed, which is needed to download (Debian: apt install libcurl4)");
		return NULL;
	}
	eg_fetch *f = eg_calloc(NULL, 1, sizeof *f);
	if (!f) {
		eg_fail(err, EG_ERR_MEMORY, "cannot download: out of memory");
		return NULL;
	}
	/* The library is never unloaded: TLS libraries do not all survive that. */
	bool whole = symbol(library, "curl_global_init", &f->global_init) &&
	             symbol(library, "curl_easy_init", &f->init) && symbol(library, "curl_easy_setopt", &f->set) &&
	             symbol(library, "curl_easy_perform", &f->perform) &&
	             symbol(library, "curl_easy_getinfo", &f->info) && symbol(library, "curl_easy_reset", &f->reset) &&
	             symbol(library, "curl_easy_cleanup", &f->cleanup) &&
	             symbol(library, "curl_easy_strerror", &f->text);
	if (whole && f->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) f->curl = f->init();
	if (f->curl) return f;
	eg_fail(err, EG_ERR_IO, "cannot download: libcurl does not start");
	eg_fetch_free(f);
	return NULL;
}

void eg_fetch_free(eg_fetch *f) {
	if (!f) return;
	if (f->curl) f->cleanup(f->curl);
	eg_release(NULL, f);
}

typedef struct transfer {
	const eg_fetch_job *job;
	int64_t before, done; /* bytes of earlier runs; of all */
	int error;            /* errno of a failed write */
	bool large, stopped;
	char reason[CURL_ERROR_SIZE];
} transfer;

static size_t on_data(char *data, size_t one, size_t n, void *user) {
	transfer *t = user;
	size_t size = one * n, put = 0;
	if (t->done + (int64_t)size > t->job->limit) {
		t->large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	while (put < size) {
		ssize_t w = write(t->job->fd, data + put, size - put);
		if (w < 0 && errno == EINTR) continue;
		if (w <= 0) {
			t->error = w < 0 ? errno : EIO;
			return CURL_WRITEFUNC_ERROR;
		}
		put += (size_t)w;
	}
	t->done += (int64_t)size;
	return size;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
	transfer *t = user;
	EG_UNUSED(now), EG_UNUSED(up_total), EG_UNUSED(up);
	if (!t->job->progress) return 0;
	t->stopped = !t->job->progress(t->job->user, t->done, total > 0 ? t->before + total : 0);
	return t->stopped;
}

static void prepare(eg_fetch *f, transfer *t) {
	CURL *c = f->curl;
	f->reset(c);
	f->set(c, CURLOPT_URL, t->job->url);
	f->set(c, CURLOPT_USERAGENT, "engram/" EG_VERSION);
#if CURL_AT_LEAST_VERSION(7, 85, 0)
	f->set(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	f->set(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	f->set(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_FILE));
	f->set(c, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	f->set(c, CURLOPT_FOLLOWLOCATION, 1L);
	f->set(c, CURLOPT_MAXREDIRS, 5L);
	f->set(c, CURLOPT_FAILONERROR, 1L);
	f->set(c, CURLOPT_NOSIGNAL, 1L);
	f->set(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	f->set(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	f->set(c, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
	f->set(c, CURLOPT_ERRORBUFFER, t->reason);
	f->set(c, CURLOPT_WRITEFUNCTION, on_data);
	f->set(c, CURLOPT_WRITEDATA, (void *)t);
	f->set(c, CURLOPT_NOPROGRESS, 0L);
	f->set(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	f->set(c, CURLOPT_XFERINFODATA, (void *)t);
	f->set(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->before);
}

static eg_status explain(eg_fetch *f, const transfer *t, CURLcode r, eg_error *err) {
	const eg_fetch_job *job = t->job;
	long code = 0;
	if (t->stopped) return eg_fail(err, EG_ERR_STOPPED, "download of %s stopped", job->url);
	if (t->error) return eg_fail(err, EG_ERR_IO, "cannot write '%s': %s", job->path, strerror(t->error));
	if (t->large)
		return eg_fail(err, EG_ERR_FORMAT, "%s is larger than the %lld bytes it may have", job->url,
		        (long long)job->limit);
	f->info(f->curl, CURLINFO_RESPONSE_CODE, &code);
	if (r == CURLE_HTTP_RETURNED_ERROR)
		return eg_fail(err, EG_ERR_IO, "%s: the server answers HTTP %ld%s", job->url, code,
		        code == 404   ? " (not found)"
		        : code == 403 ? " (forbidden)"
		        : code >= 500 ? " (trouble on its side: try again later)"
		                      : "");
	return eg_fail(err, EG_ERR_IO, "%s: %s", job->url, t->reason[0] ? t->reason : f->text(r));
}

eg_status eg_fetch_run(eg_fetch *f, const eg_fetch_job *job, bool *resumed, eg_error *err) {
	for (int attempt = 0;; attempt++) {
		transfer t = {.job = job};
		off_t end = attempt > 0 ? 0 : lseek(job->fd, 0, SEEK_END);
		if (end > job->limit) end = 0; /* of something else */
		if (end < 0 || (end == 0 && (ftruncate(job->fd, 0) != 0 || lseek(job->fd, 0, SEEK_SET) != 0)))
			return eg_fail(err, EG_ERR_IO, "cannot write '%s': %s", job->path, strerror(errno));
		t.before = t.done = end;
		*resumed = end > 0;
		prepare(f, &t);
		CURLcode r = f->perform(f->curl);
		if (r == CURLE_OK) return EG_OK;
		/* The server cannot go on in the middle, or what we have is longer than its file: from the start
		 * then. */
		long code = 0;
		f->info(f->curl, CURLINFO_RESPONSE_CODE, &code);
		bool cannot_resume = r == CURLE_RANGE_ERROR || r == CURLE_BAD_DOWNLOAD_RESUME ||
		                     (r == CURLE_HTTP_RETURNED_ERROR && code == 416);
		if (end > 0 && attempt == 0 && cannot_resume) continue;
		return explain(f, &t, r, err);
	}
}

#else

eg_fetch *eg_fetch_new(eg_error *err) {
	eg_fail(err, EG_ERR_ARG, "this engram was built without libcurl and cannot download");
	return NULL;
}

eg_status eg_fetch_run(eg_fetch *f, const eg_fetch_job *job, bool *resumed, eg_error *err) {
	EG_UNUSED(f), EG_UNUSED(job), EG_UNUSED(resumed);
	return eg_fail(err, EG_ERR_ARG, "this engram was built without libcurl and cannot download");
}

void eg_fetch_free(eg_fetch *f) { EG_UNUSED(f); }

#endif
