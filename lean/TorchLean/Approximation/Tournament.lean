module
prelude
public import TorchLean.Approximation.Maximum
public section

/-!
# Tournaments: networks whose outputs are replaced by maxima

`maxRounds q net` appends `q` hidden layers to a network; its outputs are the maxima of blocks of `2^q` outputs of
`net`. The number of units is exact (`tournamentUnits`), with two closed forms: `3 (2^q - 1) N` for `N` full blocks, and
at most `5 (k - 1)` for the tournament that leaves one of `k`.
-/

namespace TorchLean.Approximation

open Rational

/-- The units of one round: for each pair `u, v` those of `u`, `-u` and `v - u`; for a last one `u` and `-u`. -/
@[expose] def pairUnits : List Neuron → List Neuron
  | u :: v :: rest => u :: u.neg :: v.sub u :: pairUnits rest
  | [u] => [u, u.neg]
  | [] => []

/-- How many units a round on `k` outputs has. -/
@[expose] def pairWidth : Nat → Nat
  | k + 2 => pairWidth k + 3
  | 1 => 2
  | 0 => 0

/-- The outputs of a round on `k` outputs: `relu(u) - relu(-u) + relu(v - u)` for each pair. -/
@[expose] def pairOutputs : Nat → List Neuron
  | k + 2 => ⟨1 :: -1 :: 1 :: zeros (pairWidth k), 0⟩ :: skip (skip (skip (pairOutputs k)))
  | 1 => [⟨[1, -1], 0⟩]
  | 0 => []

/-- One round on the outputs of a network: one more hidden layer, half as many outputs. -/
@[expose] def maxRound (net : Network) : Network :=
  ⟨appendLayer (pairUnits net.output) net.hidden, pairOutputs (layerSize net.output)⟩

/-- Several rounds. -/
@[expose] def maxRounds : Nat → Network → Network
  | 0, net => net
  | q + 1, net => maxRounds q (maxRound net)

/-- How many units `q` rounds on `k` outputs add. -/
@[expose] def tournamentUnits : Nat → Nat → Nat
  | 0, _ => 0
  | q + 1, k => pairWidth k + tournamentUnits q ((k + 1) / 2)

/-- How many rounds leave one of `n`: the least `q` with `n <= 2^q`. -/
@[expose] def rounds (n : Nat) : Nat := if n ≤ 1 then 0 else (n - 1).log2 + 1

theorem pairWidth_eq : ∀ k, pairWidth k = 3 * (k / 2) + 2 * (k % 2)
  | 0 => by decide
  | 1 => by decide
  | k + 2 => by
    have := pairWidth_eq k
    rw [pairWidth]
    omega

theorem length_pairUnits : ∀ us : List Neuron, (pairUnits us).length = pairWidth us.length
  | [] => by simp [pairUnits, pairWidth]
  | [_] => by simp [pairUnits, pairWidth]
  | _ :: _ :: rest => by
    have := length_pairUnits rest
    simp only [pairUnits, List.length_cons, pairWidth]
    omega

theorem length_pairOutputs : ∀ k, (pairOutputs k).length = (k + 1) / 2
  | 0 => by decide
  | 1 => by decide
  | k + 2 => by
    have := length_pairOutputs k
    simp only [pairOutputs, List.length_cons, length_skip]
    omega

theorem width_pairUnits {d : Nat} : ∀ us : List Neuron, Width d us → Width d (pairUnits us)
  | [], h => h
  | [u], h => by
    have hu := h u (by simp)
    exact width_cons hu (width_cons (by rw [Neuron.neg, length_vneg, hu]) (fun m hm => by cases hm))
  | u :: v :: rest, h => by
    have hu := h u (by simp)
    have hv := h v (by simp)
    have hrest := width_pairUnits rest (fun m hm => h m (by simp [hm]))
    refine width_cons hu (width_cons ?_ (width_cons ?_ hrest))
    · rw [Neuron.neg, length_vneg, hu]
    · rw [Neuron.sub, length_vsub _ _ (by rw [hu, hv]), hv]

theorem width_pairOutputs : ∀ k, Width (pairWidth k) (pairOutputs k)
  | 0 => fun m hm => by cases hm
  | 1 => fun m hm => by rw [List.mem_singleton.mp hm]; rfl
  | k + 2 => width_cons (by simp only [List.length_cons, length_zeros, pairWidth])
      (width_skip (width_skip (width_skip (width_pairOutputs k))))

/-- One round computes the pairwise maxima. -/
theorem eval_pair {d : Nat} (x : List Rat) : ∀ us : List Neuron, Width d us →
    affine (pairOutputs us.length) (reluAll (affine (pairUnits us) x)) = pairMax (affine us x)
  | [], _ => rfl
  | [u], _ => by
    have := relu_sub_relu_neg (u.eval x)
    simp only [List.length_cons, List.length_nil, pairOutputs, pairUnits, affine, reluAll, pairMax, Neuron.eval_neg]
    simp only [Neuron.eval, dot] at *
    congr 1
    grind
  | u :: v :: rest, h => by
    have ih := eval_pair x rest (fun m hm => h m (by simp [hm]))
    have hs := relu_sub_relu_neg (u.eval x)
    have hsub : (v.sub u).eval x = v.eval x - u.eval x :=
      Neuron.eval_sub (by rw [h u (by simp), h v (by simp)]) x
    have hmax : larger (u.eval x) (v.eval x) = u.eval x + relu (v.eval x - u.eval x) := by
      unfold larger relu
      grind
    simp only [List.length_cons, pairOutputs, pairUnits, affine, reluAll, pairMax, affine_skip, ih, hmax, hsub,
      Neuron.eval_neg]
    congr 1
    generalize u.eval x = a at *
    generalize v.eval x = b at *
    simp only [Neuron.eval, dot, dot_zeros]
    grind

/-- In a network whose layers fit, all outputs have the same number of weights. -/
theorem exists_width_output {d : Nat} {layers : List (List Neuron)} {output : List Neuron}
    (h : ShapedFrom d layers output) : ∃ w, Width w output := by
  induction layers generalizing d with
  | nil => exact ⟨d, h⟩
  | cons l ls ih => exact ih h.2

/-- If the layers fit, the last hidden layer may take any outputs that come with their number of weights. -/
theorem shaped_maxRound {d : Nat} {net : Network} (h : net.Shaped d) : (maxRound net).Shaped d := by
  have hunits : ∀ (layers : List (List Neuron)) (e : Nat), ShapedFrom e layers net.output →
      ShapedFrom e layers (pairUnits net.output) := by
    intro layers
    induction layers with
    | nil => exact fun e he => width_pairUnits _ he
    | cons l ls ih => exact fun e he => ⟨he.1, ih _ he.2⟩
  show ShapedFrom d (appendLayer (pairUnits net.output) net.hidden) (pairOutputs (layerSize net.output))
  rw [appendLayer_eq]
  refine shapedFrom_append (hunits _ _ h) ?_
  rw [length_pairUnits, layerSize_eq]
  exact width_pairOutputs _

theorem eval_maxRound {d : Nat} {net : Network} (h : net.Shaped d) (x : List Rat) :
    (maxRound net).eval x = pairMax (net.eval x) := by
  obtain ⟨w, hw⟩ := exists_width_output h
  simp only [Network.eval, maxRound, appendLayer_eq, activations_append, layerSize_eq]
  exact eval_pair _ _ hw

theorem units_maxRound (net : Network) : (maxRound net).units = net.units + pairWidth net.output.length := by
  simp only [Network.units, maxRound, appendLayer_eq, unitCount_append, length_pairUnits]

theorem outputs_maxRound (net : Network) : (maxRound net).output.length = (net.output.length + 1) / 2 := by
  simp only [maxRound, length_pairOutputs, layerSize_eq]

theorem depth_maxRound (net : Network) : (maxRound net).depth = net.depth + 1 := by
  simp only [Network.depth, maxRound, appendLayer_eq, layerCount_eq, List.length_append,
    List.length_cons, List.length_nil]

/-- Rounds keep the layers fitting. -/
theorem shaped_maxRounds {d : Nat} (q : Nat) {net : Network} (h : net.Shaped d) : (maxRounds q net).Shaped d := by
  induction q generalizing net with
  | zero => exact h
  | succ q ih => exact ih (shaped_maxRound h)

/-- `q` rounds compute `q` rounds of pairwise maxima. -/
theorem eval_maxRounds {d : Nat} (q : Nat) {net : Network} (h : net.Shaped d) (x : List Rat) :
    (maxRounds q net).eval x = pairMaxes q (net.eval x) := by
  induction q generalizing net with
  | zero => rfl
  | succ q ih => rw [maxRounds, ih (shaped_maxRound h), eval_maxRound h, pairMaxes]

/-- `q` rounds add one hidden layer each. -/
theorem depth_maxRounds (q : Nat) (net : Network) : (maxRounds q net).depth = net.depth + q := by
  induction q generalizing net with
  | zero => rfl
  | succ q ih => rw [maxRounds, ih, depth_maxRound]; omega

/-- The units that `q` rounds add. -/
theorem units_maxRounds (q : Nat) (net : Network) :
    (maxRounds q net).units = net.units + tournamentUnits q net.output.length := by
  induction q generalizing net with
  | zero => rfl
  | succ q ih => rw [maxRounds, ih, units_maxRound, outputs_maxRound, tournamentUnits]; omega

/-- `N` blocks of `2^q` leave `N` outputs. -/
theorem outputs_maxRounds (q N : Nat) {net : Network} (h : net.output.length = 2 ^ q * N) :
    (maxRounds q net).output.length = N := by
  induction q generalizing net with
  | zero => rw [maxRounds, h, Nat.pow_zero, Nat.one_mul]
  | succ q ih =>
    refine ih ?_
    rw [outputs_maxRound, h, Nat.pow_succ, Nat.mul_comm (2 ^ q) 2, Nat.mul_assoc]
    omega

/-- `q` rounds on `N` blocks of `2^q` have `3 (2^q - 1) N` units. -/
theorem tournamentUnits_blocks (q N : Nat) : tournamentUnits q (2 ^ q * N) = 3 * (2 ^ q * N) - 3 * N := by
  induction q with
  | zero => simp [tournamentUnits]
  | succ q ih =>
    have hhalf : (2 * (2 ^ q * N) + 1) / 2 = 2 ^ q * N := by omega
    have hone : 1 * N ≤ 2 ^ q * N := Nat.mul_le_mul_right N Nat.one_le_two_pow
    rw [Nat.pow_succ, Nat.mul_comm (2 ^ q) 2, Nat.mul_assoc, tournamentUnits, hhalf, ih, pairWidth_eq]
    omega

/-- `rounds` are enough: `n <= 2^(rounds n)`. -/
theorem le_two_pow_rounds (n : Nat) : n ≤ 2 ^ rounds n := by
  unfold rounds
  split
  · omega
  · have := Nat.lt_log2_self (n := n - 1)
    omega

/-- `rounds` are not too many: `2^(rounds n) <= 2 (n - 1)` from `n = 2` on. -/
theorem two_pow_rounds_le {n : Nat} (h : 2 ≤ n) : 2 ^ rounds n ≤ 2 * (n - 1) := by
  unfold rounds
  rw [if_neg (by omega), Nat.pow_succ]
  have := Nat.log2_self_le (n := n - 1) (by omega)
  omega

/-- A tournament of `k` has at most `5 (k - 1)` units. -/
theorem tournamentUnits_le (q k : Nat) (h : 2 ^ q < 2 * k) : tournamentUnits q k ≤ 5 * (k - 1) := by
  induction q generalizing k with
  | zero => exact Nat.zero_le _
  | succ q ih =>
    rw [Nat.pow_succ] at h
    have := ih ((k + 1) / 2) (by omega)
    have := pairWidth_eq k
    have : 0 < 2 ^ q := Nat.two_pow_pos q
    rw [tournamentUnits]
    omega

/-- The tournament that leaves one of `k` has at most `5 (k - 1)` units. -/
theorem tournamentUnits_rounds_le (k : Nat) : tournamentUnits (rounds k) k ≤ 5 * (k - 1) := by
  by_cases h : 2 ≤ k
  · exact tournamentUnits_le _ _ (by have := two_pow_rounds_le h; omega)
  · have : rounds k = 0 := if_pos (by omega)
    rw [this]
    exact Nat.zero_le _

end TorchLean.Approximation
