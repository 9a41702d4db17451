module
prelude
public import TorchLean.Approximation.Interpolant
public import TorchLean.Approximation.Maximum
public section

/-!
# Cones over a grid

A function that is Lipschitz with constant `L` in the maximum norm lies above each of its cones
`x ↦ f(t) - L ‖x - t‖∞`, and their supremum over a set of points `t` is the smallest Lipschitz extension of the values
there (McShane, *Bull. Amer. Math. Soc.* 40, 1934). Over finitely many points the supremum is a maximum, and it falls
short of `f(x)` by at most twice `L` times the distance from `x` to the nearest point.

The points are the centres of a grid on a box: each side `[lo, hi]` is cut into `⌈L (hi - lo) / (2 eps)⌉` cells (one at
least), so that every point of the box is within `eps / L` of a centre.
-/

namespace TorchLean.Approximation

open Rational

/-- One side of a box: the interval `[lo, hi]`. -/
structure Side where
  /-- lower end -/
  lo : Rat
  /-- upper end -/
  hi : Rat

/-- `x` lies in the box: as many numbers as sides, each between the ends of its side. -/
@[expose] def InBox : List Side → List Rat → Prop
  | [], [] => True
  | s :: box, x :: xs => s.lo ≤ x ∧ x ≤ s.hi ∧ InBox box xs
  | _, _ => False

/-- The distance in the maximum norm, `‖x - t‖∞`, over the shorter list. -/
@[expose] def dist : List Rat → List Rat → Rat
  | x :: xs, t :: ts => larger (abs (x - t)) (dist xs ts)
  | _, _ => 0

/-- `f` is Lipschitz on the box in the maximum norm, with constant `L`. -/
@[expose] def LipschitzOnBox (f : List Rat → Rat) (box : List Side) (L : Rat) : Prop :=
  ∀ x y, InBox box x → InBox box y → abs (f x - f y) ≤ L * dist x y

/-- The cone of `f` below the point `t`. -/
@[expose] def cone (f : List Rat → Rat) (L : Rat) (x t : List Rat) : Rat := f t - L * dist x t

/-- The cones over a list of points. -/
@[expose] def cones (f : List Rat → Rat) (L : Rat) (x : List Rat) : List (List Rat) → List Rat
  | [] => []
  | t :: ts => cone f L x t :: cones f L x ts

/-- Centres of `n` cells of width `w` from `lo` on, the last one first. -/
@[expose] def centres (lo w : Rat) : Nat → List Rat
  | 0 => []
  | n + 1 => (lo + (n : Rat) * w + w / 2) :: centres lo w n

/-- Each point of a list, with `c` in front. -/
@[expose] def consEach (c : Rat) : List (List Rat) → List (List Rat)
  | [] => []
  | t :: ts => (c :: t) :: consEach c ts

/-- One list of points after the other. -/
@[expose] def joinPoints : List (List Rat) → List (List Rat) → List (List Rat)
  | [], us => us
  | t :: ts, us => t :: joinPoints ts us

/-- The number of points of a list. -/
@[expose] def pointCount : List (List Rat) → Nat
  | [] => 0
  | _ :: ts => pointCount ts + 1

/-- The number of sides of a box: its dimension. -/
@[expose] def dimension : List Side → Nat
  | [] => 0
  | _ :: box => dimension box + 1

/-- All points whose first coordinate is in `cs` and whose others are a point of `ts`. -/
@[expose] def cross : List Rat → List (List Rat) → List (List Rat)
  | [], _ => []
  | c :: cs, ts => joinPoints (consEach c ts) (cross cs ts)

/-- Number of cells of a side: `⌈L (hi - lo) / (2 eps)⌉`, and one at least. -/
@[expose] def cells (L eps : Rat) (s : Side) : Nat :=
  match ceilNat (L * (s.hi - s.lo) / (2 * eps)) with
  | 0 => 1
  | n + 1 => n + 1

/-- The grid on a box: the centres of all cells. -/
@[expose] def grid (L eps : Rat) : List Side → List (List Rat)
  | [] => [[]]
  | s :: box => cross (centres s.lo (pieceWidth s.lo s.hi (cells L eps s)) (cells L eps s)) (grid L eps box)

/-- The number of grid points: the product of the numbers of cells. -/
@[expose] def gridPoints (L eps : Rat) : List Side → Nat
  | [] => 1
  | s :: box => cells L eps s * gridPoints L eps box

theorem joinPoints_eq (ts us : List (List Rat)) : joinPoints ts us = ts ++ us := by
  induction ts with
  | nil => rfl
  | cons t ts ih => exact congrArg (t :: ·) ih

theorem pointCount_eq (ts : List (List Rat)) : pointCount ts = ts.length := by
  induction ts with
  | nil => rfl
  | cons t ts ih => exact congrArg (· + 1) ih

theorem dimension_eq (box : List Side) : dimension box = box.length := by
  induction box with
  | nil => rfl
  | cons s box ih => exact congrArg (· + 1) ih

theorem length_cones (f : List Rat → Rat) (L : Rat) (x : List Rat) (ts : List (List Rat)) :
    (cones f L x ts).length = ts.length := by
  induction ts with
  | nil => rfl
  | cons t ts ih => exact congrArg (· + 1) ih

theorem mem_cones {f : List Rat → Rat} {L : Rat} {x : List Rat} {ts : List (List Rat)} {v : Rat} :
    v ∈ cones f L x ts ↔ ∃ t, t ∈ ts ∧ v = cone f L x t := by
  induction ts with
  | nil => simp [cones]
  | cons t ts ih => simp [cones, ih]

theorem length_centres (lo w : Rat) (n : Nat) : (centres lo w n).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg (· + 1) ih

theorem mem_consEach {c : Rat} {ts : List (List Rat)} {t : List Rat} :
    t ∈ consEach c ts ↔ ∃ t', t' ∈ ts ∧ t = c :: t' := by
  induction ts with
  | nil => simp [consEach]
  | cons u ts ih => simp [consEach, ih]

theorem mem_cross {cs : List Rat} {ts : List (List Rat)} {t : List Rat} :
    t ∈ cross cs ts ↔ ∃ c t', c ∈ cs ∧ t' ∈ ts ∧ t = c :: t' := by
  induction cs with
  | nil => simp [cross]
  | cons d cs ih =>
    simp only [cross, joinPoints_eq, List.mem_append, mem_consEach, ih, List.mem_cons]
    constructor
    · rintro (⟨t', ht, rfl⟩ | ⟨c, t', hc, ht, rfl⟩)
      · exact ⟨d, t', Or.inl rfl, ht, rfl⟩
      · exact ⟨c, t', Or.inr hc, ht, rfl⟩
    · rintro ⟨c, t', rfl | hc, ht, rfl⟩
      · exact Or.inl ⟨t', ht, rfl⟩
      · exact Or.inr ⟨c, t', hc, ht, rfl⟩

theorem length_consEach (c : Rat) (ts : List (List Rat)) : (consEach c ts).length = ts.length := by
  induction ts with
  | nil => rfl
  | cons t ts ih => exact congrArg (· + 1) ih

theorem length_cross (cs : List Rat) (ts : List (List Rat)) : (cross cs ts).length = cs.length * ts.length := by
  induction cs with
  | nil => simp [cross]
  | cons c cs ih =>
    simp only [cross, joinPoints_eq, List.length_append, length_consEach, ih, List.length_cons,
      Nat.add_mul, Nat.one_mul]
    omega

/-- The grid has as many points as the box has cells. -/
theorem length_grid (L eps : Rat) (box : List Side) : (grid L eps box).length = gridPoints L eps box := by
  induction box with
  | nil => rfl
  | cons s box ih => rw [grid, length_cross, length_centres, ih, gridPoints]

theorem cells_pos (L eps : Rat) (s : Side) : 0 < cells L eps s := by
  unfold cells
  split <;> omega

theorem gridPoints_pos (L eps : Rat) (box : List Side) : 0 < gridPoints L eps box := by
  induction box with
  | nil => exact Nat.one_pos
  | cons s box ih => exact Nat.mul_pos (cells_pos L eps s) ih

/-- Every point of the cells is within half a width of a centre. -/
theorem exists_centre {lo w : Rat} (n : Nat) {x : Rat} (hl : lo ≤ x)
    (hu : x ≤ lo + ((n + 1 : Nat) : Rat) * w) :
    ∃ c, c ∈ centres lo w (n + 1) ∧ abs (x - c) ≤ w / 2 := by
  induction n with
  | zero =>
    refine ⟨_, List.mem_cons_self .., ?_⟩
    have h0 : ((0 : Nat) : Rat) * w = 0 := Rat.zero_mul w
    have h1 : ((0 + 1 : Nat) : Rat) * w = w := Rat.one_mul w
    rw [abs_le]
    grind
  | succ n ih =>
    have hsucc := natCast_succ (n + 1)
    by_cases hle : x ≤ lo + ((n + 1 : Nat) : Rat) * w
    · obtain ⟨c, hc, hd⟩ := ih hle
      exact ⟨c, List.mem_cons_of_mem _ hc, hd⟩
    · refine ⟨_, List.mem_cons_self .., ?_⟩
      rw [abs_le]
      rw [hsucc] at hu
      generalize ((n + 1 : Nat) : Rat) = k at *
      grind

/-- Centres lie in the interval that is cut. -/
theorem centres_inside {lo w : Rat} (hw : 0 ≤ w) {n : Nat} {c : Rat} (h : c ∈ centres lo w n) :
    lo ≤ c ∧ c ≤ lo + (n : Rat) * w := by
  induction n with
  | zero => cases h
  | succ n ih =>
    have hn : 0 ≤ (n : Rat) * w := Rat.mul_nonneg Rat.natCast_nonneg hw
    rw [natCast_succ]
    rcases List.mem_cons.mp h with rfl | h
    · grind
    · have := ih h
      grind

/-- The cells of a side are narrow enough: `L w <= 2 eps`; and they fill the side. -/
theorem cells_width {L eps : Rat} (heps : 0 < eps) {s : Side} (hs : s.lo ≤ s.hi) :
    ∃ n, cells L eps s = n + 1 ∧ 0 ≤ pieceWidth s.lo s.hi (n + 1) ∧
      L * pieceWidth s.lo s.hi (n + 1) ≤ 2 * eps ∧
      s.lo + ((n + 1 : Nat) : Rat) * pieceWidth s.lo s.hi (n + 1) = s.hi := by
  have h2eps : 0 < 2 * eps := Rat.mul_pos (by decide +kernel) heps
  have hceil := le_ceilNat (L * (s.hi - s.lo) / (2 * eps))
  obtain ⟨n, hn, hle⟩ : ∃ n, cells L eps s = n + 1 ∧
      L * (s.hi - s.lo) / (2 * eps) ≤ ((n + 1 : Nat) : Rat) := by
    unfold cells
    split
    · rename_i h0
      rw [h0] at hceil
      exact ⟨0, rfl, Rat.le_trans hceil (by decide +kernel)⟩
    · rename_i n hn
      rw [hn] at hceil
      exact ⟨n, rfl, hceil⟩
  have hpos : (0 : Rat) < ((n + 1 : Nat) : Rat) := Rat.natCast_pos.mpr (by omega)
  have hmul := pieceWidth_mul s.lo s.hi n
  refine ⟨n, hn, ?_, mul_pieceWidth_le h2eps hle, by grind⟩
  refine Rat.le_of_mul_le_mul_left ?_ hpos
  grind

/-- A bound on a larger number, after multiplication by a nonnegative one. -/
theorem mul_larger_le {L x y c : Rat} (hx : L * x ≤ c) (hy : L * y ≤ c) : L * larger x y ≤ c := by
  unfold larger
  split <;> assumption

/-- Every point of the box is close to a grid point of the box: `L` times their distance is at most `eps`. -/
theorem exists_gridPoint {L eps : Rat} (hL : 0 ≤ L) (heps : 0 < eps) : ∀ (box : List Side) (x : List Rat),
    InBox box x → ∃ t, t ∈ grid L eps box ∧ L * dist x t ≤ eps
  | [], [], _ => by
    refine ⟨[], List.mem_cons_self .., ?_⟩
    show L * 0 ≤ eps
    rw [Rat.mul_zero]
    exact Rat.le_of_lt heps
  | [], _ :: _, h => h.elim
  | _ :: _, [], h => h.elim
  | s :: box, x :: xs, h => by
    obtain ⟨hl, hu, hxs⟩ := h
    obtain ⟨n, hn, _, hLw, hfill⟩ := cells_width (L := L) heps (Rat.le_trans hl hu)
    obtain ⟨t, ht, hd⟩ := exists_gridPoint hL heps box xs hxs
    obtain ⟨c, hc, hxc⟩ := exists_centre n hl (by rw [hfill]; exact hu)
    refine ⟨c :: t, mem_cross.mpr ⟨c, t, by rwa [hn], ht, rfl⟩, ?_⟩
    rw [dist]
    refine mul_larger_le ?_ hd
    have := mul_le_mul hxc hL
    grind

/-- Grid points lie in the box. -/
theorem grid_inside {L eps : Rat} (heps : 0 < eps) : ∀ (box : List Side), (∀ s, s ∈ box → s.lo ≤ s.hi) →
    ∀ t, t ∈ grid L eps box → InBox box t
  | [], _, t, ht => by
    rw [List.mem_singleton.mp ht]
    trivial
  | s :: box, hbox, t, ht => by
    obtain ⟨n, hn, hw, _, hfill⟩ := cells_width (L := L) heps (hbox s (by simp))
    rw [grid, hn] at ht
    obtain ⟨c, t', hc, ht', rfl⟩ := mem_cross.mp ht
    have hin := centres_inside hw hc
    rw [hfill] at hin
    exact ⟨hin.1, hin.2, grid_inside heps box (fun s' hs' => hbox s' (by simp [hs'])) t' ht'⟩

/-- Grid points have as many coordinates as the box has sides. -/
theorem length_of_inBox : ∀ {box : List Side} {x : List Rat}, InBox box x → x.length = box.length
  | [], [], _ => rfl
  | [], _ :: _, h => h.elim
  | _ :: _, [], h => h.elim
  | _ :: _, _ :: _, h => congrArg (· + 1) (length_of_inBox h.2.2)

/-- The sides of a box that has a point are intervals. -/
theorem sides_of_inBox : ∀ {box : List Side} {x : List Rat}, InBox box x → ∀ s, s ∈ box → s.lo ≤ s.hi
  | [], _, _, _, hs => by cases hs
  | _ :: _, [], h, _, _ => h.elim
  | s :: _, _ :: _, h, s', hs => by
    rcases List.mem_cons.mp hs with rfl | hs
    · exact Rat.le_trans h.1 h.2.1
    · exact sides_of_inBox h.2.2 s' hs

/--
**The cones enclose the function.** Over the grid, the maximum of the cones is at most `f x` and at least
`f x - 2 eps`, at every point of the box.
-/
theorem cones_enclose {f : List Rat → Rat} {box : List Side} {L eps : Rat} (hL : 0 ≤ L) (heps : 0 < eps)
    (hf : LipschitzOnBox f box L) {x : List Rat} (hx : InBox box x) {m : Rat}
    (hm : IsMax m (cones f L x (grid L eps box))) : f x - 2 * eps ≤ m ∧ m ≤ f x := by
  have hinside := grid_inside (L := L) heps box (sides_of_inBox hx)
  constructor
  · obtain ⟨t, ht, hd⟩ := exists_gridPoint hL heps box x hx
    have hmax := hm.2 _ (mem_cones.mpr ⟨t, ht, rfl⟩)
    have hlip := hf x t hx (hinside t ht)
    rw [abs_le] at hlip
    unfold cone at hmax
    grind
  · obtain ⟨t, ht, rfl⟩ := mem_cones.mp hm.1
    have hlip := hf x t hx (hinside t ht)
    rw [abs_le] at hlip
    unfold cone
    grind

end TorchLean.Approximation
