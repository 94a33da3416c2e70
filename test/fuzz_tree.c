/* fuzz_tree.c - any names and contents as a folder: files behind lines "==> NAME <==", written into a folder of their
 * own that a source then reads. The first byte says with which of the reader's settings. Readers: folder, list, masks,
 * voc, yolo, reviews, speech, recordings, orl, cifar10. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MOST = 40, NAME_MOST = 200, SETTINGS = 4 };

typedef struct mode {
	const char *reader, *source;
	const char *settings[SETTINGS]; /* beside the path */
} mode;

static const mode modes[] = {
	{"folder", "folder", {0}},
	{"folder", "folder", {"broken=skip", "limit=2", "memory=0"}},
	{"list", "list", {0}},
	{"list", "list", {"broken=skip", "limit=2", "train_list=a/train.txt"}},
	{"masks", "masks", {"class_names=[a, b]"}},
	{"masks", "masks", {"class_names=[a, b]", "broken=skip", "void=7"}},
	{"voc", "voc", {0}},
	{"voc", "voc", {"broken=skip", "train_list=trainval", "class_names=[a, b]"}},
	{"yolo", "yolo", {"class_names=[a, b]"}},
	{"yolo", "yolo", {"broken=skip"}},
	{"reviews", "rt-polarity", {0}},
	{"reviews", "rt-polarity", {"test=0.3", "limit=2"}},
	{"speech", "fsdd", {0}},
	{"speech", "fsdd", {"limit=2"}},
	{"recordings", "recordings", {0}},
	{"recordings", "transcripts", {0}},
	{"recordings", "recordings", {"broken=skip", "test=0.3", "limit=2"}},
	{"recordings", "transcripts", {"broken=skip", "test=0.3"}},
	{"recordings", "texts", {0}},
	{"recordings", "texts", {"broken=skip", "test=0.3", "files=*.wav *", "encoding=found"}},
	{"orl", "orl", {"broken=skip"}},
	{"orl", "orl", {"broken=skip", "split=persons", "limit=5"}},
	{"cifar10", "cifar10", {"limit=100"}},
	{"cifar10", "cifar10", {"limit=3", "broken=skip"}},
};

static const mode *choose(uint8_t byte) {
	int n = 0, which[EG_COUNT(modes)];
	for (int i = 0; i < EG_COUNT(modes); i++)
		if (fuzz_wants(modes[i].reader)) which[n++] = i;
	return n ? &modes[which[byte % n]] : NULL;
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static char top[64]; /* of this process */

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *at) {
	EG_UNUSED(st), EG_UNUSED(what);
	return at->level > 0 ? remove(path) : 0;
}

static void empty_top(void) { nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static void leave(void) {
	empty_top();
	rmdir(top);
}

static void make_top(void) {
	if (top[0]) return;
	strcpy(top, access("/dev/shm", W_OK) == 0 ? "/dev/shm/engram-fuzz-XXXXXX" : "/tmp/engram-fuzz-XXXXXX");
	if (!mkdtemp(top)) abort();
	setenv("XDG_CACHE_HOME", top, 1);
	setenv("HOME", top, 1);
	atexit(leave);
}

/* Names of the fuzzer's own making must not leave the folder. */
static bool is_inside(const char *name, size_t size) {
	char text[NAME_MOST + 3];
	if (size < 1 || size > NAME_MOST || memchr(name, '\0', size) || name[0] == '/' || name[size - 1] == '/') return false;
	snprintf(text, sizeof text, "/%.*s/", (int)size, name);
	return !strstr(text, "/../") && !strstr(text, "/./") && !strstr(text, "//");
}

/* A batch of CIFAR-10 has 30,730,000 bytes: those that are not given are zeros, which take no room. */
static void stretch(int fd, const char *name) {
	if (strcmp(name, "cifar-10-binary.tar.gz") == 0 && ftruncate(fd, 512 + 30730000 + 1024 + 240) != 0) abort();
}

static void write_one(const char *name, size_t length, const char *data, size_t size) {
	char path[sizeof top + NAME_MOST + 2];
	snprintf(path, sizeof path, "%s/%.*s", top, (int)length, name);
	for (char *slash = path + strlen(top) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0700);
	}
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return; /* a folder is called so */
	if (write(fd, data, size) != (ssize_t)size) abort();
	stretch(fd, path + strlen(top) + 1);
	close(fd);
}

static void write_all(const char *data, size_t size) {
	static const char begin[] = "==> ", end[] = " <==\n", next[] = "\n==> ";
	const char *at = data, *last = data + size;
	for (int i = 0; i < FILES_MOST; i++) {
		at = memmem(at, (size_t)(last - at), begin, strlen(begin));
		if (!at) return;
		const char *name = at + strlen(begin), *content = memmem(name, (size_t)(last - name), end, strlen(end));
		if (!content) return;
		const size_t length = (size_t)(content - name);
		content += strlen(end);
		at = memmem(content, (size_t)(last - content), next, strlen(next));
		if (!at) at = last;
		if (is_inside(name, length)) write_one(name, length, content, (size_t)(at - content));
	}
}

/* ---- what the source makes of it --------------------------------------------------------------------------------- */

static void look_at_boxes(const eg_datum_boxes *x) {
	for (int i = 0; i < x->n; i++)
		if (!(x->at[i].x0 >= 0 && x->at[i].x0 < x->at[i].x1 && x->at[i].y0 < x->at[i].y1)) abort();
}

static void look_at(const eg_source *s, const eg_record *r) {
	unsigned sum = 0;
	for (int k = 0; k < eg_source_fields(s); k++) {
		const eg_field *f = eg_source_field(s, k);
		const eg_datum *x = &r->fields[k];
		if (!x->there) abort();
		if (f->kind == EG_FIELD_PICTURE)
			for (int64_t i = 0, n = (int64_t)x->picture.C * x->picture.H * x->picture.W; i < n; i++) sum += x->picture.pixels[i];
		if (f->kind == EG_FIELD_LABEL && !eg_source_name(s, k, x->label)) abort();
		if (f->kind == EG_FIELD_BOXES) look_at_boxes(&x->boxes);
		if (f->kind == EG_FIELD_MASK)
			for (int64_t i = 0; i < (int64_t)x->mask.H * x->mask.W; i++)
				if (x->mask.classes[i] != EG_VOID && x->mask.classes[i] >= f->nnames) abort();
		if (f->kind == EG_FIELD_TEXT && eg_utf8_check(x->text.bytes, x->text.size) != x->text.size) abort();
		if (f->kind == EG_FIELD_SOUND && (x->sound.n < 1 || x->sound.channels < 1)) abort();
	}
	if (!r->id || sum == UINT32_MAX) abort();
}

static eg_status look_at_all(eg_source *s, eg_error *err) {
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int p = 0; p < EG_PARTS && !status; p++) {
		status = eg_source_prepare(s, (eg_part)p, err);
		for (int64_t i = 0; !status && i < eg_source_count(s, (eg_part)p) && i < 100; i++) {
			status = eg_source_read(s, (eg_part)p, i, ~0u, &r, err);
			if (!status) look_at(s, &r);
		}
	}
	eg_record_free(&r);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const mode *m = size < 1 ? NULL : choose(data[0]);
	char path[sizeof top + 8];
	const char *settings[SETTINGS + 2] = {path};
	eg_error err = {EG_OK, ""};
	eg_source *s;
	if (!m) return 0;
	make_top();
	write_all((const char *)data + 1, size - 1);
	snprintf(path, sizeof path, "path=%s", top);
	for (int i = 0; i < SETTINGS; i++) settings[i + 1] = m->settings[i];
	eg_status status = eg_source_open(m->source, settings, &s, &err);
	if (!status) status = look_at_all(s, &err);
	if (status && (!err.message[0] || err.status != status)) abort();
	eg_source_close(s);
	empty_top();
	return 0;
}
