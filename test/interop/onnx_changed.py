#!/usr/bin/env python3
"""Files of ONNX as tools change them, computed by engram (PyPI; not part of `make test`):

    venv/bin/pip install onnx onnxruntime numpy
    test/interop/onnx_changed.py build/engram FILE.onnx... [--only WAY] [--keep FOLDER]

Each file is converted to other opsets (onnx.version_converter), quantised (onnxruntime.quantization: dynamic, and static
in both forms), simplified by onnxruntime's own basic optimisations, written with external data, and wrapped into an If and a Loop whose condition and number
of steps are constants. engram must give what onnxruntime gives for the same file and random inputs of several sizes: to
1e-5 of the largest number, of quantised ones but for single steps of a quantised value, which a rounding in the last
digit decides (told as such). What cannot be changed so, and what engram refuses by its name and reason, is told. Exit
code 1 where engram differs, 77 where the packages are not there.
"""
import argparse, copy, logging, os, sys, tempfile

try:
    import numpy as np
    import onnx
    import onnx.version_converter
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
    from runs import engram_runs, largest
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install onnx onnxruntime numpy")
    sys.exit(77)

NEAR, STEP = 1e-5, 0.03
SIZES = ((3, 12), (1, 20), (5, 16))  # of the batch, and of whatever else is open
OPSETS = (7, 8, 9, 10, 11, 12, 13, 15, 17, 19, 21, 22)


def drawn(session, sizes, rng):
    """Random inputs; whole numbers, which are lengths or ids, from 1 to 4."""
    arrays = {}
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else sizes["batch" not in str(d)] for d in i.shape]
        whole = "int" in i.type
        arrays[i.name] = rng.integers(1, 5, shape).astype(np.int64 if "64" in i.type else np.int32) if whole else rng.standard_normal(shape).astype(np.float32)
    return arrays


class Calibration(CalibrationDataReader):
    def __init__(self, path):
        session, rng = onnxruntime.InferenceSession(path), np.random.default_rng(5)
        self.all = iter([drawn(session, SIZES[0], rng) for _ in range(8)])

    def get_next(self):
        return next(self.all, None)


def converted(opset):
    return lambda path, to: onnx.save(onnx.version_converter.convert_version(onnx.load(path), opset), to)


def dynamic(path, to):
    quantize_dynamic(path, to, weight_type=QuantType.QUInt8)


def static(form):
    return lambda path, to: quantize_static(path, to, Calibration(path), quant_format=form)


def optimized(path, to):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = to
    onnxruntime.InferenceSession(path, options)


def external(path, to):
    onnx.save_model(onnx.load(path), to, save_as_external_data=True, all_tensors_to_one_file=True, location=os.path.basename(to) + ".data", size_threshold=16)


def renamed(graph, prefix):
    """The graph with other names of what it computes, as a body that sees the outer inputs and weights."""
    body, made = copy.deepcopy(graph), {o for n in graph.node for o in n.output if o}
    for n in body.node:
        for names in (n.input, n.output):
            for i, k in enumerate(names):
                if k in made:
                    names[i] = prefix + k
        n.name = prefix + n.name
    for o in body.output:
        o.name = prefix + o.name
    del body.input[:], body.initializer[:], body.value_info[:]
    return body


def without_bodies(graph):
    if any(a.type == onnx.AttributeProto.GRAPH for n in graph.node for a in n.attribute):
        raise ValueError("it has bodies of its own")


def branched(path, to):
    model = onnx.load(path)
    graph = model.graph
    without_bodies(graph)
    one, other = renamed(graph, "then_"), renamed(graph, "else_")
    other.node.append(helper.make_node("Neg", [other.output[0].name], ["turned"]))
    other.output[0].name = "turned"
    graph.initializer.append(numpy_helper.from_array(np.array(True), "condition"))
    del graph.node[:]
    graph.node.append(helper.make_node("If", ["condition"], [o.name for o in graph.output], then_branch=one, else_branch=other))
    onnx.save(model, to)


def repeated(path, to):
    """A loop of three steps, whose first state adds up what the network gives."""
    model = onnx.load(path)
    graph = model.graph
    without_bodies(graph)
    body = renamed(graph, "step_")
    first = body.output[0]
    if first.type.tensor_type.elem_type != TensorProto.FLOAT:
        raise ValueError("its first output is no real number")
    for name, kind in (("step_number", TensorProto.INT64), ("step_on", TensorProto.BOOL)):
        body.input.append(helper.make_tensor_value_info(name, kind, []))
    body.input.append(helper.make_tensor_value_info("step_sum", TensorProto.FLOAT, None))
    body.node.append(helper.make_node("Add", ["step_sum", first.name], ["step_next"]))
    body.node.append(helper.make_node("Identity", ["step_on"], ["step_still"]))
    del body.output[:]
    body.output.append(helper.make_tensor_value_info("step_still", TensorProto.BOOL, []))
    body.output.append(helper.make_tensor_value_info("step_next", TensorProto.FLOAT, None))
    graph.initializer.append(numpy_helper.from_array(np.array(3, np.int64), "steps"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "on"))
    begin = renamed(graph, "begin_")
    nodes = [*begin.node, helper.make_node("Mul", [begin.output[0].name, "nothing"], ["begin"]),
             helper.make_node("Loop", ["steps", "on", "begin"], [graph.output[0].name], body=body)]
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "nothing"))
    del graph.node[:], graph.output[1:]
    graph.node.extend(nodes)
    onnx.save(model, to)


WAYS = {**{f"opset {n}": converted(n) for n in OPSETS}, "dynamic": dynamic, "QDQ": static(QuantFormat.QDQ), "QOperator": static(QuantFormat.QOperator),
        "optimized": optimized, "external": external, "If": branched, "Loop": repeated}
QUANTISED = ("dynamic", "QDQ", "QOperator")


def compare(way, path, to):
    """(kind, words)"""
    rng = np.random.default_rng(2)
    try:
        WAYS[way](path, to)
        session = onnxruntime.InferenceSession(to, providers=["CPUExecutionProvider"])
    except Exception as e:
        return "unchanged", "not changed: " + " ".join(str(e).split())[:140]
    out, worst = [o.name for o in session.get_outputs()], 0.0
    ran = 0
    for sizes in SIZES:
        arrays = drawn(session, sizes, rng)
        try:
            theirs = session.run(out, arrays)
        except Exception:
            continue  # traced for another size
        ran += 1
        try:
            ours = engram_runs(engram, to, arrays)
        except RuntimeError as e:
            told = str(e)
            return "refused" if "domain" in told or "not supported" in told else "fault", f"REFUSED: {told[:300]}"
        worst = max([worst, *(largest(ours[o if o in ours else o.replace("/", "_")], y) for o, y in zip(out, theirs))])
    if not ran:
        return "unchanged", "not changed: onnxruntime runs it with no sizes"
    bound = STEP if way in QUANTISED else NEAR
    return ("same" if worst <= bound else "fault"), f"{worst:.1e}" + (" (a quantised step)" if NEAR < worst <= bound else "") + ("" if worst <= bound else " DIFFERS")


arguments = argparse.ArgumentParser()
arguments.add_argument("engram")
arguments.add_argument("files", nargs="+")
arguments.add_argument("--only", action="append", choices=WAYS)
arguments.add_argument("--keep", help="a folder for the files")
args = arguments.parse_args()
engram = os.path.realpath(args.engram)
onnxruntime.set_default_logger_severity(4)
logging.disable(logging.ERROR)
counts = {"same": 0, "fault": 0, "refused": 0, "unchanged": 0}
for path in args.files:
    name = os.path.basename(path)[:-5]
    for way in args.only or WAYS:
        with tempfile.TemporaryDirectory() as folder:
            kind, told = compare(way, path, f"{args.keep or folder}/{name}-{way.replace(' ', '')}.onnx")
        counts[kind] += 1
        print(f"{name}, {way}: {told}", flush=True)
print(f"{counts['same']} passed, {counts['fault']} failed, {counts['refused']} refused with a reason, {counts['unchanged']} skipped: they cannot be changed so")
sys.exit(counts["fault"] > 0)
