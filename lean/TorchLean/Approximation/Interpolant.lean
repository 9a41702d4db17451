module
prelude
public import TorchLean.Approximation.Network
public section

/-!
# Universal approximation on an interval, with explicit size

That networks with one hidden layer approximate every continuous function is classical (Cybenko, *Math. Control Signals
Systems* 2, 1989; Hornik, *Neural Networks* 4, 1991); how many units suffice for ReLU is in the spirit of Yarotsky
(*Neural Networks* 94, 2017). Here both come by construction: the network is the piecewise linear interpolant at equally
spaced knots, written with one ReLU unit for each piece.

* `f` with modulus of continuity `delta`, that is, points within `delta` have values within `eps`:
  `⌈(b - a) / delta⌉` units reach `eps` on `[a, b]`.
* `f` Lipschitz with constant `L`: already `⌈L (b - a) / (2 eps)⌉` units reach `eps`, because a Lipschitz function is
  within `L h / 2` of its chord over a piece of width `h`, not only within `L h`.

Numbers are rational: the statements are about all rational points of the interval.
-/

namespace TorchLean.Approximation

open Rational

/-- The `i`-th of equally spaced knots: `a + i h`. -/
@[expose] def knot (a h : Rat) (i : Nat) : Rat := a + (i : Rat) * h

/-- The slope of the chord of `f` over piece `i`. -/
@[expose] def slope (f : Rat → Rat) (a h : Rat) (i : Nat) : Rat := (f (knot a h (i + 1)) - f (knot a h i)) / h

/-- By how much the slope changes at knot `i`: the output weight of unit `i`. -/
@[expose] def bend (f : Rat → Rat) (a h : Rat) : Nat → Rat
  | 0 => slope f a h 0
  | i + 1 => slope f a h (i + 1) - slope f a h i

/-- The units `relu(x - knot i)` for `i < n`, the last one first. -/
@[expose] def ramps (a h : Rat) : Nat → List Neuron
  | 0 => []
  | n + 1 => ⟨[1], -knot a h n⟩ :: ramps a h n

/-- The output weights of the same units. -/
@[expose] def bends (f : Rat → Rat) (a h : Rat) : Nat → List Rat
  | 0 => []
  | n + 1 => bend f a h n :: bends f a h n

/-- The piecewise linear interpolant of `f` on `n` pieces of width `h` from `a` on, as a network of `n` units. -/
@[expose] def interpolant (f : Rat → Rat) (a h : Rat) (n : Nat) : Network :=
  ⟨[ramps a h n], [⟨bends f a h n, f a⟩]⟩

/-- The same interpolant as a sum, less its value at `a`. -/
@[expose] def rise (f : Rat → Rat) (a h : Rat) : Nat → Rat → Rat
  | 0, _ => 0
  | n + 1, x => bend f a h n * relu (x - knot a h n) + rise f a h n x

theorem length_ramps (a h : Rat) (n : Nat) : (ramps a h n).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg (· + 1) ih

theorem length_bends (f : Rat → Rat) (a h : Rat) (n : Nat) : (bends f a h n).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg (· + 1) ih

/-- The interpolant has one unit for each piece. -/
theorem interpolant_units (f : Rat → Rat) (a h : Rat) (n : Nat) : (interpolant f a h n).units = n := by
  simp [interpolant, Network.units, unitCount, layerSize_eq, length_ramps]

/-- The interpolant has one hidden layer. -/
theorem interpolant_depth (f : Rat → Rat) (a h : Rat) (n : Nat) : (interpolant f a h n).depth = 1 := rfl

/-- The layers of the interpolant fit: one input, `n` units, one output. -/
theorem interpolant_shaped (f : Rat → Rat) (a h : Rat) (n : Nat) : (interpolant f a h n).Shaped 1 := by
  refine ⟨?_, ?_⟩
  · induction n with
    | zero => intro m hm; cases hm
    | succ n ih =>
      intro m hm
      rcases List.mem_cons.mp hm with rfl | hm
      · rfl
      · exact ih m hm
  · intro m hm
    rw [List.mem_singleton.mp hm, length_ramps, length_bends]

/-- What the network computes. -/
theorem interpolant_eval (f : Rat → Rat) (a h : Rat) (n : Nat) (x : Rat) :
    (interpolant f a h n).eval [x] = [f a + rise f a h n x] := by
  have hdot : dot (bends f a h n) (reluAll (affine (ramps a h n) [x])) = rise f a h n x := by
    induction n with
    | zero => rfl
    | succ n ih =>
      have hx : Neuron.eval ⟨[1], -knot a h n⟩ [x] = x - knot a h n := by
        simp only [Neuron.eval, dot]
        grind
      simp only [bends, ramps, affine, reluAll, dot, rise, ih, hx]
  have : (interpolant f a h n).eval [x] = [dot (bends f a h n) (reluAll (affine (ramps a h n) [x])) + f a] := rfl
  rw [this, hdot, Rat.add_comm]

theorem knot_zero (a h : Rat) : knot a h 0 = a := by
  have : ((0 : Nat) : Rat) * h = 0 := Rat.zero_mul h
  unfold knot
  grind

theorem knot_succ (a h : Rat) (i : Nat) : knot a h (i + 1) = knot a h i + h := by
  have := natCast_succ i
  unfold knot
  grind

theorem knot_mono {a h : Rat} (hh : 0 ≤ h) {i j : Nat} (hij : i ≤ j) : knot a h i ≤ knot a h j := by
  have : (i : Rat) * h ≤ (j : Rat) * h := Rat.mul_le_mul_of_nonneg_right (Rat.natCast_le_natCast.mpr hij) hh
  unfold knot
  grind

theorem slope_mul {f : Rat → Rat} {a h : Rat} (hh : 0 < h) (i : Nat) :
    slope f a h i * h = f (knot a h i + h) - f (knot a h i) := by
  unfold slope
  rw [Rat.div_mul_cancel (Rat.ne_of_gt hh), knot_succ]

/-- Right of the last knot, the sum continues the last chord. -/
theorem rise_right {f : Rat → Rat} {a h : Rat} (hh : 0 < h) (n : Nat) {x : Rat} (hx : knot a h n ≤ x) :
    f a + rise f a h (n + 1) x = f (knot a h n) + slope f a h n * (x - knot a h n) := by
  induction n with
  | zero =>
    simp only [rise, bend]
    rw [relu_of_nonneg (by grind), knot_zero]
    grind
  | succ n ih =>
    have hsucc := knot_succ a h n
    have hs := slope_mul (f := f) (a := a) hh n
    rw [rise, bend, relu_of_nonneg (by grind)]
    have := ih (by grind)
    rw [← hsucc] at hs
    grind

/-- At every point from `a` to the last knot, the sum is the chord of the piece that the point lies in. -/
theorem rise_inside {f : Rat → Rat} {a h : Rat} (hh : 0 < h) (n : Nat) {x : Rat} (ha : a ≤ x)
    (hx : x ≤ knot a h (n + 1)) :
    ∃ k, k ≤ n ∧ knot a h k ≤ x ∧ x ≤ knot a h k + h ∧
      f a + rise f a h (n + 1) x = f (knot a h k) + slope f a h k * (x - knot a h k) := by
  induction n with
  | zero =>
    have h0 : knot a h 0 ≤ x := by rw [knot_zero]; exact ha
    exact ⟨0, Nat.le_refl _, h0, by rwa [← knot_succ], rise_right hh 0 h0⟩
  | succ n ih =>
    by_cases hle : x ≤ knot a h (n + 1)
    · obtain ⟨k, hk, hl, hu, he⟩ := ih hle
      refine ⟨k, by omega, hl, hu, ?_⟩
      rw [rise, relu_of_nonpos (by grind), Rat.mul_zero, Rat.zero_add]
      exact he
    · have hge : knot a h (n + 1) ≤ x := by grind
      exact ⟨n + 1, Nat.le_refl _, hge, by rwa [← knot_succ], rise_right hh (n + 1) hge⟩

/--
The error of a chord: `p` is the chord of `f` over `[t, t + h]` at `x`, and `u`, `v` bound how far `f x` is from the two
end values. Multiplied by `h`, the error is their mean, weighted with the distances to the ends.
-/
theorem chord_error {ft ft' fx m h s u v : Rat} (hs : 0 ≤ s) (hsh : s ≤ h) (hm : m * h = ft' - ft)
    (hu : abs (fx - ft) ≤ u) (hv : abs (fx - ft') ≤ v) :
    abs (h * (ft + m * s - fx)) ≤ (h - s) * u + s * v := by
  rw [abs_le] at hu hv ⊢
  have h1 := mul_le_mul hu.1 (c := h - s) (by grind)
  have h2 := mul_le_mul hu.2 (c := h - s) (by grind)
  have h3 := mul_le_mul hv.1 hs
  have h4 := mul_le_mul hv.2 hs
  have : h * (ft + m * s - fx) = (h - s) * (ft - fx) + s * (ft' - fx) := by grind
  grind

/-- Division of a bound on an absolute value by a positive number. -/
theorem abs_le_of_mul {h e c : Rat} (hh : 0 < h) (hle : abs (h * e) ≤ h * c) : abs e ≤ c := by
  rw [abs_le] at hle ⊢
  exact ⟨Rat.le_of_mul_le_mul_left (by grind) hh, Rat.le_of_mul_le_mul_left hle.2 hh⟩

/-- Width of the pieces when `[a, b]` is cut into `n` equal ones. -/
@[expose] def pieceWidth (a b : Rat) (n : Nat) : Rat := (b - a) / n

theorem pieceWidth_mul (a b : Rat) (n : Nat) : ((n + 1 : Nat) : Rat) * pieceWidth a b (n + 1) = b - a := by
  have hpos : (0 : Rat) < ((n + 1 : Nat) : Rat) := Rat.natCast_pos.mpr (by omega)
  rw [Rat.mul_comm]
  exact Rat.div_mul_cancel (Rat.ne_of_gt hpos)

theorem pieceWidth_pos {a b : Rat} (hab : a < b) (n : Nat) : 0 < pieceWidth a b (n + 1) := by
  have hpos : (0 : Rat) < ((n + 1 : Nat) : Rat) := Rat.natCast_pos.mpr (by omega)
  rw [pieceWidth, Rat.lt_div_iff hpos, Rat.zero_mul]
  grind

/-- A piece count from a ceiling: what it says of the width of the pieces. -/
theorem mul_pieceWidth_le {a b c e : Rat} (he : 0 < e) {n : Nat}
    (h : c * (b - a) / e ≤ ((n + 1 : Nat) : Rat)) : c * pieceWidth a b (n + 1) ≤ e := by
  have hpos : (0 : Rat) < ((n + 1 : Nat) : Rat) := Rat.natCast_pos.mpr (by omega)
  have hw := pieceWidth_mul a b n
  have := le_mul_of_div_le he h
  generalize ((n + 1 : Nat) : Rat) = k at *
  rw [← hw] at this
  exact Rat.le_of_mul_le_mul_left (by grind) hpos

/-- On `[a, b]` the interpolant is, at each point, the chord over some piece inside `[a, b]`. -/
theorem interpolant_inside (f : Rat → Rat) {a b : Rat} (hab : a < b) (n : Nat) {x : Rat} (ha : a ≤ x) (hb : x ≤ b) :
    ∃ t m, a ≤ t ∧ t ≤ x ∧ x ≤ t + pieceWidth a b (n + 1) ∧ t + pieceWidth a b (n + 1) ≤ b ∧
      m * pieceWidth a b (n + 1) = f (t + pieceWidth a b (n + 1)) - f t ∧
      (interpolant f a (pieceWidth a b (n + 1)) (n + 1)).eval [x] = [f t + m * (x - t)] := by
  have hh := pieceWidth_pos hab n
  have hlast : knot a (pieceWidth a b (n + 1)) (n + 1) = b := by
    have := pieceWidth_mul a b n
    unfold knot
    grind
  generalize pieceWidth a b (n + 1) = h at *
  obtain ⟨k, hk, hl, hu, he⟩ := rise_inside (f := f) hh n ha (by rw [hlast]; exact hb)
  refine ⟨knot a h k, slope f a h k, ?_, hl, hu, ?_, slope_mul hh k, ?_⟩
  · have := knot_mono (a := a) (Rat.le_of_lt hh) (Nat.zero_le k)
    rwa [knot_zero] at this
  · have := knot_mono (a := a) (Rat.le_of_lt hh) (show k + 1 ≤ n + 1 by omega)
    rwa [knot_succ, hlast] at this
  · rw [interpolant_eval, he]

end TorchLean.Approximation
