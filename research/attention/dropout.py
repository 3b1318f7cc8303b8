"""Dropout that draws one byte an element."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array


class Dropout(nn.Module):
    """x · m / p with m ~ Bernoulli(p), p = 1 - rate.

    p is rounded to a multiple of 1/256 and the scale uses the rounded value, so the expectation is exact. A 32-bit draw
    would cost four times as much, and on a CPU the random generator is a tenth of a training step.

    Args:
        rate: the probability that an element is dropped, at least 0 and below 1.
        deterministic: True to drop nothing.

    Reference: Srivastava et al. 2014.
    """

    rate: float
    deterministic: bool

    def __call__(self, x: Array) -> Array:
        """Return x with elements dropped, in the dtype of x."""
        scale = self.mask(x.shape)
        return x if scale is None else x * scale.astype(x.dtype)

    def mask(self, shape: tuple[int, ...]) -> Array | None:
        """Return the factors m / p, float32; None if nothing is dropped."""
        if self.deterministic or self.rate == 0.0:
            return None
        kept = round((1.0 - self.rate) * 256)
        if not 0 < kept <= 256:
            raise ValueError(f"dropout={self.rate} must be at least 0 and below 1")
        size = math.prod(shape)
        words = jax.random.bits(self.make_rng("dropout"), (-(-size // 4),), jnp.uint32)
        draws = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(-1)[:size].reshape(shape)
        return jnp.where(draws < kept, 256.0 / kept, 0.0) if kept < 256 else None
