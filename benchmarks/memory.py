"""Memory of each kernel of attention by length, as XLA plans it: python -m benchmarks.memory

Value and gradient of one sentence, four heads of 64, float32, causal. Nothing is run, only compiled.
"""

import jax
import jax.numpy as jnp

from research.attention.kernels import KERNELS, Kernel
from research.attention.windows import Window

LENGTHS = (512, 1_024, 2_048, 4_096, 8_192)
HEADS, WIDTH = 4, 64


def mebibytes(kernel: Kernel, length: int) -> float:
    """Return the MiB that the program needs beside its inputs and results."""
    x_BHTK = jax.ShapeDtypeStruct((1, HEADS, length, WIDTH), jnp.float32)
    words_BS = jax.ShapeDtypeStruct((1, length), jnp.bool_)

    def total(words_BS: jax.Array, query: jax.Array, keys: jax.Array, values: jax.Array) -> jax.Array:
        return kernel(query, keys, values, Window(words_BS, after=0), None).sum()

    lowered = jax.jit(jax.value_and_grad(total, argnums=(1, 2, 3))).lower(words_BS, x_BHTK, x_BHTK, x_BHTK)
    return lowered.compile().memory_analysis().temp_size_in_bytes / 2**20  # type: ignore[union-attr]


def main() -> None:
    """Print the table of docs/attention.md."""
    print("| length | " + " | ".join(f"{length:,}" for length in LENGTHS) + " |")
    print("|---|" + "---:|" * len(LENGTHS))
    for name, kernel in KERNELS.items():
        print(f"| `{name}` | " + " | ".join(f"{mebibytes(kernel, length):,.1f}" for length in LENGTHS) + " |")


if __name__ == "__main__":
    main()
