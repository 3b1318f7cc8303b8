"""Every field of a Lookback run, once, with its unit and its reason.

A config file returns one of these with some values changed: `get_config(architecture)` where
`architecture` names a function of `MODELS`. Fields are typed and all is locked from the start, so
a mistyped name or a value of the wrong type is an error, never a silent default. So is a number
out of its range, by `research/results/ranges.py`.
"""

from collections.abc import Callable

from ml_collections import ConfigDict


def base(model: ConfigDict) -> ConfigDict:
    """All that is not the model. Values suit the embedded corpus on two CPU cores."""
    config = ConfigDict()
    config.seed = 0  # initial weights, dropout and data order; the corpus has its own
    config.model = model
    config.data = data()
    config.training = training()
    config.evaluation = evaluation()
    config.lock()
    config.data.tests.unlock()  # these two are filled by name
    config.data.sha256.unlock()
    return config


def data() -> ConfigDict:
    config = ConfigDict()
    config.source = "embedded"  # embedded | text | tfds
    config.languages = ("en", "ko")  # (source, target): for BLEU's tokeniser, reports and TFDS field names
    config.subset = 0  # training pairs: the first n of one fixed shuffle; 0: all
    config.lowercase = False
    config.max_tokens = 128  # subwords a side, end-of-sentence token included; longer pairs are left out of training
    config.batch_tokens = 4_096  # positions of the longer side a step, over all devices
    config.buckets = 4  # fixed shapes; each costs one compilation
    config.stream_pairs = 1_000_000  # training pairs from which on they are streamed from disk; 0: never
    config.workers = 2  # processes that read streamed pairs ahead of the steps; 0: none
    config.vocabulary = ConfigDict()  # learnt from all training pairs, or from 500,000 of those that are streamed
    config.vocabulary.kind = "bpe"  # bpe | unigram
    config.vocabulary.size = 8_000  # subwords, four control tokens included; of each side if not joint
    config.vocabulary.joint = True  # one vocabulary for both languages
    config.vocabulary.character_coverage = (
        1.0  # share of training characters that get a subword of their own; 0.98 to 1
    )
    config.vocabulary.byte_fallback = False  # 256 subwords spell other characters in bytes; else they are unknown

    # source = "embedded": the synthetic English-Korean corpus and its knobs.
    config.embedded = ConfigDict()
    config.embedded.seed = 0
    config.embedded.train_pairs = 20_000
    config.embedded.validation_pairs = 500
    config.embedded.test_pairs = 1_000
    config.embedded.clauses = 4  # the most clauses in a sentence, 1 to 8: its length
    config.embedded.reordering = 1.0  # share of sentences put verb-final, by main verb; 0: all in English order
    config.embedded.words = 1.0  # share of each word list in use, the frequent first: the vocabulary
    config.embedded.ambiguity = 0.3  # chance that a noun, verb or adjective is one that only the context decides
    config.embedded.noise = 0.0  # chance that a target word is replaced by a random one (training only)

    # source = "text": parallel files, plain or .gz, one sentence a line, below `root`.
    config.root = ""
    config.train = ("", "")  # (source file, target file)
    config.validation = ("", "")
    config.tests = ConfigDict()  # split name -> (source file, target file)
    config.download = ""  # the URL that files missing from `root` are fetched below; "": never
    config.sha256 = ConfigDict()  # file name with "." as "__" -> digest that a file must have

    # source = "tfds": any translation builder of TensorFlow Datasets.
    config.builder = ""  # such as "wmt14_translate/de-en"
    config.builder_dir = ""  # folder of prepared data; "": the default of TFDS
    config.splits = ("train", "validation", "test")  # the training split, the validation split, then tests
    return config


def training() -> ConfigDict:
    config = ConfigDict()
    config.steps = 2_000
    config.strategy = "pmap"  # pmap | shard_map | mesh: how a step is spread over the devices
    config.fsdp = 1  # mesh: devices that each parameter and its optimiser's state are cut over, to save memory
    config.tensor = 1  # mesh: devices that heads, feed-forward layers and the vocabulary are cut over
    config.precision = "float32"  # float32 | bfloat16: of products and activations; weights and sums stay float32
    config.label_smoothing = 0.1
    config.accumulation = 1  # parts that a batch is split in to save memory; the gradient is the same but for dropout
    config.optimizer = "adam"  # adam | adamw
    config.learning_rate = 1e-3  # at the peak of the schedule
    config.schedule = "inverse_sqrt"  # inverse_sqrt | cosine | wsd | constant, each after linear warm-up
    config.warmup_steps = 200
    config.decay_share = 0.2  # of the steps: the end, in which wsd falls to 0
    config.beta1 = 0.9
    config.beta2 = 0.98
    config.epsilon = 1e-9
    config.weight_decay = 0.0  # adamw only
    config.clip_norm = 1.0  # of the global gradient; 0: no clipping
    config.ema_decay = 0.0  # exponential averaging of weights, a step; 0: off
    config.average_last = 1  # checkpoints whose mean is evaluated; 1: what evaluation.checkpoint says
    config.log_every_steps = 50
    config.validate_every_steps = 500  # perplexity, and greedy BLEU on `bleu_sentences`
    config.bleu_sentences = 200  # validation sentences translated at each validation; 0: none
    config.attention_sentences = 0  # validation sentences whose attention is measured at each validation; 0: none
    config.save_every_steps = 500
    config.background_saves = False  # train on while a checkpoint is written: a SIGKILL then loses the steps of two
    config.keep_last = 1  # checkpoints, at least, beside the best
    config.keep_trunk = False  # wsd: keep the checkpoint before the rate falls, which longer runs may begin with
    config.keep_best_by = "perplexity"  # perplexity | bleu, on validation
    config.patience = 0  # validations without improvement before stopping; 0: never stop early
    return config


def evaluation() -> ConfigDict:
    config = ConfigDict()
    config.checkpoint = "best"  # best | last
    config.beam = 5  # hypotheses; 1 is greedy
    config.length_penalty = 1.0  # alpha: a hypothesis of n tokens scores sum(log p) / lp(n); 0: plain probability
    config.length_normalisation = "mean"  # lp: mean, n**alpha | gnmt, ((5 + n) / 6)**alpha
    config.coverage_penalty = 0.0  # beta of GNMT, for source words left unread; 0: none, and nothing is computed for it
    config.extra_tokens = 20  # a translation may have 1.5 times the source's subwords, and these
    config.batch_sentences = 100
    config.tokenize = ""  # sacreBLEU's tokeniser; "": by target language; "none": the text is tokenised already

    # What a result is broken down by: the upper edges, inclusive, of all bins but the last.
    config.length_bins = (5, 10, 15, 20, 30)  # source words
    config.frequency_bins = (0, 10, 100, 1_000, 10_000)  # times that a target word stands in the training split
    config.reordering_bins = (0.0, 0.1, 0.2, 0.3, 0.5)  # share of the pairs of target words that swap their order
    return config


def recurrent() -> ConfigDict:
    """RNN encoder-decoder; the shape of Luong et al. 2015 made small."""
    return sides("recurrent", "recurrent").lock()


def none() -> ConfigDict:
    """No attention: the decoder starts from the encoder's last state and never looks back."""
    return recurrent()


def luong() -> ConfigDict:
    """Luong et al. 2015: read with the current state, bilinear score, no input feeding."""
    config = recurrent()
    config.reader = "luong"
    return config


def bahdanau() -> ConfigDict:
    """Bahdanau et al. 2015: read with the previous state, additive score."""
    config = recurrent()
    config.reader = "bahdanau"
    config.score = "concat"
    return config


def transformer() -> ConfigDict:
    """Vaswani et al. 2017, made small; as published: `base` and `big` of configs/wmt14.py."""
    return sides("transformer", "transformer").lock()


def transformer_recurrent() -> ConfigDict:
    """A Transformer's encoder and a recurrent decoder that reads it, as in Chen et al. 2018."""
    config = sides("transformer", "recurrent")
    config.reader = "luong"
    return config.lock()


def recurrent_transformer() -> ConfigDict:
    """A recurrent encoder and a Transformer's decoder; Chen et al. 2018 found it the weaker mix."""
    return sides("recurrent", "transformer").lock()


def sides(encoder: str, decoder: str) -> ConfigDict:
    """A model of two sides, with the fields that they have, and no others."""
    config = ConfigDict()
    config.encoder = encoder  # recurrent | transformer
    config.decoder = decoder  # recurrent | transformer
    config.width = 256
    config.embedding = config.get_oneway_ref("width")
    config.layers = 3 if decoder == "transformer" else 1
    config.encoder_layers = config.get_oneway_ref("layers")
    config.decoder_layers = config.get_oneway_ref("layers")
    config.dropout = 0.1 if decoder == "transformer" else 0.2
    config.tie = "all" if decoder == "transformer" else "decoder"  # none | decoder (target = output) | all (and source)
    config.remat = False  # compute each layer's activations again in the backward pass: less memory, the same gradient
    config.decoder_direction = "uni"  # uni | bi: bi reads the target from its end, too: a control that cannot translate

    # How the decoder reads the source.
    config.score = "scaled_dot" if decoder == "transformer" else "general"  # a name of research/attention/scores.py
    # softmax | sparsemax | entmax15 | uniform | hard | last | permuted
    # | softmax_over_queries | softmax_over_queries_renormalised | softmax_over_queries_scaled
    config.normaliser = "softmax"
    config.window = "global"  # global | local_m | local_p
    config.window_radius = 10  # positions that a local window reaches each way
    config.learned_positions = 128  # positions with weights of their own: score "location", positions "learned"
    if "recurrent" in (encoder, decoder):
        recurrent_side(config)
    if "transformer" in (encoder, decoder):
        transformer_side(config)
    return config


def recurrent_side(config: ConfigDict) -> None:
    config.cell = "lstm"  # lstm | gru | tanh
    config.residual = False  # each recurrent layer above the first adds its inputs to its outputs: for deep stacks
    if config.encoder == "recurrent":
        config.direction = "bi"  # uni | reversed | bi
    if config.decoder == "recurrent":
        config.reader = "none"  # none | luong (reads with the current state) | bahdanau (with the previous one)
        config.input_feeding = False  # the attentional state enters the next step
        config.coverage = "none"  # none | linguistic | neural
        config.coverage_width = 1  # numbers that coverage has for a source position; linguistic: 1


def transformer_side(config: ConfigDict) -> None:
    config.ffn = 1_024
    config.heads = 8
    config.kv_heads = config.get_oneway_ref("heads")  # heads of keys and values: fewer are shared; 1 is multi-query
    config.head_width = 0  # 0: width / heads
    config.head_spread = 1.0  # how different heads are at the start: 1 independent, 0 all the same
    config.norm = "pre"  # pre | post (as published)
    config.attention_dropout = 0.0
    config.activation_dropout = 0.0
    config.positions = "sinusoidal"  # none | sinusoidal | learned | relative | rotary | alibi
    for side in ("encoder", "decoder"):
        if config[side] == "transformer":
            config[f"{side}_positions"] = config.get_oneway_ref("positions")
    config.relative_reach = 16  # the distance beyond which "relative" positions treat all distances alike
    config.self_score = "scaled_dot"
    config.self_normaliser = "softmax"
    config.self_window = 0  # positions that self-attention reaches each way (a decoder: back); 0: all
    # reference | fused | blockwise: how scaled dot products and a softmax are computed; the result is the same. Reading
    # the source with another score, window or normaliser is always computed by the reference.
    config.kernel = "reference"
    config.scan_layers = False  # one program for all layers of a side: deep models compile sooner; other dropout masks


MODELS: dict[str, Callable[[], ConfigDict]] = {
    "none": none,
    "luong": luong,
    "bahdanau": bahdanau,
    "transformer": transformer,
    "transformer_recurrent": transformer_recurrent,
    "recurrent_transformer": recurrent_transformer,
}


def named(models: dict[str, Callable[[], ConfigDict]], architecture: str) -> ConfigDict:
    """The model config that `architecture` names, or a ValueError listing what there is."""
    if architecture not in models:
        raise ValueError(f"no architecture {architecture!r}; choose one of {', '.join(models)}")
    return models[architecture]()
