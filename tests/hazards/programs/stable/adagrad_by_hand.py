"""Matrix factorisation with Adagrad in plain tensors."""
import torch

torch.manual_seed(0)
n_users, n_items, rank = 8, 6, 3
ratings = torch.randint(1, 6, (n_users, n_items)).float()
observed = (torch.rand(n_users, n_items) > 0.3).float()

U = torch.randn(n_users, rank, requires_grad=True)
V = torch.randn(n_items, rank, requires_grad=True)
parameters = [U, V]
caches = [torch.zeros_like(U), torch.zeros_like(V)]
lr = 0.1
weight_decay = 0.01

for step in range(3):
    prediction = U @ V.t()
    loss = (observed * (prediction - ratings) ** 2).sum() + weight_decay * (U ** 2).sum()
    grads = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for p, g, cache in zip(parameters, grads, caches):
            cache += g * g
            p -= lr * g / (torch.sqrt(cache) + 1e-7)  # stable
    print("step", step, "loss", loss.item())
