module

prelude
public import TorchLean.Arith

/-!
# Loops of a backward pass

What a backward pass does for each coefficient, written for the kernel's evaluator as `Loops` says: the same by recursors,
each loop beside the theorem that it is its namesake in `Bounds`.
-/

public noncomputable section

namespace TorchLean.Loops

/-! ## Sums -/

/-- `Σ |cᵢ|` -/
@[expose] def absSum (cs : List Int) : Nat :=
  List.rec (motive := fun _ => Nat) 0 (fun c _ sum => (Fast.abs c).add sum) cs

theorem absSum_eq (cs : List Int) : absSum cs = TorchLean.absSum cs := by
  induction cs with
  | nil => rfl
  | cons c cs ih =>
    show (Fast.abs c).add (absSum cs) = c.natAbs.add (TorchLean.absSum cs)
    rw [ih, Fast.abs_eq]

/-- `Σ cᵢ xᵢ` -/
@[expose] def dotInt (cs : List Int) : List Int → Int :=
  List.rec (motive := fun _ => List Int → Int) (fun _ => 0)
    (fun c _ rest xs => List.rec (motive := fun _ => Int) 0 (fun x xs _ => Fast.add (Fast.mul c x) (rest xs)) xs) cs

theorem dotInt_eq (cs xs : List Int) : dotInt cs xs = TorchLean.dotInt cs xs := by
  induction cs generalizing xs with
  | nil => cases xs <;> rfl
  | cons c cs ih => cases xs with
    | nil => rfl
    | cons x xs => exact congrArg (Fast.add (Fast.mul c x)) (ih xs)

/-- `Σ |cᵢ| eᵢ` -/
@[expose] def dotAbs (cs : List Int) : List Nat → Nat :=
  List.rec (motive := fun _ => List Nat → Nat) (fun _ => 0)
    (fun c _ rest es => List.rec (motive := fun _ => Nat) 0 (fun e es _ => ((Fast.abs c).mul e).add (rest es)) es) cs

theorem dotAbs_eq (cs : List Int) (es : List Nat) : dotAbs cs es = TorchLean.dotAbs cs es := by
  induction cs generalizing es with
  | nil => cases es <;> rfl
  | cons c cs ih => cases es with
    | nil => rfl
    | cons e es =>
      show (Fast.abs c).mul e + dotAbs cs es = c.natAbs * e + TorchLean.dotAbs cs es
      rw [ih, Fast.abs_eq]
      rfl

/-- The smallest `Σ cᵢ xᵢ`. -/
@[expose] def lowest (cs : List Int) : Box → Int :=
  List.rec (motive := fun _ => Box → Int) (fun _ => 0)
    (fun c _ rest bs => List.rec (motive := fun _ => Int) 0
      (fun b bs _ => Fast.add (Fast.mul c (Fast.bySign c b.1 b.2)) (rest bs)) bs) cs

theorem lowest_eq (cs : List Int) (bs : Box) : lowest cs bs = TorchLean.lowest cs bs := by
  induction cs generalizing bs with
  | nil => cases bs <;> rfl
  | cons c cs ih => cases bs with
    | nil => rfl
    | cons b bs => exact congrArg (Fast.add _) (ih bs)

/-! ## Products -/

/-- Positive and negative parts of `Σ cᵢ rowᵢ`, still packed. -/
@[expose] def packedSum {α : Type} (cs : List Int) : List Row → Nat → Nat → (Nat → Nat → α) → α :=
  List.rec (motive := fun _ => List Row → Nat → Nat → (Nat → Nat → α) → α) (fun _ p n k => k p n)
    (fun c _ rest rows p n k => List.rec (motive := fun _ => α) (k p n)
      (fun r rows _ => Int.rec (motive := fun _ => α)
        (fun c => rest rows (p.add (c.mul r.pos)) (n.add (c.mul r.neg)) k)
        (fun c => rest rows (p.add (c.succ.mul r.neg)) (n.add (c.succ.mul r.pos)) k) c) rows) cs

theorem packedSum_eq {α : Type} (cs : List Int) (rows : List Row) (p n : Nat) (k : Nat → Nat → α) :
    packedSum cs rows p n k = k (TorchLean.packedSum cs rows p n).1 (TorchLean.packedSum cs rows p n).2 := by
  induction cs generalizing rows p n with
  | nil => rfl
  | cons c cs ih => cases rows with
    | nil => cases c <;> rfl
    | cons r rows => cases c <;> exact ih _ _ _

/-- Differences of the first `count` digits of two numbers. -/
@[expose] def unpack {α : Type} (base count : Nat) : Nat → Nat → (List Int → α) → α :=
  Nat.rec (motive := fun _ => Nat → Nat → (List Int → α) → α) (fun _ _ k => k [])
    (fun _ rest p n k => forceInt (Fast.diff (p.mod base) (n.mod base)) fun x =>
      rest (p.div base) (n.div base) fun xs => k (x :: xs)) count

theorem unpack_eq {α : Type} (base count p n : Nat) (k : List Int → α) :
    unpack base count p n k = k (TorchLean.unpack base count p n) := by
  induction count generalizing p n k with
  | zero => rfl
  | succ count ih =>
    show forceInt (Fast.diff (p.mod base) (n.mod base)) (fun x =>
      unpack base count (p.div base) (n.div base) fun xs => k (x :: xs)) = _
    rw [forceInt_eq, ih, TorchLean.unpack]

/-- `Σ cᵢ rowᵢ`; nothing if a field might overflow. -/
@[expose] def product {α : Type} (bits : Nat) (w : Mat) (row : List Int) (k : List Int → Option α) : Option α :=
  forceNat (2 ^ w.width) fun base =>
    cond (Nat.blt (absSum row * 2 ^ bits) base)
      (packedSum row w.rows 0 0 fun p n => forceNat p fun p => forceNat n fun n => unpack base w.cols p n k) none

theorem product_eq {α : Type} (bits : Nat) (w : Mat) (row : List Int) (k : List Int → Option α) :
    product bits w row k = (TorchLean.product bits w row).bind k := by
  simp only [product, TorchLean.product, forceNat_eq, packedSum_eq, unpack_eq, absSum_eq]
  cases Nat.blt (TorchLean.absSum row * 2 ^ bits) (2 ^ w.width) <;> rfl

/-! ## Steps of a backward pass -/

/-- Coefficients through the lines of a hinge, and what the shifts contribute. -/
@[expose] def through {α : Type} (cs : List Int) : List Line → List Line → (List Int → Int → α) → α :=
  List.rec (motive := fun _ => List Line → List Line → (List Int → Int → α) → α) (fun _ _ k => k [] 0)
    (fun c _ rest ls us k => List.rec (motive := fun _ => α) (k [] 0)
      (fun l ls _ => List.rec (motive := fun _ => α) (k [] 0)
        (fun u us _ => forceInt (Fast.mul c (Fast.bySign c l.slope u.slope)) fun x => rest ls us fun xs sum =>
          k (x :: xs) (Fast.add (Fast.mul c (Fast.bySign c l.shift u.shift)) sum)) us) ls) cs

theorem through_eq {α : Type} (cs : List Int) (ls us : List Line) (k : List Int → Int → α) :
    through cs ls us k = k (throughSlopes cs ls us) (throughShifts cs ls us) := by
  induction cs generalizing ls us k with
  | nil => rfl
  | cons c cs ih => cases ls with
    | nil => rfl
    | cons l ls => cases us with
      | nil => rfl
      | cons u us =>
        show forceInt (Fast.mul c (Fast.bySign c l.slope u.slope)) (fun x => through cs ls us fun xs sum =>
          k (x :: xs) (Fast.add (Fast.mul c (Fast.bySign c l.shift u.shift)) sum)) = _
        rw [forceInt_eq, ih, throughSlopes, throughShifts]

/-- A row without its last `k` digits, and what these are worth. -/
@[expose] def shorten {α : Type} (k : Nat) (cs : List Int) : Box → (List Int → Int → α) → α :=
  List.rec (motive := fun _ => Box → (List Int → Int → α) → α) (fun _ next => next [] 0)
    (fun c _ rest bs next => forceInt (floorShift c k) fun q => List.rec (motive := fun _ => α)
      (rest [] fun qs _ => next (q :: qs) 0)
      (fun b bs _ => rest bs fun qs sum =>
        next (q :: qs) (Fast.add (Fast.mul (Fast.sub c (shiftLeft q k)) b.1) sum)) bs) cs

theorem shorten_eq {α : Type} (k : Nat) (cs : List Int) (bs : Box) (next : List Int → Int → α) :
    shorten k cs bs next = next (floorRow k cs) (remainders k cs bs) := by
  induction cs generalizing bs next with
  | nil => rfl
  | cons c cs ih =>
    have h := floorShift_mul_add c k
    cases bs with
    | nil =>
      show forceInt (floorShift c k) (fun q => shorten k cs [] fun qs _ => next (q :: qs) 0) = _
      rw [forceInt_eq, ih]
      rfl
    | cons b bs =>
      show forceInt (floorShift c k) (fun q => shorten k cs bs fun qs sum =>
        next (q :: qs) (Fast.add (Fast.mul (Fast.sub c (shiftLeft q k)) b.1) sum)) = _
      rw [forceInt_eq, ih, Fast.add_eq, Fast.mul_eq, Fast.sub_eq, shiftLeft_eq,
        show c - floorShift c k * ((2 ^ k : Nat) : Int) = c % ((2 ^ k : Nat) : Int) by omega]
      rfl

/-- Shortens all rows by `k` digits. -/
@[expose] def absorb {α : Type} (k : Nat) (rows : List (List Int)) : State → (List (List Int) → Int → α) → α :=
  List.rec (motive := fun _ => State → (List (List Int) → Int → α) → α) (fun _ next => next [] 0)
    (fun r rows rest st next => List.rec (motive := fun _ => α) (next (r :: rows) 0)
      (fun e st _ => shorten k r e.box fun r worth => rest st fun rows sum => next (r :: rows) (Fast.add worth sum)) st)
    rows

theorem absorb_eq {α : Type} (k : Nat) (rows : List (List Int)) (st : State) (next : List (List Int) → Int → α) :
    absorb k rows st next = next (TorchLean.absorb k rows st).1 (TorchLean.absorb k rows st).2 := by
  induction rows generalizing st next with
  | nil => cases st <;> rfl
  | cons r rows ih => cases st with
    | nil => rfl
    | cons e st =>
      show shorten k r e.box (fun r worth => absorb k rows st fun rows sum =>
        next (r :: rows) (Fast.add worth sum)) = _
      rw [shorten_eq, ih, Fast.add_eq]
      rfl

end TorchLean.Loops
