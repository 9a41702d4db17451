module
prelude
public import TorchLean.Float32.Format

/-!
# Operations of binary32 on bit patterns

Addition, subtraction, multiplication and fused multiply-add, rounded once to nearest, ties to even. Exact results
are integers: sums in quanta, products in quanta of `2^-149` quanta. Every NaN is returned as the one quiet NaN
without payload.

Source: IEEE 754-2019, 5.4.1, 6.1, 6.3, 7.2.
-/

public section
namespace TorchLean.Float32

/-- Bits of different sign. -/
@[expose] def signsDiffer (a b : Nat) : Bool := negative a != negative b

/-- `-a`: the sign bit flipped. -/
@[expose] def neg (a : Nat) : Nat := if negative a then a - 2 ^ 31 else a + 2 ^ 31

/-- `a + b`. -/
@[expose] def add (a b : Nat) : Nat :=
  if isFinite a && isFinite b then pack (negative a && negative b) (wholes a + wholes b) 0
  else if isNaN a || isNaN b then nan
  else if isFinite a then b
  else if isFinite b then a
  else if signsDiffer a b then nan
  else a

/-- `a - b`. -/
@[expose] def sub (a b : Nat) : Nat := add a (neg b)

/-- `a * b`. -/
@[expose] def mul (a b : Nat) : Nat :=
  if isFinite a && isFinite b then pack (signsDiffer a b) (wholes a * wholes b) 149
  else if isNaN a || isNaN b then nan
  else if Nat.beq (magnitude a) 0 || Nat.beq (magnitude b) 0 then nan
  else signBit (signsDiffer a b) + infinity

/-- `a * b + c`, rounded once. -/
@[expose] def fma (a b c : Nat) : Nat :=
  if isFinite a && isFinite b && isFinite c then
    pack (signsDiffer a b && negative c) (wholes a * wholes b + wholes c * (2 ^ 149 : Nat)) 149
  else if isNaN a || isNaN b || isNaN c then nan
  else if isFinite a && isFinite b then c
  else if Nat.beq (magnitude a) 0 || Nat.beq (magnitude b) 0 then nan
  else if isFinite c then signBit (signsDiffer a b) + infinity
  else if signsDiffer a b == negative c then c
  else nan

end TorchLean.Float32
