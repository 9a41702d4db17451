"""`tqdm.auto`: the progress bars of `tqdm`."""

from tqdm import tqdm, trange

__all__ = ["tqdm", "trange"]
