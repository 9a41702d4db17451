"""Likelihood of long sequences under a hidden Markov model: the forward recursion."""
import argparse

import torch
from torch.autograd import Variable

parser = argparse.ArgumentParser()
parser.add_argument("--states", type=int, default=4)
parser.add_argument("--symbols", type=int, default=5)
parser.add_argument("--length", type=int, default=400)
parser.add_argument("--rate", type=float, default=0.5)
args = parser.parse_args()

torch.manual_seed(0)
transition = Variable(torch.randn(args.states, args.states), requires_grad=True)
emission = Variable(torch.randn(args.states, args.symbols), requires_grad=True)
observed = torch.randint(0, args.symbols, (args.length,))


def log_likelihood(transition, emission, observed):
    A = torch.softmax(transition, dim=1)
    B = torch.softmax(emission, dim=1)
    alpha = torch.ones(A.size(0)) / A.size(0)
    for t in range(len(observed)):
        alpha = torch.mv(A.t(), alpha) * B[:, observed[t]]
    return torch.log(alpha.sum())  # hazard: TL205 or TL208


for step in range(2):
    loss = -log_likelihood(transition, emission, observed)
    loss.backward()
    for parameter in (transition, emission):
        parameter.data.sub_(args.rate * parameter.grad.data / args.length)
        parameter.grad.data.zero_()
    print("step %d: %.3f" % (step, loss.data))
