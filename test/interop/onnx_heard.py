#!/usr/bin/env python3
"""Sound in onnxruntime (PyPI) beside engram's own answers about the same files; not part of `make test`:

    python3 -m venv venv && venv/bin/pip install onnx onnxruntime numpy
    venv/bin/python test/interop/onnx_heard.py build/engram MODEL FOLDER [--count 100]

MODEL is asked which class is heard, at the rate of FOLDER's recordings (WAV, 16 bits, one channel). It is exported so
that it takes sound, and COUNT recordings go through onnxruntime as samples, in batches of unequal lengths with noise
behind their ends, and through `engram predict --json` as files: probabilities must be the same to 1e-5. Exit code 1
where one differs, 77 where the packages are not there.
"""
import argparse, glob, os, subprocess, sys, tempfile, wave

from answers import engram_rows
from with_onnx import np, onnx, onnxruntime

arguments = argparse.ArgumentParser()
arguments.add_argument("engram")
arguments.add_argument("model")
arguments.add_argument("folder")
arguments.add_argument("--count", type=int, default=100)
arguments.add_argument("--batch", type=int, default=7)
args = arguments.parse_args()
random = np.random.default_rng(1)


def samples_of(path, rate):
    with wave.open(path) as w:
        if (w.getframerate(), w.getnchannels(), w.getsampwidth()) != (rate, 1, 2):
            raise SystemExit(f"{path}: not one channel of 16 bits at {rate} Hz")
        return np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768


def heard(session, sounds):
    """Of a batch the shares of the classes."""
    longest = max(len(x) for x in sounds)
    rows = random.uniform(-1, 1, (len(sounds), longest)).astype(np.float32)
    for row, x in zip(rows, sounds):
        row[:len(x)] = x
    lengths = np.array([len(x) for x in sounds], np.int32)
    takes = {i.name for i in session.get_inputs()}
    if "lengths" not in takes:
        raise SystemExit("the model takes no lengths: batches of unequal ones cannot be compared")
    logits = session.run(["logits"], {"sound": rows, "lengths": lengths})[0].astype(np.float64)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


files = sorted(glob.glob(args.folder + "/*.wav"))
files = [files[i * len(files) // args.count] for i in range(args.count)] if len(files) > args.count else files
if not files:
    raise SystemExit(f"{args.folder}: no recordings")
with tempfile.TemporaryDirectory() as folder:
    path = folder + "/model.onnx"
    subprocess.run([args.engram, "export", args.model, "--to", "onnx", "-o", path], check=True, stdout=subprocess.DEVNULL)
    onnx.checker.check_model(path, full_check=True)
    notes = {p.key: p.value for p in onnx.load(path).metadata_props}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
answers = [row["answer"] for row in engram_rows(args.engram, "predict", args.model, *files, "--top", "1000")]
if len(answers) != len(files):
    raise SystemExit(f"{len(answers)} answers about {len(files)} files")
classes = sorted(one["class"] for one in answers[0]["classes"])
sounds = [samples_of(f, int(float(notes["sound_rate"]))) for f in files]
worst = 0.0
for i in range(0, len(files), args.batch):
    for row, answer in zip(heard(session, sounds[i:i + args.batch]), answers[i:]):
        ours = {one["class"]: one["probability"] for one in answer["classes"]}
        worst = max(worst, float(np.max(np.abs(row - np.array([ours[c] for c in classes])))))
print(f"{os.path.basename(args.model)}: {len(files)} recordings as samples in onnxruntime: largest difference of a probability {worst:.1e}")
sys.exit(worst > 1e-5)
