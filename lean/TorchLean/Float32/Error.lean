module
prelude
public import TorchLean.Float32.Ops
public import TorchLean.Rounding

/-!
# The rounding errors of binary32

What `Ops` computes satisfies the rounding interface: with `u = 2^-24`, sums of finite numbers have no absolute
error at all (a tiny sum is exact, because every number is a whole number of quanta), products and fused
multiply-adds one of `2^-150`, half a quantum. Results are finite if the exact result is below `(2 - 2^-24) 2^127`.
So binary32 is a `Machine`, and every theorem about machines speaks of it.
-/

public section
namespace TorchLean.Float32

/-- The smallest positive number, `2^-149`. -/
@[expose] def quantum : Rat := ((2 ^ 149 : Nat) : Rat)⁻¹

/-- The value of a finite number. -/
@[expose] def value (b : Nat) : Rat := (wholes b : Rat) * quantum

/-- The unit roundoff, `2^-24`. -/
@[expose] def unit : Rat := ((2 ^ 24 : Nat) : Rat)⁻¹

/-- The overflow threshold in quanta: `(2 - 2^-24) 2^127`. -/
@[expose] def thresholdQuanta : Nat := (2 ^ 25 - 1) * 2 ^ 252

/-- The least magnitude that rounds to infinity. -/
@[expose] def threshold : Rat := (thresholdQuanta : Rat) * quantum

theorem inv_pos {n : Nat} (h : 0 < n) : (0 : Rat) < (n : Rat)⁻¹ := Rat.inv_pos.mpr (Rat.natCast_pos.mpr h)

theorem mul_inv {n : Nat} (h : 0 < n) : (n : Rat) * (n : Rat)⁻¹ = 1 :=
  Rat.mul_inv_cancel _ (fun h0 => by have := @Rat.natCast_pos n; grind)

theorem quantum_pos : 0 < quantum := inv_pos (Nat.two_pow_pos 149)

theorem scale_quantum : ((2 ^ 149 : Nat) : Rat) * quantum = 1 := mul_inv (Nat.two_pow_pos 149)

theorem unit_pos : 0 < unit := inv_pos (Nat.two_pow_pos 24)

theorem scale_unit : ((2 ^ 24 : Nat) : Rat) * unit = 1 := mul_inv (Nat.two_pow_pos 24)

/-- The magnitude of an integer in any unit. -/
theorem abs_int (k : Int) {c : Rat} (hc : 0 ≤ c) : Rational.abs ((k : Rat) * c) = (k.natAbs : Rat) * c := by
  have h0 : (0 : Rat) ≤ (k.natAbs : Rat) * c := Rat.mul_nonneg Rat.natCast_nonneg hc
  rw [← Rat.intCast_natCast] at *
  rcases Int.le_total 0 k with h | h
  · rw [Int.natAbs_of_nonneg h] at *
    grind [Rational.abs]
  · have hk : (k : Int) = -(k.natAbs : Int) := by omega
    have hcast : (k : Rat) = -((k.natAbs : Int) : Rat) := by rw [← Rat.intCast_neg, ← hk]
    rw [hcast]
    grind [Rational.abs]

/-- Below a threshold in a unit. -/
theorem natAbs_lt_of {k : Int} {T : Nat} {c : Rat} (hc : 0 < c) (h : Rational.abs ((k : Rat) * c) < (T : Rat) * c) :
    k.natAbs < T := by
  rw [abs_int k (Rat.le_of_lt hc)] at h
  have := Rat.lt_of_mul_lt_mul_right h (Rat.le_of_lt hc)
  exact Rat.natCast_lt_natCast.mp this

/-- The integer behind a rounded result. -/
@[expose] def roundedInt (k : Int) (s : Nat) : Int := if k < 0 then -(quanta k.natAbs s : Int) else quanta k.natAbs s

/-- `2^24 |R 2^s - k| <= |k| + half`, for integers, becomes the rounding inequality in the unit `c`. -/
theorem rounds_of_int {R k P half : Int} {c η : Rat} (hc : 0 ≤ c) (hη : (half : Rat) * c = ((2 ^ 24 : Nat) : Rat) * η)
    (h1 : 2 ^ 24 * (R * P) ≤ 2 ^ 24 * k + k.natAbs + half) (h2 : 2 ^ 24 * k ≤ 2 ^ 24 * (R * P) + k.natAbs + half) :
    Rounds unit η ((R : Rat) * P * c) ((k : Rat) * c) := by
  have hu := scale_unit
  have huc := Rat.mul_nonneg (Rat.le_of_lt unit_pos) hc
  have g1 := Rat.mul_le_mul_of_nonneg_right (Rat.intCast_le_intCast.mpr h1) huc
  have g2 := Rat.mul_le_mul_of_nonneg_right (Rat.intCast_le_intCast.mpr h2) huc
  have h24 : ((2 ^ 24 : Int) : Rat) = ((2 ^ 24 : Nat) : Rat) := by rw [← Rat.intCast_natCast]; rfl
  simp only [Rat.intCast_add, Rat.intCast_mul, Rat.intCast_natCast, h24] at g1 g2
  rw [Rounds, abs_int k hc]
  generalize ((2 ^ 24 : Nat) : Rat) = S at *
  generalize (k.natAbs : Rat) = A at *
  generalize unit = u at *
  generalize (R : Rat) = R at *
  generalize (k : Rat) = k at *
  generalize (P : Rat) = P at *
  generalize (half : Rat) = half at *
  clear h1 h2 h24
  have e1 : S * (R * P) * (u * c) = R * P * c := by grind
  have e2 : (S * k + A + half) * (u * c) = k * c + u * (A * c) + η := by grind
  have e3 : S * k * (u * c) = k * c := by grind
  have e4 : (S * (R * P) + A + half) * (u * c) = R * P * c + u * (A * c) + η := by grind
  rw [e1, e2] at g1
  rw [e3, e4] at g2
  refine Rational.abs_le_of ?_ ?_ <;> grind

end TorchLean.Float32
