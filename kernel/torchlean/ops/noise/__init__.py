"""Rounding errors of single ops: the rules by family (`choices`, `elementwise`, `contractions`, ...), what they speak
about (`values`), and the settings of the machine they hold for (`arithmetic`).

`torchlean.rounding` composes them over a graph.
"""
