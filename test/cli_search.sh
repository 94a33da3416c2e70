#!/bin/sh
# Search: a model that makes embeddings, an index of pictures, what of it is nearest; classes that were left out of training;
# what is refused.
. test/cli_helpers

make_data
sed -e 's/^task: classify/task: search/' -e 's/linear: classes/linear: 8/' -e 's/dropout: 0.1/dropout: 0.05/' \
	-e 's/loss: cross_entropy/loss: supervised_contrastive/' -e 's/batch: 16/batch: 32/' quarters.yaml >search.yaml
expect 0 "$ENGRAM" check search.yaml
expect 0 "$ENGRAM" train search.yaml -o search.safetensors
says "recall1"
says "engram index search.safetensors"
expect 0 "$ENGRAM" info search.safetensors --json
json out
says '"kept": {"classes": ["north-west", "north-east", "south-west", "south-east"]}'
expect 0 "$ENGRAM" eval search.safetensors --json
json out
says '"recall1": 1,'
says '"recall1_unseen": null'
says '"gallery_n": 160'

# Classes that were never seen are looked for, and found among all.
expect 0 "$ENGRAM" train search.yaml -o unseen.safetensors --set 'data.unseen=[north-west]' -q
expect 0 "$ENGRAM" eval unseen.safetensors --json
says '"gallery_n": 160'
says '"class": "north-west", "n": 10, "recall1": '
says '"unseen": true'
says_not '"recall1_unseen": null'
expect 0 "$ENGRAM" data show search.yaml
expect 1 "$ENGRAM" train search.yaml -o no.safetensors --set 'data.unseen=[north]'
says "'north' is none of the 4 classes"
expect 1 "$ENGRAM" train search.yaml -o no.safetensors --set 'data.unseen=[north-west, north-east, south-west]'
says "of 4 classes 1 would be left"

# An index of folders: the folder right below is the class.
mkdir -p photos/a/deep photos/b
for i in 1 2 3 4 5 6 7 8; do
	{ printf 'P5\n8 8\n255\n'; pictures $i | tail -c 64; } >"picture$i.pgm"
done
cp picture1.pgm picture5.pgm photos/a
cp picture2.pgm photos/a/deep
cp picture3.pgm picture4.pgm photos/b
cp picture7.pgm photos
expect 0 "$ENGRAM" index search.safetensors photos -o my.index
says "6 embeddings of 8 numbers"
expect 0 "$ENGRAM" search my.index picture3.pgm picture1.pgm --top 3
says "the nearest of 6"
expect 0 "$ENGRAM" search my.index picture3.pgm --top 2 --json -o page.html
json out
says '"id": "photos/b/picture3.pgm", "class": "b", "distance": '
says '"searched": 6'
grep -q 'photos/b/picture3.pgm' page.html || fail "the page does not show it"
grep -q 'data:image/png;base64' page.html || fail "the page has no picture"
expect 0 "$ENGRAM" search my.index picture2.pgm --top 1 --json
says '"id": "photos/a/deep/picture2.pgm", "class": "a"'
expect 0 "$ENGRAM" search my.index picture7.pgm --top 9 --json
says '"class": null'

mkdir none
expect 1 "$ENGRAM" index search.safetensors none -o no.index
says "nothing in none can be read: no index was written"

# What makes a picture like another one.
expect 0 "$ENGRAM" inspect search.safetensors picture3.pgm --beside picture1.pgm --records 0 -o like
says "Explained is likeness to picture1.pgm, of which"
[ -s like/beside.png ] || fail "the other picture is not shown"
grep -q 'What it is compared with: picture1.pgm' like/why.html || fail "the page does not say which picture that is"

# predict tells the same of an index of the model's own data.
expect 0 "$ENGRAM" index search.safetensors -o own.index --json
json out
says '"n": 160, "width": 8, "distance": "cosine", "failed": 0'
# A page of it shows the records' pictures (8 x 8, drawn 19 times as large; what is not there is a square of 150).
for part in '' '--split validation' '--split test'; do
	# shellcheck disable=SC2086
	expect 0 "$ENGRAM" index search.safetensors -o part.index $part
	expect 0 "$ENGRAM" search part.index picture3.pgm --top 2 -o own.html
	says_not "alone"
	[ "$(grep -c 'viewBox="0 0 152 152"' own.html)" = 3 ] || fail "the page of the index ($part) does not show what is in it"
done
mv test-images away
expect 0 "$ENGRAM" search part.index picture3.pgm --top 2 -o own.html
says "the page has names alone, since the data of the index cannot be read"
[ "$(grep -c 'viewBox="0 0 150 150"' own.html)" = 2 ] || fail "names alone, but not so"
mv away test-images
expect 0 "$ENGRAM" predict search.safetensors --split test --truth --json --index own.index --top 3
json out
if command -v python3 >/dev/null && python3 -c '' 2>/dev/null; then
	python3 - <<-'END' 2>python.err || fail "predict: $(tail -n 1 python.err)"
		import json
		lines = [json.loads(line) for line in open("out")]
		assert len(lines) == 40 and all(len(l["answer"]["nearest"]) == 3 for l in lines)
		assert all(l["answer"]["nearest"][0]["class"] == l["truth"]["class"] for l in lines)
	END
	for model in search unseen; do
		expect 0 "$source/test/check_answers" "$ENGRAM" $model.safetensors
		says "numbers agree"
	done
fi

# What is refused, and left out.
expect 1 "$ENGRAM" predict search.safetensors picture1.pgm --json --index unseen.index
says "unseen.index"
expect 0 "$ENGRAM" index unseen.safetensors photos -o unseen.index
expect 1 "$ENGRAM" predict search.safetensors picture1.pgm --json --index unseen.index
says "was made with other weights"
mkdir -p classes/cat classes/Cat classes/dog
cp picture1.pgm classes/cat && cp picture2.pgm classes/Cat && ln -s .. classes/cat/up
expect 0 "$ENGRAM" index search.safetensors classes -o classes.index
says "2 embeddings"
says "'Cat' and 'cat' differ in case only"
says "the class 'dog' is empty"
says "classes/cat/up leads back"
expect 1 "$ENGRAM" search my.index picture1.pgm --model unseen.safetensors
says "was made with other weights"
expect 1 "$ENGRAM" search search.safetensors picture1.pgm
says "it is no index"
echo nothing >photos/b/broken.pgm
expect 1 "$ENGRAM" index search.safetensors photos -o rest.index
says "photos/b/broken.pgm"
says "6 embeddings"
expect 0 "$ENGRAM" train quarters.yaml -o quarters.safetensors -q
expect 1 "$ENGRAM" index quarters.safetensors photos -o no.index
says "makes no embeddings"
expect 2 "$ENGRAM" index search.safetensors photos
says "-o FILE"
expect 1 "$ENGRAM" index search.safetensors nowhere.pgm -o no.index
says "no index was written"
[ ! -e no.index ] || fail "an index was written all the same"
mv search.safetensors moved.safetensors
expect 1 "$ENGRAM" search my.index picture1.pgm
says "give --model MODEL"
expect 0 "$ENGRAM" search my.index picture1.pgm --model moved.safetensors
done_testing
