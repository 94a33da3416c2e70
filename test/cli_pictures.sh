#!/bin/sh
# What a user's own folder of pictures may hold besides good pictures: what is broken is named, all of it, or left out; pipes are not waited
# for; kinds that are not read, folders of other names and files outside of classes are told once; names with control characters are
# refused; eval and predict agree, and predict says what it inverted.
. test/cli_helpers

# picture FILE WHERE GROUND: 8 x 8, a spot above (0) or below (32) on a ground, as PGM
picture() {
	awk -v at="$2" -v ground="$3" 'BEGIN {
		print "P2 8 8 255"
		for (i = 0; i < 64; i++) print (i >= at + 8 && i < at + 16 && i % 8 > 1 && i % 8 < 6 ? 110 : ground)
	}' >"$1"
}
for part in train test; do
	for i in 1 2 3 4 5 6; do
		mkdir -p spots/$part/above spots/$part/below
		picture spots/$part/above/$i.pgm 0 $((10 + i))
		picture spots/$part/below/$i.pgm 32 $((10 + i))
	done
done
cat >spots.yaml <<-END
	name: spots
	task: classify
	data: {source: folder, path: spots, validation: 0.2}
	input: [1, 8, 8]
	model: [flatten, {linear: classes}]
	train: {optimizer: adam, lr: 0.05, batch: 4, epochs: 10}
END
expect 0 "$ENGRAM" train spots.yaml -q --threads 1
[ -s err ] && fail "nothing was odd, but: $(cat err)"
expect 0 "$ENGRAM" eval spots.safetensors --json
says '"accuracy": 1'

# predict says the same, file by file, from standard input and by JSON, and inverts nothing of what was learnt from.
agrees() { # MODEL FOLDER: with the folders' names
	for class in "$2"/*; do
		expect 0 "$ENGRAM" predict "$1" --json "$class"
		[ "$(grep -c '"class": "'"${class##*/}"'"' out)" = "$(find "$class" -type f | wc -l)" ] || fail "$class: $(cat out)"
		says_not '"inverted": true'
	done
}
agrees spots.safetensors spots/test
agrees spots.safetensors spots/train
# A dark picture with a bright frame, which is gone at the input's size: it has been learnt from, so it is not turned.
for class in above below; do
	for i in 1 2 3 4; do
		mkdir -p framed/train/$class framed/test/$class
		awk -v class=$class -v i=$i 'BEGIN {
			print "P2 32 32 255"
			for (k = 0; k < 1024; k++) {
				x = k % 32
				y = int(k / 32)
				frame = x == 0 || y == 0 || x == 31 || y == 31
				print (frame ? 200 : (class == "above") == (y < 16) && x > 8 && x < 24 && y > 4 && y < 28 ? 90 : i)
			}
		}' >framed/train/$class/$i.pgm
		cp framed/train/$class/$i.pgm framed/test/$class
	done
done
sed 's/spots/framed/g; s/, validation: 0.2//' spots.yaml >framed.yaml
expect 0 "$ENGRAM" train framed.yaml -q
expect 0 "$ENGRAM" eval framed.safetensors --json
says '"accuracy": 1'
agrees framed.safetensors framed/test
# Ink on paper, for a model of chalk: inverted, and said so, however it comes; not when that is not wished.
awk 'BEGIN { print "P2 8 8 255"; for (i = 0; i < 64; i++) print (i >= 8 && i < 16 && i % 8 > 1 && i % 8 < 6 ? 110 : 240) }' >ink.pgm
printf '{"picture": "ink.pgm"}\n' >ink.jsonl
for input in ink.pgm ink.jsonl -; do
	"$ENGRAM" predict spots.safetensors --json $input <ink.pgm >out 2>err || fail "$(cat err)"
	says '"inverted": true'
	"$ENGRAM" predict spots.safetensors --json --invert no $input <ink.pgm >out 2>err || fail "$(cat err)"
	says '"inverted": false'
done
expect 0 "$ENGRAM" predict spots.safetensors --json spots/test/above/1.pgm ink.pgm spots/test/below/1.pgm
[ "$(grep -c '"inverted": true' out)" = 1 ] || fail "$(cat out)"
expect 0 "$ENGRAM" predict spots.safetensors --split test --json
says_not '"inverted": true'
expect 2 "$ENGRAM" predict spots.safetensors --split test --invert yes
{ printf 'P6 8 8 255\n' && awk 'BEGIN { for (i = 0; i < 64; i++) printf "\310\360\310" }'; } >colour.ppm
expect 0 "$ENGRAM" predict spots.safetensors --json colour.ppm
says '"inverted": false'

# What is passed over is told, once, and changes nothing.
cp spots.safetensors plain.safetensors
mkdir spots/train/above/folder.png spots/more spots/train/above/inner
mkfifo spots/train/below/pipe.jpg spots/test/below/pipe.png
touch spots/train/above/a.gif spots/train/below/b.gif spots/train/c.png
expect 0 timeout 20 "$ENGRAM" train spots.yaml --threads 1
says "engram train: note: data, part 'train': 2 .gif files are not read: convert them to PNG or JPEG"
says "2 names like pictures' are not read, being folders, pipes or devices; 1 folder inside of the folders of pictures is not entered; 1 picture in no class's folder is not read"
says "the folder 'more' is not read"
[ "$(grep -c note err)" = 1 ] || fail "$(cat err)"
same spots.safetensors plain.safetensors
expect 0 timeout 20 "$ENGRAM" eval spots.safetensors
says "part 'test': 1 name like a picture's is not read, being a folder, pipe or device"
expect 0 timeout 20 "$ENGRAM" predict spots.safetensors spots/test/below
says "note: spots/test/below: 1 thing in it"
[ "$(wc -l <out)" = 6 ] || fail "$(cat out)"
rm -r spots/train/*/folder.png spots/train/*/inner spots/more spots/*/below/pipe.* spots/train/*/*.gif spots/train/c.png

# All broken pictures are named; left out, the rest is trained on.
: >spots/train/above/empty.png
printf 'P5 8 8 255\nshort' >spots/train/below/short.pgm
printf text >spots/train/above/text.jpg
expect 1 "$ENGRAM" train spots.yaml -q -o broken.safetensors
for file in above/empty.png below/short.pgm above/text.jpg; do says "cannot read picture 'spots/train/$file': "; done
says "3 of 15 records of the part 'train' cannot be read; mend or remove them, or leave them out with 'broken: skip' in 'data'"
[ -e broken.safetensors ] && fail "a model was written"
expect 0 "$ENGRAM" train spots.yaml -q --threads 1 --set data.broken=skip -o skipped.safetensors
says "3 of 15 records that cannot be read are left out"
for file in above/empty.png below/short.pgm above/text.jpg; do says "cannot read picture 'spots/train/$file': "; done
rm spots/train/above/empty.png spots/train/below/short.pgm spots/train/above/text.jpg
expect 0 "$ENGRAM" train spots.yaml -q --threads 1 --set data.broken=skip -o same.safetensors
same skipped.safetensors same.safetensors

# The same of tables: every bad line.
printf 'text\tlabel\na b\tx\nno label\na c\tx\ty\nb b\tz\n\tx\nb c\tz\na d\tx\nb d\tz\n' >lines.tsv
cat >lines.yaml <<-END
	name: lines
	task: classify
	data: {source: tsv, path: lines.tsv}
	input: [time]
	model: [{embedding: 4}, mean_time, {linear: classes}]
	train: {optimizer: adam, batch: 4, epochs: 1}
END
expect 1 "$ENGRAM" train lines.yaml -q
for line in 3 4 6; do says "lines.tsv:$line: "; done
says "3 of 8 records of the part 'train' cannot be read"
expect 0 "$ENGRAM" train lines.yaml -q --set data.broken=skip
says "3 of 8 records that cannot be read are left out"

# val beside train is the validation part, in capitals too.
mv spots/train spots/Train
mkdir spots/Valid
cp -r spots/test/above spots/test/below spots/Valid
expect 0 "$ENGRAM" train spots.yaml -q --threads 1
says "'spots' has validation pictures, so 'validation: 0.2' is not used"
expect 0 "$ENGRAM" eval spots.safetensors --split validation --json
says '"n": 12'
mv spots/Train spots/train
rm -r spots/Valid

# From another folder: data beside the model is found, other data is said to be missing, with the cure.
mkdir elsewhere
cd elsewhere || exit 1
expect 0 "$ENGRAM" eval ../spots.safetensors --json
expect 0 "$ENGRAM" predict ../spots.safetensors --split test --json
cp ../spots.safetensors .
for verb in eval predict; do
	expect 1 "$ENGRAM" $verb spots.safetensors
	says "'spots': No such file or directory; the pictures of each class belong into 'spots/train/<class>'. Relative paths of a model's recipe are looked for in the working folder, then beside the model: say where"
	expect 0 "$ENGRAM" $verb spots.safetensors --path ../spots
	expect 1 "$ENGRAM" $verb spots.safetensors --path nowhere
	says_not "beside the model"
done
cd .. || exit 1

# A line end in the name of a class.
mkdir "spots/train/up
down"
cp spots/test/above/1.pgm "spots/train/up
down"
expect 1 "$ENGRAM" check spots.yaml
says "has the control character U+000A"
rm -r "spots/train/up
down"
done_testing
