/* cpu.c - what this machine can run: instruction sets, cache sizes, number of processors.
 *
 * Not here: which kernel table is chosen (kern/select.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/base.h"

#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#define CPU_X86 1
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const char *const isa_names[EG_ISA_COUNT] = {"ref", "wide16", "neon", "avx2", "avx512"};

const char *eg_isa_name(eg_isa isa) { return (unsigned)isa < EG_ISA_COUNT ? isa_names[isa] : "unknown"; }

bool eg_isa_parse(const char *name, eg_isa *isa) {
	for (int i = 0; name && i < EG_ISA_COUNT; i++) {
		if (strcmp(name, isa_names[i]) == 0) {
			*isa = (eg_isa)i;
			return true;
		}
	}
	return false;
}

static void allow(eg_cpu *cpu, eg_isa isa, const char *why_not) {
	cpu->why_not[isa] = why_not;
	cpu->has[isa] = why_not == NULL;
}

#if defined(CPU_X86)
enum { EAX, EBX, ECX, EDX };

/* Intel SDM volume 2A, CPUID, and volume 1, 13.3 (XCR0): a register file is usable only when the CPU has the
 * instructions and the system saves the registers at a task switch. */
static void detect_isa(eg_cpu *cpu) {
	unsigned one[4] = {0}, seven[4] = {0}, xcr0 = 0, xcr0_high = 0;
	__get_cpuid(1, &one[EAX], &one[EBX], &one[ECX], &one[EDX]);
	__get_cpuid_count(7, 0, &seven[EAX], &seven[EBX], &seven[ECX], &seven[EDX]);
	if (one[ECX] & 1u << 27) __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
	EG_UNUSED(xcr0_high);

	const char *avx2 = NULL, *avx512 = NULL;
	if (!(one[ECX] & 1u << 28) || !(seven[EBX] & 1u << 5))
		avx2 = "the CPU has no AVX2";
	else if (!(one[ECX] & 1u << 12))
		avx2 = "the CPU has AVX2 but no FMA";
	else if (!(one[ECX] & 1u << 29))
		avx2 = "the CPU has AVX2 but no F16C";
	else if ((xcr0 & 0x06) != 0x06)
		avx2 = "the operating system does not save the AVX registers";

	if (!(seven[EBX] & 1u << 16))
		avx512 = "the CPU has no AVX-512";
	else if (!(seven[EBX] & 1u << 17))
		avx512 = "the CPU has AVX-512 but not its DQ part";
	else if (!(seven[EBX] & 1u << 30))
		avx512 = "the CPU has AVX-512 but not its BW part";
	else if (!(seven[EBX] & 1u << 31))
		avx512 = "the CPU has AVX-512 but not its VL part";
	else if ((xcr0 & 0xE6) != 0xE6)
		avx512 = "the operating system does not save the AVX-512 registers";
	else
		avx512 = avx2; /* its kernels use AVX2, FMA and F16C too */

	allow(cpu, EG_ISA_AVX2, avx2);
	allow(cpu, EG_ISA_AVX512, avx512);
	allow(cpu, EG_ISA_NEON, "not an ARM CPU");
}

/* The brand string of leaves 0x80000002 to 0x80000004, without its padding. */
static void detect_model(eg_cpu *cpu) {
	unsigned r[12];
	char brand[sizeof(r) + 1] = "";
	if ((unsigned)__get_cpuid_max(0x80000000u, NULL) >= 0x80000004u) {
		for (unsigned i = 0; i < 3; i++)
			__cpuid(0x80000002u + i, r[4 * i], r[4 * i + 1], r[4 * i + 2], r[4 * i + 3]);
		memcpy(brand, r, sizeof(r));
		brand[sizeof(r)] = '\0';
	}
	size_t n = 0;
	for (const char *s = brand; *s; s++) {
		if (*s != ' ' || (n > 0 && cpu->model[n - 1] != ' ')) cpu->model[n++] = *s;
	}
	while (n > 0 && cpu->model[n - 1] == ' ') n--;
	cpu->model[n] = '\0';
}

/* Deterministic cache parameters: leaf 4 of Intel, leaf 0x8000001D of AMD, in the same format. */
static void detect_caches(eg_cpu *cpu) {
	unsigned r[4], amd = 0, leaf = 4;
	if ((unsigned)__get_cpuid_max(0x80000000u, NULL) >= 0x8000001Du) {
		__cpuid(0x80000001u, r[EAX], r[EBX], r[ECX], r[EDX]);
		amd = r[ECX] & 1u << 22; /* TopologyExtensions */
	}
	if (amd)
		leaf = 0x8000001Du;
	else if ((unsigned)__get_cpuid_max(0, NULL) < leaf)
		return;
	for (unsigned i = 0; i < 16; i++) {
		__cpuid_count(leaf, i, r[EAX], r[EBX], r[ECX], r[EDX]);
		unsigned type = r[EAX] & 31, level = r[EAX] >> 5 & 7;
		if (type == 0) break;
		if (type == 2) continue; /* instructions */
		size_t line = (r[EBX] & 0xFFF) + 1, parts = (r[EBX] >> 12 & 0x3FF) + 1, ways = (r[EBX] >> 22) + 1;
		size_t bytes = line * parts * ways * ((size_t)r[ECX] + 1);
		if (level == 1) cpu->l1d = bytes;
		if (level == 2) cpu->l2 = bytes;
		if (level == 3) cpu->l3 = bytes;
	}
}
#else
static void detect_isa(eg_cpu *cpu) {
	allow(cpu, EG_ISA_AVX2, "not an x86 CPU");
	allow(cpu, EG_ISA_AVX512, "not an x86 CPU");
#if defined(__aarch64__) && defined(__linux__)
	bool asimd = getauxval(AT_HWCAP) & 1ul << 1; /* HWCAP_ASIMD */
	allow(cpu, EG_ISA_NEON, asimd ? NULL : "the system reports no Advanced SIMD");
#elif defined(__aarch64__)
	allow(cpu, EG_ISA_NEON, NULL); /* part of every AArch64 application processor */
#else
	allow(cpu, EG_ISA_NEON, "not a 64-bit ARM CPU");
#endif
}

static void detect_model(eg_cpu *cpu) { EG_UNUSED(cpu); }
static void detect_caches(eg_cpu *cpu) { EG_UNUSED(cpu); }
#endif

/* The size the system tells for a cache that is still unknown, else the guess. */
static void complete(size_t *cache, int name, size_t guess) {
	long told = name >= 0 && *cache == 0 ? sysconf(name) : 0;
	if (told > 0) *cache = (size_t)told;
	if (*cache == 0) *cache = guess;
}

static int count_cores(void) {
#if defined(__linux__)
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 && n < 65536 ? (int)n : 1;
}

void eg_cpu_detect(eg_cpu *cpu) {
	memset(cpu, 0, sizeof(*cpu));
	allow(cpu, EG_ISA_REF, NULL);
	allow(cpu, EG_ISA_WIDE16, NULL);
	detect_isa(cpu);
	detect_model(cpu);
	if (!cpu->model[0]) memcpy(cpu->model, "unknown", sizeof("unknown"));
	detect_caches(cpu);
#if defined(_SC_LEVEL1_DCACHE_SIZE)
	const int names[3] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
#else
	const int names[3] = {-1, -1, -1};
#endif
	complete(&cpu->l1d, names[0], (size_t)32 << 10);
	complete(&cpu->l2, names[1], (size_t)512 << 10);
	complete(&cpu->l3, names[2], (size_t)4 << 20);
	cpu->cores = count_cores();
}
