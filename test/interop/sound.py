#!/usr/bin/env python3
"""Features of sound, compared with librosa: log-mel, MFCC and slopes of real recordings.

  python3 -m venv /tmp/peers && /tmp/peers/bin/pip install librosa
  cmake --build build --target sound_steps
  /tmp/peers/bin/python test/interop/sound.py FOLDER-OF-RECORDINGS [build/test/sound_steps]

Each of the first 40 recordings of the folder goes through build/test/sound_steps, which prints the program's own features, and through
librosa with the same settings. The largest difference must be below 1e-4, relative to the largest number where that is above 1. librosa puts
a window that is shorter than the transform in its middle, and leaves out the last frame where it is not full: so it gets as many zeros
before and behind.
"""
import glob
import subprocess
import sys

import librosa
import numpy as np

SETTINGS = [  # kind, window, hop, fft, bands, low, high, coefficients, deltas
    ("log_mel", 200, 80, 256, 40, 0, 4000, 0, 0),
    ("log_mel", 256, 64, 256, 80, 60, 3800, 0, 0),
    ("log_mel", 400, 160, 512, 23, 20, 4000, 0, 2),
    ("mfcc", 200, 80, 256, 40, 0, 4000, 13, 0),
    ("mfcc", 240, 80, 256, 26, 100, 4000, 20, 2),
]


def peer(y, rate, kind, window, hop, fft, bands, low, high, coefficients, deltas):
    steps = 1 if len(y) <= window else 1 + -(-(len(y) - window) // hop)
    before = (fft - window) // 2
    y = np.pad(y, (before, max(0, (steps - 1) * hop + fft - before - len(y))))
    y = y[: (steps - 1) * hop + fft]
    mel = librosa.feature.melspectrogram(
        y=y, sr=rate, n_fft=fft, hop_length=hop, win_length=window, window="hann", center=False, power=2.0,
        n_mels=bands, fmin=low, fmax=high, htk=False, norm="slaney")
    x = np.log(np.maximum(1e-10, mel))
    if kind == "mfcc":
        x = librosa.feature.mfcc(S=x, n_mfcc=coefficients, dct_type=2, norm="ortho")
    parts = [x]
    for _ in range(deltas):
        parts.append(librosa.feature.delta(parts[-1], width=9, order=1, mode="nearest"))
    return np.concatenate(parts).T


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = sys.argv[2] if len(sys.argv) > 2 else "build/test/sound_steps"
    files = sorted(glob.glob(sys.argv[1] + "/*.wav"))[:40]
    if not files:
        sys.exit(f"no .wav in {sys.argv[1]}")
    worst = 0.0
    for setting in SETTINGS:
        most = 0.0
        for path in files:
            y, rate = librosa.load(path, sr=None, mono=True, dtype=np.float32)
            ours = subprocess.run([program, path, *map(str, setting)], check=True, capture_output=True, text=True).stdout
            ours = np.array([[float(v) for v in line.split()] for line in ours.splitlines()])
            theirs = peer(y.astype(np.float64), rate, *setting)
            if ours.shape != theirs.shape:
                sys.exit(f"{path} {setting}: {ours.shape} and {theirs.shape}")
            most = max(most, float(np.max(np.abs(ours - theirs)) / max(1.0, float(np.max(np.abs(theirs))))))
        print(f"{setting}: {len(files)} recordings, largest difference {most:.2e}")
        worst = max(worst, most)
    print("ok" if worst < 1e-4 else "FAILED")
    sys.exit(worst >= 1e-4)


main()
