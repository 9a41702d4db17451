"""Property files: VNN-LIB 1.0 and 2.0, read exactly, with the place of everything that is wrong.

Pure Python on exact fractions, without torch or numpy: the language server uses it in its own process.

- `lexical` cuts the text into tokens; `reader` reads forms and goes on after mistakes; `operators`, `networks` and
  `declarations` give them meaning; `formula` is what assertions say.
- `normal` writes formulas as regions; `properties` is the result, which verifiers build on.
- `documents` is the whole of it: `parse`.
- `witness` reads and writes counterexample files; `naming` finds the network that a file speaks of.

Sources: VNN-LIB 1.0 and 2.x (https://www.vnnlib.org), of which 1.0 borrows from SMT-LIB 2.6, section 3.
"""

from torchlean.vnnlib.documents import Document, VnnlibError, parse, parse_file
from torchlean.vnnlib.properties import Conjunction, Constraint, Property, Region

__all__ = [
    "Conjunction",
    "Constraint",
    "Document",
    "Property",
    "Region",
    "VnnlibError",
    "parse",
    "parse_file",
]
