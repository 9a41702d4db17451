module
prelude
public import TorchLean.Bridge

/-!
# An execution that can be run

`run32` executes a network of affine layers, relu, sums and concatenations in binary32, one accumulator per row, from
the bias on, first product first. It is one of the executions that `Exec` admits, so `Exec` is not empty where it
succeeds: it needs weights that are numbers of binary32.
-/

public noncomputable section
namespace TorchLean
open TorchLean.Float32

/-- `w`, if it is the number `c / 2^scale`. -/
@[expose] def confirmed (scale : Nat) (c : Int) (w : Nat) : Option Nat :=
  if w < 2 ^ 32 ∧ Float32.magnitude w < infinity ∧ wholes w * (2 ^ scale : Nat) = c * (2 ^ 149 : Nat)
  then some w else none

/-- The number `c / 2^scale`, if binary32 has it. -/
@[expose] def weight32 (scale : Nat) (c : Int) : Option Nat :=
  confirmed scale c (pack false (c * (2 ^ 149 : Nat)) scale)

theorem confirmed_sound {scale : Nat} {c : Int} {p w : Nat} (h : confirmed scale c p = some w) :
    binary32.IsWeight scale c w := by
  unfold confirmed at h
  split at h
  · rename_i hp
    have hw : p = w := Option.some.inj h
    subst hw
    refine ⟨⟨hp.1, hp.2.1⟩, ?_⟩
    have hq := scale_quantum
    have h3 : ((wholes p * (2 ^ scale : Nat) : Int) : Rat) = ((c * (2 ^ 149 : Nat) : Int) : Rat) := by rw [hp.2.2]
    rw [Rat.intCast_mul, Rat.intCast_mul, Rat.intCast_natCast, Rat.intCast_natCast] at h3
    show (wholes p : Rat) * quantum * pow2 scale = c
    change (wholes p : Rat) * pow2 scale = _ at h3
    generalize ((2 ^ 149 : Nat) : Rat) = S at *
    generalize pow2 scale = P at *
    generalize (wholes p : Rat) = W at *
    generalize (c : Rat) = C at *
    have e : W * quantum * P = W * P * quantum := by grind
    rw [e, h3]
    grind
  · exact absurd h (by simp)

theorem weight32_sound {scale : Nat} {c : Int} {w : Nat} (h : weight32 scale c = some w) :
    binary32.IsWeight scale c w := confirmed_sound h

/-- The products of a row; nothing if a weight is no number of binary32. -/
@[expose] def terms32 (scale : Nat) : List Int → List Nat → Option (List (Nat × Nat))
  | [], _ => some []
  | _ :: _, [] => some []
  | c :: cs, x :: xs => (weight32 scale c).bind fun w => (terms32 scale cs xs).map fun ts => (w, x) :: ts

theorem terms32_sound {scale : Nat} {row : List Int} {a : List Nat} {ts : List (Nat × Nat)}
    (h : terms32 scale row a = some ts) : binary32.Terms scale row a ts := by
  induction row generalizing a ts with
  | nil => exact (Option.some.inj h).symm
  | cons c cs ih =>
    cases a with
    | nil => exact (Option.some.inj h).symm
    | cons x xs =>
      rw [terms32, Option.bind_eq_some_iff] at h
      obtain ⟨w, hw, h⟩ := h
      rw [Option.map_eq_some_iff] at h
      obtain ⟨ts', hts, h⟩ := h
      subst h
      exact ⟨⟨w, weight32_sound hw, Or.inl rfl⟩, ih hts⟩

/-- The products added to `acc`, one after the other. -/
@[expose] def sum32 : List (Nat × Nat) → Nat → Nat
  | [], acc => acc
  | p :: ps, acc => sum32 ps (add acc (mul p.1 p.2))

/-- The tree of `sum32`. -/
@[expose] def sumTree : List (Nat × Nat) → Tree Nat → Tree Nat
  | [], t => t
  | p :: ps, t => sumTree ps (.add t (.product p.1 p.2))

theorem sumTree_result {ps : List (Nat × Nat)} {t : Tree Nat} {acc : Nat} (h : Tree.Result binary32 t acc) :
    Tree.Result binary32 (sumTree ps t) (sum32 ps acc) := by
  induction ps generalizing t acc with
  | nil => exact h
  | cons p ps ih => exact ih (t := .add t (.product p.1 p.2)) ⟨acc, mul p.1 p.2, h, rfl, rfl⟩

theorem sumTree_products (ps : List (Nat × Nat)) (t : Tree Nat) : (sumTree ps t).products = t.products ++ ps := by
  induction ps generalizing t with
  | nil => rw [sumTree, List.append_nil]
  | cons p ps ih =>
    rw [sumTree, ih, Tree.products, Tree.products, List.append_assoc]
    rfl

theorem sumTree_addends (ps : List (Nat × Nat)) (t : Tree Nat) : (sumTree ps t).addends = t.addends := by
  induction ps generalizing t with
  | nil => rfl
  | cons p ps ih => rw [sumTree, ih, Tree.addends, Tree.addends, List.append_nil]

theorem perm_refl {α : Type} : ∀ l : List α, l.Perm l
  | [] => .nil
  | x :: l => .cons x (perm_refl l)

theorem sum32_dot (ts : List (Nat × Nat)) (c : Nat) : Dot binary32 ts [c] (sum32 ts c) := by
  refine ⟨sumTree ts (.addend c), ts, [c], Kept.all _ ts, Kept.all _ [c], ?_, ?_, sumTree_result rfl⟩
  · rw [sumTree_products]
    exact perm_refl ts
  · rw [sumTree_addends]
    exact perm_refl [c]

/-- The outputs of an affine layer. -/
@[expose] def linear32 (scale : Nat) (a : List Nat) : List (List Int) → List Int → Option (List Nat)
  | [], _ => some []
  | _ :: _, [] => some []
  | r :: rs, b :: bs =>
    (terms32 scale r a).bind fun ts => (weight32 scale b).bind fun c =>
      (linear32 scale a rs bs).map fun ys => sum32 ts c :: ys

theorem linear32_sound {scale : Nat} {a : List Nat} {rows : List (List Int)} {bias : List Int} {ys : List Nat}
    (h : linear32 scale a rows bias = some ys) : binary32.LinearResult scale a rows bias ys := by
  induction rows generalizing bias ys with
  | nil => exact (Option.some.inj h).symm
  | cons r rs ih =>
    cases bias with
    | nil => exact (Option.some.inj h).symm
    | cons b bs =>
      rw [linear32, Option.bind_eq_some_iff] at h
      obtain ⟨ts, hts, h⟩ := h
      rw [Option.bind_eq_some_iff] at h
      obtain ⟨c, hc, h⟩ := h
      rw [Option.map_eq_some_iff] at h
      obtain ⟨ys', hys, h⟩ := h
      subst h
      exact ⟨⟨ts, c, terms32_sound hts, weight32_sound hc, sum32_dot ts c⟩, ih hys⟩

/-- `max(x, 0)`. -/
@[expose] def relu32 : List Nat → List Nat
  | [] => []
  | x :: xs => (if negative x = true then 0 else x) :: relu32 xs

/-- The hinge is relu. -/
@[expose] def isRelu (f : Hinge) : Prop := f.scale = 0 ∧ f.kink = 0 ∧ f.value = 0 ∧ f.below = 0 ∧ f.above = 1

theorem relu_value {f : Hinge} (h : isRelu f) (grid : Nat) (z : Rat) : f.eval grid z = if z ≤ 0 then 0 else z := by
  obtain ⟨h1, h2, h3, h4, h5⟩ := h
  have hone : pow2 0 = 1 := rfl
  have hzero : ((0 : Int) : Rat) = 0 := rfl
  have hone' : ((1 : Int) : Rat) = 1 := rfl
  have hz : (z * pow2 grid ≤ 0) ↔ z ≤ 0 := by
    constructor
    · intro h
      exact le_of_mul_pow2_le grid (by rw [Rat.zero_mul]; exact h)
    · intro h
      have := Rat.mul_le_mul_of_nonneg_right h (pow2_nonneg grid)
      rwa [Rat.zero_mul] at this
  simp only [Hinge.eval, h1, h2, h3, h4, h5, hone, hzero, hone', hz, Rat.div_def, Rat.zero_mul]
  split <;> grind

theorem relu32_value {x : Nat} (h : Float32.Finite x) :
    Float32.Finite (if negative x = true then 0 else x) ∧
      value (if negative x = true then 0 else x) = if value x ≤ 0 then 0 else value x := by
  have hq := quantum_pos
  have hm := Rat.mul_nonneg (@Rat.natCast_nonneg (decode (Float32.magnitude x))) (Rat.le_of_lt hq)
  by_cases hn : negative x = true
  · have hv : value x = -((decode (Float32.magnitude x) : Rat) * quantum) := by
      rw [value, wholes, if_pos hn, Rat.intCast_neg, Rat.intCast_natCast]
      grind
    have h0 : value 0 = 0 := by
      rw [value, show wholes 0 = 0 from rfl]
      exact Rat.zero_mul _
    have hle : value x ≤ 0 := by rw [hv]; grind
    rw [if_pos hn, h0, if_pos hle]
    exact ⟨⟨by omega, by decide⟩, rfl⟩
  · have hv : value x = (decode (Float32.magnitude x) : Rat) * quantum := by
      rw [value, wholes, if_neg hn, Rat.intCast_natCast]
    rw [if_neg hn]
    refine ⟨h, ?_⟩
    split <;> grind

theorem relu32_sound {grid : Nat} {f : Hinge} (hf : isRelu f) (a : List Nat) :
    binary32.HingeResult grid f a (relu32 a) := by
  induction a with
  | nil => rfl
  | cons x xs ih =>
    refine ⟨fun hx => ?_, ih⟩
    rw [relu_value hf]
    exact relu32_value hx

/-- Elementwise sums, over the shorter list. -/
@[expose] def add32 : List Nat → List Nat → List Nat
  | a :: as', b :: bs => add a b :: add32 as' bs
  | _, _ => []

theorem add32_sound (a b : List Nat) : binary32.AddResult a b (add32 a b) := by
  induction a generalizing b with
  | nil => rfl
  | cons x xs ih =>
    cases b with
    | nil => rfl
    | cons z zs => exact ⟨rfl, ih zs⟩

/-- The numbers of a node. -/
@[expose] def node32 (env : List (List Nat)) : Node → Option (List Nat)
  | .linear p scale w b => linear32 scale (numbersAt env p) w.ints b
  | .hinge p f =>
    if f.scale = 0 ∧ f.kink = 0 ∧ f.value = 0 ∧ f.below = 0 ∧ f.above = 1 then some (relu32 (numbersAt env p)) else none
  | .add p q => some (add32 (numbersAt env p) (numbersAt env q))
  | .concat p q => some (glue (numbersAt env p) (numbersAt env q))

/-- Every node an operation. -/
@[expose] def operations : List Node → List Role
  | [] => []
  | _ :: ns => .operation :: operations ns

/-- The numbers of all nodes, output first, the input last. -/
@[expose] def run32 : List Node → List Nat → Option (List (List Nat))
  | [], x => some [x]
  | n :: ns, x => (run32 ns x).bind fun env => (node32 env n).map fun y => y :: env

theorem node32_sound {grid : Nat} {env : List (List Nat)} {n : Node} {y : List Nat} (h : node32 env n = some y) :
    binary32.NodeResult grid env y n := by
  cases n with
  | linear p scale w b =>
    rw [node32] at h
    exact linear32_sound h
  | hinge p f =>
    rw [node32] at h
    split at h
    · rename_i hf
      have h := Option.some.inj h
      subst h
      exact relu32_sound hf _
    · exact absurd h (by simp)
  | add p q =>
    simp only [node32, Option.some.injEq] at h
    subst h
    exact add32_sound _ _
  | concat p q =>
    exact (Option.some.inj h).symm

/-- **`run32` is an execution.** -/
theorem run32_exec {grid : Nat} {nodes : List Node} {x : List Nat} {env : List (List Nat)}
    (h : run32 nodes x = some env) : Exec binary32 grid nodes (operations nodes) x env := by
  induction nodes generalizing env with
  | nil => exact (Option.some.inj h).symm
  | cons n ns ih =>
    rw [run32, Option.bind_eq_some_iff] at h
    obtain ⟨env', henv, h⟩ := h
    rw [Option.map_eq_some_iff] at h
    obtain ⟨y, hy, h⟩ := h
    subst h
    exact ⟨ih henv, node32_sound hy⟩

end TorchLean
