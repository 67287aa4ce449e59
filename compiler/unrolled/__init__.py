"""The loops of an IR program, unrolled all at once into arrays."""
