"""One module or folder per public verb, named like it."""
