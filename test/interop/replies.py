#!/usr/bin/env python3
"""replies.py ENGRAM MODEL [PART]: are BLEU, chrF and the share of exact texts that `engram eval` tells of a model that writes (reply,
translate) those that PyPI's sacrebleu computes of `engram predict --split PART (test) --truth --json`?

By hand: needs sacrebleu (pip install sacrebleu). Exit code 1: they differ by more than 1e-7.

Not here: the loss and right_of_ten, which need the network (test/test_reply.c compares them with single steps)."""
import json
import subprocess
import sys

import sacrebleu


def main():
    engram, model = sys.argv[1:3]
    part = sys.argv[3] if len(sys.argv) > 3 else "test"
    run = lambda *words: subprocess.run([engram, *words, "--split", part, "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    told = json.loads(run("eval", model))
    records = [json.loads(line) for line in run("predict", model, "--truth").splitlines()]
    said = [r["answer"]["text"] for r in records]
    references = [r["truth"]["texts"] for r in records]
    most = max(map(len, references))
    columns = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
    computed = {
        "n": len(records),
        "bleu": sacrebleu.corpus_bleu(said, columns, tokenize=told["bleu_tokens"]).score,
        "chrf": sacrebleu.corpus_chrf(said, columns).score,
        "exact": sum(s in r for s, r in zip(said, references)) / len(records),
    }
    wrong = [k for k, v in computed.items() if abs(told[k] - v) > 1e-7]
    for k, v in computed.items():
        print(f"{k:6} eval {told[k]:.10g}  sacrebleu {v:.10g}{'  DIFFERS' if k in wrong else ''}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
