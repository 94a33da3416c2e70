#!/bin/sh
# What of these scripts takes seconds, for .ci/run: test/interop/ci.sh BUILD. Packages of PyPI come into BUILD/interop, or
# are there already (PYTHON); where they cannot be had, that is told, and the exit code is 77.
set -u
build=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python=${PYTHON:-$build/interop/bin/python}
"$build/engram" --version | grep -q protobuf-c || { echo "SKIPPED: engram was built without protobuf-c" && exit 77; }
if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
	python3 -m venv "$build/interop" && timeout 240 "$build/interop/bin/pip" install -q --disable-pip-version-check numpy onnx onnxruntime
	"$python" -c 'import numpy, onnx, onnxruntime' || { echo "SKIPPED: numpy, onnx and onnxruntime cannot be installed from PyPI: nothing was compared with them" && exit 77; }
fi
failed=0
try() { "$@" || { echo "FAILED: $*" && failed=1; }; }
layers=$tmp/layers.yaml # cells that are Scans there
cat >"$layers" <<'X'
name: layers
task: regress
data: {source: adding, steps: 8, count: 40, test_count: 10}
input: [time, 2]
model:
  - lstm: {hidden: 6, projection: 4, peephole: true, cell_clip: 0.5, bidirectional: true, from: {lengths: lengths}}
  - gru: {hidden: 6, zoneout: 0.2, reset: before, reverse: true, from: {lengths: lengths}}
  - cell: {state: {h: 4}, layers: [concat: {from: [x, h], axis: 1}, linear: 4, tanh: {name: new}], next: {h: new}}
  - last: {from: {lengths: lengths}}
  - linear: {units: 1, name: answer}
train: {loss: mse}
X
shuffled=$tmp/shuffled.yaml
cat >"$shuffled" <<'X'
name: shuffled
task: classify
data: {source: mnist}
input: [1, 28, 28]
model: [space_to_depth: 2, conv: {filters: 8, kernel: 3, padding: 1}, depth_to_space: {block: 2, mode: crd}, flatten, linear: classes]
train: {loss: cross_entropy}
X
cd "$here/../.." || exit 1
try "$python" test/interop/onnx_written.py "$build/engram" "$layers" "$shuffled" recipes/adding.yaml recipes/lenet5-1998.yaml --runs 3 --opset 13 --opset 22
try "$python" test/interop/onnx_recurrent.py "$tmp/recurrent"
try "$build/test/onnx_suite" "$tmp/recurrent"
try "$python" test/interop/onnx_random.py "$tmp/random" --count 4
try "$build/test/onnx_suite" "$tmp/random/agreed"
[ -n "${ENGRAM_DATA-}" ] || ENGRAM_DATA=$(realpath ../shared/data 2>/dev/null)
export ENGRAM_DATA
speech=${ENGRAM_DATA:-data}/speech/recordings
if [ -d "$speech" ] && "$build/engram" --version | grep -q sndfile; then
	cat >"$tmp/heard.yaml" <<'X'
name: heard
task: classify
data: {source: fsdd, split: takes, sound: {bands: 20, deltas: 1, after: 0.05}}
input: [time, 40]
model: [{gru: {hidden: 8, from: {lengths: lengths}}}, {mean_time: {from: {lengths: lengths}}}, {linear: classes}]
train: {loss: cross_entropy, optimizer: {adam: {lr: 0.01}}, batch: 50, epochs: 1, seed: 1}
X
	try "$build/engram" train "$tmp/heard.yaml" -q -o "$tmp/heard.safetensors"
	try "$python" test/interop/onnx_heard.py "$build/engram" "$tmp/heard.safetensors" "$speech"
else
	echo "SKIPPED: no recordings of FSDD: onnxruntime heard nothing"
fi
PYTHON=$python try test/interop/onnx_recipes.sh "$build/engram" --few
exit $failed
