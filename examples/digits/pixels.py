"""The digits as a scanner gives them: grey levels from 0 to 16, whole numbers, the channel last.

What the program does before the network is part of the claims, so that domains are stated in grey levels: all pictures
that differ from this one by at most so many levels in each pixel. The network is that of `conv.py`, which was trained
on numbers from 0 to 1 with the channel first; with the division by 16 left out, or a `reshape` in the place of the
`permute`, the claims would speak of pictures that nobody ever saw.
"""

import torch
from conv import Conv

import torchlean as tl

LEVELS = 16

net = tl.load(Conv(), "conv.safetensors")


def scores(pixels):
    """Scores of the ten digits for a picture (8, 8, 1) of grey levels."""
    return net(pixels.permute(2, 0, 1).float() / LEVELS)


# Samples 43 and 49 of digits_test.npz.
SEVEN = torch.tensor(
    [
        [0, 0, 1, 11, 16, 16, 7, 0],
        [0, 0, 7, 13, 8, 16, 5, 0],
        [0, 0, 0, 1, 1, 16, 4, 0],
        [0, 0, 2, 7, 13, 16, 15, 0],
        [0, 1, 15, 16, 16, 12, 3, 0],
        [0, 1, 8, 4, 16, 2, 0, 0],
        [0, 0, 0, 9, 11, 0, 0, 0],
        [0, 0, 1, 14, 4, 0, 0, 0],
    ]
).unsqueeze(-1)

SIX = torch.tensor(
    [
        [0, 0, 1, 10, 7, 0, 0, 0],
        [0, 0, 6, 13, 0, 0, 0, 0],
        [0, 0, 13, 5, 0, 0, 0, 0],
        [0, 2, 16, 1, 5, 2, 0, 0],
        [0, 3, 16, 15, 11, 9, 5, 0],
        [0, 2, 16, 6, 0, 2, 14, 0],
        [0, 0, 10, 10, 1, 5, 15, 0],
        [0, 0, 1, 12, 15, 14, 6, 0],
    ]
).unsqueeze(-1)


@tl.claim(x=tl.ball(SIX, eps=2, clip=(0, LEVELS), dtype=torch.uint8))
def six_stays_six(x):
    return scores(x).argmax(-1) == 6


@tl.claim(x=tl.ball(SEVEN, eps=1, clip=(0, LEVELS), dtype=torch.uint8))
def seven_stays_seven(x):
    return scores(x).argmax(-1) == 7


@tl.claim(x=tl.ball(SEVEN, eps=4, clip=(0, LEVELS), dtype=torch.uint8))
def seven_stays_seven_far_away(x):
    return scores(x).argmax(-1) == 7


@tl.claim(x=tl.box(0, LEVELS, shape=(8, 8, 1), dtype=torch.uint8))
def no_score_explodes(x):
    return scores(x).abs() <= 400.0
