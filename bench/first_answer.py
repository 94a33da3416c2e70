#!/usr/bin/env python3
"""From the start of a program to its answer for one picture: time and memory of `engram predict`, and, beside it, of a
Python program that asks onnxruntime about the same network, exported.

    first_answer.py ENGRAM MODEL.safetensors PICTURE.pgm [--runs 30] [--threads 1] [--peer PYTHON]

PYTHON is an interpreter that has numpy and onnxruntime. Memory is told by test/peak_memory of ENGRAM's build folder,
since a process that Python starts counts Python's own peak as its own; without that program it is left out. Times are those of a process as the system counts them, from its
first instruction to its last: processor time (median), the time that went by (the least), and the most memory it had.
What only starts Python, or imports the two packages, is measured by itself. The answers are compared.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ASK = """
import json, sys
import numpy as np
import onnxruntime as ort
o = ort.SessionOptions()
o.intra_op_num_threads = o.inter_op_num_threads = int(sys.argv[3])
s = ort.InferenceSession(sys.argv[1], o, providers=["CPUExecutionProvider"])
task = json.loads(s.get_modelmeta().custom_metadata_map["task"])
with open(sys.argv[2], "rb") as f:
    kind, w, h, most = (data := f.read()).split(None, 4)[:4]
assert kind == b"P5" and most == b"255"
x = np.frombuffer(data[-int(w) * int(h):], np.uint8).reshape(1, 1, int(h), int(w)).astype(np.float32) / 255
x = (x - task["mean"][0]) / task["std"][0]
logits = s.run(["logits"], {"input": x.astype(np.float32)})[0][0]
print(task["classes"][int(np.argmax(logits))])
"""


def peak(command, runs):
    """The most memory of some runs, in MiB."""
    if not os.path.exists(PEAK):
        return float("nan")
    lines = [subprocess.run([PEAK] + command, check=True, stdout=subprocess.PIPE).stdout.split() for _ in range(runs)]
    return max(int(line[-1]) for line in lines) / 1024


def measure(command, runs):
    """Of so many runs: processor time (median) and time (least) in milliseconds, memory in MiB, what it printed."""
    cpu, wall, said = [], [], None
    for _ in range(runs):
        with tempfile.TemporaryFile() as out:
            begin = time.perf_counter()
            child = subprocess.Popen(command, stdout=out)
            _, status, used = os.wait4(child.pid, 0)
            wall.append(1e3 * (time.perf_counter() - begin))
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                sys.exit(f"{command[0]}: exit code {child.returncode}")
            out.seek(0)
            said = out.read().decode()
        cpu.append(1e3 * (used.ru_utime + used.ru_stime))
    return statistics.median(cpu), min(wall), peak([shutil.which(command[0])] + command[1:], 3), said


def row(name, result):
    print(f"{name:48} {result[0]:10.1f} {result[1]:10.1f} {result[2]:8.1f}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("engram"), p.add_argument("model"), p.add_argument("picture")
    p.add_argument("--runs", type=int, default=30), p.add_argument("--threads", default="1"), p.add_argument("--peer")
    a = p.parse_args()
    global PEAK
    PEAK = os.path.join(os.path.dirname(a.engram), "test", "peak_memory")
    print(f"{'':48} {'CPU ms':>10} {'least ms':>10} {'MiB':>8}")
    own = measure([a.engram, "predict", a.model, a.picture, "--json", "--threads", a.threads], a.runs)
    row("engram predict", own)
    if not a.peer:
        return
    with tempfile.TemporaryDirectory() as folder:
        onnx, ask = os.path.join(folder, "model.onnx"), os.path.join(folder, "ask.py")
        subprocess.run([a.engram, "export", a.model, "--to", "onnx", "-o", onnx], check=True, stdout=subprocess.DEVNULL)
        with open(ask, "w", encoding="utf-8") as f:
            f.write(ASK)
        row("python, nothing", measure([a.peer, "-c", "pass"], a.runs))
        row("python, import numpy, onnxruntime", measure([a.peer, "-c", "import numpy, onnxruntime"], a.runs))
        peer = measure([a.peer, ask, onnx, a.picture, a.threads], a.runs)
        row("python, onnxruntime, the answer", peer)
    answer = json.loads(own[3])["answer"]["class"]
    if answer != peer[3].strip():
        sys.exit(f"the answers differ: {answer}, {peer[3].strip()}")


main()
