#!/bin/sh
# An auto-encoder of pictures: what it rebuilds, files of that, classes that were left out of training, floors; what is refused.
. test/cli_helpers

make_data
cat >rebuild.yaml <<-END
	name: rebuild
	task: reconstruct
	data:
	  source: idx
	  images: images
	  labels: labels
	  test_images: test-images
	  test_labels: test-labels
	  class_names: [north-west, north-east, south-west, south-east]
	  validation: 0.2
	  mean: 0
	  std: 1
	input: [1, 8, 8]
	model:
	  - dropout: {rate: 0.1, name: noise}
	  - flatten
	  - linear: 16
	  - relu
	  - linear: {units: 4, name: code}
	  - linear: 64
	  - reshape: [0, 1, 8, 8]
	outputs: {embedding: code}
	train: {loss: mse, optimizer: {adam: {lr: 1.0e-2}}, batch: 16, epochs: 30}
END
expect 0 "$ENGRAM" check rebuild.yaml
expect 0 "$ENGRAM" train rebuild.yaml -o rebuild.safetensors -q
expect 0 "$ENGRAM" eval rebuild.safetensors --json
json out
says '"unit": "pictures", "n": 40, "mse": 0.0'
says '"auc": null'
says '"class": "north-east", "n": 10, "mse": 0.0'
expect 0 "$ENGRAM" floor rebuild.yaml --split test --json
json out
says '"name": "mean-picture"'
says '"settings": {"components": 4}'

# A file and a record are answered alike, and what is made of them is a picture of their size.
expect 0 "$ENGRAM" predict rebuild.safetensors third.pgm -o made --json
json out
says '"file": "made/third.png", "inverted": false}'
[ -s made/third.png ] || fail "no picture was written"
expect 0 "$ENGRAM" predict rebuild.safetensors made/third.png
says "made/third.png  "
mv third.pgm 2.pgm
expect 0 "$ENGRAM" predict rebuild.safetensors --split test --json --truth -o all
json out
says '"id": "2"'
says '"truth": null'
same all/2.png made/third.png
expect 0 "$ENGRAM" predict rebuild.safetensors 2.pgm --invert yes --json
says '"inverted": true'
if command -v python3 >/dev/null && python3 -c '' 2>/dev/null; then
	expect 0 "$source/test/check_answers" "$ENGRAM" rebuild.safetensors
	says "numbers agree"
fi

# What it has never seen it rebuilds worse.
expect 0 "$ENGRAM" train rebuild.yaml -o unseen.safetensors --set 'data.unseen=[north-west]' -q
expect 0 "$ENGRAM" eval unseen.safetensors --json
says '"class": "north-west", "n": 10, "mse": 0.'
says '"unseen": true'
says '"auc": 1,'
expect 1 "$ENGRAM" train rebuild.yaml -o no.safetensors --set 'data.unseen=[north]'
says "'north' is none of the 4 classes"
expect 1 "$ENGRAM" train rebuild.yaml -o no.safetensors --set 'data.unseen=[north-west, north-east, south-west, south-east]'
says "one at least is needed"
expect 0 "$ENGRAM" data show rebuild.yaml

# The page: pictures with and without noise, the codes as a map, errors.
expect 0 "$ENGRAM" inspect unseen.safetensors -o inside --records 24
says "24 pictures of the part test"
says "auc"
for file in pictures map worst; do [ -s inside/$file.png ] || fail "inside/$file.png is missing"; done
grep -q 'data:image/png;base64' inside/rebuilt.html || fail "the page has no picture"
grep -q 'north-west' inside/rebuilt.html || fail "the page names no class"
if command -v xmllint >/dev/null; then xmllint --noout inside/rebuilt.html || fail "the page is no XML"; fi
expect 0 "$ENGRAM" inspect rebuild.safetensors -o plain --json
json out
says '"records": 40, "mse": 0.0'
says '"auc": null, "noise": 0.1'
says '"width": 4, "kept": '
expect 2 "$ENGRAM" inspect rebuild.safetensors third.pgm -o inside
says "engram predict rebuild.safetensors third.pgm -o DIR"
expect 2 "$ENGRAM" inspect rebuild.safetensors -o inside --of north-west
says "--of is not for auto-encoders"

# A network whose pictures have another size, and a loss that compares something else.
sed 's/linear: 64/linear: 32/; s/\[0, 1, 8, 8\]/[0, 1, 4, 8]/' rebuild.yaml >small.yaml
expect 1 "$ENGRAM" check small.yaml
says "small.yaml:15:3: a picture is rebuilt as it goes in, (N,1,8,8)"
expect 1 "$ENGRAM" check rebuild.yaml --set train.loss=bce_with_logits
says "does not compare pixels with pixels"
expect 1 "$ENGRAM" check rebuild.yaml --set train.loss=cross_entropy
says "is one of classes, but there are none here"
done_testing
