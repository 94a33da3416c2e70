#!/usr/bin/env python3
"""Compares what engram exports as ONNX with onnxruntime (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install onnx onnxruntime numpy
    venv/bin/python test/interop/onnx_written.py build/engram MODEL|RECIPE... [--opset 13 --opset 22] [--samples build/test/onnx_samples]

Each is exported, must pass onnx.checker with its shapes, and must give the same outputs in onnxruntime and in engram, to
1e-5 of the largest number, on random inputs with several batch sizes and lengths, also with states given; a network that
reads forward must give in two pieces, with its states carried over, what it gives in one. What engram refuses to export
is told. With --samples build/test/onnx_samples and models, their test records are what comes in: onnxruntime must give for
100 of them, in batches as the model's own evaluation makes them and then each alone, cut off at its length, what engram's
own network has given. Exit code 1 where one differs, 77 where the packages are not there.
"""
import argparse, os, subprocess, sys, tempfile

from with_onnx import np, onnx, onnxruntime
from runs import engram_runs, largest

arguments = argparse.ArgumentParser()
arguments.add_argument("engram")
arguments.add_argument("models", nargs="+")
arguments.add_argument("--opset", type=int, action="append")
arguments.add_argument("--runs", type=int, default=4)
arguments.add_argument("--samples", help="the program that writes what a model gets of its test records")
args = arguments.parse_args()
random = np.random.default_rng(1)
recurrent = {"LSTM", "GRU", "RNN"}
failed = []


def sizes_of(model, run):
    """Numbers for the open sizes of one run; what pools pictures needs large ones."""
    names = {d.dim_param for i in model.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param}
    return {n: int(random.integers(1, 9)) if n == "batch" else int(random.integers(3, 40)) for n in sorted(names)} if run else \
        {n: 100 if n == "batch" else 17 for n in sorted(names)}


def ids_known(model):
    tables = [t for n in model.graph.node if n.op_type == "Gather" for t in model.graph.initializer if t.name == n.input[0]]
    return min((t.dims[0] for t in tables if len(t.dims) == 2), default=2)


def inputs_of(model, sizes):
    numbers = {t.name for t in model.graph.initializer}
    made = {}
    for i in model.graph.input:
        if i.name in numbers:
            continue
        shape = [d.dim_value or sizes[d.dim_param] for d in i.type.tensor_type.shape.dim]
        if i.name.split(".")[0] in ("lengths", "target_lengths"):
            most = sizes[i.name.partition(".")[2] or "time"]
            made[i.name] = random.integers(1, most + 1, shape).astype(np.int32)
            made[i.name][0] = most
        elif i.type.tensor_type.elem_type == onnx.TensorProto.INT32:
            made[i.name] = random.integers(0, ids_known(model), shape).astype(np.int32)
        else:
            made[i.name] = random.standard_normal(shape).astype(np.float32)
    return made


def in_pieces(model, session, inputs):
    """One run against two, the states of the first being those that the second begins with; None: it is no such network."""
    cells = [n for n in model.graph.node if n.op_type in recurrent]
    names = [o.name for o in model.graph.output]
    dims = {o.name: [d.dim_param for d in o.type.tensor_type.shape.dim] for o in model.graph.output}
    forward = all(a.s == b"forward" for n in cells for a in n.attribute if a.name == "direction")
    if not cells or not forward or len(inputs) > 1 or dims["logits"][0] != "time" or any(n.op_type in ("CumSum", "Conv") for n in model.graph.node):
        return None
    name, x = next(iter(inputs.items()))
    states = [n for n in names if n.endswith((".hn", ".cn"))]
    cut = max(1, len(x) // 3)
    whole = dict(zip(names, session.run(names, inputs)))
    first = dict(zip(names, session.run(names, {name: x[:cut]})))
    if len(x) == cut:
        return None
    carried = {s[:-1] + "0": first[s] for s in states}
    second = dict(zip(names, session.run(names, {name: x[cut:], **carried})))
    both = np.concatenate([first["logits"], second["logits"]])
    return max([largest(both, whole["logits"]), *(largest(second[s], whole[s]) for s in states)])


def one_alone(x, value, which, length):
    """Of sample `which` alone what belongs to it, by the names that a value of the file has for its dimensions."""
    names = [d.dim_param for d in value.type.tensor_type.shape.dim]
    for axis, name in enumerate(names):
        if name == "batch":
            x = np.take(x, [which], axis)
        elif name == "time" and length:
            x = np.take(x, range(length), axis)
    return x


def on_records(source, model, session, folder):
    """The largest difference on test records, and how many there were."""
    out = subprocess.run([args.samples, source, folder + "/records", "100"], capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(out.stderr or f"{source}: no test records")
    inputs, outputs = ({v.name: v for v in values} for values in (model.graph.input, model.graph.output))
    worst, records = 0.0, 0
    for batch in sorted(os.listdir(folder + "/records"), key=int):
        arrays = {kind: {f[len(kind) + 1:-4]: np.load(f"{folder}/records/{batch}/{f}") for f in os.listdir(f"{folder}/records/{batch}")
                         if f.startswith(kind + ".")} for kind in ("in", "out")}
        names = list(arrays["out"])
        scale = {n: max(float(np.max(np.abs(arrays["out"][n]))), 1e-30) for n in names}
        for name, theirs in zip(names, session.run(names, arrays["in"])):
            worst = max(worst, largest(theirs, arrays["out"][name]))
        batch_axis = [d.dim_param for d in outputs["logits"].type.tensor_type.shape.dim].index("batch")
        for which in range(arrays["out"]["logits"].shape[batch_axis]):
            length = int(arrays["in"]["lengths"][which]) if "lengths" in arrays["in"] else 0
            given = {n: one_alone(x, inputs[n], which, length) for n, x in arrays["in"].items()}
            for name, theirs in zip(names, session.run(names, given)):
                ours = one_alone(arrays["out"][name], outputs[name], which, length)
                worst = max(worst, float(np.max(np.abs(theirs - ours))) / scale[name] if theirs.shape == ours.shape else float("inf"))
            records += 1
    return worst, records


def compare(source, opset, folder):
    path = f"{folder}/model.onnx"
    out = subprocess.run([args.engram, "export", source, "--to", "onnx", "--opset", str(opset), "--features", "-o", path], capture_output=True, text=True)
    if out.returncode:
        return print(f"{os.path.basename(source)}, opset {opset}: refused: {out.stderr.strip()}")
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = pieces = 0.0
    for run in range(args.runs):
        inputs = inputs_of(model, sizes_of(model, run))
        names = [o.name for o in model.graph.output]
        theirs = dict(zip(names, session.run(names, inputs)))
        ours = engram_runs(args.engram, path, inputs)
        for name in names:
            worst = max(worst, largest(ours[name], theirs[name]))
        carried = in_pieces(model, session, inputs)
        pieces = None if carried is None else max(pieces or 0.0, carried)
    told = ""
    if args.samples:
        different, records = on_records(source, model, session, folder)
        worst = max(worst, different)
        told = f", on {records} test records {different:.1e}"
    bad = worst > 1e-5 or (pieces or 0) > 1e-5
    print(f"{os.path.basename(source)}, opset {opset}: {len(model.graph.node)} nodes, {args.runs} runs, largest difference {worst:.1e}"
          + told + (f", in pieces {pieces:.1e}" if pieces is not None else "") + (" DIFFERS" if bad else ""), flush=True)
    if bad:
        failed.append(source)


for source in args.models:
    for opset in args.opset or [18]:
        with tempfile.TemporaryDirectory() as folder:
            compare(source, opset, folder)
print(f"{len(failed)} differ" if failed else "all are the same")
sys.exit(bool(failed))
