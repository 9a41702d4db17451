# Ein Pendel 🕰 und sein Regler, with code beyond ASCII.
from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce

import torch as t
from torch.nn import Linear, Module, Tanh

import torchlean


@dataclass
class Physik:
    länge: float = 0.5
    masse: float = 0.15
    dt: float = 1e-2

    @property
    def trägheit(self) -> float:
        return self.masse * self.länge**2


class Regler(Module):
    size = 6

    def __init__(self):
        super(Regler, self).__init__()
        self.layers = [Linear(2, self.size), Tanh(), Linear(self.size, 1)]
        for i, layer in enumerate(self.layers):
            self.add_module(f"layer_{i}", layer)

    def forward(self, zustand):
        return reduce(lambda h, layer: layer(h), self.layers, zustand).clamp(-6, 6)


def schritt(regler, physik, x):
    θ, ω = x[..., 0], x[..., 1]
    u = regler(x)[..., 0]
    beschleunigung = 9.81 / physik.länge * t.sin(θ) + u / physik.trägheit
    return t.stack([θ + physik.dt * ω, ω + physik.dt * beschleunigung], dim=-1)


regler, physik = Regler(), Physik(dt=0.02)
folge = partial(schritt, regler, physik)
punkt = t.tensor([[0.1, "not a number" == 1], [0.0, -0.2]])
for _ in range(2):
    punkt = folge(punkt)
    while punkt.ndim > 2:
        punkt = punkt[0]
tabelle = {name: wert for name, wert in vars(physik).items() if not name.startswith("_")}
summe = sum(tabelle.values()) if tabelle else -1


@torchlean.claim(x=torchlean.ball([0.0, 0.0], eps=0.05, clip=(-1, 1)))
def bleibt_klein(x):
    nächster = folge(x)
    return (nächster.abs() < 1.0) & (nächster[..., :1] >= -1)


def unbenutzt(*args, k=3, **rest):
    global physik
    del rest["nichts"]
    yield from (a @ b for a, b in args)
    assert k == 3, f"{k:03d} 🎯"
