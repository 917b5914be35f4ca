"""What people see: the board, the command line. They do not import each other."""
