/* text_score.h - how alike texts are to what they should be: BLEU and chrF of a corpus, each with any number of
 * references, number for number as sacreBLEU 2 has them (Post 2018, "A call for clarity in reporting BLEU scores").
 *
 *   bleu  Papineni et al. 2002: n-grams of tokens up to 4, brevity by the reference of closest length, smoothing "exp"
 *   chrf  Popovic 2015: n-grams of characters up to 6 without white space, beta 2; the reference that fits best */
#ifndef ENGRAM_TASKS_TEXT_SCORE_H
#define ENGRAM_TASKS_TEXT_SCORE_H

#include "base/base.h"

/* What BLEU counts: 13a, words as mteval-v13a cuts them; zh, Chinese characters and, of the rest, such words; char,
 * every character. */
enum { EG_TOKENS_13A, EG_TOKENS_ZH, EG_TOKENS_CHAR };

enum { EG_BLEU_ORDER = 4, EG_CHRF_ORDER = 6 };
typedef struct eg_text_score {
	int64_t right[EG_BLEU_ORDER], total[EG_BLEU_ORDER], said, meant;
	int64_t chrf[EG_CHRF_ORDER][3]; /* n-grams said, meant, in both */
} eg_text_score;

/* UTF-8, at least one reference. */
eg_status eg_text_score_add(
	eg_text_score *s, int tokens, const char *said, const char *const *references, int n, eg_error *err);
double eg_text_bleu(const eg_text_score *s); /* 0..100 */
double eg_text_chrf(const eg_text_score *s);

#endif
