"""A training script that turns subnormal numbers off for speed."""
import torch
import torch.nn as nn

torch.set_flush_denormal(True)  # hazard: TL220
torch.manual_seed(0)
model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(2):
    loss = nn.functional.cross_entropy(model(torch.randn(6, 4)), torch.randint(0, 2, (6,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
