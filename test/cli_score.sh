#!/bin/sh
# Language models as tools: engram score, and what generate is told of the text that it writes: where it stops, how many lines
# it has, its form, first characters, what it repeats; several texts side by side; gaps.
. test/cli_helpers

make_animals
expect 0 "$ENGRAM" train animals.yaml -q
number() { sed -n 's/.*"'"$1"'": \([-0-9.e+]*\).*/\1/p' out | head -n 1; }

# Scores: lines that were learnt take little, others much; lines add up to the whole; units of a line to the line.
printf 'the cat sat on a mat\nmat a no tas tac eht\n' >two.txt
expect 0 "$ENGRAM" score animals.safetensors two.txt
says "42 units (char)"
expect 0 "$ENGRAM" score animals.safetensors two.txt --json
json out
for key in '"file": "two.txt"' '"unit": "char"' '"n": 42' '"characters": 42' '"line": 2, "text": "mat a no tas tac eht", "n": 21'; do says "$key"; done
if command -v python3 >/dev/null && python3 -c '' 2>/dev/null; then
	python3 - <<-'END' 2>python.err || fail "score: $(tail -n 1 python.err)"
		import json, math
		v = json.load(open("out"))
		lines = v["lines"]
		assert lines[0]["nats"] * 8 < lines[1]["nats"], lines
		assert abs(sum(l["nats"] for l in lines) - v["nats"]) < 1e-9
		assert all(abs(sum(l["surprise"]) - l["nats"]) < 1e-9 and len(l["surprise"]) == l["n"] for l in lines)
		assert abs(v["loss"] - v["nats"] / 42) < 1e-12 and abs(v["perplexity"] - math.exp(v["loss"])) < 1e-9
		assert abs(v["bits"] * math.log(2) - v["loss"]) < 1e-12
	END
	# A page that is XML, with every unit once, and what XML forbids shown all the same.
	expect 0 "$ENGRAM" score animals.safetensors two.txt -o two.html
	says "two.html shows them"
	python3 - <<-'END' 2>python.err || fail "the page: $(tail -n 1 python.err)"
		import xml.etree.ElementTree as tree
		page = tree.parse("two.html")
		units = [i for i in page.iter("{http://www.w3.org/1999/xhtml}i") if i.get("title")]
		assert "".join(i.text for i in units) == "the cat sat on a mat\u21b5mat a no tas tac eht\u21b5", units
	END
fi
# What eval says of the same text: it does not count the first character, and knows of no line before.
expect 0 "$ENGRAM" eval animals.safetensors --path two.txt --json
judged=$(number loss)
expect 0 "$ENGRAM" score animals.safetensors two.txt --json
awk -v n="$(number nats)" -v e="$judged" 'BEGIN { d = n - 41 * e; exit !(d > -8 && d < 8) }' || fail "score and eval: $(number nats), $judged"
printf 'the cat\n' | "$ENGRAM" score animals.safetensors - >out 2>err || fail "standard input: $(cat err)"
says "8 units"
printf 'the Cat\n' >upper.txt
expect 1 "$ENGRAM" score animals.safetensors upper.txt
says "upper.txt, line 1, column 5"
: >empty.txt
expect 1 "$ENGRAM" score animals.safetensors empty.txt
says "there is no text in it"
expect 1 "$ENGRAM" score animals.safetensors missing.txt
expect 3 "$ENGRAM" score animals.safetensors two.txt -o missing/two.html
expect 2 "$ENGRAM" score animals.safetensors

# Where a text ends.
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' --stop 'at on' -t 0
[ "$(cat out)" = "the cat sat on" ] || fail "--stop: $(cat out)"
expect 0 "$ENGRAM" generate animals.safetensors -p 'a fo' --lines 2 -t 0
[ "$(wc -l <out)" = 2 ] || fail "--lines: $(cat out)"
expect 0 "$ENGRAM" generate animals.safetensors --acrostic 'tat' -t 0.3
[ "$(wc -l <out)" = 3 ] && [ "$(cut -c1 out | tr -d '\n')" = tat ] || fail "--acrostic: $(cat out)"
# Units that were just written are less likely.
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -t 0 -n 24 --only-new --repeat-penalty 1
cp out plain
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -t 0 -n 24 --only-new
same out plain
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -t 0 -n 10 --only-new --repeat-penalty 1000
[ "$(fold -w 1 out | sort | uniq -d | wc -l)" -le 1 ] || fail "--repeat-penalty: $(cat out)"

# Side by side they are what they are alone, more of them than are written at once too.
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -n 40 -t 1.2 --samples 19 --json
json out
[ "$(wc -l <out)" = 19 ] || fail "19 texts: $(wc -l <out)"
cp out many
[ "$(sed 's/"sample": [0-9]*//' many | sort -u | wc -l)" = 19 ] || fail "texts that are the same"
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -n 40 -t 1.2 --json
head -n 1 many >first
same out first
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' -n 40 -t 1.2 --samples 3 --json
head -n 3 many >first
same out first
expect 0 "$ENGRAM" generate animals.safetensors -p 'the ' --stop mat -t 1.2 --samples 2
[ "$(grep -c '^the ' out)" -ge 2 ] || fail "two texts: $(cat out)"

# Gaps.
expect 0 "$ENGRAM" generate animals.safetensors --fill 'the cat ___ a mat'
head -n 1 out >first
[ "$(cat first)" = "the cat sat on a mat" ] && [ "$(wc -l <out)" = 3 ] || fail "--fill: $(cat out)"
expect 0 "$ENGRAM" generate animals.safetensors --fill 'a fox ___ the den' --samples 1 --json
json out
says '"gap": "hid in"'
# What it says of it is what score says of the whole.
expect 0 "$ENGRAM" generate animals.safetensors --fill 'a ___' --samples 1 --length 3 --json
says '"nats_right": 0'

# What cannot be.
for options in '--form 7 --samples 2' '--form 7x' '--form 7x4x2' '--form 0x4' '--stop' '--lines 0' '--repeat-penalty 0.5' \
	'--form 7x4 --prompt a' '--acrostic ab --prompt a' '--acrostic ab --lines 2' '--form 7x4 --lines 3' '--state s --lines 2' \
	'--state s --stop a' '--state s --repeat-penalty 2' '--fill a___b --prompt a' '--fill a__b' '--fill a___b___c' '--fill a___b -t 0.5'; do
	# shellcheck disable=SC2086
	expect 2 "$ENGRAM" generate animals.safetensors $options
done
expect 2 "$ENGRAM" generate animals.safetensors --stop ''
expect 1 "$ENGRAM" generate animals.safetensors --form 7x4
says "a form needs a model that writes Chinese characters"
expect 1 "$ENGRAM" generate animals.safetensors --acrostic 'aZ'
says "the acrostic"
expect 1 "$ENGRAM" generate animals.safetensors --fill 'the Z ___ cat'
says "the text before the gap"

# Verse: the form holds whatever was learnt; the first characters are those that were asked for.
awk 'BEGIN {
	split("春 夏 秋 冬 山 水 花 月 人 心", c, " ")
	for (i = 0; i < 60; i++) {
		for (k = 0; k < 20; k++) {
			printf "%s", c[(i * 7 + k * k * 3 + int(i * k / 5)) % 10 + 1]
			if (k % 5 == 4) printf "%s", k % 10 == 4 ? "，" : k == 9 ? "。\n" : "。\n\n"
		}
	}
}' >verse.txt
cat >verse.yaml <<-END
	name: verse
	task: language
	data: {source: text, path: verse.txt, samples: true, validation: 0.1}
	input: [time]
	model: [{embedding: 8}, {gru: 16}, {linear: classes}]
	train: {optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 3}
END
expect 0 "$ENGRAM" train verse.yaml -q
# Bytes: three to a character, whatever the locale.
lines() { tr -d '\n' <out | LC_ALL=C sed 's/，\|。/&\n/g'; }
of_form() { lines | LC_ALL=C grep -cE "^(...){$1}(，|。)\$"; }
expect 0 "$ENGRAM" generate verse.safetensors --form 7x4 -t 2
[ "$(of_form 7)" = 4 ] || fail "--form 7x4: $(cat out)"
expect 0 "$ENGRAM" generate verse.safetensors --form 5x8 -t 3 --acrostic 春夏秋冬
[ "$(of_form 5)" = 8 ] || fail "--form 5x8: $(cat out)"
[ "$(lines | LC_ALL=C sed -n '1,4s/^\(...\).*/\1/p' | tr -d '\n')" = 春夏秋冬 ] || fail "its first characters: $(cat out)"
expect 0 "$ENGRAM" generate verse.safetensors --form 5x2 --samples 4 --json
[ "$(grep -c '"n": 12, "end": true' out)" = 4 ] || fail "four of a form: $(cat out)"
expect 1 "$ENGRAM" generate verse.safetensors --form 5x2 --acrostic 春夏秋
says "the acrostic has 3 characters, but the form has 2 lines"
expect 1 "$ENGRAM" generate verse.safetensors --form 5x2 --acrostic '，'
says "no Chinese character"
# Each paragraph is a sample, with its end.
expect 0 "$ENGRAM" score verse.safetensors verse.txt
says "units (char)"
printf '春夏秋冬山\n\n水花\n' >two.txt
expect 0 "$ENGRAM" score verse.safetensors two.txt --json
says '"n": 9'
says '"line": 3, "text": "水花", "n": 3'

done_testing
