"""Do the kinds of attention differ in their score function?"""

from research.ablation.arms import chain, cross, vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Superiority

EXPERIMENT = Experiment(
    question=Message("How much do score functions and local windows matter to Luong's attention?"),
    claim=Message(
        "The kinds of attention differ in the score function: those that look at the words beat the one that does not."
    ),
    source="Luong et al. 2015, table 4",
    base="luong",
    # Sentences are short: a window of 21 would hold most of them.
    per_corpus={"embedded_tiny": {"model.window_radius": 3}},
    arms=chain(
        cross(
            vary("model.score", "dot", "scaled_dot", "general", "concat", "location"),
            vary("model.window", "global", "local_m", "local_p"),
        ),
        # Scores of scaled_dot begin √K times smaller than those of dot; here the model may learn how large they are.
        cross(vary("model.score", "learned_scale_dot"), vary("model.window", "global")),
    ),
    measure="nats",
    also=("bleu", "token_accuracy", "aer", "entropy"),
    verdict=tuple(
        Superiority(f"{score}, global", "location, global", 0.02)
        for score in ("dot", "scaled_dot", "general", "concat")
    ),
    probes=(
        Superiority("learned_scale_dot, global", "location, global", 0.02),
        Equivalence(("scaled_dot, global", "learned_scale_dot, global"), "dot, global", 0.02),
    ),
    literature=(
        Published(
            "Luong et al. 2015, WMT14 En-De",
            "BLEU",
            {
                "location, global": 18.1,
                "dot, global": 18.6,
                "general, global": 17.3,
                "general, local_m": 18.6,
                "general, local_p": 19.0,
            },
        ),
        Published(
            "Luong et al. 2015, WMT14 En-De",
            "perplexity",
            {
                "location, global": 6.4,
                "dot, global": 6.1,
                "general, global": 6.1,
                "general, local_m": 6.2,
                "general, local_p": 5.9,
            },
        ),
    ),
)
