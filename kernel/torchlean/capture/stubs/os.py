"""`os.environ`: what a program finds where nobody has set anything, as `argparse` finds an empty command line."""

from torchlean.capture.intrinsics import environment, unknown

_EVERYWHERE = (
    "HOME",
    "HOSTNAME",
    "LANG",
    "LOGNAME",
    "PATH",
    "PWD",
    "SHELL",
    "TERM",
    "TMPDIR",
    "USER",
    "USERNAME",
)


class _Environment:
    def get(self, key, default=None):
        if key in environment():
            return environment()[key]
        return unknown(f"the environment's `{key}`") if key in _EVERYWHERE else default

    def setdefault(self, key, value):
        if self.get(key) is None:
            environment()[key] = value
        return self.get(key)

    def pop(self, key, default=None):
        value = self.get(key, default)
        environment().pop(key, None)
        return value

    def copy(self):
        return unknown("all of the environment")

    def items(self):
        return unknown("all of the environment")

    def __contains__(self, key):
        return self.get(key) is not None

    def __getitem__(self, key):
        if key in environment():
            return environment()[key]
        return unknown(f"the environment's `{key}`")  # the program counts on it

    def __setitem__(self, key, value):
        environment()[key] = value

    def __delitem__(self, key):
        environment().pop(key, None)


environ = _Environment()


def getenv(key, default=None):
    return environ.get(key, default)
