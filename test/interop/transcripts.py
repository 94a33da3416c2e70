#!/usr/bin/env python3
"""Compares how engram eval judges transcripts with jiwer (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install jiwer
    venv/bin/python test/interop/transcripts.py build/engram MODEL [--split test]

Word and character errors, of the texts that `engram predict --json --truth` tells, must be those of `engram eval --json`
to 1e-9, and so must the share of texts without an error. The words of an answer must be those of its text, each behind
the one before it; of a model that looks back only, the same record as raw samples on standard input must be told alike
(for `digit-strings` and the like this needs files: name some WAV files of 16 bits behind `--files`). Exit code 1 where one
of them fails.
"""
import sys, wave

import jiwer
from answers import engram_rows

engram, model, more = sys.argv[1], sys.argv[2], sys.argv[3:]
files = []
if "--files" in more:
    files = more[more.index("--files") + 1 :]
    more = more[: more.index("--files")]
failed = False


def check(what, ours, theirs):
    global failed
    same = abs(ours - theirs) < 1e-9
    failed |= not same
    print(f"{what:6} {100 * ours:9.5f} %  {100 * theirs:9.5f} %  {'the same' if same else 'DIFFERS'}")


judged = engram_rows(engram, "eval", model, *more)[0]
records = engram_rows(engram, "predict", model, "--truth", *more)
said = [r["answer"]["text"] for r in records]
right = [r["truth"]["text"] for r in records]
print(f"{len(records)} transcripts of {judged['data']}, {judged['split']}: engram, jiwer")
check("wer", judged["wer"], jiwer.wer(right, said))
check("cer", judged["cer"], jiwer.cer(right, said))
check("exact", judged["exact"], sum(a == b for a, b in zip(said, right)) / len(records))
failed |= judged["n"] != len(records)
odd = 0
for r in records:
    words = r["answer"]["words"]
    odd += [w["text"] for w in words] != r["answer"]["text"].split()
    odd += any(w["end"] <= w["start"] for w in words) or any(b["start"] < a["end"] for a, b in zip(words, words[1:]))
print(f"words that are not those of their text, or not in order: {odd}")
other = 0
for path in files:
    with wave.open(path) as f:
        assert f.getsampwidth() == 2 and f.getnchannels() == 1, path
        raw, rate = f.readframes(f.getnframes()), f.getframerate()
    whole = engram_rows(engram, "predict", model, path)[0]["answer"]["words"]
    pieces = [w for r in engram_rows(engram, "predict", model, "-", "--rate", str(rate), input=raw) for w in r["answer"]["words"]]
    other += pieces != whole
if files:
    print(f"files that are told otherwise as they come: {other} of {len(files)}")
sys.exit(1 if failed or odd or other else 0)
