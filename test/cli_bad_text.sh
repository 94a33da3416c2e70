#!/bin/sh
# Texts that are wrong, for each task that reads them: every message says where (file, line, and column where there is one) and
# what to do; `broken: skip` leaves out the one record and nothing else; and what only looks wrong is read and lost nowhere: empty lines,
# a tag I-X that follows nothing, a line of a million characters, right-to-left scripts, emoji of several code points.
# shellcheck disable=SC2059,SC2086
. test/cli_helpers

tags() { awk 'BEGIN { for (i = 0; i < 20; i++) print "Ada\tB-PER\nin\tO\n" (i % 2 ? "Bern" : "Oslo") "\tB-LOC\n" }'; }
rows() { awk 'BEGIN { print "text\tlabel"; for (i = 0; i < 20; i++) print (i % 2 ? "light on " : "light off ") i "\t" (i % 2 ? "on" : "off") }'; }
pairs() { awk 'BEGIN { for (i = 0; i < 60; i++) print "number " i "\tnombre " i }'; }
cat >tag.yaml <<-END
	name: tag
	task: tag
	data: {source: conll, path: tag.txt, validation: 0.2}
	input: [time]
	model: [{embedding: 4}, {linear: classes}]
	train: {loss: crf, batch: 8, epochs: 1}
END
cat >classify.yaml <<-END
	name: classify
	task: classify
	data: {source: tsv, path: classify.txt, unit: word}
	input: [time]
	model: [{embedding: 4}, mean_time, {linear: classes}]
	train: {batch: 8, epochs: 1}
END
cat >translate.yaml <<-END
	name: translate
	task: translate
	data: {source: pairs, path: translate.txt, unit: word, longest: {text: 20, target: 20}, cut: true}
	inputs: {text: [source], previous: [time]}
	model:
	  - embedding: {size: 4, from: text, name: memory}
	  - embedding: {size: 4, count: classes, from: previous, name: state}
	  - multiplicative_attention: {from: [state, memory, lengths.source], name: seen}
	  - concat: {from: [state, seen], axis: 2}
	  - linear: classes
	outputs: {attention: seen.weights}
	train: {loss: cross_entropy, batch: 8, epochs: 1}
END
for task in tag classify translate; do
	case $task in tag) tags ;; classify) rows ;; translate) pairs ;; esac >$task.good
done
train() { expect "$1" "$ENGRAM" train "$2.yaml" --threads 1 -o "$2.safetensors" --set train.epochs=1; }
# wrong TASK TEXT WORDS...: data that ends in TEXT (as printf has it) is refused with these words, and left out with `broken: skip`
wrong() {
	task=$1
	{ cat "$task.good" && printf "$2"; } >"$task.txt"
	shift 2
	train 1 $task
	for words in "$@"; do says "$words"; done
	says "broken: skip"
	sed 's/path:/broken: skip, path:/' $task.yaml >skip.yaml
	expect 0 "$ENGRAM" data show skip.yaml
	says '1 of '
	says ' records that cannot be read is left out'
}
# right TASK TEXT: data that ends in TEXT is read
right() {
	{ cat "$1.good" && printf "$2"; } >"$1.txt"
	train 0 "$1"
}

wrong tag 'Gr\374n\tO\n\n' "'tag.txt', line 81, column 3: byte 0xFC" "iconv -f LATIN1"
wrong tag 'Gr\n\n' "tag.txt:81: 'Gr' has no tag; write the token, a tab, and its tag"
wrong tag 'a\tO\tO\n\n' "tag.txt:81: 3 columns; say in which the tag is: 'tag_column: 3'"
wrong tag '\tO\n\n' "tag.txt:81: there is no token before the tag 'O'"
wrong classify 'Gr\374n\ton\n' "'classify.txt', line 22, column 3: byte 0xFC" "iconv -f LATIN1"
wrong classify 'no label\n' "classify.txt:22: 1 column, but the first line names 2"
wrong classify 'no label\t\n' "classify.txt:22: there is no label; write one"
wrong translate 'Gr\374n\tvert\n' "'translate.txt', line 61, column 3: byte 0xFC" "iconv -f LATIN1"
wrong translate 'no translation\n' "translate.txt:61: there is to be a tab between a sentence and its translation"
wrong translate 'no translation\t\n' "translate.txt:61: there is to be a sentence on each side of the tab"

# A tag that goes on with nothing begins a name, and is told of once, with its place.
right tag 'a\tO\nb\tI-LOC\n\n'
says "1 of the tags I-... follow none of their type (the first: tag.txt:82)"
expect 0 "$ENGRAM" data show conll --set path=tag.txt
says 'B-LOC: 20 '
says 'I-LOC: 1'

cat >lists.yaml <<-END
	name: lists
	task: tag
	data: {source: jsonl, path: lists.txt, tokens: words, tags: names}
	input: [time]
	model: [{embedding: 4}, {linear: classes}]
	train: {loss: crf, batch: 8, epochs: 1}
END
for i in 1 2 3 4; do echo '{"words": ["Ada", "in", "Bern"], "names": ["B-PER", "O", "B-LOC"]}'; done >lists.good
wrong lists '{"words": ["Ada", "in"], "names": ["B-PER"]}\n' "lists.txt:5: 2 tokens, but 1 tags"
wrong lists '{"words": ["Ada", "in"] "names": ["B-PER", "O"]}\n' "lists.txt:5: JSON" "column 31"
right lists '{"words": ["Rom"], "names": ["I-LOC"]}\n'
says "1 of the tags I-... follow none of their type (the first: lists.txt:5)"

# Empty lines, right to left, families and flags: nothing is lost on the way to the answer.
odd='שלום עולם 👩‍👩‍👧‍👦 🇨🇭 e\314\201'
right tag "\n\n  \nשלום\tB-LOC\n👩‍👩‍👧‍👦\tO\n\n"
expect 0 "$ENGRAM" predict tag.safetensors --split train --json
says '"id": "20"'
for task in classify translate; do
	right $task "\n$odd\tx\n\n$odd\ty\n"
	printf "$odd\n\n$odd" | "$ENGRAM" predict $task.safetensors --json - >out 2>err || fail "$task: $(cat err)"
	[ "$(grep -c "\"input\": \"$(printf "$odd")\"" out)" = 2 ] || fail "$task: $(cat out)"
	[ "$(wc -l <out)" = 3 ] || fail "an empty line was not answered: $(cat out)"
	printf 'a\nGr\374n\nb\n' | "$ENGRAM" predict $task.safetensors --json - >out 2>err && fail "$task: Latin-1 was read"
	grep -q 'line 2, column 3: byte 0xFC' out || fail "$task: $(cat out)"
	[ "$(grep -c '"answer"' out)" = 2 ] || fail "what is around a wrong line was not answered: $(cat out)"
done

# Pictures of where it looks: an empty text has one, and texts that only end differently have one each.
long='number one and number two and number three and number four and number'
expect 0 "$ENGRAM" predict translate.safetensors --text '' --text "$long 5" --text "$long 6" --alignment .
[ -e empty.svg ] || fail "no picture of an empty text: $(cat out)"
set -- "number one"*.svg
[ $# = 2 ] || fail "not two pictures of two texts: $*"

# A million characters in a line: one token, one word, many words; cut where the recipe says so, told where it does not.
head -c 1000000 /dev/zero | tr '\0' x >long
yes a | head -n 500000 | tr '\n' ' ' >words
{ cat tag.good && cat long && printf '\tO\n\n'; } >tag.txt
train 0 tag
{ cat classify.good && cat words && printf '\tonce\n'; } >classify.txt
train 0 classify
says "classify.txt:22 has 500000 steps, the median 3: the batch that it is in takes that many times the memory and time"
says "of 1 of the 3 classes there is at most one text to train on (of 'once' one)"
{ cat translate.good && cat long && printf '\t' && cat words; } >translate.txt
train 0 translate
"$ENGRAM" predict classify.safetensors --json - <words >out 2>err || fail "$(cat err)"
[ "$(grep -c '"answer"' out)" = 1 ] || fail "the long line was not answered"

# A line that is more than the network can take: it is named, those around it are answered.
{ echo Ada && tr '\n' ' ' <words && echo && echo Bern; } >three
cat >wide.yaml <<-END
	name: wide
	task: tag
	data: {source: conll, path: tag.good, validation: 0.2}
	input: [time]
	model: [{embedding: 4}, {linear: 5000}, {linear: classes}]
	train: {batch: 8, epochs: 1}
END
train 0 wide
"$ENGRAM" predict wide.safetensors --threads 1 - <three >out 2>err && fail "2,500 million numbers were computed"
says "standard input, line 2, 500000 steps: "
[ "$(wc -l <out)" = 2 ] || fail "what is around a long line was not answered: $(cat out)"
done_testing
