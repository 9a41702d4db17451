module
prelude
public import TorchLean.Run32

/-!
# A network with an execution

The theorems about executions speak of something: a network `1 → 2 → 1` with weights `3/2, -1` and `1/2, 1/2` has a
binary32 execution, its noise covers the rounding errors of binary32 on `[-1, 1]`, and so every execution is finite
and a run of the noisy network.
-/

public noncomputable section
namespace TorchLean.Witness
open TorchLean.Float32

/-- Affine, relu, affine; output first. -/
@[expose] def nodes : List Node := [
  .linear 0 1 ⟨64, 2, [⟨0x10000000000000001, 0⟩]⟩ [1],
  .hinge 0 ⟨0, 0, 0, 0, 1⟩,
  .linear 0 1 ⟨64, 1, [⟨3, 0⟩, ⟨0, 2⟩]⟩ [0, 1]]

/-- In units of `2^-30`. -/
@[expose] def noise : Noise := [[512], [0, 0], [512, 512]]

@[expose] def box : Box := [(-2 ^ 30, 2 ^ 30)]

/-- Bits of the weights. -/
@[expose] def bits : Bits := [1, 0, 2]

/-- On `0.5` it computes `0.875`. -/
theorem runs : run32 nodes [0x3f000000] =
    some [[0x3f600000], [0x3f400000, 0], [0x3f400000, 0], [0x3f000000]] := by decide +kernel

/-- That is an execution. -/
theorem executes : Exec binary32 30 nodes (operations nodes) ([0x3f000000] : List Nat)
    ([[0x3f600000], [0x3f400000, 0], [0x3f400000, 0], [0x3f000000]] : List (List Nat)) := run32_exec runs

/-- The noise covers binary32. -/
theorem fits : executionFits 30 nodes (operations nodes) noise bits box = true := by decide +kernel

/-- Noise that is too small is noticed. -/
theorem fits_not : executionFits 30 nodes (operations nodes) [[512], [0, 0], [512, 1]] bits box = false := by
  decide +kernel

/-- Every execution on `[-1, 1]` is finite, and its output is what is proved of the noisy network. -/
theorem covered {goal : Formula} (h : Claim 30 nodes noise box goal) :
    Executions binary32 30 nodes (operations nodes) box goal := executions_satisfy h (by decide +kernel) fits

/-- Sums are rounded: `1 + 2^-24` is `1`, a tie that goes to even. -/
theorem add_tie : add 0x3f800000 0x33800000 = 0x3f800000 := by decide +kernel

/-- A fused multiply-add is rounded once: `(1 + 2^-12)^2 - (1 + 2^-11) = 2^-24`, which two roundings lose. -/
theorem fma_once : fma 0x3f800800 0x3f800800 0xbf801000 = 0x33800000 ∧
    add (mul 0x3f800800 0x3f800800) 0xbf801000 = 0 := by decide +kernel

end TorchLean.Witness
