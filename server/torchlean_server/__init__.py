"""The language server: documents, scheduling and features. The kernel computes in other processes; no torch here.

The core (`text`, `edits`, `state`, `documents`, `scheduling`, `checking`, `process`, `pool`, `worker`, `render`) knows
no LSP types; `features` are functions from (state, position) to values; `convert` alone knows LSP columns and URIs;
`server` only wires.
"""
