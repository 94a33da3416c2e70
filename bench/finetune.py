#!/usr/bin/env python3
"""A trained network on ten pictures of each class of a set that it has not seen, with and without what it has learnt:

    finetune.py MODEL RECIPE SET [--engram build/engram] [--seeds 1,2,3] [--classes 0,1,...] [--test 1000] [--each 10]

MODEL was trained by RECIPE (recipes/mnist-best.yaml), whose layers are taken, with what recipes/finetune.yaml says of
training; SET is a folder of IDX files, of which few_pictures.py draws. A row each: the last layer alone, all of them
with the old ones at a tenth of the rate, all at the same rate, and from random numbers; accuracy for each draw, in
percent of SET's test pictures. Needs nothing but Python.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WAYS = {  # as docs/finetuning.md has them
    "last layer alone": ['train.groups=[{pattern: "conv*", frozen: true}, {pattern: "batchnorm*", frozen: true}]', "train.lr=0.03"],
    "all, the old ones at a tenth": [],
    "all, at the same rate": ["train.groups=[]"],
    "from random numbers": ["train.groups=[]"],
}


def recipe(text, pattern):
    """The line or lines of one key of a recipe."""
    return re.search(rf"^{pattern}:.*\n(?:[ #].*\n|\n(?=[ #]))*", text, re.M).group(0)


def compose(layers, training, model, pictures, way):
    train = recipe(training, "train")
    if way == "from random numbers":
        train = re.sub(r"^  (from|from_layers):.*\n", "", train, flags=re.M)
    else:
        train = re.sub(r"^  from:.*$", lambda _: f"  from: {os.path.abspath(model)}", train, flags=re.M)
    return (f"name: few\ntask: classify\ndata: {{source: folder, path: {pictures}}}\n" + recipe(training, "augment") + recipe(layers, "input")
            + recipe(layers, "model") + train)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model"), p.add_argument("recipe"), p.add_argument("set")
    p.add_argument("--engram", default="build/engram"), p.add_argument("--seeds", default="1,2,3")
    p.add_argument("--classes", default="0,1,2,3,4,5,6,7,8,9")
    p.add_argument("--each", default="10"), p.add_argument("--test", default="1000")
    a = p.parse_args()
    layers = open(a.recipe).read()
    training = open(os.path.join(HERE, "..", "recipes", "finetune.yaml")).read()
    found = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as tmp:
        for seed in a.seeds.split(","):
            pictures, file, out = (os.path.join(tmp, seed + end) for end in ("", ".yaml", ".safetensors"))
            subprocess.run([sys.executable, os.path.join(HERE, "few_pictures.py"), a.set, pictures, "--each", a.each, "--test", a.test,
                            "--classes", a.classes, "--seed", seed], check=True)
            for way, settings in WAYS.items():
                with open(file, "w") as f:
                    f.write(compose(layers, training, a.model, pictures, way))
                command = [a.engram, "train", file, "-o", out, "--threads", "1", "--quiet"] + [w for s in settings for w in ("--set", s)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                told = subprocess.run([a.engram, "eval", out, "--threads", "1", "--json"], check=True, capture_output=True, text=True).stdout
                found[way].append(100 * json.loads(told)["accuracy"])
                os.remove(out)
    for way, accuracies in found.items():
        print(f"{way:30}" + "".join(f"{x:7.1f}" for x in accuracies) + f"   mean {sum(accuracies) / len(accuracies):.1f}")


main()
