#!/bin/sh
# Every public header compiles by itself, as strict C17 and as C++17.
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
for cxx in "${CXX:-g++}" c++ clang++; do
	if command -v "$cxx" >/dev/null; then
		check c++ "$cxx" -std=c++17
		exit $status
	fi
done
echo "no C++ compiler here"
[ $status = 0 ] && exit 77
exit 1
