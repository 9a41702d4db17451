"""Walls around a process that an unprivileged one can build around itself on Linux, for good and for its children.

- Namespaces (namespaces(7)): one of the network without any device, so that not even the machine itself is reached; one
  of processes, so that all of them end with the first one, whatever they did to leave their group, and that there are
  never thousands of them.
- Landlock (landlock(7)): no file outside of given folders is written, made, renamed or removed.

Either may be missing (an old kernel, a container that forbids it). What stands is told, and the report tells it on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

# <linux/sched.h>
_NEW_USER = 0x10000000
_NEW_PROCESSES = 0x20000000
_NEW_NETWORK = 0x40000000

# <linux/prctl.h>
_SET_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_SET_NO_NEW_PRIVILEGES = 38

# Numbers of system calls, the same on every architecture since Linux 5.1; <linux/landlock.h>
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_ONLY_VERSION = 1
_WRITE_FILE = 1 << 1
_WRITING = (1 << 1) | sum(1 << bit for bit in range(4, 13))
"""Writing a file; removing and making entries of each kind."""
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_CONNECTING = 0b11
"""Binding and connecting TCP sockets."""
_SIGNALS = 1 << 1
"""Scope: no signals to processes outside."""
_TRUNCATE_SINCE, _NETWORK_SINCE, _SCOPES_SINCE, _REFER_SINCE = 3, 4, 6, 2

_LEAST_CROWD = 301
"""The kernel takes no smaller one: 300 numbers are kept for what it starts itself."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
"""May be written to: nothing comes of it."""


def separated() -> bool:
    """Put this process into namespaces of its own; its next child is the first process of the new one.

    The process must have one thread. False where the system does not let it: nothing has changed then.
    """
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    if _libc().unshare(_NEW_USER | _NEW_PROCESSES | _NEW_NETWORK) != 0:
        return False
    # The same numbers inside as outside, so that files belong to whom they belonged to.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        try:
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
        except OSError:
            break  # then everything belongs to nobody inside, which only names
    return True


def crowd_limited(tasks: int) -> bool:
    """Let this process's namespace hold no more than so many processes and threads, as its first process. False where
    the system cannot do that: before Linux 6.14 the largest number of a process is the same for all."""
    try:
        Path("/proc/sys/kernel/pid_max").write_text(str(max(tasks, _LEAST_CROWD)), encoding="ascii")
    except OSError:
        return False
    return True


def fenced(folders: Sequence[str]) -> bool:
    """Let this process write only below `folders` from now on. False where the system cannot do that."""
    if sys.platform != "linux":
        return False
    version = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ONLY_VERSION)
    if version < _TRUNCATE_SINCE:  # without it, files outside could still be emptied
        return False
    rights = _WRITING | _REFER | _TRUNCATE
    rules = struct.pack("<Q", rights)
    if version >= _NETWORK_SINCE:
        rules += struct.pack("<Q", _CONNECTING)
    if version >= _SCOPES_SINCE:
        rules += struct.pack("<Q", _SIGNALS)
    ruleset = _libc().syscall(_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    try:
        opened = [_allow(ruleset, folder, rights) for folder in folders]
        opened += [_allow(ruleset, device, _WRITE_FILE | _TRUNCATE) for device in DEVICES]
        if not all(opened) or _libc().prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            return False
        return bool(_libc().syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent ends, however it ends. Nothing happens on other systems."""
    if sys.platform == "linux":
        _libc().prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # it ended before the call


def adopt_orphans() -> None:
    """Become the parent of all descendants whose parents end."""
    if sys.platform == "linux":
        _libc().prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _allow(ruleset: int, path: str, rights: int) -> bool:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("<Qi", rights, place)
        return bool(_libc().syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
