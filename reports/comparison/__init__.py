"""Runs side by side: what differs in their machines and inputs, and where the difference comes from."""
