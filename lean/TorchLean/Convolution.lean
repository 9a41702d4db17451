module

prelude
public import TorchLean.Product
public import TorchLean.Loops
import Init.Data.List.Nat.Range

/-!
# Convolutions by their structure

The matrix of a convolution is mostly zeros, and its other numbers stand there once for each position. So a certificate
states kernels and axes (`Convolution`), each weight once, and this is what they mean: `Convolution.mat` is the matrix that
the checker works with, and its product with a vector is the convolution as everybody writes it
(`Convolution.results`): sums over the taps of a kernel, where what lies in the padding counts as zero.
`ConvolutionSum` proves that.

Any number of axes slides: channels are an axis with one position, and kernels of groups begin at different elements. The
taps of a kernel are in row-major order of its axes. The axis that is stated last is summed first, and that once for
all positions of the others; therefore channels stand last.

`withRows` computes the rows with few operations on large numbers: a kernel's fields are moved to where a row has them
by one shift for each tap of an axis.
-/

public noncomputable section

namespace TorchLean

/-! ## What is stated -/

/-- An axis that kernels slide along. -/
structure Axis where
  /-- Elements of a kernel along it. -/
  taps : Nat
  /-- Positions of the kernel: elements of the result. -/
  count : Nat
  /-- From one position to the next. -/
  stride : Nat
  /-- From one tap to the next. -/
  dilation : Nat
  /-- Zeros before the first element. Behind the last one there are as many as are read. -/
  padding : Nat
  /-- Elements of the operand along it. -/
  size : Nat
  /-- From one of them to the next, in the operand as a vector. -/
  step : Nat

/-- A kernel. -/
structure Kernel where
  /-- The operand's element that all axes count from. -/
  first : Nat
  /-- One field for each tap. -/
  weights : Row

/-- A convolution. Its results are those of the first kernel at all positions in row-major order, then those of the
next. -/
structure Convolution where
  /-- Bits of a field. -/
  width : Nat
  /-- Number of columns: the size of the operand. -/
  cols : Nat
  /-- What kernels slide along. -/
  axes : List Axis
  /-- One kernel for each channel of the result. -/
  kernels : List Kernel

/-! ## What it means -/

/-- `f start + f (start + 1) + …`, `count` terms. -/
@[expose] def sumFrom {α : Type} [Add α] [OfNat α 0] (f : Nat → α) : (count start : Nat) → α
  | 0, _ => 0
  | count + 1, start => f start + sumFrom f count (start + 1)

/-- What tap `k` reads at position `o`, counted from the first zero of the padding. -/
@[expose] def Axis.reach (a : Axis) (o k : Nat) : Nat := o * a.stride + k * a.dilation

/-- That is an element of the operand. -/
@[expose] def Axis.inside (a : Axis) (r : Nat) : Bool := a.padding.ble r && r.blt (a.padding.add a.size)

/-- Taps of a kernel. -/
@[expose] def volume (axes : List Axis) : Nat := List.rec (motive := fun _ => Nat) 1 (fun a _ n => a.taps.mul n) axes

/-- All positions, in row-major order. -/
@[expose] def positions : List Axis → List (List Nat)
  | [] => [[]]
  | a :: axes => (List.range' 0 a.count).flatMap fun o => (positions axes).map (o :: ·)

/-- An element, or zero where there is none. -/
@[expose] def elementAt : Vec → Nat → Rat
  | [], _ => 0
  | x :: _, 0 => x
  | _ :: xs, i + 1 => elementAt xs i

/-- **The convolution**: the sum over all taps of the weight times the element that it reads, at one position. The tap
is `t` from the first one and the element `i` in the operand as a vector. -/
@[expose] def slide (weight : Nat → Rat) (x : Vec) : List Axis → List Nat → (t i : Nat) → Rat
  | a :: axes, o :: os, t, i =>
    sumFrom (fun k => bif a.inside (a.reach o k) then
      slide weight x axes os (t + k * volume axes) (i + a.step * (a.reach o k - a.padding)) else 0) a.taps 0
  | [], _, t, i => weight t * elementAt x i
  | _ :: _, [], _, _ => 0

/-- A field of a number. -/
@[expose] def fieldAt (width n t : Nat) : Nat := n / 2 ^ (width * t) % 2 ^ width

/-- A weight of a kernel. -/
@[expose] def Kernel.weight (width : Nat) (kernel : Kernel) (t : Nat) : Rat :=
  (fieldAt width kernel.weights.pos t : Rat) - fieldAt width kernel.weights.neg t

/-- A kernel's fields as they stand in the row of one position. -/
@[expose] def placed (width first : Nat) : List Axis → List Nat → Nat → Nat
  | a :: axes, o :: os, n =>
    sumFrom (fun k => bif a.inside (a.reach o k) then
      placed width first axes os (n / 2 ^ (width * volume axes * k)) * 2 ^ (width * a.step * (a.reach o k - a.padding))
      else 0) a.taps 0
  | [], _, n => n % 2 ^ width * 2 ^ (width * first)
  | _ :: _, [], _ => 0

/-- What a convolution makes of a vector. -/
@[expose] def Convolution.results (c : Convolution) (x : Vec) : Vec :=
  c.kernels.flatMap fun kernel => (positions c.axes).map fun p => slide (kernel.weight c.width) x c.axes p 0 kernel.first

/-- The rows of one kernel. -/
@[expose] def Kernel.rows (width : Nat) (axes : List Axis) (kernel : Kernel) : List Row :=
  (positions axes).map fun p =>
    ⟨placed width kernel.first axes p kernel.weights.pos, placed width kernel.first axes p kernel.weights.neg⟩

/-- The matrix of a convolution. -/
@[expose] def Convolution.mat (c : Convolution) : Mat := ⟨c.width, c.cols, c.kernels.flatMap (·.rows c.width c.axes)⟩

/-! ## Computing the rows -/

/-- Evaluates numbers before they are used. -/
@[expose] def forceNats {α : Type} (ns : List Nat) : (List Nat → α) → α :=
  List.rec (motive := fun _ => (List Nat → α) → α) (fun k => k [])
    (fun n _ rest k => forceNat n fun n => rest fun ns => k (n :: ns)) ns

theorem forceNats_eq {α : Type} (ns : List Nat) (k : List Nat → α) : forceNats ns k = k ns := by
  induction ns generalizing k with
  | nil => rfl
  | cons n ns ih =>
    show forceNat n (fun n => forceNats ns fun ns => k (n :: ns)) = _
    rw [forceNat_eq, ih]

/-- The second list behind the first. -/
@[expose] def appendNats (xs ys : List Nat) : List Nat :=
  List.rec (motive := fun _ => List Nat) ys (fun x _ zs => x :: zs) xs

theorem appendNats_eq (xs ys : List Nat) : appendNats xs ys = xs ++ ys := by
  induction xs with
  | nil => rfl
  | cons x xs ih => exact congrArg (x :: ·) ih

/-- `ys + 2^s xs` -/
@[expose] def shiftAdd (s : Nat) (xs : List Nat) : List Nat → List Nat :=
  List.rec (motive := fun _ => List Nat → List Nat) (fun _ => [])
    (fun x _ rest ys => List.rec (motive := fun _ => List Nat) []
      (fun y ys _ => y.add (x.shiftLeft s) :: rest ys) ys) xs

theorem shiftAdd_map {β : Type} (s : Nat) (f g : β → Nat) (l : List β) :
    shiftAdd s (l.map f) (l.map g) = l.map fun p => g p + f p * 2 ^ s := by
  induction l with
  | nil => rfl
  | cons p l ih =>
    show (g p).add ((f p).shiftLeft s) :: shiftAdd s (l.map f) (l.map g) = _
    rw [ih, List.map_cons]
    congr 1
    exact congrArg (g p + ·) (Nat.shiftLeft_eq (f p) s)

/-- The taps of one position of an axis; `subs` are the rows of each tap's part of the kernel. -/
@[expose] def gather (a : Axis) (block : Nat) (subs : List (List Nat)) : Nat → List Nat → List Nat :=
  List.rec (motive := fun _ => Nat → List Nat → List Nat) (fun _ acc => acc)
    (fun s _ rest r acc => forceNat (r.add a.dilation) fun next =>
      rest next (Bool.rec (motive := fun _ => List Nat) acc (shiftAdd (block.mul (r.sub a.padding)) s acc) (a.inside r)))
    subs

theorem gather_map {β : Type} (a : Axis) (block o : Nat) (f : Nat → β → Nat) (l : List β) (count start : Nat)
    (g : β → Nat) :
    gather a block ((List.range' start count).map fun k => l.map (f k)) (a.reach o start) (l.map g)
      = l.map fun p => g p + sumFrom (fun k => bif a.inside (a.reach o k) then
          f k p * 2 ^ (block * (a.reach o k - a.padding)) else 0) count start := by
  induction count generalizing start g with
  | zero => exact List.map_congr_left fun p _ => (Nat.add_zero (g p)).symm
  | succ count ih =>
    have next : (a.reach o start).add a.dilation = a.reach o (start + 1) := by
      simp only [Axis.reach, Nat.add_eq, Nat.succ_mul, Nat.add_assoc]
    show forceNat ((a.reach o start).add a.dilation) (fun next => gather a block
      ((List.range' (start + 1) count).map fun k => l.map (f k)) next (Bool.rec (motive := fun _ => List Nat) (l.map g)
        (shiftAdd (block.mul ((a.reach o start).sub a.padding)) (l.map (f start)) (l.map g))
        (a.inside (a.reach o start)))) = _
    rw [forceNat_eq, next, shiftAdd_map]
    cases h : a.inside (a.reach o start) with
    | true =>
      show gather _ _ _ _ (l.map _) = _
      rw [ih]
      refine List.map_congr_left fun p _ => ?_
      simp only [sumFrom, h, cond_true, Nat.add_assoc]
      rfl
    | false =>
      show gather _ _ _ _ (l.map g) = _
      rw [ih]
      refine List.map_congr_left fun p _ => ?_
      simp only [sumFrom, h, cond_false, Nat.zero_add]

/-- All positions of an axis. -/
@[expose] def sweep (a : Axis) (block : Nat) (subs : List (List Nat)) (zeros : List Nat) (count : Nat) : Nat → List Nat :=
  Nat.rec (motive := fun _ => Nat → List Nat) (fun _ => [])
    (fun _ rest r => appendNats (gather a block subs r zeros) (rest (r.add a.stride))) count

theorem sweep_eq (a : Axis) (block : Nat) (subs : List (List Nat)) (zeros : List Nat) (count start : Nat) :
    sweep a block subs zeros count (a.reach start 0)
      = (List.range' start count).flatMap fun o => gather a block subs (a.reach o 0) zeros := by
  induction count generalizing start with
  | zero => rfl
  | succ count ih =>
    have next : (a.reach start 0).add a.stride = a.reach (start + 1) 0 := by
      simp only [Axis.reach, Nat.add_eq, Nat.succ_mul, Nat.zero_mul, Nat.add_zero]
    show appendNats (gather a block subs (a.reach start 0) zeros)
      (sweep a block subs zeros count ((a.reach start 0).add a.stride)) = _
    rw [appendNats_eq, next, ih]
    rfl

/-- A zero for each position. -/
@[expose] def zeros (axes : List Axis) : List Nat :=
  List.rec (motive := fun _ => List Nat) [0]
    (fun a _ zs => Nat.rec (motive := fun _ => List Nat) [] (fun _ l => appendNats zs l) a.count) axes

theorem zeros_eq (axes : List Axis) : zeros axes = (positions axes).map fun _ => 0 := by
  induction axes with
  | nil => rfl
  | cons a axes ih =>
    have h (count start : Nat) : Nat.rec (motive := fun _ => List Nat) [] (fun _ l => appendNats (zeros axes) l) count
        = ((List.range' start count).flatMap fun o => (positions axes).map (o :: ·)).map fun _ => 0 := by
      induction count generalizing start with
      | zero => rfl
      | succ count hc =>
        show appendNats (zeros axes) (Nat.rec (motive := fun _ => List Nat) [] _ count) = _
        rw [appendNats_eq, hc (start + 1), List.range'_succ, List.flatMap_cons, List.map_append, List.map_map, ih]
        rfl
    exact h a.count 0

/-- The rows of the parts of a kernel, one part for each tap of an axis. -/
@[expose] def parts {α : Type} (shift : Nat) (inner : Nat → (List Nat → α) → α) (taps : Nat) :
    Nat → (List (List Nat) → α) → α :=
  Nat.rec (motive := fun _ => Nat → (List (List Nat) → α) → α) (fun _ k => k [])
    (fun _ rest n k => inner n fun s => forceNat (n.shiftRight shift) fun n => rest n fun ss => k (s :: ss)) taps

theorem parts_eq {α : Type} (shift n : Nat) (inner : Nat → (List Nat → α) → α) (f : Nat → List Nat)
    (h : ∀ n k, inner n k = k (f n)) (taps start : Nat) (k : List (List Nat) → α) :
    parts shift inner taps (n / 2 ^ (shift * start)) k
      = k ((List.range' start taps).map fun j => f (n / 2 ^ (shift * j))) := by
  induction taps generalizing start k with
  | zero => rfl
  | succ taps ih =>
    show inner _ (fun s => forceNat ((n / 2 ^ (shift * start)).shiftRight shift) fun n =>
      parts shift inner taps n fun ss => k (s :: ss)) = _
    have next : (n / 2 ^ (shift * start)).shiftRight shift = n / 2 ^ (shift * (start + 1)) := by
      refine (Nat.shiftRight_eq_div_pow (n / 2 ^ (shift * start)) shift).trans ?_
      rw [Nat.div_div_eq_div_mul, ← Nat.pow_add, Nat.mul_succ]
    rw [h, forceNat_eq, next, ih]
    rfl

/-- A kernel's fields as they stand in the rows of all positions. -/
@[expose] def spread {α : Type} (width base first : Nat) (axes : List Axis) : Nat → (List Nat → α) → α :=
  List.rec (motive := fun _ => Nat → (List Nat → α) → α)
    (fun n k => forceNat ((n.mod base).shiftLeft (width.mul first)) fun n => k [n])
    (fun a axes inner n k => forceNat (width.mul (volume axes)) fun shift => forceNat (width.mul a.step) fun block =>
      parts shift inner a.taps n fun subs => forceNats (sweep a block subs (zeros axes) a.count 0) k) axes

theorem spread_eq {α : Type} (width first : Nat) (axes : List Axis) (n : Nat) (k : List Nat → α) :
    spread width (2 ^ width) first axes n k = k ((positions axes).map fun p => placed width first axes p n) := by
  induction axes generalizing n k with
  | nil =>
    show forceNat ((n % 2 ^ width).shiftLeft (width * first)) (fun n => k [n]) = _
    rw [forceNat_eq, show (n % 2 ^ width).shiftLeft (width * first) = n % 2 ^ width * 2 ^ (width * first) from
      Nat.shiftLeft_eq _ _]
    rfl
  | cons a axes ih =>
    show forceNat (width.mul (volume axes)) (fun shift => forceNat (width.mul a.step) fun block =>
      parts shift (spread width (2 ^ width) first axes) a.taps n fun subs =>
        forceNats (sweep a block subs (zeros axes) a.count 0) k) = _
    have hp := parts_eq (width * volume axes) n (spread (α := α) width (2 ^ width) first axes)
      (fun n => (positions axes).map fun p => placed width first axes p n) (fun n k => ih n k) a.taps 0
    rw [Nat.mul_zero, Nat.pow_zero, Nat.div_one] at hp
    have hs := sweep_eq a (width * a.step) ((List.range' 0 a.taps).map fun j =>
      (positions axes).map fun p => placed width first axes p (n / 2 ^ (width * volume axes * j))) (zeros axes) a.count 0
    rw [show a.reach 0 0 = 0 by simp only [Axis.reach, Nat.zero_mul, Nat.add_zero], zeros_eq] at hs
    simp only [gather_map, Nat.zero_add] at hs
    simp only [forceNat_eq, Nat.mul_eq, hp, forceNats_eq, zeros_eq, hs, positions, List.map_flatMap, List.map_map]
    rfl

/-- Two lists of parts as rows, and more rows behind them. -/
@[expose] def zipRows {α : Type} (ps : List Nat) (rows : List Row) : List Nat → (List Row → α) → α :=
  List.rec (motive := fun _ => List Nat → (List Row → α) → α) (fun _ k => k rows)
    (fun p _ rest ns k => List.rec (motive := fun _ => α) (k rows)
      (fun n ns _ => rest ns fun rs => k (⟨p, n⟩ :: rs)) ns) ps

theorem zipRows_map {α β : Type} (f g : β → Nat) (l : List β) (rows : List Row) (k : List Row → α) :
    zipRows (l.map f) rows (l.map g) k = k ((l.map fun p => ⟨f p, g p⟩) ++ rows) := by
  induction l generalizing k with
  | nil => rfl
  | cons p l ih => exact ih _

/-- The rows of all kernels. -/
@[expose] def kernelsRows {α : Type} (width base : Nat) (axes : List Axis) (kernels : List Kernel) :
    (List Row → α) → α :=
  List.rec (motive := fun _ => (List Row → α) → α) (fun k => k [])
    (fun kernel _ rest k => spread width base kernel.first axes kernel.weights.pos fun ps =>
      spread width base kernel.first axes kernel.weights.neg fun ns => rest fun rows => zipRows ps rows ns k) kernels

/-- The rows of the matrix, evaluated before they are used. -/
@[expose] def withRows {α : Type} (c : Convolution) (k : List Row → α) : α :=
  forceNat (2 ^ c.width) fun base => kernelsRows c.width base c.axes c.kernels k

/-- The rows that are computed are those of the matrix. -/
theorem withRows_eq {α : Type} (c : Convolution) (k : List Row → α) : withRows c k = k c.mat.rows := by
  obtain ⟨width, cols, axes, kernels⟩ := c
  rw [withRows, forceNat_eq]
  show kernelsRows width (2 ^ width) axes kernels k = k (kernels.flatMap (·.rows width axes))
  induction kernels generalizing k with
  | nil => rfl
  | cons kernel kernels ih =>
    show spread _ _ _ _ _ (fun ps => spread _ _ _ _ _ fun ns => kernelsRows width (2 ^ width) axes kernels fun rows =>
      zipRows ps rows ns k) = _
    rw [spread_eq, spread_eq, ih, zipRows_map]
    rfl

end TorchLean
