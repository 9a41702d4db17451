"""InfoNCE with a temperature; the embeddings are not normalised."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
TEMPERATURE = 0.07
encoder = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 8))
optimizer = torch.optim.SGD(encoder.parameters(), lr=1e-3)


def info_nce(a, b):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    similarity = a @ b.t() / TEMPERATURE
    e = torch.exp(similarity)
    return (1 - e.diag() / e.sum(dim=1)).mean()


for step in range(2):
    x = torch.randn(6, 10)
    a = encoder(x)
    b = encoder(x + 0.1 * torch.randn_like(x))
    loss = info_nce(a, b)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
