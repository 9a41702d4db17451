module
prelude
public import TorchLean.Rounding

/-!
# Dot products in any order of summation

A library is free to sum a dot product in any order, in any number of partial sums, to fuse any product with an
addition, and to start accumulators with zeros. A `Tree` is one such way, over the numbers of a machine; `Tree.Result`
relates it to the results that the machine may give. The theorem of this file bounds the error of every tree by the same
number, and proves that no intermediate result overflows as long as the magnitudes of the terms leave room for that
error.

Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1; underflow is accounted for.
-/

public section
namespace TorchLean

/-- A way to sum products and addends: where products are rounded, and where they are consumed unrounded by a fused
multiply-add. `zero` is the zero that an accumulator starts with, or that pads a vector. -/
inductive Tree (α : Type) where
  | zero
  | addend (b : α)
  | product (x y : α)
  | fma (x y : α) (t : Tree α)
  | add (s t : Tree α)

/-- The exact product of a pair of numbers. -/
@[expose] def Machine.product (M : Machine) (p : M.Number × M.Number) : Rat := M.value p.1 * M.value p.2

open Classical in
/-- One if it does not hold. -/
@[expose] noncomputable def oneUnless (P : Prop) : Nat := if P then 0 else 1

theorem oneUnless_of {P : Prop} (h : P) : oneUnless P = 0 := by rw [oneUnless, if_pos h]

theorem oneUnless_of_not {P : Prop} (h : ¬ P) : oneUnless P = 1 := by rw [oneUnless, if_neg h]

theorem oneUnless_le (P : Prop) : oneUnless P ≤ 1 := by
  unfold oneUnless
  split <;> omega

/-- How many terms a product counts for: none if it is zero. -/
@[expose] noncomputable def Machine.nonzero (M : Machine) (p : M.Number × M.Number) : Nat := oneUnless (M.product p = 0)

/-- How many roundings a product counts for: none if it is zero, or a factor has magnitude one. -/
@[expose] noncomputable def Machine.rough (M : Machine) (p : M.Number × M.Number) : Nat :=
  oneUnless (M.product p = 0 ∨ UnitFactor (M.value p.1) (M.value p.2))

/-- How many terms an addend counts for: none if it is zero. -/
@[expose] noncomputable def Machine.nonzeroAddend (M : Machine) (b : M.Number) : Nat := oneUnless (M.value b = 0)

namespace Tree

/-- The pairs of factors, from left to right. -/
@[expose] noncomputable def products {α : Type} : Tree α → List (α × α)
  | zero => []
  | addend _ => []
  | product x y => [(x, y)]
  | fma x y t => (x, y) :: t.products
  | add s t => s.products ++ t.products

/-- The addends, from left to right. -/
@[expose] noncomputable def addends {α : Type} : Tree α → List α
  | zero => []
  | addend b => [b]
  | product _ _ => []
  | fma _ _ t => t.addends
  | add s t => s.addends ++ t.addends

variable (M : Machine)

/-- The results that the machine may give for a tree. -/
@[expose] def Result : Tree M.Number → M.Number → Prop
  | zero, r => M.finite r ∧ M.value r = 0
  | addend b, r => r = b
  | product x y, r => M.mul x y r
  | fma x y t, r => ∃ c, Result t c ∧ M.fma x y c r
  | add s t, r => ∃ a b, Result s a ∧ Result t b ∧ M.add a b r

/-- Numbers of products that round, and of products and addends that are not zero. -/
@[expose] noncomputable def sizes : Tree M.Number → Nat × Nat
  | zero => (0, 0)
  | addend b => (0, M.nonzeroAddend b)
  | product x y => (M.rough (x, y), M.nonzero (x, y))
  | fma x y t => ((sizes t).1 + M.rough (x, y), (sizes t).2 + M.nonzero (x, y))
  | add s t => ((sizes s).1 + (sizes t).1, (sizes s).2 + (sizes t).2)

/-- All factors and addends are finite. -/
@[expose] def Finite : Tree M.Number → Prop
  | zero => True
  | addend b => M.finite b
  | product x y => M.finite x ∧ M.finite y
  | fma x y t => (M.finite x ∧ M.finite y) ∧ Finite t
  | add s t => Finite s ∧ Finite t

/-- The exact sum. -/
@[expose] def total : Tree M.Number → Rat
  | zero => 0
  | addend b => M.value b
  | product x y => M.value x * M.value y
  | fma x y t => M.value x * M.value y + total t
  | add s t => total s + total t

/-- The sum of the magnitudes of all terms. -/
@[expose] def weight : Tree M.Number → Rat
  | zero => 0
  | addend b => Rational.abs (M.value b)
  | product x y => Rational.abs (M.value x * M.value y)
  | fma x y t => Rational.abs (M.value x * M.value y) + weight t
  | add s t => weight s + weight t

/-- What underflow may cost: `ηProduct` for each product that rounds, `ηSum` for each term. -/
@[expose] noncomputable def underflow (t : Tree M.Number) : Rat :=
  ((t.sizes M).1 : Rat) * M.ηProduct + ((t.sizes M).2 : Rat) * M.ηSum

end Tree

/-- A bound of the error of a sum of at most `k + 1` terms, each of which was rounded at most `p` times itself, of
magnitude `W`, with `C` for underflow:
`((1 + u)^(k+p) - 1) W + C (1 + u)^k`. -/
@[expose] def slack (u : Rat) (p k : Nat) (W C : Rat) : Rat := ((1 + u) ^ (k + p) - 1) * W + C * (1 + u) ^ k

theorem slack_nonneg {u W C : Rat} (hu : 0 ≤ u) (p k : Nat) (hW : 0 ≤ W) (hC : 0 ≤ C) : 0 ≤ slack u p k W C := by
  have h1 := one_le_growth hu (k + p)
  have h2 := one_le_growth hu k
  have := Rat.mul_nonneg (show 0 ≤ (1 + u) ^ (k + p) - 1 by grind) hW
  have := Rat.mul_nonneg hC (show 0 ≤ (1 + u) ^ k by grind)
  grind [slack]

theorem slack_mono {u W W' C C' : Rat} (hu : 0 ≤ u) (p k : Nat) (hW : W ≤ W') (hC : C ≤ C') :
    slack u p k W C ≤ slack u p k W' C' := by
  have h1 := one_le_growth hu (k + p)
  have h2 := one_le_growth hu k
  have := Rat.mul_le_mul_of_nonneg_left hW (show 0 ≤ (1 + u) ^ (k + p) - 1 by grind)
  have := Rat.mul_le_mul_of_nonneg_right hC (show 0 ≤ (1 + u) ^ k by grind)
  grind [slack]

theorem slack_succ {u W C : Rat} (hu : 0 ≤ u) (p k : Nat) (hW : 0 ≤ W) (hC : 0 ≤ C) :
    slack u p k W C ≤ slack u p (k + 1) W C := by
  have h2 := one_le_growth hu k
  have h3 := one_le_growth hu (k + p)
  have h1 := Rat.mul_nonneg hu (show 0 ≤ (1 + u) ^ k by grind)
  have := Rat.mul_nonneg hC h1
  have := Rat.mul_nonneg (Rat.mul_nonneg hu (show 0 ≤ (1 + u) ^ (k + p) by grind)) hW
  rw [slack, slack, Nat.add_right_comm k 1 p, Rat.pow_succ (1 + u) (k + p), Rat.pow_succ (1 + u) k]
  grind

/-- A sum that was not rounded. -/
theorem slack_exact {u W C σ : Rat} (hu : 0 ≤ u) (p k : Nat) (hW : 0 ≤ W) (hσ : 0 ≤ σ) (hC : σ ≤ C) :
    σ ≤ slack u p k W C := by
  have := Rat.mul_nonneg (show 0 ≤ (1 + u) ^ (k + p) - 1 by grind [one_le_growth hu (k + p)]) hW
  have := Rat.mul_nonneg (show 0 ≤ C by grind) (show 0 ≤ (1 + u) ^ k - 1 by grind [one_le_growth hu k])
  rw [slack]
  grind

/-- A sum that was rounded once, as a term. -/
theorem slack_leaf {u W C η e σ : Rat} (hu : 0 ≤ u) {p : Nat} (hp : p ≠ 0) (k : Nat) (hW : 0 ≤ W) (hη : 0 ≤ η)
    (hσ : 0 ≤ σ) (hC : η + σ ≤ C) (he : e ≤ u * W + η) : e + σ ≤ slack u p k W C := by
  obtain ⟨q, rfl⟩ : ∃ q, p = q + 1 := ⟨p - 1, by omega⟩
  have h := one_le_growth hu k
  have h' := one_le_growth hu (k + q)
  have := Rat.mul_nonneg (Rat.mul_nonneg (show 0 ≤ 1 + u by grind) (show 0 ≤ (1 + u) ^ (k + q) - 1 by grind)) hW
  have := Rat.mul_nonneg (show 0 ≤ C by grind) (show 0 ≤ (1 + u) ^ k - 1 by grind)
  rw [slack, ← Nat.add_assoc, Rat.pow_succ]
  grind

theorem slack_le {u W W' C C' : Rat} (hu : 0 ≤ u) (p : Nat) {j k : Nat} (hk : j ≤ k) (h0 : 0 ≤ W) (hW : W ≤ W')
    (hC0 : 0 ≤ C) (hC : C ≤ C') : slack u p j W C ≤ slack u p k W' C' := by
  refine Rat.le_trans ?_ (slack_mono hu p k hW hC)
  induction hk with
  | refl => exact Rat.le_refl
  | step _ ih => exact Rat.le_trans ih (slack_succ hu p _ h0 hC0)

theorem slack_add_le {u W C η : Rat} (hu : 0 ≤ u) (p k : Nat) (hη : 0 ≤ η) :
    slack u p k W C + η ≤ slack u p k W (C + η) := by
  have := Rat.mul_nonneg hη (show 0 ≤ (1 + u) ^ k - 1 by grind [one_le_growth hu k])
  simp only [slack]
  grind

/-- One more rounding: of `v`, which is as near to `s` as `slack` says. -/
theorem slack_step {u W C η σ v s r : Rat} (hu : 0 ≤ u) (p k : Nat) (hσ : 0 ≤ σ) (hs : Rational.abs s ≤ W)
    (hv : Rational.abs (v - s) + σ ≤ slack u p k W C) (hr : Rounds u η r v) :
    Rational.abs (r - s) + σ ≤ slack u p (k + 1) W C + η := by
  have hvs : Rational.abs v ≤ Rational.abs s + Rational.abs (v - s) := by
    have := Rational.abs_add_le s (v - s)
    have h : s + (v - s) = v := by grind
    rwa [h] at this
  have hrs : Rational.abs (r - s) ≤ Rational.abs (r - v) + Rational.abs (v - s) := by
    have := Rational.abs_add_le (r - v) (v - s)
    have h : r - v + (v - s) = r - s := by grind
    rwa [h] at this
  have huv : u * Rational.abs v ≤ u * (W + (slack u p k W C - σ)) := Rat.mul_le_mul_of_nonneg_left (by grind) hu
  have := Rat.mul_nonneg hu hσ
  simp only [Rounds, slack, Nat.add_right_comm k 1 p, Rat.pow_succ] at *
  grind

end TorchLean
