#!/usr/bin/env python3
"""PyTorch on the network of recipes/speech-digits.yaml or recipes/motion.yaml: processor seconds for one epoch of so many samples, and Engram's
beside it.

    peer_epoch.py ENGRAM speech-digits|motion [--count 400] [--runs 1] [--packed] [--seed 1] [--data FOLDER]

Both use one thread, with dropout, the recipe's loss and batch, AdamW and gradients cut to norm 1, and neither augments. Engram reads recordings and
computes features, or makes films; PyTorch is given random numbers: strings as long as the rule of `digit-strings` makes them, cut into batches of
like length as Engram does, whose padding it computes like all else, where Engram leaves it out; or films. Engram's time is half that of three epochs
less that of one, so that starting and reading is in neither. Of several runs the median is told. FOLDER is $ENGRAM_DATA when it is not given."""
import argparse, glob, json, os, random, resource, statistics, subprocess, tempfile, time, wave
import torch, torch.nn as nn, torch.nn.functional as F

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("engram")
ap.add_argument("recipe", choices=["speech-digits", "motion"])
ap.add_argument("--count", type=int, default=400)
ap.add_argument("--runs", type=int, default=1)
ap.add_argument("--packed", action="store_true", help="PyTorch is told how long each is (pack_padded_sequence), which takes it many times as long")
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--data", default=os.environ.get("ENGRAM_DATA"))
a = ap.parse_args()
torch.set_num_threads(1)
torch.manual_seed(a.seed)
torch.set_flush_denormal(True)
rng = random.Random(a.seed)
WINDOW, HOP, BANDS = 256, 160, 40


class Speech(nn.Module):
    batch = 16

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(BANDS, 96, 5), nn.LayerNorm(96)
        self.lstm = nn.LSTM(96, 112, 2, bidirectional=True, dropout=0.2)
        self.out = nn.Linear(224, 11)

    def forward(self, x, lengths):  # (time, N, bands)
        y = self.conv(F.pad(x.permute(1, 2, 0), (4, 0))).permute(2, 0, 1)
        y = F.dropout(F.relu(self.norm(y)), 0.1, self.training)
        if a.packed:
            y = nn.utils.rnn.pad_packed_sequence(self.lstm(nn.utils.rnn.pack_padded_sequence(y, lengths, enforce_sorted=False))[0])[0]
        else:
            y = self.lstm(y)[0]
        return F.log_softmax(self.out(F.dropout(y, 0.3, self.training)), -1)


def strings():
    """(steps, digits) of each."""
    takes = {}
    for path in glob.glob(os.path.join(a.data, "speech/recordings/*.wav")):
        with wave.open(path) as f:
            takes.setdefault(os.path.basename(path).split("_")[1], []).append(f.getnframes())
    speakers, out = sorted(takes), []
    for _ in range(a.count):
        of, n = takes[rng.choice(speakers)], rng.randint(3, 7)
        samples = sum(rng.choice(of) for _ in range(n)) + sum(rng.randint(400, 2400) for _ in range(n - 1))
        out.append((max(1, -(-(samples - WINDOW) // HOP) + 1), [rng.randint(1, 10) for _ in range(n)]))
    return out


class Motion(nn.Module):
    batch = 32

    def __init__(self):
        super().__init__()
        self.look = nn.Sequential(nn.Conv3d(1, 16, (3, 5, 5), (1, 2, 2), (1, 2, 2)), nn.ReLU(), nn.Conv3d(16, 24, 3, (1, 2, 2), 1), nn.ReLU(),
                                  nn.Conv3d(24, 32, 3, (1, 2, 2), 1), nn.ReLU())
        self.each = nn.Sequential(nn.Linear(2048, 96), nn.ReLU(), nn.Dropout(0.2))
        self.lstm, self.out = nn.LSTM(96, 96), nn.Linear(96, 12)

    def forward(self, x):  # (N, 1, time, 64, 64)
        y = self.look(x).permute(2, 0, 1, 3, 4).flatten(2)
        return self.out(self.lstm(self.each(y))[0][-1])


def speech_batches():
    all_ = sorted(strings())
    batches = []
    for i in range(0, len(all_), Speech.batch):
        part = all_[i:i + Speech.batch]
        steps = torch.tensor([s for s, _ in part])
        batches.append((torch.randn(int(steps.max()), len(part), BANDS), steps, torch.tensor([d for _, t in part for d in t]),
                        torch.tensor([len(t) for _, t in part])))
    rng.shuffle(batches)
    return batches, sum(s for s, _ in all_)


def motion_batches():
    return [(torch.randn(Motion.batch, 1, 16, 64, 64), torch.randint(12, (Motion.batch,))) for _ in range(-(-a.count // Motion.batch))], 16 * a.count


def speech_loss(model, x, steps, labels, counts):
    return F.ctc_loss(model(x, steps), labels, steps, counts, zero_infinity=True)


def motion_loss(model, x, labels):
    return F.cross_entropy(model(x), labels)


NETWORK, BATCHES, LOSS = (Speech, speech_batches, speech_loss) if a.recipe == "speech-digits" else (Motion, motion_batches, motion_loss)


def torch_epoch():
    model = NETWORK()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-4, weight_decay=0.01)
    batches, steps = BATCHES()
    for measured in False, True:  # once before, to be warm
        began = time.process_time()
        for batch in batches if measured else batches[:2]:
            optimizer.zero_grad()
            LOSS(model, *batch).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
        seconds = time.process_time() - began
    return seconds, steps


def engram_seconds(epochs, folder):
    def used():
        u = resource.getrusage(resource.RUSAGE_CHILDREN)
        return u.ru_utime + u.ru_stime

    before = used()
    subprocess.run([a.engram, "train", f"recipes/{a.recipe}.yaml", "--threads", "1", "--loaders", "0", "-q", "-o", os.path.join(folder, "m.safetensors"),
                    "--set", "augment=[]", "--set", f"data.count={a.count}", "--set", "data.validation=0", "--set", f"train.epochs={epochs}"], check=True, env={**os.environ, "ENGRAM_DATA": a.data})
    return used() - before


ours, theirs = [], []
for _ in range(a.runs):
    with tempfile.TemporaryDirectory() as folder:
        one, three = engram_seconds(1, folder), engram_seconds(3, folder)
    ours.append((three - one) / 2)
    seconds, steps = torch_epoch()
    theirs.append(seconds)
ours, theirs = statistics.median(ours), statistics.median(theirs)
print(json.dumps({"recipe": a.recipe, "count": a.count, "steps": steps, "torch": torch.__version__, "torch_seconds": round(theirs, 2),
                  "engram_seconds": round(ours, 2), "engram_is_times_as_fast": round(theirs / ours, 2)}))
