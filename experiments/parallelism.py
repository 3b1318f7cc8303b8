"""Is feeding the sentence at once faster than one word after another?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.results.message import Message
from research.statistics.hypotheses import Superiority

LENGTHS = (8, 32, 128, 512)

EXPERIMENT = Experiment(
    question=Message("How long does a training step take, one word after another or all at once, as sentences grow?"),
    claim=Message("Feeding the sentence at once is faster than one word after another."),
    source="Vaswani et al. 2017, table 1: O(1) sequential operations against O(n)",
    base="luong",
    work="time",
    # Every step has as many tokens, whatever their sentences' length: 8 sentences of 512, 512 of 8.
    fields={"data.batch_tokens": 4_096, "model.learned_positions": 512},
    accelerator=True,
    per_corpus={"embedded_tiny": {"model.width": 128, "data.vocabulary.size": 2_000}},
    arms=cross(vary("architecture", "none", "luong", "bahdanau", "transformer"), vary("data.max_tokens", *LENGTHS)),
    axis=Axis("data.max_tokens", Message("tokens a sentence"), log=True),
    measure="seconds_per_step",
    also=("tokens_per_second", "flops_per_second"),
    verdict=tuple(
        Superiority(f"transformer, max_tokens={length}", f"luong, max_tokens={length}", 0.0) for length in LENGTHS
    ),
)
