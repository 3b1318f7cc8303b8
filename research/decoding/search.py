"""Searches as values (greedy, beam, sampling), and the compiled program that runs one over a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from research.data.vocabulary import BOS, EOS, PAD
from research.decoding.beam import Hypotheses, Penalise, Reorder, beam_search
from research.decoding.coverage import covered
from research.decoding.greedy import Cache, Step, greedy
from research.decoding.sampling import row_keys, sample
from research.models.ensemble import by_member
from research.models.translator import Translator, cross_attention

Batch = dict[str, jax.Array]
Apply = Callable[..., Any]
"""`Translator.apply` with its weights."""


class Runner(Protocol):
    """Anything that runs a function of (params, batch) on all rows, such as `research.parallel.devices.Devices`."""

    def run(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, dict[str, np.ndarray]], Any]: ...

    def __hash__(self) -> int: ...


class Search(Protocol):
    """A search with its settings; each compiles to one program."""

    scored: bool
    """True if `Hypotheses.scores_BN` holds scores."""

    @property
    def hypotheses(self) -> int:
        """Rows of the model for each sentence."""

    def __call__(self, apply: Apply, memory: Any, cache: Cache, batch: Batch, max_tokens: int) -> Hypotheses:
        """Search a batch, in a traced function. batch: source_BS, limits_B, and index_B and seed_B for `Sampling`."""

    def __hash__(self) -> int: ...


MARKS = {"pad": PAD, "bos": BOS, "eos": EOS}


@dataclass(frozen=True)
class Greedy:
    """Greedy search: one hypothesis, without a score."""

    scored = False
    hypotheses = 1

    def __call__(self, apply: Apply, memory: Any, cache: Cache, batch: Batch, max_tokens: int) -> Hypotheses:
        step = partial(apply, memory, method="step")
        tokens_BNT = greedy(step, cache, limits_B=batch["limits_B"], max_tokens=max_tokens, **MARKS)[:, None]
        return _unranked(tokens_BNT, jnp.zeros(tokens_BNT.shape[:2]))


@dataclass(frozen=True)
class Beam:
    """`beam_search` with these settings. coverage_penalty: β of `coverage`; at 0 no attention weights are computed."""

    beam: int
    n_best: int
    length_penalty: float
    length_normalisation: str
    coverage_penalty: float

    scored = True

    def __post_init__(self) -> None:
        if not self.coverage_penalty >= 0:
            raise ValueError(f"evaluation.coverage_penalty={self.coverage_penalty} must be at least 0")
        if not 1 <= self.n_best <= self.beam:
            raise ValueError(f"n_best={self.n_best} with beam={self.beam}: it must be at least 1 and at most the beam")

    @property
    def hypotheses(self) -> int:
        return self.beam

    def __call__(self, apply: Apply, memory: Any, cache: Cache, batch: Batch, max_tokens: int) -> Hypotheses:
        step: Step = partial(apply, memory, method="step")
        reorder: Reorder = partial(apply, method="reorder")
        penalise: Penalise | None = None
        if self.coverage_penalty:
            step, reorder, cache, penalise = covered(
                partial(_reading_step, apply, memory),
                reorder,
                cache,
                mask_BS=batch["source_BS"] != PAD,
                hypotheses=self.beam,
                weight=self.coverage_penalty,
            )
        return beam_search(
            step,
            reorder,
            cache,
            limits_B=batch["limits_B"],
            beam=self.beam,
            max_tokens=max_tokens,
            length_penalty=self.length_penalty,
            length_normalisation=self.length_normalisation,
            n_best=self.n_best,
            penalise=penalise,
            **MARKS,
        )


@dataclass(frozen=True)
class Sampling:
    """Sampling: `samples` translations of each sentence, scored by log p; see `sample`."""

    samples: int
    temperature: float
    top_k: int
    top_p: float

    scored = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"{self.samples} samples of a sentence: there must be at least one")
        if not self.temperature > 0:
            raise ValueError(f"temperature={self.temperature} must be above 0; a beam of 1 is its limit")
        if self.top_k < 0:
            raise ValueError(f"top_k={self.top_k} must be at least 1, or 0 for all tokens")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p={self.top_p} must be above 0, and 1 at most")

    @property
    def hypotheses(self) -> int:
        return self.samples

    def __call__(self, apply: Apply, memory: Any, cache: Cache, batch: Batch, max_tokens: int) -> Hypotheses:
        tokens_XT, scores_X = sample(
            partial(apply, memory, method="step"),
            cache,
            limits_X=jnp.repeat(batch["limits_B"], self.samples),
            keys_X=row_keys(batch["seed_B"], batch["index_B"], self.samples),
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            max_tokens=max_tokens,
            **MARKS,
        )
        shape = (-1, self.samples)
        return _unranked(tokens_XT.reshape(*shape, max_tokens), scores_X.reshape(shape))


@lru_cache(maxsize=16)  # so that each validation reuses the compiled program
def program(
    translator: Translator, devices: Runner, search: Search, extra_tokens: int
) -> Callable[[Any, dict[str, np.ndarray]], Hypotheses]:
    """Return a compiled search, (params, batch) -> hypotheses; see `searched`."""

    def run(params: Any, batch: Batch) -> Hypotheses:
        return searched(translator, search, extra_tokens, params, batch)

    return devices.run(run)


def searched(translator: Translator, search: Search, extra_tokens: int, params: Any, batch: Batch) -> Hypotheses:
    """Return the hypotheses of a batch. To be jitted.

    Args:
        translator: the model.
        search: the search.
        extra_tokens: see `most_tokens`.
        params: the weights.
        batch: source_BS and limits_B, and what else the search reads.
    """
    longest = most_tokens(batch["source_BS"].shape[1] - 1, extra_tokens)
    apply = partial(translator.apply, {"params": params})
    memory = apply(batch["source_BS"], method="encode")
    cache = apply(memory, hypotheses=search.hypotheses, max_length=longest, method="start")
    return search(apply, memory, cache, batch, longest)


def most_tokens(subwords: Any, extra_tokens: int) -> Any:
    """Return the most tokens of a translation, `eos` included: 1.5 × the source's subwords, rounded down, and more.

    Args:
        subwords: the number of the source's subwords, or an array of numbers.
        extra_tokens: added to it.
    """
    return 3 * subwords // 2 + extra_tokens


def _unranked(tokens_BNT: jax.Array, scores_BN: jax.Array) -> Hypotheses:
    return Hypotheses(tokens_BNT, scores_BN, (tokens_BNT == EOS).any(axis=-1))


def _reading_step(apply: Apply, memory: Any, token_X: jax.Array, cache: Cache) -> tuple[jax.Array, Cache, jax.Array]:
    """Run a step and return its weights too: the mean over the last layer's heads, and over members that attend."""
    (logits_XV, cache), sown = apply(memory, token_X, cache, method="step", mutable=["attention"])
    last = [list(layers.values())[-1] for member in by_member(sown) if (layers := cross_attention(member))]
    if not last:
        raise ValueError(
            "evaluation.coverage_penalty needs a model that attends, and this one does not (model.reader=none): "
            "set it to 0"
        )
    weights_BNS = jnp.stack([weights_BHNS.mean(axis=1) for weights_BHNS in last]).mean(axis=0)
    return logits_XV, cache, weights_BNS.reshape(token_X.shape[0], -1)
