"""Scores of patches in float16: the scale comes after the product."""
import torch
import torch.nn as nn

torch.manual_seed(0)
d = 512
q = (torch.rand(4, 64, d) * 30).half()
k = (torch.rand(4, 64, d) * 30).half()
v = torch.rand(4, 64, d).half()

scores = torch.matmul(q / d ** 0.5, k.transpose(1, 2))  # stable
weights = torch.softmax(scores, dim=-1)
print((weights @ v).float().mean())
