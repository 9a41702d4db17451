module

prelude
public import TorchLean.Approximation.ManyDim
public import TorchLean.Approximation.OneDim
public import TorchLean.Compile
public import TorchLean.DotParts
public import TorchLean.Example
public import TorchLean.Layers
public import TorchLean.Lyapunov
public import TorchLean.Parts
public import TorchLean.Witness

/-!
# TorchLean: what its verdicts rest on

* `TorchLean.Net`, `TorchLean.Check`, `TorchLean.Sound`: networks over integers, the checker of certificates, and the
  theorem that what it accepts is true; `TorchLean.Parts`: the same for large plans, in several theorems.
* `TorchLean.Convolution`, `TorchLean.ConvolutionSum`, `TorchLean.Layers`: convolutions by their kernels, and that their
  matrices are these convolutions.
* `TorchLean.Float32`, `TorchLean.DotProduct`, `TorchLean.Bridge`: an executable binary32, dot products in any order,
  and that executions are runs of the noisy network.
* `TorchLean.Module`, `TorchLean.Compile`: modules, whose eager execution and compiled graph agree.
* `TorchLean.Approximation`: universal approximation with explicit networks.
* `TorchLean.Lyapunov`: practical stability in discrete time.

`docs/trust.md` lists the theorems and where TorchLean uses them.
-/
