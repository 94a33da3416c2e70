#!/bin/sh
# What models of recipes get of 100 of their test records, in engram and in onnxruntime:
#
#     ENGRAM_DATA=... ENGRAM_SAMPLES=build/test/onnx_samples PYTHON=venv/bin/python test/interop/onnx_recipes.sh build/engram [--few | RECIPE...]
#
# Each recipe (default: all of recipes/; --few: one of each kind of network, about a minute, for ci.sh) is trained until its
# first checkpoint, some seconds; that model is exported, and onnx_written.py compares. What has no test part is asked for
# records of validation. Needs the data of the recipes, and the packages of onnx_written.py; a recipe whose data are not
# there is told as skipped. Exit code 1 where one differs, is refused, or does not train.
set -u
engram=$(realpath "$1")
shift
here=$(dirname "$(realpath "$0")")
samples=$(realpath "${ENGRAM_SAMPLES:-$(dirname "$engram")/test/onnx_samples}")
python=${PYTHON:-python3}
recipes=$here/../../recipes
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
if [ "${1-}" = --few ]; then
	shift
	for name in lenet5 search sunspots faults digits-spoken speech-digits sentiment-en; do set -- "$@" "$recipes/$name.yaml"; done
fi
[ $# -gt 0 ] || set -- "$recipes"/*.yaml

# Recipes that are about the user's own files get some; few records are enough where they are made by a rule.
settings() {
	case $1 in
	prices)
		awk 'BEGIN { print "Date,Close"; v = 100; for (i = 0; i < 900; i++) { v *= 1 + 0.02 * sin(i * i); printf "%d-%02d-%02d,%.4f\n",
			2019 + i / 336, i / 28 % 12 + 1, i % 28 + 1, v } }' >"$tmp/prices.csv"
		echo "--set data.table=$tmp/prices.csv"
		;;
	finetune) echo "--set data={\"source\":\"fashion-mnist\"} --set train.from=$tmp/search.st" ;;
	film-caption) echo "--set train.from=[$tmp/frames-stream.st,$tmp/digits-anywhere.st] --set data.count=400" ;;
	speech-digits) echo "--set data.count=100" ;;
	handwriting) echo "--set data.count=400" ;;
	esac
}

# of NAME: the models that it begins with
beginnings() {
	case $1 in
	finetune) echo search ;;
	film-caption) echo frames-stream digits-anywhere ;;
	esac
}

# model_of NAME RECIPE FILE: its first checkpoint, or what it is at the end where that is sooner
model_of() {
	rm -f "$3"
	# shellcheck disable=SC2046 # several words
	"$engram" train "$2" $(settings "$1") -q --threads 1 --checkpoint-every 1 -o "$tmp/$1.safetensors" 2>"$tmp/err" &
	trainer=$!
	while [ ! -f "$3" ]; do
		for file in "$tmp/$1.safetensors" "$tmp/$1.safetensors.checkpoint"; do cp "$file" "$3" 2>/dev/null && break; done
		[ -f "$3" ] || kill -0 "$trainer" 2>/dev/null || break
		sleep 0.2
	done
	kill "$trainer" 2>/dev/null
	wait "$trainer" 2>/dev/null
	rm -f "$tmp/$1".safetensors*
	[ -f "$3" ]
}

failed=0
for recipe; do
	name=$(basename "$recipe" .yaml)
	for begin in $(beginnings "$name"); do model_of "$begin" "$recipes/$begin.yaml" "$tmp/$begin.st"; done
	if ! model_of "$name" "$recipe" "$tmp/model.safetensors"; then
		if grep -q 'engram data get' "$tmp/err"; then
			echo "$name: SKIPPED, its data are not there"
		else
			echo "$name: not trained: $(cat "$tmp/err")"
			failed=1
		fi
		continue
	fi
	"$python" "$here/onnx_written.py" "$engram" "$tmp/model.safetensors" --samples "$samples" --runs 1 >"$tmp/out" 2>"$tmp/err" || failed=1
	sed -n "s/^model.safetensors/$name/p" "$tmp/out" | grep . || echo "$name: $(grep . "$tmp/err" | tail -n 1)"
	! grep -q ': refused: ' "$tmp/out" || failed=1
done
exit $failed
