#!/bin/sh
# What `make install` installs can be used: by pkg-config, by CMake, moved elsewhere; and is as small as promised.
set -eu
[ -z "${ENGRAM_SANITIZE-}" ] || { echo "sanitized builds are not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
	echo "FAILED: $*"
	exit 1
}

cmake --install "$ENGRAM_BUILD" --prefix "$tmp/first" --strip >"$tmp/log" || fail "cmake --install: $(cat "$tmp/log")"
mv "$tmp/first" "$tmp/moved"
prefix=$tmp/moved
lib=$(dirname "$(find "$prefix" -name libengram.so)")

"$prefix/bin/engram" --version >/dev/null || fail "the installed program does not run"
[ -f "$prefix/share/engram/recipes/lenet5.yaml" ] || fail "recipes are not installed"
(cd "$tmp" && ENGRAM_DATA='' "$prefix/bin/engram" data get intents >/dev/null) || fail "the data of recipes are not found"

size=$(wc -c <"$lib/libengram.so")
[ "$size" -lt 2000000 ] || fail "libengram.so has $size bytes stripped, 2 MB is promised"
extra=$(ldd "$lib/libengram.so" | grep -vE 'linux-vdso|ld-linux|/libc\.so|/libm\.so|/libpthread\.so' || true)
[ -z "$extra" ] || fail "libengram.so needs more than libc, libm and pthread: $extra"
# Nothing but the public names leaves the libraries.
if command -v nm >/dev/null; then
	for so in "$lib/libengram.so" "$lib/libengram_io.so"; do
		foreign=$(nm -D --defined-only "$so" | awk '{print $3}' | grep -v '^eg_' || true)
		[ -z "$foreign" ] || fail "$so exports $foreign"
	done
	twice=$({ nm -D --defined-only "$lib/libengram.so"; nm -D --defined-only "$lib/libengram_io.so"; } |
		awk '{print $3}' | sort | uniq -d)
	[ -z "$twice" ] || fail "both libraries export $twice"
fi

export PKG_CONFIG_PATH="$lib/pkgconfig"
for example in examples/*.c; do
	[ -f "$example" ] || continue
	packages=engram
	if grep -qE 'engram_(io|data|task)\.h' "$example"; then packages=engram_io; fi
	# shellcheck disable=SC2046
	"${CC:-cc}" -std=c17 -O1 -o "$tmp/example" "$example" $(pkg-config --cflags --libs $packages) -lm ||
		fail "$example does not build against the installed library"
done

mkdir "$tmp/user"
cat >"$tmp/user/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(engram REQUIRED)
add_executable(user user.c)
target_link_libraries(user engram::engram_io)
END
cat >"$tmp/user/user.c" <<END
#include <engram.h>
#include <string.h>
int main(void) { return strcmp(eg_version(), EG_VERSION) != 0; }
END
cmake -S "$tmp/user" -B "$tmp/user/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="${CC:-cc}" >"$tmp/log" 2>&1 &&
	cmake --build "$tmp/user/build" >>"$tmp/log" 2>&1 || fail "find_package(engram): $(cat "$tmp/log")"
"$tmp/user/build/user" || fail "a program built with find_package(engram) does not run"
echo "installed: libengram.so has $size bytes"
