"""`contextvars`, in a program with one context."""

_NOTHING = object


class Token:
    def __init__(self, var, old_value):
        self.var = var
        self.old_value = old_value


class ContextVar:
    def __init__(self, name, *, default=_NOTHING):
        self.name = name
        self._default = default
        self._value = _NOTHING

    def get(self, default=_NOTHING):
        for value in (self._value, default, self._default):
            if value is not _NOTHING:
                return value
        raise LookupError(self.name)

    def set(self, value):
        token = Token(self, self._value)
        self._value = value
        return token

    def reset(self, token):
        self._value = token.old_value
