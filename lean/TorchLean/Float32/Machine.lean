module
prelude
public import TorchLean.Float32.Error

/-!
# Binary32 is a machine

Each operation of `Ops` satisfies the rounding interface, so that the theorems about dot products hold for it.
-/

public noncomputable section
namespace TorchLean.Float32

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

/-- The sign flipped. -/
theorem neg_value {a : Nat} (ha : Finite a) : Finite (neg a) ∧ value (neg a) = -value a := by
  obtain ⟨h32, hmag⟩ := ha
  have key : magnitude (neg a) = magnitude a ∧ negative (neg a) = !negative a ∧ neg a < 2 ^ 32 := by
    by_cases hn : negative a = true
    · have h := Nat.le_of_ble_eq_true hn
      have hneg : neg a = a - 2 ^ 31 := by rw [neg, if_pos hn]
      refine ⟨by rw [hneg, magnitude, magnitude]; omega, ?_, by omega⟩
      rw [hn, hneg]
      exact ble_false (by omega)
    · have hn' : negative a = false := by simpa using hn
      have h : a < 2 ^ 31 := by
        rcases Nat.lt_or_ge a (2 ^ 31) with h | h
        · exact h
        · exact absurd (Nat.ble_eq_true_of_le h) hn
      have hneg : neg a = a + 2 ^ 31 := by rw [neg, if_neg hn]
      refine ⟨by rw [hneg, magnitude, magnitude]; omega, ?_, by omega⟩
      rw [hn', hneg]
      exact Nat.ble_eq_true_of_le (by omega)
  obtain ⟨h1, h2, h3⟩ := key
  refine ⟨⟨h3, by rw [h1]; exact hmag⟩, ?_⟩
  have hw : wholes (neg a) = -wholes a := by
    rw [wholes, wholes, h1, h2]
    cases negative a <;> simp
  rw [value, value, hw, Rat.intCast_neg]
  grind

/-- **Subtraction**: addition of the negative. -/
theorem sub_rounds {a b : Nat} (ha : Finite a) (hb : Finite b) (h : Rational.abs (value a - value b) < threshold) :
    Finite (sub a b) ∧ Rounds unit 0 (value (sub a b)) (value a - value b) := by
  have ⟨hf, hv⟩ := neg_value hb
  have hd : value a - value b = value a + value (neg b) := by rw [hv]; grind
  rw [hd] at h ⊢
  exact add_rounds ha hf h

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

/-- A number of magnitude one has `2^149` quanta. -/
theorem natAbs_of_one {a : Nat} (h : Rational.abs (value a) = 1) : (wholes a).natAbs = 2 ^ 149 := by
  rw [value, abs_int _ (Rat.le_of_lt quantum_pos)] at h
  have hq := scale_quantum
  have h1 : ((wholes a).natAbs : Rat) * quantum = ((2 ^ 149 : Nat) : Rat) * quantum := by rw [h, hq]
  refine Rat.natCast_inj.mp (Rat.le_antisymm (Rat.le_of_mul_le_mul_right ?_ quantum_pos)
    (Rat.le_of_mul_le_mul_right ?_ quantum_pos)) <;> rw [h1] <;> exact Rat.le_refl

theorem signed_of_natAbs {k : Int} {n : Nat} (h : k.natAbs = n) (m : Int) :
    ∃ s : Int, k * m = s * n ∧ s.natAbs = m.natAbs := by
  rcases Int.le_total 0 k with hk | hk
  · have : k = n := by omega
    exact ⟨m, by rw [this, Int.mul_comm], rfl⟩
  · have : k = -(n : Int) := by omega
    exact ⟨-m, by rw [this, Int.neg_mul, Int.neg_mul, Int.mul_comm], Int.natAbs_neg m⟩

/-- With a factor of magnitude one, a product is a whole number of quanta, as many as a number has. -/
theorem product_of_unit {a b : Nat} (ha : Finite a) (hb : Finite b) (h : UnitFactor (value a) (value b)) :
    ∃ (s : Int) (m : Nat), wholes a * wholes b = s * (2 ^ 149 : Nat) ∧ s.natAbs = decode m ∧ m < infinity := by
  rcases h with h | h
  · have ⟨s, h1, h2⟩ := signed_of_natAbs (natAbs_of_one h) (wholes b)
    exact ⟨s, magnitude b, h1, h2.trans (natAbs_wholes b), hb.2⟩
  · have ⟨s, h1, h2⟩ := signed_of_natAbs (natAbs_of_one h) (wholes a)
    exact ⟨s, magnitude a, (Int.mul_comm _ _).trans h1, h2.trans (natAbs_wholes a), ha.2⟩

theorem fine_value {k : Int} : ((k * (2 ^ 149 : Nat) : Int) : Rat) * (quantum * quantum) = k * quantum := by
  have hq := scale_quantum
  rw [Rat.intCast_mul, Rat.intCast_natCast]
  generalize ((2 ^ 149 : Nat) : Rat) = S at *
  grind

/-- A whole number of quanta that a number has is packed as it is. -/
theorem pack_exact (z : Bool) {s : Int} {m : Nat} (hs : s.natAbs = decode m) (hm : m < infinity) :
    Finite (pack z (s * (2 ^ 149 : Nat)) 149) ∧ value (pack z (s * (2 ^ 149 : Nat)) 149) = s * quantum := by
  have habs : (s * (2 ^ 149 : Nat)).natAbs = decode m * 2 ^ 149 := by
    rw [Int.natAbs_mul, Int.natAbs_natCast, hs]
  have hlt := decode_lt hm
  unfold thresholdQuanta at hlt
  have ⟨hf, hw⟩ := pack_spec z (s * (2 ^ 149 : Nat)) 149 (by
    rw [habs]
    exact Nat.mul_lt_mul_of_pos_right hlt (Nat.two_pow_pos 149))
  refine ⟨hf, ?_⟩
  rw [value, hw, habs, quanta_of_representable _ 149 (decode_representable hm), ← hs]
  congr 2
  split <;> omega

/-- A factor of magnitude one rounds nothing. -/
theorem mul_unit_exact {a b : Nat} (ha : Finite a) (hb : Finite b) (h : UnitFactor (value a) (value b)) :
    Finite (mul a b) ∧ value (mul a b) = value a * value b := by
  obtain ⟨s, m, hk, hs, hm⟩ := product_of_unit ha hb h
  have hmul : mul a b = pack (signsDiffer a b) (s * (2 ^ 149 : Nat)) 149 := by
    rw [mul, isFinite_of ha, isFinite_of hb, hk]; rfl
  rw [hmul, product_eq, hk, fine_value]
  exact pack_exact _ hs hm

/-- A product with a factor of magnitude one is added like a number. -/
theorem fma_unit_rounds {a b c : Nat} (ha : Finite a) (hb : Finite b) (hc : Finite c)
    (h : UnitFactor (value a) (value b)) (hlt : Rational.abs (value a * value b + value c) < threshold) :
    Finite (fma a b c) ∧ Rounds unit 0 (value (fma a b c)) (value a * value b + value c) := by
  obtain ⟨s, m, hk, hs, hm⟩ := product_of_unit ha hb h
  have hint : wholes a * wholes b + wholes c * (2 ^ 149 : Nat) = (s + wholes c) * (2 ^ 149 : Nat) := by
    rw [hk, Int.add_mul]
  have hfma : fma a b c = pack (signsDiffer a b && negative c) ((s + wholes c) * (2 ^ 149 : Nat)) 149 := by
    rw [fma, isFinite_of ha, isFinite_of hb, isFinite_of hc, ← hint]; rfl
  have hsum : value a * value b + value c = ((s + wholes c : Int) : Rat) * quantum := by
    rw [product_eq, hk, fine_value, value, Rat.intCast_add]
    grind
  rw [hsum] at hlt ⊢
  have ⟨hf, hw⟩ := pack_spec (signsDiffer a b && negative c) ((s + wholes c) * (2 ^ 149 : Nat)) 149
    (fine_lt (by rw [fine_value]; exact hlt))
  rw [hfma, value, hw]
  exact ⟨hf, rounds_multiple _⟩

/-- Added to a zero it is exact. -/
theorem fma_unit_zero_exact {a b c : Nat} (ha : Finite a) (hb : Finite b) (hc : Finite c)
    (h : UnitFactor (value a) (value b)) (h0 : value c = 0) :
    Finite (fma a b c) ∧ value (fma a b c) = value a * value b := by
  obtain ⟨s, m, hk, hs, hm⟩ := product_of_unit ha hb h
  have hc0 : wholes c = 0 := int_eq_zero quantum_pos h0
  have hfma : fma a b c = pack (signsDiffer a b && negative c) (s * (2 ^ 149 : Nat)) 149 := by
    rw [fma, isFinite_of ha, isFinite_of hb, isFinite_of hc, hk, hc0, Int.zero_mul, Int.add_zero]; rfl
  rw [hfma, product_eq, hk, fine_value]
  exact pack_exact _ hs hm

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
  mul_unit ha hb hr h := hr ▸ mul_unit_exact ha hb h
  fma_unit ha hb hc hr h hlt := hr ▸ fma_unit_rounds ha hb hc h hlt
  fma_unit_zero ha hb hc hr h h0 := hr ▸ fma_unit_zero_exact ha hb hc h h0
  mul_rounds ha hb hr h := hr ▸ mul_rounds ha hb h
  fma_rounds ha hb hc hr h := hr ▸ fma_rounds ha hb hc h

end TorchLean.Float32
