-- What the tests in Neovim share. Each is run by `nvim --clean --headless -c "luafile FILE"` (not `-l`, in which newer
-- versions crash on windows) and ends with a status that is 0 when every check passed.
local M = { failed = 0 }

local PATIENCE = 120000 -- milliseconds: a busy machine takes a minute to import torch

function M.check(name, ok, detail)
  if not ok then
    M.failed = M.failed + 1
  end
  io.stdout:write((ok and "ok: " or "failed: ") .. name .. (not ok and detail and (" (" .. vim.inspect(detail) .. ")") or "") .. "\n")
end

--- Waits until the condition gives a value, and gives it.
function M.until_(condition)
  local value
  vim.wait(PATIENCE, function()
    value = condition()
    return value
  end, 50)
  return value
end

--- Opens a file of the example folder in a copy.
function M.open(name)
  local folder = vim.fn.tempname()
  vim.fn.mkdir(folder .. "/.git", "p")
  for _, file in ipairs({ "controller.py", "controller.safetensors" }) do
    assert(vim.uv.fs_copyfile(vim.env.EXAMPLE .. "/" .. file, folder .. "/" .. file))
  end
  vim.cmd.edit(folder .. "/" .. name)
  return vim.api.nvim_get_current_buf()
end

function M.request(buffer, method, params)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, PATIENCE) or {}
  local _, answer = next(answers)
  return answer and answer.result
end

function M.problem(buffer, code)
  for _, problem in ipairs(vim.diagnostic.get(buffer)) do
    if problem.code == code then
      return problem
    end
  end
end

--- The lines of the floating window, once there is one.
function M.float()
  return M.until_(function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= "" then
        return vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true)
      end
    end
  end)
end

--- What every client shows, with or without the plugin.
function M.essentials(buffer)
  local refuted = M.until_(function()
    return M.problem(buffer, "TL301")
  end)
  M.check("a refuted claim is a diagnostic", refuted, vim.tbl_map(function(problem)
    return problem.message
  end, vim.diagnostic.get(buffer)))
  local line = vim.fn.search([[relu(self.fc1]], "w")
  vim.api.nvim_win_set_cursor(0, { line, vim.fn.getline(line):find("fc1", 1, true) - 1 })
  vim.lsp.buf.hover()
  local text = table.concat(M.float() or {}, "\n")
  M.check("a hover tells the interval of a layer", text:find("interval +%[%-?%d+%.%d+, %-?%d+%.%d+%]"), text)
  vim.cmd("silent! fclose!")
  vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
  M.check("hints are at the ends of lines", M.until_(function()
    return #vim.lsp.inlay_hint.get({ bufnr = buffer }) >= 3
  end))
  local lenses = M.request(buffer, "textDocument/codeLens", { textDocument = { uri = vim.uri_from_bufnr(buffer) } })
  local titles = vim.tbl_map(function(lens)
    return lens.command.title
  end, lenses or {})
  M.check("lenses tell verdicts", table.concat(titles, "\n"):find("proved"), titles)
end

--- Runs the checks, and ends Neovim, which ends the server.
function M.run(checks)
  local ran, trouble = xpcall(checks, debug.traceback)
  if not ran then
    M.check("the test runs to its end", false, trouble)
  end
  vim.cmd(M.failed == 0 and "qall!" or "cquit 1")
end

return M
