"""Features on the unit sphere for a nearest-class-mean classifier."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

NUM_CLASSES = 4
torch.manual_seed(7)
train = TensorDataset(torch.randn(40, 12), torch.randint(0, NUM_CLASSES, (40,)))
loader = DataLoader(train, batch_size=10, shuffle=True, drop_last=True)


class Backbone(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 24), nn.ReLU(inplace=True), nn.Linear(24, dim), nn.ReLU())
        self.prototypes = nn.Parameter(torch.randn(NUM_CLASSES, dim))
        self.scale = 10.0

    def embed(self, x):
        f = self.net(x)
        return F.normalize(f, p=2, dim=1)

    def forward(self, x):
        return self.scale * self.embed(x) @ F.normalize(self.prototypes, dim=1).t()


model = Backbone()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
for epoch in range(2):
    correct, seen = 0, 0
    for x, y in loader:
        logits = model(x)
        loss = criterion(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
        seen += y.size(0)
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {correct / seen:.2f}")
