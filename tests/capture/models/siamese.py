import torch
import torch.nn as nn
import torch.nn.functional as F

import torchlean as tl


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv1d(1, 3, kernel_size=3, stride=1),
            nn.ReLU(inplace=True),
            nn.MaxPool1d(2, stride=2),
        )
        self.fc = nn.Sequential(nn.Linear(9, 4), nn.Sigmoid())

    def forward_once(self, x):
        x = self.cnn(x)
        x = x.view(x.size()[0], -1)
        return self.fc(x)

    def forward(self, x1, x2):
        a = self.forward_once(x1)
        b = self.forward_once(x2)
        distance = torch.sqrt(torch.sum(torch.pow(a - b, 2), 1) + 1e-6)
        return distance, F.cosine_similarity(a, b)


model = tl.load(SiameseNetwork(), "siamese.pt")
