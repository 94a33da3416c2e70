#!/usr/bin/env python3
"""Judges what a model of the task speak says of single digits, by itself, and compares with what engram eval says:

    engram predict speak-digits.safetensors --data fsdd --truth --json -o spoken >rows
    engram eval speak-digits.safetensors --data fsdd --json >judged
    engram predict digits.safetensors spoken/*.wav --json >digits    # a classifier of digits, trained on real recordings
    engram predict voices.safetensors spoken/*.wav --json >voices    # and one of voices
    python3 -m venv /tmp/ears && /tmp/ears/bin/pip install numpy scikit-learn
    /tmp/ears/bin/python test/interop/spoken.py FOLDER-OF-RECORDINGS rows judged [digits voices] [PICTURE.png]

From the written WAV files and the real recordings: the mel-cepstral distortion after time warping (as src/tasks/cepstra.h says), beside
that of two real recordings of the same digit and voice; how many digits an SVM over MFCC recognises and how many voices it names, which
is trained on the recordings that train (number 5 and above) and first judged by the real ones that test (0 to 4). Of the classifiers'
answers, the same shares. The picture shows each voice's digits, real (number 0) above spoken. The distortions must be those of engram eval to 1e-3, else the exit code is 1."""
import collections
import glob
import itertools
import json
import os
import struct
import sys
import wave
import zlib

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

WORDS = "zero one two three four five six seven eight nine".split()


def mel(hz):
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def hz(m):
    return m * 200 / 3 if m < 15 else 1000 * np.exp((m - 15) * np.log(6.4) / 27)


def bank(rate, fft, bands, high):
    at = [hz(i * mel(high) / (bands + 1)) for i in range(bands + 2)]
    f = np.arange(fft // 2 + 1) * rate / fft
    rows = [np.maximum(0, np.minimum((f - a) / (b - a), (c - f) / (c - b))) * 2 / (c - a) for a, b, c in zip(at, at[1:], at[2:])]
    return np.array(rows)


BANK = bank(8000, 512, 40, 4000)
COSINES = np.cos(np.pi * np.outer(np.arange(40), np.arange(40) + 0.5) / 40)


def read(path):
    with wave.open(path) as w:
        assert w.getframerate() == 8000 and w.getnchannels() == 1 and w.getsampwidth() == 2, path
        return np.frombuffer(w.readframes(w.getnframes()), "<i2") / 32768.0


def log_mel(x, window=256, hop=64):
    steps = 1 if len(x) <= window else min(1 + -(-(len(x) - window) // hop), -(-len(x) // hop))
    x = np.concatenate([x, np.zeros(window + hop)])
    frames = np.stack([x[i * hop:i * hop + window] for i in range(steps)])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return np.log(np.maximum(1e-8, np.abs(np.fft.rfft(frames * hann, 512)) ** 2 @ BANK.T))


def cepstra(x):
    return (log_mel(x) / 2 @ COSINES.T / 40)[:, 1:14]


def distortion(a, b):
    local = 10 / np.log(10) * np.sqrt(2 * ((a[:, None] - b[None]) ** 2).sum(-1))
    cost = np.full(local.shape, np.inf)
    count = np.zeros(local.shape)
    for i, k in itertools.product(range(len(a)), range(len(b))):
        before = [(cost[p], count[p]) for p in ((i - 1, k - 1), (i - 1, k), (i, k - 1)) if min(p) >= 0] or [(0, 0)]
        best = min(before, key=lambda p: p[0])
        cost[i, k], count[i, k] = best[0] + local[i, k], best[1] + 1
    return cost[-1, -1] / count[-1, -1]


def features(x):
    """As the floor mfcc-svm has them: 20 MFCC, their means over ten equal parts, their deviations, and the logarithm of the length."""
    c = log_mel(x) @ COSINES.T[:, :20]
    ends = [i * len(c) // 10 for i in range(11)]
    parts = [c[a:max(b, a + 1)].mean(0) for a, b in zip(ends, ends[1:])]
    return np.concatenate(parts + [c.std(0), [np.log(len(x))]])


def picture(path, pairs):
    """Log-mel of 64 bands: a row of pictures for each list in pairs, dark where it is loud, low bands below."""
    fine, size, gap = bank(8000, 512, 64, 4000), 64, 3
    rows = []
    for row in pairs:
        line = []
        for x in row:
            frames = np.stack([np.concatenate([x, np.zeros(256)])[i:i + 256] for i in range(0, max(1, len(x) - 255), 80)])
            e = np.log(np.maximum(1e-8, np.abs(np.fft.rfft(frames * np.hanning(256), 512)) ** 2 @ fine.T))
            e = np.clip((e - e.max() + 10) / 10, 0, 1)[:size]  # 43 dB
            line += [np.pad(e, ((0, size - len(e)), (0, 0))).T[::-1], np.zeros((64, gap))]
        rows += [np.concatenate(line, 1), np.zeros((gap, len(row) * (size + gap)))]
    shade = (255 - 255 * np.concatenate(rows, 0)).astype(np.uint8)
    raw = b"".join(b"\0" + r.tobytes() for r in shade)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", shade.shape[1], shade.shape[0], 8, 0, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def share(right):
    return "%6.2f %%" % (100 * np.mean(right))


def of_classes(path, files, wanted):
    """What the rows of a classifier say of these files."""
    said = {os.path.basename(r["input"]): r["answer"]["classes"][0]["class"] for r in map(json.loads, open(path))}
    right = [said[os.path.basename(f)] == w for f, w in zip(files, wanted)]
    wrong = [(os.path.basename(f), said[os.path.basename(f)]) for f, w, ok in zip(files, wanted, right) if not ok]
    return right, wrong


def main():
    png = sys.argv.pop() if sys.argv[-1].endswith(".png") else None
    if len(sys.argv) not in (4, 6):
        sys.exit(__doc__)
    folder, rows, told = sys.argv[1], [json.loads(line) for line in open(sys.argv[2])], json.load(open(sys.argv[3]))
    real = collections.defaultdict(dict)  # (digit, voice): number: recording
    for path in sorted(glob.glob(folder + "/*.wav")):
        digit, voice, number = os.path.basename(path)[:-4].split("_")
        real[int(digit), voice][int(number)] = read(path)
    test = {k: {n: cepstra(x) for n, x in v.items() if n < 5} for k, v in real.items()}

    spoken, db = {}, []
    for r in rows:
        key = WORDS.index(r["truth"]["text"]), r["truth"]["voice"]
        x = read(r["answer"]["file"])
        spoken[key] = r["answer"]["file"], x
        db.append(distortion(cepstra(x), test[key][int(r["id"][:-4].split("_")[-1])]))
    between = [distortion(a, b) for v in test.values() for a, b in itertools.combinations(v.values(), 2)]
    mcd, mcd_real = np.mean(db), np.mean(between)
    print("spoken beside real  %6.3f dB\ntwo real ones       %6.3f dB\nratio               %6.3f" % (mcd, mcd_real, mcd / mcd_real))

    keys = sorted(spoken)
    if png:
        names = sorted({v for _, v in keys})
        picture(png, [[x(d, v) for d in range(10)] for v in names for x in (lambda d, v: real[d, v][0], lambda d, v: spoken[d, v][1])])
    train = [(k, x) for k, v in real.items() for n, x in v.items() if n >= 5]
    held = [(k, x) for k, v in real.items() for n, x in v.items() if n < 5]
    X, H, S = (np.array([features(x) for _, x in part]) for part in (train, held, [(k, spoken[k][1]) for k in keys]))
    for what, i in (("digits", 0), ("voices", 1)):
        svm = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.1)).fit(X, [str(k[i]) for k, _ in train])
        of_real = svm.predict(H) == [str(k[i]) for k, _ in held]
        said = svm.predict(S)
        right = said == [str(k[i]) for k in keys]
        print("%s, MFCC and SVM     %s of what is spoken, %s of real recordings" % (what, share(right), share(of_real)),
              [(k, str(w)) for k, w, ok in zip(keys, said, right) if not ok][:8])
    files = [spoken[k][0] for k in keys]
    for what, path, i in zip(("digits", "voices"), sys.argv[4:], (0, 1)):
        right, wrong = of_classes(path, files, [str(k[i]) for k in keys])
        print("%s, network          %s of what is spoken" % (what, share(right)), wrong[:8])

    bad = [n for n, v in (("mcd", mcd), ("mcd_real", mcd_real), ("n", len(rows))) if abs(v - told[n]) > 1e-3]
    for n in bad:
        print("%s is not what engram eval says: %s" % (n, told[n]))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
