module

prelude
public import TorchLean.ConvolutionSum
public import TorchLean.Check

/-!
# Networks with convolutions by their structure

A certificate whose network has convolutions states layers. The network that its theorems are about is `networkOf layers`,
where each convolution is its matrix; what the kernel evaluates (`withNetwork`) computes these matrices once, and sees that
their numbers keep to their fields from the kernels alone (`layersFormed`).
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

/-- No sum overflows a field, and no number needs more than `bits`: as a rule that shows in the kernels' sums, else each
row is looked at. -/
@[expose] def Convolution.formed (c : Convolution) (bits : Nat) : Bool :=
  c.sumsBelow (2 ^ c.width) && cond (bits.ble c.width && c.sumsBelow (2 ^ bits)) true
    (withRows c fun rows => Loops.rowsBelow (2 ^ bits) (2 ^ c.width) c.cols rows)

/-- `wellFormed`, from the kernels of convolutions. -/
@[expose] def layersFormed : List Layer → Bits → Bool
  | [], _ => true
  | _ :: _, [] => false
  | .node n :: layers, b :: bits => wellFormed [n] [b] && layersFormed layers bits
  | .convolution _ _ c _ :: layers, b :: bits => c.formed b && layersFormed layers bits

theorem Convolution.rowsBelow_of_formed {c : Convolution} {bits : Nat} (h : c.formed bits = true) :
    Loops.rowsBelow (2 ^ bits) (2 ^ c.width) c.cols c.mat.rows = true := by
  rw [formed, Bool.and_eq_true] at h
  have h := h.2
  cases hs : bits.ble c.width && c.sumsBelow (2 ^ bits) with
  | true =>
    rw [Bool.and_eq_true] at hs
    rw [Loops.rowsBelow_eq]
    exact c.fieldsBelow_mat (Nat.le_of_ble_eq_true hs.1) hs.2
  | false =>
    rw [hs, cond_false, withRows_eq] at h
    exact h

/-- The matrices keep to their fields. -/
theorem wellFormed_of_layers {layers : List Layer} {bits : Bits} (h : layersFormed layers bits = true) :
    wellFormed (networkOf layers) bits = true := by
  induction layers generalizing bits with
  | nil => cases bits <;> rfl
  | cons l layers ih =>
    cases bits with
    | nil => cases l <;> exact absurd h (by simp [layersFormed])
    | cons b bits =>
      cases l with
      | node n =>
        rw [layersFormed, Bool.and_eq_true] at h
        cases n with
        | linear p s w bias =>
          have hn := h.1
          rw [wellFormed, Bool.and_eq_true] at hn
          show (Loops.rowsBelow _ _ _ _ && wellFormed (networkOf layers) bits) = true
          rw [hn.1, ih h.2]
          rfl
        | hinge => exact ih h.2
        | add => exact ih h.2
        | concat => exact ih h.2
      | convolution p s c bias =>
        rw [layersFormed, Bool.and_eq_true] at h
        show (Loops.rowsBelow _ _ _ c.mat.rows && wellFormed (networkOf layers) bits) = true
        rw [ih h.2, Bool.and_true]
        exact c.rowsBelow_of_formed h.1

/-- In a network whose layers are well formed, a convolution computes the sums over the taps of its kernels. -/
theorem Convolution.eval_of_formed {c : Convolution} {bits : Nat} (h : c.formed bits = true) {grid p scale : Nat}
    {bias : List Int} {env : List Vec} (hx : (operand env p).length ≤ c.cols) :
    (Layer.convolution p scale c bias).toNode.eval grid env = biased scale (c.results (operand env p)) bias :=
  c.eval_mat (by rw [formed, Bool.and_eq_true] at h; exact h.1) hx

end TorchLean
