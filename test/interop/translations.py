#!/usr/bin/env python3
"""Compares how engram eval scores translations and replies with sacreBLEU (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install sacrebleu
    venv/bin/python test/interop/translations.py build/engram MODEL [--split test]

BLEU (with the tokenizer that eval names, zh or 13a) and chrF of what `engram predict --json --truth` writes, against all
its references, and the share of texts that are one of these, must be those of `engram eval --json` to 1e-6. Exit code 1
where one of them fails.

Not here: the loss and right_of_ten, which need the network (test/test_reply.c compares them with single steps).
"""
import sys

import sacrebleu
from answers import engram_rows

engram, model, more = sys.argv[1], sys.argv[2], sys.argv[3:]


judged = engram_rows(engram, "eval", model, *more)[0]
records = engram_rows(engram, "predict", model, "--truth", *more)
texts = [r["answer"]["text"] for r in records]
references = [r["truth"]["texts"] for r in records]
most = max(map(len, references))
streams = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
bleu = sacrebleu.corpus_bleu(texts, streams, tokenize=judged["bleu_tokens"])
chrf = sacrebleu.corpus_chrf(texts, streams)
exact = sum(t in r for t, r in zip(texts, references)) / len(texts)
print(f"{len(records)} texts of {judged['data']}, {judged['split']}, tokens by {judged['bleu_tokens']}; {bleu}")
failed = judged["n"] != len(records)
for name, ours, theirs in ("bleu", judged["bleu"], bleu.score), ("chrf", judged["chrf"], chrf.score), ("exact", judged["exact"], exact):
    same = abs(ours - theirs) < 1e-6
    failed |= not same
    print(f"{name:6} {ours:10.6f}  {theirs:10.6f}  {'the same' if same else 'DIFFERS'}")
sys.exit(failed)
