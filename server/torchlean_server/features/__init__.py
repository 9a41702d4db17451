"""What the editor shows: one file a feature, each a function from a document (and a position) to plain values.

Positions are offsets in the text of now; `torchlean_server.convert` makes LSP's of them.
"""
