"""Segmentation with an intersection-over-union metric per class."""
import argparse
import os

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser(description="Tiny segmentation")
parser.add_argument("--classes", default=3, type=int)
parser.add_argument("--epochs", default=1, type=int)
parser.add_argument("--workers", default=0, type=int)
parser.add_argument("--out", default="")
opt = parser.parse_args()


class Shapes(Dataset):
    def __init__(self, n, classes):
        self.images = torch.rand(n, 3, 8, 8)
        self.masks = torch.randint(0, classes, (n, 8, 8))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


def iou(prediction, mask, classes):
    scores = []
    for c in range(classes):
        p = (prediction == c).float()
        m = (mask == c).float()
        inter = (p * m).sum()
        union = p.sum() + m.sum() - inter
        scores.append(inter / union)  # hazard: TL203 or TL202
    return torch.stack(scores).mean()


model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, opt.classes, 1))
loader = DataLoader(Shapes(6, opt.classes), batch_size=2, num_workers=opt.workers)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(opt.epochs):
    model.train()
    for image, mask in loader:
        optimizer.zero_grad()
        output = model(image)
        loss = criterion(output, mask)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        score = iou(model(image).argmax(dim=1), mask, opt.classes)
    print("epoch %d loss %.3f iou %.3f" % (epoch, loss.item(), score.item()))
    if opt.out:
        torch.save(model.state_dict(), os.path.join(opt.out, "model.pth"))
