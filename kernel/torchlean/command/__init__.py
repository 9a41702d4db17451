"""The command line's commands, one file each; `torchlean.cli` only declares options and calls them."""
