-- Starting the server. Everything that is shown comes from standard messages: diagnostics, hints, lenses, hovers.
local M = {}

local FILETYPES = { "python", "vnnlib" }
local ROOT_MARKERS = { "pyproject.toml", "torchlean.toml", ".venv", ".git" }

--- The command of the server: `vim.g.torchlean_cmd`, else the program in `.venv` of the root, else the one on the PATH.
---@param root string? the workspace's folder
---@return string[]? nil where there is none
function M.command(root)
  if vim.g.torchlean_cmd then
    return vim.g.torchlean_cmd
  end
  local windows = vim.fn.has("win32") == 1
  local own = root and (root .. (windows and "/.venv/Scripts/torchlean.exe" or "/.venv/bin/torchlean"))
  for _, program in ipairs({ own or "torchlean", "torchlean" }) do
    if vim.fn.executable(program) == 1 then
      return { program, "lsp" }
    end
  end
end

--- The folder of the workspace that a buffer belongs to.
---@param buffer integer
---@return string?
function M.root(buffer)
  return vim.fs.root(buffer, ROOT_MARKERS)
end

--- For `vim.lsp.config` of Neovim 0.11 and newer.
---@return vim.lsp.Config
function M.config()
  return {
    cmd = function(dispatchers, config)
      local command = M.command(config and config.root_dir or vim.uv.cwd())
      if not command then
        error("torchlean is not installed: see :checkhealth torchlean")
      end
      return vim.lsp.rpc.start(command, dispatchers)
    end,
    filetypes = FILETYPES,
    root_markers = ROOT_MARKERS,
  }
end

--- Neovim 0.10 has no `vim.lsp.enable`.
local function start_for_buffer(buffer)
  local root = M.root(buffer)
  local command = M.command(root)
  if command and vim.bo[buffer].buftype == "" then
    vim.lsp.start({ name = "torchlean", cmd = command, root_dir = root }, { bufnr = buffer })
  end
end

--- Start the server for every Python and VNN-LIB buffer from now on.
function M.enable()
  if vim.lsp.enable then
    vim.lsp.enable("torchlean")
    return
  end
  vim.api.nvim_create_autocmd("FileType", {
    group = vim.api.nvim_create_augroup("torchlean", {}),
    pattern = FILETYPES,
    callback = function(event)
      start_for_buffer(event.buf)
    end,
  })
end

--- The client that serves a buffer.
---@param buffer integer
---@return vim.lsp.Client?
function M.client(buffer)
  return vim.lsp.get_clients({ bufnr = buffer, name = "torchlean" })[1]
end

--- Ask the server about a buffer, without waiting. Says so where there is no server, or when it declines.
---@param method string
---@param more table further parameters
---@param use fun(result: table, client: vim.lsp.Client)
function M.ask(buffer, method, more, use)
  local client = M.client(buffer)
  if not client then
    vim.notify("TorchLean does not serve this buffer: see :checkhealth torchlean", vim.log.levels.WARN)
    return
  end
  local params = vim.tbl_extend("error", { textDocument = { uri = vim.uri_from_bufnr(buffer) } }, more)
  local function answered(err, result)
    if err then
      vim.notify("TorchLean: " .. err.message, vim.log.levels.WARN)
    else
      use(result, client)
    end
  end
  -- Neovim 0.11 made it a method.
  if vim.fn.has("nvim-0.11") == 1 then
    client:request(method, params, answered, buffer)
  else
    client.request(method, params, answered, buffer)
  end
end

return M
