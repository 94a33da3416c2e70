#!/usr/bin/env python3
"""Some pictures of each class of a set in IDX files (MNIST, Fashion-MNIST), as a folder that the source `folder` reads:

    few_pictures.py SET FOLDER [--each 10] [--test 1000] [--classes 5,6,7,8,9] [--names a,b,...] [--seed 1]

FOLDER/train/CLASS/N.pgm are drawn by the seed from the training files of SET, FOLDER/test/CLASS/N.pgm are the first of
its test files. Needs nothing but Python.
"""
import argparse
import gzip
import os
import random
import struct
import sys

CLOTHES = "t-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,boot"


def read(folder, name):
    path = os.path.join(folder, name)
    opened = open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb")
    with opened as f:
        data = f.read()
    dims = data[3]
    shape = struct.unpack(f">{dims}I", data[4:4 + 4 * dims])
    return shape, data[4 + 4 * dims:]


def write(folder, name, shape, pixels):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(b"P5\n%d %d\n255\n" % (shape[2], shape[1]) + pixels)


def part(args, prefix, folder, each, rng):
    shape, pixels = read(args.set, f"{prefix}-images-idx3-ubyte")
    _, labels = read(args.set, f"{prefix}-labels-idx1-ubyte")
    size = shape[1] * shape[2]
    for k in args.classes:
        of = [i for i, label in enumerate(labels) if label == k]
        if rng:
            rng.shuffle(of)
        for n, i in enumerate(of[:each]):
            write(os.path.join(args.folder, folder, args.names[k]), f"{n}.pgm", shape, pixels[i * size:(i + 1) * size])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("set"), p.add_argument("folder")
    p.add_argument("--each", type=int, default=10), p.add_argument("--test", type=int, default=1000)
    p.add_argument("--classes", default="0,1,2,3,4,5,6,7,8,9"), p.add_argument("--names")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    args.classes = [int(k) for k in args.classes.split(",")]
    default = CLOTHES if "fashion" in args.set else "0,1,2,3,4,5,6,7,8,9"
    args.names = (args.names or default).split(",")
    if os.path.exists(args.folder):
        sys.exit(f"{args.folder} is there already")
    part(args, "train", "train", args.each, random.Random(args.seed))
    part(args, "t10k", "test", args.test, None)


main()
