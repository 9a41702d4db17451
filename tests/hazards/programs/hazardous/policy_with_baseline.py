"""Policy gradient on a toy chain: a running baseline, chosen probabilities by `gather`."""
import argparse
import random
from collections import namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable

parser = argparse.ArgumentParser(description='chain')
parser.add_argument('--gamma', type=float, default=0.95, metavar='G')
parser.add_argument('--seed', type=int, default=543, metavar='N')
parser.add_argument('--episodes', type=int, default=2)
parser.add_argument('--length', type=int, default=6)
args = parser.parse_args()

random.seed(args.seed)
torch.manual_seed(args.seed)
Step = namedtuple('Step', ['state', 'action', 'reward'])


class Policy(nn.Module):
    def __init__(self, states, actions):
        super().__init__()
        self.affine = nn.Linear(states, 16)
        self.head = nn.Linear(16, actions)

    def forward(self, x):
        return F.softmax(self.head(F.relu(self.affine(x))), dim=1)


policy = Policy(4, 3)
optimizer = optim.RMSprop(policy.parameters(), lr=1e-2)
baseline = torch.zeros(1)


def play(length):
    episode = []
    for _ in range(length):
        state = torch.zeros(4)
        state[random.randrange(4)] = 1.0
        probs = policy(Variable(state.unsqueeze(0)))
        action = torch.multinomial(probs.data, 1)
        episode.append(Step(state, action, float(random.random() > 0.5)))
    return episode


def update(states, actions, returns, advantage):
    probs = policy(states)
    chosen = probs.gather(1, actions).squeeze(1)
    loss = -(chosen.log() * advantage).mean()  # hazard: TL211 or TL205
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


for number in range(args.episodes):
    episode = play(args.length)
    total, discounted = 0.0, []
    for step in reversed(episode):
        total = step.reward + args.gamma * total
        discounted.insert(0, total)
    states = torch.stack([step.state for step in episode])
    actions = torch.cat([step.action for step in episode])
    returns = torch.tensor(discounted)
    baseline = 0.9 * baseline + 0.1 * returns.mean()
    loss = update(states, actions, returns, returns - baseline)
    print('episode %d loss %.3f' % (number, loss.data))
