"""SimCLR's loss with a small temperature, exponentials by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F

encoder = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-4)


def nt_xent(z1, z2, temperature):
    n = z1.size(0)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    mask = torch.eye(2 * n, dtype=torch.bool)
    similarity = torch.exp(z @ z.t() / temperature)  # hazard: TL201 or TL210
    positive = torch.cat([similarity[:n, n:].diag(), similarity[n:, :n].diag()])
    negative = similarity.masked_fill(mask, 0.0).sum(dim=1)
    return -torch.log(positive / negative).mean()


for step in range(3):
    x = torch.rand(16, 32)
    loss = nt_xent(encoder(x), encoder(x + 0.01 * torch.randn_like(x)), temperature=0.01)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
