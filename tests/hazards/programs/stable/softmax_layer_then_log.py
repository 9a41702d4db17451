"""Old style: the network ends in nn.Softmax, the training loop takes the logarithm."""
from __future__ import print_function

import torch
import torch.nn as nn
from torch.autograd import Variable

BATCH, INPUTS, CLASSES = 16, 8, 5

model = nn.Sequential(
    nn.Linear(INPUTS, 12),
    nn.Tanh(),
    nn.Linear(12, CLASSES),
    nn.LogSoftmax(dim=1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.NLLLoss()


def train(steps):
    model.train()
    for step in range(steps):
        data = Variable(torch.randn(BATCH, INPUTS))
        target = Variable(torch.LongTensor(BATCH).random_(0, CLASSES))
        optimizer.zero_grad()
        output = model(data)
        log_output = output  # stable
        loss = criterion(log_output, target)
        loss.backward()
        optimizer.step()
        print("step {} loss {:.4f}".format(step, loss.data.item()))


if __name__ == "__main__":
    train(3)
