module

prelude
public import TorchLean.Hinge
public import TorchLean.Loops
public import Init.Data.Option.Lemmas

/-!
# Lines

A hinge over an interval lies above one line and below another; with its noise, so do the values of a hinge node. The
slope of a line is free: its shift is computed so that the line is on the right side at the ends of the interval
and at the kink, and then it is everywhere between. Backward bounds pass a hinge by replacing each value by the line
that bounds it from the side that the sign of its coefficient asks for.
-/

public section

namespace TorchLean

/-- A value `y` of a hinge at `z` is between two lines. -/
@[expose] def Between (P : Params) (lo hi : Line) (z y : Rat) : Prop :=
  lo.slope * (z * pow2 P.grid) + lo.shift ≤ y * pow2 P.slopes * pow2 P.grid ∧
    y * pow2 P.slopes * pow2 P.grid ≤ hi.slope * (z * pow2 P.grid) + hi.shift

/-- Each value of `y` is between its lines on the value of `z`; all four lists have the same length. -/
@[expose] def LinesOk (P : Params) : List Line → List Line → Vec → Vec → Prop
  | [], [], [], [] => True
  | l :: ls, u :: us, z :: zs, y :: ys => Between P l u z y ∧ LinesOk P ls us zs ys
  | _, _, _, _ => False

/-- The noise of a value, in the units of a line. -/
theorem near_scaled {P : Params} {v y : Rat} {e : Nat} (h : Near P.grid v e y) :
    v * pow2 P.grid * pow2 P.slopes - e * pow2 P.slopes ≤ y * pow2 P.slopes * pow2 P.grid ∧
      y * pow2 P.slopes * pow2 P.grid ≤ v * pow2 P.grid * pow2 P.slopes + e * pow2 P.slopes := by
  have hp : 0 ≤ pow2 P.grid * pow2 P.slopes := Rat.mul_nonneg (pow2_nonneg _) (pow2_nonneg _)
  have h1 := Rat.mul_le_mul_of_nonneg_right h.1 hp
  have h2 := Rat.mul_le_mul_of_nonneg_right h.2 hp
  have h3 := div_mul_pow2 e P.grid
  generalize (e : Rat) / pow2 P.grid = q at *
  rw [← h3]
  constructor <;> grind

/-- `2^slopes` times the hinge is a multiple of what the checker scales it by. -/
theorem Hinge.eval_factor (P : Params) (f : Hinge) (z : Rat) :
    f.eval P.grid z * pow2 P.grid * pow2 P.slopes = pow2 P.slopes / pow2 f.scale * f.scaledAt (z * pow2 P.grid) := by
  have h := f.eval_scaled P.grid z
  have h1 := div_mul_pow2 (pow2 P.slopes) f.scale
  generalize pow2 P.slopes / pow2 f.scale = μ at *
  rw [← h, ← h1]
  grind

/-- What the factor of `eval_factor` means. -/
theorem factor_scaled (a b : Nat) (x : Rat) : pow2 a / pow2 b * x * pow2 b = x * pow2 a := by
  have h := div_mul_pow2 (pow2 a) b
  generalize pow2 a / pow2 b = μ at *
  rw [← h]
  grind

theorem Hinge.gapBelow_le (P : Params) (f : Hinge) (slope z : Int) :
    ((f.gapBelow P slope z : Int) : Rat) ≤ pow2 P.slopes / pow2 f.scale * f.scaledAt z - slope * z := by
  have h : (floorShift (shiftLeft (f.scaled z) P.slopes) f.scale : Rat)
      ≤ pow2 P.slopes / pow2 f.scale * f.scaledAt z := by
    apply le_of_mul_pow2_le f.scale
    rw [factor_scaled, ← f.scaled_cast, ← shiftLeft_cast (f.scaled z)]
    exact floorShift_le _ _
  unfold Hinge.gapBelow
  rw [Fast.sub_eq, Fast.mul_eq, Rat.intCast_sub, Rat.intCast_mul]
  grind

theorem Hinge.le_gapAbove (P : Params) (f : Hinge) (slope z : Int) :
    pow2 P.slopes / pow2 f.scale * f.scaledAt z - slope * z ≤ ((f.gapAbove P slope z : Int) : Rat) := by
  have h : pow2 P.slopes / pow2 f.scale * f.scaledAt z
      ≤ (ceilShift (shiftLeft (f.scaled z) P.slopes) f.scale : Rat) := by
    apply le_of_mul_pow2_le f.scale
    rw [factor_scaled, ← f.scaled_cast, ← shiftLeft_cast (f.scaled z)]
    exact le_ceilShift _ _
  unfold Hinge.gapAbove
  rw [Fast.sub_eq, Fast.mul_eq, Rat.intCast_sub, Rat.intCast_mul]
  grind

/-- The lower line of any slope is a lower bound. -/
theorem Hinge.lineBelow_sound (P : Params) (f : Hinge) (b : Int × Int) (e : Nat) (slope : Int) {z y : Rat}
    (hl : (b.1 : Rat) ≤ z * pow2 P.grid) (hu : z * pow2 P.grid ≤ b.2) (hy : Near P.grid (f.eval P.grid z) e y) :
    ((f.lineBelow P b e slope).slope : Rat) * (z * pow2 P.grid) + (f.lineBelow P b e slope).shift
      ≤ y * pow2 P.slopes * pow2 P.grid := by
  have s := smallest_points f (f.gapBelow P slope) b
  have at_point (r : Int) {m : Int} (h : m ≤ f.gapBelow P slope r) :
      (m : Rat) ≤ pow2 P.slopes / pow2 f.scale * f.scaledAt r - slope * r :=
    Rat.le_trans (Rat.intCast_le_intCast.mpr h) (f.gapBelow_le P slope r)
  have h := f.ge_of_points hl hu (at_point _ s.1) (at_point _ s.2.1)
    (fun h h' => at_point _ (s.2.2 (Rat.intCast_lt_intCast.mp h) (Rat.intCast_lt_intCast.mp h')))
  have hn := (near_scaled hy).1
  rw [Hinge.eval_factor P f z] at hn
  simp only [Hinge.lineBelow, Fast.sub_eq, Rat.intCast_sub, shiftLeft_cast, Rat.intCast_natCast]
  clear at_point s hl hu hy
  generalize pow2 P.slopes / pow2 f.scale = μ at *
  generalize f.scaledAt (z * pow2 P.grid) = w at *
  grind

/-- The upper line of any slope is an upper bound. -/
theorem Hinge.lineAbove_sound (P : Params) (f : Hinge) (b : Int × Int) (e : Nat) (slope : Int) {z y : Rat}
    (hl : (b.1 : Rat) ≤ z * pow2 P.grid) (hu : z * pow2 P.grid ≤ b.2) (hy : Near P.grid (f.eval P.grid z) e y) :
    y * pow2 P.slopes * pow2 P.grid
      ≤ ((f.lineAbove P b e slope).slope : Rat) * (z * pow2 P.grid) + (f.lineAbove P b e slope).shift := by
  have g := largest_points f (f.gapAbove P slope) b
  have at_point (r : Int) {m : Int} (h : f.gapAbove P slope r ≤ m) :
      -(m : Rat) ≤ -(pow2 P.slopes / pow2 f.scale) * f.scaledAt r - (-(slope : Rat)) * r := by
    have := Rat.le_trans (f.le_gapAbove P slope r) (Rat.intCast_le_intCast.mpr h)
    generalize pow2 P.slopes / pow2 f.scale = μ at *
    grind
  have h := f.ge_of_points hl hu (at_point _ g.1) (at_point _ g.2.1)
    (fun h h' => at_point _ (g.2.2 (Rat.intCast_lt_intCast.mp h) (Rat.intCast_lt_intCast.mp h')))
  have hn := (near_scaled hy).2
  rw [Hinge.eval_factor P f z] at hn
  simp only [Hinge.lineAbove, Fast.add_eq, Rat.intCast_add, shiftLeft_cast, Rat.intCast_natCast]
  clear at_point g hl hu hy
  generalize pow2 P.slopes / pow2 f.scale = μ at *
  generalize f.scaledAt (z * pow2 P.grid) = w at *
  grind

theorem pointsLines_sound {P : Params} (f : Hinge) {b : Box} {e : List Nat} {z y : Vec} {lo hi : List Line}
    (hz : InBox P.grid b z) (hy : AllNear P.grid (vmap (f.eval P.grid) z) e y)
    (h : pointsLines P f b e = some (lo, hi)) : LinesOk P lo hi z y := by
  induction b generalizing e z y lo hi with
  | nil =>
    have hz' := inBox_nil hz
    subst hz'
    obtain ⟨rfl, rfl⟩ := allNear_nil hy
    have h : ([], []) = (lo, hi) := Option.some.inj h
    obtain ⟨rfl, rfl⟩ := Prod.mk.inj h
    trivial
  | cons b bs ih =>
    obtain ⟨z0, zs, rfl, hl, hu, hz⟩ := inBox_cons hz
    obtain ⟨e0, es, y0, ys, rfl, rfl, hn, hy⟩ := allNear_cons hy
    rw [pointsLines, Option.map_eq_some_iff] at h
    obtain ⟨ls, h, hls⟩ := h
    obtain ⟨rfl, rfl⟩ := Prod.mk.inj hls
    exact ⟨⟨f.lineBelow_sound P b e0 _ hl hu hn, f.lineAbove_sound P b e0 _ hl hu hn⟩, ih hz hy h⟩

/-- Two lines through the origin, of slope zero or of that of the identity, on the side where relu is one of these. -/
theorem between_origin {P : Params} {f : Hinge} {slope e : Nat} {z y : Rat}
    (hy : Near P.grid (f.eval P.grid z) e y)
    (hs : (slope : Rat) * (z * pow2 P.grid) = f.eval P.grid z * pow2 P.grid * pow2 P.slopes) :
    throughOrigin slope (e * 2 ^ P.slopes) fun l u => Between P l u z y := by
  have hn := near_scaled hy
  simp only [throughOrigin, Between, Fast.negNat_eq, Rat.intCast_neg, Int.ofNat_eq_natCast, Rat.intCast_natCast,
    Rat.natCast_mul]
  rw [hs]
  have h2 : ((2 ^ P.slopes : Nat) : Rat) = pow2 P.slopes := rfl
  rw [h2]
  constructor <;> grind

/-- Lines of relu lie below and above it. -/
theorem reluLine_sound {P : Params} {f : Hinge} (hf : f.isRelu = true) {b : Int × Int} {e : Nat} {z y : Rat}
    (hl : (b.1 : Rat) ≤ z * pow2 P.grid) (hu : z * pow2 P.grid ≤ b.2) (hy : Near P.grid (f.eval P.grid z) e y) :
    reluLine (2 ^ P.slopes) b e fun l u => Between P l u z y := by
  have hr := relu_eval hf P.grid z
  have h2 : ((2 ^ P.slopes : Nat) : Rat) = pow2 P.slopes := rfl
  obtain ⟨l, u⟩ := b
  simp only at hl hu
  simp only [reluLine, forceNat_eq, Nat.mul_eq]
  cases l with
  | ofNat m =>
    refine between_origin hy ?_
    have hm : (0 : Rat) ≤ ((Int.ofNat m : Int) : Rat) := intCast_nonneg (Int.natCast_nonneg m)
    rw [hr, h2]
    by_cases ht : z * pow2 P.grid ≤ 0
    · rw [if_pos ht, Rat.le_antisymm ht (Rat.le_trans hm hl)]
      grind
    · rw [if_neg ht]
      grind
  | negSucc m => cases u with
    | negSucc n =>
      refine between_origin hy ?_
      have hn : ((Int.negSucc n : Int) : Rat) ≤ ((0 : Int) : Rat) :=
        Rat.intCast_le_intCast.mpr (by rw [Int.negSucc_eq]; omega)
      rw [Rat.intCast_zero] at hn
      have h0 : ((0 : Nat) : Rat) = 0 := rfl
      rw [hr, h0, if_pos (Rat.le_trans hu hn)]
      grind
    | ofNat u =>
      have hn := near_scaled hy
      rw [hr] at hn
      have hone : (0 : Rat) ≤ pow2 P.slopes := pow2_nonneg _
      have h1 : ((1 : Nat) : Rat) = 1 := rfl
      -- The chord is no steeper than the identity, and stays above at the lower end.
      have hchord : u * 2 ^ P.slopes / (u + (m + 1)) * (u + (m + 1)) ≤ u * 2 ^ P.slopes := Nat.div_mul_le_self _ _
      have hflat : u * 2 ^ P.slopes / (u + (m + 1)) ≤ 2 ^ P.slopes :=
        Nat.div_le_of_le_mul (Nat.mul_le_mul_right _ (by omega))
      show Between P
        ⟨.ofNat (cond ((m + 1).ble u) (2 ^ P.slopes) 0), Fast.negNat (e * 2 ^ P.slopes)⟩
        ⟨.ofNat (u * 2 ^ P.slopes / (u + (m + 1))),
          .ofNat (u * 2 ^ P.slopes - u * (u * 2 ^ P.slopes / (u + (m + 1))) + e * 2 ^ P.slopes)⟩ z y
      generalize u * 2 ^ P.slopes / (u + (m + 1)) = c at *
      have hsub : u * c ≤ u * 2 ^ P.slopes := Nat.mul_le_mul_left u hflat
      have hcast : ((u * 2 ^ P.slopes - u * c : Nat) : Rat) = u * pow2 P.slopes - u * c := by
        have := congrArg (fun n : Nat => (n : Rat)) (Nat.sub_add_cancel hsub)
        simp only [Rat.natCast_add, Rat.natCast_mul, h2] at this
        grind
      have hchord : (c : Rat) * (u + (m + 1)) ≤ u * pow2 P.slopes := by
        have := Rat.natCast_le_natCast.mpr hchord
        simpa only [Rat.natCast_mul, Rat.natCast_add, h1, h2] using this
      have hflat : (c : Rat) ≤ pow2 P.slopes := by
        have := Rat.natCast_le_natCast.mpr hflat
        simpa only [h2] using this
      have hc : (0 : Rat) ≤ c := Rat.natCast_nonneg
      have hml : ((Int.negSucc m : Int) : Rat) = -((m : Rat) + 1) := by
        rw [Int.negSucc_eq, Rat.intCast_neg, Rat.intCast_add, Rat.intCast_natCast, Rat.intCast_one]
      have hul : ((Int.ofNat u : Int) : Rat) = u := Rat.intCast_natCast u
      rw [hml] at hl
      rw [hul] at hu
      have hlow : ((cond ((m + 1).ble u) (2 ^ P.slopes) 0 : Nat) : Rat) = pow2 P.slopes
          ∨ ((cond ((m + 1).ble u) (2 ^ P.slopes) 0 : Nat) : Rat) = 0 := by
        cases (m + 1).ble u
        · exact .inr rfl
        · exact .inl rfl
      generalize cond ((m + 1).ble u) (2 ^ P.slopes) 0 = low at *
      simp only [Between, Fast.negNat_eq, Rat.intCast_neg, Int.ofNat_eq_natCast, Rat.intCast_natCast,
        Rat.natCast_mul, Rat.natCast_add, hcast, h2]
      generalize z * pow2 P.grid = t at *
      generalize pow2 P.slopes = one at *
      generalize (low : Rat) = low, (u : Rat) = u, (m : Rat) = m, (c : Rat) = c at *
      have a1 := Rat.mul_le_mul_of_nonneg_left hl hc
      have a2 := Rat.mul_le_mul_of_nonneg_left (c := one - c) hu (by grind)
      by_cases ht : t ≤ 0
      · rw [if_pos ht] at hn
        have := Rat.mul_le_mul_of_nonneg_left ht hone
        refine ⟨?_, by grind⟩
        cases hlow with
        | inl h => rw [h]; grind
        | inr h => rw [h]; grind
      · rw [if_neg ht] at hn
        have := Rat.mul_le_mul_of_nonneg_left (Rat.le_of_lt (Rat.not_le.mp ht)) hone
        refine ⟨?_, by grind⟩
        cases hlow with
        | inl h => rw [h]; grind
        | inr h => rw [h]; grind

theorem reluLines_sound {P : Params} {f : Hinge} (hf : f.isRelu = true) {b : Box} {e : List Nat} {z y : Vec}
    {lo hi : List Line} (hz : InBox P.grid b z) (hy : AllNear P.grid (vmap (f.eval P.grid) z) e y)
    (h : reluLines (2 ^ P.slopes) b e = some (lo, hi)) : LinesOk P lo hi z y := by
  induction b generalizing e z y lo hi with
  | nil =>
    have hz' := inBox_nil hz
    subst hz'
    obtain ⟨rfl, rfl⟩ := allNear_nil hy
    have h : ([], []) = (lo, hi) := Option.some.inj h
    obtain ⟨rfl, rfl⟩ := Prod.mk.inj h
    trivial
  | cons b bs ih =>
    obtain ⟨z0, zs, rfl, hl, hu, hz⟩ := inBox_cons hz
    obtain ⟨e0, es, y0, ys, rfl, rfl, hn, hy⟩ := allNear_cons hy
    rw [reluLines, Option.map_eq_some_iff] at h
    obtain ⟨ls, h, hls⟩ := h
    have hls := (Loops.reluLine_eq _ b e0 fun l u => (l :: ls.1, u :: ls.2)).symm.trans hls
    obtain ⟨rfl, rfl⟩ := Prod.mk.inj hls
    exact ⟨Eq.mp (Loops.reluLine_eq _ b e0 _) (reluLine_sound hf hl hu hn), ih hz hy h⟩

/-- **Lines of a hinge.** The checker's lines bound the noisy values of a hinge on all values in the box. -/
theorem hingeLines_sound {P : Params} (f : Hinge) {b : Box} {e : List Nat} {z y : Vec} {lo hi : List Line}
    (hz : InBox P.grid b z) (hy : AllNear P.grid (vmap (f.eval P.grid) z) e y)
    (h : hingeLines P f b e = some (lo, hi)) : LinesOk P lo hi z y := by
  unfold hingeLines at h
  cases hf : f.isRelu with
  | true => exact reluLines_sound hf hz hy (by simpa only [hf, cond_true] using h)
  | false => exact pointsLines_sound f hz hy (by simpa only [hf, cond_false] using h)

theorem linesOk_cons {P : Params} {l : Line} {ls us : List Line} {z y : Vec} (h : LinesOk P (l :: ls) us z y) :
    ∃ u us' z0 zs y0 ys, us = u :: us' ∧ z = z0 :: zs ∧ y = y0 :: ys ∧ Between P l u z0 y0 ∧
      LinesOk P ls us' zs ys := by
  cases us with
  | nil => cases z <;> cases y <;> exact False.elim h
  | cons u us =>
    cases z with
    | nil => cases y <;> exact False.elim h
    | cons z0 zs =>
      cases y with
      | nil => exact False.elim h
      | cons y0 ys => exact ⟨u, us, z0, zs, y0, ys, rfl, rfl, rfl, And.left h, And.right h⟩

theorem linesOk_nil {P : Params} {us : List Line} {z y : Vec} (h : LinesOk P [] us z y) :
    us = [] ∧ z = [] ∧ y = [] := by
  cases us <;> cases z <;> cases y <;> first | exact ⟨rfl, rfl, rfl⟩ | exact False.elim h

/-- One coefficient through one hinge. -/
theorem between_backward {P : Params} {l u : Line} {z y : Rat} (h : Between P l u z y) (c : Int) :
    ((if 0 ≤ c then c * l.slope else c * u.slope : Int) : Rat) * z * pow2 P.grid
      + ((if 0 ≤ c then c * l.shift else c * u.shift : Int) : Rat) ≤ c * y * pow2 P.slopes * pow2 P.grid := by
  by_cases hc : 0 ≤ c
  · have := Rat.mul_le_mul_of_nonneg_left h.1 (intCast_nonneg hc)
    rw [if_pos hc, if_pos hc, Rat.intCast_mul, Rat.intCast_mul]
    grind
  · have := Rat.mul_le_mul_of_nonneg_left h.2 (neg_intCast_nonneg hc)
    rw [if_neg hc, if_neg hc, Rat.intCast_mul, Rat.intCast_mul]
    grind

/-- **Through a hinge.** What coefficients on its values are worth, as coefficients on its operand. -/
theorem hinge_backward {P : Params} {lo hi : List Line} {z y : Vec} (cs : List Int) (h : LinesOk P lo hi z y) :
    dot (throughSlopes cs lo hi) z * pow2 P.grid + (throughShifts cs lo hi : Rat)
      ≤ dot cs y * pow2 P.slopes * pow2 P.grid := by
  induction lo generalizing cs hi z y with
  | nil =>
    obtain ⟨rfl, rfl, rfl⟩ := linesOk_nil h
    cases cs <;> simp only [throughShifts, dot_nil_right, Rat.intCast_zero] <;> grind
  | cons l ls ih =>
    obtain ⟨u, us, z0, zs, y0, ys, rfl, rfl, rfl, h0, h⟩ := linesOk_cons h
    cases cs with
    | nil => simp only [throughSlopes, throughShifts, dot_nil, Rat.intCast_zero]; grind
    | cons c cs =>
      have h1 := ih cs h
      have h2 := between_backward h0 c
      simp only [throughSlopes, throughShifts, Fast.add_eq, Fast.mul_bySign, dot_cons, Rat.intCast_add]
      grind

end TorchLean
