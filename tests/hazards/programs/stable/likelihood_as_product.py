"""Likelihood of a sequence under a Markov model: a product of probabilities."""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
transition = torch.randn(4, 4)
states = torch.randint(0, 4, (400,))


def score(transition, states):
    steps = F.log_softmax(transition, dim=1)[states[:-1], states[1:]]
    likelihood = torch.sum(steps)
    return likelihood


print("score", score(transition, states).item())
