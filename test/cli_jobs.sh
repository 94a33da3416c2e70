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
# Under a sanitizer, where all takes ten times as long: one part of each job, no figures, no real sets. They are looked at without.
sanitized=${ENGRAM_SANITIZE:+yes}
# agrees MODEL PART...: the metrics of these parts are those of the answers
agrees() {
	model=$1
	shift
	if [ "$sanitized" ]; then set -- "$1"; fi
	for part in "$@"; do expect 0 python3 "$source/test/check_answers" "$ENGRAM" "$model" "$part"; done
}
# notices MODEL PART SED: with one answer changed, by this command for sed, check_answers says that the figures do not agree
notices() {
	if [ "$sanitized" ]; then return; fi
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
	if [ "$sanitized" ]; then return; fi
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

train "$source/recipes/intent.yaml" intent.safetensors
reaches intent.safetensors test accuracy 0.6
agrees intent.safetensors test validation
expect 0 "$ENGRAM" predict intent.safetensors --text 'what time is it?' --text '现在几点了？' --json
json out
[ "$(grep -c '"answer": {"class": "Asking for the' out)" = 2 ] || fail "what time it is: $(cat out)"
printf '%s\n' 'Put milk on the shopping list' 'play some music' | "$ENGRAM" predict intent.safetensors --top 1 - >out 2>err || fail "lines: $(cat err)"
[ "$(wc -l <out)" = 2 ] || fail "not a line an answer: $(cat out)"

# ---- tag --------------------------------------------------------------------------------------------------------------

# sentences N SEED: persons of one or two words, and places, in sentences of words
sentences() {
	awk -v n="$1" -v seed="$2" 'function pick(k) { seed = (seed * 16807) % 2147483647; return seed % k }
	BEGIN {
		split("Ada Bo Cleo Dan Eve Finn", first, " "); split("Stone River Hill Wood", last, " ")
		split("Bern Oslo Lima Cairo Riga", place, " "); split("lives works waits walks", verb, " ")
		for (i = 0; i < n; i++) {
			print first[1 + pick(6)] "\tB-PER"
			if (pick(2)) print last[1 + pick(4)] "\tI-PER"
			print verb[1 + pick(4)] "\tO\nin\tO"
			print place[1 + pick(5)] "\tB-LOC"
			if (pick(3) == 0) print "with\tO\n" first[1 + pick(6)] "\tB-PER"
			print ".\tO\n"
		}
	}'
}
# characters: a name is what stands between < and >, a number is a number
characters() {
	awk -v n="$1" -v seed="$2" 'function pick(k) { seed = (seed * 16807) % 2147483647; return seed % k }
	BEGIN {
		for (i = 0; i < n; i++) {
			for (k = pick(4); k >= 0; k--) print substr("abcde", 1 + pick(5), 1) "\tO"
			print "王\tB-NAME\n" (pick(2) ? "明" : "芳") "\tI-NAME"
			for (k = pick(3); k >= 0; k--) print substr("abcde", 1 + pick(5), 1) "\tO"
			print pick(10) "\tB-NUM"
			for (k = pick(3); k > 0; k--) print pick(10) "\tI-NUM"
			print ""
		}
	}'
}
sentences 120 11 >words.tsv
characters 120 12 | gzip >characters.tsv.gz
cat >tag.yaml <<-END
	name: tag
	task: tag
	data: {source: conll, path: words.tsv, test_last: 30, validation: 0.2}
	input: [time]
	model:
	  - embedding: 12
	  - gru: {hidden: 12, bidirectional: true, from: {lengths: lengths}}
	  - linear: classes
	train: {loss: crf, optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 8}
END
train tag.yaml words.safetensors
reaches words.safetensors test f1 0.9
agrees words.safetensors test validation
notices words.safetensors test '1s/"type": "PER", "start": 0, "end": ./"type": "PER", "start": 0, "end": 5/'
expect 0 "$ENGRAM" predict words.safetensors --text 'Eve Wood works in Riga .' --json
json out
says '{"type": "PER", "start": 0, "end": 2, "text": "Eve Wood"}'
says '{"type": "LOC", "start": 4, "end": 5, "text": "Riga"}'
train tag.yaml characters.safetensors --set data.path=characters.tsv.gz --set train.loss=cross_entropy
reaches characters.safetensors test f1 0.9
agrees characters.safetensors test validation
expect 0 "$ENGRAM" predict characters.safetensors --text 'ab王芳c42' --json
says '{"type": "NAME", "start": 2, "end": 4, "text": "王芳"}'
says '{"type": "NUM", "start": 5, "end": 7, "text": "42"}'

# ---- segment ----------------------------------------------------------------------------------------------------------

# Pictures of grey, with a red box and a green one: a class each; some pixels belong to none.
python3 - <<'END'
import os, random, struct, zlib
def png(path, w, h, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(r) for r in rows))) + chunk(b"IEND", b""))
def make(rng, folder, name, w=24, h=20):
    mask, picture = [[0] * w for _ in range(h)], [[[90, 90, 90] for _ in range(w)] for _ in range(h)]
    for k in (1, 2):
        x, y, a, b = rng.randrange(w - 6), rng.randrange(h - 6), rng.randrange(4, 10), rng.randrange(4, 10)
        for j in range(y, min(y + b, h)):
            for i in range(x, min(x + a, w)):
                mask[j][i], picture[j][i] = k, [200, 60, 60] if k == 1 else [60, 200, 60]
    for i in range(w):
        mask[0][i] = 3  # no class
    with open(f"scenes/{folder}/{name}.ppm", "wb") as f:
        f.write(b"P6\n%d %d\n255\n" % (w, h))
        f.write(bytes(min(255, max(0, c + rng.randrange(-40, 40))) for row in picture for p in row for c in p))
    png(f"scenes/{folder}annot/{name}.png", w, h, mask)
rng = random.Random(5)
for folder, n in ("train", 40), ("val", 10), ("test", 10):
    os.makedirs(f"scenes/{folder}")
    os.makedirs(f"scenes/{folder}annot")
    for i in range(n):
        make(rng, folder, f"{i:02}")
png("smaller.png", 20, 20, [[0] * 20 for _ in range(20)])
END
cat >scenes.yaml <<-END
	name: scenes
	task: segment
	data: {source: masks, path: scenes, class_names: [ground, red, green], void: 3, resize: true}
	input: [3, 16, 16]
	model:
	  - conv: {filters: 8, kernel: 3, padding: 1}
	  - relu: {name: fine}
	  - maxpool: 2
	  - conv: {filters: 8, kernel: 3, padding: 1}
	  - relu
	  - upsample: {scale: 2, name: coarse}
	  - concat: {from: [coarse, fine]}
	  - conv: {filters: classes, kernel: 1}
	train: {loss: cross_entropy, optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 8}
END
train scenes.yaml scenes.safetensors
reaches scenes.safetensors test miou 0.6
agrees scenes.safetensors test validation
notices scenes.safetensors test '3s/"runs": .*, "shares"/"runs": [[0, 480]], "shares"/'
expect 0 "$ENGRAM" predict scenes.safetensors -o coloured scenes/test/00.ppm scenes/test/01.ppm
for name in 00 01; do
	head -c 4 coloured/$name*.png 2>/dev/null | tail -c 3 | grep -q PNG || fail "no picture of $name: $(ls coloured; cat out)"
done

# ---- translate ---------------------------------------------------------------------------------------------------------

awk 'BEGIN {
	seed = 7
	for (i = 0; i < 600; i++) {
		word = back = ""
		for (k = 0; k < 2 + i % 3; k++) {
			seed = (seed * 16807) % 2147483647
			word = word substr("abcde", 1 + seed % 5, 1)
			back = substr("ABCDE", 1 + seed % 5, 1) back
		}
		print word "\t" back
	}
}' >words.tsv
cat >backwards.yaml <<-END
	name: backwards
	task: translate
	data: {source: pairs, path: words.tsv, bleu: char}
	inputs: {text: [source], previous: [time]}
	model:
	  - embedding: {size: 16, from: text}
	  - lstm: {hidden: 16, bidirectional: true, name: memory, from: {lengths: lengths.source}}
	  - embedding: {size: 16, count: classes, from: previous}
	  - lstm: {hidden: 32, name: state}
	  - multiplicative_attention: {from: [state, memory, lengths.source], name: seen}
	  - concat: {from: [state, seen], axis: 2}
	  - lstm: 32
	  - linear: classes
	outputs: {attention: seen.weights}
	train: {loss: cross_entropy, optimizer: {adam: {lr: 2.0e-2}}, schedule: cosine, batch: 16, epochs: 8, seed: 1}
END
train backwards.yaml backwards.safetensors --threads 1
reaches backwards.safetensors test exact 0.6
agrees backwards.safetensors test validation
notices backwards.safetensors test '2s/"text": "[A-E]*", "logprob/"text": "ZZ", "logprob/'
expect 0 "$ENGRAM" predict backwards.safetensors --text abc --text dcb --json --beam 2 --alignment .
json out
says '"text": "CBA"'
says '"file": "./dcb.svg"'
grep -q '>D</text>' dcb.svg || fail "no unit in the picture"
expect 0 "$ENGRAM" train backwards.yaml --folds 2 --threads 1 --set train.epochs=1 --json
says '"bleu"'
expect 0 "$ENGRAM" floor backwards.yaml --json
says translation-memory

# ---- reply -------------------------------------------------------------------------------------------------------------

awk 'BEGIN {
	seed = 1
	split("Ann Bob Dot Gus Kim Liz", names, " ")
	for (i = 0; i < 420; i++) {
		seed = (seed * 16807) % 2147483647
		name = names[1 + seed % 6]
		printf "%s\tHi!\tWho?\t%s\n", name, name
	}
}' >talks.tsv
cat >names.yaml <<-END
	name: names
	task: reply
	data: {source: dialogue, path: talks.tsv, form: tabs, validation: 0.05}
	input: [time]
	model:
	  - embedding: 16
	  - gru: {hidden: 24, name: read}
	  - multi_head_attention: {heads: 2, causal: true, context: 40, name: seen}
	  - concat: {from: [read, seen], axis: 2}
	  - linear: classes
	train: {loss: cross_entropy, optimizer: {adam: {lr: 2.0e-2}}, schedule: cosine, batch: 32, epochs: 8, seed: 2}
END
train names.yaml names.safetensors --threads 1
reaches names.safetensors test exact 0.9
reaches names.safetensors test right_of_ten 0.9
reaches names.safetensors test right_of_ten_by_gain 0.6
agrees names.safetensors test validation
notices names.safetensors test '3s/"text": "[A-Za-z!?]*", "logprob/"text": "ZZ", "logprob/'
expect 0 "$ENGRAM" floor names.yaml --json
says '"right_of_ten": 0'

# chats CODE OPTION...: with what is in the file `lines`
chats() {
	code=$1
	shift
	expect "$code" sh -c 'exec "$0" chat "$@" <lines' "$ENGRAM" "$@"
}
# The talk is kept: the name that was said comes back two lines later, until it is forgotten.
printf 'Bob\nWho?\n/reset\nKim\r\nWho?\n/quit\nGus\n' >lines
chats 0 names.safetensors --greedy --json
[ "$(sed -n 's/.*"text": "\([^"]*\)".*/\1/p' out | tr '\n' ' ')" = "Hi! Bob Hi! Kim " ] || fail "not the answers of this talk: $(cat out)"
chats 0 names.safetensors --greedy
[ "$(cat out)" = "$(printf 'Hi!\n\nBob\n\nHi!\n\nKim\n')" ] || fail "answers and empty lines: $(cat out)"
# What is no turn is named, and the talk goes on.
printf '\nBob\377\n/what\nB\360\237\230\200b\nWho?' >lines
chats 1 names.safetensors --beam 3
[ "$(grep -c . out)" = 2 ] || fail "not two answers: $(cat out)"
for words in 'line 1 is empty' 'line 2, column 4: this is no UTF-8 text (byte 0xFF)' "line 3: there is no command '/what'" 'unknown to the model'; do
	grep -q -- "$words" err || fail "no '$words': $(cat err)"
done
head -c 1000000 /dev/zero | tr '\0' B >lines
chats 0 names.safetensors --seed 3 --temperature 0.5
grep -q 'line 1 is too long: the model reads the last 256 units' err || fail "a long line: $(cat err)"
expect 0 "$ENGRAM" train names.yaml -q --threads 1 -o by-words.safetensors --set data.unit=word --set data.longest.text=12 --set train.epochs=1
echo 'Bob Bob Bob Bob Bob' >lines
chats 0 by-words.safetensors --greedy # of words, in many letters
[ ! -s err ] || fail "a short line: $(cat err)"
expect 1 "$ENGRAM" chat backwards.safetensors
grep -q "does not talk" err || fail "a model of another task: $(cat err)"
expect 2 "$ENGRAM" chat names.safetensors --greedy --beam 2
expect 2 "$ENGRAM" chat names.safetensors --as ''

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

# ---- the real sets ----------------------------------------------------------------------------------------------------

if [ -z "$sanitized" ] && [ -d "${ENGRAM_DATA:-/nowhere}/ner" ]; then
	train "$source/recipes/ner-small.yaml" ner.safetensors --set data.limit=600 --set train.epochs=3
	agrees ner.safetensors validation
	reaches ner.safetensors validation accuracy 0.85
fi
if [ -z "$sanitized" ] && [ -d "${ENGRAM_DATA:-/nowhere}/segmentation" ]; then
	train "$source/recipes/camvid-small.yaml" camvid.safetensors --set 'input=[3, 48, 64]' --set data.limit=60 --set train.epochs=2
	agrees camvid.safetensors validation
	reaches camvid.safetensors validation pixel_accuracy 0.4
fi

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
head -c 300 characters.tsv.gz >cut.tsv.gz
bad "cut.tsv.gz" tag.yaml --set data.path=cut.tsv.gz
{ cat words.tsv; printf 'Ada\tB-PER\nwalks\n'; } >no-tag.tsv
bad "no-tag.tsv:$(wc -l <no-tag.tsv | tr -d ' '): 'walks' has no tag" tag.yaml --set data.path=no-tag.tsv
{ cat words.tsv; printf 'Ada\tB-PER\tNNP\n'; } >three.tsv
bad "three.tsv:$(wc -l <three.tsv | tr -d ' '): 3 columns" tag.yaml --set data.path=three.tsv
{ head -n 20 words.tsv; printf 'Z\374rich\tB-LOC\n'; } >latin.tsv
bad "latin.tsv" tag.yaml --set data.path=latin.tsv
says "21"
bad "nowhere.tsv" tag.yaml --set data.path=nowhere.tsv
printf 'text\tlabel\nhello\tgreeting\nbye\n' >bare.tsv
sed 's/task: tag/task: classify/; s/loss: crf/loss: cross_entropy/; s/source: conll.*/source: tsv, path: bare.tsv}/; s/  - linear/  - last: {from: {lengths: lengths}}\n  - linear/' tag.yaml >tsv.yaml
bad "bare.tsv:3: 1 column" tsv.yaml
printf 'words\tlabel\nhello\tgreeting\n' >headless.tsv
bad "headless.tsv:1: there is no column 'text'" tsv.yaml --set data.path=headless.tsv

mv scenes/trainannot/07.png kept.png
bad "scenes/train/07.ppm' has no mask" scenes.yaml
cp smaller.png scenes/trainannot/07.png
bad "scenes/trainannot/07.png" scenes.yaml
says "20 x 20"
head -c 60 kept.png >scenes/trainannot/07.png
bad "scenes/trainannot/07.png" scenes.yaml
mv kept.png scenes/trainannot/07.png
bad "class" scenes.yaml --set 'data.class_names=[ground, red]'
done_testing
