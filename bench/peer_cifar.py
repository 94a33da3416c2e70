#!/usr/bin/env python3
"""airbench94 (Jordan 2024, arXiv 2404.00498) in PyTorch on CIFAR-10's JPEG copy: what recipes/cifar-fast.yaml is measured by.

    peer_cifar.py [--threads N] [--seed S] [--epochs 9.9] [--limit N] [--data FOLDER]

FOLDER/cifar10/cifar10-jpg.tar.gz holds train/CLASS/NAME.jpg and test/CLASS/NAME.jpg; FOLDER is $ENGRAM_DATA when it is not given. Written after the paper's
description, on a processor in single precision: the numbers of the paper, not its program. A line an epoch, one JSON object at the end: accuracy of the 10,000
test pictures alone, mirrored too, and as the mean of six views (each mirrored and shifted by a pixel both ways), and seconds of the training, of clock and processor.
"""
import argparse, io, json, os, sys, tarfile, time
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F
from PIL import Image

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--threads", type=int, default=1)
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--epochs", type=float, default=9.9)
ap.add_argument("--limit", type=int, help="so many pictures of each part alone, to try the program")
ap.add_argument("--data", default=os.environ.get("ENGRAM_DATA"))
a = ap.parse_args()
if not a.data:
    sys.exit("peer_cifar.py: say where the data lies: --data FOLDER or ENGRAM_DATA")
torch.set_num_threads(a.threads)
torch.manual_seed(a.seed)
torch.set_flush_denormal(True)

BATCH, LR, MOMENTUM, DECAY, BIAS_LR, SMOOTHING, SCALE = 1024, 11.5, 0.85, 0.0153, 64, 0.2, 1 / 9
PATCH_EPOCHS = 3  # so long the bias of the whitening layer learns
SLOW_EVERY, SLOW_DECAY = 5, 0.95


def read():
    """Pictures and labels of both parts, in the order of their names."""
    parts = {"train": [], "test": []}
    with tarfile.open(os.path.join(a.data, "cifar10", "cifar10-jpg.tar.gz")) as tar:
        for m in tar:
            names = m.name.split("/")
            if m.isfile() and m.name.endswith(".jpg") and names[-3] in parts:
                pixels = np.asarray(Image.open(io.BytesIO(tar.extractfile(m).read())).convert("RGB"))
                parts[names[-3]].append((names[-2], names[-1], pixels))
    classes = sorted({c for c, _, _ in parts["train"]})
    out = []
    for part in parts.values():
        part.sort(key=lambda p: p[:2])
        if a.limit:
            part = part[:: max(1, len(part) // a.limit)]
        out += [torch.tensor(np.stack([p[2] for p in part])).permute(0, 3, 1, 2).float() / 255, torch.tensor([classes.index(p[0]) for p in part])]
    return out


class Norm(nn.BatchNorm2d):
    def __init__(s, channels):
        super().__init__(channels, eps=1e-12, momentum=0.4)
        s.weight.requires_grad_(False)


def conv(i, o):
    c = nn.Conv2d(i, o, 3, padding=1, bias=False)
    nn.init.dirac_(c.weight[:i].data)
    return c


def group(i, o):
    return [conv(i, o), nn.MaxPool2d(2), Norm(o), nn.GELU(), conv(o, o), Norm(o), nn.GELU()]


def network(pictures):
    """The first layer whitens patches of 2 x 2 pixels of these pictures."""
    patches = pictures.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double()
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / torch.sqrt(values + 5e-4)).T.flip(0).reshape(12, 3, 2, 2).float()
    first = nn.Conv2d(3, 24, 2)
    first.weight.data[:] = torch.cat([filters, -filters])
    first.weight.requires_grad_(False)
    head = nn.Linear(256, 10, bias=False)
    layers = [first, nn.GELU(), *group(24, 64), *group(64, 256), *group(256, 256), nn.MaxPool2d(3), nn.Flatten(), head]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def shifted(x, pad):
    """Each picture cut anew out of its mirror-edged self."""
    n, size = len(x), x.shape[-1]
    big = F.pad(x, (pad,) * 4, mode="reflect")
    out = torch.empty_like(x)
    dy, dx = torch.randint(0, 2 * pad + 1, (2, n))
    for i in range(2 * pad + 1):
        for j in range(2 * pad + 1):
            these = (dy == i) & (dx == j)
            out[these] = big[these, :, i : i + size, j : j + size]
    return out


def views(net, x):
    """Logits of the picture alone, of it and its mirror image, and of six views of which those not shifted count half."""
    with torch.no_grad():
        both = lambda y: (net(y) + net(y.flip(3))) / 2
        big = F.pad(x, (1,) * 4, mode="reflect")
        alone, mirrored = net(x), both(x)
        return alone, mirrored, mirrored / 2 + (both(big[:, :, 0:32, 0:32]) + both(big[:, :, 2:34, 2:34])) / 4


x, y, test_x, test_y = read()
mean, std = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
x, test_x = (x - mean) / std, (test_x - mean) / std
net = network(x[torch.randperm(len(x))[:5000]])
steps_an_epoch = max(1, len(x) // BATCH)
steps = int(np.ceil(a.epochs * steps_an_epoch))
batch = min(BATCH, len(x))

# The paper counts rate and decay by 1024 pictures and decoupled from the momentum; here they are what SGD of a summed loss takes.
unit = 1024 * (1 + 1 / (1 - MOMENTUM))
lr, wd = LR / unit, DECAY * batch / unit
biases = [m.bias for m in net.modules() if isinstance(m, Norm)]
others = [net[0].bias] + [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and m.weight.requires_grad]
opt = torch.optim.SGD([dict(params=biases, lr=lr * BIAS_LR, weight_decay=wd / (lr * BIAS_LR)), dict(params=others, lr=lr, weight_decay=wd / lr)],
                      momentum=MOMENTUM, nesterov=True)
first_rates = [g["lr"] for g in opt.param_groups]
rate = lambda k: np.interp(k, [0, int(0.23 * steps), steps], [0.2, 1, 0.07])  # a triangle
slow = {k: v.clone() for k, v in net.state_dict().items()}


def catch_up(share):
    """Slow weights go `share` of the way to the fast ones, which go on from there."""
    for k, v in net.state_dict().items():
        if v.is_floating_point():
            slow[k].lerp_(v, share)
            v.copy_(slow[k])


began, cpu = time.perf_counter(), time.process_time()
mirrored = torch.rand(len(x)) < 0.5
k, epoch = 0, 0
while k < steps:
    net.train()
    net[0].bias.requires_grad_(epoch < PATCH_EPOCHS)
    turned = torch.where((mirrored ^ (epoch % 2 == 1))[:, None, None, None], x.flip(3), x)
    order = torch.randperm(len(x))
    total = 0.0
    moved = shifted(turned, 2)
    for at in range(0, steps_an_epoch * batch, batch):
        if k == steps:
            break
        these = order[at : at + batch]
        loss = F.cross_entropy(net(moved[these]) * SCALE, y[these], label_smoothing=SMOOTHING, reduction="sum")
        opt.zero_grad(set_to_none=True)
        loss.backward()
        k += 1
        for g, r in zip(opt.param_groups, first_rates):
            g["lr"] = r * rate(k)
        opt.step()
        total += loss.item()
        if k % SLOW_EVERY == 0:
            catch_up(1 - SLOW_DECAY**SLOW_EVERY * (k / steps) ** 3)
    epoch += 1
    print(f"epoch {epoch}: loss {total / (steps_an_epoch * batch):.4f}, {time.process_time() - cpu:.0f} s of processor", flush=True)
catch_up(0)
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
net.eval()
right = np.zeros(3)
for at in range(0, len(test_x), 500):
    for i, logits in enumerate(views(net, test_x[at : at + 500])):
        right[i] += (logits.argmax(1) == test_y[at : at + 500]).sum().item()
alone, flip, six = (right / len(test_x)).tolist()
print(json.dumps({"torch": torch.__version__, "seed": a.seed, "epochs": a.epochs, "pictures": len(x), "accuracy": six, "views": 6, "accuracy_flip": flip,
                  "accuracy_alone": alone, "seconds": round(seconds, 1), "processor_seconds": round(cpu, 1)}))
