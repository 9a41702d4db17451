module
prelude
public import TorchLean.Approximation.Interpolant
public section

/-!
# Universal approximation on an interval: the theorems

The networks are those of `TorchLean.Approximation.Interpolant`: one hidden layer, explicit weights, one unit for each
piece. Both theorems name the network, so that it can be evaluated, and its number of units.
-/

namespace TorchLean.Approximation

open Rational

/-- `f` varies by at most `eps` over distances up to `delta` in `[a, b]`. -/
@[expose] def VariesAtMost (f : Rat → Rat) (a b delta eps : Rat) : Prop :=
  ∀ x y, a ≤ x → x ≤ b → a ≤ y → y ≤ b → abs (x - y) ≤ delta → abs (f x - f y) ≤ eps

/-- `f` is Lipschitz on `[a, b]` with constant `L`. -/
@[expose] def LipschitzOn (f : Rat → Rat) (a b L : Rat) : Prop :=
  ∀ x y, a ≤ x → x ≤ b → a ≤ y → y ≤ b → abs (f x - f y) ≤ L * abs (x - y)

/-- The network's only output is within `eps` of `f` everywhere on `[a, b]`. -/
@[expose] def Approximates (net : Network) (f : Rat → Rat) (a b eps : Rat) : Prop :=
  ∀ x, a ≤ x → x ≤ b → ∃ y, net.eval [x] = [y] ∧ abs (y - f x) ≤ eps

/-- How many units suffice for a modulus of continuity: `⌈(b - a) / delta⌉`. -/
@[expose] def modulusUnits (a b delta : Rat) : Nat := ceilNat ((b - a) / delta)

/-- How many units suffice for a Lipschitz function: `⌈L (b - a) / (2 eps)⌉`. -/
@[expose] def lipschitzUnits (a b L eps : Rat) : Nat := ceilNat (L * (b - a) / (2 * eps))

/-- The interpolant of `f` on `[a, b]` with `n` units. -/
@[expose] def interpolantOn (f : Rat → Rat) (a b : Rat) (n : Nat) : Network := interpolant f a (pieceWidth a b n) n

/-- Without units the network is the constant `f a`. -/
private theorem interpolantOn_zero (f : Rat → Rat) (a b x : Rat) : (interpolantOn f a b 0).eval [x] = [f a] := by
  have : rise f a (pieceWidth a b 0) 0 x = 0 := rfl
  rw [interpolantOn, interpolant_eval, this, Rat.add_zero]

/-- Pieces no wider than `delta` make the interpolant as good as `f` varies over `delta`. -/
private theorem interpolantOn_modulus {f : Rat → Rat} {a b delta eps : Rat} (hab : a < b)
    (hf : VariesAtMost f a b delta eps) (n : Nat) (hn : pieceWidth a b (n + 1) ≤ delta) :
    Approximates (interpolantOn f a b (n + 1)) f a b eps := by
  intro x ha hb
  have hh := pieceWidth_pos hab n
  obtain ⟨t, m, hat, htx, hxt, htb, hm, heval⟩ := interpolant_inside f hab n ha hb
  refine ⟨_, heval, ?_⟩
  generalize pieceWidth a b (n + 1) = h at *
  have hl := hf x t ha hb hat (by grind) (by rw [abs_le]; grind)
  have hr := hf x (t + h) ha hb (by grind) htb (by rw [abs_le]; grind)
  have := chord_error (s := x - t) (by grind) (by grind) hm hl hr
  exact abs_le_of_mul hh (by grind)

/-- The parabola `2 L s (h - s)` stays below its value in the middle, `L h^2 / 2`. -/
private theorem parabola_le {L h s eps : Rat} (hL : 0 ≤ L) (hh : 0 ≤ h) (hn : L * h ≤ 2 * eps) :
    (h - s) * (L * s) + s * (L * (h - s)) ≤ h * eps := by
  have hsquare : 0 ≤ (h - 2 * s) * (h - 2 * s) := by
    rcases Rat.le_total (a := 0) (b := h - 2 * s) with hp | hp
    · exact Rat.mul_nonneg hp hp
    · have := Rat.mul_nonneg (a := -(h - 2 * s)) (b := -(h - 2 * s)) (by grind) (by grind)
      rwa [show -(h - 2 * s) * -(h - 2 * s) = (h - 2 * s) * (h - 2 * s) by grind] at this
  have hmid := Rat.mul_nonneg hL hsquare
  have hright := mul_le_mul hn hh
  have hring : 2 * ((h - s) * (L * s) + s * (L * (h - s))) = h * (L * h) - L * ((h - 2 * s) * (h - 2 * s)) := by grind
  have htwo : h * (2 * eps) = 2 * (h * eps) := by grind
  generalize (h - s) * (L * s) + s * (L * (h - s)) = left at *
  generalize L * ((h - 2 * s) * (h - 2 * s)) = middle at *
  grind

/-- For a Lipschitz function the error of the interpolant is at most `L h / 2`. -/
private theorem interpolantOn_lipschitz {f : Rat → Rat} {a b L eps : Rat} (hL : 0 ≤ L) (hab : a < b)
    (hf : LipschitzOn f a b L) (n : Nat) (hn : L * pieceWidth a b (n + 1) ≤ 2 * eps) :
    Approximates (interpolantOn f a b (n + 1)) f a b eps := by
  intro x ha hb
  have hh := pieceWidth_pos hab n
  obtain ⟨t, m, hat, htx, hxt, htb, hm, heval⟩ := interpolant_inside f hab n ha hb
  refine ⟨_, heval, ?_⟩
  generalize pieceWidth a b (n + 1) = h at *
  have hl := hf x t ha hb hat (by grind)
  have hr := hf x (t + h) ha hb (by grind) htb
  rw [abs_of_nonneg (x := x - t) (by grind)] at hl
  rw [abs_of_nonpos (x := x - (t + h)) (by grind), show -(x - (t + h)) = h - (x - t) by grind] at hr
  have herror := chord_error (s := x - t) (by grind) (by grind) hm hl hr
  exact abs_le_of_mul hh (Rat.le_trans herror (parabola_le hL (Rat.le_of_lt hh) hn))

/--
**Universal approximation from a modulus of continuity.** If `f` varies by at most `eps` over distances up to `delta`
in `[a, b]`, the interpolant with `⌈(b - a) / delta⌉` ReLU units is within `eps` of `f` on all of `[a, b]`.
-/
theorem interpolant_of_modulus {f : Rat → Rat} {a b delta eps : Rat} (hdelta : 0 < delta)
    (hf : VariesAtMost f a b delta eps) :
    Approximates (interpolantOn f a b (modulusUnits a b delta)) f a b eps := by
  intro x ha hb
  match hN : modulusUnits a b delta with
  | 0 =>
    have hzero := le_mul_of_div_le hdelta (ceilNat_eq_zero.mp hN)
    rw [Rat.zero_mul] at hzero
    have hx : x = a := by grind
    subst hx
    refine ⟨f x, interpolantOn_zero .., hf x x ha hb ha hb ?_⟩
    rw [abs_le]
    grind
  | n + 1 =>
    have hceil := le_ceilNat ((b - a) / delta)
    rw [show ceilNat ((b - a) / delta) = n + 1 from hN] at hceil
    have hab : a < b := by
      apply Classical.byContradiction
      intro hn
      have hba : b - a ≤ 0 := by grind
      have : (b - a) / delta ≤ 0 := by
        apply Rat.not_lt.mp
        rw [Rat.lt_div_iff hdelta, Rat.zero_mul]
        grind
      have := ceilNat_eq_zero.mpr this
      unfold modulusUnits at hN
      omega
    refine interpolantOn_modulus hab hf n ?_ x ha hb
    have := mul_pieceWidth_le (c := 1) hdelta (by rwa [Rat.one_mul])
    rwa [Rat.one_mul] at this

/--
**Universal approximation of a Lipschitz function.** If `f` is Lipschitz on `[a, b]` with constant `L`, the interpolant
with `⌈L (b - a) / (2 eps)⌉` ReLU units is within `eps` of `f` on all of `[a, b]`.
-/
theorem interpolant_of_lipschitz {f : Rat → Rat} {a b L eps : Rat} (hL : 0 ≤ L) (heps : 0 < eps)
    (hf : LipschitzOn f a b L) :
    Approximates (interpolantOn f a b (lipschitzUnits a b L eps)) f a b eps := by
  intro x ha hb
  have h2eps : 0 < 2 * eps := Rat.mul_pos (by decide +kernel) heps
  match hN : lipschitzUnits a b L eps with
  | 0 =>
    have hzero := le_mul_of_div_le h2eps (ceilNat_eq_zero.mp hN)
    rw [Rat.zero_mul] at hzero
    refine ⟨f a, interpolantOn_zero .., ?_⟩
    have := hf a x (by grind) (by grind) ha hb
    rw [abs_of_nonpos (x := a - x) (by grind)] at this
    have := mul_le_mul (show x - a ≤ b - a by grind) hL
    grind
  | n + 1 =>
    have hceil := le_ceilNat (L * (b - a) / (2 * eps))
    rw [show ceilNat (L * (b - a) / (2 * eps)) = n + 1 from hN] at hceil
    have hab : a < b := by
      apply Classical.byContradiction
      intro hn
      have hba : b - a = 0 := by grind
      have : L * (b - a) / (2 * eps) ≤ 0 := by
        apply Rat.not_lt.mp
        rw [Rat.lt_div_iff h2eps, hba]
        grind
      have := ceilNat_eq_zero.mpr this
      unfold lipschitzUnits at hN
      omega
    exact interpolantOn_lipschitz hL hab hf n (mul_pieceWidth_le h2eps hceil) x ha hb

/--
**Universal approximation.** Let `delta` be a modulus of continuity of `f` on `[a, b]`: a positive `delta eps` for each
positive `eps`. Then for every `eps > 0` there is a network with one hidden layer of exactly `⌈(b - a) / delta eps⌉`
ReLU units, whose layers fit, within `eps` of `f` on `[a, b]`.
-/
theorem universal_approximation {f delta : Rat → Rat} {a b : Rat}
    (hf : ∀ eps, 0 < eps → 0 < delta eps ∧ VariesAtMost f a b (delta eps) eps) (eps : Rat) (heps : 0 < eps) :
    ∃ net : Network, net.Shaped 1 ∧ net.depth = 1 ∧ net.units = modulusUnits a b (delta eps) ∧
      Approximates net f a b eps :=
  ⟨interpolantOn f a b (modulusUnits a b (delta eps)), interpolant_shaped .., interpolant_depth ..,
    interpolant_units .., interpolant_of_modulus (hf eps heps).1 (hf eps heps).2⟩

/-- **Universal approximation of Lipschitz functions**, with exactly `⌈L (b - a) / (2 eps)⌉` ReLU units. -/
theorem universal_approximation_lipschitz {f : Rat → Rat} {a b L : Rat} (hL : 0 ≤ L) (hf : LipschitzOn f a b L)
    (eps : Rat) (heps : 0 < eps) :
    ∃ net : Network, net.Shaped 1 ∧ net.depth = 1 ∧ net.units = lipschitzUnits a b L eps ∧
      Approximates net f a b eps :=
  ⟨interpolantOn f a b (lipschitzUnits a b L eps), interpolant_shaped .., interpolant_depth ..,
    interpolant_units .., interpolant_of_lipschitz hL heps hf⟩

/-!
## An inhabitant

The square on `[-1, 1]` is Lipschitz with constant 2: sixteen units are within 1/8, and the network can be evaluated.
-/

/-- The square of a number. -/
@[expose] def square (x : Rat) : Rat := x * x

/-- The square is Lipschitz on `[-1, 1]` with constant 2. -/
theorem square_lipschitz : LipschitzOn square (-1) 1 2 := by
  intro x y hx hx' hy hy'
  unfold square
  rcases Rat.le_total (a := 0) (b := x - y) with h | h
  · rw [abs_of_nonneg h, abs_le]
    have h1 := mul_le_mul (show x + y ≤ 2 by grind) h
    have h2 := mul_le_mul (show -2 ≤ x + y by grind) h
    grind
  · rw [abs_of_nonpos h, abs_le]
    have h1 := mul_le_mul (show x + y ≤ 2 by grind) (show 0 ≤ -(x - y) by grind)
    have h2 := mul_le_mul (show -2 ≤ x + y by grind) (show 0 ≤ -(x - y) by grind)
    grind

/-- `eps / 2` is a modulus of continuity of the square on `[-1, 1]`. -/
theorem square_modulus (eps : Rat) (heps : 0 < eps) : 0 < eps / 2 ∧ VariesAtMost square (-1) 1 (eps / 2) eps := by
  refine ⟨by grind, ?_⟩
  intro x y hx hx' hy hy' hxy
  have := square_lipschitz x y hx hx' hy hy'
  grind

/-- Sixteen units suffice for the square on `[-1, 1]` to within 1/8. -/
theorem square_units : lipschitzUnits (-1) 1 2 (1/8) = 16 := by decide +kernel

/-- The network of sixteen units is within 1/8 of the square. -/
theorem square_approximated : Approximates (interpolantOn square (-1) 1 16) square (-1) 1 (1/8) := by
  have := interpolant_of_lipschitz (eps := 1/8) (by decide +kernel) (by decide +kernel) square_lipschitz
  rwa [square_units] at this

/-- The network evaluated at 1/3: 11/96 for the square 1/9, off by 1/288. -/
theorem square_evaluated : (interpolantOn square (-1) 1 16).eval [1/3] = [11/96] := by decide +kernel

end TorchLean.Approximation
