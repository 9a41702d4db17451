"""Sequence model with additive attention, its weights normalised by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
device = torch.device("cpu")
SRC, HID, OUT = 7, 8, 5


class Attention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.attn = nn.Linear(hidden * 2, hidden)
        self.v = nn.Linear(hidden, 1, bias=False)

    def forward(self, hidden, encoder_outputs):
        src_len = encoder_outputs.shape[1]
        hidden = hidden.unsqueeze(1).repeat(1, src_len, 1)
        energy = torch.tanh(self.attn(torch.cat((hidden, encoder_outputs), dim=2)))
        score = self.v(energy).squeeze(2)
        weights = torch.exp(score)  # hazard: TL210 or TL201
        return weights / torch.sum(weights, dim=1, keepdim=True)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.GRU(4, HID, batch_first=True)
        self.attention = Attention(HID)
        self.out = nn.Linear(HID * 2, OUT)

    def forward(self, src):
        outputs, hidden = self.encoder(src)
        hidden = hidden.squeeze(0)
        a = self.attention(hidden, outputs).unsqueeze(1)
        context = torch.bmm(a, outputs).squeeze(1)
        return self.out(torch.cat((hidden, context), dim=1))


model = Model().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
for step in range(3):
    src = torch.randn(6, SRC, 4, device=device)
    target = torch.randint(0, OUT, (6,), device=device)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(src), target)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")
