"""Units and the numbers that everybody may call, as a pack says them."""
