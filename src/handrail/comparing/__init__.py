"""Comparing what a product exported before and after: object by object, in any order, in bounded memory. Pure."""
