"""Robustness of the dense network around each of 360 digits it has not seen: how `tl.robust` counts what is certified.

`torchlean report robust.py` writes a page with a table of all samples and certified accuracy over the radius.
"""

from dense import net

import torchlean as tl

safe = tl.robust(net, data="digits_test.npz", eps=0.02, norm="linf", clip=(0, 1))

safe_in_l2 = tl.robust(net, data="digits_test.npz", eps=0.15, norm="l2", clip=(0, 1))
