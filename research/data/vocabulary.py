"""SentencePiece vocabularies: text to ids and back, trained on the training split alone, the same in every run."""

import io
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sentencepiece

from research.data.pairs import Split
from research.files import CONTROLS, write_whole

PAD, BOS, EOS, UNK = 0, 1, 2, 3

KINDS = ("bpe", "unigram")
TRAINING_LINES = 4_000_000  # of more lines, every second, third, ... is taken: SentencePiece holds them all in memory
LONGEST_BYTES = 4_192  # SentencePiece leaves out longer lines unless it is told another max_sentence_length
RESERVED = "\u2585"  # SentencePiece leaves out every training line that has this character
NAME_OF_CONTROL = re.compile("<(unk|s|/s|pad|0x[0-9A-F]{2})>")  # it counts no character of these; HTML has <s>
QUIET = 2  # SentencePiece's minloglevel: errors only


class Vocabulary:
    """A SentencePiece model. `encode` adds neither `BOS` nor `EOS`."""

    def __init__(self, model: bytes):
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def __len__(self) -> int:
        return self._processor.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, each run of whitespace taken as one space and none at the ends."""
        return self._processor.encode(_spaced(text))

    def encode_all(self, texts: Iterable[str]) -> list[list[int]]:
        """Encode many texts in one call, which is several times faster than one by one."""
        return self._processor.encode([_spaced(text) for text in texts])

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids` up to the first `EOS`, on one line; control ids have no text.

        Bytes, and characters of the training text, may spell control characters: each becomes a space.
        """
        return self._processor.decode(_before_end(ids)).translate(CONTROLS)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the subwords of `ids` as SentencePiece spells them: "▁" begins a word."""
        return [self._processor.id_to_piece(int(i)) for i in ids]

    def word_of_piece(self, text: str) -> list[int]:
        """Return for each id of `encode(text)` the index in `text.split()` of the word that it belongs to.

        It goes by SentencePiece's character offsets, which hold for single bytes too.
        """
        text = _spaced(text)
        ends = [match.end() for match in re.finditer(r"\S+", text)]
        words, word = [], 0
        for begin, _ in self._processor.encode(text, return_type="offset_mapping")["offsets"]:
            while word < len(ends) - 1 and begin >= ends[word]:  # a space belongs to the word after it
                word += 1
            words.append(word)
        return words

    def save(self, path: Path | str) -> None:
        """Write the model to a file."""
        write_whole(Path(path), self.model)

    @classmethod
    def load(cls, path: Path | str) -> "Vocabulary":
        """Read what `save` wrote; ValueError if the file is damaged."""
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no vocabulary at {path}: a run folder holds it once training has begun")
        try:
            vocabulary = cls(path.read_bytes())
        except RuntimeError as error:
            raise ValueError(
                f"{path} is damaged: it is not a SentencePiece model; restore it, or make the run again"
            ) from error
        if not len(vocabulary):
            raise ValueError(f"{path} is empty; restore it, or make the run again")
        return vocabulary

    @classmethod
    def train(
        cls,
        lines: Sequence[str],
        *,
        kind: str,
        size: int,
        character_coverage: float = 1.0,
        byte_fallback: bool = False,
    ) -> "Vocabulary":
        """Train a vocabulary. Only whitespace is normalised, so that decoding gives back the encoded text.

        Args:
            lines: the training text.
            kind: "bpe" or "unigram".
            size: subwords, the four control tokens included; the vocabulary is smaller if the text has fewer.
            character_coverage: share of the characters of the text that get a subword of their own.
            byte_fallback: spell all other characters in bytes, which takes 256 subwords.

        Raises:
            ValueError: the text or the arguments allow no vocabulary.

        Reference: Sennrich et al. 2016 (BPE); Kudo 2018 (unigram).
        """
        if kind not in KINDS:
            raise ValueError(f"data.vocabulary.kind={kind!r}: choose one of {', '.join(KINDS)}")
        stride = -(-len(lines) // TRAINING_LINES) or 1
        sentences = [spaced for line in lines[::stride] if (spaced := _spaced(_countable(line)))]
        if not sentences:
            raise ValueError("no text to train a vocabulary on: every training line is empty")
        longest = max(len(sentence.encode()) for sentence in sentences)
        # Only where it matters: a model also holds the settings that it was trained with.
        limit: dict[str, Any] = {"max_sentence_length": longest} if longest > LONGEST_BYTES else {}
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(sentences),
                model_writer=model,
                model_type=kind,
                vocab_size=size,
                hard_vocab_limit=False,  # a small corpus gives a smaller vocabulary, not a failure
                character_coverage=character_coverage,
                byte_fallback=byte_fallback,
                normalization_rule_name="identity",  # NFKC would turn "…" into "...", and the reference has "…"
                pad_id=PAD,
                bos_id=BOS,
                eos_id=EOS,
                unk_id=UNK,
                num_threads=1,  # a unigram model depends on the number of threads
                **limit,
                minloglevel=QUIET,
            )
        except RuntimeError as error:
            raise ValueError(_explain(error, size)) from error
        return cls(model.getvalue())


class Vocabularies(NamedTuple):
    """The source vocabulary and the target vocabulary; one object if they are joint."""

    source: Vocabulary
    target: Vocabulary

    @property
    def joint(self) -> bool:
        """True if both sides have the same model."""
        return self.source.model == self.target.model

    @classmethod
    def train(
        cls,
        split: Split,
        *,
        joint: bool,
        kind: str,
        size: int,
        character_coverage: float = 1.0,
        byte_fallback: bool = False,
    ) -> "Vocabularies":
        """Train one vocabulary for both sides together, or one for each; see `Vocabulary.train`."""
        learn = partial(
            Vocabulary.train,
            kind=kind,
            size=size,
            character_coverage=character_coverage,
            byte_fallback=byte_fallback,
        )
        sources, targets = [pair.source for pair in split], [pair.target for pair in split]
        if joint:
            both = learn([*sources, *targets])
            return cls(both, both)
        return cls(learn(sources), learn(targets))

    def save(self, folder: Path | str) -> None:
        """Write source.model and target.model below `folder`."""
        folder = Path(folder)
        self.source.save(folder / "source.model")
        self.target.save(folder / "target.model")

    @classmethod
    def load(cls, folder: Path | str) -> "Vocabularies":
        """Read what `save` wrote."""
        folder = Path(folder)
        return cls.of(Vocabulary.load(folder / "source.model"), Vocabulary.load(folder / "target.model"))

    @classmethod
    def of(cls, source: Vocabulary, target: Vocabulary) -> "Vocabularies":
        """Return both as one object if they are equal."""
        return cls(source, source if source.model == target.model else target)


def _countable(line: str) -> str:
    """Return a line of which SentencePiece counts every character."""
    return NAME_OF_CONTROL.sub(r"< \1>", line.replace(RESERVED, " "))


def _spaced(text: str) -> str:
    """Return `text` with one space between words, so that tabs and no-break spaces separate words too.

    "▁", SentencePiece's sign for a space, becomes "_", because decoding would lose it.
    """
    return " ".join(text.replace("▁", "_").split())


def _before_end(ids: Iterable[int]) -> list[int]:
    kept: list[int] = []
    for i in ids:
        if i == EOS:
            break
        if i not in (PAD, BOS):
            kept.append(int(i))
    return kept


def _explain(error: RuntimeError, size: int) -> str:
    """Return a sentence with the config fields to change, for an error of SentencePiece."""
    reason = str(error).strip()
    if not re.search("vocab", reason, re.IGNORECASE):
        return f"SentencePiece cannot train with these data.vocabulary fields: {reason}"
    found = re.search(r"(\d+) vs (\d+)", reason)
    least = f" (the characters and control tokens alone make {max(int(found[1]), int(found[2]))})" if found else ""
    return (
        f"data.vocabulary.size={size} is too small for this text{least}: raise it, lower "
        f"data.vocabulary.character_coverage, or turn data.vocabulary.byte_fallback off, which takes 256 subwords"
    )
