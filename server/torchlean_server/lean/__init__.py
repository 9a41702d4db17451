"""Lean beside the editor: certificates of proved claims, checked one after the other in the background.

`service` is Lean as blocking calls, `threads` brings them to the event loop, `prover` is the queue, `report` tells
clients what is still unchecked, `bar` shows that Lean is at work.
"""
