module

prelude
public import TorchLean.Net
public import Init.Data.Int.Basic
public import Init.Data.Option.Basic

/-!
# Integers for the kernel's evaluator

What the checker computes with: values that are evaluated before they are used, and integers by their constructors.
Only definitions; that they are what their names say is proved in `Arith`.
-/

public section

namespace TorchLean

/-! ## Forcing -/

/-- Evaluates a number before it is used. -/
@[expose] def forceNat {α : Type} (n : Nat) (k : Nat → α) : α :=
  match n with
  | 0 => k 0
  | m + 1 => k m.succ

/-- Evaluates an integer before it is used. -/
@[expose] def forceInt {α : Type} (n : Int) (k : Int → α) : α :=
  match n with
  | .ofNat m => forceNat m fun m => k (.ofNat m)
  | .negSucc m => forceNat m fun m => k (.negSucc m)

/-- Evaluates integers before they are used. -/
@[expose] def forceInts {α : Type} : List Int → (List Int → α) → α
  | [], k => k []
  | x :: xs, k => forceInt x fun x => forceInts xs fun xs => k (x :: xs)

/-- Evaluates a box before it is used. -/
@[expose] def forceBox {α : Type} : Box → (Box → α) → α
  | [], k => k []
  | b :: bs, k => forceInt b.1 fun l => forceInt b.2 fun u => forceBox bs fun bs => k ((l, u) :: bs)

/-- Evaluates boxes before they are used. -/
@[expose] def forceBoxes {α : Type} : List Box → (List Box → α) → α
  | [], k => k []
  | b :: bs, k => forceBox b fun b => forceBoxes bs fun bs => k (b :: bs)

/-! ## Arithmetic

Sums, products and comparisons of integers by their constructors: those of the core library take the kernel several
times as many steps. -/

namespace Fast

/-- `a + b` -/
@[expose] def add (a b : Int) : Int :=
  match a, b with
  | .ofNat m, .ofNat n => .ofNat (m.add n)
  | .ofNat m, .negSucc n => Int.subNatNat m n.succ
  | .negSucc m, .ofNat n => Int.subNatNat n m.succ
  | .negSucc m, .negSucc n => .negSucc (m.add n).succ

/-- `a - b` -/
@[expose] def sub (a b : Int) : Int :=
  match a, b with
  | .ofNat m, .ofNat n => Int.subNatNat m n
  | .ofNat m, .negSucc n => .ofNat (m.add n.succ)
  | .negSucc m, .ofNat n => .negSucc (m.add n)
  | .negSucc m, .negSucc n => Int.subNatNat n m

/-- `a * b` -/
@[expose] def mul (a b : Int) : Int :=
  match a, b with
  | .ofNat m, .ofNat n => .ofNat (m.mul n)
  | .ofNat m, .negSucc n => Int.negOfNat (m.mul n.succ)
  | .negSucc m, .ofNat n => Int.negOfNat (m.succ.mul n)
  | .negSucc m, .negSucc n => .ofNat (m.succ.mul n.succ)

/-- `a ≤ b` -/
@[expose] def le (a b : Int) : Bool :=
  match a, b with
  | .ofNat m, .ofNat n => m.ble n
  | .ofNat _, .negSucc _ => false
  | .negSucc _, .ofNat _ => true
  | .negSucc m, .negSucc n => n.ble m

/-- The smaller number. -/
@[expose] def min (a b : Int) : Int := cond (le a b) a b

/-- The larger number. -/
@[expose] def max (a b : Int) : Int := cond (le a b) b a

/-- `x` where `c` is not negative, else `y`. -/
@[expose] def bySign (c x y : Int) : Int :=
  match c with
  | .ofNat _ => x
  | .negSucc _ => y

end Fast

/-- Quotient by `2^k`, rounded down. -/
@[expose] def floorShift (n : Int) (k : Nat) : Int :=
  match n with
  | .ofNat m => .ofNat (m.shiftRight k)
  | .negSucc m => .negSucc (m.shiftRight k)

/-- Quotient by `2^k`, rounded up. -/
@[expose] def ceilShift (n : Int) (k : Nat) : Int := -(floorShift (-n) k)

/-- Product with `2^k`. -/
@[expose] def shiftLeft (n : Int) (k : Nat) : Int :=
  match n with
  | .ofNat m => .ofNat (m.shiftLeft k)
  | .negSucc m => Int.negOfNat (m.succ.shiftLeft k)

/-- `Σ cᵢ xᵢ` over integers. -/
@[expose] def dotInt : List Int → List Int → Int
  | c :: cs, x :: xs => Fast.add (Fast.mul c x) (dotInt cs xs)
  | _, _ => 0

/-- `Σ |cᵢ| eᵢ`. -/
@[expose] def dotAbs : List Int → List Nat → Nat
  | c :: cs, e :: es => c.natAbs * e + dotAbs cs es
  | _, _ => 0

/-- The smallest `Σ cᵢ xᵢ` with each `xᵢ` in its interval. -/
@[expose] def lowest : List Int → Box → Int
  | c :: cs, b :: bs => Fast.add (Fast.mul c (Fast.bySign c b.1 b.2)) (lowest cs bs)
  | _, _ => 0

/-- The largest `Σ cᵢ xᵢ` with each `xᵢ` in its interval. -/
@[expose] def highest : List Int → Box → Int
  | c :: cs, b :: bs => Fast.add (Fast.mul c (Fast.bySign c b.2 b.1)) (highest cs bs)
  | _, _ => 0

/-- Negated elements. -/
@[expose] def negate : List Int → List Int
  | [] => []
  | c :: cs => -c :: negate cs

/-- Elementwise sum of rows; the empty row is zero. -/
@[expose] def addRows : List Int → List Int → List Int
  | [], ds => ds
  | cs, [] => cs
  | c :: cs, d :: ds => Fast.add c d :: addRows cs ds

/-- Elements times `2^k`. -/
@[expose] def scaleRow (k : Nat) : List Int → List Int
  | [] => []
  | c :: cs => shiftLeft c k :: scaleRow k cs

/-- Elements of all rows times `2^k`. -/
@[expose] def scaleRows (k : Nat) : List (List Int) → List (List Int)
  | [] => []
  | r :: rs => scaleRow k r :: scaleRows k rs

/-- Adds a row to the one that stands `p` places down; nothing if there is none. -/
@[expose] def addAt : Nat → List Int → List (List Int) → Option (List (List Int))
  | _, _, [] => none
  | 0, r, c :: cs => some (addRows r c :: cs)
  | p + 1, r, c :: cs => (addAt p r cs).map (c :: ·)

end TorchLean
