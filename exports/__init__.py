"""Exports: CSV datasets out of the database, charts out of the CSV datasets."""
