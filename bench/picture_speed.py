#!/usr/bin/env python3
"""How fast a model answers one picture, and a film: engram beside onnxruntime on the network that engram exports.

    python3 bench/picture_speed.py MODEL [--film FILM.y4m] [--threads 1] [--runs 30] [--engram build/engram]

One JSON object: milliseconds of the network alone at batch 1, the least and the median of all runs, the two programs by turns (each
turn a third of the runs); with --film, of a model of the task segment, frames a second of `engram
segment`, which reads, computes, cuts out and writes, by the clock and by processor time. A busy machine shows in the medians; the least is the one to
compare. Needs onnxruntime and numpy."""
import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime as ort

ap = argparse.ArgumentParser()
ap.add_argument("model")
ap.add_argument("--film")
ap.add_argument("--threads", type=int, default=1)
ap.add_argument("--runs", type=int, default=30)
ap.add_argument("--engram", default="build/engram")
a = ap.parse_args()


def engram(*args):
    return subprocess.run([a.engram, *args, "--threads", str(a.threads)], check=True, capture_output=True, text=True).stdout


def session(path):
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = a.threads, 1
    o.log_severity_level = 3
    o.add_session_config_entry("session.set_denormal_as_zero", "1")
    return ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def run_peer(s, x, runs):
    name, times = s.get_inputs()[0].name, []
    s.run(None, {name: x})
    for _ in range(runs):
        begin = time.perf_counter()
        s.run(None, {name: x})
        times.append(1e3 * (time.perf_counter() - begin))
    return times


def film(path):
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = json.loads(engram("segment", a.model, path, "-o", os.path.join(folder, "out.y4m"), "--json"))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"frames": told["frames"], "frames_per_second": told["frames_per_second"], "frames_per_cpu_second": told["frames"] / used}


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "net.onnx")
    engram("export", a.model, "--to", "onnx", "-o", path)
    s = session(path)
    shape = [d if isinstance(d, int) else 1 for d in s.get_inputs()[0].shape]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    ours, peer = [], []
    for _ in range(3):
        told = json.loads(engram("bench", path + ":n1", "--runs", str(a.runs // 3), "--json", "--no-peak"))
        ours.append((told["min_ms"], told["median_ms"]))
        peer += run_peer(s, x, a.runs // 3)
    out = {"model": a.model, "input": shape, "threads": a.threads,
           "engram": {"min_ms": min(m for m, _ in ours), "median_ms": statistics.median(m for _, m in ours)},
           "onnxruntime": {"min_ms": min(peer), "median_ms": statistics.median(peer), "version": ort.__version__}}
    if a.film:
        out["film"] = film(a.film)
    print(json.dumps(out))
