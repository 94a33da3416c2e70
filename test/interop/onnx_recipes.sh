#!/bin/sh
# What models of recipes get of 100 of their test records, in engram and in onnxruntime:
#
#     ENGRAM_DATA=... ENGRAM_SAMPLES=build/test/onnx_samples PYTHON=venv/bin/python test/interop/onnx_recipes.sh build/engram [RECIPE...]
#
# Each recipe (default: all of recipes/) is trained until its first checkpoint, some seconds; that model is exported, and
# onnx_written.py compares. Needs the data of the recipes, and the packages of onnx_written.py. Exit code 1 where one differs.
set -u
engram=$(realpath "$1")
shift
here=$(dirname "$(realpath "$0")")
samples=$(realpath "${ENGRAM_SAMPLES:-$(dirname "$engram")/test/onnx_samples}")
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
[ $# -gt 0 ] || set -- "$here"/../../recipes/*.yaml
failed=0
for recipe; do
	name=$(basename "$recipe" .yaml)
	"$engram" train "$recipe" -q --threads 1 --checkpoint-every 1 -o "$tmp/$name.safetensors" 2>"$tmp/err" &
	trainer=$!
	model=
	rm -f "$tmp/model.safetensors"
	while [ -z "$model" ]; do
		for file in "$tmp/$name.safetensors" "$tmp/$name.safetensors.checkpoint"; do cp "$file" "$tmp/model.safetensors" 2>/dev/null && model=$file; done
		[ -n "$model" ] || kill -0 "$trainer" 2>/dev/null || break
		sleep 0.2
	done
	kill "$trainer" 2>/dev/null
	wait "$trainer" 2>/dev/null
	if [ -z "$model" ]; then
		echo "$name: not trained: $(cat "$tmp/err")"
		continue
	fi
	"$python" "$here/onnx_written.py" "$engram" "$tmp/model.safetensors" --samples "$samples" --runs 1 >"$tmp/out" 2>"$tmp/err" || failed=1
	grep -q '^model' "$tmp/out" && sed -n "s/^model.safetensors/$name/p" "$tmp/out" || echo "$name: $(grep . "$tmp/err" | tail -n 1)"
	rm -f "$tmp/$name".*
done
exit $failed
