#!/usr/bin/env python3
"""How fast a model answers one picture, and a film: engram beside onnxruntime on the network that engram exports.

    python3 bench/picture_speed.py MODEL [--film FILM.y4m] [--threads 1] [--runs 30] [--engram build/engram]

One JSON object: milliseconds of the network alone at batch 1, the least and the median of all runs, the two programs by turns (each
turn a third of the runs), and the processor time of a run, which other work on the machine changes least; with --film frames a second, by the clock and by processor time: of a model of the task segment those of `engram segment`,
which reads, computes, cuts out and writes, of another those of `engram predict --json`; beside them what onnxruntime's network alone would
take. Needs onnxruntime and numpy."""
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
    used = time.process_time()
    for _ in range(runs):
        begin = time.perf_counter()
        s.run(None, {name: x})
        times.append(1e3 * (time.perf_counter() - begin))
    return times, 1e3 * (time.process_time() - used) / runs


def children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def run_ours(path, runs):
    """The second call has twice the runs: the difference is theirs alone, without start and packing."""
    at = [children()]
    for n in runs, 2 * runs:
        told = json.loads(engram("bench", path + ":n1", "--runs", str(n), "--json", "--no-peak"))
        at.append(children())
    return told["min_ms"], told["median_ms"], 1e3 * ((at[2] - at[1]) - (at[1] - at[0])) / runs


def segments():
    with open(a.model, "rb") as f:
        head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
    return "task: segment" in head["__metadata__"]["recipe"]


def film(path):
    with tempfile.TemporaryDirectory() as folder:
        before, begin = children(), time.perf_counter()
        if segments():
            frames = json.loads(engram("segment", a.model, path, "-o", os.path.join(folder, "out.y4m"), "--json"))["frames"]
        else:
            frames = len(engram("predict", a.model, path, "--json").splitlines())
        took, used = time.perf_counter() - begin, children() - before
    return {"frames": frames, "frames_per_second": frames / took, "frames_per_cpu_second": frames / used}


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "net.onnx")
    engram("export", a.model, "--to", "onnx", "-o", path)
    s = session(path)
    shape = [d if isinstance(d, int) else 1 for d in s.get_inputs()[0].shape]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    ours, peer, peer_cpu = [], [], []
    for _ in range(3):
        ours.append(run_ours(path, a.runs // 3))
        times, cpu = run_peer(s, x, a.runs // 3)
        peer, peer_cpu = peer + times, peer_cpu + [cpu]
    least, middle, cpu = zip(*ours)
    out = {"model": a.model, "input": shape, "threads": a.threads,
           "engram": {"min_ms": min(least), "median_ms": statistics.median(middle), "cpu_ms": statistics.median(cpu)},
           "onnxruntime": {"min_ms": min(peer), "median_ms": statistics.median(peer), "cpu_ms": statistics.median(peer_cpu), "version": ort.__version__}}
    if a.film:
        out["film"] = film(a.film) | {"network_alone_per_cpu_second": 1e3 / out["engram"]["cpu_ms"],
                                      "onnxruntime_alone_per_cpu_second": 1e3 / out["onnxruntime"]["cpu_ms"]}
    print(json.dumps(out))
