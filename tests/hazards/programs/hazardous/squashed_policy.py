"""Soft actor-critic: actions are squashed by tanh, and their density corrected."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal

LOG_STD_MIN, LOG_STD_MAX = -20, 2


class Actor(nn.Module):
    def __init__(self, obs, act, hidden=16):
        super().__init__()
        self.fc = nn.Linear(obs, hidden)
        self.mean = nn.Linear(hidden, act)
        self.log_std = nn.Linear(hidden, act)

    def forward(self, x):
        h = F.relu(self.fc(x))
        log_std = torch.clamp(self.log_std(h), LOG_STD_MIN, LOG_STD_MAX)
        return self.mean(h), log_std.exp()

    def sample(self, x):
        mean, std = self.forward(x)
        normal = Normal(mean, std)
        u = normal.rsample()
        action = torch.tanh(u)
        log_prob = normal.log_prob(u)
        correction = torch.log(1 - action.pow(2))  # hazard: TL205
        return action, (log_prob - correction).sum(1, keepdim=True)


class Critic(nn.Module):
    def __init__(self, obs, act):
        super().__init__()
        self.q = nn.Sequential(nn.Linear(obs + act, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, s, a):
        return self.q(torch.cat([s, a], dim=1))


actor, critic = Actor(3, 2), Critic(3, 2)
optimizer = torch.optim.Adam(actor.parameters(), lr=3e-4)
alpha = 0.2
for step in range(2):
    state = torch.randn(8, 3)
    action, log_prob = actor.sample(state)
    loss = (alpha * log_prob - critic(state, action)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
