"""Does rereading repair the fixed-size vector, or would a larger vector do?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.results.message import Message
from research.statistics.hypotheses import Superiority, Trend

WIDTHS = (32, 64, 128, 256)

EXPERIMENT = Experiment(
    question=Message("Can a wider fixed vector do what rereading the encoder does?"),
    claim=Message("Rereading the encoder repairs the bottleneck of the fixed-size vector."),
    source="Cho et al. 2014; Bahdanau et al. 2015",
    base="none",
    arms=cross(vary("architecture", "none", "luong"), vary("model.width", *WIDTHS)),
    axis=Axis("model.width", Message("width"), log=True),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy"),
    # Width helps the vector, and yet the narrowest reader beats the widest vector.
    verdict=(
        Trend(tuple(f"none, width={width}" for width in WIDTHS), WIDTHS, 0.02, log=True),
        Superiority(f"luong, width={WIDTHS[0]}", f"none, width={WIDTHS[-1]}", 0.02),
    ),
)
