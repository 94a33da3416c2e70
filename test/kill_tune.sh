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

begun=$(now_ms)
expect 0 "$ENGRAM" tune "$@" --journal whole
most=$(($(now_ms) - begun)) # milliseconds before which it is killed
done=0 first=$seed searches=0
while [ $done -lt "$kills" ] && [ "$failures" = 0 ] && [ $searches -lt $((10 * kills)) ]; do
	rm -f killed
	searches=$((searches + 1)) tries=0
	while [ $done -lt "$kills" ]; do
		tries=$((tries + 1))
		draw 3
		jobs=$((1 + drawn))
		draw "$most"
		"$ENGRAM" tune "$@" --journal killed --jobs $jobs 2>err &
		search=$!
		sleep "$((drawn / 1000)).$(printf %03d $((drawn % 1000)))"
		kill -KILL $search 2>/dev/null
		{ wait $search; } 2>/dev/null
		code=$?
		[ $code = 137 ] || break
		done=$((done + 1))
	done
	if [ $code = 0 ] && [ $tries = 1 ]; then # it was over before: the machine has become faster
		most=$((drawn + 1))
	elif [ $code != 0 ] && [ $code != 137 ]; then
		fail "exit code $code after $done kills (seed $first): $(cat err)"
	fi
	expect 0 "$ENGRAM" tune "$@" --journal killed
	same whole killed
done
[ $done -ge "$kills" ] || fail "$done kills in $searches searches (seed $first)"
echo "$done kills in $searches searches, seed $first"
done_testing
