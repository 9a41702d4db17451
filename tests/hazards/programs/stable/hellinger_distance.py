"""Distillation by the Hellinger distance between two distributions."""
import torch
import torch.nn as nn
import torch.nn.functional as F

teacher = nn.Linear(20, 6)
student = nn.Linear(20, 6)
optimizer = torch.optim.SGD(student.parameters(), lr=0.05)


def hellinger(p_logits, q_logits):
    p = F.softmax(p_logits, dim=1)
    q = F.softmax(q_logits, dim=1)
    difference = torch.sqrt(p + 1e-8) - torch.sqrt(q + 1e-8)  # stable
    return 0.5 * (difference ** 2).sum(dim=1).mean()


for step in range(10):
    x = torch.randn(8, 20) * 5
    with torch.no_grad():
        target = teacher(x)
    loss = hellinger(student(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
