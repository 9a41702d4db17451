module
prelude
public import TorchLean.Rows
public import TorchLean.Float32.Machine

/-!
# Checking noise against binary32

`rowFits` compares, in natural numbers, the rounding error of a row with its noise, and its magnitude with the overflow
threshold; `sumFits` does so for the sum of two numbers. Both are sound: what they accept bounds every execution.
-/

public noncomputable section
namespace TorchLean
open TorchLean.Float32

/-- The error bound of a row with `n` nonzero weights and magnitude `D` (units of `2^-(scale + grid)`) is at most `E`
(units of `2^-grid`), and nothing in it overflows. With `u = 2^-24`, `(1 + u)^(n+1)` is
`(2^24 + 1)^(n+1) / (2^24)^(n+1)`. -/
@[expose] def rowFits (grid scale n D E : Nat) : Bool :=
  Nat.ble ((2 ^ 24 + 1) ^ (n + 1) * (D * 2 ^ 150 + n * 2 ^ (scale + grid)))
      ((2 ^ 24) ^ (n + 1) * (E * 2 ^ (scale + 150) + D * 2 ^ 150))
    && Nat.blt ((D + E * 2 ^ scale) * 2 ^ 149) (thresholdQuanta * 2 ^ (scale + grid))

/-- The rounding error of a sum of two numbers, of magnitude `m` (units of `2^-grid`), is at most `E`, and it does not
overflow. -/
@[expose] def sumFits (grid m E : Nat) : Bool :=
  Nat.ble m (E * 2 ^ 24) && Nat.blt (m * 2 ^ 149) (thresholdQuanta * 2 ^ grid)

theorem growth_eq (m : Nat) : ((2 ^ 24 + 1 : Nat) : Rat) ^ m = (1 + unit) ^ m * ((2 ^ 24 : Nat) : Rat) ^ m := by
  have h1 : ((2 ^ 24 + 1 : Nat) : Rat) = (1 + unit) * ((2 ^ 24 : Nat) : Rat) := by
    have hu := scale_unit
    have hone : ((1 : Nat) : Rat) = 1 := rfl
    rw [Rat.natCast_add, hone]
    generalize ((2 ^ 24 : Nat) : Rat) = S at *
    grind
  induction m with
  | zero => rw [Rat.pow_zero, Rat.pow_zero, Rat.pow_zero, Rat.mul_one]
  | succ m ih =>
    rw [Rat.pow_succ, Rat.pow_succ (1 + unit), Rat.pow_succ ((2 ^ 24 : Nat) : Rat), ih, h1]
    grind

/-- The growth of roundings for short sums: `(1 + u)^(n+1) - 1 <= (n + 2) u` if `(n + 2)^2 <= 2^24`. -/
theorem growth_small {n : Nat} (h : (n + 2) * (n + 2) ≤ 2 ^ 24) :
    (1 + unit) ^ (n + 1) - 1 ≤ ((n + 1 + 1 : Nat) : Rat) * unit := by
  have hu := unit_pos
  have hs := scale_unit
  have huu := Rat.mul_nonneg (Rat.le_of_lt hu) (Rat.le_of_lt hu)
  have hsq : (((n + 1) * (n + 1) : Nat) : Rat) ≤ ((2 ^ 24 : Nat) : Rat) :=
    Rat.natCast_le_natCast.mpr (Nat.le_trans (Nat.mul_le_mul (by omega) (by omega)) h)
  have hle : ((n + 1 : Nat) : Rat) ≤ ((2 ^ 24 : Nat) : Rat) :=
    Rat.natCast_le_natCast.mpr (Nat.le_trans (Nat.le_trans (show n + 1 ≤ 1 * (n + 2) by omega)
      (Nat.mul_le_mul_right _ (by omega))) h)
  have hm := Rat.mul_le_mul_of_nonneg_right hle (Rat.le_of_lt hu)
  rw [hs] at hm
  have hgrowth := growth_le (Rat.le_of_lt hu) (n + 1) hm
  have hcast : ((n + 1 + 1 : Nat) : Rat) = ((n + 1 : Nat) : Rat) + 1 := Rat.natCast_add (n + 1) 1
  rw [Rat.natCast_mul] at hsq
  have h2 := Rat.mul_le_mul_of_nonneg_right hsq huu
  rw [hcast]
  generalize ((n + 1 : Nat) : Rat) = m at *
  generalize ((2 ^ 24 : Nat) : Rat) = S at *
  have e : S * (unit * unit) = unit := by grind
  rw [e] at h2
  grind

theorem scale_half : ((2 ^ 150 : Nat) : Rat) * halfQuantum = 1 := by
  have hq := scale_quantum
  have h : ((2 ^ 150 : Nat) : Rat) = ((2 ^ 149 : Nat) : Rat) * 2 := by rw [← Rat.natCast_ofNat, ← Rat.natCast_mul]
  rw [h, halfQuantum]
  generalize ((2 ^ 149 : Nat) : Rat) = S at *
  grind

/-- The magnitude of a row as a rational number. -/
@[expose] def ratMagnitude (grid scale D : Nat) : Rat := D / pow2 grid / pow2 scale

theorem ratMagnitude_mul (grid scale D : Nat) : ratMagnitude grid scale D * pow2 scale * pow2 grid = D := by
  rw [ratMagnitude, div_mul_pow2, div_mul_pow2]

theorem rowFits_sound {grid scale n D E : Nat} (h : rowFits grid scale n D E = true) :
    slack unit n (ratMagnitude grid scale D) (binary32.lost n 1) * pow2 grid ≤ E ∧
      ratMagnitude grid scale D + slack unit n (ratMagnitude grid scale D) (binary32.lost n 1) < threshold := by
  have hD := ratMagnitude_mul grid scale D
  have hscale := pow2_pos scale
  have hgrid := pow2_pos grid
  rw [rowFits, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq] at h
  obtain ⟨h1, h2⟩ := h
  have hlost : binary32.lost n 1 = n * halfQuantum := by
    show (n : Rat) * halfQuantum + ((n + 1 : Nat) : Rat) * 0 = _
    rw [Rat.mul_zero, Rat.add_zero]
  rw [hlost]
  generalize ratMagnitude grid scale D = A at *
  have hA : 0 ≤ A := by
    refine le_of_mul_pow2_le scale (le_of_mul_pow2_le grid ?_)
    rw [hD, Rat.zero_mul, Rat.zero_mul]
    exact Rat.natCast_nonneg
  have hn : (0 : Rat) ≤ n := Rat.natCast_nonneg
  have hslack : slack unit n A (n * halfQuantum) * pow2 grid ≤ E := by
    have hGS : (((2 ^ 24 + 1) ^ (n + 1) : Nat) : Rat) = (1 + unit) ^ (n + 1) * (((2 ^ 24) ^ (n + 1) : Nat) : Rat) := by
      rw [Rat.natCast_pow, Rat.natCast_pow (2 ^ 24) (n + 1), growth_eq]
    have hpos : (0 : Rat) < (((2 ^ 24) ^ (n + 1) : Nat) : Rat) :=
      Rat.natCast_pos.mpr (Nat.pow_pos (Nat.two_pow_pos 24))
    generalize (2 ^ 24 + 1) ^ (n + 1) = G at *
    generalize (2 ^ 24) ^ (n + 1) = S at *
    rw [Nat.pow_add 2 scale grid, Nat.pow_add 2 scale 150] at h1
    have h1 := Rat.natCast_le_natCast.mpr h1
    rw [Rat.natCast_mul G, Rat.natCast_mul S, Rat.natCast_add (D * 2 ^ 150),
      Rat.natCast_add (E * (2 ^ scale * 2 ^ 150)), Rat.natCast_mul D, Rat.natCast_mul n,
      Rat.natCast_mul (2 ^ scale) (2 ^ grid), Rat.natCast_mul E, Rat.natCast_mul (2 ^ scale) (2 ^ 150), hGS, ← hD] at h1
    change _ * (_ + _ * (pow2 scale * pow2 grid)) ≤ _ * (_ * (pow2 scale * _) + _) at h1
    have hhalf := scale_half
    have hq0 := halfQuantum_nonneg
    have hg := one_le_growth (Rat.le_of_lt unit_pos) n
    have hstep : (1 + unit) ^ n ≤ (1 + unit) ^ (n + 1) := by
      have := Rat.mul_nonneg (Rat.le_of_lt unit_pos) (show 0 ≤ (1 + unit) ^ n by grind)
      rw [Rat.pow_succ]
      grind
    have hlast := Rat.mul_le_mul_of_nonneg_left hstep (Rat.mul_nonneg hn halfQuantum_nonneg)
    rw [slack]
    generalize (1 + unit) ^ (n + 1) = g at *
    generalize (1 + unit) ^ n = g' at *
    generalize (S : Rat) = s at *
    generalize ((2 ^ 150 : Nat) : Rat) = p at *
    generalize halfQuantum = q at *
    generalize pow2 scale = c at *
    generalize pow2 grid = r at *
    generalize (n : Rat) = n at *
    generalize (E : Rat) = E at *
    -- `h1 : g s (A c r p + n c r) <= s (E c p + A c r p)`; divide by `s` and `c`, multiply by `q = 1 / p`.
    have e1 : g * s * (A * c * r * p + n * (c * r)) = g * (A * r * p + n * r) * (s * c) := by grind
    have e2 : s * (E * (c * p) + A * c * r * p) = (E * p + A * r * p) * (s * c) := by grind
    rw [e1, e2] at h1
    have h1 := Rat.le_of_mul_le_mul_right h1 (Rat.mul_pos hpos hscale)
    have h1 := Rat.mul_le_mul_of_nonneg_right h1 hq0
    have e3 : g * (A * r * p + n * r) * q = g * A * r * (p * q) + n * q * g * r := by grind
    have e4 : (E * p + A * r * p) * q = E * (p * q) + A * r * (p * q) := by grind
    rw [e3, e4, hhalf] at h1
    have hr := Rat.mul_le_mul_of_nonneg_right hlast (Rat.le_of_lt hgrid)
    grind
  refine ⟨hslack, ?_⟩
  rw [Nat.pow_add 2 scale grid] at h2
  have h2 := Rat.natCast_lt_natCast.mpr h2
  rw [Rat.natCast_mul (D + E * 2 ^ scale), Rat.natCast_add D, Rat.natCast_mul E, Rat.natCast_mul thresholdQuanta,
    Rat.natCast_mul (2 ^ scale) (2 ^ grid), ← hD] at h2
  change (A * pow2 scale * pow2 grid + _ * pow2 scale) * _ < _ * (pow2 scale * pow2 grid) at h2
  have hq := scale_quantum
  have hqpos := quantum_pos
  have h2 := Rat.mul_lt_mul_of_pos_right h2 hqpos
  generalize slack unit n A (n * halfQuantum) = t at *
  rw [threshold]
  generalize ((2 ^ 149 : Nat) : Rat) = p at *
  generalize quantum = q at *
  generalize (thresholdQuanta : Rat) = T at *
  have hcs := Rat.mul_le_mul_of_nonneg_right hslack (Rat.le_of_lt hscale)
  have e1 : (A * pow2 scale * pow2 grid + E * pow2 scale) * p * q = (A * pow2 grid + E) * pow2 scale * (p * q) := by
    grind
  have e2 : T * (pow2 scale * pow2 grid) * q = T * q * (pow2 grid * pow2 scale) := by grind
  rw [e1, e2, hq] at h2
  refine Rat.lt_of_mul_lt_mul_right (c := pow2 grid * pow2 scale) ?_ (Rat.le_of_lt (Rat.mul_pos hgrid hscale))
  grind

/-- The rounded sum of two numbers, in the terms of a certificate. -/
theorem sum_near {grid m E a b : Nat} (h : sumFits grid m E = true) (ha : Float32.Finite a) (hb : Float32.Finite b)
    (hm : Rational.abs ((value a + value b) * pow2 grid) ≤ m) :
    Float32.Finite (add a b) ∧ Near grid (value a + value b) E (value (add a b)) := by
  rw [sumFits, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq] at h
  obtain ⟨h1, h2⟩ := h
  have hgrid := pow2_pos grid
  have hsum : Rational.abs (value a + value b) * pow2 grid ≤ m := by rw [← abs_pow2]; exact hm
  have hlt : Rational.abs (value a + value b) < threshold := by
    have h2 := Rat.natCast_lt_natCast.mpr h2
    rw [Rat.natCast_mul m, Rat.natCast_mul thresholdQuanta] at h2
    change _ < _ * pow2 grid at h2
    have hq := scale_quantum
    have h2 := Rat.mul_lt_mul_of_pos_right h2 quantum_pos
    refine Rat.lt_of_mul_lt_mul_right (c := pow2 grid) ?_ (Rat.le_of_lt hgrid)
    rw [threshold]
    generalize ((2 ^ 149 : Nat) : Rat) = p at *
    generalize quantum = q at *
    generalize (thresholdQuanta : Rat) = T at *
    have e1 : (m : Rat) * p * q = m * (p * q) := by grind
    rw [e1, hq] at h2
    grind
  have ⟨hf, hr⟩ := add_rounds ha hb hlt
  refine ⟨hf, ?_⟩
  have herr : unit * Rational.abs (value a + value b) ≤ E / pow2 grid := by
    refine le_of_mul_pow2_le grid ?_
    rw [div_mul_pow2]
    have h1 := Rat.natCast_le_natCast.mpr h1
    rw [Rat.natCast_mul E] at h1
    have hu := scale_unit
    have h3 := Rat.mul_le_mul_of_nonneg_left (Rat.le_trans hsum h1) (Rat.le_of_lt unit_pos)
    generalize ((2 ^ 24 : Nat) : Rat) = p at *
    have e1 : unit * ((E : Rat) * p) = E * (p * unit) := by grind
    rw [e1, hu] at h3
    grind
  unfold Rounds at hr
  have h3 := Rational.le_abs (value (add a b) - (value a + value b))
  have h4 := Rational.neg_le_abs (value (add a b) - (value a + value b))
  exact ⟨by grind, by grind⟩

end TorchLean
