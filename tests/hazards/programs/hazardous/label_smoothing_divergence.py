"""Distillation: divergence between a fixed teacher distribution and the student."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def divergence(teacher, student_logits):
    student = F.log_softmax(student_logits, dim=1)
    own = teacher * torch.log(teacher)  # hazard: TL205
    return (own - teacher * student).sum(dim=1).mean()


student = nn.Sequential(nn.Linear(7, 10), nn.ReLU(), nn.Linear(10, 4))
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
for step in range(3):
    x = torch.randn(6, 7)
    teacher = F.one_hot(torch.randint(0, 4, (6,)), 4).float()
    loss = divergence(teacher, student(x))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
