"""The page: one HTML file with all figures of a run, a comparison or a study."""
