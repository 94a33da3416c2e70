#!/usr/bin/env python3
"""Are networks that PyTorch exports as fast here as the same ones of recipes? Needs PyPI's torch, onnx and onnxscript:

    bench/onnx_speed.py build/bench/onnx_speed FOLDER [BATCH]

FOLDER has a model, NAME.safetensors, of some of the recipes below (of any checkpoint; only sizes matter). Of each the same
network is written in PyTorch, with fresh weights, by both exporters and run in turn with the recipe's own and with what
engram itself exports of it (onnx_speed.c). PyTorch's recurrent layers have a bias more, which is added up when they are read.
"""
import os, subprocess, sys, tempfile, warnings

import torch
from torch import nn

program, folder = sys.argv[1:3]
batch = sys.argv[3] if len(sys.argv) > 3 else "16"
warnings.filterwarnings("ignore")


class Block(nn.Module):
    def __init__(self, come, go):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(come, go, 3, go // come, 1, bias=False), nn.BatchNorm2d(go), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(go, go, 3, 1, 1, bias=False), nn.BatchNorm2d(go))
        self.more = go - come

    def forward(self, x):
        y = self.b(self.a(x))
        if self.more:
            x = nn.functional.pad(nn.functional.avg_pool2d(x, 1, 2), (0, 0, 0, 0, 0, self.more))
        return torch.relu(y + x)


def resnet20():
    blocks = [Block(come, go) for come, go in [(16, 16)] * 3 + [(16, 32)] + [(32, 32)] * 2 + [(32, 64)] + [(64, 64)] * 2]
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def lenet5():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 120, 5),
                         nn.ReLU(), nn.Flatten(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


class Reader(nn.Module):
    """An embedding, a recurrent stack, a linear layer for each step."""

    def __init__(self, ids, size, cell, hidden, classes, **more):
        super().__init__()
        self.ids = nn.Embedding(ids, size)
        self.cell = cell(size, hidden, **more)
        self.out = nn.Linear(hidden * (2 if more.get("bidirectional") else 1), classes)

    def forward(self, x):
        return self.out(self.cell(self.ids(x))[0])


class Listener(nn.Module):
    """Causal convolutions over a spectrogram, a GRU in both directions, its mean."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(40, 64, 5), nn.Conv1d(64, 96, 5)
        self.cell = nn.GRU(96, 96, bidirectional=True)
        self.out = nn.Linear(192, 10)

    def forward(self, x):  # time, batch, bands
        y = x.permute(1, 2, 0)
        for layer in self.a, self.b:
            y = torch.relu(layer(nn.functional.pad(y, (4, 0))))
        return self.out(self.cell(y.permute(2, 0, 1))[0].mean(0))


ids = lambda: torch.randint(0, 60, (7, 3))
networks = {
    "resnet20": (resnet20, lambda: torch.randn(2, 3, 32, 32), 1),
    "lenet5": (lenet5, lambda: torch.randn(2, 1, 28, 28), 1),
    "char-lstm": (lambda: Reader(65, 64, nn.LSTM, 256, 65, num_layers=2), ids, 64),
    "char-gru": (lambda: Reader(65, 64, nn.GRU, 256, 65, num_layers=2), ids, 64),
    "ner-small": (lambda: Reader(4248, 64, nn.LSTM, 96, 7, bidirectional=True), ids, 64),
    "digits-spoken": (Listener, lambda: torch.randn(9, 3, 40), 64),
}


def export(net, x, dynamo, path):
    dims = {0: "batch"} if x.dim() == 4 else {0: "time", 1: "batch"}
    if dynamo:
        torch.onnx.export(net, (x,), path, dynamo=True, opset_version=18, input_names=["x"], output_names=["y"], external_data=False, verbose=False,
                          dynamic_shapes=({i: torch.export.Dim(n, min=1) for i, n in dims.items()},))
    else:
        torch.onnx.export(net, (x,), path, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes={"x": dims})


with tempfile.TemporaryDirectory() as tmp:
    for name, (network, x, time) in networks.items():
        model = f"{folder}/{name}.safetensors"
        if not os.path.exists(model):
            print(f"{name}: no {model}")
            continue
        files = []
        for exporter in "old", "new":
            path = f"{tmp}/{name}, PyTorch's {exporter} exporter.onnx"
            try:
                export(network().eval(), x(), exporter == "new", path)
                files.append(path)
            except Exception as e:
                print(f"{name}: PyTorch's {exporter} exporter cannot write it: {str(e).splitlines()[0]}")
        print(f"{name}, batch {batch}, time {time}", flush=True)
        subprocess.run([program, model, batch, str(time), *files], check=True)
