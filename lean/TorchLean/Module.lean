module

prelude
public import TorchLean.Net
public import Init.GrindInstances.Ring.Rat
public import Init.Grind
public import Init.Omega

/-!
# Modules

Networks as a user of PyTorch writes them: modules inside modules, run eagerly by `forward`. This is the side of a
network that people read; the graph of `TorchLean.Net` is the side that certificates speak about. That both give the
same result is proved in `TorchLean.Compile`.

The eager semantics is independent of that of the graph: a weight is the rational number `w / 2^scale` and `relu` is
`max(x, 0)`, whereas the graph sums integers, divides once, and writes `relu` as a hinge.
-/

public section

namespace TorchLean

/-- A module. Weights and biases are integers over `2^scale`, as every binary32 number is. -/
inductive Module where
  /-- `nn.Identity`, `nn.Flatten` of a tensor already written as a list, `nn.Dropout` in evaluation mode. -/
  | identity
  /-- `nn.Linear`: `x Wᵀ + b` with one row of `weight` and one element of `bias` for each output. -/
  | linear (scale : Nat) (weight : List (List Int)) (bias : List Int)
  /-- `nn.ReLU` -/
  | relu
  /-- `nn.LeakyReLU(negative_slope = slope / 2^scale)` -/
  | leakyRelu (scale : Nat) (slope : Int)
  /-- `nn.Sequential(first, second)`; longer ones by nesting, see `Module.sequential`. -/
  | andThen (first second : Module)
  /-- `x + body(x)` -/
  | residual (body : Module)
  /-- `torch.cat([left(x), right(x)])` -/
  | concat (left right : Module)

namespace Module

/-- `nn.Sequential` of a list of modules. -/
@[expose] def sequential : List Module → Module
  | [] => identity
  | [m] => m
  | m :: ms => andThen m (sequential ms)

/-- `Σ (wᵢ / 2^scale) xᵢ`, over the shorter of the two lists. -/
@[expose] def weightedSum (scale : Nat) : List Int → Vec → Rat
  | w :: ws, x :: xs => (w : Rat) / pow2 scale * x + weightedSum scale ws xs
  | _, _ => 0

/-- `x Wᵀ + b`, an output for each row and its bias. -/
@[expose] def linearForward (scale : Nat) (x : Vec) : List (List Int) → List Int → Vec
  | r :: rs, b :: bs => (weightedSum scale r x + (b : Rat) / pow2 scale) :: linearForward scale x rs bs
  | _, _ => []

/-- `max(z, 0)` -/
@[expose] def positivePart (z : Rat) : Rat := if 0 ≤ z then z else 0

/-- `z` where it is positive, `slope * z` elsewhere. -/
@[expose] def leak (slope z : Rat) : Rat := if 0 < z then z else slope * z

/-- `torch.cat` of two vectors. -/
@[expose] def cat : Vec → Vec → Vec
  | [], ys => ys
  | x :: xs, ys => x :: cat xs ys

/-- Eager execution. -/
@[expose] def forward : Module → Vec → Vec
  | identity, x => x
  | linear scale w b, x => linearForward scale x w b
  | relu, x => vmap positivePart x
  | leakyRelu scale slope, x => vmap (leak ((slope : Rat) / pow2 scale)) x
  | andThen first second, x => second.forward (first.forward x)
  | residual body, x => vadd x (body.forward x)
  | concat left right, x => cat (left.forward x) (right.forward x)

/--
`m.Sized n k`: the module takes `n` numbers to `k` numbers; these are the shape rules of PyTorch. Whatever has no such
sizes is a shape error there.
-/
inductive Sized : Module → Nat → Nat → Prop where
  | identity (n : Nat) : Sized identity n n
  | linear {scale : Nat} {w : List (List Int)} {b : List Int} {n : Nat}
      (hw : ∀ r, r ∈ w → r.length = n) (hb : b.length = w.length) : Sized (linear scale w b) n w.length
  | relu (n : Nat) : Sized relu n n
  | leakyRelu (scale : Nat) (slope : Int) (n : Nat) : Sized (leakyRelu scale slope) n n
  | andThen {first second : Module} {n k l : Nat} (h1 : Sized first n k) (h2 : Sized second k l) :
      Sized (andThen first second) n l
  | residual {body : Module} {n : Nat} (h : Sized body n n) : Sized (residual body) n n
  | concat {left right : Module} {n k l : Nat} (h1 : Sized left n k) (h2 : Sized right n l) :
      Sized (concat left right) n (k + l)

theorem length_vmap (f : Rat → Rat) (x : Vec) : (vmap f x).length = x.length := by
  induction x with
  | nil => rfl
  | cons x xs ih => exact congrArg (· + 1) ih

theorem length_vadd : ∀ x y : Vec, x.length = y.length → (vadd x y).length = x.length
  | [], [], _ => rfl
  | x :: xs, y :: ys, h => by
    simp only [List.length_cons] at h
    simp only [vadd, List.length_cons, length_vadd xs ys (by omega)]

theorem length_cat (x y : Vec) : (cat x y).length = x.length + y.length := by
  induction x with
  | nil => simp only [cat, List.length_nil, Nat.zero_add]
  | cons x xs ih => simp only [cat, List.length_cons, ih]; omega

theorem length_linearForward (scale : Nat) (x : Vec) : ∀ (w : List (List Int)) (b : List Int),
    b.length = w.length → (linearForward scale x w b).length = w.length
  | [], [], _ => rfl
  | r :: rs, b :: bs, h => by
    simp only [List.length_cons] at h
    simp only [linearForward, List.length_cons, length_linearForward scale x rs bs (by omega)]

/-- The shape rules are right: a module of sizes `n`, `k` makes `k` numbers of `n`, so no sum drops a term. -/
theorem length_forward {m : Module} {n k : Nat} (h : m.Sized n k) {x : Vec} (hx : x.length = n) :
    (m.forward x).length = k := by
  induction h generalizing x with
  | identity n => exact hx
  | linear hw hb => exact length_linearForward _ x _ _ hb
  | relu n => rw [forward, length_vmap, hx]
  | leakyRelu scale slope n => rw [forward, length_vmap, hx]
  | andThen h1 h2 ih1 ih2 => exact ih2 (ih1 hx)
  | residual h ih => rw [forward, length_vadd _ _ (by rw [ih hx, hx]), hx]
  | concat h1 h2 ih1 ih2 => rw [forward, length_cat, ih1 hx, ih2 hx]

end Module

end TorchLean
