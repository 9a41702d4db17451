module
prelude
public import Init.Data.Rat.Lemmas
public import Init.GrindInstances.Ring.Rat
public import Init.Grind
public import Init.Omega
public section

/-!
# Rationals

All theorems of this library speak about the rationals of core Lean, where every number of binary32 lives exactly and
every definition can be evaluated. Core has their order and arithmetic; what is missing there and needed in more than
one theorem stands here: the absolute value, rounding up to a natural number, and products of nonnegative numbers.
-/

namespace TorchLean.Rational

/-- The absolute value of a rational number. -/
@[expose] def abs (x : Rat) : Rat := if 0 ≤ x then x else -x

theorem abs_nonneg (x : Rat) : 0 ≤ abs x := by unfold abs; grind

theorem le_abs (x : Rat) : x ≤ abs x := by unfold abs; grind

theorem neg_le_abs (x : Rat) : -x ≤ abs x := by unfold abs; grind

/-- `|x| <= c` says `-c <= x <= c`. -/
theorem abs_le {x c : Rat} : abs x ≤ c ↔ -c ≤ x ∧ x ≤ c := by unfold abs; grind

theorem abs_of_nonneg {x : Rat} (h : 0 ≤ x) : abs x = x := by unfold abs; grind

theorem abs_of_nonpos {x : Rat} (h : x ≤ 0) : abs x = -x := by unfold abs; grind

theorem abs_le_of {x b : Rat} (h : x ≤ b) (h' : -x ≤ b) : abs x ≤ b := by grind [abs]

theorem abs_lt {x b : Rat} (h : x < b) (h' : -x < b) : abs x < b := by grind [abs]

theorem abs_zero : abs 0 = 0 := by grind [abs]

theorem abs_neg (x : Rat) : abs (-x) = abs x := by grind [abs]

theorem abs_add_le (x y : Rat) : abs (x + y) ≤ abs x + abs y := by grind [abs]

theorem abs_eq_zero {x : Rat} (h : abs x ≤ 0) : x = 0 := by grind [abs]

theorem abs_mul (x y : Rat) : abs (x * y) = abs x * abs y := by
  have key : ∀ a b : Rat, 0 ≤ a → 0 ≤ b → abs (a * b) = a * b := by
    intro a b ha hb
    have := Rat.mul_nonneg ha hb
    grind [abs]
  by_cases hx : 0 ≤ x <;> by_cases hy : 0 ≤ y
  · have := key x y hx hy
    grind [abs]
  · have := key x (-y) hx (by grind)
    grind [abs]
  · have := key (-x) y (by grind) hy
    grind [abs]
  · have := key (-x) (-y) (by grind) (by grind)
    grind [abs]

theorem abs_sub_comm (x y : Rat) : abs (x - y) = abs (y - x) := by unfold abs; grind

/-- Multiplying by a nonnegative number keeps an inequality. -/
theorem mul_le_mul {a b c : Rat} (h : a ≤ b) (hc : 0 ≤ c) : c * a ≤ c * b :=
  Rat.mul_le_mul_of_nonneg_left h hc

/-- The least natural number that is not below `q`: the ceiling, and `0` for negative numbers. -/
@[expose] def ceilNat (q : Rat) : Nat := q.ceil.toNat

/-- A number never exceeds its ceiling. -/
theorem le_ceilNat (q : Rat) : q ≤ (ceilNat q : Rat) := by
  have h1 : q ≤ (q.ceil : Rat) := by
    have := Rat.floor_le (-q)
    rw [Rat.ceil_eq_neg_floor_neg, Rat.intCast_neg]
    grind
  have h2 : (q.ceil : Rat) ≤ ((q.ceil.toNat : Int) : Rat) := Rat.intCast_le_intCast.mpr (by omega)
  rw [Rat.intCast_natCast] at h2
  exact Rat.le_trans h1 h2

/-- The ceiling is the least such natural number. -/
theorem ceilNat_le {q : Rat} {n : Nat} (h : q ≤ (n : Rat)) : ceilNat q ≤ n := by
  have h1 : (-(n : Int)) ≤ (-q).floor := Rat.le_floor_iff.mpr (by
    rw [Rat.intCast_neg, Rat.intCast_natCast]; grind)
  unfold ceilNat
  rw [Rat.ceil_eq_neg_floor_neg]
  omega

/-- The ceiling vanishes for numbers that are not positive, and only for them. -/
theorem ceilNat_eq_zero {q : Rat} : ceilNat q = 0 ↔ q ≤ 0 := by
  constructor
  · intro h
    have := le_ceilNat q
    rw [h] at this
    exact this
  · intro h
    have := ceilNat_le (n := 0) h
    omega

/-- A successor as a rational number. -/
theorem natCast_succ (n : Nat) : ((n + 1 : Nat) : Rat) = (n : Rat) + 1 := by
  rw [Rat.natCast_add]; rfl

/-- A bound on a quotient, as it comes from a ceiling. -/
theorem le_mul_of_div_le {a b c : Rat} (hb : 0 < b) (h : a / b ≤ c) : a ≤ c * b := by
  have h1 : a / b * b ≤ c * b := Rat.mul_le_mul_of_nonneg_right h (Rat.le_of_lt hb)
  rwa [Rat.div_mul_cancel (Rat.ne_of_gt hb)] at h1

end TorchLean.Rational
