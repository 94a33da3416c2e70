#!/bin/sh
# Which words counted: engram predict --why and the page of engram inspect, on texts whose class depends on one word.
. test/cli_helpers

awk 'BEGIN {
	split("red green blue grey", colour, " ")
	split("house tree lake", thing, " ")
	print "text\tlabel"
	for (i = 0; i < 96; i++)
		print "the " colour[int(i / 2) % 4 + 1] " " thing[i % 3 + 1] (i % 2 ? " glows" : " fades") " at " (i % 5 ? "dusk" : "dawn") \
			"\t" (i % 2 ? "warm" : "cold")
}' >glow.tsv
cat >glow.yaml <<-END
	name: glow
	task: classify
	data: {source: tsv, path: glow.tsv, unit: word, validation: 0.2, ensemble: {floor: naive-bayes}}
	input: [time]
	model:
	  - embedding: 8
	  - gru: {hidden: 8, bidirectional: true, from: {lengths: lengths}}
	  - mean_time: {from: {lengths: lengths}}
	  - linear: classes
	train: {optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 4}
END

# checks TEXT: the word that counts most, with its place; all that the words add, and an empty text, are the log odds, which
# the probability gives too.
checks() {
	expect 0 "$ENGRAM" predict glow.safetensors --why --json --text "$1"
	tr '{' '\n' <out | awk '
	function number(key) { return match($0, "\"" key "\": [-0-9.e]*") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : 0 }
	/"share"/ {
		sum += number("adds"); part = number("share"); size = part < 0 ? -part : part; all += size
		if (size > most) { most = size; share = part; gone = number("occlusion"); place = number("start") "-" number("end"); match($0, /"text": "[^"]*/); word = substr($0, RSTART + 9, RLENGTH - 9) }
	}
	/"probability"/ && !p { p = number("probability") }
	/"log_odds"/ { odds = number("log_odds"); empty = number("empty"); error = number("error") }
	function near(a, b, by) { return a - b < by && b - a < by }
	END {
		print word, place, (share > 0.5 ? "counts" : share), (gone > odds / 2 ? "needed" : gone), \
			(near(sum + empty, odds, 0.01) && error < 0.01 ? "whole" : sum + empty " " odds), \
			(near(odds, log(p / (1 - p)), 0.01) ? "agrees" : p " " odds), (near(all, 1, 1e-9) ? "one" : all)
	}'
}
expect 0 "$ENGRAM" train glow.yaml -q
[ "$(checks 'the red house glows at dusk')" = "glows 14-19 counts needed whole agrees one" ] || fail "$(checks 'the red house glows at dusk')"
[ "$(checks ' a  grünes tree fades at dawn.')" = "fades 16-21 counts needed whole agrees one" ] || fail "$(checks ' a  grünes tree fades at dawn.')"
expect 0 "$ENGRAM" train glow.yaml -q --set data.ensemble.floor='[nbsvm-letters, logistic]'
[ "$(checks 'the red house glows at dusk')" = "glows 14-19 counts needed whole agrees one" ] || fail "$(checks 'the red house glows at dusk')"
expect 0 "$ENGRAM" train glow.yaml -q
expect 0 "$ENGRAM" predict glow.safetensors --why --text 'the lake glows'
says "log odds of warm against cold"
[ "$(sed -n 3p out | awk '{ print $NF }')" = "glows" ] || fail "$(cat out)"
expect 0 "$ENGRAM" predict glow.safetensors --why --text ''
expect 0 "$ENGRAM" predict glow.safetensors --why --text '' --json
says '"why": []'
# A question is a text, a file, a line, a map: the same words count, to the same digit.
printf 'the lake glows' >question.txt
printf '{"text": "the lake glows"}\n' >question.json
whole() { grep -o '"why": .*' "$1"; }
expect 0 "$ENGRAM" predict glow.safetensors --why --json --text 'the lake glows'
whole out >said
for way in question.txt question.json -; do
	"$ENGRAM" predict glow.safetensors --why --json "$way" <question.json >out 2>err || fail "--why of $way: $(cat err)"
	[ "$(whole out)" = "$(cat said)" ] || fail "--why of $way: $(cat out)"
done
# Several, and without the floor.
expect 0 "$ENGRAM" train glow.yaml -q --set 'data={source: tsv, path: glow.tsv, unit: word, validation: 0.2}'
printf 'the tree glows\nthe tree fades\n' >lines.txt
expect 0 "$ENGRAM" predict glow.safetensors --why --json --text 'the tree glows' --text 'the tree fades'
[ "$(grep -c '"why_of": {"class"' out)" = 2 ] || fail "$(cat out)"
[ "$(checks 'the red house glows at dusk')" = "glows 14-19 counts needed whole agrees one" ] || fail "$(checks 'the red house glows at dusk')"

# Capitals are read as small letters, here and where words are shown, and only where that is asked for.
expect 0 "$ENGRAM" train glow.yaml -q --set data.lower_case=true -o lower.safetensors
for model in lower glow; do
	expect 0 "$ENGRAM" predict $model.safetensors --json --text 'the red house glows' --text 'The RED house GLOWS'
	[ "$(sed 's/.*"answer"//' out | sort -u | wc -l)" = "$([ $model = lower ] && echo 1 || echo 2)" ] || fail "$model: $(cat out)"
done
expect 0 "$ENGRAM" predict lower.safetensors --why --json --text 'The RED house GLOWS'
says '"text": "GLOWS", "share": 0.'
expect 1 "$ENGRAM" check glow.yaml --set data.lower_case=true --set data.unit=byte
says "bytes are taken as they are"

# The page: the data's own texts, those of a file, and one.
expect 0 "$ENGRAM" inspect glow.safetensors -o inside
says "inside/words.html"
[ "$(grep -c '^<div>' inside/words.html)" = 16 ] || fail "$(grep -c '^<div>' inside/words.html) texts in the page"
grep -q 'it is labelled cold' inside/words.html || fail "no label in the page"
expect 0 "$ENGRAM" inspect glow.safetensors --text 'a <b> & "c" glows' -o inside
grep -q '&lt;' inside/words.html || fail "not escaped"
if command -v xmllint >/dev/null; then expect 0 xmllint --noout inside/words.html; fi
expect 0 "$ENGRAM" inspect glow.safetensors lines.txt -o inside
[ "$(grep -c '^<div>' inside/words.html)" = 2 ] || fail "not a text a line"
printf ' \r\nthe tree glows\r\n\t\n  ' >blank.txt
expect 0 "$ENGRAM" inspect glow.safetensors blank.txt -o inside
[ "$(grep -c '^<div>' inside/words.html)" = 1 ] || fail "blank lines are no texts: $(grep -c '^<div>' inside/words.html)"
# A network without recurrent layers has that page alone.
expect 0 "$ENGRAM" train glow.yaml -q --set 'model=[{embedding: 4}, {mean_time: {from: {lengths: lengths}}}, {linear: classes}]'
expect 0 "$ENGRAM" inspect glow.safetensors -o alone --json
says '"files": ["alone/words.html"]'

# Texts of one's own data that are too long to be weighed are not in the page.
awk 'BEGIN { print "text\tlabel"; for (i = 0; i < 8; i++) { for (k = 0; k < (i % 4 ? 3 : 5000); k++) printf "%s ", i % 2 ? "up" : "down"; print "\t" i % 2 } }' >long.tsv
sed 's/path: glow.tsv, unit: word.*/path: long.tsv, unit: word}/; s/epochs: 4/epochs: 1/; /gru/d' glow.yaml >long.yaml
expect 0 "$ENGRAM" train long.yaml -q -o long.safetensors
expect 0 "$ENGRAM" inspect long.safetensors -o long
[ "$(grep -c '^<div>' long/words.html)" = 6 ] || fail "$(grep -c '^<div>' long/words.html) of 6 short texts"

# What cannot be.
expect 0 "$ENGRAM" train glow.yaml -q --set data.longest=6 --set train.epochs=1 -o six.safetensors
expect 1 "$ENGRAM" inspect six.safetensors --text 'the red house glows at dusk and at dawn' -o inside
says "data.longest is 6"
expect 2 "$ENGRAM" predict glow.safetensors --why
says "texts that are named"
make_data
expect 0 "$ENGRAM" train quarters.yaml -q
expect 1 "$ENGRAM" predict quarters.safetensors --why third.pgm
says "models that classify texts"

done_testing
