module

prelude
public import TorchLean.Sound

/-!
# A network with its certificate

The theorem of the checker is not empty: here is a network, a plan that the kernel finds acceptable, the claim that
follows, and a run that the claim speaks about. On `[-1, 1]` the network computes
`2 relu x + 2 relu (-x) - relu (x + 2) + 3 = 2 |x| - x + 1`, which is at least `1`; linear bounds lose the kink of `|x|`
and prove nothing, so the plan splits the input at zero. Damaged certificates follow, and each of them is rejected.
-/

public noncomputable section

namespace TorchLean.Example

/-- Bounds in units of `2^-8`, slopes in units of `2^-6`. -/
@[expose] def precision : Params := ⟨8, 6, 12⟩

/-- `relu` -/
@[expose] def relu : Hinge := ⟨0, 0, 0, 0, 1⟩

/-- `(x, -x, x + 2)` -/
@[expose] def first : Node := .linear 0 0 ⟨16, 1, [⟨1, 0⟩, ⟨0, 1⟩, ⟨1, 0⟩]⟩ [0, 0, 2]

/-- `2 a + 2 b` less the weights `neg`, plus the biases. -/
@[expose] def lastWith (neg : Nat) (bias : List Int) : Node := .linear 0 0 ⟨16, 3, [⟨0x00020002, neg⟩]⟩ bias

/-- `2 a + 2 b - c + 3`, with the weights in fields of 16 bits. -/
@[expose] def last : Node := lastWith 0x000100000000 [3]

/-- `2 |x| - x + 1` where `-2 ≤ x` -/
@[expose] def network : List Node := [last, .hinge 0 relu, first]

/-- One unit for each element. -/
@[expose] def noise : Noise := [[1], [1, 1, 1], [1, 1, 1]]

/-- Weights of `last` are below `2^2`, those of `first` below `2^1`. -/
@[expose] def bits : Bits := [2, 0, 1]

/-- `[-1, 1]` -/
@[expose] def box : Box := [(-256, 256)]

/-- Backward bounds for the output. -/
@[expose] def leaf : Plan := .bound [.backward, .interval, .interval] .done

/-- The input is not positive, or not negative. -/
@[expose] def plan : Plan := .split 3 0 0 leaf leaf

/-- The kernel runs the checker. -/
theorem accepted : check precision network noise bits box (.pos 0) plan = true := by decide +kernel

/-- On `[-1, 1]`, with noise up to `2^-8` in every element, the output is positive. -/
theorem positive : Claim 8 network noise box (.pos 0) := check_sound accepted

/-- There are such runs: on input `0` the network computes `1`. -/
theorem run_zero : InBox 8 box [0] ∧ Run 8 network noise [0] [[1], [0, 0, 2], [0, 0, 2], [0]] := by
  refine ⟨⟨⟨?_, ?_⟩, trivial⟩, ⟨⟨rfl, ?_⟩, ?_⟩, ?_⟩
  · decide +kernel
  · decide +kernel
  · exact ⟨⟨by decide +kernel, by decide +kernel⟩, ⟨by decide +kernel, by decide +kernel⟩,
      ⟨by decide +kernel, by decide +kernel⟩, trivial⟩
  · exact ⟨⟨by decide +kernel, by decide +kernel⟩, ⟨by decide +kernel, by decide +kernel⟩,
      ⟨by decide +kernel, by decide +kernel⟩, trivial⟩
  · exact ⟨⟨by decide +kernel, by decide +kernel⟩, trivial⟩

/-- What the checker says of a changed certificate. -/
@[expose] def accepts (nodes : List Node) (noise : Noise) (bits : Bits) (box : Box) (goal : Formula)
    (plan : Plan) : Bool :=
  check precision nodes noise bits box goal plan

/-! ## Rejected -/

-- Plans that prove too little: no split, a split elsewhere, no backward bounds, nothing at all.
example : accepts network noise bits box (.pos 0) leaf = false := by decide +kernel
example : accepts network noise bits box (.pos 0) (.split 3 0 256 leaf leaf) = false := by decide +kernel
example : accepts network noise bits box (.pos 0) (.split 3 0 0 leaf .done) = false := by decide +kernel
example : accepts network noise bits box (.pos 0)
    (.bound [.interval, .interval, .interval] .done) = false := by decide +kernel
example : accepts network noise bits box (.pos 0) .done = false := by decide +kernel

-- Splits of elements, nodes and bounds that are not there.
example : accepts network noise bits box (.pos 0) (.split 3 1 0 leaf leaf) = false := by decide +kernel
example : accepts network noise bits box (.pos 0) (.split 4 0 0 leaf leaf) = false := by decide +kernel
example : accepts network noise bits box (.pos 0) (.split 1 0 0 leaf leaf) = false := by decide +kernel

-- Too few methods, noises or bits; noise of the wrong length.
example : accepts network noise bits box (.pos 0)
    (.split 3 0 0 leaf (.bound [.backward] .done)) = false := by decide +kernel
example : accepts network [[1], [1, 1, 1]] bits box (.pos 0) plan = false := by decide +kernel
example : accepts network noise [2, 0] box (.pos 0) plan = false := by decide +kernel
example : accepts network [[1], [1, 1, 1], [1, 1]] bits box (.pos 0) plan = false := by decide +kernel
example : accepts network [[1, 1], [1, 1, 1], [1, 1, 1]] bits box (.pos 0) plan = false := by decide +kernel

-- Weights said to be smaller than they are, fields too narrow for the products.
example : accepts network noise [1, 0, 1] box (.pos 0) plan = false := by decide +kernel
example : accepts network noise [2, 0, 16] box (.pos 0) plan = false := by decide +kernel

-- Claims that are false: of another element, under more noise, for other weights or biases, for a
-- formula that asks for more.
example : accepts network noise bits box (.pos 1) plan = false := by decide +kernel
example : accepts network [[300], [1, 1, 1], [1, 1, 1]] bits box (.pos 0) plan = false := by decide +kernel
example : accepts [lastWith 0x000300000000 [3], .hinge 0 relu, first] noise bits box (.pos 0) plan = false := by
  decide +kernel
example : accepts [lastWith 0x000100000000 [1], .hinge 0 relu, first] noise bits box (.pos 0) plan = false := by
  decide +kernel
example : accepts network noise bits box (.and (.pos 0) (.pos 1)) plan = false := by decide +kernel

-- Networks that are not networks: an operand below the input, biases and rows of different number.
example : accepts [last, .hinge 2 relu, first] noise bits box (.pos 0) plan = false := by decide +kernel
example : accepts [lastWith 0x000100000000 [3, 3], .hinge 0 relu, first] noise bits box (.pos 0) plan = false := by
  decide +kernel

end TorchLean.Example
