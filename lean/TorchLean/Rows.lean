module
prelude
public import TorchLean.Exec
public import TorchLean.Sums

/-!
# The rounding error of one row

What `dot_error` says of a dot product, in the integers of a network: `D` is the magnitude of the row on the box of its
operand, in units of `2^-(scale + grid)`, and the error is compared with the noise of the certificate, in units of
`2^-grid`.
-/

public noncomputable section
namespace TorchLean

/-- The larger one of two numbers, in operations that the kernel computes at once. -/
@[expose] def larger (a b : Nat) : Nat := a + (b - a)

/-- Zero for zero, one for all other numbers. -/
@[expose] def one? (n : Nat) : Nat := 1 - (1 - n)

/-- The largest magnitudes in a box. -/
@[expose] def mags : Box → List Nat
  | [] => []
  | b :: bs => larger b.1.natAbs b.2.natAbs :: mags bs

/-- How many integers of a row are not zero. -/
@[expose] def nonzeros : List Int → Nat
  | [] => 0
  | c :: cs => one? c.natAbs + nonzeros cs

/-- How many terms of a row, its bias among them, are not zero. -/
@[expose] def rowTerms (row : List Int) (bias : Int) : Nat := nonzeros row + one? bias.natAbs

/-- Every integer is zero, or `one` or its negative: no product rounds. -/
@[expose] def plainRow (one : Nat) : List Int → Bool
  | [] => true
  | c :: cs => (Nat.beq c.natAbs 0 || Nat.beq c.natAbs one) && plainRow one cs

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
    Rational.abs x ≤ (larger l.natAbs u.natAbs : Nat) := by
  have h1 : (l.natAbs : Rat) ≤ (larger l.natAbs u.natAbs : Nat) :=
    Rat.natCast_le_natCast.mpr (by unfold larger; omega)
  have h2 : (u.natAbs : Rat) ≤ (larger l.natAbs u.natAbs : Nat) :=
    Rat.natCast_le_natCast.mpr (by unfold larger; omega)
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
            have hone : M.nonzero t ≤ one? c.natAbs := by
              by_cases hc : c = 0
              · have hz : M.product t = 0 := by
                  have h0 : M.product t * pow2 scale = 0 * pow2 scale := by
                    rw [hmul, hc, show ((0 : Int) : Rat) = 0 from rfl]; grind
                  exact Rat.le_antisymm (le_of_mul_pow2_le scale (h0 ▸ Rat.le_refl))
                    (le_of_mul_pow2_le scale (h0 ▸ Rat.le_refl))
                rw [Machine.nonzero, oneUnless_of hz]
                exact Nat.zero_le _
              · have h1 : M.nonzero t ≤ 1 := oneUnless_le _
                unfold one?
                omega
            omega

/-- A weight that is one or minus one. -/
theorem Machine.IsWeight.unit (M : Machine) {scale : Nat} {c : Int} {w : M.Number} (h : M.IsWeight scale c w)
    (hc : c.natAbs = 2 ^ scale) : Rational.abs (M.value w) = 1 := by
  have h1 : Rational.abs (M.value w) * pow2 scale = 1 * pow2 scale := by
    rw [← abs_pow2, h.2, abs_intCast, hc, Rat.one_mul]
    rfl
  exact Rat.le_antisymm (le_of_mul_pow2_le scale (h1 ▸ Rat.le_refl)) (le_of_mul_pow2_le scale (h1 ▸ Rat.le_refl))

/-- No product of such a row rounds. -/
theorem Machine.Terms.plain (M : Machine) {scale : Nat} {row : List Int} {a : List M.Number}
    {ts : List (M.Number × M.Number)} (h : M.Terms scale row a ts) (hrow : plainRow (2 ^ scale) row = true) :
    M.roughs ts = 0 := by
  induction row generalizing a ts with
  | nil =>
    have h : ts = [] := h
    subst h
    rfl
  | cons c cs ih =>
    cases a with
    | nil =>
      have h : ts = [] := h
      subst h
      rfl
    | cons x xs =>
      cases ts with
      | nil => exact False.elim h
      | cons t ts =>
        obtain ⟨⟨w, hw, ht⟩, h⟩ := h
        rw [plainRow, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, Nat.beq_eq] at hrow
        have hrest := ih h hrow.2
        have h0 : M.rough t = 0 := by
          refine oneUnless_of ?_
          rcases hrow.1 with hc | hc
          · refine .inl ?_
            have hz : M.value w = 0 := by
              have h0 : M.value w * pow2 scale = 0 * pow2 scale := by
                rw [hw.2, show c = 0 by omega, Rat.zero_mul]; rfl
              exact Rat.le_antisymm (le_of_mul_pow2_le scale (h0 ▸ Rat.le_refl))
                (le_of_mul_pow2_le scale (h0 ▸ Rat.le_refl))
            rcases ht with rfl | rfl
            · simp only [Machine.product, hz, Rat.zero_mul]
            · simp only [Machine.product, hz, Rat.mul_zero]
          · refine .inr ?_
            rcases ht with rfl | rfl
            · exact .inl (hw.unit M hc)
            · exact .inr (hw.unit M hc)
        simp only [Machine.roughs, natSum] at *
        omega

theorem roughs_le_count (M : Machine) (ts : List (M.Number × M.Number)) : M.roughs ts ≤ M.count ts := by
  induction ts with
  | nil => exact Nat.le_refl 0
  | cons t ts ih =>
    have h : M.rough t ≤ M.nonzero t := by
      by_cases hz : M.product t = 0
      · rw [Machine.rough, oneUnless_of (.inl hz)]
        exact Nat.zero_le _
      · rw [Machine.nonzero, oneUnless_of_not hz]
        exact oneUnless_le _
    simp only [Machine.roughs, Machine.count, natSum] at *
    omega

/-- **The rounding error of a row** in the terms of a certificate. `A` is the magnitude, `E` the noise; `n` products
round, and `p` is 1 unless none does. -/
theorem row_near (M : Machine) {grid scale : Nat} {row : List Int} {bias : Int} {a : List M.Number} {y : M.Number}
    {box : Box} {E p k n : Nat} {A : Rat} (h : M.RowResult scale row bias a y) (ha : Every M.finite a)
    (hbox : InBox grid box (M.values a))
    (hp : plainRow (2 ^ scale) row = true ∨ (p ≠ 0 ∧ nonzeros row ≤ n)) (hk : rowTerms row bias ≤ k + 1)
    (hA : (rowMagnitude grid row bias (mags box) : Nat) ≤ A * pow2 scale * pow2 grid)
    (hE : slack M.u p k A (M.lost n (k + 1)) * pow2 grid ≤ E)
    (hfits : A + slack M.u p k A (M.lost n (k + 1)) < M.threshold) :
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
  have hbias : M.nonzeroAddend c ≤ one? bias.natAbs := by
    by_cases h0 : bias = 0
    · have hz : M.value c = 0 := by
        have h1 : M.value c * pow2 scale = 0 * pow2 scale := by rw [hc, h0, Rat.zero_mul]; rfl
        exact Rat.le_antisymm (le_of_mul_pow2_le scale (h1 ▸ Rat.le_refl)) (le_of_mul_pow2_le scale (h1 ▸ Rat.le_refl))
      rw [Machine.nonzeroAddend, oneUnless_of hz]
      exact Nat.zero_le _
    · have h1 : M.nonzeroAddend c ≤ 1 := oneUnless_le _
      unfold one?
      omega
  have hterms : M.count ts + M.addendCount [c] ≤ rowTerms row bias := by
    simp only [Machine.addendCount, natSum, rowTerms]
    omega
  have hrough : (M.roughs ts ≠ 0 → p ≠ 0) ∧ M.roughs ts ≤ n := by
    rcases hp with hp | ⟨hp, hn⟩
    · have h0 := hts.plain M hp
      exact ⟨fun h => absurd h0 h, by omega⟩
    · have := roughs_le_count M ts
      exact ⟨fun _ => hp, by omega⟩
  have hlost : M.lost (M.roughs ts) (M.count ts + M.addendCount [c]) ≤ M.lost n (k + 1) := by
    have := Rat.mul_le_mul_of_nonneg_right (Rat.natCast_le_natCast.mpr hrough.2) M.ηProduct_nonneg
    have := Rat.mul_le_mul_of_nonneg_right (Rat.natCast_le_natCast.mpr (Nat.le_trans hterms hk)) M.ηSum_nonneg
    simp only [Machine.lost]
    grind
  have ⟨hf, herr⟩ := dot_error M hfin (show Every M.finite [c] from ⟨hcf, trivial⟩) (k := k)
    hrough.1 (by omega) hmagA hlost hfits hdot
  refine ⟨hf, ?_⟩
  -- The exact sum of the terms is the exact result of the row.
  have hexact : sumOf M.product ts + sumOf M.value [c] = (dot row (M.values a) + bias) / pow2 scale := by
    have hmul : (sumOf M.product ts + sumOf M.value [c]) * pow2 scale =
        (dot row (M.values a) + bias) / pow2 scale * pow2 scale := by
      rw [div_mul_pow2, ← hsum, ← hc]
      simp only [sumOf]
      grind
    exact Rat.le_antisymm (le_of_mul_pow2_le scale (hmul ▸ Rat.le_refl)) (le_of_mul_pow2_le scale (hmul ▸ Rat.le_refl))
  have hunits : slack M.u p k A (M.lost n (k + 1)) ≤ E / pow2 grid :=
    le_of_mul_pow2_le grid (by rw [div_mul_pow2]; exact hE)
  rw [hexact] at herr
  have h1 := Rational.le_abs (M.value y - (dot row (M.values a) + bias) / pow2 scale)
  have h2 := Rational.neg_le_abs (M.value y - (dot row (M.values a) + bias) / pow2 scale)
  exact ⟨by grind, by grind⟩

end TorchLean
