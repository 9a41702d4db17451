"""A two-layer network in plain tensors, with its own sigmoid."""
import torch
from torch.autograd import Variable

dtype = torch.FloatTensor
N, D_in, H, D_out = 16, 6, 5, 1
x = Variable(torch.randn(N, D_in).type(dtype), requires_grad=False)
y = Variable(torch.rand(N, D_out).type(dtype), requires_grad=False)
w1 = Variable(torch.randn(D_in, H).type(dtype), requires_grad=True)
w2 = Variable(torch.randn(H, D_out).type(dtype), requires_grad=True)


def sigmoid(t):
    return torch.sigmoid(t)  # stable


learning_rate = 1e-3
for t in range(3):
    y_pred = sigmoid(x.mm(w1)).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    print(t, loss.data.item())
    loss.backward()
    w1.data -= learning_rate * w1.grad.data
    w2.data -= learning_rate * w2.grad.data
    w1.grad.data.zero_()
    w2.grad.data.zero_()
