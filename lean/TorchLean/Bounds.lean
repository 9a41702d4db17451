module

prelude
public import TorchLean.Integers

/-!
# What bounds are made of

Interval propagation, lines of hinges and the steps of a backward pass, in integers. Bounds count in units of
`2^-grid`; every division rounds outward. Coefficients of a backward pass are integers over a power of two that grows
with each layer; `absorb` drops digits again and pays for them with the operand's bounds, so that numbers stay short in
deep networks.

Here the loops are written to be read and reasoned about. What the kernel evaluates for each element has a second form
in `Loops` and `BackwardLoops`, with the theorem that both are equal.
-/

public noncomputable section

namespace TorchLean

/-- Precision of a check. -/
structure Params where
  /-- Bounds are multiples of `2^-grid`. -/
  grid : Nat
  /-- Slopes of lines are multiples of `2^-slopes`. -/
  slopes : Nat
  /-- Coefficients are shortened to this many binary places. -/
  places : Nat

/-- A linear bound of an element `y` by its operand `z`: `2^slopes · y` against `slope · z + shift / 2^grid`. -/
structure Line where
  slope : Int
  shift : Int

/-- What is known of a node: bounds of its elements and, where it is a hinge, lines below and above each. -/
structure Entry where
  box : Box
  below : List Line
  above : List Line

/-- What is known of all nodes, output first, the input last. -/
abbrev State := List Entry

/-! ## Products of rows -/

/-- `Σ |cᵢ|`. -/
@[expose] def absSum : List Int → Nat
  | [] => 0
  | c :: cs => c.natAbs.add (absSum cs)

/-- All numbers are below `2^bits`. -/
@[expose] def allBelow (bits : Nat) : List Nat → Bool
  | [] => true
  | n :: ns => Nat.blt n (2 ^ bits) && allBelow bits ns

/-- Every field of every row is below `2^bits`. -/
@[expose] def fieldsBelow (bits width cols : Nat) : List Row → Bool
  | [] => true
  | r :: rs => allBelow bits (fields width cols r.pos) && allBelow bits (fields width cols r.neg)
      && fieldsBelow bits width cols rs

/-- Differences of the first `count` digits of two numbers, lowest first. -/
@[expose] def unpack (base : Nat) : Nat → Nat → Nat → List Int
  | 0, _, _ => []
  | count + 1, p, n => Fast.diff (p.mod base) (n.mod base) :: unpack base count (p.div base) (n.div base)

/-- Positive and negative parts of `Σ cᵢ rowᵢ`, still packed. -/
@[expose] def packedSum : List Int → List Row → Nat → Nat → Nat × Nat
  | .ofNat c :: cs, r :: rs, p, n => packedSum cs rs (p.add (c.mul r.pos)) (n.add (c.mul r.neg))
  | .negSucc c :: cs, r :: rs, p, n => packedSum cs rs (p.add (c.succ.mul r.neg)) (n.add (c.succ.mul r.pos))
  | _, _, p, n => (p, n)

/-- `Σ cᵢ rowᵢ` for a matrix whose fields are below `2^bits`; nothing if a field might overflow. -/
@[expose] def product (bits : Nat) (w : Mat) (row : List Int) : Option (List Int) :=
  if Nat.blt (absSum row * 2 ^ bits) (2 ^ w.width) then
    let s := packedSum row w.rows 0 0
    forceNat s.1 fun p => forceNat s.2 fun n => forceNat (2 ^ w.width) fun base => some (unpack base w.cols p n)
  else none

/-! ## Intervals -/

/-- The number itself where it is positive, else `0`. -/
@[expose] def posPart (i : Int) : Nat := Int.rec (motive := fun _ => Nat) (fun m => m) (fun _ => 0) i

/-- The absolute value where the number is negative, else `0`. -/
@[expose] def negPart (i : Int) : Nat := Int.rec (motive := fun _ => Nat) (fun _ => 0) (fun m => m.succ) i

/-- Outward by the noise of each element. -/
@[expose] def widen : Box → List Nat → Option Box
  | [], [] => some []
  | b :: bs, e :: es => (widen bs es).map ((Fast.sub b.1 (.ofNat e), Fast.add b.2 (.ofNat e)) :: ·)
  | _, _ => none

/-- Both boxes hold. -/
@[expose] def meet : Box → Box → Option Box
  | [], [] => some []
  | a :: as', b :: bs => (meet as' bs).map ((Fast.max a.1 b.1, Fast.min a.2 b.2) :: ·)
  | _, _ => none

/-- Intervals of `(W a + b) / 2^scale`. -/
@[expose] def linearBox (grid scale : Nat) (a : Box) : List (List Int) → List Int → Option Box
  | [], [] => some []
  | r :: rs, b :: bs =>
    (linearBox grid scale a rs bs).map
      ((floorShift (lowest r a + shiftLeft b grid) scale, ceilShift (highest r a + shiftLeft b grid) scale) :: ·)
  | _, _ => none

/-- `2^scale` times the hinge at a multiple of `2^-grid`, in units of `2^-grid`. -/
@[expose] def Hinge.scaled (f : Hinge) (z : Int) : Int :=
  Fast.add (shiftLeft f.value f.scale) (Fast.mul (cond (Fast.le z f.kink) f.below f.above) (Fast.sub z f.kink))

/-- The points that decide a linear bound of a hinge: the ends, and the kink where it lies between them. -/
@[expose] def Hinge.points (f : Hinge) (b : Int × Int) : List Int :=
  cond (Fast.le f.kink b.1 || Fast.le b.2 f.kink) [b.1, b.2] [b.1, f.kink, b.2]

/-- Smallest value of `g` at the points, not above `m`. -/
@[expose] def smallest (g : Int → Int) : List Int → Int → Int
  | [], m => m
  | z :: zs, m => smallest g zs (Fast.min m (g z))

/-- Largest value of `g` at the points, not below `m`. -/
@[expose] def largest (g : Int → Int) : List Int → Int → Int
  | [], m => m
  | z :: zs, m => largest g zs (Fast.max m (g z))

/-- Intervals of any hinge. -/
@[expose] def pointsBox (f : Hinge) : Box → Box
  | [] => []
  | b :: bs =>
    let g := fun z => f.scaled z
    (floorShift (smallest g (f.points b) (g b.1)) f.scale, ceilShift (largest g (f.points b) (g b.1)) f.scale)
      :: pointsBox f bs

/-- Intervals of relu. -/
@[expose] def reluBox : Box → Box
  | [] => []
  | b :: bs => (.ofNat (posPart b.1), .ofNat (posPart b.2)) :: reluBox bs

/-- The hinge is relu, which is most frequent and bounded in few steps. -/
@[expose] def Hinge.isRelu (f : Hinge) : Bool :=
  f.scale.beq 0 && (Fast.isZero f.kink && (Fast.isZero f.value && (Fast.isZero f.below && Fast.isOne f.above)))

/-- Intervals of a hinge. -/
@[expose] def hingeBox (f : Hinge) (b : Box) : Box := cond f.isRelu (reluBox b) (pointsBox f b)

/-- Intervals of a sum. -/
@[expose] def addBox : Box → Box → Option Box
  | [], [] => some []
  | a :: as', b :: bs => (addBox as' bs).map ((Fast.add a.1 b.1, Fast.add a.2 b.2) :: ·)
  | _, _ => none

/-- The box of the node that stands `p` places down. -/
@[expose] def State.boxAt : State → Nat → Option Box
  | [], _ => none
  | e :: _, 0 => some e.box
  | _ :: st, p + 1 => State.boxAt st p

/-- One box after the other. -/
@[expose] def joinBoxes : Box → Box → Box
  | [], bs => bs
  | a :: as', bs => a :: joinBoxes as' bs

/-- Interval propagation through a node, without its noise. -/
@[expose] def Node.box (grid : Nat) (st : State) : Node → Option Box
  | .linear p scale w b => (State.boxAt st p).bind fun a => linearBox grid scale a w.ints b
  | .hinge p f => (State.boxAt st p).map (hingeBox f)
  | .add p q => (State.boxAt st p).bind fun a => (State.boxAt st q).bind fun b => addBox a b
  | .concat p q => (State.boxAt st p).bind fun a => (State.boxAt st q).map fun b => joinBoxes a b

/-! ## Intervals by packed rows -/

/-- The number of elements of a box. -/
@[expose] def size : Box → Nat
  | [] => 0
  | _ :: bs => (size bs).succ

/-- `Σ (|lᵢ| + |uᵢ|)`. -/
@[expose] def boxAbs : Box → Nat
  | [] => 0
  | b :: bs => (b.1.natAbs.add b.2.natAbs).add (boxAbs bs)

/-- A number for each interval, as digits: the last element's is digit `1`, and `acc` stands above the first. -/
@[expose] def reversed (base : Nat) (part : Int × Int → Nat) : Box → Nat → Nat
  | [], acc => acc
  | b :: bs, acc => forceNat ((acc.add (part b)).mul base) fun acc => reversed base part bs acc

/-- Positive and negative parts of the ends of a box, as digits in reversed order. -/
structure Ends where
  lowerPos : Nat
  lowerNeg : Nat
  upperPos : Nat
  upperNeg : Nat


/-- The ends of a box, evaluated before they are used. -/
@[expose] def withEnds {α : Type} (base : Nat) (a : Box) (k : Ends → α) : α :=
  forceNat (reversed base (fun b => posPart b.1) a 0) fun lp =>
    forceNat (reversed base (fun b => negPart b.1) a 0) fun ln =>
      forceNat (reversed base (fun b => posPart b.2) a 0) fun up =>
        forceNat (reversed base (fun b => negPart b.2) a 0) fun un => k ⟨lp, ln, up, un⟩

/-- The digit that stands at `place`, a power of `base`. -/
@[expose] def digitAt (base place n : Nat) : Nat := (n.div place).mod base

/-- The smallest `row · x` with each `xᵢ` in its interval. -/
@[expose] def Row.lowest (base place : Nat) (e : Ends) (r : Row) : Int :=
  Fast.diff (digitAt base place ((r.pos.mul e.lowerPos).add (r.neg.mul e.upperNeg)))
    (digitAt base place ((r.pos.mul e.lowerNeg).add (r.neg.mul e.upperPos)))

/-- The largest `row · x` with each `xᵢ` in its interval. -/
@[expose] def Row.highest (base place : Nat) (e : Ends) (r : Row) : Int :=
  Fast.diff (digitAt base place ((r.pos.mul e.upperPos).add (r.neg.mul e.lowerNeg)))
    (digitAt base place ((r.pos.mul e.upperNeg).add (r.neg.mul e.lowerPos)))

/-- Intervals of `(row · x + b) / 2^scale` for each row and its bias. -/
@[expose] def rowsBox (grid scale base place : Nat) (e : Ends) : List Row → List Int → Option Box
  | [], [] => some []
  | r :: rs, b :: bs =>
    (rowsBox grid scale base place e rs bs).map
      ((floorShift (Fast.add (r.lowest base place e) (shiftLeft b grid)) scale,
        ceilShift (Fast.add (r.highest base place e) (shiftLeft b grid)) scale) :: ·)
  | _, _ => none

/-- Intervals of `(W a + b) / 2^scale` again, for a matrix whose fields are below `2^bits`. Times a row, the reversed
ends of the box have the row's product with them as one digit; nothing if a digit might overflow. -/
@[expose] def packedLinear (grid bits scale : Nat) (a : Box) (w : Mat) (bias : List Int) : Option Box :=
  if Nat.beq (size a) w.cols && Nat.blt (boxAbs a * 2 ^ bits + 1) (2 ^ w.width) then
    forceNat (2 ^ w.width) fun base => forceNat (base ^ w.cols) fun place =>
      withEnds base a fun e => rowsBox grid scale base place e w.rows bias
  else none

/-- Interval propagation through a node, without its noise; `bits` are those of its matrix. -/
@[expose] def Node.packedBox (grid bits : Nat) (st : State) (n : Node) : Option Box :=
  match n with
  | .linear p scale w b => (State.boxAt st p).bind fun a => packedLinear grid bits scale a w b
  | _ => n.box grid st

/-! ## Lines -/

/-- A slope of the hinge in units of `2^-slopes`, rounded down: any slope gives a bound. -/
@[expose] def Hinge.slopeAt (P : Params) (f : Hinge) (slope : Int) : Int :=
  floorShift (shiftLeft slope P.slopes) f.scale

/-- The slope of the chord, rounded down. -/
@[expose] def Hinge.chord (P : Params) (f : Hinge) (b : Int × Int) : Int :=
  shiftLeft (Fast.sub (f.scaled b.2) (f.scaled b.1)) P.slopes / shiftLeft (Fast.sub b.2 b.1) f.scale

/-- The slope of the piece that is longer within the interval. -/
@[expose] def Hinge.longer (P : Params) (f : Hinge) (b : Int × Int) : Int :=
  f.slopeAt P (cond (Fast.le (Fast.sub f.kink b.1) (Fast.sub b.2 f.kink)) f.above f.below)

/-- Slopes of the lower and upper line. A hinge that turns up lies below its chord, one that turns down above it. -/
@[expose] def Hinge.slopesOn (P : Params) (f : Hinge) (b : Int × Int) : Int × Int :=
  cond (Fast.le b.2 f.kink) (f.slopeAt P f.below, f.slopeAt P f.below)
    (cond (Fast.le f.kink b.1) (f.slopeAt P f.above, f.slopeAt P f.above)
      (cond (Fast.le f.below f.above) (f.longer P b, f.chord P b) (f.chord P b, f.longer P b)))

/-- `2^slopes · f z`, rounded down, less `slope · z`, in units of `2^-grid`. -/
@[expose] def Hinge.gapBelow (P : Params) (f : Hinge) (slope z : Int) : Int :=
  Fast.sub (floorShift (shiftLeft (f.scaled z) P.slopes) f.scale) (Fast.mul slope z)

/-- `2^slopes · f z`, rounded up, less `slope · z`, in units of `2^-grid`. -/
@[expose] def Hinge.gapAbove (P : Params) (f : Hinge) (slope z : Int) : Int :=
  Fast.sub (ceilShift (shiftLeft (f.scaled z) P.slopes) f.scale) (Fast.mul slope z)

/-- The highest line of a slope that stays below the hinge, less the noise. -/
@[expose] def Hinge.lineBelow (P : Params) (f : Hinge) (b : Int × Int) (e : Nat) (slope : Int) : Line :=
  let g := f.gapBelow P slope
  ⟨slope, Fast.sub (smallest g (f.points b) (g b.1)) (shiftLeft e P.slopes)⟩

/-- The lowest line of a slope that stays above the hinge, plus the noise. -/
@[expose] def Hinge.lineAbove (P : Params) (f : Hinge) (b : Int × Int) (e : Nat) (slope : Int) : Line :=
  let g := f.gapAbove P slope
  ⟨slope, Fast.add (largest g (f.points b) (g b.1)) (shiftLeft e P.slopes)⟩

/-- Lower and upper lines of all elements of any hinge. -/
@[expose] def pointsLines (P : Params) (f : Hinge) : Box → List Nat → Option (List Line × List Line)
  | [], [] => some ([], [])
  | b :: bs, e :: es =>
    (pointsLines P f bs es).map fun ls =>
      let s := f.slopesOn P b
      (f.lineBelow P b e s.1 :: ls.1, f.lineAbove P b e s.2 :: ls.2)
  | _, _ => none

/-- Two lines of the same slope through the origin, `e` apart from it. -/
@[expose] def throughOrigin {α : Type} (slope e : Nat) (k : Line → Line → α) : α :=
  k ⟨.ofNat slope, Fast.negNat e⟩ ⟨.ofNat slope, .ofNat e⟩

/-- Lines of relu below and above, in units of `1 / one`: the identity or zero where it is on one side of its kink; else
the one of these that is closer over the longer part, and the chord with its slope rounded down. -/
@[expose] def reluLine {α : Type} (one : Nat) (b : Int × Int) (e : Nat) (k : Line → Line → α) : α :=
  forceNat (e.mul one) fun e =>
    Int.rec (motive := fun _ => α) (fun _ => throughOrigin one e k)
      (fun m => Int.rec (motive := fun _ => α)
        (fun u => forceNat (cond (m.succ.ble u) one 0) fun low => forceNat ((u.mul one).div (u.add m.succ)) fun chord =>
          forceNat (((u.mul one).sub (u.mul chord)).add e) fun shift =>
            k ⟨.ofNat low, Fast.negNat e⟩ ⟨.ofNat chord, .ofNat shift⟩)
        (fun _ => throughOrigin 0 e k) b.2) b.1

/-- Lines of relu for all elements. -/
@[expose] def reluLines (one : Nat) : Box → List Nat → Option (List Line × List Line)
  | [], [] => some ([], [])
  | b :: bs, e :: es => (reluLines one bs es).map fun ls => reluLine one b e fun l u => (l :: ls.1, u :: ls.2)
  | _, _ => none

/-- Lower and upper lines of all elements. -/
@[expose] def hingeLines (P : Params) (f : Hinge) (b : Box) (e : List Nat) : Option (List Line × List Line) :=
  cond f.isRelu (reluLines (2 ^ P.slopes) b e) (pointsLines P f b e)

/-! ## Backward bounds -/

/-- Coefficients on the operand of a hinge: the lower line where the coefficient is positive, else the upper one. -/
@[expose] def throughSlopes : List Int → List Line → List Line → List Int
  | c :: cs, l :: ls, u :: us => Fast.mul c (Fast.bySign c l.slope u.slope) :: throughSlopes cs ls us
  | _, _, _ => []

/-- What the lines' shifts contribute. -/
@[expose] def throughShifts : List Int → List Line → List Line → Int
  | c :: cs, l :: ls, u :: us => Fast.add (Fast.mul c (Fast.bySign c l.shift u.shift)) (throughShifts cs ls us)
  | _, _, _ => 0

/-- Quotients by `2^k`, rounded down. -/
@[expose] def floorRow (k : Nat) : List Int → List Int
  | [] => []
  | c :: cs => floorShift c k :: floorRow k cs

/-- `Σ (cᵢ mod 2^k) lᵢ`: remainders are not negative, so each is worth at least its share of the lower bound. -/
@[expose] def remainders (k : Nat) : List Int → Box → Int
  | c :: cs, b :: bs => c % ((2 ^ k : Nat) : Int) * b.1 + remainders k cs bs
  | _, _ => 0

/-- Shortens all rows by `k` digits; the second component is what this is worth. -/
@[expose] def absorb (k : Nat) : List (List Int) → State → List (List Int) × Int
  | r :: rs, e :: st =>
    let rest := absorb k rs st
    (floorRow k r :: rest.1, remainders k r e.box + rest.2)
  | rs, _ => (rs, 0)

/-- Splits a list. -/
@[expose] def splitRow : Nat → List Int → List Int × List Int
  | 0, cs => ([], cs)
  | _, [] => ([], [])
  | n + 1, c :: cs => let s := splitRow n cs; (c :: s.1, s.2)

end TorchLean
