#!/bin/sh
# What may go wrong while training: Ctrl-C, a kill, a full disk, folders that cannot be written, numbers that are none.
. test/cli_helpers
make_data
# With running statistics, which are neither weights nor moments and must come back with the same bits.
sed 's/^  - relu$/  - batchnorm\n  - relu/' quarters.yaml >norm.yaml
# shellcheck disable=SC2086 # several options in one word
train() { expect "$1" "$ENGRAM" train norm.yaml --set train.epochs=$epochs -q -o "$2" $3; }
# For the kill: more that must come back.
more="--set train.average=0.99 --set train.accumulate=2"

# stop SIGNAL MODEL: begins a training and sends the signal after the first epochs; its exit code is in $code. The training
# cannot be over before: it waits as soon as the pipe is full, after some 300 lines.
epochs=800
mkfifo pipe
stop() {
	# shellcheck disable=SC2086
	"$ENGRAM" train norm.yaml --set train.epochs=$epochs --json -o "$2" $3 >pipe 2>err &
	pid=$!
	{
		head -n 3 >lines
		kill "-$1" $pid
		cat >/dev/null
	} <pipe
	wait $pid
	code=$?
}

train 0 whole.safetensors ""
train 0 more.safetensors "$more"

for signal in INT TERM KILL; do
	rm -f part.safetensors*
	echo old >part.safetensors
	with="" whole=whole.safetensors
	[ $signal != KILL ] || with=$more whole=more.safetensors
	stop $signal part.safetensors "$with"
	if [ $signal != KILL ]; then
		[ "$code" = 1 ] || fail "exit code $code after SIG$signal"
		grep -q -- "--resume" err || fail "nobody says how to go on: $(cat err)"
	fi
	[ -e part.safetensors.checkpoint ] || fail "no checkpoint after SIG$signal"
	[ "$(cat part.safetensors)" = old ] || fail "the model was touched before the training was over"
	# What a kill in the middle of a write leaves goes with the next write.
	[ $signal != KILL ] || echo half >part.safetensors.checkpoint.tmp-4194305
	train 0 part.safetensors "--resume --threads 3 $with"
	same $whole part.safetensors
	[ ! -e part.safetensors.checkpoint ] || fail "the checkpoint was left behind"
done

# Resuming what cannot be resumed.
expect 0 "$ENGRAM" train quarters.yaml --resume --set train.epochs=2 -o new.safetensors
says "training begins anew"
echo nonsense >new.safetensors.checkpoint
expect 1 "$ENGRAM" train quarters.yaml --resume -o new.safetensors
says "new.safetensors.checkpoint"

# Places that cannot be written are refused before training.
refused() {
	expect 1 "$ENGRAM" train quarters.yaml -o "$1"
	says "cannot write '$1${2-}'"
	[ ! -s out ] || fail "training began although $1 cannot be written"
}
mkdir folder
refused missing/model.safetensors
refused folder
refused quarters.yaml/model.safetensors
refused /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
ln -s nowhere/model.safetensors link
refused link
mkdir taken.checkpoint
refused taken .checkpoint
refused "$(printf '%0240d' 0)" .checkpoint # the model's own name is not too long
rm -r link taken.checkpoint
if [ "$(id -u)" != 0 ]; then
	chmod 555 folder
	refused folder/model.safetensors
	chmod 755 folder
	echo old >read-only
	chmod 444 read-only
	refused read-only
fi

# A full disk: a limit on the size of files acts the same, and no half of a file is left.
if [ -z "${ENGRAM_SANITIZE-}" ]; then
	# A block of ulimit is 512 bytes in some shells and 1024 in others.
	(ulimit -f 1 && exec "$ENGRAM" train quarters.yaml -q -o folder/full.safetensors) >out 2>err
	code=$?
	[ $code = 1 ] || fail "exit code $code with a full disk: $(cat err)"
	says "cannot write 'folder/full.safetensors'"
	[ -z "$(ls folder)" ] || fail "left behind: $(ls folder)"
fi

# Numbers that are none: which layer, what to try, the last good weights.
expect 1 "$ENGRAM" train quarters.yaml --set train.optimizer=sgd --set train.lr=1000 -o nan.safetensors
says "learning rate"
says "saved in nan.safetensors"
expect 0 "$ENGRAM" eval nan.safetensors --json
says_not "warning"
expect 1 "$ENGRAM" train quarters.yaml --set train.optimizer=sgd --set train.lr=20 --set train.epochs=50 -o nan.safetensors
says "learning rate"
says "set back to those after epoch 1"
says "saved in nan.safetensors"
expect 0 "$ENGRAM" eval nan.safetensors --json
says_not "warning"
done_testing
