"""Power normalisation of bilinear features."""
import torch
import torch.nn as nn

backbone = nn.Linear(40, 12)
head = nn.Linear(144, 3)
optimizer = torch.optim.SGD(list(backbone.parameters()) + list(head.parameters()), lr=0.1)
for step in range(3):
    x = torch.randn(6, 40)
    f = backbone(x)
    bilinear = torch.einsum("bi,bj->bij", f, f).flatten(1)
    bilinear = bilinear ** 0.5  # hazard: TL204
    logits = head(bilinear)
    loss = nn.functional.cross_entropy(logits, torch.randint(0, 3, (6,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
