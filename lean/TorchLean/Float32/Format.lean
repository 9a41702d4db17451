module
prelude
public import TorchLean.Float32.Round

/-!
# Bit patterns of binary32

A number of binary32 is its bit pattern, a natural number below `2^32`: the sign in bit 31, eight bits of biased
exponent, 23 bits of trailing significand. A magnitude is the lower 31 bits, and magnitudes are ordered like the
values they stand for, so that encoding is `exponent field * 2^23 + significand`, whether the number is normal or not.

Finite values are counted in quanta (`2^-149`): `wholes b` is an integer.

Source: IEEE 754-2019, 3.4.
-/

public section
namespace TorchLean.Float32

/-- The bits of infinity; magnitudes above it are NaNs. -/
@[expose] def infinity : Nat := 0x7f800000

/-- The NaN that operations return: quiet, without payload. -/
@[expose] def nan : Nat := 0x7fc00000

/-- The bits without the sign. -/
@[expose] def magnitude (b : Nat) : Nat := b % 2 ^ 31

/-- The sign bit is set. -/
@[expose] def negative (b : Nat) : Bool := Nat.ble (2 ^ 31) b

@[expose] def isNaN (b : Nat) : Bool := Nat.blt infinity (magnitude b)

@[expose] def isInfinite (b : Nat) : Bool := Nat.beq (magnitude b) infinity

@[expose] def isFinite (b : Nat) : Bool := Nat.blt (magnitude b) infinity

/-- The number of quanta of a finite magnitude. -/
@[expose] def decode (m : Nat) : Nat :=
  if m < 2 ^ 23 then m else (m % 2 ^ 23 + 2 ^ 23) * 2 ^ (m / 2 ^ 23 - 1)

/-- The magnitude with that many quanta; infinity where it is too large. -/
@[expose] def encode (R : Nat) : Nat :=
  if R < 2 ^ 24 then R
  else if R.log2 < 277 then (R.log2 - 23) * 2 ^ 23 + R / 2 ^ (R.log2 - 23)
  else infinity

/-- The value of a finite number, in quanta. -/
@[expose] def wholes (b : Nat) : Int := if negative b then -(decode (magnitude b) : Int) else decode (magnitude b)

/-- The sign bit. -/
@[expose] def signBit (s : Bool) : Nat := if s then 2 ^ 31 else 0

/-- The number nearest to `k / 2^s` quanta; `zero` is the sign of an exact zero. -/
@[expose] def pack (zero : Bool) (k : Int) (s : Nat) : Nat :=
  match k with
  | .ofNat n => signBit (Nat.beq n 0 && zero) + encode (quanta n s)
  | .negSucc n => signBit true + encode (quanta (n + 1) s)

/-- What is finite is representable. -/
theorem decode_representable {m : Nat} (h : m < infinity) : Representable (decode m) := by
  unfold infinity at h
  unfold decode
  split
  · exact ⟨by omega, m, 0, by omega, by rw [Nat.pow_zero, Nat.mul_one]⟩
  · refine ⟨?_, m % 2 ^ 23 + 2 ^ 23, m / 2 ^ 23 - 1, by omega, rfl⟩
    have hpow : 2 ^ (m / 2 ^ 23 - 1) ≤ 2 ^ 253 := Nat.pow_le_pow_right (by omega) (by omega)
    have := Nat.mul_le_mul (show m % 2 ^ 23 + 2 ^ 23 ≤ 2 ^ 24 - 1 by omega) hpow
    omega

theorem log2_lt {R a b : Nat} (h0 : R ≠ 0) (h : R < 2 ^ a * 2 ^ b) : R.log2 < a + b :=
  (Nat.log2_lt h0).mpr (by rw [Nat.pow_add]; exact h)

/-- **Encoding loses nothing**: a representable magnitude has a finite pattern that stands for it. -/
theorem decode_encode {R : Nat} (h : Representable R) : encode R < infinity ∧ decode (encode R) = R := by
  obtain ⟨hlt, m, e, hm, hR⟩ := h
  by_cases hsmall : R < 2 ^ 24
  · have henc : encode R = R := by rw [encode, if_pos hsmall]
    rw [henc]
    unfold infinity
    refine ⟨by omega, ?_⟩
    unfold decode
    split
    · rfl
    · rw [show R / 2 ^ 23 = 1 by omega, show R % 2 ^ 23 = R - 2 ^ 23 by omega, Nat.sub_self, Nat.pow_zero]
      omega
  · have h0 : R ≠ 0 := by omega
    have hlog : 24 ≤ R.log2 := (Nat.le_log2 h0).mpr (by omega)
    have hlog' : R.log2 < 25 + 252 := log2_lt h0 hlt
    have hlow := Nat.log2_self_le h0
    have hhigh := @Nat.lt_log2_self R
    have henc : encode R = (R.log2 - 23) * 2 ^ 23 + R / 2 ^ (R.log2 - 23) := by
      rw [encode, if_neg hsmall, if_pos hlog']
    obtain ⟨c, hc⟩ : ∃ c, R.log2 = c + 23 := ⟨R.log2 - 23, by omega⟩
    rw [hc] at hlog hlog' hlow hhigh henc
    rw [show c + 23 - 23 = c by omega] at henc
    have hdvd : 2 ^ c ∣ R := by
      rw [hR] at hlow ⊢
      exact pow_dvd hm hlow
    obtain ⟨q, hq⟩ := hdvd
    have hpos := Nat.two_pow_pos c
    have hdiv : R / 2 ^ c = q := by rw [hq]; exact Nat.mul_div_cancel_left q hpos
    have hq1 : 2 ^ 23 ≤ q := by
      rw [hq, Nat.pow_add] at hlow
      exact Nat.le_of_mul_le_mul_left hlow hpos
    have hq2 : q < 2 ^ 24 := by
      rw [hq, show c + 23 + 1 = c + 24 by omega, Nat.pow_add] at hhigh
      exact Nat.lt_of_mul_lt_mul_left hhigh
    rw [henc, hdiv]
    unfold infinity
    refine ⟨by omega, ?_⟩
    rw [decode, if_neg (by omega), show (c * 2 ^ 23 + q) / 2 ^ 23 = c + 1 by omega,
      show (c * 2 ^ 23 + q) % 2 ^ 23 = q - 2 ^ 23 by omega, Nat.add_sub_cancel, hq, Nat.mul_comm]
    rw [show q - 2 ^ 23 + 2 ^ 23 = q by omega]

/-- A finite number: a pattern of 32 bits that stands for one. -/
@[expose] def Finite (b : Nat) : Prop := b < 2 ^ 32 ∧ magnitude b < infinity

theorem ble_false {a b : Nat} (h : b < a) : Nat.ble a b = false := by
  cases hb : Nat.ble a b
  · rfl
  · exact absurd (Nat.le_of_ble_eq_true hb) (Nat.not_le_of_lt h)

/-- Sign and magnitude of a pattern put together. -/
theorem signBit_add (s : Bool) {m : Nat} (h : m < infinity) :
    Finite (signBit s + m) ∧ wholes (signBit s + m) = if s then -(decode m : Int) else decode m := by
  unfold infinity at h
  have hmag : magnitude (signBit s + m) = m := by cases s <;> simp [signBit, magnitude] <;> omega
  have hneg : negative (signBit s + m) = s := by
    cases s
    · exact ble_false (show 0 + m < 2 ^ 31 by omega)
    · exact Nat.ble_eq_true_of_le (Nat.le_add_right (2 ^ 31) m)
  refine ⟨⟨by cases s <;> simp [signBit] <;> omega, by rw [hmag]; unfold infinity; omega⟩, ?_⟩
  rw [wholes, hmag, hneg]

theorem quanta_zero (s : Nat) : quanta 0 s = 0 := by simp [quanta, nearest, cut, Nat.log2_zero]

/-- The value of what `pack` makes of a number below the overflow threshold. -/
theorem pack_spec (zero : Bool) (k : Int) (s : Nat) (h : k.natAbs < (2 ^ 25 - 1) * 2 ^ 252 * 2 ^ s) :
    Finite (pack zero k s) ∧
      wholes (pack zero k s) = if k < 0 then -(quanta k.natAbs s : Int) else quanta k.natAbs s := by
  have ⟨hfin, hdec⟩ := decode_encode (quanta_representable k.natAbs s h)
  match k with
  | .ofNat n =>
    have hs := signBit_add (Nat.beq n 0 && zero) hfin
    rw [hdec] at hs
    refine ⟨hs.1, ?_⟩
    rw [if_neg (by simp)]
    refine hs.2.trans ?_
    by_cases h0 : n = 0
    · subst h0
      rw [show quanta (Int.ofNat 0).natAbs s = 0 from quanta_zero s]
      split <;> rfl
    · have : Nat.beq n 0 = false := by
        cases hb : Nat.beq n 0
        · rfl
        · exact absurd (Nat.eq_of_beq_eq_true hb) h0
      rw [this]
      rfl
  | .negSucc n =>
    have hs := signBit_add true hfin
    rw [hdec] at hs
    refine ⟨hs.1, ?_⟩
    rw [if_pos (Int.negSucc_lt_zero n)]
    exact hs.2

end TorchLean.Float32
