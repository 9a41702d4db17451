module

prelude
public import TorchLean.Sums

/-!
# Hinges over an interval

A hinge is piecewise linear, so over an interval it takes its extreme values at the ends or at the kink. The same is
true of a hinge less a line. Both are `Hinge.ge_of_points`, where a factor `μ` (negative for upper bounds) and the slope
`σ` of the line are free.
-/

public section

namespace TorchLean

/-- `2^scale` times the hinge at `t`, both in units of `2^-grid`, for any rational `t`. -/
@[expose] def Hinge.scaledAt (f : Hinge) (t : Rat) : Rat :=
  f.value * pow2 f.scale + (if t ≤ f.kink then (f.below : Rat) else f.above) * (t - f.kink)

theorem Hinge.scaled_cast (f : Hinge) (z : Int) : ((f.scaled z : Int) : Rat) = f.scaledAt z := by
  unfold Hinge.scaled Hinge.scaledAt
  rw [Fast.add_eq, Fast.mul_eq, Fast.sub_eq, Fast.cond_le, Rat.intCast_add, Rat.intCast_mul, Rat.intCast_sub,
    shiftLeft_cast]
  by_cases h : z ≤ f.kink
  · rw [if_pos h, if_pos (Rat.intCast_le_intCast.mpr h)]
  · rw [if_neg h, if_neg (fun h' => h (Rat.intCast_le_intCast.mp h'))]

theorem Hinge.eval_scaled (f : Hinge) (grid : Nat) (z : Rat) :
    f.eval grid z * pow2 grid * pow2 f.scale = f.scaledAt (z * pow2 grid) := by
  have h1 := div_mul_pow2 f.value grid
  have h2 := div_mul_pow2 f.kink grid
  have h3 := div_mul_pow2 (if z * pow2 grid ≤ f.kink then (f.below : Rat) else f.above) f.scale
  unfold Hinge.eval Hinge.scaledAt
  simp only at *
  generalize (if z * pow2 grid ≤ f.kink then (f.below : Rat) else f.above) = c at *
  generalize (f.value : Rat) / pow2 grid = q at *
  generalize (f.kink : Rat) / pow2 grid = k at *
  generalize c / pow2 f.scale = d at *
  grind

/-- An affine function over an interval is at least what it is at both ends. -/
theorem affine_ge {m a b l u t : Rat} (hl : l ≤ t) (hu : t ≤ u) (h1 : m ≤ a + b * l) (h2 : m ≤ a + b * u) :
    m ≤ a + b * t := by
  by_cases hb : 0 ≤ b
  · have := Rat.mul_le_mul_of_nonneg_left hl hb
    grind
  · have := Rat.mul_le_mul_of_nonneg_left (c := -b) hu (by grind)
    grind

/-- A multiple of a hinge, less a line, is over an interval at least what it is at the ends and at the kink, if
that lies between them. -/
theorem Hinge.ge_of_points (f : Hinge) {μ σ m l u t : Rat} (hl : l ≤ t) (hu : t ≤ u)
    (h1 : m ≤ μ * f.scaledAt l - σ * l) (h2 : m ≤ μ * f.scaledAt u - σ * u)
    (h3 : l < f.kink → f.kink < u → m ≤ μ * f.scaledAt f.kink - σ * f.kink) :
    m ≤ μ * f.scaledAt t - σ * t := by
  unfold Hinge.scaledAt at *
  generalize (f.kink : Rat) = k at *
  generalize (f.below : Rat) = β at *
  generalize (f.above : Rat) = α at *
  generalize (f.value : Rat) * pow2 f.scale = v at *
  -- Below the kink the function is `low`, above it `high`; at the kink they agree.
  have low : ∀ r, r ≤ k → μ * (v + (if r ≤ k then β else α) * (r - k)) - σ * r
      = (μ * v - μ * β * k) + (μ * β - σ) * r := by
    intro r hr; rw [if_pos hr]; grind
  have high : ∀ r, k ≤ r → μ * (v + (if r ≤ k then β else α) * (r - k)) - σ * r
      = (μ * v - μ * α * k) + (μ * α - σ) * r := by
    intro r hr
    by_cases hk : r ≤ k
    · have : r = k := Rat.le_antisymm hk hr
      subst this
      rw [if_pos hk]; grind
    · rw [if_neg hk]; grind
  by_cases htk : t ≤ k
  · have hlk : l ≤ k := Rat.le_trans hl htk
    rw [low l hlk] at h1
    rw [low t htk]
    by_cases huk : u ≤ k
    · rw [low u huk] at h2
      exact affine_ge hl hu h1 h2
    · by_cases hlt : l < k
      · have h3 := h3 hlt (Rat.not_le.mp huk)
        rw [low k Rat.le_refl] at h3
        exact affine_ge hl htk h1 h3
      · have : t = l := Rat.le_antisymm (Rat.le_trans htk (Rat.not_lt.mp hlt)) hl
        rw [this]; exact h1
  · have hkt : k ≤ t := Rat.le_of_lt (Rat.not_le.mp htk)
    have hku : k ≤ u := Rat.le_trans hkt hu
    rw [high u hku] at h2
    rw [high t hkt]
    by_cases hkl : k ≤ l
    · rw [high l hkl] at h1
      exact affine_ge hl hu h1 h2
    · have h3 := h3 (Rat.not_le.mp hkl) (by grind)
      rw [high k Rat.le_refl] at h3
      exact affine_ge hkt hu h3 h2

/-- `smallest` over the points of an interval is at most what the function is at each. -/
theorem smallest_points (f : Hinge) (g : Int → Int) (b : Int × Int) :
    smallest g (f.points b) (g b.1) ≤ g b.1 ∧ smallest g (f.points b) (g b.1) ≤ g b.2 ∧
      (b.1 < f.kink → f.kink < b.2 → smallest g (f.points b) (g b.1) ≤ g f.kink) := by
  unfold Hinge.points
  cases h : (Fast.le f.kink b.1 || Fast.le b.2 f.kink) with
  | false => simp only [cond_false, smallest, Fast.min_eq]; omega
  | true =>
    simp only [Bool.or_eq_true, Fast.le_iff] at h
    simp only [cond_true, smallest, Fast.min_eq]; omega

/-- `largest` over the points of an interval is at least what the function is at each. -/
theorem largest_points (f : Hinge) (g : Int → Int) (b : Int × Int) :
    g b.1 ≤ largest g (f.points b) (g b.1) ∧ g b.2 ≤ largest g (f.points b) (g b.1) ∧
      (b.1 < f.kink → f.kink < b.2 → g f.kink ≤ largest g (f.points b) (g b.1)) := by
  unfold Hinge.points
  cases h : (Fast.le f.kink b.1 || Fast.le b.2 f.kink) with
  | false => simp only [cond_false, largest, Fast.max_eq]; omega
  | true =>
    simp only [Bool.or_eq_true, Fast.le_iff] at h
    simp only [cond_true, largest, Fast.max_eq]; omega

/-- Lower and upper bound of a hinge over an interval. -/
theorem Hinge.interval (f : Hinge) (b : Int × Int) {t : Rat} (hl : (b.1 : Rat) ≤ t) (hu : t ≤ b.2) :
    ((smallest (fun z => f.scaled z) (f.points b) (f.scaled b.1) : Int) : Rat) ≤ f.scaledAt t ∧
      f.scaledAt t ≤ ((largest (fun z => f.scaled z) (f.points b) (f.scaled b.1) : Int) : Rat) := by
  have cast {x y : Int} (h : x ≤ y) : (x : Rat) ≤ y := Rat.intCast_le_intCast.mpr h
  have s := smallest_points f (fun z => f.scaled z) b
  have g := largest_points f (fun z => f.scaled z) b
  simp only at s g
  generalize smallest (fun z => f.scaled z) (f.points b) (f.scaled b.1) = lo at *
  generalize largest (fun z => f.scaled z) (f.points b) (f.scaled b.1) = hi at *
  have s1 := cast s.1
  have s2 := cast s.2.1
  have g1 := cast g.1
  have g2 := cast g.2.1
  rw [f.scaled_cast] at s1 s2 g1 g2
  constructor
  · have := f.ge_of_points (μ := 1) (σ := 0) (m := lo) hl hu (by grind) (by grind) (fun h h' => by
      have := cast (s.2.2 (Rat.intCast_lt_intCast.mp h) (Rat.intCast_lt_intCast.mp h'))
      rw [f.scaled_cast] at this; grind)
    grind
  · have := f.ge_of_points (μ := -1) (σ := 0) (m := -hi) hl hu (by grind) (by grind) (fun h h' => by
      have := cast (g.2.2 (Rat.intCast_lt_intCast.mp h) (Rat.intCast_lt_intCast.mp h'))
      rw [f.scaled_cast] at this; grind)
    grind

/-! ## Relu -/

theorem Hinge.eq_relu {f : Hinge} (h : f.isRelu = true) : f = ⟨0, 0, 0, 0, 1⟩ := by
  obtain ⟨scale, kink, value, below, above⟩ := f
  simp only [Hinge.isRelu, Bool.and_eq_true, Fast.isZero_iff, Fast.isOne_iff] at h
  obtain ⟨hs, rfl, rfl, rfl, rfl⟩ := h
  rw [Nat.eq_of_beq_eq_true hs]

/-- Relu is the identity above zero, and zero elsewhere. -/
theorem relu_eval {f : Hinge} (h : f.isRelu = true) (grid : Nat) (z : Rat) :
    f.eval grid z * pow2 grid = if z * pow2 grid ≤ 0 then 0 else z * pow2 grid := by
  have e := f.eval_scaled grid z
  have hp : pow2 0 = 1 := rfl
  rw [Hinge.eq_relu h] at e ⊢
  simp only [Hinge.scaledAt, hp, Rat.intCast_zero, Rat.intCast_one] at e
  by_cases h : z * pow2 grid ≤ 0
  · rw [if_pos h] at e ⊢
    grind
  · rw [if_neg h] at e ⊢
    grind

end TorchLean
