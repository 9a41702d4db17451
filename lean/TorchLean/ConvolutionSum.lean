module

prelude
public import TorchLean.Convolution

/-!
# The matrix of a convolution is that convolution

The product of `Convolution.mat` with a vector is what `Convolution.results` states (`Convolution.eval_mat`), as long as no field overflows. For that it is enough that the sum of a kernel's fields fits in one (`Convolution.fits`), whatever
is read where.
-/

public noncomputable section

namespace TorchLean

/-! ## Sums of fields -/

/-- The sum of the first `count` digits of a number. -/
@[expose] def digitSum (base count : Nat) : Nat → Nat :=
  Nat.rec (motive := fun _ => Nat → Nat) (fun _ => 0)
    (fun _ rest n => forceNat (n.div base) fun high => (n.mod base).add (rest high)) count

theorem digitSum_succ (base count n : Nat) : digitSum base (count + 1) n = n % base + digitSum base count (n / base) := by
  show forceNat (n / base) (fun high => n % base + digitSum base count high) = _
  rw [forceNat_eq]

theorem digitSum_one (base n : Nat) : digitSum base 1 n = n % base := digitSum_succ base 0 n

theorem digitSum_add (width count more n : Nat) :
    digitSum (2 ^ width) (count + more) n
      = digitSum (2 ^ width) count n + digitSum (2 ^ width) more (n / 2 ^ (width * count)) := by
  induction count generalizing n with
  | zero => simp only [Nat.zero_add, Nat.mul_zero, Nat.pow_zero, Nat.div_one]; exact (Nat.zero_add _).symm
  | succ count ih =>
    rw [Nat.add_right_comm, digitSum_succ, digitSum_succ, ih, Nat.div_div_eq_div_mul, ← Nat.pow_add,
      Nat.add_comm width, ← Nat.mul_succ, Nat.add_assoc]

/-- A kernel's sum is that of its parts. -/
theorem digitSum_mul (width block n count start : Nat) :
    sumFrom (fun k => digitSum (2 ^ width) block (n / 2 ^ (width * block * k))) count start
      = digitSum (2 ^ width) (count * block) (n / 2 ^ (width * block * start)) := by
  induction count generalizing start with
  | zero => rw [Nat.zero_mul]; rfl
  | succ count ih =>
    rw [sumFrom, ih, Nat.succ_mul, Nat.add_comm (count * block), digitSum_add, Nat.div_div_eq_div_mul, ← Nat.pow_add,
      ← Nat.mul_succ]

/-- The fields of each kernel, added up, fit in one. -/
@[expose] def Convolution.fits (c : Convolution) : Bool :=
  forceNat (2 ^ c.width) fun base => forceNat (volume c.axes) fun count =>
    List.rec (motive := fun _ => Bool) true
      (fun kernel _ rest => (digitSum base count kernel.weights.pos).blt base
        && (digitSum base count kernel.weights.neg).blt base && rest) c.kernels

theorem Convolution.fits_mem {c : Convolution} (h : c.fits = true) {kernel : Kernel} (hk : kernel ∈ c.kernels) :
    digitSum (2 ^ c.width) (volume c.axes) kernel.weights.pos < 2 ^ c.width ∧
      digitSum (2 ^ c.width) (volume c.axes) kernel.weights.neg < 2 ^ c.width := by
  rw [fits, forceNat_eq, forceNat_eq] at h
  generalize c.kernels = kernels at h hk
  induction kernels with
  | nil => cases hk
  | cons first rest ih =>
    have h : ((digitSum (2 ^ c.width) (volume c.axes) first.weights.pos).blt (2 ^ c.width)
      && (digitSum (2 ^ c.width) (volume c.axes) first.weights.neg).blt (2 ^ c.width) && _) = true := h
    rw [Bool.and_eq_true, Bool.and_eq_true, Nat.blt_eq, Nat.blt_eq] at h
    cases hk with
    | head => exact h.1
    | tail _ hk => exact ih h.2 hk

/-! ## Fields of a row -/

/-- No field exceeds `m`. -/
@[expose] def Small (width m n : Nat) : Prop := ∀ count, AtMost m (fields width count n)

/-- `Σ fieldᵢ xᵢ` over all elements of a vector. -/
@[expose] def weighed (width n : Nat) (x : Vec) : Rat := natDot (fields width x.length n) x

theorem natDot_fields {width count n : Nat} {x : Vec} (h : x.length ≤ count) :
    natDot (fields width count n) x = weighed width n x := by
  induction x generalizing count n with
  | nil => cases count <;> rfl
  | cons x xs ih =>
    cases count with
    | zero => cases h
    | succ count =>
      simp only [weighed, List.length_cons, fields, natDot]
      rw [ih (Nat.le_of_succ_le_succ h)]
      rfl

theorem Small.of_zero (width m : Nat) : Small width m 0 := fun count => (fields_zero width count m []).1

theorem weighed_zero (width : Nat) (x : Vec) : weighed width 0 x = 0 := (fields_zero width x.length 0 x).2

theorem Small.add {width m m' n n' : Nat} (h : Small width m n) (h' : Small width m' n') (hs : m + m' < 2 ^ width) :
    Small width (m + m') (n + n') ∧ ∀ x, weighed width (n + n') x = weighed width n x + weighed width n' x := by
  have step (count : Nat) (x : Vec) := fields_mulAdd (c := 1) (by rwa [Nat.one_mul]) count n n' x (h count) (h' count)
  simp only [Nat.one_mul] at step
  refine ⟨fun count => (step count []).1, fun x => ?_⟩
  have one : ((1 : Nat) : Rat) = 1 := rfl
  have h := (step x.length x).2
  rw [one, Rat.one_mul] at h
  exact h

/-- A number below the base is one field. -/
theorem small_digit {width w : Nat} (h : w < 2 ^ width) : Small width w w := by
  intro count
  cases count with
  | zero => exact True.intro
  | succ count =>
    rw [fields, Nat.mod_eq_of_lt h, Nat.div_eq_of_lt h]
    exact ⟨Nat.le_refl w, (fields_zero width count w []).1⟩

theorem weighed_digit {width w : Nat} (h : w < 2 ^ width) (x : Vec) : weighed width w x = w * elementAt x 0 := by
  cases x with
  | nil => show (0 : Rat) = w * 0; grind
  | cons x xs =>
    show natDot (fields width (xs.length + 1) w) (x :: xs) = w * x
    have hz := (fields_zero width xs.length 0 xs).2
    rw [fields, Nat.mod_eq_of_lt h, Nat.div_eq_of_lt h, natDot, hz]
    grind

theorem fields_shift (width count n s : Nat) :
    fields width (count + 1) (n * 2 ^ (width * (s + 1))) = 0 :: fields width count (n * 2 ^ (width * s)) := by
  rw [fields, Nat.mul_succ, Nat.pow_add, ← Nat.mul_assoc, Nat.mul_mod_left, Nat.mul_div_cancel _ (Nat.two_pow_pos width)]

/-- Moved by `s` fields. -/
theorem Small.shift {width m n : Nat} (h : Small width m n) (s : Nat) : Small width m (n * 2 ^ (width * s)) := by
  induction s with
  | zero => rwa [Nat.mul_zero, Nat.pow_zero, Nat.mul_one]
  | succ s ih =>
    intro count
    cases count with
    | zero => exact True.intro
    | succ count =>
      rw [fields_shift]
      exact ⟨Nat.zero_le m, ih count⟩

theorem weighed_shift (width n s : Nat) (x : Vec) :
    weighed width (n * 2 ^ (width * s)) x = weighed width n (x.drop s) := by
  induction s generalizing x with
  | zero => rw [Nat.mul_zero, Nat.pow_zero, Nat.mul_one, List.drop_zero]
  | succ s ih =>
    cases x with
    | nil => rfl
    | cons x xs =>
      have hz : ((0 : Nat) : Rat) = 0 := rfl
      rw [List.drop_succ_cons, ← ih, weighed, List.length_cons, fields_shift, natDot, weighed, hz, Rat.zero_mul,
        Rat.zero_add]

theorem elementAt_drop (x : Vec) (i j : Nat) : elementAt (x.drop i) j = elementAt x (i + j) := by
  induction i generalizing x with
  | zero => rw [List.drop_zero, Nat.zero_add]
  | succ i ih =>
    rw [Nat.add_right_comm]
    cases x with
    | nil => rfl
    | cons x xs => exact ih xs

/-- Sums of numbers whose fields do not overflow together. -/
theorem small_sum {width : Nat} {m n : Nat → Nat} {v : Nat → Rat} {x : Vec}
    (h : ∀ k, m k < 2 ^ width → Small width (m k) (n k) ∧ weighed width (n k) x = v k) (count start : Nat)
    (hs : sumFrom m count start < 2 ^ width) :
    Small width (sumFrom m count start) (sumFrom n count start) ∧
      weighed width (sumFrom n count start) x = sumFrom v count start := by
  induction count generalizing start with
  | zero => exact ⟨Small.of_zero width 0, weighed_zero width x⟩
  | succ count ih =>
    rw [sumFrom] at hs
    have ⟨s, w⟩ := h start (Nat.lt_of_le_of_lt (Nat.le_add_right _ _) hs)
    have ⟨ss, ws⟩ := ih (start + 1) (Nat.lt_of_le_of_lt (Nat.le_add_left _ _) hs)
    have ⟨small, sum⟩ := s.add ss hs
    refine ⟨small, ?_⟩
    rw [sumFrom, sumFrom, sum, w, ws]

/-! ## The theorem -/

/-- A kernel's fields in a row have the kernel's sum of products, and none exceeds the kernel's sum. -/
theorem placed_sum (width first n : Nat) (x : Vec) (axes : List Axis) (p : List Nat) (t i : Nat)
    (hs : digitSum (2 ^ width) (volume axes) (n / 2 ^ (width * t)) < 2 ^ width) :
    Small width (digitSum (2 ^ width) (volume axes) (n / 2 ^ (width * t)))
        (placed width first axes p (n / 2 ^ (width * t))) ∧
      weighed width (placed width first axes p (n / 2 ^ (width * t))) (x.drop i)
        = slide (fun t => (fieldAt width n t : Rat)) x axes p t (i + first) := by
  induction axes generalizing p t i with
  | nil =>
    have hw := Nat.mod_lt (n / 2 ^ (width * t)) (Nat.two_pow_pos width)
    rw [show volume [] = 1 from rfl, digitSum_one]
    refine ⟨(small_digit hw).shift first, ?_⟩
    show weighed width (n / 2 ^ (width * t) % 2 ^ width * 2 ^ (width * first)) (x.drop i) = _
    rw [weighed_shift, weighed_digit hw, List.drop_drop, elementAt_drop, Nat.add_zero]
    rfl
  | cons a axes ih =>
    cases p with
    | nil => exact ⟨Small.of_zero width _, weighed_zero width _⟩
    | cons o os =>
      have hd := digitSum_mul width (volume axes) (n / 2 ^ (width * t)) a.taps 0
      rw [Nat.mul_zero, Nat.pow_zero, Nat.div_one] at hd
      rw [show volume (a :: axes) = a.taps * volume axes from rfl, ← hd] at hs ⊢
      refine small_sum (fun k hk => ?_) a.taps 0 hs
      have e : n / 2 ^ (width * t) / 2 ^ (width * volume axes * k) = n / 2 ^ (width * (t + k * volume axes)) := by
        rw [Nat.div_div_eq_div_mul, ← Nat.pow_add, Nat.mul_add, Nat.mul_assoc, Nat.mul_comm (volume axes)]
      rw [e] at hk ⊢
      cases hin : a.inside (a.reach o k) with
      | false => exact ⟨Small.of_zero width _, weighed_zero width _⟩
      | true =>
        have ⟨s, w⟩ := ih os (t + k * volume axes) (i + a.step * (a.reach o k - a.padding)) hk
        rw [Nat.mul_assoc width a.step]
        refine ⟨s.shift _, ?_⟩
        show weighed width (_ * 2 ^ (width * (a.step * (a.reach o k - a.padding)))) (x.drop i) = slide _ x axes os _ _
        rw [weighed_shift, List.drop_drop, w, Nat.add_right_comm]

theorem no_difference : (0 : Rat) - 0 = 0 := by grind

theorem sumFrom_sub (f g : Nat → Rat) (count start : Nat) :
    sumFrom f count start - sumFrom g count start = sumFrom (fun k => f k - g k) count start := by
  induction count generalizing start with
  | zero => exact no_difference
  | succ count ih =>
    simp only [sumFrom]
    rw [← ih (start + 1)]
    grind

theorem slide_sub (f g : Nat → Rat) (x : Vec) (axes : List Axis) (p : List Nat) (t i : Nat) :
    slide f x axes p t i - slide g x axes p t i = slide (fun t => f t - g t) x axes p t i := by
  induction axes generalizing p t i with
  | nil => simp only [slide]; grind
  | cons a axes ih =>
    cases p with
    | nil => exact no_difference
    | cons o os =>
      simp only [slide]
      rw [sumFrom_sub]
      congr 1
      funext k
      cases a.inside (a.reach o k) with
      | false => exact no_difference
      | true => exact ih _ _ _

theorem rowsInts_map (width cols : Nat) (rows : List Row) : rowsInts width cols rows = rows.map (·.ints width cols) := by
  induction rows with
  | nil => rfl
  | cons r rows ih => rw [rowsInts, ih]; rfl

theorem Kernel.dot_rows {width cols : Nat} {axes : List Axis} {kernel : Kernel} {x : Vec}
    (hp : digitSum (2 ^ width) (volume axes) kernel.weights.pos < 2 ^ width)
    (hn : digitSum (2 ^ width) (volume axes) kernel.weights.neg < 2 ^ width) (hx : x.length ≤ cols) :
    (kernel.rows width axes).map (fun r => dot (r.ints width cols) x)
      = (positions axes).map fun p => slide (kernel.weight width) x axes p 0 kernel.first := by
  rw [rows, List.map_map]
  refine List.map_congr_left fun p _ => ?_
  have half {n : Nat} (h : digitSum (2 ^ width) (volume axes) n < 2 ^ width) :
      natDot (fields width cols (placed width kernel.first axes p n)) x
        = slide (fun t => (fieldAt width n t : Rat)) x axes p 0 kernel.first := by
    have hs := (placed_sum width kernel.first n x axes p 0 0 (by rwa [Nat.mul_zero, Nat.pow_zero, Nat.div_one])).2
    rw [Nat.mul_zero, Nat.pow_zero, Nat.div_one, List.drop_zero, Nat.zero_add] at hs
    rw [natDot_fields hx, hs]
  show dot (Row.ints width cols ⟨_, _⟩) x = _
  rw [Row.ints, dot_differences, half hp, half hn, slide_sub]
  rfl

/-- The product of the matrix with a vector. -/
theorem Convolution.dot_mat {c : Convolution} (h : c.fits = true) {x : Vec} (hx : x.length ≤ c.cols) :
    c.mat.ints.map (dot · x) = c.results x := by
  rw [Mat.ints, rowsInts_map, List.map_map]
  show (c.kernels.flatMap (·.rows c.width c.axes)).map (fun r => dot (r.ints c.width c.cols) x) = _
  rw [results]
  have h := fun kernel hk => c.fits_mem h (kernel := kernel) hk
  generalize c.kernels = kernels at h ⊢
  induction kernels with
  | nil => rfl
  | cons kernel kernels ih =>
    have ⟨hp, hn⟩ := h kernel (List.mem_cons_self ..)
    rw [List.flatMap_cons, List.flatMap_cons, List.map_append, Kernel.dot_rows hp hn hx,
      ih fun kernel hk => h kernel (List.mem_cons_of_mem _ hk)]

/-- `(v + b) / 2^scale` for each element and its bias. -/
@[expose] def biased (scale : Nat) : Vec → List Int → Vec
  | v :: vs, b :: bs => (v + b) / pow2 scale :: biased scale vs bs
  | _, _ => []

theorem linearOut_biased (scale : Nat) (x : Vec) (rows : List (List Int)) (bias : List Int) :
    linearOut scale x rows bias = biased scale (rows.map (dot · x)) bias := by
  induction rows generalizing bias with
  | nil => cases bias <;> rfl
  | cons r rows ih => cases bias with
    | nil => rfl
    | cons b bias => rw [linearOut, ih]; rfl

/-- **A convolution's matrix is that convolution**: the node computes the sums over the taps of its kernels, with bias
and scale. -/
theorem Convolution.eval_mat {c : Convolution} (h : c.fits = true) {grid p scale : Nat}
    {bias : List Int} {env : List Vec} (hx : (operand env p).length ≤ c.cols) :
    Node.eval grid env (.linear p scale c.mat bias) = biased scale (c.results (operand env p)) bias := by
  rw [Node.eval, linearOut_biased, c.dot_mat h hx]

end TorchLean
