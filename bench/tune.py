#!/usr/bin/env python3
"""Samplers of `engram tune` beside those of Optuna, on tables of measured configurations.

    bench/tune.py measure NAME --engram build/engram [--count 400]
    bench/tune.py compare NAME... --samplers build/bench/samplers [--runs 100] [--trials 40]

`measure` trains random configurations of the space NAME (below; its recipe is bench/tune/NAME.yaml), one thread each, and
writes them to bench/tune/NAME.jsonl, which is a journal as `engram tune` keeps it: `values` are those after each epoch. It
goes on with a table that is there.

`compare` searches the tables, which costs nothing, so that a hundred searches of each sampler tell a median. What a sampler
proposes is mapped to the nearest configuration that this search has not used yet (every key from 0 to 1, another choice is 1
away), and it is told that configuration and its value: bench/samplers.c does so for ours, and `nearest` below for Optuna's
(pip install optuna), which has no say in which proposals were mapped where.
"""
import argparse, json, math, os, random, statistics, subprocess, sys, tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tune")

# path: (kind, from, to) or (kind, choices). Kinds: log, linear, int, log-int, choice.
SPACES = {
	"adding": {
		"metric": "mse", "maximise": False,
		"keys": {
			"train.lr": ("log", 1e-4, 1e-1),
			"train.optimizer": ("choice", ["adam", "rmsprop", "sgd"]),
			"train.batch": ("choice", [16, 32, 64, 128]),
			"train.clip_norm": ("log", 0.1, 10),
			"model.0.lstm.hidden": ("log-int", 4, 64),
			"model.0.lstm.forget_bias": ("linear", 0, 3),
		}},
	"intent": {
		"metric": "accuracy", "maximise": True,
		"keys": {
			"train.lr": ("log", 1e-4, 1e-1),
			"train.optimizer.adamw.weight_decay": ("log", 1e-3, 3),
			"train.batch": ("choice", [16, 32, 64, 128]),
			"model.0.embedding.size": ("log-int", 16, 512),
			"model.0.embedding.init_value": ("log", 0.01, 1),
			"model.1.dropout": ("linear", 0, 0.8),
		}},
	"fashion": {
		"metric": "accuracy", "maximise": True,
		"keys": {
			"train.lr": ("log", 1e-4, 1e-1),
			"train.optimizer.adamw.weight_decay": ("log", 1e-4, 1),
			"train.batch": ("choice", [16, 32, 64, 128]),
			"model.0.conv.filters": ("log-int", 2, 16),
			"model.3.conv.filters": ("log-int", 4, 32),
			"model.7.dropout": ("linear", 0, 0.7),
		}},
}


def draw(space, rng):
	settings = {}
	for path, key in space["keys"].items():
		kind = key[0]
		if kind == "choice":
			settings[path] = rng.choice(key[1])
			continue
		u = rng.random()
		lo, hi = key[1:]
		if kind == "log":
			v = math.exp(math.log(lo) + u * math.log(hi / lo))
		elif kind == "linear":
			v = lo + u * (hi - lo)
		else:  # whole numbers: each has its share of the logarithm
			v = min(hi, int(math.exp(math.log(lo) + u * math.log((hi + 1) / lo))))
		settings[path] = v if isinstance(v, int) else float("%.4g" % v)
	return settings


def table_of(name):
	path = os.path.join(HERE, name + ".jsonl")
	return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def train(engram, name, space, settings, folder):
	sets = [part for path, value in settings.items() for part in ("--set", "%s=%s" % (path, value))]
	run = subprocess.run([engram, "train", os.path.join(HERE, name + ".yaml"), "--json", "--threads", "1", "-o",
		os.path.join(folder, "model.safetensors")] + sets, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
	values = []
	for line in run.stdout.splitlines():
		value = json.loads(line).get("val_" + space["metric"])
		if value is not None:
			values.append(float("%.6g" % value))
	return values, run.returncode == 0 and bool(values)


def described(space):
	"""The space as the first line of a journal has it."""
	keys = {}
	for path, key in space["keys"].items():
		if key[0] == "choice":
			keys[path] = {"choices": key[1]}
			continue
		keys[path] = {"range": list(key[1:])}
		if key[0].startswith("log"):
			keys[path]["log"] = True
		if key[0].endswith("int"):
			keys[path]["integer"] = True
	return {"metric": space["metric"], "lower_is_better": not space["maximise"], "space": keys}


def measure(args):
	name = args.names[0]
	space, done = SPACES[name], table_of(name)
	rng = random.Random(name)
	best = max if space["maximise"] else min
	with tempfile.TemporaryDirectory() as folder, open(os.path.join(HERE, name + ".jsonl"), "a") as out:
		for trial in range(args.count):
			settings = draw(space, rng)
			if trial < len(done):
				if done[trial]["settings"] != settings:
					sys.exit("trial %d of the table has other settings than are drawn now" % trial)
				continue
			values, ok = train(args.engram, name, space, settings, folder)
			line = {"trial": trial, "settings": settings, "budget": len(values), "value": best(values) if ok else None,
				"state": "done" if ok else "failed", "values": values}
			if trial == 0:
				line["search"] = described(space)
			out.write(json.dumps(line) + "\n")
			out.flush()


def to_unit(key, value):
	if key[0] == "choice":
		return key[1].index(value)
	low, high = key[1:]
	if key[0].endswith("int"):
		low, high = max(low - 0.5, low / 2) if key[0] == "log-int" else low - 0.5, high + 0.5
	if key[0].startswith("log"):
		low, high, value = math.log(low), math.log(high), math.log(value)
	return min(1, max(0, (value - low) / (high - low)))


def nearest(space, rows, used, settings):
	keys = list(space["keys"].items())
	at = [to_unit(key, settings[path]) for path, key in keys]
	best, least = None, math.inf
	for i, row in enumerate(rows):
		if i in used:
			continue
		d = sum((a != b) if key[0] == "choice" else (a - b) ** 2 for (path, key), a, b in zip(keys, at, row["unit"]))
		if d < least:
			best, least = i, d
	used.add(best)
	return best


def optuna_search(optuna, space, rows, sampler, trials):
	"""Best value after each trial. Proposals are failed, which samplers pass over; their configurations are added."""
	distributions = {}
	for path, key in space["keys"].items():
		if key[0] == "choice":
			distributions[path] = optuna.distributions.CategoricalDistribution(key[1])
		elif key[0].endswith("int"):
			distributions[path] = optuna.distributions.IntDistribution(key[1], key[2], log=key[0] == "log-int")
		else:
			distributions[path] = optuna.distributions.FloatDistribution(key[1], key[2], log=key[0] == "log")
	study = optuna.create_study(sampler=sampler, direction="maximize" if space["maximise"] else "minimize")
	used, best = set(), []
	for _ in range(trials):
		asked = study.ask(distributions)
		study.tell(asked, state=optuna.trial.TrialState.FAIL)
		row = rows[nearest(space, rows, used, asked.params)]
		if row["value"] is None:
			best.append(best[-1] if best else None)
			continue
		study.add_trial(optuna.trial.create_trial(params=row["settings"], distributions=distributions, value=row["value"]))
		better = max if space["maximise"] else min
		best.append(better(best[-1], row["value"]) if best and best[-1] is not None else row["value"])
	return best


def middle(runs):
	"""The median over runs of the best value so far, a run without one counting last."""
	return [statistics.median(x for x in column if x is not None) for column in zip(*runs)]


def compare(args):
	import optuna
	optuna.logging.set_verbosity(optuna.logging.ERROR)
	import warnings
	warnings.filterwarnings("ignore")
	samplers = {
		"random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
		"tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
		"tpe, keys one by one": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
	}
	for name in args.names:
		space, rows = SPACES[name], table_of(name)
		for row in rows:
			row["unit"] = [to_unit(key, row["settings"][path]) for path, key in space["keys"].items()]
		values = sorted((row["value"] for row in rows if row["value"] is not None), reverse=space["maximise"])
		print(json.dumps({"table": name, "configurations": len(rows), "best": values[:3], "median": values[len(values) // 2]}))
		for halving in args.halving:
			lines = subprocess.run([args.samplers, os.path.join(HERE, name + ".jsonl"), "--runs", str(args.runs), "--trials",
				str(args.trials), "--halving", str(halving)], stdout=subprocess.PIPE, text=True, check=True).stdout
			for line in lines.splitlines():
				show(name, "engram " + json.loads(line)["sampler"], json.loads(line)["median_best"], values, space,
					halving=halving, epochs_share=json.loads(line)["epochs_share"])
		for label in args.optuna:
			make = samplers[label]
			label = "optuna " + label
			runs = [optuna_search(optuna, space, rows, make(seed + 1), args.trials) for seed in range(args.runs)]
			show(name, label, middle(runs), values, space, halving=0, epochs_share=1)


def show(name, label, median, values, space, **more):
	"""With the place of the median among all values of the table, from 1 (the best)."""
	place = sum((v > median[-1]) if space["maximise"] else (v < median[-1]) for v in values) + 1
	print(json.dumps({"table": name, "sampler": label, "median_best": {str(n): median[n - 1] for n in (10, 20, 40, 60, 80) if n <= len(median)},
		"place": place, **more}), flush=True)


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	verbs = parser.add_subparsers(required=True)
	p = verbs.add_parser("measure")
	p.add_argument("names", nargs=1, choices=SPACES)
	p.add_argument("--engram", default="build/engram")
	p.add_argument("--count", type=int, default=400)
	p.set_defaults(run=measure)
	p = verbs.add_parser("compare")
	p.add_argument("names", nargs="+", choices=SPACES)
	p.add_argument("--samplers", default="build/bench/samplers")
	p.add_argument("--runs", type=int, default=100)
	p.add_argument("--trials", type=int, default=40)
	p.add_argument("--halving", type=int, nargs="*", default=[0, 3], help="of ours; 0: none")
	p.add_argument("--optuna", nargs="*", default=["random", "tpe", "tpe, keys one by one"])
	p.set_defaults(run=compare)
	args = parser.parse_args()
	args.run(args)


if __name__ == "__main__":
	main()
