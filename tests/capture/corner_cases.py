"""Where torch's ops do what one may not expect: a table of bodies of `def f(x)` that assign `result`.

Each group says in `law` what torch does; `docs/make_semantics.py` prints the table as docs/semantics.md. A body is one
expression, or statements parted by ` ; `. `REFUSED` lists what TorchLean does not follow, with a part of what it says.
"""

from __future__ import annotations

from tests.capture import corner_kernels, corner_layout, corner_memory, corner_numbers
from tests.capture.corner_group import Group

GROUPS: dict[str, Group] = {
    **corner_numbers.GROUPS,
    **corner_kernels.GROUPS,
    **corner_layout.GROUPS,
    **corner_memory.GROUPS,
}

REFUSED: dict[str, str] = {**corner_numbers.REFUSED, **corner_layout.REFUSED, **corner_memory.REFUSED}
"""What TorchLean does not follow: the case, and a part of the reason that it gives."""
