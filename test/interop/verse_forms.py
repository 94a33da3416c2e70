#!/usr/bin/env python3
"""Counts how many poems keep to their form. By hand, of what `engram generate` writes:

    engram generate poems.safetensors --samples 100 --json | python3 test/interop/verse_forms.py
    engram generate poems.safetensors --samples 100 --json --form 7x4 | python3 test/interop/verse_forms.py 7x4
    engram generate poems.safetensors --samples 100 --json --form 7x4 --acrostic 春夏秋冬 |
        python3 test/interop/verse_forms.py 7x4 春夏秋冬
    engram generate poems.safetensors --samples 100 --json --acrostic 春夏秋冬 |       the first characters of the page's lines
        python3 test/interop/verse_forms.py '' 春夏秋冬

Without a form one of 4 to 16 lines (of an even number), all of five or all of seven characters, is asked for, which ends by itself. Lines end
with a comma and with a full stop (or its like) in turn. It shares no code with the program: a text is cut at its punctuation."""

import json
import re
import sys
from collections import Counter

def form_of(text):
    """"7x4", or why it is none."""
    pieces = re.findall(r"([^，。？！\n]*)([，。？！])\n?", text)
    if "".join(a + b for a, b in pieces) != text.replace("\n", ""):
        return "does not end with punctuation"
    sizes = {len(a) for a, _ in pieces}
    if len(sizes) != 1:
        return "lines of different lengths"
    if any(not all("\u3400" <= c <= "\u9fff" or c >= "\U00020000" for c in a) for a, _ in pieces):
        return "other signs"
    if any((b == "，") != (i % 2 == 0) for i, (_, b) in enumerate(pieces)):
        return "punctuation out of turn"
    return f"{sizes.pop()}x{len(pieces)}"


def is_right(text, ended, form, heads):
    found = form_of(text)
    if not ended or (form and found != form):
        return False
    if not form and not re.fullmatch(r"[57]x(4|6|8|10|12|14|16)", found):
        return False
    lines = re.split("[，。？！]\n?", text) if form else text.split("\n")
    return all(line.startswith(c) for line, c in zip(lines, heads or ""))


def main():
    form = sys.argv[1] if len(sys.argv) > 1 else None
    heads = sys.argv[2] if len(sys.argv) > 2 else None
    found, right, n = Counter(), 0, 0
    for line in sys.stdin:
        poem = json.loads(line)
        found[form_of(poem["text"]) if poem["end"] else "does not end"] += 1
        right += is_right(poem["text"], poem["end"], form, heads)
        n += 1
    print(f"{right} of {n} in the form {form or 'of 4 to 16 lines of 5 or 7'}" + (f", with {heads}" if heads else ""))
    for name, count in found.most_common():
        print(f"{count:5}  {name}")


if __name__ == "__main__":
    main()
