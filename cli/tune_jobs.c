/* tune_jobs.c - trials as processes. The samples are loaded once, before any of them begins, and each process has
 * them without a copy of its own; one that hangs, is killed or runs out of memory is a result, and nothing else is
 * touched by it. What a trial gives comes through a pipe; only this process writes the journal. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tune.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* What comes through the pipe; `size` bytes of text behind. */
typedef enum message_kind { MESSAGE_EPOCH, MESSAGE_OUTCOME, MESSAGE_ERROR } message_kind;
typedef struct message {
	int kind, number; /* number: of the epoch, the state, or the error's status */
	int budget, size;
	double value;
} message;

double tune_clock(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stops; /* how often somebody wanted it to end */

static void on_signal(int number) {
	(void)number;
	stops = stops + 1;
}

static void watch_signals(bool watch) {
	struct sigaction a = {.sa_handler = watch ? on_signal : SIG_DFL}, hup;
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN) sigaction(SIGHUP, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- in the process of a trial ----------------------------------------------------------------------------------- */

static bool put_all(int pipe, const void *data, size_t size) {
	const char *p = data;
	while (size > 0) {
		ssize_t n = write(pipe, p, size);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return false;
		p += n, size -= (size_t)n;
	}
	return true;
}

static bool send(int pipe, message m, const char *text) {
	m.size = text ? (int)strlen(text) : 0;
	return put_all(pipe, &m, sizeof m) && put_all(pipe, text, (size_t)m.size);
}

static bool on_epoch(void *user, int epoch, double value) {
	return send(*(int *)user, (message){.kind = MESSAGE_EPOCH, .number = epoch, .value = value}, NULL);
}

/* Never returns. Nothing is tidied up: that is the other process's. */
static void be_trial(tuning *t, const eg_trial *trial, int pipe, pid_t parent) {
	eg_error err = {0};
	eg_trial_room room = {0};
	eg_outcome o = {0};
	const int loaders = (int)args_number(t->args, "loaders", 0);
	const bool alone = t->njobs < 2;
	const eg_context_options c = {.threads = t->threads,
	        .loaders = args_has(t->args, "loaders") ? loaders ? loaders : EG_ZERO : alone ? 0 : EG_ZERO};
	const eg_trial_options options = {.limit_memory = t->limit_memory, .user = &pipe, .epoch = on_epoch};
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it has nobody to tell then */
#endif
	if (getppid() != parent) _exit(1);
	/* Sent to the whole group, they are the other process's, which ends this one by SIGKILL. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	eg_search_leave(t->search);
	eg_context *ctx = eg_context_new(&c, &err);
	if (ctx) cli_tuning(t->args, ctx);
	eg_status status = ctx ? eg_trial_run(t->trials, ctx, trial, &options, &room, &o, &err) : err.status;
	if (status)
		send(pipe, (message){.kind = MESSAGE_ERROR, .number = (int)status}, err.message);
	else
		send(pipe,
		        (message){.kind = MESSAGE_OUTCOME, .number = (int)o.state, .budget = o.budget, .value = o.value},
		        o.error);
	_exit(0);
}

/* ---- beginning and ending one ------------------------------------------------------------------------------------ */

static bool start(tuning *t, const eg_trial *trial) {
	int ends[2], k = 0;
	while (t->jobs[k].process) k++;
	if (pipe(ends) != 0) return fail("tune", "cannot begin a trial: %s", strerror(errno)), false;
	fflush(NULL);
	pid_t parent = getpid(), process = fork();
	if (process < 0) {
		close(ends[0]);
		close(ends[1]);
		return fail("tune", "cannot begin a trial: %s", strerror(errno)), false;
	}
	if (process == 0) {
		close(ends[0]);
		be_trial(t, trial, ends[1], parent);
	}
	close(ends[1]);
	t->jobs[k] = (tune_job){.process = process, .pipe = ends[0], .trial = *trial, .begun = tune_clock()};
	return true;
}

static void end(tuning *t, tune_job *j) {
	int status;
	kill((pid_t)j->process, SIGKILL);
	while (waitpid((pid_t)j->process, &status, 0) < 0 && errno == EINTR) {}
	close(j->pipe);
	if (tune_clock() - j->begun > t->longest) t->longest = tune_clock() - j->begun;
	free(j->values);
	*j = (tune_job){0};
}

/* false after a message: it cannot be written. */
static bool tell(tuning *t, tune_job *j, const eg_outcome *o) {
	eg_error err;
	eg_status status = eg_search_tell(t->search, j->trial.number, o, &err);
	end(t, j);
	if (!status) return true;
	tune_clear_live(t);
	fail_error("tune", &err);
	if (status == EG_ERR_IO)
		fail("tune",
		        "what was found before is in %s, whole: make room, and give the same command again to go on from there",
		        t->journal);
	t->code = status == EG_ERR_IO ? CLI_UNWRITTEN : CLI_FAILED;
	return false;
}

static bool tell_failed(tuning *t, tune_job *j, const char *why) {
	const eg_outcome o = {.state = EG_TRIAL_FAILED, .value = (double)NAN, .budget = j->nvalues, .values = j->values, .error = why};
	return tell(t, j, &o);
}

/* ---- what comes through the pipes -------------------------------------------------------------------------------- */

static bool get_all(int pipe, void *data, size_t size) {
	char *p = data;
	while (size > 0) {
		ssize_t n = read(pipe, p, size);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return false;
		p += n, size -= (size_t)n;
	}
	return true;
}

static void keep_epoch(tune_job *j, double value) {
	if (j->nvalues == j->room) {
		int room = 2 * j->room + 16;
		double *values = cli_alloc((size_t)room * sizeof *values);
		if (j->nvalues) memcpy(values, j->values, (size_t)j->nvalues * sizeof *values);
		free(j->values);
		j->values = values, j->room = room;
	}
	j->values[j->nvalues++] = value;
}

/* The signal that ended the process; 0: none; -1: it has not ended. Only a look: until end() has it waited for, its
 * number is nobody else's. */
static int signal_of(const tune_job *j) {
	siginfo_t info = {0};
	if (waitid(P_PID, (id_t)j->process, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return -1;
	return info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED ? info.si_status : 0;
}

/* The process has ended without a word. */
static bool tell_gone(tuning *t, tune_job *j) {
	char why[160];
	int number = signal_of(j);
	if (number < 0) {
		struct timespec moment = {0, 50000000};
		nanosleep(&moment, NULL);
		number = signal_of(j);
	}
	if (number == SIGKILL)
		snprintf(why, sizeof why, "its process was killed, as systems do that run out of memory");
	else if (number > 0)
		snprintf(why, sizeof why, "its process was ended by signal %d", number);
	else
		snprintf(why, sizeof why, "its process ended without a result");
	return tell_failed(t, j, why);
}

static bool read_message(tuning *t, tune_job *j) {
	message m;
	char text[1024] = "";
	if (!get_all(j->pipe, &m, sizeof m) || m.size < 0 || m.size >= (int)sizeof text ||
	        !get_all(j->pipe, text, (size_t)m.size))
		return tell_gone(t, j);
	if (m.kind == MESSAGE_EPOCH) {
		keep_epoch(j, m.value);
		return true;
	}
	if (m.kind == MESSAGE_OUTCOME) {
		const eg_outcome o = {.state = (eg_trial_state)m.number, .value = m.value, .budget = m.budget,
		        .values = m.budget == j->nvalues ? j->values : NULL, .error = text};
		return tell(t, j, &o);
	}
	tune_clear_live(t);
	fail("tune", "trial %d: %s", j->trial.number, text);
	t->code = CLI_FAILED;
	return false;
}

/* Waits a moment at most. */
static bool listen(tuning *t) {
	struct pollfd polled[TUNE_JOBS];
	tune_job *of[TUNE_JOBS];
	int n = 0;
	for (int i = 0; i < t->njobs; i++)
		if (t->jobs[i].process) {
			of[n] = &t->jobs[i];
			polled[n++] = (struct pollfd){.fd = t->jobs[i].pipe, .events = POLLIN};
		}
	if (poll(polled, (nfds_t)n, 200) <= 0) return true;
	for (int i = 0; i < n; i++)
		if (polled[i].revents && !read_message(t, of[i])) return false;
	return true;
}

/* ---- those that take too long ------------------------------------------------------------------------------------ */

static bool look_at_times(tuning *t) {
	char why[120], time[NUMBER];
	for (int i = 0; i < t->njobs; i++) {
		tune_job *j = &t->jobs[i];
		double seconds = tune_clock() - j->begun;
		if (!j->process) continue;
		if (t->timeout > 0 && seconds > t->timeout) {
			snprintf(why, sizeof why, "it took longer than --trial-timeout %g seconds", t->timeout);
			if (!tell_failed(t, j, why)) return false;
		} else if (!j->slow && t->timeout <= 0 && t->longest > 0 && seconds > 60 && seconds > 10 * t->longest) {
			j->slow = true;
			tune_clear_live(t);
			fail("tune",
			        "note: trial %d has been running for %s, ten times as long as any before; should it hang, stop this "
			        "and go on with --trial-timeout SECONDS",
			        j->trial.number, number_time(time, seconds));
		}
	}
	return true;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static int running(const tuning *t) {
	int n = 0;
	for (int i = 0; i < t->njobs; i++) n += t->jobs[i].process != 0;
	return n;
}

/* Begins as many trials as there may be. */
static bool begin(tuning *t, bool *over) {
	eg_error err;
	eg_trial trial;
	bool last = t->budget > 0 && tune_clock() - t->begun > t->budget;
	eg_search_has has = EG_SEARCH_TRIAL;
	*over = false;
	while (running(t) < t->njobs && has == EG_SEARCH_TRIAL && !stops) {
		eg_status status = eg_search_next(t->search, last, &has, &trial, &err);
		if (status) return fail_error("tune", &err), false;
		if (has == EG_SEARCH_TRIAL && !start(t, &trial)) return false;
	}
	*over = has == EG_SEARCH_OVER;
	return true;
}

/* Trials that are known, but cannot be written before one that still runs. */
static bool has_waiting(const tuning *t) {
	for (int i = eg_search_told(t->search) + 1; i < eg_search_told(t->search) + 2 * TUNE_JOBS; i++)
		if (eg_search_at(t->search, i, NULL, NULL)) return true;
	return false;
}

static bool go_on(tuning *t, bool *over) {
	static bool said;
	if (!stops) return begin(t, over);
	*over = stops > 1 || !has_waiting(t) || running(t) == 0;
	if (*over || said) return true;
	said = true;
	tune_clear_live(t);
	fail("tune", "stopping when trial %d is done, so that later ones that are done can be kept (again: at once)",
	        eg_search_told(t->search));
	return true;
}

int tune_run(tuning *t) {
	bool over = false, ok = true;
	watch_signals(true);
	tune_show_head(t);
	t->begun = tune_clock();
	tune_show_told(t);
	while (ok && !over) {
		ok = go_on(t, &over);
		if (ok && !over) ok = listen(t) && look_at_times(t);
		tune_show_told(t);
		if (ok && !over) tune_show_live(t);
	}
	tune_clear_live(t);
	for (int i = 0; i < t->njobs; i++)
		if (t->jobs[i].process) end(t, &t->jobs[i]);
	watch_signals(false);
	if (!ok && !t->code) t->code = CLI_FAILED;
	if (stops && !t->code) t->code = CLI_FAILED;
	return t->code;
}
