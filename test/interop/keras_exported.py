#!/usr/bin/env python3
"""Networks that Keras exports as ONNX, computed by engram (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install tensorflow-cpu tf2onnx onnx onnxruntime numpy
    venv/bin/python test/interop/keras_exported.py build/engram [--only NAME] [--opset N] [--keep FOLDER]

Each network is written by Keras (which calls tf2onnx), and computed by engram for several sizes of batches, and of what
else is open. What comes out must be what Keras itself computes, to 1e-5 of the largest number; where onnxruntime
computes something else than Keras with the same file, engram must agree with onnxruntime. What cannot be exported is
told as such. Exit code 1 where engram differs or refuses, 77 where the packages are not there.
"""
import argparse, os, sys, tempfile, warnings

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0")
warnings.simplefilter("ignore")
try:
    import keras
    import numpy as np
    import onnxruntime
    import tf2onnx
    from keras import layers as L
    from runs import engram_runs, largest
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install tensorflow-cpu tf2onnx onnx onnxruntime numpy")
    sys.exit(77)

NEAR = 1e-5
BATCHES = (3, 1, 8)
LONG = (9, 4, 13)  # of what is open beside the batch


def of(*layers, shape, dtype="float32"):
    return lambda: keras.Sequential([keras.Input(shape, dtype=dtype), *(make() for make in layers)])


def block(x, filters, stride):
    y = L.BatchNormalization()(L.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x))
    y = L.BatchNormalization()(L.Conv2D(filters, 3, padding="same", use_bias=False)(L.ReLU()(y)))
    return L.ReLU()(L.add([y, x if stride == 1 else L.Conv2D(filters, 1, stride)(x)]))


def resnet():
    x = keras.Input((16, 12, 3))
    y = L.MaxPooling2D(3, 2, padding="same")(L.Conv2D(8, 5, padding="same", activation="relu")(x))
    return keras.Model(x, L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(block(block(y, 8, 1), 16, 2))))


def mobilenet():
    x = keras.Input((None, None, 3))
    y = L.Conv2D(8, 3, 2, padding="same", activation="hard_sigmoid")(x)
    y = L.BatchNormalization()(L.DepthwiseConv2D(3, 2, padding="same", depth_multiplier=2)(y))
    gate = L.Conv2D(16, 1, activation="sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(L.ReLU(6.0)(y)))
    return keras.Model(x, L.SeparableConv2D(5, 3, padding="same")(L.multiply([y, gate])))


def unet():
    x = keras.Input((16, 8, 3))
    a = L.Conv2D(6, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(8, 3, padding="same", activation="elu")(L.AveragePooling2D(2)(a))
    ways = [a, L.Conv2DTranspose(4, 3, 2, padding="same")(b), L.UpSampling2D(interpolation="bilinear")(b), L.UpSampling2D()(b)]
    return keras.Model(x, L.Conv2D(2, 1, activation="sigmoid")(L.concatenate(ways)))


def states():
    x = keras.Input((6, 3))
    y, h, c = L.LSTM(5, return_sequences=True, return_state=True)(x)
    return keras.Model(x, [L.GRU(4)(y), h, c])


def attention():
    x = keras.Input((None, 8))
    return keras.Model(x, L.LayerNormalization()(L.add([x, L.MultiHeadAttention(2, 4)(x, x)])))


def lines():
    """Columns of pictures as steps."""
    x = keras.Input((16, 20, 1))
    y = L.MaxPooling2D((2, 1))(L.Conv2D(6, 3, padding="same", activation="relu")(x))
    y = L.Reshape((20, 48))(L.Permute((2, 1, 3))(y))
    return keras.Model(x, L.Dense(7, activation="softmax")(L.Bidirectional(L.LSTM(5, return_sequences=True))(y)))


NETWORKS = {
    "dense": of(lambda: L.Dense(6, activation="gelu"), lambda: L.Dense(3), shape=(5,)),
    "convolution": of(lambda: L.Conv2D(4, 3, 2, padding="same", activation="relu"), lambda: L.MaxPooling2D(2), L.Flatten, lambda: L.Dense(5), shape=(11, 12, 3)),
    "resnet": resnet,
    "mobilenet": mobilenet,
    "unet": unet,
    "volumes": of(lambda: L.Conv3D(4, 3, activation="relu"), lambda: L.MaxPooling3D(2), L.GlobalMaxPooling3D, shape=(8, 9, 7, 2)),
    "causal": of(lambda: L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="tanh"), lambda: L.Conv1D(4, 1), shape=(None, 3)),
    "lstm": of(lambda: L.LSTM(4, return_sequences=True), shape=(7, 3)),
    "lstm, open": of(lambda: L.LSTM(4), shape=(None, 3)),
    "lstm, stack": of(lambda: L.LSTM(6, return_sequences=True), lambda: L.LSTM(5, return_sequences=True), lambda: L.Dense(2), shape=(None, 3)),
    "gru": of(lambda: L.GRU(4, return_sequences=True), shape=(7, 3)),
    "gru, before": of(lambda: L.GRU(4, reset_after=False, return_sequences=True), shape=(7, 3)),
    "gru, open": of(lambda: L.GRU(4), shape=(None, 3)),
    "gru, unrolled": of(lambda: L.GRU(4, unroll=True), shape=(5, 3)),
    "rnn": of(lambda: L.SimpleRNN(4, return_sequences=True), shape=(7, 3)),
    "rnn, backwards": of(lambda: L.SimpleRNN(4, activation="relu", go_backwards=True), shape=(7, 3)),
    "bidirectional lstm": of(lambda: L.Bidirectional(L.LSTM(4, return_sequences=True)), lambda: L.Bidirectional(L.LSTM(3)), shape=(None, 3)),
    "bidirectional gru": of(lambda: L.Bidirectional(L.GRU(4, return_sequences=True)), lambda: L.Bidirectional(L.GRU(3)), shape=(6, 3)),
    "states": states,
    "words": of(lambda: L.Embedding(20, 5), lambda: L.LSTM(4), lambda: L.Dense(3, activation="softmax"), shape=(None,), dtype="int32"),
    "masked words": of(lambda: L.Embedding(20, 5, mask_zero=True), lambda: L.LSTM(4), shape=(6,), dtype="int32"),
    "films": of(lambda: L.TimeDistributed(L.Conv2D(3, 3, activation="relu")), lambda: L.TimeDistributed(L.GlobalMaxPooling2D()), lambda: L.LSTM(4), shape=(4, 8, 8, 2)),
    "pictures by convlstm": of(lambda: L.ConvLSTM2D(3, 3, padding="same"), shape=(4, 6, 5, 2)),
    "signals": of(lambda: L.Conv1D(6, 5, 2, padding="same", activation="relu"), lambda: L.LSTM(4, return_sequences=True), L.GlobalAveragePooling1D, shape=(24, 3)),
    "lines": lines,
    "attention": attention,
}


def written(net, opset, path):
    """By Keras; a message where that fails."""
    try:
        net.export(path, format="onnx", opset_version=opset, verbose=False)
    except Exception as e:
        return "not exported: " + (str(e).strip().splitlines() or [type(e).__name__])[0][:160]
    return None


def compare(name, opset, path):
    """A line about it; and whether engram is at fault."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    net = NETWORKS[name]()

    def drawn(i):
        shape = [BATCHES[i], *(d or LONG[i] for d in net.input_shape[1:])]
        return rng.integers(0, 20, shape).astype(np.int32) if net.inputs[0].dtype == "int32" else rng.standard_normal(shape).astype(np.float32)

    for layer in net.layers:
        if isinstance(layer, L.BatchNormalization):
            mean, variance = layer.moving_mean, layer.moving_variance
            mean.assign(rng.standard_normal(mean.shape)), variance.assign(rng.uniform(0.5, 2, variance.shape))
    net(drawn(0))
    if (told := written(net, opset, path)):
        return told, False
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as e:
        return "not exported: onnxruntime takes the file for invalid: " + " ".join(str(e).split())[-160:], False
    out = [o.name for o in session.get_outputs()]
    worst = against = 0.0
    for i in range(len(BATCHES)):
        x = drawn(i)
        theirs = [np.asarray(y) for y in (lambda y: y if isinstance(y, (list, tuple)) else [y])(net(x))]
        arrays = {session.get_inputs()[0].name: x}
        others = session.run(out, arrays)
        try:
            ours = engram_runs(engram, path, arrays)
        except RuntimeError as e:
            return f"{x.shape}: REFUSED: {e}", True
        ours = [ours[o if o in ours else o.replace("/", "_")] for o in out]
        worst = max([worst, *(largest(a, b) for a, b in zip(ours, others))])
        against = max([against, *(largest(a, b) for a, b in zip(ours, theirs))])
    fault = not worst <= NEAR and not against <= NEAR
    told = f"{worst:.1e}" + (f" of onnxruntime, {against:.1e} of Keras" if max(worst, against) > NEAR else "")
    return told + (" DIFFERS" if fault else ""), fault


arguments = argparse.ArgumentParser()
arguments.add_argument("engram")
arguments.add_argument("--only", action="append", choices=NETWORKS)
arguments.add_argument("--opset", type=int, default=15)
arguments.add_argument("--keep", help="a folder for the files")
args = arguments.parse_args()
engram = os.path.realpath(args.engram)
onnxruntime.set_default_logger_severity(4)
counts = {"same": 0, "fault": 0, "not exported": 0}
for name in args.only or NETWORKS:
    with tempfile.TemporaryDirectory() as folder:
        told, fault = compare(name, args.opset, f"{args.keep or folder}/{name.replace(', ', '-').replace(' ', '-')}.onnx")
    counts["fault" if fault else "not exported" if told.startswith("not exported") else "same"] += 1
    print(f"{name}, opset {args.opset}: {told}", flush=True)
print(f"{counts['same']} passed, {counts['fault']} failed, {counts['not exported']} skipped: Keras does not write them")
sys.exit(counts["fault"] > 0)
