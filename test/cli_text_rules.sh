#!/bin/sh
# One set of rules for all texts that are read: whatever is written with a byte order mark and CR LF, as editors elsewhere write it, gives
# the same answers, models and messages, byte for byte, as the same text without them. Recipes, texts, tables, tags, prompts, questions
# from files, folders of JSON and standard input, texts to inspect, lists of problems.
. test/cli_helpers

# dos FILE NEW: the same with a byte order mark and CR LF
dos() { { printf '\357\273\277' && awk '{ printf "%s\r\n", $0 }' "$1"; } >"$2"; }
# alike NAME COMMAND...: its output is the one kept as NAME, or is kept
alike() {
	name=$1
	shift
	expect 0 "$@"
	if [ -e "$name.kept" ]; then same out "$name.kept"; else cp out "$name.kept"; fi
	[ -s err ] && fail "$*: $(cat err)"
}

awk 'BEGIN {
	split("the cat sat on a mat|the dog ran to a hut|a fox hid in the den|an owl flew over us", line, "|")
	for (i = 0; i < 60; i++) print line[(i * i + int(i / 3)) % 4 + 1]
}' >animals.txt
dos animals.txt animals-dos.txt
cat >animals.yaml <<-END
	name: animals
	task: language
	data: {source: text, path: animals.txt, validation: 0.1, steps: 16}
	input: [time]
	model: [{embedding: 8}, {lstm: 8}, {linear: classes}]
	train: {loss: cross_entropy, optimizer: {adam: {lr: 2.0e-2}}, batch: 4, epochs: 2}
END
dos animals.yaml animals-dos.yaml
expect 0 "$ENGRAM" check animals-dos.yaml
expect 0 "$ENGRAM" train animals.yaml -q --threads 1 -o a.safetensors
for data in animals.txt animals-dos.txt; do
	expect 0 "$ENGRAM" train animals-dos.yaml -q --threads 1 --set data.path=animals.txt -o dos.safetensors
	same a.safetensors dos.safetensors
	cp $data judged.txt
	expect 0 "$ENGRAM" eval a.safetensors --path judged.txt --json
	sed 's/"seconds": [^,}]*//' out >judged
	if [ -e judged.kept ]; then same judged judged.kept; else cp judged judged.kept; fi
done

# Prompts, from a file, standard input, the command line; what is echoed has neither.
printf 'the cat\nsat on\n' >prompt.txt
dos prompt.txt prompt-dos.txt
for file in prompt.txt prompt-dos.txt; do
	alike prompt "$ENGRAM" generate a.safetensors -n 20 --prompt-file $file
	"$ENGRAM" generate a.safetensors -n 20 --prompt-file - <$file >out 2>err || fail "$(cat err)"
	same out prompt.kept
	expect 0 "$ENGRAM" inspect a.safetensors $file -o "inside-$file" --seeds 1 --threads 1
	expect 0 "$ENGRAM" predict a.safetensors --text "$(cat $file; printf x)" --json --top 2
	sed 's/"input": .*"answer"/"answer"/' out >next
	if [ -e next.kept ]; then same next next.kept; else cp next next.kept; fi
done
diff -r inside-prompt.txt inside-prompt-dos.txt >out 2>err || fail "other pictures: $(cat out)"
expect 0 "$ENGRAM" generate a.safetensors -n 20 --prompt "$(cat prompt-dos.txt; printf x)"
cp out prompt-argument
expect 0 "$ENGRAM" generate a.safetensors -n 20 --prompt "$(cat prompt.txt; printf x)"
same out prompt-argument

# A model of bytes takes bytes: there nothing is left out.
expect 0 "$ENGRAM" train animals.yaml -q --set data.unit=byte --set train.epochs=1 -o bytes.safetensors
expect 0 "$ENGRAM" generate bytes.safetensors -n 1 -t 0 --prompt-file prompt-dos.txt
head -c "$(wc -c <prompt-dos.txt)" out | cmp -s - prompt-dos.txt || fail "bytes were changed"

# Tables of texts, and questions by file, by line, as JSON.
awk 'BEGIN {
	print "text\tlabel"
	for (i = 0; i < 40; i++) print (i % 2 ? "put on the light " : "switch it off now ") i "\t" (i % 2 ? "on" : "off")
}' >table.tsv
dos table.tsv table-dos.tsv
cat >table.yaml <<-END
	name: table
	task: classify
	data: {source: tsv, path: table.tsv, test: 0.2, validation: 0.2, unit: word}
	input: [time]
	model: [{embedding: 8}, mean_time, {linear: classes}]
	train: {optimizer: adam, lr: 0.05, batch: 8, epochs: 3}
END
expect 0 "$ENGRAM" train table.yaml -q --threads 1 -o t.safetensors
printf 'put on the light\nswitch it off\n' >lines.txt
printf '{"text": "put on the light"}\n{"text": "switch it off"}\n' >lines.jsonl
printf 'put on\nthe light\n' >one.txt
for file in lines.txt lines.jsonl one.txt; do dos $file "dos-$file"; done
for as in '' dos-; do
	table=table.tsv
	[ "$as" ] && table="table-dos.tsv"
	expect 0 "$ENGRAM" train table.yaml -q --threads 1 --set data.path=$table --set data.test=0.2 -o t.safetensors
	alike table "$ENGRAM" predict t.safetensors --split test --json --truth
	"$ENGRAM" predict t.safetensors --json - <${as}lines.txt >out 2>err || fail "lines: $(cat err)"
	if [ -e lines.kept ]; then same out lines.kept; else cp out lines.kept; fi
	"$ENGRAM" predict t.safetensors --json - <${as}lines.jsonl >out 2>err || fail "JSON: $(cat err)"
	sed 's/"input": .*"answer"/"answer"/' out >answers
	if [ -e json.kept ]; then same answers json.kept; else cp answers json.kept; fi
	for file in lines.jsonl one.txt; do
		cp $as$file file-$file
		alike $file "$ENGRAM" predict t.safetensors --json file-$file
	done
done

# The same texts, a file each in a folder for each class, or in an archive: questions that are files are read as they are; what is
# empty, or no UTF-8, is named.
awk -F '\t' 'NR > 1 { print $1 "\t" $2 }' table.tsv | while IFS="$(printf '\t')" read -r text label; do
	for folder in mails mails-dos; do
		mkdir -p "$folder/$label"
		echo "$text" | tr ' ' '\n' >text.txt
		if [ $folder = mails ]; then cp text.txt "$folder/$label/$text.txt"; else dos text.txt "$folder/$label/$text.txt"; fi
		echo not this >"$folder/$label/readme"
	done
done
tar cf mails.tar mails
for path in mails mails-dos mails.tar; do
	expect 0 "$ENGRAM" train table.yaml -q --threads 1 --set data.source=texts --set data.path=$path -o m.safetensors
	cp m.safetensors asked.safetensors
	alike mails "$ENGRAM" predict asked.safetensors --split test --json --truth
	says '"id": "on/put on the light '
	[ "$(wc -l <out)" = 8 ] || fail "8 of 40 files are the test part: $(cat out)"
	answer=$(head -n 1 out | sed 's/.*"answer"/"answer"/; s/, "truth".*/}/')
	file=mails/$(head -n 1 out | sed 's/.*"id": "//; s/".*//')
	expect 0 "$ENGRAM" predict asked.safetensors "$file" --json
	says "$answer"
done
: >mails/on/empty.txt
printf 'Gr\374n\n' >mails/off/latin.txt
expect 1 "$ENGRAM" train table.yaml --set data.source=texts --set data.path=mails -o none.safetensors
says "'mails/on/empty.txt' is empty"
says "'mails/off/latin.txt', line 1, column 3: byte 0xFC"
says '2 of 42 records'
expect 0 "$ENGRAM" train table.yaml --set data.source=texts --set data.path=mails --set data.broken=skip -o m.safetensors
expect 0 "$ENGRAM" train table.yaml --set data.source=texts --set data.path=mails --set data.files=readme -q -o m.safetensors --set data.validation=0 --set data.test=0
expect 1 "$ENGRAM" train table.yaml --set data.source=texts --set data.path=mails --set data.files=.eml -o none.safetensors
says "there is no text in the class 'mails/off' (.eml)"

# Tokens with tags.
awk 'BEGIN { for (i = 0; i < 30; i++) print "Ada\tB-PER\nlives\tO\nin\tO\n" (i % 2 ? "Bern" : "Oslo") "\tB-LOC\n" }' >tags.conll
dos tags.conll tags-dos.conll
cat >tags.yaml <<-END
	name: tags
	task: tag
	data: {source: conll, path: tags.conll, validation: 0.2}
	input: [time]
	model: [{embedding: 8}, {lstm: 8}, {linear: classes}]
	train: {loss: cross_entropy, optimizer: adam, lr: 0.02, batch: 8, epochs: 2}
END
printf 'Ada lives in Bern\n' >who.txt
dos who.txt who-dos.txt
for as in '' -dos; do
	expect 0 "$ENGRAM" train tags.yaml -q --threads 1 -o g.safetensors --set data.path=tags$as.conll --set train.epochs=1
	cp who$as.txt asked.txt
	alike tag "$ENGRAM" predict g.safetensors --json asked.txt
done

# Problems to measure.
printf 'conv2d:n1c1h4w4k1r3s3p1q1u1v1\n' >problems
dos problems problems-dos
for file in problems problems-dos; do
	expect 0 "$ENGRAM" bench --runs 1 --no-peak -f $file --json
	[ "$(wc -l <out)" = 1 ] || fail "$(cat out)"
	expect 0 "$ENGRAM" tune-kernels -f $file --seconds 0.01 --threads 1 -o tuning.json
done
done_testing
