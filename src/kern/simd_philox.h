/* simd_philox.h - Philox4x32-10 (Salmon et al. 2011) on V/2 blocks at once; the words of eg_rng_u32x4, bit for bit.
 *
 * A block sits in one 64-bit lane, its four words in the low halves of four vectors: the widening multiply reads low
 * halves only, so that whatever is left in the high halves does no harm, and a round is two multiplies, two shuffles
 * and four xors.
 *
 * Not here: what the numbers are for (dropout is in body_map.c). */
#ifndef ENGRAM_SIMD_PHILOX_H
#define ENGRAM_SIMD_PHILOX_H

#include "kern/simd.h"

/* The keys of the ten rounds and the stream, made once for many blocks. */
typedef struct vphilox {
	vu key[20], stream;
} vphilox;

EG_ALWAYS_INLINE vphilox vphilox_of(eg_rng r) {
	vphilox p;
	uint64_t k0 = r.seed, k1 = r.seed >> 32;
	for (int i = 0; i < 20; i += 2, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
		p.key[i] = vu_set64(k0);
		p.key[i + 1] = vu_set64(k1);
	}
	p.stream = vu_set64(r.stream);
	return p;
}

/* The words of blocks index .. index + V/2 - 1: word[0] the first V of them, word[1] the next V. */
EG_ALWAYS_INLINE void vphilox_words(const vphilox *p, uint64_t index, vu word[2]) {
	vu c0 = vu_add64(vu_set64(index), vu_blocks()), c1 = vu_high(c0), c2 = p->stream, c3 = vu_high(c2);
	vu m0 = vu_set64(0xD2511F53), m1 = vu_set64(0xCD9E8D57);
	for (int i = 0; i < 20; i += 2) {
		vu p0 = vu_mul(m0, c0), p1 = vu_mul(m1, c2);
		c0 = vu_xor3(vu_high(p1), c1, p->key[i]);
		c1 = p1;
		c2 = vu_xor3(vu_high(p0), c3, p->key[i + 1]);
		c3 = p0;
	}
	vu a = vu_pair(c0, c1), b = vu_pair(c2, c3);
	word[0] = vu_lo64(a, b);
	word[1] = vu_hi64(a, b);
}

#endif
