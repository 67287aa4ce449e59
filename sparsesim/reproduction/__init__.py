"""The published averages, beside what is found here and how sure that is."""
