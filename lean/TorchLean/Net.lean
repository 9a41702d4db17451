module

prelude
public import Init.Data.Rat.Lemmas
public import Init.Data.List.Basic

/-!
# Networks and what they may compute

A network is a list of nodes, **output first**: every node reads nodes further down the list, and below the last
one stands the input. Node lists and lists of values therefore have the same order, and every definition and proof
about networks is by recursion on that list. A node names its operand by how many places further down it stands:
`0` is the node right below, so a chain of layers uses `0` only.

Weights are integers over a power of two. Every binary32 number is of that form, so the network of a certificate is
the network of the program, not an approximation of it. A row of weights is written as two numbers, one for the positive
and one for the negative weights, in fields of `width` bits (`Row`); one multiplication of such a number by a scalar is
a multiplication of the whole row, which is what makes checking fast, and in hexadecimal the fields can be read.

Values are rational numbers. `Run` is the *noisy* semantics: each node may deviate from its exact result by
what `Noise` allows. With all noise zero it is the exact semantics; with the noise that bounds rounding errors it covers
binary32 executions in any order of summation.
-/

public section

namespace TorchLean

/-- The values of one node. -/
abbrev Vec := List Rat

/-- `Σ cᵢ xᵢ`, over the shorter of the two lists. -/
@[expose] def dot : List Int → Vec → Rat
  | c :: cs, x :: xs => c * x + dot cs xs
  | _, _ => 0

/-- The first `count` fields of `width` bits of a number, lowest first. -/
@[expose] def fields (width : Nat) : Nat → Nat → List Nat
  | 0, _ => []
  | count + 1, n => n % 2 ^ width :: fields width count (n / 2 ^ width)

/-- A row of integers: positive parts and negative parts, packed in fields. -/
structure Row where
  /-- Fields holding the positive weights (zero where a weight is negative). -/
  pos : Nat
  /-- Fields holding the absolute values of the negative weights. -/
  neg : Nat

/-- Elementwise differences, over the shorter list. -/
@[expose] def differences : List Nat → List Nat → List Int
  | p :: ps, n :: ns => ((p : Int) - n) :: differences ps ns
  | _, _ => []

/-- The integers of a row of `count` fields. -/
@[expose] def Row.ints (width count : Nat) (r : Row) : List Int :=
  differences (fields width count r.pos) (fields width count r.neg)

/-- A matrix given by packed rows. -/
structure Mat where
  /-- Bits of a field. -/
  width : Nat
  /-- Number of columns: the size of the operand. -/
  cols : Nat
  /-- One row for each output. -/
  rows : List Row

/-- A piecewise linear function of one variable with one kink, applied to each element:
`value + below · (z - kink)` where `z ≤ kink`, `value + above · (z - kink)` elsewhere.
`kink` and `value` count in units of `2^-grid` of the network, slopes in units of `2^-scale`. Relu is
`⟨0, 0, 0, 0, 1⟩`. -/
structure Hinge where
  scale : Nat
  kink : Int
  value : Int
  below : Int
  above : Int

/-- One operation. Operands count from the node below. -/
inductive Node where
  /-- `(W a + b) / 2^scale` -/
  | linear (operand : Nat) (scale : Nat) (weight : Mat) (bias : List Int)
  /-- a piecewise linear function of each element -/
  | hinge (operand : Nat) (f : Hinge)
  /-- elementwise sum of two operands -/
  | add (left right : Nat)
  /-- the elements of the left operand, then those of the right one -/
  | concat (left right : Nat)

/-- `2^k` as a rational number. -/
@[expose] def pow2 (k : Nat) : Rat := ((2 ^ k : Nat) : Rat)

/-- What a hinge makes of a number. -/
@[expose] def Hinge.eval (grid : Nat) (f : Hinge) (z : Rat) : Rat :=
  let slope : Rat := if z * pow2 grid ≤ f.kink then f.below else f.above
  f.value / pow2 grid + slope / pow2 f.scale * (z - f.kink / pow2 grid)

/-- `y` is within `e` (units of `2^-grid`) of `v`. -/
@[expose] def Near (grid : Nat) (v : Rat) (e : Nat) (y : Rat) : Prop :=
  v - e / pow2 grid ≤ y ∧ y ≤ v + e / pow2 grid

/-- Each element of `y` is within its `e` of the element of `v`; all three have the same length. -/
@[expose] def AllNear (grid : Nat) : Vec → List Nat → Vec → Prop
  | [], [], [] => True
  | v :: vs, e :: es, y :: ys => Near grid v e y ∧ AllNear grid vs es ys
  | _, _, _ => False

/-- `(r · a + b) / 2^scale` for each row and its bias; nothing where their numbers differ. -/
@[expose] def linearOut (scale : Nat) (a : Vec) : List (List Int) → List Int → Vec
  | r :: rs, b :: bs => (dot r a + b) / pow2 scale :: linearOut scale a rs bs
  | _, _ => []

/-- Elementwise sum, over the shorter list. -/
@[expose] def vadd : Vec → Vec → Vec
  | x :: xs, y :: ys => (x + y) :: vadd xs ys
  | _, _ => []

/-- The values of the node that stands `p` places down; none below the input. -/
@[expose] def operand : List Vec → Nat → Vec
  | [], _ => []
  | v :: _, 0 => v
  | _ :: env, p + 1 => operand env p

/-- The rows of packed rows of `cols` fields. -/
@[expose] def rowsInts (width cols : Nat) : List Row → List (List Int)
  | [] => []
  | r :: rs => r.ints width cols :: rowsInts width cols rs

/-- The rows of a matrix as integers. -/
@[expose] def Mat.ints (w : Mat) : List (List Int) := rowsInts w.width w.cols w.rows

/-- One vector after the other. -/
@[expose] def joined : Vec → Vec → Vec
  | [], ys => ys
  | x :: xs, ys => x :: joined xs ys

/-- A function of each element. -/
@[expose] def vmap (f : Rat → Rat) : Vec → Vec
  | [] => []
  | x :: xs => f x :: vmap f xs

/-- The exact result of a node on the values below it. -/
@[expose] def Node.eval (grid : Nat) (env : List Vec) : Node → Vec
  | .linear p scale w b => linearOut scale (operand env p) w.ints b
  | .hinge p f => vmap (f.eval grid) (operand env p)
  | .add p q => vadd (operand env p) (operand env q)
  | .concat p q => joined (operand env p) (operand env q)

/-- Noise of each node's elements, output first, in units of `2^-grid`. -/
abbrev Noise := List (List Nat)

/-- `Run grid nodes noise x env`: on input `x`, the nodes may take the values `env` (output first, the input last). -/
@[expose] def Run (grid : Nat) : List Node → Noise → Vec → List Vec → Prop
  | [], _, x, env => env = [x]
  | _ :: _, [], _, _ => False
  | _ :: _, _ :: _, _, [] => False
  | n :: ns, e :: es, x, y :: env => Run grid ns es x env ∧ AllNear grid (n.eval grid env) e y

/-- An interval for each element, in units of `2^-grid`. -/
abbrev Box := List (Int × Int)

/-- `x` lies in the box, and has its length. -/
@[expose] def InBox (grid : Nat) : Box → Vec → Prop
  | [], [] => True
  | b :: bs, x :: xs => ((b.1 : Rat) ≤ x * pow2 grid ∧ x * pow2 grid ≤ b.2) ∧ InBox grid bs xs
  | _, _ => False

/-- What is claimed of the elements of the output. -/
inductive Formula where
  /-- the element is positive -/
  | pos (i : Nat)
  /-- the element is not negative -/
  | nonneg (i : Nat)
  | and (f g : Formula)
  | or (f g : Formula)

/-- The formula holds for these values. Elements that do not exist satisfy nothing. -/
@[expose] def Formula.Holds (y : Vec) : Formula → Prop
  | .pos i => ∃ v, y[i]? = some v ∧ 0 < v
  | .nonneg i => ∃ v, y[i]? = some v ∧ 0 ≤ v
  | .and f g => f.Holds y ∧ g.Holds y
  | .or f g => f.Holds y ∨ g.Holds y

/-- Whatever the nodes compute on an input in the box, with any admissible noise, satisfies the formula. -/
@[expose] def Claim (grid : Nat) (nodes : List Node) (noise : Noise) (box : Box) (goal : Formula) : Prop :=
  ∀ x y env, InBox grid box x → Run grid nodes noise x (y :: env) → goal.Holds y

end TorchLean
