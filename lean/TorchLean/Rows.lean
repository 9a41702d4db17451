module
prelude
public import TorchLean.Exec
public import TorchLean.Arith

/-!
# The rounding error of one row

What `dot_error` says of a dot product, in the integers of a network: `D` is the magnitude of the row on the box of its
operand, in units of `2^-(scale + grid)`, and the error is compared with the noise of the certificate, in units of
`2^-grid`.
-/

public noncomputable section
namespace TorchLean

/-- The largest magnitudes in a box. -/
@[expose] def mags : Box → List Nat
  | [] => []
  | b :: bs => max b.1.natAbs b.2.natAbs :: mags bs

/-- How many integers of a row are not zero. -/
@[expose] def nonzeros : List Int → Nat
  | [] => 0
  | c :: cs => (if c = 0 then 0 else 1) + nonzeros cs

/-- `Σ |wᵢ aᵢ| + |b|` at most, in units of `2^-(scale + grid)`, for operands of the given magnitudes. -/
@[expose] def rowMagnitude (grid : Nat) (row : List Int) (bias : Int) (ms : List Nat) : Nat :=
  dotAbs row ms + bias.natAbs * 2 ^ grid

theorem abs_intCast (k : Int) : Rational.abs (k : Rat) = (k.natAbs : Rat) := by
  rcases Int.le_total 0 k with h | h
  · have hk : ((k.natAbs : Int) : Rat) = (k : Rat) := by rw [Int.natAbs_of_nonneg h]
    have h0 : (0 : Rat) ≤ (k : Rat) := Rat.intCast_nonneg.mpr h
    rw [← Rat.intCast_natCast, hk]
    grind [Rational.abs]
  · have hk : ((k.natAbs : Int) : Rat) = -(k : Rat) := by
      rw [← Rat.intCast_neg]
      exact congrArg _ (by omega)
    have h0 : (0 : Rat) ≤ (k.natAbs : Rat) := Rat.natCast_nonneg
    rw [Rat.intCast_natCast] at hk
    grind [Rational.abs]

theorem abs_of_bounds {x : Rat} {l u : Int} (hl : (l : Rat) ≤ x) (hu : x ≤ u) :
    Rational.abs x ≤ (max l.natAbs u.natAbs : Nat) := by
  have h1 : (l.natAbs : Rat) ≤ (max l.natAbs u.natAbs : Nat) := Rat.natCast_le_natCast.mpr (Nat.le_max_left _ _)
  have h2 : (u.natAbs : Rat) ≤ (max l.natAbs u.natAbs : Nat) := Rat.natCast_le_natCast.mpr (Nat.le_max_right _ _)
  have h3 := Rational.neg_le_abs (l : Rat)
  have h4 := Rational.le_abs (u : Rat)
  rw [abs_intCast] at h3 h4
  exact Rational.abs_le_of (by grind) (by grind)

theorem abs_pow2 (x : Rat) (k : Nat) : Rational.abs (x * pow2 k) = Rational.abs x * pow2 k := by
  have h := pow2_nonneg k
  have : Rational.abs (pow2 k) = pow2 k := by grind [Rational.abs]
  rw [Rational.abs_mul, this]

/-- What the products of a row are: finite, with the row's exact sum, of bounded magnitude, few that are not zero. -/
theorem Machine.Terms.spec (M : Machine) {grid scale : Nat} {row : List Int} {a : List M.Number}
    {ts : List (M.Number × M.Number)} {box : Box} (h : M.Terms scale row a ts) (ha : Every M.finite a)
    (hbox : InBox grid box (M.values a)) :
    Every M.finitePair ts ∧ sumOf M.product ts * pow2 scale = dot row (M.values a) ∧
      sumOf M.productMag ts * pow2 scale * pow2 grid ≤ (dotAbs row (mags box) : Nat) ∧ M.count ts ≤ nonzeros row := by
  induction row generalizing a ts box with
  | nil =>
    have h : ts = [] := h
    subst h
    refine ⟨trivial, ?_, ?_, Nat.le_refl 0⟩
    · simp only [sumOf, dot_nil, Rat.zero_mul]
    · simp only [sumOf, Rat.zero_mul]; exact Rat.natCast_nonneg
  | cons c cs ih =>
    cases a with
    | nil =>
      have h : ts = [] := h
      subst h
      refine ⟨trivial, ?_, ?_, Nat.zero_le _⟩
      · simp only [sumOf, Machine.values, dot_nil_right, Rat.zero_mul]
      · simp only [sumOf, Rat.zero_mul]; exact Rat.natCast_nonneg
    | cons x xs =>
      cases ts with
      | nil => exact False.elim h
      | cons t ts =>
        cases box with
        | nil => exact False.elim hbox
        | cons b bs =>
          obtain ⟨⟨w, ⟨hwf, hw⟩, ht⟩, h⟩ := h
          have ⟨h1, h2, h3, h4⟩ := ih h ha.2 hbox.2
          have hfin : M.finitePair t := by
            rcases ht with rfl | rfl
            · exact ⟨hwf, ha.1⟩
            · exact ⟨ha.1, hwf⟩
          have hprod : M.product t = M.value w * M.value x := by
            rcases ht with rfl | rfl
            · rfl
            · exact Rat.mul_comm _ _
          have hmul : M.product t * pow2 scale = c * M.value x := by rw [hprod, ← hw]; grind
          refine ⟨⟨hfin, h1⟩, ?_, ?_, ?_⟩
          · simp only [sumOf, Machine.values, dot_cons, ← h2, ← hmul]; grind
          · have habs : M.productMag t * pow2 scale * pow2 grid = c.natAbs * Rational.abs (M.value x * pow2 grid) := by
              rw [Machine.productMag, ← abs_pow2, hmul, Rational.abs_mul, abs_intCast, abs_pow2]; grind
            have hx := Rat.mul_le_mul_of_nonneg_left (abs_of_bounds hbox.1.1 hbox.1.2) (@Rat.natCast_nonneg c.natAbs)
            simp only [sumOf, mags, dotAbs, Rat.natCast_add, Rat.natCast_mul]
            grind
          · simp only [Machine.count, natSum, nonzeros] at *
            have hone : M.nonzero t ≤ if c = 0 then 0 else 1 := by
              by_cases hc : c = 0
              · have hz : M.product t = 0 := by
                  have h0 : M.product t * pow2 scale = 0 * pow2 scale := by
                    rw [hmul, hc, show ((0 : Int) : Rat) = 0 from rfl]; grind
                  exact Rat.le_antisymm (le_of_mul_pow2_le scale (h0 ▸ Rat.le_refl))
                    (le_of_mul_pow2_le scale (h0 ▸ Rat.le_refl))
                rw [Machine.nonzero, if_pos hz]
                exact Nat.zero_le _
              · rw [if_neg hc, Machine.nonzero]
                split <;> omega
            omega

/-- **The rounding error of a row** in the terms of a certificate. `A` is the magnitude, `E` the noise. -/
theorem row_near (M : Machine) {grid scale : Nat} {row : List Int} {bias : Int} {a : List M.Number} {y : M.Number}
    {box : Box} {E : Nat} {A : Rat} (h : M.RowResult scale row bias a y) (ha : Every M.finite a)
    (hbox : InBox grid box (M.values a))
    (hA : (rowMagnitude grid row bias (mags box) : Nat) ≤ A * pow2 scale * pow2 grid)
    (hE : slack M.u (nonzeros row) A (M.lost (nonzeros row) 1) * pow2 grid ≤ E)
    (hfits : A + slack M.u (nonzeros row) A (M.lost (nonzeros row) 1) < M.threshold) :
    M.finite y ∧ Near grid ((dot row (M.values a) + bias) / pow2 scale) E (M.value y) := by
  obtain ⟨ts, c, hts, ⟨hcf, hc⟩, hdot⟩ := h
  have ⟨hfin, hsum, hmag, hcount⟩ := hts.spec M ha hbox
  have hmagA : magnitude M ts [c] ≤ A := by
    refine le_of_mul_pow2_le scale (le_of_mul_pow2_le grid (Rat.le_trans ?_ hA))
    have hb : M.mag c * pow2 scale = bias.natAbs := by rw [Machine.mag, ← abs_pow2, hc, abs_intCast]
    simp only [magnitude, rowMagnitude, sumOf, Rat.natCast_add, Rat.natCast_mul]
    have hg : ((2 ^ grid : Nat) : Rat) = pow2 grid := rfl
    rw [hg, ← hb]
    grind
  have hlost : M.lost (M.count ts) [c].length ≤ M.lost (nonzeros row) 1 := by
    have h1 : (M.count ts : Rat) ≤ (nonzeros row : Nat) := Rat.natCast_le_natCast.mpr hcount
    have h2 : ((M.count ts + 1 : Nat) : Rat) ≤ (nonzeros row + 1 : Nat) := Rat.natCast_le_natCast.mpr (by omega)
    have := Rat.mul_le_mul_of_nonneg_right h1 M.ηProduct_nonneg
    have := Rat.mul_le_mul_of_nonneg_right h2 M.ηSum_nonneg
    simp only [Machine.lost, List.length_cons, List.length_nil, Nat.zero_add]
    grind
  have ⟨hf, herr⟩ := dot_error M hfin (show Every M.finite [c] from ⟨hcf, trivial⟩) (k := nonzeros row)
    (by simp only [List.length_cons, List.length_nil]; omega) hmagA hlost hfits hdot
  refine ⟨hf, ?_⟩
  -- The exact sum of the terms is the exact result of the row.
  have hexact : sumOf M.product ts + sumOf M.value [c] = (dot row (M.values a) + bias) / pow2 scale := by
    have hmul : (sumOf M.product ts + sumOf M.value [c]) * pow2 scale =
        (dot row (M.values a) + bias) / pow2 scale * pow2 scale := by
      rw [div_mul_pow2, ← hsum, ← hc]
      simp only [sumOf]
      grind
    exact Rat.le_antisymm (le_of_mul_pow2_le scale (hmul ▸ Rat.le_refl)) (le_of_mul_pow2_le scale (hmul ▸ Rat.le_refl))
  have hunits : slack M.u (nonzeros row) A (M.lost (nonzeros row) 1) ≤ E / pow2 grid :=
    le_of_mul_pow2_le grid (by rw [div_mul_pow2]; exact hE)
  rw [hexact] at herr
  have h1 := Rational.le_abs (M.value y - (dot row (M.values a) + bias) / pow2 scale)
  have h2 := Rational.neg_le_abs (M.value y - (dot row (M.values a) + bias) / pow2 scale)
  exact ⟨by grind, by grind⟩

end TorchLean
