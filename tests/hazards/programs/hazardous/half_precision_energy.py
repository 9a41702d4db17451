"""Energies of audio frames, stored in half precision."""
import torch

torch.manual_seed(0)
frames = torch.rand(8, 1024) * 32768.0


def compress(frames):
    loudness = frames.abs().mean(dim=1) * 8.0
    return loudness.half()  # hazard: TL218


print(compress(frames).float().max().item())
