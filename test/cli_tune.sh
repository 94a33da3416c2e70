#!/bin/sh
# engram tune: the journal, the recipe that comes of it, trials that fail in all ways, what is refused. Killed searches:
# kill_tune.sh.
. test/cli_helpers
make_data
cat >>quarters.yaml <<END
tune: # what may be tried
  train.optimizer.adam.lr: {range: [1.0e-4, 1.0e-1], log: true}
  train.batch: {choices: [8, 16, 32]}
  model.3.dropout: {range: [0, 0.5]}
END

# ---- a search ----
expect 0 "$ENGRAM" tune quarters.yaml --trials 7 --seeds 2 --finalists 2 --threads 2
for word in "quarters: 3 settings, judged by accuracy" "2 at a time, 1 thread each" "Best is trial" quarters-tuned.yaml; do
	says "$word"
done
json quarters.tune.jsonl
[ "$(wc -l <quarters.tune.jsonl)" = 9 ] || fail "not 9 lines: $(cat quarters.tune.jsonl)"
grep -q '^{"trial": 0, "settings": {"train.optimizer.adam.lr": 0.01, "train.batch": 16, "model.3.dropout": 0.1}, "budget": 6, ' \
	quarters.tune.jsonl || fail "trial 0 is not the recipe as it is: $(head -c 300 quarters.tune.jsonl)"
grep -q '"of": [0-6], "seed": 1' quarters.tune.jsonl || fail "no finalist has another seed"
cp quarters.tune.jsonl first
# Lines that have no settings in them are as they were.
grep -vE "lr: |batch: |dropout: " quarters.yaml >a
grep -vE "lr: |batch: |dropout: " quarters-tuned.yaml | cmp -s - a || fail "other lines were changed: $(diff quarters.yaml quarters-tuned.yaml)"
expect 0 "$ENGRAM" check quarters-tuned.yaml
# Again there is nothing left to do; one at a time gives the same; so does more of the same, of what was there.
expect 0 "$ENGRAM" tune quarters.yaml --trials 7 --seeds 2 --finalists 2 --json
same quarters.tune.jsonl first
json out
says '"metric": "accuracy", "trials": 9, "best": '
expect 0 "$ENGRAM" tune quarters.yaml --trials 7 --seeds 2 --finalists 2 --jobs 1 --threads 2 --journal one -q
same one first
expect 0 "$ENGRAM" tune quarters.yaml --trials 3 --journal more -q -o more.yaml --then-train --model more.safetensors
[ -s more.safetensors ] || fail "--then-train --model has written no model"
expect 0 "$ENGRAM" tune quarters.yaml --trials 7 --journal more -q
head -7 first | cmp -s - more || fail "3 trials and then 4 are not 7"

# ---- refused ----
expect 1 "$ENGRAM" tune quarters.yaml --seed 9
says "seed was 0 then and is 9 now"
expect 1 "$ENGRAM" tune quarters.yaml --set train.epochs=7
says "recipe.train.epochs was 6 then and is 7 now"
same quarters.tune.jsonl first
expect 1 "$ENGRAM" tune quarters.yaml --set data.validation=0
says "there are no validation samples"
expect 2 "$ENGRAM" tune quarters.yaml --budget soon
expect 2 "$ENGRAM" tune quarters.yaml --model x
sed 's/3.dropout/9.dropout/' quarters.yaml >bad.yaml
expect 1 "$ENGRAM" tune bad.yaml
says "bad.yaml:23:20: 'tune': model.9.dropout=0: '9' names no element of a list of 6"
expect 1 "$ENGRAM" check bad.yaml
says "bad.yaml:23:20"

# ---- no section ----
sed '/^tune/,$d' quarters.yaml >plain.yaml
expect 0 "$ENGRAM" tune plain.yaml --show-space
says "  model.0.conv.filters: {range: [2, 8], log: true, integer: true}"
cat plain.yaml out >shown.yaml
expect 0 "$ENGRAM" check shown.yaml
expect 0 "$ENGRAM" tune plain.yaml --trials 2 --journal plain -q

# ---- floors ----
expect 0 "$ENGRAM" tune quarters.yaml --floor nearest-neighbours --trials 40
says "quarters, floor nearest-neighbours: 1 setting, judged by accuracy"
[ "$(wc -l <quarters.nearest-neighbours.tune.jsonl)" = 30 ] || fail "k is not tried from 1 to 30, each once"
expect 0 "$ENGRAM" tune quarters.yaml --floor nearest-neighbours --trials 40 --json
json out
expect 1 "$ENGRAM" tune quarters.yaml --floor nearest
says "did you mean 'nearest-mean'?"
expect 1 "$ENGRAM" tune quarters.yaml --floor kneser-ney
says "does not serve this recipe"
expect 2 "$ENGRAM" tune quarters.yaml --floor nearest-neighbours -o x.yaml

# ---- trials that fail ----
sed 's/^  train.optimizer.*/  train.optimizer.adam.lr: {choices: [0.01, 900]}/; s/^  model.3.*/  train.loss.cross_entropy.label_smoothing: {choices: [0, 0.1]}/' \
	plain.yaml >wild.yaml
cat >>wild.yaml <<END
tune:
  train.optimizer: {choices: [{adam: {lr: 0.01}}, {sgd: {lr: 1000, momentum: 0.99}}]}
  train.epochs: {choices: [2, 1000000]}
END
expect 0 "$ENGRAM" tune wild.yaml --trials 9 --halving 0 --trial-timeout 2 --journal wild --set train.batch=4 -o wild-best.yaml
[ "$(wc -l <wild)" = 4 ] || fail "a space of 4 points has other trials: $(cat wild)"
says "it took longer than --trial-timeout 2 seconds"
grep -c '"state": "failed"' wild | grep -q '[23]' || fail "not failed: $(cut -c-300 wild)"
expect 1 "$ENGRAM" tune quarters.yaml --trials 3 --limit-memory 2k --journal small
says "and may take 0"
[ "$(grep -c '"state": "failed"' small)" = 3 ] || fail "not all have failed"

# ---- nothing can be written ----
mkdir no
expect 3 "$ENGRAM" tune quarters.yaml --journal missing/x
expect 3 "$ENGRAM" tune quarters.yaml --journal full -o missing/x.yaml
(
	ulimit -f 4 # blocks of 512 bytes, or 1024
	expect 3 "$ENGRAM" tune quarters.yaml --trials 40 --journal full -o full.yaml
	says "cannot write the journal full: File too large"
	says "give the same command again to go on from there"
	exit $failures
) || failures=$((failures + 1))
json full
expect 0 "$ENGRAM" tune quarters.yaml --trials 40 --journal full -o full.yaml -q
expect 0 "$ENGRAM" tune quarters.yaml --trials 40 --journal whole -q
same full whole

# ---- two at a time, and Ctrl-C ----
# A group of its own, as a terminal's; what is sent to all of it is the search's alone, no trial dies of it.
group=$(command -v setsid)
$group "$ENGRAM" tune wild.yaml --journal both -o both.yaml >both-out 2>both-err &
search=$!
i=0
while [ ! -s both-out ] && [ $i -lt 50 ]; do # it has said its first word, and listens to signals
	sleep 0.1
	i=$((i + 1))
done
expect 1 "$ENGRAM" tune wild.yaml --journal both -o other.yaml
says "another search writes the journal both"
[ -e both ] || fail "a search that was refused has removed the journal of the other one"
kill -TERM ${group:+-}$search
i=0 # a second signal ends it at once, with another code: on a busy machine the first one takes its time
while kill -0 $search 2>/dev/null && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
kill -TERM ${group:+-}$search 2>/dev/null
wait $search
[ $? = 1 ] || fail "a search that is stopped does not end with 1: $(cat both-err)"
if grep -q "ended by signal" both 2>/dev/null; then fail "trials that were stopped with the search have failed: $(cut -c-300 both)"; fi
done_testing
