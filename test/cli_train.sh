#!/bin/sh
# Training, judging and predicting on small data of our own: what is printed, the same bytes for any number of threads, and
# what happens with damaged input.
. test/cli_helpers
make_data

# Plain lines in a pipe, one an epoch, no control sequences.
expect 0 "$ENGRAM" train quarters.yaml
says "Model: quarters.safetensors"
says "engram eval quarters.safetensors"
[ "$(grep -c '^ *[1-6]/6 ' out)" = 6 ] || fail "not one line an epoch: $(cat out)"
if grep -q "$(printf '\033')" out; then fail "control sequences in a pipe"; fi
[ ! -s err ] || fail "messages although all went well: $(cat err)"
[ ! -e quarters.safetensors.checkpoint ] || fail "the checkpoint was left behind"

# One JSON object an epoch.
expect 0 "$ENGRAM" train quarters.yaml --json -o json.safetensors
json out
[ "$(wc -l <out)" = 6 ] || fail "$(wc -l <out) lines instead of 6"
same quarters.safetensors json.safetensors
expect 0 "$ENGRAM" train quarters.yaml --quiet -ojson.safetensors
[ ! -s out ] || fail "--quiet is not quiet"

# Same seed, same bytes, for any number of threads; another seed, other bytes.
for threads in 1 2 3; do
	expect 0 "$ENGRAM" train quarters.yaml -q --threads "$threads" --output=threads.safetensors
	same quarters.safetensors threads.safetensors
done
expect 0 "$ENGRAM" train quarters.yaml -q --seed 5 -o a.safetensors
if cmp -s a.safetensors quarters.safetensors; then fail "the seed changes nothing"; fi
expect 0 "$ENGRAM" train quarters.yaml -q --set train.seed=5 -o b.safetensors
same a.safetensors b.safetensors
expect 0 "$ENGRAM" train quarters.yaml --set data.limit=40 -o few.safetensors
says "32 pictures to train on, 8 to validate"

# Judging.
expect 0 "$ENGRAM" eval quarters.safetensors
says "40 pictures"
says "south-east"
expect 0 "$ENGRAM" eval quarters.safetensors --json
json out
for key in '"split": "test"' '"n": 40' '"loss": ' '"accuracy": ' '"macro_f1": ' '"per_class": ' '"confusion": '; do says "$key"; done
grep -Eq '"accuracy": (1|0\.9)' out || fail "quarters were not learnt: $(head -c 200 out)"
expect 0 "$ENGRAM" eval quarters.safetensors --split validation --json
says '"n": 32'
expect 0 "$ENGRAM" eval quarters.safetensors --split train --json
says '"n": 128'
expect 1 "$ENGRAM" eval quarters.safetensors --data fashion
expect 0 "$ENGRAM" info quarters.safetensors
says "north-west"

# Long class names above the columns take two lines.
sed 's/class_names:.*/class_names: [T-shirt and top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot]/' \
	quarters.yaml >ten.yaml
expect 0 "$ENGRAM" train ten.yaml -q -o ten.safetensors
expect 0 "$ENGRAM" eval ten.safetensors
grep -q '^ *T-shirt  *Ankle$' out || fail "class names: $(tail -n 14 out)"
grep -q '^ *and top  *Trouser  .*Bag  *boot$' out || fail "class names: $(tail -n 14 out)"

# A training that ends where it began says so.
expect 0 "$ENGRAM" train quarters.yaml --set train.lr=1e-30 -o few.safetensors
says "no better than guessing"
says "(now 1e-30)"
expect 0 "$ENGRAM" train quarters.yaml -q --set data.validation=0 -o few.safetensors
if grep -aq '[^a-z]nan[^a-z]' few.safetensors; then fail "what is not known is stored as nan"; fi

# Pictures: PGM, PNG, and things that are none. What can be read is answered.
bytes 137 80 78 71 13 10 26 10 0 0 0 13 73 72 68 82 0 0 0 8 0 0 0 8 8 0 0 0 0 225 100 225 87 0 0 0 19 73 68 65 84 \
120 218 99 16 129 2 6 60 140 19 64 64 128 1 0 149 87 16 65 31 215 239 201 0 0 0 0 73 69 78 68 174 66 96 130 >third.png
echo garbage >garbage.png
head -c 50 third.png >cut.png
expect 0 "$ENGRAM" predict quarters.safetensors third.pgm third.png
[ "$(grep -c '^third.*  south-west [<> 0-9.]*%' out)" = 2 ] || fail "predictions: $(cat out)"
expect 1 "$ENGRAM" predict quarters.safetensors garbage.png third.pgm missing.png cut.png "$tmp"
says "third.pgm"
for bad in garbage.png missing.png cut.png "$tmp"; do grep -qF "$bad" err || fail "$bad is not named: $(cat err)"; done
expect 1 "$ENGRAM" predict quarters.safetensors --json --top 2 third.pgm garbage.png
json out
says '"class": "south-west"'
says '"error": '
expect 0 "$ENGRAM" predict --invert yes quarters.safetensors third.pgm
says "(inverted)"
if grep -q ' 100.00 %\| 0.00 %' out; then fail "a certain prediction: $(cat out)"; fi

# LeNet-5 answers within 15 MB, program, libraries and picture together.
if [ -z "${ENGRAM_SANITIZE-}" ] && [ -d "${ENGRAM_DATA:-/nowhere}/mnist" ]; then
	expect 0 "$ENGRAM" train "$source/recipes/lenet5.yaml" -q --set data.source=mnist --set data.limit=500 --set train.epochs=1 -o lenet5.safetensors
	expect 0 "$ENGRAM_BUILD/test/peak_memory" "$ENGRAM" predict lenet5.safetensors third.pgm
	kib=$(tail -n 1 out)
	[ "$kib" -gt 1000 ] && [ "$kib" -lt 15000 ] || fail "predict took $kib KiB"
fi

# Damaged models.
size=$(wc -c <quarters.safetensors)
for part in 0 7 100 $((size / 2)) $((size - 1)); do
	head -c "$part" quarters.safetensors >cut.safetensors
	expect 1 "$ENGRAM" eval cut.safetensors
	expect 1 "$ENGRAM" predict cut.safetensors third.pgm
done
{ cat quarters.safetensors; echo more; } >long.safetensors
expect 1 "$ENGRAM" eval long.safetensors
expect 1 "$ENGRAM" eval quarters.yaml
expect 1 "$ENGRAM" train quarters.safetensors
says "is a model"

# Damaged and mislabelled data.
bad_data() {
	expect 1 "$ENGRAM" train quarters.yaml "$@" -o bad.safetensors
	[ -s err ] || fail "no message for $*"
	[ ! -e bad.safetensors ] || fail "a model was written from bad data: $*"
}
head -c 5000 images >cut-images
{ bytes 0 0 8 1 0 0 0 160; labels 159; bytes 4; } >beyond
{ bytes 0 0 8 1 0 0 0 100; labels 100; } >fewer
bad_data --set data.images=cut-images
bad_data --set data.labels=beyond
bad_data --set data.labels=fewer
bad_data --set data.labels=images
bad_data --set data.images=labels
bad_data --set data.images=quarters.yaml
bad_data --set data.images=missing
bad_data --set data.images=/dev/null
bad_data --set 'input=[1, 9, 9]'
bad_data --set data.validation=1.5

# Recipes and models from a pipe, which can be read once: the same answers.
through() { # through FILE COMMAND... PIPE stands for the pipe
	file=$1
	shift
	expect 0 "$@"
	mv out want
	rm -f in.pipe
	mkfifo in.pipe
	for arg in "$@"; do
		shift
		[ "$arg" != "$file" ] || arg=in.pipe
		set -- "$@" "$arg"
	done
	{ head -c 5 "$file"; sleep 0.1; tail -c +6 "$file"; } >in.pipe &
	expect 0 "$@"
	sed 's/in\.pipe/PATH/' out >got
	sed "s/$file/PATH/" want | cmp -s - got || fail "$* says something else: $(cat out) -- $(cat want)"
	wait
}
through quarters.yaml "$ENGRAM" check quarters.yaml
through quarters.yaml "$ENGRAM" info quarters.yaml
through quarters.yaml "$ENGRAM" train quarters.yaml --set train.epochs=1 -q -o piped.safetensors
through quarters.safetensors "$ENGRAM" info quarters.safetensors
through quarters.safetensors "$ENGRAM" eval quarters.safetensors --json
through quarters.safetensors "$ENGRAM" predict quarters.safetensors third.pgm
expect 1 "$ENGRAM" check /dev/zero
says "at most"
expect 1 "$ENGRAM" info /dev/null

done_testing
