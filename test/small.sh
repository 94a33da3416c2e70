#!/bin/sh
# Libraries of chosen operators: one that predicts with LeNet-5 alone is as small as promised, gives the numbers of the
# whole library, and says what it has not; then, in the same folder, one for a recurrent network.
set -eu
[ -z "${ENGRAM_SANITIZE-}" ] || { echo "small libraries are built without sanitizers"; exit 77; }
grep -qE '^(CMAKE_TOOLCHAIN_FILE:|ENGRAM_DOUBLE:BOOL=ON)' "$ENGRAM_BUILD/CMakeCache.txt" && exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
	echo "FAILED: $*"
	exit 1
}
if command -v ccache >/dev/null; then export CMAKE_C_COMPILER_LAUNCHER=ccache; fi

# library OPERATORS: $tmp/installed, of plain C, for inference; sets lib and size
library() {
	if ! { cmake -S . -B "$tmp/build" -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_BUILD_TYPE=Release -DENGRAM_WERROR=ON -DENGRAM_OPS="$1" \
		-DENGRAM_TRAINING=OFF -DENGRAM_ONNX=OFF -DENGRAM_ISA=none && cmake --build "$tmp/build" -j2 &&
		cmake --install "$tmp/build" --prefix "$tmp/installed" --strip; } >"$tmp/log" 2>&1; then
		fail "ENGRAM_OPS=$1: $(cat "$tmp/log")"
	fi
	lib=$(dirname "$(find "$tmp/installed" -name libengram.so)")
	size=$(wc -c <"$lib/libengram.so")
}

# program FLAG...: test/small_nets.c, as a user compiles it
program() {
	"${CC:-cc}" -std=c17 -O1 -o "$tmp/program" test/small_nets.c -I "$tmp/installed/include" -L "$lib" -lengram -lm "$@"
}

# same NET BATCH NUMBERS: it prints so many, and the same ones with the whole library, on the same kernels. Where a compiler may
# fuse multiply-adds that depends on its options, which are not those of every whole library.
allowed=1e-5
[ "$(uname -m)" != x86_64 ] || allowed=0
same() {
	LD_LIBRARY_PATH=$lib "$tmp/program" "$1" "$2" ref >"$tmp/small" || fail "$1: the small library predicts nothing"
	LD_LIBRARY_PATH=$ENGRAM_BUILD "$tmp/program" "$1" "$2" ref >"$tmp/whole" || fail "$1: the whole library predicts nothing"
	[ "$(wc -l <"$tmp/small")" = "$3" ] || fail "$1, batch $2: not $3 numbers"
	[ "$(sort -u "$tmp/small" | wc -l)" -gt 9 ] || fail "$1, batch $2: all numbers are alike"
	paste "$tmp/small" "$tmp/whole" | awk -v allowed="$allowed" '
		{ d = $1 - $2; if (d < 0) d = -d; if (!(d <= allowed)) { print NR ": " $0; wrong = 1 } } END { exit wrong }' ||
		fail "$1, batch $2: other numbers than the whole library's"
}

library "conv2d;relu;maxpool2d;flatten;linear;softmax"
lenet=$size
[ "$lenet" -lt 150000 ] || fail "libengram.so for LeNet-5 has $lenet bytes stripped, less than 150,000 are promised"
for header in engram_train.h engram_onnx.h engram_io.h; do
	[ ! -f "$tmp/installed/include/$header" ] || fail "$header is installed, without what it declares"
done
program
same lenet 1 10
same lenet 20 200

# What is not there is said.
said=$(LD_LIBRARY_PATH=$lib "$tmp/program" missing 1 ref) || fail "$said"
for words in "for inference alone" "operator 'lstm' is not in this library, which was built with conv2d, maxpool2d, linear"; do
	case $said in
	*"$words"*) ;;
	*) fail "nothing is said of '$words': $said" ;;
	esac
done
if cmake -S . -B "$tmp/wrong" -DCMAKE_C_COMPILER="${CC:-cc}" -DENGRAM_OPS="linear;lstmm" >"$tmp/log" 2>&1; then fail "lstmm is no operator"; fi
grep -q "no operator 'lstmm'; near are: lstm" "$tmp/log" || fail "nothing near lstmm: $(cat "$tmp/log")"

library "embedding;lstm;linear;softmax;session"
program -DSESSIONS
same lstm 3 360
echo "libengram.so for LeNet-5 has $lenet bytes, for an LSTM $size"

# Of every operator it is known where its descriptor is.
cmake -S . -B "$tmp/all" -DCMAKE_C_COMPILER="${CC:-cc}" -DENGRAM_TRAINING=OFF -DENGRAM_ONNX=OFF -DENGRAM_ISA=none >"$tmp/log" 2>&1 ||
	fail "all operators, for inference: $(cat "$tmp/log")"
