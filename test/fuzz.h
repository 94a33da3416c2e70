/* fuzz.h - what fuzz targets share: the function that is called with any bytes, and the reader that is meant.
 *
 * A target may have several readers. One of them is meant when ENGRAM_FUZZ_READER names it: tools/fuzz gives each its
 * own time so, and fuzz_main.c sets it to the name of the folder that kept inputs lie in. */
#ifndef ENGRAM_TEST_FUZZ_H
#define ENGRAM_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_READER "ENGRAM_FUZZ_READER"

/* Is this reader meant, or any? */
static inline bool fuzz_wants(const char *reader) {
	const char *only = getenv(FUZZ_READER);
	return !only || !*only || strcmp(only, reader) == 0;
}

/* Checksums that a changed input has no more are put right before it is run: else the fuzzer would never get behind
 * them. Called by libFuzzer, which has the other function; fuzz_main.c calls neither. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak));

#endif
