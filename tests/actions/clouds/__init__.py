"""Point clouds: files, groups, and what the App shows of them."""
