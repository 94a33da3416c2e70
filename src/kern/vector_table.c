/* vector_table.c - puts the vector bodies into a kernel table. Compiled for each instruction set, as the bodies are. */
#include "kern/body_gemm.h"
#include "kern/vector_slots.h"

#define TABLE_CAT(name, suffix) name##suffix
#define TABLE_NAME(suffix) TABLE_CAT(eg_kernels_, suffix)
#define TABLE_TEXT(suffix) #suffix
#define TABLE_STRING(suffix) TABLE_TEXT(suffix)

void TABLE_NAME(EG_SUFFIX)(eg_kernels *k) {
	k->name = TABLE_STRING(EG_SUFFIX);
#define VECTOR(member) EG_FILL(k, member, EG_NAME(member));
#define VECTOR_CONV(algo, name) \
	if (EG_CHOSEN(name)) k->conv[algo] = EG_NAME(name);
#define VECTOR_NUMBER(member, n) k->member = n;
#include "kern/vector_slots.def"
}
