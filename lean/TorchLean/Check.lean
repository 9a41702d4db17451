module

prelude
public import TorchLean.BackwardLoops
public import TorchLean.Fields
public import TorchLean.Loops

/-!
# The checker

A verified bound computation in integers: interval propagation, backward linear bounds (CROWN) and a tree of
splits. A certificate holds no bounds and no slopes; it says only *where to split* and *which nodes deserve backward
bounds* (`Plan`). Every number is computed here from the network's own integers, so nothing of a certificate need be
believed.

Written for the kernel's evaluator: natural numbers where possible, few large products instead of many small ones, and
values that are used more than once are evaluated first, because the kernel substitutes. What is done for each number
stands in `Loops` and `BackwardLoops`.
-/

public noncomputable section

namespace TorchLean

/-! ## Backward bounds -/

/-- Bits of the weights of each node's matrix, output first (any number for other nodes). -/
abbrev Bits := List Nat

/-- A lower bound in units of `2^-grid` of whatever is at least `(Σ rowᵢ · valueᵢ + const / 2^grid) / 2^scale`, where
`rows` are aligned with the nodes, the input last. -/
@[expose] def back (P : Params) : List Node → Noise → Bits → State → List (List Int) → Nat → Int → Option Int
  | [], _, _, e :: _, [row], scale, const => some (floorShift (Fast.add (Loops.lowest row e.box) const) scale)
  | n :: ns, e :: es, w :: ws, entry :: st, row :: rows, scale, const =>
    match row with
    | [] => back P ns es ws st rows scale const
    | _ :: _ =>
      match n with
      | .linear p s mat bias =>
        Loops.product w mat row fun r => (addAt p r (scaleRows s rows)).bind fun rows =>
          let const := Fast.sub (Fast.add (shiftLeft const s) (shiftLeft (Loops.dotInt row bias) P.grid))
            (shiftLeft (.ofNat (Loops.dotAbs row e)) s)
          if Nat.blt P.places (scale + s) then
            let k := scale + s - P.places
            Loops.absorb k rows st fun rows worth =>
              forceInt (floorShift (Fast.add const worth) k) fun const => back P ns es ws st rows P.places const
          else forceInt const fun const => back P ns es ws st rows (scale + s) const
      | .hinge p _ =>
        Loops.through row entry.below entry.above fun r shift =>
          (addAt p r (scaleRows P.slopes rows)).bind fun rows =>
            forceInt (Fast.add (shiftLeft const P.slopes) shift) fun const =>
              back P ns es ws st rows (scale + P.slopes) const
      | .add p q =>
        (addAt p row rows).bind fun rows => (addAt q row rows).bind fun rows =>
          forceInt (Fast.sub const (.ofNat (Loops.dotAbs row e))) fun const => back P ns es ws st rows scale const
      | .concat p q =>
        (State.boxAt st p).bind fun left =>
          let s := splitRow (size left) row
          (addAt p s.1 rows).bind fun rows => (addAt q s.2 rows).bind fun rows =>
            forceInt (Fast.sub const (.ofNat (Loops.dotAbs row e))) fun const => back P ns es ws st rows scale const
  | _, _, _, _, _, _, _ => none

/-- Empty rows for all nodes below, and the input. -/
@[expose] def noRows : List Node → List (List Int)
  | [] => [[]]
  | _ :: ns => [] :: noRows ns

/-- Backward bounds of the rows of a linear node on the operand `p` places down, met with its box: lower ends, and
where `both`, upper ends too. -/
@[expose] def backRows (P : Params) (ns : List Node) (es : Noise) (ws : Bits) (st : State) (p scale : Nat)
    (both : Bool) : List (List Int) → List Int → List Nat → Box → Option Box
  | [], [], [], [] => some []
  | r :: rs, b :: bs, e :: errs, i :: box =>
    forceInts r fun r =>
      (addAt p r (noRows ns)).bind fun low =>
        (back P ns es ws st low scale (shiftLeft b P.grid - shiftLeft e scale)).bind fun l =>
          (match both with
          | false => some i.2
          | true => (addAt p (negate r) (noRows ns)).bind fun high =>
            (back P ns es ws st high scale (-(shiftLeft b P.grid) - shiftLeft e scale)).bind fun u =>
              some (Fast.min i.2 (-u))).bind fun u =>
            (backRows P ns es ws st p scale both rs bs errs box).map ((Fast.max i.1 l, u) :: ·)
  | _, _, _, _ => none

/-! ## States -/

/-- How a node is bounded. -/
inductive Method where
  /-- interval propagation -/
  | interval
  /-- backward linear bounds, too (linear nodes; others are propagated) -/
  | backward

/-- The box of a node from what is known below it, evaluated; `both` as in `backRows`. -/
@[expose] def nodeBox (P : Params) (n : Node) (e : List Nat) (bits : Nat) (m : Method) (both : Bool) (ns : List Node)
    (es : Noise) (ws : Bits) (st : State) : Option Box :=
  match n with
  | .linear p s w bias => (State.boxAt st p).bind fun a => Loops.linear P.grid bits s a w bias e fun b =>
    match m with
    | .interval => some b
    | .backward => (backRows P ns es ws st p s both w.ints bias e b).bind fun b => forceBox b some
  | .hinge p f => (State.boxAt st p).bind fun a =>
    cond f.isRelu (Loops.reluBox a e some) ((widen (pointsBox f a) e).bind fun b => forceBox b some)
  | _ => (n.box P.grid st).bind fun b => (widen b e).bind fun b => forceBox b some

/-- With what was known of it: the empty box says nothing. -/
@[expose] def withKnown (b known : Box) (k : Box → Option State) : Option State :=
  match known with
  | [] => k b
  | _ :: _ => Loops.meet b known k

/-- Lines of a hinge on what is known of its operand; none for other nodes. -/
@[expose] def withLines (P : Params) (n : Node) (e : List Nat) (st : State)
    (k : List Line → List Line → Option State) : Option State :=
  match n with
  | .hinge p f => (State.boxAt st p).bind fun b => Loops.hingeLines P f b e k
  | _ => k [] []

/-- Bounds of all nodes, from the input up. `known` are boxes known already (empty: nothing), aligned with the
nodes, the input's last. A goal reads the lower ends of the output only, so that is where `both` is false. -/
@[expose] def build (P : Params) (both : Bool) : List Node → Noise → Bits → List Method → List Box → Option State
  | [], _, _, _, [b] => forceBox b fun b => some [⟨b, [], []⟩]
  | n :: ns, e :: es, w :: ws, m :: ms, k :: ks =>
    (build P true ns es ws ms ks).bind fun st =>
      (nodeBox P n e w m both ns es ws st).bind fun b =>
        withKnown b k fun b => withLines P n e st fun below above => some (⟨b, below, above⟩ :: st)
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
  | .done, known => (match known with
    | b :: _ => goal.proved b
    | [] => false) || anyEmpty known
  | .bound methods next, known =>
    match build P false nodes noise bits methods known with
    | some st => Plan.proves P nodes noise bits goal next (State.boxes st)
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
  | .linear _ _ w _ :: ns, b :: bs => Fields.below b w.width w.cols w.rows && wellFormed ns bs
  | _ :: ns, _ :: bs => wellFormed ns bs
  | _ :: _, [] => false

/-- The checker: whatever the network computes on the box, within the noise, satisfies the formula. -/
@[expose] def check (P : Params) (nodes : List Node) (noise : Noise) (bits : Bits) (box : Box) (goal : Formula)
    (plan : Plan) : Bool :=
  wellFormed nodes bits && plan.proves P nodes noise bits goal (start box nodes)

end TorchLean
