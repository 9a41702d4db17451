module
prelude
public import TorchLean.Dot

/-!
# The error of a tree, and that nothing in it overflows

By induction on the tree. Every partial sum of `m` terms went through at most `m` roundings in a row, so its error is
at most `slack` with `k = m - 1`; so is it for every larger `k`, which is how bounds of parts add up.
-/

public section
namespace TorchLean
namespace Tree

variable (M : Machine)

theorem weight_nonneg (t : Tree M.Number) : 0 ≤ t.weight M := by
  induction t with
  | zero => exact Rat.le_refl
  | addend b => exact Rational.abs_nonneg _
  | product x y => exact Rational.abs_nonneg _
  | fma x y t ih => have := Rational.abs_nonneg (M.value x * M.value y); simp only [weight]; grind
  | add s t ihs iht => simp only [weight]; grind

theorem total_le_weight (t : Tree M.Number) : Rational.abs (t.total M) ≤ t.weight M := by
  induction t with
  | zero => rw [total, weight, Rational.abs_zero]; exact Rat.le_refl
  | addend b => exact Rat.le_refl
  | product x y => exact Rat.le_refl
  | fma x y t ih =>
    have := Rational.abs_add_le (M.value x * M.value y) (t.total M)
    simp only [weight, total]; grind
  | add s t ihs iht => have := Rational.abs_add_le (s.total M) (t.total M); simp only [weight, total]; grind

theorem underflow_nonneg (t : Tree M.Number) : 0 ≤ t.underflow M := by
  have := Rat.mul_nonneg (@Rat.natCast_nonneg (t.sizes M).1) M.ηProduct_nonneg
  have := Rat.mul_nonneg (@Rat.natCast_nonneg (t.sizes M).2) M.ηSum_nonneg
  rw [underflow]; grind

theorem nonzero_of_zero {x y : M.Number} (h : M.value x * M.value y = 0) : M.nonzero (x, y) = 0 := oneUnless_of h

theorem rough_of_zero {x y : M.Number} (h : M.value x * M.value y = 0) : M.rough (x, y) = 0 := oneUnless_of (.inl h)

theorem nonzero_of_ne {x y : M.Number} (h : ¬ M.value x * M.value y = 0) : M.nonzero (x, y) = 1 := oneUnless_of_not h

theorem rough_of_unit {x y : M.Number} (h : UnitFactor (M.value x) (M.value y)) : M.rough (x, y) = 0 :=
  oneUnless_of (.inr h)

theorem rough_of_ne {x y : M.Number} (h : ¬ M.value x * M.value y = 0) (h1 : ¬ UnitFactor (M.value x) (M.value y)) :
    M.rough (x, y) = 1 := oneUnless_of_not (fun h' => h'.elim h h1)

theorem underflow_fma {x y : M.Number} (h : ¬ M.value x * M.value y = 0) (t : Tree M.Number) :
    (fma x y t).underflow M = t.underflow M + (M.rough (x, y) : Rat) * M.ηProduct + M.ηSum := by
  simp only [underflow, sizes, nonzero_of_ne M h, Rat.natCast_add]; grind

theorem underflow_add (s t : Tree M.Number) : (add s t).underflow M = s.underflow M + t.underflow M := by
  simp only [underflow, sizes, Rat.natCast_add]; grind

/-- A tree without terms, but for zeros, weighs nothing. -/
theorem empty (t : Tree M.Number) (h : (t.sizes M).2 = 0) : t.weight M = 0 ∧ t.total M = 0 := by
  have key {x y : M.Number} (h : M.nonzero (x, y) = 0) : M.value x * M.value y = 0 := by
    by_cases hz : M.value x * M.value y = 0
    · exact hz
    · rw [nonzero_of_ne M hz] at h
      exact absurd h (by omega)
  induction t with
  | zero => exact ⟨rfl, rfl⟩
  | addend b =>
    have h0 : M.value b = 0 := by
      by_cases hz : M.value b = 0
      · exact hz
      · exact absurd (show M.nonzeroAddend b = 0 from h) (by rw [Machine.nonzeroAddend, oneUnless_of_not hz]; omega)
    simp only [weight, total, h0, Rational.abs_zero]
    exact ⟨trivial, trivial⟩
  | product x y =>
    have h0 := key h
    simp only [weight, total, h0, Rational.abs_zero]
    exact ⟨trivial, trivial⟩
  | fma x y t ih =>
    simp only [sizes] at h
    have h0 := key (x := x) (y := y) (by omega)
    have ht := ih (by omega)
    simp only [weight, total, h0, ht, Rational.abs_zero]
    exact ⟨Rat.add_zero 0, Rat.add_zero 0⟩
  | add s t ihs iht =>
    simp only [sizes] at h
    have hs := ihs (by omega)
    have ht := iht (by omega)
    simp only [weight, total, hs, ht]
    exact ⟨Rat.add_zero 0, Rat.add_zero 0⟩

/-- What is known of a result `r` of a tree with at most `k + 1` terms other than zero, rounded at most `p` times
themselves: it is finite, it is zero if there are none, and else its error and one more `ηSum` are at most `slack`. -/
@[expose] def Accurate (p k : Nat) (t : Tree M.Number) (r : M.Number) : Prop :=
  M.finite r ∧ ((t.sizes M).2 = 0 → M.value r = 0) ∧
    ((t.sizes M).2 ≠ 0 → Rational.abs (M.value r - t.total M) + M.ηSum ≤ slack M.u p k (t.weight M) (t.underflow M))

/-- The terms and what rounding may add stay below the overflow threshold. -/
@[expose] def Fits (p k : Nat) (t : Tree M.Number) : Prop :=
  t.weight M + slack M.u p k (t.weight M) (t.underflow M) < M.threshold

/-- What fits as a whole fits in parts. -/
theorem Fits.part {M : Machine} {p k j : Nat} {t s : Tree M.Number} (h : t.Fits M p k) (hk : j ≤ k)
    (hw : s.weight M ≤ t.weight M) (hu : s.underflow M ≤ t.underflow M) : s.Fits M p j := by
  have := slack_le M.u_nonneg p hk (s.weight_nonneg M) hw (s.underflow_nonneg M) hu
  unfold Fits at *
  grind

/-- A partial sum `v` that is near its exact value `s` may be rounded to a finite number, once more. -/
theorem room {M : Machine} {p k j : Nat} {t : Tree M.Number} {v s C σ : Rat} (h : t.Fits M p k) (hk : j ≤ k)
    (hs : Rational.abs s ≤ t.weight M) (hσ : 0 ≤ σ) (hC0 : 0 ≤ C) (hC : C ≤ t.underflow M)
    (hv : Rational.abs (v - s) + σ ≤ slack M.u p j (t.weight M) C) : Rational.abs v < M.threshold := by
  have := slack_le M.u_nonneg p hk (t.weight_nonneg M) (@Rat.le_refl (t.weight M)) hC0 hC
  have := Rational.abs_add_le s (v - s)
  have hsv : s + (v - s) = v := by grind
  rw [hsv] at this
  unfold Fits at h
  grind

/-- **Order-independent dot product, for one tree.** -/
theorem accurate (t : Tree M.Number) (p k : Nat) (hfin : t.Finite M) (hp : (t.sizes M).1 ≠ 0 → p ≠ 0)
    (hk : (t.sizes M).2 ≤ k + 1) (hfit : t.Fits M p k) : ∀ r, t.Result M r → t.Accurate M p k r := by
  induction t generalizing k with
  | zero => intro r hr; exact ⟨hr.1, fun _ => hr.2, fun h => absurd rfl h⟩
  | addend b =>
    intro r hr
    have hr : r = b := hr
    subst hr
    refine ⟨hfin, fun h => ((addend r).empty M h).2, fun h => ?_⟩
    have h0 : M.value r - (addend r).total M = 0 := by simp only [total]; grind
    have h1 : M.nonzeroAddend r = 1 := by
      by_cases hz : M.value r = 0
      · exact absurd (oneUnless_of hz) h
      · exact oneUnless_of_not hz
    rw [h0, Rational.abs_zero, Rat.zero_add]
    refine slack_exact M.u_nonneg p k (weight_nonneg M (addend r)) M.ηSum_nonneg ?_
    simp only [underflow, sizes, h1]; grind
  | product x y =>
    intro r hr
    by_cases hz : M.value x * M.value y = 0
    · have ⟨hf, hv⟩ := M.mul_zero hfin.1 hfin.2 hr hz
      exact ⟨hf, fun _ => hv, fun h => absurd (nonzero_of_zero M hz) h⟩
    have hone := nonzero_of_ne M hz
    have hW := weight_nonneg M (product x y)
    have hslack := slack_nonneg M.u_nonneg p k hW (underflow_nonneg M (product x y))
    by_cases h1 : UnitFactor (M.value x) (M.value y)
    · have ⟨hf, hv⟩ := M.mul_unit hfin.1 hfin.2 hr h1
      refine ⟨hf, fun h => by simp [sizes, hone] at h, fun _ => ?_⟩
      have h0 : M.value r - (product x y).total M = 0 := by simp only [total, hv]; grind
      rw [h0, Rational.abs_zero, Rat.zero_add]
      refine slack_exact M.u_nonneg p k hW M.ηSum_nonneg ?_
      simp only [underflow, sizes, hone, rough_of_unit M h1]; grind
    have hrough := rough_of_ne M hz h1
    have hp := hp (by simp only [sizes, hrough]; omega)
    have hlt : Rational.abs (M.value x * M.value y) < M.threshold := by simp only [Fits, weight] at *; grind
    have ⟨hfin', hround⟩ := M.mul_rounds hfin.1 hfin.2 hr hlt
    refine ⟨hfin', fun h => by simp [sizes, hone] at h, fun _ => ?_⟩
    refine slack_leaf M.u_nonneg hp k hW M.ηProduct_nonneg M.ηSum_nonneg ?_ hround
    simp only [underflow, sizes, hone, hrough]; grind
  | fma x y t ih =>
    intro r ⟨c, hc, hr⟩
    have hpt : (t.sizes M).1 ≠ 0 → p ≠ 0 := fun h => hp (by simp only [sizes]; omega)
    have hxy := Rational.abs_nonneg (M.value x * M.value y)
    by_cases hz : M.value x * M.value y = 0
    · have hs : (fma x y t).sizes M = t.sizes M := by
        simp only [sizes, nonzero_of_zero M hz, rough_of_zero M hz, Nat.add_zero]
      have ht : (fma x y t).total M = t.total M := by simp only [total, hz, Rat.zero_add]
      have hw : (fma x y t).weight M = t.weight M := by simp only [weight, hz, Rational.abs_zero, Rat.zero_add]
      have hu : (fma x y t).underflow M = t.underflow M := by simp only [underflow, hs]
      unfold Fits at hfit
      rw [hw, hu] at hfit
      rw [hs] at hk
      have ⟨hcf, hc0, hcv⟩ := ih k hfin.2 hpt hk hfit c hc
      have ⟨hf, hv⟩ := M.fma_zero hfin.1.1 hfin.1.2 hcf hr hz
      unfold Accurate
      rw [hs, ht, hw, hu, hv]
      exact ⟨hf, hc0, hcv⟩
    have hone := nonzero_of_ne M hz
    have hU := underflow_fma M hz t
    have hU0 := underflow_nonneg M t
    have hrough0 := Rat.mul_nonneg (@Rat.natCast_nonneg (M.rough (x, y))) M.ηProduct_nonneg
    have hw : t.weight M ≤ (fma x y t).weight M := by simp only [weight]; grind
    have hu : t.underflow M ≤ (fma x y t).underflow M := by grind [M.ηSum_nonneg]
    have hW := weight_nonneg M (fma x y t)
    have hT := total_le_weight M (fma x y t)
    have hsize : ((fma x y t).sizes M).2 = (t.sizes M).2 + 1 := by simp only [sizes, hone]
    have htotal : (fma x y t).total M = M.value x * M.value y + t.total M := rfl
    have hweight : (fma x y t).weight M = Rational.abs (M.value x * M.value y) + t.weight M := rfl
    -- What the operation itself may cost: nothing absolute if a factor has magnitude one.
    have round (h : Rational.abs (M.value x * M.value y + M.value c) < M.threshold) (hcf : M.finite c) :
        M.finite r ∧ Rounds M.u (M.ηSum + (M.rough (x, y) : Rat) * M.ηProduct) (M.value r)
          (M.value x * M.value y + M.value c) := by
      by_cases h1 : UnitFactor (M.value x) (M.value y)
      · have ⟨hf, hround⟩ := M.fma_unit hfin.1.1 hfin.1.2 hcf hr h1 h
        refine ⟨hf, ?_⟩
        unfold Rounds at *
        grind
      · have ⟨hf, hround⟩ := M.fma_rounds hfin.1.1 hfin.1.2 hcf hr h
        refine ⟨hf, ?_⟩
        rw [rough_of_ne M hz h1]
        have := M.ηSum_nonneg
        unfold Rounds at *
        grind
    by_cases hempty : (t.sizes M).2 = 0
    · have ⟨hcf, hc0, _⟩ := ih k hfin.2 hpt (by omega) (hfit.part (Nat.le_refl k) hw hu) c hc
      have ⟨ht0, hs0⟩ := empty M t hempty
      have hv : M.value x * M.value y + M.value c = (fma x y t).total M := by rw [htotal, hc0 hempty, hs0]
      have hslack := slack_nonneg M.u_nonneg p k hW (underflow_nonneg M (fma x y t))
      by_cases h1 : UnitFactor (M.value x) (M.value y)
      · have ⟨hf, hrv⟩ := M.fma_unit_zero hfin.1.1 hfin.1.2 hcf hr h1 (hc0 hempty)
        refine ⟨hf, fun h => by omega, fun _ => ?_⟩
        have h0 : M.value r - (fma x y t).total M = 0 := by rw [hrv, htotal, hs0]; grind
        rw [h0, Rational.abs_zero, Rat.zero_add]
        exact slack_exact M.u_nonneg p k hW M.ηSum_nonneg (by grind)
      have hrough := rough_of_ne M hz h1
      have hp := hp (by simp only [sizes, hrough]; omega)
      have ⟨hf, hround⟩ := M.fma_rounds hfin.1.1 hfin.1.2 hcf hr (by rw [hv]; unfold Fits at hfit; grind)
      refine ⟨hf, fun h => by omega, fun _ => ?_⟩
      rw [hv] at hround
      rw [hrough] at hU
      refine slack_leaf M.u_nonneg hp k hW M.ηProduct_nonneg M.ηSum_nonneg (by grind) ?_
      have := Rat.mul_le_mul_of_nonneg_left hT M.u_nonneg
      unfold Rounds at hround
      grind
    · obtain ⟨j, rfl⟩ : ∃ j, k = j + 1 := ⟨k - 1, by omega⟩
      have ⟨hcf, _, hcv⟩ := ih j hfin.2 hpt (by omega) (hfit.part (Nat.le_succ j) hw hu) c hc
      have hv : Rational.abs (M.value x * M.value y + M.value c - (fma x y t).total M) + M.ηSum
          ≤ slack M.u p j ((fma x y t).weight M) (t.underflow M) := by
        have h : M.value x * M.value y + M.value c - (fma x y t).total M = M.value c - t.total M := by grind
        rw [h]
        exact Rat.le_trans (hcv hempty) (slack_mono M.u_nonneg p j hw Rat.le_refl)
      have ⟨hf, hround⟩ := round (room hfit (Nat.le_succ j) hT M.ηSum_nonneg hU0 hu hv) hcf
      refine ⟨hf, fun h => by omega, fun _ => ?_⟩
      have hcost : 0 ≤ M.ηSum + (M.rough (x, y) : Rat) * M.ηProduct := by grind [M.ηSum_nonneg]
      have h1 := slack_step M.u_nonneg p j M.ηSum_nonneg hT hv hround
      have h2 := @slack_add_le M.u ((fma x y t).weight M) (t.underflow M) _ M.u_nonneg p (j + 1) hcost
      have h3 := @slack_mono M.u ((fma x y t).weight M) _
        (t.underflow M + (M.ηSum + (M.rough (x, y) : Rat) * M.ηProduct)) ((fma x y t).underflow M) M.u_nonneg
        p (j + 1) Rat.le_refl (by grind)
      grind
  | add s t ihs iht =>
    intro r ⟨a, b, ha, hb, hr⟩
    have hps : (s.sizes M).1 ≠ 0 → p ≠ 0 := fun h => hp (by simp only [sizes]; omega)
    have hpt : (t.sizes M).1 ≠ 0 → p ≠ 0 := fun h => hp (by simp only [sizes]; omega)
    have hU := underflow_add M s t
    have hUs := underflow_nonneg M s
    have hUt := underflow_nonneg M t
    have hWs := weight_nonneg M s
    have hWt := weight_nonneg M t
    have hT := total_le_weight M (add s t)
    have hsize : ((add s t).sizes M).2 = (s.sizes M).2 + (t.sizes M).2 := rfl
    have htotal : (add s t).total M = s.total M + t.total M := rfl
    have hweight : (add s t).weight M = s.weight M + t.weight M := rfl
    have parts (j : Nat) (hj : j ≤ k) (hs : (s.sizes M).2 ≤ j + 1) (ht : (t.sizes M).2 ≤ j + 1) :
        s.Accurate M p j a ∧ t.Accurate M p j b :=
      ⟨ihs j hfin.1 hps hs (hfit.part hj (by grind) (by grind)) a ha,
        iht j hfin.2 hpt ht (hfit.part hj (by grind) (by grind)) b hb⟩
    by_cases hs0 : (s.sizes M).2 = 0
    · have ⟨⟨haf, ha0, _⟩, ⟨hbf, hb0, hbv⟩⟩ := parts k (Nat.le_refl k) (by omega) (by omega)
      have ⟨hf, hrv⟩ := M.zero_add haf hbf hr (ha0 hs0)
      have ⟨hw0, ht0⟩ := empty M s hs0
      refine ⟨hf, fun h => by rw [hrv]; exact hb0 (by omega), fun h => ?_⟩
      refine Rat.le_trans (b := Rational.abs (M.value b - t.total M) + M.ηSum) ?_ (Rat.le_trans (hbv (by omega))
        (slack_mono M.u_nonneg p k (by grind) (by grind)))
      rw [hrv, htotal, ht0, Rat.zero_add]
      exact Rat.le_refl
    · by_cases ht0 : (t.sizes M).2 = 0
      · have ⟨⟨haf, ha0, hav⟩, ⟨hbf, hb0, _⟩⟩ := parts k (Nat.le_refl k) (by omega) (by omega)
        have ⟨hf, hrv⟩ := M.add_zero haf hbf hr (hb0 ht0)
        have ⟨hw0, ht0⟩ := empty M t ht0
        refine ⟨hf, fun h => by rw [hrv]; exact ha0 (by omega), fun h => ?_⟩
        refine Rat.le_trans (b := Rational.abs (M.value a - s.total M) + M.ηSum) ?_ (Rat.le_trans (hav (by omega))
          (slack_mono M.u_nonneg p k (by grind) (by grind)))
        rw [hrv, htotal, ht0, Rat.add_zero]
        exact Rat.le_refl
      · obtain ⟨j, rfl⟩ : ∃ j, k = j + 1 := ⟨k - 1, by omega⟩
        have ⟨⟨haf, _, hav⟩, ⟨hbf, _, hbv⟩⟩ := parts j (Nat.le_succ j) (by omega) (by omega)
        have hav := hav hs0
        have hbv := hbv ht0
        have hv : Rational.abs (M.value a + M.value b - (add s t).total M) + (M.ηSum + M.ηSum)
            ≤ slack M.u p j ((add s t).weight M) ((add s t).underflow M) := by
          have h : M.value a + M.value b - (add s t).total M = (M.value a - s.total M) + (M.value b - t.total M) := by
            grind
          have := Rational.abs_add_le (M.value a - s.total M) (M.value b - t.total M)
          rw [h, hweight, hU]
          simp only [slack] at *
          grind
        have hσ : 0 ≤ M.ηSum + M.ηSum := by grind [M.ηSum_nonneg]
        have ⟨hf, hround⟩ := M.add_rounds haf hbf hr
          (room hfit (Nat.le_succ j) hT hσ (by grind) Rat.le_refl hv)
        refine ⟨hf, fun h => by omega, fun _ => ?_⟩
        have := slack_step M.u_nonneg p j hσ hT hv hround
        grind

end Tree
end TorchLean
