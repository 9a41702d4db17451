module

prelude
public import TorchLean.Arith
public import Init.Data.Option.Lemmas

/-!
# Loops for the kernel's evaluator

What the checker does for each number, written by recursors and with every number evaluated once (`force…`): the
kernel takes a third to a seventh of the time that the equations of `Bounds` take it. Results are handed on to a
continuation `k`, since what is handed on is evaluated. Each loop stands beside the theorem that it is its namesake in
`Bounds`, so nothing about bounds is proved here. Those of a backward pass stand in `BackwardLoops`.
-/

public noncomputable section

namespace TorchLean.Loops

/-! ## Intervals -/

/-- The number of elements of a box. -/
@[expose] def size (b : Box) : Nat := List.rec (motive := fun _ => Nat) 0 (fun _ _ n => n.succ) b

theorem size_eq (b : Box) : size b = TorchLean.size b := by
  induction b with
  | nil => rfl
  | cons b bs ih => exact congrArg Nat.succ ih

/-- `Σ (|lᵢ| + |uᵢ|)` -/
@[expose] def boxAbs (b : Box) : Nat :=
  List.rec (motive := fun _ => Nat) 0 (fun b _ sum => ((Fast.abs b.1).add (Fast.abs b.2)).add sum) b

theorem boxAbs_eq (b : Box) : boxAbs b = TorchLean.boxAbs b := by
  induction b with
  | nil => rfl
  | cons b bs ih =>
    show ((Fast.abs b.1).add (Fast.abs b.2)).add (boxAbs bs) = _
    rw [ih, Fast.abs_eq, Fast.abs_eq]
    rfl

/-- A number for each interval, as digits in reversed order. -/
@[expose] def reversed (base : Nat) (part : Int × Int → Nat) (bs : Box) : Nat → Nat :=
  List.rec (motive := fun _ => Nat → Nat) (fun acc => acc) (fun b _ rest acc => rest ((acc.add (part b)).mul base)) bs

theorem reversed_eq (base : Nat) (part : Int × Int → Nat) (bs : Box) (acc : Nat) :
    reversed base part bs acc = TorchLean.reversed base part bs acc := by
  induction bs generalizing acc with
  | nil => rfl
  | cons b bs ih =>
    rw [TorchLean.reversed, forceNat_eq]
    exact ih _

/-- The ends of a box, evaluated before they are used. -/
@[expose] def withEnds {α : Type} (base : Nat) (a : Box) (k : Ends → α) : α :=
  forceNat (reversed base (fun b => posPart b.1) a 0) fun lp =>
    forceNat (reversed base (fun b => negPart b.1) a 0) fun ln =>
      forceNat (reversed base (fun b => posPart b.2) a 0) fun up =>
        forceNat (reversed base (fun b => negPart b.2) a 0) fun un => k ⟨lp, ln, up, un⟩

theorem withEnds_eq {α : Type} (base : Nat) (a : Box) (k : Ends → α) :
    withEnds base a k = TorchLean.withEnds base a k := by
  simp only [withEnds, TorchLean.withEnds, forceNat_eq, reversed_eq]

/-- The interval of `(row · x + b) / 2^scale`, and `n` more on both sides. -/
@[expose] def rowEnds {α : Type} (grid scale base place : Nat) (e : Ends) (r : Row) (b : Int) (n : Nat)
    (k : Int → Int → α) : α :=
  forceInt (shiftLeft b grid) fun b =>
    forceInt (Fast.sub (floorShift (Fast.add (r.lowest base place e) b) scale) (.ofNat n)) fun l =>
      forceInt (Fast.add (ceilShift (Fast.add (r.highest base place e) b) scale) (.ofNat n)) fun u => k l u

/-- Intervals of `(row · x + b) / 2^scale` for each row and its bias, widened. -/
@[expose] def rowsBox {α : Type} (grid scale base place : Nat) (e : Ends) (rows : List Row) :
    List Int → List Nat → (Box → Option α) → Option α :=
  List.rec (motive := fun _ => List Int → List Nat → (Box → Option α) → Option α)
    (fun bias noise k => List.rec (motive := fun _ => Option α)
      (List.rec (motive := fun _ => Option α) (k []) (fun _ _ _ => none) noise) (fun _ _ _ => none) bias)
    (fun r _ rest bias noise k => List.rec (motive := fun _ => Option α) none
      (fun b bias _ => List.rec (motive := fun _ => Option α) none
        (fun n noise _ => rowEnds grid scale base place e r b n fun l u =>
          rest bias noise fun box => k ((l, u) :: box)) noise) bias) rows

theorem rowsBox_eq {α : Type} (grid scale base place : Nat) (e : Ends) (rows : List Row) (bias : List Int)
    (noise : List Nat) (k : Box → Option α) :
    rowsBox grid scale base place e rows bias noise k
      = ((TorchLean.rowsBox grid scale base place e rows bias).bind fun b => widen b noise).bind k := by
  induction rows generalizing bias noise k with
  | nil => cases bias <;> cases noise <;> rfl
  | cons r rows ih => cases bias with
    | nil => rfl
    | cons b bias =>
      rw [TorchLean.rowsBox]
      cases noise with
      | nil => cases TorchLean.rowsBox grid scale base place e rows bias <;> rfl
      | cons n noise =>
        show rowEnds grid scale base place e r b n (fun l u =>
          rowsBox grid scale base place e rows bias noise fun box => k ((l, u) :: box)) = _
        simp only [rowEnds, forceInt_eq, ih]
        cases TorchLean.rowsBox grid scale base place e rows bias with
        | none => rfl
        | some box =>
          show (widen box noise).bind _ = (Option.map _ (widen box noise)).bind k
          cases widen box noise <;> rfl

/-- Intervals of a linear node, widened by its noise. -/
@[expose] def linear {α : Type} (grid bits scale : Nat) (a : Box) (w : Mat) (bias : List Int) (noise : List Nat)
    (k : Box → Option α) : Option α :=
  forceNat (2 ^ w.width) fun base =>
    cond (Nat.beq (size a) w.cols && Nat.blt (boxAbs a * 2 ^ bits + 1) base)
      (forceNat (base ^ w.cols) fun place => withEnds base a fun e => rowsBox grid scale base place e w.rows bias noise k)
      none

theorem linear_eq {α : Type} (grid bits scale : Nat) (a : Box) (w : Mat) (bias : List Int) (noise : List Nat)
    (k : Box → Option α) : linear grid bits scale a w bias noise k
      = ((packedLinear grid bits scale a w bias).bind fun b => widen b noise).bind k := by
  simp only [linear, packedLinear, forceNat_eq, withEnds_eq, TorchLean.withEnds, rowsBox_eq, size_eq, boxAbs_eq]
  cases (Nat.beq (TorchLean.size a) w.cols && Nat.blt (TorchLean.boxAbs a * 2 ^ bits + 1) (2 ^ w.width)) <;> rfl

/-- Intervals of relu, widened by its noise. -/
@[expose] def reluBox {α : Type} (a : Box) : List Nat → (Box → Option α) → Option α :=
  List.rec (motive := fun _ => List Nat → (Box → Option α) → Option α)
    (fun noise k => List.rec (motive := fun _ => Option α) (k []) (fun _ _ _ => none) noise)
    (fun b _ rest noise k => List.rec (motive := fun _ => Option α) none
      (fun n noise _ => forceInt (Fast.diff (posPart b.1) n) fun l => forceNat ((posPart b.2).add n) fun u =>
        rest noise fun box => k ((l, .ofNat u) :: box)) noise) a

theorem reluBox_eq {α : Type} (a : Box) (noise : List Nat) (k : Box → Option α) :
    reluBox a noise k = (widen (TorchLean.reluBox a) noise).bind k := by
  induction a generalizing noise k with
  | nil => cases noise <;> rfl
  | cons b a ih => cases noise with
    | nil => rfl
    | cons n noise =>
      show forceInt (Fast.diff (posPart b.1) n) (fun l => forceNat ((posPart b.2).add n) fun u =>
        reluBox a noise fun box => k ((l, .ofNat u) :: box)) = _
      simp only [forceInt_eq, forceNat_eq, ih, TorchLean.reluBox, widen]
      cases widen (TorchLean.reluBox a) noise <;> rfl

/-- Both boxes hold. -/
@[expose] def meet {α : Type} (as' : Box) : Box → (Box → Option α) → Option α :=
  List.rec (motive := fun _ => Box → (Box → Option α) → Option α)
    (fun bs k => List.rec (motive := fun _ => Option α) (k []) (fun _ _ _ => none) bs)
    (fun a _ rest bs k => List.rec (motive := fun _ => Option α) none
      (fun b bs _ => forceInt (Fast.max a.1 b.1) fun l => forceInt (Fast.min a.2 b.2) fun u =>
        rest bs fun box => k ((l, u) :: box)) bs) as'

theorem meet_eq {α : Type} (as' bs : Box) (k : Box → Option α) :
    meet as' bs k = (TorchLean.meet as' bs).bind k := by
  induction as' generalizing bs k with
  | nil => cases bs <;> rfl
  | cons a as' ih => cases bs with
    | nil => rfl
    | cons b bs =>
      show forceInt (Fast.max a.1 b.1) (fun l => forceInt (Fast.min a.2 b.2) fun u =>
        meet as' bs fun box => k ((l, u) :: box)) = _
      simp only [forceInt_eq, ih, TorchLean.meet]
      cases TorchLean.meet as' bs <;> rfl

/-! ## Lines -/

theorem reluLine_eq {α : Type} (one : Nat) (b : Int × Int) (e : Nat) (k : Line → Line → α) :
    reluLine one b e k = k (reluLine one b e fun l _ => l) (reluLine one b e fun _ u => u) := by
  obtain ⟨l, u⟩ := b
  simp only [reluLine, throughOrigin, forceNat_eq]
  cases l <;> cases u <;> rfl

/-- Lines of relu for all elements. -/
@[expose] def reluLines {α : Type} (one : Nat) (b : Box) :
    List Nat → (List Line → List Line → Option α) → Option α :=
  List.rec (motive := fun _ => List Nat → (List Line → List Line → Option α) → Option α)
    (fun noise k => List.rec (motive := fun _ => Option α) (k [] []) (fun _ _ _ => none) noise)
    (fun b _ rest noise k => List.rec (motive := fun _ => Option α) none
      (fun e noise _ => reluLine one b e fun l u => rest noise fun ls us => k (l :: ls) (u :: us)) noise) b

theorem reluLines_eq {α : Type} (one : Nat) (b : Box) (noise : List Nat) (k : List Line → List Line → Option α) :
    reluLines one b noise k = (TorchLean.reluLines one b noise).bind fun ls => k ls.1 ls.2 := by
  induction b generalizing noise k with
  | nil => cases noise <;> rfl
  | cons b bs ih => cases noise with
    | nil => rfl
    | cons e noise =>
      show reluLine one b e (fun l u => reluLines one bs noise fun ls us => k (l :: ls) (u :: us)) = _
      rw [reluLine_eq, ih, TorchLean.reluLines]
      cases TorchLean.reluLines one bs noise with
      | none => rfl
      | some ls =>
        show _ = k (reluLine one b e fun l u => (l :: ls.1, u :: ls.2)).1 (reluLine one b e fun l u => (l :: ls.1, u :: ls.2)).2
        rw [reluLine_eq one b e fun l u => (l :: ls.1, u :: ls.2)]
        rfl

/-- Evaluates lines before they are used. -/
@[expose] def lines {α : Type} (ls : List Line) : (List Line → α) → α :=
  List.rec (motive := fun _ => (List Line → α) → α) (fun k => k [])
    (fun l _ rest k => forceInt l.slope fun a => forceInt l.shift fun c => rest fun ls => k (⟨a, c⟩ :: ls)) ls

@[simp] theorem lines_eq {α : Type} (ls : List Line) (k : List Line → α) : lines ls k = k ls := by
  induction ls generalizing k with
  | nil => rfl
  | cons l ls ih =>
    show forceInt l.slope (fun a => forceInt l.shift fun c => lines ls fun ls => k (⟨a, c⟩ :: ls)) = _
    rw [forceInt_eq, forceInt_eq, ih]

/-- Lower and upper lines of a hinge. -/
@[expose] def hingeLines {α : Type} (P : Params) (f : Hinge) (b : Box) (noise : List Nat)
    (k : List Line → List Line → Option α) : Option α :=
  cond f.isRelu (forceNat (2 ^ P.slopes) fun one => reluLines one b noise k)
    ((pointsLines P f b noise).bind fun ls => lines ls.1 fun below => lines ls.2 fun above => k below above)

theorem hingeLines_eq {α : Type} (P : Params) (f : Hinge) (b : Box) (noise : List Nat)
    (k : List Line → List Line → Option α) :
    hingeLines P f b noise k = (TorchLean.hingeLines P f b noise).bind fun ls => k ls.1 ls.2 := by
  simp only [hingeLines, TorchLean.hingeLines, forceNat_eq, reluLines_eq, lines_eq]
  cases f.isRelu <;> rfl

end TorchLean.Loops
