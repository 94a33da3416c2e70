#!/bin/sh
# A network and a simple model that answer together: trained by one command, kept in one file, told by train, info,
# predict and eval, judged in folds; and files that were damaged.
. test/cli_helpers

# The network sees how often each word is there, and hardly learns; the floor sees pairs, which tell the classes.
awk 'BEGIN {
	print "text\tlabel"
	for (i = 0; i < 60; i++) {
		print "a b c" (i % 3 ? "" : " c") (i % 5 ? "" : " d") "\tone"
		print "b a c" (i % 3 ? "" : " c") (i % 5 ? "" : " d") "\ttwo"
	}
}' >order.tsv
cat >order.yaml <<-END
	name: order
	task: classify
	data: {source: tsv, path: order.tsv, test: 0.1, validation: 0.2, unit: word, ensemble: {floor: naive-bayes}}
	input: [time]
	model: [{embedding: 4}, {mean_time: {from: {lengths: lengths}}}, {linear: classes}]
	train: {optimizer: {adam: {lr: 1.0e-3}}, batch: 8, epochs: 2}
END
expect 0 "$ENGRAM" train order.yaml
says "Ensemble, with weights: the network "
says ", naive-bayes "
says "Validation accuracy: both 100.00 %"
expect 0 "$ENGRAM" info order.safetensors
says "naive-bayes"
expect 0 "$ENGRAM" eval order.safetensors
expect 0 "$ENGRAM" eval order.safetensors --json
says '"accuracy": 1,'
says '"floor_accuracy": 1'
says '"network_accuracy": 0.5'
if command -v python3 >/dev/null; then
	expect 0 python3 "$source/test/check_answers" "$ENGRAM" order.safetensors
fi
expect 0 "$ENGRAM" predict order.safetensors --text 'a b c d' --text 'b a c' --text 'b' --text '' --json
[ "$(sed -n 's/.*"answer": {"class": "\([a-z]*\)".*/\1/p' out | head -n 2 | tr '\n' ' ')" = "one two " ] || fail "$(cat out)"
says '"ensemble": {"floor": "naive-bayes", "weights": ['

# Their logarithms are added: from what each says by itself, what both say.
expect 0 "$ENGRAM" train order.yaml -q --set data.ensemble.weights='[1,0.5]' --set data.validation=0
expect 0 "$ENGRAM" predict order.safetensors --text 'a b c d' --json
awk 'match($0, /"network_probability": [0-9.e-]*/) {
	n = substr($0, RSTART + 23, RLENGTH - 23) + 0
	match($0, /"floor_probability": [0-9.e-]*/)
	f = substr($0, RSTART + 21, RLENGTH - 21) + 0
	match($0, /"probability": [0-9.e-]*/)
	p = substr($0, RSTART + 15, RLENGTH - 15) + 0
	a = n * sqrt(f); b = (1 - n) * sqrt(1 - f)
	bad = p - a / (a + b)
	exit !(bad * bad < 1e-10)
} { exit 1 }' out || fail "$(cat out)"

# The file is the same for any number of threads, with every kind of floor.
for floor in naive-bayes logistic nbsvm nbsvm-letters; do
	for n in 1 3; do expect 0 "$ENGRAM" train order.yaml -q --threads $n --set data.ensemble.floor=$floor -o $n.safetensors; done
	same 1.safetensors 3.safetensors
	expect 0 "$ENGRAM" eval 1.safetensors --json
	says "\"floor\": \"$floor\""
	says '"floor_accuracy": 1'
done

# Several floors: each has its weight, and is told by itself. A word that was never seen is known by its letters.
expect 0 "$ENGRAM" train order.yaml --set data.ensemble.floor='[naive-bayes, nbsvm-letters]'
says ", nbsvm-letters "
says "Validation accuracy: all 100.00 %"
expect 0 "$ENGRAM" info order.safetensors
says "answers together with naive-bayes, nbsvm-letters of "
expect 0 "$ENGRAM" eval order.safetensors --json
says '"floor": ["naive-bayes", "nbsvm-letters"], "weights": ['
says '"floor_accuracy": [1, 1]'
expect 0 "$ENGRAM" train order.yaml -q --set 'data.ensemble={floor: [naive-bayes, nbsvm-letters], weights: [1, 0.5, 2]}'
expect 0 "$ENGRAM" predict order.safetensors --text 'a b c d' --json
awk 'match($0, /"network_probability": [0-9.e-]*/) {
	n = substr($0, RSTART + 23, RLENGTH - 23) + 0
	match($0, /"floor_probability": \[[0-9.e-]*, [0-9.e-]*/)
	split(substr($0, RSTART + 22, RLENGTH - 22), f, ", ")
	match($0, /"probability": [0-9.e-]*/)
	p = substr($0, RSTART + 15, RLENGTH - 15) + 0
	a = n * sqrt(f[1]) * f[2] ^ 2; b = (1 - n) * sqrt(1 - f[1]) * (1 - f[2]) ^ 2
	bad = p - a / (a + b)
	exit !(bad * bad < 1e-10)
} { exit 1 }' out || fail "$(cat out)"
awk 'BEGIN {
	print "text\tlabel"
	for (i = 0; i < 60; i++) {
		print "warm" substr("abcdefgh", i % 8 + 1, 1) "ing x\tone"
		print "cold" substr("abcdefgh", i % 8 + 1, 1) "ing x\ttwo"
	}
}' >stems.tsv
expect 0 "$ENGRAM" train order.yaml -q --set data.path=stems.tsv --set 'data.ensemble={floor: nbsvm-letters, weights: [0, 1]}' \
	--set data.lower_case=true
expect 0 "$ENGRAM" predict order.safetensors --text 'x Warmish' --text 'x coldly' --json
[ "$(sed -n 's/.*"answer": {"class": "\([a-z]*\)".*/\1/p' out | tr '\n' ' ')" = "one two " ] || fail "$(cat out)"
expect 0 "$ENGRAM" predict order.safetensors --why --text 'x coldly' --json
expect 0 "$ENGRAM" train order.yaml -q

# In folds the weight is said beforehand.
expect 1 "$ENGRAM" train order.yaml --folds 3
says "give data.ensemble.weights"
expect 0 "$ENGRAM" train order.yaml --folds 3 --set data.ensemble.weights='[0.5,1]'
says "100.00 %"

# What is unknown is judged by both.
expect 0 "$ENGRAM" train order.yaml -q --set 'data.unknown={false_alarms: 0.2}'
expect 0 "$ENGRAM" predict order.safetensors --text 'a b c' --text 'c' --json
[ "$(sed -n 's/.*"known": \([a-z]*\).*/\1/p' out | tr '\n' ' ')" = "true false " ] || fail "$(cat out)"

# What cannot be is refused with its place.
expect 1 "$ENGRAM" train order.yaml --set data.validation=0
says "data.validation must be above 0"
expect 1 "$ENGRAM" check order.yaml --set data.ensemble.floor=kneser-ney
says "these can: naive-bayes, logistic, nbsvm, nbsvm-letters"
expect 1 "$ENGRAM" check order.yaml --set data.ensemble.weights='[1,-1]'
expect 1 "$ENGRAM" check order.yaml --set data.ensemble.weights=1
says "an ensemble of a network and 1 floor has 2 weights, the network's first; here is 1"
expect 1 "$ENGRAM" check order.yaml --set 'data.ensemble={floor: [nbsvm, logistic, nbsvm]}'
says "the floor 'nbsvm' is there twice"
expect 1 "$ENGRAM" check order.yaml --set 'data.ensemble={floor: []}'
expect 1 "$ENGRAM" check order.yaml --set data.unit=char --set 'data.ensemble={floor: nbsvm-letters, weights: [1, 1]}'
says "runs of letters are those of words"
make_data
expect 1 "$ENGRAM" check quarters.yaml --set 'data.ensemble={floor: naive-bayes}'
says "read one text, unit by unit"

# Floors that are known stand beside a model that has learnt more than its network: weights, a limit of what is unknown.
export XDG_CACHE_HOME="$tmp/cache"
expect 0 "$ENGRAM" train order.yaml -q --set 'data.unknown={false_alarms: 0.1}'
expect 0 "$ENGRAM" floor order.yaml --set 'data.unknown={false_alarms: 0.1}'
expect 0 "$ENGRAM" eval order.safetensors --json
says '"beats_floor": '
says '"name": "logistic"'

# A weight that is no number, and one that is missing.
sed 's/\(weights\\": \\"\)......../\17f800000/' order.safetensors >damaged.safetensors
expect 1 "$ENGRAM" predict damaged.safetensors --text 'a b c'
says "a weight is not finite"
sed 's/\(weights\\": \\"\)./\1g/' order.safetensors >damaged.safetensors
expect 1 "$ENGRAM" predict damaged.safetensors --text 'a b c'
says "a weight is no number"

done_testing
