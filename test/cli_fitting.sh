#!/bin/sh
# engram train says how a training fits: over- and underfitting, one that ended too soon, one that learnt nothing.
. test/cli_helpers

make_adding
cat >intent.yaml <<'END'
name: intent
task: classify
data: {source: intents, limit: 400, validation: 0.25, unit: word}
input: [time]
model: [{embedding: 64}, {mean_time: {from: {lengths: lengths}}}, {linear: classes}]
train: {optimizer: adam, lr: 0.02, batch: 20, epochs: 8}
END
# fits VERDICT WORDS RECIPE...
fits() {
	verdict=$1 words=$2
	shift 2
	expect 0 "$ENGRAM" train "$@" --threads 1
	tr '\n' ' ' <out >line
	grep -qF "$words" line || fail "'$words' was not said: $(cat out)"
	expect 0 "$ENGRAM" train "$@" --threads 1 --json
	json out
	tail -n 1 out | grep -qF "\"fit\": \"$verdict\", \"fit_gap\": " || fail "not $verdict: $(tail -n 1 out)"
}

fits over "Fit: overfitting: at the end the validation loss is" intent.yaml --set train.epochs=12
head -n 1 out | grep -qF '"fit": "unknown", "fit_gap": null, "fit_rise": null, "fit_fall": null' ||
	fail "one epoch tells something: $(head -n 1 out)"
fits short "Fit: too short: the validation loss was still falling at the end" adding.yaml --set train.lr=0.003 --set train.epochs=8
fits under "Fit: underfitting, if the loss can be lower at all: training" adding.yaml --set 'model.0=mean_time' --set model.1=flatten \
	--set train.epochs=40
fits nothing "Fit: nothing was learnt: training" adding.yaml --set train.lr=1e-4 --set train.optimizer=sgd --set train.epochs=8
fits none "Fit: no clear sign of over- or underfitting" adding.yaml --set train.epochs=60
# No validation, nothing said; nor by --quiet.
expect 0 "$ENGRAM" train adding.yaml --set data.validation=0
says_not "Fit:"
expect 0 "$ENGRAM" train intent.yaml -q
says_not "Fit:"

done_testing
