#!/bin/sh
# Every public header compiles by itself, as strict C17 and as C++17; and so does every kernel body, as C17.
set -u
status=0
check() { # check LANGUAGE COMPILER...
	language=$1
	shift
	for header in include/*.h; do
		printf '#include "%s"\n' "${header#include/}" |
			"$@" -Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude -x "$language" - || status=1
	done
}
check c "${CC:-cc}" -std=c17
# Bodies and the headers that they share stand alone; and what a body fills has the type that the table has.
for file in src/kern/body_*.[ch]; do
	printf '#include "kern/vector_slots.h"\n#include "%s"\n' "${file#src/}" | "${CC:-cc}" -std=c17 -Wall -Wextra -Werror -Wno-psabi \
		-Wno-unused-function -fsyntax-only -Iinclude -Isrc -DEG_PORTABLE_LANES=4 -DEG_SUFFIX=alone -x c - || status=1
	printf '#include "%s"\n' "${file#src/}" | "${CC:-cc}" -std=c17 -Wall -Wextra -Werror -Wno-psabi -Wno-unused-function -fsyntax-only \
		-Iinclude -Isrc -DEG_PORTABLE_LANES=4 -DEG_SUFFIX=alone -x c - || status=1
done
for cxx in "${CXX:-g++}" c++ clang++; do
	if command -v "$cxx" >/dev/null; then
		check c++ "$cxx" -std=c++17
		exit $status
	fi
done
echo "no C++ compiler here"
[ $status = 0 ] && exit 77
exit 1
