#!/bin/sh
# Kills a search at random moments and goes on with it until it is over: the journal is that of a search that was never
# disturbed, byte for byte.
#
#   test/kill_tune.sh [KILLS [SEED]]     by hand, in the project's folder: ENGRAM=build/engram test/kill_tune.sh 10
kills=${1:-4} seed=${2:-$$}
case ${ENGRAM-} in /*) ;; *) ENGRAM=$PWD/${ENGRAM-build/engram} ;; esac
. test/cli_helpers
make_data
cat >>quarters.yaml <<END
tune:
  train.optimizer.adam.lr: {range: [1.0e-4, 1.0e-1], log: true}
  train.batch: {choices: [2, 4, 8]}
END
set -- quarters.yaml --trials 20 --seeds 2 --set train.epochs=9 -q

number=$seed
random() {
	number=$(((number * 1103515245 + 12345) % 2147483648))
	echo $((number / 65536 % $1))
}
begun=$(date +%s%3N)
expect 0 "$ENGRAM" tune "$@" --journal whole
took=$(($(date +%s%3N) - begun))
done=0
while [ $done -lt "$kills" ]; do
	rm -f killed
	while :; do
		"$ENGRAM" tune "$@" --journal killed --jobs $((1 + $(random 3))) &
		search=$!
		sleep "$(awk -v ms="$(random "$took")" 'BEGIN { print ms / 1000 }')"
		kill -KILL $search 2>/dev/null || break
		wait $search 2>/dev/null
		done=$((done + 1))
		[ $done -lt "$kills" ] || break
	done
	wait $search 2>/dev/null
	expect 0 "$ENGRAM" tune "$@" --journal killed
	same whole killed
done
echo "$done kills, seed $seed"
done_testing
