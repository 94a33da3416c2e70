/* train_files.c - the files of a training: MODEL, MODEL.checkpoint and MODEL.lock.
 *
 * MODEL is written once, at the end, by a training that succeeds. MODEL.checkpoint is written after epochs and inside
 * of long ones, and removed at the end. Both appear whole or not at all, and hold neither clock nor thread count.
 * MODEL.lock is held while a training runs: two that write the same model would take each other's checkpoints.
 *
 * Where a file cannot be written, the weights are still in memory: other places are tried, and then it is waited for
 * room, for as long as the training has taken.
 *
 * Not here: what a checkpoint is compared with when a training goes on (train_resume.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* flock */
#endif
#include "train.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *train_joined(const char *a, const char *b, const char *c) {
	size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
	char *s = cli_alloc(n);
	snprintf(s, n, "%s%s%s", a, b, c);
	return s;
}

double train_clock(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the lock ---------------------------------------------------------------------------------------------------- */

static bool is_still_named(int fd, const char *path) {
	struct stat a, b;
	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool refuse_other(const training *t, int fd) {
	char number[24] = "";
	ssize_t n = read(fd, number, sizeof number - 1);
	number[n > 0 ? strspn(number, "0123456789") : 0] = '\0';
	fail("train",
	        "another training (process %s) writes %s at this time: wait for it, stop it, or give this one another "
	        "name with -o",
	        *number ? number : "unknown", t->model_path);
	return false;
}

/* A lock ends with its process, so a file that was left behind stops nobody. Where a file system has no locks, there
 * are none. */
static bool take_lock(training *t) {
	char number[24];
	for (int tries = 0; tries < 8; tries++) {
		int fd = open(t->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
		if (fd < 0) {
			fail("train", "cannot write %s, which keeps two trainings apart: %s", t->lock_path,
			        strerror(errno));
			return false;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
			refuse_other(t, fd);
			close(fd);
			return false;
		}
		if (is_still_named(fd, t->lock_path)) {
			snprintf(number, sizeof number, "%ld\n", (long)getpid());
			if (ftruncate(fd, 0) != 0 || write(fd, number, strlen(number)) < 0) {
				/* then it has no name */
			}
			t->lock = fd + 1;
			return true;
		}
		close(fd); /* its owner has removed it in between */
	}
	fail("train", "cannot lock %s", t->lock_path);
	return false;
}

static bool same_file(const char *a, const char *b) {
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool train_files_open(training *t) {
	const char *path = args_text(t->args, "output");
	if (path && same_file(path, t->recipe_path)) {
		fail("train", "%s is the recipe itself; the model needs another name", path);
		return false;
	}
	t->model_path =
	        path ? train_joined(path, "", "") : train_joined(eg_recipe_name(t->recipe), ".safetensors", "");
	t->checkpoint_path = train_joined(t->model_path, ".checkpoint", "");
	t->lock_path = train_joined(t->model_path, ".lock", "");
	/* Said before hours of training rather than after them. */
	if (!cli_can_write(t->args, t->model_path) || !cli_can_write(t->args, t->checkpoint_path))
		t->code = CLI_UNWRITTEN;
	return !t->code && take_lock(t);
}

void train_files_close(training *t) {
	if (t->lock) {
		unlink(t->lock_path);
		close(t->lock - 1);
	}
	free(t->model_path);
	free(t->checkpoint_path);
	free(t->lock_path);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static eg_status save(training *t, const char *path, bool checkpoint, eg_error *err) {
	/* Training loss and accuracy are left out: after a resume at the very end they are not known. */
	eg_train_result result = {.epochs_done = t->state.epoch,
	        .best_epoch = t->state.best_epoch,
	        .loss = NAN,
	        .train_metric = NAN,
	        .val_loss = t->state.best_epoch ? t->state.best_loss : NAN,
	        .metric = t->told >= 0 ? t->judge->metrics[t->told].name : NULL,
	        .val_metric = t->state.best_epoch ? t->state.best_metric : NAN};
	eg_model_parts parts = {.recipe = t->recipe,
	        .params = t->params,
	        .sizes = eg_samples_sizes(t->samples),
	        .task = eg_samples_kept(t->samples),
	        .result = &result};
	if (checkpoint) parts.optimizer = t->optimizer, parts.state = &t->state;
	return eg_model_save(path, &parts, err);
}

bool train_room(training *t) {
	size_t n, trained, header = 4096 + 400 * (size_t)eg_params_count(t->params);
	eg_error err;
	eg_params_flat(t->params, &n);
	eg_optimizer_moment(t->optimizer, 0, &trained);
	size_t arrays = 1u + t->has_validation + (t->config.average > 0);
	size_t numbers = n * arrays + trained * (size_t)eg_optimizer_moments(t->optimizer);
	if (!eg_output_check(t->checkpoint_path, numbers * sizeof(eg_real) + header, &err)) return true;
	fail("train", "%s. Nothing has been trained yet: make room, or write elsewhere with -o", err.message);
	t->code = CLI_UNWRITTEN;
	return false;
}

/* What fails once need not fail twice: a call that was interrupted, files that others have open. */
static eg_status save_twice(training *t, const char *path, bool checkpoint, eg_error *err) {
	return save(t, path, checkpoint, err) ? save(t, path, checkpoint, err) : EG_OK;
}

/* A file's name in another folder, of something that is not there yet; NULL: none. To be freed. */
static char *free_name(const char *folder, const char *path) {
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char number[16] = "", *name = NULL;
	if (!folder || !*folder) return NULL;
	for (int i = 1; i < 100; i++) {
		char *head = train_joined(folder, "/", base);
		name = train_joined(head, number, "");
		free(head);
		if (access(name, F_OK) != 0 && errno == ENOENT) return name;
		free(name);
		snprintf(number, sizeof number, ".%d", i);
	}
	return NULL;
}

static bool save_elsewhere(training *t, const char *path, bool checkpoint, eg_error *err) {
	const char *const folders[] = {".", getenv("TMPDIR"), "/var/tmp", "/tmp", getenv("HOME")};
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		eg_error ignored;
		char *name = free_name(folders[i], path);
		bool ok = name && save(t, name, checkpoint, &ignored) == EG_OK;
		if (ok) {
			fail("train", "%s. It was written to %s instead", err->message, name);
			t->code = CLI_UNWRITTEN;
		}
		free(name);
		if (ok) return true;
	}
	return false;
}

static void pause_for(double seconds) {
	struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * (seconds - floor(seconds)))};
	nanosleep(&left, NULL);
}

/* To a terminal for as long as nobody presses Ctrl-C; else for as long as the training has taken. */
static bool save_later(training *t, const char *path, bool checkpoint, eg_error *err) {
	double begun = train_clock(), most = fmax(0.5, begun - t->begun), wait = 0.25;
	bool watched = is_terminal(stderr);
	fail("train", "%s. No other place takes it either; the weights are kept in memory while it is tried again%s",
	        err->message, watched ? " (Ctrl-C gives up)" : "");
	while ((watched || train_clock() - begun < most) && !train_stop_wanted(t)) {
		pause_for(wait);
		wait = fmin(2 * wait, 30);
		if (!save(t, path, checkpoint, err)) return true;
	}
	return false;
}

/* "epoch 3", "epoch 3, step 120 of 938" */
static const char *kept_text(const training *t, char buf[120]) {
	if (t->kept_batch > 0)
		snprintf(buf, 120, "epoch %d, step %lld of %lld", t->kept + 1, (long long)t->kept_batch,
		        (long long)t->kept_batches);
	else
		snprintf(buf, 120, "epoch %d", t->kept);
	return buf;
}

bool train_write(training *t, const char *path, bool checkpoint) {
	eg_error err;
	char kept[120];
	if (!save_twice(t, path, checkpoint, &err) || save_elsewhere(t, path, checkpoint, &err) ||
	        save_later(t, path, checkpoint, &err))
		return true;
	t->code = CLI_UNWRITTEN;
	fail("train", "%s", err.message);
	if (t->has_kept)
		fprintf(stderr, "%s has the training up to %s of %d. To go on from there:\n", text_shown(t->checkpoint_path),
		        kept_text(t, kept), t->config.epochs);
	else
		fprintf(stderr, "Nothing of the training is kept.\n");
	if (t->has_kept) train_print_command(t, stderr, " --resume");
	return false;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------- */

static void note_kept(training *t) {
	t->has_kept = true;
	t->kept = t->state.epoch, t->kept_batch = t->state.batch, t->kept_batches = t->state.batches;
	t->kept_at = train_clock();
}

bool train_keep(training *t) {
	enum { TELL_AGAIN = 60 }; /* seconds */
	eg_error err;
	char kept[120];
	double now = train_clock();
	t->looked = now;
	if (!save_twice(t, t->checkpoint_path, true, &err)) {
		note_kept(t);
		return true;
	}
	if (!t->has_kept) { /* there was room for it at the beginning */
		bool elsewhere = save_elsewhere(t, t->checkpoint_path, true, &err);
		if (!elsewhere) fail("train", "%s", err.message);
		fail("train", "the training ends here, before more is lost: make room%s%s%s",
		        elsewhere ? ", bring that file to " : " and begin anew", elsewhere ? t->checkpoint_path : "",
		        elsewhere ? " and go on with --resume" : "");
		t->code = CLI_UNWRITTEN;
		return false;
	}
	if (t->told_at == 0 || now - t->told_at > TELL_AGAIN) {
		fail("train", "warning: %s. It still has %s; training goes on", err.message, kept_text(t, kept));
		t->told_at = now;
	}
	return true;
}

/* Epochs of less than a second share a checkpoint: syncing a file takes longer than they do. */
bool train_keep_epoch(training *t) {
	double least = fmin(1, t->every), now = train_clock();
	if (t->has_kept && now - t->kept_at < least && !train_stop_wanted(t)) return true;
	return train_keep(t);
}

bool train_keep_step(training *t) {
	if (train_clock() - fmax(t->looked, t->kept_at) < t->every) return true;
	return train_keep(t);
}

void train_write_checkpoint(training *t) {
	if (train_write(t, t->checkpoint_path, true) && !t->code) note_kept(t);
}

const char *train_kept_text(const training *t, char buf[120]) { return t->has_kept ? kept_text(t, buf) : NULL; }
