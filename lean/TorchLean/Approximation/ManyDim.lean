module
prelude
public import TorchLean.Approximation.ConeNet
public section

/-!
# Universal approximation on a box, with explicit size

A function on a box in `d` dimensions that is Lipschitz with constant `L` in the maximum norm is approximated to within
`eps` by `max_i (f(t_i) - L ‖x - t_i‖∞) + eps` over the `N = ∏ ⌈L (hi_j - lo_j) / (2 eps)⌉` centres `t_i` of a grid.
That formula is a ReLU network with `rounds (2 d) + rounds N` hidden layers and `coneUnits d N <= 12 d N` units, where
`rounds n` is `⌈log2 n⌉`. Without the lift by `eps` the same formula is within `2 eps`, from below: it is McShane's
extension of the values on the grid.

A number of units that grows like `eps^(-d)` cannot be avoided in the class of all Lipschitz functions by weights that
depend continuously on the function (DeVore, Howard and Micchelli, *Manuscripta Math.* 63, 1989); what is gained here is
that the constants are known and the network can be written down and evaluated.
-/

namespace TorchLean.Approximation

open Rational

/-! ## The network computes the formula -/

theorem affine_negEach (ns : List Neuron) (x : List Rat) : affine (negEach ns) x = vneg (affine ns x) := by
  induction ns with
  | nil => rfl
  | cons n ns ih => simp only [negEach, affine, vneg, ih, Neuron.eval_neg]

theorem length_negEach (ns : List Neuron) : (negEach ns).length = ns.length := by
  induction ns with
  | nil => rfl
  | cons n ns ih => exact congrArg (· + 1) ih

theorem width_negEach {d : Nat} {ns : List Neuron} (h : Width d ns) : Width d (negEach ns) := by
  induction ns with
  | nil => intro m hm; cases hm
  | cons n ns ih =>
    refine width_cons ?_ (ih fun m hm => h m (by simp [hm]))
    rw [Neuron.neg, length_vneg, h n (by simp)]

theorem width_raiseEach {d : Nat} (c : Rat) {ns : List Neuron} (h : Width d ns) : Width d (raiseEach c ns) := by
  induction ns with
  | nil => intro m hm; cases hm
  | cons n ns ih => exact width_cons (h n (by simp)) (ih fun m hm => h m (by simp [hm]))

/-- Raising the only output. -/
theorem affine_raiseEach (c : Rat) {ns : List Neuron} {x : List Rat} {m : Rat} (h : affine ns x = [m]) :
    affine (raiseEach c ns) x = [m + c] := by
  cases ns with
  | nil => simp [affine] at h
  | cons n ns =>
    cases ns with
    | cons _ _ => simp [affine] at h
    | nil =>
      simp only [affine, List.cons.injEq, and_true] at h
      simp only [raiseEach, affine, List.cons.injEq, and_true]
      rw [← h]
      simp only [Neuron.eval]
      grind

/-- A network may be given other outputs that read the same values. -/
theorem shaped_output {d : Nat} {layers : List (List Neuron)} {output output' : List Neuron}
    (h : ShapedFrom d layers output) (ho : ∀ w, Width w output → Width w output') : ShapedFrom d layers output' := by
  induction layers generalizing d with
  | nil => exact ho d h
  | cons l ls ih => exact ⟨h.1, ih h.2⟩

theorem vneg_negCones (f : List Rat → Rat) (L : Rat) (x : List Rat) (ts : List (List Rat)) :
    vneg (negCones f L x ts) = cones f L x ts := by
  induction ts with
  | nil => rfl
  | cons t ts ih =>
    simp only [negCones, vneg, cones, ih]
    congr 1
    grind

variable {f : List Rat → Rat} {L lift : Rat} {d : Nat} {ts : List (List Rat)}

theorem coneLayers_shaped (hts : ∀ t, t ∈ ts → t.length = d) : (coneLayers f L d ts).Shaped d := by
  have h : Network.Shaped d ⟨[], blocks f L d ts⟩ := width_blocks f L ts hts
  have hbases : (bases f L d ts).Shaped d := shaped_maxRounds (rounds (2 * d)) h
  exact shaped_output hbases fun _ hw => width_negEach hw

/-- The first half of the network computes the cones. -/
theorem coneLayers_eval (hL : 0 ≤ L) (hts : ∀ t, t ∈ ts → t.length = d) {x : List Rat} (hx : x.length = d) :
    (coneLayers f L d ts).eval x = cones f L x ts := by
  have h : Network.Shaped d ⟨[], blocks f L d ts⟩ := width_blocks f L ts hts
  have heval : (bases f L d ts).eval x = pairMaxes (rounds (2 * d)) (affine (blocks f L d ts) x) :=
    eval_maxRounds (rounds (2 * d)) h x
  have hneg : (coneLayers f L d ts).eval x = vneg ((bases f L d ts).eval x) := affine_negEach _ _
  rw [hneg, heval, pairMaxes_blocks f hL hx ts hts, vneg_negCones]

theorem coneLayers_outputs (hts : ∀ t, t ∈ ts → t.length = d) : (coneLayers f L d ts).output.length = ts.length := by
  have hsame : (coneLayers f L d ts).output.length = (bases f L d ts).output.length := length_negEach _
  rw [hsame]
  exact outputs_maxRounds _ _ (length_blocks f L ts hts)

/-- The layers of the network fit. -/
theorem coneNet_shaped (hts : ∀ t, t ∈ ts → t.length = d) : (coneNet f L lift d ts).Shaped d := by
  have hpeak : (peak f L d ts).Shaped d := shaped_maxRounds _ (coneLayers_shaped hts)
  exact shaped_output hpeak fun _ hw => width_raiseEach lift hw

/-- **The network is the formula**: its only output is the maximum of the cones, raised by `lift`. -/
theorem coneNet_eval (hL : 0 ≤ L) (hts : ∀ t, t ∈ ts → t.length = d) (hne : 0 < ts.length) {x : List Rat}
    (hx : x.length = d) :
    ∃ m, IsMax m (cones f L x ts) ∧ (coneNet f L lift d ts).eval x = [m + lift] := by
  have heval : (peak f L d ts).eval x = pairMaxes (rounds (pointCount ts)) ((coneLayers f L d ts).eval x) :=
    eval_maxRounds _ (coneLayers_shaped hts) x
  rw [coneLayers_eval hL hts hx] at heval
  obtain ⟨m, hm, hmax⟩ := pairMaxes_isMax (rounds (pointCount ts)) (cones f L x ts) (by rwa [length_cones])
    (by rw [length_cones, pointCount_eq]; exact le_two_pow_rounds _)
  rw [hm] at heval
  exact ⟨m, hmax, affine_raiseEach lift heval⟩

/-- The number of hidden layers: `⌈log2 (2 d)⌉ + ⌈log2 N⌉`. -/
theorem coneNet_depth : (coneNet f L lift d ts).depth = rounds (2 * d) + rounds ts.length := by
  have hnet : (coneNet f L lift d ts).depth = (peak f L d ts).depth := rfl
  have hpeak : (peak f L d ts).depth = (bases f L d ts).depth + rounds (pointCount ts) := depth_maxRounds ..
  have hbases : (bases f L d ts).depth = 0 + rounds (2 * d) := depth_maxRounds ..
  rw [hnet, hpeak, hbases, pointCount_eq, Nat.zero_add]

/-- The number of units, exactly. -/
theorem coneNet_units (hts : ∀ t, t ∈ ts → t.length = d) : (coneNet f L lift d ts).units = coneUnits d ts.length := by
  have hnet : (coneNet f L lift d ts).units = (peak f L d ts).units := rfl
  have hpeak : (peak f L d ts).units =
      (bases f L d ts).units + tournamentUnits (rounds (pointCount ts)) (coneLayers f L d ts).output.length :=
    units_maxRounds ..
  have hbases : (bases f L d ts).units = 0 + tournamentUnits (rounds (2 * d)) (blocks f L d ts).length :=
    units_maxRounds ..
  rw [hnet, hpeak, hbases, coneLayers_outputs hts, pointCount_eq, length_blocks f L ts hts, tournamentUnits_blocks,
    Nat.zero_add, coneUnits]

/-- In positive dimension there are at most `12 d N` units. -/
theorem coneUnits_le {d : Nat} (hd : 1 ≤ d) (N : Nat) : coneUnits d N ≤ 12 * d * N := by
  have h1 := tournamentUnits_rounds_le N
  have h2 : 2 ^ rounds (2 * d) * N ≤ (4 * d - 2) * N :=
    Nat.mul_le_mul_right N (by have := two_pow_rounds_le (n := 2 * d) (by omega); omega)
  have h3 : (4 * d - 2) * N = 4 * d * N - 2 * N := Nat.sub_mul ..
  have h4 : 12 * d * N = 3 * (4 * d * N) := by
    have : 12 * d = 3 * (4 * d) := by omega
    rw [this, Nat.mul_assoc]
  have h5 : 1 * N ≤ 2 ^ rounds (2 * d) * N := Nat.mul_le_mul_right N Nat.one_le_two_pow
  unfold coneUnits
  omega

/-! ## The approximation theorems -/

/-- The network's only output is within `eps` of `f` everywhere in the box. -/
@[expose] def ApproximatesOnBox (net : Network) (f : List Rat → Rat) (box : List Side) (eps : Rat) : Prop :=
  ∀ x, InBox box x → ∃ y, net.eval x = [y] ∧ abs (y - f x) ≤ eps

/-- The network on a box for accuracy `eps`: the cones over the grid, raised by `eps`. -/
@[expose] def boxNet (f : List Rat → Rat) (L eps : Rat) (box : List Side) : Network :=
  coneNet f L eps (dimension box) (grid L eps box)

variable {box : List Side} {eps : Rat}

theorem length_of_mem_grid (heps : 0 < eps) (hbox : ∀ s, s ∈ box → s.lo ≤ s.hi) :
    ∀ t, t ∈ grid L eps box → t.length = dimension box := by
  intro t ht
  rw [dimension_eq]
  exact length_of_inBox (grid_inside heps box hbox t ht)

/--
**Enclosure by the pure formula.** On the box, `max_i (f(t_i) - L ‖x - t_i‖∞)` over the grid, computed by the network
without lift, is at most `f x` and at least `f x - 2 eps`.
-/
theorem cones_approximate (hL : 0 ≤ L) (heps : 0 < eps) (hf : LipschitzOnBox f box L) {x : List Rat}
    (hx : InBox box x) :
    ∃ m, (coneNet f L 0 (dimension box) (grid L eps box)).eval x = [m] ∧ f x - 2 * eps ≤ m ∧ m ≤ f x := by
  have hts := length_of_mem_grid (L := L) heps (sides_of_inBox hx)
  obtain ⟨m, hmax, heval⟩ := coneNet_eval (f := f) (lift := 0) hL hts
    (by rw [length_grid]; exact gridPoints_pos ..) (by rw [dimension_eq]; exact length_of_inBox hx)
  rw [Rat.add_zero] at heval
  exact ⟨m, heval, cones_enclose hL heps hf hx hmax⟩

/-- **Approximation on a box.** The lifted network is within `eps` of `f` at every point of the box. -/
theorem boxNet_approximates (hL : 0 ≤ L) (heps : 0 < eps) (hf : LipschitzOnBox f box L) :
    ApproximatesOnBox (boxNet f L eps box) f box eps := by
  intro x hx
  have hts := length_of_mem_grid (L := L) heps (sides_of_inBox hx)
  obtain ⟨m, hmax, heval⟩ := coneNet_eval (f := f) (lift := eps) hL hts
    (by rw [length_grid]; exact gridPoints_pos ..) (by rw [dimension_eq]; exact length_of_inBox hx)
  have hm := cones_enclose hL heps hf hx hmax
  refine ⟨_, heval, ?_⟩
  rw [abs_le]
  grind

/--
**Universal approximation on a box.** Let `f` be Lipschitz on a box of `d >= 1` sides, with constant `L` in the maximum
norm. For every `eps > 0` there is a ReLU network whose layers fit, within `eps` of `f` on the box, with

* exactly `coneUnits d N <= 12 d N` units in `⌈log2 (2 d)⌉ + ⌈log2 N⌉` hidden layers,
* where `N = gridPoints L eps box = ∏ max(1, ⌈L (hi_j - lo_j) / (2 eps)⌉)`.
-/
theorem universal_approximation_box (hL : 0 ≤ L) (hbox : ∀ s, s ∈ box → s.lo ≤ s.hi) (hd : 1 ≤ box.length)
    (hf : LipschitzOnBox f box L) (eps : Rat) (heps : 0 < eps) :
    ∃ net : Network, net.Shaped box.length ∧ ApproximatesOnBox net f box eps ∧
      net.depth = rounds (2 * box.length) + rounds (gridPoints L eps box) ∧
      net.units = coneUnits box.length (gridPoints L eps box) ∧
      net.units ≤ 12 * box.length * gridPoints L eps box := by
  have hts := length_of_mem_grid (L := L) heps hbox
  have hunits : (boxNet f L eps box).units = coneUnits box.length (gridPoints L eps box) := by
    rw [boxNet, coneNet_units hts, length_grid, dimension_eq]
  refine ⟨boxNet f L eps box, ?_, boxNet_approximates hL heps hf, ?_, hunits, ?_⟩
  · rw [← dimension_eq]
    exact coneNet_shaped hts
  · rw [boxNet, coneNet_depth, length_grid, dimension_eq]
  · rw [hunits]
    exact coneUnits_le hd _

/-!
## An inhabitant

The maximum of two numbers on the unit square is Lipschitz with constant 1: for `eps = 1/4` four points are enough, and
the network of four hidden layers and 45 units can be evaluated.
-/

/-- The larger of two coordinates. -/
@[expose] def maxOfTwo : List Rat → Rat
  | [x, y] => larger x y
  | _ => 0

/-- The unit square. -/
@[expose] def unitSquare : List Side := [⟨0, 1⟩, ⟨0, 1⟩]

/-- The points of the unit square are pairs. -/
private theorem exists_pair : ∀ {x : List Rat}, InBox unitSquare x → ∃ a b, x = [a, b]
  | [], h => by simp [InBox, unitSquare] at h
  | [_], h => by simp [InBox, unitSquare] at h
  | [a, b], _ => ⟨a, b, rfl⟩
  | _ :: _ :: _ :: _, h => by simp [InBox, unitSquare] at h

/-- The maximum of two numbers is Lipschitz with constant 1 in the maximum norm. -/
theorem maxOfTwo_lipschitz : LipschitzOnBox maxOfTwo unitSquare 1 := by
  intro x y hx hy
  obtain ⟨a, b, rfl⟩ := exists_pair hx
  obtain ⟨c, d, rfl⟩ := exists_pair hy
  show abs (larger a b - larger c d) ≤ 1 * larger (abs (a - c)) (larger (abs (b - d)) 0)
  rw [Rat.one_mul, abs_le]
  unfold larger abs
  grind

/-- Four points are enough for a quarter. -/
theorem maxOfTwo_points : gridPoints 1 (1/4) unitSquare = 4 := by decide +kernel

/-- The network is within a quarter of the maximum of two numbers. -/
theorem maxOfTwo_approximated : ApproximatesOnBox (boxNet maxOfTwo 1 (1/4) unitSquare) maxOfTwo unitSquare (1/4) :=
  boxNet_approximates (by decide +kernel) (by decide +kernel) maxOfTwo_lipschitz

/-- Its size, counted. -/
theorem maxOfTwo_size : (boxNet maxOfTwo 1 (1/4) unitSquare).units = 45 ∧
    (boxNet maxOfTwo 1 (1/4) unitSquare).depth = 4 := by decide +kernel

/-- Its value at `(1/3, 1/2)`: 3/4 where the maximum is 1/2. -/
theorem maxOfTwo_evaluated : (boxNet maxOfTwo 1 (1/4) unitSquare).eval [1/3, 1/2] = [3/4] := by decide +kernel

end TorchLean.Approximation
