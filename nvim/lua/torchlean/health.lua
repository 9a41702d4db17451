-- :checkhealth torchlean
local torchlean = require("torchlean")

local M = {}

function M.check()
  vim.health.start("TorchLean")
  if vim.fn.has("nvim-0.10") == 0 then
    vim.health.error("Neovim 0.10 or newer is needed")
    return
  end
  local way = vim.lsp.enable and "vim.lsp.enable" or "vim.lsp.start, as there is no vim.lsp.enable before 0.11"
  vim.health.ok("started with " .. way)
  local command = torchlean.command(torchlean.root(0) or vim.uv.cwd())
  if not command then
    vim.health.error("no server was found", {
      "install it from a checkout of the project: python -m pip install CHECKOUT",
      "or name it: vim.g.torchlean_cmd = { '/path/to/torchlean', 'lsp' }",
    })
    return
  end
  local result = vim.system({ command[1], "--version" }, { text = true }):wait(20000)
  if result.code == 0 then
    vim.health.ok(vim.trim(result.stdout) .. " (" .. command[1] .. ")")
  else
    vim.health.error(command[1] .. " does not run: " .. vim.trim(result.stderr or ""))
  end
  local clients = vim.lsp.get_clients({ name = "torchlean" })
  if #clients == 0 then
    vim.health.info("no buffer is served now; open a Python file")
  end
  for _, client in ipairs(clients) do
    vim.health.ok(("serves %d buffers below %s"):format(vim.tbl_count(client.attached_buffers), client.root_dir or "no folder"))
  end
end

return M
