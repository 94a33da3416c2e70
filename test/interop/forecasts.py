#!/usr/bin/env python3
"""Compares engram forecast with statsmodels (PyPI; not part of `make test`):

    python3 -m venv venv && venv/bin/pip install statsmodels pandas
    venv/bin/python test/interop/forecasts.py build/engram FOLDER     FOLDER holds airline-passengers.csv and so on

For each of some 20 series: log-likelihood not lower by more than 1e-4, forecasts and standard errors within 1e-3; then the
best AICc among all orders up to p, q = 2 and P, Q = 1 (--orders; many minutes). Exit code 1 where one of them fails.
"""
import json, os, subprocess, sys, tempfile, warnings

import numpy as np
import pandas as pd
from statsmodels.tsa.arima_process import arma_generate_sample
from statsmodels.tsa.statespace.sarimax import SARIMAX

warnings.simplefilter("ignore")
engram, folder = sys.argv[1], sys.argv[2]
H = 12
work = tempfile.mkdtemp()


def column(name, which):
    return pd.read_csv(os.path.join(folder, name))[which].to_numpy(dtype=float)


def simulated(seed, ar, ma, n, d=0, s=0, sma=0.0, mean=0.0, gaps=0):
    rng = np.random.default_rng(seed)
    e = arma_generate_sample(np.r_[1, -np.array(ar)], np.r_[1, np.array(ma)], n, distrvs=rng.standard_normal, burnin=200)
    if s:
        x = e.copy()
        x[s:] += sma * e[:-s]
        for t in range(s, n):
            x[t] += x[t - s]
        e = x
    for _ in range(d):
        e = np.cumsum(e)
    e = e + mean
    e[rng.permutation(n - 40)[:gaps] + 20] = np.nan
    return e


def engram_json(y, spec, *more):
    path = os.path.join(work, "y.csv")
    with open(path, "w") as f:
        f.write("y\n" + "".join("NA\n" if np.isnan(v) else f"{v:.17g}\n" for v in y))
    out = subprocess.run([engram, "forecast", path, "--json", "--origins", "1", "--horizon", str(H), "--model", spec, *more],
                         capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(out.stderr)
    return json.loads(out.stdout)


def of(answer, name):
    return next(m for m in answer["models"] if m["name"] == name)


def theirs(y, order, seasonal, constant, ours):
    """The better of two beginnings, their own and our coefficients. Where values are missing and differenced: the filter
    with differences in its state, whose first values are left out."""
    gaps = np.isnan(y).any() and order[1] + seasonal[1] > 0
    exog = None
    if constant:
        exog = np.ones(len(y)) if order[1] + seasonal[1] == 0 else np.arange(len(y), dtype=float)
    options = dict(initial_variance=1e7) if gaps else {}
    model = SARIMAX(y, order=order, seasonal_order=seasonal, exog=exog, simple_differencing=not gaps, **options)
    best = 0.0
    for start in (None, ours):
        try:
            best = max(best or -np.inf, model.fit(disp=0, maxiter=500, start_params=start).llf)
        except Exception as e:  # coefficients on their border
            print("   ", e)
    return best


def forecasts(y, order, seasonal, constant, params):
    """Of the undifferenced series: the filter with differences in its state, and our coefficients."""
    exog = future = None
    if constant:
        n = len(y)
        exog = np.ones(n) if order[1] + seasonal[1] == 0 else np.arange(n, dtype=float)
        future = np.ones(H) if order[1] + seasonal[1] == 0 else np.arange(n, n + H, dtype=float)
    # the variance that stands for "not known" has to be large beside the values
    model = SARIMAX(y, order=order, seasonal_order=seasonal, exog=exog, initial_variance=1e4 * max(100, np.nanvar(y)))
    f = model.smooth(params).get_forecast(H, exog=future)
    return np.asarray(f.predicted_mean), np.asarray(f.se_mean)


N = (0, 0, 0, 0)
A = np.log(column("airline-passengers.csv", "Passengers"))
pm = pd.read_csv(os.path.join(folder, "pollution.csv"))
cases = [
    ("airline, logs", A, (0, 1, 1), (0, 1, 1, 12), False),
    ("airline, logs, 2 0 0", A, (2, 0, 0), (0, 1, 1, 12), True),
    ("airline", np.exp(A), (2, 1, 1), (0, 1, 0, 12), False),
    ("sunspots", column("monthly-sunspots.csv", "Sunspots")[-600:], (2, 1, 2), N, False),
    ("sunspots, AR", column("monthly-sunspots.csv", "Sunspots")[-600:], (9, 0, 0), N, True),
    ("temperatures", column("daily-min-temperatures.csv", "Temp")[-730:], (2, 0, 1), N, True),
    ("births", column("daily-total-female-births.csv", "Births"), (1, 1, 1), N, False),
    ("car sales", column("monthly-car-sales.csv", "Sales"), (1, 1, 1), (0, 1, 1, 12), False),
    ("car sales, 1 0 0", column("monthly-car-sales.csv", "Sales"), (1, 0, 0), (1, 1, 0, 12), True),
    ("shampoo", column("shampoo.csv", "Sales"), (1, 1, 1), N, False),
    ("pm2.5, gaps", pm["pm2.5"].to_numpy(dtype=float)[500:1100], (2, 0, 1), N, True),
    ("pm2.5, gaps, season", pm["pm2.5"].to_numpy(dtype=float)[1000:1500], (1, 0, 0), (1, 0, 0, 24), True),
    ("temperature of pm2.5's table", pm["TEMP"].to_numpy(dtype=float)[:480], (1, 0, 1), (0, 1, 1, 24), False),
    ("dew point", pm["DEWP"].to_numpy(dtype=float)[3000:3600], (2, 1, 2), N, False),
    ("pressure", pm["PRES"].to_numpy(dtype=float)[:700], (2, 1, 1), N, False),
    ("simulated ARMA(2,1)", simulated(1, [0.5, 0.3], [0.4], 200, mean=7), (2, 0, 1), N, True),
    ("simulated MA(2)", simulated(2, [], [-0.6, 0.3], 150), (0, 0, 2), N, False),
    ("simulated ARIMA(1,1,1)", simulated(3, [0.7], [-0.4], 200, d=1), (1, 1, 1), N, False),
    ("simulated ARIMA(0,2,2)", simulated(4, [], [-0.5, 0.2], 180, d=2), (0, 2, 2), N, False),
    ("simulated, quarters", simulated(5, [0.4], [], 160, s=4, sma=-0.5), (1, 0, 0), (0, 1, 1, 4), False),
    ("simulated, gaps", simulated(6, [0.8], [0.3], 300, gaps=40), (1, 0, 1), N, False),
    ("simulated, differences and gaps", simulated(7, [0.5], [], 250, d=1, gaps=25), (1, 1, 0), N, False),
    ("simulated, drift", simulated(8, [0.3], [], 200, d=1, mean=0) + 0.5 * np.arange(200), (1, 1, 0), N, True),
]

failed = 0
print(f"{'series':34}{'model':28}{'log-likelihood':>16}{'theirs':>16}{'forecasts':>11}{'errors':>11}")
for name, y, order, seasonal, constant in cases:
    spec = "arima(%d,%d,%d)" % order + ("(%d,%d,%d)%d" % seasonal if any(seasonal[:3]) else "") + ("c" if constant else "")
    answer = engram_json(y, spec)
    m = of(answer, "arima")
    c = m["coefficients"]
    params = [c[k] for k in ("mean", "drift") if k in c] + [c[k] for p in ("ar", "ma") for k in c if k.startswith(p) and k[len(p):].isdigit()]
    params += [c[k] for p in ("sar", "sma") for k in c if k.startswith(p)] + [m["sigma2"]]
    best = theirs(y, order, seasonal, constant, params)
    mean, se = forecasts(y, order, seasonal, constant, params)
    f = m["forecast"]
    off_mean = np.max(np.abs(np.array(f["mean"]) - mean) / np.maximum(np.abs(mean), np.nanstd(y)))
    off_se = np.max(np.abs(np.array(f["deviation"]) / se - 1))
    ok = m["loglik"] > best - 1e-4 and off_mean < 1e-3 and off_se < 1e-3
    failed += not ok
    print(f"{name:34}{spec:28}{m['loglik']:16.5f}{best:16.5f}{off_mean:11.1e}{off_se:11.1e}{'' if ok else '  FAILED'}", flush=True)

if "--orders" in sys.argv:
    seen = set()
    for name, y, order, seasonal, _ in cases:
        d, D, s = order[1], seasonal[1], seasonal[3] or 1
        # a season of 24 takes statsmodels hours, and what it does with gaps that are differenced is another likelihood
        if s > 12 or (name.split(",")[0], len(y), d, D, s) in seen or (np.isnan(y).any() and d + D > 0):
            continue
        seen.add((name.split(",")[0], len(y), d, D, s))
        ours = of(engram_json(y, "arima", "--differences", str(d), "--seasonal-differences", str(D), "--period", str(s)), "arima")
        lowest = np.inf
        for i in range(9 if s == 1 else 36):
            order, seasonal = (i % 3, d, i // 3 % 3), (i // 9 % 2, D, i // 18, s) if s > 1 else N
            for constant in (False, True) if d + D < 2 else (False,):
                try:
                    exog = (np.ones(len(y)) if d + D == 0 else np.arange(len(y), dtype=float)) if constant else None
                    r = SARIMAX(y, order=order, seasonal_order=seasonal, exog=exog, simple_differencing=True).fit(disp=0, maxiter=200)
                    k, n = len(r.params), int(np.isfinite(y).sum()) - d - D * s  # theirs counts missing values too
                    lowest = min(lowest, r.aic + 2 * k * (k + 1) / (n - k - 1))
                except Exception:
                    pass
        ok = ours["aicc"] < lowest + 0.01
        failed += not ok
        print(f"{name:34}{ours['spec']:28}AICc {ours['aicc']:.4f}, their best {lowest:.4f}{'' if ok else '  FAILED'}", flush=True)
sys.exit(1 if failed else 0)
