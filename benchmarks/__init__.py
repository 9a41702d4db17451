"""Measurements, printed as tables: `python -m benchmarks [NAME...]`. Nothing here is asserted in tests."""
