#!/usr/bin/env python3
"""Judges answers about films and captions by their rows alone, and compares with engram eval (not part of `make test`):

    test/interop/films.py build/engram MODEL... [--split test]

For models of films that are tagged (segments at 10, 25 and 50 %, edit score, single frames), of films that go on
(reconstruct: the mean of the errors of all frames), of captions of scenes (whole sentences, things, colours, places; new
combinations by themselves), and of captions of films (sentences, clauses, clauses with their times): what the rows that
`engram predict --json --truth` writes say must be what `engram eval --json` says, to 1e-9 (errors of frames: relative
1e-6). Everything here is written anew from the definitions in docs/answers.md. Exit code 1 where something differs.
Labels of films are for test/interop/classes.py.
"""
import sys

from answers import engram_rows

more = sys.argv[sys.argv.index("--split") :] if "--split" in sys.argv else []
engram, *models = sys.argv[1 : len(sys.argv) - len(more)]
failed = False


def check(what, ours, theirs, most=1e-9):
    global failed
    same = ours == theirs if None in (ours, theirs) else abs(ours - theirs) <= most
    failed |= not same
    print(f"  {what:14} {ours!s:22} {theirs!s:22} {'the same' if same else 'DIFFERS'}")


def overlap(a, b):
    both = min(a["end"], b["end"]) - max(a["start"], b["start"])
    return max(both, 0) / (max(a["end"], b["end"]) - min(a["start"], b["start"]))


def found(said, meant, what, least):
    """How many of `said` are right, each against the one of its kind that it shares most with, which counts once."""
    used, right = set(), 0
    for s in said:
        rivals = [i for i, m in enumerate(meant) if m[what] == s[what]]
        if not rivals:
            continue
        best = max(rivals, key=lambda i: (overlap(s, meant[i]), -i))
        if best not in used and overlap(s, meant[best]) >= least:
            used.add(best)
            right += 1
    return right


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for k, y in enumerate(b):
            last, row[k + 1] = row[k + 1], min(row[k] + 1, row[k + 1] + 1, last + (x != y))
    return row[-1]


def tags(rows, judged):
    for name, least in ("f1_50", 0.5), ("f1_25", 0.25), ("f1_10", 0.1):
        told = sum(len(a["spans"]) + len(t["spans"]) for a, t in rows)
        check(name, 2 * sum(found(a["spans"], t["spans"], "type", least) for a, t in rows) / told, judged[name])
    order = [([s["type"] for s in a["spans"]], [s["type"] for s in t["spans"]]) for a, t in rows]
    check("edit", sum(1 - edits(x, y) / max(len(x), len(y)) for x, y in order) / len(order), judged["edit"])
    frames = [(x, y) for a, t in rows for x, y in zip(a["tags"], t["tags"])]
    check("accuracy", sum(x == y for x, y in frames) / len(frames), judged["accuracy"])


def errors(rows, judged):
    each = [e for a, _ in rows for e in a["errors"]]
    check("mse", sum(each) / len(each), judged["mse"], 1e-6 * judged["mse"])
    for k, theirs in enumerate(judged["by_frame"]):
        mine = [a["errors"][k] for a, _ in rows if len(a["errors"]) > k]
        check(f"frame {k + 1}", sum(mine) / len(mine), theirs, 1e-6 * theirs)


def scene(text):
    """Things, colours, and places of all but the first, of "a C T RELATION a C T and RELATION a C T"."""
    words, things, colours, places = text.split(), [], [], []
    while words:
        if things:
            if len(things) > 1 and words[0] == "and":
                words.pop(0)
            if not words or words[0] not in ("above", "below", "left", "right"):
                break
            places.append(words.pop(0))
            if places[-1] in ("left", "right"):
                if not words or words.pop(0) != "of":
                    break
        if not words or words.pop(0) != "a":
            break
        colours.append(words.pop(0) if words else None)
        things.append(words.pop(0) if words else None)
        if things[-1] is None:
            break
    return things, colours, places


def marks(text, right):
    return [sum(x is not None and x == y for x, y in zip(mine, theirs)) for mine, theirs in zip(scene(text), scene(right))]


def scenes(rows, judged):
    exact, totals, all_things, all_places = {True: [], False: []}, [0, 0, 0], 0, 0
    for a, t in rows:
        exact[t.get("seen", True)].append(a["text"] in t["texts"])
        best = max(t["texts"], key=lambda r: sum(marks(a["text"], r)))
        totals = [x + y for x, y in zip(totals, marks(a["text"], best))]
        all_things += len(scene(best)[0])
        all_places += len(scene(best)[2])
    check("exact", sum(exact[True]) / len(exact[True]), judged["exact"])
    check("exact_unseen", sum(exact[False]) / len(exact[False]) if exact[False] else None, judged["exact_unseen"])
    for name, x, n in zip(("object", "colour", "place"), totals, (all_things, all_things, all_places)):
        check(name, x / n, judged[name])


def clauses(rows, judged):
    said = [(a["text"].split(", then ") if a["text"] else [], t["text"].split(", then ")) for a, t in rows]
    check("exact", sum(a["text"] in t["texts"] for a, t in rows) / len(rows), judged["exact"])
    check("clause", sum(x == y for a, t in said for x, y in zip(a, t)) / sum(len(t) for _, t in said), judged["clause"])
    timed = [(a["segments"], t["segments"]) for a, t in rows if t.get("segments")]
    right = sum(found(a, t, "text", 0.5) for a, t in timed)
    check("f1_50", 2 * right / sum(len(a) + len(t) for a, t in timed) if timed else None, judged["f1_50"])


for model in models:
    judged = engram_rows(engram, "eval", model, *more)[0]
    rows = [(r["answer"], r["truth"]) for r in engram_rows(engram, "predict", model, "--truth", *more)]
    print(f"{model}: {len(rows)} of {judged['data']}, {judged['split']}: the rows, eval")
    first = rows[0][0]
    kind = tags if "tags" in first else errors if "errors" in first else clauses if "segments" in first else scenes
    kind(rows, judged)
sys.exit(failed)
