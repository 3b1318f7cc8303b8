"""The arithmetic of training, counted from the traced program of a forward pass.

Counted are the multiplications and additions of matrix products, those of masked positions included: half of a causal
map is masked, but all of it is computed. Not counted are padding, softmax and elementwise work. XLA's own count takes
the body of a scan once, whatever its length, so it can't be used for recurrent models.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr

from research.models.translator import Translator

# Source and target lengths of the traced sentence. As primes that divide no size of a parameter, they can be read off a
# product of dimensions.
PRIMES = ((1_009, 1_013), (1_019, 1_021), (1_031, 1_033))


def training_flops_per_token(translator: Translator, source: float, target: float) -> float:
    """Return the FLOPs of training per target token, forward and backward.

    The backward pass has two matrix products for each one of the forward pass, so it is 3 times the forward pass. The
    work on the source is spread over the tokens of the target. Nothing is computed: the program is traced once a model.

    Args:
        translator: the model.
        source: mean tokens of a source sentence, end-of-sentence token included.
        target: mean tokens of a target sentence, end-of-sentence token included.
    """
    terms = _terms(translator)
    return 3.0 * sum(count * source**sources * target**targets for count, sources, targets in terms) / target


@lru_cache(maxsize=256)
def _terms(translator: Translator) -> tuple[tuple[int, int, int], ...]:
    """Return (count, m, n) of each product in a forward pass over one sentence: it has count · S^m · T^n FLOPs."""
    for lengths in PRIMES:
        # Initialisation runs a forward pass, has no products of its own, and keeps attention weights, for which every
        # kernel of attention steps aside: the reference is what is counted.
        forward = jax.make_jaxpr(translator.init_with_output, return_shape=True)
        ids = (jax.ShapeDtypeStruct((1, length), jnp.int32) for length in lengths)
        traced, (_, variables) = forward(jax.random.key(0), *ids)
        sizes = [size for leaf in jax.tree.leaves(variables["params"]) for size in leaf.shape]
        if all(size % length for size in sizes for length in lengths):
            return tuple(_factored(count, *lengths) for count in matmul_flops(traced.jaxpr))
    raise AssertionError(f"every pair of lengths in {PRIMES} divides a size of the parameters")


def matmul_flops(jaxpr: Jaxpr, times: int = 1) -> Iterator[int]:
    """Yield the FLOPs of each matrix product in a traced program.

    A scan counts its body once an iteration, a conditional its costliest branch.

    Args:
        jaxpr: the program.
        times: how often it runs.

    Raises:
        ValueError: the program has matrix products in a loop whose length is known only when it runs.
    """
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        inner = [sub for value in params.values() for sub in _programs(value)]
        if name == "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            summed = [_shape(equation.invars[0])[axis] for axis in contracted]
            if summed:  # else it is an elementwise product
                yield 2 * times * math.prod(summed) * math.prod(_shape(equation.outvars[0]))
        elif name == "cond":
            yield from max((list(matmul_flops(branch, times)) for branch in inner), key=sum)
        elif name == "while" and any(flops for sub in inner for flops in matmul_flops(sub)):
            raise ValueError("a matrix product in a loop of unknown length has no count: use a scan")
        else:
            for sub in inner:
                yield from matmul_flops(sub, times * params["length"] if name == "scan" else times)


def _programs(value: Any) -> list[Jaxpr]:
    """Return the programs in a parameter of an equation."""
    found = value if isinstance(value, tuple | list) else [value]
    return [
        each.jaxpr if isinstance(each, ClosedJaxpr) else each for each in found if isinstance(each, ClosedJaxpr | Jaxpr)
    ]


def _shape(variable: Any) -> tuple[int, ...]:
    return variable.aval.shape


def _factored(count: int, first: int, second: int) -> tuple[int, int, int]:
    """Return `count` without two primes, and how often each of them divides it."""
    powers = [0, 0]
    for place, prime in enumerate((first, second)):
        while count % prime == 0:
            count, powers[place] = count // prime, powers[place] + 1
    return count, powers[0], powers[1]
