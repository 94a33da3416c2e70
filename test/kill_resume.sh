#!/bin/sh
# Kills trainings at random moments and goes on with them, again and again until they are over: the model is that of a training
# that was never disturbed, byte for byte, and nothing is left behind.
#
#   test/kill_resume.sh [KILLS [SEED]]     by hand, in the project's folder: ENGRAM=build/engram test/kill_resume.sh 200
#
# A small LeNet-5 with batch normalisation, dropout and a moving average, and a small language model on running text; a checkpoint is
# written after every update, so that most kills fall into writing or close to it.
kills=${1:-12} seed=${2:-$$}
case ${ENGRAM-} in /*) ;; *) ENGRAM=$PWD/${ENGRAM-build/engram} ;; esac
. test/cli_helpers
make_data
cat >lenet.yaml <<'END'
name: lenet
task: classify
data: {source: idx, images: images, labels: labels, validation: 0.2}
input: [1, 8, 8]
model:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - batchnorm
  - relu
  - maxpool: 2
  - conv: {filters: 6, kernel: 3}
  - tanh
  - flatten
  - dropout: 0.2
  - linear: 4
train: {epochs: 6, batch: 16, optimizer: adam, lr: 0.01, average: 0.9, schedule: plateau}
END
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	echo "line $i of $((i * 7919 % 101)): the quick brown fox jumps over the lazy dog"
done >fox.txt
cat >fox.yaml <<'END'
name: fox
task: language
data: {source: text, path: fox.txt, steps: 12}
input: [time]
model: [{embedding: 8}, {lstm: 12}, {dropout: 0.1}, {linear: units}]
train: {epochs: 5, batch: 6, optimizer: adam, lr: 0.01, schedule: cosine}
END

# milliseconds of a whole training, files and all
whole() {
	begun=$(now_ms)
	expect 0 "$ENGRAM" train "$1.yaml" -q --checkpoint-every 0 -o "whole-$1.safetensors"
	echo $(($(now_ms) - begun)) >"$1.ms"
}
whole lenet
whole fox

done=0 trainings=0 first=$seed
while [ "$done" -lt "$kills" ] && [ "$failures" = 0 ] && [ $trainings -lt $((20 * kills)) ]; do
	name=$([ $((trainings % 2)) = 0 ] && echo lenet || echo fox)
	trainings=$((trainings + 1))
	most=$(cat $name.ms)
	code=137 tries=0
	while [ $code = 137 ] && [ $tries -lt 40 ]; do
		tries=$((tries + 1))
		draw $((most + most / 3))
		begun=$(now_ms)
		"$ENGRAM" train $name.yaml -q --resume --checkpoint-every 0 -o part.safetensors 2>err &
		pid=$!
		{
			sleep "$((drawn / 1000)).$(printf %03d $((drawn % 1000)))"
			kill -9 $pid
		} 2>/dev/null &
		killer=$!
		{ wait $pid; } 2>/dev/null
		code=$?
		{ kill $killer && wait $killer; } 2>/dev/null
		if [ $code = 137 ]; then
			done=$((done + 1))
		elif [ $tries = 1 ]; then # how long it takes now, should the machine have become faster
			most=$(($(now_ms) - begun + 1))
			echo "$most" >$name.ms
		fi
		if [ $code = 137 ] && [ -e part.safetensors ]; then code=0; fi # it was over, but for the checkpoint
	done
	if [ $code = 137 ]; then # never long enough: the rest undisturbed
		expect 0 "$ENGRAM" train $name.yaml -q --resume -o part.safetensors
		code=0
	fi
	[ $code = 0 ] || fail "exit code $code after $done kills (seed $first): $(cat err)"
	same "whole-$name.safetensors" part.safetensors
	# Only what a kill at the very end cannot have removed may be left, and the next training removes it.
	expect 0 "$ENGRAM" train $name.yaml -q -o part.safetensors
	for left in part.safetensors?*; do
		[ ! -e "$left" ] || fail "$left was left behind (seed $first)"
	done
	rm -f part.safetensors*
done
echo "$done kills in $trainings trainings, seed $first"
done_testing
