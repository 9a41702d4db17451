"""The clipped objective of PPO on a batch of transitions."""
import torch
import torch.nn as nn
from torch.distributions import Normal


class Actor(nn.Module):
    def __init__(self, states, actions):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(states, 32), nn.Tanh(), nn.Linear(32, actions))
        self.log_std = nn.Parameter(torch.zeros(actions))

    def forward(self, state):
        return Normal(self.body(state), self.log_std.clamp(-5, 2).exp())


actor = Actor(8, 2)
optimizer = torch.optim.Adam(actor.parameters(), lr=3e-4)
states = torch.randn(64, 8)
with torch.no_grad():
    old = actor(states)
    actions = old.sample()
    old_log_prob = old.log_prob(actions).sum(dim=-1)
advantages = torch.randn(64)

for epoch in range(10):
    log_prob = actor(states).log_prob(actions).sum(dim=-1)
    ratio = torch.exp((log_prob - old_log_prob).clamp(-20, 20))  # stable
    clipped = torch.clamp(ratio, 0.8, 1.2)
    loss = -torch.min(ratio * advantages, clipped * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
