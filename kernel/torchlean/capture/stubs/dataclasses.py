"""`dataclasses`: what classes that look at their own fields ask for; the rest is natives (`standard_classes`)."""

from torchlean.capture.intrinsics import fields_of


class _MISSING_TYPE:
    pass


MISSING = _MISSING_TYPE()


class _Field:
    def __init__(self, name, default=MISSING, default_factory=MISSING):
        self.name = name
        self.default = default
        self.default_factory = default_factory


def fields(class_or_instance):
    return tuple(_Field(name, **defaults) for name, defaults in fields_of(class_or_instance))


def is_dataclass(obj):
    return hasattr(obj, "__dataclass_fields__")
