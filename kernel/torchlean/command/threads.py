"""How many threads torch may use in a command."""

from __future__ import annotations

import os

import torch


def one_thread() -> None:
    """Compute on one thread, unless the user's environment says otherwise (`OMP_NUM_THREADS`).

    The tensors of an analysis are small: a second thread saves nothing on them, and on a busy machine waiting for it at
    the end of every operation makes an analysis a hundred times slower.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
