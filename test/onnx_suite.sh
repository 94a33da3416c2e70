#!/bin/sh
# Other people's tests of models in files, where ../shared/vectors has them: none may fail, and so many must pass.
. test/cli_helpers

suite=$ENGRAM_BUILD/test/onnx_suite
vectors=$source/../shared/vectors
[ -x "$suite" ] || exit 77
[ -f "$vectors/onnx-node.tar.gz" ] || exit 77
"$ENGRAM" --version | grep -q protobuf-c || exit 77

# passes FOLDER LEAST: no failure, and at least so many cases pass
passes() {
	"$suite" "$1" >out 2>err || fail "$1: $(cat out err)"
	passed=$(sed -n 's/^\([0-9]*\) passed, 0 failed, .*/\1/p' out)
	[ "${passed:-0}" -ge "$2" ] || fail "$1: ${passed:-none} passed, $2 did before: $(cat out)"
}
mkdir node torch
tar -xzf "$vectors/onnx-node.tar.gz" -C node
tar -xzf "$vectors/onnx-pytorch.tar.gz" -C torch
passes node 681
passes torch 117
passes "$vectors/onnx-models" 4

# A file that is cut off anywhere, or has other bytes somewhere, is refused or read: never more than a message.
model=node/test_lstm_with_peepholes/model.onnx
mkdir -p broken/a
size=$(wc -c <"$model")
at=0
while [ "$at" -lt "$size" ]; do
	head -c "$at" "$model" >broken/a/model.onnx
	"$suite" broken >out 2>&1
	[ $? -le 1 ] || fail "cut after $at bytes: $(cat out)"
	at=$((at + 37))
done

done_testing
