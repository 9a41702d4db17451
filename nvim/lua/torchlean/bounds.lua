-- :TorchLeanBounds, a floating table. <CR> goes to the line of a tensor, q closes it.
local torchlean = require("torchlean")

local M = {}

local HEADER = { "tensor", "op", "shape", "interval", "rounding" }
local STALE = { checking = "  (of the text before the last edit, being checked)", stale = "  (of an older text)" }
local known = {} ---@type table<integer, string[]> buffer -> units, for completion

---@return string[] what the command can be given for the current buffer
function M.units()
  return known[vim.api.nvim_get_current_buf()] or {}
end

---@param node table as docs/protocol.md has it
---@return string[]
local function cells(node)
  local interval = node.interval ~= "" and node.interval or ("unknown" .. (node.reason ~= vim.NIL and (": " .. node.reason) or ""))
  local shape = "(" .. table.concat(node.shape, ", ") .. ")"
  local label = node.label ~= "" and node.label or ("%" .. node.id)
  local rounding = node.rounding:gsub("^rounding ", "")
  return { label, node.op, shape, interval, rounding }
end

--- Rows with their columns aligned.
---@param rows string[][]
---@return string[]
local function aligned(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for column, cell in ipairs(row) do
      widths[column] = math.max(widths[column] or 0, vim.fn.strdisplaywidth(cell))
    end
  end
  return vim.tbl_map(function(row)
    local parts = {}
    for column, cell in ipairs(row) do
      parts[column] = cell .. string.rep(" ", widths[column] - vim.fn.strdisplaywidth(cell))
    end
    return (table.concat(parts, "  "):gsub("%s+$", ""))
  end, rows)
end

---@param graph table the answer of the server
local function show(graph, client)
  if graph.unit == nil or graph.unit == vim.NIL then
    vim.notify("TorchLean: nothing in this file has bounds (yet)", vim.log.levels.INFO)
    return
  end
  local rows = { HEADER }
  for _, node in ipairs(graph.nodes) do
    table.insert(rows, cells(node))
  end
  -- The domain is markdown, for editors that draw it.
  local title = graph.domain:gsub("`", "") .. (STALE[graph.freshness] or "")
  local lines = vim.list_extend({ title, "" }, aligned(rows))
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = "wipe"
  local width = 1
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = "editor",
    row = 1,
    col = 2,
    width = math.min(width, math.max(1, vim.o.columns - 6)),
    height = math.min(#lines, math.max(1, vim.o.lines - 5)),
    border = "rounded",
    title = " " .. graph.unit .. " ",
  })
  vim.wo[window].wrap = false
  local function close()
    vim.api.nvim_win_close(window, true)
  end
  vim.keymap.set("n", "q", close, { buffer = buffer })
  vim.keymap.set("n", "<CR>", function()
    local node = graph.nodes[vim.api.nvim_win_get_cursor(window)[1] - 3]
    if node and node.range and node.range ~= vim.NIL then
      close()
      local location = { uri = graph.textDocument.uri, range = node.range }
      vim.lsp.util.show_document(location, client.offset_encoding, { focus = true })
    end
  end, { buffer = buffer })
end

---@param unit string a unit such as `claim:stays_in_range`; empty: the one whose domain is shown
function M.open(unit)
  local buffer = vim.api.nvim_get_current_buf()
  local more = unit ~= "" and { unit = unit } or {}
  torchlean.ask(buffer, "torchlean/graph", more, function(graph, client)
    known[buffer] = graph.units
    show(graph, client)
  end)
end

return M
