module
prelude
public import TorchLean.DotError

/-!
# No intermediate result overflows

What fits as a whole fits in parts: each partial sum of a tree whose terms leave room for the rounding errors is finite,
and its magnitude is bounded by that of its terms and their errors.
-/

public section
namespace TorchLean
namespace Tree

/-- `Part p t`: the tree `p` computes an intermediate result of `t`, or is `t`. -/
inductive Part {α : Type} (p : Tree α) : Tree α → Prop where
  | self : Part p p
  | fma {x y : α} {t : Tree α} : Part p t → Part p (fma x y t)
  | left {s t : Tree α} : Part p s → Part p (add s t)
  | right {s t : Tree α} : Part p t → Part p (add s t)

variable (M : Machine)

theorem underflow_le_fma (x y : M.Number) (t : Tree M.Number) : t.underflow M ≤ (fma x y t).underflow M := by
  have h1 := Rat.mul_nonneg (@Rat.natCast_nonneg (M.rough (x, y))) M.ηProduct_nonneg
  have h2 := Rat.mul_nonneg (@Rat.natCast_nonneg (M.nonzero (x, y))) M.ηSum_nonneg
  simp only [underflow, sizes, Rat.natCast_add]
  grind

/-- Parts are smaller in all that matters. -/
theorem Part.le {M : Machine} {p t : Tree M.Number} (h : Part p t) (hfin : t.Finite M) :
    p.Finite M ∧ ((p.sizes M).1 ≤ (t.sizes M).1 ∧ (p.sizes M).2 ≤ (t.sizes M).2) ∧ p.weight M ≤ t.weight M ∧
      p.underflow M ≤ t.underflow M := by
  induction h with
  | self => exact ⟨hfin, ⟨Nat.le_refl _, Nat.le_refl _⟩, Rat.le_refl, Rat.le_refl⟩
  | @fma x y t _ ih =>
    have ⟨h1, h2, h3, h4⟩ := ih hfin.2
    have hu := underflow_le_fma M x y t
    have hw := Rational.abs_nonneg (M.value x * M.value y)
    refine ⟨h1, ⟨Nat.le_trans h2.1 (Nat.le_add_right _ _), Nat.le_trans h2.2 (Nat.le_add_right _ _)⟩, ?_,
      Rat.le_trans h4 hu⟩
    simp only [weight]
    grind
  | @left s t _ ih =>
    have ⟨h1, h2, h3, h4⟩ := ih hfin.1
    have hw := weight_nonneg M t
    have hu := underflow_nonneg M t
    rw [underflow_add]
    refine ⟨h1, ⟨Nat.le_trans h2.1 (Nat.le_add_right _ _), Nat.le_trans h2.2 (Nat.le_add_right _ _)⟩, ?_, by grind⟩
    simp only [weight]
    grind
  | @right s t _ ih =>
    have ⟨h1, h2, h3, h4⟩ := ih hfin.2
    have hw := weight_nonneg M s
    have hu := underflow_nonneg M s
    rw [underflow_add]
    refine ⟨h1, ⟨Nat.le_trans h2.1 (Nat.le_add_left _ _), Nat.le_trans h2.2 (Nat.le_add_left _ _)⟩, ?_, by grind⟩
    simp only [weight]
    grind

/-- **No intermediate overflow.** Each intermediate result of a tree that fits is finite and smaller than the
threshold. -/
theorem Part.bounded {M : Machine} {p t : Tree M.Number} {q k : Nat} (h : Part p t) (hfin : t.Finite M)
    (hq : (t.sizes M).1 ≠ 0 → q ≠ 0) (hk : (t.sizes M).2 ≤ k + 1) (hfit : t.Fits M q k) {r : M.Number}
    (hr : p.Result M r) :
    M.finite r ∧ Rational.abs (M.value r) ≤ p.weight M + slack M.u q k (p.weight M) (p.underflow M) ∧
      Rational.abs (M.value r) < M.threshold := by
  have ⟨hpfin, hpsize, hw, hu⟩ := h.le hfin
  have hpfit := hfit.part (Nat.le_refl k) hw hu
  have ⟨hf, hempty, hnear⟩ := p.accurate M q k hpfin (fun h0 => hq (by omega)) (Nat.le_trans hpsize.2 hk) hpfit r hr
  have hslack := slack_nonneg M.u_nonneg q k (p.weight_nonneg M) (p.underflow_nonneg M)
  have hbound : Rational.abs (M.value r) ≤ p.weight M + slack M.u q k (p.weight M) (p.underflow M) := by
    by_cases h0 : (p.sizes M).2 = 0
    · rw [hempty h0, Rational.abs_zero]
      have := weight_nonneg M p
      grind
    · have h1 := hnear h0
      have h2 := total_le_weight M p
      have h3 := Rational.abs_add_le (p.total M) (M.value r - p.total M)
      have h4 : p.total M + (M.value r - p.total M) = M.value r := by grind
      rw [h4] at h3
      have := M.ηSum_nonneg
      grind
  refine ⟨hf, hbound, ?_⟩
  unfold Fits at hpfit
  grind

end Tree
end TorchLean
