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
	        cmocka_unit_test(test_plateau),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
