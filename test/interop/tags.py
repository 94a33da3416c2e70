#!/usr/bin/env python3
"""Compares how engram eval counts tags with seqeval (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install seqeval
    venv/bin/python test/interop/tags.py build/engram MODEL [--split test]

Precision, recall and F1 of whole names, of all and by type, from the tags that `engram predict --json --truth` tells, must
be those of `engram eval --json` to 1e-9; its spans must be those of its tags, and no answer may have an I-X that goes on
with nothing. Exit code 1 where one of them fails.
"""
import sys

from answers import engram_rows
from seqeval.metrics import accuracy_score, classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

engram, model, more = sys.argv[1], sys.argv[2], sys.argv[3:]
failed = False


def check(what, ours, theirs):
    global failed
    same = abs(ours - theirs) < 1e-9
    failed |= not same
    print(f"{what:24} {100 * ours:8.4f} %  {100 * theirs:8.4f} %  {'the same' if same else 'DIFFERS'}")


def strays(tags):
    return sum(t[:2] == "I-" and before[2:] != t[2:] for before, t in zip(["O", *tags], tags))


judged = engram_rows(engram, "eval", model, *more)[0]
records = engram_rows(engram, "predict", model, "--truth", *more)
answers = [r["answer"]["tags"] for r in records]
truths = [r["truth"]["tags"] for r in records]
print(f"{len(records)} sentences of {judged['data']}, {judged['split']}: engram, seqeval")
check("f1", judged["f1"], f1_score(truths, answers))
check("precision", judged["precision"], precision_score(truths, answers))
check("recall", judged["recall"], recall_score(truths, answers))
check("accuracy of tags", judged["accuracy"], accuracy_score(truths, answers))
report = classification_report(truths, answers, output_dict=True)
for one in judged["per_class"]:
    theirs = report[one["class"]]
    for key, name in ("precision", "precision"), ("recall", "recall"), ("f1", "f1-score"), ("n", "support"):
        if key == "n":
            failed |= one["n"] != theirs[name]
        else:
            check(f"{one['class']} {key}", one[key], theirs[name])
wrong = 0
for r in records:
    for side in "answer", "truth":
        told = [(s["type"], s["start"], s["end"] - 1) for s in r[side]["spans"]]
        wrong += told != [(t, a, b) for t, a, b in get_entities(r[side]["tags"])]
ours, theirs = sum(map(strays, answers)), sum(map(strays, truths))
print(f"spans that are not those of their tags: {wrong}; I- that goes on with nothing: {ours} in answers, {theirs} in the data")
sys.exit(1 if failed or wrong or ours else 0)
