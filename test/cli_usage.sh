#!/bin/sh
# The command line itself: help, usage errors, exit codes, and the verbs that need no training.
. test/cli_helpers
make_data

# Help.
expect 0 "$ENGRAM" --help
says "Verbs:"
for verb in train eval predict generate info check data schema version; do
	expect 0 "$ENGRAM" "$verb" --help
	head -n 1 out | grep -q "^engram $verb - " || fail "the help of $verb does not begin with its name: $(head -n 1 out)"
	says "Usage: engram $verb"
	says "--help"
	long=$(awk 'length($0) > 110' out)
	[ -z "$long" ] || fail "the help of $verb has a long line: $long"
	expect 0 "$ENGRAM" help "$verb"
done
expect 0 "$ENGRAM" --version
says "engram "
head -n 1 out | grep -Eq '^engram [0-9]+\.[0-9]+\.[0-9]+' || fail "first line of --version: $(head -n 1 out)"
expect 0 "$ENGRAM" version --json
json out

# Usage errors: exit code 2, a hint, nothing on stdout.
usage() {
	hint=$1
	shift
	expect 2 "$ENGRAM" "$@"
	says "$hint"
	[ ! -s out ] || fail "usage error with output on stdout: $*"
}
expect 2 "$ENGRAM"
usage "did you mean 'train'" trian quarters.yaml
usage "there is no verb 'xyzzy'" xyzzy
usage "a verb comes first" --json
usage "RECIPE is missing" train
usage "one argument too many: 'b'" train a b
usage "did you mean '--threads'" train --thread 2 quarters.yaml
usage "--threads needs a whole number from 1 to 1024, not '0'" train --threads 0 quarters.yaml
usage "not '2x'" train --threads=2x quarters.yaml
usage "--seed needs a value" train quarters.yaml --seed
usage "--resume takes no value" train quarters.yaml --resume=yes
usage "there is no option '-x'" train -x quarters.yaml
usage "--split needs one of train|validation|test" eval --split foo m
usage "MODEL [INPUT...] is missing" predict
usage "--truth is about the records of the data; leave the inputs out" predict m p --truth
usage "--split is about the records of the data" predict m --text a --split test
usage "did you mean '--invert'" predict --inver yes m p
usage "--limit-macs needs a number above 0, such as 500M or 2.5G, not '3X'" predict m p --limit-macs 3X
usage "not '-1'" eval m --limit-macs=-1
usage "not '0'" inspect m --limit-macs 0
usage "--top needs a value" predict m p --top
usage "exclude each other" predict m --path a --folder b
usage "--folds needs a whole number from 2" train quarters.yaml --folds 1
usage "--folds writes no file; it does not go with --resume" train quarters.yaml --folds 3 --resume
usage "it does not go with --output" train quarters.yaml --folds 3 -o m
usage "did you mean 'data list'" data lst
usage "get what?" data get
usage "takes no argument" schema x
expect 1 "$ENGRAM" info -- --json # after -- it is a file name
says "'--json'"

# Errors in recipes: place, and what was meant.
expect 0 "$ENGRAM" check quarters.yaml
says "quarters.yaml: ok"
expect 1 "$ENGRAM" check missing.yaml
sed 's/filters/fliters/' quarters.yaml >typo.yaml
expect 1 "$ENGRAM" check quarters.yaml typo.yaml
says "typo.yaml:13:12"
says "did you mean 'filters'"
says "quarters.yaml: ok"
expect 1 "$ENGRAM" check quarters.yaml --set train.epochs=many
says "train.epochs=many"
expect 1 "$ENGRAM" check quarters.yaml --set data.sorce=idx
says "did you mean 'source'"
expect 1 "$ENGRAM" check quarters.yaml --set data.validation=0 --set train.early_stopping=3
says "train.early_stopping needs data.validation above 0"
expect 1 "$ENGRAM" check quarters.yaml --set data.source=minst
says "did you mean 'mnist'"
expect 1 "$ENGRAM" check quarters.yaml --set model.0.conv.kernel=30
says "conv"
: >empty.yaml
expect 1 "$ENGRAM" check empty.yaml
expect 1 "$ENGRAM" check "$tmp"
# Those that come with Engram, where its sources are: a model of code reads these, another one pictures of one's own.
for recipe in "$source"/recipes/*.yaml; do
	cd "$source" || exit 1
	"$ENGRAM" check "$recipe" >"$tmp/out" 2>"$tmp/err" </dev/null ||
		grep -q 'the rest is ok' "$tmp/out" || fail "$recipe: $(head -c 300 "$tmp/err")" # data of one's own
	cd "$tmp" || exit 1
done

# Data of one's own that is missing is one problem; everything else is checked all the same.
for data in '{source: folder, path: nowhere}' '{source: tsv, path: nowhere.tsv}'; do
	input='[1, 8, 8]' model='flatten'
	case $data in *tsv*) input='[time]' model='{embedding: 4}, mean_time' ;; esac
	for last in classes 2; do
		printf 'name: x\ntask: classify\ndata: %s\ninput: %s\nmodel: [%s, {linear: %s}]\ntrain: {optimizer: adam, batch: 4, epochs: 1}\n' \
			"$data" "$input" "$model" $last >gone.yaml
		expect 1 "$ENGRAM" check gone.yaml quarters.yaml
		says "gone.yaml: the data: cannot"
		says "nowhere"
		says "gone.yaml: the rest is ok, as far as can be told without the data"
		says "quarters.yaml: ok"
	done
	sed 's/linear: 2/linear: {units: 2, bais: false}/' gone.yaml >worse.yaml
	expect 1 "$ENGRAM" check worse.yaml
	says "did you mean 'bias'"
	sed 's/adam/sgd/; s/{linear: 2}/{linear: classes}, {conv: {filters: 2, kernel: 3}}/' gone.yaml >worse.yaml
	expect 1 "$ENGRAM" check worse.yaml
	says "worse.yaml: the data: cannot"
	says "worse.yaml:5:"
	says_not "rest is ok"
done
printf 'name: x\ntask: segment\ndata: {source: masks, path: quarters.yaml, class_names: [a, b]}\ninput: [3, 8, 8]\nmodel: [{conv: {filters: classes, kernel: 1}}]\ntrain: {loss: cross_entropy, optimizer: adam, batch: 4, epochs: 1}\n' >gone.yaml
expect 1 "$ENGRAM" check gone.yaml
says "'quarters.yaml' is no folder and no archive; source 'masks' reads a folder"

# The network without training.
expect 0 "$ENGRAM" info quarters.yaml
says "total"
says "3×3"
expect 0 "$ENGRAM" info quarters.yaml --json --batch 4
json out
expect 0 "$ENGRAM" info "$source/recipes/lenet5.yaml"
for number in 61,706 416,520 117,600 14×14 32×32; do says "$number"; done
says "linear1: 84 filters of 1×1 over 120 channels"
says "answers once every 4×4 pixels"
# Without its last convolution, five by five of sixteen channels are what a fully connected layer reads.
expect 0 "$ENGRAM" info "$source/recipes/lenet5.yaml" --set "model.6={dropout: 0.5}" --json
says '"as_convolution": {"filters": 84, "channels": 16, "kernel": [5, 5]}'
says '"receptive_field": [16, 16], "stride": [4, 4]'
expect 0 "$ENGRAM" info --explain-sharing 1000x1000,10x10 --json
says '{"fully_connected": {"weights": 1e+12, "multiply_adds": 1e+12}, "locally_connected": {"weights": 100000000, "multiply_adds": 100000000}, "convolution": {"weights": 100, "multiply_adds": 100000000}}'
expect 2 "$ENGRAM" info --explain-sharing 10x10,20x2
expect 2 "$ENGRAM" info
# Receptive fields across up-sampling: that of the third convolution is 8 + 2 x 1, its inputs being as fine as the picture.
cat >skip.yaml <<END
name: skip
task: classify
data: fashion-mnist
input: [1, 28, 28]
model:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - batchnorm: {name: fine}
  - maxpool: 2
  - conv: {filters: 8, kernel: 3, padding: 1}
  - upsample: {scale: 2, name: coarse}
  - concat: {from: [fine, coarse]}
  - conv: {filters: 4, kernel: 3, padding: 1}
  - flatten
  - linear: classes
END
expect 0 "$ENGRAM" info skip.yaml
grep "^ *conv3 .* 4×28×28 .* 10×10 *1$" out >/dev/null || fail "the third convolution does not see 10×10: $(cat out)"
expect 1 "$ENGRAM" check skip.yaml --set model.4.upsample.scale=3
says "x1 (N,4,28,28) and x2 (N,8,42,42) do not fit"

# What a network takes is told without taking it: 50 GB of activations, in less than the program itself needs to train.
expect 0 "$ENGRAM_BUILD/test/peak_memory" "$ENGRAM" info "$source/recipes/resnet20.yaml" --batch 16384
says "GiB"
peak=$(tail -n 1 out)
[ "$peak" -lt 100000 ] || [ -n "${ENGRAM_SANITIZE:-}" ] || fail "info took $peak KiB"
cat >wide.yaml <<END
name: wide
task: classify
data: fashion-mnist
input: [1, 28, 28]
model: [flatten, {linear: 2000000}, {linear: classes}]
END
expect 0 "$ENGRAM_BUILD/test/peak_memory" "$ENGRAM" info wide.yaml
says "GiB"
peak=$(tail -n 1 out)
[ "$peak" -lt 100000 ] || [ -n "${ENGRAM_SANITIZE:-}" ] || fail "info of a recipe took $peak KiB"
expect 0 "$ENGRAM" info quarters.yaml --json --batch 3
says '"multiply_adds":'

# What training would say of its batches is said before.
cat >lone.yaml <<END
name: lone
task: classify
data: fashion-mnist
input: [1, 28, 28]
model: [flatten, {linear: 20}, {batchnorm: {name: norm}}, relu, {linear: classes}]
train: {batch: 1}
END
expect 1 "$ENGRAM" check lone.yaml
says "lone.yaml:6:16: layer 'norm' (batchnorm) would see one value of each channel"
expect 0 "$ENGRAM" check lone.yaml --set train.batch=2
expect 1 "$ENGRAM" check lone.yaml --set train.batch=60000 --set model.1.linear=100000
says "has more than 2^31 elements with batch size 60000"

# Data and schema.
expect 0 "$ENGRAM" data list
says "fashion-mnist"
says "picture, label"
says "computed"
expect 0 "$ENGRAM" data list --json
json out
expect 1 "$ENGRAM" data get fasion-mnist
says "did you mean 'fashion-mnist'"
expect 1 "$ENGRAM" data get idx adding
mkdir recipes && cp -r "$source/recipes/data" recipes/
expect 0 "$ENGRAM" data get intents
says "checksums are right"
expect 0 "$ENGRAM" schema
says 'json-schema.org'
tr -d '\n' <out >schema.json
echo >>schema.json
json schema.json

# An output that cannot be written is a failure.
if [ -w /dev/full ]; then
	"$ENGRAM" schema >/dev/full 2>err && fail "a full disk went unnoticed"
	grep -q "cannot write to standard output" err || fail "a full disk: $(cat err)"
fi
done_testing
