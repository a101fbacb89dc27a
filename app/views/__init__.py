"""One module a page; each calls the rooms to its left and shows what they return."""
