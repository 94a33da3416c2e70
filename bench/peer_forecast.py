#!/usr/bin/env python3
"""neuralforecast (PyPI, PyTorch underneath) beside engram: the same small network, trained on the same windows of one series.

    python3 -m venv venv && venv/bin/pip install neuralforecast
    venv/bin/python bench/peer_forecast.py build/engram pollution.csv [--rounds 3] [--epochs 4] [--hidden 32] [--cell gru]

The dust in the air of Beijing and four columns of weather, gaps filled with the value before them; a GRU or LSTM of 32 units sees 24 hours and
says the next one. Trained on 2010 to 2013: squared error, Adam at 2e-3, batches of 64 windows, as many updates as the epochs take (of
neuralforecast windows are drawn at random); columns have mean 0 and deviation 1 of these years; nothing is kept aside to validate. Then every
hour of 2014 is forecast from the true values before it. One thread each, in turn; processor seconds and seconds by the clock of the training
alone (neuralforecast: `fit`, in a process that has everything loaded; engram: the whole process `engram train`, reading included), and the mean
absolute error over 2014. engram forecasts the change from the last value, as it does if nothing is said. One JSON object a round and program."""
import argparse, json, logging, os, resource, subprocess, sys, tempfile, time, warnings

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", RAY_DISABLE_IMPORT_WARNING="1")
warnings.simplefilter("ignore")
import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MSE
from neuralforecast.models import GRU, LSTM

logging.disable(logging.WARNING)
torch.set_num_threads(1)
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("engram")
ap.add_argument("table")
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--epochs", type=int, default=4)
ap.add_argument("--hidden", type=int, default=32)
ap.add_argument("--cell", choices=["gru", "lstm"], default="gru")
a = ap.parse_args()
PAST, BATCH, RATE = 24, 64, 2e-3
seen = ["DEWP", "TEMP", "PRES", "Iws"]

raw = pd.read_csv(a.table)
table = pd.DataFrame({"ds": pd.to_datetime(raw[["year", "month", "day", "hour"]]), "y": raw["pm2.5"].astype(float)})
for c in seen:
    table[c] = raw[c].astype(float)
table = table.ffill().dropna().reset_index(drop=True)
cut = int((table["ds"] < "2014-01-01").sum())
steps = a.epochs * ((cut - PAST + BATCH - 1) // BATCH)
work = tempfile.mkdtemp()
path = os.path.join(work, "filled.csv")
table.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M")
truth = table["y"].to_numpy()[cut:]


def report(program, round_, processor, wall, mae, parameters):
    print(json.dumps({"program": program, "round": round_, "cell": a.cell, "hidden": a.hidden, "updates": steps, "batch": BATCH, "parameters": parameters,
                      "processor_s": round(processor, 2), "wall_s": round(wall, 2), "mae": round(mae, 3)}), flush=True)


def theirs(round_):
    cell = {"gru": GRU, "lstm": LSTM}[a.cell]
    model = cell(h=1, input_size=PAST, encoder_n_layers=1, encoder_hidden_size=a.hidden, encoder_dropout=0.0, decoder_layers=1, decoder_hidden_size=a.hidden,
                 recurrent=False, hist_exog_list=seen, loss=MSE(), learning_rate=RATE, max_steps=steps, num_lr_decays=-1, batch_size=1, windows_batch_size=BATCH,
                 scaler_type="identity", random_seed=round_, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
                 enable_checkpointing=False, enable_model_summary=False, inference_windows_batch_size=1024)
    nf = NeuralForecast(models=[model], freq="h")
    columns = ["y"] + seen
    mean, deviation = table[columns].iloc[:cut].mean(), table[columns].iloc[:cut].std()
    long = ((table[columns] - mean) / deviation).assign(unique_id="pm2.5", ds=table["ds"])
    processor, wall = time.process_time(), time.perf_counter()
    nf.fit(long.iloc[:cut])
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    # the trained network on every hour of 2014: windows of the whole table, nothing is fitted
    said = nf.models[0]
    said.eval()
    values = torch.tensor(long[columns].to_numpy(), dtype=torch.float32)
    windows = values.unfold(0, PAST, 1)[cut - PAST : cut - PAST + len(truth)].transpose(1, 2)
    with torch.no_grad():
        out = said({"insample_y": windows[:, :, :1], "hist_exog": windows[:, :, 1:], "futr_exog": None, "stat_exog": None}).reshape(-1)
    forecast = out.numpy() * deviation["y"] + mean["y"]
    report("neuralforecast", round_, processor, wall, float(np.abs(forecast - truth).mean()), sum(p.numel() for p in said.parameters()))


def ours(round_):
    recipe, model = os.path.join(work, "net.yaml"), os.path.join(work, "net.safetensors")
    with open(recipe, "w") as f:
        f.write(f"""name: net
task: forecast
data: {{source: windows, table: '{path}', time: [ds], target: y, columns: [y, {', '.join(seen)}], past: {PAST}, horizon: 1, validation: 0, test_from: "2014"}}
input: [time, 5]
model: [{a.cell}: {a.hidden}, last, linear: 1]
train: {{loss: mse, optimizer: {{adam: {{lr: {RATE}}}}}, batch: {BATCH}, epochs: {a.epochs}, seed: {round_}}}
""")
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([a.engram, "train", recipe, "-q", "--threads", "1", "-o", model], check=True)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = json.loads(subprocess.run([a.engram, "eval", model, "--threads", "1", "--json"], check=True, capture_output=True, text=True).stdout)
    parameters = {"gru": 3, "lstm": 4}[a.cell] * a.hidden * (5 + a.hidden + 1) + (a.hidden if a.cell == "gru" else 0) + a.hidden + 1
    report("engram", round_, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, find(answer, "mae"), parameters)


def find(tree, key):
    """The first number of that name, wherever it stands."""
    if isinstance(tree, dict):
        if isinstance(tree.get(key), (int, float)):
            return tree[key]
        tree = list(tree.values())
    for one in tree if isinstance(tree, list) else []:
        found = find(one, key)
        if found is not None:
            return found
    return None


for r in range(1, a.rounds + 1):
    ours(r)
    theirs(r)
