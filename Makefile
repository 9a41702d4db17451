# The two commands a newcomer types are `make demo` and `make test`; everything they need is set up by them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow test-lean test-editors test-pythons vsix lint types format bench examples semantics pictures clean setup lean

setup: $(STAMP)

# Constraints pin what continuous integration uses. Which build of torch comes is up to the settings of pip: the CPU
# build is all that is needed, and gigabytes smaller.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Python 3.11 or newer is needed here, and \
	$(PYTHON) is %d.%d: name another one, as in `make PYTHON=python3.13 $(MAKECMDGOALS)`" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev,examples]"
	touch $@

# A native Lean of the pinned version is used where there is one; else the embedded one is fetched into the user's cache,
# once, and what certificates need of the Lean library is compiled there, once for each state of its sources. Without Lean
# everything else works, so a registry that cannot be reached stops nothing here.
lean: setup
	-$(BIN)/python -m torchlean.cli lean setup

demo: setup lean
	$(BIN)/python examples/demo.py

# One thread per process: two processes that both let torch use every core wait for each other, and the tensors of
# the tests are too small to gain anything.
test test-slow test-lean: export OMP_NUM_THREADS = 1

test: setup lint types lean
	$(BIN)/python -m pytest -n 2 --dist worksteal

# What the default run samples, in full.
test-slow: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

# Compiles the whole Lean library, and runs the tests that need minutes of Lean: one process, since each check takes a core.
test-lean: setup lean
	$(BIN)/python -m torchlean.cli lean build
	$(BIN)/python -m pytest -m lean

# What depends on the version of Python, under every other one that is found here (tests/other_pythons.py).
test-pythons: setup
	$(BIN)/python tests/other_pythons.py

# The clients in vscode-extension/ and nvim/, in the real editors.
test-editors: setup
	tests/editors/run.sh

# The extension for VS Code as one file that can be installed.
vsix: setup
	tests/editors/run.sh vsix

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m benchmarks --write

# Trains every example again from its fixed seed and rewrites the weights beside it.
examples: setup
	$(BIN)/python examples/train_all.py

# Writes docs/semantics.md anew from the table of corner cases that the tests run.
semantics: setup
	$(BIN)/python docs/make_semantics.py

# Asks the language server anew for what docs/hover.svg shows, and takes the pictures of the real editor.
pictures: setup
	$(BIN)/python docs/make_pictures.py
	tests/editors/run.sh pictures

clean:
	rm -rf $(VENV) .venv-pythons build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
