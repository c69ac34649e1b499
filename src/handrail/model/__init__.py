"""Plain frozen data: what the rest of the program reads, passes on and writes. No I/O, no imports of ours."""
