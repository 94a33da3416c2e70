#!/usr/bin/env python3
"""Judges answers of the task `classify` by their rows alone, and compares with engram eval (not part of `make test`):

    test/interop/classes.py build/engram MODEL... [--split test]

Of each model: how many of the rows that `engram predict --json --truth` writes have another class than their truth, the
share of truths among the classes that a row tells, and precision, recall and F1 by class. They must be those of
`engram eval --json` to 1e-9, and the classes of a row must be in the order of their probabilities. Of several models, such
as those of three seeds, the mean and the deviation too. Exit code 1 where something differs.
"""
import statistics, sys

from answers import engram_rows

more = sys.argv[sys.argv.index("--split") :] if "--split" in sys.argv else []
engram, *models = sys.argv[1 : len(sys.argv) - len(more)]
failed = False


def differs(what, ours, theirs):
    global failed
    if not abs(ours - theirs) < 1e-9:
        failed = True
        print(f"  {what}: {ours} of the rows, {theirs} of eval: DIFFERS")


def share(a, b):
    return a / b if b else 0.0


def judge(model):
    judged = engram_rows(engram, "eval", model, *more)[0]
    rows = [(r["truth"]["class"], r["answer"]) for r in engram_rows(engram, "predict", model, "--truth", *more)]
    n = len(rows)
    wrong = sum(truth != a["class"] for truth, a in rows)
    differs("rows", n, judged["n"])
    differs("accuracy", 1 - wrong / n, judged["accuracy"])
    for k in 3, 5:
        hits = sum(truth in [c["class"] for c in a["classes"][:k]] for truth, a in rows)
        if f"top{k}" in judged and all(len(a["classes"]) >= k for _, a in rows):
            differs(f"top{k}", hits / n, judged[f"top{k}"])
    for _, a in rows:
        p = [c["probability"] for c in a["classes"]]
        if p != sorted(p, reverse=True) or a["class"] != a["classes"][0]["class"]:
            differs("order of the classes", 0, 1)
    f1 = []
    for one in judged["per_class"]:
        name = one["class"]
        right = sum(truth == name == a["class"] for truth, a in rows)
        precision = share(right, sum(a["class"] == name for _, a in rows))
        recall = share(right, sum(truth == name for truth, _ in rows))
        f1.append(share(2 * precision * recall, precision + recall))
        for key, value in ("precision", precision), ("recall", recall), ("f1", f1[-1]):
            differs(f"{name} {key}", value, one[key])
    differs("macro_f1", statistics.mean(f1), judged["macro_f1"])
    views = f", {judged['views']} views" if "views" in judged else ""
    print(f"{model}: {wrong} of {n} wrong, {100 * wrong / n:.2f} % ({judged['data']}, {judged['split']}{views})")
    return 100 * wrong / n


errors = [judge(model) for model in models]
if len(errors) > 1:
    print(f"mean {statistics.mean(errors):.3f} % wrong, deviation {statistics.stdev(errors):.3f}")
print("eval says otherwise" if failed else "eval says the same")
sys.exit(failed)
