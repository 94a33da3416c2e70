#!/bin/sh
# engram floor: what simple models make of a recipe's data; and engram eval, which shows them beside the network.
. test/cli_helpers
make_data
export XDG_CACHE_HOME="$tmp/cache"

# ---- the list ----
expect 0 "$ENGRAM" floor --list
for word in kneser-ney most-frequent "Kneser and Ney 1995" classify; do says "$word"; done
expect 0 "$ENGRAM" floor --list --json
json out
expect 2 "$ENGRAM" floor
says "a RECIPE is needed, or --list"
expect 2 "$ENGRAM" floor quarters.yaml --folds 3 --split test
expect 1 "$ENGRAM" floor missing.yaml
says "missing.yaml"

# ---- a recipe ----
expect 0 "$ENGRAM" train quarters.yaml -q
expect 0 "$ENGRAM" eval quarters.safetensors
says_not "Beside the simplest models"
expect 0 "$ENGRAM" eval quarters.safetensors --json
says_not '"floors"'
expect 0 "$ENGRAM" floor quarters.yaml
says "quarters on idx, test: 40"
says "most-frequent"
says "25.00 %"
expect 0 "$ENGRAM" floor quarters.yaml --json
json out
says '{"data": "idx", "split": "test", "task": "classify", "floors": [{"name": "'
says '"name": "most-frequent", "settings": {}, "accuracy": 0.25, "top3": '
cp out first
# What is kept comes back, seconds and all; nothing else changes with more threads, or anew.
expect 0 "$ENGRAM" floor quarters.yaml --json
same out first
without_seconds() { sed 's/"seconds": [^}]*}/}/g' "$1"; }
expect 0 "$ENGRAM" floor quarters.yaml --json --anew --threads 3
without_seconds first >a
without_seconds out | cmp -s - a || fail "threads change floors: $(cat out)"
expect 0 "$ENGRAM" floor quarters.yaml --split validation --json
says '"split": "validation"'
expect 0 "$ENGRAM" floor quarters.yaml --folds 4 --json
json out
says '"split": "folds", "task": "classify", "folds": 4, "floors": ['
says '"deviation": {"accuracy": 0'

# ---- beside a network ----
expect 0 "$ENGRAM" eval quarters.safetensors
says "Beside the simplest models"
says "the network"
expect 0 "$ENGRAM" eval quarters.safetensors --json
json out
says '"floors": [{"name": "'
grep -qE '"beats_floor": (true|false)}$' out || fail "beats_floor does not come last: $(tail -c 200 out)"
expect 0 "$ENGRAM" train quarters.yaml -q --set train.epochs=1 --set train.lr=1e-9 -o bad.safetensors
expect 0 "$ENGRAM" eval bad.safetensors
says "The network DOES NOT BEAT the floor"
expect 0 "$ENGRAM" eval bad.safetensors --json
says '"beats_floor": false'
rm -rf cache
expect 0 "$ENGRAM" eval bad.safetensors --split validation --floors --json
says '"beats_floor": false'
expect 0 "$ENGRAM" eval bad.safetensors --split validation --json
says '"floors": [{"name": "'
expect 2 "$ENGRAM" eval bad.safetensors --floors --data mnist
# At the end of a training: what is known of the same validation samples, or how to get to know it.
expect 0 "$ENGRAM" train quarters.yaml --set train.epochs=1 --set train.lr=1e-9 -o bad.safetensors
says "this network"
says "NOT better than that simple model"
grep -q '^Floor: [a-z-]*, accuracy [0-9.]* %; this network [0-9.]* %: NOT' out || fail "the line about the floor: $(cat out)"
expect 0 "$ENGRAM" train quarters.yaml --set train.seed=9 -o other.safetensors
says "Floor: not known; engram floor quarters.yaml --split validation tells"
expect 0 "$ENGRAM" train quarters.yaml --folds 3
says "Floor: not known; engram floor quarters.yaml --folds 3 tells"
expect 0 "$ENGRAM" floor quarters.yaml --folds 3
expect 0 "$ENGRAM" train quarters.yaml --folds 3 --set train.epochs=1
says "Floor: "
says "NOT better"
expect 0 "$ENGRAM" train quarters.yaml --json -o other.safetensors
says_not "Floor:"
# A network that is better than all of them.
printf 'abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc\n' >text.txt
cat >text.yaml <<-END
	name: text
	task: language
	data: {source: text, path: text.txt, validation: 0.4}
	input: [time]
	model: [{embedding: 8}, {linear: classes}]
	train: {batch: 1, epochs: 300, optimizer: {adam: {lr: 0.3}}}
END
expect 0 "$ENGRAM" train text.yaml -q
expect 0 "$ENGRAM" eval text.safetensors --floors --json
says '"floors": [{"name": "kneser-ney", "settings": {"n": 6}, "loss": '
says '"beats_floor": true'
expect 0 "$ENGRAM" eval text.safetensors
says "The network beats the best of them, 'kneser-ney'"
expect 0 "$ENGRAM" train text.yaml
says "Floor: kneser-ney, loss "
says ": better."
done_testing
