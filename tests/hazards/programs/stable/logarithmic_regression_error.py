"""House prices: the error of the logarithms."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
n_train, n_features = 48, 7
features = torch.randn(n_train, n_features)
prices = torch.rand(n_train, 1) * 10 + 1.0
loss = nn.MSELoss()


def get_net(feature_num):
    net = nn.Linear(feature_num, 1)
    for param in net.parameters():
        nn.init.normal_(param, mean=0, std=0.01)
    return net


def log_rmse(net, features, labels):
    with torch.no_grad():
        preds = torch.clamp(net(features), min=1.0)
        rmse = torch.sqrt(loss(preds.log(), labels.log()))
    return rmse.item()


def train(net, epochs, lr, batch_size):
    losses = []
    loader = DataLoader(TensorDataset(features, prices), batch_size, shuffle=True)
    optimizer = torch.optim.Adam(params=net.parameters(), lr=lr)
    for epoch in range(epochs):
        for X, y in loader:
            l = loss(net(X), y)
            optimizer.zero_grad()
            l.backward()
            optimizer.step()
        losses.append(log_rmse(net, features, prices))
    return losses


print(train(get_net(n_features), 2, 0.1, 16))
