"""`huggingface_hub.dataclasses`: constructors that take more than the fields. What `strict` checks is not followed:
a program that goes on has passed."""

from dataclasses import MISSING, fields


def strict(cls=None, *, accept_kwargs=False):
    def wrap(cls):
        def __init__(self, **keywords):
            for field in fields(cls):
                if field.name in keywords:
                    setattr(self, field.name, keywords.pop(field.name))
                elif field.default is not MISSING:
                    setattr(self, field.name, field.default)
                elif field.default_factory is not MISSING:
                    setattr(self, field.name, field.default_factory())
                else:
                    raise TypeError(f"Missing required field - '{field.name}'")
            self.__post_init__(**keywords)

        def __post_init__(self, **keywords):
            for name, value in keywords.items():
                setattr(self, name, value)

        if accept_kwargs:
            cls.__init__ = __init__
            if not hasattr(cls, "__post_init__"):
                cls.__post_init__ = __post_init__
        return cls

    return wrap if cls is None else wrap(cls)
