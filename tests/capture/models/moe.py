import torch
import torch.nn as nn
import torch.nn.functional as F

import torchlean as tl


class Expert(nn.Module):
    def __init__(self, input_size, output_size, hidden_size):
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.fc2 = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


class MoE(nn.Module):
    def __init__(self, num_experts=3, input_size=4, output_size=2, hidden_size=6):
        super().__init__()
        self.experts = nn.ModuleList([Expert(input_size, output_size, hidden_size) for _ in range(num_experts)])
        self.gate = nn.Linear(input_size, num_experts)

    def forward(self, x):
        weights = F.softmax(self.gate(x), dim=-1)
        outputs = torch.stack([expert(x) for expert in self.experts], dim=2)
        return torch.sum(outputs * weights.unsqueeze(1), dim=2)


model = tl.load(MoE(), "moe.pt")
