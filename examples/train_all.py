"""Train every example again from its fixed seed; each script writes its weights beside itself.

The last bits of trained weights depend on the processor and the version of torch, so a retrained network is a
little different from the one in the repository, and its claims must be checked again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    for script in sorted(HERE.glob("*/train*.py")):
        print(f"== {script.relative_to(HERE)}", flush=True)
        subprocess.run([sys.executable, str(script)], check=True)


if __name__ == "__main__":
    main()
