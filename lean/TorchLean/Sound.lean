module

prelude
public import TorchLean.Build

/-!
# The checker is sound

`check_sound`: what the checker accepts is true of the network. The proof follows the plan: bounding all nodes anew
keeps what is known true (`build_sound`), a split sends every run to one of its sides because numbers are totally
ordered, and at the end the bounds known imply the formula, or no run is left.
-/

public section

namespace TorchLean

/-! ## The end of a plan -/

theorem not_inBox_of_hasEmpty {grid : Nat} {b : Box} {x : Vec} (h : hasEmpty b = true) : ¬ InBox grid b x := by
  intro hb
  induction b generalizing x with
  | nil => simp [hasEmpty] at h
  | cons i b ih => cases x with
    | nil => exact hb.elim
    | cons v vs =>
      simp only [hasEmpty, Bool.or_eq_true, decide_eq_true_eq] at h
      cases h with
      | inl h =>
        have := Rat.intCast_le_intCast.mp (Rat.le_trans hb.1.1 hb.1.2)
        omega
      | inr h => exact ih h hb.2

/-- Where some box is empty, there is no run. -/
theorem not_known_of_anyEmpty {grid : Nat} {ns : List Node} {ks : List Box} {env : List Vec}
    (h : anyEmpty ks = true) : ¬ KnownOk grid ns ks env := by
  intro hk
  induction ns generalizing ks env with
  | nil => match ks, env, hk with
    | [b], [x], hk =>
      simp only [anyEmpty, Bool.or_false] at h
      exact not_inBox_of_hasEmpty h hk
  | cons n ns ih => match ks, env, hk with
    | k :: ks, y :: env, ⟨hk, hks⟩ =>
      simp only [anyEmpty, Bool.or_eq_true] at h
      cases h with
      | inr h => exact ih h hks
      | inl h => cases hk with
        | inl hk =>
          subst hk
          simp [hasEmpty] at h
        | inr hk => exact not_inBox_of_hasEmpty h hk

theorem lowerEnd_sound {grid : Nat} {b : Box} {y : Vec} {i : Nat} {l : Int} (hb : InBox grid b y)
    (h : lowerEnd b i = some l) : ∃ v, y[i]? = some v ∧ (l : Rat) ≤ v * pow2 grid := by
  induction b generalizing y i with
  | nil => simp [lowerEnd] at h
  | cons j b ih => cases y with
    | nil => exact hb.elim
    | cons v vs => cases i with
      | zero =>
        simp only [lowerEnd, Option.some.injEq] at h
        subst h
        exact ⟨v, rfl, hb.1.1⟩
      | succ i =>
        obtain ⟨u, hu, hl⟩ := ih hb.2 h
        exact ⟨u, by simpa using hu, hl⟩

/-- Bounds that prove a formula imply it. -/
theorem Formula.proved_sound {grid : Nat} {b : Box} {y : Vec} (hb : InBox grid b y) {f : Formula}
    (h : f.proved b = true) : f.Holds y := by
  induction f with
  | pos i =>
    simp only [Formula.proved] at h
    split at h
    · rename_i l hl
      obtain ⟨v, hv, hle⟩ := lowerEnd_sound hb hl
      refine ⟨v, hv, ?_⟩
      have h0 : (0 : Rat) < (l : Rat) := Rat.intCast_pos.mpr (of_decide_eq_true h)
      apply Rat.not_le.mp
      intro hneg
      have := Rat.mul_le_mul_of_nonneg_right hneg (Rat.le_of_lt (pow2_pos grid))
      grind
    · simp at h
  | nonneg i =>
    simp only [Formula.proved] at h
    split at h
    · rename_i l hl
      obtain ⟨v, hv, hle⟩ := lowerEnd_sound hb hl
      refine ⟨v, hv, ?_⟩
      have h0 : (0 : Rat) ≤ (l : Rat) := Rat.intCast_nonneg.mpr (of_decide_eq_true h)
      have h1 : pow2 grid * 0 ≤ pow2 grid * v := by grind
      exact Rat.le_of_mul_le_mul_left h1 (pow2_pos grid)
    · simp at h
  | and f g hf hg =>
    simp only [Formula.proved, Bool.and_eq_true] at h
    exact ⟨hf h.1, hg h.2⟩
  | or f g hf hg =>
    simp only [Formula.proved, Bool.or_eq_true] at h
    exact h.elim (fun h => .inl (hf h)) fun h => .inr (hg h)

/-- Nothing known proves nothing. -/
theorem Formula.not_proved_nil (f : Formula) : f.proved [] = false := by
  induction f with
  | pos i => simp [Formula.proved, lowerEnd]
  | nonneg i => simp [Formula.proved, lowerEnd]
  | and f g hf hg => simp [Formula.proved, hf]
  | or f g hf hg => simp [Formula.proved, hf, hg]

/-! ## Splits -/

/-- Each value is on one of the two sides. -/
theorem cap_or_floor {grid : Nat} {b lo hi : Box} {y : Vec} {i : Nat} {v : Int} (hb : InBox grid b y)
    (hlo : capAt b i v = some lo) (hhi : floorAt b i v = some hi) : InBox grid lo y ∨ InBox grid hi y := by
  induction b generalizing y i lo hi with
  | nil => simp [capAt] at hlo
  | cons j b ih => cases y with
    | nil => exact hb.elim
    | cons u us =>
      obtain ⟨⟨h1, h2⟩, hrest⟩ := hb
      cases i with
      | zero =>
        simp only [capAt, Option.some.injEq] at hlo
        simp only [floorAt, Option.some.injEq] at hhi
        subst hlo hhi
        cases (Rat.le_total : u * pow2 grid ≤ (v : Rat) ∨ (v : Rat) ≤ u * pow2 grid) with
        | inl h =>
          refine .inl ⟨⟨h1, ?_⟩, hrest⟩
          show u * pow2 grid ≤ ((min j.2 v : Int) : Rat)
          rw [Int.min_def]
          split
          · exact h2
          · exact h
        | inr h =>
          refine .inr ⟨⟨?_, h2⟩, hrest⟩
          show ((max j.1 v : Int) : Rat) ≤ u * pow2 grid
          rw [Int.max_def]
          split
          · exact h
          · exact h1
      | succ i =>
        simp only [capAt, Option.map_eq_some_iff] at hlo
        simp only [floorAt, Option.map_eq_some_iff] at hhi
        obtain ⟨lo', hlo, rfl⟩ := hlo
        obtain ⟨hi', hhi, rfl⟩ := hhi
        exact (ih hrest hlo hhi).imp (⟨⟨h1, h2⟩, ·⟩) (⟨⟨h1, h2⟩, ·⟩)

/-- If one of two changes of a box is right whenever the box is, then one of the two changes of the list is. -/
theorem changeAt_sound {grid : Nat} {f g : Box → Option Box} {ns : List Node} {ks ka kb : List Box}
    {env : List Vec} {node : Nat} (hnil : f [] = none)
    (hfg : ∀ b a c y, InBox grid b y → f b = some a → g b = some c → InBox grid a y ∨ InBox grid c y)
    (hk : KnownOk grid ns ks env) (ha : changeAt f ks node = some ka) (hb : changeAt g ks node = some kb) :
    KnownOk grid ns ka env ∨ KnownOk grid ns kb env := by
  induction ns generalizing ks env node ka kb with
  | nil => match ks, env, hk with
    | [b], [x], hk => cases node with
      | zero =>
        simp only [changeAt, Option.map_eq_some_iff] at ha hb
        obtain ⟨a, ha, rfl⟩ := ha
        obtain ⟨c, hb, rfl⟩ := hb
        exact hfg b a c x hk ha hb
      | succ node => simp [changeAt] at ha
  | cons n ns ih => match ks, env, hk with
    | k :: ks, y :: env, ⟨hk, hks⟩ => cases node with
      | zero =>
        simp only [changeAt, Option.map_eq_some_iff] at ha hb
        obtain ⟨a, ha, rfl⟩ := ha
        obtain ⟨c, hb, rfl⟩ := hb
        cases hk with
        | inl hk =>
          subst hk
          rw [hnil] at ha
          simp at ha
        | inr hk => exact (hfg k a c y hk ha hb).imp (⟨.inr ·, hks⟩) (⟨.inr ·, hks⟩)
      | succ node =>
        simp only [changeAt, Option.map_eq_some_iff] at ha hb
        obtain ⟨a, ha, rfl⟩ := ha
        obtain ⟨c, hb, rfl⟩ := hb
        exact (ih hks ha hb).imp (⟨hk, ·⟩) (⟨hk, ·⟩)

/-! ## Plans -/

/-- A plan that the checker accepts proves the formula for every run within what is known. -/
theorem Plan.proves_sound {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {goal : Formula}
    {plan : Plan} {known : List Box} {x y : Vec} {env : List Vec} (hw : wellFormed nodes bits = true)
    (hr : Run P.grid nodes noise x (y :: env)) (hk : KnownOk P.grid nodes known (y :: env))
    (h : plan.proves P nodes noise bits goal known = true) : goal.Holds y := by
  induction plan generalizing known with
  | done =>
    simp only [Plan.proves, Bool.or_eq_true] at h
    cases h with
    | inr h => exact (not_known_of_anyEmpty h hk).elim
    | inl h =>
      split at h
      · rename_i b ks
        match nodes, ks, env, hk with
        | [], [], [], hk => exact goal.proved_sound hk h
        | _ :: _, _, _, ⟨.inl hk, _⟩ =>
          subst hk
          rw [Formula.not_proved_nil] at h
          simp at h
        | _ :: _, _, _, ⟨.inr hk, _⟩ => exact goal.proved_sound hk h
      · simp at h
  | bound methods next ih =>
    simp only [Plan.proves] at h
    split at h
    · rename_i st hst
      exact ih (build_sound hw hr hk hst).known h
    · simp at h
  | split node element value low high ihl ihh =>
    simp only [Plan.proves] at h
    split at h
    · rename_i a b ha hb
      simp only [Bool.and_eq_true] at h
      have hs := changeAt_sound (grid := P.grid) (by simp [capAt])
        (fun _ _ _ _ hin hlo hhi => cap_or_floor hin hlo hhi) hk ha hb
      exact hs.elim (ihl · h.1) (ihh · h.2)
    · simp at h

/-- On a run from the box, the input lies in the box and nothing need be known of the nodes. -/
theorem known_start {grid : Nat} {ns : List Node} {es : Noise} {box : Box} {x : Vec} {env : List Vec}
    (hx : InBox grid box x) (hr : Run grid ns es x env) : KnownOk grid ns (start box ns) env := by
  induction ns generalizing es env with
  | nil =>
    simp only [Run] at hr
    subst hr
    exact hx
  | cons n ns ih =>
    match es, env, hr with
    | e :: es, y :: env, hr => exact ⟨.inl rfl, ih hr.1⟩

/-- **Soundness of the checker.** If `check` accepts a plan, then for every input `x` in `box` (given in units of
`2^-grid`) and all values the nodes may take on `x` when each of their elements deviates from its exact result by
at most its noise, the output satisfies `goal`. The plan and the precision are not trusted: whatever they are,
acceptance implies the claim. `bits` are not trusted either, as `check` compares every field of every matrix with
them. -/
theorem check_sound {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {box : Box} {goal : Formula}
    {plan : Plan} (h : check P nodes noise bits box goal plan = true) : Claim P.grid nodes noise box goal := by
  intro x y env hx hr
  simp only [check, Bool.and_eq_true] at h
  exact Plan.proves_sound h.1 hr (known_start hx hr) h.2

end TorchLean
