"""Results and studies as text for a terminal."""
