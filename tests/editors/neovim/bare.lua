-- The built-in client without the plugin, configured as docs/editors.md tells.
local here = debug.getinfo(1, "S").source:match("@(.*/)")
local t = dofile(here .. "support.lua")

t.run(function()
  vim.cmd("filetype on")
  vim.o.swapfile = false
  if vim.lsp.config then
    vim.lsp.config("torchlean", { cmd = { vim.env.TORCHLEAN, "lsp" }, filetypes = { "python" }, root_markers = { ".git" } })
    vim.lsp.enable("torchlean")
  else
    vim.api.nvim_create_autocmd("FileType", { pattern = { "python" }, callback = function()
      vim.lsp.start({ name = "torchlean", cmd = { vim.env.TORCHLEAN, "lsp" }, root_dir = vim.fs.root(0, ".git") })
    end })
  end
  t.essentials(t.open("controller.py"))
end)
