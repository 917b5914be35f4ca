"""What touches the world outside: the database, formats on disk, renderers."""
