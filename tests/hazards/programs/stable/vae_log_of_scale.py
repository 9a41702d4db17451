"""Variational autoencoder whose encoder gives the scale itself."""
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(12, 8)
        self.fc21 = nn.Linear(8, 2)
        self.fc22 = nn.Linear(8, 2)
        self.fc3 = nn.Linear(2, 8)
        self.fc4 = nn.Linear(8, 12)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), F.softplus(self.fc22(h1)) + 1e-4

    def reparameterize(self, mu, std):
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return self.fc4(h3)

    def forward(self, x):
        mu, std = self.encode(x.view(-1, 12))
        z = self.reparameterize(mu, std)
        return self.decode(z), mu, std


def loss_function(recon_x, x, mu, std):
    MSE = F.mse_loss(recon_x, x.view(-1, 12), reduction="sum")
    KLD = 0.5 * torch.sum(std * std + mu * mu - 1 - 2 * torch.log(std))
    return MSE + KLD


torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.rand(32, 12)), batch_size=8)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(1):
    train_loss = 0
    for (data,) in loader:
        optimizer.zero_grad()
        recon, mu, std = model(data)
        loss = loss_function(recon, data, mu, std)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    print("epoch", epoch, train_loss / len(loader.dataset))
