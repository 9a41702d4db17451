module

prelude
public import TorchLean.Arith

/-!
# What sums of products say about rational numbers

Sums of products over lists bound what they are meant to bound: their extreme values over a box, and what coefficients on
the result of a node are worth as coefficients on its operands. Noise enters once, in `near_backward`; sums,
concatenations and linear nodes are then identities of exact values.
-/

public section

namespace TorchLean

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
