"""The same mistake where the range comes from a data set's transforms.

Analysed only: torchvision is not among the project's dependencies, so the test does not run this file.
"""
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

transform = transforms.Compose([
    transforms.ToTensor(),
    transforms.Normalize((0.5,), (0.5,)),
])
train_set = datasets.MNIST("data", train=True, download=False, transform=transform)
loader = DataLoader(train_set, batch_size=32, shuffle=True)

for images, labels in loader:
    amplitude = torch.sqrt(images)  # hazard: TL204
    print(amplitude.mean().item())
