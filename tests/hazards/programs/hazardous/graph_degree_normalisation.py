"""Graph convolution with symmetric normalisation of a random adjacency matrix."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def normalise(adjacency):
    degree = adjacency.sum(dim=1)
    scale = torch.rsqrt(degree)  # hazard: TL203
    return scale.unsqueeze(1) * adjacency * scale.unsqueeze(0)


class GCN(nn.Module):
    def __init__(self, features, hidden, classes):
        super(GCN, self).__init__()
        self.w1 = nn.Linear(features, hidden, bias=False)
        self.w2 = nn.Linear(hidden, classes, bias=False)

    def forward(self, x, a):
        h = F.relu(a @ self.w1(x))
        return F.log_softmax(a @ self.w2(h), dim=1)


nodes = 12
upper = torch.triu((torch.rand(nodes, nodes) < 0.5).float(), diagonal=1)
adjacency = upper + upper.t()
features = torch.randn(nodes, 5)
labels = torch.randint(0, 3, (nodes,))
model = GCN(5, 8, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
a_hat = normalise(adjacency)

for epoch in range(3):
    optimizer.zero_grad()
    loss = F.nll_loss(model(features, a_hat), labels)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
