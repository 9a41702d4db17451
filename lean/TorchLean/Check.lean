module

prelude
public import TorchLean.Integers

/-!
# The checker

A verified bound computation in integers: interval propagation, backward linear bounds (CROWN) and a tree of
splits. A certificate holds no bounds and no slopes; it says only *where to split* and *which nodes deserve backward
bounds* (`Plan`). Every number is computed here from the network's own integers, so nothing of a certificate need be
believed.

Bounds count in units of `2^-grid`; every division rounds outward. Coefficients of a backward pass are integers over a
power of two that grows with each layer; `absorb` drops digits again and pays for them with the operand's bounds, so
that numbers stay short in deep networks.

Written for the kernel's evaluator: recursion on lists, natural numbers where possible, few large products instead of
many small ones, and values that are used more than once are forced first (`force…`), because the kernel substitutes.
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

/-- Evaluates lines before they are used. -/
@[expose] def forceLines {α : Type} : List Line → (List Line → α) → α
  | [], k => k []
  | l :: ls, k => forceInt l.slope fun a => forceInt l.shift fun c => forceLines ls fun ls => k (⟨a, c⟩ :: ls)

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
  | count + 1, p, n => Int.subNatNat (p.mod base) (n.mod base) :: unpack base count (p.div base) (n.div base)

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

/-- Intervals of a hinge. -/
@[expose] def hingeBox (f : Hinge) : Box → Box
  | [] => []
  | b :: bs =>
    let g := fun z => f.scaled z
    (floorShift (smallest g (f.points b) (g b.1)) f.scale, ceilShift (largest g (f.points b) (g b.1)) f.scale)
      :: hingeBox f bs

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

/-- The number itself where it is positive, else `0`. -/
@[expose] def posPart : Int → Nat
  | .ofNat m => m
  | .negSucc _ => 0

/-- The absolute value where the number is negative, else `0`. -/
@[expose] def negPart : Int → Nat
  | .ofNat _ => 0
  | .negSucc m => m.succ

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
  Int.subNatNat (digitAt base place ((r.pos.mul e.lowerPos).add (r.neg.mul e.upperNeg)))
    (digitAt base place ((r.pos.mul e.lowerNeg).add (r.neg.mul e.upperPos)))

/-- The largest `row · x` with each `xᵢ` in its interval. -/
@[expose] def Row.highest (base place : Nat) (e : Ends) (r : Row) : Int :=
  Int.subNatNat (digitAt base place ((r.pos.mul e.upperPos).add (r.neg.mul e.lowerNeg)))
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

/-- Lower and upper lines of all elements. -/
@[expose] def hingeLines (P : Params) (f : Hinge) : Box → List Nat → Option (List Line × List Line)
  | [], [] => some ([], [])
  | b :: bs, e :: es =>
    (hingeLines P f bs es).map fun ls =>
      let s := f.slopesOn P b
      (f.lineBelow P b e s.1 :: ls.1, f.lineAbove P b e s.2 :: ls.2)
  | _, _ => none

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

/-- Bits of the weights of each node's matrix, output first (any number for other nodes). -/
abbrev Bits := List Nat

/-- A lower bound in units of `2^-grid` of whatever is at least `(Σ rowᵢ · valueᵢ + const / 2^grid) / 2^scale`, where
`rows` are aligned with the nodes, the input last. -/
@[expose] def back (P : Params) : List Node → Noise → Bits → State → List (List Int) → Nat → Int → Option Int
  | [], _, _, e :: _, [row], scale, const => some (floorShift (lowest row e.box + const) scale)
  | n :: ns, e :: es, w :: ws, entry :: st, row :: rows, scale, const =>
    match row with
    | [] => back P ns es ws st rows scale const
    | _ :: _ =>
      match n with
      | .linear p s mat bias =>
        (product w mat row).bind fun r => forceInts r fun r =>
          (addAt p r (scaleRows s rows)).bind fun rows =>
            let const := shiftLeft const s + shiftLeft (dotInt row bias) P.grid - shiftLeft (dotAbs row e) s
            if Nat.blt P.places (scale + s) then
              let k := scale + s - P.places
              let a := absorb k rows st
              forceInt (floorShift (const + a.2) k) fun const => back P ns es ws st a.1 P.places const
            else forceInt const fun const => back P ns es ws st rows (scale + s) const
      | .hinge p _ =>
        forceInts (throughSlopes row entry.below entry.above) fun r =>
          (addAt p r (scaleRows P.slopes rows)).bind fun rows =>
            forceInt (shiftLeft const P.slopes + throughShifts row entry.below entry.above) fun const =>
              back P ns es ws st rows (scale + P.slopes) const
      | .add p q =>
        (addAt p row rows).bind fun rows => (addAt q row rows).bind fun rows =>
          back P ns es ws st rows scale (const - dotAbs row e)
      | .concat p q =>
        (State.boxAt st p).bind fun left =>
          let s := splitRow (size left) row
          (addAt p s.1 rows).bind fun rows => (addAt q s.2 rows).bind fun rows =>
            back P ns es ws st rows scale (const - dotAbs row e)
  | _, _, _, _, _, _, _ => none

/-- Empty rows for all nodes below, and the input. -/
@[expose] def noRows : List Node → List (List Int)
  | [] => [[]]
  | _ :: ns => [] :: noRows ns

/-- Backward bounds of the rows of a linear node on the operand `p` places down. -/
@[expose] def backRows (P : Params) (ns : List Node) (es : Noise) (ws : Bits) (st : State) (p scale : Nat) :
    List (List Int) → List Int → List Nat → Option Box
  | [], [], [] => some []
  | r :: rs, b :: bs, e :: errs =>
    forceInts r fun r =>
      (addAt p r (noRows ns)).bind fun low => (addAt p (negate r) (noRows ns)).bind fun high =>
        (back P ns es ws st low scale (shiftLeft b P.grid - shiftLeft e scale)).bind fun l =>
          (back P ns es ws st high scale (-(shiftLeft b P.grid) - shiftLeft e scale)).bind fun u =>
            (backRows P ns es ws st p scale rs bs errs).map ((l, -u) :: ·)
  | _, _, _ => none

/-! ## States -/

/-- How a node is bounded. -/
inductive Method where
  /-- interval propagation -/
  | interval
  /-- backward linear bounds, too (linear nodes; others are propagated) -/
  | backward

/-- The box of a node from what is known below it. -/
@[expose] def nodeBox (P : Params) (n : Node) (e : List Nat) (bits : Nat) (m : Method) (ns : List Node) (es : Noise)
    (ws : Bits) (st : State) : Option Box :=
  ((n.packedBox P.grid bits st).bind fun b => widen b e).bind fun b =>
    match m, n with
    | .backward, .linear p s w bias => (backRows P ns es ws st p s w.ints bias e).bind fun c => meet b c
    | _, _ => some b

/-- Lines of a hinge on what is known of its operand; none for other nodes. -/
@[expose] def nodeLines (P : Params) (n : Node) (e : List Nat) (st : State) : Option (List Line × List Line) :=
  match n with
  | .hinge p f => (State.boxAt st p).bind fun b => hingeLines P f b e
  | _ => some ([], [])

/-- Bounds of all nodes, from the input up. `known` are boxes known already (empty: nothing), aligned with the
nodes, the input's last. -/
@[expose] def build (P : Params) : List Node → Noise → Bits → List Method → List Box → Option State
  | [], _, _, _, [b] => forceBox b fun b => some [⟨b, [], []⟩]
  | n :: ns, e :: es, w :: ws, m :: ms, k :: ks =>
    (build P ns es ws ms ks).bind fun st =>
      (nodeBox P n e w m ns es ws st).bind fun b =>
        (match k with
        | [] => some b
        | _ :: _ => meet b k).bind fun b => forceBox b fun b =>
          (nodeLines P n e st).bind fun ls =>
            forceLines ls.1 fun below => forceLines ls.2 fun above => some (⟨b, below, above⟩ :: st)
  | _, _, _, _, _ => none

/-- Only the boxes. -/
@[expose] def State.boxes : State → List Box
  | [] => []
  | e :: st => e.box :: State.boxes st

/-- The interval is empty for some element. -/
@[expose] def hasEmpty : Box → Bool
  | [] => false
  | b :: bs => decide (b.2 < b.1) || hasEmpty bs

/-- Some node has no possible value. -/
@[expose] def anyEmpty : List Box → Bool
  | [] => false
  | b :: bs => hasEmpty b || anyEmpty bs

/-- The lower end of an element. -/
@[expose] def lowerEnd : Box → Nat → Option Int
  | [], _ => none
  | b :: _, 0 => some b.1
  | _ :: bs, i + 1 => lowerEnd bs i

/-- The bounds of the output prove the formula. -/
@[expose] def Formula.proved (b : Box) : Formula → Bool
  | .pos i => match lowerEnd b i with
    | some l => decide (0 < l)
    | none => false
  | .nonneg i => match lowerEnd b i with
    | some l => decide (0 ≤ l)
    | none => false
  | .and f g => f.proved b && g.proved b
  | .or f g => f.proved b || g.proved b

/-! ## Plans -/

/-- What a certificate says: where to look closer, and where to split. -/
inductive Plan where
  /-- the bounds known prove the formula, or no value is possible -/
  | done
  /-- bound all nodes anew, each by its method (output first) -/
  | bound (methods : List Method) (next : Plan)
  /-- an element of a node (counted from the output; the input is the last) is at most, or at least, `value` -/
  | split (node element : Nat) (value : Int) (low high : Plan)

/-- The element is at most `v`. -/
@[expose] def capAt : Box → Nat → Int → Option Box
  | [], _, _ => none
  | b :: bs, 0, v => some ((b.1, min b.2 v) :: bs)
  | b :: bs, i + 1, v => (capAt bs i v).map (b :: ·)

/-- The element is at least `v`. -/
@[expose] def floorAt : Box → Nat → Int → Option Box
  | [], _, _ => none
  | b :: bs, 0, v => some ((max b.1 v, b.2) :: bs)
  | b :: bs, i + 1, v => (floorAt bs i v).map (b :: ·)

/-- Changes the box of one node. -/
@[expose] def changeAt (f : Box → Option Box) : List Box → Nat → Option (List Box)
  | [], _ => none
  | b :: bs, 0 => (f b).map (· :: bs)
  | b :: bs, n + 1 => (changeAt f bs n).map (b :: ·)

/-- The plan proves the formula for all values within what is known. -/
@[expose] def Plan.proves (P : Params) (nodes : List Node) (noise : Noise) (bits : Bits) (goal : Formula) :
    Plan → List Box → Bool
  | .done, known => anyEmpty known || match known with
    | b :: _ => goal.proved b
    | [] => false
  | .bound methods next, known =>
    match build P nodes noise bits methods known with
    | some st => forceBoxes (State.boxes st) fun known => Plan.proves P nodes noise bits goal next known
    | none => false
  | .split node element value low high, known =>
    match changeAt (capAt · element value) known node, changeAt (floorAt · element value) known node with
    | some a, some b => Plan.proves P nodes noise bits goal low a && Plan.proves P nodes noise bits goal high b
    | _, _ => false

/-- Nothing known but the input. -/
@[expose] def start (box : Box) : List Node → List Box
  | [] => [box]
  | _ :: ns => [] :: start box ns

/-- Every matrix keeps to its fields: all are below `2^bits`. -/
@[expose] def wellFormed : List Node → Bits → Bool
  | [], _ => true
  | .linear _ _ w _ :: ns, b :: bs => fieldsBelow b w.width w.cols w.rows && wellFormed ns bs
  | _ :: ns, _ :: bs => wellFormed ns bs
  | _ :: _, [] => false

/-- The checker: whatever the network computes on the box, within the noise, satisfies the formula. -/
@[expose] def check (P : Params) (nodes : List Node) (noise : Noise) (bits : Bits) (box : Box) (goal : Formula)
    (plan : Plan) : Bool :=
  wellFormed nodes bits && plan.proves P nodes noise bits goal (start box nodes)

end TorchLean
