#!/bin/sh
# docs/floors.md: the floor that it adds is compiled with the tree's flags and linked into the program in place of the table
# without it, and does what the page says: it is listed, it serves the recipe that stands there, its figures are those
# that follow by hand, and it is kept.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
page=docs/floors.md
here=$(pwd)
all=$ENGRAM_BUILD/libengram_all.a
fail() {
	echo "FAILED: $page: $*"
	exit 1
}
[ -e "$all" ] || fail "there is no $all"
grep -q '^CMAKE_TOOLCHAIN_FILE:' "$ENGRAM_BUILD/CMakeCache.txt" && exit 77
objects=$(find "$ENGRAM_BUILD/CMakeFiles/engram.dir/cli" -name '*.o' 2>/dev/null)
[ -n "$objects" ] || exit 77
"$ENGRAM" version | grep -q csv || exit 77

awk -v out="$tmp/blocks" -f test/docs_extract.awk "$page" || fail "its blocks"
files=$tmp/blocks/files
expand -t8 "$files/src/floors/median.c" | awk 'length($0) > 120 {print; bad = 1} END {exit bad}' || fail "lines of more than 120 columns"
edit=$(echo "$tmp"/blocks/*.edit)
[ "$(head -n 2 "$edit" | tr '\n' ' ')" = "src/floors/floors.def after " ] || fail "it edits $(cat "$edit")"
TEXT=$(sed -n 3p "$edit") awk -v block="${edit%.edit}.c" '
	{ print }
	!done && index($0, ENVIRON["TEXT"]) { while ((getline line <block) > 0) print line; done = 1 }
	END { exit !done }' src/floors/floors.def >"$files/src/floors/floors.def" || fail "floors.def has no '$(sed -n 3p "$edit")'"
cp src/floors/floors.c "$files/src/floors"

flags="-std=c17 -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I$files/src -I$here/include -I$here/src"
[ -z "${ENGRAM_SANITIZE-}" ] || flags="$flags -fsanitize=$ENGRAM_SANITIZE -fno-sanitize-recover=all"
grep -q '^ENGRAM_DOUBLE:BOOL=ON' "$ENGRAM_BUILD/CMakeCache.txt" && flags="$flags -DENGRAM_DOUBLE"
libs=
for module in yaml-0.1 jansson zlib libjpeg spng libspng libwebp libarchive expat libutf8proc libcurl libprotobuf-c sndfile samplerate kissfft-float; do
	libs="$libs $(pkg-config --libs "$module" 2>/dev/null)"
done
for source in median floors; do
	# shellcheck disable=SC2086
	"${CC:-cc}" $flags -c "$files/src/floors/$source.c" -o "$tmp/$source.o" || fail "its code does not compile"
done
# shellcheck disable=SC2086
"${CC:-cc}" $flags $objects "$tmp/median.o" "$tmp/floors.o" "$all" $libs -lcsv -lm -lpthread -ldl -o "$tmp/engram" ||
	fail "its code does not link"

cd "$files" || exit 1
export XDG_CACHE_HOME="$tmp/cache"
"$tmp/engram" floor --list | grep -q '^median  *regress  *always the median' || fail "it is not listed"
"$tmp/engram" floor houses.yaml --json >"$tmp/out" || fail "engram floor does not work"
grep -q '"floors": \[{"name": "median", "settings": {}, "mse": 400, "mae": 20, "rmse": 20, ' "$tmp/out" || fail "$(cat "$tmp/out")"
grep -q '"name": "mean", "settings": {}, "mse": [0-9.]*, "mae": 1746, ' "$tmp/out" || fail "$(cat "$tmp/out")"
"$tmp/engram" floor houses.yaml --json | cmp -s - "$tmp/out" || fail "it is not kept"
exit 0
