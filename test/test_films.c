/* test_films.c - films that are tagged: segments compared by hand; captions taken apart, and cut in time. */
#include "support_tasks.h"
#include "tasks/caption.h"
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

static void captions(void **state) {
	EG_UNUSED(state);
	static const char right[] = "a red boot above a green seven and left of a blue bag";
	static const struct {
		const char *text;
		int things, colours, places;
	} said[] = {{right, 3, 3, 2},
		{"a red boot above a green seven", 2, 2, 1},
		{"a red boot below a green seven and left of a blue bag", 3, 3, 1},
		{"a green seven above a red boot and left of a blue bag", 1, 1, 2}, /* in another order */
		{"a red boot above a green", 1, 2, 1},                            /* ends too early */
		{"a red boot left a green seven", 1, 1, 0},                       /* "left", and no "of" behind it */
		{"", 0, 0, 0},
		{"boot red", 0, 0, 0},
		{"a  red boot   above a green seven and left of a blue bag", 3, 3, 2}};
	eg_caption_marks m;
	for (int i = 0; i < EG_COUNT(said); i++) {
		assert_true(eg_caption_compare(said[i].text, right, &m));
		if (m.all != 3 || m.things != said[i].things || m.colours != said[i].colours || m.places != said[i].places)
			fail_msg("'%s': %d things, %d colours, %d places", said[i].text, m.things, m.colours, m.places);
	}
	assert_false(eg_caption_compare(right, "A man rides a horse.", &m));
	assert_false(eg_caption_compare(right, "", &m));
	/* More things than there is room for. */
	char many[1000] = "a red boot";
	for (int k = 1; k < 8; k++) strcat(many, k > 1 ? " and below a red boot" : " below a red boot");
	assert_true(eg_caption_compare(many, many, &m));
	assert_true(m.all == 8 && m.things == 8 && m.places == 7);
	for (int k = 8; k < 20; k++) {
		strcat(many, " and below a red boot");
		assert_false(eg_caption_compare(right, many, &m));
		assert_true(eg_caption_compare(many, right, &m) && m.all == 3 && m.things == 1);
	}
}

/* Where clauses are cut by what they look at. */
static void cuts(void **state) {
	EG_UNUSED(state);
	int ends[3];
	static const double apart[] = {1, 1, 0, 0, 0, 0, /**/ 0, 0, 0, 1, 1, 1};
	eg_clauses_cut(apart, 2, 6, ends);
	assert_true(ends[0] == 2 && ends[1] == 6); /* 2 or 3 */
	static const double far_apart[] = {1, 0, 0, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 0, 0, 1};
	eg_clauses_cut(far_apart, 2, 7, ends);
	assert_true(ends[0] == 3 && ends[1] == 7); /* in the middle of 1 to 6 */
	static const double over[] = {3, 3, 2, 0, 0, /**/ 0, 0, 3, 3, 1};
	eg_clauses_cut(over, 2, 5, ends);
	assert_int_equal(ends[0], 2); /* 2 lie on the wrong side, of a cut before frame 3 it would be 3 */
	/* In no order: each has a frame. */
	static const double three[] = {0, 0, 0, 1, /**/ 0, 1, 0, 0, /**/ 1, 0, 0, 0};
	eg_clauses_cut(three, 3, 4, ends);
	assert_true(ends[0] >= 1 && ends[1] > ends[0] && ends[1] <= 3 && ends[2] == 4);
	static const double few[] = {1, /**/ 1, /**/ 1}; /* more clauses than frames */
	eg_clauses_cut(few, 3, 1, ends);
	assert_true(ends[0] >= 0 && ends[0] <= ends[1] && ends[1] <= 1 && ends[2] == 1);
	eg_clauses_cut(few, 1, 1, ends);
	assert_int_equal(ends[0], 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(overlaps), cmocka_unit_test(orders), cmocka_unit_test(captions), cmocka_unit_test(cuts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
