module

prelude
public import TorchLean.Arith
import Init.Data.Nat.Bitwise.Lemmas

/-!
# Fields of a row, all at once

That every field of a packed row is below `2^bits` is one conjunction of bits: with a mask that has, in each field, the
bits from `bits` on. Taking the fields off one by one would leave the kernel a long number for each of them, and its
tables find a number by its lowest 64 bits: where the next weights of a row are zero these are equal for thousands of
numbers, and time grows with the square of their count.
-/

public noncomputable section

namespace TorchLean.Fields

/-- In each of `count` fields of `width` bits, all bits from `bits` on. -/
@[expose] def mask (bits width count : Nat) : Nat :=
  ((2 ^ width).sub (2 ^ bits)).mul ((((2 ^ width) ^ count).sub 1).div ((2 ^ width).sub 1))

/-- The fields of all rows are clear where the mask is set. -/
@[expose] def clear (mask : Nat) (rows : List Row) : Bool :=
  List.rec (motive := fun _ => Bool) true
    (fun r _ rest => cond (((r.pos.land mask).add (r.neg.land mask)).beq 0) rest false) rows

/-- Every field of every row is below `2^bits`, as `fieldsBelow` says it. -/
@[expose] def below (bits width cols : Nat) (rows : List Row) : Bool :=
  forceNat (mask bits width cols) fun mask => clear mask rows

/-- A number in its field. -/
theorem and_eq_zero_iff {bits width x : Nat} (h : x < 2 ^ width) :
    x &&& (2 ^ width - 2 ^ bits) = 0 ↔ x < 2 ^ bits := by
  cases Nat.lt_or_ge width bits with
  | inl hb =>
    have hle := Nat.pow_le_pow_right (n := 2) (by omega) (Nat.le_of_lt hb)
    rw [Nat.sub_eq_zero_of_le hle, Nat.and_zero]
    exact ⟨fun _ => Nat.lt_of_lt_of_le h hle, fun _ => rfl⟩
  | inr hb =>
    have hw : 2 ^ width = 2 ^ bits * 2 ^ (width - bits) := by rw [← Nat.pow_add, Nat.add_sub_cancel' hb]
    have hm : 2 ^ width - 2 ^ bits = 2 ^ bits * (2 ^ (width - bits) - 1) := by rw [Nat.mul_sub, ← hw, Nat.mul_one]
    have hpos := Nat.two_pow_pos bits
    have hq : x / 2 ^ bits < 2 ^ (width - bits) := by
      rw [Nat.div_lt_iff_lt_mul hpos, Nat.mul_comm, ← hw]
      exact h
    have hdiv : (x &&& (2 ^ width - 2 ^ bits)) / 2 ^ bits = x / 2 ^ bits := by
      rw [Nat.and_div_two_pow, hm, Nat.mul_div_cancel_left _ hpos, Nat.and_two_pow_sub_one_eq_mod, Nat.mod_eq_of_lt hq]
    have hmod : (x &&& (2 ^ width - 2 ^ bits)) % 2 ^ bits = 0 := by
      rw [Nat.and_mod_two_pow, hm, Nat.mul_mod_right, Nat.and_zero]
    have hsplit := Nat.div_add_mod (x &&& (2 ^ width - 2 ^ bits)) (2 ^ bits)
    rw [hdiv, hmod, Nat.add_zero] at hsplit
    rw [← hsplit, Nat.mul_eq_zero, Nat.div_eq_zero_iff]
    omega

/-- A number with a digit `1` at each of the places below `count`. -/
theorem digits_succ {base : Nat} (h : 1 < base) (count : Nat) :
    (base ^ (count + 1) - 1) / (base - 1) = 1 + base * ((base ^ count - 1) / (base - 1)) := by
  have hd : 0 < base - 1 := by omega
  have divides (count : Nat) : ∃ q, base ^ count = q * (base - 1) + 1 := by
    induction count with
    | zero => exact ⟨0, by rw [Nat.pow_zero, Nat.zero_mul]⟩
    | succ count ih =>
      obtain ⟨q, hq⟩ := ih
      refine ⟨1 + base * q, ?_⟩
      rw [Nat.pow_succ, hq, Nat.add_mul, Nat.add_mul, Nat.one_mul, Nat.one_mul, Nat.mul_right_comm, Nat.mul_comm q]
      omega
  obtain ⟨q, hq⟩ := divides count
  have hs : base ^ (count + 1) = (1 + base * q) * (base - 1) + 1 := by
    rw [Nat.pow_succ, hq, Nat.add_mul, Nat.add_mul, Nat.one_mul, Nat.one_mul, Nat.mul_right_comm, Nat.mul_comm q]
    omega
  rw [hs, hq, Nat.add_sub_cancel, Nat.add_sub_cancel, Nat.mul_div_cancel _ hd, Nat.mul_div_cancel _ hd]

theorem mask_succ {bits width : Nat} (h : 0 < width) (count : Nat) :
    mask bits width (count + 1) = 2 ^ width - 2 ^ bits + 2 ^ width * mask bits width count := by
  have hbase : 1 < 2 ^ width := Nat.one_lt_two_pow (by omega)
  show (2 ^ width - 2 ^ bits) * (((2 ^ width) ^ (count + 1) - 1) / (2 ^ width - 1)) = _ + _ * ((2 ^ width - 2 ^ bits) * _)
  rw [digits_succ hbase, Nat.mul_add, Nat.mul_one, Nat.mul_left_comm]
  rfl

/-- A packed number is clear where the mask is set just where all its fields are below `2^bits`. -/
theorem clear_iff (bits width count n : Nat) :
    n &&& mask bits width count = 0 ↔ allBelow bits (fields width count n) = true := by
  induction count generalizing n with
  | zero =>
    have hz : mask bits width 0 = 0 := by
      show _ * ((1 - 1) / _) = 0
      rw [Nat.zero_div, Nat.mul_zero]
    rw [hz, Nat.and_zero]
    exact ⟨fun _ => rfl, fun _ => rfl⟩
  | succ count ih =>
    rw [fields, allBelow, Bool.and_eq_true, Nat.blt_eq]
    rw [← ih]
    cases Nat.eq_zero_or_pos width with
    | inl hw =>
      subst hw
      have hz (count : Nat) : mask bits 0 count = 0 := by
        show _ * (_ / (1 - 1)) = 0
        rw [Nat.div_zero, Nat.mul_zero]
      rw [hz, hz, Nat.and_zero, Nat.and_zero, Nat.pow_zero, Nat.mod_one]
      exact ⟨fun _ => ⟨Nat.two_pow_pos bits, rfl⟩, fun _ => rfl⟩
    | inr hw =>
      have hpos := Nat.two_pow_pos width
      have hlow : 2 ^ width - 2 ^ bits < 2 ^ width := Nat.sub_lt hpos (Nat.two_pow_pos bits)
      have hdiv : (n &&& mask bits width (count + 1)) / 2 ^ width = n / 2 ^ width &&& mask bits width count := by
        rw [Nat.and_div_two_pow, mask_succ hw, Nat.add_mul_div_left _ _ hpos, Nat.div_eq_of_lt hlow, Nat.zero_add]
      have hmod : (n &&& mask bits width (count + 1)) % 2 ^ width = n % 2 ^ width &&& (2 ^ width - 2 ^ bits) := by
        rw [Nat.and_mod_two_pow, mask_succ hw, Nat.add_mul_mod_self_left, Nat.mod_eq_of_lt hlow]
      rw [← and_eq_zero_iff (Nat.mod_lt n hpos), ← hmod, ← hdiv]
      have hsplit := Nat.div_add_mod (n &&& mask bits width (count + 1)) (2 ^ width)
      constructor
      · intro h
        rw [h]
        exact ⟨Nat.zero_mod _, Nat.zero_div _⟩
      · intro ⟨h1, h2⟩
        rw [h1, h2] at hsplit
        rw [← hsplit, Nat.mul_zero]

theorem below_eq (bits width cols : Nat) (rows : List Row) :
    below bits width cols rows = fieldsBelow bits width cols rows := by
  rw [below, forceNat_eq]
  induction rows with
  | nil => rfl
  | cons r rows ih =>
    show cond (((r.pos &&& mask bits width cols) + (r.neg &&& mask bits width cols)).beq 0)
      (clear (mask bits width cols) rows) false = _
    rw [ih, fieldsBelow, Bool.eq_iff_iff, Bool.cond_false_right, Bool.and_eq_true, Bool.and_eq_true, Bool.and_eq_true,
      Nat.beq_eq, Nat.add_eq_zero_iff, clear_iff, clear_iff]

end TorchLean.Fields
