"""`torch.distributions`: the distributions that policies and autoencoders are written with.

Formulas and their order as in torch; arguments are not validated, since numbers are not known.
"""

import math

import torch
import torch.nn.functional as F


class Distribution:
    def __init__(self, batch_shape):
        self.batch_shape = batch_shape
        self.event_shape = ()


class Categorical(Distribution):
    """Class numbers. torch keeps the logarithms of given probabilities finite with the dtype's epsilon."""

    def __init__(self, probs=None, logits=None, validate_args=None):
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
            epsilon = torch.finfo(probs.dtype).eps
            self.logits = torch.log(self.probs.clamp(min=epsilon, max=1 - epsilon))
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
            self.probs = F.softmax(self.logits, dim=-1)
        super().__init__(tuple(self.probs.shape[:-1]))

    def sample(self, sample_shape=()):
        return torch.randint(0, self.probs.shape[-1], tuple(sample_shape) + self.batch_shape)

    def log_prob(self, value):
        value, logits = torch.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self):
        logits = torch.clamp(self.logits, min=torch.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)


class Normal(Distribution):
    """Numbers around `loc`, as far as `scale`."""

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = torch.broadcast_tensors(torch.as_tensor(loc), torch.as_tensor(scale))
        super().__init__(tuple(self.loc.shape))
        self.mean, self.stddev = self.loc, self.scale

    def rsample(self, sample_shape=()):
        noise = torch.randn(tuple(sample_shape) + self.batch_shape)
        return self.loc + noise * self.scale

    def sample(self, sample_shape=()):
        return self.rsample(sample_shape).detach()

    def log_prob(self, value):
        variance = self.scale**2
        log_scale = self.scale.log()
        return -((value - self.loc) ** 2) / (2 * variance) - log_scale - math.log(math.sqrt(2 * math.pi))

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + torch.log(self.scale)
