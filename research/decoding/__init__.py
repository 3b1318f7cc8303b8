"""From a model that gives the next token's logits to whole translations."""
