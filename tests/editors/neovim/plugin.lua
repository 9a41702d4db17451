-- The plugin: it starts the server by itself, and its commands show what they promise.
local here = debug.getinfo(1, "S").source:match("@(.*/)")
local t = dofile(here .. "support.lua")

t.run(function()
  local plugin = vim.fs.normalize(here .. "../../../nvim")
  vim.opt.runtimepath:prepend(plugin)
  vim.o.swapfile = false
  vim.o.columns, vim.o.lines = 140, 40
  vim.cmd("filetype on")
  vim.g.torchlean_cmd = { vim.env.TORCHLEAN, "lsp" }
  vim.cmd.source(plugin .. "/ftdetect/vnnlib.lua")
  vim.cmd.source(plugin .. "/plugin/torchlean.lua")

  local buffer = t.open("controller.py")
  t.essentials(buffer)

  vim.cmd("TorchLeanClaims")
  local items = t.until_(function()
    local list = vim.fn.getqflist()
    return #list > 0 and list
  end) or {}
  t.check("each claim is in the quickfix list", #items == 6, items)
  local types = {}
  for _, item in ipairs(items) do
    types[item.text:match("^[%w_]+")] = item.type
  end
  t.check("a refuted claim is an error there", types.too_tight == "E", types)
  t.check("a proved claim is a note there", types.stays_in_actuator_range == "N", types)
  t.check("entries lead to the names of claims", vim.fn.getbufline(buffer, items[1].lnum)[1]:find("^def "), items[1])
  vim.cmd.cclose()
  vim.api.nvim_set_current_buf(buffer)

  vim.cmd("TorchLeanBounds claim:stays_in_actuator_range")
  local lines = t.float() or {}
  t.check("the table tells its domain", (lines[1] or ""):find("box(", 1, true), lines)
  local row
  for number, line in ipairs(lines) do
    if line:find("^self%.fc1%(x%) +linear +%(32%) +%[%-?%d") then
      row = number
    end
  end
  t.check("a row has shape and interval", row, lines)
  if row then
    vim.api.nvim_win_set_cursor(0, { row, 0 })
    vim.api.nvim_feedkeys(vim.keycode("<CR>"), "xt", false)
    t.check("units can be completed", vim.tbl_contains(require("torchlean.bounds").units(), "claim:too_tight"))
    t.check("a row leads to its line", vim.api.nvim_get_current_line():find("self.fc1(x)", 1, true))
  end

  vim.cmd("checkhealth torchlean")
  local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n")
  t.check("the health check names the server", health:find("torchlean, version", 1, true), health)
  t.check("the health check counts buffers", health:find("serves 1 buffers", 1, true), health)
  t.check("property files have their type", vim.filetype.match({ filename = "a.vnnlib" }) == "vnnlib")

  vim.cmd("helptags " .. plugin .. "/doc")
  t.check("the help is found", pcall(vim.cmd.help, ":TorchLeanBounds"))
  os.remove(plugin .. "/doc/tags")

  vim.g.torchlean_cmd = nil
  vim.env.PATH = ""
  t.check("without a server there is no command", require("torchlean").command("/nowhere") == nil)
end)
