module
prelude
public import TorchLean.DotProduct
public import TorchLean.Net

/-!
# What an execution of a network on a machine may compute

`Exec M grid nodes roles x env` relates an input, given by numbers of machine `M`, to all values that an execution may
give to the nodes. What a node is to an execution, its role says:

* an *operation*: every affine output is the result of any tree over the products of its row and its bias (`Dot`), every
  sum of two nodes is one addition, every hinge is exact. Weights and biases are numbers of the machine, so a network
  whose integers are no such numbers has no execution here; `run32` shows that networks of binary32 weights have one.
* a *choice*: numbers of the machine whose values are exactly those of the node, such as the larger one of two numbers,
  which a network writes as a sum.
* a *thought*: exact values that no execution computes, such as the margins that a claim speaks about, or the
  difference of two numbers of which the larger one is chosen.

A hinge with slopes other than 0, 1 and -1 multiplies and so rounds; it is exact here, so nothing is said of the
executions of such a network on a machine that rounds that product.
-/

public section
namespace TorchLean

/-- The values of numbers. -/
@[expose] def Machine.values (M : Machine) : List M.Number → Vec
  | [] => []
  | x :: xs => M.value x :: M.values xs

/-- What a node is to an execution. -/
inductive Role where
  /-- computed by the machine's operations -/
  | operation
  /-- exact, and numbers of the machine -/
  | choice
  /-- exact, and computed by nobody -/
  | thought

/-- The role of the node that stands `p` places down is not to be thought only. The input is numbers. -/
@[expose] def solid : List Role → Nat → Bool
  | [], _ => true
  | .thought :: _, 0 => false
  | .operation :: _, 0 => true
  | .choice :: _, 0 => true
  | _ :: roles, p + 1 => solid roles p

/-- The values of all nodes, of which those that are only thought have no numbers. -/
@[expose] def Machine.valuesOf (M : Machine) (grid : Nat) : List Node → List Role → List (List M.Number) → List Vec
  | n :: ns, .thought :: rs, _ :: env => n.eval grid (M.valuesOf grid ns rs env) :: M.valuesOf grid ns rs env
  | _ :: ns, _ :: rs, y :: env => M.values y :: M.valuesOf grid ns rs env
  | _, _, x :: _ => [M.values x]
  | _, _, [] => []

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

/-- The results of an operation on the numbers below it. -/
@[expose] def Machine.NodeResult (M : Machine) (grid : Nat) (env : List (List M.Number)) (y : List M.Number) :
    Node → Prop
  | .linear p scale w b => M.LinearResult scale (numbersAt env p) w.ints b y
  | .hinge p f => M.HingeResult grid f (numbersAt env p) y
  | .add p q => M.AddResult (numbersAt env p) (numbersAt env q) y
  | .concat p q => y = glue (numbersAt env p) (numbersAt env q)

/-- All numbers of all nodes are finite. -/
@[expose] def Machine.AllFinite (M : Machine) : List (List M.Number) → Prop
  | [] => True
  | xs :: env => Every M.finite xs ∧ M.AllFinite env

/-- What a node of a role may be, on numbers `env` below it with values `vals`. -/
@[expose] def Machine.StepResult (M : Machine) (grid : Nat) (env : List (List M.Number)) (vals : List Vec)
    (y : List M.Number) (n : Node) : Role → Prop
  | .operation => M.NodeResult grid env y n
  | .choice => M.AllFinite env → Every M.finite y ∧ M.values y = n.eval grid vals
  | .thought => y = []

/-- On the input `x`, an execution may give the nodes the numbers `env` (output first, the input last; none to nodes
that are only thought). -/
@[expose] def Exec (M : Machine) (grid : Nat) : List Node → List Role → List M.Number → List (List M.Number) → Prop
  | [], _, x, env => env = [x]
  | _ :: _, [], _, _ => False
  | _ :: _, _ :: _, _, [] => False
  | n :: ns, r :: rs, x, y :: env =>
    Exec M grid ns rs x env ∧ M.StepResult grid env (M.valuesOf grid ns rs env) y n r

/-- **What a certificate says of executions.** Whatever finite numbers in the box an execution starts from, and whatever
it computes then, all its numbers are finite, and the value of the last node satisfies the formula. -/
@[expose] def Executions (M : Machine) (grid : Nat) (nodes : List Node) (roles : List Role) (box : Box)
    (goal : Formula) : Prop :=
  ∀ x env, Every M.finite x → InBox grid box (M.values x) → Exec M grid nodes roles x env →
    M.AllFinite env ∧ ∃ y below, M.valuesOf grid nodes roles env = y :: below ∧ goal.Holds y

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

/-- Numbers and values of a node agree where it has numbers. -/
theorem values_numbersAt {grid : Nat} {ns : List Node} {rs : List Role} {x : List M.Number}
    {env : List (List M.Number)} (h : Exec M grid ns rs x env) {p : Nat} (hp : solid rs p = true) :
    M.values (numbersAt env p) = operand (M.valuesOf grid ns rs env) p := by
  induction ns generalizing rs env p with
  | nil =>
    have h : env = [x] := h
    subst h
    cases p <;> rfl
  | cons n ns ih =>
    match rs, env, h with
    | r :: rs, y :: env, ⟨h, _⟩ =>
      cases p with
      | zero => cases r with
        | operation => rfl
        | choice => rfl
        | thought => exact absurd hp (by simp [solid])
      | succ p => cases r <;> exact ih h hp

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
