module
prelude
public import TorchLean.Rational
public section

/-!
# Lyapunov functions in discrete time

A controlled system executed in binary32 is not a function of its exact state: every step adds rounding noise, and
perhaps disturbances. So a system is here a *relation* `F x x'`, "`x'` is one of the states that may follow `x`", and
every statement speaks about all trajectories.

Rounding noise also forbids exact convergence: near the equilibrium a step may move the state by more than the decrease
of `V`. What holds is *practical* stability (Khalil, *Nonlinear Systems*, third edition, section 4.8 on ultimate
boundedness; in discrete time with disturbances Jiang and Wang, *Syst. Control Lett.* 45, 2002): from every state of
`S = {x in B : V x <= rho}` the trajectory enters the inner set `{V <= rho0'}` within a number of steps that is known in
advance, and never leaves it again.

The two inner levels have different duties. Above `rho0` the function `V` decreases by at least `delta` at each step;
at or below it nothing is asked of the decrease, but one step may not climb above `rho0'`. Between `rho0` and `rho0'`
the first of the two applies, so the set below `rho0'` cannot be left either.

Neither continuity nor positivity of `V` is needed: the levels do all the work.
-/

namespace TorchLean

open Rational

variable {State : Type}

/--
The three facts behind practical stability, each for every admissible successor `x'` of `x`; `B` is the box on which
they are proved and `S = {x in B : V x <= rho}` is the region of attraction.

* `inside`: no step from `S` leaves the box;
* `decreases`: a step from `S` above level `rho0` lowers `V` by at least `delta`;
* `inner`: a step from below level `rho0` ends below level `rho0'`.
-/
structure PracticalLyapunov (F : State → State → Prop) (V : State → Rat) (B : State → Prop)
    (rho0 rho0' rho delta : Rat) : Prop where
  rho0_le : rho0 ≤ rho0'
  le_rho : rho0' ≤ rho
  delta_pos : 0 < delta
  inside : ∀ x x', B x → V x ≤ rho → F x x' → B x'
  decreases : ∀ x x', B x → V x ≤ rho → rho0 < V x → F x x' → V x' ≤ V x - delta
  inner : ∀ x x', B x → V x ≤ rho0 → F x x' → V x' ≤ rho0'

/-- A trajectory of the relation `F`: every state is followed by an admissible successor. -/
@[expose] def Trajectory (F : State → State → Prop) (x : Nat → State) : Prop := ∀ n, F (x n) (x (n + 1))

/-- How many steps suffice to enter the inner set: `⌈(rho - rho0) / delta⌉`. -/
@[expose] def entrySteps (rho0 rho delta : Rat) : Nat := ceilNat ((rho - rho0) / delta)

namespace PracticalLyapunov

variable {F : State → State → Prop} {V : State → Rat} {B : State → Prop} {rho0 rho0' rho delta : Rat}

/-- The region of attraction `S` is invariant, one step at a time. -/
theorem step_invariant (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x x' : State}
    (hB : B x) (hV : V x ≤ rho) (hF : F x x') : B x' ∧ V x' ≤ rho := by
  refine ⟨h.inside x x' hB hV hF, ?_⟩
  have hlevels := h.le_rho
  have hdelta := h.delta_pos
  by_cases habove : rho0 < V x
  · have := h.decreases x x' hB hV habove hF
    grind
  · have := h.inner x x' hB (by grind) hF
    grind

/-- The inner part `{x in S : V x <= rho0'}` is invariant, one step at a time. -/
theorem step_inner_invariant (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x x' : State}
    (hB : B x) (hV : V x ≤ rho0') (hF : F x x') : B x' ∧ V x' ≤ rho0' := by
  have hrho : V x ≤ rho := Rat.le_trans hV h.le_rho
  refine ⟨h.inside x x' hB hrho hF, ?_⟩
  have hdelta := h.delta_pos
  by_cases habove : rho0 < V x
  · have := h.decreases x x' hB hrho habove hF
    grind
  · exact h.inner x x' hB (by grind) hF

/-- A trajectory that starts in `S` stays in `S`. -/
theorem invariant (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x : Nat → State}
    (hx : Trajectory F x) (hB : B (x 0)) (hV : V (x 0) ≤ rho) (n : Nat) : B (x n) ∧ V (x n) ≤ rho := by
  induction n with
  | zero => exact ⟨hB, hV⟩
  | succ n ih => exact h.step_invariant ih.1 ih.2 (hx n)

/-- A trajectory that starts in `S` and is below `rho0'` at some step is below `rho0'` ever after. -/
theorem inner_invariant (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x : Nat → State}
    (hx : Trajectory F x) (hB : B (x 0)) (hV : V (x 0) ≤ rho) {n : Nat} (hn : V (x n) ≤ rho0') (k : Nat) :
    V (x (n + k)) ≤ rho0' := by
  induction k with
  | zero => exact hn
  | succ k ih => exact (h.step_inner_invariant (h.invariant hx hB hV (n + k)).1 ih (hx (n + k))).2

/-- As long as a trajectory has not been below `rho0`, it has lost `delta` at every step. -/
theorem below_or_decreased (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x : Nat → State}
    (hx : Trajectory F x) (hB : B (x 0)) (hV : V (x 0) ≤ rho) (n : Nat) :
    (∃ m, m < n ∧ V (x m) ≤ rho0) ∨ V (x n) ≤ rho - (n : Rat) * delta := by
  induction n with
  | zero =>
    right
    have : ((0 : Nat) : Rat) * delta = 0 := Rat.zero_mul delta
    grind
  | succ n ih =>
    rcases ih with ⟨m, hm, hmV⟩ | ih
    · exact Or.inl ⟨m, by omega, hmV⟩
    · by_cases habove : rho0 < V (x n)
      · right
        have hin := h.invariant hx hB hV n
        have := h.decreases _ _ hin.1 hin.2 habove (hx n)
        have := natCast_succ n
        grind
      · exact Or.inl ⟨n, by omega, by grind⟩

/--
Entry: within `⌈(rho - rho0) / delta⌉` steps every trajectory from `S` has been at or below `rho0`, hence in the inner
set.
-/
theorem enters (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x : Nat → State}
    (hx : Trajectory F x) (hB : B (x 0)) (hV : V (x 0) ≤ rho) :
    ∃ n, n ≤ entrySteps rho0 rho delta ∧ V (x n) ≤ rho0 := by
  rcases h.below_or_decreased hx hB hV (entrySteps rho0 rho delta) with ⟨m, hm, hmV⟩ | hend
  · exact ⟨m, by omega, hmV⟩
  · refine ⟨entrySteps rho0 rho delta, Nat.le_refl _, ?_⟩
    have := le_mul_of_div_le h.delta_pos (le_ceilNat ((rho - rho0) / delta))
    unfold entrySteps at hend ⊢
    grind

/--
**Practical stability.** Let the three facts hold. Then every trajectory that starts in `S = {x in B : V x <= rho}`

* stays in `S` for ever, and
* enters `{V <= rho0'}` within `⌈(rho - rho0) / delta⌉` steps and stays there for ever.

The noise is in the relation `F`: the statement is about every admissible choice of it, at every step.
-/
theorem practically_stable (h : PracticalLyapunov F V B rho0 rho0' rho delta) {x : Nat → State}
    (hx : Trajectory F x) (hB : B (x 0)) (hV : V (x 0) ≤ rho) :
    (∀ n, B (x n) ∧ V (x n) ≤ rho) ∧
    ∃ entry, entry ≤ entrySteps rho0 rho delta ∧ ∀ n, entry ≤ n → V (x n) ≤ rho0' := by
  refine ⟨h.invariant hx hB hV, ?_⟩
  obtain ⟨entry, hle, hlow⟩ := h.enters hx hB hV
  refine ⟨entry, hle, fun n hn => ?_⟩
  have := h.inner_invariant hx hB hV (Rat.le_trans hlow h.rho0_le) (n - entry)
  rwa [Nat.add_sub_cancel' hn] at this

end PracticalLyapunov

/-!
## An inhabitant

`x' = x / 2 + w` with any `|w| <= 1/8`, the function `V x = x * x` on the box `[-1, 1]`, and the levels
`rho0 = rho0' = 1/4`, `rho = 1`, `delta = 1/16`: every trajectory from `[-1, 1]` is in `[-1/2, 1/2]` after at most
twelve steps and stays there, whatever the noise does.
-/

namespace NoisyHalving

/-- Halving with noise: `x' = x / 2 + w` for some admissible `w`. -/
@[expose] def Step (x x' : Rat) : Prop := ∃ w : Rat, -(1/8) ≤ w ∧ w ≤ 1/8 ∧ x' = x / 2 + w

/-- The box `[-1, 1]`. -/
@[expose] def Box (x : Rat) : Prop := -1 ≤ x ∧ x ≤ 1

/-- The square of the state. -/
@[expose] def V (x : Rat) : Rat := x * x

/-- From the nonnegative half of the box, a step ends within `x / 2 + 1 / 8`. -/
private theorem step_bound {x x' : Rat} (hx : 0 ≤ x) (h : Step x x') :
    -(x / 2 + 1/8) ≤ x' ∧ x' ≤ x / 2 + 1/8 := by
  obtain ⟨w, hl, hu, rfl⟩ := h
  grind

/-- The system is symmetric about the origin. -/
private theorem step_neg {x x' : Rat} (h : Step x x') : Step (-x) (-x') := by
  obtain ⟨w, hl, hu, rfl⟩ := h
  exact ⟨-w, by grind, by grind, by grind⟩

/-- `|y| <= c` bounds the square of `y`. -/
private theorem sq_le {y c : Rat} (hl : -c ≤ y) (hu : y ≤ c) : V y ≤ c * c := by
  have : 0 ≤ (c - y) * (c + y) := Rat.mul_nonneg (by grind) (by grind)
  unfold V
  grind

/-- The decrease on the nonnegative half. -/
private theorem decreases_of_nonneg {x x' : Rat} (h0 : 0 ≤ x) (hV : 1/4 < V x) (h : Step x x') :
    V x' ≤ V x - 1/16 := by
  have hb := step_bound h0 h
  have hsq := sq_le hb.1 hb.2
  have hhalf : 1/2 < x := by
    apply Classical.byContradiction
    intro hn
    have := sq_le (y := x) (c := 1/2) (by grind) (by grind)
    grind
  have : 0 ≤ (x - 1/2) * x := Rat.mul_nonneg (by grind) h0
  unfold V at hsq ⊢
  grind

/-- The climb from the inner set, on the nonnegative half. -/
private theorem inner_of_nonneg {x x' : Rat} (h0 : 0 ≤ x) (hV : V x ≤ 1/4) (h : Step x x') : V x' ≤ 1/4 := by
  have hhalf : x ≤ 1/2 := by
    apply Classical.byContradiction
    intro hn
    have : 0 < (x - 1/2) * (x + 1/2) := Rat.mul_pos (by grind) (by grind)
    unfold V at hV
    grind
  have hb := step_bound h0 h
  have := sq_le (y := x') (c := 1/2) (by grind) (by grind)
  grind

/-- The square does not see the sign. -/
private theorem V_neg (x : Rat) : V (-x) = V x := by unfold V; grind

/-- The three facts hold for noisy halving, so the theorem is not empty. -/
theorem lyapunov : PracticalLyapunov Step V Box (1/4) (1/4) 1 (1/16) where
  rho0_le := by decide +kernel
  le_rho := by decide +kernel
  delta_pos := by decide +kernel
  inside := by
    intro x x' hB _ h
    obtain ⟨w, hl, hu, rfl⟩ := h
    unfold Box at hB ⊢
    grind
  decreases := by
    intro x x' _ _ hV h
    by_cases h0 : 0 ≤ x
    · exact decreases_of_nonneg h0 hV h
    · have := decreases_of_nonneg (x := -x) (x' := -x') (by grind) (by rwa [V_neg]) (step_neg h)
      rwa [V_neg, V_neg] at this
  inner := by
    intro x x' _ hV h
    by_cases h0 : 0 ≤ x
    · exact inner_of_nonneg h0 hV h
    · have := inner_of_nonneg (x := -x) (x' := -x') (by grind) (by rwa [V_neg]) (step_neg h)
      rwa [V_neg] at this

/-- Twelve steps suffice from every point of the box. -/
theorem twelve_steps : entrySteps (1/4) 1 (1/16) = 12 := by decide +kernel

/-- Noisy halving has trajectories: the noise-free one from `1`. -/
theorem has_trajectory : ∃ x : Nat → Rat, Trajectory Step x ∧ Box (x 0) ∧ V (x 0) ≤ 1 := by
  refine ⟨fun n => Nat.rec 1 (fun _ y => y / 2) n, fun n => ⟨0, by decide +kernel, by decide +kernel, ?_⟩, ?_, ?_⟩
  · exact (Rat.add_zero _).symm
  · exact ⟨by decide +kernel, by decide +kernel⟩
  · decide +kernel

/-- What the theorem says of noisy halving: after twelve steps at the latest the state stays within `[-1/2, 1/2]`. -/
theorem settles {x : Nat → Rat} (hx : Trajectory Step x) (h0 : Box (x 0)) :
    ∀ n, 12 ≤ n → V (x n) ≤ 1/4 := by
  have hV := sq_le h0.1 h0.2
  rw [Rat.mul_one] at hV
  obtain ⟨_, entry, hle, hstay⟩ := lyapunov.practically_stable hx h0 hV
  rw [twelve_steps] at hle
  exact fun n hn => hstay n (by omega)

end NoisyHalving

end TorchLean
