"""Why do heads differ?"""

from research.ablation.arms import chain, named
from research.ablation.experiment import Experiment
from research.statistics.hypotheses import Level
from research.words import Words

IDENTICAL, DROPOUT, APART, INDEPENDENT = "identical", "identical, dropout", "0.01 apart", "independent"
STILL = {"model.dropout": 0.0, "model.attention_dropout": 0.0}

EXPERIMENT = Experiment(
    question=Words(
        "All heads run the same equation on the same input: why do they come to read different words?",
        "모든 헤드는 같은 입력에 같은 식을 쓴다: 왜 서로 다른 단어를 읽게 되는가?",
    ),
    claim=Words(
        "Heads differ because their initial weights do: alike at first, they stay alike.",
        "헤드가 다른 것은 처음 가중치가 다르기 때문이다: 처음에 같으면 끝까지 같다.",
    ),
    source="a lecture's claim; symmetry of gradient descent",
    base="transformer",
    fields={"training.attention_sentences": 100, "training.validate_every_steps": 100},
    arms=chain(
        named(IDENTICAL, {"model.head_spread": 0.0, **STILL}),
        named(DROPOUT, {"model.head_spread": 0.0, "model.dropout": 0.0, "model.attention_dropout": 0.1}),
        named(APART, {"model.head_spread": 0.01, **STILL}),
        named(INDEPENDENT, {"model.head_spread": 1.0, **STILL}),
    ),
    measure="head_distance",
    also=("bleu", "perplexity", "aer"),
    watched=("head_distance",),
    # Alike they stay, with or without noise; unlike they become.
    verdict=(Level(IDENTICAL, 0.01, more=False), Level(DROPOUT, 0.01, more=False), Level(INDEPENDENT, 0.1, more=True)),
    notes={
        "embedded_tiny": Words(
            "Without dropout the claim holds to the bit. Dropout of weights is drawn for each head apart, and is "
            "enough to tell identical heads apart: closer in the end than independent heads, farther than those that "
            "began 0.01 apart, and worse at translating than either.",
            "드롭아웃이 없으면 주장이 그대로 성립한다. 가중치 드롭아웃은 헤드마다 따로 뽑히므로 똑같던 헤드도 "
            "갈라놓는다. "
            "끝에는 독립인 헤드보다 가깝고, 0.01만큼 떨어져 시작한 헤드보다 멀며, 번역은 둘보다 못하다.",
        )
    },
    revised=Words(
        "that identical heads stay alike with dropout too was added, which refuted the claim; without it, it is "
        "supported",
        "똑같은 헤드가 드롭아웃이 있어도 같게 남는다는 가설을 더했고, 그래서 주장이 반박되었다. 이것이 없으면 지지된다",
    ),
)
