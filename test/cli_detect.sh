#!/bin/sh
# Objects in pictures as a user meets them: a labelling tool's folder, a training, its judgement, its answers with place and size, the floor,
# an explanation of a box, and what is wrong with data, named with a cure.
. test/cli_helpers

# blob FILE X Y: 32 x 32, a bright square of 8 x 8 there, as PGM; blob FILE: nothing is there
blob() {
	awk -v x0="${2--99}" -v y0="${3--99}" 'BEGIN {
		print "P2 32 32 255"
		for (i = 0; i < 1024; i++) {
			x = i % 32; y = int(i / 32)
			print (x >= x0 && x < x0 + 8 && y >= y0 && y < y0 + 8 ? 230 : 20 + i % 7)
		}
	}' >"$1"
}
# label FILE X Y: of that square, in shares
label() { awk -v x="$2" -v y="$3" 'BEGIN { printf "0 %.6f %.6f 0.25 0.25\n", (x + 4) / 32, (y + 4) / 32 }' >"$1"; }

mkdir -p mine/images/train mine/labels/train mine/images/val mine/labels/val mine/images/test mine/labels/test
n=0
for part in train train train val test; do
	for at in "2 3" "20 4" "5 20" "18 17" "11 9"; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		blob mine/images/$part/$n.pgm $at
		# shellcheck disable=SC2086
		label mine/labels/$part/$n.txt $at
	done
done
blob mine/images/train/empty.pgm
echo 'names: [blob]' >mine/data.yaml
cat >blobs.yaml <<-END
	name: blobs
	task: detect
	data: {source: yolo, path: mine, resize: true}
	input: [1, 32, 32]
	augment: [flip]
	model:
	  - conv: {filters: 8, kernel: 4, stride: 4}
	  - relu
	  - conv: {filters: 16, kernel: 3, padding: 1}
	  - relu: {name: seen}
	  - conv: {filters: classes, kernel: 1, name: kinds}
	  - conv: {filters: 4, kernel: 1, from: seen}
	  - softplus: {name: sides}
	outputs: [sides]
	train:
	  loss: [{focal: , of: kinds}, {iou: {kind: giou, boxes: sides, axis: 1}, of: sides, target: boxes}]
	  optimizer: {adam: {lr: 0.02}}
	  batch: 4
	  epochs: 60
END
expect 0 "$ENGRAM" train blobs.yaml -q --threads 1
says '1 picture has no file of labels: nothing is taken to be there'
expect 0 "$ENGRAM" eval blobs.safetensors --json
json out
says '"map50": 1'
says '"count_mae": {"blob": 0}'
says '"per_class": [{"class": "blob", "n": 5, "ap50": 1,'
expect 0 "$ENGRAM" predict blobs.safetensors mine/images/test
says ' x '
says ' at '
[ "$(grep -c 'blob: 1' out)" = 5 ] || fail "not one blob a picture: $(cat out)"
expect 0 "$ENGRAM" predict blobs.safetensors --json --truth
json out
says '"truth": {"boxes": [{"class": "blob", "box": [2, 3, 10, 11], "difficult": false}], "counts": {"blob": 1}}'
says '"threshold": 0.5, "counts": {"blob": 1}'
expect 0 "$ENGRAM" inspect blobs.safetensors --record 0 --box 0 --records 0 -o why --json
json out
says '"of": {"class": "blob", "pixel": ['
expect 0 "$ENGRAM" inspect blobs.safetensors --record 0 --records 0 -o why
says 'Explained is blob, the box of 8 x 8 pixels from row '
grep -q '<b>blob</b>, the box of 8 x 8 pixels from row ' why/why.html || fail "the page does not say which box"
expect 0 "$ENGRAM" floor blobs.yaml --json
json out
says '"name": "mean-box"'

# The worst pictures: one whose label lies elsewhere is the worst of all, with a box too many and one missed.
cp mine/labels/test/25.txt kept
label mine/labels/test/25.txt 1 20
expect 0 "$ENGRAM" eval blobs.safetensors --worst 2 -o worst.html --json
json out
says '"worst": [{"id": "images/test/25.pgm", "f1": 0, "right": 0, "wrong": 1, "missed": 1}, {"id": "images/test/21.pgm", "f1": 1,'
grep -q 'as the model sees it' worst.html || fail "the page does not show what the model sees"
expect 0 "$ENGRAM" eval blobs.safetensors --worst 1
says 'The worst of them'
says 'images/test/25.pgm'
mv kept mine/labels/test/25.txt
expect 2 "$ENGRAM" eval blobs.safetensors -o worst2.html
says '-o is the page of --worst N'

# Numbers by a line through the scores, where they are nearer: half of the labels that validate are gone.
mkdir aside && mv mine/labels/val/16.txt mine/labels/val/17.txt aside
for k in 16 17 18 19 20; do
	blob mine/images/val/more$k.pgm 2 3
	[ "$k" = 16 ] || label mine/labels/val/more$k.txt 2 3
done
expect 0 "$ENGRAM" train blobs.yaml -q --threads 1 --set data.count=calibrated --set train.epochs=4 -o counted.safetensors
expect 0 "$ENGRAM" predict counted.safetensors mine/images/test/25.pgm --json
says '"counts": {"blob": '
rm mine/images/val/more* mine/labels/val/more* && mv aside/* mine/labels/val

# What is wrong is named, with a cure.
cp mine/labels/train/1.txt kept
echo '3 0.5 0.5 0.1 0.1' >mine/labels/train/1.txt
expect 1 "$ENGRAM" train blobs.yaml -q
says 'mine/labels/train/1.txt:1: class 3, but there are names for 1, counted from 0 (blob, ...)'
printf '0 0.5 0.5 0 0.1\n0 5.5 0.5 0.1 0.1\n' >mine/labels/train/1.txt
expect 1 "$ENGRAM" train blobs.yaml -q
says '1.txt:2: 5.5 is no share of the picture, 0 to 1'
printf '0 0.5 0.5 0 0.1\n0 1.5 0.5 0.1 0.1\n' >mine/labels/train/1.txt
expect 0 "$ENGRAM" train blobs.yaml -q --set train.epochs=1
says '1 box has no width or no height and is left out'
says '1 box lies outside of the picture and is left out'
says 'left out: blob in 1.txt, blob in 1.txt; draw them anew'
mv kept mine/labels/train/1.txt
cp mine/labels/train/1.txt mine/labels/train/lone.txt
expect 1 "$ENGRAM" train blobs.yaml -q
says "mine/labels/train/lone.txt' has no picture"
rm mine/labels/train/lone.txt
expect 1 "$ENGRAM" check blobs.yaml --set 'train.loss=[{focal: , of: kinds}]'
says 'to detect, a recipe has a list of two losses'
expect 1 "$ENGRAM" check blobs.yaml --set 'input=[1, height, width]'
says 'to detect, pictures are brought to one size'
done_testing
