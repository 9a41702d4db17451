module

prelude
public import TorchLean.Hinge
public import Init.Data.Option.Lemmas

/-!
# Intervals

Interval propagation is sound: the box of a node, computed from boxes that hold the values below it, holds the node's
exact result; widened by its noise, it holds the values themselves.
-/

public section

namespace TorchLean

/-- Each entry's box holds the values of its node. -/
@[expose] def StateOk (grid : Nat) : State → List Vec → Prop
  | [], [] => True
  | e :: st, v :: env => InBox grid e.box v ∧ StateOk grid st env
  | _, _ => False

theorem boxAt_sound {grid p : Nat} {st : State} {env : List Vec} {b : Box} (h : StateOk grid st env)
    (hb : State.boxAt st p = some b) : InBox grid b (operand env p) := by
  induction st generalizing env p with
  | nil => cases p <;> exact absurd hb (by simp [State.boxAt])
  | cons e st ih =>
    cases env with
    | nil => exact False.elim h
    | cons v env =>
      cases p with
      | zero =>
        have hb : e.box = b := Option.some.inj hb
        subst hb
        exact And.left h
      | succ p =>
        have h' : StateOk grid st env := And.right h
        have r := ih h' (show State.boxAt st p = some b from hb)
        exact r

/-! ## Noise and intersections -/

theorem near_bounds {grid e : Nat} {v y : Rat} {l u : Int} (h : Near grid v e y) (hl : (l : Rat) ≤ v * pow2 grid)
    (hu : v * pow2 grid ≤ u) : ((l - e : Int) : Rat) ≤ y * pow2 grid ∧ y * pow2 grid ≤ ((u + e : Int) : Rat) := by
  have h1 := Rat.mul_le_mul_of_nonneg_right h.1 (pow2_nonneg grid)
  have h2 := Rat.mul_le_mul_of_nonneg_right h.2 (pow2_nonneg grid)
  have h3 := div_mul_pow2 e grid
  rw [Rat.intCast_sub, Rat.intCast_add, Rat.intCast_natCast]
  generalize (e : Rat) / pow2 grid = q at *
  constructor <;> grind

/-- Widening by the noise of the elements holds the noisy values. -/
theorem widen_sound {grid : Nat} {b b' : Box} {v : Vec} {e : List Nat} {y : Vec} (h : InBox grid b v)
    (hy : AllNear grid v e y) (hb : widen b e = some b') : InBox grid b' y := by
  induction b generalizing b' v e y with
  | nil =>
    have hv := inBox_nil h
    subst hv
    obtain ⟨rfl, rfl⟩ := allNear_nil hy
    have hb : [] = b' := Option.some.inj hb
    subst hb
    exact True.intro
  | cons b bs ih =>
    obtain ⟨v0, vs, rfl, hl, hu, h⟩ := inBox_cons h
    obtain ⟨e0, es, y0, ys, rfl, rfl, hn, hy⟩ := allNear_cons hy
    simp only [widen, Fast.sub_eq, Fast.add_eq, Option.map_eq_some_iff] at hb
    obtain ⟨bs', hb, rfl⟩ := hb
    exact ⟨near_bounds hn hl hu, ih h hy hb⟩

/-- What lies in two boxes lies in their intersection. -/
theorem meet_sound {grid : Nat} {a b c : Box} {v : Vec} (ha : InBox grid a v) (hb : InBox grid b v)
    (h : meet a b = some c) : InBox grid c v := by
  induction a generalizing b c v with
  | nil =>
    have hv := inBox_nil ha
    subst hv
    cases b with
    | nil =>
      have h : [] = c := Option.some.inj h
      subst h
      exact True.intro
    | cons b bs => exact False.elim hb
  | cons a as' ih =>
    obtain ⟨v0, vs, rfl, hl, hu, ha⟩ := inBox_cons ha
    cases b with
    | nil => exact False.elim hb
    | cons b bs =>
      have hb0 : (b.1 : Rat) ≤ v0 * pow2 grid ∧ v0 * pow2 grid ≤ b.2 := And.left hb
      simp only [meet, Fast.max_eq, Fast.min_eq, Option.map_eq_some_iff] at h
      obtain ⟨cs, h, rfl⟩ := h
      refine ⟨⟨?_, ?_⟩, ih ha (And.right hb) h⟩
      · show ((max a.1 b.1 : Int) : Rat) ≤ v0 * pow2 grid
        rw [Int.max_def]; split
        · exact hb0.1
        · exact hl
      · show v0 * pow2 grid ≤ ((min a.2 b.2 : Int) : Rat)
        rw [Int.min_def]; split
        · exact hu
        · exact hb0.2

/-! ## Linear nodes -/

theorem div_pow2_scaled (v : Rat) (s grid : Nat) : v / pow2 s * pow2 grid * pow2 s = v * pow2 grid := by
  have h := div_mul_pow2 v s
  generalize v / pow2 s = q at *
  rw [← h]
  grind

/-- A lower bound of a number, divided by a power of two. -/
theorem floorShift_le_div {n : Int} {s grid : Nat} {v : Rat} (h : (n : Rat) ≤ v * pow2 grid) :
    (floorShift n s : Rat) ≤ v / pow2 s * pow2 grid := by
  apply le_of_mul_pow2_le s
  rw [div_pow2_scaled]
  exact Rat.le_trans (floorShift_le n s) h

/-- An upper bound of a number, divided by a power of two. -/
theorem div_le_ceilShift {n : Int} {s grid : Nat} {v : Rat} (h : v * pow2 grid ≤ n) :
    v / pow2 s * pow2 grid ≤ (ceilShift n s : Rat) := by
  apply le_of_mul_pow2_le s
  rw [div_pow2_scaled]
  exact Rat.le_trans h (le_ceilShift n s)

theorem linearBox_lengths {grid s : Nat} {a b : Box} {rows : List (List Int)} {bias : List Int}
    (h : linearBox grid s a rows bias = some b) : rows.length = bias.length := by
  induction rows generalizing bias b with
  | nil =>
    cases bias with
    | nil => rfl
    | cons _ _ => exact absurd h (by simp [linearBox])
  | cons r rs ih =>
    cases bias with
    | nil => exact absurd h (by simp [linearBox])
    | cons c cs =>
      rw [linearBox, Option.map_eq_some_iff] at h
      obtain ⟨bs, h, _⟩ := h
      simp only [List.length_cons, ih h]

theorem linearBox_sound {grid s : Nat} {a b : Box} {x : Vec} {rows : List (List Int)} {bias : List Int}
    (hx : InBox grid a x) (h : linearBox grid s a rows bias = some b) :
    InBox grid b (linearOut s x rows bias) := by
  induction rows generalizing bias b with
  | nil =>
    cases bias with
    | nil =>
      have h : [] = b := Option.some.inj h
      subst h
      exact True.intro
    | cons _ _ => exact absurd h (by simp [linearBox])
  | cons r rs ih =>
    cases bias with
    | nil => exact absurd h (by simp [linearBox])
    | cons c cs =>
      rw [linearBox, Option.map_eq_some_iff] at h
      obtain ⟨bs, h, rfl⟩ := h
      have h1 := lowest_le r hx
      have h2 := le_highest r hx
      refine ⟨⟨floorShift_le_div ?_, div_le_ceilShift ?_⟩, ih h⟩
      · rw [Rat.intCast_add, shiftLeft_cast]; grind
      · rw [Rat.intCast_add, shiftLeft_cast]; grind

/-! ## Hinges -/

theorem pointsBox_sound {grid : Nat} (f : Hinge) {b : Box} {x : Vec} (h : InBox grid b x) :
    InBox grid (pointsBox f b) (vmap (f.eval grid) x) := by
  induction b generalizing x with
  | nil => rw [inBox_nil h]; exact True.intro
  | cons b bs ih =>
    obtain ⟨x0, xs, rfl, hl, hu, h⟩ := inBox_cons h
    have hi := f.interval b hl hu
    rw [← f.eval_scaled] at hi
    refine ⟨⟨?_, ?_⟩, ih h⟩
    · exact le_of_mul_pow2_le f.scale (Rat.le_trans (floorShift_le _ _) hi.1)
    · exact le_of_mul_pow2_le f.scale (Rat.le_trans hi.2 (le_ceilShift _ _))

theorem posPart_cast (i : Int) : ((Int.ofNat (posPart i) : Int) : Rat) = if (i : Rat) ≤ 0 then 0 else (i : Rat) := by
  have h0 : ((0 : Int) : Rat) = 0 := rfl
  rw [← h0]
  cases i with
  | ofNat m =>
    show ((Int.ofNat m : Int) : Rat) = _
    by_cases h : (Int.ofNat m : Int) ≤ 0
    · have : Int.ofNat m = 0 := Int.le_antisymm h (Int.natCast_nonneg m)
      rw [this, if_pos Rat.le_refl]
    · rw [if_neg fun h' => h (Rat.intCast_le_intCast.mp h')]
  | negSucc m =>
    rw [if_pos (Rat.intCast_le_intCast.mpr (by rw [Int.negSucc_eq]; omega))]
    rfl

theorem reluBox_sound {grid : Nat} {f : Hinge} (hf : f.isRelu = true) {b : Box} {x : Vec} (h : InBox grid b x) :
    InBox grid (reluBox b) (vmap (f.eval grid) x) := by
  induction b generalizing x with
  | nil => rw [inBox_nil h]; exact True.intro
  | cons b bs ih =>
    obtain ⟨x0, xs, rfl, hl, hu, h⟩ := inBox_cons h
    refine ⟨?_, ih h⟩
    show ((Int.ofNat (posPart b.1) : Int) : Rat) ≤ _ ∧ _ ≤ ((Int.ofNat (posPart b.2) : Int) : Rat)
    rw [posPart_cast, posPart_cast, relu_eval hf]
    generalize x0 * pow2 grid = t at *
    generalize (b.1 : Rat) = l, (b.2 : Rat) = u at *
    constructor <;> split <;> split <;> grind

theorem hingeBox_sound {grid : Nat} (f : Hinge) {b : Box} {x : Vec} (h : InBox grid b x) :
    InBox grid (hingeBox f b) (vmap (f.eval grid) x) := by
  unfold hingeBox
  cases hf : f.isRelu with
  | true => exact reluBox_sound hf h
  | false => exact pointsBox_sound f h

/-! ## Sums and concatenations -/

theorem addBox_sound {grid : Nat} {a b c : Box} {x y : Vec} (hx : InBox grid a x) (hy : InBox grid b y)
    (h : addBox a b = some c) : InBox grid c (vadd x y) := by
  induction a generalizing b c x y with
  | nil =>
    cases b with
    | nil =>
      have h : [] = c := Option.some.inj h
      subst h
      rw [inBox_nil hx]
      exact True.intro
    | cons _ _ => exact absurd h (by simp [addBox])
  | cons a as' ih =>
    cases b with
    | nil => exact absurd h (by simp [addBox])
    | cons b bs =>
      obtain ⟨x0, xs, rfl, hl, hu, hx⟩ := inBox_cons hx
      obtain ⟨y0, ys, rfl, hl', hu', hy⟩ := inBox_cons hy
      simp only [addBox, Fast.add_eq, Option.map_eq_some_iff] at h
      obtain ⟨cs, h, rfl⟩ := h
      refine ⟨⟨?_, ?_⟩, ih hx hy h⟩
      · show ((a.1 + b.1 : Int) : Rat) ≤ (x0 + y0) * pow2 grid
        rw [Rat.intCast_add]; grind
      · show (x0 + y0) * pow2 grid ≤ ((a.2 + b.2 : Int) : Rat)
        rw [Rat.intCast_add]; grind

theorem addBox_lengths {a b c : Box} (h : addBox a b = some c) : a.length = b.length := by
  induction a generalizing b c with
  | nil =>
    cases b with
    | nil => rfl
    | cons _ _ => exact absurd h (by simp [addBox])
  | cons a as' ih =>
    cases b with
    | nil => exact absurd h (by simp [addBox])
    | cons b bs =>
      rw [addBox, Option.map_eq_some_iff] at h
      obtain ⟨cs, h, _⟩ := h
      simp only [List.length_cons, ih h]

theorem joined_sound {grid : Nat} {a b : Box} {x y : Vec} (hx : InBox grid a x) (hy : InBox grid b y) :
    InBox grid (joinBoxes a b) (joined x y) := by
  induction a generalizing x with
  | nil => rw [inBox_nil hx]; exact hy
  | cons a as' ih =>
    obtain ⟨x0, xs, rfl, hl, hu, hx⟩ := inBox_cons hx
    exact ⟨⟨hl, hu⟩, ih hx⟩

/-! ## Nodes -/

/-- **Interval propagation.** The box of a node holds its exact result. -/
theorem Node.box_sound {grid : Nat} {st : State} {env : List Vec} {n : Node} {b : Box} (h : StateOk grid st env)
    (hb : n.box grid st = some b) : InBox grid b (n.eval grid env) := by
  cases n with
  | linear p s w c =>
    rw [Node.box, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, hb⟩ := hb
    exact linearBox_sound (boxAt_sound h ha) hb
  | hinge p f =>
    rw [Node.box, Option.map_eq_some_iff] at hb
    obtain ⟨a, ha, rfl⟩ := hb
    exact hingeBox_sound f (boxAt_sound h ha)
  | add p q =>
    rw [Node.box, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, hb⟩ := hb
    rw [Option.bind_eq_some_iff] at hb
    obtain ⟨b', hb', hb⟩ := hb
    exact addBox_sound (boxAt_sound h ha) (boxAt_sound h hb') hb
  | concat p q =>
    rw [Node.box, Option.bind_eq_some_iff] at hb
    obtain ⟨a, ha, hb⟩ := hb
    rw [Option.map_eq_some_iff] at hb
    obtain ⟨b', hb', rfl⟩ := hb
    exact joined_sound (boxAt_sound h ha) (boxAt_sound h hb')

end TorchLean
