"""Code generation: a layer and stage with its mapping become an IR program."""
