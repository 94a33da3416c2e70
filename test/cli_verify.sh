#!/bin/sh
# Verify: are two pictures of one person? Made-up faces: a pattern a person, and noise. A model that has never seen those who are
# compared; thresholds, an index of persons and strangers; what is refused.
. test/cli_helpers

# faces FOLDER FIRST LAST N: pictures 1..N of these persons, FOLDER/pNN/N.pgm, 12 x 12
faces() {
	awk -v folder="$1" -v first="$2" -v last="$3" -v n="$4" 'BEGIN {
		for (p = first; p <= last; p++) {
			name = sprintf("%s/p%02d", folder, p)
			system("mkdir -p " name)
			srand(p)
			for (i = 0; i < 36; i++) base[i] = int(140 * rand())
			for (k = 1; k <= n; k++) {
				file = name "/" k ".pgm"
				printf "P2\n12 12\n255\n" >file
				for (y = 0; y < 12; y++)
					for (x = 0; x < 12; x++) print base[int(y / 2) * 6 + int(x / 2)] + int(110 * rand()) >file
				close(file)
			}
		}
	}'
}
faces persons/train 1 12 5
faces persons/test 21 26 5
cat >faces.yaml <<-END
	name: faces
	task: verify
	data: {source: folder, path: persons, validation: 0.3}
	augment: [{shift: {x: 0.08, y: 0.08}}, hide: {probability: 0.3}]
	input: [1, 12, 12]
	model:
	  - conv: {filters: 8, kernel: 3, padding: 1}
	  - relu
	  - maxpool: 2
	  - flatten
	  - linear: {units: 16, name: place}
	  - cosine_linear: {units: classes, scale: 15}
	outputs: {embedding: place}
	train: {loss: {arcface: {margin: 0.2, scale: 15}}, optimizer: {adam: {lr: 5.0e-3}}, batch: 15, epochs: 12, seed: 1}
END
expect 0 "$ENGRAM" check faces.yaml
expect 0 "$ENGRAM" train faces.yaml -o faces.safetensors
says "eer"
says "engram verify faces.safetensors"
says "40 pictures to train on, 20 to validate" # whole persons
expect 0 "$ENGRAM" eval faces.safetensors --json
json out
says '"gallery": "test", "gallery_n": 30' # nobody of the test part is in the training part
says '"pairs": {"same": 60, "other": 375}'
expect 0 "$ENGRAM" eval faces.safetensors --split validation --json
json out
if command -v python3 >/dev/null && python3 -c '' 2>/dev/null; then
	expect 0 "$source/test/interop/faces.py" "$ENGRAM" faces.safetensors
	expect 0 "$source/test/interop/faces.py" "$ENGRAM" faces.safetensors validation
	expect 0 "$source/test/check_answers" "$ENGRAM" faces.safetensors
	says "numbers agree"
fi

# Two pictures, many pairs, a page.
one=persons/test/p21/1.pgm
expect 0 "$ENGRAM" verify faces.safetensors $one persons/test/p21/2.pgm
says "the same person"
says "(takes 1.00 % of the pairs of two persons for one)"
expect 0 "$ENGRAM" verify faces.safetensors $one persons/test/p24/2.pgm --json
json out
says '"same": false, "confidence": 0.'
says '"false_accepts": 0.01}'
expect 0 "$ENGRAM" verify faces.safetensors $one persons/test/p24/2.pgm --json --threshold 2
says '"threshold": 2, "same": true'
says '"false_accepts": null'
printf '%s\t%s\n\n%s\t%s\n' $one persons/test/p21/3.pgm $one persons/test/p22/1.pgm >pairs.tsv
"$ENGRAM" verify faces.safetensors --json -o pairs.html <pairs.tsv >out 2>err || fail "pairs: $(cat err)"
json out
[ "$(wc -l <out)" = 2 ] || fail "two pairs, and $(wc -l <out) answers"
grep -q 'data:image/png;base64' pairs.html || fail "the page has no picture"
"$ENGRAM" verify faces.safetensors --json <faces.yaml >out 2>err && fail "lines that are no pairs are taken"
says "line 1: two paths with a tab between them"

# Whom a picture shows; strangers.
mkdir gallery && cp -r persons/test/p21 persons/test/p22 persons/test/p23 gallery && rm gallery/*/1.pgm
expect 0 "$ENGRAM" index faces.safetensors gallery -o my.index
expect 0 "$ENGRAM" search my.index persons/test/p22/1.pgm --top 3
says "this is p22"
expect 0 "$ENGRAM" search my.index persons/test/p22/1.pgm --top 1 --json --false-accepts 0.02
json out
says '"class": "p22", "known": true, "threshold": '
expect 0 "$ENGRAM" search my.index persons/test/p26/1.pgm --threshold 0.0001
says "an unknown person"
expect 0 "$ENGRAM" predict faces.safetensors persons/test/p22/1.pgm --json --index my.index --top 1
says '"class": "p22", "known": true'

# What is refused, each with a cure.
expect 1 "$ENGRAM" verify faces.safetensors $one persons/test/p21/2.pgm --false-accepts 0.0001
says "no threshold accepts so few as 0.0001"
says "more persons in data.validation"
expect 2 "$ENGRAM" verify faces.safetensors $one persons/test/p21/2.pgm --false-accepts 2
expect 2 "$ENGRAM" verify faces.safetensors $one
says "two pictures are compared"
{ printf 'P5\n12 12\n255\n'; head -c 144 /dev/zero; } >black.pgm
expect 1 "$ENGRAM" verify faces.safetensors $one black.pgm
says "black.pgm: all its pixels are of one colour"
expect 1 "$ENGRAM" verify faces.safetensors $one nowhere.pgm
says "nowhere.pgm"
expect 0 "$ENGRAM" train faces.yaml -o none.safetensors -q --set data.validation=0 --set train.epochs=1
expect 1 "$ENGRAM" verify none.safetensors $one persons/test/p21/2.pgm
says "no threshold, since no persons validated it"
expect 0 "$ENGRAM" verify none.safetensors $one persons/test/p21/2.pgm --threshold 0.5
expect 1 "$ENGRAM" search my.index $one --model none.safetensors
says "was made with other weights"
make_data
expect 0 "$ENGRAM" train quarters.yaml -o quarters.safetensors -q --set train.epochs=1
expect 1 "$ENGRAM" verify quarters.safetensors $one $one
says "compares no pairs"

# Mirrored pictures averaged with the others: a face and its mirror image are one, in questions as in samples; the threshold is of such, too.
expect 1 "$ENGRAM" eval faces.safetensors --worst 3
says "engram verify --split test"
expect 0 "$ENGRAM" train faces.yaml -o both.safetensors -q --set views=flip --set train.epochs=2
awk 'NR < 4 { print; next } { row[(NR - 4) % 12] = $1; if ((NR - 4) % 12 == 11) for (i = 11; i >= 0; i--) print row[i] }' $one >mirrored.pgm
expect 0 "$ENGRAM" verify both.safetensors $one mirrored.pgm --json
json out
grep -Eq '"distance": (0|[0-9.]+e-[0-9]+|0.00000)' out || fail "a mirrored picture is not its own: $(cat out)"
expect 0 "$ENGRAM" eval both.safetensors --json
says '"views": 2'
"$ENGRAM" predict both.safetensors --split test --json >out || fail "samples of two views"
grep -o '"id": "test/p21/1.pgm".*' out | grep -o '"embedding": [^]]*' >as_sample
expect 0 "$ENGRAM" predict both.safetensors $one --json
grep -o '"embedding": [^]]*' out >as_question
same as_sample as_question

# A person with one picture, names that differ in case, pictures of several sizes.
mkdir persons/train/P01 && cp persons/train/p02/1.pgm persons/train/P01
{ printf 'P5\n20 24\n255\n'; head -c 480 "$ENGRAM"; } >persons/train/p03/large.pgm
expect 0 "$ENGRAM" train faces.yaml -o odd.safetensors --set train.epochs=1 --set data.validation=0
says "of 'P01' there is one picture only to train on"
says "the names 'P01' and 'p01' differ in case only"
says "no threshold will be learnt"
done_testing
