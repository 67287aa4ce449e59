"""The built-in networks, layer by layer, under torchvision's layer names."""
