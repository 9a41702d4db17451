"""Detection head: targets are logarithms of box sizes relative to anchors."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

ANCHORS = torch.tensor([[0.1, 0.2], [0.3, 0.3], [0.6, 0.5]])


class Boxes(Dataset):
    def __init__(self, n):
        self.images = torch.rand(n, 3, 16, 16)
        self.boxes = torch.rand(n, 4)

    def __len__(self):
        return self.images.size(0)

    def __getitem__(self, item):
        return self.images[item], self.boxes[item]


def encode(boxes, anchors):
    xy = boxes[:, :2]
    wh = torch.log(boxes[:, 2:].clamp(min=1e-4) / anchors)
    return torch.cat([xy, wh], dim=1)


head = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.LeakyReLU(0.1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
optimizer = torch.optim.SGD(head.parameters(), lr=1e-2, momentum=0.9)
for epoch in range(1):
    for images, boxes in DataLoader(Boxes(8), batch_size=4):
        target = encode(boxes, ANCHORS[1])
        loss = F.smooth_l1_loss(head(images), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item())
