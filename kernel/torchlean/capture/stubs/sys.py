"""`sys.modules`: the files that are followed, by the names under which they were imported."""

from torchlean.capture.intrinsics import followed_module


class _Modules:
    def __getitem__(self, name):
        return followed_module(name)

    def get(self, name, default=None):
        return followed_module(name)


modules = _Modules()
