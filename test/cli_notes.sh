#!/bin/sh
# What is said on the side: of recipes that hardly mean what they say, of trainings that end worse than guessing, of
# models that are none; and messages that have a cure.
. test/cli_helpers
make_data

# recipe NAME LINE...: quarters with other last lines of `model`
recipe() {
	name=$1
	shift
	sed '/- linear/,$d' quarters.yaml >"$name.yaml"
	printf '%s\n' '  - linear: classes' "$@" 'train: {optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 2}' >>"$name.yaml"
}

# A layer that the loss contains: check and train refuse it; what may have its reasons is a note of both.
recipe softmax '  - softmax' '  - dropout: 0.1'
for verb in check train; do
	expect 1 "$ENGRAM" "$verb" softmax.yaml
	says "softmax.yaml:19:5: layer 'softmax1' stands before the loss 'cross_entropy', which contains softmax itself"
	[ ! -e quarters.safetensors ] || fail "a model was made"
done
recipe relu '  - relu'
expect 0 "$ENGRAM" check relu.yaml
says "note: relu.yaml:19:5: layer 'relu2'"
expect 0 "$ENGRAM" train relu.yaml -o relu.safetensors
[ "$(grep -c "note: relu.yaml:19:5: layer 'relu2'" err)" = 1 ] || fail "not noted once: $(cat err)"
expect 0 "$ENGRAM" train relu.yaml -q -o relu.safetensors
[ ! -s err ] || fail "--quiet is not quiet: $(cat err)"
expect 0 "$ENGRAM" train relu.yaml --folds 2
[ "$(grep -c "layer 'relu2'" err)" = 1 ] || fail "noted in each fold: $(cat err)"
expect 0 "$ENGRAM" eval relu.safetensors # a model that is there can be used

# One class alone.
printf 'text\tlabel\nbuy\tspam\nwin\tspam\nsell\tspam\n' >one.tsv
cat >one.yaml <<-END
	name: one
	task: classify
	data: {source: tsv, path: one.tsv}
	input: [time]
	model: [{embedding: 3}, last, {linear: classes}]
END
for verb in check train; do
	expect 1 "$ENGRAM" "$verb" one.yaml
	says "one.yaml:3:7: there is only one class, 'spam'"
done

# The loss: a mean in training, validation and eval, whatever is trained on; and what it holds.
expect 0 "$ENGRAM" train quarters.yaml --json --set train.loss.cross_entropy.reduction=sum --set train.lr=0.0005 -o sum.safetensors
best=$(grep '"best": true' out | tail -n 1 | sed 's/.*"val_loss": \([0-9.e-]*\).*/\1/')
expect 0 "$ENGRAM" eval sum.safetensors --split validation --json
eval_loss=$(sed 's/.*"loss": \([0-9.e-]*\).*/\1/' out)
awk -v a="$best" -v b="$eval_loss" 'BEGIN { exit !(a > 0 && a < 1.5 && (a - b) ^ 2 < 1e-8 * a * a) }' ||
	fail "train says $best, eval $eval_loss"
expect 0 "$ENGRAM" train quarters.yaml --set train.loss.cross_entropy.label_smoothing=0.1 -o smooth.safetensors
says "loss: cross_entropy with label smoothing 0.1, 0.3488 at the least"
expect 0 "$ENGRAM" eval smooth.safetensors
says "label smoothing 0.1"
expect 0 "$ENGRAM" eval smooth.safetensors --json
says '"loss_holds": "label smoothing 0.1"'
expect 0 "$ENGRAM" train quarters.yaml
says_not "smoothing"
[ ! -s err ] || fail "messages although all went well: $(cat err)"

# Far above chance: a language model that diverged, a network of numbers.
awk 'BEGIN { for (i = 0; i < 150; i++) print "the cat sat on the mat"; for (i = 0; i < 20; i++) print "a dog ran" }' >text.txt
cat >language.yaml <<-END
	name: language
	task: language
	data: {source: text, path: text.txt, validation: 0.1, steps: 16}
	input: [time]
	model: [{embedding: 8}, {lstm: 16}, {linear: classes}]
	train: {optimizer: {sgd: {lr: 300}}, batch: 8, epochs: 3}
END
expect 0 "$ENGRAM" train language.yaml
grep -Eq 'note: after epoch [12] the loss is [0-9.e+]+, above the 2\.[0-9]+ of a network that knows nothing of its input' err ||
	fail "no note of a diverged training: $(cat out err)"
says "(now 300)"
[ "$(grep -c 'knows nothing' err)" = 1 ] || fail "said more than once: $(cat err)"
expect 0 "$ENGRAM" train language.yaml --set train.optimizer.sgd.lr=0.3
says_not "note:"
cat >sums.yaml <<-END
	name: sums
	task: regress
	data: {source: adding, steps: 4, count: 200, validation: 0.1}
	input: [time, 2]
	model: [{lstm: 4}, last, {linear: 1}, sigmoid]
	train: {loss: mse, optimizer: {sgd: {lr: 1.0e-6}}, batch: 20, epochs: 2}
END
expect 0 "$ENGRAM" train sums.yaml
says "but layer 'sigmoid1' gives 0 to 1 only"
grep -Eq 'note: after the last epoch, 2 the loss is 0\.[0-9]+, above the 0\.1[0-9]+ of a network' err ||
	fail "no note of numbers that are worse than their mean: $(cat out err)"

# Weights that are NaN: refused by all that would use them, shown by who only looks.
expect 0 "$ENGRAM" train language.yaml -q --set train.optimizer.sgd.lr=0.3 -o good.safetensors
size=$(wc -c <good.safetensors)
{ head -c $((size - 4)) good.safetensors; bytes 0 0 192 127; } >nan.safetensors
for verb in "eval nan.safetensors" "predict nan.safetensors --text the" "generate nan.safetensors" \
	"inspect nan.safetensors --text the -o inspected"; do
	# shellcheck disable=SC2086
	expect 1 "$ENGRAM" $verb
	grep -Eq "nan.safetensors: weight '[a-z0-9._]+' holds 1 value that is NaN or infinite" err || fail "$verb: $(cat err)"
	[ ! -s out ] || fail "$verb: answers of a model that is none"
done
expect 0 "$ENGRAM" info nan.safetensors
says "NaN or infinite"
expect 0 "$ENGRAM" train language.yaml -q --set train.optimizer.sgd.lr=0.3 --set train.from=good.safetensors -o more.safetensors
expect 0 "$ENGRAM" train language.yaml --set train.optimizer.sgd.lr=0.3 --set train.from=nan.safetensors -o more.safetensors
says "the other model's holds NaN or infinity"

# Keys of recipes in the place of options.
hint() {
	meant=$1
	shift
	expect 2 "$ENGRAM" train quarters.yaml "$@"
	says "did you mean --set $meant?"
}
hint train.epochs=3 --epochs 3
hint train.epochs=3 --epochs=3
hint train.epochs=3 --epoch 3
hint train.epochs=... --epochs
hint train.batch=16 --batch-size 16
hint train.lr=0.1 --lr 0.1
hint train.optimizer.sgd.momentum=0.9 --momentum 0.9
hint train.optimizer.adam.beta1=0.8 --beta1 0.8
hint train.schedule.constant.warmup=1 --warmup 1
hint train.loss.cross_entropy.label_smoothing=0.1 --label-smoothing 0.1
hint data.validation=0.2 --validation 0.2
hint data.class_names=a --class-names a
hint "'input=[1, 8, 8]'" --input '[1, 8, 8]'
expect 2 "$ENGRAM" train quarters.yaml --threds 2
says "did you mean '--threads'?"
expect 2 "$ENGRAM" train quarters.yaml --nonsense 2
says_not "did you mean"
expect 2 "$ENGRAM" eval quarters.safetensors --epochs 2 # takes no recipe
says_not "--set"
expect 1 "$ENGRAM" train quarters.yaml --set epochs=3
says "it belongs to the section 'train': train.epochs"

# A tab in the indentation; elsewhere it is a blank like others.
awk '/- conv/ { sub(/^ */, "\t") } { print }' quarters.yaml >tab.yaml
expect 1 "$ENGRAM" check tab.yaml
says "tab.yaml:13:1: a tab stands before the first word of this line; YAML is indented by spaces only"
sed 's/name: /name:\t/; s/ {loss/\t{loss/' quarters.yaml >tabs.yaml
expect 0 "$ENGRAM" check tabs.yaml

# ~ in a path of a recipe is HOME, unless there is a file of that name.
mkdir home
cp one.tsv home/some.tsv
printf 'walk\tham\n' >>home/some.tsv
sed 's|path: one.tsv|path: ~/some.tsv|' one.yaml >home.yaml
(HOME=$tmp/home && export HOME && expect 0 "$ENGRAM" check home.yaml && [ "$failures" = 0 ]) || failures=$((failures + 1))
(HOME=$tmp/none && export HOME && expect 1 "$ENGRAM" check home.yaml && says "some.tsv" && [ "$failures" = 0 ]) || failures=$((failures + 1))

# Too large: by how much, and what to do.
recipe large "  - linear: 16777216" "  - linear: 16777216"
expect 1 "$ENGRAM" check large.yaml
says "281474976710656 numbers, but at most 2147483647"
says "make the layer, or what it gets, smaller"
done_testing
