module

prelude
public import TorchLean.Bounds
public import Init.GrindInstances.Ring.Rat
public import Init.Grind
public import Init.Omega

/-!
# What the checker's integers say about rational numbers

The checker computes with integers, theorems speak of rational values. Here stand the facts that connect the two and
that every later part uses: forcing changes nothing, divisions by powers of two round as their names say, and
sums of products over lists bound what they are meant to bound. Noise enters once, in `near_backward`; sums,
concatenations and linear nodes are then identities of exact values.
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

/-! ## Sums of products -/

@[simp] theorem dot_nil (x : Vec) : dot [] x = 0 := by cases x <;> rfl

@[simp] theorem dot_nil_right (c : List Int) : dot c [] = 0 := by cases c <;> rfl

@[simp] theorem dot_cons (c : Int) (cs : List Int) (x : Rat) (xs : Vec) :
    dot (c :: cs) (x :: xs) = c * x + dot cs xs := rfl

theorem dot_negate (c : List Int) (a : Vec) : dot (negate c) a = -dot c a := by
  induction c generalizing a with
  | nil => simp only [negate, dot_nil]; grind
  | cons c cs ih =>
    cases a with
    | nil => simp only [dot_nil_right]; grind
    | cons x xs => simp only [negate, dot_cons, ih, Rat.intCast_neg]; grind

theorem dot_addRows (c d : List Int) (a : Vec) : dot (addRows c d) a = dot c a + dot d a := by
  induction c generalizing d a with
  | nil => cases d <;> simp only [addRows, dot_nil] <;> grind
  | cons c cs ih =>
    cases d with
    | nil => simp only [addRows, dot_nil]; grind
    | cons d ds =>
      cases a with
      | nil => simp only [dot_nil_right]; grind
      | cons x xs => simp only [addRows, Fast.add_eq, dot_cons, ih, Rat.intCast_add]; grind

theorem dot_scaleRow (k : Nat) (c : List Int) (a : Vec) : dot (scaleRow k c) a = dot c a * pow2 k := by
  induction c generalizing a with
  | nil => simp only [scaleRow, dot_nil]; grind
  | cons c cs ih =>
    cases a with
    | nil => simp only [dot_nil_right]; grind
    | cons x xs => simp only [scaleRow, dot_cons, ih, shiftLeft_cast]; grind

/-! ## Shapes of what is related element by element -/

theorem inBox_nil {grid : Nat} {x : Vec} (h : InBox grid [] x) : x = [] := by
  cases x with
  | nil => rfl
  | cons x xs => exact False.elim h

theorem inBox_cons {grid : Nat} {b : Int × Int} {bs : Box} {x : Vec} (h : InBox grid (b :: bs) x) :
    ∃ x0 xs, x = x0 :: xs ∧ (b.1 : Rat) ≤ x0 * pow2 grid ∧ x0 * pow2 grid ≤ b.2 ∧ InBox grid bs xs := by
  cases x with
  | nil => exact False.elim h
  | cons x xs => exact ⟨x, xs, rfl, (And.left h).1, (And.left h).2, And.right h⟩

theorem InBox.length_eq {grid : Nat} {b : Box} {x : Vec} (h : InBox grid b x) : b.length = x.length := by
  induction b generalizing x with
  | nil => rw [inBox_nil h]; rfl
  | cons b bs ih =>
    obtain ⟨x0, xs, rfl, _, _, h⟩ := inBox_cons h
    simp only [List.length_cons, ih h]

theorem size_eq {grid : Nat} {b : Box} {x : Vec} (h : InBox grid b x) : size b = x.length := by
  induction b generalizing x with
  | nil => rw [inBox_nil h]; rfl
  | cons b bs ih =>
    obtain ⟨x0, xs, rfl, _, _, h⟩ := inBox_cons h
    simp only [size, List.length_cons, ih h, Nat.succ_eq_add_one]

theorem allNear_nil {grid : Nat} {e : List Nat} {y : Vec} (h : AllNear grid [] e y) : e = [] ∧ y = [] := by
  cases e <;> cases y <;> first | exact ⟨rfl, rfl⟩ | exact False.elim h

theorem allNear_cons {grid : Nat} {v : Rat} {vs : Vec} {e : List Nat} {y : Vec} (h : AllNear grid (v :: vs) e y) :
    ∃ e0 es y0 ys, e = e0 :: es ∧ y = y0 :: ys ∧ Near grid v e0 y0 ∧ AllNear grid vs es ys := by
  cases e with
  | nil => cases y <;> exact False.elim h
  | cons e0 es =>
    cases y with
    | nil => exact False.elim h
    | cons y0 ys => exact ⟨e0, es, y0, ys, rfl, rfl, And.left h, And.right h⟩

/-! ## Extreme values over a box -/

/-- The lower end of `c · [l, u]`. -/
theorem lowest_term (c l u : Int) {t : Rat} (hl : (l : Rat) ≤ t) (hu : t ≤ u) :
    ((if 0 ≤ c then c * l else c * u : Int) : Rat) ≤ c * t := by
  split
  · rename_i hc
    rw [Rat.intCast_mul]
    exact Rat.mul_le_mul_of_nonneg_left hl (intCast_nonneg hc)
  · rename_i hc
    have := Rat.mul_le_mul_of_nonneg_left hu (neg_intCast_nonneg hc)
    rw [Rat.intCast_mul]
    grind

/-- The upper end of `c · [l, u]`. -/
theorem highest_term (c l u : Int) {t : Rat} (hl : (l : Rat) ≤ t) (hu : t ≤ u) :
    c * t ≤ ((if 0 ≤ c then c * u else c * l : Int) : Rat) := by
  split
  · rename_i hc
    rw [Rat.intCast_mul]
    exact Rat.mul_le_mul_of_nonneg_left hu (intCast_nonneg hc)
  · rename_i hc
    have := Rat.mul_le_mul_of_nonneg_left hl (neg_intCast_nonneg hc)
    rw [Rat.intCast_mul]
    grind

/-- `lowest` is a lower bound of a sum of products over a box. -/
theorem lowest_le {grid : Nat} {b : Box} {x : Vec} (c : List Int) (h : InBox grid b x) :
    (lowest c b : Rat) ≤ dot c x * pow2 grid := by
  induction c generalizing b x with
  | nil => cases b <;> simp only [lowest, dot_nil, Rat.intCast_zero] <;> grind
  | cons c cs ih =>
    cases b with
    | nil => rw [inBox_nil h]; simp only [lowest, dot_nil_right, Rat.intCast_zero]; grind
    | cons b bs =>
      obtain ⟨x0, xs, rfl, hl, hu, h⟩ := inBox_cons h
      have h1 := ih h
      have h2 := lowest_term c b.1 b.2 hl hu
      simp only [lowest, Fast.add_eq, Fast.mul_bySign, dot_cons, Rat.intCast_add]
      grind

/-- `highest` is an upper bound of a sum of products over a box. -/
theorem le_highest {grid : Nat} {b : Box} {x : Vec} (c : List Int) (h : InBox grid b x) :
    dot c x * pow2 grid ≤ highest c b := by
  induction c generalizing b x with
  | nil => cases b <;> simp only [highest, dot_nil, Rat.intCast_zero] <;> grind
  | cons c cs ih =>
    cases b with
    | nil => rw [inBox_nil h]; simp only [highest, dot_nil_right, Rat.intCast_zero]; grind
    | cons b bs =>
      obtain ⟨x0, xs, rfl, hl, hu, h⟩ := inBox_cons h
      have h1 := ih h
      have h2 := highest_term c b.1 b.2 hl hu
      simp only [highest, Fast.add_eq, Fast.mul_bySign, dot_cons, Rat.intCast_add]
      grind

/-! ## One step backward -/

/-- `Σ cᵢ (rowᵢ · a)`, over the shorter of the two lists. -/
@[expose] def combine : List Int → List (List Int) → Vec → Rat
  | c :: cs, r :: rs, a => c * dot r a + combine cs rs a
  | _, _, _ => 0

@[simp] theorem combine_nil (rows : List (List Int)) (a : Vec) : combine [] rows a = 0 := by cases rows <;> rfl

@[simp] theorem combine_nil_right (cs : List Int) (a : Vec) : combine cs [] a = 0 := by cases cs <;> rfl

@[simp] theorem combine_cons (c : Int) (cs : List Int) (r : List Int) (rs : List (List Int)) (a : Vec) :
    combine (c :: cs) (r :: rs) a = c * dot r a + combine cs rs a := rfl

/-- What noise takes from a multiple of a value. -/
theorem near_mul {grid e : Nat} {v y : Rat} (h : Near grid v e y) (c : Int) :
    (c : Rat) * v - (c.natAbs : Rat) * (e / pow2 grid) ≤ c * y := by
  have hn : (0 : Rat) ≤ c.natAbs := Rat.natCast_nonneg
  have h1 := Rat.mul_le_mul_of_nonneg_left h.1 hn
  have h2 := Rat.mul_le_mul_of_nonneg_left h.2 hn
  generalize (e : Rat) / pow2 grid = q at *
  have hc : (c : Rat) = c.natAbs ∨ (c : Rat) = -(c.natAbs : Rat) := by
    rcases Int.natAbs_eq c with hc | hc
    · exact Or.inl ((congrArg (fun z : Int => (z : Rat)) hc).trans (Rat.intCast_natCast _))
    · refine Or.inr ((congrArg (fun z : Int => (z : Rat)) hc).trans ?_)
      rw [Rat.intCast_neg, Rat.intCast_natCast]
  generalize (c.natAbs : Rat) = n at *
  generalize (c : Rat) = c at *
  rcases hc with rfl | rfl <;> grind

/-- A sum of products of noisy values falls short of the exact one by at most the noise's share. -/
theorem near_backward {grid : Nat} {v : Vec} {e : List Nat} {y : Vec} (cs : List Int) (h : AllNear grid v e y) :
    dot cs v - (dotAbs cs e : Rat) / pow2 grid ≤ dot cs y := by
  have hz : ((0 : Nat) : Rat) = 0 := rfl
  induction v generalizing cs e y with
  | nil =>
    obtain ⟨rfl, rfl⟩ := allNear_nil h
    cases cs <;> simp only [dotAbs, dot_nil_right, Rat.div_def, hz] <;> grind
  | cons v vs ih =>
    obtain ⟨e0, es, y0, ys, rfl, rfl, h0, h⟩ := allNear_cons h
    cases cs with
    | nil => simp only [dotAbs, dot_nil, Rat.div_def, hz]; grind
    | cons c cs =>
      have h1 := ih cs h
      have h2 := near_mul h0 c
      simp only [dotAbs, dot_cons, Rat.natCast_add, Rat.natCast_mul, Rat.div_def] at *
      grind

/-- The exact result of a linear node, times its scale, as rows on the operand. -/
theorem dot_linearOut {s : Nat} {a : Vec} {rows : List (List Int)} {bias : List Int} (cs : List Int)
    (hl : rows.length = bias.length) :
    dot cs (linearOut s a rows bias) * pow2 s = combine cs rows a + (dotInt cs bias : Rat) := by
  induction rows generalizing cs bias with
  | nil =>
    have hb : bias = [] := List.eq_nil_of_length_eq_zero hl.symm
    subst hb
    cases cs <;> simp only [linearOut, dotInt, dot_nil_right, combine_nil_right, Rat.intCast_zero] <;> grind
  | cons r rs ih =>
    cases bias with
    | nil => exact absurd hl (Nat.succ_ne_zero _)
    | cons b bs =>
      cases cs with
      | nil => simp only [dotInt, dot_nil, combine_nil, Rat.intCast_zero]; grind
      | cons c cs =>
        have h1 := ih cs (Nat.succ.inj hl)
        have h2 := div_mul_pow2 (dot r a + b) s
        simp only [linearOut, dotInt, Fast.add_eq, Fast.mul_eq, dot_cons, combine_cons, Rat.intCast_add,
          Rat.intCast_mul]
        generalize (dot r a + b) / pow2 s = q at *
        grind

/-- **Through a linear node.** What coefficients on its noisy values are worth, as coefficients on its operand. -/
theorem linear_backward {grid s : Nat} {a : Vec} {rows : List (List Int)} {bias : List Int} {e : List Nat} {y : Vec}
    (cs : List Int) (hl : rows.length = bias.length) (h : AllNear grid (linearOut s a rows bias) e y) :
    (combine cs rows a + (dotInt cs bias : Rat)) - (dotAbs cs e : Rat) * pow2 s / pow2 grid ≤ dot cs y * pow2 s := by
  have h1 := Rat.mul_le_mul_of_nonneg_right (near_backward cs h) (pow2_nonneg s)
  have h2 := dot_linearOut (s := s) (a := a) cs hl
  simp only [Rat.div_def] at *
  grind

theorem dot_vadd {a b : Vec} (cs : List Int) (hl : a.length = b.length) :
    dot cs (vadd a b) = dot cs a + dot cs b := by
  induction a generalizing cs b with
  | nil =>
    have hb : b = [] := List.eq_nil_of_length_eq_zero hl.symm
    subst hb
    simp only [vadd, dot_nil_right]; grind
  | cons x xs ih =>
    cases b with
    | nil => exact absurd hl (Nat.succ_ne_zero _)
    | cons y ys =>
      cases cs with
      | nil => simp only [dot_nil]; grind
      | cons c cs =>
        have h1 := ih cs (Nat.succ.inj hl)
        simp only [vadd, dot_cons]
        grind

/-- **Through a sum.** -/
theorem add_backward {grid : Nat} {a b : Vec} {e : List Nat} {y : Vec} (cs : List Int) (hl : a.length = b.length)
    (h : AllNear grid (vadd a b) e y) :
    dot cs a + dot cs b - (dotAbs cs e : Rat) / pow2 grid ≤ dot cs y := by
  rw [← dot_vadd cs hl]; exact near_backward cs h

theorem dot_joined (a b : Vec) (cs : List Int) :
    dot cs (joined a b) = dot (splitRow a.length cs).1 a + dot (splitRow a.length cs).2 b := by
  induction a generalizing cs with
  | nil => simp only [joined, List.length_nil, splitRow, dot_nil]; grind
  | cons x xs ih =>
    cases cs with
    | nil => simp only [List.length_cons, splitRow, dot_nil]; grind
    | cons c cs =>
      have h1 := ih cs
      simp only [joined, List.length_cons, splitRow, dot_cons]
      grind

/-- **Through a concatenation.** -/
theorem concat_backward {grid : Nat} {a b : Vec} {e : List Nat} {y : Vec} (cs : List Int)
    (h : AllNear grid (joined a b) e y) :
    dot (splitRow a.length cs).1 a + dot (splitRow a.length cs).2 b - (dotAbs cs e : Rat) / pow2 grid ≤ dot cs y := by
  rw [← dot_joined]; exact near_backward cs h

end TorchLean
