module

prelude
public import TorchLean.Sums

/-!
# Packed products

A row of weights is one number whose fields are the weights, so a multiple of a row is one multiplication and a sum of
rows one addition. That is right as long as no field overflows into the next, which the checker ensures before
it multiplies: fields below `2^bits` and `Σ |cᵢ| · 2^bits < 2^width`. Digits above the last field never matter.
-/

public section

namespace TorchLean

/-- `Σ nᵢ aᵢ` over natural numbers, over the shorter of the two lists. -/
@[expose] def natDot : List Nat → Vec → Rat
  | n :: ns, x :: xs => n * x + natDot ns xs
  | _, _ => 0

/-- No number exceeds the bound. -/
@[expose] def AtMost (m : Nat) : List Nat → Prop
  | [] => True
  | n :: ns => n ≤ m ∧ AtMost m ns

theorem atMost_of_allBelow {bits : Nat} {ns : List Nat} (h : allBelow bits ns = true) : AtMost (2 ^ bits) ns := by
  induction ns with
  | nil => trivial
  | cons n ns ih =>
    rw [allBelow, Bool.and_eq_true] at h
    exact ⟨Nat.le_of_lt (Nat.lt_of_lt_of_le (Nat.le_of_ble_eq_true h.1) (Nat.le_refl _)), ih h.2⟩

/-- Differences of fields, as the difference of their sums of products. -/
theorem dot_differences (width count p n : Nat) (a : Vec) :
    dot (differences (fields width count p) (fields width count n)) a
      = natDot (fields width count p) a - natDot (fields width count n) a := by
  induction count generalizing p n a with
  | zero => cases a <;> simp only [fields, differences, dot_nil, natDot] <;> grind
  | succ count ih =>
    cases a with
    | nil => simp only [fields, differences, dot_nil_right, natDot]; grind
    | cons x xs =>
      simp only [fields, differences, dot_cons, natDot, ih, Rat.intCast_sub, Rat.intCast_natCast]
      grind

/-- Unpacking two numbers at once. -/
theorem unpack_eq (width count p n : Nat) :
    unpack (2 ^ width) count p n = differences (fields width count p) (fields width count n) := by
  induction count generalizing p n with
  | zero => rfl
  | succ count ih =>
    simp only [unpack, fields, differences]
    congr 1
    · exact Fast.diff_eq _ _
    · exact ih _ _

/-- The fields of zero are zero. -/
theorem fields_zero (width count m : Nat) (a : Vec) :
    AtMost m (fields width count 0) ∧ natDot (fields width count 0) a = 0 := by
  induction count generalizing a with
  | zero => cases a <;> exact ⟨trivial, rfl⟩
  | succ count ih =>
    simp only [fields, Nat.zero_mod, Nat.zero_div]
    refine ⟨⟨Nat.zero_le _, (ih []).1⟩, ?_⟩
    cases a with
    | nil => rfl
    | cons x xs =>
      have h0 : ((0 : Nat) : Rat) = 0 := rfl
      simp only [natDot, (ih xs).2, h0]; grind

/-- A field of `p + c r` where neither field overflows. -/
theorem mod_div_mulAdd {b p c r : Nat} (h : p % b + c * (r % b) < b) :
    (p + c * r) % b = p % b + c * (r % b) ∧ (p + c * r) / b = p / b + c * (r / b) := by
  have hb : 0 < b := Nat.lt_of_le_of_lt (Nat.zero_le _) h
  have h1 : p + c * r = (p % b + c * (r % b)) + b * (p / b + c * (r / b)) := by
    have hp := Nat.mod_add_div p b
    have hr := Nat.mod_add_div r b
    have hm : c * r = c * (r % b) + b * (c * (r / b)) := by
      have := congrArg (c * ·) hr
      simp only [Nat.mul_add] at this
      rw [Nat.mul_left_comm c b] at this
      exact this.symm
    rw [Nat.mul_add]
    omega
  rw [h1]
  constructor
  · rw [Nat.add_mul_mod_self_left, Nat.mod_eq_of_lt h]
  · rw [Nat.add_mul_div_left _ _ hb, Nat.div_eq_of_lt h, Nat.zero_add]

/-- One step of a packed sum: no field overflows, and each takes what it should. -/
theorem fields_mulAdd {width m k c : Nat} (hk : k + c * m < 2 ^ width) (count p r : Nat) (a : Vec)
    (hp : AtMost k (fields width count p)) (hr : AtMost m (fields width count r)) :
    AtMost (k + c * m) (fields width count (p + c * r)) ∧
      natDot (fields width count (p + c * r)) a
        = natDot (fields width count p) a + c * natDot (fields width count r) a := by
  induction count generalizing p r a with
  | zero => cases a <;> exact ⟨trivial, by simp only [fields, natDot]; grind⟩
  | succ count ih =>
    simp only [fields] at hp hr
    have hf : p % 2 ^ width + c * (r % 2 ^ width) ≤ k + c * m := Nat.add_le_add hp.1 (Nat.mul_le_mul_left c hr.1)
    have hmd := mod_div_mulAdd (Nat.lt_of_le_of_lt hf hk)
    have ih := fun a => ih (p / 2 ^ width) (r / 2 ^ width) a hp.2 hr.2
    simp only [fields, hmd.1, hmd.2]
    refine ⟨⟨hf, (ih []).1⟩, ?_⟩
    cases a with
    | nil => simp only [natDot]; grind
    | cons x xs => simp only [natDot, (ih xs).2, Rat.natCast_add, Rat.natCast_mul]; grind

/-- A packed sum is the sum of its rows. -/
theorem packedSum_sound {bits width cols : Nat} {rs : List Row} (hrs : fieldsBelow bits width cols rs = true)
    (cs : List Int) (p n k : Nat) (a : Vec) (hk : k + absSum cs * 2 ^ bits < 2 ^ width)
    (hp : AtMost k (fields width cols p)) (hn : AtMost k (fields width cols n)) :
    natDot (fields width cols (packedSum cs rs p n).1) a - natDot (fields width cols (packedSum cs rs p n).2) a
      = natDot (fields width cols p) a - natDot (fields width cols n) a + combine cs (rowsInts width cols rs) a := by
  induction cs generalizing rs p n k with
  | nil => cases rs <;> simp only [packedSum, combine_nil] <;> grind
  | cons c cs ih =>
    cases rs with
    | nil => cases c <;> simp only [packedSum, rowsInts, combine_nil_right] <;> grind
    | cons r rs =>
      rw [fieldsBelow, Bool.and_eq_true, Bool.and_eq_true] at hrs
      obtain ⟨⟨hpos, hneg⟩, hrs⟩ := hrs
      have hpos := atMost_of_allBelow hpos
      have hneg := atMost_of_allBelow hneg
      have hd := dot_differences width cols r.pos r.neg a
      simp only [absSum, Nat.add_eq] at hk
      rw [Nat.add_mul, ← Nat.add_assoc] at hk
      cases c with
      | ofNat c =>
        rw [show (Int.ofNat c).natAbs = c from rfl] at hk
        have hk0 : k + c * 2 ^ bits < 2 ^ width := Nat.lt_of_le_of_lt (Nat.le_add_right _ _) hk
        have h1 := fields_mulAdd hk0 cols p r.pos a hp hpos
        have h2 := fields_mulAdd hk0 cols n r.neg a hn hneg
        have h3 := ih hrs (p + c * r.pos) (n + c * r.neg) (k + c * 2 ^ bits) hk h1.1 h2.1
        have hc : ((Int.ofNat c : Int) : Rat) = c := Rat.intCast_natCast c
        rw [h1.2, h2.2] at h3
        simp only [packedSum, Nat.add_eq, Nat.mul_eq, rowsInts, combine_cons, Row.ints, hc, hd]
        clear hk hk0 h1 h2 hp hn hpos hneg hrs ih hd hc
        grind
      | negSucc c =>
        rw [show (Int.negSucc c).natAbs = c + 1 from rfl] at hk
        have hk0 : k + (c + 1) * 2 ^ bits < 2 ^ width := Nat.lt_of_le_of_lt (Nat.le_add_right _ _) hk
        have h1 := fields_mulAdd hk0 cols p r.neg a hp hneg
        have h2 := fields_mulAdd hk0 cols n r.pos a hn hpos
        have h3 := ih hrs (p + (c + 1) * r.neg) (n + (c + 1) * r.pos) (k + (c + 1) * 2 ^ bits) hk h1.1 h2.1
        have hc : ((Int.negSucc c : Int) : Rat) = -((c + 1 : Nat) : Rat) := by
          rw [Int.negSucc_eq, Rat.intCast_neg]
          exact congrArg (- ·) (Rat.intCast_natCast (c + 1))
        rw [h1.2, h2.2] at h3
        simp only [packedSum, Nat.add_eq, Nat.mul_eq, Nat.succ_eq_add_one, rowsInts, combine_cons, Row.ints, hc, hd]
        clear hk hk0 h1 h2 hp hn hpos hneg hrs ih hd hc
        generalize ((c + 1 : Nat) : Rat) = q at *
        grind

/-- **Packed products.** Where the checker multiplies packed rows, the result is the sum of the rows. -/
theorem product_sound {bits : Nat} {w : Mat} {row r : List Int}
    (hf : fieldsBelow bits w.width w.cols w.rows = true) (h : product bits w row = some r) (a : Vec) :
    dot r a = combine row w.ints a := by
  unfold product at h
  split at h
  · rename_i hlt
    have hlt : absSum row * 2 ^ bits < 2 ^ w.width := Nat.le_of_ble_eq_true hlt
    simp only [forceNat_eq, Option.some.injEq] at h
    have h0 := fields_zero w.width w.cols 0 a
    have hs := packedSum_sound hf row 0 0 0 a (by rwa [Nat.zero_add]) h0.1 h0.1
    rw [← h, unpack_eq, dot_differences, hs, h0.2, Mat.ints]
    grind
  · exact absurd h (by simp)

end TorchLean
