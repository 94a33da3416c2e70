#!/bin/sh
# engram predict: files, folders, standard input, texts and the data's own records, of several tasks on small data; errors that do not stop the rest.
. test/cli_helpers
make_data

lines() { [ "$(wc -l <out)" = "$1" ] || fail "$(wc -l <out) lines instead of $1: $(head -c 400 out)"; }

# ---- pictures ----
expect 0 "$ENGRAM" train quarters.yaml -q
says_not "picture"

# A folder: every file in it, in the order of names, but no hidden ones and none of the folders in it.
mkdir -p shots/deep empty
for name in c a b deep/d .hidden; do cp third.pgm "shots/$name.pgm"; done
expect 0 "$ENGRAM" predict quarters.safetensors shots --top 1
lines 3
[ "$(cut -d' ' -f1 out | tr '\n' ' ')" = "shots/a.pgm shots/b.pgm shots/c.pgm " ] || fail "a folder: $(cat out)"
expect 0 "$ENGRAM" predict quarters.safetensors shots/ third.pgm --json
json out
lines 4
[ "$(sed 's/.*"input": "\([^"]*\)", "answer": {"class": "\([^"]*\)", "probability": [0-9.]*, "known": true, .*/\1 \2/' out | tr '\n' ';')" = \
	"shots/a.pgm south-west;shots/b.pgm south-west;shots/c.pgm south-west;third.pgm south-west;" ] || fail "a folder as JSON: $(cat out)"
says_not '"id"'
says_not '"truth"'
echo nothing >shots/b2.txt
expect 1 "$ENGRAM" predict quarters.safetensors shots empty missing.pgm third.pgm
lines 4
for bad in shots/b2.txt "empty: there is no file" missing.pgm; do says "$bad"; done
expect 1 "$ENGRAM" predict quarters.safetensors shots --json
json out
sed -n 3p out | grep -q '^{"input": "shots/b2.txt", "error": "cannot read' ||
	fail "the error is not in its place: $(cat out)"

# More than are asked at a time.
mkdir many
for i in 1 2 3 4 5 6 7; do for k in 0 1 2 3 4 5 6 7 8 9; do cp third.pgm "many/$i$k.pgm"; done; done
expect 0 "$ENGRAM" predict quarters.safetensors many --top 1
lines 70
sed 's/ .*//' out | sort -c 2>err || fail "not in order: $(head -n 40 out)"

# Standard input is one picture's bytes; a map of fields comes from a file.
"$ENGRAM" predict quarters.safetensors - --json <third.pgm >out 2>err || fail "from standard input: $(cat err)"
says '{"input": "-", "answer": {"class": "south-west"'
lines 1
printf '{"picture": "third.pgm"}\n\n{"pictur": "third.pgm"}\n{"picture": 3}\n{bad\n' >maps.jsonl
expect 1 "$ENGRAM" predict quarters.safetensors maps.jsonl --json
json out
lines 4
says '{"input": "maps.jsonl:1", "answer": {"class": "south-west"'
says "maps.jsonl:3: it has no 'picture'"
says '"input": "maps.jsonl:5", "error": '
expect 1 "$ENGRAM" predict quarters.safetensors missing.json third.pgm
says "cannot read missing.json"
lines 1
expect 1 "$ENGRAM" predict quarters.safetensors --text 'a picture'
says "the model does not take text"

# Options of the task, and none of another.
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm --top 1 --sure 1
grep -q '^third.pgm  south-west [> 0-9.]*%  (unknown)$' out || fail "--sure: $(cat out)"
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm --top=2 --json
[ "$(tr '{' '\n' <out | grep -c '^"class": .*"probability"')" = 3 ] || fail "--top: $(cat out)"
expect 1 "$ENGRAM" predict quarters.safetensors third.pgm --top 0
says "at least 1"
expect 1 "$ENGRAM" predict quarters.safetensors third.pgm --top many
expect 1 "$ENGRAM" predict quarters.safetensors third.pgm --invert perhaps
says "invert"
expect 2 "$ENGRAM" predict quarters.safetensors third.pgm --topp 2
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm -o "it's [a]: folder" --top 1
[ -d "it's [a]: folder" ] || fail "no folder was made: $(ls)"
expect 1 "$ENGRAM" predict quarters.safetensors third.pgm -o third.pgm
says "there is a file of that name"

# Records of the data: the part that eval judges by, or another; in their order, with what is right.
expect 0 "$ENGRAM" predict quarters.safetensors --json --truth
json out
lines 40
cp out test.jsonl
awk '{ if ($0 !~ "^{\"input\": null, \"id\": \"" NR - 1 "\", \"answer\": {") exit 1 }' out || fail "records: $(head -n 2 out)"
[ "$(grep -c '"truth": {"class": "north-east"}}$' out)" = 10 ] || fail "truth: $(head -n 2 out)"
expect 0 "$ENGRAM" predict quarters.safetensors --split test --json --truth --threads 2
same out test.jsonl
expect 0 "$ENGRAM" predict quarters.safetensors --split validation --truth
lines 32
grep -q '^[0-9]*  *south-east [> 0-9.]*%  .*  truth: south-east$' out || fail "validation: $(head -n 3 out)"
expect 0 "$ENGRAM" predict quarters.safetensors --split train --json
lines 128
says_not '"truth"'
expect 2 "$ENGRAM" predict quarters.safetensors third.pgm --truth
mkdir -p own/test/north-west own/test/south-west
cp third.pgm own/test/south-west/a.pgm
cp third.pgm own/test/north-west/b.pgm
expect 0 "$ENGRAM" predict quarters.safetensors --path own --truth --json
json out
lines 2
says '"truth": {"class": "north-west"}'
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm --json
# The same, but for the rounding: alone it is computed by another plan than with 39 others.
sed -n 3p test.jsonl | sed 's/.*"answer": //; s/, "truth".*//' >record
sed 's/.*"answer": //; s/}$//' out >file
awk -F '[][{}:, ]+' 'NR == 1 { n = split($0, record) }
	NR == 2 {
		for (i = 1; i <= NF || i <= n; i++)
			if ($i != record[i] && !($i ~ /^[0-9.e-]+$/ && ($i - record[i]) ^ 2 <= 1e-12)) bad = 1
	}
	END { exit bad || NR != 2 }' record file || fail "a file and a record with the same picture differ: $(cat record file)"

# ---- work that is allowed ----
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm --json --limit-macs 1M
expect 1 "$ENGRAM" predict quarters.safetensors third.pgm --limit-macs 1k
says "multiply-adds for one sample, and 1.0 k are allowed: allow more (limit_macs, --limit-macs)"
expect 1 "$ENGRAM" eval quarters.safetensors --limit-macs 1k
says "multiply-adds for one sample"
expect 0 "$ENGRAM" eval quarters.safetensors --limit-macs 0.001G

# ---- texts of several lengths, in classes ----
awk 'BEGIN {
	print "text\tlabel"
	for (i = 0; i < 120; i++) {
		word = i % 2 ? "yes" : "no"
		text = word
		for (k = 0; k < (i * 7) % 11; k++) text = text " " (k % 2 ? "well" : "hm")
		print text "\t" word
	}
}' >answers.tsv
cat >answers.yaml <<-END
	name: answers
	task: classify
	data: {source: tsv, path: answers.tsv, validation: 0.25}
	input: [time]
	model: [{embedding: 8}, {gru: 12}, last, {linear: classes}]
	train: {optimizer: {adam: {lr: 3.0e-2}}, batch: 10, epochs: 20}
END
expect 0 "$ENGRAM" check answers.yaml
expect 0 "$ENGRAM" train answers.yaml -q
expect 0 "$ENGRAM" predict answers.safetensors --split validation --json --truth
json out
lines 30
sed 's/.*"id": "\([0-9]*\)".*/\1/' out >ids
sort -n -c ids || fail "records of several lengths are not in order: $(tr '\n' ' ' <ids)"
expect 0 "$ENGRAM" predict answers.safetensors --text yes --text 'no hm well hm' --json --top 1
lines 2
sed -n 1p out | grep -q '^{"input": "yes", "answer": {"class": "yes"' || fail "--text: $(cat out)"
sed -n 2p out | grep -q '^{"input": "no hm well hm", "answer": {"class": "no"' || fail "--text: $(cat out)"
printf 'yes\n{"text": "no"}\nno hm\n{"txt": 1}\nyes hm well' | "$ENGRAM" predict answers.safetensors - --json --top 1 >out 2>err && fail "a wrong line went unnoticed"
json out
[ "$(sed 's/.*"class": "\([a-z]*\)", "probability": [0-9.]*}.*/\1/; s/.*"error".*/error/' out | tr '\n' ' ')" = "yes no no error yes " ] || fail "lines: $(cat out)"
says "standard input, line 4: it has no 'text'"
says '"input": "{\"text\": \"no\"}"'
printf 'yes' >yes.txt
expect 0 "$ENGRAM" predict answers.safetensors yes.txt --top 1
grep -q '^yes.txt  yes ' out || fail "a file of text: $(cat out)"
expect 1 "$ENGRAM" predict answers.safetensors third.pgm --invert yes
says "invert"

# Who asks line by line is answered line by line.
mkfifo ask reply
"$ENGRAM" predict answers.safetensors - --top 1 <ask >reply 2>err &
pid=$!
exec 3>ask 4<reply
for word in yes no yes; do
	echo $word >&3
	read -r line <&4
	case $line in "$word  $word "*) ;; *) fail "line by line: $line" ;; esac
done
exec 3>&- 4<&-
wait $pid || fail "line by line: exit code $?"

# ---- a text that goes on ----
awk 'BEGIN { for (i = 0; i < 200; i++) print "the cat sat on the mat" }' >cats.txt
cat >cats.yaml <<-END
	name: cats
	task: language
	data: {source: text, path: cats.txt, validation: 0.1, steps: 16}
	input: [time]
	model: [{embedding: 8}, {gru: 16}, {linear: classes}]
	train: {optimizer: {adam: {lr: 3.0e-2}}, batch: 4, epochs: 3}
END
expect 0 "$ENGRAM" train cats.yaml -q
expect 0 "$ENGRAM" predict cats.safetensors --text 'the cat sat on the m' --top 2 --json
says '{"input": "the cat sat on the m", "answer": {"next": [{"text": "a", "probability": 0.9'
expect 0 "$ENGRAM" predict cats.safetensors --json --truth
json out
grep -q '^{"input": null, "id": "0", "answer": {"units": \["[^]]*\], "nats": \[[^]]*\]}, "truth": {"units": \["' out || fail "a text's records: $(head -n 1 out)"
# Every prediction is there once: as many as eval judges.
units=$(sed 's/.*"nats": \[\([^]]*\)\].*/\1/' out | tr ',' '\n' | wc -l)
expect 0 "$ENGRAM" eval cats.safetensors --json
says "\"n\": $units,"
printf 'the mat\n' >own.txt
expect 0 "$ENGRAM" predict cats.safetensors --path own.txt --json
lines 1
expect 1 "$ENGRAM" predict cats.safetensors --text 'the Cat'
says "'C'"

# ---- numbers ----
cp "$source/recipes/adding.yaml" .
expect 0 "$ENGRAM" train adding.yaml -q --set data.steps=6 --set data.count=500 --set data.test_count=9 --set train.epochs=1 --set 'model.0={gru: {hidden: 4}}' \
	-o adding.safetensors
expect 0 "$ENGRAM" predict adding.safetensors --json --truth
json out
lines 9
grep -Eq '^\{"input": null, "id": "8", "answer": \{"values": \[-?[0-9.e-]+\]\}, "truth": \{"values": \[[0-9.]+\]\}\}$' out || fail "numbers: $(tail -n 1 out)"
series='[[0.5, 1], [0.25, 0], [0.125, 1]]'
echo "$series" | "$ENGRAM" predict adding.safetensors - --json >out 2>err || fail "a series: $(cat err)"
json out
sed 's/.*"answer": //; s/}$//' out >first
echo "{\"input\": $series}" >series.json
expect 0 "$ENGRAM" predict adding.safetensors series.json --json
says '"input": "series.json:1"'
sed 's/.*"answer": //; s/}$//' out | cmp -s - first || fail "a series in a map is another: $(cat out)"
echo '[[1, 2, 3]]' | "$ENGRAM" predict adding.safetensors - >out 2>err && fail "three numbers a step went unnoticed"
says "standard input, line 1"
expect 2 "$ENGRAM" predict adding.safetensors --path a --folder b
expect 1 "$ENGRAM" predict missing.safetensors
# Names that would command the terminal, turn the writing round or break lines are shown with '?' and spaces; JSON has them
# escaped. Nothing of them comes through, whatever verb tells them.
# Data with such names is refused, so they come with a model that somebody made: letters are changed in its header.
expect 1 "$ENGRAM" train quarters.yaml -q -o names.safetensors --set 'data.class_names=["a\e[31mb", b, c, d]'
says "control character"
for class in 'aXXXXXXX[31mbYYYYYYY' cZZZZZZZ2Jd eVVVVVVVfWWWWWWWg twoQQQlines; do
	mkdir -p "names/train/$class"
	for i in 1 2 3 4 5 6; do cp third.pgm "names/train/$class/$i.pgm"; done
done
cat >names.yaml <<-END
	name: names
	task: classify
	data: {source: folder, path: names, validation: 0.2}
	input: [1, 8, 8]
	model: [flatten, linear: classes]
	train: {epochs: 1}
END
harmless() {
	tr -d '\n' <out | od -An -v -tx1 | tr -d '\n' | grep -qE ' (0[0-9a-f]|1[0-9a-f]|7f|c2 [89][0-9a-f]|e2 80 a[89a-e]|e2 81 a[6-9a-f])' &&
		fail "bytes that command a terminal: $*: $(od -c out | head -20)"
	[ "$(wc -l <out)" = "$1" ] || fail "$2: not $1 lines but $(cat out)"
}
expect 0 "$ENGRAM" train names.yaml -q -o plain.safetensors
LC_ALL=C sed 's/XXXXXXX/\\\\u001b/g; s/YYYYYYY/\\\\u0007/g; s/ZZZZZZZ/\\\\u009b/g; s/VVVVVVV/\\\\u202e/g; s/WWWWWWW/\\\\u2066/g; s/QQQ/\\\\n/g' \
	plain.safetensors >names.safetensors
expect 0 "$ENGRAM" predict names.safetensors third.pgm --top 4
for name in 'a?[31mb?' 'c?2Jd' 'e?f?g' 'two?lines'; do says "$name"; done
harmless 1 predict
expect 0 "$ENGRAM" predict names.safetensors third.pgm --top 4 --json
for name in 'a\u001b[31mb\u0007' 'c\u009b2Jd' 'e\u202ef\u2066g' 'two\nlines'; do says "$name"; done
json out
harmless 1 "predict --json"
expect 1 "$ENGRAM" eval names.safetensors --split validation
says 'a?[31mb?'
cat err >>out
harmless 1 eval
expect 0 "$ENGRAM" info names.safetensors
says 'a?[31mb?'
harmless "$("$ENGRAM" info plain.safetensors | wc -l)" info
mkdir "$(printf 'x\033[2Jy')"
expect 1 "$ENGRAM" predict names.safetensors "$(printf 'x\033[2Jy\302\233\377')"
says 'x?[2Jy??'

done_testing
