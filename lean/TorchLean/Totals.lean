module
prelude
public import TorchLean.Fits

/-!
# Totals of packed rows

What `executionFits` reads off packed rows is what it is meant to be: the total of a row with the magnitudes of a box
bounds the row's magnitude, the total with ones the number of its terms, and fields of one bit are weights that
multiply without rounding.
-/

public section
namespace TorchLean

/-- The product of a packed row with reversed digits, read off. -/
theorem digit_of {bits width r : Nat} {f : Int × Int → Nat} {bs : Box}
    (hr : AtMost (2 ^ bits) (fields width (size bs) r)) (hs : partSum f bs * 2 ^ bits + 1 < 2 ^ width) :
    digitAt (2 ^ width) ((2 ^ width) ^ size bs) (r.mul (reversed (2 ^ width) f bs 0))
      = digitDot (2 ^ width) f r bs := by
  have s := split_reversed f bs hr
  have d := digitDot_le f bs hr
  obtain ⟨c, hc⟩ : ∃ c, 2 ^ width = c + 1 := ⟨2 ^ width - 1, by have := Nat.two_pow_pos width; omega⟩
  rw [Nat.mul_comm] at hs
  rw [hc] at s d hs ⊢
  exact s.digit (Nat.pow_pos (Nat.succ_pos c)) d (by omega)

theorem magPart_sum (bs : Box) : partSum magPart bs ≤ boxAbs bs := by
  induction bs with
  | nil => exact Nat.le_refl 0
  | cons b bs ih =>
    have h : magPart b ≤ b.1.natAbs + b.2.natAbs := by unfold magPart larger; omega
    simp only [partSum, boxAbs, Nat.add_eq]
    omega

theorem onePart_sum (bs : Box) : partSum onePart bs = size bs := by
  induction bs with
  | nil => rfl
  | cons b bs ih =>
    simp only [partSum, size, onePart, Nat.succ_eq_add_one, ih]
    omega

/-- The total of a row with the magnitudes of a box bounds the row's magnitude. -/
theorem dotAbs_le (width : Nat) (bs : Box) (p n : Nat) :
    dotAbs (differences (fields width (size bs) p) (fields width (size bs) n)) (mags bs)
      ≤ digitDot (2 ^ width) magPart p bs + digitDot (2 ^ width) magPart n bs := by
  induction bs generalizing p n with
  | nil => exact Nat.zero_le _
  | cons b bs ih =>
    have h := ih (p / 2 ^ width) (n / 2 ^ width)
    simp only [digitDot, size, Nat.succ_eq_add_one, fields, differences, mags, dotAbs]
    have hm : larger b.1.natAbs b.2.natAbs = magPart b := rfl
    rw [hm]
    generalize p % 2 ^ width = p0
    generalize n % 2 ^ width = n0
    have h1 := Nat.mul_le_mul_right (magPart b) (show ((p0 : Int) - n0).natAbs ≤ p0 + n0 by omega)
    rw [Nat.add_mul] at h1
    omega

/-- The total with ones bounds the number of terms. -/
theorem nonzeros_le_total (width : Nat) (bs : Box) (p n : Nat) :
    nonzeros (differences (fields width (size bs) p) (fields width (size bs) n))
      ≤ digitDot (2 ^ width) onePart p bs + digitDot (2 ^ width) onePart n bs := by
  induction bs generalizing p n with
  | nil => exact Nat.zero_le _
  | cons b bs ih =>
    have h := ih (p / 2 ^ width) (n / 2 ^ width)
    simp only [digitDot, size, Nat.succ_eq_add_one, fields, differences, nonzeros, onePart, Nat.mul_one]
    generalize p % 2 ^ width = p0
    generalize n % 2 ^ width = n0
    have h1 : one? ((p0 : Int) - n0).natAbs ≤ p0 + n0 := by unfold one?; omega
    omega

theorem nonzeros_le (width count p n : Nat) :
    nonzeros (differences (fields width count p) (fields width count n)) ≤ count := by
  induction count generalizing p n with
  | zero => exact Nat.le_refl 0
  | succ count ih =>
    have h := ih (p / 2 ^ width) (n / 2 ^ width)
    simp only [fields, differences, nonzeros]
    have h1 : one? (((p % 2 ^ width : Nat) : Int) - ((n % 2 ^ width : Nat) : Int)).natAbs ≤ 1 := by unfold one?; omega
    omega

/-- Fields of one bit are weights of magnitude one, or none. -/
theorem plain_of {bits : Nat} (hb : bits ≤ 1) (width count p n : Nat)
    (hp : allBelow bits (fields width count p) = true) (hn : allBelow bits (fields width count n) = true) :
    plainRow (2 ^ 0) (differences (fields width count p) (fields width count n)) = true := by
  have h2 : 2 ^ bits ≤ 2 ^ 1 := Nat.pow_le_pow_right (by omega) hb
  induction count generalizing p n with
  | zero => rfl
  | succ count ih =>
    simp only [fields, allBelow, Bool.and_eq_true, Nat.blt_eq] at hp hn
    have h := ih (p / 2 ^ width) (n / 2 ^ width) hp.2 hn.2
    have hp := hp.1
    have hn := hn.1
    simp only [fields, differences, plainRow, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq]
    generalize p % 2 ^ width = p0 at *
    generalize n % 2 ^ width = n0 at *
    exact ⟨by omega, h⟩

end TorchLean
