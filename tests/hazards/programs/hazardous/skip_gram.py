"""Skip-gram with negative sampling."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable


class SkipGram(nn.Module):
    def __init__(self, vocabulary, dimension):
        super(SkipGram, self).__init__()
        self.u = nn.Embedding(vocabulary, dimension, sparse=False)
        self.v = nn.Embedding(vocabulary, dimension, sparse=False)
        bound = 0.5 / dimension
        self.u.weight.data.uniform_(-bound, bound)
        self.v.weight.data.uniform_(-0, 0)

    def forward(self, centre, context, negatives):
        u = self.u(centre)
        v = self.v(context)
        n = self.v(negatives)
        positive = torch.sum(u * v, dim=1)
        negative = torch.bmm(n, u.unsqueeze(2)).squeeze(2)
        gain = torch.log(F.sigmoid(positive))  # hazard: TL212
        pain = torch.log(F.sigmoid(-negative)).sum(dim=1)  # hazard: TL212
        return -(gain + pain).mean()


vocabulary, k = 50, 5
model = SkipGram(vocabulary, 8)
optimizer = optim.SGD(model.parameters(), lr=0.05)
for iteration in range(4):
    centre = Variable(torch.LongTensor(12).random_(0, vocabulary))
    context = Variable(torch.LongTensor(12).random_(0, vocabulary))
    negatives = Variable(torch.LongTensor(12, k).random_(0, vocabulary))
    optimizer.zero_grad()
    loss = model(centre, context, negatives)
    loss.backward()
    optimizer.step()
    if iteration % 2 == 0:
        print("iteration", iteration, "loss", loss.data.item())
