module

prelude
public import Init.Data.Nat.Basic

/-! What certificates in the tests refer to. -/

public noncomputable section

/-- Whether the second number is twice the first. -/
@[expose] def TorchLean.isDouble (half whole : Nat) : Bool := Nat.beq (Nat.add half half) whole
