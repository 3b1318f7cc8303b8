"""How little data is too little for a large model?"""

from research.ablation.arms import Arms, chain, cross, named, vary
from research.ablation.experiment import Axis, Experiment
from research.results.calibration import EVIDENCE, Calibration
from research.results.message import Message
from research.statistics.hypotheses import Crossing

PAIRS = (1_000, 3_000, 9_000, 29_000)  # nested: each holds all smaller ones
LARGE = {"architecture": "transformer", "model.layers": "×2", "model.width": "×2", "model.ffn": "×2"}
"""Eight times the parameters of its layers."""
SIZES: Arms = {  # with little text, more dropout (Sennrich & Zhang 2019)
    f"subset={pairs}": {"data.subset": pairs} | ({"model.dropout": more} if more else {})
    for pairs, more in zip(PAIRS, ("×2", "×1.5", "", ""), strict=True)
}

EXPERIMENT = Experiment(
    question=Message("From how many sentence pairs on does the larger model translate better than the smaller one?"),
    claim=Message("With little data the large model is at a disadvantage, with much it wins."),
    source="Koehn & Knowles 2017; Sennrich & Zhang 2019",
    base="luong",
    # As many distinct pairs as Multi30k has.
    per_corpus={
        "embedded_tiny": {
            "data.embedded.train_pairs": 29_000,
            "data.embedded.words": 0.2,
            "data.vocabulary.size": 400,
        }
    },
    # After 1,600 steps and after 3,200 Luong's model had 0.10 nats a token with all pairs, under another seed.
    calibration={"embedded_tiny": Calibration("luong", "nats", 0.11, 0.02, f"{EVIDENCE}/embedded_tiny.data_size")},
    arms=chain(
        cross(vary("architecture", "luong", "transformer"), SIZES),
        cross(named("large transformer", LARGE), SIZES),
    ),
    axis=Axis("data.subset", Message("sentence pairs"), log=True),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy"),
    # Between families, and within one: there nothing but the size differs.
    verdict=(
        Crossing(
            tuple(f"luong, subset={pairs}" for pairs in PAIRS),
            tuple(f"transformer, subset={pairs}" for pairs in PAIRS),
            0.02,
        ),
        Crossing(
            tuple(f"transformer, subset={pairs}" for pairs in PAIRS),
            tuple(f"large transformer, subset={pairs}" for pairs in PAIRS),
            0.02,
        ),
    ),
)
