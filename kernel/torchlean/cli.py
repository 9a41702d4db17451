"""The `torchlean` command: options and help texts. What the commands do stands in `torchlean.command`.

Heavy imports (torch) happen inside the commands, so that `--help` and wrong usage answer at once.
Exit codes: 0 everything proved and no error, 1 otherwise, 2 wrong usage.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from torchlean.command.limits import INTERRUPTED, SECONDS, TERMINATED, Terminated, noted, stopped, termination
from torchlean.startup import keep_freed_memory, quick_imports

METHODS = ("ibp", "crown", "alpha")
"""Bound methods that exist; the command line offers no other."""

METHOD_HELP = "Intervals only; linear bounds too where there is a domain; these with optimised slopes."

IMPORTING = 5.0
"""Seconds that imports may take to end after a signal: torch's take two."""

_existing = click.Path(exists=True, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_new_file = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="torchlean")
def main() -> None:
    """What the tensors of ordinary PyTorch files can be, and whether the claims in them hold."""
    keep_freed_memory()


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_existing, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--no-lean", is_flag=True, help="Do not check proved claims with Lean.")
@click.option(
    "--certificate",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a certificate of every proved claim into DIR, as JSON and as a Lean file.",
)
@click.option(
    "--timeout",
    type=SECONDS,
    default=None,
    metavar="S",
    help="Give up on a file after S seconds.",
)
def check(
    paths: tuple[Path, ...], as_json: bool, no_lean: bool, certificate: Path | None, timeout: float | None
) -> None:
    """Report diagnostics and the verdict of every claim in PATH... (files, or folders with all their .py files).

    Exits with 0 when all claims are proved and nothing is an error, with 1 otherwise.
    """
    with quick_imports():
        from torchlean.command.check import run

    sys.exit(run(paths, as_json=as_json, timeout=timeout, lean=not no_lean, certificates=certificate))


@main.command()
@click.argument("file", type=_file)
@click.option(
    "--output",
    "-o",
    type=_new_file,
    metavar="PAGE.html",
    help="Default: FILE's name with .report.html, here.",
)
@click.option(
    "--eps", "radii", type=float, multiple=True, metavar="E", help="Radii of the plots; may be repeated."
)
@click.option("--timeout", type=SECONDS, default=None, metavar="S", help="Give up after S seconds.")
def report(file: Path, output: Path | None, radii: tuple[float, ...], timeout: float | None) -> None:
    """Write what became of the claims in FILE, and the bounds of every tensor, as one HTML page that needs no network.

    Robust claims have their certified accuracy over eps.

    Exits as `check` does.
    """
    with quick_imports():
        from torchlean.command.reporting import run

    sys.exit(run(file, output, radii, timeout))


@main.command()
@click.argument("path", type=_file)
@click.option("--claim", default=None, metavar="NAME", help="Use this claim's domain (or this module).")
@click.option("--method", type=click.Choice(METHODS), default="crown", show_default=True, help=METHOD_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--elements", is_flag=True, help="With --json: the bounds of every element too.")
@click.option("--all", "everything", is_flag=True, help="List weights and constants too.")
@click.option("--errors", is_flag=True, help="Which lines the rounding error of the result comes from.")
@click.option("--flush-to-zero", is_flag=True, help="Errors for hardware that flushes subnormal numbers.")
@click.option("--tf32", is_flag=True, help="Errors with matrix products in TF32.")
@click.option("--autocast", type=click.Choice(("bfloat16", "float16")), help="Errors under torch.autocast.")
@click.option("--compiled", is_flag=True, help="Errors where torch.compile may write the kernels (CPU).")
def bounds(
    path: Path,
    claim: str | None,
    method: str,
    as_json: bool,
    elements: bool,
    everything: bool,
    errors: bool,
    flush_to_zero: bool,
    tf32: bool,
    autocast: str | None,
    compiled: bool,
) -> None:
    """Print what every tensor of a model in PATH can be: one row per node of its graph."""
    if elements and not as_json:
        raise click.UsageError("--elements needs --json: a table cannot hold every element")
    with quick_imports():
        from torchlean.command.bounds import Showing, arithmetic, run

    machine = arithmetic(flush_to_zero=flush_to_zero, tf32=tf32, autocast=autocast, compiled=compiled)
    showing = Showing(as_json=as_json, elements=elements, everything=everything, errors=errors)
    sys.exit(run(path, claim, method, showing, machine))


@main.command()
@click.argument("file", type=_file)
@click.option("--name", metavar="NAME", help="Of the Lyapunov function, where FILE has several.")
@click.option("--picture", type=_new_file, metavar="OUT.svg", help="Draw what is shown and what is open.")
@click.option("--level", is_flag=True, help="Search for the largest level rho that can be proved.")
@click.option(
    "--timeout",
    type=SECONDS,
    default=20.0,
    show_default=True,
    metavar="S",
    help="Split the region for S seconds, for each fact.",
)
def lyapunov(file: Path, name: str | None, picture: Path | None, level: bool, timeout: float) -> None:
    """Decide the facts of a Lyapunov function in FILE (`stable = tl.lyapunov(...)`), and study them closer.

    Exits with 0 when all of them are proved, with 1 otherwise.
    """
    with quick_imports():
        from torchlean.command.lyapunov import run

    sys.exit(run(file, name, picture, level, timeout))


@main.command()
@click.argument("model", type=_file, metavar="MODEL.onnx")
@click.argument("property", type=_file, metavar="PROPERTY.vnnlib")
@click.option("--timeout", type=SECONDS, default=None, metavar="S", help="Give up after S seconds.")
@click.option("--result", type=_new_file, metavar="FILE", help="Write verdict and witness as VNN-COMP does.")
@click.option(
    "--certificate", type=_new_file, metavar="FILE", help="Write the tree of splits with all bounds (JSON)."
)
@click.option(
    "--resume",
    type=_file,
    metavar="FILE",
    help="Go on from the tree of splits that an earlier run wrote; all of it is proved again.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=None,
    metavar="N",
    help="Processes that share the work, this one among them; by default one for each core, when it takes long.",
)
@click.option(
    "--scheduler",
    default=None,
    metavar="ADDRESS",
    help="Share the work with a Dask cluster: tcp://host:port.",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="DEVICE",
    help="Compute bounds on this device of torch's: cpu, cuda or cuda:1.",
)
def verify(
    model: Path,
    property: Path,
    timeout: float | None,
    result: Path | None,
    certificate: Path | None,
    resume: Path | None,
    workers: int | None,
    scheduler: str | None,
    device: str,
) -> None:
    """Decide whether the network MODEL.onnx has the property of PROPERTY.vnnlib.

    The last line begins with `unsat` (it holds), `sat` (with a counterexample), `unknown`, `timeout` or `error`.
    Exits with 0 when the property holds, with 2 when a file cannot be used, with 1 otherwise.
    """
    started = time.monotonic()
    if workers is not None and scheduler is not None:
        raise click.UsageError(
            "--workers starts processes here, --scheduler uses a cluster's: give one of them"
        )
    if device != "cpu" and (workers is not None or scheduler is not None):
        raise click.UsageError("--device computes in one process: leave --workers and --scheduler out")
    try:
        # Imports drop exceptions here and there, and with them an interrupt would be lost.
        with noted(IMPORTING) as asked, quick_imports():
            from torchlean.command.verify import Machines, run
        if asked():
            sys.exit(stopped(asked()))
        with termination():
            machines = Machines(workers, scheduler, device)
            code = run(model, property, timeout, result, certificate, machines, started, resume)
    except KeyboardInterrupt:
        code = stopped(INTERRUPTED)
    except Terminated:
        code = stopped(TERMINATED)
    sys.exit(code)


@main.command()
@click.argument("file", type=_file)
@click.option("--module", default=None, metavar="NAME", help="This module alone.")
@click.option("--claim", default=None, metavar="NAME", help="This claim alone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--graph", is_flag=True, help="Print the exported graphs, too.")
@click.option(
    "--timeout", type=SECONDS, default=120.0, show_default=True, metavar="S", help="End it after S seconds."
)
def export(
    file: Path, module: str | None, claim: str | None, as_json: bool, graph: bool, timeout: float
) -> None:
    """Run FILE, export its claims and modules with torch.export, and compare them with what is read from the source.

    FILE's code runs in a process with limits of time and memory, without network. Exits with 0 when both say the same.
    """
    if module is not None and claim is not None:
        raise click.UsageError("--module and --claim: give one of them")
    with quick_imports():
        from torchlean.capture.result import UnitKind
        from torchlean.command.export import run

    kind = UnitKind.CLAIM if claim is not None else UnitKind.MODULE if module is not None else None
    sys.exit(run(file, claim or module, kind, as_json=as_json, graph=graph, seconds=timeout))


@main.command()
@click.argument("file", type=_file)
@click.option("--claim", default=None, metavar="NAME", help="This claim, family or module alone.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Inputs of each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option(
    "--timeout",
    type=SECONDS,
    default=300.0,
    show_default=True,
    metavar="S",
    help="End the program after S seconds.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=256),
    default=4096,
    show_default=True,
    metavar="MIB",
    help="What it may hold.",
)
@click.option("--no-lean", is_flag=True, help="Do not ask Lean for the numbers of claims' networks.")
def conform(
    file: Path, claim: str | None, samples: int, as_json: bool, timeout: float, memory: int, no_lean: bool
) -> None:
    """Run the claims and modules of FILE in every way that torch has, and compare the numbers with the graph's.

    FILE's code runs in a process with limits, without network. Exits with 0 when all of it was compared and is inside
    of what is proved, with 1 otherwise.
    """
    with quick_imports():
        from torchlean.command.conform import run
        from torchlean.conformance import Options
        from torchlean.sandbox import Limits

    options = Options(
        claim=claim, samples=samples, limits=Limits(seconds=timeout, memory=memory), remember=True
    )
    sys.exit(run(file, options, as_json, lean=not no_lean))


@main.command()
@click.argument("code", metavar="CODE")
def explain(code: str) -> None:
    """Explain a diagnostic code such as TL101."""
    from torchlean.command.explain import run

    sys.exit(run(code))


@main.group()
def lean() -> None:
    """Lean 4, which checks certificates: set it up, see what is there, check a certificate again."""


_lean_path = click.option(
    "--lean",
    "path",
    default=None,
    metavar="PATH",
    help="Use this native Lean: the program, or the folder of a toolchain.",
)


@lean.command("setup")
@_lean_path
@click.option(
    "--library/--no-library", default=True, help="Compile what certificates need, too (the default)."
)
def lean_setup(path: str | None, library: bool) -> None:
    """Fetch the embedded Lean where no native one is found, and compile what certificates need of the library.

    Does nothing when that is done.
    """
    from torchlean.command import lean as command

    sys.exit(command.guarded(lambda: command.setup(path, library)))


@lean.command("build")
@_lean_path
def lean_build(path: str | None) -> None:
    """Compile what is missing of the whole Lean library; its errors are shown. Needs no network."""
    from torchlean.command import lean as command

    sys.exit(command.guarded(lambda: command.build(path)))


@lean.command("status")
@_lean_path
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def lean_status(path: str | None, as_json: bool) -> None:
    """Tell which Lean is used, which version, where, and how many modules of the library are compiled.

    Exits with 2 where there is no Lean.
    """
    from torchlean.command import lean as command

    sys.exit(command.guarded(lambda: command.status(path, as_json)))


@lean.command("check")
@click.argument("file", type=_file, metavar="FILE.lean")
@_lean_path
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option(
    "--timeout", type=SECONDS, default=120.0, show_default=True, metavar="S", help="Stop Lean after S s."
)
def lean_check(file: Path, path: str | None, as_json: bool, timeout: float) -> None:
    """Let Lean check the certificate FILE.lean.

    Exits with 0 when Lean accepts it, with 1 when it does not, with 2 when there is no Lean.
    """
    from torchlean.command import lean as command

    sys.exit(command.guarded(lambda: command.check(file, path, timeout, as_json)))


@main.command()
@click.option(
    "--tcp",
    type=click.IntRange(0, 65535),
    default=None,
    metavar="PORT",
    help="Listen on this loopback port instead of standard input and output.",
)
def lsp(tcp: int | None) -> None:
    """Run the language server."""
    from torchlean_server.main import run

    run(tcp)


if __name__ == "__main__":
    main()
