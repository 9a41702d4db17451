"""Train the softmax regression on the training digits of `train.py`, and write its weights.

Full-batch gradient steps on the cross entropy with a little weight decay: the usual regression, trained for nothing but
accuracy, so that what is certified of it is a matter of the bounds. Offline, in seconds, from a fixed seed.
"""

import torch
from safetensors.torch import save_file
from torch import nn
from train import HERE, SEED, digits

STEPS = 300
DECAY = 1e-3
"""Of the squared weights; on these data the accuracy hardly depends on it."""


def main() -> None:
    torch.set_num_threads(1)
    x, y, x_test, y_test = digits()
    torch.manual_seed(SEED)
    net = nn.Sequential(nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(STEPS):
        loss = nn.functional.cross_entropy(net(x), y) + DECAY * net[0].weight.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = int((net(x_test).argmax(1) == y_test).sum())
    print(f"linear: {right} of {len(y_test)} test digits")
    save_file(net.state_dict(), HERE / "linear.safetensors")


if __name__ == "__main__":
    main()
