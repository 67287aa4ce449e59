"""The evaluation of the publication: what is simulated for it, and what comes of it."""
