#!/bin/sh
# What is of none of the classes: a limit that validation samples set, kept in the model, for texts and pictures; told by
# predict, counted by eval.
. test/cli_helpers

awk 'BEGIN {
	split("lamp light bulb switch", light, " ")
	split("song music tune radio", music, " ")
	print "text\tlabel"
	for (i = 0; i < 120; i++) {
		j = i % 4 + 1
		k = int(i / 4) % 4 + 1
		print "turn the " light[j] " and the " light[k] " on\tlight"
		print "play a " music[j] " or " music[k] "\tmusic"
	}
}' >rooms.tsv
cat >rooms.yaml <<-END
	name: rooms
	task: classify
	data: {source: tsv, path: rooms.tsv, test: 0.1, validation: 0.2, unit: word, unknown: {false_alarms: 0.1}}
	input: [time]
	model: [{embedding: 8}, {mean_time: {from: {lengths: lengths}}}, {linear: classes}]
	train: {optimizer: {adam: {lr: 1.0e-2}}, batch: 8, epochs: 4}
END
expect 0 "$ENGRAM" check rooms.yaml
expect 0 "$ENGRAM" train rooms.yaml -q --set data.unknown.score=energy
expect 0 "$ENGRAM" predict rooms.safetensors --text 'song lamp'
for score in margin probability; do
	expect 0 "$ENGRAM" train rooms.yaml -q --set data.unknown.score="$score"
	expect 0 "$ENGRAM" predict rooms.safetensors --text 'turn the lamp and the light on' --text 'song lamp' --json
	[ "$(sed -n 's/.*"known": \([a-z]*\).*/\1/p' out | tr '\n' ' ')" = "true false " ] || fail "$score: $(cat out)"
done
expect 0 "$ENGRAM" predict rooms.safetensors --text 'song lamp'
says "(unknown)"
# Of the validation samples at most the share that was asked for is refused.
expect 0 "$ENGRAM" eval rooms.safetensors --split validation --json
json out
alarms=$(sed -n 's/.*"false_alarms": \([0-9.]*\).*/\1/p' out)
awk -v a="$alarms" 'BEGIN { exit !(a != "" && a <= 0.1) }' || fail "false alarms $alarms"
says '"unknown_recall": null'
# Data of a class 'unknown' are of none of the model's.
printf 'text\tlabel\nsong lamp\tunknown\nlamp song\tunknown\nturn the lamp and the light on\tlight\nplay a song or radio\tmusic\n' >mixed.tsv
cat mixed.tsv >more.tsv
expect 0 "$ENGRAM" eval rooms.safetensors --data tsv --path mixed.tsv --split train --json
says '"unknown_recall": 1'
sed -i 's/unknown/unkown/' mixed.tsv
expect 1 "$ENGRAM" eval rooms.safetensors --data tsv --path mixed.tsv --split train
says "'unkown', which is not among"
# The limit is the same for any number of threads.
expect 0 "$ENGRAM" train rooms.yaml -q --threads 1 -o one.safetensors
expect 0 "$ENGRAM" train rooms.yaml -q --threads 3 -o three.safetensors
same one.safetensors three.safetensors

# Without the option nothing is refused, and such metrics are not told.
sed 's/, unknown: {false_alarms: 0.1}//' rooms.yaml >plain.yaml
expect 0 "$ENGRAM" train plain.yaml -q
expect 0 "$ENGRAM" eval rooms.safetensors --json
expect 0 "$ENGRAM" predict rooms.safetensors --text 'song lamp'
says_not "(unknown)"
expect 0 "$ENGRAM" eval rooms.safetensors --json
says_not "unknown_recall"
expect 1 "$ENGRAM" eval rooms.safetensors --data tsv --path more.tsv --split train
says "which is not among"

# What cannot be is refused with its place.
expect 1 "$ENGRAM" train rooms.yaml -q --set data.validation=0
says "data.validation must be above 0"
expect 1 "$ENGRAM" check rooms.yaml --set data.unknown.false_alarms=0.9
expect 1 "$ENGRAM" check rooms.yaml --set 'data.unknown={score: energy}'
says "false_alarms"
expect 1 "$ENGRAM" check rooms.yaml --set data.unknown.score=sure

# Pictures likewise; one without the bright quarter that tells the classes.
make_data
expect 0 "$ENGRAM" train quarters.yaml -q --set data.validation=0.2 --set data.unknown.false_alarms=0.1
{ printf 'P5\n8 8\n255\n'; awk 'BEGIN { for (i = 0; i < 64; i++) printf "%c", 0 + 1 }'; } >grey.pgm
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm grey.pgm --json
grep '"input": "third.pgm"' out | grep -q '"known": true' || fail "third.pgm: $(cat out)"
grep '"input": "grey.pgm"' out | grep -q '"known": false' || fail "grey.pgm: $(cat out)"

done_testing
