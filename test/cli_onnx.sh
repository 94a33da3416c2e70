#!/bin/sh
# engram export, import and networks of ONNX where models are expected. What is written is read again and compared by the
# program itself, so that an export that ends well has given the same numbers.
. test/cli_helpers

# recipe NAME LAYER...: a network of sequences of two numbers
recipe() {
	{
		printf 'name: %s\ntask: regress\ndata: {source: adding, steps: 8, count: 40, test_count: 10}\ninput: [time, 2]\nmodel:\n' "$1"
		shift
		for layer; do printf '  - %s\n' "$layer"; done
		printf 'train: {epochs: 1, batch: 20, optimizer: {adam: {lr: 1.0e-3}}, loss: mse}\n'
	} >net.yaml
}
# exports RECIPE-NAME LAYER...
exports() {
	recipe "$@"
	rm -f net.onnx
	expect 0 "$ENGRAM" export net.yaml --to onnx
	says "read again, it gives the same on random numbers in 2 runs"
	[ -s net.onnx ] || fail "$1: no net.onnx"
}
# refuses WHY LAYER...: and leaves nothing
refuses() {
	why=$1
	shift
	recipe refused "$@"
	rm -f net.onnx
	expect 1 "$ENGRAM" export net.yaml --to onnx
	says "$why"
	[ ! -e net.onnx ] || fail "net.onnx was left behind: $why"
}

"$ENGRAM" --version | grep -q protobuf-c || { # without it, the message alone
	recipe none 'lstm: 4' last 'linear: 1'
	expect 1 "$ENGRAM" export net.yaml --to onnx
	says "built without protobuf-c"
	exit 77
}

# ---- what is written -------------------------------------------------------------------------------------------------

exports plain 'lstm: 4' last 'linear: 1'
says "2 states of recurrent layers"
exports stack 'gru: {hidden: 3, layers: 2, bidirectional: true, from: {lengths: lengths}}' 'mean_time: {from: {lengths: lengths}}' 'linear: 1'
exports write 'gru: {hidden: 4, update: write}' 'rnn: {hidden: 3, activation: relu, reverse: true}' last 'linear: 1'
exports ends 'lstm: {hidden: 4, peephole: true, from: {lengths: lengths}}' 'causal_conv1d: {filters: 6, kernel: 3, dilation: 2, groups: 2, from: {lengths: lengths}}' \
	'mask: {from: {lengths: lengths}}' 'last: {from: {lengths: lengths}}' 'linear: 1'
exports heads 'linear: 8' 'multi_head_attention: {heads: 4, kv_heads: 2, causal: true, context: 3}' \
	'multi_head_attention: {heads: 2, from: {lengths: lengths}}' last 'linear: 1'
says "with sizes that are known only"
expect 0 "$ENGRAM" info net.onnx # so it is listed and drawn
says "Here each of them is 32"
expect 0 "$ENGRAM" export net.onnx --to svg -o heads.svg
grep -q 'net.onnx, open sizes: 32' heads.svg || fail "the picture does not say which sizes it has: $(head -c 300 heads.svg)"
exports looks 'gru: {hidden: 4, name: states}' 'mean_time: {name: mean, from: {lengths: lengths}}' \
	'additive_attention: {units: 5, from: [mean, states, lengths], name: a}' \
	'multiplicative_attention: {scaled: true, from: [a, states, lengths], name: b}' 'concat: {from: [a, b]}' 'linear: 1'
exports norms last 'linear: 6' 'batchnorm: {momentum: 0.3}' 'linear: 1'
exports angles last 'cosine_linear: {units: 5, scale: 16}' 'linear: 1'
exports codes last 'linear: 6' 'rbf: {units: 3}' 'linear: 1'
# pictures SPACE-TO-DEPTH DEPTH-TO-SPACE: squares of pixels become channels, and come back
pictures() {
	printf 'name: net\ntask: classify\ndata: {source: mnist}\ninput: [1, 28, 28]\nmodel: [{space_to_depth: %s}, {depth_to_space: %s}, flatten, {linear: classes}]\ntrain: {loss: cross_entropy}\n' "$1" "$2" >net.yaml
	rm -f net.onnx
}
pictures 2 '{block: 2, mode: crd}'
expect 0 "$ENGRAM" export net.yaml --to onnx
[ "$(grep -ac 'CRD' net.onnx)" = 1 ] || fail "the mode is not written as ONNX has it"
pictures '{block: 2, mode: crd}' 2
expect 1 "$ENGRAM" export net.yaml --to onnx
says "ONNX's SpaceToDepth has no mode crd"
[ ! -e net.onnx ] || fail "net.onnx was left behind"
exports angles 'cosine_linear: {units: 4, scale: 3}' last 'cosine_linear: {units: 3}' 'linear: 1'
exports gates 'linear: 12' 'glu: silu' 'maxout: {pieces: 3, axis: 2}' last 'linear: 1'
for opset in 13 22; do expect 0 "$ENGRAM" export net.yaml --to onnx --opset $opset; done

# An operator since opset 17, before it those that it is made of.
exports layers 'linear: 6' layernorm 'layernorm: {bias: false}' 'layernorm: {scale: false}' rmsnorm last 'linear: 1'
for opset in 13 16 17; do
	expect 0 "$ENGRAM" export net.yaml --to onnx --opset $opset
	if grep -aq LayerNormalization net.onnx; then has=yes; else has=no; fi
	[ $has = "$([ $opset -ge 17 ] && echo yes || echo no)" ] || fail "layer normalisation in opset $opset: $has"
done

# Cells that ONNX has no options for are Scans.
exports norms 'lstm: {hidden: 4, layers: 2, bidirectional: true, layer_norm: true, from: {lengths: lengths}}' 'last: {from: {lengths: lengths}}' 'linear: 1'
says "4 states of recurrent layers"
exports projects 'lstm: {hidden: 4, projection: 2, peephole: true, cell_clip: 0.5, zoneout: 0.1}' last 'linear: 1'
exports resets 'gru: {hidden: 4, layer_norm: true, reset: before, update: write, reverse: true, from: {lengths: lengths}}' 'rnn: {hidden: 3, zoneout: 0.2}' 'last: {from: {lengths: lengths}}' 'linear: 1'
exports loops 'cell: {state: {h: 4}, layers: [concat: {from: [x, h], axis: 1}, linear: 4, tanh: {name: new}], next: {h: new}}' last 'linear: 1'
for opset in 13 22; do expect 0 "$ENGRAM" export net.yaml --to onnx --opset $opset; done
exports frames fold_time 'linear: 4' unfold_time 'reshape: [0, 0, 4, 1, 1]' 'convlstm: {filters: 3, kernel: 1}' 'reshape: [0, 0, 3]' last 'linear: 1'
exports later shift 'shift: {start: 0.5}' 'shift: {from: {x: shift2, lengths: lengths}}' last 'linear: 1'
says "1 state of recurrent layers"
exports places 'linear: 3' 'range: {axis: -1, start: 0.5, step: 0.25}' 'add: {from: [linear1, range1]}' 'range: {axis: 0, integers: true, from: add1}' \
	'embedding: {size: 3, count: 50}' 'unsqueeze: {axes: [1]}' 'add: {from: [linear1, unsqueeze1]}' last 'linear: 1'
refuses "ONNX has no such operator, and it is not written as several others" 'unsqueeze: {axes: [2]}' fold_time 'adaptive_maxpool1d: {output: 2}' unfold_time 'flatten: 2' last 'linear: 1'
expect 2 "$ENGRAM" export net.yaml --to onnx --opset 12
expect 2 "$ENGRAM" export net.yaml
says "--to is missing"

# ---- what comes in ---------------------------------------------------------------------------------------------------

# Weights of a crf, and of a layer that goes out as a product and a sum, come back; under PyTorch's names, too.
printf 'a\tB-X\nb\tO\nc\tB-X\n\nb\tO\na\tB-X\n\n' >one.tsv
for i in 1 2 3 4; do cat one.tsv; done >tags.tsv
cat >tags.yaml <<'EOF'
name: tags
task: tag
data: {source: conll, path: tags.tsv, test_last: 2, validation: 0.2}
input: [time]
model:
  - embedding: {size: 4}
  - lstm: {hidden: 4, bidirectional: true}
  - linear: classes
train: {epochs: 1, batch: 2, loss: crf}
EOF
expect 0 "$ENGRAM" train tags.yaml -q -o tags.safetensors
for way in onnx pytorch; do
	expect 0 "$ENGRAM" export tags.safetensors --to $way -o "there.$way"
	expect 0 "$ENGRAM" import "there.$way" --recipe tags.yaml -o "back.$way"
	for model in tags.safetensors "back.$way"; do "$ENGRAM" eval "$model" --json | sed 's/"model": "[^"]*"//' >"$model.eval"; done
	cmp -s tags.safetensors.eval "back.$way.eval" || fail "by way of $way: $(cat tags.safetensors.eval "back.$way.eval")"
done
grep -aq crf1.start_transitions there.pytorch || fail "a crf is not called as in pytorch-crf"

recipe adding 'lstm: {hidden: 4, layers: 2}' last 'linear: 1'
expect 0 "$ENGRAM" train net.yaml -q -o model.safetensors
expect 0 "$ENGRAM" export model.safetensors --to onnx
[ -s model.onnx ] || fail "no model.onnx beside the model"
for key in engram_version recipe sizes task; do grep -aq "$key" model.onnx || fail "no $key in the metadata"; done
expect 0 "$ENGRAM" import model.onnx -o net.safetensors
says "with 261 weights"
expect 0 "$ENGRAM" info net.safetensors
says "input input: float (time,batch,2)"
says "output lstm1.l1.cn: float (1,batch,4)"
expect 0 "$ENGRAM" info model.onnx --json
json out
echo '[[[0.5,1],[0.1,0]],[[0.25,0],[0.2,1]],[[0.3,1],[0.4,1]]]' >x.json
expect 0 "$ENGRAM" predict model.onnx x.json --json
json out
mv out first
expect 0 "$ENGRAM" predict net.safetensors x.json --json
same out first
printf '[0.5,1]\n[0.25,0]\n[0.3,1]\n' | tr -d '[]' >x.csv
expect 1 "$ENGRAM" predict model.onnx x.csv
says "input 'input' is (3,2), the network takes (time,batch,2)"
expect 0 "$ENGRAM" predict model.onnx x.json
says "logits (2,1): "
expect 0 "$ENGRAM" predict model.onnx x.json -o made
[ -s made/logits.npy ] && [ -s made/lstm1.l0.hn.npy ] || fail "no outputs as .npy: $(ls made)"
expect 1 "$ENGRAM" predict model.onnx --input input=made/lstm1.l0.hn.npy --input input=made/lstm1.l0.hn.npy
says "input 'input' is given twice"
zeros=$(yes 0 | head -n 65535 | paste -sd, -) # lists of 65,536, each in the first place of the next: 2^64 numbers
echo "[[[[1,$zeros],$zeros],$zeros],$zeros]" >many.json
expect 1 "$ENGRAM" predict model.onnx many.json
says "must be lists of numbers"
printf '0.5,\n1\n' >cut.csv
expect 1 "$ENGRAM" predict model.onnx cut.csv
says "it must hold rows of numbers"
cp model.onnx same.onnx
expect 1 "$ENGRAM" export same.onnx --to onnx
says "same.onnx would be written over"
cmp -s model.onnx same.onnx || fail "the file was written over"
expect 0 "$ENGRAM" bench net.safetensors:n2t5 --runs 2 --json
json out
says '"runs": 2'
for verb in eval generate; do
	expect 1 "$ENGRAM" $verb net.safetensors
	says "is a network alone, without a recipe and a task"
done
expect 1 "$ENGRAM" import net.yaml -o other.safetensors
says "is no file of ONNX"
head -c 500 model.onnx >cut.onnx
expect 1 "$ENGRAM" info cut.onnx
expect 1 "$ENGRAM" import cut.onnx -o other.safetensors
[ ! -e other.safetensors ] || fail "a model of a damaged file was left behind"

# A stack of ours is two layers of ONNX's; both come back, in their order.
expect 0 "$ENGRAM" train net.yaml -q --set train.from=model.onnx -o from.safetensors
expect 0 "$ENGRAM" import model.onnx --recipe net.yaml -o back.safetensors
expect 0 "$ENGRAM" predict model.safetensors --json
mv out first
expect 0 "$ENGRAM" predict back.safetensors --json
same out first

recipe more 'lstm: {hidden: 4, layers: 2}' last 'linear: 7' 'linear: 1'
rm -f other.safetensors
expect 1 "$ENGRAM" import model.onnx --recipe net.yaml -o other.safetensors
says "weights of the recipe have none in 'model.onnx'"
[ ! -e other.safetensors ] || fail "a model without all of its weights was left behind"

# ---- weights of PyTorch ----------------------------------------------------------------------------------------------

recipe torch 'lstm: {hidden: 3, bidirectional: true}' 'gru: 3' last 'linear: {units: 4, name: wide}' relu 'linear: {units: 4, name: narrow}' 'linear: 1'
expect 0 "$ENGRAM" train net.yaml -q -o model.safetensors
expect 0 "$ENGRAM" export model.safetensors --to pytorch
for name in lstm1.weight_ih_l0_reverse lstm1.bias_hh_l0 gru1.bias_hh_l0 wide.weight; do grep -aq "\"$name\"" model.pytorch.safetensors || fail "no $name"; done
expect 0 "$ENGRAM" import model.pytorch.safetensors --recipe net.yaml -o back.safetensors
says "gru1: gru1"
expect 0 "$ENGRAM" predict model.safetensors --json
mv out first
expect 0 "$ENGRAM" predict back.safetensors --json
same out first
recipe other 'lstm: {hidden: 3, bidirectional: true, name: a}' 'gru: {hidden: 3, name: b}' last 'linear: 4' relu 'linear: 4' 'linear: 1'
expect 0 "$ENGRAM" import model.pytorch.safetensors --recipe net.yaml -o back.safetensors --map linear2=narrow --map linear1=wide
says "a: lstm1"
expect 1 "$ENGRAM" import model.pytorch.safetensors --recipe net.yaml -o back.safetensors --map linear1=gru1
says "with other weights or shapes than the layer"
recipe other 'lstm: {hidden: 3, bidirectional: true}' 'gru: 5' last 'linear: 1'
rm -f other.safetensors
expect 1 "$ENGRAM" import model.pytorch.safetensors --recipe net.yaml -o other.safetensors
says "the file has no weights for 'gru1' (weight_ih_l0 (15,6))"
says "of the file nothing fits 'gru1.bias_hh_l0' (9)"
[ ! -e other.safetensors ] || fail "a model without its weights was left behind"

# ---- pictures --------------------------------------------------------------------------------------------------------

recipe drawn 'lstm: {hidden: 4, name: first}' 'last: {name: end}' 'linear: {units: 3, from: end}' 'concat: {from: [linear1, end]}' 'linear: 1'
expect 0 "$ENGRAM" export net.yaml --to svg
if command -v xmllint >/dev/null; then xmllint --noout net.svg || fail "net.svg is not XML"; fi
for text in first end concat1 '(T,N,4)' '>input<'; do grep -qF "$text" net.svg || fail "no $text in net.svg"; done
if grep -q mse net.svg; then fail "the loss is drawn"; fi
expect 0 "$ENGRAM" export net.yaml --to dot
grep -q '^	n1 -> n2;$' net.dot || fail "no lines in net.dot"
expect 0 "$ENGRAM" export model.onnx --to dot -o m.dot
grep -q 'label="lstm1' m.dot || fail "no lstm1 in m.dot"

# ---- a recipe of a network -------------------------------------------------------------------------------------------

# A network without a task gets one: the answers of the recipe's model are the network's own.
exports plain 'lstm: {hidden: 4, layers: 2}' last 'linear: {units: 5, bias: false}' tanh 'linear: 1'
expect 0 "$ENGRAM" export net.onnx --to recipe -o back.yaml
says back.yaml
sed -i -e 's/^task:.*/task: regress/' -e 's/^data:.*/data: {source: adding, steps: 8, count: 40, test_count: 10}/' -e 's/units: classes/units: 1/' \
	-e 's/loss: .*/loss: mse/' back.yaml
expect 0 "$ENGRAM" import net.onnx --recipe back.yaml -o back.safetensors
expect 0 "$ENGRAM" predict back.safetensors --split test --json
cp out theirs
expect 0 "$ENGRAM" export back.safetensors --to onnx -o again.onnx
expect 0 "$ENGRAM" train back.yaml -q --set train.epochs=1 -o on.safetensors # learns on from net.onnx, which it names
sed 's/^  from:.*//' back.yaml >fresh.yaml
expect 0 "$ENGRAM" import again.onnx --recipe fresh.yaml -o again.safetensors
expect 0 "$ENGRAM" predict again.safetensors --split test --json
cmp -s out theirs || fail "the network answers otherwise as a recipe's"
exports lengths 'gru: {hidden: 3, from: {lengths: lengths}}' 'last: {from: {lengths: lengths}}' 'linear: 1'
rm -f back.yaml
expect 1 "$ENGRAM" export net.onnx --to recipe -o back.yaml
says "it has several inputs"
[ ! -e back.yaml ] || fail "back.yaml was left behind"
expect 2 "$ENGRAM" export net.yaml --to recipe -o back.yaml
says "is a recipe already"

done_testing
