module
prelude
public import TorchLean.Approximation.Network
public section

/-!
# Maxima by ReLU networks

`max(u, v) = u + relu(v - u)`, and a network carries `u` through a layer as `relu(u) - relu(-u)`. So one hidden layer of
three units for each pair replaces a network's outputs, pairwise, by their maxima: a round of a tournament. After `q`
rounds each block of `2^q` outputs is replaced by its maximum.
-/

namespace TorchLean.Approximation

open Rational

/-! ## Maxima of numbers -/

/-- The larger of two numbers. -/
@[expose] def larger (x y : Rat) : Rat := if x ≤ y then y else x

/-- One round: the larger of each two neighbours; a last one without partner stays. -/
@[expose] def pairMax : List Rat → List Rat
  | x :: y :: rest => larger x y :: pairMax rest
  | [x] => [x]
  | [] => []

/-- Several rounds. -/
@[expose] def pairMaxes : Nat → List Rat → List Rat
  | 0, xs => xs
  | q + 1, xs => pairMaxes q (pairMax xs)

/-- `m` is the maximum of the list `xs`. -/
@[expose] def IsMax (m : Rat) (xs : List Rat) : Prop := m ∈ xs ∧ ∀ x, x ∈ xs → x ≤ m

/-- A list has one maximum only. -/
theorem IsMax.unique {m m' : Rat} {xs : List Rat} (h : IsMax m xs) (h' : IsMax m' xs) : m = m' :=
  Rat.le_antisymm (h'.2 m h.1) (h.2 m' h'.1)

theorem length_pairMax : ∀ xs : List Rat, (pairMax xs).length = (xs.length + 1) / 2
  | [] => by simp [pairMax]
  | [_] => by simp [pairMax]
  | _ :: _ :: rest => by
    have := length_pairMax rest
    simp only [pairMax, List.length_cons]
    omega

/-- Every element of a round comes from the list. -/
theorem mem_of_mem_pairMax {m : Rat} : ∀ xs : List Rat, m ∈ pairMax xs → m ∈ xs
  | [], h => h
  | [_], h => h
  | x :: y :: rest, h => by
    rcases List.mem_cons.mp h with h | h
    · unfold larger at h
      split at h <;> simp [h]
    · have := mem_of_mem_pairMax rest h
      simp [this]

/-- A bound on a round bounds the list. -/
theorem le_of_pairMax_le {m : Rat} : ∀ xs : List Rat, (∀ v, v ∈ pairMax xs → v ≤ m) → ∀ x, x ∈ xs → x ≤ m
  | [], h => h
  | [_], h => h
  | x :: y :: rest, h => by
    have hhead := h (larger x y) (by simp [pairMax])
    have hrest := le_of_pairMax_le rest (fun v hv => h v (by simp [pairMax, hv]))
    intro v hv
    unfold larger at hhead
    rcases List.mem_cons.mp hv with rfl | hv
    · grind
    · rcases List.mem_cons.mp hv with rfl | hv
      · grind
      · exact hrest v hv

/-- After `q` rounds, one number is left of up to `2^q`: the maximum. -/
theorem pairMaxes_isMax (q : Nat) (xs : List Rat) (h0 : 0 < xs.length) (hq : xs.length ≤ 2 ^ q) :
    ∃ m, pairMaxes q xs = [m] ∧ IsMax m xs := by
  induction q generalizing xs with
  | zero =>
    match xs, h0, hq with
    | [m], _, _ => exact ⟨m, rfl, by simp, fun x hx => by rw [List.mem_singleton.mp hx]; exact Rat.le_refl⟩
  | succ q ih =>
    have hlen := length_pairMax xs
    rw [Nat.pow_succ] at hq
    obtain ⟨m, hm, hmem, hmax⟩ := ih (pairMax xs) (by omega) (by omega)
    exact ⟨m, hm, mem_of_mem_pairMax xs hmem, le_of_pairMax_le xs hmax⟩

/-- A round does not look across a border at an even position. -/
theorem pairMax_append : ∀ (k : Nat) (xs ys : List Rat), xs.length = 2 * k →
    pairMax (xs ++ ys) = pairMax xs ++ pairMax ys
  | 0, [], _, _ => rfl
  | k + 1, x :: y :: rest, ys, h => by
    simp only [List.length_cons] at h
    simp only [List.cons_append, pairMax, pairMax_append k rest ys (by omega)]

/-- `q` rounds do not look across the border of a block of `2^q`. -/
theorem pairMaxes_append (q : Nat) (xs ys : List Rat) (h : xs.length = 2 ^ q) :
    pairMaxes q (xs ++ ys) = pairMaxes q xs ++ pairMaxes q ys := by
  induction q generalizing xs ys with
  | zero => rfl
  | succ q ih =>
    have h2 : xs.length = 2 * 2 ^ q := by rw [h, Nat.pow_succ, Nat.mul_comm]
    have hlen := length_pairMax xs
    simp only [pairMaxes, pairMax_append _ xs ys h2]
    exact ih _ _ (by omega)

/-! ## Affine forms -/

/-- Elementwise differences, over the shorter list. -/
@[expose] def vsub : List Rat → List Rat → List Rat
  | x :: xs, y :: ys => (x - y) :: vsub xs ys
  | _, _ => []

/-- Each element negated. -/
@[expose] def vneg : List Rat → List Rat
  | [] => []
  | x :: xs => -x :: vneg xs

/-- The list of `n` zeros. -/
@[expose] def zeros : Nat → List Rat
  | 0 => []
  | n + 1 => 0 :: zeros n

/-- The difference of two affine functions. -/
@[expose] def Neuron.sub (m n : Neuron) : Neuron := ⟨vsub m.weights n.weights, m.bias - n.bias⟩

/-- The negative of an affine function. -/
@[expose] def Neuron.neg (n : Neuron) : Neuron := ⟨vneg n.weights, -n.bias⟩

/-- The same functions of the values behind one more value in front. -/
@[expose] def skip : List Neuron → List Neuron
  | [] => []
  | n :: ns => ⟨0 :: n.weights, n.bias⟩ :: skip ns

theorem length_vsub : ∀ xs ys : List Rat, xs.length = ys.length → (vsub xs ys).length = xs.length
  | [], [], _ => rfl
  | x :: xs, y :: ys, h => by
    simp only [List.length_cons] at h
    simp only [vsub, List.length_cons, length_vsub xs ys (by omega)]

theorem length_vneg (xs : List Rat) : (vneg xs).length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih => exact congrArg (· + 1) ih

theorem length_zeros (n : Nat) : (zeros n).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg (· + 1) ih

theorem length_skip (ns : List Neuron) : (skip ns).length = ns.length := by
  induction ns with
  | nil => rfl
  | cons n ns ih => exact congrArg (· + 1) ih

theorem dot_zeros (n : Nat) (v : List Rat) : dot (zeros n) v = 0 := by
  induction n generalizing v with
  | zero => rfl
  | succ n ih =>
    cases v with
    | nil => rfl
    | cons x v => simp only [zeros, dot, ih]; grind

theorem dot_vneg (xs v : List Rat) : dot (vneg xs) v = -dot xs v := by
  induction xs generalizing v with
  | nil => rfl
  | cons x xs ih =>
    cases v with
    | nil => rfl
    | cons y v => simp only [vneg, dot, ih]; grind

theorem dot_vsub : ∀ xs ys v : List Rat, xs.length = ys.length → dot (vsub xs ys) v = dot xs v - dot ys v
  | [], [], v, _ => by simp only [vsub, dot]; grind
  | x :: xs, y :: ys, [], _ => by simp only [vsub, dot]; grind
  | x :: xs, y :: ys, z :: v, h => by
    simp only [List.length_cons] at h
    simp only [vsub, dot, dot_vsub xs ys v (by omega)]
    grind

theorem Neuron.eval_neg (n : Neuron) (x : List Rat) : n.neg.eval x = -n.eval x := by
  simp only [Neuron.eval, Neuron.neg, dot_vneg]
  grind

theorem Neuron.eval_sub {m n : Neuron} (h : m.weights.length = n.weights.length) (x : List Rat) :
    (m.sub n).eval x = m.eval x - n.eval x := by
  simp only [Neuron.eval, Neuron.sub, dot_vsub _ _ _ h]
  grind

theorem affine_skip (ns : List Neuron) (x : Rat) (v : List Rat) : affine (skip ns) (x :: v) = affine ns v := by
  induction ns with
  | nil => rfl
  | cons n ns ih =>
    have : Neuron.eval ⟨0 :: n.weights, n.bias⟩ (x :: v) = n.eval v := by
      simp only [Neuron.eval, dot]
      grind
    simp only [skip, affine, ih, this]

theorem affine_append (ms ns : List Neuron) (x : List Rat) : affine (ms ++ ns) x = affine ms x ++ affine ns x := by
  induction ms with
  | nil => rfl
  | cons m ms ih => simp only [List.cons_append, affine, ih]

theorem width_cons {d : Nat} {n : Neuron} {ns : List Neuron} (h : n.weights.length = d) (hs : Width d ns) :
    Width d (n :: ns) := by
  intro m hm
  rcases List.mem_cons.mp hm with rfl | hm
  · exact h
  · exact hs m hm

theorem width_append {d : Nat} {ms ns : List Neuron} (hm : Width d ms) (hn : Width d ns) : Width d (ms ++ ns) := by
  intro m h
  rcases List.mem_append.mp h with h | h
  · exact hm m h
  · exact hn m h

theorem width_skip {d : Nat} {ns : List Neuron} (h : Width d ns) : Width (d + 1) (skip ns) := by
  induction ns with
  | nil => intro m hm; cases hm
  | cons n ns ih =>
    exact width_cons (congrArg (· + 1) (h n (by simp))) (ih fun m hm => h m (by simp [hm]))

end TorchLean.Approximation
