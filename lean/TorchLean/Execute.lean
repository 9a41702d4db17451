module

prelude
public import TorchLean.Sums
public import Init.Data.List.Lemmas

/-!
# Executing a graph

`Run` is a relation, because nodes may be noisy; here is the function that computes the exact values, and its place in
that relation: the exact values are one of the runs that any noise admits (`run_extend`), and the only one without noise
(`run_quiet`). Hence a claim about all runs holds of the exact result (`holds_exactly`), whatever noise it was
proved for.
-/

public section

namespace TorchLean.Graph

/-- The values of all nodes, output first, put before the values `env` that are there already. -/
@[expose] def extend (grid : Nat) : List Node → List Vec → List Vec
  | [], env => env
  | n :: ns, env =>
    let below := extend grid ns env
    n.eval grid below :: below

/-- The output of a graph on input `x`: the value of its first node, and `x` itself where it has no node. -/
@[expose] def graphOutput (grid : Nat) (nodes : List Node) (x : Vec) : Vec := operand (extend grid nodes [x]) 0

/-- Nodes put on top of nodes. -/
@[expose] def onTop : List Node → List Node → List Node
  | [], ns => ns
  | m :: ms, ns => m :: onTop ms ns

theorem extend_onTop (grid : Nat) (ms ns : List Node) (env : List Vec) :
    extend grid (onTop ms ns) env = extend grid ms (extend grid ns env) := by
  induction ms with
  | nil => rfl
  | cons m ms ih => simp only [onTop, extend, ih]

/-- The number of nodes. -/
@[expose] def nodeCount : List Node → Nat
  | [] => 0
  | _ :: ns => nodeCount ns + 1

/-- Nodes put on top of everything move it down by their number. -/
theorem operand_extend (grid : Nat) (ns : List Node) (env : List Vec) (p : Nat) :
    operand (extend grid ns env) (p + nodeCount ns) = operand env p := by
  induction ns with
  | nil => rfl
  | cons n ns ih => exact ih

/-! ## Sizes -/

/-- The smaller of two sizes. -/
@[expose] def shorter (m n : Nat) : Nat := if m ≤ n then m else n

/-- The number of rows that have a bias. -/
@[expose] def rowCount : List Row → List Int → Nat
  | _ :: rs, _ :: bs => rowCount rs bs + 1
  | _, _ => 0

/-- The size of the operand `p` places down; zero below the input. -/
@[expose] def sizeAt : List Nat → Nat → Nat
  | [], _ => 0
  | n :: _, 0 => n
  | _ :: sizes, p + 1 => sizeAt sizes p

/-- The size of a node's value, from the sizes of those below. -/
@[expose] def nodeSize (sizes : List Nat) : Node → Nat
  | .linear _ _ w b => rowCount w.rows b
  | .hinge p _ => sizeAt sizes p
  | .add p q => shorter (sizeAt sizes p) (sizeAt sizes q)
  | .concat p q => sizeAt sizes p + sizeAt sizes q

/-- The sizes of all values on an input of size `n`, output first, the input last. -/
@[expose] def sizes (n : Nat) : List Node → List Nat
  | [] => [n]
  | node :: ns =>
    let below := sizes n ns
    nodeSize below node :: below

/-- The sizes of some values. -/
@[expose] def HaveSizes : List Vec → List Nat → Prop
  | [], [] => True
  | v :: vs, n :: ns => v.length = n ∧ HaveSizes vs ns
  | _, _ => False

theorem length_operand : ∀ (env : List Vec) (ns : List Nat), HaveSizes env ns → ∀ p,
    (operand env p).length = sizeAt ns p
  | [], [], _, _ => rfl
  | [], _ :: _, h, _ => h.elim
  | _ :: _, [], h, _ => h.elim
  | _ :: _, _ :: _, h, 0 => h.1
  | _ :: env, _ :: ns, h, p + 1 => length_operand env ns h.2 p

theorem length_linearOut (scale width cols : Nat) (a : Vec) : ∀ (rows : List Row) (b : List Int),
    (linearOut scale a (rowsInts width cols rows) b).length = rowCount rows b
  | [], _ => rfl
  | _ :: _, [] => rfl
  | _ :: rs, _ :: bs => congrArg (· + 1) (length_linearOut scale width cols a rs bs)

theorem length_elementwise (f : Rat → Rat) (x : Vec) : (vmap f x).length = x.length := by
  induction x with
  | nil => rfl
  | cons x xs ih => exact congrArg (· + 1) ih

theorem length_sum : ∀ x y : Vec, (vadd x y).length = shorter x.length y.length
  | [], y => by
    show 0 = shorter 0 y.length
    simp [shorter]
  | _ :: xs, [] => by
    show 0 = shorter (xs.length + 1) 0
    simp [shorter]
  | x :: xs, y :: ys => by
    have := length_sum xs ys
    simp only [vadd, List.length_cons, shorter] at this ⊢
    rw [this]
    split <;> split <;> omega

theorem length_concatenation (x y : Vec) : (joined x y).length = x.length + y.length := by
  induction x with
  | nil => simp only [joined, List.length_nil, Nat.zero_add]
  | cons x xs ih => simp only [joined, List.length_cons, ih]; omega

/-- Sizes are what they say. -/
theorem length_eval (grid : Nat) {env : List Vec} {ns : List Nat} (h : HaveSizes env ns) :
    ∀ node : Node, (node.eval grid env).length = nodeSize ns node
  | .linear p scale w b => length_linearOut scale w.width w.cols _ w.rows b
  | .hinge p f => by rw [Node.eval, nodeSize, length_elementwise, length_operand env ns h]
  | .add p q => by rw [Node.eval, nodeSize, length_sum, length_operand env ns h, length_operand env ns h]
  | .concat p q => by rw [Node.eval, nodeSize, length_concatenation, length_operand env ns h, length_operand env ns h]

/-- The values of a graph have its sizes. -/
theorem extend_haveSizes (grid : Nat) (nodes : List Node) (x : Vec) :
    HaveSizes (extend grid nodes [x]) (sizes x.length nodes) := by
  induction nodes with
  | nil => exact ⟨rfl, trivial⟩
  | cons n ns ih => exact ⟨length_eval grid ih n, ih⟩

/-! ## Exact execution among the noisy runs -/

/-- The noise has an entry for each element of each node, on inputs of size `n`. -/
@[expose] def NoiseFits (n : Nat) : List Node → Noise → Prop
  | [], _ => True
  | _ :: _, [] => False
  | node :: ns, e :: es => e.length = nodeSize (sizes n ns) node ∧ NoiseFits n ns es

/-- No noise at all. -/
@[expose] def Quiet (noise : Noise) : Prop := ∀ es, es ∈ noise → ∀ e, e ∈ es → e = 0

theorem noise_nonneg (grid e : Nat) : 0 ≤ (e : Rat) / pow2 grid := by
  rw [Rat.div_def]
  exact Rat.mul_nonneg Rat.natCast_nonneg (Rat.le_of_lt (Rat.inv_pos.mpr (pow2_pos grid)))

/-- An exact result is within any noise. -/
theorem near_self (grid e : Nat) (v : Rat) : Near grid v e v := by
  have := noise_nonneg grid e
  exact ⟨by grind, by grind⟩

theorem allNear_self (grid : Nat) : ∀ (v : Vec) (es : List Nat), es.length = v.length → AllNear grid v es v
  | [], [], _ => trivial
  | v :: vs, e :: es, h => by
    simp only [List.length_cons] at h
    exact ⟨near_self grid e v, allNear_self grid vs es (by omega)⟩

theorem eq_of_allNear_zero (grid : Nat) : ∀ (v : Vec) (es : List Nat) (y : Vec), (∀ e, e ∈ es → e = 0) →
    AllNear grid v es y → y = v
  | [], [], [], _, _ => rfl
  | v :: vs, e :: es, y :: ys, he, h => by
    have hzero : ((0 : Nat) : Rat) / pow2 grid = 0 := by rw [Rat.div_def]; exact Rat.zero_mul _
    obtain ⟨⟨hl, hu⟩, hrest⟩ := h
    rw [he e (by simp), hzero] at hl hu
    rw [eq_of_allNear_zero grid vs es ys (fun e' he' => he e' (by simp [he'])) hrest]
    congr 1
    grind
  | [], [], _ :: _, _, h => h.elim
  | [], _ :: _, [], _, h => h.elim
  | [], _ :: _, _ :: _, _, h => h.elim
  | _ :: _, [], [], _, h => h.elim
  | _ :: _, [], _ :: _, _, h => h.elim
  | _ :: _, _ :: _, [], _, h => h.elim

/-- The exact values are a run, whatever noise is admitted. -/
theorem run_extend (grid : Nat) (x : Vec) : ∀ (nodes : List Node) (noise : Noise), NoiseFits x.length nodes noise →
    Run grid nodes noise x (extend grid nodes [x])
  | [], _, _ => rfl
  | _ :: _, [], h => h.elim
  | n :: ns, e :: es, h => by
    refine ⟨run_extend grid x ns es h.2, allNear_self grid _ e ?_⟩
    rw [h.1, length_eval grid (extend_haveSizes grid ns x)]

/-- Without noise, the exact values are the only run. -/
theorem run_quiet (grid : Nat) (x : Vec) : ∀ (nodes : List Node) (noise : Noise) (env : List Vec), Quiet noise →
    Run grid nodes noise x env → env = extend grid nodes [x]
  | [], _, _, _, h => h
  | _ :: _, [], _, _, h => h.elim
  | _ :: _, _ :: _, [], _, h => h.elim
  | n :: ns, e :: es, y :: env, hq, h => by
    have henv := run_quiet grid x ns es env (fun es' hes' => hq es' (by simp [hes'])) h.1
    have hy := eq_of_allNear_zero grid _ e y (hq e (by simp)) h.2
    rw [hy, henv]
    rfl

/-- A claim about all runs holds of the exact result, if the noise it was proved for has the sizes of the graph. -/
theorem holds_exactly {grid : Nat} {nodes : List Node} {noise : Noise} {box : Box} {goal : Formula}
    (h : Claim grid nodes noise box goal) {x : Vec} (hx : InBox grid box x) (hfit : NoiseFits x.length nodes noise) :
    goal.Holds (graphOutput grid nodes x) := by
  have hrun := run_extend grid x nodes noise hfit
  unfold graphOutput
  match hvalues : extend grid nodes [x] with
  | [] => cases nodes <;> exact absurd hvalues (by simp [extend])
  | y :: env =>
    rw [hvalues] at hrun
    exact h x y env hx hrun

end TorchLean.Graph
