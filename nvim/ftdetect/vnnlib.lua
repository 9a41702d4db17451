vim.filetype.add({ extension = { vnnlib = "vnnlib" } })
