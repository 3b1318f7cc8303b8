"""English to German on Multi30k: 29,000 image captions; Elliott et al. 2016, 2017.

    python run.py train --config=configs/multi30k.py:luong --workdir=runs/luong

The files are taken from --config.data.root where they are there, and fetched into it otherwise (1.3 MB). A recurrent
model trains for a quarter of an hour on one CPU core, a Transformer for half an hour on two. The recipes are those of
configs/recipes.py for 30,000 pairs. `tiny`, the Transformer-Tiny of Wu et al. 2021 on the raw text, has its own.

`tiny_published` is with all of their training, on the lower-cased, tokenised text that their 41.02 tokenised BLEU is
of: hours on two CPU cores. Ours: the clipping of the gradient, and an epoch between two checkpoints. `luong_tokenised`
is `luong` on that text.

`tutorial_none`, `tutorial_context`, `tutorial_attention` and `tutorial_transformer` are the models of a well-known
PyTorch tutorial (github.com/bentrevett/pytorch-seq2seq), German to English. Ours (theirs in brackets):
- 6,000 BPE subwords a language (words seen twice: 7,853 and 5,893)
- 2,048 positions a batch (128 pairs)
- recurrent models are trained on the references alone (on their own last word at every second step)
- no bias before the output (one)
- with attention, 256 units a direction of the encoder (512), because encoder and decoder have one width here
- tanh(W [c; h]) before the output (none) where there is a context, and with attention the encoder's last state as it
  is (projected)
- initial weights
"""

from configs.base import MODELS, bahdanau, base, luong, named, none, transformer
from configs.recipes import follow
from configs.text import read_files

PUBLISHED = "https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1"
TESTS = ("test_2016_flickr", "test_2017_flickr", "test_2017_mscoco")

SHA256 = {
    "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    "test_2016_flickr.de.gz": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    "test_2017_flickr.en.gz": "76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074",
    "test_2017_flickr.de.gz": "a2c89666db00c495cd8513b9d708d5a3acc205d7de312ef2bf5fb7ebc1540aee",
    "test_2017_mscoco.en.gz": "aab300bfb4427697987e02cd0aacd44bfe8aa50456231b6474c08038bbed2b58",
    "test_2017_mscoco.de.gz": "799e4854c25d601cb6cb6be29eabe5667734c61ace2f495e03e429031a0bc338",
    "tok/train.lc.norm.tok.en": "08925f8e0572bcd5a006702fc5fe20e2d77c6917d4eebd576fc20de6693c2119",
    "tok/train.lc.norm.tok.de": "cb5a23529b65ec2061f1dc446192a9c37382b63cc75f81a0be59d34894b3a505",
    "tok/val.lc.norm.tok.en": "46573ce391ae227f1c72f873392436a20ef18e0a6d518098cfbd70b77c8572ec",
    "tok/val.lc.norm.tok.de": "97232bd273eceb7207f689527386a97e4be2616b18ada47576bdaf96c8ae1f00",
    "tok/test_2016_flickr.lc.norm.tok.en": "5b7f32627cf99eced828311b955dae9800bb52bc8b91cf8b6526829e605b29d2",
    "tok/test_2016_flickr.lc.norm.tok.de": "c6a33d39d48f9f510de147651316cd9d918e09ad0219df734a2f16b6baccacc4",
    "tok/test_2017_flickr.lc.norm.tok.en": "c9d1dfd7a26add989382e534af235af9f0f658b2a30e7eb0efdaf142496ee54f",
    "tok/test_2017_flickr.lc.norm.tok.de": "02067e4a9402786a4fcb8c1b6f4307e4a5073ced64800abead5273b54f5f31f6",
}


def tiny():
    """Transformer-Tiny: 4+4 layers, 128 wide; Wu et al. 2021. Pre-norm, and dropout of 0.2 for 0.3."""
    config = transformer()
    config.layers = 4
    config.width = 128
    config.ffn = 256
    config.heads = 4
    config.dropout = 0.2
    return config


def tiny_published():
    """Transformer-Tiny with the norm and the dropout of Wu et al. 2021."""
    config = tiny()
    config.norm = "post"
    config.dropout = 0.3
    return config


def tutorial_none():
    """LSTM 2+2, 512 wide, the source reversed, no attention: perplexity 43.8 and 13.76 BLEU."""
    config = none()
    config.layers = 2
    config.direction = "reversed"
    return _as_tutorial_rnn(config)


def tutorial_context():
    """GRU 1+1, 512 wide, the encoder's last state at each step: perplexity 37.5 and 20.61 BLEU."""
    config = bahdanau()
    config.cell = "gru"
    config.direction = "uni"
    config.score = "dot"  # which has no parameters: "last" ignores the scores
    config.normaliser = "last"
    return _as_tutorial_rnn(config)


def tutorial_attention():
    """GRU 1+1, 512 wide, additive score: perplexity 25.6 and 28.30 BLEU. Half the units a direction for theirs."""
    config = bahdanau()
    config.cell = "gru"
    return _as_tutorial_rnn(config)


def tutorial_transformer():
    """3+3 layers, 256 wide, 8 heads, learned positions: perplexity 5.32 and 36.52 BLEU."""
    config = transformer()
    config.ffn = 512
    config.norm = "post"
    config.dropout = config.attention_dropout = config.activation_dropout = 0.1
    config.positions = "learned"
    config.learned_positions = 100
    config.tie = "none"
    return config


TUTORIAL = {
    "tutorial_none": tutorial_none,
    "tutorial_context": tutorial_context,
    "tutorial_attention": tutorial_attention,
    "tutorial_transformer": tutorial_transformer,
}
TOKENISED = {"tiny_published": tiny_published, "luong_tokenised": luong}
ARCHITECTURES = {**MODELS, "tiny": tiny, **TOKENISED, **TUTORIAL}


def get_config(architecture: str = "luong"):
    config = base(named(ARCHITECTURES, architecture))
    _raw_text(config.data, ("de", "en") if architecture in TUTORIAL else ("en", "de"))
    config.training.validate_every_steps = 300
    config.training.save_every_steps = 300
    if architecture in TUTORIAL:
        _as_tutorial(config)
    elif architecture == "tiny_published":
        _as_published(config)
    elif architecture == "tiny":
        _train_tiny(config)
    else:
        follow(config, "30k")
    if architecture in TOKENISED:
        _tokenised_text(config)
    return config


def _raw_text(data, languages: tuple[str, str]) -> None:
    """Cased text as published; the splits' names are the files'."""
    read_files(data, "{split}.{language}.gz", languages, train="train", validation="val", tests=TESTS)
    data.root = "~/.cache/lookback/multi30k"
    data.download = f"{PUBLISHED}/raw"
    data.sha256 = {name.replace(".", "__"): digest for name, digest in SHA256.items()}
    data.batch_tokens = 2_048
    data.buckets = 6
    data.vocabulary.kind = "bpe"
    data.vocabulary.size = 8_000
    data.vocabulary.joint = True


def _tokenised_text(config) -> None:
    """Lower-cased, normalised, tokenised as published; a folder may hold these files as .gz too."""
    file = "tok/{split}.lc.norm.tok.{language}"
    read_files(config.data, file, ("en", "de"), train="train", validation="val", tests=TESTS[:2])
    config.data.download = PUBLISHED
    config.data.vocabulary.size = 10_000
    config.evaluation.tokenize = "none"  # the text is tokenised already


def _as_tutorial_rnn(model):
    model.width = 512
    model.embedding = 256
    model.dropout = 0.5
    model.tie = "none"
    return model


def _as_tutorial(config) -> None:
    config.data.lowercase = True
    config.data.vocabulary.size = 6_000
    config.data.vocabulary.joint = False
    config.training.steps = 2_400  # 10 epochs
    config.training.label_smoothing = 0.0
    config.training.learning_rate = 1e-3 if config.model.decoder == "recurrent" else 5e-4
    config.training.schedule = "constant"
    config.training.warmup_steps = 0
    config.training.beta2 = 0.999
    config.training.epsilon = 1e-8
    config.evaluation.beam = 1


def _as_published(config) -> None:
    """Train as Wu et al. 2021."""
    config.data.batch_tokens = 2 * 4_096
    config.training.steps = 8_000
    config.training.learning_rate = 5e-3
    config.training.warmup_steps = 2_000
    config.training.average_last = config.training.keep_last = 10
    config.training.save_every_steps = 60  # an epoch


def _train_tiny(config) -> None:
    """Ours: a higher rate that falls to 0 in the end, and less than half of the published positions."""
    config.data.batch_tokens = 4_096
    config.training.steps = 6_000
    config.training.learning_rate = 8e-3
    config.training.schedule = "wsd"
    config.training.warmup_steps = 600
    config.training.decay_share = 0.3
    config.training.validate_every_steps = config.training.save_every_steps = 600
