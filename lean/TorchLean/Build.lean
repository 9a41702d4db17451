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

/-- Where a node has a box and lines, its shapes fit and its lines hold. -/
theorem nodeOk_of_box {P : Params} {n : Node} {e : List Nat} {st : State} {env : List Vec} {y : Vec} {bits : Nat}
    {b c : Box} {ls : List Line × List Line} (hw : n.Formed bits) (hst : StateOk P.grid st env)
    (hy : AllNear P.grid (n.eval P.grid env) e y) (hb : n.packedBox P.grid bits st = some b)
    (hl : nodeLines P n e st = some ls) : NodeOk P n ⟨c, ls.1, ls.2⟩ env y := by
  cases n with
  | linear p s w bias =>
    simp only [Node.packedBox, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, hb⟩ := hb
    exact (packedLinear_sound hw (boxAt_sound hst ha) hb).2
  | hinge p f =>
    simp only [nodeLines, Option.bind_eq_some_iff] at hl
    obtain ⟨a, ha, hl⟩ := hl
    exact hingeLines_sound f (boxAt_sound hst ha) hy hl
  | add p q =>
    simp only [Node.packedBox, Node.box, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, d, hd, hb⟩ := hb
    have h := addBox_lengths hb
    rw [(boxAt_sound hst ha).length_eq, (boxAt_sound hst hd).length_eq] at h
    exact h
  | concat p q => trivial

/-! ## Boxes -/

/-- The box of a node holds its value, whichever the method. -/
theorem nodeBox_sound {P : Params} {n : Node} {e : List Nat} {bits : Nat} {m : Method} {ns : List Node}
    {es : Noise} {ws : Bits} {st : State} {x : Vec} {env : List Vec} {y : Vec} {b : Box} (hn : n.Formed bits)
    (hw : wellFormed ns ws = true)
    (hr : Run P.grid ns es x env) (hv : Valid P ns st env) (hy : AllNear P.grid (n.eval P.grid env) e y)
    (h : nodeBox P n e bits m ns es ws st = some b) : InBox P.grid b y := by
  simp only [nodeBox, Option.bind_eq_some_iff] at h
  obtain ⟨b1, ⟨b0, hb0, hb1⟩, h⟩ := h
  have hin : InBox P.grid b1 y := widen_sound (Node.packedBox_sound hn hv.stateOk hb0) hy hb1
  split at h
  · simp only [Option.bind_eq_some_iff] at h
    obtain ⟨c, hc, h⟩ := h
    exact meet_sound hin (backRows_sound hw hr hv hy hc) h
  · simp only [Option.some.injEq] at h
    subst h
    exact hin

theorem nodeBox_box {P : Params} {n : Node} {e : List Nat} {bits : Nat} {m : Method} {ns : List Node}
    {es : Noise} {ws : Bits} {st : State} {b : Box} (h : nodeBox P n e bits m ns es ws st = some b) :
    ∃ c, n.packedBox P.grid bits st = some c := by
  simp only [nodeBox, Option.bind_eq_some_iff] at h
  obtain ⟨_, ⟨c, hc, _⟩, _⟩ := h
  exact ⟨c, hc⟩

/-! ## All nodes -/

/-- The values lie in the boxes known. Of a node the empty box says nothing; of the input it says that it is empty. -/
@[expose] def KnownOk (grid : Nat) : List Node → List Box → List Vec → Prop
  | [], [b], [x] => InBox grid b x
  | _ :: ns, k :: ks, y :: env => (k = [] ∨ InBox grid k y) ∧ KnownOk grid ns ks env
  | _, _, _ => False

/-- What `build` returns is true of every run whose values lie in the boxes known. -/
theorem build_sound {P : Params} {ns : List Node} {es : Noise} {ws : Bits} {ms : List Method} {ks : List Box}
    {x : Vec} {env : List Vec} {st : State} (hw : wellFormed ns ws = true) (hr : Run P.grid ns es x env)
    (hk : KnownOk P.grid ns ks env) (h : build P ns es ws ms ks = some st) : Valid P ns st env := by
  induction ns generalizing es ws ms ks env st with
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
        cases n <;> simp only [wellFormed, Bool.and_eq_true] at hw <;> first | exact hw | exact ⟨trivial, hw⟩
      simp only [build, Option.bind_eq_some_iff, forceBox_eq, forceLines_eq, Option.some.injEq] at h
      obtain ⟨st', hst, b, hb, b', hb', ls, hls, rfl⟩ := h
      have hv := ih hw' hr hks hst
      have hin := nodeBox_sound hn hw' hr hv hy hb
      obtain ⟨c, hc⟩ := nodeBox_box hb
      refine ⟨?_, nodeOk_of_box hn hv.stateOk hy hc hls, hv⟩
      cases k with
      | nil =>
        simp only [Option.some.injEq] at hb'
        subst hb'
        exact hin
      | cons i k =>
        cases hk with
        | inl hk => simp at hk
        | inr hk => exact meet_sound hin hk hb'

/-- The boxes of a valid state hold the values. -/
theorem Valid.known {P : Params} {ns : List Node} {st : State} {env : List Vec} (h : Valid P ns st env) :
    KnownOk P.grid ns st.boxes env := by
  induction ns generalizing st env with
  | nil => match st, env, h with
    | [e], [x], h => exact h
  | cons n ns ih => match st, env, h with
    | e :: st, y :: env, h => exact ⟨.inr h.1, ih h.2.2⟩

end TorchLean
