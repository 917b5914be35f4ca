"""One module per panel of the board: its commands."""
