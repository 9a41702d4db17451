"""Actor-critic for one continuous action, with the density written out."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable

pi = Variable(torch.FloatTensor([math.pi]))


def normal(x, mu, sigma_sq):
    a = -1 * (Variable(x) - mu).pow(2) / (2 * sigma_sq)
    b = 0.5 * (2 * sigma_sq * pi.expand_as(sigma_sq)).log()
    return a - b


class Policy(nn.Module):
    def __init__(self, hidden_size, num_inputs):
        super(Policy, self).__init__()
        self.linear1 = nn.Linear(num_inputs, hidden_size)
        self.linear2 = nn.Linear(hidden_size, 1)
        self.linear2_ = nn.Linear(hidden_size, 1)

    def forward(self, inputs):
        x = F.relu(self.linear1(inputs))
        mu = self.linear2(x)
        sigma_sq = F.softplus(self.linear2_(x)) + 0.01
        return mu, sigma_sq


class REINFORCE:
    def __init__(self, hidden_size, num_inputs):
        self.model = Policy(hidden_size, num_inputs)
        self.optimizer = optim.Adam(self.model.parameters(), lr=1e-3)
        self.model.train()

    def select_action(self, state):
        mu, sigma_sq = self.model(Variable(state))
        eps = torch.randn(mu.size())
        action = (mu + sigma_sq.sqrt() * Variable(eps)).data
        prob = normal(action, mu, sigma_sq)
        log_prob = prob  # stable
        return action, log_prob

    def update(self, rewards, log_probs, gamma):
        R = torch.zeros(1, 1)
        loss = 0
        for i in reversed(range(len(rewards))):
            R = gamma * R + rewards[i]
            loss = loss - (log_probs[i] * Variable(R)).sum()
        loss = loss / len(rewards)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.data.item()


agent = REINFORCE(8, 3)
for episode in range(2):
    state = torch.randn(1, 3)
    rewards, log_probs = [], []
    for t in range(4):
        action, log_prob = agent.select_action(state)
        rewards.append(1.0)
        log_probs.append(log_prob)
        state = torch.randn(1, 3)
    print("Episode: {}, loss: {}".format(episode, agent.update(rewards, log_probs, 0.99)))
