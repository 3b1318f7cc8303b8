"""Is attention worth much to a recurrent translator?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Fraction, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "How much better does an RNN encoder-decoder translate once its decoder may read the encoder's states?"
    ),
    claim=Message("Without attention an RNN translator is unusable, and the gap is larger than one expects."),
    source="Bahdanau et al. 2015; Luong et al. 2015; Britz et al. 2017",
    base="none",
    # Two bidirectional LSTM layers to two, as in Britz et al. 2017, and one to one.
    arms=cross(vary("architecture", "none", "luong", "bahdanau"), vary("model.layers", 1, 2)),
    measure="bleu",
    also=("nats", "chrf", "token_accuracy", "aer"),
    # Unusable: less than half of what attention gives. A gap larger than one expects: than the 5 BLEU between a poor
    # translator and a fair one.
    verdict=tuple(
        claim
        for layers in ("layers=1", "layers=2")
        for reader in ("luong", "bahdanau")
        for claim in (
            Fraction(f"none, {layers}", f"{reader}, {layers}", 0.5),
            Superiority(f"{reader}, {layers}", f"none, {layers}", 5.0),
        )
    ),
    literature=(
        Published(
            "Britz et al. 2017, WMT15 En-De",
            "BLEU",
            {"none, layers=2": 9.98, "luong, layers=2": 21.8, "bahdanau, layers=2": 22.5},
        ),
        Published(
            "Bahdanau et al. 2015, WMT14 En-Fr, up to 50 words",
            "BLEU",
            {"none, layers=1": 17.82, "bahdanau, layers=1": 26.75},
        ),
        Published("Luong et al. 2015, WMT14 En-De", "BLEU", {"none, layers=1": 14.0, "luong, layers=1": 16.8}),
    ),
)
