module
prelude
public import TorchLean.Approximation.Grid
public import TorchLean.Approximation.Tournament
public section

/-!
# The maximum of cones as a ReLU network

`‖x - t‖∞` is the largest of the `2 d` affine functions `±(x_j - t_j)`, so minus the cone over `t`,
`L ‖x - t‖∞ - f(t)`, is the maximum of `2 d` affine functions: its *legs*. A first tournament takes these maxima for all
points at once, the outputs change sign, and a second tournament takes the maximum of the cones.

A tournament works on blocks of a power of two, so the legs of each point are filled up with the constant `-f(t)`, which
none of the maxima can see because a distance is not negative.
-/

namespace TorchLean.Approximation

open Rational

/-- The number of coordinates of a point. -/
@[expose] def coordinates : List Rat → Nat
  | [] => 0
  | _ :: ts => coordinates ts + 1

/-- The affine functions `L (x_j - t_j) + c` and `-L (x_j - t_j) + c`, for all coordinates `j`. -/
@[expose] def legs (L c : Rat) : List Rat → List Neuron
  | [] => []
  | t :: ts =>
    ⟨L :: zeros (coordinates ts), c - L * t⟩ :: ⟨-L :: zeros (coordinates ts), c + L * t⟩ :: skip (legs L c ts)

/-- `n` copies of the constant `c` as functions of `d` inputs. -/
@[expose] def constants (d : Nat) (c : Rat) : Nat → List Neuron
  | 0 => []
  | n + 1 => ⟨zeros d, c⟩ :: constants d c n

/-- The legs of one point, filled up to `2^(rounds (2 d))` affine functions. -/
@[expose] def block (f : List Rat → Rat) (L : Rat) (d : Nat) (t : List Rat) : List Neuron :=
  besides (legs L (-f t) t) (constants d (-f t) (2 ^ rounds (2 * d) - 2 * d))

/-- The blocks of several points. -/
@[expose] def blocks (f : List Rat → Rat) (L : Rat) (d : Nat) : List (List Rat) → List Neuron
  | [] => []
  | t :: ts => besides (block f L d t) (blocks f L d ts)

/-- Each affine function negated. -/
@[expose] def negEach : List Neuron → List Neuron
  | [] => []
  | n :: ns => n.neg :: negEach ns

/-- Each affine function raised by `c`. -/
@[expose] def raiseEach (c : Rat) : List Neuron → List Neuron
  | [] => []
  | n :: ns => ⟨n.weights, n.bias + c⟩ :: raiseEach c ns

/-- The first tournament: its outputs are the cones over the points `ts` with the sign changed. -/
@[expose] def bases (f : List Rat → Rat) (L : Rat) (d : Nat) (ts : List (List Rat)) : Network :=
  maxRounds (rounds (2 * d)) ⟨[], blocks f L d ts⟩

/-- The network whose outputs are the cones over the points `ts`, on `d` inputs. -/
@[expose] def coneLayers (f : List Rat → Rat) (L : Rat) (d : Nat) (ts : List (List Rat)) : Network :=
  ⟨(bases f L d ts).hidden, negEach (bases f L d ts).output⟩

/-- The second tournament: its output is the maximum of the cones. -/
@[expose] def peak (f : List Rat → Rat) (L : Rat) (d : Nat) (ts : List (List Rat)) : Network :=
  maxRounds (rounds (pointCount ts)) (coneLayers f L d ts)

/-- The network that computes `max_i (f(t_i) - L ‖x - t_i‖∞) + lift`, on `d` inputs. -/
@[expose] def coneNet (f : List Rat → Rat) (L lift : Rat) (d : Nat) (ts : List (List Rat)) : Network :=
  ⟨(peak f L d ts).hidden, raiseEach lift (peak f L d ts).output⟩

/-- The number of ReLU units of `coneNet` for `N` points of dimension `d`. -/
@[expose] def coneUnits (d N : Nat) : Nat := 3 * (2 ^ rounds (2 * d) * N) - 3 * N + tournamentUnits (rounds N) N

/-! ## Legs -/

theorem coordinates_eq (t : List Rat) : coordinates t = t.length := by
  induction t with
  | nil => rfl
  | cons t ts ih => exact congrArg (· + 1) ih

theorem length_legs (L c : Rat) (t : List Rat) : (legs L c t).length = 2 * t.length := by
  induction t with
  | nil => rfl
  | cons t ts ih => simp only [legs, List.length_cons, length_skip, ih]; omega

theorem width_legs (L c : Rat) (t : List Rat) : Width t.length (legs L c t) := by
  induction t with
  | nil => intro m hm; cases hm
  | cons t ts ih =>
    have hz : (zeros (coordinates ts)).length + 1 = ts.length + 1 := by rw [length_zeros, coordinates_eq]
    exact width_cons hz (width_cons hz (width_skip ih))

/-- Two legs of one coordinate. -/
theorem eval_leg (L c : Rat) (n : Nat) (x : Rat) (xs : List Rat) :
    Neuron.eval ⟨L :: zeros n, c⟩ (x :: xs) = L * x + c := by
  simp only [Neuron.eval, dot, dot_zeros]
  grind

/-- No leg exceeds `L ‖x - t‖∞ + c`. -/
theorem legs_le {L : Rat} (hL : 0 ≤ L) (c : Rat) : ∀ x t : List Rat, x.length = t.length →
    ∀ v, v ∈ affine (legs L c t) x → v ≤ L * dist x t + c
  | [], [], _, v, hv => by cases hv
  | x :: xs, t :: ts, h, v, hv => by
    simp only [List.length_cons] at h
    have hle : L * abs (x - t) ≤ L * larger (abs (x - t)) (dist xs ts) ∧
        L * dist xs ts ≤ L * larger (abs (x - t)) (dist xs ts) :=
      ⟨mul_le_mul (by unfold larger; grind) hL, mul_le_mul (by unfold larger; grind) hL⟩
    have h1 := mul_le_mul (le_abs (x - t)) hL
    have h2 := mul_le_mul (neg_le_abs (x - t)) hL
    simp only [legs, affine, affine_skip, eval_leg] at hv
    rw [dist]
    rcases List.mem_cons.mp hv with rfl | hv
    · grind
    · rcases List.mem_cons.mp hv with rfl | hv
      · grind
      · have := legs_le hL c xs ts (by omega) v hv
        grind

/-- Distances are not negative. -/
theorem dist_nonneg : ∀ x t : List Rat, 0 ≤ dist x t
  | [], _ => Rat.le_refl
  | _ :: _, [] => Rat.le_refl
  | x :: xs, t :: ts => by
    have := abs_nonneg (x - t)
    have := dist_nonneg xs ts
    rw [dist, larger]
    split <;> assumption

/-- In positive dimension some leg attains `L ‖x - t‖∞ + c`. -/
theorem exists_leg (L c : Rat) : ∀ x t : List Rat, x.length = t.length → 0 < t.length →
    L * dist x t + c ∈ affine (legs L c t) x
  | [], t, h, hpos => by
    simp only [List.length_nil] at h
    omega
  | x :: xs, t :: ts, h, _ => by
    simp only [List.length_cons] at h
    simp only [legs, affine, affine_skip, eval_leg, dist, List.mem_cons]
    by_cases hfirst : larger (abs (x - t)) (dist xs ts) = abs (x - t)
    · rw [hfirst]
      unfold abs
      split
      · left; grind
      · right; left; grind
    · right; right
      have hrest : larger (abs (x - t)) (dist xs ts) = dist xs ts := by
        unfold larger at hfirst ⊢
        grind
      have hpos : 0 < ts.length := by
        cases ts with
        | cons _ _ => exact Nat.succ_pos _
        | nil =>
          have hz : dist xs [] = 0 := by cases xs <;> rfl
          have := abs_nonneg (x - t)
          rw [hz] at hfirst
          unfold larger at hfirst
          grind
      rw [hrest]
      exact exists_leg L c xs ts (by omega) hpos

theorem length_constants (d : Nat) (c : Rat) (n : Nat) : (constants d c n).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg (· + 1) ih

theorem width_constants (d : Nat) (c : Rat) (n : Nat) : Width d (constants d c n) := by
  induction n with
  | zero => intro m hm; cases hm
  | succ n ih => exact width_cons (length_zeros d) ih

theorem eval_constants (d : Nat) (c : Rat) (n : Nat) (x : List Rat) {v : Rat}
    (h : v ∈ affine (constants d c n) x) : v = c := by
  induction n with
  | zero => simp [constants, affine] at h
  | succ n ih =>
    have : Neuron.eval ⟨zeros d, c⟩ x = c := by
      simp only [Neuron.eval, dot_zeros]
      grind
    rw [constants, affine, this] at h
    rcases List.mem_cons.mp h with h | h
    · exact h
    · exact ih h

/-! ## Blocks -/

theorem length_block (f : List Rat → Rat) (L : Rat) {d : Nat} {t : List Rat} (ht : t.length = d) :
    (block f L d t).length = 2 ^ rounds (2 * d) := by
  have := le_two_pow_rounds (2 * d)
  rw [block, besides_eq, List.length_append, length_legs, length_constants, ht]
  omega

theorem width_block (f : List Rat → Rat) (L : Rat) {d : Nat} {t : List Rat} (ht : t.length = d) :
    Width d (block f L d t) := by
  subst ht
  rw [block, besides_eq]
  exact width_append (width_legs L _ t) (width_constants _ _ _)

/-- The largest of a block is minus the cone. -/
theorem isMax_block (f : List Rat → Rat) {L : Rat} (hL : 0 ≤ L) {d : Nat} {x t : List Rat} (hx : x.length = d)
    (ht : t.length = d) : IsMax (-cone f L x t) (affine (block f L d t) x) := by
  have hcone : -cone f L x t = L * dist x t + -f t := by unfold cone; grind
  rw [hcone, block, besides_eq, affine_append]
  constructor
  · rw [List.mem_append]
    by_cases hd : 0 < t.length
    · exact Or.inl (exists_leg L _ x t (by omega) hd)
    · right
      cases t with
      | cons _ _ => exact absurd (Nat.succ_pos _) hd
      | nil =>
        cases x with
        | cons _ _ =>
          simp only [List.length_cons, List.length_nil] at hx ht
          omega
        | nil =>
          have hd0 : d = 0 := by simpa using hx.symm
          subst hd0
          have h1 : 2 ^ rounds (2 * 0) - 2 * 0 = 1 := by decide
          have h2 : dist [] [] = 0 := rfl
          rw [h1, h2]
          simp only [constants, affine, List.mem_singleton, Neuron.eval, zeros, dot]
          grind
  · intro v hv
    rcases List.mem_append.mp hv with hv | hv
    · exact legs_le hL _ x t (by omega) v hv
    · rw [eval_constants d _ _ x hv]
      have := Rat.mul_nonneg hL (dist_nonneg x t)
      grind

/-- The cones with the sign changed. -/
@[expose] def negCones (f : List Rat → Rat) (L : Rat) (x : List Rat) : List (List Rat) → List Rat
  | [] => []
  | t :: ts => -cone f L x t :: negCones f L x ts

theorem pairMaxes_nil (q : Nat) : pairMaxes q [] = [] := by
  induction q with
  | zero => rfl
  | succ q ih => exact ih

/-- The first tournament computes the cones with the sign changed. -/
theorem pairMaxes_blocks (f : List Rat → Rat) {L : Rat} (hL : 0 ≤ L) {d : Nat} {x : List Rat} (hx : x.length = d)
    (ts : List (List Rat)) (hts : ∀ t, t ∈ ts → t.length = d) :
    pairMaxes (rounds (2 * d)) (affine (blocks f L d ts) x) = negCones f L x ts := by
  induction ts with
  | nil => exact pairMaxes_nil _
  | cons t ts ih =>
    have ht := hts t (by simp)
    have hlen : (affine (block f L d t) x).length = 2 ^ rounds (2 * d) := by rw [length_affine, length_block f L ht]
    obtain ⟨m, hm, hmax⟩ := pairMaxes_isMax (rounds (2 * d)) (affine (block f L d t) x)
      (by rw [hlen]; exact Nat.two_pow_pos _) (by rw [hlen]; exact Nat.le_refl _)
    rw [blocks, besides_eq, affine_append, pairMaxes_append _ _ _ hlen, hm,
      ih fun t' ht' => hts t' (by simp [ht']), hmax.unique (isMax_block f hL hx ht)]
    rfl

theorem length_blocks (f : List Rat → Rat) (L : Rat) {d : Nat} (ts : List (List Rat))
    (hts : ∀ t, t ∈ ts → t.length = d) : (blocks f L d ts).length = 2 ^ rounds (2 * d) * ts.length := by
  induction ts with
  | nil => rfl
  | cons t ts ih =>
    rw [blocks, besides_eq, List.length_append, length_block f L (hts t (by simp)),
      ih fun t' ht' => hts t' (by simp [ht']), List.length_cons, Nat.mul_succ]
    omega

theorem width_blocks (f : List Rat → Rat) (L : Rat) {d : Nat} (ts : List (List Rat))
    (hts : ∀ t, t ∈ ts → t.length = d) : Width d (blocks f L d ts) := by
  induction ts with
  | nil => intro m hm; cases hm
  | cons t ts ih =>
    rw [blocks, besides_eq]
    exact width_append (width_block f L (hts t (by simp))) (ih fun t' ht' => hts t' (by simp [ht']))

end TorchLean.Approximation
