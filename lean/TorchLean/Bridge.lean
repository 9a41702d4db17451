module
prelude
public import TorchLean.Totals
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

theorem covered_near {grid scale p k n D : Nat} {a : List Nat} {box : Box} {row : List Int} {bias : Int} {e y : Nat}
    (h : binary32.RowResult scale row bias a y) (hfit : rowCovered grid scale (k + p) n D bias e = true)
    (hD : dotAbs row (mags box) ≤ D) (hp : plainRow (2 ^ scale) row = true ∨ (p ≠ 0 ∧ nonzeros row ≤ n))
    (hk : rowTerms row bias ≤ k + 1) (ha : Every binary32.finite a) (hbox : InBox grid box (binary32.values a)) :
    Float32.Finite y ∧ Near grid ((dot row (binary32.values a) + bias) / pow2 scale) e (value y) := by
  rw [rowCovered, forceNat_eq, Fast.abs_eq] at hfit
  have ⟨hE, hfits⟩ := rowFits_sound (m := k + 1) hfit
  refine row_near binary32 h ha hbox hp hk (A := ratMagnitude grid scale _) ?_ hE hfits
  rw [ratMagnitude_mul]
  exact Rat.natCast_le_natCast.mpr (Nat.add_le_add_right hD _)

theorem rows_near {grid scale bits width : Nat} {a : List Nat} {box : Box} {rows : List Row} {bias : List Int}
    {plain : Bool} {e : List Nat} {ys : List Nat}
    (h : binary32.LinearResult scale a (rowsInts width (size box) rows) bias ys)
    (hfit : rowsFit grid scale (size box) (2 ^ width) ((2 ^ width) ^ size box) (reversed (2 ^ width) magPart box 0)
      (reversed (2 ^ width) onePart box 0) plain rows bias e = true)
    (hplain : plain = true → bits ≤ 1 ∧ scale = 0) (hf : fieldsBelow bits width (size box) rows = true)
    (hs : boxAbs box * 2 ^ bits + 1 < 2 ^ width) (hs1 : size box * 2 ^ bits + 1 < 2 ^ width)
    (ha : Every binary32.finite a) (hbox : InBox grid box (binary32.values a)) :
    Every binary32.finite ys ∧
      AllNear grid (linearOut scale (binary32.values a) (rowsInts width (size box) rows) bias) e
        (binary32.values ys) := by
  induction rows generalizing bias e ys with
  | nil =>
    have h : ys = [] := h
    subst h
    cases e with
    | nil => exact ⟨trivial, trivial⟩
    | cons _ _ => exact (Bool.false_ne_true hfit).elim
  | cons r rs ih =>
    cases bias with
    | nil =>
      have h : ys = [] := h
      subst h
      cases e with
      | nil => exact ⟨trivial, trivial⟩
      | cons _ _ => exact (Bool.false_ne_true hfit).elim
    | cons b bs =>
      cases ys with
      | nil => exact False.elim h
      | cons y ys =>
        cases e with
        | nil => exact (Bool.false_ne_true hfit).elim
        | cons e es =>
          rw [rowsFit_cons] at hfit
          simp only [fieldsBelow, Bool.and_eq_true] at hf
          obtain ⟨⟨hp, hn⟩, hf⟩ := hf
          have ⟨hfs, hns⟩ := ih h.2 hfit.2 hf
          have hrow := hfit.1
          rw [rowRounded] at hrow
          have hpa := atMost_of_allBelow hp
          have hna := atMost_of_allBelow hn
          have hmag := Nat.mul_le_mul_right (2 ^ bits) (magPart_sum box)
          have hone := onePart_sum box
          have total : r.total (2 ^ width) ((2 ^ width) ^ size box) (reversed (2 ^ width) magPart box 0)
              = digitDot (2 ^ width) magPart r.pos box + digitDot (2 ^ width) magPart r.neg box := by
            rw [Row.total, digit_of hpa (by omega), digit_of hna (by omega)]
            rfl
          have count : r.total (2 ^ width) ((2 ^ width) ^ size box) (reversed (2 ^ width) onePart box 0)
              = digitDot (2 ^ width) onePart r.pos box + digitDot (2 ^ width) onePart r.neg box := by
            rw [Row.total, digit_of hpa (by rw [hone]; exact hs1), digit_of hna (by rw [hone]; exact hs1)]
            rfl
          have hD : dotAbs (r.ints width (size box)) (mags box) ≤ _ := total ▸ dotAbs_le width box r.pos r.neg
          have near : Float32.Finite y ∧
              Near grid ((dot (r.ints width (size box)) (binary32.values a) + b) / pow2 scale) e (value y) := by
            cases plain with
            | true =>
              rw [first_of_true, forceNat_eq] at hrow
              obtain ⟨hb, hscale⟩ := hplain rfl
              subst hscale
              refine covered_near h.1 hrow hD (.inl (plain_of hb width (size box) r.pos r.neg hp hn)) ?_ ha hbox
              have hc := nonzeros_le_total width box r.pos r.neg
              rw [← count] at hc
              have hc : nonzeros (r.ints width (size box)) ≤ _ := hc
              rw [rowTerms, Nat.add_eq]
              omega
            | false =>
              rw [second_of_false] at hrow
              have hc : nonzeros (r.ints width (size box)) ≤ size box := nonzeros_le width (size box) r.pos r.neg
              refine covered_near h.1 hrow hD (.inr ⟨Nat.one_ne_zero, hc⟩) ?_ ha hbox
              rw [rowTerms]
              omega
          exact ⟨⟨near.1, hfs⟩, ⟨near.2, hns⟩⟩

theorem linear_near {grid bits scale : Nat} {a : List Nat} {box : Box} {w : Mat} {bias : List Int} {e : List Nat}
    {ys : List Nat} (h : binary32.LinearResult scale a w.ints bias ys)
    (hfit : linearFits grid bits scale box w bias e = true) (hf : fieldsBelow bits w.width w.cols w.rows = true)
    (ha : Every binary32.finite a) (hbox : InBox grid box (binary32.values a)) :
    Every binary32.finite ys ∧
      AllNear grid (linearOut scale (binary32.values a) w.ints bias) e (binary32.values ys) := by
  simp only [linearFits, Bool.and_eq_true, forceNat_eq, Loops.size_eq, Loops.boxAbs_eq, Loops.reversed_eq] at hfit
  obtain ⟨⟨hsize, hs, hs1⟩, hrows⟩ := hfit
  have hsize : size box = w.cols := Nat.eq_of_beq_eq_true hsize
  have hs := Nat.blt_eq.mp hs
  have hs1 := Nat.blt_eq.mp hs1
  rw [Mat.ints] at h ⊢
  rw [← hsize] at h hf hs1 hrows ⊢
  refine rows_near h hrows (fun hplain => ?_) hf hs hs1 ha hbox
  rw [Bool.and_eq_true] at hplain
  exact ⟨Nat.le_of_ble_eq_true hplain.1, Nat.eq_of_beq_eq_true hplain.2⟩

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
theorem node_near {grid bits : Nat} {st : State} {ns : List Node} {roles : List Role} {x : List Nat}
    {env : List (List Nat)} {y e : List Nat} {n : Node} (hexec : Exec binary32 grid ns roles x env)
    (h : binary32.NodeResult grid env y n) (hfit : nodeFits grid bits st roles e n = true) (hn : n.Formed bits)
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
      exact linear_near h hfit hn (finite p) (inBox hp hbox)
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
theorem bridge {grid : Nat} {nodes : List Node} {roles : List Role} {noise : Noise} {bits : Bits} {box : Box}
    {x : List Nat} {env : List (List Nat)} {st : State} (h : Exec binary32 grid nodes roles x env)
    (hw : wellFormed nodes bits = true) (hfit : propagated grid nodes roles noise bits box = some st)
    (hx : Every binary32.finite x) (hbox : InBox grid box (binary32.values x)) :
    binary32.AllFinite env ∧ Run grid nodes noise (binary32.values x) (binary32.valuesOf grid nodes roles env) ∧
      StateOk grid st (binary32.valuesOf grid nodes roles env) := by
  induction nodes generalizing roles noise bits env st with
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
       cases bits with
       | nil => exact absurd hfit (by simp [propagated])
       | cons w ws =>
        obtain ⟨hformed, hw⟩ : n.Formed w ∧ wellFormed ns ws = true := by
          cases n <;> simp only [wellFormed, Fields.below_eq, Bool.and_eq_true] at hw <;>
            first | exact hw | exact ⟨trivial, hw⟩
        rw [propagated, Option.bind_eq_some_iff] at hfit
        obtain ⟨st', hst', hfit⟩ := hfit
        have ⟨hfin, hrun, hok⟩ := ih hexec hw hst'
        have hnode : stepFits grid w st' rs e n r = true := by
          cases hs : stepFits grid w st' rs e n r with
          | true => rfl
          | false => exact absurd (hs ▸ hfit) (by simp)
        rw [hnode, cond_true, nodeBox_interval, Option.bind_eq_some_iff] at hfit
        obtain ⟨b', hb', hfit⟩ := hfit
        obtain ⟨b, hb, hb'⟩ := Option.bind_eq_some_iff.mp hb'
        have hfit := Option.some.inj hfit
        subst hfit
        have hin := Node.packedBox_sound hformed hok hb
        have hexact := allNear_exact (sameLength_of_widen hb') hin
        cases r with
        | operation =>
          have ⟨hf, hn⟩ := node_near hexec hstep hnode hformed hfin hok
          exact ⟨⟨hf, hfin⟩, ⟨hrun, hn⟩, ⟨widen_sound hin hn hb', hok⟩⟩
        | choice =>
          have ⟨hf, hv⟩ := hstep hfin
          have hn : AllNear grid (n.eval grid (binary32.valuesOf grid ns rs env)) e (binary32.values y) := by
            rw [hv]
            exact hexact
          exact ⟨⟨hf, hfin⟩, ⟨hrun, hn⟩, ⟨widen_sound hin hn hb', hok⟩⟩
        | thought =>
          have hy : y = [] := hstep
          subst hy
          exact ⟨⟨trivial, hfin⟩, ⟨hrun, hexact⟩, ⟨widen_sound hin hexact hb', hok⟩⟩

/-- What the checker accepts has matrices that keep to their fields. -/
theorem formed_of_check {P : Params} {nodes : List Node} {noise : Noise} {bits : Bits} {box : Box} {goal : Formula}
    {plan : Plan} (h : check P nodes noise bits box goal plan = true) : wellFormed nodes bits = true := by
  simp only [check, Bool.and_eq_true] at h
  exact h.1

/-- **What is proved of the noisy network holds of every binary32 execution**, in any order of summation, with or
without fused multiply-adds; and all its numbers are finite. -/
theorem executions_satisfy {grid : Nat} {nodes : List Node} {roles : List Role} {noise : Noise} {bits : Bits}
    {box : Box} {goal : Formula} (hclaim : Claim grid nodes noise box goal) (hw : wellFormed nodes bits = true)
    (hfit : executionFits grid nodes roles noise bits box = true) : Executions binary32 grid nodes roles box goal := by
  intro x env hx hbox h
  unfold executionFits at hfit
  split at hfit
  · rename_i st hst
    have ⟨hfin, hrun, hok⟩ := bridge h hw hst hx hbox
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
