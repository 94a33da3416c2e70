#!/usr/bin/env python3
"""Networks that PyTorch exports as ONNX, computed by engram (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install torch onnx onnxscript onnxruntime numpy
    venv/bin/python test/interop/onnx_exported.py build/engram [--only NAME] [--exporter old|new] [--opset N ...] [--keep FOLDER]

Each network is written by both exporters (torch.jit traces, and torch.export), with open batch, time and pictures' sizes,
and computed by engram for inputs of several sizes and unequal lengths. What comes out must be what PyTorch itself
computes, to 1e-5 of the largest number; where onnxruntime computes something else than PyTorch with the same file, the
exporter is at fault, and engram must agree with onnxruntime. What an exporter cannot write is told as such. Exit code 1
where engram differs or refuses, 77 where the packages are not there.
"""
import argparse, inspect, logging, os, sys, tempfile, warnings

try:
    import numpy as np
    import onnx
    import onnxruntime
    import torch
    from runs import engram_runs, largest
    from torch import nn
    from torch.nn import functional as F
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install torch onnx onnxscript onnxruntime numpy")
    sys.exit(77)

NEAR = 1e-5
networks = []


def network(*dims, sizes=((3, 7), (1, 4), (5, 12)), opset=(17, 18)):
    """A network of the list. dims: of each input its dimensions, numbers or the names of open sizes, with a leading word
    for what is not plain numbers: "lengths" (from 1 to the longest), "ids" (below 20). sizes: of the open sizes."""

    def add(cls):
        networks.append((cls, dims, sizes, opset))
        return cls

    return add


# ---- recurrent layers ------------------------------------------------------------------------------------------------


class Stack(nn.Module):
    """A recurrent stack, and a linear layer on all steps."""

    kind, options = nn.LSTM, {}

    def __init__(self):
        super().__init__()
        self.layer = self.kind(5, 6, **self.options)
        self.out = nn.Linear(6 * (2 if self.options.get("bidirectional") else 1), 3)

    def forward(self, x):
        return self.out(self.layer(x)[0])


def stacks():
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        for name, options in {
            "": {},
            "Two": {"num_layers": 2, "dropout": 0.2},
            "Both": {"bidirectional": True},
            "BothThree": {"bidirectional": True, "num_layers": 3},
            "NoBias": {"bias": False, "num_layers": 2},
        }.items():
            made = type(kind.__name__ + name, (Stack,), {"kind": kind, "options": options})
            network(("time", "batch", 5))(made)
            first = type(kind.__name__ + name + "BatchFirst", (Stack,), {"kind": kind, "options": {**options, "batch_first": True}})
            network(("batch", "time", 5))(first)
    network(("time", "batch", 5))(type("ReluRNN", (Stack,), {"kind": nn.RNN, "options": {"nonlinearity": "relu", "num_layers": 2, "bidirectional": True}}))


stacks()


@network(("time", "batch", 5), (4, "batch", 6), (4, "batch", 6))
class LSTMStates(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(5, 6, num_layers=2, bidirectional=True)

    def forward(self, x, h, c):
        y, (h, c) = self.layer(x, (h, c))
        return y, h, c


@network(("time", "batch", 5), (2, "batch", 6))
class GRUStates(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(5, 6, num_layers=2)

    def forward(self, x, h):
        return self.layer(x, h)


@network(("batch", "time", 5), (4, "batch", 6))
class GRUStatesBothBatchFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(5, 6, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x, h):
        y, h = self.layer(x, h)
        return y, h[-2:].transpose(0, 1).flatten(1)


@network(("time", "batch", 5), (4, "batch", 6))
class RNNStates(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.RNN(5, 6, num_layers=2, bidirectional=True)

    def forward(self, x, h):
        return self.layer(x, h)


class Packed(nn.Module):
    kind = nn.LSTM

    def __init__(self):
        super().__init__()
        self.layer = self.kind(5, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(12, 3)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        y, _ = nn.utils.rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True)
        return self.out(y)


for kind in (nn.LSTM, nn.GRU, nn.RNN):
    network(("batch", "time", 5), ("lengths", "batch"))(type("Packed" + kind.__name__, (Packed,), {"kind": kind}))


@network(("batch", "time", 5), ("lengths", "batch"))
class PackedLast(nn.Module):
    """The last states of unequal samples: the usual classifier."""

    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(5, 6, bidirectional=True, batch_first=True)
        self.out = nn.Linear(12, 3)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        h = self.layer(packed)[1]
        return F.log_softmax(self.out(torch.cat([h[0], h[1]], 1)), 1)


@network(("batch", "time", 5), ("lengths", "batch"))
class StepAtLength(nn.Module):
    """The step at each sample's length is gathered, the mean is of those before it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(5, 6, batch_first=True)

    def forward(self, x, lengths):
        y = self.layer(x)[0]
        at = (lengths - 1).view(-1, 1, 1).expand(-1, 1, y.size(2))
        last = y.gather(1, at).squeeze(1)
        inside = (torch.arange(x.size(1)).unsqueeze(0) < lengths.unsqueeze(1)).unsqueeze(2).to(y.dtype)
        return last, (y * inside).sum(1) / inside.sum(1)


@network(("batch", "time", 5))
class LastStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(5, 6, num_layers=2, batch_first=True)
        self.out = nn.Linear(6, 4)

    def forward(self, x):
        y, (h, c) = self.layer(x)
        return self.out(y[:, -1]), self.out(h[-1]), c.mean(0)


@network(("batch", 6, 5))
class Cells(nn.Module):
    """Cells step by step, over a number of steps that is known."""

    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(5, 6), nn.GRUCell(6, 4), nn.RNNCell(4, 3)

    def forward(self, x):
        n = x.size(0)
        h, c, g, r = torch.zeros(n, 6), torch.zeros(n, 6), torch.zeros(n, 4), torch.zeros(n, 3)
        out = []
        for t in range(6):
            h, c = self.lstm(x[:, t], (h, c))
            g = self.gru(h, g)
            r = self.rnn(g, r)
            out.append(r)
        return torch.stack(out, 1)


@network(("ids", "batch", "time"))
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 5, padding_idx=0)
        self.layer = nn.LSTM(5, 6, bidirectional=True, batch_first=True)
        self.norm, self.out = nn.LayerNorm(12), nn.Linear(12, 7)

    def forward(self, x):
        return self.out(self.norm(self.layer(self.words(x))[0])).argmax(2), self.layer(self.words(x))[1][0]


class Reader(nn.Module):
    """A stack over words, whose numbers alone have the open sizes."""

    kind = nn.LSTM

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 5)
        self.layer = self.kind(5, 6, num_layers=2)
        self.out = nn.Linear(6, 4)

    def forward(self, x):
        return self.out(self.layer(self.words(x))[0])


for kind in (nn.LSTM, nn.GRU, nn.RNN):
    network(("ids", "time", "batch"))(type("Reader" + kind.__name__, (Reader,), {"kind": kind}))


@network(("time", "batch", 5))
class Projected(nn.Module):
    """A state that a matrix makes smaller, which the exporters may refuse to write."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(5, 8, proj_size=3, bidirectional=True)

    def forward(self, x):
        return self.layer(x)[0]


@network(("ids", "batch", "time"), ("ids", "batch", "steps"), sizes=((3, 7, 4), (1, 4, 6), (5, 12, 2)))
class Translator(nn.Module):
    """An encoder, a decoder that begins with its state, and attention to all steps."""

    def __init__(self):
        super().__init__()
        self.words, self.others = nn.Embedding(20, 5), nn.Embedding(20, 5)
        self.encoder, self.decoder = nn.GRU(5, 6, batch_first=True), nn.GRU(5, 6, batch_first=True)
        self.out = nn.Linear(12, 9)

    def forward(self, x, y):
        keys, h = self.encoder(self.words(x))
        queries, _ = self.decoder(self.others(y), h)
        shares = torch.softmax(torch.bmm(queries, keys.transpose(1, 2)) / 6**0.5, -1)
        return self.out(torch.cat([queries, torch.bmm(shares, keys)], 2))


# ---- convolution and recurrence --------------------------------------------------------------------------------------


@network(("batch", 1, 16, "width"), sizes=((3, 20), (1, 32), (2, 48)))
class LineReader(nn.Module):
    """Columns of pictures as steps of a recurrent stack."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
                                      nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1)))
        self.layer = nn.LSTM(32, 10, num_layers=2, bidirectional=True)
        self.out = nn.Linear(20, 11)

    def forward(self, x):
        y = self.features(x)
        y = y.flatten(1, 2).permute(2, 0, 1)
        return F.log_softmax(self.out(self.layer(y)[0]), 2)


@network(("batch", "time", 3, 12, 12), sizes=((2, 5), (1, 3), (3, 2)))
class Video(nn.Module):
    """Pictures one by one, then their sequence."""

    def __init__(self):
        super().__init__()
        self.picture = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.layer = nn.GRU(4, 6, bidirectional=True, batch_first=True)

    def forward(self, x):
        n, t = x.shape[:2]
        y = self.picture(x.flatten(0, 1)).view(n, t, -1)
        return self.layer(y)[0].mean(1)


@network(("batch", 4, "time"), sizes=((3, 24), (1, 11), (2, 17)))
class Signals(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(4, 8, 5, padding=2, dilation=1), nn.BatchNorm1d(8), nn.ReLU(), nn.Conv1d(8, 8, 3, padding=2, dilation=2, groups=4), nn.GELU(),
                                  nn.MaxPool1d(2))
        self.layer = nn.GRU(8, 6, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x):
        return self.layer(self.conv(x).transpose(1, 2))[0]


# ---- convolution -----------------------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b))
        self.short = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x))


PICTURES = ((3, 32, 32), (1, 20, 28), (2, 17, 33))


@network(("batch", 3, "height", "width"), sizes=PICTURES)
class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Block(8, 8, 1), Block(8, 16, 2),
                                  nn.AdaptiveAvgPool2d(1))
        self.out = nn.Linear(16, 10)

    def forward(self, x):
        return self.out(torch.flatten(self.body(x), 1))


class Inverted(nn.Module):
    """MobileNet's block, with a gate of channels."""

    def __init__(self, act):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(8, 24, 1, bias=False), nn.BatchNorm2d(24), act(), nn.Conv2d(24, 24, 3, 1, 1, groups=24, bias=False), nn.BatchNorm2d(24), act())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(24, 6, 1), nn.ReLU(), nn.Conv2d(6, 24, 1), nn.Hardsigmoid())
        self.out = nn.Sequential(nn.Conv2d(24, 8, 1, bias=False), nn.BatchNorm2d(8))

    def forward(self, x):
        y = self.body(x)
        return x + self.out(y * self.gate(y))


@network(("batch", 3, "height", "width"), sizes=PICTURES)
class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Hardswish(), Inverted(nn.Hardswish), Inverted(nn.ReLU6),
                                  nn.Conv2d(8, 16, 5, 2, 2, groups=8), nn.SiLU())

    def forward(self, x):
        return self.body(x).mean([2, 3])


@network(("batch", 2, "depth", "height", "width"), sizes=((2, 8, 12, 10), (1, 9, 16, 13), (2, 12, 9, 8)))
class Volumes(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(2, 6, 3, padding=1), nn.BatchNorm3d(6), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(6, 6, (1, 3, 3), groups=6), nn.ELU(),
                                  nn.Conv3d(6, 8, (3, 1, 1), padding=(1, 0, 0), stride=(2, 1, 1)), nn.AvgPool3d((1, 2, 2), ceil_mode=True), nn.AdaptiveAvgPool3d(1), nn.Flatten())
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(self.body(x))


@network(("batch", 3, "height", "width"), sizes=((2, 16, 24), (1, 32, 16)))
class Segmenter(nn.Module):
    """Down, up again, and joined: a small U-Net, with each way up."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 6, 2, 2)
        self.wide = nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1, groups=2)
        self.pixels = nn.Sequential(nn.Conv2d(8, 8, 1), nn.PixelShuffle(2))
        self.out = nn.Conv2d(6 + 6 + 4 + 2 + 8 + 8, 5, 1)

    def forward(self, x):
        a = F.relu(self.down(x))
        b = F.relu(self.deep(F.max_pool2d(a, 2)))
        ways = [a, self.up(b), self.wide(b), self.pixels(b), F.interpolate(b, scale_factor=2, mode="nearest"),
                F.interpolate(b, size=a.shape[2:], mode="bilinear", align_corners=False)]
        return self.out(torch.cat(ways, 1))


@network(("batch", 4, "height", "width"), sizes=((2, 13, 17), (1, 10, 11)))
class Pools(nn.Module):
    def forward(self, x):
        made = [F.max_pool2d(x, 3, 2, 1, ceil_mode=True), F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
                F.max_pool2d(x, 2, 1, dilation=2), F.avg_pool2d(x, (2, 3), (2, 1), ceil_mode=True, count_include_pad=False), F.lp_pool2d(x, 2, 2)]
        return tuple(made)


@network(("batch", 4, "height", "width"), sizes=((2, 13, 17), (1, 10, 11)))
class Paddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(4, 4, (3, 2), padding=1 if mode != "same" else "same", padding_mode=mode if mode != "same" else "zeros")
                                   for mode in ("zeros", "reflect", "replicate", "circular", "same"))

    def forward(self, x):
        return tuple(c(F.pad(x, (1, 0, 2, 1), value=0.5)) for c in self.convs)


@network(("batch", 6, "height", "width"), sizes=((2, 7, 9), (1, 4, 5)))
class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.group, self.instance, self.local = nn.GroupNorm(3, 6), nn.InstanceNorm2d(6, affine=True), nn.LocalResponseNorm(3)
        self.batch, self.last = nn.BatchNorm2d(6, affine=False), nn.LayerNorm(6)
        self.batch.running_mean.normal_()

    def forward(self, x):
        y = self.batch(x)
        return self.group(x), self.instance(x), self.local(x), y, self.last(x.permute(0, 2, 3, 1)), F.normalize(x, dim=1)


@network(("batch", "time", 6))
class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.prelu = nn.PReLU(6)
        self.list = nn.ModuleList([nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(),
                                   nn.Softsign(), nn.Tanh(), nn.Sigmoid(), nn.LogSigmoid(), nn.Hardtanh(-0.4, 0.8), nn.Hardswish(), nn.Hardsigmoid(), nn.ReLU6(), nn.Tanhshrink(),
                                   nn.Hardshrink(0.3), nn.Softshrink(0.3), nn.Threshold(0.1, -2), nn.GLU(-1), nn.Softmin(-1), nn.LogSoftmax(1)])

    def forward(self, x):
        return tuple(f(2 * x) for f in self.list) + (self.prelu(x.transpose(1, 2)),)


# ---- attention -------------------------------------------------------------------------------------------------------


@network(("batch", "time", 8))
class Looks(nn.Module):
    def __init__(self):
        super().__init__()
        self.looks = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.looks(x, x, x, need_weights=True)


@network(("batch", "time", 8), ("lengths", "batch"))
class MaskedLooks(nn.Module):
    def __init__(self):
        super().__init__()
        self.looks = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x, lengths):
        outside = torch.arange(x.size(1)).unsqueeze(0) >= lengths.unsqueeze(1)
        return self.looks(x, x, x, key_padding_mask=outside, need_weights=False)[0]


@network(("batch", "time", 8))
class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu"), 2, enable_nested_tensor=False)

    def forward(self, x):
        return self.layers(x).mean(1)


@network(("batch", 2, "time", 4))
class Causal(nn.Module):
    def forward(self, x):
        return F.scaled_dot_product_attention(x, x * 0.5, x + 1, is_causal=True)


@network(("batch", "time", 6))
class RecurrentAttention(nn.Module):
    """Additive attention over a recurrent layer's steps."""

    def __init__(self):
        super().__init__()
        self.layer, self.score, self.v = nn.LSTM(6, 5, bidirectional=True, batch_first=True), nn.Linear(10, 7), nn.Linear(7, 1, bias=False)

    def forward(self, x):
        y = self.layer(x)[0]
        shares = torch.softmax(self.v(torch.tanh(self.score(y))), 1)
        return torch.einsum("bti,btj->bij", shares, y).squeeze(1)


# ---- of several kinds -------------------------------------------------------------------------------------------------


@network(("batch", 8, "time"), sizes=((3, 24), (1, 16), (2, 33)))
class Keywords(nn.Module):
    """Depthwise convolutions over time, then a stack in both directions, of which the last states count."""

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(nn.Conv1d(8, 8, 5, 2, 2, groups=8, bias=False), nn.BatchNorm1d(8), nn.Conv1d(8, 12, 1), nn.ReLU6(),
                                   nn.Conv1d(12, 24, 3, padding=2, dilation=2, groups=12), nn.PReLU(24))
        self.layer = nn.GRU(24, 7, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(28, 5)

    def forward(self, x):
        h = self.layer(self.front(x).transpose(1, 2))[1]
        return self.out(h.transpose(0, 1).flatten(1))


@network(("batch", 1, "time", 10, 12), sizes=((2, 6), (1, 9), (3, 4)))
class Films(nn.Module):
    """Volumes whose depth is the time of a stack."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(1, 4, (3, 3, 3), (1, 2, 2), 1, bias=False), nn.BatchNorm3d(4), nn.ReLU(), nn.Conv3d(4, 8, (1, 3, 3), groups=4, padding=(0, 1, 1)), nn.LeakyReLU(0.1),
                                  nn.MaxPool3d((1, 2, 3)))
        self.layer = nn.GRU(32, 6, num_layers=2, bidirectional=True)
        self.out = nn.Linear(12, 3)

    def forward(self, x):
        y = self.body(x).permute(2, 0, 1, 3, 4).flatten(2)
        return self.out(self.layer(y)[0].mean(0))


@network(("batch", "time", 6), (2, "batch", 8), (2, "batch", 8), ("batch", 5))
class Stream(nn.Module):
    """A stack with its states, an attention's context and a gate, as for one piece of a stream after the other."""

    def __init__(self):
        super().__init__()
        self.front, self.layer = nn.Linear(6, 8), nn.LSTM(13, 8, num_layers=2, batch_first=True)
        self.gate, self.norm = nn.Linear(8, 5), nn.LayerNorm(8)

    def forward(self, x, h, c, context):
        y = torch.cat([torch.tanh(self.front(x)), context.unsqueeze(1).expand(-1, x.size(1), -1)], 2)
        y, (h, c) = self.layer(y, (h, c))
        y = self.norm(y)
        return y, h, c, context * torch.sigmoid(self.gate(y[:, -1]))


@network(("batch", 3, 24, "width"), sizes=((2, 32), (1, 17), (3, 48)))
class Text(nn.Module):
    """Inverted bottlenecks with gates of channels over pictures of lines, then both directions and residuals."""

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(nn.Conv2d(3, 8, 3, (2, 1), 1), nn.BatchNorm2d(8), nn.Hardswish(), Inverted(nn.Hardswish), nn.MaxPool2d((3, 2), (3, 1), (0, 1)), nn.Conv2d(8, 8, (4, 1), groups=2))
        self.first, self.second = nn.GRU(8, 6, bidirectional=True), nn.GRU(12, 6, bidirectional=True)
        self.out = nn.Linear(12, 9)

    def forward(self, x):
        y = self.first(self.front(x).squeeze(2).permute(2, 0, 1))[0]
        return F.log_softmax(self.out(y + self.second(y)[0]), 2).permute(1, 0, 2)


@network(("batch", "time", 5), ("lengths", "batch"), (2, "batch", 6))
class PackedStates(nn.Module):
    """Unequal samples with initial states, and what they end with."""

    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(5, 6, bidirectional=True, batch_first=True)

    def forward(self, x, lengths, h):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        y, h = self.layer(packed, h)
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0], h


@network(("time", "batch", 4), sizes=((7, 3), (5, 1), (12, 4)))
class Wavelike(nn.Module):
    """Gated dilated convolutions with skips, and a recurrent layer over what they add up to."""

    def __init__(self):
        super().__init__()
        self.front = nn.Conv1d(4, 6, 1)
        self.layers = nn.ModuleList(nn.Conv1d(6, 12, 2, dilation=d) for d in (1, 2, 4))
        self.skips = nn.ModuleList(nn.Conv1d(6, 6, 1) for _ in range(3))
        self.layer = nn.RNN(6, 5, num_layers=2, nonlinearity="relu", bidirectional=True)

    def forward(self, x):
        y, out = self.front(x.permute(1, 2, 0)), 0
        for i, (layer, skip) in enumerate(zip(self.layers, self.skips)):
            a, b = layer(F.pad(y, (2**i, 0))).chunk(2, 1)
            z = torch.tanh(a) * torch.sigmoid(b)
            out, y = out + skip(z), y + z
        return self.layer(F.relu(out).permute(2, 0, 1))[0]


@network(("batch", 2, "time", 9, 8), sizes=((2, 5), (1, 8), (3, 4)))
class UpAndDown(nn.Module):
    """Volumes down and up again, with transposed and depthwise ones, resized to the size of the input."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv3d(2, 6, 3, 2, 1), nn.InstanceNorm3d(6, affine=True), nn.SiLU(), nn.Conv3d(6, 6, 3, padding=1, groups=6), nn.GroupNorm(3, 6), nn.ELU())
        self.up = nn.ConvTranspose3d(6, 4, (3, 2, 2), (1, 2, 2), (1, 0, 0))
        self.out = nn.Conv3d(4, 2, 1)

    def forward(self, x):
        return self.out(F.interpolate(self.up(self.down(x)), size=x.shape[2:], mode="nearest")) + x


@network(("ids", "batch", "time"), ("lengths", "batch"), sizes=((3, 7), (1, 4), (5, 12)))
class Judge(nn.Module):
    """Words through convolutions and a stack; softmax over the steps within the length, and the largest of them."""

    def __init__(self):
        super().__init__()
        self.words, self.conv = nn.Embedding(20, 8), nn.Conv1d(8, 8, 3, padding=1, groups=2)
        self.layer, self.score, self.out = nn.GRU(8, 6, num_layers=2, bidirectional=True, batch_first=True), nn.Linear(12, 1), nn.Linear(24, 2)

    def forward(self, x, lengths):
        y = self.layer(F.gelu(self.conv(self.words(x).transpose(1, 2))).transpose(1, 2))[0]
        outside = (torch.arange(x.size(1)).unsqueeze(0) >= lengths.unsqueeze(1)).unsqueeze(2)
        shares = torch.softmax(self.score(y).masked_fill(outside, float("-inf")), 1)
        return self.out(torch.cat([(shares * y).sum(1), y.masked_fill(outside, -1e9).amax(1)], 1))


# ---- shapes ----------------------------------------------------------------------------------------------------------


@network(("batch", "time", 6))
class Shapes(nn.Module):
    def forward(self, x):
        n, t, c = x.shape
        heads = x.view(n, t, 2, 3).transpose(1, 2).reshape(n * 2, t, 3)
        a, b, d = x.chunk(3, 2)
        top = torch.topk(x, 2, dim=2)
        rolled = torch.cat([x[:, 1:], x[:, :1]], 1)
        return (heads, a * b + d, x.flip(1), x.cumsum(1), torch.stack([a, b], 3), top.values, top.indices, rolled, x[:, ::2], x.unsqueeze(1).repeat(1, 2, 1, 1),
                x.std(1), x.amax(1), torch.where(x > 0, x, x.exp() - 1), x.permute(2, 0, 1).contiguous().view(c, -1), x.new_zeros(n, t) + x.sum(2), x.reshape(-1, t * c),
                F.one_hot((x[..., 0] > 0).long(), 2).float(), torch.tril(torch.ones(t, t)), x.masked_fill(x < 0, -1), x.clamp(-0.5, 0.5), x.norm(dim=2), x.prod(2), x.logsumexp(1))


# ---- the whole -------------------------------------------------------------------------------------------------------


class Refused(Exception):
    pass


def inputs_of(dims, names, sizes, rng):
    made = []
    longest = dict(zip(names, sizes)).get("time", 1)
    for d in dims:
        kind = d[0] if d[0] in ("lengths", "ids") else ""
        shape = [dict(zip(names, sizes)).get(k, k) for k in (d[1:] if kind else d)]
        if kind == "lengths":
            x = torch.from_numpy(rng.integers(1, longest + 1, shape))
            x[int(rng.integers(0, len(x)))] = longest
        else:
            x = torch.from_numpy(rng.integers(0, 20, shape) if kind else rng.standard_normal(shape).astype(np.float32))
        made.append(x)
    return tuple(made)


def open_dims(dims):
    """Of each input the open sizes by their places."""
    return [{i: k for i, k in enumerate(d[1:] if d[0] in ("lengths", "ids") else d) if isinstance(k, str)} for d in dims]


def export(net, inputs, dims, exporter, opset, path):
    names = [k for k in inspect.signature(net.forward).parameters][: len(dims)]
    sys.stdout.flush()
    kept, nowhere = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1), os.dup2(nowhere, 2)  # what exporters tell is much
    try:
        if exporter == "old":
            torch.onnx.export(net, inputs, path, dynamo=False, opset_version=opset, input_names=names, dynamic_axes=dict(zip(names, open_dims(dims))))
        else:
            made = {k: torch.export.Dim(k, min=2 if k != "batch" else 1, max=4096) for d in open_dims(dims) for k in d.values()}
            shapes = tuple({i: made[k] for i, k in d.items()} for d in open_dims(dims))
            torch.onnx.export(net, inputs, path, dynamo=True, opset_version=opset, input_names=names, dynamic_shapes=shapes, external_data=False, verbose=False)
    except Exception as e:
        raise Refused(str(e).strip().splitlines()[0][:160] if str(e).strip() else type(e).__name__)
    finally:
        sys.stdout.flush()
        os.dup2(kept[0], 1), os.dup2(kept[1], 2)
        for f in (*kept, nowhere):
            os.close(f)
    return names


def compare(cls, dims, sizes, exporter, opset, path):
    """A line about it; and whether engram is at fault."""
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    net = cls().eval()
    names = list(dict.fromkeys(k for d in open_dims(dims) for k in d.values()))
    for m in net.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
    try:
        given = export(net, inputs_of(dims, names, sizes[0], rng), dims, exporter, opset, path)
    except Refused as e:
        return f"not exported: {e}", False
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as e:
        return "not exported: onnxruntime takes the file for invalid: " + " ".join(str(e).split())[-160:], False
    fed = {i.name for i in session.get_inputs()}
    out = [o.name for o in session.get_outputs()]
    shapes = {i.name: i.shape for i in session.get_inputs()}
    fixed = sorted({k for n, d in zip(given, open_dims(dims)) for i, k in d.items() if n in fed and isinstance(shapes[n][i], int)})
    worst = against = 0.0
    for s in sizes:
        if any(k in names and s[names.index(k)] != sizes[0][names.index(k)] for k in fixed):
            continue  # the exporter has written the network for this size alone
        inputs = inputs_of(dims, names, s, rng)
        with torch.no_grad():
            theirs = net(*inputs)
        theirs = [t.numpy() for t in (theirs if isinstance(theirs, tuple) else (theirs,))]
        arrays = {k: x.numpy() for k, x in zip(given, inputs) if k in fed}
        try:
            others = session.run(out, arrays)
        except Exception:
            others = None
        try:
            ours = engram_runs(engram, path, arrays)
        except RuntimeError as e:
            if others is None:
                fixed.append("traced size")  # onnxruntime does not run it either
                continue
            return f"{dict(zip(names, s))}: REFUSED: {e}", True
        ours = [ours[o.replace("/", "_")] if o.replace("/", "_") in ours else ours[o] for o in out]
        worst = max([worst, *(largest(a, b) for a, b in zip(ours, others or theirs))])
        against = max([against, *(largest(a, b) for a, b in zip(ours, theirs))]) if len(ours) == len(theirs) else float("inf")
    fault = not worst <= NEAR and not against <= NEAR
    told = f"{worst:.1e}" + (f" of onnxruntime, {against:.1e} of PyTorch" if max(worst, against) > NEAR else "")
    return told + (f", for one {' and '.join(fixed)} only" if fixed else "") + (" DIFFERS" if fault else ""), fault


arguments = argparse.ArgumentParser()
arguments.add_argument("engram")
arguments.add_argument("--only", action="append")
arguments.add_argument("--exporter", choices=("old", "new"), action="append")
arguments.add_argument("--opset", type=int, action="append")
arguments.add_argument("--keep", help="a folder for the files")
args = arguments.parse_args()
engram = os.path.realpath(args.engram)
onnxruntime.set_default_logger_severity(4)
warnings.simplefilter("ignore")
logging.disable(logging.ERROR)
counts = {"same": 0, "fault": 0, "not exported": 0}
for cls, dims, sizes, opsets in networks:
    if args.only and cls.__name__ not in args.only:
        continue
    for exporter in args.exporter or ("old", "new"):
        for opset in args.opset or [opsets[exporter == "new"]]:
            with tempfile.TemporaryDirectory() as folder:
                told, fault = compare(cls, dims, sizes, exporter, opset, f"{args.keep or folder}/{cls.__name__}-{exporter}-{opset}.onnx")
            counts["fault" if fault else "not exported" if told.startswith("not exported") else "same"] += 1
            print(f"{cls.__name__}, {exporter} exporter, opset {opset}: {told}", flush=True)
print(f"{counts['same']} passed, {counts['fault']} failed, {counts['not exported']} skipped: their exporter refuses them")
sys.exit(counts["fault"] > 0)
