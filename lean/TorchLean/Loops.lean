module

prelude
public import TorchLean.Arith
public import Init.Data.Option.Lemmas

/-!
# Loops for the kernel's evaluator

What the checker does for each number, written by recursors and with every number evaluated once (`force…`): the
kernel takes a third to a seventh of the time that the equations of `Bounds` take it. Results are handed on to a
continuation `k`, since what is handed on is evaluated. Each loop stands beside the theorem that it is its namesake in
`Bounds`, so nothing about bounds is proved here.
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
