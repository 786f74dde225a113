-- Lists of references as text: what came and went is put into what stands there by now.

-- the members of a JSON list: by number, the text of each and what it is told apart by; nothing where it is no list
local function members_of(text)
  local body = string.match(text, '^%s*%[(.*)%]%s*$')
  if not body then return end
  local texts, marks, mark, depth, first, place = {}, {}, '', 0, 1, 1
  if not string.find(body, '%S') then return texts, marks end
  while place <= #body + 1 do
    local at = string.find(body, '[%[%],"]', place) or #body + 1
    local sign = sub(body, at, at)
    mark = mark .. string.gsub(sub(body, place, at - 1), '%s+', '')
    place = at + 1
    if sign == '"' then
      local last = at
      repeat
        last = string.find(body, '["\\]', last + 1)
        if not last then return end
        local is_last = sub(body, last, last) == '"'
        if not is_last then last = last + 1 end
      until is_last
      local inner = sub(body, at + 1, last - 1)
      if string.find(inner, '\\', 1, true) then
        local is_read, found = pcall(cjson.decode, '["' .. inner .. '"]')
        if not is_read then return end
        inner = found[1]
      end
      mark = mark .. '"' .. #inner .. ':' .. inner
      place = last + 1
    elseif depth == 0 and (sign == ',' or sign == '') then
      texts[#texts + 1], marks[#marks + 1] = string.match(sub(body, first, at - 1), '^%s*(.-)%s*$'), mark
      mark, first = '', place
    else
      depth = depth + (sign == '[' and 1 or sign == ']' and -1 or 0)
      mark = mark .. sign
      if depth < 0 or sign == '' then return end
    end
  end
  return texts, marks
end

-- the list in this text without those that go and with those that come; nothing where it is no list
local function with_difference(text, difference)
  local texts, marks = members_of(text)
  if not texts then return end
  local kept, left_out = {}, {}
  local _, gone = members_of(difference[GONE])
  for _, mark in ipairs(gone) do left_out[mark] = true end
  local function keep(given, given_marks)
    for number, mark in ipairs(given_marks) do
      if not left_out[mark] then
        left_out[mark] = true
        kept[#kept + 1] = given[number]
      end
    end
  end
  keep(texts, marks)
  keep(members_of(difference[COME]))
  return '[' .. concat(kept, ',') .. ']'
end

-- a list of references as it is to be written; the whole that was wanted where what stands there is no list
local function changed_list(stored, difference, is_typed)
  local whole = difference[WHOLE]
  if not stored then return whole end
  if not is_typed then return with_difference(stored, difference) or whole end
  local value = enveloped(stored)
  local text = type(value) == 'string' and with_difference(value, difference)
  return text and string.match(whole, '^.-"value":') .. cjson.encode(text) .. '}' or whole
end
