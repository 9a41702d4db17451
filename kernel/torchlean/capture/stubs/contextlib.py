"""`contextlib`: its context managers as classes; `contextmanager` is followed by `managers`."""

from torchlean.capture.intrinsics import managed as contextmanager


class AbstractContextManager:
    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        return None


class suppress(AbstractContextManager):
    def __init__(self, *exceptions):
        self._exceptions = exceptions

    def __exit__(self, exc_type, exc_value, traceback):
        return exc_type is not None and isinstance(exc_value, self._exceptions)


class nullcontext(AbstractContextManager):
    def __init__(self, enter_result=None):
        self.enter_result = enter_result

    def __enter__(self):
        return self.enter_result


class closing(AbstractContextManager):
    def __init__(self, thing):
        self.thing = thing

    def __enter__(self):
        return self.thing

    def __exit__(self, exc_type, exc_value, traceback):
        self.thing.close()


class redirect_stdout(AbstractContextManager):
    def __init__(self, new_target):
        self._new_target = new_target

    def __enter__(self):
        return self._new_target


class redirect_stderr(redirect_stdout):
    pass


class ExitStack(AbstractContextManager):
    def __init__(self):
        self._left = []

    def enter_context(self, cm):
        entered = cm.__enter__()
        self._left.append(cm.__exit__)
        return entered

    def callback(self, callback, *args, **kwds):
        self._left.append(lambda exc_type, exc_value, traceback: callback(*args, **kwds) and False)
        return callback

    def push(self, exit):
        self._left.append(exit.__exit__)
        return exit

    def __exit__(self, exc_type, exc_value, traceback):
        swallowed = False
        while self._left:
            if self._left.pop()(exc_type, exc_value, traceback):
                exc_type, exc_value, traceback, swallowed = None, None, None, True
        return swallowed
