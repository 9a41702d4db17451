"""What users state about a network, and how it is run and decided.

`api`, `plain` and `errors` are the run time that a user's file imports, free of torch; `runtime` and
`sampling` are its part that needs torch. `domain` is the same idea of a domain for the analysis. Nothing is
imported here, so that `import torchlean` stays light.
"""
