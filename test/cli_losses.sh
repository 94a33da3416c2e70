#!/bin/sh
# Losses by command: weights of classes, balanced and as a list, which a model keeps; regions (dice, jaccard); and what is said where they
# do not fit.
. test/cli_helpers
if ! python3 -c '' 2>/dev/null; then
	echo "skipped: no python3 to make pictures with"
	exit 77
fi

# ---- weights of classes -------------------------------------------------------------------------------------------

# Texts of two classes, one of which is rare: 30 and 10.
{
	printf 'text\tlabel\n'
	for i in $(seq 40); do
		if [ $((i % 4)) = 0 ]; then printf 'bad news of %d\tham\n' "$i"; else printf 'good day to you %d\tspam\n' "$i"; fi
	done
} >mail.tsv
cat >mail.yaml <<-END
	name: mail
	task: classify
	data: {source: tsv, path: mail.tsv, validation: 0.3}
	input: [time]
	model: [{embedding: 3}, mean_time, {linear: classes}]
	train: {loss: {cross_entropy: {class_weights: balanced}}, optimizer: {adam: {lr: 0.01}}, batch: 8, epochs: 2}
END
best() { grep '"best": true' out | tail -n 1 | sed 's/.*"val_loss": \([0-9.e-]*\).*/\1/'; }
loss_of() { sed 's/.*"loss": \([0-9.e-]*\).*/\1/' out; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-10 * a * a) }' || fail "$3: $1, $2"; }
expect 0 "$ENGRAM" check mail.yaml
expect 0 "$ENGRAM" train mail.yaml --json -o balanced.safetensors
balanced=$(best)
# What the model keeps is what its loss is computed with, here and elsewhere.
expect 0 "$ENGRAM" eval balanced.safetensors --split validation --json
says '"loss_holds": "class weights"'
near "$balanced" "$(loss_of)" "eval of a balanced loss"
weights=$(tr -d '\\' <balanced.safetensors 2>/dev/null | grep -ao '"class_weights": {"target": \[[^]]*' | sed 's/.*\[//')
[ -n "$weights" ] || fail "no weights of classes in the model"
# The same numbers as a list lead to the same weights.
expect 0 "$ENGRAM" train mail.yaml --set "train.loss.cross_entropy.class_weights=[$weights]" --json -o list.safetensors
near "$balanced" "$(best)" "a list of the same weights"
expect 0 "$ENGRAM" train mail.yaml
says "loss: cross_entropy with class weights"
expect 0 "$ENGRAM" train mail.yaml --set train.loss=cross_entropy --json -o plain.safetensors
[ "$(best)" != "$balanced" ] || fail "weights of classes change nothing"
# A sample of one class is nothing but that class: by the median of such shares all weigh 1.
plain=$(best)
expect 0 "$ENGRAM" train mail.yaml --set train.loss.cross_entropy.class_weights=median_frequency --json -o median.safetensors
near "$plain" "$(best)" "the median frequency of whole samples"
expect 0 "$ENGRAM" train mail.yaml --set 'train.loss={softmax_focal: {class_weights: balanced, gamma: 1}}' -q
expect 1 "$ENGRAM" train mail.yaml --set 'train.loss.cross_entropy.class_weights=[1, 2, 3]'
says "the loss 'cross_entropy' has class_weights for 3 classes, but there are 2"
expect 1 "$ENGRAM" train mail.yaml --set train.loss.cross_entropy.class_weights=balance
says "no word for 'class_weights' 'balance'; did you mean 'balanced'?"
expect 1 "$ENGRAM" train mail.yaml --set 'train.loss.cross_entropy.class_weights=[-1, 1]'
says "class_weights"
expect 1 "$ENGRAM" train mail.yaml --set 'train.loss={mse: {class_weights: balanced}}'
says "unknown key 'class_weights' in loss 'mse'"

# ---- angles -------------------------------------------------------------------------------------------------------

# A layer of cosines and the loss that belongs to it, and rows of a batch against each other as a second loss.
cat >arc.yaml <<-END
	name: arc
	task: classify
	data: {source: tsv, path: mail.tsv, validation: 0.3}
	input: [time]
	model:
	  - embedding: 8
	  - mean_time
	  - linear: {units: 8, name: emb}
	  - cosine_linear: {units: classes, scale: 16}
	train:
	  loss:
	    - arcface: {scale: 16, margin: 0.3, class_weights: balanced}
	    - supervised_contrastive: {temperature: 0.2}
	      of: emb
	      weight: 0.1
	  optimizer: {adam: {lr: 0.01}}
	  batch: 8
	  epochs: 20
END
expect 0 "$ENGRAM" train arc.yaml -q -o arc.safetensors
expect 0 "$ENGRAM" eval arc.safetensors --split validation --json
says '"accuracy": 1,'

# ---- regions ------------------------------------------------------------------------------------------------------

# Pictures 16x12, dark, with one bright rectangle, which is class 1.
python3 - <<-'END'
	import os, random, struct, zlib
	def chunk(kind, body):
	    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
	rng, w, h = random.Random(3), 16, 12
	for part, n in ("train", 24), ("val", 8), ("test", 8):
	    os.makedirs("spots/" + part)
	    os.makedirs("spots/" + part + "annot")
	    for i in range(n):
	        x, y = rng.randrange(w - 5), rng.randrange(h - 4)
	        inside = [[x <= c < x + 5 and y <= r < y + 4 for c in range(w)] for r in range(h)]
	        with open("spots/%s/%02d.ppm" % (part, i), "wb") as f:
	            f.write(b"P6\n%d %d\n255\n" % (w, h))
	            f.write(bytes((170 if v else 60) + rng.randrange(60) for row in inside for v in row for c in range(3)))
	        with open("spots/%sannot/%02d.png" % (part, i), "wb") as f:
	            f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0))
	                    + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(map(int, row)) for row in inside))) + chunk(b"IEND", b""))
END
cat >spots.yaml <<-END
	name: spots
	task: segment
	data: {source: masks, path: spots, class_names: [ground, spot]}
	input: [3, 12, 16]
	model:
	  - conv: {filters: 4, kernel: 3, padding: 1}
	  - relu
	  - conv: {filters: classes, kernel: 1}
	train: {loss: {dice: {batch: true}}, optimizer: {adam: {lr: 2.0e-2}}, batch: 8, epochs: 12}
END
# learns LOSS: trained with it, most of the pixels are right
learns() {
	expect 0 "$ENGRAM" train spots.yaml --set "train.loss=$1" -q -o spots.safetensors
	expect 0 "$ENGRAM" eval spots.safetensors --json
	awk -v v="$(sed 's/.*"miou": \([0-9.e-]*\).*/\1/' out)" 'BEGIN { exit !(v > 0.75) }' || fail "$1: $(head -c 200 out)"
}
learns dice
learns '{dice: {batch: true, squared: true, background: false}}'
learns jaccard
learns '[{cross_entropy: {class_weights: balanced}}, {dice: {}, weight: 0.5}]'
# 20 of 192 pixels are bright: shares of 0.104 and 0.896, whose median is a half.
expect 0 "$ENGRAM" train spots.yaml --set 'train.loss={cross_entropy: {class_weights: median_frequency}}' --set train.epochs=1
says "cross_entropy with class weights 0.5581, 4.8"
expect 1 "$ENGRAM" train spots.yaml --set 'train.loss=mse'
says "the loss 'mse' compares with numbers"
expect 1 "$ENGRAM" train spots.yaml --set 'train.loss={dice: {smoth: 2}}'
says "did you mean 'smooth'?"

# ---- several numbers to a target ------------------------------------------------------------------------------------

# Sums of two of six numbers: with a scale, or with quantiles, of which the middle one is judged.
# learns_sums LOSS UNITS
learns_sums() {
	expect 0 "$ENGRAM" train "$source/recipes/adding.yaml" --set data.steps=6 --set data.count=800 --set data.test_count=100 \
		--set train.epochs=6 --set "train.loss=$1" --set "model.2.linear=$2" -q -o sums.safetensors
	expect 0 "$ENGRAM" eval sums.safetensors --json
	awk -v v="$(sed 's/.*"mse": \([0-9.e-]*\).*/\1/' out)" 'BEGIN { exit !(v < 0.14) }' || fail "$1: $(head -c 200 out)"
	expect 0 "$ENGRAM" predict sums.safetensors --split test --json
	head -n 1 out >first
}
learns_sums gaussian_nll 2
grep -Eq '"values": \[[0-9.-]+\], "scales": \[[0-9.]+\]' first || fail "no scale: $(cat first)"
learns_sums student_t_nll 2
learns_sums '{quantile: {quantiles: [0.1, 0.5, 0.9]}}' 3
grep -Eq '"quantiles": \{"0.1": \[[0-9.-]+\], "0.5": \[[0-9.-]+\], "0.9": \[' first || fail "no quantiles: $(cat first)"
expect 1 "$ENGRAM" train "$source/recipes/adding.yaml" --set train.loss=gaussian_nll
says "gaussian_nll"
says "2 numbers for every target"
expect 1 "$ENGRAM" train "$source/recipes/adding.yaml" --set train.loss=gaussian_nll --set model.2.linear=4
says "of which the loss takes 2 each; end the model with \`linear: 2\`"
done_testing
