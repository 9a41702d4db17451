"""Logistic regression with its loss written out."""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
x_data = torch.randn(40, 3)
y_data = (x_data.sum(dim=1, keepdim=True) > 0).float()

w = torch.zeros(3, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
learning_rate = 0.5

for step in range(5):
    z = x_data @ w + b
    y_hat = torch.sigmoid(z)
    loss = F.binary_cross_entropy_with_logits(z, y_data)  # stable
    loss.backward()
    with torch.no_grad():
        w -= learning_rate * w.grad
        b -= learning_rate * b.grad
        w.grad.zero_()
        b.grad.zero_()
    accuracy = ((y_hat > 0.5).float() - y_data).abs().mean()
    print(step, loss.item(), 1 - accuracy.item())
