#!/bin/sh
# engram tune --lr: the curve on the screen, as JSON and as a picture; what cannot be.
. test/cli_helpers

make_adding

expect 0 "$ENGRAM" tune --lr adding.yaml -o curve.svg
for word in "adding: learning rates from 1e-07 to" "suggested  " "now        0.02" "To try it:" "engram train adding.yaml --set train.lr=" \
	"Curve: curve.svg" "1e-3"; do says "$word"; done
grep -qF "now 0.02" curve.svg || fail "the picture does not say what is now"
expect 0 "$ENGRAM" tune --lr adding.yaml --json --threads 1
json out
cp out first
expect 0 "$ENGRAM" tune --lr adding.yaml --json --threads 2
same out first
grep -qE '^\{"suggested": [0-9.e-]+, "now": 0.02, "steepest": [0-9.e-]+, "lowest": [0-9.e-]+, "end": "(whole|diverged)", "steps": 200, "rates": \[' first ||
	fail "not these keys: $(head -c 300 first)"
expect 0 "$ENGRAM" tune --lr adding.yaml --json --seed 2
if cmp -s out first; then fail "another seed has the same losses"; fi
expect 0 "$ENGRAM" tune --lr adding.yaml --steps 50 --from 1e-5 --to 0.1 --set train.optimizer=sgd
says "from 1e-05 to 0.1, 50 of 50 steps"
says "now        0.02"
expect 0 "$ENGRAM" tune --lr adding.yaml --from 1e-9 --to 1e-8
says "there is no rate to be suggested"

expect 1 "$ENGRAM" tune --lr adding.yaml --from 1 --to 0.1
says "engram tune: rates from 1 to 0.1: they begin above 0 and rise"
expect 2 "$ENGRAM" tune --lr adding.yaml --from nothing
expect 2 "$ENGRAM" tune --lr adding.yaml --steps 5
expect 1 "$ENGRAM" tune --lr missing.yaml
expect 1 "$ENGRAM" tune --lr adding.yaml -o missing/curve.svg
says "missing/curve.svg"
expect 1 "$ENGRAM" tune --lr adding.yaml --set train.optimizer=none
expect 1 "$ENGRAM" tune --lr adding.yaml --set 'train.groups=[{pattern: "*", frozen: true}]'
says "every parameter is frozen"
# The first loss is beyond all numbers already: there is no curve, with a picture or without.
sed 's/^model.*/model: [{lstm: 4}, last, {linear: \&a {units: 4, init: constant, init_value: 1e6}}, {linear: *a}, {linear: *a}, {linear: 1}]/
	s/{linear: 1}/{linear: {units: 1, init: constant, init_value: 1e6}}/' adding.yaml >beyond.yaml
expect 1 "$ENGRAM" tune --lr beyond.yaml
says "beyond.yaml: the very first loss, or its gradient, is no number"
expect 1 "$ENGRAM" tune --lr beyond.yaml -o beyond.svg
[ ! -e beyond.svg ] || fail "a picture of no curve"

done_testing
