#!/bin/sh
# Augmentation and loaders as a user meets them: the same model for any number of loaders and after Ctrl-C; what is wrong
# is told with the recipe's line; eval averages over views.
. test/cli_helpers
make_data
{
	cat quarters.yaml
	printf 'augment:\n  - flip: {alternating: true}\n  - crop: 1\n  - rotate: 5\n  - mixup: 0.4\n'
} >augmented.yaml
train() {
	model=$1
	shift
	expect 0 "$ENGRAM" train augmented.yaml --set train.epochs=3 -q -o "$model" "$@"
}
train none.safetensors --loaders 0
train one.safetensors --loaders 1 --threads 1
export ENGRAM_LOADERS=3
train three.safetensors --threads 3
unset ENGRAM_LOADERS
same none.safetensors one.safetensors
same none.safetensors three.safetensors
train plain.safetensors --set 'augment=[]'
cmp -s none.safetensors plain.safetensors && fail "augmentation changes nothing"

# Stopped somewhere, and gone on with by another number of loaders. It cannot be over before: it waits as soon as the pipe is
# full.
long="--set train.epochs=600"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train augmented.yaml $long -q -o whole.safetensors --loaders 0
mkfifo pipe
# shellcheck disable=SC2086
"$ENGRAM" train augmented.yaml $long --json -o cut.safetensors --loaders 2 >pipe 2>err &
pid=$!
{
	head -n 2 >lines
	kill -INT $pid
	cat >/dev/null
} <pipe
wait $pid
[ -e cut.safetensors.checkpoint ] || fail "no checkpoint after SIGINT"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train augmented.yaml $long -q -o cut.safetensors --loaders 1 --resume
same whole.safetensors cut.safetensors

expect 1 "$ENGRAM" train augmented.yaml --set 'augment=[flop]' -o no.safetensors
says "no augmentation 'flop'; did you mean 'flip'?"
sed 's/crop: 1/crop: -1/' augmented.yaml >wrong.yaml
expect 1 "$ENGRAM" check wrong.yaml
says "wrong.yaml:"
says "'pad' in augmentation 'crop' is -1"
expect 1 env ENGRAM_LOADERS=many "$ENGRAM" train augmented.yaml -o no.safetensors
says "ENGRAM_LOADERS is 'many'"

expect 0 "$ENGRAM" eval none.safetensors --split validation --views flip_shift --json
says '"views": 6'
expect 0 "$ENGRAM" eval none.safetensors --split validation --json
grep -q '"views"' out && fail "one view is told"
expect 2 "$ENGRAM" eval none.safetensors --views many
done_testing
