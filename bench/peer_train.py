#!/usr/bin/env python3
"""PyTorch on the two whole programs of docs/benchmarks.md, trained as our recipes say: seconds to a wanted quality.

    peer_train.py lenet5   [--threads N] [--until 0.99] [--epochs E] [--batch B] [--lr LR] [--seed S] [--data FOLDER]
    peer_train.py charlstm [--threads N] [--until 1.55] [--epochs E] [--batch B] [--lr LR] [--seed S] [--data FOLDER]

lenet5:   the network of recipes/lenet5.yaml on all 60,000 digits of MNIST, Adam, cosine schedule; after each epoch the accuracy on the
          10,000 test digits. FOLDER/mnist holds the four IDX files, gzipped or not.
charlstm: recipes/char-lstm.yaml on tinyshakespeare: 32 streams in pieces of 96 characters, state carried, gradients cut to norm 1, dropout 0.3;
          after each epoch nats a character on the last tenth. FOLDER/text/tinyshakespeare.txt.

FOLDER is $ENGRAM_DATA when it is not given. Time counts from the first training step to the end of the judgement that reached the goal; loading of
Python, PyTorch and data is printed apart. One JSON object at the end."""
import time

started = time.perf_counter()
import argparse, gzip, json, math, os, sys
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("program", choices=["lenet5", "charlstm"])
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--until", type=float)
ap.add_argument("--epochs", type=int)
ap.add_argument("--batch", type=int)
ap.add_argument("--lr", type=float)
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--data", default=os.environ.get("ENGRAM_DATA"))
a = ap.parse_args()
if not a.data:
    sys.exit("peer_train.py: say where the data lies: --data FOLDER or ENGRAM_DATA")
torch.set_num_threads(a.threads)
torch.manual_seed(a.seed)
torch.set_flush_denormal(True)


def idx(name, offset, *shape):
    path = os.path.join(a.data, "mnist", name)
    raw = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=offset).reshape(-1, *shape).copy())


class LeNet(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


class CharLSTM(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.embed, self.lstm = nn.Embedding(classes, 64), nn.LSTM(64, 256, 2, dropout=0.3)
        self.drop, self.out = nn.Dropout(0.3), nn.Linear(256, classes)

    def forward(self, x, state=None):
        y, state = self.lstm(self.embed(x), state)
        return self.out(self.drop(y)), state


def lenet5():
    x, t = idx("train-images-idx3-ubyte", 16, 1, 28, 28), idx("train-labels-idx1-ubyte", 8).long()
    xt, tt = idx("t10k-images-idx3-ubyte", 16, 1, 28, 28), idx("t10k-labels-idx1-ubyte", 8).long()
    mean, std = x.float().div(255).mean(), x.float().div(255).std()
    x, xt = ((v.float() / 255 - mean) / std for v in (x, xt))
    model, batch = LeNet(), a.batch or 64

    def epoch(step):
        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            at = order[i:i + batch]
            step(F.cross_entropy(model(x[at]), t[at]))

    def judge():
        model.eval()
        with torch.inference_mode():
            right = sum(int((model(xt[i:i + 256]).argmax(1) == tt[i:i + 256]).sum()) for i in range(0, len(xt), 256))
        model.train()
        return right / len(xt)

    steps = (len(x) + batch - 1) // batch
    return model, epoch, judge, steps, a.lr or 2e-3, a.epochs or 12, a.until or 0.99, (lambda got, want: got >= want), None


def charlstm():
    text = open(os.path.join(a.data, "text", "tinyshakespeare.txt"), "rb").read()
    letters = sorted(set(text))
    ids = torch.tensor([letters.index(c) for c in text])
    cut = len(ids) - len(ids) // 10
    model, batch, length = CharLSTM(len(letters)), a.batch or 32, 96

    def pieces(part):
        rows = (len(part) - 1) // batch
        x, y = (part[o:o + rows * batch].view(batch, rows).t() for o in (0, 1))
        return [(x[i:i + length], y[i:i + length]) for i in range(0, rows, length)]

    def loss_of(x, y, state):
        out, state = model(x, state)
        return F.cross_entropy(out.flatten(0, 1), y.flatten()), state

    train, valid = pieces(ids[:cut]), pieces(ids[cut:])

    def epoch(step):
        state = None
        for x, y in train:
            loss, state = loss_of(x, y, state)
            step(loss)
            state = tuple(s.detach() for s in state)

    def judge():
        model.eval()
        total = n = 0
        state = None
        with torch.inference_mode():
            for x, y in valid:
                loss, state = loss_of(x, y, state)
                total, n = total + float(loss) * y.numel(), n + y.numel()
        model.train()
        return total / n

    return model, epoch, judge, len(train), a.lr or 3e-3, a.epochs or 16, a.until or 1.55, (lambda got, want: got <= want), 1.0


model, epoch, judge, steps, lr, epochs, until, reached, clip = (lenet5 if a.program == "lenet5" else charlstm)()
optimizer = torch.optim.Adam(model.parameters(), lr)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: 0.5 * (1 + math.cos(math.pi * min(i / (steps * epochs), 1))))


def step(loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    schedule.step()


loading, start, got, done = time.perf_counter() - started, time.perf_counter(), None, 0
for done in range(1, epochs + 1):
    epoch(step)
    got = judge()
    print(f"epoch {done}: {got:.4f} after {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
    if reached(got, until):
        break
print(json.dumps(dict(program=a.program, peer="pytorch " + torch.__version__, threads=a.threads, seed=a.seed, reached=bool(reached(got, until)), value=round(got, 5),
                      epochs=done, seconds=round(time.perf_counter() - start, 2), loading_seconds=round(loading, 2))))
