module

prelude
public import TorchLean.Sound

/-!
# Large plans in parts

What the kernel has evaluated in a proof it keeps until the proof is done, so a plan with many leaves is better proved
in parts: theorems of their own, each about what stands below one branch of the tree. Two parts that meet at a split
make one (`both`), until the whole plan is proved.
-/

public noncomputable section

namespace TorchLean

/-- What stands below a branch of a plan proves the formula. The branch is named by the sides of the splits from
the root: `false` is the low side. -/
@[expose] def Plan.provesAt (P : Params) (nodes : List Node) (noise : Noise) (bits : Bits) (goal : Formula) :
    Plan → List Bool → List Box → Bool
  | .done, [], known => Plan.proves P nodes noise bits goal .done known
  | .done, _ :: _, _ => false
  | .bound methods next, path, known =>
    match build P false nodes noise bits methods known with
    | some st => Plan.provesAt P nodes noise bits goal next path (State.boxes st)
    | none => false
  | .split node element value low high, [], known =>
    Plan.proves P nodes noise bits goal (.split node element value low high) known
  | .split node element value low high, side :: path, known =>
    match changeAt (capAt · element value) known node, changeAt (floorAt · element value) known node with
    | some a, some b =>
      match side with
      | false => Plan.provesAt P nodes noise bits goal low path a
      | true => Plan.provesAt P nodes noise bits goal high path b
    | _, _ => false

/-- The root is the whole plan. -/
theorem Plan.provesAt_nil {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {goal : Formula}
    (plan : Plan) (known : List Box) :
    plan.provesAt P nodes noise bits goal [] known = plan.proves P nodes noise bits goal known := by
  induction plan generalizing known with
  | done => rfl
  | split => rfl
  | bound methods next ih =>
    cases h : build P false nodes noise bits methods known with
    | none => simp only [provesAt, proves, h]
    | some st => simp only [provesAt, proves, h, ih]

/-- Where both sides of a split are proved, the branch that ends there is. -/
theorem Plan.provesAt_both {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {goal : Formula}
    {plan : Plan} {path : List Bool} {known : List Box}
    (hl : plan.provesAt P nodes noise bits goal (path ++ [false]) known = true)
    (hh : plan.provesAt P nodes noise bits goal (path ++ [true]) known = true) :
    plan.provesAt P nodes noise bits goal path known = true := by
  induction plan generalizing path known with
  | done => cases path <;> exact absurd hl (by simp [provesAt])
  | bound methods next ih =>
    have step (path : List Bool) : Plan.provesAt P nodes noise bits goal (.bound methods next) path known
        = match build P false nodes noise bits methods known with
          | some st => next.provesAt P nodes noise bits goal path st.boxes
          | none => false := by
      first | rfl | rw [provesAt.eq_def]
    rw [step] at hl hh ⊢
    cases h : build P false nodes noise bits methods known with
    | none => simp only [h, Bool.false_eq_true] at hl
    | some st =>
      simp only [h] at hl hh ⊢
      exact ih hl hh
  | split node element value low high ihl ihh =>
    cases ha : changeAt (capAt · element value) known node with
    | none => cases path <;> simp [provesAt, ha] at hl
    | some a => cases hb : changeAt (floorAt · element value) known node with
      | none => cases path <;> simp [provesAt, ha, hb] at hl
      | some b => cases path with
        | nil =>
          simp only [List.nil_append, provesAt, provesAt_nil, ha, hb] at hl hh
          simp only [provesAt, proves, ha, hb, hl, hh, Bool.and_self]
        | cons side path =>
          simp only [List.cons_append, provesAt, ha, hb] at hl hh ⊢
          cases side with
          | false => exact ihl hl hh
          | true => exact ihh hl hh

/-- A part of the check: what stands below a branch of its plan. -/
@[expose] def checkAt (P : Params) (nodes : List Node) (noise : Noise) (bits : Bits) (box : Box) (goal : Formula)
    (plan : Plan) (path : List Bool) : Bool :=
  plan.provesAt P nodes noise bits goal path (start box nodes)

/-- Two parts make one. -/
theorem both {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {box : Box} {goal : Formula} {plan : Plan}
    (path : List Bool) (low : checkAt P nodes noise bits box goal plan (path ++ [false]) = true)
    (high : checkAt P nodes noise bits box goal plan (path ++ [true]) = true) :
    checkAt P nodes noise bits box goal plan path = true :=
  Plan.provesAt_both low high

/-- **Soundness of a check in parts.** -/
theorem check_parts_sound {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {box : Box} {goal : Formula}
    {plan : Plan} (formed : wellFormed nodes bits = true)
    (all : checkAt P nodes noise bits box goal plan [] = true) : Claim P.grid nodes noise box goal :=
  check_sound (plan := plan) (bits := bits) (by
    rw [check, formed, ← Plan.provesAt_nil]
    exact all)

end TorchLean
