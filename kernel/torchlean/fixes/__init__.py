"""Quick fixes: how an expression that breaks in float32 is written so that it does not.

`propose` reads the syntax tree alone and only knows identities of mathematics; whether a proposal helps is found out
by analysing the changed file (`torchlean.analysis.fixing`). So a rule here may be generous about when it applies and
must be strict about one thing: in exact arithmetic the new expression has the same value, or, where the title says
`clamp` or names an epsilon, differs only where the old one was useless.
"""

from torchlean.fixes.propose import Proposal, propose

__all__ = ["Proposal", "propose"]
