#!/bin/sh
# engram tune --page: at the end of a search, and of a journal alone.
. test/cli_helpers

cat >adding.yaml <<'END'
name: adding
task: regress
data: {source: adding, steps: 6, count: 100, validation: 0.5}
input: [time, 2]
model: [{lstm: 4}, last, {linear: 1}]
train: {loss: mse, optimizer: adam, lr: 0.02, batch: 20, epochs: 2}
tune:
  train.lr: {range: [1.0e-3, 0.1], log: true}
  train.batch: {choices: [10, 20, 50]}
END

expect 0 "$ENGRAM" tune adding.yaml --trials 10 --jobs 1 --threads 1 --page page.html
says "Page: page.html"
for word in "<title>adding: settings tried</title>" "10 trials: " ">train.lr<" ">$(sed -n "1s/.*\"metric\": \"\([a-z]*\)\".*/\1/p" adding.tune.jsonl)<"; do
	grep -qF "$word" page.html || fail "the page does not say '$word'"
done
expect 0 "$ENGRAM" tune adding.tune.jsonl --page again.html
sed 's/adding.tune.jsonl: settings/adding: settings/g' again.html >renamed.html
same page.html renamed.html
expect 0 "$ENGRAM" tune adding.tune.jsonl --page page.svg --json
grep -q '^<?xml' page.svg || fail "no picture"
expect 2 "$ENGRAM" tune adding.tune.jsonl
says "is a journal; --page FILE makes a page of it"
expect 3 "$ENGRAM" tune adding.tune.jsonl --page missing/page.html
expect 3 "$ENGRAM" tune adding.yaml --trials 2 --journal new.jsonl --page missing/page.html
[ ! -e new.jsonl ] || fail "trials were begun whose page cannot be written"
printf '{"trial": 0}\nnothing\n' >bad.jsonl
expect 1 "$ENGRAM" tune bad.jsonl --page bad.html
says "bad.jsonl, line 2"

done_testing
