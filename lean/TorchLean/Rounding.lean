module
prelude
public import TorchLean.Rational

/-!
# The rounding interface

Proofs about floating-point executions use nothing of the arithmetic but one inequality between the exact
result `s` of an operation and what the machine returns, `r`: `|r - s| <= u |s| + η`. No tie rule is needed, so
more hardware is covered than the standard describes, and other machines (flushing, wider accumulators) are other
parameters, not other theorems.

A `Machine` is a set of numbers with relations for its operations: an operation may have several results
(payloads of NaNs, say), and the laws speak about each of them. Whether a result is *finite* is proved, not
assumed: the laws only say that it is when the exact result is below the overflow threshold.

Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 2.2 and 3.1.
-/

public section
namespace TorchLean

/-- The rounding inequality `R(r, s)`: the machine returned `r` where the exact result is `s`. -/
@[expose] def Rounds (u η r s : Rat) : Prop := Rational.abs (r - s) ≤ u * Rational.abs s + η

/-- Returning the exact result satisfies it. -/
theorem Rounds.refl {u η : Rat} (hu : 0 ≤ u) (hη : 0 ≤ η) (s : Rat) : Rounds u η s s := by
  have h := Rat.mul_nonneg hu (Rational.abs_nonneg s)
  have h0 : s - s = 0 := by grind
  grind [Rounds, Rational.abs_zero]

/-- A factor of magnitude one: the product is the other factor, or its negative. -/
@[expose] def UnitFactor (x y : Rat) : Prop := Rational.abs x = 1 ∨ Rational.abs y = 1

/-- A machine's numbers and operations, and what is known about their roundings.

`finite a` says that `a` has a value, `value a`; sums, products and fused multiply-adds are related to each result
that the machine may give. `u` is relative to the exact result; `ηSum` is the absolute error of a sum of two of the
machine's numbers (zero for binary32: a tiny sum is exact), `ηProduct` of products and fused multiply-adds. Exact
results smaller than `threshold` in magnitude round to finite numbers. Zeros are exact, as terms and as factors:
accumulators start with one, and vectors are padded with them. So are factors of magnitude one (`UnitFactor`): their
products are numbers of the machine, which a fused multiply-add adds like any other. -/
structure Machine where
  Number : Type
  finite : Number → Prop
  value : Number → Rat
  add : Number → Number → Number → Prop
  mul : Number → Number → Number → Prop
  fma : Number → Number → Number → Number → Prop
  u : Rat
  ηSum : Rat
  ηProduct : Rat
  threshold : Rat
  u_nonneg : 0 ≤ u
  ηSum_nonneg : 0 ≤ ηSum
  ηProduct_nonneg : 0 ≤ ηProduct
  add_rounds : ∀ {a b r}, finite a → finite b → add a b r → Rational.abs (value a + value b) < threshold →
    finite r ∧ Rounds u ηSum (value r) (value a + value b)
  add_zero : ∀ {a b r}, finite a → finite b → add a b r → value b = 0 → finite r ∧ value r = value a
  zero_add : ∀ {a b r}, finite a → finite b → add a b r → value a = 0 → finite r ∧ value r = value b
  mul_zero : ∀ {a b r}, finite a → finite b → mul a b r → value a * value b = 0 → finite r ∧ value r = 0
  fma_zero : ∀ {a b c r}, finite a → finite b → finite c → fma a b c r → value a * value b = 0 →
    finite r ∧ value r = value c
  mul_unit : ∀ {a b r}, finite a → finite b → mul a b r → UnitFactor (value a) (value b) →
    finite r ∧ value r = value a * value b
  fma_unit : ∀ {a b c r}, finite a → finite b → finite c → fma a b c r → UnitFactor (value a) (value b) →
    Rational.abs (value a * value b + value c) < threshold →
    finite r ∧ Rounds u ηSum (value r) (value a * value b + value c)
  fma_unit_zero : ∀ {a b c r}, finite a → finite b → finite c → fma a b c r → UnitFactor (value a) (value b) →
    value c = 0 → finite r ∧ value r = value a * value b
  mul_rounds : ∀ {a b r}, finite a → finite b → mul a b r → Rational.abs (value a * value b) < threshold →
    finite r ∧ Rounds u ηProduct (value r) (value a * value b)
  fma_rounds : ∀ {a b c r}, finite a → finite b → finite c → fma a b c r →
    Rational.abs (value a * value b + value c) < threshold →
    finite r ∧ Rounds u ηProduct (value r) (value a * value b + value c)

/-- A machine that computes with rational numbers and never rounds: the interface is inhabited, and its theorems
specialise to exact arithmetic. -/
@[expose] def Machine.exact (threshold : Rat) : Machine where
  Number := Rat
  finite _ := True
  value := id
  add a b r := r = a + b
  mul a b r := r = a * b
  fma a b c r := r = a * b + c
  u := 0
  ηSum := 0
  ηProduct := 0
  threshold := threshold
  u_nonneg := Rat.le_refl
  ηSum_nonneg := Rat.le_refl
  ηProduct_nonneg := Rat.le_refl
  add_rounds _ _ h _ := ⟨trivial, h ▸ Rounds.refl Rat.le_refl Rat.le_refl _⟩
  add_zero {a b r} _ _ h hb := ⟨trivial, by simp only [id] at *; grind⟩
  zero_add {a b r} _ _ h ha := ⟨trivial, by simp only [id] at *; grind⟩
  mul_zero {a b r} _ _ h hz := ⟨trivial, by simp only [id] at *; grind⟩
  fma_zero {a b c r} _ _ _ h hz := ⟨trivial, by simp only [id] at *; grind⟩
  mul_unit _ _ h _ := ⟨trivial, h⟩
  fma_unit _ _ _ h _ _ := ⟨trivial, h ▸ Rounds.refl Rat.le_refl Rat.le_refl _⟩
  fma_unit_zero {a b c r} _ _ _ h _ hc := ⟨trivial, by simp only [id] at *; grind⟩
  mul_rounds _ _ h _ := ⟨trivial, h ▸ Rounds.refl Rat.le_refl Rat.le_refl _⟩
  fma_rounds _ _ _ h _ := ⟨trivial, h ▸ Rounds.refl Rat.le_refl Rat.le_refl _⟩

/-- Powers of `1 + u` are at least one. -/
theorem one_le_growth {u : Rat} (hu : 0 ≤ u) (k : Nat) : 1 ≤ (1 + u) ^ k := by
  induction k with
  | zero => rw [Rat.pow_zero]; exact Rat.le_refl
  | succ k ih =>
    have := Rat.mul_nonneg hu (show (0 : Rat) ≤ (1 + u) ^ k by grind)
    rw [Rat.pow_succ]
    grind

theorem growth_mono {u : Rat} (hu : 0 ≤ u) (k p : Nat) : (1 + u) ^ k ≤ (1 + u) ^ (k + p) := by
  induction p with
  | zero => exact Rat.le_refl
  | succ p ih =>
    have := Rat.mul_nonneg hu (show 0 ≤ (1 + u) ^ (k + p) by grind [one_le_growth hu (k + p)])
    rw [← Nat.add_assoc, Rat.pow_succ]
    grind

/-- **Growth of roundings.** `(1 + u)^m - 1 <= m u (1 + m u)` as long as `m u <= 1`. -/
theorem growth_le {u : Rat} (hu : 0 ≤ u) (m : Nat) (hm : (m : Rat) * u ≤ 1) :
    (1 + u) ^ m - 1 ≤ m * u * (1 + m * u) := by
  induction m with
  | zero => rw [Rat.pow_zero]; grind
  | succ m ih =>
    have hcast : ((m + 1 : Nat) : Rat) = m + 1 := by rw [Rat.natCast_add]; rfl
    rw [hcast] at hm ⊢
    have hm0 : (0 : Rat) ≤ m := Rat.natCast_nonneg
    have hmu : 0 ≤ (m : Rat) * u := Rat.mul_nonneg hm0 hu
    have ih := ih (by grind)
    have step : ((1 + u) ^ m - 1) * (1 + u) ≤ m * u * (1 + m * u) * (1 + u) :=
      Rat.mul_le_mul_of_nonneg_right ih (by grind)
    -- What is left over is `m u² (m u) <= m u²`, by `m u <= 1`.
    have left : (m : Rat) * u * (m * u * u) ≤ 1 * (m * u * u) :=
      Rat.mul_le_mul_of_nonneg_right (by grind) (Rat.mul_nonneg hmu hu)
    have huu := Rat.mul_nonneg hu hu
    have hmuu := Rat.mul_nonneg hmu hu
    rw [Rat.pow_succ]
    grind

end TorchLean
