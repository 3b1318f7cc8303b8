"""Does depth still pay once the encoder-decoder can attend?"""

from research.ablation.arms import chain, cross, named, vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "How many recurrent layers does a translator that attends need, with residual connections and without?"
    ),
    claim=Message("Two or three layers are a little better than one; a fourth and a fifth are meaningless."),
    source="Britz et al. 2017, table 3",
    base="luong",
    # Residual connections, as in Wu et al. 2016: without them deep stacks may fail for want of a path for the gradient.
    arms=chain(
        vary("model.layers", 1, 2, 3, 4, 5),
        cross(vary("model.layers", 2, 3, 4, 5), named("residual", {"model.residual": True})),
    ),
    axis=Axis("model.layers", Message("layers of both sides")),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy"),
    verdict=(
        Superiority("layers=2", "layers=1", 0.02),
        Superiority("layers=3", "layers=1", 0.02),
        Equivalence(("layers=4", "layers=5"), "layers=3", 0.02),
    ),
    probes=(Equivalence(("layers=4, residual", "layers=5, residual"), "layers=3, residual", 0.02),),
    literature=(
        Published(
            "Britz et al. 2017, WMT15 En-De, decoder",
            "BLEU",
            {"layers=1": 21.76, "layers=2": 21.78, "layers=4": 22.37},
        ),
    ),
)
