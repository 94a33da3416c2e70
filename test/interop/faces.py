#!/usr/bin/env python3
"""faces.py ENGRAM MODEL [PART] [--masked]: are the equal error rate, the share of true accepts at the rate of false accepts, the
threshold's rates and the identification that `engram eval` tells of a model of the task verify those that follow from
`engram predict --split PART (test) --truth --json`?

--masked: of pictures that are files in folders of persons (orl) also eer_masked: their lower part is covered here, in copies,
before the model sees them; so the covered rows may be rounded otherwise, and the rates may differ by a pair or two.

Needs no more than Python. Nothing of the program's own arithmetic is used: distances, rates and thresholds are computed anew, by
trying every threshold. Exit code 1: they differ by more than 1e-9 (eer_masked: 0.01)."""
import math
import os
import sys
import tempfile

from answers import engram_rows


def unit(v):
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v]


def distance(a, b, kind):
    if kind == "euclidean":
        return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))
    return max(0.0, 1 - sum(x * y for x, y in zip(unit(a), unit(b))))


def pairs_of(records):
    """Distances of all pairs: of one class, and of two."""
    same, other = [], []
    cosine = records and records[0][2] == "cosine"
    vectors = [unit(v) if cosine else v for _, v, _ in records]
    for i, (name, _, kind) in enumerate(records):
        for k in range(i):
            a, b = vectors[i], vectors[k]
            d = max(0.0, 1 - sum(x * y for x, y in zip(a, b))) if cosine else distance(a, b, kind)
            (same if records[k][0] == name else other).append(d)
    return same, other


def rates(same, other, threshold):
    """Shares of pairs of one class that are refused, and of others that are accepted."""
    return sum(d > threshold for d in same) / len(same), sum(d <= threshold for d in other) / len(other)


def eer(same, other):
    return min(max(rates(same, other, t)) for t in sorted(set(same)))


def tar_at(same, other, rate):
    """At a threshold in the middle between the last of the others that may be accepted and the next."""
    nearest = sorted(other)
    first = int(rate * len(other) + 1e-9)
    if first >= len(nearest):
        limit = math.inf
    elif first > 0 and nearest[first - 1] < nearest[first]:
        limit = (nearest[first - 1] + nearest[first]) / 2
    else:
        limit = nearest[first] * (1 - 1e-6)
    return sum(d <= limit for d in same) / len(same)


def identified(records, gallery, others):
    """Share of those whose nearest in the gallery is of the same class; not `others`: the gallery is they themselves."""
    right = 0
    for i, (name, v, kind) in enumerate(records):
        at = [(distance(v, w, kind), k) for k, (_, w, _) in enumerate(gallery) if others or k != i]
        right += gallery[min(at)[1]][0] == name
    return right / len(records)


def record(answered, name):
    return name, answered["answer"]["embedding"], answered["answer"]["distance"]


def read_pgm(path):
    with open(path, "rb") as f:
        data = f.read()
    fields, at = [], 0
    while len(fields) < 4:
        while data[at:at + 1].isspace():
            at += 1
        end = at
        while not data[end:end + 1].isspace():
            end += 1
        fields.append(data[at:end])
        at = end
    width, height = int(fields[1]), int(fields[2])
    return width, height, data[at + 1:at + 1 + width * height]


def masked_copies(ids, folder, share):
    paths = []
    for i, source in enumerate(ids):
        width, height, pixels = read_pgm(source)
        seen = height - 2 * round(share * height / 2)
        mean = round(sum(pixels[:seen * width]) / (seen * width))
        path = os.path.join(folder, f"{i:04}.pgm")
        with open(path, "wb") as f:
            f.write(b"P5\n%d %d\n255\n" % (width, height) + pixels[:seen * width] + bytes([mean]) * (width * (height - seen)))
        paths.append(path)
    return paths


def main():
    words = [w for w in sys.argv[1:] if w != "--masked"]
    engram, model = words[:2]
    part = words[2] if len(words) > 2 else "test"
    lines = lambda *w: engram_rows(engram, "predict", model, *w)
    read = lambda p: [record(r, r["truth"]["class"]) for r in lines("--split", p, "--truth")]
    told = engram_rows(engram, "eval", model, "--split", part)[0]
    answers = lines("--split", part, "--truth")
    records = [record(r, r["truth"]["class"]) for r in answers]
    same, other = pairs_of(records)
    computed = {"n": len(records), "eer": eer(same, other), "tar_at_far": tar_at(same, other, told["false_accepts"])}
    told_of = dict(told, same=told["pairs"]["same"], other=told["pairs"]["other"])
    computed.update(same=len(same), other=len(other))
    if told["threshold"] is not None:
        refused, accepted = rates(same, other, told["threshold"])
        computed.update(false_refusals=refused, false_accepts_there=accepted)
        told_of.update(false_refusals=told["at_threshold"]["false_refusals"],
                       false_accepts_there=told["at_threshold"]["false_accepts"])
    others = told["gallery"] != part
    gallery = records
    if others:
        gallery = read("train") + (read("validation") if part != "validation" and told["gallery_n"] > len(read("train")) else [])
    computed["identification"] = identified(records, gallery, others)
    if "--masked" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            paths = masked_copies([os.path.join(os.environ["ENGRAM_DATA"], "faces/data_faces", r["id"]) for r in answers], folder, 0.4)
            said = {r["input"]: r for r in lines(*paths)}
            computed["eer_masked"] = eer(*pairs_of([record(said[p], r["truth"]["class"]) for p, r in zip(paths, answers)]))
    wrong = [k for k, v in computed.items() if abs(told_of[k] - v) > (0.01 if k == "eer_masked" else 1e-9)]
    for k, v in computed.items():
        print(f"{k:20} eval {told_of[k]:.10g}  here {v:.10g}{'  DIFFERS' if k in wrong else ''}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
