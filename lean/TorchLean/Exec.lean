module
prelude
public import TorchLean.DotProduct
public import TorchLean.Net

/-!
# What an execution of a network on a machine may compute

`Exec M grid nodes x env` relates an input, given by numbers of machine `M`, to all values that an execution may give
to the nodes: every affine output is the result of any tree over the products of its row and its bias (`Dot`), every
sum of two nodes is one addition, every hinge is exact. Weights and biases are numbers of the machine, so a network
whose integers are no such numbers has no execution here; `run32` shows that networks of binary32 weights have one.

A hinge with slopes other than 0, 1 and -1 multiplies and so rounds; it is exact here, so nothing is said of the
executions of such a network on a machine that rounds that product.
-/

public section
namespace TorchLean

/-- The values of numbers. -/
@[expose] def Machine.values (M : Machine) : List M.Number → Vec
  | [] => []
  | x :: xs => M.value x :: M.values xs

/-- The values of all nodes. -/
@[expose] def Machine.valuesOf (M : Machine) : List (List M.Number) → List Vec
  | [] => []
  | xs :: env => M.values xs :: M.valuesOf env

/-- The numbers of the node that stands `p` places down. -/
@[expose] def numbersAt {α : Type} : List (List α) → Nat → List α
  | [], _ => []
  | xs :: _, 0 => xs
  | _ :: env, p + 1 => numbersAt env p

/-- One list after the other. -/
@[expose] def glue {α : Type} : List α → List α → List α
  | [], ys => ys
  | x :: xs, ys => x :: glue xs ys

/-- `w` is the weight `c / 2^scale`. -/
@[expose] def Machine.IsWeight (M : Machine) (scale : Nat) (c : Int) (w : M.Number) : Prop :=
  M.finite w ∧ M.value w * pow2 scale = c

/-- The products of a row of weights and the numbers `a`, over the shorter of the two; factors in either order. -/
@[expose] def Machine.Terms (M : Machine) (scale : Nat) : List Int → List M.Number → List (M.Number × M.Number) → Prop
  | [], _, ts => ts = []
  | _ :: _, [], ts => ts = []
  | _ :: _, _ :: _, [] => False
  | c :: cs, x :: xs, t :: ts => (∃ w, M.IsWeight scale c w ∧ (t = (w, x) ∨ t = (x, w))) ∧ M.Terms scale cs xs ts

/-- `y` is a result of `(row · a + bias) / 2^scale`. -/
@[expose] def Machine.RowResult (M : Machine) (scale : Nat) (row : List Int) (bias : Int) (a : List M.Number)
    (y : M.Number) : Prop :=
  ∃ ts c, M.Terms scale row a ts ∧ M.IsWeight scale bias c ∧ Dot M ts [c] y

/-- The results of an affine layer, row by row. -/
@[expose] def Machine.LinearResult (M : Machine) (scale : Nat) (a : List M.Number) :
    List (List Int) → List Int → List M.Number → Prop
  | [], _, ys => ys = []
  | _ :: _, [], ys => ys = []
  | _ :: _, _ :: _, [] => False
  | r :: rs, b :: bs, y :: ys => M.RowResult scale r b a y ∧ M.LinearResult scale a rs bs ys

/-- The results of a hinge, element by element. -/
@[expose] def Machine.HingeResult (M : Machine) (grid : Nat) (f : Hinge) : List M.Number → List M.Number → Prop
  | [], ys => ys = []
  | _ :: _, [] => False
  | x :: xs, y :: ys =>
    (M.finite x → M.finite y ∧ M.value y = f.eval grid (M.value x)) ∧ M.HingeResult grid f xs ys

/-- The results of an elementwise sum, over the shorter list. -/
@[expose] def Machine.AddResult (M : Machine) : List M.Number → List M.Number → List M.Number → Prop
  | [], _, ys => ys = []
  | _ :: _, [], ys => ys = []
  | _ :: _, _ :: _, [] => False
  | a :: as', b :: bs, y :: ys => M.add a b y ∧ M.AddResult as' bs ys

/-- The results of a node on the numbers below it. -/
@[expose] def Machine.NodeResult (M : Machine) (grid : Nat) (env : List (List M.Number)) (y : List M.Number) :
    Node → Prop
  | .linear p scale w b => M.LinearResult scale (numbersAt env p) w.ints b y
  | .hinge p f => M.HingeResult grid f (numbersAt env p) y
  | .add p q => M.AddResult (numbersAt env p) (numbersAt env q) y
  | .concat p q => y = glue (numbersAt env p) (numbersAt env q)

/-- On the input `x`, an execution may give the nodes the numbers `env` (output first, the input last). -/
@[expose] def Exec (M : Machine) (grid : Nat) : List Node → List M.Number → List (List M.Number) → Prop
  | [], x, env => env = [x]
  | _ :: _, _, [] => False
  | n :: ns, x, y :: env => Exec M grid ns x env ∧ M.NodeResult grid env y n

/-- All numbers of all nodes are finite. -/
@[expose] def Machine.AllFinite (M : Machine) : List (List M.Number) → Prop
  | [] => True
  | xs :: env => Every M.finite xs ∧ M.AllFinite env

section
variable (M : Machine)

theorem finite_numbersAt {env : List (List M.Number)} (h : M.AllFinite env) (p : Nat) :
    Every M.finite (numbersAt env p) := by
  induction env generalizing p with
  | nil => trivial
  | cons xs env ih =>
    cases p with
    | zero => exact h.1
    | succ p => exact ih h.2 p

theorem values_numbersAt (env : List (List M.Number)) (p : Nat) :
    M.values (numbersAt env p) = operand (M.valuesOf env) p := by
  induction env generalizing p with
  | nil => rfl
  | cons xs env ih =>
    cases p with
    | zero => rfl
    | succ p => exact ih p

theorem values_glue (xs ys : List M.Number) : M.values (glue xs ys) = joined (M.values xs) (M.values ys) := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp only [glue, Machine.values, joined, ih]

theorem every_glue {xs ys : List M.Number} (hx : Every M.finite xs) (hy : Every M.finite ys) :
    Every M.finite (glue xs ys) := by
  induction xs with
  | nil => exact hy
  | cons x xs ih => exact ⟨hx.1, ih hx.2⟩

end
end TorchLean
