module
prelude
public import TorchLean.Rational
public import Init.Data.List.Lemmas
public section

/-!
# ReLU networks with rational weights

Approximation theorems construct networks, so they need networks whose weights are any rational numbers and whose size
can be counted: here a network is a list of hidden layers, each followed by ReLU, and an affine output layer. A layer is
a list of neurons with explicit weights and bias; nothing is hidden in functions, and every network can be evaluated.

(The networks that certificates speak about, whose weights are binary32 numbers, are in `TorchLean.Net`.)
-/

namespace TorchLean.Approximation

open Rational

/-- `max(x, 0)`. -/
@[expose] def relu (x : Rat) : Rat := if 0 ≤ x then x else 0

theorem relu_of_nonneg {x : Rat} (h : 0 ≤ x) : relu x = x := if_pos h

theorem relu_of_nonpos {x : Rat} (h : x ≤ 0) : relu x = 0 := by unfold relu; grind

/-- A number is the difference of two ReLU units: how a network carries it through a layer. -/
theorem relu_sub_relu_neg (x : Rat) : relu x - relu (-x) = x := by unfold relu; grind

/-- `Σ wᵢ xᵢ`, over the shorter of the two lists. -/
@[expose] def dot : List Rat → List Rat → Rat
  | w :: ws, x :: xs => w * x + dot ws xs
  | _, _ => 0

/-- One neuron before its activation: an affine function. -/
structure Neuron where
  /-- One weight for each value of the layer before. -/
  weights : List Rat
  /-- The constant term. -/
  bias : Rat

/-- `w · x + b`. -/
@[expose] def Neuron.eval (n : Neuron) (x : List Rat) : Rat := dot n.weights x + n.bias

/-- The affine part of a layer: one value for each neuron. -/
@[expose] def affine : List Neuron → List Rat → List Rat
  | [], _ => []
  | n :: ns, x => n.eval x :: affine ns x

/-- ReLU of each element. -/
@[expose] def reluAll : List Rat → List Rat
  | [] => []
  | x :: xs => relu x :: reluAll xs

/-- A ReLU network: hidden layers, each an affine map followed by ReLU, and an affine output layer. -/
structure Network where
  /-- Hidden layers, first one first. -/
  hidden : List (List Neuron)
  /-- The output layer. -/
  output : List Neuron

/-- The values behind a list of hidden layers. -/
@[expose] def activations : List (List Neuron) → List Rat → List Rat
  | [], x => x
  | layer :: layers, x => activations layers (reluAll (affine layer x))

/-- The outputs of a network. -/
@[expose] def Network.eval (net : Network) (x : List Rat) : List Rat := affine net.output (activations net.hidden x)

/-!
The lists below have their own length and append, each for one type of elements: the compiler of the embedded Lean knows
neither those of core nor polymorphic ones from another file.
-/

/-- The number of neurons of a layer. -/
@[expose] def layerSize : List Neuron → Nat
  | [] => 0
  | _ :: ns => layerSize ns + 1

/-- The number of layers. -/
@[expose] def layerCount : List (List Neuron) → Nat
  | [] => 0
  | _ :: layers => layerCount layers + 1

/-- One more layer behind the others. -/
@[expose] def appendLayer (last : List Neuron) : List (List Neuron) → List (List Neuron)
  | [] => [last]
  | layer :: layers => layer :: appendLayer last layers

/-- The neurons of two layers side by side. -/
@[expose] def besides : List Neuron → List Neuron → List Neuron
  | [], ns => ns
  | m :: ms, ns => m :: besides ms ns

theorem layerSize_eq (layer : List Neuron) : layerSize layer = layer.length := by
  induction layer with
  | nil => rfl
  | cons n ns ih => exact congrArg (· + 1) ih

theorem layerCount_eq (layers : List (List Neuron)) : layerCount layers = layers.length := by
  induction layers with
  | nil => rfl
  | cons l ls ih => exact congrArg (· + 1) ih

theorem appendLayer_eq (last : List Neuron) (layers : List (List Neuron)) :
    appendLayer last layers = layers ++ [last] := by
  induction layers with
  | nil => rfl
  | cons l ls ih => exact congrArg (l :: ·) ih

theorem besides_eq (ms ns : List Neuron) : besides ms ns = ms ++ ns := by
  induction ms with
  | nil => rfl
  | cons m ms ih => exact congrArg (m :: ·) ih

/-- How many ReLU units some hidden layers have. -/
@[expose] def unitCount : List (List Neuron) → Nat
  | [] => 0
  | layer :: layers => layerSize layer + unitCount layers

/-- The size of a network: its number of ReLU units. -/
@[expose] def Network.units (net : Network) : Nat := unitCount net.hidden

/-- The number of hidden layers. -/
@[expose] def Network.depth (net : Network) : Nat := layerCount net.hidden

/-- Every neuron of a layer has `d` weights. -/
@[expose] def Width (d : Nat) (layer : List Neuron) : Prop := ∀ n, n ∈ layer → n.weights.length = d

/-- Each layer has as many weights per neuron as the layer before it has neurons; the first one has `d`. -/
@[expose] def ShapedFrom : Nat → List (List Neuron) → List Neuron → Prop
  | d, [], output => Width d output
  | d, layer :: layers, output => Width d layer ∧ ShapedFrom layer.length layers output

/-- A network on `d` inputs whose layers fit: no weight and no value is ever dropped by `dot`. -/
@[expose] def Network.Shaped (d : Nat) (net : Network) : Prop := ShapedFrom d net.hidden net.output

theorem length_affine (layer : List Neuron) (x : List Rat) : (affine layer x).length = layer.length := by
  induction layer with
  | nil => rfl
  | cons n ns ih => exact congrArg (· + 1) ih

theorem length_reluAll (x : List Rat) : (reluAll x).length = x.length := by
  induction x with
  | nil => rfl
  | cons x xs ih => exact congrArg (· + 1) ih

/-- A layer appended to the hidden layers acts last. -/
theorem activations_append (layers : List (List Neuron)) (layer : List Neuron) (x : List Rat) :
    activations (layers ++ [layer]) x = reluAll (affine layer (activations layers x)) := by
  induction layers generalizing x with
  | nil => rfl
  | cons l ls ih => exact ih _

/-- A layer appended to the hidden layers adds its units. -/
theorem unitCount_append (layers : List (List Neuron)) (layer : List Neuron) :
    unitCount (layers ++ [layer]) = unitCount layers + layer.length := by
  induction layers with
  | nil => simp [unitCount, layerSize_eq]
  | cons l ls ih => simp only [List.cons_append, unitCount, ih]; omega

/-- When the output layer becomes a hidden layer, the new outputs read its units. -/
theorem shapedFrom_append {d : Nat} {layers : List (List Neuron)} {layer output : List Neuron}
    (h : ShapedFrom d layers layer) (ho : Width layer.length output) : ShapedFrom d (layers ++ [layer]) output := by
  induction layers generalizing d with
  | nil => exact ⟨h, ho⟩
  | cons l ls ih => exact ⟨h.1, ih h.2⟩

end TorchLean.Approximation
