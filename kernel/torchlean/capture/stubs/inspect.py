"""`inspect`: signatures and kinds of objects, which models ask for while they are built."""

from torchlean.capture.intrinsics import parameters_of, unknown


class _empty:
    pass


class Parameter:
    POSITIONAL_ONLY = 0
    POSITIONAL_OR_KEYWORD = 1
    VAR_POSITIONAL = 2
    KEYWORD_ONLY = 3
    VAR_KEYWORD = 4
    empty = _empty

    def __init__(self, name, kind, *, default=_empty, annotation=_empty):
        self.name = name
        self.kind = kind
        self.default = default
        self.annotation = annotation


class Signature:
    empty = _empty

    def __init__(self, parameters=None):
        self.parameters = {parameter.name: parameter for parameter in parameters or ()}
        self.return_annotation = unknown("annotations are not followed")


def signature(obj):
    found = parameters_of(obj)
    if found is None:
        return unknown("the signature of a function that is not followed")
    parameters = []
    for name, kind, annotated, *default in found:
        annotation = unknown("annotations are not followed") if annotated else _empty
        parameters.append(
            Parameter(name, kind, default=default[0] if default else _empty, annotation=annotation)
        )
    return Signature(parameters)


def isclass(object):
    return isinstance(object, type)
