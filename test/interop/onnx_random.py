#!/usr/bin/env python3
"""Single operators of ONNX with random attributes, shapes and opsets, as case folders for build/test/onnx_suite.

    onnx_random.py FOLDER [--seed 1] [--count 30] [--only Conv] [--kept]     needs the packages onnx, onnxruntime and numpy
    build/test/onnx_suite FOLDER/agreed                                      none may fail; what is refused is counted

What must come out is what onnxruntime computes, and where it has no such operator or type the reference implementation of
the package onnx. Where both compute and do not agree, the case goes to FOLDER/disputed, to be judged by hand (reference_is_wrong:
those that have been). Half of the models leave the sizes of their inputs open. --kept: those that engram once failed,
which the test `onnx_cases` runs without Python (test/onnx_cases)."""
import argparse, os, sys, zlib

import numpy as np

try:
    import onnx
    import onnx.reference
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install onnx onnxruntime numpy")
    sys.exit(77)

rng = np.random.default_rng(0)
generators = {}


def generator(f):
    generators[f.__name__] = f
    return f


def real(*shape, scale=2.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def whole(low, high, *shape, dtype=np.int64):
    return rng.integers(low, high, shape).astype(dtype)


def pick(*list):
    return list[int(rng.integers(len(list)))]


def maybe(v, share=0.5):
    return v if rng.random() < share else None


def few(low, high):
    return int(rng.integers(low, high + 1))


def axis_of(rank):
    return few(-rank, rank - 1)


def shape_of(rank, most=5):
    return [few(1, most) for _ in range(rank)]


class Case:
    """A node: its inputs, (name, array, is it part of the model), None where one is left out; attributes."""

    def __init__(self, op, inputs, outputs=1, opset=(13, 22), **attrs):
        self.op, self.inputs, self.outputs = op, inputs, outputs if isinstance(outputs, list) else [f"y{i}" for i in range(outputs)]
        self.opset = opset if isinstance(opset, int) else few(*opset)
        self.attrs = {k: v for k, v in attrs.items() if v is not None}


def const(x):
    return ("const", np.asarray(x))


def fed(x):
    return ("fed", np.asarray(x))


# ---- windows ---------------------------------------------------------------------------------------------------------


def windows(dims, size=(5, 9), dilated=True, most_kernel=3):
    """Sizes, kernel, and what there may be of strides, dilations, pads."""
    spatial = [few(*size) for _ in range(dims)]
    kernel = [few(1, most_kernel) for _ in range(dims)]
    strides = maybe([few(1, 3) for _ in range(dims)])
    dilations = maybe([few(1, 2) for _ in range(dims)]) if dilated else None
    auto = maybe(pick("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"), 0.4)
    if auto in ("SAME_UPPER", "SAME_LOWER") and any((k - 1) * d + 1 < s for k, d, s in zip(kernel, dilations or [1] * dims, strides or [1] * dims)):
        auto = None  # gaps between windows: onnxruntime's operators differ from each other in where the first one stands
    pads = [min(few(0, 2), k - 1) for k in kernel + kernel] if auto in (None, "NOTSET") and rng.random() < 0.6 else None
    return spatial, kernel, {"strides": strides, "dilations": dilations, "auto_pad": auto, "pads": pads}


@generator
def Conv():
    dims, group = few(1, 3), pick(1, 1, 2, 4)
    spatial, kernel, attrs = windows(dims)
    c, m = group * few(1, 3), group * few(1, 3)
    x, w = real(few(1, 3), c, *spatial), real(m, c // group, *kernel)
    inputs = [fed(x), const(w)] + ([const(real(m))] if rng.random() < 0.5 else [])
    return Case("Conv", inputs, opset=(7, 22), group=maybe(group, 0.5) if group == 1 else group, kernel_shape=maybe(kernel), **attrs)


@generator
def ConvTranspose():
    dims, group = few(1, 3), pick(1, 1, 2)
    spatial, kernel, attrs = windows(dims, (3, 6))
    c, m = group * few(1, 3), few(1, 3)
    strides = attrs["strides"] or [1] * dims
    extra = maybe([few(0, s - 1) for s in strides]) if attrs["auto_pad"] in (None, "NOTSET") else None
    shape = maybe([(s - 1) * t + k + few(-1, 1) for s, t, k in zip(spatial, strides, kernel)], 0.2) if not attrs["dilations"] and not extra else None
    if shape and min(shape) < 1:
        shape = None
    if shape:
        attrs["pads"] = None
    inputs = [fed(real(few(1, 3), c, *spatial)), const(real(c, m, *kernel))] + ([const(real(m * group))] if rng.random() < 0.5 else [])
    return Case("ConvTranspose", inputs, opset=(7, 22), group=group, kernel_shape=maybe(kernel), output_padding=extra, output_shape=shape, **attrs)


@generator
def MaxPool():
    dims = few(1, 3)
    spatial, kernel, attrs = windows(dims)
    ceil = maybe(few(0, 1))
    return Case("MaxPool", [fed(real(few(1, 2), few(1, 3), *spatial))], opset=(10, 22), kernel_shape=kernel, ceil_mode=ceil, **attrs)


@generator
def AveragePool():
    dims = few(1, 3)
    opset = few(10, 22)
    spatial, kernel, attrs = windows(dims, dilated=opset >= 19)
    return Case("AveragePool", [fed(real(few(1, 2), few(1, 3), *spatial))], opset=opset, kernel_shape=kernel, ceil_mode=maybe(few(0, 1)), count_include_pad=maybe(few(0, 1)), **attrs)


@generator
def LpPool():
    dims = few(1, 3)
    opset = few(11, 22)
    spatial, kernel, attrs = windows(dims, dilated=opset >= 18)
    return Case("LpPool", [fed(real(few(1, 2), few(1, 3), *spatial))], opset=opset, kernel_shape=kernel, p=maybe(few(1, 3)), ceil_mode=maybe(few(0, 1)) if opset >= 18 else None, **attrs)


@generator
def GlobalPools():
    op = pick("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
    return Case(op, [fed(real(*shape_of(few(3, 5))))], opset=(7, 22), p=few(1, 3) if op == "GlobalLpPool" else None)


@generator
def Resize():
    opset, dims = few(11, 22), few(1, 3)
    mode = pick("nearest", "linear", "cubic") if dims == 2 else pick("nearest", "linear")
    x = real(few(1, 2), few(1, 2), *[few(2, 6) for _ in range(dims)])
    coordinates = maybe(pick("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", *(["half_pixel_symmetric"] if opset >= 19 else [])), 0.8)
    axes, given = None, x.ndim
    if opset >= 18 and rng.random() < 0.4:
        axes = list(range(2, x.ndim))
        given = dims
    lead = [1] * (given - dims)
    if rng.random() < 0.5:
        scales, sizes = np.array(lead + [pick(0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 2.3) for _ in range(dims)], np.float32), None
        if any(int(np.floor(s * k)) < 1 for s, k in zip(scales[-dims:], x.shape[2:])):
            return None
    else:
        scales, sizes = None, np.array((list(x.shape[:2]) if lead else []) + [few(1, 9) for _ in range(dims)], np.int64)
    inputs = [fed(x), const(np.zeros(0, np.float32)) if opset < 13 else None, const(scales) if scales is not None else (const(np.zeros(0, np.float32)) if opset < 13 else None)]
    if sizes is not None:
        inputs.append(const(sizes))
    if scales is not None and coordinates == "align_corners":
        return None  # onnxruntime goes by the size that was rounded, the reference by the one that was not
    attrs = {"mode": mode, "coordinate_transformation_mode": coordinates, "axes": axes}
    if mode == "nearest":
        attrs["nearest_mode"] = maybe(pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"), 0.8)
    if mode == "cubic":
        attrs["cubic_coeff_a"] = maybe(-0.5)
        attrs["exclude_outside"] = maybe(few(0, 1))
    if mode != "nearest" and opset >= 18:
        attrs["antialias"] = maybe(few(0, 1), 0.3)
    if sizes is not None and opset >= 18:
        attrs["keep_aspect_ratio_policy"] = maybe(pick("stretch", "not_larger", "not_smaller"), 0.4)
    return Case("Resize", inputs, opset=opset, **attrs)


@generator
def Pad():
    opset, rank = few(11, 22), few(1, 4)
    x = real(*[few(3, 6) for _ in range(rank)])
    mode = maybe(pick("constant", "reflect", "edge", *(["wrap"] if opset >= 19 else [])), 0.8)
    axes = sorted(rng.choice(rank, few(1, rank), replace=False).tolist()) if opset >= 18 and rng.random() < 0.4 else None
    n = len(axes) if axes else rank
    pads = whole(-1 if mode in (None, "constant") else 0, 3, 2 * n)
    if axes and rng.random() < 0.5:
        axes = [a - rank for a in axes]
    inputs = [fed(x), const(pads)]
    if mode in (None, "constant") and rng.random() < 0.5 or axes:
        inputs.append(const(np.float32(1.5)) if mode in (None, "constant") else None)
    if axes:
        inputs.append(const(np.array(axes, np.int64)))
    return Case("Pad", inputs, opset=opset, mode=mode)


# ---- norms -----------------------------------------------------------------------------------------------------------


@generator
def BatchNormalization():
    x = real(*shape_of(few(2, 5)))
    c = x.shape[1]
    return Case("BatchNormalization", [fed(x), const(real(c)), const(real(c)), const(real(c)), const(np.abs(real(c)) + 0.1)], opset=(9, 22), epsilon=maybe(0.01), momentum=maybe(0.8))


@generator
def InstanceNormalization():
    x = real(*shape_of(few(3, 5), 6))
    return Case("InstanceNormalization", [fed(x), const(real(x.shape[1])), const(real(x.shape[1]))], opset=(7, 22), epsilon=maybe(0.01))


@generator
def LayerNormalization():
    x = real(*shape_of(few(2, 4)))
    axis = axis_of(x.ndim)
    shape = x.shape[axis:]
    return Case("LayerNormalization", [fed(x), const(real(*shape))] + ([const(real(*shape))] if rng.random() < 0.5 else []), outputs=few(1, 3), opset=(17, 22), axis=axis,
                epsilon=maybe(0.01))


@generator
def GroupNormalization():
    opset, groups = pick(18, 19, 20, 21, 22), few(1, 3)
    x = real(few(1, 2), groups * few(1, 3), *shape_of(few(1, 3)))
    n = groups if opset < 21 else x.shape[1]
    return Case("GroupNormalization", [fed(x), const(real(n)), const(real(n))], opset=opset, num_groups=groups, epsilon=maybe(0.01))


@generator
def LRN():
    return Case("LRN", [fed(real(*[few(1, 7) for _ in range(4)]))], opset=(7, 22), size=pick(1, 3, 5), alpha=maybe(0.3), beta=maybe(0.5), bias=maybe(2.0))


@generator
def LpNormalization():
    x = real(*shape_of(few(1, 4)))
    return Case("LpNormalization", [fed(x)], opset=(7, 22), axis=maybe(axis_of(x.ndim)), p=maybe(few(1, 2)))


@generator
def MeanVarianceNormalization():
    return Case("MeanVarianceNormalization", [fed(real(*[few(2, 5) for _ in range(4)]))], opset=(9, 22), axes=maybe(pick([0, 2, 3], [2, 3], [1], [0, 1, 2, 3])))


@generator
def Softmax():
    x = real(*shape_of(few(1, 4)))
    return Case(pick("Softmax", "LogSoftmax", "Hardmax"), [fed(x)], opset=(7, 22), axis=maybe(few(0, x.ndim - 1)))


# ---- products --------------------------------------------------------------------------------------------------------


@generator
def Gemm():
    a, b = few(0, 1), few(0, 1)
    m, k, n = few(1, 5), few(1, 5), few(1, 5)
    c = pick(None, (m, n), (n,), (1, n), (m, 1), (), (1,))
    inputs = [fed(real(*((k, m) if a else (m, k)))), pick(const, fed)(real(*((n, k) if b else (k, n))))]
    opset = few(7, 22) if c is not None else few(11, 22)
    if c is not None:
        inputs.append(const(real(*c)))
    return Case("Gemm", inputs, opset=opset, transA=maybe(1) if a else None, transB=b, alpha=maybe(0.5), beta=maybe(pick(0.0, 0.3))) if not a else \
        Case("Gemm", inputs, opset=opset, transA=a, transB=b, alpha=maybe(0.5), beta=maybe(pick(0.0, 0.3)))


@generator
def MatMul():
    k = few(1, 5)
    lead = shape_of(few(0, 2), 3)
    a = pick([k], [few(1, 4), k], lead + [few(1, 4), k], [1] * few(0, 1) + [few(1, 4), k])
    b = pick([k], [k, few(1, 4)], lead + [k, few(1, 4)], [1] * few(0, 2) + [k, few(1, 4)])
    return Case("MatMul", [fed(real(*a)), pick(const, fed)(real(*b))], opset=(7, 22))


@generator
def Einsum():
    equation = pick("ij,jk->ik", "bij,bjk->bik", "bij,bkj->bik", "ij,ij->i", "ij->ji", "bij->bi", "ij,kj->ik", "bhij,bhjd->bihd", "i,j->ij", "...ij,...jk->...ik", "ij,jk", "ii->i",
                    "bti,btj->bij", "bnc,oc->bno", "ij,jk,kl->il", "b i j , b j -> b i", "ijk->", "bid,bjd->bij", "abc,cd->abd")
    sizes = {c: few(1, 4) for c in "abcdefghijklmnopqrstuvwxyz"}
    dots = shape_of(few(1, 2), 3)
    arrays = []
    for part in equation.split("->")[0].replace(" ", "").split(","):
        shape = []
        if part.startswith("..."):
            shape, part = list(dots), part[3:]
        arrays.append(real(*shape, *[sizes[c] for c in part]))
    return Case("Einsum", [fed(a) for a in arrays], opset=(12, 22), equation=equation)


# ---- quantised -------------------------------------------------------------------------------------------------------


def bytes_type():
    return pick(np.uint8, np.int8)


def random_bytes(kind, *shape):
    return rng.integers(np.iinfo(kind).min, np.iinfo(kind).max + 1, shape).astype(kind)


def scale_of(*shape):
    return rng.uniform(0.01, 0.3, shape).astype(np.float32)


@generator
def QuantizeLinear():
    kind, x = bytes_type(), real(*shape_of(few(1, 4)), scale=10)
    axis = axis_of(x.ndim) if rng.random() < 0.5 else None
    shape = () if axis is None else (x.shape[axis],)
    inputs = [fed(x), const(scale_of(*shape))] + ([const(random_bytes(kind, *shape))] if rng.random() < 0.8 else [])
    return Case("QuantizeLinear", inputs, opset=(13, 22), axis=axis)


@generator
def DequantizeLinear():
    kind, shape = pick(np.uint8, np.int8, np.int32), shape_of(few(1, 4))
    x = random_bytes(kind, *shape) if kind != np.int32 else whole(-100000, 100000, *shape, dtype=np.int32)
    axis = axis_of(x.ndim) if rng.random() < 0.5 else None
    own = () if axis is None else (x.shape[axis],)
    inputs = [pick(fed, const)(x), const(scale_of(*own))] + ([const(random_bytes(kind, *own))] if rng.random() < 0.8 and kind != np.int32 else [])
    return Case("DequantizeLinear", inputs, opset=(13, 22), axis=axis)


@generator
def DynamicQuantizeLinear():
    return Case("DynamicQuantizeLinear", [fed(real(*shape_of(few(1, 3))) + np.float32(pick(0, 5, -5)))], outputs=3, opset=(11, 22))


@generator
def QLinearConv():
    dims, group = few(1, 2), pick(1, 2)
    spatial, kernel, attrs = windows(dims)
    c, m = group * few(1, 3), group * few(1, 3)
    xt, wt, yt = bytes_type(), bytes_type(), bytes_type()
    if xt == np.int8:
        yt, wt = np.int8, np.int8  # onnxruntime has no others
    else:
        yt = np.uint8
    each = rng.random() < 0.5
    inputs = [fed(random_bytes(xt, few(1, 2), c, *spatial)), const(scale_of()), const(random_bytes(xt)), const(random_bytes(wt, m, c // group, *kernel)),
              const(scale_of(m) if each else scale_of()), const((np.zeros(m, wt) if each else random_bytes(wt))), const(np.float32(rng.uniform(1, 30))), const(random_bytes(yt))]
    if rng.random() < 0.5:
        inputs.append(const(whole(-3000, 3000, m, dtype=np.int32)))
    return Case("QLinearConv", inputs, opset=(10, 22), group=group, kernel_shape=kernel, **attrs)


@generator
def LargerProducts():
    """Convolutions and products as networks have them, for which there are fast ways that round."""
    n, k = pick(16, 32, 48), pick(1, 3, 3, 5)
    x, w = random_bytes(np.uint8, 1, n, few(8, 20), few(8, 20)), whole(-20, 21, pick(16, 32), n, k, k, dtype=np.int8)
    pads, strides = [k // 2] * 4, [1 + (rng.random() < 0.2)] * 2
    if rng.random() < 0.3:
        return Case("MatMulInteger", [fed(random_bytes(np.uint8, few(1, 40), 200)), const(whole(-20, 21, 200, few(1, 40), dtype=np.int8)), const(random_bytes(np.uint8))], opset=(10, 22))
    if rng.random() < 0.3:
        return Case("ConvInteger", [fed(x), const((w + 20).astype(np.uint8)), const(np.uint8(few(100, 150))), const(np.uint8(20))], opset=(10, 22), kernel_shape=[k, k], pads=pads, strides=strides)
    return Case("QLinearConv", [fed(x), const(np.float32(0.02)), const(np.uint8(few(100, 150))), const(w), const(scale_of(len(w))), const(np.zeros(len(w), np.int8)), const(np.float32(3.1)),
                                const(np.uint8(few(100, 150))), const(whole(-3000, 3000, len(w), dtype=np.int32))], opset=(10, 22), kernel_shape=[k, k], pads=pads, strides=strides)


@generator
def QLinearMatMul():
    xt, wt = bytes_type(), bytes_type()
    yt = xt
    n, k, m = few(1, 5), few(1, 30), few(1, 5)
    return Case("QLinearMatMul", [fed(random_bytes(xt, *pick([n, k], [2, n, k]))), const(scale_of()), const(random_bytes(xt)), pick(const, fed)(random_bytes(wt, k, m)), const(scale_of()),
                                  const(random_bytes(wt)), const(np.float32(rng.uniform(1, 30))), const(random_bytes(yt))], opset=(10, 20))


@generator
def IntegerProducts():
    if rng.random() < 0.5:
        k = few(1, 30)
        a, b = np.uint8, bytes_type()
        return Case("MatMulInteger", [fed(random_bytes(a, few(1, 4), k)), pick(const, fed)(random_bytes(b, k, few(1, 4))), maybe(const(random_bytes(a))), const(random_bytes(b))],
                    opset=(10, 22))
    spatial, kernel, attrs = windows(2)
    return Case("ConvInteger", [fed(random_bytes(np.uint8, 1, 2, *spatial)), const(random_bytes(np.uint8, 3, 2, *kernel)), const(random_bytes(np.uint8)), const(random_bytes(np.uint8))],
                opset=(10, 22), kernel_shape=kernel, **attrs)


# ---- shapes ----------------------------------------------------------------------------------------------------------


@generator
def Reshape():
    x = real(*shape_of(few(1, 4)))
    n = x.size
    shapes = [[-1], [1, -1], [-1, 1], list(x.shape), [0] * x.ndim, [0, -1][:max(1, min(2, x.ndim))], list(reversed(x.shape)), [n, 1, 1]]
    return Case("Reshape", [fed(x), const(np.array(shapes[few(0, len(shapes) - 1)], np.int64))], opset=(7, 22))


@generator
def Slice():
    x = real(*[few(2, 7) for _ in range(few(1, 4))])
    axes = rng.choice(x.ndim, few(1, x.ndim), replace=False).tolist()
    starts, ends, steps = [], [], []
    for a in axes:
        step = pick(1, 1, 2, -1, -2)
        s, e = pick(0, 1, -1, -2, 100, -100), pick(1, 2, -1, 100, -100, 2**31 - 1, 2**63 - 1, -(2**63) + 1)
        starts.append(s), ends.append(e), steps.append(step)
    plain = rng.random() < 0.2 and len(axes) == x.ndim
    inputs = [fed(x), const(np.array(starts, np.int64)), const(np.array(ends, np.int64))]
    if not plain:
        inputs += [const(np.array([a - x.ndim if rng.random() < 0.3 else a for a in axes], np.int64)), const(np.array(steps, np.int64))]
    return Case("Slice", inputs, opset=(10, 22))


@generator
def Moves():
    x = real(*[few(1, 5) for _ in range(few(1, 4))])
    kind = few(0, 9)
    if kind == 0:
        return Case("Transpose", [fed(x)], opset=(7, 22), perm=maybe(rng.permutation(x.ndim).tolist(), 0.8))
    if kind == 1:
        return Case("Flatten", [fed(x)], opset=(11, 22), axis=maybe(few(-x.ndim, x.ndim)))
    if kind == 2:
        parts = [real(*x.shape) for _ in range(few(1, 3))]
        return Case("Concat", [fed(p) for p in [x] + parts], opset=(11, 22), axis=axis_of(x.ndim))
    if kind == 3:
        return Case("Tile", [fed(x), const(whole(1, 4, x.ndim))], opset=(7, 22))
    if kind == 4:
        shape = [1 if d == 1 and rng.random() < 0.5 else few(1, 4) if d == 1 else pick(d, 1) for d in x.shape]
        return Case("Expand", [fed(x), const(np.array(shape_of(few(0, 1), 3) + shape, np.int64))], opset=(8, 22))
    if kind == 5:
        b = few(1, 3)
        if rng.random() < 0.5:
            return Case("SpaceToDepth", [fed(real(1, 2, b * few(1, 3), b * few(1, 3)))], opset=(7, 22), blocksize=b)
        return Case("DepthToSpace", [fed(real(2, b * b * few(1, 3), few(1, 3), few(1, 3)))], opset=(11, 22), blocksize=b, mode=maybe(pick("DCR", "CRD"), 0.8))
    if kind == 6:
        axis = axis_of(x.ndim)
        n = x.shape[axis]
        opset = few(11, 22)
        if n < 2:
            return None
        cut = few(1, n - 1)
        if opset < 13:
            return Case("Split", [fed(x)], outputs=2, opset=opset, axis=axis, split=[cut, n - cut])
        if opset >= 18 and rng.random() < 0.5:
            parts = few(2, min(n, 3))
            each = -(-n // parts)
            return Case("Split", [fed(x)], outputs=parts, opset=opset, axis=axis, num_outputs=parts) if each * (parts - 1) < n else None
        return Case("Split", [fed(x), const(np.array([cut, n - cut], np.int64))], outputs=2, opset=opset, axis=axis)
    if kind == 7:
        return Case("Trilu", [fed(real(*shape_of(few(2, 4)))), *([const(np.int64(few(-3, 3)))] if rng.random() < 0.7 else [])], opset=(14, 22), upper=maybe(few(0, 1)))
    if kind == 8:
        axes = sorted({few(0, x.ndim) for _ in range(few(1, 2))})
        return Case("Unsqueeze", [fed(x), const(np.array(axes, np.int64))], opset=(13, 22))
    t, n = few(2, 5), few(1, 4)
    time = few(0, 1)
    return Case("ReverseSequence", [fed(real(*((t, n) if time == 0 else (n, t)), *shape_of(few(0, 2)))), pick(fed, const)(whole(1, t + 1, n))], opset=(10, 22), time_axis=time, batch_axis=1 - time)


@generator
def Gathers():
    x = real(*[few(2, 5) for _ in range(few(1, 4))])
    axis = axis_of(x.ndim)
    n = x.shape[axis]
    kind, kept = few(0, 3), pick(fed, const)
    if kind == 0:
        return Case("Gather", [fed(x), kept(whole(-n, n, *shape_of(few(0, 2)), dtype=pick(np.int64, np.int32)))], opset=(11, 22), axis=maybe(axis) if axis == 0 else axis)
    if kind == 1:
        shape = list(x.shape)
        shape[axis] = few(1, 4)
        return Case("GatherElements", [fed(x), kept(whole(-n, n, *shape))], opset=(11, 22), axis=axis)
    if kind == 2:
        batch = few(0, x.ndim - 1) if rng.random() < 0.5 else 0
        k = few(1, x.ndim - batch)
        shape = list(x.shape[:batch]) + shape_of(few(0, 1), 3) + [k]
        index = np.stack([rng.integers(-x.shape[batch + i], x.shape[batch + i], shape[:-1]) for i in range(k)], -1).astype(np.int64)
        return Case("GatherND", [fed(x), kept(index)], opset=(12, 22), batch_dims=batch or None)
    classes = few(2, 5)
    return Case("OneHot", [fed(whole(-classes, classes, *shape_of(few(1, 2)))), const(np.int64(classes)), const(np.array([-1.5, 2.5], np.float32))], opset=(11, 22),
                axis=maybe(pick(-1, 0, 1)))


@generator
def Scatters():
    x = real(*[few(2, 5) for _ in range(few(1, 3))])
    opset = few(11, 22)
    add = pick(None, "none", *(["add", "mul"] if opset >= 16 else []), *(["max", "min"] if opset >= 18 else []))
    if opset < 16:
        add = None
    if rng.random() < 0.5:
        axis = axis_of(x.ndim)
        n = x.shape[axis]
        shape = [few(1, d) for d in x.shape]
        index = whole(0, n, *shape) if add not in (None, "none") else np.argsort(rng.random([n if i == axis % x.ndim else d for i, d in enumerate(shape)]), axis)
        index = index[tuple(slice(0, d) for d in shape)].astype(np.int64)
        index = np.where(rng.random(index.shape) < 0.3, index - n, index)
        return Case("ScatterElements", [fed(x), const(index), fed(real(*index.shape))], opset=opset, axis=axis, reduction=add)
    k = few(1, x.ndim)
    rows = few(1, 2)
    index = np.stack([rng.permutation(x.shape[i])[:rows] if i == 0 else rng.integers(0, x.shape[i], min(rows, x.shape[0])) for i in range(k)], -1).astype(np.int64)
    return Case("ScatterND", [fed(x), const(index), fed(real(*index.shape[:-1], *x.shape[k:]))], opset=opset, reduction=add)


# ---- reductions ------------------------------------------------------------------------------------------------------


@generator
def Reductions():
    op = pick("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare")
    x = real(*shape_of(few(1, 4)), scale=1)
    if op == "ReduceLogSum":
        x = np.abs(x) + np.float32(0.1)
    opset = few(11, 22)
    axes = maybe(rng.choice(x.ndim, few(1, x.ndim), replace=False).tolist(), 0.7)
    if axes and rng.random() < 0.4:
        axes = [a - x.ndim for a in axes]
    as_input = opset >= 18 or (op == "ReduceSum" and opset >= 13)
    inputs = [fed(x)]
    if axes and as_input:
        inputs.append(const(np.array(axes, np.int64)))
    elif as_input and rng.random() < 0.3:
        inputs.append(const(np.zeros(0, np.int64)))
    return Case(op, inputs, opset=opset, axes=axes if not as_input else None, keepdims=maybe(few(0, 1)), noop_with_empty_axes=maybe(few(0, 1)) if as_input else None)


@generator
def Places():
    x = real(*shape_of(few(1, 4), 6))
    if rng.random() < 0.5:
        x = np.round(x)  # equal ones
    axis = axis_of(x.ndim)
    kind = few(0, 2)
    if kind == 0:
        return Case(pick("ArgMax", "ArgMin"), [fed(x)], opset=(12, 22), axis=maybe(axis), keepdims=maybe(few(0, 1)), select_last_index=maybe(few(0, 1)))
    if kind == 1:
        return Case("TopK", [fed(x), const(np.array([few(1, x.shape[axis])], np.int64))], outputs=2, opset=(11, 22), axis=axis, largest=maybe(few(0, 1)))
    return Case("CumSum", [fed(x), const(np.int64(axis) if rng.random() < 0.5 else np.int32(axis))], opset=(11, 22), exclusive=maybe(few(0, 1)), reverse=maybe(few(0, 1)))


# ---- element by element ----------------------------------------------------------------------------------------------


@generator
def Activations():
    x = real(*shape_of(few(1, 4)))
    op, attrs = pick(("Relu", {}), ("LeakyRelu", {"alpha": maybe(pick(0.0, 0.3))}), ("Elu", {"alpha": maybe(pick(0.0, 0.5))}), ("Selu", {"alpha": maybe(1.2), "gamma": maybe(0.7)}),
                     ("Celu", {"alpha": maybe(0.4)}), ("HardSigmoid", {"alpha": maybe(pick(0.0, 0.3)), "beta": maybe(pick(0.0, 0.4))}), ("ThresholdedRelu", {"alpha": maybe(pick(0.0, 0.5))}),
                     ("Shrink", {"bias": maybe(0.2), "lambd": maybe(pick(0.0, 0.7))}), ("Softplus", {}), ("Softsign", {}), ("HardSwish", {}), ("Mish", {}), ("Sigmoid", {}), ("Tanh", {}),
                     ("Erf", {}), ("Gelu", {"approximate": maybe(pick("none", "tanh"))}), ("Sign", {}), ("Round", {}), ("Floor", {}), ("Ceil", {}), ("Exp", {}), ("Neg", {}), ("Abs", {}),
                     ("Sin", {}), ("Cos", {}), ("Atan", {}), ("Sinh", {}), ("Asinh", {}), ("Reciprocal", {}), ("Identity", {}))
    if op == "Round":
        x = np.round(x * 2) / 2
    least = {"Celu": 12, "HardSwish": 14, "Mish": 18, "Gelu": 20, "ThresholdedRelu": 10, "Round": 11}.get(op, 9)
    return Case(op, [fed(x)], opset=(least, 22), **attrs)


@generator
def Pairs():
    shape = shape_of(few(0, 4))
    other = [d if rng.random() < 0.7 else 1 for d in shape][few(0, len(shape)):] if rng.random() < 0.7 else shape
    op = pick("Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Max", "Min", "Mean", "Sum", "Mod", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Where")
    a, b = real(*shape), real(*other)
    if op == "Pow":
        a = np.abs(a) + np.float32(0.1)
    if op == "PRelu":
        b = real(*other)
    if op == "Where":
        return Case("Where", [fed(rng.random(other) < 0.5), fed(a), fed(real(*other))], opset=(9, 22))
    if op in ("Max", "Min", "Mean", "Sum"):
        return Case(op, [fed(a), fed(b), const(real())][: few(1, 3)], opset=(8, 22))
    first, second = (a, b) if op in ("PRelu",) or rng.random() < 0.5 else (b, a)
    if op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
        first, second = np.round(first), np.round(second)
    return Case(op, [fed(first), pick(fed, const)(second)], opset=(12, 22), fmod=1 if op == "Mod" else None)


@generator
def Wholes():
    """Whole numbers of short types: they wrap, divide towards zero, and so on."""
    kind = pick(np.int8, np.uint8, np.int16, np.uint16)
    shape = shape_of(few(1, 3))
    a, b = random_bytes(kind, *shape), random_bytes(kind, *shape)
    op = pick("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Equal", "Less", "Greater", "Neg", "Abs", "Sign", "Clip")
    if op in ("Div", "Mod"):
        b = np.where(b == 0, 1, b).astype(kind)
        if kind in (np.int8, np.int16):
            a = np.maximum(a, np.iinfo(kind).min + 1).astype(kind)
    if op == "Clip":
        low, high = sorted(random_bytes(kind, 2).tolist())
        return Case(op, [fed(a), const(kind(low)), const(kind(high))], opset=(13, 22))
    if op in ("Neg", "Abs", "Sign"):
        if op == "Neg":
            a = a.astype(pick(np.int8, np.int16)) if kind in (np.uint8, np.uint16) else a
        return Case(op, [fed(a)], opset=(13, 22))
    return Case(op, [fed(a), pick(fed, const)(b)], opset=(14, 22), fmod=maybe(1) if op == "Mod" else None)


@generator
def Casts():
    kinds = {np.float32: 1, np.uint8: 2, np.int8: 3, np.int32: 6, np.int64: 7, np.bool_: 9, np.float64: 11, np.float16: 10}
    a, b = pick(*kinds), pick(*kinds)
    x = real(*shape_of(few(1, 3)), scale=20)
    if a in (np.uint8, np.bool_) or b in (np.uint8,):
        x = np.abs(x)
    x = (x > 1) if a is np.bool_ else x.astype(a)
    return Case("Cast", [fed(x)], opset=(13, 22), to=kinds[b])


@generator
def Clip():
    x = real(*shape_of(few(1, 3)))
    return Case("Clip", [fed(x), maybe(const(np.float32(-0.5))), maybe(const(np.float32(pick(0.7, 0.0))))], opset=(11, 22))


@generator
def Flags():
    x = real(*shape_of(few(1, 3)))
    x[rng.random(x.shape) < 0.3] = pick(np.inf, -np.inf, np.nan)
    if rng.random() < 0.5:
        return Case("IsNaN", [fed(x)], opset=(13, 22))
    return Case("IsInf", [fed(x)], opset=(10, 22), detect_negative=maybe(few(0, 1)), detect_positive=maybe(few(0, 1)))


@generator
def Losses():
    n, c = few(1, 4), few(2, 5)
    rest = shape_of(few(0, 2), 3)
    labels = whole(0, c, n, *rest)
    weights = [const(np.abs(real(c)) + np.float32(0.1))] if rng.random() < 0.5 else []
    reduction, ignore = maybe(pick("mean", "sum", "none"), 0.8), maybe(pick(0, -1), 0.5)
    if ignore == -1:
        labels = np.where(rng.random(labels.shape) < 0.3, -1, labels)
        labels.flat[0] = 0
    elif ignore == 0:
        labels.flat[0] = 1
    x = real(n, c, *rest)
    if rng.random() < 0.5:
        return Case("SoftmaxCrossEntropyLoss", [fed(x), fed(labels)] + weights, outputs=few(1, 2), opset=(13, 22), reduction=reduction, ignore_index=ignore)
    return Case("NegativeLogLikelihoodLoss", [fed(x - np.float32(5)), fed(labels)] + weights, opset=(13, 22), reduction=reduction, ignore_index=ignore)


# ---- the whole -------------------------------------------------------------------------------------------------------


def model_of(case, open_sizes):
    inputs, values, tensors = [], [], []
    for i, x in enumerate(case.inputs):
        if x is None:
            inputs.append("")
            continue
        how, a = x
        name = f"x{i}"
        inputs.append(name)
        if how == "const":
            tensors.append(numpy_helper.from_array(a, name))
        else:
            shape = [f"{name}_{k}" if open_sizes else d for k, d in enumerate(a.shape)]
            values.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), shape))
    while inputs and not inputs[-1]:
        inputs.pop()
    node = helper.make_node(case.op, inputs, case.outputs, name=case.op, **case.attrs)
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info(o, TensorProto.UNDEFINED, None) for o in case.outputs], tensors)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=min(10, 3 + case.opset // 2))
    m = onnx.shape_inference.infer_shapes(m)
    known = {v.name: v for v in m.graph.value_info}
    for k, o in enumerate(m.graph.output):
        if o.name in known and not o.type.tensor_type.elem_type:
            m.graph.output[k].CopyFrom(known[o.name])
    return m


def near(a, b):
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-5 * max(1e-3, float(np.max(np.abs(b[np.isfinite(b)]), initial=0))), equal_nan=True))


def computed(m, feed):
    """What onnxruntime and the reference compute; None where one cannot."""
    try:
        theirs = onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)
    except Exception:
        theirs = None
    try:
        reference = [np.asarray(a) for a in onnx.reference.ReferenceEvaluator(m).run(None, feed)]
    except Exception:
        reference = None
    return theirs, reference


def typed(m, outputs):
    for v, a in zip(m.graph.output, outputs):
        if not v.type.tensor_type.elem_type:
            v.CopyFrom(helper.make_tensor_value_info(v.name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape))


def write(folder, m, feed, outputs):
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    onnx.save(m, os.path.join(folder, "model.onnx"))
    for kind, arrays in (("input", feed.values()), ("output", outputs)):
        for i, a in enumerate(arrays):
            with open(os.path.join(data, f"{kind}_{i}.pb"), "wb") as f:
                f.write(numpy_helper.from_array(np.asarray(a)).SerializeToString())


def reference_is_wrong(case):
    """Judged by the text of ONNX: the reference takes old opsets for new ones, a length of channels for their number, etc."""
    old = {"Softmax": 13, "LogSoftmax": 13, "Hardmax": 13, "BatchNormalization": 14}
    return case.opset < old.get(case.op, 0) or case.op in ("LRN", "LpNormalization", "GlobalMaxPool", "QLinearConv")


KEPT = [("Softmax", 3), ("Softmax", 5), ("Softmax", 6), ("BatchNormalization", 4), ("QuantizeLinear", 4), ("QLinearConv", 9), ("QLinearMatMul", 3), ("LargerProducts", 48),
        ("GlobalPools", 1), ("Reductions", 0, 5)]


def main():
    global rng
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=30, help="of each operator")
    arguments.add_argument("--only", action="append")
    arguments.add_argument("--kept", action="store_true")
    args = arguments.parse_args()
    onnxruntime.set_default_logger_severity(4)
    counts = {"written": 0, "disputed": 0, "by nobody": 0}
    for name, make in generators.items():
        if args.only and name not in args.only:
            continue
        for i, seed in [(k[1], (*k, 1)[2]) for k in KEPT if k[0] == name] if args.kept else [(i, args.seed) for i in range(args.count)]:
            rng = np.random.default_rng([seed, zlib.crc32(name.encode()), i])
            case = make()
            if case is None:
                continue
            try:
                m = model_of(case, rng.random() < 0.5)
                onnx.checker.check_model(m)
            except Exception:
                counts["by nobody"] += 1
                continue
            feed = {f"x{k}": x[1] for k, x in enumerate(case.inputs) if x is not None and x[0] == "fed"}
            theirs, reference = computed(m, feed)
            outputs = theirs if theirs is not None else reference
            if outputs is None or any(not a.size for a in outputs):
                counts["by nobody"] += 1
                continue
            agree = theirs is None or reference is None or reference_is_wrong(case) or all(near(a, b) for a, b in zip(theirs, reference))
            typed(m, outputs)
            kind = "written" if agree else "disputed"
            counts[kind] += 1
            write(os.path.join(args.folder, "agreed" if agree else "disputed", f"{case.op.lower()}_{case.opset}_{name}_{seed}_{i}"), m, feed, outputs)
            if not agree:
                write(os.path.join(args.folder, "disputed", f"{case.op.lower()}_{case.opset}_{name}_{seed}_{i}_reference"), m, feed, reference)
    print(counts)


main()
