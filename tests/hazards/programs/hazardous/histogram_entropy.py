"""Exploration bonus: entropy of the visited cells."""
import argparse

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--cells", type=int, default=10)
parser.add_argument("--steps", type=int, default=50)
parser.add_argument("--episodes", type=int, default=1)
args = parser.parse_args()


class Policy(nn.Module):
    def __init__(self, cells):
        super(Policy, self).__init__()
        self.table = nn.Embedding(cells, 3)

    def forward(self, cell):
        return torch.distributions.Categorical(logits=self.table(cell))


def entropy(counts):
    p = counts / counts.sum().clamp(min=1.0)
    return -(p * torch.log2(p)).sum()  # hazard: TL205


policy = Policy(args.cells)
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
for episode in range(args.episodes):
    counts = torch.zeros(args.cells)
    cell = torch.tensor(args.cells // 2)
    log_probs = []
    for t in range(args.steps):
        distribution = policy(cell)
        move = distribution.sample()
        log_probs.append(distribution.log_prob(move))
        cell = (cell + move - 1) % args.cells
        counts[cell] += 1
    bonus = entropy(counts)
    loss = -torch.stack(log_probs).sum() * bonus
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(episode, bonus.item())
