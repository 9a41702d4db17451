"""Text classification with tf-idf features made in torch."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
documents, vocabulary = 24, 30
counts = torch.randint(0, 3, (documents, vocabulary)).float()
labels = torch.randint(0, 2, (documents,))


def tf_idf(counts):
    tf = counts / counts.sum(dim=1, keepdim=True).clamp(min=1.0)
    df = (counts > 0).float().sum(dim=0)
    idf = torch.log((1 + counts.size(0)) / (1 + df)) + 1
    return tf * idf


features = tf_idf(counts)
loader = DataLoader(TensorDataset(features, labels), batch_size=8, shuffle=True)
model = nn.Linear(vocabulary, 2)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
