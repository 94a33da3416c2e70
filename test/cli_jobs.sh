#!/bin/sh
# Every task from end to end: trained for seconds on small data, judged, asked; and the metrics that the program tells are those of its
# answers (test/check_answers). Then what data that cannot be read does: exit code 1, a message with file and line, and no model.
#
# The data are made here, or come with the recipes; with ENGRAM_DATA a little of the real sets as well. Which figures whole trainings
# reach is in docs/results.md, not here: floors here are low, and only tell learning from guessing.
command -v python3 >/dev/null && python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' || exit 77
. test/cli_helpers

# train RECIPE MODEL OPTION...: on two threads, quietly
train() {
	recipe=$1
	model=$2
	shift 2
	rm -f "$model"
	expect 0 "$ENGRAM" train "$recipe" -q -o "$model" "$@"
}
# agrees MODEL PART...: the metrics of these parts are those of the answers
agrees() {
	model=$1
	shift
	for part in "$@"; do expect 0 python3 "$source/test/check_answers" "$ENGRAM" "$model" "$part"; done
}
# notices MODEL PART SED: with one answer changed, by this command for sed, check_answers says that the figures do not agree
notices() {
	cat >liar <<-END
		#!/bin/sh
		if [ "\$1" = predict ]; then "$ENGRAM" "\$@" | sed '$3'; else exec "$ENGRAM" "\$@"; fi
	END
	chmod +x liar
	expect 1 python3 "$source/test/check_answers" ./liar "$1" "$2"
	says "eval says"
}
# reaches MODEL PART METRIC LEAST [most]: eval says so much, or, with `most`, so little
reaches() {
	expect 0 "$ENGRAM" eval "$1" --split "$2" --json
	json out
	python3 -c 'import json, sys
told, bound = json.load(open("out"))[sys.argv[1]], float(sys.argv[2])
ok = told is not None and (told <= bound if len(sys.argv) > 3 else told >= bound)
sys.exit(not ok and f"{sys.argv[1]} is {told}")' "$3" "$4" ${5+"$5"} 2>err || fail "$1, $2: $(cat err) instead of $4"
}

# ---- classify ---------------------------------------------------------------------------------------------------------

make_data
train quarters.yaml quarters.safetensors
reaches quarters.safetensors test accuracy 0.9
agrees quarters.safetensors test validation
notices quarters.safetensors test '2s/"class": "north-east"/"class": "south-east"/'
expect 0 "$ENGRAM" predict quarters.safetensors --split test --json --truth
json out
[ "$(wc -l <out)" = 40 ] || fail "$(wc -l <out) answers instead of 40"
says '"truth": {"class": "south-west"}'

# ---- language, regress ------------------------------------------------------------------------------------------------

awk 'BEGIN {
	seed = 9
	for (i = 0; i < 400; i++) {
		seed = (seed * 16807) % 2147483647
		printf "%s %s\n", seed % 3 ? "the cat sat on the mat" : "a dog ran in the fog", seed % 2 ? "again." : "today."
		if (i % 4 == 3) print ""
	}
}' >story.txt
cat >story.yaml <<-END
	name: story
	task: language
	data: {source: text, path: story.txt, validation: 0.1, steps: 24}
	input: [time]
	model:
	  - embedding: 12
	  - gru: 24
	  - linear: classes
	train: {loss: cross_entropy, optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 3}
END
train story.yaml story.safetensors
reaches story.safetensors validation loss 0.8 most
agrees story.safetensors validation train
notices story.safetensors validation '5s/"nats": \[[^,]*,/"nats": [3.5,/'
sed 's/, steps: 24/, samples: true/; s/name: story/name: stories/' story.yaml >stories.yaml
train stories.yaml stories.safetensors
agrees stories.safetensors validation
expect 0 "$ENGRAM" predict stories.safetensors --text 'the cat sat on the ma' --json
says '"next": [{"text": "t", '

train "$source/recipes/adding.yaml" adding.safetensors --set data.steps=12 --set data.count=1500 --set data.test_count=100 --set train.epochs=8
reaches adding.safetensors test mse 0.12 most
agrees adding.safetensors test validation
notices adding.safetensors test '7s/"values": \[[^]]*/"values": [0.25/'

# ---- data that cannot be read -----------------------------------------------------------------------------------------

# bad WORDS RECIPE OPTION...: refused with these words, and no model
bad() {
	words=$1
	recipe=$2
	shift 2
	expect 1 "$ENGRAM" train "$recipe" -q -o bad.safetensors "$@"
	says "$words"
	[ ! -e bad.safetensors ] || fail "a model was written from bad data: $*"
	rm -f bad.safetensors
}
done_testing
