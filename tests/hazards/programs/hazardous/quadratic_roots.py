"""Times at which a thrown ball passes a height: the quadratic formula."""
import torch

a = torch.full((1000,), 1.0)
b = torch.empty(1000).uniform_(1000.0, 5000.0)
c = torch.empty(1000).uniform_(0.1, 1.0)

discriminant = torch.sqrt(b * b - 4 * a * c)
first = (-b + discriminant) / (2 * a)  # hazard: TL206
second = (-b - discriminant) / (2 * a)
print(first.mean().item(), second.mean().item())
