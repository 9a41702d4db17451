"""Actor-critic update on made-up returns: advantages are standardised."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

torch.manual_seed(0)
actor = nn.Linear(4, 3)
critic = nn.Linear(4, 1)
optimizer = torch.optim.Adam(list(actor.parameters()) + list(critic.parameters()), lr=3e-4)

for update in range(3):
    states = torch.randn(16, 4)
    returns = torch.rand(16)
    values = critic(states).squeeze(1)
    advantage = (returns - values).detach()
    advantage = (advantage - advantage.mean()) / advantage.std()  # hazard: TL203 or TL202
    policy = Categorical(logits=actor(states))
    actions = policy.sample()
    actor_loss = -(policy.log_prob(actions) * advantage).mean()
    critic_loss = F.smooth_l1_loss(values, returns)
    optimizer.zero_grad()
    (actor_loss + critic_loss).backward()
    optimizer.step()
    print(update, actor_loss.item(), critic_loss.item())
