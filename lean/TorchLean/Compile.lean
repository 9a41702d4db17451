module

prelude
public import TorchLean.Module
public import TorchLean.Pack
public import TorchLean.Execute

/-!
# Modules compile to the graph, and nothing changes

`Module.compile` writes a module as nodes of `TorchLean.Net`. The theorem is that eager execution and execution of the
graph give the same result on every input of the right size (`graph_eq_forward`), so that a claim about the graph, which
is what a certificate proves, is a claim about the module (`claim_forward`).
-/

public section

namespace TorchLean

/-! ## Compilation -/

namespace Module

open Graph Pack

/-- Nodes to be put on top of a graph, and where the result stands among them: how many places below the top. -/
structure Compiled where
  /-- the new nodes, output first -/
  nodes : List Node
  /-- where the result is -/
  result : Nat

/-- `max(z, 0)` as a hinge. -/
@[expose] def reluHinge : Hinge := ⟨0, 0, 0, 0, 1⟩

/-- A leaky ReLU as a hinge. -/
@[expose] def leakyHinge (scale : Nat) (slope : Int) : Hinge := ⟨scale, 0, 0, slope, ((2 ^ scale : Nat) : Int)⟩

/--
The nodes of a module whose input stands `p` places below the top. `room` is how many bits the fields of packed weights
have beyond the largest weight: a checker that multiplies whole rows needs them, the meaning does not depend on them.
-/
@[expose] def compile (room : Nat) : Module → Nat → Compiled
  | identity, p => ⟨[], p⟩
  | linear scale w b, p => ⟨[.linear p scale (packMat room w) b], 0⟩
  | relu, p => ⟨[.hinge p reluHinge], 0⟩
  | leakyRelu scale slope, p => ⟨[.hinge p (leakyHinge scale slope)], 0⟩
  | andThen first second, p =>
    let c := first.compile room p
    let d := second.compile room c.result
    ⟨onTop d.nodes c.nodes, d.result⟩
  | residual body, p =>
    let c := body.compile room p
    ⟨.add (p + nodeCount c.nodes) c.result :: c.nodes, 0⟩
  | concat left right, p =>
    let c := left.compile room p
    let d := right.compile room (p + nodeCount c.nodes)
    ⟨.concat (c.result + nodeCount d.nodes) d.result :: onTop d.nodes c.nodes, 0⟩

/-- The graph of a module: its nodes over the input. -/
@[expose] def graph (room : Nat) (m : Module) : List Node := (m.compile room 0).nodes

/-! ## Both semantics agree -/

theorem zero_div (x : Rat) : ((0 : Int) : Rat) / x = 0 := by
  rw [Rat.div_def]
  exact Rat.zero_mul _

/-- A hinge without offset. -/
theorem eval_plain_hinge (grid scale : Nat) (below above : Int) (z : Rat) :
    Hinge.eval grid ⟨scale, 0, 0, below, above⟩ z =
      (if 0 < z then (above : Rat) else (below : Rat)) / pow2 scale * z := by
  have hpos := pow2_pos grid
  have hsign : z * pow2 grid ≤ ((0 : Int) : Rat) ↔ ¬0 < z := by
    have hzero : ((0 : Int) : Rat) = 0 := rfl
    rw [hzero]
    constructor
    · intro h hz
      have := Rat.mul_pos hz hpos
      grind
    · intro hz
      have := Rat.mul_le_mul_of_nonneg_right (show z ≤ 0 by grind) (Rat.le_of_lt hpos)
      rwa [Rat.zero_mul] at this
  simp only [Hinge.eval, zero_div]
  by_cases hz : 0 < z
  · have hnot : ¬z * pow2 grid ≤ ((0 : Int) : Rat) := fun h => hsign.mp h hz
    rw [if_neg hnot, if_pos hz]
    grind
  · rw [if_pos (hsign.mpr hz), if_neg hz]
    grind

/-- `relu` and its hinge are the same function. -/
theorem eval_reluHinge (grid : Nat) (z : Rat) : reluHinge.eval grid z = positivePart z := by
  have hone : pow2 0 = 1 := by decide +kernel
  rw [reluHinge, eval_plain_hinge, hone, Rat.intCast_one, Rat.intCast_zero, positivePart]
  by_cases hz : 0 < z
  · rw [if_pos hz, if_pos (Rat.le_of_lt hz)]
    grind
  · rw [if_neg hz]
    split <;> grind

/-- `leakyRelu` and its hinge are the same function. -/
theorem eval_leakyHinge (grid scale : Nat) (slope : Int) (z : Rat) :
    (leakyHinge scale slope).eval grid z = leak ((slope : Rat) / pow2 scale) z := by
  rw [leakyHinge, eval_plain_hinge, leak, Rat.intCast_natCast]
  by_cases hz : 0 < z
  · rw [if_pos hz, if_pos hz]
    have : ((2 ^ scale : Nat) : Rat) / pow2 scale = 1 := by
      rw [Rat.div_def]
      exact Rat.mul_inv_cancel _ (Rat.ne_of_gt (pow2_pos scale))
    rw [this, Rat.one_mul]
  · rw [if_neg hz, if_neg hz]

theorem vmap_congr {f g : Rat → Rat} (h : ∀ z, f z = g z) (x : Vec) : vmap f x = vmap g x := by
  induction x with
  | nil => rfl
  | cons x xs ih => simp only [vmap, h, ih]

/-- Summing integers and dividing once is summing fractions. -/
theorem weightedSum_eq (scale : Nat) : ∀ (w : List Int) (x : Vec), weightedSum scale w x = dot w x / pow2 scale
  | [], _ => by
    show (0 : Rat) = 0 / pow2 scale
    rw [Rat.div_def, Rat.zero_mul]
  | _ :: _, [] => by
    show (0 : Rat) = 0 / pow2 scale
    rw [Rat.div_def, Rat.zero_mul]
  | w :: ws, x :: xs => by
    rw [weightedSum, dot, weightedSum_eq scale ws xs]
    simp only [Rat.div_def]
    grind

theorem linearForward_eq (scale : Nat) (x : Vec) : ∀ (w : List (List Int)) (b : List Int),
    linearForward scale x w b = linearOut scale x w b
  | [], _ => rfl
  | _ :: _, [] => rfl
  | r :: rs, b :: bs => by
    rw [linearForward, linearOut, linearForward_eq scale x rs bs, weightedSum_eq]
    simp only [Rat.div_def, Rat.add_mul]

theorem cat_eq_joined (x y : Vec) : cat x y = joined x y := by
  induction x with
  | nil => rfl
  | cons x xs ih => exact congrArg (x :: ·) ih

/-- Compilation keeps the meaning, wherever the input of the module stands. -/
theorem compile_correct (grid room : Nat) {m : Module} {n k : Nat} (h : m.Sized n k) (env : List Vec) (p : Nat) :
    operand (extend grid (m.compile room p).nodes env) (m.compile room p).result = m.forward (operand env p) := by
  induction h generalizing env p with
  | identity n => rfl
  | linear hw hb =>
    simp only [compile, extend, operand, Node.eval, forward]
    rw [packMat_ints room hw, linearForward_eq]
  | relu n =>
    simp only [compile, extend, operand, Node.eval, forward]
    exact vmap_congr (eval_reluHinge grid) _
  | leakyRelu scale slope n =>
    simp only [compile, extend, operand, Node.eval, forward]
    exact vmap_congr (eval_leakyHinge grid scale slope) _
  | andThen h1 h2 ih1 ih2 => simp only [compile, extend_onTop, forward, ih2, ih1]
  | residual h ih => simp only [compile, extend, operand, Node.eval, forward, operand_extend, ih]
  | concat h1 h2 ih1 ih2 =>
    simp only [compile, extend, operand, Node.eval, forward, extend_onTop, operand_extend, ih1, ih2,
      cat_eq_joined]

/-- The result of a module that reads the top of a graph is the top again. -/
theorem compile_result (room : Nat) (m : Module) : (m.compile room 0).result = 0 := by
  induction m with
  | andThen first second ih1 ih2 => simp only [compile, ih1, ih2]
  | _ => rfl

/--
**Eager execution and the compiled graph give the same result**, for every module of sizes `n`, `k`, every input, and
every way of packing its weights. (`length_forward` says that on inputs of size `n` no sum drops a term.)
-/
theorem graph_eq_forward (grid room : Nat) {m : Module} {n k : Nat} (h : m.Sized n k) (x : Vec) :
    graphOutput grid (m.graph room) x = m.forward x := by
  have := compile_correct grid room h [x] 0
  rw [compile_result] at this
  exact this

/--
A claim about the graph of a module is a claim about the module: what a certificate proves of all runs, with whatever
noise, holds of eager execution in exact arithmetic. The noise must have an entry for each element of each node.
-/
theorem claim_forward {grid room : Nat} {m : Module} {n k : Nat} (hm : m.Sized n k) {noise : Noise} {box : Box}
    {goal : Formula} (hfit : NoiseFits n (m.graph room) noise) (h : Claim grid (m.graph room) noise box goal)
    {x : Vec} (hx : InBox grid box x) (hn : x.length = n) : goal.Holds (m.forward x) := by
  rw [← graph_eq_forward grid room hm x]
  exact holds_exactly h hx (by rwa [hn])

/-!
## An inhabitant

A residual block beside a second branch, both concatenated: two numbers in, three out, seven nodes.
-/

/-- `cat([x + fc2(relu(fc1(x))), leaky_relu(fc3(x))])` -/
@[expose] def skipBlock : Module :=
  concat
    (residual (sequential
      [linear 2 [[3, -5], [7, 2], [-1, -8]] [1, 0, -2], relu, linear 1 [[1, 0, -3], [2, 2, 1]] [0, 5]]))
    (sequential [identity, linear 0 [[1, -1]] [0], leakyRelu 3 1])

/-- Its sizes: two numbers to three. -/
theorem skipBlock_sized : skipBlock.Sized 2 3 :=
  .concat (k := 2) (l := 1)
    (.residual (.andThen (.linear (by decide) rfl) (.andThen (.relu 3) (.linear (by decide) rfl))))
    (.andThen (.identity 2) (.andThen (.linear (by decide) rfl) (.leakyRelu 3 1 1)))

/-- What the theorem says of it, for every input. -/
theorem skipBlock_compiled (x : Vec) : graphOutput 20 (skipBlock.graph 24) x = skipBlock.forward x :=
  graph_eq_forward 20 24 skipBlock_sized x

/-- Both sides evaluated at `(1/2, -1)`. -/
theorem skipBlock_evaluated :
    skipBlock.forward [1/2, -1] = [-5/8, 71/16, 3/2] ∧
    graphOutput 20 (skipBlock.graph 24) [1/2, -1] = [-5/8, 71/16, 3/2] := by
  decide +kernel

end Module

end TorchLean
