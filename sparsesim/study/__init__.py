"""Studies: many simulations of one question, swept or searched, kept in a folder that survives anything."""
