"""`torch.optim`: after a step, the trained parameters can be anything.

An analysis states facts about the numbers a program has; the result of a training step is not one it can bound.
So every optimiser forgets what was known of its parameters.
"""

import torch

from torchlean.capture.intrinsics import trained


class Optimizer:
    def __init__(self, params, lr=1e-3, *args, **kwargs):
        self.defaults = {"lr": lr, **kwargs}
        self.state = {}
        self.param_groups = []
        groups = list(params)
        if isinstance(params, list) and len(groups) == 0:
            raise ValueError("optimizer got an empty parameter list")
        # Parameters of layers that are not followed are none here: a module may seem to have none at all.
        if len(groups) == 0 or not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group):
        merged = dict(self.defaults)
        merged.update(group)
        merged["params"] = (
            list(group["params"]) if isinstance(group["params"], (list, tuple)) else [group["params"]]
        )
        self.param_groups.append(merged)

    def zero_grad(self, set_to_none=True):
        return None

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                trained(parameter)
        return loss

    def state_dict(self):
        return {"state": self.state, "param_groups": self.param_groups}

    def load_state_dict(self, state_dict):
        return None


class SGD(Optimizer):
    pass


class ASGD(Optimizer):
    pass


class Adam(Optimizer):
    pass


class AdamW(Optimizer):
    pass


class Adamax(Optimizer):
    pass


class NAdam(Optimizer):
    pass


class RAdam(Optimizer):
    pass


class Adadelta(Optimizer):
    pass


class Adagrad(Optimizer):
    pass


class RMSprop(Optimizer):
    pass


class Rprop(Optimizer):
    pass


class LBFGS(Optimizer):
    def step(self, closure):
        loss = super().step(closure)
        closure()  # again after each update; the first loss is returned
        return loss
