#!/bin/sh
# Recordings of one's own: in folders, with transcripts beside them or in lists; as they come, on standard input; and
# what is wrong with some of them.
. test/cli_helpers

# le BYTES NUMBER: a whole number, the lowest byte first
le() {
	n=$2
	for _ in $(seq "$1"); do
		bytes $((n & 255))
		n=$((n >> 8))
	done
}
# wav FILE RATE CHANNELS BITS SAMPLES STEP: a saw tooth, STEP bytes up in each sample
wav() {
	each=$(($4 * $3 / 8))
	{
		printf RIFF && le 4 $((36 + $5 * each)) && printf 'WAVEfmt ' && le 4 16 && le 2 1 && le 2 "$3" && le 4 "$2"
		le 4 $(($2 * each)) && le 2 "$each" && le 2 "$4" && printf data && le 4 $(($5 * each))
		# shellcheck disable=SC2059
		printf "$(awk -v n="$5" -v c="$3" -v b="$(($4 / 8))" -v s="$6" 'BEGIN {
			for (i = 0; i < n; i++)
				for (k = 0; k < c; k++) {
					for (j = 1; j < b; j++) printf "\\000"
					printf "\\%03o", (i * s) % 256
				}
		}')"
	} >"$1"
}
mkdir -p said told/low told/high
for i in 1 2 3 4 5 6; do
	wav "said/$i.wav" 8000 1 16 $((1500 + 40 * i)) $((i % 2 * 60 + 8 + i))
	[ $((i % 2)) = 1 ] && echo high >"said/$i.txt" || printf 'low\n\n' >"said/$i.txt"
	cp "said/$i.wav" "told/$(head -n 1 "said/$i.txt")/$i.wav"
done
cat >said.yaml <<-END
	name: said
	task: transcribe
	data: {source: transcripts, path: said, test: 0.3, sound: {rate: 8000, bands: 12}}
	input: [time, 12]
	model: [{causal_conv1d: {filters: 8, kernel: 3, from: {lengths: lengths}}}, relu, {gru: {hidden: 8, from: {lengths: lengths}}}, {linear: classes}]
	train: {loss: {ctc: {zero_infinity: true}}, optimizer: {adam: {lr: 0.02}}, batch: 4, epochs: 12, seed: 3}
END
"$ENGRAM" train said.yaml -q -o said.safetensors >out 2>err
if grep -q 'was built without' err; then exit 77; fi
[ -e said.safetensors ] || fail "no training: $(cat err)"
expect 0 "$ENGRAM" predict said.safetensors said/1.wav said/2.wav --json
json out
expect 0 "$ENGRAM" predict said.safetensors --truth --json
says '"truth": {"text": '

# As a file of ONNX it takes sound; what is written is read again and compared by the program itself.
# written SETTINGS WIDTH: a model of another kind of features, WIDTH numbers a step
written() {
	sed "s/bands: 12}/$1}/;s/time, 12/time, $2/;s/epochs: 12/epochs: 1/" said.yaml >kind.yaml
	expect 0 "$ENGRAM" train kind.yaml -q -o kind.safetensors
	expect 0 "$ENGRAM" export kind.safetensors --to onnx
	says 'it takes sound, one channel of 8000 samples a second'
	says 'gives the same on random numbers in 2 runs'
}
if "$ENGRAM" --version | grep -q protobuf-c; then
	expect 0 "$ENGRAM" export said.safetensors --to onnx
	says 'it takes sound, one channel of 8000 samples a second'
	expect 0 "$ENGRAM" info said.onnx
	says 'sound: float (batch,samples)'
	rm said.onnx
	expect 1 "$ENGRAM" export said.safetensors --to onnx --opset 16
	says 'STFT, which came with opset 17; wanted is 16'
	says '--features writes a model that takes features'
	[ ! -e said.onnx ] || fail 'said.onnx was left behind'
	expect 0 "$ENGRAM" export said.safetensors --to onnx --opset 16 --features
	expect 0 "$ENGRAM" info said.onnx
	says 'input: float (time,batch,12)'
	written 'bands: 12, features: mfcc, coefficients: 5, deltas: 2, fft: 300, after: 0.05' 15
	written 'bands: 12, scale: record, hop: 0.03' 12
	written 'bands: 12, scale: no, deltas: 1' 24
	written 'features: raw, window: 0.005, hop: 0.004' 40
	expect 0 "$ENGRAM" export kind.safetensors --to onnx --opset 13
fi

# The same in lists, and by class.
{
	echo file,words,who
	for i in 1 2 3 4 5 6; do echo "$i.wav,$(head -n 1 "said/$i.txt"),anna"; done
} >said/list.csv
for i in 1 2 3 4 5 6; do echo "{\"file\": \"$i.wav\", \"words\": \"$(head -n 1 "said/$i.txt")\"}"; done >said/list.jsonl
for list in csv jsonl; do
	expect 0 "$ENGRAM" data show $list --set path=said/list.$list --set sound_file=file --set text=words -n 1
	says 'records     6'
	says 'at 8,000 Hz'
	expect 0 "$ENGRAM" eval said.safetensors --data transcripts --path said
done
tar cf said.tar said
expect 0 "$ENGRAM" eval said.safetensors --data transcripts --path said.tar
cat >told.yaml <<-END
	name: told
	task: classify
	data: {source: recordings, path: told, sound: {rate: 8000, bands: 12}}
	input: [time, 12]
	model: [mean_time, {linear: classes}]
	train: {loss: cross_entropy, batch: 2, epochs: 2, seed: 1}
END
expect 0 "$ENGRAM" train told.yaml -q -o told.safetensors
expect 0 "$ENGRAM" predict told.safetensors told/high/1.wav --json
says '"class": "'
mkdir parts && cp -r told parts/train && mkdir parts/test && cp -r told/low parts/test/low
expect 0 "$ENGRAM" data show recordings --set path=parts -n 1
says 'test'
says 'records              3'

# Any rate, any number of channels and bits.
wav odd.wav 11025 2 24 3000 17
wav nothing.wav 8000 1 16 1600 0
expect 0 "$ENGRAM" predict said.safetensors odd.wav nothing.wav --json
json out

# What is wrong is named.
mkdir bad && cp said/*.wav said/*.txt bad
rm bad/1.txt
: >bad/2.wav
head -c 1000 said/3.wav >bad/3.wav
: >bad/4.txt
expect 1 "$ENGRAM" train said.yaml --set data.path=bad -o none.safetensors
says "'bad/1.wav' has no transcript: write what is said in it into 'bad/1.txt'"
expect 0 "$ENGRAM" data show transcripts --set path=bad --set broken=skip -n 1
says 'records     2'
says "bad/2.wav"
says "bad/4.txt' is empty"
cp -r said long && printf 'high and higher than that, and higher than this, and higher again, and then low, and lower than low, and the lowest of all that is low\n' >long/1.txt
expect 0 "$ENGRAM" train said.yaml --set data.path=long --set data.test=0 -o long.safetensors
says '1 recording'
cp -r said hushed && { head -c 44 said/1.wav; tail -c +45 said/1.wav | tr '\000-\377' '\000'; } >hushed/1.wav
expect 0 "$ENGRAM" train said.yaml --set data.path=hushed --set data.test=0 -o hushed.safetensors
says '1 recording is silent from end to end'
says 'hushed/1.wav'
expect 0 "$ENGRAM" predict said.safetensors hushed/1.wav said/1.wav
says '(silent)'
[ "$(grep -c silent out)" = 1 ] || fail 'a recording that is not silent is called so'
expect 0 "$ENGRAM" predict said.safetensors hushed/1.wav --json
json out
says '"silent": true'
sed 's/rate: 8000, //' said.yaml >any.yaml
expect 1 "$ENGRAM" train any.yaml -o none.safetensors
says 'data.sound: {rate: 16000}'
cp -r said new
for i in 1 2 3 4 5 6; do echo lxw >new/$i.txt; done
expect 0 "$ENGRAM" eval said.safetensors --data transcripts --path new
says 'unknown: x'
says 'give transcripts with them to train on'

# As it comes: what a file is told to be, and each word with its place.
expect 0 "$ENGRAM" predict said.safetensors said/1.wav --json
sed 's/.*"text": "\([^"]*\)", "probability.*/\1/' out >whole
tail -c +45 said/1.wav >raw
for how in '--samples s16le' '' '--rate 8000 --channels 1'; do
	# shellcheck disable=SC2086
	"$ENGRAM" predict said.safetensors - $how --json <raw >out 2>err || fail "raw $how: $(cat err)"
	sed 's/.*"answer": {"text": "\([^"]*\)".*/\1/' out | tr '\n' ' ' | sed 's/ $//' >pieces
	tr ' ' '\n' <whole | tr '\n' ' ' | sed 's/ $//' >wanted
	same pieces wanted
done
"$ENGRAM" predict said.safetensors - <said/1.wav >out 2>err || fail "a file on standard input: $(cat err)"
says "$(cat whole)"
head -c 1001 raw | "$ENGRAM" predict said.safetensors - >out 2>err || fail "half a sample: $(cat err)"
says 'ends with 1 bytes that are no whole sample'
"$ENGRAM" predict said.safetensors - </dev/null >out 2>err && fail "no sound at all"
says 'there is no sound on standard input'
"$ENGRAM" predict told.safetensors - <raw >out 2>err && fail "it does not write"
says 'the model does not write what is said'
expect 0 "$ENGRAM" train said.yaml --set 'model.2.gru.bidirectional=true' --set train.epochs=1 -q -o both.safetensors
"$ENGRAM" predict both.safetensors - <raw >out 2>err && fail "both directions as it comes"
says 'train one that looks back only'
expect 2 "$ENGRAM" predict said.safetensors - --samples s17le
says 's16le'

# What is told when, as a page.
expect 0 "$ENGRAM" inspect said.safetensors said/1.wav -o inside
says 'inside/transcript.html'
expect 0 "$ENGRAM" inspect said.safetensors --record 0 -o inside --json
json out
says '"labels": ['
expect 2 "$ENGRAM" inspect said.safetensors said/1.wav --text high -o inside

# Of what is classified: which part of the sound each class comes from.
expect 0 "$ENGRAM" inspect told.safetensors told/high/1.wav -o heard
says 'heard/heard.html and 2 pictures'
says 'comes from'
grep -q 'What each class comes from' heard/heard.html || fail 'the page does not say what classes come from'
expect 0 "$ENGRAM" train told.yaml --set data.path=parts --set train.epochs=1 -q -o parts.safetensors
expect 0 "$ENGRAM" inspect parts.safetensors --record 0 -o heard --json
json out
says '"truth": "'
says '"labels": [{"label": "'
says '"from": '
expect 0 "$ENGRAM" inspect parts.safetensors -o heard
says 'heard/heard.html'
# With recurrent layers and without a recording, these are what is shown, as of all such networks.
expect 0 "$ENGRAM" train told.yaml --set data.path=parts --set 'model=[{gru: 4}, mean_time, {linear: classes}]' --set train.epochs=1 -q -o inner.safetensors
expect 0 "$ENGRAM" inspect inner.safetensors -o inner --seeds 1
says_not 'heard.html'
ls inner | grep -q gru || fail 'no states of the recurrent layer'
expect 0 "$ENGRAM" inspect inner.safetensors --record 0 -o inner
says 'inner/heard.html'
# One that compares recordings has no classes.
sed 's/task: classify/task: search/; s/linear: classes/linear: 4/; s/loss: cross_entropy, batch: 2/loss: supervised_contrastive, batch: 4/; s/name: told/name: alike/' \
	told.yaml >alike.yaml
expect 0 "$ENGRAM" train alike.yaml -q -o alike.safetensors
expect 1 "$ENGRAM" inspect alike.safetensors told/high/1.wav -o alike
says_not 'classes'
done_testing
