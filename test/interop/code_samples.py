#!/usr/bin/env python3
"""Counts how many samples of C a compiler accepts. By hand, of what `engram generate` writes, from the root of the sources:

    engram generate code.safetensors --prompt static --samples 100 --temperature 0.5 --json |
        python3 test/interop/code_samples.py [--show]
    python3 test/interop/code_samples.py --real     the functions that stand in the sources, alike: what could be reached

Each sample is cut behind its last function (or declaration) that is complete, as is what an editor would keep, and compiled for itself behind the
headers of some of the sources' folders: `cc -fsyntax-only`, which looks at names and types too. What stands in the sources just so is counted apart."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

CC = os.environ.get("CC", "cc").split() + ["-std=gnu17", "-fsyntax-only", "-w", "-Iinclude", "-Isrc", "-Ibuild/include"]
# comments and texts, which count as a whole, and what opens, closes or ends something
SIGNS = re.compile(r"""/\*.*?(?:\*/|$)|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}()\[\];]""", re.S)


def accepts(text):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
        f.write(text)
        f.flush()
        return subprocess.run(CC + [f.name], capture_output=True).returncode == 0


# Headers that go together: folders of src, and which of their headers are left out. Public ones come with them.
FAMILIES = [
    ("base core kern ops train", "kern/(body_|simd|chosen|vector_slots)|recurrent_cases"),
    ("base io data series", "task|generate"),
    ("base io tasks floors report tune", "^$"),
]


def preludes():
    for folders, out in FAMILIES:
        names = ["errno.h", "math.h", "stdio.h", "stdlib.h", "string.h"]
        names += [h[4:] for d in folders.split() for h in sorted(glob.glob(f"src/{d}/*.h")) if not re.search(out, h)]
        yield "".join(f"#include <{h}>\n" for h in names)


def complete(text):
    """Up to the last place outside of all braces and brackets that ends something; comments and texts do not count."""
    depth = end = 0
    for m in SIGNS.finditer(text):
        c = m.group()
        depth += (c in "{([") - (c in "})]") if len(c) == 1 else 0
        if depth < 0:
            break
        if depth == 0 and c in "};":
            end = m.end()
    return text[:end]


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


def paragraphs():
    for name in sorted(glob.glob("src/**/*.c", recursive=True)):
        for p in re.split(r"\n[ \t]*\n", open(name, encoding="utf-8").read()):
            if p.rstrip().endswith("\n}"):
                yield p


def read(line):
    sample = json.loads(line)
    return sample["prompt"] + sample["text"]


def main():
    real = "--real" in sys.argv
    texts = list(paragraphs())[::50] if real else [read(line) for line in sys.stdin]
    before, known = list(preludes()), squeezed(" ".join(paragraphs()))
    assert all(accepts(b) for b in before), "run it from the root of the sources, with a build in build"
    whole = right = copied = 0
    for text in texts:
        kept = complete(text)
        whole += kept != "" and kept.strip() == text.strip()
        if not kept or not any(accepts(b + kept) for b in before):
            continue
        right += 1
        same = squeezed(kept) in known
        copied += same
        if "--show" in sys.argv:
            print(f"/* {'as in the sources' if same else 'new'} */\n{kept}\n")
    print(f"{right} of {len(texts)} accepted, {copied} of these stand in the sources; {whole} are complete to their end")


if __name__ == "__main__":
    main()
