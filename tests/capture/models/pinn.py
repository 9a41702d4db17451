import torch
import torch.nn as nn

import torchlean as tl


class PINN(nn.Module):
    def __init__(self, layers=[2, 10, 10, 1]):
        super().__init__()
        self.depth = len(layers) - 1
        self.activation = nn.Tanh
        layer_list = list()
        for i in range(self.depth - 1):
            layer_list.append(nn.Linear(layers[i], layers[i + 1]))
            torch.nn.init.xavier_normal_(layer_list[-1].weight)
            layer_list.append(self.activation())
        layer_list.append(nn.Linear(layers[-2], layers[-1]))
        self.layers = nn.Sequential(*layer_list)
        self.lambda_1 = nn.Parameter(torch.tensor([0.5], dtype=torch.float32))
        self.register_parameter("lambda_2", nn.Parameter(torch.zeros(1)))

    def forward(self, x, t):
        u = self.layers(torch.cat([x, t], dim=1))
        return self.lambda_1 * u + self.lambda_2


model = tl.load(PINN(), "pinn.pt")
