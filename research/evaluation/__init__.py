"""How good a model is: every measure of it, over every example once."""
