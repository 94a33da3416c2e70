#!/bin/sh
# Units of texts: subwords learnt by a recipe, trained on and written with; engram data vocab.
. test/cli_helpers

{ sentences 200; echo zebra; } >animals.txt
cat >animals.yaml <<-END
	name: animals
	task: language
	data: {source: text, path: animals.txt, validation: 0.1, steps: 16, unit: subword, max_size: 300}
	input: [time]
	model: [{embedding: 12}, {lstm: 24}, {linear: classes}]
	train: {optimizer: {adam: {lr: 2.0e-2}}, clip_norm: 1, batch: 4, epochs: 8}
END
expect 0 "$ENGRAM" train animals.yaml -q
expect 0 "$ENGRAM" eval animals.safetensors
says "subwords"
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -t 0 -n 3
expect 0 "$ENGRAM" generate animals.safetensors -p 'the cat' -t 0 -n 4
grep -q '^the cat sat on a mat$' out || fail "subwords: $(cat out)"
expect 0 "$ENGRAM" predict animals.safetensors --text 'the cat sat' --json
says '"text": " on"'
# Any text can be read: nothing is unknown.
expect 0 "$ENGRAM" generate animals.safetensors -p 'Ünheard of: 中' -n 2

expect 0 "$ENGRAM" data vocab animals.yaml -n 3 --text 'the cat ate'
says "299 units: subword" # nothing else occurs twice
says "train"
grep -q '^[0-9]* units: the|␣cat|␣|at|e$' out || fail "the cut: $(tail -n 1 out)"
says " 0.00 %"
expect 0 "$ENGRAM" data vocab animals.safetensors -n 2 --text 'a z' --json
json out
for key in '"unit": "subword"' '"units": 299' '"part": "validation"' '"longest": [' '"cut": ["a", "␣", "z"]'; do says "$key"; done

# Words that training has not seen, told by part.
expect 0 "$ENGRAM" data vocab animals.yaml --set data.unit=word --set data.max_size=100 --json
says '"unit": "word"'
grep -q '"part": "validation", "n": [0-9]*, "unknown": 1}' out || fail "zebra is not unknown: $(cat out)"
# Tokens that somebody else has cut.
printf 'a\tO\ncat\tO\n\na\tO\ndog\tO\n\na\tO\ncat\tO\n' >pets.txt
cat >pets.yaml <<-END
	name: pets
	task: tag
	data: {source: conll, path: pets.txt, validation: 0.3, min_count: 2}
	input: [time]
	model: [{embedding: 4}, {linear: classes}]
	train: {loss: cross_entropy, optimizer: adam, batch: 2, epochs: 1}
END
expect 0 "$ENGRAM" data vocab pets.yaml
says "units: token"
says "commonest"
expect 0 "$ENGRAM" data vocab pets.yaml --set data.pairs=true --set 'input=[time,2]' --set 'model=[{embedding: 4}, {flatten: 2}, {linear: classes}]'
says "units: token" # the pairs are no units
expect 1 "$ENGRAM" data vocab pets.yaml --text 'a cat'
says "cut by somebody else"
expect 2 "$ENGRAM" data vocab
expect 2 "$ENGRAM" data vocb animals.yaml
says "did you mean 'data vocab'"

# Right to left, emoji, a byte order mark and CR LF; a line of a million characters. Of units that are one character each there are no
# longest.
printf '\357\273\277שלום 🙂 مرحبا 🙂\r\nשלום\r\n' >odd.txt
sed 's/animals.txt.*}/odd.txt, steps: 4}/; s/lstm: 24/lstm: 4/; s/epochs: 8/epochs: 1/' animals.yaml >odd.yaml
expect 0 "$ENGRAM" data vocab odd.yaml --text 'שלום 🙂'
says "12 units: char" # ש ל ו ם, م ر ح ب ا, the face, the space, the line end
says 'ש|ל|ו|ם|␣|🙂'
grep -q longest out && fail "longest characters"
expect 0 "$ENGRAM" train odd.yaml -q -o odd.safetensors
expect 0 "$ENGRAM" generate odd.safetensors -p '🙂' -n 3 --json
says '"prompt": "🙂"'
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "abcdefghij" }' >odd.txt
expect 0 "$ENGRAM" data vocab odd.yaml --json
says '"n": 999999' # all but the first are foretold

# Chinese words by friso, here with a dictionary of three words; a model knows which it was.
if "$ENGRAM" version | grep -q "friso "; then
	mkdir -p words fewer
	for word in 酒店 服务 研究生 酒 店 服 务 研 究 生; do printf '%s/null/1\n' "$word" >>words/lex-main.lex; done
	head -n 1 words/lex-main.lex >fewer/lex-main.lex
	export ENGRAM_FRISO="$tmp/words"
	{
		printf 'text\tlabel\n'
		for i in 1 2 3 4 5 6 7 8 9 10; do printf '酒店服务好%s\tgood\n研究生，酒店坏%s\tbad\n' $i $i; done
	} >rooms.tsv
	cat >rooms.yaml <<-END
		name: rooms
		task: classify
		data: {source: tsv, path: rooms.tsv, validation: 0.2, unit: word, words: friso}
		input: [time]
		model: [{embedding: 8}, mean_time, {linear: classes}]
		train: {optimizer: adam, lr: 0.1, batch: 4, epochs: 10}
	END
	expect 0 "$ENGRAM" data vocab rooms.yaml --text '研究生 the 酒店服务'
	says "4 units: 研究生|<unknown>|酒店|服务"
	expect 0 "$ENGRAM" train rooms.yaml -q
	expect 0 "$ENGRAM" predict rooms.safetensors --text 酒店服务好
	says good
	expect 0 "$ENGRAM" predict rooms.safetensors --text 酒店服务好 --why --json
	says '"酒店"'
	expect 1 env ENGRAM_FRISO="$tmp/fewer" "$ENGRAM" predict rooms.safetensors --text 酒店服务好
	says "with another dictionary of friso"
	expect 1 env ENGRAM_FRISO="$tmp/none" "$ENGRAM" eval rooms.safetensors --split validation
	says "none/lex-main.lex': install it (Debian: apt install friso-dict)"
	expect 0 env ENGRAM_FRISO="$tmp/none" "$ENGRAM" info rooms.safetensors
	unset ENGRAM_FRISO
else
	echo "SKIPPED: Chinese words: built without libfriso"
fi

# The files of a folder.
mkdir -p code/inner
printf 'int a;\n' >code/a.c
printf 'int b;\n' >code/inner/b.c
printf 'no\n' >code/no.txt
expect 0 "$ENGRAM" data vocab odd.yaml --set data.path=code --set data.files=.c --json
says '"n": 14' # with a line end between them
expect 1 "$ENGRAM" data vocab odd.yaml --set data.path=code
says "is a folder: say which files in it are texts"
expect 1 "$ENGRAM" check odd.yaml --set data.files=.c --set data.source=tang-poems --set data.path=.
says "takes no 'files'"

# What does nothing, or cannot be, is refused with its line.
bad() {
	message=$1
	shift
	expect 1 "$ENGRAM" check animals.yaml "$@"
	says "$message"
}
bad "'min_count' does nothing with 'unit: subword'" --set data.min_count=2
bad "must be at least 300" --set data.max_size=299
bad "does nothing without 'unit: word'" --set data.words=friso
make_data
expect 1 "$ENGRAM" data vocab "$source/recipes/lenet5.yaml" --set data.source=idx --set data.path=. --set data.validation=0.1

done_testing
