module
prelude
public import TorchLean.Fits
public import TorchLean.Boxes
public import TorchLean.Execute

/-!
# From binary32 executions to the noisy network

`executionFits` propagates intervals through a network and checks at every node that its noise covers the rounding
errors of binary32 on these intervals, and that nothing can overflow. Where it succeeds, every execution on an input
in the box is finite and is a `Run` of the noisy network (`bridge`), so that whatever has been proved of the noisy
network holds of it (`execution_satisfies`).
-/

public noncomputable section
namespace TorchLean
open TorchLean.Float32

/-- As many elements. -/
@[expose] def sameLength : Box → List Nat → Bool
  | [], [] => true
  | _ :: bs, _ :: es => sameLength bs es
  | _, _ => false

/-- `rowFits` for each row of a layer. -/
@[expose] def linearFits (grid scale : Nat) (ms : List Nat) : List (List Int) → List Int → List Nat → Bool
  | r :: rs, b :: bs, e :: es =>
    rowFits grid scale (nonzeros r) (rowMagnitude grid r b ms) e && linearFits grid scale ms rs bs es
  | [], _, [] => true
  | _ :: _, [], [] => true
  | _, _, _ => false

/-- `sumFits` for each element, over the shorter list. -/
@[expose] def sumsFit (grid : Nat) : Box → Box → List Nat → Bool
  | a :: as', b :: bs, e :: es =>
    sumFits grid (max (a.1 + b.1).natAbs (a.2 + b.2).natAbs) e && sumsFit grid as' bs es
  | [], _, [] => true
  | _ :: _, [], [] => true
  | _, _, _ => false

/-- The noise of a node covers the rounding errors of binary32. -/
@[expose] def nodeFits (grid : Nat) (st : State) (e : List Nat) : Node → Bool
  | .linear p scale w b =>
    match State.boxAt st p with
    | some a => linearFits grid scale (mags a) w.ints b e
    | none => false
  | .hinge p _ =>
    match State.boxAt st p with
    | some a => sameLength a e
    | none => false
  | .add p q =>
    match State.boxAt st p, State.boxAt st q with
    | some a, some b => sumsFit grid a b e
    | _, _ => false
  | .concat p q =>
    match State.boxAt st p, State.boxAt st q with
    | some a, some b => sameLength (joinBoxes a b) e
    | _, _ => false

/-- Interval propagation; nothing if the noise of some node does not cover binary32. -/
@[expose] def executionFits (grid : Nat) : List Node → Noise → Box → Option State
  | [], _, box => some [⟨box, [], []⟩]
  | _ :: _, [], _ => none
  | n :: ns, e :: es, box =>
    (executionFits grid ns es box).bind fun st =>
      if nodeFits grid st e n = true then
        (n.box grid st).bind fun b => (widen b e).map fun b => ⟨b, [], []⟩ :: st
      else none

theorem length_of_sameLength {box : Box} {e : List Nat} (h : sameLength box e = true) : e.length = box.length := by
  induction box generalizing e with
  | nil =>
    cases e with
    | nil => rfl
    | cons _ _ => exact absurd h (by simp [sameLength])
  | cons b bs ih =>
    cases e with
    | nil => exact absurd h (by simp [sameLength])
    | cons e es => rw [List.length_cons, List.length_cons, ih (show sameLength bs es = true from h)]

/-- A node that rounds nothing is near its exact values, whatever its noise. -/
theorem allNear_exact {grid : Nat} {box : Box} {v : Vec} {e : List Nat} (h : sameLength box e = true)
    (hv : InBox grid box v) : AllNear grid v e v :=
  Graph.allNear_self grid v e ((length_of_sameLength h).trans hv.length_eq)

theorem linear_near {grid scale : Nat} {a : List Nat} {box : Box} {rows : List (List Int)} {bias : List Int}
    {e : List Nat} {ys : List Nat} (h : binary32.LinearResult scale a rows bias ys)
    (hfit : linearFits grid scale (mags box) rows bias e = true) (ha : Every binary32.finite a)
    (hbox : InBox grid box (binary32.values a)) :
    Every binary32.finite ys ∧ AllNear grid (linearOut scale (binary32.values a) rows bias) e (binary32.values ys) := by
  induction rows generalizing bias e ys with
  | nil =>
    have h : ys = [] := h
    subst h
    cases e with
    | nil => exact ⟨trivial, trivial⟩
    | cons _ _ => exact absurd hfit (by simp [linearFits])
  | cons r rs ih =>
    cases bias with
    | nil =>
      have h : ys = [] := h
      subst h
      cases e with
      | nil => exact ⟨trivial, trivial⟩
      | cons _ _ => exact absurd hfit (by simp [linearFits])
    | cons b bs =>
      cases ys with
      | nil => exact False.elim h
      | cons y ys =>
        cases e with
        | nil => exact absurd hfit (by simp [linearFits])
        | cons e es =>
          rw [linearFits, Bool.and_eq_true] at hfit
          obtain ⟨hE, hfits⟩ := rowFits_sound hfit.1
          have ⟨hf, hn⟩ := row_near binary32 h.1 ha hbox (A := ratMagnitude grid scale _)
            (by rw [ratMagnitude_mul]; exact Rat.le_refl) hE hfits
          have ⟨hfs, hns⟩ := ih h.2 hfit.2
          exact ⟨⟨hf, hfs⟩, ⟨hn, hns⟩⟩

theorem hinge_near {grid : Nat} {f : Hinge} {a : List Nat} {box : Box} {e : List Nat} {ys : List Nat}
    (h : binary32.HingeResult grid f a ys) (hfit : sameLength box e = true) (ha : Every binary32.finite a)
    (hbox : InBox grid box (binary32.values a)) :
    Every binary32.finite ys ∧ AllNear grid (vmap (f.eval grid) (binary32.values a)) e (binary32.values ys) := by
  induction a generalizing box e ys with
  | nil =>
    have h : ys = [] := h
    subst h
    cases box with
    | nil =>
      cases e with
      | nil => exact ⟨trivial, trivial⟩
      | cons _ _ => exact absurd hfit (by simp [sameLength])
    | cons _ _ => exact False.elim hbox
  | cons x xs ih =>
    cases ys with
    | nil => exact False.elim h
    | cons y ys =>
      cases box with
      | nil => exact False.elim hbox
      | cons b bs =>
        cases e with
        | nil => exact absurd hfit (by simp [sameLength])
        | cons e es =>
          have ⟨hf, hv⟩ := h.1 ha.1
          have ⟨hfs, hns⟩ := ih h.2 (show sameLength bs es = true from hfit) ha.2 hbox.2
          refine ⟨⟨hf, hfs⟩, ⟨?_, hns⟩⟩
          rw [hv]
          exact Graph.near_self grid e _

theorem add_near {grid : Nat} {a b : List Nat} {abox bbox : Box} {e : List Nat} {ys : List Nat}
    (h : binary32.AddResult a b ys) (hfit : sumsFit grid abox bbox e = true)
    (ha : Every binary32.finite a) (hb : Every binary32.finite b)
    (habox : InBox grid abox (binary32.values a)) (hbbox : InBox grid bbox (binary32.values b)) :
    Every binary32.finite ys ∧ AllNear grid (vadd (binary32.values a) (binary32.values b)) e (binary32.values ys) := by
  induction a generalizing b abox bbox e ys with
  | nil =>
    have h : ys = [] := h
    subst h
    cases abox with
    | nil =>
      cases e with
      | nil => exact ⟨trivial, trivial⟩
      | cons _ _ => exact absurd hfit (by simp [sumsFit])
    | cons _ _ => exact False.elim habox
  | cons x xs ih =>
    cases abox with
    | nil => exact False.elim habox
    | cons xb xbs =>
      cases b with
      | nil =>
        have h : ys = [] := h
        subst h
        cases bbox with
        | nil =>
          cases e with
          | nil => exact ⟨trivial, trivial⟩
          | cons _ _ => exact absurd hfit (by simp [sumsFit])
        | cons _ _ => exact False.elim hbbox
      | cons z zs =>
        cases bbox with
        | nil => exact False.elim hbbox
        | cons zb zbs =>
          cases ys with
          | nil => exact False.elim h
          | cons y ys =>
            cases e with
            | nil => exact absurd hfit (by simp [sumsFit])
            | cons e es =>
              rw [sumsFit, Bool.and_eq_true] at hfit
              have hy : y = Float32.add x z := h.1
              subst hy
              have hx1 : (xb.1 : Rat) ≤ value x * pow2 grid := habox.1.1
              have hx2 : value x * pow2 grid ≤ xb.2 := habox.1.2
              have hz1 : (zb.1 : Rat) ≤ value z * pow2 grid := hbbox.1.1
              have hz2 : value z * pow2 grid ≤ zb.2 := hbbox.1.2
              have ⟨hf, hn⟩ := sum_near hfit.1 ha.1 hb.1 (abs_of_bounds (l := xb.1 + zb.1) (u := xb.2 + zb.2)
                (by rw [Rat.intCast_add]; grind) (by rw [Rat.intCast_add]; grind))
              have ⟨hfs, hns⟩ := ih h.2 hfit.2 ha.2 hb.2 habox.2 hbbox.2
              exact ⟨⟨hf, hfs⟩, ⟨hn, hns⟩⟩

/-- What binary32 makes of a node is finite and within its noise of the exact result. -/
theorem node_near {grid : Nat} {st : State} {env : List (List Nat)} {y e : List Nat} {n : Node}
    (h : binary32.NodeResult grid env y n) (hfit : nodeFits grid st e n = true)
    (henv : binary32.AllFinite env) (hst : StateOk grid st (binary32.valuesOf env)) :
    Every binary32.finite y ∧ AllNear grid (n.eval grid (binary32.valuesOf env)) e (binary32.values y) := by
  have inBox {p : Nat} {b : Box} (hb : State.boxAt st p = some b) :
      InBox grid b (binary32.values (numbersAt env p)) := by
    rw [values_numbersAt]
    exact boxAt_sound hst hb
  have finite (p : Nat) := finite_numbersAt binary32 henv p
  cases n with
  | linear p scale w b =>
    simp only [nodeFits] at hfit
    split at hfit
    · rename_i box hbox
      rw [Node.eval, ← values_numbersAt]
      exact linear_near h hfit (finite p) (inBox hbox)
    · exact absurd hfit (by simp)
  | hinge p f =>
    simp only [nodeFits] at hfit
    split at hfit
    · rename_i box hbox
      rw [Node.eval, ← values_numbersAt]
      exact hinge_near h hfit (finite p) (inBox hbox)
    · exact absurd hfit (by simp)
  | add p q =>
    simp only [nodeFits] at hfit
    split at hfit
    · rename_i a b ha hb
      rw [Node.eval, ← values_numbersAt, ← values_numbersAt]
      exact add_near h hfit (finite p) (finite q) (inBox ha) (inBox hb)
    · exact absurd hfit (by simp)
  | concat p q =>
    simp only [nodeFits] at hfit
    split at hfit
    · rename_i a b ha hb
      have h : y = glue (numbersAt env p) (numbersAt env q) := h
      subst h
      rw [Node.eval, ← values_numbersAt, ← values_numbersAt, values_glue]
      exact ⟨every_glue binary32 (finite p) (finite q), allNear_exact hfit (joined_sound (inBox ha) (inBox hb))⟩
    · exact absurd hfit (by simp)

/-- **The bridge.** Every binary32 execution on a finite input in the box is finite and is a run of the noisy
network, within the propagated intervals. -/
theorem bridge {grid : Nat} {nodes : List Node} {noise : Noise} {box : Box} {x : List Nat} {env : List (List Nat)}
    {st : State} (h : Exec binary32 grid nodes x env) (hfit : executionFits grid nodes noise box = some st)
    (hx : Every binary32.finite x) (hbox : InBox grid box (binary32.values x)) :
    binary32.AllFinite env ∧ Run grid nodes noise (binary32.values x) (binary32.valuesOf env) ∧
      StateOk grid st (binary32.valuesOf env) := by
  induction nodes generalizing noise env st with
  | nil =>
    have h : env = [x] := h
    subst h
    have hfit : [(⟨box, [], []⟩ : Entry)] = st := Option.some.inj hfit
    subst hfit
    exact ⟨⟨hx, trivial⟩, rfl, ⟨hbox, trivial⟩⟩
  | cons n ns ih =>
    cases env with
    | nil => exact False.elim h
    | cons y env =>
      cases noise with
      | nil => exact absurd hfit (by simp [executionFits])
      | cons e es =>
        rw [executionFits, Option.bind_eq_some_iff] at hfit
        obtain ⟨st', hst', hfit⟩ := hfit
        have ⟨hfin, hrun, hok⟩ := ih h.1 hst'
        split at hfit
        · rename_i hnode
          rw [Option.bind_eq_some_iff] at hfit
          obtain ⟨b, hb, hfit⟩ := hfit
          rw [Option.map_eq_some_iff] at hfit
          obtain ⟨b', hb', hfit⟩ := hfit
          subst hfit
          have ⟨hf, hn⟩ := node_near h.2 hnode hfin hok
          exact ⟨⟨hf, hfin⟩, ⟨hrun, hn⟩, ⟨widen_sound (Node.box_sound hok hb) hn hb', hok⟩⟩
        · exact absurd hfit (by simp)

/-- **What is proved of the noisy network holds of every binary32 execution**, in any order of summation, with or
without fused multiply-adds; and its outputs are finite. -/
theorem execution_satisfies {grid : Nat} {nodes : List Node} {noise : Noise} {box : Box} {goal : Formula}
    (hclaim : Claim grid nodes noise box goal) {st : State} (hfit : executionFits grid nodes noise box = some st)
    {x y : List Nat} {env : List (List Nat)} (hx : Every binary32.finite x) (hbox : InBox grid box (binary32.values x))
    (h : Exec binary32 grid nodes x (y :: env)) :
    Every binary32.finite y ∧ goal.Holds (binary32.values y) := by
  have ⟨hfin, hrun, _⟩ := bridge h hfit hx hbox
  exact ⟨hfin.1, hclaim _ _ _ hbox hrun⟩

/-- What is proved of a network whose last node is no operation of the program but the margin of a claim, an exact
function of what the program computes, holds of that function of every binary32 execution of the program. -/
theorem margin_satisfies {grid : Nat} {top : Node} {nodes : List Node} {e : List Nat} {noise : Noise} {box b : Box}
    {goal : Formula} (hclaim : Claim grid (top :: nodes) (e :: noise) box goal) {st : State}
    (hfit : executionFits grid nodes noise box = some st) (hb : top.box grid st = some b)
    (he : sameLength b e = true) {x : List Nat} {env : List (List Nat)} (hx : Every binary32.finite x)
    (hbox : InBox grid box (binary32.values x)) (h : Exec binary32 grid nodes x env) :
    binary32.AllFinite env ∧ goal.Holds (top.eval grid (binary32.valuesOf env)) := by
  have ⟨hfin, hrun, hok⟩ := bridge h hfit hx hbox
  exact ⟨hfin, hclaim _ _ _ hbox ⟨hrun, allNear_exact he (Node.box_sound hok hb)⟩⟩

end TorchLean
