"""What several formats share: trees of files, boxes, masks, depth, JSON, text, archives."""
