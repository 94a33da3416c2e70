/* test_get.c - tests of src/data/get.c and fetch.c: downloading sets, checking them, going on where it stopped.
 * Downloads come from file URLs and from a small HTTP server in a child process; nothing outside this machine is
 * asked. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "data_bed.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* ---- downloading ------------------------------------------------------------------------------------------------- */

enum { BODY = 30000 };

/* A set of two files, served from `served`; its addresses are set by the test. */
typedef struct tiny {
	eg_data_info info;
	eg_data_file files[2];
	char sums[2][65];
	const char *urls[3];
	uint8_t packed[2][BODY + 1000];
	size_t size[2];
	int notes, checks;
	int64_t first_done, stop_at;
	char last_note[1200];
} tiny;

static void tiny_make(tiny *t, const fixture *f) {
	static const char *const names[2] = {"first", "second"};
	uint8_t body[BODY];
	memset(t, 0, sizeof *t);
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < BODY; j++)
			body[j] = (uint8_t)(((uint32_t)j * 7919 + (uint32_t)i) * (uint32_t)(j + 1) >> 7);
		digest(body, BODY, BODY, t->sums[i]);
		t->size[i] = gzip(body, BODY, t->packed[i], sizeof t->packed[i]);
		t->files[i] = (eg_data_file){names[i], BODY, (int64_t)t->size[i], t->sums[i], NULL};
		char path[300];
		snprintf(path, sizeof path, "%s/served/tiny/%s.gz", f->folder, names[i]);
		write_file(path, t->packed[i], t->size[i]);
	}
	t->info = (eg_data_info){.name = "tiny", .files = t->files, .nfiles = 2, .urls = t->urls};
	t->first_done = -1;
	t->stop_at = INT64_MAX;
}

static bool on_progress(void *user, const eg_data_progress *p) {
	tiny *t = user;
	if (p->checking) {
		t->checks++;
		return true;
	}
	if (t->first_done < 0) t->first_done = p->done;
	return p->done < t->stop_at;
}

static void on_note(void *user, const char *text) {
	tiny *t = user;
	t->notes++;
	snprintf(t->last_note, sizeof t->last_note, "%s", text);
}

static eg_status tiny_get(tiny *t, const char *folder, eg_data_got *got, eg_error *err) {
	eg_data_callbacks cb = {t, on_progress, on_note};
	t->notes = t->checks = 0;
	t->first_done = -1;
	return eg_data_get_set(&t->info, folder, &cb, got, err);
}

static void test_get_files(void **state) {
	fixture *f = *state;
	tiny t;
	char url[200], wrong[200], path[200];
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip(); /* no libcurl here */
	eg_fetch_free(fetch);
	tiny_make(&t, f);
	snprintf(url, sizeof url, "file://%s/served/tiny", f->folder);
	snprintf(wrong, sizeof wrong, "file://%s/nowhere/", f->folder);
	t.urls[0] = wrong, t.urls[1] = url;
	assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK); /* into the cache, from the second address */
	assert_int_equal(got.downloaded, 2);
	assert_int_equal(got.place.origin, EG_DATA_CACHE);
	assert_true(t.notes == 2 && t.checks > 0);
	assert_int_equal(size_of(path_in(f, path, "engram/tiny/second.gz")), t.size[1]);
	assert_false(there(path_in(f, path, "engram/tiny/second.gz.part")));
	assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 0);

	write_file(path_in(f, path, "engram/tiny/first.gz"), "damaged", 7);
	assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);

	/* A part that ends early, one that is longer than the file, one that is of another file. */
	for (int i = 0; i < 3; i++) {
		unlink(path_in(f, path, "engram/tiny/first.gz"));
		path_in(f, path, "engram/tiny/first.gz.part");
		write_file(path, i == 2 ? t.packed[1] : t.packed[0], i == 1 ? sizeof t.packed[0] : 4000);
		assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK);
		assert_int_equal(got.downloaded, 1);
		assert_false(there(path));
	}
	t.urls[1] = NULL; /* nothing to be had */
	assert_int_equal(tiny_get(&t, path_in(f, path, "other/place"), &got, &err), EG_ERR_IO);
	assert_says(err, "cannot get first.gz of tiny");
	assert_false(there(path_in(f, path, "other/place/first.gz.part")));
	snprintf(url, sizeof url, "file://%s/served", f->folder);
	setenv("ENGRAM_MIRROR", url, 1);
	assert_int_equal(tiny_get(&t, path_in(f, path, "other/place"), &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 2);
	write_file(path_in(f, path, "file"), "x", 1);
	assert_int_equal(tiny_get(&t, path, &got, &err), EG_ERR_IO);
	assert_says(err, "a file of this name is in the way");
}

/* A file that is published plain, under another name, and lies in a folder that is not called like the set. */
static void test_get_plain(void **state) {
	fixture *f = *state;
	char url[200], mirror[200], path[200], sum[65];
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	static const char body[] = "to be or not to be, that is the question";
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip(); /* no libcurl here */
	eg_fetch_free(fetch);
	digest(body, sizeof body, sizeof body, sum);
	const eg_data_file file = {"hamlet.txt", sizeof body, sizeof body, sum, "input.txt"};
	const char *urls[] = {url, NULL};
	eg_data_info info = {.name = "hamlet",
	        .path = EG_DATA_PATH_SET,
	        .folder = "text",
	        .files = &file,
	        .nfiles = 1,
	        .urls = urls};
	snprintf(url, sizeof url, "file://%s/served", f->folder);
	write_file(path_in(f, path, "served/input.txt"), body, sizeof body);
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);
	assert_string_equal(got.place.folder, path_in(f, path, "engram/text"));
	assert_int_equal(size_of(path_in(f, path, "engram/text/hamlet.txt")), sizeof body);
	assert_false(there(path_in(f, path, "engram/text/hamlet.txt.part")));
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 0);

	/* A damaged gzipped one would be found first: it goes. A whole one will do. */
	write_file(path_in(f, path, "engram/text/hamlet.txt.gz"), "damaged", 7);
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);
	assert_false(there(path_in(f, path, "engram/text/hamlet.txt.gz")));
	uint8_t packed[300];
	size_t n = gzip(body, sizeof body, packed, sizeof packed);
	unlink(path_in(f, path, "engram/text/hamlet.txt"));
	write_file(path_in(f, path, "engram/text/hamlet.txt.gz"), packed, n);
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 0);

	/* A part goes on; something else is refused. */
	write_file(path_in(f, path, "other/hamlet.txt.part"), body, 10);
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "other"), NULL, &got, &err), EG_OK);
	assert_true(got.downloaded == 1 && there(path_in(f, path, "other/hamlet.txt")));
	write_file(path_in(f, path, "served/input.txt"), "<html>not found</html>", 22);
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "third"), NULL, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "cannot get hamlet.txt of hamlet");

	/* A mirror is laid out as the cache is. */
	snprintf(mirror, sizeof mirror, "file://%s/mirror", f->folder);
	setenv("ENGRAM_MIRROR", mirror, 1);
	write_file(path_in(f, path, "mirror/text/hamlet.txt"), body, sizeof body);
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "third"), NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);
	info.urls = NULL; /* then a mirror is all there is */
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "fourth"), NULL, &got, &err), EG_OK);
	unsetenv("ENGRAM_MIRROR");
	info.by_hand = "write it yourself";
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "fifth"), NULL, &got, &err), EG_ERR_IO);
	assert_says(err, "hamlet cannot be downloaded: write it yourself. 'hamlet.txt' is looked for in");
	assert_false(there(path_in(f, path, "fifth")));
}

/* ---- an HTTP server for one child process: GET, one request a connection ----------------------------------------- */

static void send_all(int fd, const void *data, size_t size) {
	const char *p = data;
	while (size > 0) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
		if (n <= 0) return;
		p += n, size -= (size_t)n;
	}
}

/* A server that lies: of the length, of the place where it goes on, of what it has. */
typedef struct lie {
	const char *how, *head; /* behind HTTP/1.1 */
	int half;               /* so many halves of the file follow: 0 to 2; or, -1, a page */
	eg_status status;       /* what comes of it */
	const char *words;
} lie;

static const lie lies[] = {
	{"short", "200 OK\r\nContent-Length: 100000\r\n", 1, EG_ERR_IO, "/short/first.gz: "},
	{"huge", "200 OK\r\nContent-Length: 9223372036854775807\r\n", 1, EG_ERR_IO, "/huge/first.gz: "},
	{"less", "200 OK\r\nContent-Length: 5000\r\n", 2, EG_ERR_FORMAT, "brings something else than the published file"},
	{"nothing", "200 OK\r\nContent-Length: 0\r\n", 2, EG_ERR_FORMAT, "brings something else than the published file"},
	{"open", "200 OK\r\n", 2, EG_OK, ""},
	{"open-cut", "200 OK\r\n", 1, EG_ERR_FORMAT, "brings something else than the published file"},
	{"odd", "200 OK\r\nContent-Length: -5\r\n", 2, EG_ERR_IO, "/odd/first.gz: "},
	{"chunks", "200 OK\r\nTransfer-Encoding: chunked\r\n", 2, EG_ERR_IO, "/chunks/first.gz: "},
	{"page", "200 OK\r\nContent-Type: text/html\r\n", -1, EG_ERR_FORMAT, "brings something else than the published file"},
	{"part", "206 Partial Content\r\nContent-Range: bytes 5-9/10\r\n", 1, EG_ERR_FORMAT, "brings something else"},
	{"loop", "302 Found\r\nLocation: /loop/x\r\nContent-Length: 0\r\n", 0, EG_ERR_IO, "/loop/first.gz: "},
	{"local", "302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n", 0, EG_ERR_IO, "/local/first.gz: "},
};

static bool told_lie(int fd, const char *how, const tiny *t, int i) {
	static const char page[] = "<!DOCTYPE html><html><body>This file has moved. Please log in.</body></html>";
	for (int k = 0; k < EG_COUNT(lies); k++) {
		const size_t n = strlen(lies[k].how);
		if (strncmp(how, lies[k].how, n) != 0 || how[n] != '/') continue;
		send_all(fd, "HTTP/1.1 ", 9);
		send_all(fd, lies[k].head, strlen(lies[k].head));
		send_all(fd, "Connection: close\r\n\r\n", 21);
		if (lies[k].half < 0) send_all(fd, page, sizeof page - 1);
		if (lies[k].half > 0) send_all(fd, t->packed[i], t->size[i] * (size_t)lies[k].half / 2);
		return true;
	}
	return false;
}

/* The first folder of the path says how to behave: one of the lies, ok, plain (knows no ranges), cut (breaks off in
 * the middle, but not when asked for a range), wrong (another file), strict (as ok, and says with 416 how long the file
 * is), move (redirects to ok), large (endless), back and elsewhere (asked to go on, they send from the start; the
 * second says that it is not). */
static void answer(int fd, const tiny *t) {
	static const char *const hows[] = {"ok/", "plain/", "cut/", "wrong/", "strict/", "large/", "back/", "elsewhere/"};
	char request[4096], head[300];
	size_t n = 0;
	while (n < sizeof request - 1) {
		ssize_t r = recv(fd, request + n, sizeof request - 1 - n, 0);
		if (r <= 0) return;
		request[n += (size_t)r] = '\0';
		if (strstr(request, "\r\n\r\n")) break;
	}
	const char *how = request + 5, *range = strstr(request, "Range: bytes=");
	int i = strstr(request, "/second.gz ") != NULL;
	if (told_lie(fd, how, t, i)) return;
	bool known = false;
	for (int k = 0; k < EG_COUNT(hows); k++) known |= strncmp(how, hows[k], strlen(hows[k])) == 0;
	if (strncmp(how, "wrong/", 6) == 0) i = !i;
	size_t from = range && how[0] != 'p' ? strtoul(range + 13, NULL, 10) : 0, size = t->size[i];
	if (strncmp(how, "move/", 5) == 0)
		snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: /ok/%s.gz\r\nContent-Length: 0\r\n",
		        i ? "second" : "first");
	else if (!known)
		snprintf(head, sizeof head, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n");
	else if (from >= size)
		snprintf(head, sizeof head, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n%s%.0zu%s",
		        how[0] == 's' ? "Content-Range: bytes */" : "", how[0] == 's' ? size : 0, how[0] == 's' ? "\r\n" : "");
	else if (from > 0) {
		const size_t said = how[0] == 'b' ? 0 : from;
		if (how[0] == 'b' || how[0] == 'e') from = 0;
		snprintf(head, sizeof head,
		        "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%zu/%zu\r\n",
		        size - from, said, size - 1, size);
	} else if (how[0] == 'l')
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n");
	else
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n", size);
	send_all(fd, head, strlen(head));
	send_all(fd, "Connection: close\r\n\r\n", 21);
	if (!known || from >= size) return;
	for (int k = 0; how[0] == 'l' && k < 100; k++) send_all(fd, t->packed[i], size);
	send_all(fd, t->packed[i] + from, how[0] == 'c' && !range ? size / 2 : size - from);
}

static pid_t serve(const tiny *t, int *port) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	pid_t child = fork();
	if (child == 0) {
		alarm(120); /* should the test die */
		for (;;) {
			int fd = accept(listener, NULL, NULL);
			if (fd < 0) _exit(0);
			answer(fd, t);
			close(fd);
		}
	}
	close(listener);
	assert_true(child > 0);
	return child;
}

static eg_status http_get(tiny *t, int port, const char *how, const char *folder, eg_data_got *got, eg_error *err) {
	char url[100];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/%s/", port, how);
	t->urls[0] = url, t->urls[1] = NULL;
	*err = (eg_error){EG_OK, ""};
	eg_status status = tiny_get(t, folder, got, err);
	t->urls[0] = NULL;
	return status;
}

/* A server of the tiny set; without libcurl the test is skipped. */
static pid_t begin_serving(fixture *f, tiny *t, int *port) {
	eg_error err = {EG_OK, ""};
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip();
	eg_fetch_free(fetch);
	tiny_make(t, f);
	return serve(t, port);
}

static void test_get_http(void **state) {
	fixture *f = *state;
	tiny t;
	char folder[200], part[200], path[200];
	int port;
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	pid_t server = begin_serving(f, &t, &port);

	path_in(f, folder, "a");
	path_in(f, part, "a/first.gz.part");
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 2);
	assert_int_equal(got.place.origin, EG_DATA_GIVEN);
	assert_int_equal(size_of(path_in(f, path, "a/first.gz")), t.size[0]);
	assert_int_equal(http_get(&t, port, "move", path_in(f, path, "m"), &got, &err), EG_OK);

	/* Broken off in the middle: what came is kept, and only the rest is asked for. */
	remove_tree(folder);
	assert_int_equal(http_get(&t, port, "cut", folder, &got, &err), EG_ERR_IO);
	assert_int_equal(size_of(part), t.size[0] / 2);
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	assert_true(t.first_done >= (int64_t)(t.size[0] / 2));

	/* A whole part (killed before it was renamed), and a server that knows no ranges. */
	unlink(path_in(f, path, "a/first.gz"));
	write_file(part, t.packed[0], t.size[0]);
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	unlink(path);
	write_file(part, t.packed[0], 3000);
	assert_int_equal(http_get(&t, port, "plain", folder, &got, &err), EG_OK);

	remove_tree(folder);
	assert_int_equal(http_get(&t, port, "missing", folder, &got, &err), EG_ERR_IO);
	assert_says(err, "HTTP 404 (not found)");
	assert_int_equal(http_get(&t, port, "wrong", folder, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "brings something else than the published file");
	assert_int_equal(http_get(&t, port, "large", folder, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "is larger than");
	assert_false(there(part));
	t.stop_at = 0;
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_ERR_STOPPED);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	t.stop_at = INT64_MAX;
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_ERR_IO); /* nobody answers */
}

/* Nothing of a lie is left under the file's name; and afterwards an honest server is enough. */
static void test_lies(void **state) {
	fixture *f = *state;
	tiny t;
	char folder[200], part[200], path[200];
	int port;
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	pid_t server = begin_serving(f, &t, &port);
	path_in(f, folder, "a"), path_in(f, part, "a/first.gz.part"), path_in(f, path, "a/first.gz");
	for (int i = 0; i < EG_COUNT(lies); i++) {
		const eg_status status = http_get(&t, port, lies[i].how, folder, &got, &err);
		if (status != lies[i].status) fail_msg("%s: %s", lies[i].how, status ? err.message : "it was taken");
		assert_says(err, lies[i].words);
		assert_true(there(path) == (status == EG_OK));
		if (status == EG_ERR_FORMAT) assert_false(there(part)); /* nothing to go on from */
		if (http_get(&t, port, "ok", folder, &got, &err)) fail_msg("after %s: %s", lies[i].how, err.message);
		assert_int_equal(size_of(path), t.size[0]);
		remove_tree(folder);
	}
	static const char *const resumed[] = {"back", "elsewhere"};
	for (int i = 0; i < EG_COUNT(resumed); i++) {
		write_file(part, t.packed[0], 3000);
		if (http_get(&t, port, resumed[i], folder, &got, &err)) fail_msg("%s: %s", resumed[i], err.message);
		assert_int_equal(size_of(path), t.size[0]);
		remove_tree(folder);
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* ---- what a killed download leaves, and what somebody may have put there ----------------------------------------- */

/* Killed between the last byte and the renaming: it is finished, whatever the server says of a range behind the end, or
 * without it. */
static void test_part_is_whole(void **state) {
	static const char *const hows[] = {"ok", "strict", "plain", "missing"};
	fixture *f = *state;
	tiny t;
	char folder[200], part[200], path[200];
	int port;
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	pid_t server = begin_serving(f, &t, &port);
	path_in(f, folder, "a"), path_in(f, part, "a/first.gz.part");
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	for (int i = 0; i < EG_COUNT(hows); i++) {
		unlink(path_in(f, path, "a/first.gz"));
		write_file(part, t.packed[0], t.size[0]);
		if (http_get(&t, port, hows[i], folder, &got, &err)) fail_msg("%s: %s", hows[i], err.message);
		assert_int_equal(t.first_done, -1); /* nothing was asked for */
		assert_int_equal(size_of(path), t.size[0]);
		assert_false(there(part));
	}
	/* As long as the file, or longer, but not the file: anew, once. */
	for (int i = 0; i < 3; i++)
		for (size_t longer = 0; longer < 3; longer++) {
			static const size_t more[] = {0, 5, 900};
			unlink(path_in(f, path, "a/first.gz"));
			write_file(part, t.packed[1], t.size[0] + more[longer]);
			if (http_get(&t, port, hows[i], folder, &got, &err)) fail_msg("%s: %s", hows[i], err.message);
			assert_int_equal(size_of(path), t.size[0]);
			assert_false(there(part));
		}
	unlink(path_in(f, path, "a/first.gz"));
	write_file(part, t.packed[1], 3000); /* its beginning is of another file, and so is what the server has */
	assert_int_equal(http_get(&t, port, "wrong", folder, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "brings something else than the published file");
	assert_false(there(part));
	char *large = calloc(1, 200000); /* longer than the file may be: not even tried */
	assert_non_null(large);
	write_file(part, large, 200000);
	free(large);
	if (http_get(&t, port, "strict", folder, &got, &err)) fail_msg("%s", err.message);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* FILE.part that is no file of ours: nothing is written through it, and nobody waits for a pipe. */
static void test_part_is_odd(void **state) {
	fixture *f = *state;
	tiny t;
	char url[200], folder[200], part[200], victim[200];
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip(); /* no libcurl here */
	eg_fetch_free(fetch);
	tiny_make(&t, f);
	snprintf(url, sizeof url, "file://%s/served/tiny", f->folder);
	t.urls[0] = url;
	path_in(f, folder, "a"), path_in(f, part, "a/first.gz.part");
	write_file(path_in(f, victim, "victim"), "precious", 8);
	assert_int_equal(eg_make_folders(folder, &err), EG_OK);
	assert_int_equal(symlink(victim, part), 0);
	assert_int_equal(tiny_get(&t, folder, &got, &err), EG_ERR_IO);
	assert_says(err, "a/first.gz.part': it is a link; remove it");
	unlink(part);
	assert_int_equal(symlink("nowhere", part), 0);
	assert_int_equal(tiny_get(&t, folder, &got, &err), EG_ERR_IO);
	unlink(part);
	assert_int_equal(link(victim, part), 0);
	assert_int_equal(tiny_get(&t, folder, &got, &err), EG_ERR_IO);
	assert_says(err, "it has another name too; remove it");
	unlink(part);
	assert_int_equal(mkfifo(part, 0600), 0);
	assert_int_equal(tiny_get(&t, folder, &got, &err), EG_ERR_IO);
	assert_says(err, "it is a pipe or a device; remove it");
	unlink(part);
	assert_int_equal(mkdir(part, 0700), 0);
	assert_int_equal(tiny_get(&t, folder, &got, &err), EG_ERR_IO);
	rmdir(part);
	assert_int_equal(size_of(victim), 8);
	assert_int_equal(tiny_get(&t, folder, &got, &err), EG_OK);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_get_files, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_get_plain, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_get_http, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_part_is_whole, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_part_is_odd, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
