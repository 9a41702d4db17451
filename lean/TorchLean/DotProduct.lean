module
prelude
public import TorchLean.DotError

/-!
# Dot products of lists, and bounds that are easy to evaluate

`Dot M terms addends r` says that `r` is what some execution on machine `M` may return for the sum of the products
`terms` and of `addends` (a bias, usually): any tree over any permutation. Terms whose product is zero may be left out,
for convolutions do not multiply by their padding, and any number of zeros may be added.
-/

public section
namespace TorchLean

/-- The sum of a function over a list. -/
@[expose] def sumOf {α : Type} (f : α → Rat) : List α → Rat
  | [] => 0
  | x :: xs => f x + sumOf f xs

/-- The sum of a function with natural values. -/
@[expose] def natSum {α : Type} (f : α → Nat) : List α → Nat
  | [] => 0
  | x :: xs => f x + natSum f xs

/-- A property of every element. -/
@[expose] def Every {α : Type} (P : α → Prop) : List α → Prop
  | [] => True
  | x :: xs => P x ∧ Every P xs

/-- The second list is the first one without some elements that may be skipped. -/
inductive Kept {α : Type} (skip : α → Prop) : List α → List α → Prop where
  | nil : Kept skip [] []
  | keep {x : α} {l k : List α} : Kept skip l k → Kept skip (x :: l) (x :: k)
  | skip {x : α} {l k : List α} : skip x → Kept skip l k → Kept skip (x :: l) k

theorem Kept.all {α : Type} (skip : α → Prop) : ∀ l : List α, Kept skip l l
  | [] => .nil
  | _ :: l => .keep (Kept.all skip l)

theorem Kept.length_le {α : Type} {skip : α → Prop} {l k : List α} (h : Kept skip l k) : k.length ≤ l.length := by
  induction h with
  | nil => exact Nat.le_refl 0
  | keep _ ih => simp only [List.length_cons]; omega
  | skip _ _ ih => simp only [List.length_cons]; omega

theorem Kept.sum {α : Type} {skip : α → Prop} {l k : List α} (f : α → Rat) (hf : ∀ x, skip x → f x = 0)
    (h : Kept skip l k) : sumOf f k = sumOf f l := by
  induction h with
  | nil => rfl
  | keep _ ih => simp only [sumOf, ih]
  | skip hx _ ih => simp only [sumOf, ih, hf _ hx]; grind

theorem Kept.natSum {α : Type} {skip : α → Prop} {l k : List α} (f : α → Nat) (hf : ∀ x, skip x → f x = 0)
    (h : Kept skip l k) : natSum f k = natSum f l := by
  induction h with
  | nil => rfl
  | keep _ ih => simp only [TorchLean.natSum, ih]
  | skip hx _ ih => simp only [TorchLean.natSum, ih, hf _ hx, Nat.zero_add]

theorem Kept.every {α : Type} {skip P : α → Prop} {l k : List α} (h : Kept skip l k) (hl : Every P l) : Every P k := by
  induction h with
  | nil => trivial
  | keep _ ih => exact ⟨hl.1, ih hl.2⟩
  | skip _ _ ih => exact ih hl.2

theorem sumOf_append {α : Type} (f : α → Rat) (l k : List α) : sumOf f (l ++ k) = sumOf f l + sumOf f k := by
  induction l with
  | nil => simp only [List.nil_append, sumOf]; grind
  | cons x l ih => simp only [List.cons_append, sumOf, ih]; grind

theorem sumOf_perm {α : Type} (f : α → Rat) {l k : List α} (h : l.Perm k) : sumOf f l = sumOf f k := by
  induction h with
  | nil => rfl
  | cons x _ ih => simp only [sumOf, ih]
  | swap x y l => simp only [sumOf]; grind
  | trans _ _ ih ih' => exact ih.trans ih'

theorem natSum_append {α : Type} (f : α → Nat) (l k : List α) : natSum f (l ++ k) = natSum f l + natSum f k := by
  induction l with
  | nil => simp only [List.nil_append, natSum, Nat.zero_add]
  | cons x l ih => simp only [List.cons_append, natSum, ih]; omega

theorem natSum_perm {α : Type} (f : α → Nat) {l k : List α} (h : l.Perm k) : natSum f l = natSum f k := by
  induction h with
  | nil => rfl
  | cons x _ ih => simp only [natSum, ih]
  | swap x y l => simp only [natSum]; omega
  | trans _ _ ih ih' => exact ih.trans ih'

theorem length_perm {α : Type} {l k : List α} (h : l.Perm k) : l.length = k.length := by
  induction h with
  | nil => rfl
  | cons x _ ih => simp only [List.length_cons, ih]
  | swap x y l => rfl
  | trans _ _ ih ih' => exact ih.trans ih'

theorem every_perm {α : Type} {P : α → Prop} {l k : List α} (h : l.Perm k) : Every P k → Every P l := by
  induction h with
  | nil => exact id
  | cons x _ ih => exact fun h => ⟨h.1, ih h.2⟩
  | swap x y l => exact fun h => ⟨h.2.1, h.1, h.2.2⟩
  | trans _ _ ih ih' => exact fun h => ih (ih' h)

theorem every_append {α : Type} {P : α → Prop} {l k : List α} : Every P (l ++ k) → Every P l ∧ Every P k := by
  induction l with
  | nil => exact fun h => ⟨trivial, h⟩
  | cons x l ih => exact fun h => ⟨⟨h.1, (ih h.2).1⟩, (ih h.2).2⟩

section
variable (M : Machine)

/-- Its magnitude. -/
@[expose] def Machine.productMag (p : M.Number × M.Number) : Rat := Rational.abs (M.product p)

/-- The magnitude of a number. -/
@[expose] def Machine.mag (b : M.Number) : Rat := Rational.abs (M.value b)

/-- Both factors are finite. -/
@[expose] def Machine.finitePair (p : M.Number × M.Number) : Prop := M.finite p.1 ∧ M.finite p.2

/-- `r` is a result of summing the products and the addends in some order, with or without fused multiply-adds. -/
@[expose] def Dot (terms : List (M.Number × M.Number)) (addends : List M.Number) (r : M.Number) : Prop :=
  ∃ (t : Tree M.Number) (ps : List (M.Number × M.Number)) (bs : List M.Number),
    Kept (fun p => M.product p = 0) terms ps ∧ Kept (fun b => M.value b = 0) addends bs ∧
    t.products.Perm ps ∧ t.addends.Perm bs ∧ t.Result M r

namespace Tree

theorem sizes_eq (t : Tree M.Number) : t.sizes M =
    (natSum M.rough t.products, natSum M.nonzero t.products + natSum M.nonzeroAddend t.addends) := by
  induction t with
  | zero => rfl
  | addend b => simp only [sizes, products, addends, natSum, Nat.add_zero, Nat.zero_add]
  | product x y => simp only [sizes, products, addends, natSum, Nat.add_zero]
  | fma x y t ih =>
    simp only [sizes, ih, products, addends, natSum, Prod.mk.injEq]
    constructor <;> omega
  | add s t ihs iht =>
    simp only [sizes, ihs, iht, products, addends, natSum_append, Prod.mk.injEq, true_and]
    omega

theorem total_eq (t : Tree M.Number) : t.total M = sumOf M.product t.products + sumOf M.value t.addends := by
  induction t with
  | zero => simp only [total, products, addends, sumOf]; grind
  | addend b => simp only [total, products, addends, sumOf]; grind
  | product x y => simp only [total, products, addends, sumOf, Machine.product]; grind
  | fma x y t ih => simp only [total, products, addends, sumOf, Machine.product, ih]; grind
  | add s t ihs iht => simp only [total, products, addends, sumOf_append, ihs, iht]; grind

theorem weight_eq (t : Tree M.Number) : t.weight M = sumOf M.productMag t.products + sumOf M.mag t.addends := by
  induction t with
  | zero => simp only [weight, products, addends, sumOf]; grind
  | addend b => simp only [weight, products, addends, sumOf, Machine.mag]; grind
  | product x y => simp only [weight, products, addends, sumOf, Machine.productMag, Machine.product]; grind
  | fma x y t ih => simp only [weight, products, addends, sumOf, Machine.productMag, Machine.product, ih]; grind
  | add s t ihs iht => simp only [weight, products, addends, sumOf_append, ihs, iht]; grind

theorem finite_of (t : Tree M.Number) (hp : Every M.finitePair t.products) (hb : Every M.finite t.addends) :
    t.Finite M := by
  induction t with
  | zero => trivial
  | addend b => exact hb.1
  | product x y => exact hp.1
  | fma x y t ih => exact ⟨hp.1, ih hp.2 hb⟩
  | add s t ihs iht =>
    have hp := every_append hp
    have hb := every_append hb
    exact ⟨ihs hp.1 hb.1, iht hp.2 hb.2⟩

end Tree

/-- The magnitude of a dot product: `Σ |xᵢ yᵢ| + Σ |b|`. -/
@[expose] def magnitude (terms : List (M.Number × M.Number)) (addends : List M.Number) : Rat :=
  sumOf M.productMag terms + sumOf M.mag addends

/-- How many products of a list are not zero. -/
@[expose] noncomputable def Machine.count (terms : List (M.Number × M.Number)) : Nat := natSum M.nonzero terms

/-- How many products of a list round. -/
@[expose] noncomputable def Machine.roughs (terms : List (M.Number × M.Number)) : Nat := natSum M.rough terms

/-- How many addends of a list are not zero. -/
@[expose] noncomputable def Machine.addendCount (addends : List M.Number) : Nat := natSum M.nonzeroAddend addends

/-- What underflow may cost in a sum of `m` terms, of which `n` products round. -/
@[expose] def Machine.lost (n m : Nat) : Rat := (n : Rat) * M.ηProduct + (m : Rat) * M.ηSum

/-- **Order-independent dot product.** Every result of a dot product of finite terms and finite addends, of which
`m <= k + 1` are not zero and `n` products round (`p` is 1 unless there are none of these), in any order, with or
without fused multiply-adds, is finite, and
`|r - (Σ xᵢ yᵢ + Σ b)| <= ((1 + u)^(k+p) - 1) (Σ |xᵢ yᵢ| + Σ |b|) + (n ηProduct + m ηSum) (1 + u)^k`,
provided that the magnitude and this bound together stay below the overflow threshold. -/
theorem dot_error {terms : List (M.Number × M.Number)} {addends : List M.Number} {r : M.Number} {p k : Nat}
    {A C : Rat} (hterms : Every M.finitePair terms) (haddends : Every M.finite addends)
    (hp : M.roughs terms ≠ 0 → p ≠ 0) (hk : M.count terms + M.addendCount addends ≤ k + 1)
    (hA : magnitude M terms addends ≤ A)
    (hC : M.lost (M.roughs terms) (M.count terms + M.addendCount addends) ≤ C)
    (hfits : A + slack M.u p k A C < M.threshold) (h : Dot M terms addends r) :
    M.finite r ∧ Rational.abs (M.value r - (sumOf M.product terms + sumOf M.value addends)) ≤ slack M.u p k A C := by
  obtain ⟨t, ps, bs, hps, hbs, hperm, hb, hr⟩ := h
  have hsize := t.sizes_eq M
  rw [natSum_perm _ hperm, natSum_perm M.nonzero hperm, natSum_perm _ hb,
    hps.natSum M.nonzero (fun p h => oneUnless_of h), hps.natSum M.rough (fun p h => oneUnless_of (.inl h)),
    hbs.natSum M.nonzeroAddend (fun b h => oneUnless_of h)] at hsize
  change t.sizes M = (M.roughs terms, M.count terms + M.addendCount addends) at hsize
  have hskip : ∀ p, M.product p = 0 → M.productMag p = 0 := fun p h => by rw [Machine.productMag, h, Rational.abs_zero]
  have hskip' : ∀ b, M.value b = 0 → M.mag b = 0 := fun b h => by rw [Machine.mag, h, Rational.abs_zero]
  have htotal := t.total_eq M
  rw [sumOf_perm _ hperm, sumOf_perm _ hb, hps.sum M.product (fun _ h => h), hbs.sum M.value (fun _ h => h)] at htotal
  have hweight := t.weight_eq M
  rw [sumOf_perm _ hperm, sumOf_perm _ hb, hps.sum _ hskip, hbs.sum _ hskip'] at hweight
  have hunder : t.underflow M ≤ C := by
    refine Rat.le_trans ?_ hC
    rw [Tree.underflow, hsize]
    exact Rat.le_refl
  have hmono := slack_mono M.u_nonneg p k (show t.weight M ≤ A by rw [hweight]; exact hA) hunder
  have hnonneg := slack_nonneg M.u_nonneg p k (t.weight_nonneg M) (t.underflow_nonneg M)
  have hacc := t.accurate M p k
    (t.finite_of M (every_perm hperm (hps.every hterms)) (every_perm hb (hbs.every haddends)))
    (by rw [hsize]; exact hp) (by rw [hsize]; exact hk) (by unfold Tree.Fits; unfold magnitude at hA; grind) r hr
  obtain ⟨hf, hempty, hnear⟩ := hacc
  refine ⟨hf, ?_⟩
  rw [← htotal]
  by_cases h0 : (t.sizes M).2 = 0
  · rw [hempty h0, (t.empty M h0).2]
    have h00 : (0 : Rat) - 0 = 0 := by grind
    rw [h00, Rational.abs_zero]
    exact Rat.le_trans hnonneg hmono
  · have := hnear h0
    grind [M.ηSum_nonneg]

end
end TorchLean
