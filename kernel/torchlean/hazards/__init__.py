"""Numeric hazards: where the binary32 execution overflows, divides by zero, leaves a domain or loses its digits.

`examine` looks at one unit's graph; `merged` puts the findings of a file's units together.
"""

from torchlean.hazards.examine import examine
from torchlean.hazards.memory import HazardMemory
from torchlean.hazards.report import Examination, merged
from torchlean.hazards.settings import text_hazards
from torchlean.hazards.shapeless import examine_shapeless
from torchlean.hazards.written import Written

__all__ = ["Examination", "HazardMemory", "Written", "examine", "examine_shapeless", "merged", "text_hazards"]
