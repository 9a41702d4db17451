"""Importing a file of the user's, inside the sandbox."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType

from torchlean.sandbox.channel import Channel


def imported(path: str, channel: Channel) -> ModuleType:
    """Run the file as a module of its own name, as another file beside it would import it; in a package, as part of it.

    Raises:
        ImportError: it is no Python file.
        BaseException: whatever the file raises.
    """
    folder, file = os.path.split(os.path.realpath(path))
    name = os.path.splitext(file)[0]
    channel.phase(f"importing {file}")
    packages: list[str] = []
    while os.path.exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder, package = os.path.split(folder)
        packages.insert(0, package)
    sys.path.insert(0, folder)
    if packages:
        return importlib.import_module(".".join([*packages, name]))
    if name in sys.modules:  # a file may be called like a module of Python's: `types.py`
        name = f"{name}_of_the_user"
    specification = importlib.util.spec_from_file_location(name, os.path.join(folder, file))
    if specification is None or specification.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module
