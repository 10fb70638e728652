"""Stores: what a system keeps beside the chain, read record by record and compared."""
