-- :TorchLeanClaims, the claims of a file in the quickfix window.
local torchlean = require("torchlean")

local M = {}

-- The types that Neovim draws: error, note (nothing to do), warning.
local TYPES = { refuted = "E", proved = "N" }
local STALE = { checking = " (stale, being checked)", stale = " (stale)" }

function M.open()
  local buffer = vim.api.nvim_get_current_buf()
  torchlean.ask(buffer, "torchlean/claims", {}, function(answer, client)
    local items = {}
    for _, claim in ipairs(answer.claims) do
      local location = { uri = answer.textDocument.uri, range = claim.range }
      local item = vim.lsp.util.locations_to_items({ location }, client.offset_encoding)[1]
      item.text = claim.name .. ": " .. claim.title .. (STALE[claim.freshness] or "")
      item.type = TYPES[claim.verdict] or "W"
      table.insert(items, item)
    end
    vim.fn.setqflist({}, " ", { title = "TorchLean: claims", items = items })
    if #items == 0 then
      vim.notify("TorchLean: this file has no claims (yet)", vim.log.levels.INFO)
    else
      vim.cmd("botright copen")
    end
  end)
end

return M
