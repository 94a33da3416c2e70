#!/bin/sh
# memory.sh [MB [SIDE [INPUT [tar]]]] - pictures of more bytes than may be kept: training takes no more memory than the key `memory`
# says, and no more in later epochs than in the first. As a test it makes 12 MB and allows 1. By hand any number of MB, of
# pictures of SIDE x SIDE that become INPUT x INPUT, in a folder or a tar, which have to be trained within 200 MB as the keys are:
#
#   ENGRAM=build/engram ENGRAM_BUILD=build test/memory.sh 2100 32 16 tar
ENGRAM=$(realpath "$ENGRAM") ENGRAM_BUILD=$(realpath "$ENGRAM_BUILD") || exit 1
. test/cli_helpers
[ -z "${ENGRAM_SANITIZE-}" ] || exit 77 # what has been freed is kept there
side=${2:-128} input=${3:-128}
count=$((${1:-12} * 500000 / (side * side * 3) + 1)) # in each of two classes
for class in a b; do
	mkdir -p "set/train/$class"
	{
		printf 'P6 %d %d 255\n' "$side" "$side"
		yes "$class$class$class" | head -c $((side * side * 3))
	} >one.ppm
	seq -f "set/train/$class/%.0f.ppm" $count | xargs -n 500 sh -c 'tee "$@" <one.ppm >/dev/null' -
done
if [ -n "${4-}" ]; then
	tar -cf set.tar -C set train
	rm -r set/train
	mv set.tar set
fi
cat >set.yaml <<-END
	name: set
	task: classify
	data: {source: folder, path: set${4:+/set.tar}}
	input: [3, $input, $input]
	model: [{avgpool: $((input / 4))}, flatten, {linear: classes}]
	train: {optimizer: {sgd: {lr: 0.01}}, batch: 16, seed: 1}
END
[ -n "${1-}" ] || export ENGRAM_LOADERS=0 # batches that are made ahead take some MB, and depend on time
# peak EPOCHS SETTING...: the most memory of a training, in kB
peak() {
	epochs=$1
	shift
	expect 0 "$ENGRAM_BUILD/test/peak_memory" "$ENGRAM" train set.yaml -q --threads 1 --set "train.epochs=$epochs" "$@"
	kb=$(($(tail -n 1 out) * 1024 / 1000))
}
if [ -n "${1-}" ]; then
	peak 1
	first=$kb
	peak 3
	echo "$1 MB in $((2 * count)) pictures: at most $first kB in one epoch, $kb kB in three"
	[ "$kb" -lt 200000 ] || fail "it took $kb kB"
else
	peak 1 --set data.memory=0 --set data.limit=40
	few=$kb
	peak 1 --set data.memory=1
	first=$kb
	[ "$first" -lt $((few + 2000)) ] || fail "12 MB of pictures took $first kB, 40 of them $few"
	peak 1 --set data.memory=100
	[ "$kb" -gt $((few + 8000)) ] || fail "12 MB that are kept took $kb kB, 40 pictures that are not $few: this test sees nothing"
	peak 4 --set data.memory=1
fi
[ "$kb" -lt $((first + 1000)) ] || fail "after some epochs $kb kB are taken, after one $first"
done_testing
