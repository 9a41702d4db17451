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

public noncomputable section
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

theorem roundedInt_error (k : Int) (s : Nat) :
    2 ^ 24 * (roundedInt k s * ((2 ^ s : Nat) : Int)) ≤ 2 ^ 24 * k + k.natAbs + ((2 ^ 23 * 2 ^ s : Nat) : Int) ∧
      2 ^ 24 * k ≤ 2 ^ 24 * (roundedInt k s * ((2 ^ s : Nat) : Int)) + k.natAbs + ((2 ^ 23 * 2 ^ s : Nat) : Int) := by
  have h := quanta_error k.natAbs s
  have hX := Int.natCast_mul (quanta k.natAbs s) (2 ^ s)
  unfold roundedInt
  generalize quanta k.natAbs s = q at *
  generalize 2 ^ s = p at *
  split
  · rw [Int.neg_mul, ← hX]
    generalize q * p = X at *
    omega
  · rw [← hX]
    generalize q * p = X at *
    omega

theorem roundedInt_error_whole (k : Int) :
    2 ^ 24 * (roundedInt k 0 * 1) ≤ 2 ^ 24 * k + k.natAbs + 0 ∧
      2 ^ 24 * k ≤ 2 ^ 24 * (roundedInt k 0 * 1) + k.natAbs + 0 := by
  have h := quanta_error_whole k.natAbs
  unfold roundedInt
  generalize quanta k.natAbs 0 = q at *
  split <;> omega

theorem rounds_whole (k : Int) : Rounds unit 0 ((roundedInt k 0 : Rat) * quantum) ((k : Rat) * quantum) := by
  have ⟨h1, h2⟩ := roundedInt_error_whole k
  have h := rounds_of_int (η := 0) (Rat.le_of_lt quantum_pos) (by rw [Rat.mul_zero]; exact Rat.zero_mul _) h1 h2
  rw [show ((1 : Int) : Rat) = 1 from rfl, Rat.mul_one] at h
  exact h

/-- Half the smallest positive number, `2^-150`. -/
@[expose] def halfQuantum : Rat := quantum / 2

theorem halfQuantum_nonneg : 0 ≤ halfQuantum := by have := quantum_pos; unfold halfQuantum; grind

theorem rounds_fine (k : Int) :
    Rounds unit halfQuantum ((roundedInt k 149 : Rat) * quantum) ((k : Rat) * (quantum * quantum)) := by
  have ⟨h1, h2⟩ := roundedInt_error k 149
  have hq := scale_quantum
  have hc : 0 ≤ quantum * quantum := Rat.mul_nonneg (Rat.le_of_lt quantum_pos) (Rat.le_of_lt quantum_pos)
  have h24 : ((2 ^ 24 : Nat) : Rat) = ((2 ^ 23 : Nat) : Rat) * 2 := by rw [← Rat.natCast_ofNat, ← Rat.natCast_mul]
  have h := rounds_of_int (η := halfQuantum) hc (by
    rw [Rat.intCast_natCast, Rat.natCast_mul, h24, halfQuantum]
    generalize ((2 ^ 149 : Nat) : Rat) = S at *
    generalize ((2 ^ 23 : Nat) : Rat) = H at *
    grind) h1 h2
  rw [Rat.intCast_natCast] at h
  have e : (roundedInt k 149 : Rat) * ((2 ^ 149 : Nat) : Rat) * (quantum * quantum) = roundedInt k 149 * quantum := by
    generalize ((2 ^ 149 : Nat) : Rat) = S at *
    grind
  rw [e] at h
  exact h

theorem roundedInt_error_multiple (k : Int) (s : Nat) :
    2 ^ 24 * (roundedInt (k * (2 ^ s : Nat)) s * ((2 ^ s : Nat) : Int)) ≤
        2 ^ 24 * (k * (2 ^ s : Nat)) + (k * (2 ^ s : Nat)).natAbs + 0 ∧
      2 ^ 24 * (k * (2 ^ s : Nat)) ≤
        2 ^ 24 * (roundedInt (k * (2 ^ s : Nat)) s * ((2 ^ s : Nat) : Int)) + (k * (2 ^ s : Nat)).natAbs + 0 := by
  have habs : (k * (2 ^ s : Nat)).natAbs = k.natAbs * 2 ^ s := by rw [Int.natAbs_mul, Int.natAbs_natCast]
  have h := quanta_error_multiple k.natAbs s
  rw [← habs] at h
  have hX := Int.natCast_mul (quanta (k * (2 ^ s : Nat)).natAbs s) (2 ^ s)
  unfold roundedInt
  generalize quanta (k * (2 ^ s : Nat)).natAbs s = q at *
  generalize k * (2 ^ s : Nat) = K at *
  generalize 2 ^ s = p at *
  split
  · rw [Int.neg_mul, ← hX]
    generalize q * p = X at *
    omega
  · rw [← hX]
    generalize q * p = X at *
    omega

/-- A whole number of quanta, however it is written, is rounded without underflow. -/
theorem rounds_multiple (k : Int) :
    Rounds unit 0 ((roundedInt (k * (2 ^ 149 : Nat)) 149 : Rat) * quantum) ((k : Rat) * quantum) := by
  have ⟨h1, h2⟩ := roundedInt_error_multiple k 149
  have hq := scale_quantum
  have hc : 0 ≤ quantum * quantum := Rat.mul_nonneg (Rat.le_of_lt quantum_pos) (Rat.le_of_lt quantum_pos)
  have h := rounds_of_int (η := 0) (half := 0) hc (by
    rw [Rat.mul_zero, show ((0 : Int) : Rat) = 0 from rfl, Rat.zero_mul]) h1 h2
  rw [Rat.intCast_mul, Rat.intCast_natCast] at h
  generalize ((2 ^ 149 : Nat) : Rat) = S at *
  generalize (roundedInt (k * (2 ^ 149 : Nat)) 149 : Rat) = R at *
  have e1 : R * S * (quantum * quantum) = R * quantum := by grind
  have e2 : (k : Rat) * S * (quantum * quantum) = k * quantum := by grind
  rwa [e1, e2] at h

end TorchLean.Float32
