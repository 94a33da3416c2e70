#!/bin/sh
# A text as sound: a small model of tones from recipe to WAV, and what cannot be asked of it.
. test/cli_helpers

# tone FILE HZ: a tenth of a second of it at 8000 Hz, as WAV
tone() {
	LC_ALL=C awk -v hz="$2" '
	function put(v, n) { for (; n > 0; n--) { printf "\\%03o", v % 256; v = int(v / 256) } }
	BEGIN {
		n = 800
		printf "RIFF"; put(36 + 2 * n, 4); printf "WAVEfmt "; put(16, 4); put(1, 2); put(1, 2); put(8000, 4); put(16000, 4); put(2, 2)
		put(16, 2); printf "data"; put(2 * n, 4)
		for (i = 0; i < n; i++) { v = int(9000 * sin(2 * 3.14159265 * hz * i / 8000)); put(v < 0 ? v + 65536 : v, 2) }
	}' >octal
	# shellcheck disable=SC2059
	printf "$(cat octal)" >"$1"
}
mkdir -p speech/recordings
for digit in 0 1 2 3 4 5 6 7 8 9; do
	tone one.wav $((300 + 200 * digit))
	for voice in anna ben; do
		for take in 0 5; do cp one.wav "speech/recordings/${digit}_${voice}_$take.wav"; done
	done
done

cat >tones.yaml <<'END'
name: tones
task: speak
data: {source: digit-strings, recordings: speech, count: 16, test_count: 4, least: 1, most: 1, frames: 2, longest_sound: 0.5, sound: {bands: 8, hop: 0.016}}
inputs: {text: [letters], voice: [2], previous: [time, 8]}
model:
  - embedding: {size: 4, count: units, from: text}
  - lstm: {hidden: 4, from: {lengths: lengths.letters}, name: read}
  - linear: {units: 8, from: voice, bias: false, name: who}
  - linear: {units: 8, from: previous, name: said}
  - add: {from: [said, who]}
  - lstm: {hidden: 8, name: state}
  - multiplicative_attention: {from: [state, read, lengths.letters], name: seen}
  - concat: {from: [state, seen], axis: 2, name: all}
  - linear: {units: 1, name: stop}
  - linear: {units: 16, from: all}
outputs: {stop: stop, attention: seen.weights}
train: {loss: [{l1: }, {bce_with_logits: , of: stop, target: sound}], epochs: 1, batch: 4}
END
if ! "$ENGRAM" check tones.yaml >log 2>&1 && grep -q 'was built without' log; then exit 77; fi

expect 0 "$ENGRAM" check tones.yaml
expect 0 "$ENGRAM" train tones.yaml -q
expect 0 "$ENGRAM" eval tones.safetensors
says "mcd"
expect 0 "$ENGRAM" eval tones.safetensors --data fsdd --path speech --json
json out
says '"mcd_real": '
says '"n": 20'
says '"recognised": null'
says '"speaker": null'
expect 0 "$ENGRAM" info tones.safetensors

# Others who listen: one tells what is said, and the floor of its recipe beside it; one tells who speaks.
cat >digits.yaml <<'END'
name: digits
task: classify
data: {source: fsdd, path: speech, sound: {bands: 8}}
input: [time, 8]
model: [{mean_time: {from: {lengths: lengths}}}, linear: classes]
train: {loss: cross_entropy, optimizer: {adam: {lr: 0.1}}, epochs: 30, batch: 10}
END
expect 0 "$ENGRAM" train digits.yaml -q
expect 0 "$ENGRAM" train digits.yaml -q --set 'train.loss=[{cross_entropy: , target: voice}]' -o voices.safetensors
expect 0 "$ENGRAM" eval tones.safetensors --data fsdd --path speech --hearer voices.safetensors --hearer digits.safetensors --json
json out
for key in '"recognised": 0' '"recognised_floor": 0' '"speaker": 0.5'; do says "$key"; done # an hour's training would be better
grep -q '"n": 20, "recognised": [0-9.]*, "recognised_floor": [0-9.]*, "speaker": [0-9.]*, "mcd": ' out || fail "another order: $(cat out)"
expect 1 "$ENGRAM" eval tones.safetensors --data fsdd --path speech --hearer digits.safetensors --hearer digits.safetensors
says "digits.safetensors: another model tells what is said already"
expect 1 "$ENGRAM" eval tones.safetensors --hearer digits.safetensors
says "a field 'label', and the records of 'digit-strings', which are spoken here, have none"
expect 1 "$ENGRAM" eval tones.safetensors --data fsdd --path speech --hearer tones.safetensors
says "it does not tell classes of sounds"
expect 1 "$ENGRAM" eval digits.safetensors --hearer digits.safetensors
says "the task 'classify' makes no sounds"

# What can be asked for, and that.
expect 0 "$ENGRAM" speak tones.safetensors
says "--voice 1  anna"
says "--voice 2  ben"
says "seven"
expect 0 "$ENGRAM" speak tones.safetensors --json
says '"voices": ["anna", "ben"]'
expect 0 "$ENGRAM" speak tones.safetensors 'four two' --voice 2 -o out.wav --alignment seen.svg
says "out.wav: "
says "voice 2 (ben)"
says "seen.svg"
[ "$(head -c 4 out.wav)" = RIFF ] || fail "out.wav is no WAV"
grep -q '</svg>' seen.svg || fail "seen.svg is not whole"
expect 0 "$ENGRAM" speak tones.safetensors 'four two' --voice ben -o again.wav --json
json out
for key in '"voice": "ben"' '"file": "again.wav"' '"rate": 8000' '"samples": ' '"seconds": '; do says "$key"; done
same out.wav again.wav
expect 0 "$ENGRAM" speak tones.safetensors 'four two' --voice 1 -o other.wav
cmp -s out.wav other.wav && fail "both voices are one"
expect 0 "$ENGRAM" speak tones.safetensors 'four two' --voice 2 --seed 5 -o seed.wav
cmp -s out.wav seed.wav && fail "the seed does nothing"
"$ENGRAM" speak tones.safetensors 'four two' --voice 2 -o - >pipe.wav 2>err || fail "to standard output: $(cat err)"
same out.wav pipe.wav
echo 'four two' | "$ENGRAM" speak tones.safetensors - -v 2 -o said.wav >out 2>err || fail "from standard input: $(cat err)"
same out.wav said.wav
printf '{"text": "four two", "voice": "ben"}\n{"text": "six", "voice": "anna"}\n' >ask.jsonl
expect 0 "$ENGRAM" predict tones.safetensors ask.jsonl -o answers --json
json out
says '"seconds"'
same out.wav answers/ask-1.wav # each line has a file of its own
[ -e answers/ask-2.wav ] || fail "the second question has no file"

# What cannot.
expect 1 "$ENGRAM" speak tones.safetensors 'four fife' -o x.wav
says "how 'fife' sounds (did you mean 'five'?)"
says "unknown: speak"
expect 0 "$ENGRAM" speak tones.safetensors 'fife' --unknown speak -o x.wav
rm x.wav
expect 1 "$ENGRAM" speak tones.safetensors four --voice 3 -o x.wav
says "there is no such voice; there are 1 anna, 2 ben"
expect 1 "$ENGRAM" speak tones.safetensors four --voice carl -o x.wav
says "--voice carl: there is no such voice"
expect 1 "$ENGRAM" speak tones.safetensors '  ' -o x.wav
says "no word in the text"
expect 2 "$ENGRAM" speak tones.safetensors four
says "-o FILE.wav"
expect 2 "$ENGRAM" speak tones.safetensors four -o x.mp3
says "end with .wav"
expect 2 "$ENGRAM" speak tones.safetensors four -o - --json
says "both be standard output"
expect 3 "$ENGRAM" speak tones.safetensors four -o no/such/x.wav
says "no/such/x.wav"
if [ -w /dev/full ]; then
	"$ENGRAM" speak tones.safetensors four -o - >/dev/full 2>err && fail "spoken onto a full disk"
	[ "$(wc -l <err)" = 1 ] && grep -q 'No space left' err || fail "a full disk: $(cat err)"
fi
expect 1 "$ENGRAM" inspect tones.safetensors -o inside
says '--alignment FILE.svg'
[ ! -e inside ] || fail "a folder was made for nothing"
expect 1 "$ENGRAM" speak ask.jsonl four -o x.wav
[ ! -e x.wav ] || fail "x.wav was written after an error"
make_animals
expect 0 "$ENGRAM" train animals.yaml -q --set train.epochs=1
expect 1 "$ENGRAM" speak animals.safetensors four -o x.wav
says "animals.safetensors does not speak"
printf '{"text": "four", "voice": "carl"}\n' >ask.jsonl
expect 1 "$ENGRAM" predict tones.safetensors ask.jsonl
says "'carl', which is not among the 2 that the model knows"

done_testing
