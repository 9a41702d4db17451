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
network holds of it (`executions_satisfy`): the second theorem of a certificate.
-/

public noncomputable section
namespace TorchLean
open TorchLean.Float32

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

theorem first_of_true {α : Type} (x y : α) : (bif true then x else y) = x := rfl

theorem second_of_false {α : Type} (x y : α) : (bif false then x else y) = y := rfl

theorem covered_near {grid scale : Nat} {a : List Nat} {box : Box} {row : List Int} {bias : Int} {e y : Nat}
    (h : binary32.RowResult scale row bias a y) (hfit : rowCovered grid scale (mags box) row bias e = true)
    (ha : Every binary32.finite a) (hbox : InBox grid box (binary32.values a)) :
    Float32.Finite y ∧ Near grid ((dot row (binary32.values a) + bias) / pow2 scale) e (value y) := by
  rw [rowCovered, forceNat_eq, forceNat_eq] at hfit
  have near {p n : Nat} (hp : plainRow (2 ^ scale) row = true ∨ (p ≠ 0 ∧ nonzeros row ≤ n))
      (hfit : rowFits grid scale (rowTerms row bias - 1 + p) n (rowMagnitude grid row bias (mags box)) e = true) :=
    have ⟨hE, hfits⟩ := rowFits_sound (m := rowTerms row bias) hfit
    row_near binary32 h ha hbox hp (A := ratMagnitude grid scale _) (by rw [ratMagnitude_mul]; exact Rat.le_refl)
      hE hfits
  cases hplain : plainRow (2 ^ scale) row with
  | true =>
    rw [hplain, first_of_true] at hfit
    exact near (p := 0) (n := 0) (.inl hplain) hfit
  | false =>
    rw [hplain, second_of_false] at hfit
    exact near (p := 1) (n := nonzeros row) (.inr ⟨Nat.one_ne_zero, Nat.le_refl _⟩) hfit

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
          have hrow := hfit.1
          rw [forceInts_eq] at hrow
          have ⟨hf, hn⟩ := covered_near h.1 hrow ha hbox
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
theorem node_near {grid : Nat} {st : State} {ns : List Node} {roles : List Role} {x : List Nat} {env : List (List Nat)}
    {y e : List Nat} {n : Node} (hexec : Exec binary32 grid ns roles x env)
    (h : binary32.NodeResult grid env y n) (hfit : nodeFits grid st roles e n = true)
    (henv : binary32.AllFinite env) (hst : StateOk grid st (binary32.valuesOf grid ns roles env)) :
    Every binary32.finite y ∧
      AllNear grid (n.eval grid (binary32.valuesOf grid ns roles env)) e (binary32.values y) := by
  have inBox {p : Nat} {b : Box} (hp : solid roles p = true) (hb : State.boxAt st p = some b) :
      InBox grid b (binary32.values (numbersAt env p)) := by
    rw [values_numbersAt binary32 hexec hp]
    exact boxAt_sound hst hb
  have finite (p : Nat) := finite_numbersAt binary32 henv p
  have value {p : Nat} (hp : solid roles p = true) := values_numbersAt binary32 hexec hp
  cases n with
  | linear p scale w b =>
    simp only [nodeFits, Bool.and_eq_true] at hfit
    obtain ⟨hp, hfit⟩ := hfit
    split at hfit
    · rename_i box hbox
      rw [Node.eval, ← value hp]
      rw [forceNats_eq] at hfit
      exact linear_near h hfit (finite p) (inBox hp hbox)
    · exact absurd hfit (by simp)
  | hinge p f =>
    simp only [nodeFits, Bool.and_eq_true] at hfit
    obtain ⟨hp, hfit⟩ := hfit
    split at hfit
    · rename_i box hbox
      rw [Node.eval, ← value hp]
      exact hinge_near h hfit (finite p) (inBox hp hbox)
    · exact absurd hfit (by simp)
  | add p q =>
    simp only [nodeFits, Bool.and_eq_true] at hfit
    obtain ⟨⟨hp, hq⟩, hfit⟩ := hfit
    split at hfit
    · rename_i a b ha hb
      rw [Node.eval, ← value hp, ← value hq]
      exact add_near h hfit (finite p) (finite q) (inBox hp ha) (inBox hq hb)
    · exact absurd hfit (by simp)
  | concat p q =>
    simp only [nodeFits, Bool.and_eq_true] at hfit
    obtain ⟨⟨hp, hq⟩, hfit⟩ := hfit
    split at hfit
    · rename_i a b ha hb
      have h : y = glue (numbersAt env p) (numbersAt env q) := h
      subst h
      rw [Node.eval, ← value hp, ← value hq, values_glue]
      exact ⟨every_glue binary32 (finite p) (finite q), allNear_exact hfit (joined_sound (inBox hp ha) (inBox hq hb))⟩
    · exact absurd hfit (by simp)

/-- **The bridge.** Every binary32 execution on a finite input in the box is finite and is a run of the noisy
network, within the propagated intervals. -/
theorem bridge {grid : Nat} {nodes : List Node} {roles : List Role} {noise : Noise} {box : Box} {x : List Nat}
    {env : List (List Nat)} {st : State} (h : Exec binary32 grid nodes roles x env)
    (hfit : propagated grid nodes roles noise box = some st)
    (hx : Every binary32.finite x) (hbox : InBox grid box (binary32.values x)) :
    binary32.AllFinite env ∧ Run grid nodes noise (binary32.values x) (binary32.valuesOf grid nodes roles env) ∧
      StateOk grid st (binary32.valuesOf grid nodes roles env) := by
  induction nodes generalizing roles noise env st with
  | nil =>
    have h : env = [x] := h
    subst h
    have hfit : [(⟨box, [], []⟩ : Entry)] = st := Option.some.inj hfit
    subst hfit
    exact ⟨⟨hx, trivial⟩, rfl, ⟨hbox, trivial⟩⟩
  | cons n ns ih =>
    match roles, env, h with
    | r :: rs, y :: env, ⟨hexec, hstep⟩ =>
      cases noise with
      | nil => exact absurd hfit (by simp [propagated])
      | cons e es =>
        rw [propagated, Option.bind_eq_some_iff] at hfit
        obtain ⟨st', hst', hfit⟩ := hfit
        have ⟨hfin, hrun, hok⟩ := ih hexec hst'
        rw [Option.bind_eq_some_iff] at hfit
        obtain ⟨b, hb, hfit⟩ := hfit
        have hin := Node.box_sound hok hb
        split at hfit
        · rename_i hnode
          rw [Option.bind_eq_some_iff] at hfit
          obtain ⟨b', hb', hfit⟩ := hfit
          rw [forceBox_eq] at hfit
          have hfit := Option.some.inj hfit
          subst hfit
          cases r with
          | operation =>
            have ⟨hf, hn⟩ := node_near hexec hstep hnode hfin hok
            exact ⟨⟨hf, hfin⟩, ⟨hrun, hn⟩, ⟨widen_sound hin hn hb', hok⟩⟩
          | choice =>
            have ⟨hf, hv⟩ := hstep hfin
            have hn : AllNear grid (n.eval grid (binary32.valuesOf grid ns rs env)) e (binary32.values y) := by
              rw [hv]
              exact allNear_exact hnode hin
            exact ⟨⟨hf, hfin⟩, ⟨hrun, hn⟩, ⟨widen_sound hin hn hb', hok⟩⟩
          | thought =>
            have hy : y = [] := hstep
            subst hy
            have hn := allNear_exact hnode hin
            exact ⟨⟨trivial, hfin⟩, ⟨hrun, hn⟩, ⟨widen_sound hin hn hb', hok⟩⟩
        · exact absurd hfit (by simp)

/-- **What is proved of the noisy network holds of every binary32 execution**, in any order of summation, with or
without fused multiply-adds; and all its numbers are finite. -/
theorem executions_satisfy {grid : Nat} {nodes : List Node} {roles : List Role} {noise : Noise} {box : Box}
    {goal : Formula} (hclaim : Claim grid nodes noise box goal)
    (hfit : executionFits grid nodes roles noise box = true) : Executions binary32 grid nodes roles box goal := by
  intro x env hx hbox h
  unfold executionFits at hfit
  split at hfit
  · rename_i st hst
    have ⟨hfin, hrun, hok⟩ := bridge h hst hx hbox
    refine ⟨hfin, ?_⟩
    match hvals : binary32.valuesOf grid nodes roles env with
    | [] =>
      rw [hvals] at hrun
      cases nodes with
      | nil => exact absurd hrun (by simp [Run])
      | cons _ _ => cases noise <;> exact False.elim hrun
    | y :: below =>
      rw [hvals] at hrun
      exact ⟨y, below, rfl, hclaim _ _ _ hbox hrun⟩
  · exact absurd hfit (by simp)

end TorchLean
