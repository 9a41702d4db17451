module
prelude
public import Init.Data.Nat.Log2
public import Init.Data.Nat.Lemmas
public import Init.Data.Int.Pow
public import Init.Omega

/-!
# Rounding to the significand of binary32, on natural numbers

Every finite binary32 number is a whole multiple of the smallest positive one, `2^-149`, the *quantum*. So exact results
are natural numbers too: `K / 2^s` quanta, with `s = 0` for sums and `s = 149` for products. `quanta K s` rounds such a
magnitude to 24 significant bits, ties to even, or to whole quanta where that is coarser. There is no upper limit here;
encoding turns what is too large into infinity.

Source: IEEE 754-2019, 4.3.1.
-/

public section
namespace TorchLean.Float32

/-- `K / 2^t` rounded to the nearest natural number, ties to even. -/
@[expose] def nearest (K t : Nat) : Nat :=
  if 2 * (K % 2 ^ t) > 2 ^ t ∨ (2 * (K % 2 ^ t) = 2 ^ t ∧ K / 2 ^ t % 2 = 1) then K / 2 ^ t + 1 else K / 2 ^ t

/-- How many bits are cut off `K`: all but 24, and at least `s`. -/
@[expose] def cut (K s : Nat) : Nat := if K.log2 ≤ s + 23 then s else K.log2 - 23

/-- The magnitude `K / 2^s` (in quanta) rounded to binary32 with unbounded exponent, in quanta. -/
@[expose] def quanta (K s : Nat) : Nat := nearest K (cut K s) * 2 ^ (cut K s - s)

/-- The error of `nearest` is at most half a unit. -/
theorem nearest_error (K t : Nat) :
    2 * K ≤ 2 * (nearest K t * 2 ^ t) + 2 ^ t ∧ 2 * (nearest K t * 2 ^ t) ≤ 2 * K + 2 ^ t := by
  have hdiv := Nat.div_add_mod K (2 ^ t)
  have hlt := Nat.mod_lt K (Nat.two_pow_pos t)
  have hcomm : 2 ^ t * (K / 2 ^ t) = K / 2 ^ t * 2 ^ t := Nat.mul_comm _ _
  unfold nearest
  split
  · rw [Nat.add_mul]
    omega
  · omega

theorem nearest_of_dvd (q t : Nat) : nearest (q * 2 ^ t) t = q := by
  have hpos := Nat.two_pow_pos t
  unfold nearest
  rw [Nat.mul_mod_left, Nat.mul_div_cancel q hpos, if_neg (by omega)]

theorem le_cut (K s : Nat) : s ≤ cut K s := by
  unfold cut
  split <;> omega

/-- At most 24 bits are kept. -/
theorem lt_of_cut (K s : Nat) : K < 2 ^ (cut K s + 24) := by
  have h := @Nat.lt_log2_self K
  refine Nat.lt_of_lt_of_le h (Nat.pow_le_pow_right (by omega) ?_)
  unfold cut
  split <;> omega

/-- Where more bits than asked for are cut off, 24 remain. -/
theorem cut_le (K s : Nat) (h : cut K s ≠ s) : 2 ^ (cut K s + 23) ≤ K := by
  unfold cut at *
  split at h
  · exact absurd rfl h
  · rw [if_neg (by assumption)]
    have hK : K ≠ 0 := by
      intro h0
      subst h0
      simp [Nat.log2_zero] at *
    have : K.log2 - 23 + 23 = K.log2 := by omega
    rw [this]
    exact Nat.log2_self_le hK

/-- The rounded significand has at most 24 bits, or is `2^24`. -/
theorem nearest_cut_le (K s : Nat) : nearest K (cut K s) ≤ 2 ^ 24 := by
  have h := lt_of_cut K s
  have hdiv : K / 2 ^ cut K s < 2 ^ 24 := by
    rw [Nat.div_lt_iff_lt_mul (Nat.two_pow_pos _), ← Nat.pow_add, Nat.add_comm]
    exact h
  unfold nearest
  split <;> omega

/-- Back in the scale of `K`. -/
theorem quanta_mul (K s : Nat) : quanta K s * 2 ^ s = nearest K (cut K s) * 2 ^ cut K s := by
  rw [quanta, Nat.mul_assoc, ← Nat.pow_add, Nat.sub_add_cancel (le_cut K s)]

/-- **Rounding error**, `2^24 |R - S| <= S + 2^23` in quanta: with the scale `2^s`, relative `2^-24` and half a
quantum. -/
theorem quanta_error (K s : Nat) :
    2 ^ 24 * K ≤ 2 ^ 24 * (quanta K s * 2 ^ s) + K + 2 ^ 23 * 2 ^ s ∧
      2 ^ 24 * (quanta K s * 2 ^ s) ≤ 2 ^ 24 * K + K + 2 ^ 23 * 2 ^ s := by
  have h := nearest_error K (cut K s)
  rw [← quanta_mul] at h
  by_cases hc : cut K s = s
  · rw [hc] at h
    omega
  · have h' := cut_le K s hc
    rw [Nat.pow_add] at h'
    omega

/-- Whole quanta in any scale are rounded without underflow: `2^24 |R - S| <= S`. -/
theorem quanta_error_multiple (S s : Nat) :
    2 ^ 24 * (S * 2 ^ s) ≤ 2 ^ 24 * (quanta (S * 2 ^ s) s * 2 ^ s) + S * 2 ^ s ∧
      2 ^ 24 * (quanta (S * 2 ^ s) s * 2 ^ s) ≤ 2 ^ 24 * (S * 2 ^ s) + S * 2 ^ s := by
  have h := nearest_error (S * 2 ^ s) (cut (S * 2 ^ s) s)
  rw [← quanta_mul] at h
  by_cases hc : cut (S * 2 ^ s) s = s
  · rw [quanta_mul, hc, nearest_of_dvd]
    omega
  · have h' := cut_le (S * 2 ^ s) s hc
    rw [Nat.pow_add] at h'
    omega

/-- Whole quanta are rounded without underflow: `2^24 |R - S| <= S`. -/
theorem quanta_error_whole (K : Nat) :
    2 ^ 24 * K ≤ 2 ^ 24 * quanta K 0 + K ∧ 2 ^ 24 * quanta K 0 ≤ 2 ^ 24 * K + K := by
  have h := nearest_error K (cut K 0)
  rw [← quanta_mul, Nat.pow_zero, Nat.mul_one] at h
  by_cases hc : cut K 0 = 0
  · rw [hc, Nat.pow_zero] at h
    omega
  · have h' := cut_le K 0 hc
    rw [Nat.pow_add] at h'
    omega

/-- A magnitude is representable if it has at most 24 significant bits, and is below `2^128`, which is
`2^277` quanta. -/
@[expose] def Representable (R : Nat) : Prop := R < 2 ^ 25 * 2 ^ 252 ∧ ∃ m e, m ≤ 2 ^ 24 ∧ R = m * 2 ^ e

/-- What is below the overflow threshold `(2 - 2^-24) 2^127` rounds to a representable magnitude. -/
theorem quanta_representable (K s : Nat) (h : K < (2 ^ 25 - 1) * 2 ^ 252 * 2 ^ s) : Representable (quanta K s) := by
  refine ⟨?_, nearest K (cut K s), cut K s - s, nearest_cut_le K s, rfl⟩
  have herr := (nearest_error K (cut K s)).2
  rw [← quanta_mul] at herr
  have hpos := Nat.two_pow_pos s
  -- The unit is at most `2^253` quanta.
  have hcut : 2 ^ cut K s ≤ 2 ^ 253 * 2 ^ s := by
    by_cases hc : cut K s = s
    · rw [hc]
      omega
    · have h' := cut_le K s hc
      have hlt : 2 ^ (cut K s + 23) < 2 ^ (25 + 252 + s) := by
        rw [Nat.pow_add 2 (25 + 252) s, Nat.pow_add 2 25 252]
        omega
      have := (Nat.pow_lt_pow_iff_right (a := 2) (by omega)).mp hlt
      rw [← Nat.pow_add]
      exact Nat.pow_le_pow_right (by omega) (by omega)
  have : quanta K s * 2 ^ s < 2 ^ 25 * 2 ^ 252 * 2 ^ s := by omega
  exact Nat.lt_of_mul_lt_mul_right this

/-- A number with 24 significant bits is a multiple of any power of two that leaves it 24 bits. -/
theorem pow_dvd {m e c : Nat} (hm : m ≤ 2 ^ 24) (hle : 2 ^ (c + 23) ≤ m * 2 ^ e) : 2 ^ c ∣ m * 2 ^ e := by
  have h1 : 2 ^ (c + 23) ≤ 2 ^ (24 + e) := by
    rw [Nat.pow_add 2 24 e]
    exact Nat.le_trans hle (Nat.mul_le_mul_right _ hm)
  have h2 := (Nat.pow_le_pow_iff_right (a := 2) (by omega)).mp h1
  by_cases hce : c ≤ e
  · exact Nat.dvd_trans (Nat.pow_dvd_pow 2 hce) ⟨m, Nat.mul_comm _ _⟩
  · -- Then `m = 2^24`.
    have hc1 : c = e + 1 := by omega
    subst hc1
    rw [show e + 1 + 23 = 24 + e by omega, Nat.pow_add 2 24 e] at hle
    have h4 : 2 ^ 24 ≤ m := Nat.le_of_mul_le_mul_right hle (Nat.two_pow_pos e)
    have h5 : m = 2 ^ 23 * 2 := by omega
    subst h5
    exact ⟨2 ^ 23, by rw [Nat.pow_succ 2 e]; omega⟩

/-- A representable magnitude is not changed by rounding. -/
theorem quanta_of_representable (R s : Nat) (h : Representable R) : quanta (R * 2 ^ s) s = R := by
  obtain ⟨_, m, e, hm, hR⟩ := h
  have hmul := quanta_mul (R * 2 ^ s) s
  have hdvd : 2 ^ cut (R * 2 ^ s) s ∣ R * 2 ^ s := by
    by_cases hc : cut (R * 2 ^ s) s = s
    · rw [hc]
      exact ⟨R, Nat.mul_comm _ _⟩
    · have hle := cut_le _ s hc
      have hK : R * 2 ^ s = m * 2 ^ (e + s) := by rw [hR, Nat.pow_add, Nat.mul_assoc]
      generalize cut (R * 2 ^ s) s = c at *
      rw [hK] at hle ⊢
      exact pow_dvd hm hle
  obtain ⟨q, hq⟩ := hdvd
  generalize cut (R * 2 ^ s) s = c at *
  have hq := hq.trans (Nat.mul_comm _ _)
  rw [hq, nearest_of_dvd, ← hq] at hmul
  exact Nat.eq_of_mul_eq_mul_right (Nat.two_pow_pos s) hmul

end TorchLean.Float32
