/* test_schedule.c - learning rates over time: rises, cuts, cosines and plateaus, at the updates where they begin and
 * end. Not here: that a training asks for the right places (test_trainer.c). */
#include "net.h"

static void test_schedules(void **state) {
	EG_UNUSED(state);
	eg_schedule_state none = {0};
	eg_schedule_config c = {0};
	net_near(eg_schedule_lr(&c, &none, 0.3, 0, 0, 10), 0.3, 0);
	net_near(eg_schedule_lr(&c, NULL, 0.3, 9.9, 0, 10), 0.3, 0);
	c.warmup = 2;
	net_near(eg_schedule_lr(&c, &none, 0.3, 0, 0, 10), 0, 0);
	net_near(eg_schedule_lr(&c, &none, 0.3, 0.5, 0, 10), 0.075, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.3, 2, 0, 10), 0.3, 1e-15);

	/* Four updates an epoch, two epochs: eighths, and none is lost. */
	for (int k = 0; k < 12; k++)
		net_near(eg_schedule_lr(&c, &none, 0.3, k / 4.0, 0.25, 10), 0.3 * fmin(k + 1, 8) / 8, 1e-15);
	c.warmup = 0.25;
	net_near(eg_schedule_lr(&c, &none, 0.3, 0, 1, 10), 0.3, 0); /* an update is longer than the rise */

	/* Cuts fall on the update that begins there, however its place is rounded. */
	c = (eg_schedule_config){.kind = EG_SCHEDULE_STEP, .every = 0.1, .factor = 0.5};
	for (int k = 0; k < 10; k++) net_near(eg_schedule_lr(&c, &none, 1, k / 10.0, 0.1, 1), pow(0.5, k), 1e-15);

	c = (eg_schedule_config){.kind = EG_SCHEDULE_STEP, .every = 3, .factor = 0.5};
	net_near(eg_schedule_lr(&c, &none, 0.8, 2.99, 0, 10), 0.8, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.8, 3, 0, 10), 0.4, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.8, 8.5, 0, 10), 0.2, 1e-15);
	c = (eg_schedule_config){.kind = EG_SCHEDULE_STEP};
	net_near(eg_schedule_lr(&c, &none, 1, 25, 0, 30), 0.01, 1e-15);

	c = (eg_schedule_config){.kind = EG_SCHEDULE_COSINE, .min_lr = 0.1};
	net_near(eg_schedule_lr(&c, &none, 0.5, 0, 0, 8), 0.5, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.5, 2, 0, 8), 0.1 + 0.2 * (1 + sqrt(0.5)), 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.5, 4, 0, 8), 0.3, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.5, 8, 0, 8), 0.1, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.5, 9, 0, 8), 0.1, 1e-15);
	c.warmup = 4; /* the half wave spans what is left */
	net_near(eg_schedule_lr(&c, &none, 0.5, 1, 0, 8), 0.125, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.5, 4, 0, 8), 0.5, 1e-15);
	net_near(eg_schedule_lr(&c, &none, 0.5, 6, 0, 8), 0.3, 1e-15);
	/* A cosine over four updates: the first one has lr, none has the end value. */
	c = (eg_schedule_config){.kind = EG_SCHEDULE_COSINE};
	static const double wave[] = {1, 0.85355339059327376, 0.5, 0.14644660940672624};
	for (int k = 0; k < 4; k++) net_near(eg_schedule_lr(&c, &none, 1, k / 2.0, 0.5, 2), wave[k], 1e-15);
}

/* Values of PyTorch 2's formulas, 20 updates in two epochs. */
static double nth(const eg_schedule_config *c, int k) { return eg_schedule_lr(c, NULL, 0.5, k / 10.0, 0.1, 2); }

static void test_falls(void **state) {
	EG_UNUSED(state);
	eg_schedule_config c = {.kind = EG_SCHEDULE_EXPONENTIAL, .factor = 0.8};
	net_near(nth(&c, 0), 0.5, 0);
	net_near(nth(&c, 5), 0.5 * sqrt(0.8), 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 0.5, 3, 0.1, 9), 0.5 * 0.512, 1e-15);
	c.factor = 0, c.warmup = 2; /* falls from where the rise has ended */
	net_near(eg_schedule_lr(&c, NULL, 1, 2, 0.1, 9), 1, 0);
	net_near(eg_schedule_lr(&c, NULL, 1, 4, 0.1, 9), 0.9025, 1e-15);

	c = (eg_schedule_config){.kind = EG_SCHEDULE_POLYNOMIAL};
	net_near(nth(&c, 0), 0.5, 0);
	net_near(nth(&c, 5), 0.375, 1e-15);
	net_near(nth(&c, 19), 0.025, 1e-15);
	c.power = 2, c.min_lr = 0.1;
	net_near(nth(&c, 10), 0.1 + 0.4 / 4, 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 0.5, 2, 0, 2), 0.1, 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 0.5, 3, 0, 2), 0.1, 1e-15); /* behind the end */
	c.power = 0.5, c.min_lr = 0, c.warmup = 1;
	net_near(nth(&c, 0), 0.05, 1e-15);
	net_near(nth(&c, 10), 0.5, 1e-15);
	net_near(nth(&c, 15), 0.5 * sqrt(0.5), 1e-15);
}

/* OneCycleLR(max_lr=0.5, total_steps=20): the top is at update 0.3 20 - 1 = 5, the end at update 19. */
static void test_one_cycle(void **state) {
	EG_UNUSED(state);
	eg_schedule_config c = {.kind = EG_SCHEDULE_ONE_CYCLE};
	net_near(nth(&c, 0), 0.02, 1e-15);
	net_near(nth(&c, 1), 0.5 + (0.02 - 0.5) / 2 * (1 + cos(acos(-1) / 5)), 1e-15);
	net_near(nth(&c, 5), 0.5, 1e-15);
	net_near(nth(&c, 12), (0.5 + 2e-6) / 2, 1e-15);
	net_near(nth(&c, 19), 2e-6, 1e-15);
	c.linear = true, c.rise = 0.25, c.div = 10, c.final_div = 100; /* from 0.05, top at update 4, to 0.0005 */
	net_near(nth(&c, 0), 0.05, 1e-15);
	net_near(nth(&c, 2), 0.275, 1e-15);
	net_near(nth(&c, 4), 0.5, 1e-15);
	net_near(nth(&c, 9), 0.5 - 0.4995 / 3, 1e-15);
	net_near(nth(&c, 19), 0.0005, 1e-15);
	c.warmup = 1; /* to what the cycle begins with, which then takes the second epoch: top at update 11.5 */
	net_near(nth(&c, 0), 0.005, 1e-15);
	net_near(nth(&c, 9), 0.05, 1e-15);
	net_near(nth(&c, 10), 0.05, 1e-15);
	net_near(nth(&c, 11), 0.05 + 0.45 / 1.5, 1e-15);
	net_near(nth(&c, 19), 0.0005, 1e-15);
	c = (eg_schedule_config){.kind = EG_SCHEDULE_ONE_CYCLE}; /* one update, all rise, after the end */
	net_near(eg_schedule_lr(&c, NULL, 0.5, 0, 1, 1), 2e-6, 1e-15);
	c.rise = 1;
	net_near(nth(&c, 0), 0.02, 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 0.5, 3, 0.1, 2), 2e-6, 1e-15);
}

static void test_cycles(void **state) {
	EG_UNUSED(state);
	eg_schedule_config c = {.kind = EG_SCHEDULE_TRIANGULAR, .every = 0.8, .div = 5};
	static const double up[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2};
	for (int k = 0; k < 20; k++) net_near(nth(&c, k), up[k % 8], 1e-9);
	c.factor = 0.5; /* CyclicLR's triangular2 */
	for (int k = 0; k < 20; k++) net_near(nth(&c, k), 0.1 + (up[k % 8] - 0.1) * pow(0.5, k / 8), 1e-9);
	c.factor = 0, c.rise = 0.25;
	static const double steep[] = {0.1, 0.3, 0.5, 0.5 - 0.4 / 6};
	for (int k = 0; k < 4; k++) net_near(nth(&c, 8 + k), steep[k], 1e-9);
	c.rise = 1, c.warmup = 0.8; /* a saw, behind a rise to its lowest point */
	net_near(nth(&c, 3), 0.05, 1e-15);
	net_near(nth(&c, 8), 0.1, 1e-9);
	net_near(nth(&c, 15), 0.45, 1e-9);
	net_near(nth(&c, 16), 0.1, 1e-9);
	c = (eg_schedule_config){.kind = EG_SCHEDULE_TRIANGULAR};
	net_near(eg_schedule_lr(&c, NULL, 1, 0, 0.1, 30), 0.1, 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 1, 15, 0.1, 30), 1, 1e-15);

	c = (eg_schedule_config){.kind = EG_SCHEDULE_RESTARTS, .every = 0.4, .min_lr = 0.1};
	static const double wave[] = {0.5, 0.44142135623730951, 0.3, 0.15857864376269049};
	for (int k = 0; k < 20; k++) net_near(nth(&c, k), wave[k % 4], 1e-8);
	c.mult = 2; /* restarts at updates 4 and 12 */
	for (int k = 0; k < 4; k++) net_near(nth(&c, k), wave[k], 1e-8);
	for (int k = 0; k < 4; k++) net_near(nth(&c, 4 + 2 * k), wave[k], 1e-8);
	for (int k = 0; k < 2; k++) net_near(nth(&c, 12 + 4 * k), wave[k], 1e-8);
	c.mult = 1 + 1e-12; /* nearly alike */
	for (int k = 0; k < 20; k++) net_near(nth(&c, k), wave[k % 4], 1e-8);
	c = (eg_schedule_config){.kind = EG_SCHEDULE_RESTARTS, .warmup = 1};
	net_near(eg_schedule_lr(&c, NULL, 1, 0, 0.5, 31), 0.5, 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 1, 6, 0.5, 31), 0.5, 1e-15);
	net_near(eg_schedule_lr(&c, NULL, 1, 11, 0.5, 31), 1, 1e-15);
}

static void test_plateau(void **state) {
	EG_UNUSED(state);
	static const double losses[] = {2, 1, 1, 1.5, 0.9, 0.89999, 0.95, 0.9, 0.9, 0.9, 0.9};
	static const double scales[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625};
	eg_schedule_config c = {.kind = EG_SCHEDULE_PLATEAU, .patience = 2, .factor = 0.5, .min_lr = 0.1};
	eg_schedule_state s = {0};
	net_near(eg_schedule_lr(&c, &s, 1, 0, 0, 10), 1, 0);
	for (int i = 0; i < EG_COUNT(losses); i++) {
		eg_schedule_epoch(&c, &s, losses[i]);
		net_near(eg_schedule_lr(&c, &s, 1, i + 1, 0, 20), fmax(scales[i], 0.1), 1e-15);
	}
	eg_schedule_state bad = {0};
	for (int i = 0; i < 2; i++) eg_schedule_epoch(&c, &bad, 1);
	eg_schedule_epoch(&c, &bad, NAN); /* is no improvement */
	net_near(bad.scale, 0.5, 0);
	/* factor 0: down to min_lr, for good; threshold 0: any improvement is one */
	c = (eg_schedule_config){.kind = EG_SCHEDULE_PLATEAU, .patience = 1, .factor = EG_ZERO_F, .threshold = EG_ZERO_F, .min_lr = 0.01};
	s = (eg_schedule_state){0};
	eg_schedule_epoch(&c, &s, 1);
	eg_schedule_epoch(&c, &s, 1 - 1e-9);
	net_near(eg_schedule_lr(&c, &s, 1, 2, 0, 20), 1, 0);
	for (int i = 0; i < 2; i++) {
		eg_schedule_epoch(&c, &s, 1);
		net_near(eg_schedule_lr(&c, &s, 1, 3 + i, 0, 20), 0.01, 0);
	}
	/* What is better is better below zero too. */
	c = (eg_schedule_config){.kind = EG_SCHEDULE_PLATEAU, .patience = 1, .threshold = 0.1};
	s = (eg_schedule_state){0};
	eg_schedule_epoch(&c, &s, -1);
	eg_schedule_epoch(&c, &s, -1.2);
	net_near(s.scale, 1, 0);
	eg_schedule_epoch(&c, &s, -1.2);
	net_near(s.scale, 0.1, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_schedules),
	        cmocka_unit_test(test_falls),
	        cmocka_unit_test(test_one_cycle),
	        cmocka_unit_test(test_cycles),
	        cmocka_unit_test(test_plateau),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
