-- Starts the server for Python and VNN-LIB files, and defines the commands. `vim.g.torchlean_enabled = false`, set
-- before, keeps it from starting by itself.
if vim.g.loaded_torchlean or vim.fn.has("nvim-0.10") == 0 then
  return
end
vim.g.loaded_torchlean = true

vim.api.nvim_create_user_command("TorchLeanBounds", function(arguments)
  require("torchlean.bounds").open(arguments.args)
end, {
  nargs = "?",
  desc = "A table with the bounds of every tensor of a claim or module",
  complete = function()
    return require("torchlean.bounds").units()
  end,
})
vim.api.nvim_create_user_command("TorchLeanClaims", function()
  require("torchlean.claims").open()
end, { desc = "The claims of this file with their verdicts, in the quickfix window" })

if vim.g.torchlean_enabled ~= false then
  require("torchlean").enable()
end
