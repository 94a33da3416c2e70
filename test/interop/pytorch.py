#!/usr/bin/env python3
"""Weights from PyTorch and back (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install torch numpy
    venv/bin/python test/interop/pytorch.py build/engram

A network of PyTorch with layers of each kind gives its state dict to `engram import --recipe`; what engram then computes
must be what PyTorch computes, to 1e-5 of the largest number. What `engram export --to pytorch` writes must be a state dict
that PyTorch takes and computes the same with. Exit code 1 where one differs, 77 where the packages are not there.
"""
import json, os, struct, subprocess, sys, tempfile

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install torch numpy")
    sys.exit(77)

engram = os.path.realpath(sys.argv[1])
torch.manual_seed(1)
failed = False


def save(path, state):
    """A state dict in the format of safetensors."""
    header, data = {}, b""
    for name, t in state.items():
        raw = t.detach().numpy().tobytes()
        header[name] = {"dtype": {"torch.float32": "F32", "torch.int64": "I64"}[str(t.dtype)], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    data = open(path, "rb").read()
    n, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {k: torch.from_numpy(np.frombuffer(data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]], np.float32).reshape(v["shape"]).copy()) for k, v in header.items()}


def run(*arguments):
    out = subprocess.run([engram, *arguments], capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(f"engram {' '.join(arguments)}: {out.stderr}")
    return out.stdout


class Sequences(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(2, 6, num_layers=2, bidirectional=True)
        self.decoder = nn.GRU(12, 8)
        self.looks = nn.MultiheadAttention(8, 2)
        self.plain = nn.RNN(8, 5)
        self.norm = nn.LayerNorm(5)
        self.out = nn.Linear(5, 1)

    def forward(self, x):
        y = self.decoder(self.encoder(x)[0])[0]
        return self.out(self.norm(self.plain(self.looks(y, y, y)[0])[0])[-1])


sequences = """
task: regress
data: {source: adding, steps: 8, count: 40, test_count: 10}
input: [time, 2]
model:
  - lstm: {hidden: 6, layers: 2, bidirectional: true}
  - gru: 8
  - multi_head_attention: {heads: 2}
  - rnn: 5
  - layernorm
  - last
  - linear: {units: 1, name: answer}
train: {loss: mse}
"""

class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                                      nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.ReLU())
        self.classifier = nn.Linear(4 * 14 * 14, 10)
        self.features[1].running_mean.normal_()
        self.features[1].running_var.uniform_(0.5, 2)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


pictures = """
task: classify
data: {source: folder, path: PATH, validation: 0}
input: [1, 28, 28]
model:
  - conv: {filters: 4, kernel: 3, padding: 1, bias: false}
  - batchnorm
  - relu
  - maxpool: 2
  - conv: {filters: 4, kernel: 3, padding: 1, groups: 2}
  - relu
  - conv: {filters: 4, kernel: 3, padding: 1, groups: 2}
  - relu
  - flatten
  - linear: classes
train: {loss: cross_entropy}
"""


def picture_folder(path):
    """Ten classes of one picture each: only their number matters."""
    for kind in range(10):
        os.makedirs(f"{path}/train/{kind}")
        for i in range(2):
            with open(f"{path}/train/{kind}/{i}.pgm", "wb") as f:
                f.write(b"P5 28 28 255\n" + bytes((kind * 20 + i * 3 + k) % 256 for k in range(28 * 28)))


def check(name, net, recipe, x, folder):
    global failed
    net.eval()
    weights, model, made = f"{folder}/{name}.safetensors", f"{folder}/{name}.model", f"{folder}/{name}.out"
    save(weights, net.state_dict())
    open(f"{folder}/{name}.yaml", "w").write(f"name: {name}\n" + recipe)
    np.save(f"{folder}/x.npy", x.numpy())
    told = run("import", weights, "--recipe", f"{folder}/{name}.yaml", "-o", model)
    run("export", model, "--to", "onnx", "-o", f"{folder}/{name}.onnx")
    run("predict", f"{folder}/{name}.onnx", f"{folder}/x.npy", "-o", made)
    with torch.no_grad():
        theirs = net(x).numpy()
    ours = np.load(f"{made}/logits.npy")
    off = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    # and back, under the layers' names: the modules are those that were told
    run("export", model, "--to", "pytorch", "-o", f"{folder}/back.safetensors")
    names = dict(line.strip().split(": ") for line in told.splitlines() if line.startswith("  "))
    back = {f"{names[k.split('.')[0]]}.{k.partition('.')[2]}": v for k, v in load(f"{folder}/back.safetensors").items()}
    with torch.no_grad():
        missing = net.load_state_dict(back, strict=False)
        again = float(np.abs(net(x).numpy() - theirs).max() / np.abs(theirs).max())
    bad = off > 1e-5 or again > 1e-5 or missing.unexpected_keys or any("num_batches" not in k for k in missing.missing_keys)
    print(f"{name}: engram against PyTorch {off:.1e}, PyTorch with what came back {again:.1e}" + (f" DIFFERS {missing}" if bad else ""))
    failed |= bool(bad)


with tempfile.TemporaryDirectory() as folder:
    picture_folder(f"{folder}/data")
    check("sequences", Sequences(), sequences, torch.randn(7, 3, 2), folder)
    check("pictures", Pictures(), pictures.replace("PATH", f"{folder}/data"), torch.randn(5, 1, 28, 28), folder)
sys.exit(failed)
