/* slot_names.c - the names of kernel slots as variables, one each: of libraries of chosen operators, where the linker
 * tells by them which slots are called (kern.h, EG_SLOT_NAME). */
#include "kern/kern.h"

#define SLOT(name, ...) const char eg_slot_name_##name[] = #name;
#define MEMBER_SLOT(name, ...) const char eg_slot_name_##name[] = #name;
#include "kern/slots.def"
