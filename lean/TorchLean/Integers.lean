module

prelude
public import TorchLean.Net
public import Init.Data.Int.Basic
public import Init.Data.Option.Basic

/-!
# Integers for the kernel's evaluator

What the checker computes with: values that are evaluated before they are used, and integers by their constructors.
Only definitions; that they are what their names say is proved in `Arith`.

What runs for every number is written by recursors (`Int.rec`, `List.rec`): the same by `match` and equations takes
the kernel three to seven times as long, because it carries along the terms that these compile to.
-/

public noncomputable section

namespace TorchLean

/-! ## Forcing -/

/-- Evaluates a number before it is used. -/
@[expose] def forceNat {α : Type} (n : Nat) (k : Nat → α) : α :=
  Nat.rec (motive := fun _ => α) (k 0) (fun m _ => k m.succ) n

/-- Evaluates an integer before it is used. -/
@[expose] def forceInt {α : Type} (n : Int) (k : Int → α) : α :=
  Int.rec (motive := fun _ => α) (fun m => forceNat m fun m => k (.ofNat m))
    (fun m => forceNat m fun m => k (.negSucc m)) n

/-- Evaluates integers before they are used. -/
@[expose] def forceInts {α : Type} (xs : List Int) : (List Int → α) → α :=
  List.rec (motive := fun _ => (List Int → α) → α) (fun k => k [])
    (fun x _ rest k => forceInt x fun x => rest fun xs => k (x :: xs)) xs

/-- Evaluates a box before it is used. -/
@[expose] def forceBox {α : Type} (b : Box) : (Box → α) → α :=
  List.rec (motive := fun _ => (Box → α) → α) (fun k => k [])
    (fun b _ rest k => forceInt b.1 fun l => forceInt b.2 fun u => rest fun bs => k ((l, u) :: bs)) b

/-! ## Arithmetic

Sums, products and comparisons of integers by their constructors: those of the core library take the kernel several
times as many steps. -/

namespace Fast

/-- `m - n` of natural numbers. -/
@[expose] def diff (m n : Nat) : Int :=
  Nat.rec (motive := fun _ => Int) (.ofNat (m.sub n)) (fun k _ => .negSucc k) (n.sub m)

/-- `-n` of a natural number. -/
@[expose] def negNat (n : Nat) : Int := Nat.rec (motive := fun _ => Int) (.ofNat 0) (fun k _ => .negSucc k) n

/-- `-a` -/
@[expose] def neg (a : Int) : Int :=
  Int.rec (motive := fun _ => Int) negNat (fun m => .ofNat m.succ) a

/-- `a + b` -/
@[expose] def add (a b : Int) : Int :=
  Int.rec (motive := fun _ => Int)
    (fun m => Int.rec (motive := fun _ => Int) (fun n => .ofNat (m.add n)) (fun n => diff m n.succ) b)
    (fun m => Int.rec (motive := fun _ => Int) (fun n => diff n m.succ) (fun n => .negSucc (m.add n).succ) b) a

/-- `a - b` -/
@[expose] def sub (a b : Int) : Int :=
  Int.rec (motive := fun _ => Int)
    (fun m => Int.rec (motive := fun _ => Int) (fun n => diff m n) (fun n => .ofNat (m.add n.succ)) b)
    (fun m => Int.rec (motive := fun _ => Int) (fun n => .negSucc (m.add n)) (fun n => diff n m) b) a

/-- `a * b` -/
@[expose] def mul (a b : Int) : Int :=
  Int.rec (motive := fun _ => Int)
    (fun m => Int.rec (motive := fun _ => Int) (fun n => .ofNat (m.mul n)) (fun n => negNat (m.mul n.succ)) b)
    (fun m => Int.rec (motive := fun _ => Int) (fun n => negNat (m.succ.mul n))
      (fun n => .ofNat (m.succ.mul n.succ)) b) a

/-- `a ≤ b` -/
@[expose] def le (a b : Int) : Bool :=
  Int.rec (motive := fun _ => Bool)
    (fun m => Int.rec (motive := fun _ => Bool) (fun n => m.ble n) (fun _ => false) b)
    (fun m => Int.rec (motive := fun _ => Bool) (fun _ => true) (fun n => n.ble m) b) a

/-- `a = 0` -/
@[expose] def isZero (a : Int) : Bool := Int.rec (motive := fun _ => Bool) (fun m => m.beq 0) (fun _ => false) a

/-- `a = 1` -/
@[expose] def isOne (a : Int) : Bool := Int.rec (motive := fun _ => Bool) (fun m => m.beq 1) (fun _ => false) a

/-- `|a|` -/
@[expose] def abs (a : Int) : Nat := Int.rec (motive := fun _ => Nat) (fun m => m) (fun m => m.succ) a

/-- The smaller number. -/
@[expose] def min (a b : Int) : Int := cond (le a b) a b

/-- The larger number. -/
@[expose] def max (a b : Int) : Int := cond (le a b) b a

/-- `x` where `c` is not negative, else `y`. -/
@[expose] def bySign (c x y : Int) : Int := Int.rec (motive := fun _ => Int) (fun _ => x) (fun _ => y) c

end Fast

/-- Quotient by `2^k`, rounded down. -/
@[expose] def floorShift (n : Int) (k : Nat) : Int :=
  Int.rec (motive := fun _ => Int) (fun m => .ofNat (m.shiftRight k)) (fun m => .negSucc (m.shiftRight k)) n

/-- Quotient by `2^k`, rounded up. -/
@[expose] def ceilShift (n : Int) (k : Nat) : Int := Fast.neg (floorShift (Fast.neg n) k)

/-- Product with `2^k`. -/
@[expose] def shiftLeft (n : Int) (k : Nat) : Int :=
  Int.rec (motive := fun _ => Int) (fun m => .ofNat (m.shiftLeft k)) (fun m => Fast.negNat (m.succ.shiftLeft k)) n

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
