/* sanitized.h - is this under a sanitizer? Memory is not what it is there, and large sets and trainings take ten times
 * as long. */
#ifndef ENGRAM_TEST_SANITIZED_H
#define ENGRAM_TEST_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

#endif
