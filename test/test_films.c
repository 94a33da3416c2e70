/* test_films.c - films that are tagged: segments compared by hand. */
#include "support_tasks.h"
#include "tasks/tag_films.h"

enum { MOST = 8 };

static int64_t right(const eg_segment *a, int n, const eg_segment *b, int m, double least) {
	bool used[MOST];
	return eg_segments_right(a, n, b, m, least, used);
}
static double edit(const eg_segment *a, int n, const eg_segment *b, int m) {
	int row[MOST + 1];
	return eg_segments_edit(a, n, b, m, row);
}

static void overlaps(void **state) {
	EG_UNUSED(state);
	static const eg_segment there[] = {{0, 0, 10}, {1, 10, 20}, {0, 20, 30}};
	assert_int_equal(right(there, 3, there, 3, 0.5), 3);
	/* 5 frames of 10, 8 of 15 (10 to 20 and 12 to 25), 5 of 10. */
	static const eg_segment told[] = {{0, 0, 5}, {2, 5, 12}, {1, 12, 25}, {0, 25, 30}};
	assert_int_equal(right(told, 4, there, 3, 0.5), 3);
	assert_int_equal(right(told, 4, there, 3, 0.51), 1);
	assert_int_equal(right(told, 4, there, 3, 0.54), 0);
	/* Two pieces of one: only the first is right. */
	static const eg_segment pieces[] = {{0, 0, 5}, {1, 5, 6}, {0, 6, 10}};
	assert_int_equal(right(pieces, 3, there, 1, 0.25), 1);
	assert_int_equal(right(pieces, 3, there, 1, 0.6), 0);
	/* Beside each other, or of another tag: nothing is shared. */
	static const eg_segment beside[] = {{1, 0, 10}, {0, 10, 20}};
	assert_int_equal(right(beside, 2, there, 2, 0.1), 0);
	assert_int_equal(right(there, 3, there, 0, 0.1), 0);
}

static void orders(void **state) {
	EG_UNUSED(state);
	static const eg_segment a[] = {{0, 0, 1}, {1, 1, 2}, {2, 2, 3}}, b[] = {{0, 0, 2}, {2, 2, 3}},
				c[] = {{3, 0, 1}, {4, 1, 2}, {5, 2, 3}};
	assert_near(edit(a, 3, a, 3), 1, 0);
	assert_near(edit(a, 3, b, 2), 1 - 1.0 / 3, 1e-12); /* one is too many */
	assert_near(edit(b, 2, a, 3), 1 - 1.0 / 3, 1e-12);
	assert_near(edit(a, 3, c, 3), 0, 0);
	assert_near(edit(a, 3, b, 0), 0, 0);
	assert_near(edit(a, 0, b, 0), 1, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(overlaps), cmocka_unit_test(orders)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
