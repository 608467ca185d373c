"""Catalog files: what a header, a cell and a row must look like, and what they mean."""
