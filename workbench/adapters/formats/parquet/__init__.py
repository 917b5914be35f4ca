"""Parquet with images inside, as Hugging Face keeps them."""
