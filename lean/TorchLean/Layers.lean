module

prelude
public import TorchLean.ConvolutionSum

/-!
# Networks with convolutions by their structure

A certificate whose network has convolutions states layers. The network that its theorems are about is `networkOf layers`,
where each convolution is its matrix; the kernel evaluates tests of it with matrices that are computed once
(`of_evaluated`). By `layersFit_eval`, which asks for one more test, these matrices are the convolutions that are stated.
-/

public noncomputable section

namespace TorchLean

/-- A node, or a convolution that is one. -/
inductive Layer where
  | node (n : Node)
  /-- `(W a + b) / 2^scale` where `W` is the matrix of a convolution -/
  | convolution (operand : Nat) (scale : Nat) (c : Convolution) (bias : List Int)

/-- What a layer is in a network. -/
@[expose] def Layer.toNode : Layer → Node
  | .node n => n
  | .convolution p scale c bias => .linear p scale c.mat bias

/-- The network of layers, output first. -/
@[expose] def networkOf : List Layer → List Node
  | [] => []
  | l :: layers => l.toNode :: networkOf layers

/-- The network, with all rows evaluated before it is used. -/
@[expose] def withNetwork {α : Type} (layers : List Layer) : (List Node → α) → α :=
  List.rec (motive := fun _ => (List Node → α) → α) (fun k => k [])
    (fun l _ rest k => Layer.rec (motive := fun _ => α) (fun n => rest fun ns => k (n :: ns))
      (fun p scale c bias => withRows c fun rows => rest fun ns => k (.linear p scale ⟨c.width, c.cols, rows⟩ bias :: ns))
      l) layers

theorem withNetwork_eq {α : Type} (layers : List Layer) (k : List Node → α) : withNetwork layers k = k (networkOf layers) := by
  induction layers generalizing k with
  | nil => rfl
  | cons l layers ih =>
    cases l with
    | node n => exact ih _
    | convolution p scale c bias =>
      show withRows c (fun rows => withNetwork layers fun ns => k (.linear p scale ⟨c.width, c.cols, rows⟩ bias :: ns)) = _
      rw [withRows_eq, ih]
      rfl

/-- What is found for the evaluated network is true of the network. -/
theorem of_evaluated (layers : List Layer) (p : List Node → Bool) (h : withNetwork layers p = true) :
    p (networkOf layers) = true := by
  rwa [withNetwork_eq] at h

/-- The sums of all convolutions' kernels fit in a field, so that their matrices are what they state. -/
@[expose] def layersFit : List Layer → Bool
  | [] => true
  | .node _ :: layers => layersFit layers
  | .convolution _ _ c _ :: layers => c.fits && layersFit layers

/-- **In a network whose layers fit, a convolution computes the sums over the taps of its kernels.** -/
theorem layersFit_eval {layers : List Layer} (h : layersFit layers = true) {p scale : Nat} {c : Convolution}
    {bias : List Int} (hc : .convolution p scale c bias ∈ layers) {grid : Nat} {env : List Vec}
    (hx : (operand env p).length ≤ c.cols) :
    (Layer.convolution p scale c bias).toNode.eval grid env = biased scale (c.results (operand env p)) bias := by
  induction layers with
  | nil => cases hc
  | cons l layers ih =>
    cases hc with
    | head =>
      rw [layersFit, Bool.and_eq_true] at h
      exact c.eval_mat h.1 hx
    | tail _ hc => cases l with
      | node n => exact ih h hc
      | convolution =>
        rw [layersFit, Bool.and_eq_true] at h
        exact ih h.2 hc

end TorchLean
