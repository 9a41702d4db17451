module

prelude
public import TorchLean.Net
public import Init.Omega
public import Init.Data.Nat.Log2
public import Init.Data.List.Lemmas

/-!
# Packing rows of integers

The graph keeps a row of weights as two numbers, with the positive parts and the negative parts of the weights in fields
of equal width. Here is how rows are packed, and the theorem that unpacking gives them back (`packMat_ints`).
-/

public section

namespace TorchLean.Pack

/-- The positive parts of a row in fields of `width` bits. -/
@[expose] def packPos (width : Nat) : List Int → Nat
  | [] => 0
  | c :: cs => c.toNat + 2 ^ width * packPos width cs

/-- The negative parts of a row in fields of `width` bits. -/
@[expose] def packNeg (width : Nat) : List Int → Nat
  | [] => 0
  | c :: cs => (-c).toNat + 2 ^ width * packNeg width cs

/-- The sum of the absolute values of a row: no element exceeds it. -/
@[expose] def rowSize : List Int → Nat
  | [] => 0
  | c :: cs => c.natAbs + rowSize cs

/-- A number that no element of any row exceeds. -/
@[expose] def matSize : List (List Int) → Nat
  | [] => 0
  | r :: rs => if rowSize r ≤ matSize rs then matSize rs else rowSize r

/-- The number of elements of a row. -/
@[expose] def rowLength : List Int → Nat
  | [] => 0
  | _ :: cs => rowLength cs + 1

/-- The number of elements of the first row. -/
@[expose] def firstLength : List (List Int) → Nat
  | [] => 0
  | r :: _ => rowLength r

/-- Each row packed. -/
@[expose] def packRows (width : Nat) : List (List Int) → List Row
  | [] => []
  | r :: rs => ⟨packPos width r, packNeg width r⟩ :: packRows width rs

/-- A matrix packed in the narrowest fields that hold each weight, and `room` more bits. -/
@[expose] def packMat (room : Nat) (w : List (List Int)) : Mat :=
  let width := (matSize w).log2 + 1 + room
  ⟨width, firstLength w, packRows width w⟩

theorem fields_succ (width count p q : Nat) (h : p < 2 ^ width) :
    fields width (count + 1) (p + 2 ^ width * q) = p :: fields width count q := by
  rw [fields, Nat.add_mul_mod_self_left, Nat.mod_eq_of_lt h, Nat.add_mul_div_left _ _ (Nat.two_pow_pos width),
    Nat.div_eq_of_lt h, Nat.zero_add]

/-- The two parts of a row give it back, if its elements fit in the fields. -/
theorem differences_fields (width : Nat) (r : List Int) (h : rowSize r < 2 ^ width) :
    differences (fields width r.length (packPos width r)) (fields width r.length (packNeg width r)) = r := by
  induction r with
  | nil => rfl
  | cons c cs ih =>
    rw [rowSize] at h
    simp only [List.length_cons, packPos, packNeg]
    rw [fields_succ _ _ _ _ (by omega), fields_succ _ _ _ _ (by omega), differences, ih (by omega)]
    congr 1
    omega

/-- Unpacking a row gives it back, if its elements fit in the fields. -/
theorem unpack_row (width : Nat) (r : List Int) (h : rowSize r < 2 ^ width) :
    Row.ints width r.length ⟨packPos width r, packNeg width r⟩ = r := differences_fields width r h

theorem rowLength_eq (r : List Int) : rowLength r = r.length := by
  induction r with
  | nil => rfl
  | cons c cs ih => exact congrArg (· + 1) ih

/-- Unpacking rows gives them back. -/
theorem unpack_rows (width cols : Nat) (w : List (List Int)) (hw : ∀ r, r ∈ w → r.length = cols)
    (h : matSize w < 2 ^ width) : rowsInts width cols (packRows width w) = w := by
  induction w with
  | nil => rfl
  | cons r rs ih =>
    have hr := hw r (by simp)
    have hsizes : rowSize r < 2 ^ width ∧ matSize rs < 2 ^ width := by
      rw [matSize] at h
      split at h <;> omega
    have := unpack_row width r hsizes.1
    rw [hr] at this
    rw [packRows, rowsInts, this, ih (fun r' hr' => hw r' (by simp [hr'])) hsizes.2]

/-- A packed matrix holds the integers that were packed. -/
theorem packMat_ints (room : Nat) {w : List (List Int)} {n : Nat} (hw : ∀ r, r ∈ w → r.length = n) :
    (packMat room w).ints = w := by
  have hfit : matSize w < 2 ^ ((matSize w).log2 + 1 + room) :=
    Nat.lt_of_lt_of_le Nat.lt_log2_self (Nat.pow_le_pow_right (by omega) (by omega))
  refine unpack_rows _ _ w ?_ hfit
  intro r hr
  match w, hw, hr with
  | [], _, hr => cases hr
  | r' :: rs, hw, hr =>
    show r.length = rowLength r'
    rw [rowLength_eq, hw r hr, hw r' (by simp)]

end TorchLean.Pack
