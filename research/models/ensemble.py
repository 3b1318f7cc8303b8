"""An ensemble: several translators, each with its own memory and cache, whose predictions are averaged."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.translator import Translator

Array = jax.Array


class Ensemble(Translator):
    """log p(y) = log 1/M Σ_m p_m(y): the arithmetic mean of the members' probabilities, token by token.

    Memory, cache and states are tuples with one entry a member. Logits are log-probabilities. All members must have the
    same target vocabulary.

    Reference: Sutskever et al. 2014, table 1; for the last checkpoints of one run, Sennrich et al. 2016 (WMT).
    """

    members: tuple[Translator, ...] = ()
    embeddings: Any = None  # each member has its own embeddings and sides
    source_side: Any = None
    target_side: Any = None

    def setup(self) -> None:
        pass

    def encode(self, source_BS: Array) -> tuple[Any, ...]:
        return tuple(member.encode(source_BS) for member in self.members)

    def states(self, memory: tuple[Any, ...], target_in_BT: Array) -> Any:
        return tuple(member.states(own, target_in_BT) for member, own in zip(self.members, memory, strict=True))

    def start(self, memory: tuple[Any, ...], hypotheses: int, max_length: int) -> tuple[Any, ...]:
        each = zip(self.members, memory, strict=True)
        return tuple(member.start(own, hypotheses, max_length) for member, own in each)

    def step(self, memory: tuple[Any, ...], token_X: Array, cache: tuple[Any, ...]) -> tuple[Array, Any]:
        each = zip(self.members, memory, cache, strict=True)
        stepped = [member.step(own, token_X, own_cache) for member, own, own_cache in each]
        return _mean([logits_XV for logits_XV, _ in stepped]), tuple(after for _, after in stepped)

    def reorder(self, cache: tuple[Any, ...], rows_X: Array) -> tuple[Any, ...]:
        return tuple(member.reorder(own, rows_X) for member, own in zip(self.members, cache, strict=True))

    def outputs(self, source_BS: Array, target_in_BT: Array) -> tuple[Array, Array]:
        """Raise ValueError: the logits of an ensemble are not a product of states and a table."""
        raise ValueError("this needs a single model, not an ensemble: give one run folder, without --last")

    def logits(self, states: Any) -> Array:
        return _mean([member.logits(own) for member, own in zip(self.members, states, strict=True)])


def _mean(logits: list[Array]) -> Array:
    """Return the log of the mean probability."""
    return jax.nn.logsumexp(jnp.stack([nn.log_softmax(each) for each in logits]), axis=0) - jnp.log(float(len(logits)))


def ensemble(models: list[tuple[Translator, Any]]) -> tuple[Translator, Any]:
    """Return the ensemble of several translators, and its weights; a single translator is returned as it is."""
    if len(models) == 1:
        return models[0]
    # Copies: flax takes one module object that is given twice for one member with one set of weights.
    members = tuple(translator.clone() for translator, _ in models)
    return Ensemble(members=members), {f"members_{index}": params for index, (_, params) in enumerate(models)}


def by_member(sown: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what each member of an ensemble has sown, as `cross_attention` takes it; [sown] for a single model."""
    attention = sown.get("attention", {})
    numbers = sorted(int(name.removeprefix("members_")) for name in attention if name.startswith("members_"))
    return [{"attention": attention[f"members_{number}"]} for number in numbers] or [sown]
