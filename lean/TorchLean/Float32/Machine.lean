module
prelude
public import TorchLean.Float32.Error

/-!
# Binary32 is a machine

Each operation of `Ops` satisfies the rounding interface, so that the theorems about dot products hold for it.
-/

public noncomputable section
namespace TorchLean.Float32

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

theorem isFinite_of {a : Nat} (h : Finite a) : isFinite a = true := by
  rw [isFinite, Nat.blt_eq]
  exact h.2

theorem natAbs_wholes (a : Nat) : (wholes a).natAbs = decode (magnitude a) := by
  unfold wholes
  split <;> omega

theorem decode_lt {m : Nat} (h : m < infinity) : decode m < thresholdQuanta := by
  unfold infinity at h
  unfold decode thresholdQuanta
  split
  · omega
  · have hpow : 2 ^ (m / 2 ^ 23 - 1) ≤ 2 ^ 253 := Nat.pow_le_pow_right (by omega) (by omega)
    have := Nat.mul_le_mul (show m % 2 ^ 23 + 2 ^ 23 ≤ 2 ^ 24 - 1 by omega) hpow
    omega

/-- **Addition**: relative error `2^-24`, no underflow, finite below the threshold. -/
theorem add_rounds {a b : Nat} (ha : Finite a) (hb : Finite b) (h : Rational.abs (value a + value b) < threshold) :
    Finite (add a b) ∧ Rounds unit 0 (value (add a b)) (value a + value b) := by
  have hsum : value a + value b = ((wholes a + wholes b : Int) : Rat) * quantum := by
    rw [value, value, Rat.intCast_add]; grind
  rw [hsum] at h ⊢
  have hlt := natAbs_lt_of quantum_pos h
  have hadd : add a b = pack (negative a && negative b) (wholes a + wholes b) 0 := by
    rw [add, isFinite_of ha, isFinite_of hb]; rfl
  have ⟨hf, hw⟩ := pack_spec (negative a && negative b) (wholes a + wholes b) 0
    (by rw [Nat.pow_zero, Nat.mul_one]; exact hlt)
  rw [hadd, value, hw]
  exact ⟨hf, rounds_whole _⟩

/-- Only zero has the value zero, in any unit. -/
theorem int_eq_zero {k : Int} {c : Rat} (hc : 0 < c) (h : (k : Rat) * c = 0) : k = 0 := by
  have h1 : (k : Rat) * c = ((0 : Int) : Rat) * c := by
    rw [show ((0 : Int) : Rat) = 0 from rfl, Rat.zero_mul]; exact h
  have h2 : (k : Rat) = ((0 : Int) : Rat) := by
    refine Rat.le_antisymm (Rat.le_of_mul_le_mul_right ?_ hc) (Rat.le_of_mul_le_mul_right ?_ hc) <;>
      rw [h1] <;> exact Rat.le_refl
  exact Rat.intCast_inj.mp h2

/-- Adding a zero changes no value. -/
theorem add_zero_exact {a b : Nat} (ha : Finite a) (hb : Finite b) (h : value b = 0) :
    (Finite (add a b) ∧ value (add a b) = value a) ∧ (Finite (add b a) ∧ value (add b a) = value a) := by
  have hb0 : wholes b = 0 := int_eq_zero quantum_pos h
  have hmag := natAbs_wholes a
  have hrep := quanta_of_representable _ 0 (decode_representable ha.2)
  rw [Nat.pow_zero, Nat.mul_one] at hrep
  have hlt := decode_lt ha.2
  have key (z : Bool) : Finite (pack z (wholes a) 0) ∧ value (pack z (wholes a) 0) = value a := by
    have ⟨hf, hw⟩ := pack_spec z (wholes a) 0 (by rw [Nat.pow_zero, Nat.mul_one, hmag]; exact hlt)
    refine ⟨hf, ?_⟩
    rw [value, value, hw, hmag, hrep, ← hmag]
    congr 2
    split <;> omega
  have h1 : add a b = pack (negative a && negative b) (wholes a) 0 := by
    rw [add, isFinite_of ha, isFinite_of hb, hb0, Int.add_zero]; rfl
  have h2 : add b a = pack (negative b && negative a) (wholes a) 0 := by
    rw [add, isFinite_of ha, isFinite_of hb, hb0, Int.zero_add]; rfl
  rw [h1, h2]
  exact ⟨key _, key _⟩

theorem fine_lt {k : Int} (h : Rational.abs ((k : Rat) * (quantum * quantum)) < threshold) :
    k.natAbs < (2 ^ 25 - 1) * 2 ^ 252 * 2 ^ 149 := by
  have hq := scale_quantum
  refine natAbs_lt_of (T := thresholdQuanta * 2 ^ 149) (Rat.mul_pos quantum_pos quantum_pos) ?_
  have e : ((thresholdQuanta * 2 ^ 149 : Nat) : Rat) * (quantum * quantum) = threshold := by
    rw [Rat.natCast_mul, threshold]
    generalize ((2 ^ 149 : Nat) : Rat) = S at *
    generalize (thresholdQuanta : Rat) = T at *
    grind
  rw [e]
  exact h

/-- **Multiplication**: relative error `2^-24` and absolute `2^-150`. -/
theorem mul_rounds {a b : Nat} (ha : Finite a) (hb : Finite b) (h : Rational.abs (value a * value b) < threshold) :
    Finite (mul a b) ∧ Rounds unit halfQuantum (value (mul a b)) (value a * value b) := by
  have hprod : value a * value b = ((wholes a * wholes b : Int) : Rat) * (quantum * quantum) := by
    rw [value, value, Rat.intCast_mul]; grind
  rw [hprod] at h ⊢
  have hmul : mul a b = pack (signsDiffer a b) (wholes a * wholes b) 149 := by
    rw [mul, isFinite_of ha, isFinite_of hb]; rfl
  have ⟨hf, hw⟩ := pack_spec (signsDiffer a b) (wholes a * wholes b) 149 (fine_lt h)
  rw [hmul, value, hw]
  exact ⟨hf, rounds_fine _⟩

/-- **Fused multiply-add**: rounded once, relative error `2^-24` and absolute `2^-150`. -/
theorem fma_rounds {a b c : Nat} (ha : Finite a) (hb : Finite b) (hc : Finite c)
    (h : Rational.abs (value a * value b + value c) < threshold) :
    Finite (fma a b c) ∧ Rounds unit halfQuantum (value (fma a b c)) (value a * value b + value c) := by
  have hsum : value a * value b + value c =
      ((wholes a * wholes b + wholes c * (2 ^ 149 : Nat) : Int) : Rat) * (quantum * quantum) := by
    have hq := scale_quantum
    rw [value, value, value, Rat.intCast_add, Rat.intCast_mul, Rat.intCast_mul, Rat.intCast_natCast]
    generalize ((2 ^ 149 : Nat) : Rat) = S at *
    grind
  rw [hsum] at h ⊢
  have hfma : fma a b c =
      pack (signsDiffer a b && negative c) (wholes a * wholes b + wholes c * (2 ^ 149 : Nat)) 149 := by
    rw [fma, isFinite_of ha, isFinite_of hb, isFinite_of hc]; rfl
  have ⟨hf, hw⟩ := pack_spec (signsDiffer a b && negative c) (wholes a * wholes b + wholes c * (2 ^ 149 : Nat)) 149
    (fine_lt h)
  rw [hfma, value, hw]
  exact ⟨hf, rounds_fine _⟩

/-- A product of finite numbers, in integers. -/
theorem product_eq (a b : Nat) : value a * value b = ((wholes a * wholes b : Int) : Rat) * (quantum * quantum) := by
  rw [value, value, Rat.intCast_mul]; grind

/-- Multiplying by zero gives zero. -/
theorem mul_zero_exact {a b : Nat} (ha : Finite a) (hb : Finite b) (h : value a * value b = 0) :
    Finite (mul a b) ∧ value (mul a b) = 0 := by
  rw [product_eq] at h
  have h0 := int_eq_zero (Rat.mul_pos quantum_pos quantum_pos) h
  have hmul : mul a b = pack (signsDiffer a b) 0 149 := by
    rw [mul, isFinite_of ha, isFinite_of hb, h0]; rfl
  have ⟨hf, hw⟩ := pack_spec (signsDiffer a b) 0 149 (by rw [Int.natAbs_zero]; omega)
  rw [hmul, value, hw, if_neg (by omega), Int.natAbs_zero, quanta_zero]
  exact ⟨hf, Rat.zero_mul _⟩

/-- Adding a zero product changes no value. -/
theorem fma_zero_exact {a b c : Nat} (ha : Finite a) (hb : Finite b) (hc : Finite c) (h : value a * value b = 0) :
    Finite (fma a b c) ∧ value (fma a b c) = value c := by
  rw [product_eq] at h
  have h0 := int_eq_zero (Rat.mul_pos quantum_pos quantum_pos) h
  have hfma : fma a b c = pack (signsDiffer a b && negative c) (wholes c * (2 ^ 149 : Nat)) 149 := by
    rw [fma, isFinite_of ha, isFinite_of hb, isFinite_of hc, h0, Int.zero_add]; rfl
  have hmag := natAbs_wholes c
  have habs : (wholes c * (2 ^ 149 : Nat)).natAbs = decode (magnitude c) * 2 ^ 149 := by
    rw [Int.natAbs_mul, hmag, Int.natAbs_natCast]
  have hlt := decode_lt hc.2
  unfold thresholdQuanta at hlt
  have ⟨hf, hw⟩ := pack_spec (signsDiffer a b && negative c) (wholes c * (2 ^ 149 : Nat)) 149 (by
    rw [habs]
    exact Nat.mul_lt_mul_of_pos_right hlt (Nat.two_pow_pos 149))
  rw [hfma, value, value, hw, habs, quanta_of_representable _ 149 (decode_representable hc.2), ← hmag]
  refine ⟨hf, ?_⟩
  congr 2
  split <;> omega

/-- Binary32 with rounding to nearest, ties to even, and gradual underflow. -/
@[expose] def binary32 : Machine where
  Number := Nat
  finite := Finite
  value := value
  add a b r := r = add a b
  mul a b r := r = mul a b
  fma a b c r := r = fma a b c
  u := unit
  ηSum := 0
  ηProduct := halfQuantum
  threshold := threshold
  u_nonneg := Rat.le_of_lt unit_pos
  ηSum_nonneg := Rat.le_refl
  ηProduct_nonneg := halfQuantum_nonneg
  add_rounds ha hb hr h := hr ▸ add_rounds ha hb h
  add_zero ha hb hr h := hr ▸ (add_zero_exact ha hb h).1
  zero_add ha hb hr h := hr ▸ (add_zero_exact hb ha h).2
  mul_zero ha hb hr h := hr ▸ mul_zero_exact ha hb h
  fma_zero ha hb hc hr h := hr ▸ fma_zero_exact ha hb hc h
  mul_rounds ha hb hr h := hr ▸ mul_rounds ha hb h
  fma_rounds ha hb hc hr h := hr ▸ fma_rounds ha hb hc h

end TorchLean.Float32
