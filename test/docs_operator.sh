#!/bin/sh
# docs/adding-an-operator.md: its edits are made in a copy of what the engine is built from, and the generic tester looks at the
# new operators, with all kernels that the machine has but AVX-512; then in double precision for the gradients.
# Takes the better part of a minute, for the engine is built anew; not under sanitizers, nor for another machine than this.
set -u
[ -z "${ENGRAM_SANITIZE-}" ] || exit 77
grep -q '^CMAKE_TOOLCHAIN_FILE:' "$ENGRAM_BUILD/CMakeCache.txt" && exit 77
grep -q '^ENGRAM_DOUBLE:BOOL=ON' "$ENGRAM_BUILD/CMakeCache.txt" && exit 77
page=docs/adding-an-operator.md
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
	echo "FAILED: $page: $*"
	exit 1
}

awk -v out="$tmp/blocks" -f test/docs_extract.awk "$page" || exit 1
mkdir -p "$tmp/tree/test" || exit 1
cp -R CMakeLists.txt include src tools "$tmp/tree" || exit 1
cp test/tests.cmake test/optest* test/support* "$tmp/tree/test" || exit 1
cp -R "$tmp/blocks/files/." "$tmp/tree" || exit 1
for edit in "$tmp"/blocks/*.edit; do
	file=$(sed -n 1p "$edit")
	TEXT=$(sed -n 3p "$edit") awk -v where="$(sed -n 2p "$edit")" -v block="${edit%.edit}.c" '
		function put(line) { while ((getline line <block) > 0) print line; close(block); done = 1 }
		!done && index($0, ENVIRON["TEXT"]) {
			if (where == "before") put()
			print
			if (where == "after") put()
			next
		}
		{ print }
		END { exit !done }' "$tmp/tree/$file" >"$tmp/edited" || fail "$file has no '$(sed -n 3p "$edit")'"
	cp "$tmp/edited" "$tmp/tree/$file"
done

# build FOLDER "TARGET..." OPTION...: without AVX-512 (that alone is a minute) and with hardly any optimisation; what is computed
# is the same.
build() {
	folder=$tmp/$1
	targets=$2
	shift 2
	cmake -S "$tmp/tree" -B "$folder" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O1 "-DCMAKE_C_COMPILER=${CC:-cc}" \
		-DENGRAM_WERROR=ON -DENGRAM_IO=OFF -DENGRAM_WIDE16=OFF -DENGRAM_CC_mavx512f=OFF "$@" >"$tmp/log" 2>&1 ||
		fail "its tree cannot be configured: $(cat "$tmp/log")"
	# shellcheck disable=SC2086
	cmake --build "$folder" --parallel 2 --target $targets >"$tmp/log" 2>&1 ||
		fail "what it says does not build: $(grep -A3 -E 'error|warning' "$tmp/log" || tail -20 "$tmp/log")"
}
build plain "optest opgen"
"$tmp/plain/test/optest" relu_squared squareplus instance_norm || fail "the tester finds a mistake in an operator"
"$tmp/plain/opgen" | grep -q 'eg_squareplus' || fail "there is no builder eg_squareplus"
build double optest -DENGRAM_DOUBLE=ON
"$tmp/double/test/optest" relu_squared squareplus instance_norm || fail "the tester finds a wrong gradient"
