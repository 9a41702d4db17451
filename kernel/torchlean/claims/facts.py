"""What families of facts have in common at run time: each fact is a claim, and an attribute under its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torchlean.claims.api import Claim


class Facts:
    """Claims that one call states.

    Attributes:
        facts: the claims by name, each also an attribute.
    """

    stated: ClassVar[str]
    """What the facts are about, as messages name it."""

    def __init__(self, facts: Mapping[str, Claim[..., Any]]) -> None:
        self.facts = dict(facts)

    def __getattr__(self, name: str) -> Claim[..., Any]:
        facts: dict[str, Claim[..., Any]] = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        known = ", ".join(f"`{fact}`" for fact in facts)
        raise AttributeError(f"{name!r} is no fact of {self.stated}: it has {known}")
