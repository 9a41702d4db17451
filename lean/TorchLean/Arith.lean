module

prelude
public import TorchLean.Bounds
public import Init.GrindInstances.Ring.Rat
public import Init.Grind
public import Init.Omega

/-!
# What the checker's integers say about rational numbers

The checker computes with integers, theorems speak of rational values. Here stand the facts that connect the two and
that every later part uses: integers by their constructors are what their names say, divisions by powers of two round as
theirs say, and forcing changes nothing. Sums of products over lists follow in `Sums`.
-/

public section

namespace TorchLean

/-! ## Powers of two -/

theorem pow2_pos (k : Nat) : 0 < pow2 k := Rat.natCast_pos.mpr (Nat.two_pow_pos k)

theorem pow2_nonneg (k : Nat) : 0 ≤ pow2 k := Rat.le_of_lt (pow2_pos k)

theorem pow2_ne_zero (k : Nat) : pow2 k ≠ 0 := Rat.ne_of_gt (pow2_pos k)

theorem pow2_add (a b : Nat) : pow2 (a + b) = pow2 a * pow2 b := by
  unfold pow2; rw [Nat.pow_add, Rat.natCast_mul]

theorem pow2_intCast (k : Nat) : (((2 ^ k : Nat) : Int) : Rat) = pow2 k := Rat.intCast_natCast _

/-- Dividing and multiplying by a power of two. -/
theorem div_mul_pow2 (x : Rat) (k : Nat) : x / pow2 k * pow2 k = x := Rat.div_mul_cancel (pow2_ne_zero k)

/-- A common positive factor of both sides may be dropped. -/
theorem le_of_mul_pow2_le {x y : Rat} (k : Nat) (h : x * pow2 k ≤ y * pow2 k) : x ≤ y :=
  Rat.le_of_mul_le_mul_right h (pow2_pos k)

theorem intCast_nonneg {c : Int} (h : 0 ≤ c) : (0 : Rat) ≤ c := Rat.intCast_nonneg.mpr h

theorem neg_intCast_nonneg {c : Int} (h : ¬ 0 ≤ c) : (0 : Rat) ≤ -(c : Rat) := by
  have := intCast_nonneg (c := -c) (by omega)
  rwa [Rat.intCast_neg] at this

/-! ## Integers by their constructors -/

namespace Fast

@[simp] theorem diff_eq (m n : Nat) : Fast.diff m n = (m : Int) - n := by
  unfold Fast.diff
  cases h : n.sub m with
  | zero =>
    have h : n - m = 0 := h
    show ((m - n : Nat) : Int) = _
    omega
  | succ k =>
    have h : n - m = k + 1 := h
    show Int.negSucc k = _
    rw [Int.negSucc_eq]
    omega

@[simp] theorem negNat_eq (n : Nat) : Fast.negNat n = -(n : Int) := by cases n <;> rfl

@[simp] theorem neg_eq (a : Int) : Fast.neg a = -a := by
  cases a with
  | ofNat n => exact negNat_eq n
  | negSucc n => rfl

@[simp] theorem add_eq (a b : Int) : Fast.add a b = a + b := by
  cases a with
  | ofNat m => cases b with
    | ofNat n => rfl
    | negSucc n => exact (diff_eq m (n + 1)).trans Int.subNatNat_eq_coe.symm
  | negSucc m => cases b with
    | ofNat n => exact (diff_eq n (m + 1)).trans Int.subNatNat_eq_coe.symm
    | negSucc n => rfl

@[simp] theorem sub_eq (a b : Int) : Fast.sub a b = a - b := by
  cases a with
  | ofNat m => cases b with
    | ofNat n => exact diff_eq m n
    | negSucc n =>
      show ((m + (n + 1) : Nat) : Int) = (m : Int) - Int.negSucc n
      rw [Int.negSucc_eq]
      omega
  | negSucc m => cases b with
    | ofNat n =>
      show Int.negSucc (m + n) = Int.negSucc m - (n : Int)
      rw [Int.negSucc_eq, Int.negSucc_eq]
      omega
    | negSucc n =>
      show Fast.diff n m = Int.negSucc m - Int.negSucc n
      rw [diff_eq, Int.negSucc_eq, Int.negSucc_eq]
      omega

@[simp] theorem mul_eq (a b : Int) : Fast.mul a b = a * b := by
  cases a with
  | ofNat m => cases b with
    | ofNat n => rfl
    | negSucc n => exact negNat_eq _
  | negSucc m => cases b with
    | ofNat n => exact negNat_eq _
    | negSucc n => rfl

@[simp] theorem abs_eq (a : Int) : Fast.abs a = a.natAbs := by cases a <;> rfl

theorem isZero_iff {a : Int} : Fast.isZero a = true ↔ a = 0 := by
  cases a with
  | ofNat m =>
    show m.beq 0 = true ↔ (m : Int) = 0
    rw [Nat.beq_eq]
    omega
  | negSucc m =>
    show false = true ↔ Int.negSucc m = 0
    rw [Int.negSucc_eq]
    simp only [Bool.false_eq_true, false_iff]
    omega

theorem isOne_iff {a : Int} : Fast.isOne a = true ↔ a = 1 := by
  cases a with
  | ofNat m =>
    show m.beq 1 = true ↔ (m : Int) = 1
    rw [Nat.beq_eq]
    omega
  | negSucc m =>
    show false = true ↔ Int.negSucc m = 1
    rw [Int.negSucc_eq]
    simp only [Bool.false_eq_true, false_iff]
    omega

theorem le_iff {a b : Int} : Fast.le a b = true ↔ a ≤ b := by
  cases a with
  | ofNat m => cases b with
    | ofNat n =>
      show m.ble n = true ↔ (m : Int) ≤ (n : Int)
      exact ⟨fun h => Int.ofNat_le.mpr (Nat.le_of_ble_eq_true h), fun h => Nat.ble_eq_true_of_le (Int.ofNat_le.mp h)⟩
    | negSucc n =>
      show false = true ↔ (m : Int) ≤ Int.negSucc n
      rw [Int.negSucc_eq]
      simp only [Bool.false_eq_true, false_iff]
      omega
  | negSucc m => cases b with
    | ofNat n =>
      show true = true ↔ Int.negSucc m ≤ (n : Int)
      rw [Int.negSucc_eq]
      simp only [true_iff]
      omega
    | negSucc n =>
      show n.ble m = true ↔ Int.negSucc m ≤ Int.negSucc n
      rw [Int.negSucc_eq, Int.negSucc_eq]
      refine ⟨fun h => ?_, fun h => Nat.ble_eq_true_of_le ?_⟩
      · have := Nat.le_of_ble_eq_true h
        omega
      · omega

/-- A choice by the order of two numbers. -/
theorem cond_le {α : Type} (a b : Int) (x y : α) : cond (Fast.le a b) x y = if a ≤ b then x else y := by
  by_cases h : a ≤ b
  · rw [if_pos h, le_iff.mpr h]
    rfl
  · have h' : Fast.le a b = false := by
      cases hb : Fast.le a b with
      | false => rfl
      | true => exact absurd (le_iff.mp hb) h
    rw [if_neg h, h']
    rfl

@[simp] theorem min_eq (a b : Int) : Fast.min a b = Min.min a b := by
  rw [Int.min_def]
  exact cond_le a b a b

@[simp] theorem max_eq (a b : Int) : Fast.max a b = Max.max a b := by
  rw [Int.max_def]
  exact cond_le a b b a

/-- A product whose second factor goes by the sign of the first. -/
theorem mul_bySign (c x y : Int) : Fast.mul c (Fast.bySign c x y) = if 0 ≤ c then c * x else c * y := by
  rw [mul_eq]
  cases c with
  | ofNat m =>
    rw [if_pos (show 0 ≤ Int.ofNat m from Int.natCast_nonneg m)]
    rfl
  | negSucc m =>
    rw [if_neg (by rw [Int.negSucc_eq]; omega)]
    rfl

end Fast

/-! ## Rounded quotients -/

theorem floorShift_eq (n : Int) (k : Nat) : floorShift n k = n / ((2 ^ k : Nat) : Int) := by
  cases n with
  | ofNat m =>
    show ((m >>> k : Nat) : Int) = (m : Int) / ((2 ^ k : Nat) : Int)
    rw [Nat.shiftRight_eq_div_pow]
    rfl
  | negSucc m =>
    obtain ⟨n, hn⟩ : ∃ n, 2 ^ k = n + 1 := ⟨2 ^ k - 1, by have := Nat.two_pow_pos k; omega⟩
    show Int.negSucc (m >>> k) = Int.negSucc m / ((2 ^ k : Nat) : Int)
    rw [Nat.shiftRight_eq_div_pow, hn]
    rfl

theorem shiftLeft_eq (n : Int) (k : Nat) : shiftLeft n k = n * ((2 ^ k : Nat) : Int) := by
  cases n with
  | ofNat m =>
    show ((m <<< k : Nat) : Int) = (m : Int) * ((2 ^ k : Nat) : Int)
    rw [Nat.shiftLeft_eq]
    rfl
  | negSucc m =>
    show Fast.negNat ((m + 1) <<< k) = Int.negSucc m * ((2 ^ k : Nat) : Int)
    rw [Nat.shiftLeft_eq]
    exact Fast.negNat_eq _

/-- Quotient and remainder. -/
theorem floorShift_mul_add (n : Int) (k : Nat) :
    floorShift n k * ((2 ^ k : Nat) : Int) + n % ((2 ^ k : Nat) : Int) = n := by
  rw [floorShift_eq]
  exact Int.ediv_mul_add_emod n _

theorem remainder_nonneg (n : Int) (k : Nat) : 0 ≤ n % ((2 ^ k : Nat) : Int) := by
  apply Int.emod_nonneg
  have := Nat.two_pow_pos k
  generalize 2 ^ k = m at *
  omega

/-- Quotient and remainder as rational numbers. -/
theorem floorShift_cast (n : Int) (k : Nat) :
    (n : Rat) = (floorShift n k : Rat) * pow2 k + ((n % ((2 ^ k : Nat) : Int) : Int) : Rat) := by
  have h := congrArg (fun z : Int => (z : Rat)) (floorShift_mul_add n k)
  simp only [Rat.intCast_add, Rat.intCast_mul, pow2_intCast] at h
  exact h.symm

/-- `floorShift` rounds down. -/
theorem floorShift_le (n : Int) (k : Nat) : (floorShift n k : Rat) * pow2 k ≤ n := by
  have h := floorShift_cast n k
  have := intCast_nonneg (remainder_nonneg n k)
  grind

/-- `ceilShift` rounds up. -/
theorem le_ceilShift (n : Int) (k : Nat) : (n : Rat) ≤ (ceilShift n k : Rat) * pow2 k := by
  have h := floorShift_le (-n) k
  have hc : ceilShift n k = -floorShift (-n) k := by rw [ceilShift, Fast.neg_eq, Fast.neg_eq]
  rw [hc, Rat.intCast_neg]
  rw [Rat.intCast_neg] at h
  grind

theorem shiftLeft_cast (n : Int) (k : Nat) : ((shiftLeft n k : Int) : Rat) = n * pow2 k := by
  rw [shiftLeft_eq, Rat.intCast_mul, pow2_intCast]

/-! ## Forcing -/

@[simp] theorem forceNat_eq {α : Type} (n : Nat) (k : Nat → α) : forceNat n k = k n := by cases n <;> rfl

@[simp] theorem forceInt_eq {α : Type} (n : Int) (k : Int → α) : forceInt n k = k n :=
  match n with
  | .ofNat m => forceNat_eq m fun m => k (.ofNat m)
  | .negSucc m => forceNat_eq m fun m => k (.negSucc m)

@[simp] theorem forceInts_eq {α : Type} (xs : List Int) (k : List Int → α) : forceInts xs k = k xs := by
  induction xs generalizing k with
  | nil => rfl
  | cons x xs ih =>
    show forceInt x (fun x => forceInts xs fun xs => k (x :: xs)) = _
    rw [forceInt_eq, ih]

@[simp] theorem forceBox_eq {α : Type} (b : Box) (k : Box → α) : forceBox b k = k b := by
  induction b generalizing k with
  | nil => rfl
  | cons b bs ih =>
    show forceInt b.1 (fun l => forceInt b.2 fun u => forceBox bs fun bs => k ((l, u) :: bs)) = _
    rw [forceInt_eq, forceInt_eq, ih]

end TorchLean
