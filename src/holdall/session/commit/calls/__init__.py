"""Changes that a store takes one by one: made as soon as what they need is there, undone where that is declared."""
