#!/bin/sh
# docs/adding-a-task.md and docs/adding-a-data-set.md: the code that they show, put together, is built as a task or source of
# the tree is, in place of all others, and does what they say. The task that the page adds is in the tree too: the same
# recipe must give the same numbers and the same model file with both.
# The whole programs in the other pages are run where they need no data set.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
here=$(pwd)
all=$ENGRAM_BUILD/libengram_all.a
fail() {
	echo "FAILED: $*"
	exit 1
}
[ -e "$all" ] || fail "there is no $all"
grep -q '^CMAKE_TOOLCHAIN_FILE:' "$ENGRAM_BUILD/CMakeCache.txt" && exit 77

# The tree's flags.
flags="-std=c17 -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I$here/include -I$here/src"
[ -z "${ENGRAM_SANITIZE-}" ] || flags="$flags -fsanitize=$ENGRAM_SANITIZE -fno-sanitize-recover=all"
grep -q '^ENGRAM_DOUBLE:BOOL=ON' "$ENGRAM_BUILD/CMakeCache.txt" && flags="$flags -DENGRAM_DOUBLE"
libs=
for module in yaml-0.1 jansson zlib libjpeg spng libspng libwebp expat libutf8proc libprotobuf-c sndfile samplerate kissfft-float; do
	libs="$libs $(pkg-config --libs "$module" 2>/dev/null)"
done
grep -q "^CSV_LIBRARY:.*NOTFOUND" "$ENGRAM_BUILD/CMakeCache.txt" || libs="$libs -lcsv"
libs="$libs -lm -lpthread -ldl"

# compile OUT [FLAG...] SOURCE: one file. link OUT FILE...: with everything; what FILEs define is not taken from there.
compile() {
	out=$1
	shift
	# shellcheck disable=SC2086
	"${CC:-cc}" "$@" $flags -c -o "$out" || fail "$page: its code does not compile"
}
link() {
	out=$1
	shift
	# shellcheck disable=SC2086
	"${CC:-cc}" $flags "$@" "$all" $libs -o "$out" || fail "$page: its code does not link"
}
extract() { awk -v out="$tmp/$1" -f test/docs_extract.awk "$page" || fail "$page: its blocks"; }
long_lines() {
	for file in "$@"; do
		expand -t8 "$file" | awk 'length($0) > 120 {print; bad = 1} END {exit bad}' || fail "$page: lines of more than 120 columns"
	done
}

# ---- a task -----------------------------------------------------------------------------------------------------------

page=docs/adding-a-task.md
extract task
files=$tmp/task/files
long_lines "$files"/*.c "$files"/src/tasks/*.c
compile "$tmp/segment.o" "-I$files/src" "$files/src/tasks/segment.c"
compile "$tmp/task.o" "-I$files/src" src/tasks/task.c
compile "$tmp/try.o" "$files/try.c"
link "$tmp/draw" "$files/draw.c"
link "$tmp/try-page" "$tmp/try.o" "$tmp/segment.o" "$tmp/task.o"
link "$tmp/try" "$tmp/try.o"
(
	cd "$tmp" || exit 1
	mkdir -p shapes/train shapes/trainannot shapes/test shapes/testannot
	./draw shapes || fail "$page: draw"
	cp "$files/shapes.yaml" .
	if ! ./try-page shapes.yaml >page.txt 2>log; then
		cat log
		grep -q 'without libspng' log && exit 0
		fail "$page: try does not work with the page's task"
	fi
	mv try.safetensors page.safetensors
	./try shapes.yaml >tree.txt || fail "$page: try does not work"
	cmp page.txt tree.txt || fail "$page: its task does not give what that of the tree does"
	cmp page.safetensors try.safetensors || fail "$page: the model files differ"
	sed -n 's/^{"miou": \([0-9.]*\),.*/\1/p' page.txt | awk '{print "mIoU", $1} $1 > 0.9 {good = 1} END {exit !good}' ||
		fail "$page: $(cat page.txt)"
	grep -q '^{"size": \[24, 24\], "classes": \["ground", "square", "disc"\], "runs": \[\[' page.txt ||
		fail "$page: the answer is $(cat page.txt)"
) || exit 1

# Every key that a task puts into answers and judgements, and every metric, is on the page that names them.
for name in $(sed -n 's/^EG_TASK(\([a-z_0-9]*\))$/\1/p' src/tasks/tasks.def); do
	for key in $(grep -oE 'eg_value_put_[a-z]+\([a-z]+, "[a-z_0-9]+"|^ *\{\.name = "[a-z_0-9]+", \.doc|^	\{\.name = "[a-z_0-9]+", \.doc' \
		"src/tasks/$name.c" src/tasks/judge.c | grep -oE '"[a-z_0-9]+"' | tr -d '"' | sort -u); do
		grep -q "\`$key\`" docs/answers.md docs/model-format.md || fail "docs/answers.md does not say what '$key' of $name is"
	done
done

# ---- a data set ---------------------------------------------------------------------------------------------------------

page=docs/adding-a-data-set.md
extract data
files=$tmp/data/files
long_lines "$files"/*.c "$files"/src/data/*.c
compile "$tmp/gestures.o" "-I$files/src" "$files/src/data/source_gestures.c"
compile "$tmp/source.o" "-I$files/src" src/data/source.c
compile "$tmp/show.o" "$files/show.c"
link "$tmp/show" "$tmp/show.o" "$tmp/gestures.o" "$tmp/source.o"
link "$tmp/try-data" "$tmp/try.o" "$tmp/gestures.o" "$tmp/source.o"

# says WORDS CONTENTS: a file with these contents is refused with these words
says() {
	printf '%b' "$2" >"$tmp/bad.txt"
	"$tmp/show" gestures "path=$tmp/bad.txt" >"$tmp/log" 2>&1 && fail "$page: '$2' was taken"
	grep -qF "$1" "$tmp/log" || fail "$page: '$2' is refused with '$(cat "$tmp/log")', not with '$1'"
}
says 'bad.txt:2: a line is who' '[train]\nanna wave\n'
says "bad.txt:2: '[tset]' is none of" '# a\n[tset]\n'
says 'bad.txt:1: this line is of no part' 'anna wave 1\n'
says "bad.txt:3: '1x' is no number" '[train]\n\nanna wave 1 1x\n'
says "no line of [train] has 'wabe'; did you mean 'wave'?" '[train]\nanna wave 1\n[test]\nben wabe 1'
says 'there is no line to train on' '[test]\nanna wave 1\n'
(
	cd "$tmp" || exit 1
	cp "$files"/gestures.* "$files/show.expected" .
	./show gestures path=gestures.txt limit=3 | diff show.expected - || fail "$page: show prints something else"
	mkdir -p sets/gestures-small
	gzip -c gestures.txt >sets/gestures-small/gestures.txt.gz
	ENGRAM_DATA=$tmp/sets ./show gestures-small >log || fail "$page: the set is not found"
	[ "$(wc -l <log)" = 6 ] || fail "$page: the set has $(cat log)"
	awk 'BEGIN {
		print "[train]"
		for (i = 0; i < 80; i++) {
			if (i == 64) print "[test]"
			printf "person%d %s", i % 8, i % 2 ? "wave" : "push"
			for (k = 0; k < 4 + i % 5; k++) printf " %.2f", (i % 2 && k % 2 ? -1 : 1) * (0.3 + (i * 7 + k * 3) % 50 / 100)
			print ""
		}
	}' >many.txt
	./try-data gestures.yaml >log || fail "$page: its recipe cannot be trained"
	grep -q '^{"accuracy": 1,' log || fail "$page: $(cat log)"
) || exit 1

# The program with the page's sources: what it lists, and what it fetches and checks.
objects=$(find "$ENGRAM_BUILD/CMakeFiles/engram.dir/cli" -name '*.o' 2>/dev/null)
if [ -n "$objects" ]; then
	# shellcheck disable=SC2086
	link "$tmp/engram" $objects "$tmp/gestures.o" "$tmp/source.o"
	"$tmp/engram" data list >"$tmp/log" || fail "$page: engram data list"
	grep -q 'gestures-small' "$tmp/log" || fail "$page: engram data list does not show it"
	mkdir -p "$tmp/mirror/gestures-small"
	cp "$tmp/gestures.txt" "$tmp/mirror/gestures-small"
	if "$tmp/engram" version | grep -q curl; then
		ENGRAM_MIRROR=file://$tmp/mirror "$tmp/engram" data get gestures-small --folder "$tmp/got" >"$tmp/log" 2>&1 ||
			fail "$page: engram data get: $(cat "$tmp/log")"
		cmp "$tmp/got/gestures.txt" "$tmp/gestures.txt" || fail "$page: what was fetched differs"
		echo >>"$tmp/mirror/gestures-small/gestures.txt"
		ENGRAM_MIRROR=file://$tmp/mirror "$tmp/engram" data get gestures-small --folder "$tmp/other" >"$tmp/log" 2>&1 &&
			fail "$page: a file with another checksum was taken"
	fi
fi
exit 0
