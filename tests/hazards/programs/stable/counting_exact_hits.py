"""Accuracy of a classifier, and of a regression that is counted like one."""
import torch
import torch.nn as nn

classifier = nn.Linear(4, 3)
regressor = nn.Linear(4, 1)
x = torch.randn(30, 4)
labels = torch.randint(0, 3, (30,))
values = torch.rand(30, 1)

predicted = classifier(x).argmax(dim=1)
accuracy = (predicted == labels).float().mean()
hits = ((regressor(x) - values).abs() < 0.01).float().mean()  # stable
print(accuracy.item(), hits.item())
