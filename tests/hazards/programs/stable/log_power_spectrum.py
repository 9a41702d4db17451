"""Log power spectra of audio for a keyword spotter."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class LogSpectrum(nn.Module):
    """Frames the signal and gives decibels."""

    def __init__(self, frame=16):
        super(LogSpectrum, self).__init__()
        self.real = nn.Conv1d(1, 9, frame, stride=8, bias=False)
        self.imag = nn.Conv1d(1, 9, frame, stride=8, bias=False)

    def forward(self, wave):
        power = self.real(wave) ** 2 + self.imag(wave) ** 2
        return 10.0 * torch.log10(power.clamp(min=1e-10))


class KeywordNet(nn.Module):
    def __init__(self, classes=4):
        super(KeywordNet, self).__init__()
        self.front = LogSpectrum()
        self.gru = nn.GRU(9, 12, batch_first=True)
        self.out = nn.Linear(12, classes)

    def forward(self, wave):
        spectrum = self.front(wave).transpose(1, 2)
        _, h = self.gru(spectrum)
        return self.out(h[-1])


torch.manual_seed(2)
waves = torch.rand(16, 1, 64) * 2 - 1
words = torch.randint(0, 4, (16,))
loader = DataLoader(TensorDataset(waves, words), batch_size=8, shuffle=True)
net = KeywordNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(1):
    for wave, word in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(wave), word)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
