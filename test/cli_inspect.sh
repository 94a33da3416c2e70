#!/bin/sh
# engram inspect: pictures and tables of recurrent networks, what a picture's answer comes from; and the adding problem, trained and judged, which it is shown on.
. test/cli_helpers
make_data
cp "$source/recipes/adding.yaml" .

# A short adding problem is learnt: well below the 0.167 of who always says 1.
small="--set data.steps=8 --set data.count=6000 --set data.test_count=500 --set train.epochs=6"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train adding.yaml $small --set 'model.0={gru: {hidden: 16}}' --set train.lr=1e-2 --set train.batch=50 -q -o gru.safetensors
expect 0 "$ENGRAM" eval gru.safetensors
says "500 sequences"
expect 0 "$ENGRAM" eval gru.safetensors --json
json out
for key in '"mse": ' '"rmse": ' '"mae": ' '"n": 500'; do says "$key"; done
grep -Eq '"mse": 0\.0[0-4]' out || fail "the adding problem was not learnt: $(cat out)"
expect 1 "$ENGRAM" predict gru.safetensors third.pgm
says "third.pgm: JSON, line 1"

# Pictures and tables, well-formed; the folder is made.
expect 0 "$ENGRAM" inspect gru.safetensors -o inside
says "rnn, untrained: h"
says "lstm, untrained: c"
says "inside/gru1.csv"
for file in gradient-norms.svg gradient-norms.csv gru1.svg gru1.csv; do [ -s "inside/$file" ] || fail "no $file"; done
for file in inside/*.svg; do
	if command -v xmllint >/dev/null; then xmllint --noout "$file" || fail "$file is not XML"; fi
	head -n 1 "$file" | grep -q '^<?xml version="1.0" encoding="UTF-8"?>$' || fail "$file has no XML head"
done
[ "$(wc -l <inside/gradient-norms.csv)" = 9 ] || fail "not a line for each of 8 steps: $(cat inside/gradient-norms.csv)"
for file in inside/*.csv; do
	awk -F, 'NR == 1 {n = NF} NF != n {exit 1}' "$file" || fail "$file: lines of different length"
done
[ "$(ls inside | wc -l)" = 4 ] || fail "other files: $(ls inside)"
mkdir first && cp inside/* first
expect 0 "$ENGRAM" inspect gru.safetensors -o inside --threads 2 --json
json out
says '"name": "gru, untrained: h"'
says '"files": ["inside/gradient-norms.svg"'
for file in inside/*; do same "$file" "first/${file#inside/}"; done
expect 0 "$ENGRAM" inspect gru.safetensors -o few --units 3 --columns 5 --seeds 1
[ "$(head -n 1 few/gru1.csv | tr ',' '\n' | grep -c '^h')" = 3 ] || fail "--units: $(head -n 1 few/gru1.csv)"
[ "$(wc -l <few/gru1.csv)" = 6 ] || fail "--columns"

# A language model, a text from the command line and from a file.
i=0
while [ $i -lt 60 ]; do echo "the cat sat on the mat & ate <it>"; i=$((i + 1)); done >text.txt
cat >char.yaml <<'END'
name: char
task: language
data: {source: text, path: text.txt, validation: 0.1, steps: 16}
input: [time]
model:
  - embedding: 8
  - lstm: {hidden: 12, layers: 2}
  - linear: classes
train: {loss: cross_entropy, optimizer: {adam: {lr: 1.0e-2}}, batch: 8, epochs: 2}
END
expect 0 "$ENGRAM" train char.yaml -q -o char.safetensors
printf 'the cat\nsat & ate' >read.txt
expect 0 "$ENGRAM" inspect char.safetensors --text 'the cat
sat & ate' -o words
for layer in 1 2; do
	grep -q '>&amp;</text>' "words/lstm1-$layer.svg" || fail "layer $layer has not the characters"
	grep -q '^7,"¶",' "words/lstm1-$layer.csv" || fail "layer $layer: no line end in the table"
done
mkdir again
expect 0 "$ENGRAM" inspect char.safetensors read.txt -o again
for file in words/*; do same "$file" "again/${file#words/}"; done
expect 0 "$ENGRAM" inspect char.safetensors --text-file read.txt -o again
expect 0 "$ENGRAM" inspect char.safetensors -o again # its own data
expect 0 "$ENGRAM" inspect char.safetensors --text "$(cat text.txt)" --steps 30 -o again
says "T = 30"

# What cannot be done is told.
expect 1 "$ENGRAM" inspect char.safetensors --text 'Zebra' -o again
says "Z"
expect 1 "$ENGRAM" inspect char.safetensors --text 't' -o again
says "at least two"
expect 1 "$ENGRAM" inspect char.safetensors missing.txt -o again
says "missing.txt"
expect 1 "$ENGRAM" inspect gru.safetensors --text 'abc' -o again
says "does not read text"
expect 1 "$ENGRAM" inspect char.safetensors --text 'the cat' -o text.txt
says "there is a file of that name"
expect 1 "$ENGRAM" inspect char.safetensors --text 'the cat' -o no/such/folder
expect 2 "$ENGRAM" inspect char.safetensors --text 'the cat'
says "-o"
expect 2 "$ENGRAM" inspect char.safetensors read.txt --text 'the cat' -o again
expect 0 "$ENGRAM" train quarters.yaml -q -o quarters.safetensors
expect 2 "$ENGRAM" inspect quarters.safetensors --text abc -o again
says "reads pictures, not texts"
expect 0 "$ENGRAM" inspect --help
says "gradient-norms"

# Pictures: one of its own data, or a file; the page is whole, and says what the JSON does.
expect 0 "$ENGRAM" inspect quarters.safetensors --record 1 -o why
says "Integrated gradients: "
says "Written: why/why.html"
for file in why.html why.png picture.png saliency.png integrated-gradients.png nearest.png; do [ -s "why/$file" ] || fail "no $file"; done
if command -v xmllint >/dev/null; then xmllint --noout why/why.html || fail "why.html is not XML"; fi
grep -q '<span>[a-z-]*<br/>1</span>' why/why.html || fail "the nearest pictures are not labelled one by one"
if grep -E 'src="http|href="http|<script' why/why.html; then fail "the page needs another file"; fi
expect 0 "$ENGRAM" inspect quarters.safetensors third.pgm -o file --records 0 --json
json out
says '"picture": "third.pgm"'
says '"integrated_gradients": {"sum": '
[ ! -e file/nearest.png ] || fail "pictures of the data, though none were wanted"
expect 2 "$ENGRAM" inspect quarters.safetensors third.pgm --record 1 -o file
expect 2 "$ENGRAM" inspect quarters.safetensors --pixel 3 -o file
says "--pixel takes ROW,COLUMN"
expect 1 "$ENGRAM" inspect quarters.safetensors third.pgm --of nothing -o file
says "'nothing' is no class of this model"
expect 1 "$ENGRAM" inspect quarters.safetensors missing.pgm -o file
says "missing.pgm"

# A network that looks ahead has states to show, but no gradient step by step.
# shellcheck disable=SC2086
expect 0 "$ENGRAM" train adding.yaml $small --set 'model.0={lstm: {hidden: 4, bidirectional: true}}' --set train.epochs=1 -q -o both.safetensors
expect 0 "$ENGRAM" inspect both.safetensors -o both
says "looks at all steps"
for file in lstm1.svg lstm1-reverse.svg; do [ -s "both/$file" ] || fail "no $file"; done
[ ! -e both/gradient-norms.svg ] || fail "gradient norms of a network that looks ahead"

# Wrong recipes.
bad() {
	expect 1 "$ENGRAM" train adding.yaml "$@" -o bad.safetensors
	[ ! -e bad.safetensors ] || fail "a model was written: $*"
}
bad --set data.source=addnig
says "did you mean 'adding'"
bad --set data.steps=1
bad --set 'input=[time, 3]'
says "input: [time, 2]"
bad --set train.loss=cross_entropy
bad --set 'model.2={linear: 2}'
says "linear: 1"
done_testing
