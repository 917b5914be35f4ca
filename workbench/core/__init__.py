"""Pure: arrays and tables in, arrays and tables out. No database, no files of users, no browser."""
