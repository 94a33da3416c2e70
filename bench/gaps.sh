#!/bin/sh
# gaps.sh ENGRAM POLLUTION.csv FOLDER [SEEDS [WINDOWS [SHARES]]] - is GRU-D better where values are missing?
#
# Of the five columns of numbers of pollution.csv a share of the values is taken out, each by itself at random or in
# blocks of 24 hours; then three networks of one size learn to forecast the dust 6 hours ahead: GRU-D
# (recipes/weather-gaps.yaml), a GRU that sees the mean in a gap, a GRU that sees the last value. Prints a line for each
# training and the means over the seeds. With the defaults 72 trainings of some seconds each. What is there already in
# FOLDER is not done again.
set -eu
engram=$1 data=$2 out=$3 seeds=${4:-3} windows=${5:-6000} shares=${6:-5 10 20 30}
recipes=$(cd "$(dirname "$0")/../recipes" && pwd)
mkdir -p "$out"

# FILE with a share (percent) of its values taken out, at random or in blocks
take_out() {
	awk -F, -v OFS=, -v share="$2" -v kind="$3" 'BEGIN { srand(share * 2 + (kind == "blocks")); split("6 7 8 9 11", column, " ") }
	NR > 1 {
		for (i = 1; i <= 5; i++) {
			if (kind == "blocks") {
				if (left[i] == 0 && rand() < share / (100 - share) / 24) left[i] = 24
				gone = left[i] > 0
				left[i] -= gone
			} else
				gone = rand() < share / 100
			if (gone) $column[i] = "NA"
		}
	}
	{ print }' "$1"
}

# The recipe of a network for a table
recipe() {
	case $1 in
	gru-d) sed "s|set: pm25|table: '$2'\n  time: [year, month, day, hour]\n  test_from: \"2014\"|" "$recipes/weather-gaps.yaml" ;;
	*)
		sed "s|set: pm25|table: '$2'\n  time: [year, month, day, hour]\n  test_from: \"2014\"|; s|fill: last|fill: ${1#gru-}|
			/^inputs:/,\$d" "$recipes/weather-gaps.yaml"
		printf 'input: [time, 5]\nmodel: [gru: 16, last, linear: 1]\ntrain:\n'
		sed '1,/^train:/d' "$recipes/weather-gaps.yaml"
		;;
	esac
}

for share in $shares; do
	for kind in random blocks; do
		table=$out/$kind$share.csv
		[ -s "$table" ] || take_out "$data" "$share" "$kind" >"$table"
		for network in gru-d gru-mean gru-last; do
			recipe $network "$table" >"$out/$network.yaml"
			seed=1
			while [ "$seed" -le "$seeds" ]; do
				name=$out/$network-$kind$share-$seed
				if [ ! -s "$name.json" ]; then
					"$engram" train "$out/$network.yaml" -q --threads 1 --set train.seed="$seed" --set data.limit="$windows" -o "$name.safetensors"
					"$engram" eval "$name.safetensors" --threads 1 --json >"$name.tmp"
					mv "$name.tmp" "$name.json"
				fi
				sed -n "s|.*\"n\": \([0-9]*\), \"mae\": \([0-9.]*\), \"rmse\": \([0-9.]*\).*|$kind $share % $network seed $seed: n \1 mae \2 rmse \3|p" "$name.json"
				seed=$((seed + 1))
			done
		done
	done
done | tee "$out/log" | awk '{ print; fflush(); key = $1 " " $2; sum[key, $4] += $10; rmse[key, $4] += $12; n[key, $4]++
	if (!(key in seen)) { seen[key] = 1; order[++keys] = key } }
END {
	print "means: MAE / RMSE of gru-d, gru-mean, gru-last"
	for (i = 1; i <= keys; i++) {
		k = order[i]
		printf "%s %%:", k
		split("gru-d gru-mean gru-last", names, " ")
		for (j = 1; j <= 3; j++) printf "  %.3f / %.3f", sum[k, names[j]] / n[k, names[j]], rmse[k, names[j]] / n[k, names[j]]
		print ""
	}
}'
