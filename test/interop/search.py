#!/usr/bin/env python3
"""search.py ENGRAM MODEL [PART]: is the recall that `engram eval` tells of a model of the task search what follows from the
embeddings that `engram predict --truth --json` writes of PART (test) and of all training records, those that validate among them?

Needs numpy. Nothing of the program's own arithmetic is used: the cosine (or the distance) of each sample to all training samples, and
of how many the nearest, or one of the ten nearest, is of the same class. Exit code 1: they differ by more than one sample in a
thousand, which is more than numbers written with nine digits can change."""
import sys

import numpy as np
from answers import engram_rows


def rows(engram, model, part):
    """Embeddings (n, size), classes, and how they are compared."""
    read = engram_rows(engram, "predict", model, "--split", part, "--truth")
    vectors = np.array([r["answer"]["embedding"] for r in read])
    kind = read[0]["answer"].get("distance", "cosine")
    if kind == "cosine":
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, np.array([r["truth"]["class"] for r in read]), kind


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    engram, model, part = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else "test"
    told = engram_rows(engram, "eval", model, "--split", part)[0]
    gallery, of, kind = rows(engram, model, "train")
    if told["gallery_n"] > len(gallery):
        more, classes, _ = rows(engram, model, "validation")
        gallery, of = np.concatenate([gallery, more]), np.concatenate([of, classes])
    asked, want, _ = rows(engram, model, part)
    nearest = np.empty((len(asked), 10), dtype=int)
    for at in range(0, len(asked), 500):
        x = asked[at : at + 500]
        far = -x @ gallery.T if kind == "cosine" else (x**2).sum(1)[:, None] - 2 * x @ gallery.T + (gallery**2).sum(1)
        first = np.argpartition(far, 10, axis=1)[:, :10]
        order = np.take_along_axis(far, first, 1).argsort(1, kind="stable")
        nearest[at : at + 500] = np.take_along_axis(first, order, 1)
    right = of[nearest] == want[:, None]
    mine = {"recall1": right[:, 0].mean(), "recall10": right.any(1).mean(), "gallery_n": len(gallery)}
    good = True
    for key, value in mine.items():
        same = abs(value - told[key]) <= (0 if key == "gallery_n" else 1e-3)
        good &= same
        print(f"{key}: {value:.6g}, engram eval {told[key]:.6g}{'' if same else '   DIFFERENT'}")
    sys.exit(not good)


main()
