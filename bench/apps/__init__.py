"""Function apps for the sandbox's host that stand beside the product's own in a bench."""
