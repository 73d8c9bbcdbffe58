"""One folder per family; removing a family is removing its folder and its line in the catalogue."""
