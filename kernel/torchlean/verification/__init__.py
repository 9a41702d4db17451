"""Networks and properties in files of their own: ONNX and VNN-LIB, decided like claims.

`pose` makes questions of them, `verify` answers.
"""

from torchlean.verification.posing import PosingError, pose
from torchlean.verification.verify import Counterexample, Progress, Verification, verify, verify_files

__all__ = ["Counterexample", "PosingError", "Progress", "Verification", "pose", "verify", "verify_files"]
