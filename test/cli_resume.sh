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
	expect 3 "$ENGRAM" train quarters.yaml -o "$1"
	says "cannot write '$1${2-}'"
	[ ! -s out ] || fail "training began although $1 cannot be written"
}
expect 1 "$ENGRAM" train quarters.yaml -o ./quarters.yaml
says "is the recipe itself"
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

# A full disk: a limit on the size of files acts the same. It is told before training, and no half of a file is left.
if [ -z "${ENGRAM_SANITIZE-}" ]; then
	# A block of ulimit is 512 bytes in some shells and 1024 in others.
	(ulimit -f 1 && exec "$ENGRAM" train quarters.yaml -o folder/full.safetensors) >out 2>err
	code=$?
	[ $code = 3 ] || fail "exit code $code with a full disk: $(cat err)"
	says "cannot write 'folder/full.safetensors.checkpoint': there is no room"
	says "Nothing has been trained yet"
	[ ! -s out ] || fail "training began although there is no room: $(cat out)"
	[ -z "$(ls folder)" ] || fail "left behind: $(ls folder)"
fi

# limited LIMIT MODEL: a training that may write files, messages too, of at most LIMIT bytes from its first checkpoint on; its exit code is in $code.
limited() {
	"$ENGRAM" train norm.yaml --set train.epochs=$epochs --json --checkpoint-every 0 -o "$2" >pipe 2>err &
	pid=$!
	{
		head -n 2 >lines
		prlimit --pid $pid --fsize="$1"
		cat >/dev/null
	} <pipe
	wait $pid
	code=$?
}
if [ -z "${ENGRAM_SANITIZE-}" ] && command -v prlimit >/dev/null; then
	limited 2000 folder/late.safetensors
	[ $code = 3 ] || fail "exit code $code when the disk became full: $(cat err)"
	says "training goes on"
	says "No other place takes it either"
	says "folder/late.safetensors.checkpoint has the training up to epoch"
	[ "$(ls folder)" = late.safetensors.checkpoint ] || fail "left behind: $(ls folder)"
	train 0 folder/late.safetensors --resume
	same whole.safetensors folder/late.safetensors
	rm folder/*
fi

# Where its folder takes no more, the model goes elsewhere; here the folder is gone.
mkdir gone other
"$ENGRAM" train norm.yaml --set train.epochs=$epochs --json -o gone/model.safetensors >pipe 2>err &
pid=$!
{
	head -n 2 >lines
	rm -r gone
	cat >/dev/null
} <pipe
wait $pid
code=$?
[ $code = 3 ] || fail "exit code $code when the folder went: $(cat err)"
says "It was written to ./model.safetensors instead"
same whole.safetensors model.safetensors

# Two trainings with one output: the second is refused, whatever is left of earlier ones.
echo 1 >two.safetensors.lock
"$ENGRAM" train norm.yaml --set train.epochs=$epochs --json -o two.safetensors >pipe 2>err.first &
pid=$!
{
	head -n 1 >lines
	expect 1 "$ENGRAM" train norm.yaml --set train.epochs=1 -o two.safetensors
	says "another training (process $pid) writes two.safetensors"
	cat >/dev/null
} <pipe
wait $pid || fail "the first training failed: $(cat err.first)"
same whole.safetensors two.safetensors
[ ! -e two.safetensors.lock ] || fail "the lock was left behind"

# Inside of an epoch, and with a state that streams carry along: every step is kept, and each is one to go on from.
{
	i=0
	while [ $i -lt 60 ]; do
		i=$((i + 1))
		echo "the quick brown fox jumps over the lazy dog, $i times, and the dog looks up $((i * 7 % 13)) times"
	done
} >fox.txt
cat >fox.yaml <<'EOF'
name: fox
task: language
data: {source: text, path: fox.txt, steps: 12}
input: [time]
model: [{embedding: 8}, {lstm: {hidden: 12, layers: 2}}, {dropout: 0.1}, {linear: units}]
train: {epochs: 400, batch: 8, optimizer: adam, lr: 0.01, schedule: plateau}
EOF
expect 0 "$ENGRAM" train fox.yaml -q --set train.epochs=12 -o steps.safetensors
stopped_at() { # SECONDS
	"$ENGRAM" train fox.yaml -q --set train.epochs=12 --checkpoint-every 0 -o part.safetensors 2>err &
	pid=$!
	sleep "$1"
	kill "-$2" $pid 2>/dev/null
	wait $pid
}
for signal in INT KILL; do
	for seconds in 0.05 0.1 0.2; do
		rm -f part.safetensors*
		stopped_at $seconds $signal
		[ -e part.safetensors ] || expect 0 "$ENGRAM" train fox.yaml -q --set train.epochs=12 --resume --threads 3 -o part.safetensors
		same steps.safetensors part.safetensors
	done
done
rm -f part.safetensors*
"$ENGRAM" train fox.yaml --set train.epochs=4000 -q -o part.safetensors 2>err &
pid=$!
sleep 0.3
kill -INT $pid
wait $pid
says "It is kept in part.safetensors.checkpoint up to epoch"
says "step "
expect 0 "$ENGRAM" info part.safetensors.checkpoint
grep -q '^trained [0-9]* epochs and [0-9]* of [0-9]* batches of the next' out || fail "info of a checkpoint: $(head -c 300 out)"

# A finished model is not replaced by --resume; with a checkpoint that was kept it goes on.
expect 1 "$ENGRAM" train fox.yaml -q --resume --set train.epochs=20 -o steps.safetensors
says "steps.safetensors is finished (12 epochs)"
says "train.from=steps.safetensors"
cp steps.safetensors before.safetensors
expect 0 "$ENGRAM" train fox.yaml -q --set train.epochs=12 --keep-checkpoint -o steps.safetensors
same before.safetensors steps.safetensors
[ -e steps.safetensors.checkpoint ] || fail "no checkpoint was left"
expect 0 "$ENGRAM" train fox.yaml -q --set train.epochs=20 --resume -o steps.safetensors
expect 0 "$ENGRAM" train fox.yaml -q --set train.epochs=20 -o twenty.safetensors
same twenty.safetensors steps.safetensors

# A checkpoint knows what it was trained on; what differs is named.
other() { # SAYS, then arguments
	what=$1
	shift
	expect 1 "$ENGRAM" train "$@" --resume -o known.safetensors
	says "$what"
	[ ! -e known.safetensors ] || fail "a model was written from other data: $what"
	cmp -s known.safetensors.checkpoint known.copy || fail "the checkpoint was touched: $what"
}
known() { # RECIPE
	rm -f known.*
	expect 0 "$ENGRAM" train "$1" -q --set train.epochs=2 --keep-checkpoint -o known.safetensors
	rm known.safetensors
	cp known.safetensors.checkpoint known.copy
}
cp fox.txt fox.copy
known fox.yaml
other "train.seed: 0, not 99" fox.yaml --set train.seed=99
other "The first line that differs: then" fox.yaml --set data.steps=11
sed 's/z/Z/' fox.copy >fox.txt
other 'known.safetensors.checkpoint was trained on other data: vocab.tokens[' fox.yaml
sed 's/dog looks/god looks/' fox.copy >fox.txt
other "to train on as then, but with other contents" fox.yaml
tail -n +2 fox.copy >fox.txt
other "to train on then and there are" fox.yaml
cp fox.copy fox.txt
known quarters.yaml
other "then 'name: quarters', now 'name: halves'" quarters.yaml --set name=halves
cp labels labels.copy
{ head -c 40 labels.copy; tail -c +41 labels.copy | tr '\000\001' '\001\000'; } >labels
other "was trained on other data: " quarters.yaml
cp labels.copy labels
expect 1 "$ENGRAM" train quarters.yaml --resume --set train.epochs=1 -o known.safetensors
says "nothing is left to train"
# A whole number among what is kept (the border of black pictures is 0) is one in the file and one in memory.
{ bytes 0 0 8 3 0 0 0 160 0 0 0 8 0 0 0 8; pictures 160 | tr '\000-\170' '\000'; } >black
cp labels black-labels
sed 's/images: images/images: black/' quarters.yaml >black.yaml
expect 0 "$ENGRAM" train black.yaml -q --set train.epochs=1 --keep-checkpoint -o black.safetensors
expect 0 "$ENGRAM" train black.yaml -q --set train.epochs=2 --resume -o black.safetensors
expect 0 "$ENGRAM" train quarters.yaml -q --resume --set train.epochs=3 -o known.safetensors

# Numbers that are none: which layer, what to try, the last good weights.
expect 1 "$ENGRAM" train quarters.yaml --set train.optimizer=sgd --set train.lr=1000 -o nan.safetensors
says "learning rate"
says "saved in nan.safetensors.last-good"
expect 1 "$ENGRAM" eval nan.safetensors.last-good --json # no weight is NaN, but what they give is
says "the loss of these samples is not a number"
expect 1 "$ENGRAM" train quarters.yaml --set train.optimizer=sgd --set train.lr=20 --set train.epochs=50 -o nan.safetensors
says "learning rate"
says "set back to those after epoch 1"
says "saved in nan.safetensors.last-good"
expect 0 "$ENGRAM" eval nan.safetensors.last-good --json
says_not "warning"
# Nor does a training that fails replace a model.
cp known.safetensors nan.safetensors
expect 1 "$ENGRAM" train quarters.yaml --set train.optimizer=sgd --set train.lr=1000 -o nan.safetensors
same known.safetensors nan.safetensors
done_testing
