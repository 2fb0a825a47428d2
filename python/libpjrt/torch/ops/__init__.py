"""Lowerings of ATen operations, by kind; table.py says how one is written. table.table() imports every module here."""
