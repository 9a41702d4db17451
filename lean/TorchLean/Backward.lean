module

prelude
public import TorchLean.Check
public import TorchLean.Packed
public import TorchLean.Lines

/-!
# Backward bounds are bounds

A backward pass carries rows of coefficients, one for each node and the input, and a constant. Read on the values
of a run they are a number, `total rows env * 2^grid + const`, and the pass keeps one inequality: that this number is at
most `2^scale * T * 2^grid`, where `T` is the quantity to be bounded. Each node moves its row to its operands
(`linear_backward`, `hinge_backward`, ...); below the last node only the input's row is left, and its box bounds it.

The inequality is kept multiplied by `2^grid`, so that no quotients occur.
-/

public section

namespace TorchLean

/-- `Σ rowᵢ · valueᵢ`: what rows of coefficients are worth on the values of a run. -/
@[expose] def total : List (List Int) → List Vec → Rat
  | r :: rs, v :: vs => dot r v + total rs vs
  | _, _ => 0

theorem total_noRows (ns : List Node) (env : List Vec) : total (noRows ns) env = 0 := by
  induction ns generalizing env with
  | nil => cases env <;> simp [noRows, total, dot] ; grind
  | cons n ns ih => cases env <;> simp [noRows, total, dot, ih] ; grind

theorem total_scaleRows (k : Nat) (rows : List (List Int)) (env : List Vec) :
    total (scaleRows k rows) env = pow2 k * total rows env := by
  induction rows generalizing env with
  | nil => simp only [scaleRows, total]; grind
  | cons r rs ih =>
    cases env with
    | nil => simp only [scaleRows, total]; grind
    | cons v vs => simp only [scaleRows, total, dot_scaleRow, ih]; grind

/-- Adding a row to an operand's adds what the row is worth on the operand. -/
theorem total_addAt {p : Nat} {r : List Int} {rows rows' : List (List Int)} (h : addAt p r rows = some rows')
    (env : List Vec) : total rows' env = total rows env + dot r (operand env p) := by
  induction rows generalizing p rows' env with
  | nil => cases p <;> simp [addAt] at h
  | cons c cs ih =>
    cases p with
    | zero =>
      simp only [addAt, Option.some.injEq] at h
      subst h
      cases env with
      | nil => cases r <;> simp [total, operand, dot] <;> grind
      | cons v vs => simp only [total, operand, dot_addRows]; grind
    | succ p =>
      simp only [addAt, Option.map_eq_some_iff] at h
      obtain ⟨ds, hd, rfl⟩ := h
      cases env with
      | nil => cases r <;> simp [total, operand, dot] <;> grind
      | cons v vs => simp only [total, operand, ih hd]; grind

/-! ## Dropping digits -/

/-- A row is its quotients times `2^k` and remainders, which are worth at least their share of the lower bounds. -/
theorem floorRow_sound {grid k : Nat} {b : Box} {v : Vec} (r : List Int) (h : InBox grid b v) :
    pow2 k * dot (floorRow k r) v * pow2 grid + remainders k r b ≤ dot r v * pow2 grid := by
  induction r generalizing b v with
  | nil => simp only [floorRow, dot, remainders]; grind
  | cons c cs ih =>
    cases b with
    | nil => cases v with
      | nil => simp only [floorRow, dot, remainders]; grind
      | cons x xs => exact h.elim
    | cons i b => cases v with
      | nil => exact h.elim
      | cons x xs =>
        obtain ⟨⟨hl, -⟩, h⟩ := h
        have ih := ih h
        have hp := Rat.mul_le_mul_of_nonneg_left hl (intCast_nonneg (remainder_nonneg c k))
        simp only [floorRow, dot, remainders, Rat.intCast_add, Rat.intCast_mul]
        rw [floorShift_cast c k]
        grind

/-- Shortened rows and what they are worth are together no more than the rows. -/
theorem absorb_sound {grid k : Nat} {st : State} {env : List Vec} (rows : List (List Int)) (h : StateOk grid st env) :
    pow2 k * total (absorb k rows st).1 env * pow2 grid + (absorb k rows st).2 ≤ total rows env * pow2 grid := by
  induction rows generalizing st env with
  | nil => cases st <;> simp only [absorb, total] <;> grind
  | cons r rs ih =>
    cases st with
    | nil => cases env with
      | nil => simp only [absorb, total]; grind
      | cons v vs => exact h.elim
    | cons e st => cases env with
      | nil => exact h.elim
      | cons v vs =>
        have ih := ih h.2
        have hr := floorRow_sound (k := k) r h.1
        simp only [absorb, total, Rat.intCast_add]
        grind

/-! ## The pass -/

/-- What the pass needs of a node beyond its box: shapes that fit, and lines that hold. -/
@[expose] def NodeOk (P : Params) (n : Node) (entry : Entry) (env : List Vec) (y : Vec) : Prop :=
  match n with
  | .linear _ _ w bias => w.ints.length = bias.length
  | .hinge p _ => LinesOk P entry.below entry.above (operand env p) y
  | .add p q => (operand env p).length = (operand env q).length
  | .concat _ _ => True

/-- What is known is true of these values: boxes hold them, shapes fit, lines lie below and above. -/
@[expose] def Valid (P : Params) : List Node → State → List Vec → Prop
  | [], [e], [x] => InBox P.grid e.box x
  | n :: ns, e :: st, y :: env => InBox P.grid e.box y ∧ NodeOk P n e env y ∧ Valid P ns st env
  | _, _, _ => False

theorem Valid.stateOk {P : Params} {ns : List Node} {st : State} {env : List Vec} (h : Valid P ns st env) :
    StateOk P.grid st env := by
  induction ns generalizing st env with
  | nil => match st, env, h with
    | [e], [x], h => exact ⟨h, trivial⟩
  | cons n ns ih => match st, env, h with
    | e :: st, y :: env, h => exact ⟨h.1, ih h.2.2⟩

theorem le_of_floorShift {n : Int} {k : Nat} {X : Rat} (h : (n : Rat) ≤ pow2 k * X) : (floorShift n k : Rat) ≤ X := by
  have h1 := floorShift_le n k
  have h2 : pow2 k * (floorShift n k : Rat) ≤ pow2 k * X := by grind
  exact Rat.le_of_mul_le_mul_left h2 (pow2_pos k)

theorem le_mul_pow2 {a b : Rat} (k : Nat) (h : a ≤ b) : pow2 k * a ≤ pow2 k * b :=
  Rat.mul_le_mul_of_nonneg_left h (Rat.le_of_lt (pow2_pos k))

/-- Dropping `k` digits of the rows keeps the pass's inequality, at a scale that is less by `k`. -/
theorem absorb_step {grid k places : Nat} {st : State} {env : List Vec} {rows : List (List Int)} {d : Int} {T : Rat}
    (hs : StateOk grid st env) (h : total rows env * pow2 grid + d ≤ pow2 (places + k) * T * pow2 grid) :
    total (absorb k rows st).1 env * pow2 grid + floorShift (d + (absorb k rows st).2) k
      ≤ pow2 places * T * pow2 grid := by
  have ha := absorb_sound (k := k) rows hs
  rw [pow2_add] at h
  have hf : (floorShift (d + (absorb k rows st).2) k : Rat)
      ≤ pow2 places * T * pow2 grid - total (absorb k rows st).1 env * pow2 grid := by
    refine le_of_floorShift ?_
    rw [Rat.intCast_add]
    grind
  grind

/-- **Backward bounds.** `T * 2^grid` is at least the result of a backward pass, if `T * 2^scale` is at least what the
rows are worth on the values of the run, plus the constant in units of `2^-grid`. -/
theorem back_sound {P : Params} {T : Rat} {l : Int} {ns : List Node} {es : Noise} {ws : Bits} {st : State}
    {rows : List (List Int)} {scale : Nat} {const : Int} {x : Vec} {env : List Vec}
    (hw : wellFormed ns ws = true) (hr : Run P.grid ns es x env) (hv : Valid P ns st env)
    (hb : back P ns es ws st rows scale const = some l)
    (h : total rows env * pow2 P.grid + const ≤ pow2 scale * T * pow2 P.grid) : (l : Rat) ≤ T * pow2 P.grid := by
  induction ns generalizing es ws st rows scale const env with
  | nil =>
    match st, env, hv with
    | [e], [x'], hv =>
      match rows, hb with
      | [row], hb =>
        simp only [back, Loops.lowest_eq, Fast.add_eq, Option.some.injEq] at hb
        subst hb
        refine le_of_floorShift ?_
        have := lowest_le row hv
        simp only [total] at h
        rw [Rat.intCast_add]
        grind
  | cons n ns ih =>
    match es, ws, st, env, rows, hr, hv, hb with
    | e :: es, w :: ws, entry :: st, y :: env, row :: rows, ⟨hrun, hy⟩, ⟨_, hn, hval⟩, hb =>
      match row, hb with
      | [], hb =>
        have hw' : wellFormed ns ws = true := by
          cases n <;> simp only [wellFormed, Fields.below_eq, Bool.and_eq_true] at hw <;>
            first | exact hw | exact hw.2
        refine ih hw' hrun hval hb ?_
        simp only [total, dot_nil] at h
        grind
      | c :: cs, hb =>
        simp only [total] at h
        cases n with
        | linear p s mat bias =>
          simp only [wellFormed, Fields.below_eq, Bool.and_eq_true] at hw
          simp only [back, Loops.product_eq, Loops.dotInt_eq, Loops.dotAbs_eq, Loops.absorb_eq, Fast.add_eq,
            Fast.sub_eq, Int.ofNat_eq_natCast, Option.bind_eq_some_iff] at hb
          obtain ⟨r, hp, rows', ha, hb⟩ := hb
          have hd := product_sound hw.1 hp
          have ht := total_addAt ha env
          have hl := linear_backward (c :: cs) hn hy
          rw [hd, total_scaleRows] at ht
          have hs := le_mul_pow2 s h
          have hl' := le_mul_pow2 P.grid hl
          have hnoise := div_mul_pow2 ((dotAbs (c :: cs) e : Nat) * pow2 s) P.grid
          have key : total rows' env * pow2 P.grid
              + ((shiftLeft const s + shiftLeft (dotInt (c :: cs) bias) P.grid
                - shiftLeft (dotAbs (c :: cs) e) s : Int) : Rat)
              ≤ pow2 (scale + s) * T * pow2 P.grid := by
            rw [ht, pow2_add, Rat.intCast_sub, Rat.intCast_add, shiftLeft_cast, shiftLeft_cast, shiftLeft_cast,
              Rat.intCast_natCast]
            grind
          split at hb
          · rename_i hk
            rw [forceInt_eq] at hb
            have hk : scale + s = P.places + (scale + s - P.places) := by
              have := Nat.blt_eq.mp hk
              omega
            refine ih hw.2 hrun hval hb (absorb_step hval.stateOk ?_)
            rw [← hk]
            exact key
          · rw [forceInt_eq] at hb
            exact ih hw.2 hrun hval hb key
        | hinge p f =>
          simp only [wellFormed] at hw
          simp only [back, Loops.through_eq, Fast.add_eq, Option.bind_eq_some_iff, forceInt_eq] at hb
          obtain ⟨rows', ha, hb⟩ := hb
          refine ih hw hrun hval hb ?_
          have ht := total_addAt ha env
          have hl := hinge_backward (c :: cs) hn
          have hs := le_mul_pow2 P.slopes h
          rw [total_scaleRows] at ht
          rw [ht, pow2_add, Rat.intCast_add, shiftLeft_cast]
          grind
        | add p q =>
          simp only [wellFormed] at hw
          simp only [back, Loops.dotAbs_eq, Fast.sub_eq, Int.ofNat_eq_natCast, Option.bind_eq_some_iff,
            forceInt_eq] at hb
          obtain ⟨rows', ha, rows'', ha', hb⟩ := hb
          refine ih hw hrun hval hb ?_
          have hl := le_mul_pow2 P.grid (add_backward (c :: cs) hn hy)
          have hd := div_mul_pow2 (dotAbs (c :: cs) e : Nat) P.grid
          rw [total_addAt ha' env, total_addAt ha env, Rat.intCast_sub, Rat.intCast_natCast]
          grind
        | concat p q =>
          simp only [wellFormed] at hw
          simp only [back, Loops.dotAbs_eq, Fast.sub_eq, Int.ofNat_eq_natCast, Option.bind_eq_some_iff,
            forceInt_eq] at hb
          obtain ⟨left, hleft, rows', ha, rows'', ha', hb⟩ := hb
          refine ih hw hrun hval hb ?_
          have hlen := size_eq (boxAt_sound hval.stateOk hleft)
          rw [hlen] at ha ha'
          have hl := le_mul_pow2 P.grid (concat_backward (c :: cs) hy)
          have hd := div_mul_pow2 (dotAbs (c :: cs) e : Nat) P.grid
          rw [total_addAt ha' env, total_addAt ha env, Rat.intCast_sub, Rat.intCast_natCast]
          grind

/-- Backward bounds of the elements of a linear node. -/
theorem backRows_sound {P : Params} {ns : List Node} {es : Noise} {ws : Bits} {st : State} {p s : Nat} {both : Bool}
    {x : Vec} {env : List Vec} {rows : List (List Int)} {bias : List Int} {errs : List Nat} {box : Box} {y : Vec}
    {b : Box} (hw : wellFormed ns ws = true) (hr : Run P.grid ns es x env) (hv : Valid P ns st env)
    (hy : AllNear P.grid (linearOut s (operand env p) rows bias) errs y) (hbox : InBox P.grid box y)
    (h : backRows P ns es ws st p s both rows bias errs box = some b) : InBox P.grid b y := by
  induction rows generalizing bias errs box y b with
  | nil =>
    match bias, errs, box, y, h, hy with
    | [], [], [], [], h, _ =>
      simp only [backRows, Option.some.injEq] at h
      subst h
      trivial
  | cons r rs ih =>
    match bias, errs, box, y, h, hy, hbox with
    | c :: bs, e :: es', i :: box, v :: ys, h, hy, hbox =>
      simp only [backRows, Option.bind_eq_some_iff, Option.map_eq_some_iff, forceInts_eq, Fast.max_eq] at h
      obtain ⟨low, hlow, l, hl, u, hu, b', hb', rfl⟩ := h
      obtain ⟨⟨h1, h2⟩, hrest⟩ := hy
      obtain ⟨⟨i1, i2⟩, hbox⟩ := hbox
      have e1 := div_mul_pow2 (dot r (operand env p) + c) s
      have e2 := div_mul_pow2 (e : Rat) P.grid
      generalize (dot r (operand env p) + (c : Rat)) / pow2 s = q at *
      generalize (e : Rat) / pow2 P.grid = d at *
      have e1' : q * pow2 s * pow2 P.grid = (dot r (operand env p) + c) * pow2 P.grid := by rw [e1]
      have e2' : d * pow2 P.grid * pow2 s = e * pow2 s := by rw [e2]
      have h1' := le_mul_pow2 P.grid (le_mul_pow2 s h1)
      have h2' := le_mul_pow2 P.grid (le_mul_pow2 s h2)
      have hlower : (l : Rat) ≤ v * pow2 P.grid := by
        refine back_sound hw hr hv hl ?_
        rw [total_addAt hlow, total_noRows, Rat.intCast_sub, shiftLeft_cast, shiftLeft_cast, Rat.intCast_natCast]
        grind
      have hupper : v * pow2 P.grid ≤ (u : Rat) := by
        cases both with
        | false =>
          simp only [Option.some.injEq] at hu
          rw [← hu]
          exact i2
        | true =>
          simp only [Option.bind_eq_some_iff, Fast.min_eq, Option.some.injEq] at hu
          obtain ⟨high, hhigh, w, hw', rfl⟩ := hu
          have hneg : (w : Rat) ≤ -v * pow2 P.grid := by
            refine back_sound hw hr hv hw' ?_
            rw [total_addAt hhigh, total_noRows, dot_negate, Rat.intCast_sub, Rat.intCast_neg, shiftLeft_cast,
              shiftLeft_cast, Rat.intCast_natCast]
            grind
          rw [Int.min_def]
          split
          · exact i2
          · rw [Rat.intCast_neg]
            grind
      refine ⟨⟨?_, hupper⟩, ih hrest hbox hb'⟩
      show ((max i.1 l : Int) : Rat) ≤ v * pow2 P.grid
      rw [Int.max_def]
      split
      · exact hlower
      · exact i1

end TorchLean
