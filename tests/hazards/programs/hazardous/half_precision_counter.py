"""Evaluation in half precision, with the number of right answers kept on the device."""
import argparse

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--classes", type=int, default=10)
args = parser.parse_args()

BATCHES = 40 * 100
net = nn.Linear(12, args.classes)
seen = torch.zeros((), dtype=torch.float16)
right = 0
with torch.no_grad():
    for step in range(BATCHES):
        x = torch.rand(2, 12)
        y = torch.randint(0, args.classes, (2,))
        predicted = net(x).argmax(dim=1)
        right += (predicted == y).sum().item()
        seen += 2  # hazard: TL207
print("accuracy %.3f of %d" % (right / seen.item(), seen.item()))
