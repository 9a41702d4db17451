"""Cox proportional hazards with a network for the risk."""
import torch
import torch.nn as nn

torch.manual_seed(5)
features = torch.randn(32, 6)
times = torch.rand(32) * 100.0
events = (torch.rand(32) > 0.4).float()

order = torch.argsort(times, descending=True)
features, events = features[order], events[order]


class Risk(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 16), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(16, 1, bias=False))

    def forward(self, x):
        return self.layers(x).squeeze(1)


def negative_partial_likelihood(risk, events):
    log_risk_set = torch.log(torch.cumsum(torch.exp(risk), dim=0))  # hazard: TL201
    uncensored = (risk - log_risk_set) * events
    return -uncensored.sum() / events.sum().clamp(min=1.0)


model = Risk()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(3):
    model.train()
    optimizer.zero_grad()
    loss = negative_partial_likelihood(model(features), events)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print("epoch", epoch, loss.item())
