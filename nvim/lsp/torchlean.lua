-- The configuration `torchlean` of Neovim 0.11 and newer; `vim.lsp.config("torchlean", {...})` changes it.
return require("torchlean").config()
