#!/bin/sh
# Films as a user has them: from a pipe, as folders, damaged; tags as frames come in, summaries and pages about where a
# network looks, frames that come next.
. test/cli_helpers

# Two pictures of each digit: a block that is wider for later ones.
# shellcheck disable=SC2059
blocks() { printf "$(awk 'BEGIN {
	for (i = 0; i < 20; i++)
		for (y = 0; y < 28; y++)
			for (x = 0; x < 28; x++) printf "\\%03o", (y > 5 && y < 22 && x > 7 && x < 12 + i % 10) ? 200 : 0
}')"; }
# shellcheck disable=SC2059
digits() { printf "$(awk 'BEGIN { for (i = 0; i < 20; i++) printf "\\%03o", i % 10 }')"; }
mkdir digits
for part in train t10k; do
	{ bytes 0 0 8 3 0 0 0 20 0 0 0 28 0 0 0 28; blocks; } >digits/$part-images-idx3-ubyte
	{ bytes 0 0 8 1 0 0 0 20; digits; } >digits/$part-labels-idx1-ubyte
done
small='optimizer: {adam: {lr: 0.01}}, batch: 4, epochs: 1, seed: 1'
data='pictures: digits, count: 8, test_count: 3'
each='fold_time, {conv: {filters: 2, kernel: 8, stride: 8}}, relu, unfold_time, {flatten: 2}'

cat >motion.yaml <<-END
	name: motion
	task: classify
	data: {source: moving-digits, $data}
	input: [time, 1, 64, 64]
	model: [$each, {lstm: 4}, last, {linear: classes}]
	train: {loss: cross_entropy, $small}
END
expect 0 "$ENGRAM" train motion.yaml -q
frames() { head -c $((4096 * $1)) /dev/zero; } # raw, grey, 64 x 64
frames 5 | "$ENGRAM" predict motion.safetensors - --json >out 2>err || fail "a film from a pipe: $(cat err)"
json out
says '"input": "-"'
frames 15 | "$ENGRAM" predict motion.safetensors - --size 64x64 >out 2>err || fail "a film of rgb24: $(cat err)"
{ frames 1; bytes 1 2 3; } | "$ENGRAM" predict motion.safetensors - >out 2>err && fail "a film that is cut off was answered"
says "frame 1: it is cut off, 3 of its 4096 bytes are there"
"$ENGRAM" predict motion.safetensors - >out 2>err </dev/null && fail "no film at all was answered"
says "'standard input' has no frame"
printf 'YUV4MPEG2 W64 H64 F25:1 Cmono\n' >empty.y4m
expect 1 "$ENGRAM" predict motion.safetensors empty.y4m
says "'empty.y4m' has no frame"
{ cat empty.y4m; echo FRAME; frames 1; echo FRAME; } >cut.y4m
expect 1 "$ENGRAM" predict motion.safetensors cut.y4m
says "'cut.y4m', frame 1: it is cut off"
{ cat empty.y4m; for _ in 1 2 3 4; do echo FRAME; frames 1; done; } >film.y4m
expect 0 "$ENGRAM" predict motion.safetensors film.y4m --json
json out
mkdir shots
{ echo P5 64 64 255; frames 1; } >shots/1.pgm
{ echo P5 64 64 255; frames 1; } >shots/2.pgm
expect 0 "$ENGRAM" predict motion.safetensors shots
{ echo P5 32 64 255; head -c 2048 /dev/zero; } >shots/3.pgm
expect 1 "$ENGRAM" predict motion.safetensors shots
says "all frames of a film are of one size"
mkdir films
cp film.y4m films/a.y4m
cp film.y4m films/b.y4m
expect 0 "$ENGRAM" predict motion.safetensors films --json
[ "$(wc -l <out)" = 2 ] || fail "a folder of two films: $(cat out)"
expect 0 "$ENGRAM" inspect motion.safetensors film.y4m -o inside
says "The answer depends most on frame"
grep -q 'saliency in time' inside/looks.html || fail "no saliency in looks.html"
expect 2 "$ENGRAM" inspect motion.safetensors film.y4m --pixel 1,1 -o inside
says "--pixel is not for captions and films"
expect 1 "$ENGRAM" inspect motion.safetensors film.y4m --of dance -o inside
says "the model knows no class 'dance'"

# A tag for each frame: as they come where the network goes in one direction, else when all are there.
for way in '' ', bidirectional: true'; do
	cat >tags.yaml <<-END
		name: tags
		task: tag
		data: {source: moving-digits, $data, actions: 2}
		input: [time, 1, 64, 64]
		model: [$each, {lstm: {hidden: 4$way}}, {linear: classes}]
		train: {loss: cross_entropy, $small}
	END
	expect 0 "$ENGRAM" train tags.yaml -q
	"$ENGRAM" predict tags.safetensors - >out 2>err </dev/null && fail "no film at all was tagged"
	says "'standard input' has no frame"
	frames 3 | "$ENGRAM" predict tags.safetensors - --json >out 2>err || fail "tags from a pipe: $(cat err)"
	json out
	if [ -z "$way" ]; then
		[ "$(wc -l <out)" = 3 ] || fail "a line a frame: $(cat out)"
		says '"frame": 2, "answer": {"tag": '
	else
		says '"answer": {"tags": ['
	fi
done

expect 0 "$ENGRAM" inspect tags.safetensors film.y4m -o tagged
says 'frames 0 to'
says 'most from frame'
grep -q 'How much the tag in the middle of each segment' tagged/looks.html || fail "no segments in looks.html"
expect 0 "$ENGRAM" inspect tags.safetensors --record 0 -o tagged --json
json out
says '"segments": [{"type": "'
says '"from": '
expect 1 "$ENGRAM" inspect tags.safetensors film.y4m --of up -o tagged
says 'a film that is tagged has no class that could be chosen'

# Told later, the tags are those of the whole film all the same, one for each frame, and also where it is shorter than the delay.
sed -e 's/, bidirectional: true//' -e 's/actions: 2/actions: 2, delay: 3/' tags.yaml >later.yaml
expect 0 "$ENGRAM" train later.yaml -q -o later.safetensors
tags_of() { tr -d '\n' <out | grep -o '"tags": \[[^]]*\]\|"tag": "[^"]*"' | grep -o '"[a-z-]*"' | grep -v '"tags*"'; }
for n in 1 3 5; do
	{ printf 'YUV4MPEG2 W64 H64 F25:1 Cmono\n'; for k in $(seq $n); do echo FRAME; frames 1 | tr '\0' "$(printf '\\%03o' $((60 * k % 256)))"; done; } >late.y4m
	expect 0 "$ENGRAM" predict later.safetensors late.y4m --json
	tags_of >whole
	"$ENGRAM" predict later.safetensors - --json <late.y4m >out 2>err || fail "tags that are told later: $(cat err)"
	tags_of >coming
	[ "$(wc -l <coming)" = $n ] || fail "$n frames, told later: $(cat out)"
	cmp -s whole coming || fail "$n frames told later: $(cat whole coming)"
done
for model in tags later; do # and the truth is where it was
	expect 0 "$ENGRAM" predict $model.safetensors --truth --json
	grep -o '"truth": .*' out | sort >$model.truth
done
[ "$(wc -l <tags.truth)" = 3 ] || fail "no truth: $(cat out)"
cmp -s tags.truth later.truth || fail "the truth has moved: $(cat tags.truth later.truth)"
expect 0 "$ENGRAM" eval later.safetensors --json
says '"edit": '
expect 1 "$ENGRAM" check later.yaml --set data.delay=-1
says "delay"

cat >words.yaml <<-END
	name: words
	task: caption
	data: {source: moving-digits, $data, actions: 2, recast: true, most_digits: 1, unit: word, longest: 30}
	inputs: {frames: [frames, 1, 64, 64], previous: [time]}
	model: [{flatten: {axis: 2, from: frames}}, {linear: {units: 4, name: memory}}, {embedding: {size: 4, count: classes, from: previous}},
	  {lstm: {hidden: 4, name: state}}, {multiplicative_attention: {from: [state, memory, lengths.frames], name: seen}}, {linear: classes}]
	outputs: {attention: seen.weights}
	train: {loss: cross_entropy, $small}
END
expect 0 "$ENGRAM" data show words.yaml -n 1 -o words.html
says "input previous"
expect 0 "$ENGRAM" data vocab words.yaml
says "then"
expect 0 "$ENGRAM" train words.yaml --json
# What is told of speed are films, not the words that are written of them.
awk -v films=8 'function value(key) { return match($0, "\"" key "\": [-0-9.e+]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : -1 }
	{ n = value("seconds") * value("samples_per_second"); if (n > films - 0.01 && n < films + 0.01) right++ } END { exit right != 1 || NR != 1 }' out || fail "films in a second: $(cat out)"
expect 0 "$ENGRAM" predict words.safetensors film.y4m -o summary --json
json out
says '"segments": ['
says '"file": "summary/film.html"'
[ -s summary/film.html ] || fail "no summary"
expect 0 "$ENGRAM" inspect words.safetensors --record 1 -o inside --json
json out
says '"files": ["inside/looks.html"'
expect 1 "$ENGRAM" inspect words.safetensors --record 3 -o inside
says "there is no record 3: the part 'test' has 3, from 0"
expect 0 "$ENGRAM" eval words.safetensors --json
says '"clause": '

cat >next.yaml <<-END
	name: next
	task: reconstruct
	data: {source: moving-mnist, $data}
	input: [time, 1, 64, 64]
	model: [fold_time, {conv: {filters: 1, kernel: 1}}, unfold_time]
	train: {loss: mse, $small}
END
expect 0 "$ENGRAM" train next.yaml -q
expect 0 "$ENGRAM" predict next.safetensors film.y4m -o next --json
json out
says '"frames": 4'
says '"error": null'
says '"file": "next/film.y4m", "picture": "next/film.png"'
expect 0 "$ENGRAM" eval next.safetensors --json
says '"by_frame": ['
expect 0 "$ENGRAM" floor next.yaml --json
json out
says '"name": "blank-frame"'
says '"name": "last-frame"'
done_testing
