"""BOP: scenes, and single images with their files beside them."""
