"""What the scripts here share: a file of ONNX run by engram, and how far two results are from each other."""
import os, subprocess, tempfile

import numpy as np


def engram_runs(engram, path, inputs):
    """The outputs by their names; the message of a failure as a RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        given = []
        for i, (name, x) in enumerate(inputs.items()):
            np.save(f"{folder}/in{i}.npy", x)
            given += ["--input", f"{name}={folder}/in{i}.npy"]
        out = subprocess.run([engram, "predict", path, *given, "-o", folder + "/out"], capture_output=True, text=True)
        if out.returncode:
            raise RuntimeError(out.stderr.strip())
        return {os.path.basename(p)[:-4]: np.load(p) for p in out.stdout.splitlines()}


def largest(a, b):
    """The largest difference, as a part of the largest number of b."""
    if a.shape != b.shape:
        return float("inf")
    if not a.size:
        return 0.0
    off, most = np.abs(a.astype(np.float64) - b), np.max(np.abs(b.astype(np.float64)))
    return float(np.max(off) / most) if most > 0 else float(np.max(off))
