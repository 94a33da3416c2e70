#!/bin/sh
# engram train --folds, and trainings that begin with the weights of another model (train.from).
. test/cli_helpers
make_data

# ---- folds ----
slow="--set train.epochs=2 --set train.lr=3e-3"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train quarters.yaml $slow --folds 4
for fold in 1 2 3 4; do grep -q "^ *$fold/4  *2  " out || fail "no fold $fold: $(cat out)"; done
says "quarters: 4 folds of 160 pictures"
for word in accuracy macro_f1 mean deviation; do says "$word"; done
[ ! -e quarters.safetensors ] && [ ! -e quarters.safetensors.checkpoint ] || fail "folds leave a file behind"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train quarters.yaml $slow --folds 4 --json
json out
[ "$(wc -l <out)" = 5 ] || fail "not a line a fold, and one: $(cat out)"
cp out first
# Mean and deviation are those of the lines.
awk '
function value(key) { return match($0, "\"" key "\": [-0-9.e+]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : "none" }
NR <= 4 { if (value("fold") != NR || value("folds") != 4 || value("epochs") != 2) exit 1; sum += x[NR] = value("loss") }
NR == 5 {
	if ($0 !~ /^{"folds": 4, "mean": {.*}, "deviation": {.*}}$/) exit 1
	mean = sum / 4
	for (i = 1; i <= 4; i++) squares += (x[i] - mean) ^ 2
	deviation = sqrt(squares / 3)
	if ((value("loss") / mean - 1) ^ 2 > 1e-10) exit 1
	sub(/.*"deviation"/, "")
	if (deviation == 0 || (value("loss") / deviation - 1) ^ 2 > 1e-8) exit 1
}' out || fail "mean and deviation: $(cat out)"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train quarters.yaml $slow --folds 4 --json --threads 3
same out first
# The samples kept aside differ from fold to fold.
[ "$(sed -n 's/.*"loss": \([^,}]*\).*/\1/p' first | head -n 4 | sort -u | wc -l)" = 4 ] || fail "folds are alike: $(cat first)"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train quarters.yaml $slow --folds 2 --set data.validation=0 -q
[ ! -s out ] || fail "--quiet is not quiet: $(cat out)"
expect 1 "$ENGRAM" train quarters.yaml --folds 2 --set train.optimizer=sgd --set train.lr=1000
says "fold 1 of 2: "
expect 1 "$ENGRAM" train quarters.yaml --folds 161
says "161"
printf 'a running text\n' >text.txt
cat >text.yaml <<-END
	name: text
	task: language
	data: {source: text, path: text.txt}
	input: [time]
	model: [{embedding: 4}, {gru: 4}, {linear: classes}]
	train: {batch: 1, epochs: 1}
END
expect 1 "$ENGRAM" train text.yaml --folds 2
says "a running text cannot be cut into folds"

# ---- weights of another model ----
expect 0 "$ENGRAM" train quarters.yaml -q
sed 's/south-east\]/south-east, nowhere]/' quarters.yaml >five.yaml
expect 0 "$ENGRAM" train five.yaml --set train.from=quarters.safetensors --set train.epochs=1 -o five.safetensors
says "2 of 4 weights are those of quarters.safetensors"
says "not linear1.weight: it is (4,64) there, and (5,64) here; it begins anew"
says "not linear1.bias"
# What is frozen has to be taken.
expect 1 "$ENGRAM" train five.yaml --set train.from=quarters.safetensors --set 'train.groups=[{pattern: "linear*", frozen: true}]' -o no.safetensors
says "'linear1.weight' would stay at random numbers: it is frozen, but not taken over (it is (4,64) there, and (5,64) here)"
[ ! -e no.safetensors ] || fail "a model was written all the same"
expect 0 "$ENGRAM" train five.yaml --set train.from=quarters.safetensors --set 'train.from_layers=[conv*]' --set train.epochs=1 \
	--set 'train.groups=[{pattern: "conv*", frozen: true}]' -o frozen.safetensors
says "2 of 2 weights of the layers chosen are those of quarters.safetensors"
says "not asked for, and so begun anew: linear1"
# Frozen by a learning rate of next to nothing, a model of another name does what the first one does.
expect 0 "$ENGRAM" train quarters.yaml --set train.from=quarters.safetensors --set train.lr=1e-30 --set train.epochs=1 -o again.safetensors
says "4 of 4 weights are those of quarters.safetensors"
says_not "  not "
says_not "guessing"
expect 0 "$ENGRAM" eval again.safetensors --json
sed 's/.*"n"/"n"/' out >again.json
expect 0 "$ENGRAM" eval quarters.safetensors --json
sed 's/.*"n"/"n"/' out | cmp -s - again.json || fail "the weights are not those of the other model: $(cat again.json)"
expect 0 "$ENGRAM" train quarters.yaml --set train.from=quarters.safetensors --set 'train.from_layers=[conv*, linear1.b?as]' --set train.epochs=1 -o some.safetensors
says "3 of 3 weights of the layers chosen are those of"
expect 0 "$ENGRAM" train quarters.yaml --set train.from=quarters.safetensors --json --set train.epochs=1 -o some.safetensors
json out
says "note: 4 of 4 weights"
# Of several, each gives what it has, and the later one counts.
sed 's/linear: {units: classes}/linear: {units: classes, name: other}/; s/linear: classes/linear: {units: classes, name: other}/' quarters.yaml >other.yaml
expect 0 "$ENGRAM" train other.yaml --set train.seed=7 -o other.safetensors -q
expect 0 "$ENGRAM" train quarters.yaml --set 'train.from=[other.safetensors, quarters.safetensors]' --set train.lr=1e-30 --set train.epochs=1 -o both.safetensors
says "0 of 4 weights are those of other.safetensors"
says "4 of 4 weights are those of quarters.safetensors"
says_not "  not "
expect 0 "$ENGRAM" eval both.safetensors --json
sed 's/.*"n"/"n"/' out | cmp -s - again.json || fail "the weights are not those of the later model: $(cat out)"
expect 0 "$ENGRAM" train five.yaml --set 'train.from=[other.safetensors, quarters.safetensors]' --set train.epochs=1 -o both.safetensors
says "not linear1.weight: the other model has none of this name; of quarters.safetensors: it is (4,64) there, and (5,64) here; it begins anew"
# The file is looked for beside the recipe too.
mkdir sub
sed 's/^train: {/train: {from: quarters.safetensors, /; s/: \(images\|labels\|test-images\|test-labels\)$/: ..\/\1/' quarters.yaml >sub/quarters.yaml
cp quarters.safetensors sub/
mv quarters.safetensors moved.safetensors
expect 0 "$ENGRAM" train sub/quarters.yaml --set data.images=images --set data.labels=labels --set data.test_images=test-images \
	--set data.test_labels=test-labels --set train.epochs=1 -o some.safetensors
says "4 of 4 weights are those of sub/quarters.safetensors"

# What is wrong is told, and nothing is written.
bad() {
	message=$1
	shift
	expect 1 "$ENGRAM" train five.yaml "$@" -o bad.safetensors
	says "$message"
	[ ! -e bad.safetensors ] || fail "a model was written: $*"
}
bad "missing.safetensors" --set train.from=missing.safetensors
bad "five.yaml" --set train.from=five.yaml
bad "'con' fits no layer and no weight; the first is 'conv1.weight'" --set train.from=moved.safetensors --set 'train.from_layers=[con]'
bad "no weight of moved.safetensors can be taken over; 'linear1.weight': it is (4,64) there" --set train.from=moved.safetensors \
	--set 'train.from_layers=[linear1]'
bad "'from_layers' needs 'from'" --set 'train.from_layers=[linear1]'
bad "from" --set train.from=
bad "missing.safetensors" --set 'train.from=[moved.safetensors, missing.safetensors]'
bad "from" --set 'train.from=[moved.safetensors, ""]'
bad "from" --set 'train.from={a: b}'
expect 0 "$ENGRAM" check five.yaml --set train.from=missing.safetensors

mkdir beside
cp five.yaml beside
expect 1 "$ENGRAM" train beside/five.yaml --set train.from=nowhere.safetensors -o no.safetensors
says "cannot read 'nowhere.safetensors'"

# Of a model to begin with the recipe is in its file: a training by it gives the same model once more.
expect 0 "$ENGRAM" train quarters.yaml -q -o quarters.safetensors --set train.epochs=1
expect 0 "$ENGRAM" export quarters.safetensors --to recipe -o kept.yaml
says kept.yaml
grep -q '^# The recipe that quarters.safetensors was trained by' kept.yaml || fail "kept.yaml does not say of which model it is"
expect 0 "$ENGRAM" train kept.yaml -q -o twin.safetensors
same quarters.safetensors twin.safetensors
odd=$(printf 'odd\377\177.safetensors')
cp quarters.safetensors "$odd"
expect 0 "$ENGRAM" export "$odd" --to recipe -o odd.yaml
expect 0 "$ENGRAM" check odd.yaml
expect 2 "$ENGRAM" export quarters.yaml --to recipe -o kept.yaml
says "is a recipe already"
expect 1 "$ENGRAM" export quarters.safetensors --to recipe -o no/kept.yaml

done_testing
