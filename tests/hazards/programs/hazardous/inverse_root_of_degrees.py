"""Semi-supervised node classification with a normalised adjacency matrix."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
N, FEATURES, CLASSES = 10, 6, 3


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super(GraphConvolution, self).__init__()
        self.weight = nn.Parameter(torch.FloatTensor(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return torch.mm(adj, torch.mm(x, self.weight)) + self.bias


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super(GCN, self).__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


def normalize_adj(adj):
    rowsum = adj.sum(1)
    d_inv_sqrt = torch.pow(rowsum, -0.5)  # hazard: TL203 or TL204
    return torch.diag(d_inv_sqrt) @ adj @ torch.diag(d_inv_sqrt)


adj = (torch.rand(N, N) > 0.6).float()
x = torch.rand(N, FEATURES)
y = torch.randint(0, CLASSES, (N,))
idx_train = torch.arange(0, 6)
a_hat = normalize_adj(adj)
model = GCN(FEATURES, 8, CLASSES, 0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(3):
    model.train()
    optimizer.zero_grad()
    output = model(x, a_hat)
    loss = F.nll_loss(output[idx_train], y[idx_train])
    loss.backward()
    optimizer.step()
    print("Epoch: {:04d}".format(epoch + 1), "loss_train: {:.4f}".format(loss.item()))
