"""What is published, and what can be made of it: studies that the documents' numbers come from."""
