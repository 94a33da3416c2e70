#!/usr/bin/env python3
"""Compares how engram eval judges boxes with pycocotools (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install pycocotools
    venv/bin/python test/interop/boxes.py build/engram MODEL [--split test]

Average precision at an overlap of 0.5 and over 0.5 to 0.95, of all classes and of each, from the boxes that `engram
predict --json --truth` tells, must be those of `engram eval --json` to 1e-9 (a box that is `difficult` is passed over in
both, but a crowd is overlapped otherwise by pycocotools: sets that have such may differ). The counts must be those of the
boxes from the threshold on, or by the line that the model's file keeps for a class, their mean absolute errors those of eval; no answer may have more than 100 boxes, or one below
0.01 or outside of its picture. Exit code 1 where one of them fails.
"""
import contextlib, io, json, math, struct, sys

from answers import engram_rows
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

engram, model, more = sys.argv[1], sys.argv[2], sys.argv[3:]
failed = False


def check(what, ours, theirs):
    global failed
    same = abs(ours - theirs) < 1e-9
    failed |= not same
    print(f"{what:24} {ours:12.8f} {theirs:12.8f}  {'the same' if same else 'DIFFERS'}")


def as_coco(box):
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]


def lines_of(path):
    """Of each class slope and offset of the line that tells its number, from the model's file; [] where boxes are counted."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(size))["__metadata__"]["task"]).get("count_lines")


def count(boxes, threshold, line):
    if not line:
        return sum(b["score"] >= threshold for b in boxes)
    return max(0, math.floor(line[0] * sum(b["score"] ** 2 for b in boxes) + line[1] + 0.5))


judged = engram_rows(engram, "eval", model, *more)[0]
records = engram_rows(engram, "predict", model, "--truth", *more)
names = [one["class"] for one in judged["per_class"]]
number = {name: i + 1 for i, name in enumerate(names)}
truth = {"images": [], "annotations": [], "categories": [{"id": number[n], "name": n} for n in names]}
found = []
for i, r in enumerate(records):
    truth["images"].append({"id": i})
    for b in r["truth"]["boxes"]:
        x, y, w, h = as_coco(b["box"])
        truth["annotations"].append({"id": len(truth["annotations"]) + 1, "image_id": i, "category_id": number[b["class"]],
                                     "bbox": [x, y, w, h], "area": w * h, "iscrowd": int(b["difficult"])})
    for b in r["answer"]["boxes"]:
        found.append({"image_id": i, "category_id": number[b["class"]], "bbox": as_coco(b["box"]), "score": b["score"]})

with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO()
    coco.dataset = truth
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
precision = evaluation.eval["precision"]  # [overlap, recall, class, area, most boxes]


def mean(values):
    values = values[values > -1]
    return float(values.mean()) if values.size else float("nan")


print(f"{len(records)} pictures of {judged['data']}, {judged['split']}, {len(found)} boxes: engram, pycocotools")
check("map50", judged["map50"], mean(precision[0, :, :, 0, -1]))
check("map50_95", judged["map50_95"], mean(precision[:, :, :, 0, -1]))
for k, one in enumerate(judged["per_class"]):
    if one["n"]:
        check(f"{one['class']} ap50", one["ap50"], mean(precision[0, :, k, 0, -1]))
        check(f"{one['class']} ap50_95", one["ap50_95"], mean(precision[:, :, k, 0, -1]))
wrong = 0
lines = lines_of(model) or [[] for _ in names]
errors = {name: 0 for name in names}
for r in records:
    a = r["answer"]
    counts = {name: count([b for b in a["boxes"] if b["class"] == name], a["threshold"], line) for name, line in zip(names, lines)}
    wrong += counts != a["counts"] or len(a["boxes"]) > 100
    wrong += any(b["score"] < 0.01 or b["box"][0] < 0 or b["box"][1] < 0 for b in a["boxes"])
    wrong += [b["score"] for b in a["boxes"]] != sorted((b["score"] for b in a["boxes"]), reverse=True)
    for name in names:
        errors[name] += abs(counts[name] - r["truth"]["counts"][name])
for name in names:
    check(f"{name} count_mae", judged["count_mae"][name], errors[name] / len(records))
print(f"answers whose counts, scores or order are wrong: {wrong}")
sys.exit(1 if failed or wrong else 0)
