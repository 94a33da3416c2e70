#!/usr/bin/env python3
"""Judges answers of the task segment by itself and compares with what engram eval says of the same part:

    engram predict MODEL --split test --truth --json >rows
    engram eval MODEL --split test --json >judged
    python3 test/interop/segments.py rows judged

Intersection over union of each class from the runs of answers and truths, pixels of no class (-1) left out; the mean over the
classes that have a union. Differences are named, and the exit code is 1. Needs nothing but Python."""
import json
import sys


def pixels(part, size):
    out = []
    for k, n in part["runs"]:
        out += [k] * n
    assert len(out) == size[0] * size[1], "runs do not fill the picture"
    return out


def judge(rows):
    both, said, there, names = {}, {}, {}, None
    for row in rows:
        answer, truth = row["answer"], row["truth"]
        assert answer["size"] == truth["size"] and answer["classes"] == truth["classes"], row["id"]
        names = answer["classes"]
        for a, t in zip(pixels(answer, answer["size"]), pixels(truth, truth["size"])):
            if t < 0:
                continue
            said[a] = said.get(a, 0) + 1
            there[t] = there.get(t, 0) + 1
            if a == t:
                both[t] = both.get(t, 0) + 1
    iou, absent = {}, []
    for k, name in enumerate(names):
        union = said.get(k, 0) + there.get(k, 0) - both.get(k, 0)
        if union:
            iou[name] = (there.get(k, 0), both.get(k, 0) / union)
        else:
            absent.append(name)
    return iou, absent, sum(both.values()) / sum(there.values())


def main():
    rows = [json.loads(line) for line in open(sys.argv[1])]
    told = json.load(open(sys.argv[2]))
    iou, absent, accuracy = judge(rows)
    wrong = []

    def same(what, here, eval_says):
        if abs(here - eval_says) > 1e-9:
            wrong.append("%s: %.9f, engram eval says %.9f" % (what, here, eval_says))

    same("miou", sum(v for _, v in iou.values()) / len(iou), told["miou"])
    same("pixel_accuracy", accuracy, told["pixel_accuracy"])
    same("pictures", len(rows), told["n"])
    per_class = {c["class"]: c for c in told["per_class"]}
    if set(per_class) != set(iou) or told["absent"] != absent:
        wrong.append("classes: %s, absent %s" % (sorted(iou), absent))
    for name in set(iou) & set(per_class):
        same("pixels of " + name, iou[name][0], per_class[name]["n"])
        same("iou of " + name, iou[name][1], per_class[name]["iou"])
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(1)
    print("%d pictures, %d classes: mIoU %.4f, as engram eval has it" % (len(rows), len(iou), told["miou"]))


if __name__ == "__main__":
    main()
