"""English to French on WMT 2014: RNNsearch-50 of Bahdanau et al. 2015.

    python -m research.data.prepare wmt14_translate/fr-en      # once, with a network
    python run.py train --config=configs/wmt14_fr.py:rnnsearch --workdir=runs/rnnsearch

Ours (theirs in brackets):
- 500 units a direction of the encoder (1,000), because encoder and decoder have one width here; with
  --config.model.width=2000 the encoder is theirs, and decoder and alignment are twice theirs
- tanh(W [c; h]) before the output (a maxout layer of 500, which sees the last word too)
- Adam with a rate of 5e-4 and a cosine, 300,000 steps (Adadelta, five days)
- 30,000 BPE subwords a language, and 50 subwords a side (words)
- 3,072 positions a batch (80 pairs)
- 12 million pairs drawn at random (348 million words chosen by their likeness to the news)
- initial weights, warm-up and search
"""

from configs.base import MODELS, bahdanau, base, named
from configs.tfds import read_builder

LONGEST_WORDS = 50


def rnnsearch():
    """GRU 1+1, 1,000 wide, additive score: 26.75 BLEU on all sentences of newstest2014."""
    config = bahdanau()
    config.cell = "gru"
    config.width = 1_000
    config.embedding = 620
    config.tie = "none"
    config.dropout = 0.0
    return config


ARCHITECTURES = {**MODELS, "rnnsearch": rnnsearch}


def get_config(architecture: str = "rnnsearch"):
    config = base(named(ARCHITECTURES, architecture))
    read_builder(config.data, "wmt14_translate/fr-en", ("en", "fr"))
    config.data.subset = 12_000_000
    config.data.max_tokens = LONGEST_WORDS + 1  # and the end-of-sentence token
    config.data.batch_tokens = 3_072  # about 80 pairs
    config.data.buckets = 8
    config.data.vocabulary.size = 30_000
    config.data.vocabulary.joint = False
    config.training.steps = 300_000  # two epochs
    config.training.label_smoothing = 0.0
    config.training.learning_rate = 5e-4
    config.training.schedule = "cosine"
    config.training.warmup_steps = 1_000
    config.training.clip_norm = 1.0
    config.training.validate_every_steps = config.training.save_every_steps = 3_000
    return config
