"""Which way may the encoder read, and which way the decoder?"""

from research.ablation.arms import chain, named, vary
from research.ablation.experiment import Experiment, Published
from research.statistics.hypotheses import Superiority
from research.words import Words

FUTURE = "decoder sees the future"

EXPERIMENT = Experiment(
    question=Words(
        "Should the encoder read both ways, and what becomes of a decoder that does?",
        "인코더는 양방향으로 읽어야 하는가? 디코더가 그렇게 하면 어떻게 되는가?",
    ),
    claim=Words(
        "The encoder should be bidirectional; the decoder cannot be.",
        "인코더는 양방향이어야 하고, 디코더는 양방향일 수 없다.",
    ),
    source="Britz et al. 2017, table 4",
    base="luong",
    arms=chain(
        vary("model.direction", "uni", "reversed", "bi"),
        # The control: teacher-forced it reads its own answer, and so it learns nothing that helps to translate.
        named(FUTURE, {"model.decoder_direction": "bi"}),
    ),
    measure="bleu",
    also=("perplexity", "token_accuracy", "aer"),
    verdict=(
        Superiority("bi", "uni", 0.0),
        Superiority(FUTURE, "bi", 0.0, measure="perplexity"),
        Superiority("bi", FUTURE, 5.0),
    ),
    literature=(Published("Britz et al. 2017, WMT15 En-De", "BLEU", {"uni": 20.98, "reversed": 21.76, "bi": 21.78}),),
    notes={
        "embedded_tiny": Words(
            "Reading backwards is 21 BLEU worse than reading forwards here, where Britz et al. found it a little "
            "better: a state that has read only what follows a word knows it later, and all arms but the control were "
            "still learning after 800 steps. No longer look was made.",
            "Britz 등은 거꾸로 읽는 것이 조금 낫다고 했으나 여기서는 앞으로 읽는 것보다 21 BLEU 못하다. 뒤에 오는 "
            "것만 읽은 상태는 단어를 늦게 배우고, 대조군을 뺀 모든 조건이 800 단계 뒤에도 배우는 중이었다. 더 오래 "
            "훈련해 보지는 않았다.",
        )
    },
)
