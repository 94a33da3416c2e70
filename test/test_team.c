/* test_team.c - tests of the thread team: who runs, what a barrier orders, sleep, floating-point mode. Run under the
 * thread sanitizer too. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/base.h"

#include <dirent.h>
#include <float.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { RANKS = 16 };

typedef struct shared {
	eg_team *team;
	int rounds;
	int seen[RANKS]; /* plain on purpose: the team must order the accesses (thread sanitizer) */
	int sizes[RANKS];
	atomic_int wrong;
} shared;

static void mark(void *arg, int rank, int size) {
	shared *s = arg;
	s->seen[rank]++;
	s->sizes[rank] = size;
}

static void test_team_ranks(void **state) {
	EG_UNUSED(state);
	const int teams[] = {1, 2, 3, RANKS};
	for (int t = 0; t < EG_COUNT(teams); t++) {
		eg_error err = {EG_OK, ""};
		shared s = {0};
		s.team = eg_team_new(NULL, teams[t], &err);
		assert_non_null(s.team);
		assert_int_equal(eg_team_size(s.team), teams[t]);
		int want[RANKS] = {0};
		for (int i = 0; i < 300; i++) { /* every size in turn, whole and part */
			int size = i % teams[t] + 1;
			if (i % 97 == 96) usleep(300); /* lets the workers fall asleep */
			eg_team_run(s.team, size, mark, &s);
			for (int r = 0; r < size; r++) {
				want[r]++;
				assert_int_equal(s.sizes[r], size);
			}
			for (int r = 0; r < RANKS; r++) assert_int_equal(s.seen[r], want[r]);
		}
		eg_team_free(s.team);
	}
	eg_team_free(NULL);
}

/* A team that is freed before its workers have begun, or while they sleep. */
static void test_team_free(void **state) {
	EG_UNUSED(state);
	for (int i = 0; i < 50; i++) {
		eg_team *team = eg_team_new(NULL, 1 + i % 5, NULL);
		assert_non_null(team);
		if (i % 10 == 9) usleep(1000);
		eg_team_free(team);
	}
}

static void cross(void *arg, int rank, int size) {
	shared *s = arg;
	for (int i = 1; i <= s->rounds; i++) {
		s->seen[rank] = i;
		eg_team_barrier(s->team);
		for (int r = 0; r < size; r++) s->wrong += s->seen[r] != i;
		eg_team_barrier(s->team);
	}
}

static void check_barrier(int team_size, int size, int rounds) {
	shared s = {.team = eg_team_new(NULL, team_size, NULL), .rounds = rounds};
	assert_non_null(s.team);
	eg_team_run(s.team, size, cross, &s);
	assert_int_equal(s.wrong, 0);
	for (int r = 0; r < size; r++) assert_int_equal(s.seen[r], rounds);
	s.rounds = 3;
	eg_team_run(s.team, team_size, cross, &s); /* all of them after a part of them */
	assert_int_equal(s.wrong, 0);
	eg_team_free(s.team);
}

static void test_barrier(void **state) {
	EG_UNUSED(state);
	check_barrier(1, 1, 1000);
	check_barrier(2, 2, 5000);
	check_barrier(2, 1, 5000);
	check_barrier(5, 2, 2000);
	check_barrier(3, 3, 2000);
	check_barrier(RANKS, RANKS, 200); /* more threads than most machines have cores */
}

/* Ranks 0..3 meet among themselves while the last one waits for the barrier. */
static void meet_some(void *arg, int rank, int size) {
	shared *s = arg;
	for (int i = 1; i <= s->rounds && rank < size - 1; i++) {
		s->seen[rank] = i;
		eg_team_meet(s->team, size - 1);
		for (int r = 0; r < size - 1; r++) s->wrong += s->seen[r] != i;
		eg_team_meet(s->team, size - 1);
	}
	eg_team_barrier(s->team);
	for (int r = 0; r < size - 1; r++) s->wrong += s->seen[r] != s->rounds;
}

static void test_meet(void **state) {
	EG_UNUSED(state);
	shared s = {.team = eg_team_new(NULL, 4, NULL), .rounds = 500};
	assert_non_null(s.team);
	for (int size = 2; size <= 4; size++) eg_team_run(s.team, size, meet_some, &s);
	assert_int_equal(s.wrong, 0);
	eg_team_free(s.team);
}

/* One rank comes so late that the others have gone to sleep at the barrier. */
static void come_late(void *arg, int rank, int size) {
	shared *s = arg;
	for (int i = 1; i <= s->rounds; i++) {
		if (rank == i % size) usleep(3000);
		s->seen[rank] = i;
		eg_team_barrier(s->team);
		for (int r = 0; r < size; r++) s->wrong += s->seen[r] != i;
		eg_team_barrier(s->team);
	}
	if (rank == size - 1) usleep(3000); /* and the caller at the end of the job */
}

static void test_barrier_sleep(void **state) {
	EG_UNUSED(state);
	shared s = {.team = eg_team_new(NULL, 4, NULL), .rounds = 12};
	assert_non_null(s.team);
	eg_team_run(s.team, 4, come_late, &s);
	eg_team_run(s.team, 2, come_late, &s);
	assert_int_equal(s.wrong, 0);
	eg_team_free(s.team);
}

static double cpu_ms(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return 1e3 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e-3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void test_team_idle(void **state) {
	EG_UNUSED(state);
	shared s = {.team = eg_team_new(NULL, 4, NULL)};
	assert_non_null(s.team);
	for (int i = 0; i < 100; i++) eg_team_run(s.team, 4, mark, &s);
	double before = cpu_ms();
	usleep(200 * 1000);
	double used = cpu_ms() - before;
	if (used >= 20) fail_msg("an idle team used %.1f ms of processor time in 200 ms", used);
	eg_team_run(s.team, 4, mark, &s); /* and it wakes again */
	for (int r = 0; r < 4; r++) assert_int_equal(s.seen[r], 101);
	eg_team_free(s.team);
}

/* ---- many teams -------------------------------------------------------------------------------------------------- */

enum { TEAMS = 4, TEAM_ROUNDS = 300 };

/* Some microseconds of work and a barrier, again and again. */
static void toil(void *arg, int rank, int size) {
	shared *s = arg;
	EG_UNUSED(size);
	for (int i = 0; i < TEAM_ROUNDS; i++) {
		volatile double x = 1;
		for (int k = 0; k < 4000; k++) x = x * 0.999 + 0.001;
		s->seen[rank] += x > 0;
		eg_team_barrier(s->team);
	}
}

static void *toil_alone(void *arg) {
	shared *s = arg;
	eg_team_run(s->team, 2, toil, s);
	return NULL;
}

/* Teams that run at the same time use about as much processor time as one after the other: nobody spins against
 * another's work. */
static void test_teams_together(void **state) {
	EG_UNUSED(state);
	shared s[TEAMS];
	pthread_t threads[TEAMS];
	for (int i = 0; i < TEAMS; i++) s[i] = (shared){.team = eg_team_new(NULL, 2, NULL)};
	double began = cpu_ms();
	for (int i = 0; i < TEAMS; i++) toil_alone(&s[i]);
	double in_turn = cpu_ms() - began;
	usleep(20 * 1000);
	began = cpu_ms();
	for (int i = 0; i < TEAMS; i++) assert_int_equal(pthread_create(&threads[i], NULL, toil_alone, &s[i]), 0);
	for (int i = 0; i < TEAMS; i++) pthread_join(threads[i], NULL);
	double together = cpu_ms() - began;
	print_message("%d teams: %.1f ms of processor time in turn, %.1f together\n", TEAMS, in_turn, together);
	if (together > 3 * in_turn + 50) fail_msg("%d teams used %.1f ms of processor time together, %.1f in turn", TEAMS, together, in_turn);
	for (int i = 0; i < TEAMS; i++) {
		for (int r = 0; r < 2; r++) assert_int_equal(s[i].seen[r], 2 * TEAM_ROUNDS);
		eg_team_free(s[i].team);
	}
}

#if defined(__linux__)
static int count_threads(void) {
	int n = 0;
	DIR *d = opendir("/proc/self/task");
	if (!d) return -1;
	while (readdir(d)) n++;
	closedir(d);
	return n;
}
#endif

/* A team of one has no thread of its own. */
static void test_team_of_one(void **state) {
	EG_UNUSED(state);
#if defined(__linux__)
	int before, now = count_threads();
	if (now < 0) skip();
	do { /* those that earlier tests have joined are listed for a moment yet */
		before = now;
		usleep(20 * 1000);
		now = count_threads();
	} while (now != before);
	eg_team *team = eg_team_new(NULL, 1, NULL);
	assert_int_equal(count_threads(), before);
	eg_team_free(team);
#else
	skip();
#endif
}

static void halve(void *arg, int rank, int size) {
	EG_UNUSED(size);
	volatile float tiny = FLT_MIN;
	tiny *= 0.5f; /* a denormal result */
	volatile float given = 1e-40f;
	volatile float product = given * 1e10f; /* a denormal argument */
	((shared *)arg)->seen[rank] += tiny != 0 || product != 0;
}

static void test_denormals(void **state) {
	EG_UNUSED(state);
#if defined(__x86_64__) || defined(__aarch64__)
	shared s = {.team = eg_team_new(NULL, 3, NULL)};
	assert_non_null(s.team);
	for (int flushing = 0; flushing < 2; flushing++) { /* whatever the caller's mode is, it comes back */
		int original = eg_fp_flush_on();
		if (!flushing) eg_fp_restore(original);
		for (int size = 1; size <= 3; size++) eg_team_run(s.team, size, halve, &s);
		for (int r = 0; r < 3; r++) assert_int_equal(s.seen[r], 0);
		volatile float tiny = FLT_MIN;
		tiny *= 0.5f;
		assert_int_equal(tiny == 0, flushing);
		int mode = eg_fp_flush_on();
		eg_fp_restore(original);
		if (flushing) assert_int_not_equal(mode, original);
	}
	eg_team_free(s.team);
#else
	skip();
#endif
}

static void *no_memory(void *user, size_t bytes) {
	EG_UNUSED(user);
	EG_UNUSED(bytes);
	return NULL;
}

static void no_release(void *user, void *p) {
	EG_UNUSED(user);
	EG_UNUSED(p);
}

static void test_team_errors(void **state) {
	EG_UNUSED(state);
	eg_error err = {EG_OK, ""};
	assert_null(eg_team_new(NULL, 0, &err));
	assert_int_equal(err.status, EG_ERR_ARG);
	assert_null(eg_team_new(NULL, 1000000, &err));
	assert_int_equal(err.status, EG_ERR_ARG);
	assert_null(eg_team_new(NULL, -1, NULL));
	eg_allocator none = {no_memory, no_release, NULL};
	assert_null(eg_team_new(&none, 2, &err));
	assert_int_equal(err.status, EG_ERR_MEMORY);
}

static void test_split(void **state) {
	EG_UNUSED(state);
	for (int n = 0; n < 40; n++) {
		for (int size = 1; size < 20; size++) {
			int at = 0;
			for (int rank = 0; rank < size; rank++) {
				int begin, end;
				eg_split(n, rank, size, &begin, &end);
				assert_int_equal(begin, at);
				assert_in_range(end - begin, n / size, (n + size - 1) / size);
				at = end;
			}
			assert_int_equal(at, n);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_team_ranks),
	        cmocka_unit_test(test_team_free),
	        cmocka_unit_test(test_barrier),
	        cmocka_unit_test(test_meet),
	        cmocka_unit_test(test_barrier_sleep),
	        cmocka_unit_test(test_team_idle),
	        cmocka_unit_test(test_teams_together),
	        cmocka_unit_test(test_team_of_one),
	        cmocka_unit_test(test_denormals),
	        cmocka_unit_test(test_team_errors),
	        cmocka_unit_test(test_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
