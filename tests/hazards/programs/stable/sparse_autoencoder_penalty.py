"""Autoencoder with a sparsity penalty: Kullback-Leibler divergence of the mean activation."""
import torch
import torch.nn as nn
from torch.autograd import Variable
from torch.utils.data import DataLoader, TensorDataset

RHO = 0.05
BETA = 0.1


class SparseAutoencoder(nn.Module):
    def __init__(self, n_input, n_hidden):
        super(SparseAutoencoder, self).__init__()
        self.encoder = nn.Linear(n_input, n_hidden)
        self.decoder = nn.Linear(n_hidden, n_input)

    def forward(self, x):
        code = torch.sigmoid(self.encoder(x))
        return code, self.decoder(code)


def kl_penalty(rho_hat):
    first = RHO * torch.log(RHO / rho_hat)
    second = (1 - RHO) * torch.log((1 - RHO) / (1 - rho_hat))
    return torch.sum(first + second)


model = SparseAutoencoder(10, 4)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loader = DataLoader(TensorDataset(torch.rand(24, 10)), batch_size=8, shuffle=True)
mse = nn.MSELoss()

for epoch in range(2):
    for (img,) in loader:
        img = Variable(img)
        code, output = model(img)
        rho_hat = torch.mean(code, dim=0).clamp(1e-5, 1 - 1e-5)  # stable
        loss = mse(output, img) + BETA * kl_penalty(rho_hat)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.data.item())
