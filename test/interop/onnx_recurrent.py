#!/usr/bin/env python3
"""Recurrent layers of ONNX that its own suites do not hold, as case folders for build/test/onnx_suite.

    onnx_recurrent.py FOLDER [--kept]     needs the packages onnx and numpy; onnxruntime is asked too where it is there
    build/test/onnx_suite FOLDER

All ways of LSTM, GRU and RNN: directions, layouts, lengths that differ and are 0, initial states, peepholes, clip,
activations with numbers of their own, input_forget, linear_before_reset. What must come out is computed by `cell` below,
after the text of ONNX's operators, in double precision. The reference implementation of the package onnx must agree
where it knows the attributes, and onnxruntime where it has the case. --kept: few and small ones, which the test
`onnx_suite` runs without Python (test/onnx_cases)."""
import itertools
import os
import sys

import numpy as np
import onnx
import onnx.reference
from onnx import TensorProto, helper, numpy_helper

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
# Of each function: the numbers that it has, when nothing is said.
FUNCTIONS = {
    "Relu": (lambda x, a, b: np.maximum(x, 0), None, None),
    "Tanh": (lambda x, a, b: np.tanh(x), None, None),
    "Sigmoid": (lambda x, a, b: 1 / (1 + np.exp(-x)), None, None),
    "Affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "LeakyRelu": (lambda x, a, b: np.where(x >= 0, x, a * x), 0.01, None),
    "ThresholdedRelu": (lambda x, a, b: np.where(x > a, x, 0), 1.0, None),
    "ScaledTanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "HardSigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "Elu": (lambda x, a, b: np.where(x >= 0, x, a * (np.exp(x) - 1)), 1.0, None),
    "Softsign": (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    "Softplus": (lambda x, a, b: np.log1p(np.exp(x)), None, None),
}


def functions(op, dirs, attrs):
    """The activations of all directions, with the numbers that are handed out in order to those that have such."""
    alpha, beta = list(attrs.get("activation_alpha", [])), list(attrs.get("activation_beta", []))
    clip = attrs.get("clip", 0)
    made = []
    for name in attrs.get("activations", DEFAULTS[op] * dirs):
        f, a, b = FUNCTIONS[name]
        a = alpha.pop(0) if a is not None and alpha else a
        b = beta.pop(0) if b is not None and beta else b
        cut = clip if clip and not (op == "LSTM" and len(made) % 3 == 2) else np.inf  # the cell itself is not, as in onnxruntime
        made.append(lambda x, f=f, a=a, b=b, cut=cut: f(np.clip(x, -cut, cut), a, b))
    return made


def step(op, x, h, c, W, R, B, P, act, attrs):
    """What the states of one sample become."""
    H = h.shape[-1]
    n = GATES[op]
    wb, rb = (B[: n * H], B[n * H :]) if B is not None else (np.zeros(n * H), np.zeros(n * H))
    if op == "RNN":
        return act[0](x @ W.T + h @ R.T + wb + rb), c
    if op == "GRU":
        g = x @ W.T + wb
        r = h @ R[: 2 * H].T + rb[: 2 * H]
        z, reset = act[0](g[:H] + r[:H]), act[0](g[H : 2 * H] + r[H:])
        if attrs.get("linear_before_reset"):
            part = reset * (h @ R[2 * H :].T + rb[2 * H :])
        else:
            part = (reset * h) @ R[2 * H :].T + rb[2 * H :]
        return (1 - z) * act[1](g[2 * H :] + part) + z * h, c
    p = P if P is not None else np.zeros(3 * H)
    g = x @ W.T + h @ R.T + wb + rb
    i = act[0](g[:H] + p[:H] * c)
    f = 1 - i if attrs.get("input_forget") else act[0](g[2 * H : 3 * H] + p[2 * H :] * c)
    c = f * c + i * act[1](g[3 * H :])
    o = act[0](g[H : 2 * H] + p[H : 2 * H] * c)
    return o * act[2](c), c


def layer(op, inputs, attrs):
    """Y, Y_h and Y_c: all samples one by one, in double precision."""
    v = {k: np.asarray(a, np.float64) for k, a in inputs.items()}
    batch_first = attrs.get("layout", 0)
    x = v["X"].transpose(1, 0, 2) if batch_first else v["X"]
    T, N, _ = x.shape
    dirs, H = v["R"].shape[0], v["R"].shape[2]
    acts = functions(op, dirs, attrs)
    each = len(acts) // dirs
    Y, Yh, Yc = np.zeros((T, dirs, N, H)), np.zeros((dirs, N, H)), np.zeros((dirs, N, H))
    for d, n in itertools.product(range(dirs), range(N)):
        first = [v[k].transpose(1, 0, 2) if batch_first else v[k] for k in ("initial_h", "initial_c") if k in v]
        h = first[0][d, n] if first else np.zeros(H)
        c = first[1][d, n] if len(first) > 1 else np.zeros(H)
        length = int(v["sequence_lens"][n]) if "sequence_lens" in v else T
        times = range(length)
        if d == 1 or attrs.get("direction") == "reverse":
            times = reversed(times)
        for t in times:
            h, c = step(op, x[t, n], h, c, v["W"][d], v["R"][d], v["B"][d] if "B" in v else None, v["P"][d] if "P" in v else None,
                        acts[d * each : (d + 1) * each], attrs)
            Y[t, d, n] = h
        Yh[d, n], Yc[d, n] = h, c
    out = [Y.transpose(2, 0, 1, 3), Yh.transpose(1, 0, 2), Yc.transpose(1, 0, 2)] if batch_first else [Y, Yh, Yc]
    return [a.astype(np.float32) for a in out[: 3 if op == "LSTM" else 2]]


ORDER = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
WEIGHTS = {"W", "R", "B", "P"}


def model(op, inputs, attrs, outputs, opset=14):
    order = [k for k in ORDER if op == "LSTM" or k not in ("initial_c", "P")]
    names = [k if k in inputs else "" for k in order]
    while not names[-1]:
        names.pop()
    out = ["Y", "Y_h", "Y_c"][: len(outputs)]
    node = helper.make_node(op, names, out, hidden_size=inputs["R"].shape[2], **attrs)
    kind = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(k, kind[a.dtype], a.shape) for k, a in inputs.items() if k not in WEIGHTS],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, a.shape) for k, a in zip(out, outputs)],
        [numpy_helper.from_array(a, k) for k, a in inputs.items() if k in WEIGHTS])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="onnx_recurrent.py", ir_version=8)
    onnx.checker.check_model(m)
    return m


def differs(a, b):
    return max(float(np.abs(x - y).max()) if x.shape == y.shape else np.inf for x, y in zip(a, b)) > 1e-5


def others_agree(name, op, m, inputs, attrs, outputs, counts):
    feed = {k: a for k, a in inputs.items() if k not in WEIGHTS}
    if not {"clip", "activations", "input_forget"} & set(attrs) and "sequence_lens" not in inputs:
        got = onnx.reference.ReferenceEvaluator(m).run(None, feed)
        counts["reference"] += 1
        if differs(got, outputs):
            sys.exit(f"{name}: onnx.reference computes something else")
    if onnxruntime and not attrs.get("layout"):  # it has no layout 1
        got = onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)
        counts["onnxruntime"] += 1
        some = inputs["sequence_lens"] > 0 if "sequence_lens" in inputs else slice(None)  # of none it forgets the initial state
        if differs([a[..., some, :] for a in got], [a[..., some, :] for a in outputs]):
            sys.exit(f"{name}: onnxruntime computes something else")


def write(folder, name, op, inputs, attrs, counts):
    outputs = layer(op, inputs, attrs)
    m = model(op, inputs, attrs, outputs)
    others_agree(name, op, m, inputs, attrs, outputs, counts)
    data = os.path.join(folder, name, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    onnx.save(m, os.path.join(folder, name, "model.onnx"))
    for i, a in enumerate(a for k, a in inputs.items() if k not in WEIGHTS):
        with open(os.path.join(data, f"input_{i}.pb"), "wb") as f:
            f.write(numpy_helper.from_array(a).SerializeToString())
    for i, a in enumerate(outputs):
        with open(os.path.join(data, f"output_{i}.pb"), "wb") as f:
            f.write(numpy_helper.from_array(a).SerializeToString())
    counts["written"] += 1


def numbers(rng, op, direction, layout, lengths, bias, states, peepholes, T=6, N=4, I=3, H=5):
    dirs = 2 if direction == "bidirectional" else 1
    some = lambda *shape: rng.uniform(-0.8, 0.8, shape).astype(np.float32)
    turn = lambda a: np.ascontiguousarray(a.transpose(1, 0, 2)) if layout else a
    v = {"X": turn(some(T, N, I)), "W": some(dirs, GATES[op] * H, I), "R": some(dirs, GATES[op] * H, H)}
    if bias:
        v["B"] = some(dirs, 2 * GATES[op] * H)
    if lengths:
        v["sequence_lens"] = np.array([T, 0, 2, T - 1], np.int32)[:N]
    if states:
        v["initial_h"] = turn(some(dirs, N, H))
        if op == "LSTM":
            v["initial_c"] = turn(some(dirs, N, H))
    if peepholes:
        v["P"] = some(dirs, 3 * H)
    return v


SPECIAL = {
    "LSTM": [{"input_forget": 1}, {"clip": 0.3}, {"activations": ["HardSigmoid", "ScaledTanh", "Softsign"], "activation_alpha": [0.3, 1.5], "activation_beta": [0.4, 0.6]},
             {"activations": ["Sigmoid", "Relu", "Tanh"]}, {"clip": 0.5, "input_forget": 1}],
    "GRU": [{"clip": 0.3}, {"activations": ["HardSigmoid", "LeakyRelu"], "activation_alpha": [0.3, 0.2], "activation_beta": [0.4]}, {"activations": ["Sigmoid", "Softplus"]}],
    "RNN": [{"clip": 0.3}, {"activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]}, {"activations": ["Elu"], "activation_alpha": [0.7]},
            {"activations": ["ThresholdedRelu"], "activation_alpha": [0.2]}, {"activations": ["Relu"]}],
}


def spread(op, direction, attrs):
    """Attributes of one direction for as many as there are; the second one's activations in another order."""
    a = dict(attrs)
    if direction == "bidirectional":
        for k in ("activations", "activation_alpha", "activation_beta"):
            if k in a:
                a[k] = a[k] * 2
    return a


def cases(op):
    """(name, what `numbers` takes, attributes)"""
    for direction, layout, lengths, states in itertools.product(["forward", "reverse", "bidirectional"], [0, 1], [0, 1], [0, 1]):
        base = {"direction": direction, **({"layout": 1} if layout else {})}
        name = f"{op.lower()}_{direction}{'_batch_first' * layout}{'_lengths' * lengths}{'_states' * states}"
        for extra in ([{"linear_before_reset": 1}, {}] if op == "GRU" else [{}]):
            tail = "_linear" if extra else ""
            yield name + tail, (direction, layout, lengths, True, states, False), {**base, **extra}
            if op == "LSTM":
                yield name + "_peepholes", (direction, layout, lengths, True, states, True), base
        yield name + "_no_bias", (direction, layout, lengths, False, states, False), base
        for i, special in enumerate(SPECIAL[op]):
            extra = {"linear_before_reset": i % 2} if op == "GRU" else {}
            yield f"{name}_special{i}", (direction, layout, lengths, i % 2 == 0, states, op == "LSTM" and i % 2 == 1), {**base, **spread(op, direction, special), **extra}
    if op != "RNN":
        other = {"LSTM": ["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Relu", "Softsign"], "GRU": ["Sigmoid", "Tanh", "HardSigmoid", "Relu"]}[op]
        yield f"{op.lower()}_directions_differ", ("bidirectional", 0, 1, True, 1, False), {"direction": "bidirectional", "activations": other}
    else:
        yield "rnn_directions_differ", ("bidirectional", 0, 1, True, 1, False), {"direction": "bidirectional", "activations": ["Relu", "Tanh"]}


KEPT = ["lstm_bidirectional_batch_first_lengths_states_peepholes", "lstm_reverse_lengths_states_special0", "lstm_bidirectional_lengths_states_special2", "lstm_forward_lengths_special4",
        "gru_bidirectional_lengths_states_linear", "gru_bidirectional_batch_first_lengths_states", "gru_reverse_lengths_no_bias", "gru_bidirectional_lengths_special1", "gru_directions_differ",
        "rnn_bidirectional_lengths_states", "rnn_reverse_batch_first_lengths_special3", "rnn_directions_differ"]


def main():
    folder, kept = sys.argv[1], "--kept" in sys.argv[2:]
    counts = {"written": 0, "reference": 0, "onnxruntime": 0}
    for op in GATES:
        for i, (name, what, attrs) in enumerate(cases(op)):
            if kept and name not in KEPT:
                continue
            small = {"T": 4, "N": 4, "I": 2, "H": 3} if kept else {}
            write(folder, name, op, numbers(np.random.default_rng(i), op, *what, **small), attrs, counts)
    print(counts)


main()
