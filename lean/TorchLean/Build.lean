module

prelude
public import TorchLean.Backward

/-!
# Bounds of all nodes

`build` bounds the nodes from the input up. On any run whose values lie in the boxes known before, what it returns is
valid (`build_sound`): each box holds the node's value, shapes fit, and the lines of hinges lie below and above.
-/

public section

namespace TorchLean

/-- The box of a node holds its value, whichever the method. -/
theorem nodeBox_sound {P : Params} {n : Node} {e : List Nat} {bits : Nat} {m : Method} {both : Bool} {ns : List Node}
    {es : Noise} {ws : Bits} {st : State} {x : Vec} {env : List Vec} {y : Vec} {b : Box} (hn : n.Formed bits)
    (hw : wellFormed ns ws = true)
    (hr : Run P.grid ns es x env) (hv : Valid P ns st env) (hy : AllNear P.grid (n.eval P.grid env) e y)
    (h : nodeBox P n e bits m both ns es ws st = some b) : InBox P.grid b y := by
  cases n with
  | linear p s w bias =>
    simp only [nodeBox, Loops.linear_eq, Option.bind_eq_some_iff] at h
    obtain ⟨a, ha, b1, ⟨b0, hb0, hb1⟩, h⟩ := h
    have hin : InBox P.grid b1 y := widen_sound (packedLinear_sound hn (boxAt_sound hv.stateOk ha) hb0).1 hy hb1
    cases m with
    | interval =>
      simp only [Option.some.injEq] at h
      exact h ▸ hin
    | backward =>
      simp only [Option.bind_eq_some_iff, forceBox_eq, Option.some.injEq] at h
      obtain ⟨b2, h, rfl⟩ := h
      exact backRows_sound hw hr hv hy hin h
  | hinge p f =>
    simp only [nodeBox, Option.bind_eq_some_iff] at h
    obtain ⟨a, ha, h⟩ := h
    have hx := boxAt_sound hv.stateOk ha
    cases hf : f.isRelu with
    | true =>
      rw [hf, cond_true, Loops.reluBox_eq, Option.bind_eq_some_iff] at h
      obtain ⟨b1, hb1, h⟩ := h
      simp only [Option.some.injEq] at h
      exact h ▸ widen_sound (reluBox_sound hf hx) hy hb1
    | false =>
      simp only [hf, cond_false, Option.bind_eq_some_iff, forceBox_eq, Option.some.injEq] at h
      obtain ⟨b1, hb1, rfl⟩ := h
      exact widen_sound (pointsBox_sound f hx) hy hb1
  | add p q =>
    simp only [nodeBox, Option.bind_eq_some_iff, forceBox_eq, Option.some.injEq] at h
    obtain ⟨b0, hb0, b1, hb1, rfl⟩ := h
    exact widen_sound (Node.box_sound hv.stateOk hb0) hy hb1
  | concat p q =>
    simp only [nodeBox, Option.bind_eq_some_iff, forceBox_eq, Option.some.injEq] at h
    obtain ⟨b0, hb0, b1, hb1, rfl⟩ := h
    exact widen_sound (Node.box_sound hv.stateOk hb0) hy hb1

/-- Where a node has a box and lines, its shapes fit and its lines hold. -/
theorem nodeOk_of_box {P : Params} {n : Node} {e : List Nat} {bits : Nat} {m : Method} {both : Bool} {ns : List Node}
    {es : Noise} {ws : Bits} {st : State} {env : List Vec} {y : Vec} {b c : Box}
    {k : List Line → List Line → Option State} {st' : State} (hw : n.Formed bits) (hst : StateOk P.grid st env)
    (hy : AllNear P.grid (n.eval P.grid env) e y) (hb : nodeBox P n e bits m both ns es ws st = some b)
    (hl : withLines P n e st k = some st') :
    ∃ below above, k below above = some st' ∧ NodeOk P n ⟨c, below, above⟩ env y := by
  cases n with
  | linear p s w bias =>
    simp only [nodeBox, Loops.linear_eq, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, _, ⟨_, hb, _⟩, _⟩ := hb
    exact ⟨[], [], hl, (packedLinear_sound hw (boxAt_sound hst ha) hb).2⟩
  | hinge p f =>
    simp only [withLines, Loops.hingeLines_eq, Option.bind_eq_some_iff] at hl
    obtain ⟨a, ha, ls, hl, h⟩ := hl
    exact ⟨ls.1, ls.2, h, hingeLines_sound f (boxAt_sound hst ha) hy hl⟩
  | add p q =>
    simp only [nodeBox, Node.box, Option.bind_eq_some_iff] at hb
    obtain ⟨_, ⟨a, ha, d, hd, hb⟩, _⟩ := hb
    have h := addBox_lengths hb
    rw [(boxAt_sound hst ha).length_eq, (boxAt_sound hst hd).length_eq] at h
    exact ⟨[], [], hl, h⟩
  | concat p q => exact ⟨[], [], hl, trivial⟩

/-! ## All nodes -/

/-- The values lie in the boxes known. Of a node the empty box says nothing; of the input it says that it is empty. -/
@[expose] def KnownOk (grid : Nat) : List Node → List Box → List Vec → Prop
  | [], [b], [x] => InBox grid b x
  | _ :: ns, k :: ks, y :: env => (k = [] ∨ InBox grid k y) ∧ KnownOk grid ns ks env
  | _, _, _ => False

theorem withKnown_sound {grid : Nat} {b known : Box} {y : Vec} {k : Box → Option State} {st : State}
    (hb : InBox grid b y) (hk : known = [] ∨ InBox grid known y) (h : withKnown b known k = some st) :
    ∃ c, InBox grid c y ∧ k c = some st := by
  cases known with
  | nil => exact ⟨b, hb, h⟩
  | cons i known =>
    simp only [withKnown, Loops.meet_eq, Option.bind_eq_some_iff] at h
    obtain ⟨c, hc, h⟩ := h
    exact ⟨c, meet_sound hb (hk.resolve_left (by simp)) hc, h⟩

/-- What `build` returns is true of every run whose values lie in the boxes known. -/
theorem build_sound {P : Params} {both : Bool} {ns : List Node} {es : Noise} {ws : Bits} {ms : List Method}
    {ks : List Box} {x : Vec} {env : List Vec} {st : State} (hw : wellFormed ns ws = true)
    (hr : Run P.grid ns es x env) (hk : KnownOk P.grid ns ks env) (h : build P both ns es ws ms ks = some st) :
    Valid P ns st env := by
  induction ns generalizing both es ws ms ks env st with
  | nil =>
    match ks, env, hk with
    | [b], [x'], hk =>
      simp only [build, forceBox_eq, Option.some.injEq] at h
      subst h
      exact hk
  | cons n ns ih =>
    match es, ws, ms, ks, env, hr, hk, h with
    | e :: es, w :: ws, m :: ms, k :: ks, y :: env, ⟨hr, hy⟩, ⟨hk, hks⟩, h =>
      obtain ⟨hn, hw'⟩ : n.Formed w ∧ wellFormed ns ws = true := by
        cases n <;> simp only [wellFormed, Fields.below_eq, Bool.and_eq_true] at hw <;>
          first | exact hw | exact ⟨trivial, hw⟩
      simp only [build, Option.bind_eq_some_iff] at h
      obtain ⟨st', hst, b, hb, h⟩ := h
      have hv := ih hw' hr hks hst
      obtain ⟨c, hc, h⟩ := withKnown_sound (nodeBox_sound hn hw' hr hv hy hb) hk h
      obtain ⟨below, above, h, hok⟩ := nodeOk_of_box (c := c) hn hv.stateOk hy hb h
      simp only [Option.some.injEq] at h
      subst h
      exact ⟨hc, hok, hv⟩

/-- The boxes of a valid state hold the values. -/
theorem Valid.known {P : Params} {ns : List Node} {st : State} {env : List Vec} (h : Valid P ns st env) :
    KnownOk P.grid ns st.boxes env := by
  induction ns generalizing st env with
  | nil => match st, env, h with
    | [e], [x], h => exact h
  | cons n ns ih => match st, env, h with
    | e :: st, y :: env, h => exact ⟨.inr h.1, ih h.2.2⟩

end TorchLean
