"""Networks and properties in files of their own: ONNX and VNN-LIB, decided like claims.

`pose` makes questions of them, `verify` answers.
"""

from torchlean.verification.posing import PosingError, pose
from torchlean.verification.result import Counterexample, Progress, Verification
from torchlean.verification.verify import verify, verify_files

__all__ = ["Counterexample", "PosingError", "Progress", "Verification", "pose", "verify", "verify_files"]
