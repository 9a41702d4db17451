"""REINFORCE on a two-armed bandit."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Policy(nn.Module):
    def __init__(self, n_inputs=4, n_actions=2):
        super().__init__()
        self.affine1 = nn.Linear(n_inputs, 16)
        self.affine2 = nn.Linear(16, n_actions)

    def forward(self, state):
        h = torch.tanh(self.affine1(state))
        return F.log_softmax(self.affine2(h), dim=-1)


policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
saved, rewards = [], []


def select_action(state):
    log_probs = policy(state)
    action = torch.multinomial(torch.exp(log_probs.detach()), 1).item()
    log_prob = log_probs[action]  # stable
    saved.append(log_prob)
    return action


def finish_episode():
    baseline = sum(rewards) / len(rewards)
    loss = torch.stack([-lp * (r - baseline) for lp, r in zip(saved, rewards)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    del saved[:], rewards[:]
    return loss.item()


for episode in range(2):
    for t in range(5):
        state = torch.randn(4)
        action = select_action(state)
        rewards.append(1.0 if action == 0 else 0.0)
    print(episode, finish_episode())
