module
prelude
public import TorchLean.Check
public import TorchLean.Rows
public import TorchLean.Packed
public import TorchLean.Float32.Machine

/-!
# Checking noise against binary32

`rowFits` compares, in natural numbers, the rounding error of a row with its noise, and its magnitude with the overflow
threshold; `sumFits` does so for the sum of two numbers. Both are sound: what they accept bounds every execution.
`executionFits` asks them about every node of a network, on propagated intervals. Like the checker it is written for the
kernel's evaluator, and evaluated in every certificate that speaks of executions.
-/

public noncomputable section
namespace TorchLean
open TorchLean.Float32

/-- The error bound of a row whose terms go through `k` roundings, with `n` products that round, of magnitude `D` (units
of `2^-(scale + grid)`), is at most `E` (units of `2^-grid`), and nothing in it overflows. With `u = 2^-24`, `(1 + u)^k`
is `(2^24 + 1)^k / (2^24)^k`. -/
@[expose] def rowFits (grid scale k n D E : Nat) : Bool :=
  Nat.ble ((2 ^ 24 + 1) ^ k * (D * 2 ^ 150 + n * 2 ^ (scale + grid)))
      ((2 ^ 24) ^ k * (E * 2 ^ (scale + 150) + D * 2 ^ 150))
    && Nat.blt ((D + E * 2 ^ scale) * 2 ^ 149) (thresholdQuanta * 2 ^ (scale + grid))

/-- The rounding error of a sum of two numbers, of magnitude `m` (units of `2^-grid`), is at most `E`, and it does not
overflow. -/
@[expose] def sumFits (grid m E : Nat) : Bool :=
  Nat.ble m (E * 2 ^ 24) && Nat.blt (m * 2 ^ 149) (thresholdQuanta * 2 ^ grid)

theorem growth_eq (m : Nat) : ((2 ^ 24 + 1 : Nat) : Rat) ^ m = (1 + unit) ^ m * ((2 ^ 24 : Nat) : Rat) ^ m := by
  have h1 : ((2 ^ 24 + 1 : Nat) : Rat) = (1 + unit) * ((2 ^ 24 : Nat) : Rat) := by
    have hu := scale_unit
    have hone : ((1 : Nat) : Rat) = 1 := rfl
    rw [Rat.natCast_add, hone]
    generalize ((2 ^ 24 : Nat) : Rat) = S at *
    grind
  induction m with
  | zero => rw [Rat.pow_zero, Rat.pow_zero, Rat.pow_zero, Rat.mul_one]
  | succ m ih =>
    rw [Rat.pow_succ, Rat.pow_succ (1 + unit), Rat.pow_succ ((2 ^ 24 : Nat) : Rat), ih, h1]
    grind

theorem scale_half : ((2 ^ 150 : Nat) : Rat) * halfQuantum = 1 := by
  have hq := scale_quantum
  have h : ((2 ^ 150 : Nat) : Rat) = ((2 ^ 149 : Nat) : Rat) * 2 := by rw [← Rat.natCast_ofNat, ← Rat.natCast_mul]
  rw [h, halfQuantum]
  generalize ((2 ^ 149 : Nat) : Rat) = S at *
  grind

/-- The magnitude of a row as a rational number. -/
@[expose] def ratMagnitude (grid scale D : Nat) : Rat := D / pow2 grid / pow2 scale

theorem ratMagnitude_mul (grid scale D : Nat) : ratMagnitude grid scale D * pow2 scale * pow2 grid = D := by
  rw [ratMagnitude, div_mul_pow2, div_mul_pow2]

theorem rowFits_sound {grid scale p k n m D E : Nat} (h : rowFits grid scale (k + p) n D E = true) :
    slack unit p k (ratMagnitude grid scale D) (binary32.lost n m) * pow2 grid ≤ E ∧
      ratMagnitude grid scale D + slack unit p k (ratMagnitude grid scale D) (binary32.lost n m) < threshold := by
  have hD := ratMagnitude_mul grid scale D
  have hscale := pow2_pos scale
  have hgrid := pow2_pos grid
  rw [rowFits, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq] at h
  obtain ⟨h1, h2⟩ := h
  have hlost : binary32.lost n m = n * halfQuantum := by
    show (n : Rat) * halfQuantum + (m : Rat) * 0 = _
    rw [Rat.mul_zero, Rat.add_zero]
  rw [hlost]
  generalize ratMagnitude grid scale D = A at *
  have hA : 0 ≤ A := by
    refine le_of_mul_pow2_le scale (le_of_mul_pow2_le grid ?_)
    rw [hD, Rat.zero_mul, Rat.zero_mul]
    exact Rat.natCast_nonneg
  have hn : (0 : Rat) ≤ n := Rat.natCast_nonneg
  have hslack : slack unit p k A (n * halfQuantum) * pow2 grid ≤ E := by
    have hGS : (((2 ^ 24 + 1) ^ (k + p) : Nat) : Rat) = (1 + unit) ^ (k + p) * (((2 ^ 24) ^ (k + p) : Nat) : Rat) := by
      rw [Rat.natCast_pow, Rat.natCast_pow (2 ^ 24) (k + p), growth_eq]
    have hpos : (0 : Rat) < (((2 ^ 24) ^ (k + p) : Nat) : Rat) :=
      Rat.natCast_pos.mpr (Nat.pow_pos (Nat.two_pow_pos 24))
    generalize (2 ^ 24 + 1) ^ (k + p) = G at *
    generalize (2 ^ 24) ^ (k + p) = S at *
    rw [Nat.pow_add 2 scale grid, Nat.pow_add 2 scale 150] at h1
    have h1 := Rat.natCast_le_natCast.mpr h1
    rw [Rat.natCast_mul G, Rat.natCast_mul S, Rat.natCast_add (D * 2 ^ 150),
      Rat.natCast_add (E * (2 ^ scale * 2 ^ 150)), Rat.natCast_mul D, Rat.natCast_mul n,
      Rat.natCast_mul (2 ^ scale) (2 ^ grid), Rat.natCast_mul E, Rat.natCast_mul (2 ^ scale) (2 ^ 150), hGS, ← hD] at h1
    change _ * (_ + _ * (pow2 scale * pow2 grid)) ≤ _ * (_ * (pow2 scale * _) + _) at h1
    have hhalf := scale_half
    have hq0 := halfQuantum_nonneg
    have hstep := growth_mono (Rat.le_of_lt unit_pos) k p
    have hlast := Rat.mul_le_mul_of_nonneg_left hstep (Rat.mul_nonneg hn halfQuantum_nonneg)
    rw [slack]
    generalize (1 + unit) ^ (k + p) = g at *
    generalize (1 + unit) ^ k = g' at *
    generalize (S : Rat) = s at *
    generalize ((2 ^ 150 : Nat) : Rat) = p at *
    generalize halfQuantum = q at *
    generalize pow2 scale = c at *
    generalize pow2 grid = r at *
    generalize (n : Rat) = n at *
    generalize (E : Rat) = E at *
    -- `h1 : g s (A c r p + n c r) <= s (E c p + A c r p)`; divide by `s` and `c`, multiply by `q = 1 / p`.
    have e1 : g * s * (A * c * r * p + n * (c * r)) = g * (A * r * p + n * r) * (s * c) := by grind
    have e2 : s * (E * (c * p) + A * c * r * p) = (E * p + A * r * p) * (s * c) := by grind
    rw [e1, e2] at h1
    have h1 := Rat.le_of_mul_le_mul_right h1 (Rat.mul_pos hpos hscale)
    have h1 := Rat.mul_le_mul_of_nonneg_right h1 hq0
    have e3 : g * (A * r * p + n * r) * q = g * A * r * (p * q) + n * q * g * r := by grind
    have e4 : (E * p + A * r * p) * q = E * (p * q) + A * r * (p * q) := by grind
    rw [e3, e4, hhalf] at h1
    have hr := Rat.mul_le_mul_of_nonneg_right hlast (Rat.le_of_lt hgrid)
    grind
  refine ⟨hslack, ?_⟩
  rw [Nat.pow_add 2 scale grid] at h2
  have h2 := Rat.natCast_lt_natCast.mpr h2
  rw [Rat.natCast_mul (D + E * 2 ^ scale), Rat.natCast_add D, Rat.natCast_mul E, Rat.natCast_mul thresholdQuanta,
    Rat.natCast_mul (2 ^ scale) (2 ^ grid), ← hD] at h2
  change (A * pow2 scale * pow2 grid + _ * pow2 scale) * _ < _ * (pow2 scale * pow2 grid) at h2
  have hq := scale_quantum
  have hqpos := quantum_pos
  have h2 := Rat.mul_lt_mul_of_pos_right h2 hqpos
  generalize slack unit p k A (n * halfQuantum) = t at *
  rw [threshold]
  generalize ((2 ^ 149 : Nat) : Rat) = p at *
  generalize quantum = q at *
  generalize (thresholdQuanta : Rat) = T at *
  have hcs := Rat.mul_le_mul_of_nonneg_right hslack (Rat.le_of_lt hscale)
  have e1 : (A * pow2 scale * pow2 grid + E * pow2 scale) * p * q = (A * pow2 grid + E) * pow2 scale * (p * q) := by
    grind
  have e2 : T * (pow2 scale * pow2 grid) * q = T * q * (pow2 grid * pow2 scale) := by grind
  rw [e1, e2, hq] at h2
  refine Rat.lt_of_mul_lt_mul_right (c := pow2 grid * pow2 scale) ?_ (Rat.le_of_lt (Rat.mul_pos hgrid hscale))
  grind

/-- The rounded sum of two numbers, in the terms of a certificate. -/
theorem sum_near {grid m E a b : Nat} (h : sumFits grid m E = true) (ha : Float32.Finite a) (hb : Float32.Finite b)
    (hm : Rational.abs ((value a + value b) * pow2 grid) ≤ m) :
    Float32.Finite (add a b) ∧ Near grid (value a + value b) E (value (add a b)) := by
  rw [sumFits, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq] at h
  obtain ⟨h1, h2⟩ := h
  have hgrid := pow2_pos grid
  have hsum : Rational.abs (value a + value b) * pow2 grid ≤ m := by rw [← abs_pow2]; exact hm
  have hlt : Rational.abs (value a + value b) < threshold := by
    have h2 := Rat.natCast_lt_natCast.mpr h2
    rw [Rat.natCast_mul m, Rat.natCast_mul thresholdQuanta] at h2
    change _ < _ * pow2 grid at h2
    have hq := scale_quantum
    have h2 := Rat.mul_lt_mul_of_pos_right h2 quantum_pos
    refine Rat.lt_of_mul_lt_mul_right (c := pow2 grid) ?_ (Rat.le_of_lt hgrid)
    rw [threshold]
    generalize ((2 ^ 149 : Nat) : Rat) = p at *
    generalize quantum = q at *
    generalize (thresholdQuanta : Rat) = T at *
    have e1 : (m : Rat) * p * q = m * (p * q) := by grind
    rw [e1, hq] at h2
    grind
  have ⟨hf, hr⟩ := add_rounds ha hb hlt
  refine ⟨hf, ?_⟩
  have herr : unit * Rational.abs (value a + value b) ≤ E / pow2 grid := by
    refine le_of_mul_pow2_le grid ?_
    rw [div_mul_pow2]
    have h1 := Rat.natCast_le_natCast.mpr h1
    rw [Rat.natCast_mul E] at h1
    have hu := scale_unit
    have h3 := Rat.mul_le_mul_of_nonneg_left (Rat.le_trans hsum h1) (Rat.le_of_lt unit_pos)
    generalize ((2 ^ 24 : Nat) : Rat) = p at *
    have e1 : unit * ((E : Rat) * p) = E * (p * unit) := by grind
    rw [e1, hu] at h3
    grind
  unfold Rounds at hr
  have h3 := Rational.le_abs (value (add a b) - (value a + value b))
  have h4 := Rational.neg_le_abs (value (add a b) - (value a + value b))
  exact ⟨by grind, by grind⟩

/-- As many elements. -/
@[expose] def sameLength : Box → List Nat → Bool
  | [], [] => true
  | _ :: bs, _ :: es => sameLength bs es
  | _, _ => false

/-- The largest magnitude in an interval. -/
@[expose] def magPart (b : Int × Int) : Nat := larger b.1.natAbs b.2.natAbs

/-- One for each interval. -/
@[expose] def onePart (_ : Int × Int) : Nat := 1

/-- `Σ (posᵢ + negᵢ) xᵢ` for a packed row, where `rev` are the digits of `x` in reversed order. -/
@[expose] def Row.total (base place rev : Nat) (r : Row) : Nat :=
  (digitAt base place (r.pos.mul rev)).add (digitAt base place (r.neg.mul rev))

/-- The noise `e` covers the rounding errors of a row with `k` roundings, of which `n` are products, and of the given
magnitude without its bias. -/
@[expose] def rowCovered (grid scale k n D : Nat) (b : Int) (e : Nat) : Bool :=
  forceNat (D.add ((Fast.abs b).mul (2 ^ grid))) fun D => rowFits grid scale k n D e

/-- The noise covers the rounding errors of a row. `mags` and `ones` are reversed digits. In a plain matrix, of 0, 1
and -1 only, no product rounds, and the terms are counted; else every column counts. -/
@[expose] def rowRounded (grid scale cols base place mags ones : Nat) (plain : Bool) (r : Row) (b : Int) (e : Nat) : Bool :=
  bif plain then
    forceNat ((r.total base place ones).add (one? b.natAbs)) fun t =>
      rowCovered grid scale (t - 1 + 0) 0 (r.total base place mags) b e
  else rowCovered grid scale (cols + one? b.natAbs - 1 + 1) cols (r.total base place mags) b e

/-- The noise covers the rounding errors of each row. -/
@[expose] def rowsFit (grid scale cols base place mags ones : Nat) (plain : Bool) (rows : List Row) :
    List Int → List Nat → Bool :=
  List.rec (motive := fun _ => List Int → List Nat → Bool)
    (fun _ noise => List.rec (motive := fun _ => Bool) true (fun _ _ _ => false) noise)
    (fun r _ rest bias noise => List.rec (motive := fun _ => Bool)
      (List.rec (motive := fun _ => Bool) true (fun _ _ _ => false) noise)
      (fun b bias _ => List.rec (motive := fun _ => Bool) false
        (fun e noise _ => cond (rowRounded grid scale cols base place mags ones plain r b e) (rest bias noise) false)
        noise) bias) rows

theorem rowsFit_cons {grid scale cols base place mags ones : Nat} {plain : Bool} {r : Row} {rows : List Row} {b : Int}
    {bias : List Int} {e : Nat} {noise : List Nat} :
    rowsFit grid scale cols base place mags ones plain (r :: rows) (b :: bias) (e :: noise) = true ↔
      rowRounded grid scale cols base place mags ones plain r b e = true ∧
        rowsFit grid scale cols base place mags ones plain rows bias noise = true := by
  show cond _ (rowsFit grid scale cols base place mags ones plain rows bias noise) false = true ↔ _
  rw [Bool.cond_false_right, Bool.and_eq_true]

/-- The noise of a layer covers its rounding errors on the box `a`; false if a digit might overflow. -/
@[expose] def linearFits (grid bits scale : Nat) (a : Box) (w : Mat) (bias : List Int) (e : List Nat) : Bool :=
  Nat.beq (Loops.size a) w.cols
    && (Nat.blt ((Loops.boxAbs a).mul (2 ^ bits) + 1) (2 ^ w.width) && Nat.blt (w.cols.mul (2 ^ bits) + 1) (2 ^ w.width))
    && forceNat (2 ^ w.width) fun base => forceNat (base ^ w.cols) fun place =>
      forceNat (Loops.reversed base magPart a 0) fun mags => forceNat (Loops.reversed base onePart a 0) fun ones =>
        rowsFit grid scale w.cols base place mags ones (Nat.ble bits 1 && Nat.beq scale 0) w.rows bias e

/-- `sumFits` for each element, over the shorter list. -/
@[expose] def sumsFit (grid : Nat) : Box → Box → List Nat → Bool
  | a :: as', b :: bs, e :: es =>
    sumFits grid (larger (a.1 + b.1).natAbs (a.2 + b.2).natAbs) e && sumsFit grid as' bs es
  | [], _, [] => true
  | _ :: _, [], [] => true
  | _, _, _ => false

/-- The noise of an operation covers the rounding errors of binary32, and its operands have numbers. -/
@[expose] def nodeFits (grid bits : Nat) (st : State) (roles : List Role) (e : List Nat) : Node → Bool
  | .linear p scale w b =>
    solid roles p && match State.boxAt st p with
    | some a => linearFits grid bits scale a w b e
    | none => false
  | .hinge p _ =>
    solid roles p && match State.boxAt st p with
    | some a => sameLength a e
    | none => false
  | .add p q =>
    solid roles p && solid roles q && match State.boxAt st p, State.boxAt st q with
    | some a, some b => sumsFit grid a b e
    | _, _ => false
  | .concat p q =>
    solid roles p && solid roles q && match State.boxAt st p, State.boxAt st q with
    | some a, some b => sameLength (joinBoxes a b) e
    | _, _ => false

/-- The noise of a node of a role covers what an execution makes of it. What is no operation is exact. -/
@[expose] def stepFits (grid bits : Nat) (st : State) (roles : List Role) (e : List Nat) (n : Node) : Role → Bool
  | .operation => nodeFits grid bits st roles e n
  | .choice => true
  | .thought => true

/-- Interval propagation; nothing if the noise of some node does not cover binary32. -/
@[expose] def propagated (grid : Nat) : List Node → List Role → Noise → Bits → Box → Option State
  | [], _, _, _, box => some [⟨box, [], []⟩]
  | n :: ns, r :: rs, e :: es, w :: ws, box =>
    (propagated grid ns rs es ws box).bind fun st =>
      cond (stepFits grid w st rs e n r)
        ((nodeBox ⟨grid, 0, 0⟩ n e w .interval true ns es ws st).bind fun b => some (⟨b, [], []⟩ :: st)) none
  | _ :: _, _, _, _, _ => none

/-- The checker's interval of a node: that of the exact result, widened, so there is noise for each element. -/
theorem nodeBox_interval {P : Params} {n : Node} {e : List Nat} {bits : Nat} {both : Bool} {ns : List Node} {es : Noise}
    {ws : Bits} {st : State} :
    nodeBox P n e bits .interval both ns es ws st = (n.packedBox P.grid bits st).bind fun b => widen b e := by
  cases n with
  | linear p s w bias =>
    simp only [nodeBox, Node.packedBox, Loops.linear_eq]
    cases State.boxAt st p with
    | none => rfl
    | some a => exact Option.bind_fun_some _
  | hinge p f =>
    simp only [nodeBox, Node.packedBox, Node.box, Loops.reluBox_eq, forceBox_eq, Option.bind_fun_some]
    cases State.boxAt st p with
    | none => rfl
    | some a =>
      show _ = widen (hingeBox f a) e
      rw [hingeBox]
      show cond f.isRelu _ _ = _
      cases f.isRelu <;> rfl
  | add p q => simp only [nodeBox, Node.packedBox, forceBox_eq, Option.bind_fun_some]
  | concat p q => simp only [nodeBox, Node.packedBox, forceBox_eq, Option.bind_fun_some]

theorem sameLength_of_widen {b c : Box} {e : List Nat} (h : widen b e = some c) : sameLength b e = true := by
  induction b generalizing c e with
  | nil => cases e with
    | nil => rfl
    | cons _ _ => exact absurd h (by simp [widen])
  | cons i b ih => cases e with
    | nil => exact absurd h (by simp [widen])
    | cons e es =>
      rw [widen, Option.map_eq_some_iff] at h
      obtain ⟨d, h, _⟩ := h
      exact ih h

/-- The noise covers what binary32 executions of the network from the box may do, whose matrices' fields are below
`2^bits`. -/
@[expose] def executionFits (grid : Nat) (nodes : List Node) (roles : List Role) (noise : Noise) (bits : Bits)
    (box : Box) : Bool :=
  match propagated grid nodes roles noise bits box with
  | some _ => true
  | none => false

end TorchLean
