"""Network -> training graph -> mapping -> IR -> the program a machine executes."""
