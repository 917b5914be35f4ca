"""Parts of the HTML pages that actions write."""
