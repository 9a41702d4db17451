"""The parts of the scalar reference: one clause of IEEE 754-2019 per file, on Python's integers."""
