"""Plain folders of images, with classes, masks, depth or clouds beside them."""
