"""A file that a program opened for reading, until something is read from it that is not followed."""

from torchlean.capture.intrinsics import unknown


class OpenFile:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        return None

    def __iter__(self):
        return self.__getattr__("__iter__")

    def __getattr__(self, name):
        # A method may read, or move to another place.
        self.path = None
        return unknown("what a file holds is known when the program runs", said=True)
