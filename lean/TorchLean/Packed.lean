module

prelude
public import TorchLean.Boxes
public import TorchLean.Product

/-!
# Intervals by packed rows

The product of a packed row with the reversed digits of a vector has their sum of products as one digit: the one at
which the places of both factors add up to the number of columns. What stands below it must not carry into it. That
is kept as an equation with a slack (`Split`), digit by digit, so that no inequality is multiplied.
-/

public noncomputable section

namespace TorchLean

/-- `Σ rᵢ partᵢ` over the lowest digits of a number, one for each interval. -/
@[expose] def digitDot (base : Nat) (part : Int × Int → Nat) : Nat → Box → Nat
  | _, [] => 0
  | r, b :: bs => r % base * part b + digitDot base part (r / base) bs

/-- `Σ partᵢ` -/
@[expose] def partSum (part : Int × Int → Nat) : Box → Nat
  | [] => 0
  | b :: bs => part b + partSum part bs

theorem reversed_eq (base : Nat) (part : Int × Int → Nat) (bs : Box) (acc : Nat) :
    reversed base part bs acc = acc * base ^ size bs + reversed base part bs 0 := by
  induction bs generalizing acc with
  | nil => simp only [reversed, size, Nat.pow_zero, Nat.mul_one, Nat.add_zero]
  | cons b bs ih =>
    simp only [reversed, forceNat_eq, Nat.add_eq, Nat.mul_eq, size, Nat.succ_eq_add_one]
    rw [ih, ih ((0 + part b) * base), Nat.pow_succ, Nat.zero_add, Nat.add_mul, Nat.add_mul,
      Nat.mul_assoc acc base, Nat.mul_comm base, Nat.add_assoc]

/-- A number is `low`, a digit's worth at `place`, and a multiple of what is above that digit; `low` is so small, in
terms of a bound `m` of one factor's digits and of the sum `s` of the other's (which are `x` together), that even sums
of such numbers do not reach `place`. -/
@[expose] def Split (base place m n d x s : Nat) : Prop :=
  ∃ low high slack, n = low + place * d + place * base * high ∧ base * low + m * x + slack = m * s * place + low

theorem Split.add {base place m n d x s n' d' x' s' : Nat} (h : Split base place m n d x s)
    (h' : Split base place m n' d' x' s') : Split base place m (n + n') (d + d') (x + x') (s + s') := by
  obtain ⟨low, high, slack, e, i⟩ := h
  obtain ⟨low', high', slack', e', i'⟩ := h'
  refine ⟨low + low', high + high', slack + slack', ?_, ?_⟩
  · rw [e, e', Nat.mul_add, Nat.mul_add]; omega
  · rw [Nat.mul_add, Nat.mul_add, Nat.mul_add, Nat.add_mul]; omega

/-- One more digit of both factors. -/
theorem Split.step {c place m r r' x0 x d s n : Nat} {r0 : Nat} (hr : r = r0 + (c + 1) * r') (hm : r0 ≤ m)
    (hn : n = r' * x) (h : Split (c + 1) place m n d x s) :
    Split (c + 1) (place * (c + 1)) m (r * (x0 * (place * (c + 1)) + x)) (r0 * x0 + d) (x0 * (place * (c + 1)) + x)
      (x0 + s) := by
  obtain ⟨low, high, slack, e, i⟩ := h
  obtain ⟨t, rfl⟩ := Nat.exists_eq_add_of_le hm
  subst hr hn
  have e := congrArg (fun k : Nat => (k : Int)) e
  have i := congrArg (fun k : Nat => (k : Int)) i
  have one : ((1 : Nat) : Int) = 1 := rfl
  refine ⟨r0 * x + (c + 1) * low, r' * x0 + high, (c + 1) * slack + c * (t * x), Int.ofNat_inj.mp ?_,
    Int.ofNat_inj.mp ?_⟩
  all_goals
    simp only [Int.natCast_add, Int.natCast_mul, one] at e i ⊢
    generalize (c : Int) = c, (place : Int) = place, (r' : Int) = r', (x0 : Int) = x0, (x : Int) = x, (d : Int) = d,
      (s : Int) = s, (r0 : Int) = r0, (low : Int) = low, (high : Int) = high, (slack : Int) = slack, (t : Int) = t at *
    clear hm one
    grind

/-- The product of a row with reversed digits has the sum of products as a digit. -/
theorem split_reversed {width m : Nat} (part : Int × Int → Nat) (bs : Box) {r : Nat}
    (h : AtMost m (fields width (size bs) r)) :
    Split (2 ^ width) ((2 ^ width) ^ size bs) m (r * reversed (2 ^ width) part bs 0) (digitDot (2 ^ width) part r bs)
      (reversed (2 ^ width) part bs 0) (partSum part bs) := by
  induction bs generalizing r with
  | nil => exact ⟨0, 0, 0, by simp [reversed, digitDot], by simp [reversed, partSum]⟩
  | cons b bs ih =>
    have ih := ih h.2
    obtain ⟨c, hc⟩ : ∃ c, 2 ^ width = c + 1 := ⟨2 ^ width - 1, by have := Nat.two_pow_pos width; omega⟩
    have hx : reversed (2 ^ width) part (b :: bs) 0
        = part b * ((2 ^ width) ^ size bs * 2 ^ width) + reversed (2 ^ width) part bs 0 := by
      simp only [reversed, forceNat_eq, Nat.add_eq, Nat.mul_eq]
      rw [reversed_eq, Nat.zero_add, Nat.mul_assoc, Nat.mul_comm (2 ^ width)]
    have hr := (Nat.mod_add_div r (2 ^ width)).symm
    have hm : r % 2 ^ width ≤ m := h.1
    rw [hx]
    simp only [size, Nat.succ_eq_add_one, Nat.pow_succ, digitDot, partSum]
    rw [hc] at ih hr hm ⊢
    exact Split.step hr hm rfl ih

theorem digitDot_le {width m : Nat} (part : Int × Int → Nat) (bs : Box) {r : Nat}
    (h : AtMost m (fields width (size bs) r)) : digitDot (2 ^ width) part r bs ≤ m * partSum part bs := by
  induction bs generalizing r with
  | nil => exact Nat.zero_le _
  | cons b bs ih =>
    rw [digitDot, partSum, Nat.mul_add]
    exact Nat.add_le_add (Nat.mul_le_mul_right _ h.1) (ih h.2)

/-- The digit can be read off, if nothing overflows. -/
theorem Split.digit {c place m n d x s : Nat} (h : Split (c + 1) place m n d x s) (hp : 0 < place) (hd : d ≤ m * s)
    (hs : m * s < c) : digitAt (c + 1) place n = d := by
  obtain ⟨low, high, slack, e, i⟩ := h
  have hlow : low < place := by
    apply Nat.lt_of_not_le
    intro hle
    have h1 := Nat.mul_le_mul_left c hle
    have h2 := Nat.mul_lt_mul_of_pos_right hs hp
    rw [Nat.add_mul, Nat.one_mul] at i
    omega
  have e' : n = low + place * (d + (c + 1) * high) := by
    rw [e, Nat.mul_add place d, Nat.mul_assoc place (c + 1), Nat.add_assoc]
  show n / place % (c + 1) = d
  rw [e', Nat.add_mul_div_left _ _ hp, Nat.div_eq_of_lt hlow, Nat.zero_add, Nat.add_mul_mod_self_left,
    Nat.mod_eq_of_lt (by omega)]

theorem parts_le {f g : Int × Int → Nat} (h : ∀ b, f b + g b ≤ b.1.natAbs + b.2.natAbs) (bs : Box) :
    partSum f bs + partSum g bs ≤ boxAbs bs := by
  induction bs with
  | nil => exact Nat.zero_le _
  | cons b bs ih =>
    have := h b
    simp only [partSum, boxAbs, Nat.add_eq]
    omega

/-- Two products at once, read off as one digit. -/
theorem digitAt_products {bits width p q : Nat} {f g : Int × Int → Nat} {bs : Box}
    (hp : AtMost (2 ^ bits) (fields width (size bs) p)) (hq : AtMost (2 ^ bits) (fields width (size bs) q))
    (hs : boxAbs bs * 2 ^ bits + 1 < 2 ^ width) (h : ∀ b, f b + g b ≤ b.1.natAbs + b.2.natAbs) :
    digitAt (2 ^ width) ((2 ^ width) ^ size bs)
        ((p.mul (reversed (2 ^ width) f bs 0)).add (q.mul (reversed (2 ^ width) g bs 0)))
      = digitDot (2 ^ width) f p bs + digitDot (2 ^ width) g q bs := by
  have s := (split_reversed f bs hp).add (split_reversed g bs hq)
  have d1 := digitDot_le f bs hp
  have d2 := digitDot_le g bs hq
  have hsum := Nat.mul_le_mul_left (2 ^ bits) (parts_le h bs)
  obtain ⟨c, hc⟩ : ∃ c, 2 ^ width = c + 1 := ⟨2 ^ width - 1, by have := Nat.two_pow_pos width; omega⟩
  rw [Nat.mul_comm] at hs
  rw [hc] at s d1 d2 hs ⊢
  refine s.digit (Nat.pow_pos (Nat.succ_pos c)) ?_ ?_
  · rw [Nat.mul_add]; omega
  · omega

/-! ## Against values -/

theorem posPart_sub_negPart (i : Int) : (posPart i : Rat) - (negPart i : Rat) = i := by
  have h : (posPart i : Int) - (negPart i : Int) = i := by
    cases i with
    | ofNat m => exact Int.sub_zero _
    | negSucc m =>
      show ((0 : Nat) : Int) - ((m + 1 : Nat) : Int) = Int.negSucc m
      rw [Int.negSucc_eq]
      omega
  have h := congrArg (fun z : Int => (z : Rat)) h
  simp only [Rat.intCast_sub, Rat.intCast_natCast] at h
  exact h

theorem posPart_le (i : Int) : posPart i ≤ i.natAbs ∧ negPart i ≤ i.natAbs := by
  cases i with
  | ofNat m => exact ⟨Nat.le_refl m, Nat.zero_le _⟩
  | negSucc m => exact ⟨Nat.zero_le _, Nat.le_refl (m + 1)⟩

/-- What the digits say about the sum of products with values in the box: it lies between the two differences. -/
theorem digitDot_bounds {grid width : Nat} {bs : Box} {x : Vec} (h : InBox grid bs x) (p n : Nat) :
    ((digitDot (2 ^ width) (fun b => posPart b.1) p bs : Rat) + digitDot (2 ^ width) (fun b => negPart b.2) n bs
        - (digitDot (2 ^ width) (fun b => negPart b.1) p bs + digitDot (2 ^ width) (fun b => posPart b.2) n bs)
      ≤ dot (differences (fields width (size bs) p) (fields width (size bs) n)) x * pow2 grid) ∧
    (dot (differences (fields width (size bs) p) (fields width (size bs) n)) x * pow2 grid
      ≤ (digitDot (2 ^ width) (fun b => posPart b.2) p bs : Rat) + digitDot (2 ^ width) (fun b => negPart b.1) n bs
        - (digitDot (2 ^ width) (fun b => negPart b.2) p bs + digitDot (2 ^ width) (fun b => posPart b.1) n bs)) := by
  induction bs generalizing p n x with
  | nil =>
    have hz : ((0 : Nat) : Rat) = 0 := rfl
    rw [inBox_nil h]
    simp only [digitDot, dot_nil_right, hz]
    constructor <;> grind
  | cons b bs ih =>
    obtain ⟨x0, xs, rfl, hl, hu, h⟩ := inBox_cons h
    have ih := ih h (p / 2 ^ width) (n / 2 ^ width)
    have hp : (0 : Rat) ≤ ((p % 2 ^ width : Nat) : Rat) := Rat.natCast_nonneg
    have hn : (0 : Rat) ≤ ((n % 2 ^ width : Nat) : Rat) := Rat.natCast_nonneg
    have pl := Rat.mul_le_mul_of_nonneg_left hl hp
    have pu := Rat.mul_le_mul_of_nonneg_left hu hp
    have nl := Rat.mul_le_mul_of_nonneg_left hl hn
    have nu := Rat.mul_le_mul_of_nonneg_left hu hn
    rw [← posPart_sub_negPart b.1] at pl nl
    rw [← posPart_sub_negPart b.2] at pu nu
    simp only [digitDot, size, Nat.succ_eq_add_one, fields, differences, dot_cons, Rat.natCast_add, Rat.natCast_mul,
      Rat.intCast_sub, Rat.intCast_natCast]
    clear hl hu h hp hn
    generalize ((p % 2 ^ width : Nat) : Rat) = p0 at *
    generalize ((n % 2 ^ width : Nat) : Rat) = n0 at *
    generalize dot (differences (fields width (size bs) (p / 2 ^ width)) (fields width (size bs) (n / 2 ^ width))) xs
      = d at *
    constructor <;> grind

/-- The checker's ends of a box. -/
@[expose] def endsOf (base : Nat) (a : Box) : Ends :=
  ⟨reversed base (fun b => posPart b.1) a 0, reversed base (fun b => negPart b.1) a 0,
    reversed base (fun b => posPart b.2) a 0, reversed base (fun b => negPart b.2) a 0⟩

theorem withEnds_eq {α : Type} (base : Nat) (a : Box) (k : Ends → α) : withEnds base a k = k (endsOf base a) := by
  simp only [withEnds, forceNat_eq, endsOf]

/-- The checker's interval of a row's sum of products. -/
theorem Row.bounds {grid bits width : Nat} {a : Box} {x : Vec} {r : Row} (h : InBox grid a x)
    (hp : AtMost (2 ^ bits) (fields width (size a) r.pos)) (hn : AtMost (2 ^ bits) (fields width (size a) r.neg))
    (hs : boxAbs a * 2 ^ bits + 1 < 2 ^ width) :
    (r.lowest (2 ^ width) ((2 ^ width) ^ size a) (endsOf (2 ^ width) a) : Rat)
        ≤ dot (r.ints width (size a)) x * pow2 grid ∧
      dot (r.ints width (size a)) x * pow2 grid
        ≤ (r.highest (2 ^ width) ((2 ^ width) ^ size a) (endsOf (2 ^ width) a) : Rat) := by
  have le (b : Int × Int) := And.intro (posPart_le b.1) (posPart_le b.2)
  have b := digitDot_bounds (width := width) h r.pos r.neg
  simp only [Row.lowest, Row.highest, endsOf]
  rw [digitAt_products hp hn hs (fun b => by have := le b; omega),
    digitAt_products hp hn hs (fun b => by have := le b; omega),
    digitAt_products hp hn hs (fun b => by have := le b; omega),
    digitAt_products hp hn hs (fun b => by have := le b; omega), Fast.diff_eq, Fast.diff_eq]
  simp only [Rat.intCast_sub, Rat.intCast_natCast, Rat.natCast_add]
  exact b

theorem rowsBox_sound {grid bits width s : Nat} {a b : Box} {x : Vec} {rows : List Row} {bias : List Int}
    (hf : fieldsBelow bits width (size a) rows = true) (hs : boxAbs a * 2 ^ bits + 1 < 2 ^ width)
    (hx : InBox grid a x)
    (h : rowsBox grid s (2 ^ width) ((2 ^ width) ^ size a) (endsOf (2 ^ width) a) rows bias = some b) :
    InBox grid b (linearOut s x (rowsInts width (size a) rows) bias) ∧
      (rowsInts width (size a) rows).length = bias.length := by
  induction rows generalizing bias b with
  | nil =>
    cases bias with
    | nil =>
      have h : [] = b := Option.some.inj h
      subst h
      exact ⟨True.intro, rfl⟩
    | cons _ _ => exact absurd h (by simp [rowsBox])
  | cons r rs ih =>
    cases bias with
    | nil => exact absurd h (by simp [rowsBox])
    | cons c cs =>
      simp only [fieldsBelow, Bool.and_eq_true] at hf
      obtain ⟨⟨hp, hn⟩, hf⟩ := hf
      simp only [rowsBox, Fast.add_eq, Option.map_eq_some_iff] at h
      obtain ⟨bs, h, rfl⟩ := h
      have hr := Row.bounds hx (atMost_of_allBelow hp) (atMost_of_allBelow hn) hs
      obtain ⟨hin, hlen⟩ := ih hf h
      refine ⟨⟨⟨floorShift_le_div ?_, div_le_ceilShift ?_⟩, hin⟩, congrArg (· + 1) hlen⟩
      · rw [Rat.intCast_add, shiftLeft_cast]; grind
      · rw [Rat.intCast_add, shiftLeft_cast]; grind

/-- **Packed interval propagation.** The box of a linear node holds its exact result, and shapes fit. -/
theorem packedLinear_sound {grid bits s : Nat} {a b : Box} {x : Vec} {w : Mat} {bias : List Int}
    (hf : fieldsBelow bits w.width w.cols w.rows = true) (hx : InBox grid a x)
    (h : packedLinear grid bits s a w bias = some b) :
    InBox grid b (linearOut s x w.ints bias) ∧ w.ints.length = bias.length := by
  unfold packedLinear at h
  split at h
  · rename_i hc
    rw [Bool.and_eq_true] at hc
    have hsize : size a = w.cols := Nat.eq_of_beq_eq_true hc.1
    have hs : boxAbs a * 2 ^ bits + 1 < 2 ^ w.width := Nat.blt_eq.mp hc.2
    simp only [forceNat_eq, withEnds_eq] at h
    rw [← hsize] at hf h
    rw [Mat.ints, ← hsize]
    exact rowsBox_sound hf hs hx h
  · exact absurd h (by simp)

/-- The matrix of a node keeps to its fields. -/
@[expose] def Node.Formed (bits : Nat) : Node → Prop
  | .linear _ _ w _ => fieldsBelow bits w.width w.cols w.rows = true
  | _ => True

/-- The box of a node holds its exact result. -/
theorem Node.packedBox_sound {grid bits : Nat} {st : State} {env : List Vec} {n : Node} {b : Box}
    (hw : n.Formed bits) (h : StateOk grid st env) (hb : n.packedBox grid bits st = some b) :
    InBox grid b (n.eval grid env) := by
  cases n with
  | linear p s w c =>
    simp only [Node.packedBox, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, hb⟩ := hb
    exact (packedLinear_sound hw (boxAt_sound h ha) hb).1
  | hinge p f => exact Node.box_sound h hb
  | add p q => exact Node.box_sound h hb
  | concat p q => exact Node.box_sound h hb

end TorchLean
