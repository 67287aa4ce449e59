"""The engine: programs and masks in, exact cycles, states and counts out, without stepping the clock."""
