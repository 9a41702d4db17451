import torch
from torch import nn

import torchlean as tl


class Autoencoder(nn.Module):
    def __init__(self, input_dim: int = 12, latent_dim: int = 2):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(input_dim, 8), nn.ReLU(True), nn.Linear(8, 4), nn.ReLU(True), nn.Linear(4, latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 4), nn.ReLU(True), nn.Linear(4, 8), nn.ReLU(True), nn.Linear(8, input_dim)
        )
        self.decoder.add_module("out", nn.Sigmoid())

    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(z), z


model = tl.load(Autoencoder(), "autoencoder.pt")
