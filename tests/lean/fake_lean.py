"""Stands in for a Lean that misbehaves: what it does is written in its input. Never used where a proof is wanted."""

from __future__ import annotations

import os
import sys
import time


def message(severity: str, text: str) -> str:
    import json

    return json.dumps({"severity": severity, "pos": {"line": 1, "column": 0}, "data": text})


def main() -> None:
    source = sys.stdin.read()
    seal = source.rsplit('#print "', 1)[-1].split('"', 1)[0]
    if "SILENT" in source:
        return
    if "GARBAGE" in source:
        print("\x00\x07 not JSON at all {")
        return
    if "HALF A LINE" in source:
        sys.stdout.write('{"severity": "error", "pos"')
        return
    if "SEAL WITH FAILURE" in source:
        print(message("information", seal))
        sys.exit(3)
    if "SEAL WITH ERROR" in source:
        print(message("information", seal))
        print(message("error", "but wrong"))
        return
    if "SEAL" in source:
        print(message("information", seal))
        return
    if "REJECT" in source:
        print("[DEBUG:Z] talk")
        print(message("error", "no proof"))
        sys.exit(1)
    if "STACK" in source:
        print("Stack overflow detected. Aborting.", file=sys.stderr)
        os.abort()
    if "PANIC" in source:
        print("INTERNAL PANIC: out of memory", file=sys.stderr)
        sys.exit(1)
    if "SIGNAL" in source:
        os.kill(os.getpid(), 11)
    if "HOG" in source:
        kept = [bytearray(b"x") * (1024 * 1024) for _ in range(150)]
        time.sleep(60)
        del kept
    if "FLOOD" in source:
        for _ in range(100_000):
            print("x" * 1000)
    if "HANG" in source:
        time.sleep(60)


if __name__ == "__main__":
    main()
