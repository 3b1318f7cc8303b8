"""How little data is too little for a large model?"""

from research.ablation.arms import chain, cross, named, vary
from research.ablation.experiment import Axis, Experiment
from research.statistics.hypotheses import Crossing
from research.words import Words

PAIRS = (1_000, 3_000, 9_000, 29_000)  # nested: each holds all smaller ones
LARGE = {"architecture": "transformer", "model.layers": 4}

EXPERIMENT = Experiment(
    question=Words(
        "From how many sentence pairs on does the larger model translate better than the smaller one?",
        "문장 쌍이 얼마나 있어야 큰 모델이 작은 모델보다 잘 번역하는가?",
    ),
    claim=Words(
        "With little data the large model is at a disadvantage, with much it wins.",
        "데이터가 적으면 큰 모델이 불리하고, 많으면 큰 모델이 이긴다.",
    ),
    source="Koehn & Knowles 2017; Sennrich & Zhang 2019",
    base="luong",
    # As many distinct pairs as Multi30k has.
    embedded={
        "data.embedded.train_pairs": 29_000,
        "data.embedded.words": 0.2,
        "data.vocabulary.size": 400,
        "training.steps": 1_200,
    },
    arms=chain(
        cross(vary("architecture", "luong", "transformer"), vary("data.subset", *PAIRS)),
        cross(named("large transformer", LARGE), vary("data.subset", *PAIRS)),
    ),
    axis=Axis("data.subset", Words("sentence pairs", "문장 쌍"), log=True),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy"),
    # Between families, and within one: there nothing but the size differs.
    verdict=(
        Crossing(
            tuple(f"luong, subset={pairs}" for pairs in PAIRS),
            tuple(f"transformer, subset={pairs}" for pairs in PAIRS),
            0.0,
        ),
        Crossing(
            tuple(f"transformer, subset={pairs}" for pairs in PAIRS),
            tuple(f"large transformer, subset={pairs}" for pairs in PAIRS),
            0.0,
        ),
    ),
    notes={
        "embedded_tiny": Words(
            "A run reads about 20,000 sentences in its 1,200 steps: 1,000 pairs 18 times, 9,000 twice, and of 29,000 a "
            "third never. So from 9,000 on it is steps that are short, not data, and where much data wins is not "
            "shown. No arm fails with 1,000 pairs: sentences are short and few words make them. Sennrich & Zhang's RNN "
            "has 0.0 BLEU with 100,000 words of training text, and 16.6 tuned.",
            "실행 하나는 1,200 단계 동안 약 20,000문장을 읽는다. 1,000쌍은 18번, 9,000쌍은 두 번 읽고, 29,000쌍의 "
            "3분의 1은 한 번도 읽지 않는다. 9,000쌍부터 모자라는 것은 데이터가 아니라 단계 수이며, 데이터가 많을 때 "
            "무엇이 이기는지는 보이지 않았다. 문장이 짧고 어휘가 적어 1,000쌍으로도 실패하는 조건은 없다. Sennrich와 "
            "Zhang의 RNN은 학습 텍스트 100,000단어로 0.0 BLEU, 조율하면 16.6이다.",
        ),
        "multi30k_small": Words(
            "At this size neither model is large: the Transformer has fewer parameters than Luong's model, learns "
            "faster, and is ahead in BLEU at every size, at 1,000 pairs not certainly and with the worse perplexity. "
            "All took as many steps, and the checkpoint that validates best is what counts: little data ends in early "
            "stopping, not in learning by heart.",
            "이 크기에서는 어느 모델도 크지 않다. 트랜스포머는 루옹 모델보다 매개변수가 적고 더 빨리 배우며, BLEU는 "
            "모든 데이터 크기에서 앞선다(1,000쌍에서는 확실하지 않고 퍼플렉서티는 더 나쁘다). 모두 같은 단계 수를 "
            "학습했고 검증에서 가장 좋은 체크포인트를 쓴다. 데이터가 적으면 외우는 대신 일찍 멈춘다.",
        ),
    },
)
