#!/usr/bin/env python3
"""PyTorch on the problems of README.md: peer_pytorch.py [--threads N] [--mode infer|train] [--seconds S] PROBLEM... | -f FILE

With -f - each line of standard input is answered before the next is read."""
import argparse, json, re, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
ap = argparse.ArgumentParser()
ap.add_argument("problems", nargs="*")
ap.add_argument("-f", "--file", action="append", default=[])
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--mode", choices=["infer", "train"], default="infer")
ap.add_argument("--seconds", type=float, default=2.0, help="time spent measuring one problem")
ap.add_argument("--compile", action="store_true", help="torch.compile the module first")
a = ap.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
if hasattr(torch, "set_flush_denormal"):
    torch.set_flush_denormal(True)


def parse(p):
    kind, rest = p.split(":")
    d = {k: int(v) for k, v in re.findall(r"([a-z])(\d+)", rest)}
    d["bi"] = kind in ("lstm", "gru", "rnn") and rest.endswith("b")
    return kind, d


class LeNet(nn.Module):
    def __init__(s):
        super().__init__()
        s.f = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),
                            nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(s, x):
        return s.f(x)


class Block(nn.Module):
    def __init__(s, i, o, st):
        super().__init__()
        s.a, s.b, s.c, s.d = nn.Conv2d(i, o, 3, st, 1, bias=False), nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        s.i, s.o, s.st = i, o, st

    def forward(s, x):
        y = s.d(s.c(F.relu(s.b(s.a(x)))))
        if s.st > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, s.o - s.i))
        return F.relu(y + x)


def resnet20():
    L, i = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for o in (16, 32, 64):
        for b in range(3):
            L.append(Block(i, o, 2 if b == 0 and o > 16 else 1)); i = o
    return nn.Sequential(*L, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class CharLSTM(nn.Module):
    def __init__(s, l, h):
        super().__init__(); s.e, s.r, s.o = nn.Embedding(65, 64), nn.LSTM(64, h, l), nn.Linear(h, 65)

    def forward(s, x):
        return s.o(s.r(s.e(x))[0])


def build(kind, d):
    """returns (forward flops, infer(), train())"""
    if kind == "gemm":
        A, B = torch.randn(d["m"], d["k"]), torch.randn(d["k"], d["n"])
        return 2 * d["m"] * d["n"] * d["k"], (lambda: A @ B), None
    if kind == "conv2d":
        g = d.get("g", 1)
        m = nn.Conv2d(d["c"], d["k"], (d["r"], d["s"]), (d["u"], d["v"]), (d["p"], d["q"]), groups=g)
        x = torch.randn(d["n"], d["c"], d["h"], d["w"])
        y = m(x); gy = torch.randn_like(y); fl = 2 * y.numel() * d["c"] // g * d["r"] * d["s"]
    elif kind in ("lstm", "gru", "rnn"):
        m = dict(lstm=nn.LSTM, gru=nn.GRU, rnn=nn.RNN)[kind](d["i"], d["h"], d["l"], bidirectional=d["bi"])
        x = torch.randn(d["t"], d["n"], d["i"]); D = 2 if d["bi"] else 1; G = dict(lstm=4, gru=3, rnn=1)[kind]
        y = m(x)[0]; gy = torch.randn_like(y)
        fl = sum(2 * d["t"] * d["n"] * D * G * d["h"] * ((d["i"] if l == 0 else D * d["h"]) + d["h"]) for l in range(d["l"]))
    else:
        if kind == "lenet5":
            m, x, t = LeNet(), torch.rand(d["n"], 1, 28, 28), torch.randint(0, 10, (d["n"],)); fl = d["n"] * 2 * (28 * 28 * 6 * 25 + 100 * 16 * 150 + 120 * 400 + 120 * 84 + 840)
        elif kind == "resnet20":
            m, x, t = resnet20(), torch.randn(d["n"], 3, 32, 32), torch.randint(0, 10, (d["n"],)); fl = d["n"] * 2 * 40_551_000
        elif kind == "charlstm":
            m, x = CharLSTM(d["l"], d["h"]), torch.randint(0, 65, (d["t"], d["n"])); t = torch.randint(0, 65, (d["t"] * d["n"],))
            fl = 2 * d["t"] * d["n"] * (sum(4 * d["h"] * ((64 if l == 0 else d["h"]) + d["h"]) for l in range(d["l"])) + 65 * d["h"])
        if a.compile:
            m = torch.compile(m)
        o = torch.optim.Adam(m.parameters(), 1e-3) if kind == "charlstm" else torch.optim.SGD(m.parameters(), 0.01, 0.9)
        me = m

        def train():
            m.train(); o.zero_grad(set_to_none=True); y = m(x); F.cross_entropy(y.flatten(0, -2), t).backward(); o.step()

        def infer():
            me.eval(); me(x)
        return fl, infer, train
    if a.compile:
        m = torch.compile(m)
    first = (lambda r: r[0] if isinstance(r, tuple) else r)
    xg = x.clone().requires_grad_(True)

    def train():
        xg.grad = None; m.zero_grad(set_to_none=True); first(m(xg)).backward(gy)
    return fl, (lambda: m(x)), train


def problems():
    yield from a.problems
    for f in a.file:
        for l in (iter(sys.stdin.readline, "") if f == "-" else open(f)):
            if l.strip() and not l.startswith("#"):
                yield l.strip()


for p in problems():
    kind, d = parse(p)
    fl, infer, train = build(kind, d)
    f = infer if a.mode == "infer" else train
    if f is None:
        continue
    ctx = torch.inference_mode() if a.mode == "infer" else torch.enable_grad()
    with ctx:
        f(); t0 = time.perf_counter(); f(); one = time.perf_counter() - t0
        inner = max(1, int(2e-3 / max(one, 1e-7)))
        n = max(5, min(400, int(a.seconds / max(one * inner, 1e-7)))) if one < a.seconds else 3
        for _ in range(min(3, n)):
            f()
        ts = []
        for _ in range(n):
            t0 = time.perf_counter()
            for _ in range(inner):
                f()
            ts.append((time.perf_counter() - t0) / inner)
    ts.sort(); med = ts[len(ts) // 2]
    k = 3 if a.mode == "train" else 1
    print(json.dumps(dict(problem=p, mode=a.mode, threads=a.threads, median_ms=round(med * 1e3, 5), min_ms=round(ts[0] * 1e3, 5), gflops=round(k * fl / med / 1e9, 2), runs=n, peer="pytorch " + torch.__version__)), flush=True)
