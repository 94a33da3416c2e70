#!/bin/sh
# Language models from recipe to text: training, judging and writing on a few kilobytes of our own; what happens with texts and
# prompts that are none; and every recipe of a language model on a small piece of its real data.
. test/cli_helpers

make_animals

# number KEY: its value in the JSON in ./out; below VALUE LIMIT
number() { sed -n 's/.*"'"$1"'": \([-0-9.e+]*\).*/\1/p' out | head -n 1; }
below() { awk -v v="$1" -v limit="$2" 'BEGIN { exit !(v != "" && v + 0 < limit + 0) }'; }

# Training tells characters, and the same bytes come out for any number of threads.
expect 0 "$ENGRAM" check animals.yaml
expect 0 "$ENGRAM" train animals.yaml
says "characters to train on"
says "characters/s"
says "engram generate animals.safetensors"
says_not "picture"
for threads in 1 3; do
	expect 0 "$ENGRAM" train animals.yaml -q --threads "$threads" -o threads.safetensors
	same animals.safetensors threads.safetensors
done
expect 0 "$ENGRAM" info animals.safetensors

# Attention that looks back a given number of steps is carried from piece to piece, and writes step by step.
seen='{multi_head_attention: {heads: 2, causal: true, context: 12, name: seen}}'
expect 0 "$ENGRAM" train animals.yaml -q -o looks.safetensors --set train.epochs=8 \
	--set "model=[{embedding: {size: 24, name: letter}}, $seen, {add: {from: [seen, letter]}}, {causal_conv1d: {filters: 32, kernel: 3}}, relu, {linear: classes}]"
expect 0 "$ENGRAM" eval looks.safetensors --json
below "$(number loss)" 1.5 || fail "attention has not learnt the animals: $(cat out)"
expect 0 "$ENGRAM" generate looks.safetensors --prompt 'the cat' -t 0.2 -n 60

# Judging: the validation part, since a text has no test part, and any other text.
expect 0 "$ENGRAM" eval animals.safetensors
says "validation (it has no test part)"
says "nats a unit"
expect 0 "$ENGRAM" eval animals.safetensors --json
json out
for key in '"split": "validation"' '"unit": "characters"' '"bits": ' '"perplexity": ' '"accuracy": '; do says "$key"; done
loss=$(number loss)
below "$loss" 0.8 || fail "the animals were not learnt: $(cat out)"
awk -v l="$loss" -v b="$(number bits)" -v p="$(number perplexity)" 'BEGIN {
	exit !((l / log(2) - b) ^ 2 < 1e-8 && (exp(l) - p) ^ 2 < 1e-8)
}' || fail "loss, bits and perplexity do not fit together: $(cat out)"
expect 0 "$ENGRAM" eval animals.safetensors --split train
says "animals.safetensors on text, train: "
printf 'a cat ran to the den\n' >other.txt
expect 0 "$ENGRAM" eval animals.safetensors --path other.txt
says "on other.txt, all of it: 20 characters"
expect 0 "$ENGRAM" eval animals.safetensors --data text --path other.txt --json
says '"n": 20'
expect 2 "$ENGRAM" eval animals.safetensors --path other.txt --folder .
expect 1 "$ENGRAM" eval animals.safetensors --split test
says "has no test part"
expect 1 "$ENGRAM" eval animals.safetensors --data fashion-mnist
says "needs a text"
printf 'a cat\nran ZU the den\n' >upper.txt
expect 1 "$ENGRAM" eval animals.safetensors --path upper.txt
says "upper.txt, line 2, column 5"
says "'Z'"
printf 'a cat\nran \351 the den\n' >latin.txt
expect 1 "$ENGRAM" eval animals.safetensors --path latin.txt
says "latin.txt', line 2, column 5"
says "iconv"
: >empty.txt
expect 1 "$ENGRAM" eval animals.safetensors --path empty.txt
says "is empty"

# Writing: what was learnt, the same with the same seed, any way it is asked for.
expect 1 "$ENGRAM" generate animals.safetensors --limit-macs 10
says "multiply-adds for one step, and 10 are allowed"
expect 0 "$ENGRAM" generate animals.safetensors --limit-macs 10M
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -t 0.3 -n 60
grep -Eq '^the (cat sat|dog ran)' out || fail "this was not learnt: $(cat out)"
cp out first
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -t 0.3 -n 60 --threads 2
same out first
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -t 1.5 -n 60 --seed 1
cp out other
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -t 1.5 -n 60 --seed 2
if cmp -s out other; then fail "the seed changes nothing"; fi
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -t 0 -n 60
cp out greedy
for same_as_greedy in '--top-k 1' '--top-p 1e-9' '-t 0 --seed 9'; do
	# shellcheck disable=SC2086
	expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -n 60 $same_as_greedy
	same out greedy
done
printf 'the ' | "$ENGRAM" generate animals.safetensors --prompt-file - -t 0 -n 60 >out 2>err || fail "from stdin: $(cat err)"
same out greedy
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -t 0 -n 60 --only-new
{ printf 'the '; cat out; } | cmp -s - greedy || fail "--only-new: $(cat out)"
expect 0 "$ENGRAM" generate animals.safetensors -n 40
[ "$(wc -c <out)" -ge 40 ] || fail "nothing from nothing: $(cat out)"
expect 0 "$ENGRAM" generate animals.safetensors --prompt "" -n 0 --samples 1 --json -n 12
says '"n": 12'

# JSON: one object a text, of which the first is the text alone.
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -n 30 --samples 3 --json
json out
[ "$(wc -l <out)" = 3 ] || fail "not three texts: $(cat out)"
[ "$(sed 's/"sample": [0-9]*//' out | sort -u | wc -l)" = 3 ] || fail "samples are the same: $(cat out)"
head -n 1 out >three
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' -n 30 --json
same out three

# A prompt of any length: longer than the text and than any piece of it.
awk 'BEGIN { for (i = 0; i < 3000; i++) print "the cat sat on a mat" }' >long.txt
expect 0 "$ENGRAM" generate animals.safetensors --prompt-file long.txt --only-new -t 0 -n 20
[ "$(wc -c <out)" -ge 20 ] || fail "after a long prompt: $(cat out)"

# Prompts that are none.
expect 1 "$ENGRAM" generate animals.safetensors --prompt 'the Cat'
says "the prompt, line 1, column 5: the character 'C'"
says "--skip-unknown"
[ ! -s out ] || fail "text after an error: $(cat out)"
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the Z' --skip-unknown --only-new -t 0 -n 60
says "1 character of the prompt, unknown to the model, was left out"
{ printf 'the '; cat out; } | cmp -s - greedy || fail "--skip-unknown: $(cat out)"
expect 1 "$ENGRAM" generate animals.safetensors --prompt-file latin.txt
says "latin.txt, line 2, column 5"
expect 1 "$ENGRAM" generate animals.safetensors --prompt-file missing.txt
says "missing.txt"
expect 1 "$ENGRAM" generate animals.safetensors --prompt-file "$tmp"
expect 2 "$ENGRAM" generate animals.safetensors --temperature hot
says "--temperature needs a number from 0 to 100, not 'hot'"
expect 2 "$ENGRAM" generate animals.safetensors --temperature nan
# Limits at their borders.
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' --only-new -n 60 -t 0
cp out likeliest
for limit in '--top-p 0' '--top-p -0' '--top-p 0.000001' '--top-k 1' '-t 0.0001'; do
	expect 0 "$ENGRAM" generate animals.safetensors --prompt 'the ' --only-new -n 60 $limit
	same likeliest out
done
for limit in '--top-p 1.5' '--top-p -0.1' '--top-p nan' '--top-p inf' '--top-p' '--top-k 0' '--top-k -1' '--top-k nan' \
	'-t -1' '-t inf' '-t 101' '--length -1' '--samples 0'; do
	expect 2 "$ENGRAM" generate animals.safetensors $limit
done
expect 2 "$ENGRAM" generate animals.safetensors --prompt a --prompt-file b
expect 2 "$ENGRAM" generate animals.safetensors --state s --samples 2
expect 1 "$ENGRAM" generate animals.yaml
expect 0 "$ENGRAM" predict animals.safetensors --text 'the cat sat on ' --json
says '"answer": {"next": [{"text": "a", "probability": 0.9'

# A text goes on where its state was kept; in two pieces it is the same as in one.
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'a ' --only-new -n 50 --json
sed 's/.*"text": "\([^"]*\)".*/\1/' out >whole
expect 0 "$ENGRAM" generate animals.safetensors --prompt 'a ' --only-new -n 20 --json --state text.state
sed 's/.*"text": "\([^"]*\)".*/\1/' out | tr -d '\n' >pieces
expect 0 "$ENGRAM" generate animals.safetensors -n 30 --only-new --json --state text.state
sed 's/.*"text": "\([^"]*\)".*/\1/' out >>pieces
same whole pieces
cp text.state good.state
head -c 200 good.state >text.state
expect 1 "$ENGRAM" generate animals.safetensors --state text.state
expect 1 "$ENGRAM" generate animals.safetensors --state animals.txt
expect 0 "$ENGRAM" train animals.yaml -q --seed 5 -o other.safetensors
expect 1 "$ENGRAM" generate other.safetensors --state good.state
says "another model"

# A reader that goes away, a full disk, Ctrl-C: no noise, no crash.
"$ENGRAM" generate animals.safetensors -n 0 2>err | head -c 100 >out
[ "$(wc -c <out)" = 100 ] || fail "into head: $(cat err)"
[ ! -s err ] || fail "a reader that went away was told: $(cat err)"
if [ -w /dev/full ]; then
	"$ENGRAM" generate animals.safetensors -n 5 >/dev/full 2>err && fail "a full disk went unnoticed"
	grep -q "cannot write to standard output" err || fail "a full disk: $(cat err)"
fi
# A shell ignores SIGINT for what it runs in the background; SIGTERM does the same here.
"$ENGRAM" generate animals.safetensors -n 0 --state stop.state >out 2>err </dev/null &
pid=$!
sleep 1
kill -TERM "$pid"
wait "$pid"
[ $? = 1 ] || fail "stopped: exit code $?"
[ -s out ] && [ -s stop.state ] && [ ! -s err ] || fail "stopped: $(cat err)"

# Samples: poems end by themselves. Words and bytes.
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 2 ? "ONE\nabcd\n" : "TWO\nxyz\n" }' >poems.txt
cat >poems.yaml <<-END
	name: poems
	task: language
	data: {source: text, path: poems.txt, samples: true, keep_title: false, validation: 0.2}
	input: [time]
	model: [{embedding: 8}, {gru: 16}, {linear: classes}]
	train: {optimizer: {adam: {lr: 3.0e-2}}, batch: 8, epochs: 12}
END
expect 0 "$ENGRAM" train poems.yaml -q
expect 0 "$ENGRAM" generate poems.safetensors -p a -t 0 --samples 2
printf 'abcd\n\nabcd\n' | cmp -s - out || fail "poems: $(cat out)"
expect 0 "$ENGRAM" generate poems.safetensors -p x -t 0 --json
says '"text": "yz"'
says '"end": true'
expect 1 "$ENGRAM" train poems.yaml -q --set data.longest=3 -o bad.safetensors
says "poems.txt:5: the sample that begins here has 4 characters, but data.longest is 3"
says "cut: true"
expect 0 "$ENGRAM" train poems.yaml -q --set data.longest=3 --set data.cut=true -o cut.safetensors
expect 0 "$ENGRAM" train animals.yaml -q --set data.unit=word -o words.safetensors
expect 0 "$ENGRAM" generate words.safetensors -p 'the cat' -t 0 -n 4
grep -q '^the cat sat on a mat$' out || fail "words: $(cat out)"
expect 0 "$ENGRAM" eval words.safetensors
says "nats a unit"
says " words"
expect 0 "$ENGRAM" train animals.yaml -q --set data.unit=byte --set train.epochs=15 -o bytes.safetensors
expect 0 "$ENGRAM" generate bytes.safetensors -p 'the cat' -t 0 -n 9
[ "$(cat out)" = "the cat sat on a" ] || fail "bytes: $(cat out)"
expect 0 "$ENGRAM" generate bytes.safetensors -p "$(printf '\377the')" -t 5 -n 300 --json
json out
says '"hex": '
expect 0 "$ENGRAM" eval bytes.safetensors --path latin.txt

# Damaged and unsuitable: named, and no model is written.
bad() {
	message=$1
	shift
	expect 1 "$ENGRAM" train animals.yaml "$@" -o bad.safetensors
	says "$message"
	[ ! -e bad.safetensors ] || fail "a model was written: $*"
}
bad "is empty" --set data.path=empty.txt
bad "missing.txt" --set data.path=missing.txt
bad "latin.txt', line 2, column 5" --set data.path=latin.txt
bad "too few to train on" --set data.path=other.txt --set train.batch=64
bad "write input: [time]" --set 'input=[1, 8, 8]' --set 'model=[flatten, {linear: classes}]'
bad "looks ahead" --set model.1.lstm='{hidden: 8, bidirectional: true}'
bad "did you mean 'tinyshakespeare'" --set data.source=tinyshakespear
head -c 300 animals.safetensors >half.safetensors
expect 1 "$ENGRAM" generate half.safetensors

# Every recipe, on a small piece of its data. What is asked of it is less than a network reaches that only counts how often
# each character occurs (3.3 nats in the plays, 6.3 in the poems); a narrow network learns that in a second. Sanitizers, under which
# it takes minutes, see the same layers elsewhere.
recipe() { # NAME LAYER LIMIT BYTES OPTION...
	name=$1 layer=$2 limit=$3 bytes=$4
	shift 4
	expect 0 "$ENGRAM" check "$source/recipes/$name.yaml"
	expect 0 "$ENGRAM" train "$source/recipes/$name.yaml" -q --threads 1 -o "$name.safetensors" --set "data.limit=$bytes" \
		--set "model.$layer.hidden=64" --set train.lr=1e-2 "$@"
	expect 0 "$ENGRAM" eval "$name.safetensors" --json
	below "$(number loss)" "$limit" || fail "$name: $(cat out)"
}
if [ -z "${ENGRAM_SANITIZE-}" ] && [ -f "${ENGRAM_DATA:-/nowhere}/text/tinyshakespeare.txt" ]; then
	for cell in rnn gru lstm; do
		recipe "char-$cell" "1.$cell" 2.7 30000 --set train.epochs=4 --set train.batch=16 --set data.steps=32
		expect 0 "$ENGRAM" generate "char-$cell.safetensors" --prompt 'ROMEO:' -n 40
		grep -q '^ROMEO:' out || fail "char-$cell: $(cat out)"
	done
fi
if [ -z "${ENGRAM_SANITIZE-}" ] && [ -f "${ENGRAM_DATA:-/nowhere}/text/tang-poems.txt" ]; then
	recipe poems 2.lstm 6.0 30000 --set model.0.embedding.size=64 --set train.epochs=3 --set train.batch=8
	expect 0 "$ENGRAM" generate poems.safetensors --prompt '床前明月光，' -n 60
	grep -q '^床前明月光，' out || fail "poems: $(cat out)"
fi
# Samples of several lengths, which a layer is told: the padding behind them is left out, and writing is as long as it is.
awk 'BEGIN { for (i = 0; i < 60; i++) { for (k = 0; k <= i % 4; k++) print k % 2 ? "the dog ran" : "a fox hid"; print "" } }' >short.txt
cat >lengths.yaml <<-END
	name: lengths
	task: language
	data: {source: text, path: short.txt, samples: true, validation: 0.1}
	input: [time]
	model: [{embedding: 8}, {gru: {hidden: 24, from: {lengths: lengths}}}, {linear: classes}]
	train: {optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 8}
END
expect 0 "$ENGRAM" check lengths.yaml
expect 0 "$ENGRAM" train lengths.yaml -q
expect 0 "$ENGRAM" generate lengths.safetensors --prompt 'a f' --temperature 0
says "a fox hid"
expect 0 "$ENGRAM" generate lengths.safetensors --temperature 0 --state kept --length 5
expect 0 "$ENGRAM" generate lengths.safetensors --temperature 0 --state kept --length 5
expect 0 "$ENGRAM" predict lengths.safetensors --text 'a fo'
expect 0 "$ENGRAM" inspect lengths.safetensors --text 'a fox hid' -o seen
rm -r seen

done_testing
