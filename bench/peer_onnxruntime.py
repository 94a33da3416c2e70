#!/usr/bin/env python3
"""onnxruntime on the problems of README.md, inference only: peer_onnxruntime.py [--threads N] [--seconds S] PROBLEM... | -f FILE

The models are made here with the package `onnx`, weights random and constant, so that the runtime may pack them as it likes; outputs are bound
to buffers that stay, so that no run allocates. With -f - each line of standard input is answered before the next is read. What it has no model
for (or ONNX no operator) is answered by an object with "error"."""
import argparse, json, re, sys, time
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ap = argparse.ArgumentParser()
ap.add_argument("problems", nargs="*")
ap.add_argument("-f", "--file", action="append", default=[])
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--mode", choices=["infer"], default="infer")
ap.add_argument("--seconds", type=float, default=2.0, help="time spent measuring one problem")
a = ap.parse_args()
rng = np.random.default_rng(0)


def parse(p):
    kind, rest = p.split(":")
    d = {k: int(v) for k, v in re.findall(r"([a-z])(\d+)", rest)}
    d["bi"] = kind in ("lstm", "gru", "rnn") and rest.endswith("b")
    return kind, d


class Model:
    """Nodes in a row: each takes the output of the one before."""

    def __init__(self, x):
        self.nodes, self.weights, self.feeds, self.at = [], [], {"x": x}, "x"

    def weight(self, shape, scale=None):
        fan = int(np.prod(shape[1:])) or 1
        return self.constant((rng.standard_normal(shape) * (scale or fan**-0.5)).astype(np.float32))

    def constant(self, value):
        name = "w%d" % len(self.weights)
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def add(self, op, *more, first=None, outputs=1, **attributes):
        out = "t%d" % len(self.nodes)
        names = [out] + [""] * (outputs - 1)
        self.nodes.append(helper.make_node(op, [first or self.at, *more], names, **attributes))
        self.at = out
        return out

    def session(self):
        kinds = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64}
        inputs = [helper.make_tensor_value_info(k, kinds[v.dtype], v.shape) for k, v in self.feeds.items()]
        graph = helper.make_graph(self.nodes, "problem", inputs, [helper.make_tensor_value_info(self.at, TensorProto.FLOAT, None)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = a.threads, 1
        o.log_severity_level = 3
        o.add_session_config_entry("session.set_denormal_as_zero", "1")
        s = ort.InferenceSession(model.SerializeToString(), o, providers=["CPUExecutionProvider"])
        bound = s.io_binding()
        for name, value in self.feeds.items():
            bound.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(value))
        shape = s.run(None, self.feeds)[0].shape
        bound.bind_ortvalue_output(self.at, ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32))
        return lambda: s.run_with_iobinding(bound), shape


def conv(m, filters, channels, kernel, groups=1, padding=(0, 0), stride=(1, 1)):
    m.add("Conv", m.weight((filters, channels // groups, *kernel)), m.weight((filters,), 0.1), kernel_shape=kernel, pads=[*padding, *padding],
          strides=stride, group=groups)


def recurrent(m, kind, layers, inputs, hidden, both):
    """ONNX gives (T,directions,N,H); the next layer, and the user, want (T,N,directions H)."""
    dirs, gates = 2 if both else 1, dict(lstm=4, gru=3, rnn=1)[kind]
    more = dict(linear_before_reset=1) if kind == "gru" else {}
    for l in range(layers):
        i, scale = (inputs if l == 0 else dirs * hidden), hidden**-0.5
        m.add(kind.upper(), m.weight((dirs, gates * hidden, i), scale), m.weight((dirs, gates * hidden, hidden), scale),
              m.weight((dirs, 2 * gates * hidden), scale), hidden_size=hidden, direction="bidirectional" if both else "forward", **more)
        if both:
            m.add("Transpose", perm=[0, 2, 1, 3])
            m.add("Reshape", m.constant(np.array([0, 0, -1], np.int64)))
        else:
            m.add("Squeeze", m.constant(np.array([1], np.int64)))


def build(kind, d):
    """The model and the operations of one run."""
    random = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    if kind == "gemm":
        m = Model(random(d["m"], d["k"]))
        m.feeds["b"] = random(d["k"], d["n"])
        m.add("MatMul", "b")
        return m, lambda shape: 2 * d["m"] * d["n"] * d["k"]
    if kind == "conv2d":
        g = d.get("g", 1)
        m = Model(random(d["n"], d["c"], d["h"], d["w"]))
        conv(m, d["k"], d["c"], (d["r"], d["s"]), g, (d["p"], d["q"]), (d["u"], d["v"]))
        return m, lambda shape: 2 * int(np.prod(shape)) * d["c"] // g * d["r"] * d["s"]
    if kind in ("lstm", "gru", "rnn"):
        m = Model(random(d["t"], d["n"], d["i"]))
        recurrent(m, kind, d["l"], d["i"], d["h"], d["bi"])
        D, G = 2 if d["bi"] else 1, dict(lstm=4, gru=3, rnn=1)[kind]
        fl = sum(2 * d["t"] * d["n"] * D * G * d["h"] * ((d["i"] if l == 0 else D * d["h"]) + d["h"]) for l in range(d["l"]))
        return m, lambda shape: fl
    if kind == "lenet5":
        m = Model(rng.random((d["n"], 1, 28, 28), np.float32))
        for filters, channels, padding in (6, 1, (2, 2)), (16, 6, (0, 0)), (120, 16, (0, 0)):
            conv(m, filters, channels, (5, 5), padding=padding)
            m.add("Relu")
            if filters < 120:
                m.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        m.add("Flatten")
        m.add("Gemm", m.weight((84, 120)), m.weight((84,), 0.1), transB=1)
        m.add("Relu")
        m.add("Gemm", m.weight((10, 84)), m.weight((10,), 0.1), transB=1)
        return m, lambda shape: d["n"] * 2 * (28 * 28 * 6 * 25 + 100 * 16 * 150 + 120 * 400 + 120 * 84 + 840)
    if kind == "charlstm":
        m = Model(rng.integers(0, 65, (d["t"], d["n"])))
        m.add("Gather", "x", first=m.weight((65, 64), 1.0))
        recurrent(m, "lstm", d["l"], 64, d["h"], False)
        m.add("MatMul", m.weight((d["h"], 65)))
        m.add("Add", m.weight((65,), 0.1))
        fl = 2 * d["t"] * d["n"] * (sum(4 * d["h"] * ((64 if l == 0 else d["h"]) + d["h"]) for l in range(d["l"])) + 65 * d["h"])
        return m, lambda shape: fl
    if kind == "resnet20":
        # Batch norm is folded into the convolutions, as every exporter does.
        m, i = Model(random(d["n"], 3, 32, 32)), 16
        conv(m, 16, 3, (3, 3), padding=(1, 1))
        m.add("Relu")
        for o in 16, 32, 64:
            for b in range(3):
                x, st = m.at, 2 if b == 0 and o > 16 else 1
                conv(m, o, i, (3, 3), padding=(1, 1), stride=(st, st))
                m.add("Relu")
                conv(m, o, o, (3, 3), padding=(1, 1))
                y = m.at
                if st > 1:
                    x = m.add("Slice", *(m.constant(np.array(v, np.int64)) for v in ([0, 0], [1 << 30, 1 << 30], [2, 3], [2, 2])), first=x)
                    x = m.add("Pad", m.constant(np.array([0, 0, 0, 0, 0, o - i, 0, 0], np.int64)), first=x)
                m.add("Add", x, first=y)
                m.add("Relu")
                i = o
        m.add("GlobalAveragePool")
        m.add("Flatten")
        m.add("Gemm", m.weight((10, 64)), m.weight((10,), 0.1), transB=1)
        return m, lambda shape: d["n"] * 2 * 40_551_000
    raise ValueError("no model for " + kind)


def problems():
    yield from a.problems
    for f in a.file:
        for l in (iter(sys.stdin.readline, "") if f == "-" else open(f)):
            if l.strip() and not l.startswith("#"):
                yield l.strip()


def measure(p):
    """The figures of one problem. The session ends with it, so that its threads do not spin while something else is measured."""
    m, flops = build(*parse(p))
    f, shape = m.session()
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
    return dict(median_ms=round(med * 1e3, 5), min_ms=round(ts[0] * 1e3, 5), gflops=round(flops(shape) / med / 1e9, 2), runs=n)


for p in problems():
    answer = dict(problem=p, mode=a.mode, threads=a.threads)
    try:
        answer.update(measure(p))
    except Exception as e:
        answer.update(error=str(e).splitlines()[0] if str(e) else type(e).__name__)
    print(json.dumps(dict(answer, peer="onnxruntime " + ort.__version__)), flush=True)
