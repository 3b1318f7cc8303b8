"""SentencePiece vocabularies: text to ids and back, trained on the training split alone, the same on every run."""

import io
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sentencepiece

from research.data.pairs import Split

PAD, BOS, EOS, UNK = 0, 1, 2, 3

KINDS = ("bpe", "unigram")
TRAINING_LINES = 4_000_000  # more lines than this are thinned out evenly: SentencePiece holds them all in memory
LONGEST_BYTES = 4_192  # SentencePiece leaves out longer lines unless it is told another max_sentence_length
RESERVED = "\u2585"  # SentencePiece leaves out every training line that has this character
QUIET = 2  # SentencePiece's minloglevel: errors only


class Vocabulary:
    """One SentencePiece model. `encode` adds no begin or end mark; those are `BOS` and `EOS`."""

    def __init__(self, model: bytes):
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def __len__(self) -> int:
        return self._processor.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """The ids of `text`; whitespace at the ends and in runs does not count."""
        return self._processor.encode(_spaced(text))

    def encode_all(self, texts: Iterable[str]) -> list[list[int]]:
        """`encode` of each text, in one call: several times faster than one by one."""
        return self._processor.encode([_spaced(text) for text in texts])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids` up to the first `EOS`; control ids have no text."""
        return self._processor.decode(_before_end(ids))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The pieces as they stand in the vocabulary: "▁" begins a word."""
        return [self._processor.id_to_piece(int(i)) for i in ids]

    def word_of_piece(self, text: str) -> list[int]:
        """For each piece of `encode(text)`, which of `text.split()` it belongs to, counted from 0.

        From SentencePiece's character offsets, so that it holds for pieces of every kind, those of single bytes too.
        """
        text = _spaced(text)
        ends = [match.end() for match in re.finditer(r"\S+", text)]
        words, word = [], 0
        for begin, _ in self._processor.encode(text, return_type="offset_mapping")["offsets"]:
            while word < len(ends) - 1 and begin >= ends[word]:  # a space is of the word after it
                word += 1
            words.append(word)
        return words

    def save(self, path: Path | str) -> None:
        Path(path).write_bytes(self.model)

    @classmethod
    def load(cls, path: Path | str) -> "Vocabulary":
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no vocabulary at {path}: a run folder holds it once training has begun")
        try:
            vocabulary = cls(path.read_bytes())
        except RuntimeError as error:
            raise ValueError(
                f"{path} is damaged: it is no SentencePiece model; restore it, or make the run again"
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
        """Learn `size` pieces from `lines`, fewer when the lines do not hold that many.

        kind: "bpe" (Sennrich et al. 2016) or "unigram" (Kudo 2018). The four control pieces count. Nothing is
        normalised but whitespace, so decoding gives back what was encoded.
        """
        if kind not in KINDS:
            raise ValueError(f"no vocabulary kind {kind!r}; choose one of {', '.join(KINDS)}")
        stride = -(-len(lines) // TRAINING_LINES) or 1
        sentences = [spaced for line in lines[::stride] if (spaced := _spaced(line.replace(RESERVED, " ")))]
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
    """The source's and the target's vocabulary: one and the same object when joint."""

    source: Vocabulary
    target: Vocabulary

    @property
    def joint(self) -> bool:
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
        """From the training split: `size` pieces for both sides together, or for each."""
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
        folder.mkdir(parents=True, exist_ok=True)
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


def _spaced(text: str) -> str:
    """`text` with its words one space apart, so that tabs and no-break spaces separate words too.

    "▁" itself, SentencePiece's own sign for a space, becomes "_": it would be lost.
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
    """SentencePiece names a line of its C++ source; say instead what the config should say."""
    reason = str(error).strip()
    if not re.search("vocab", reason, re.IGNORECASE):
        return f"SentencePiece cannot train with these data.vocabulary fields: {reason}"
    found = re.search(r"(\d+) vs (\d+)", reason)
    least = f" (every character and control piece alone makes {max(int(found[1]), int(found[2]))})" if found else ""
    return (
        f"data.vocabulary.size={size} is too small for this text{least}: raise it, lower "
        f"data.vocabulary.character_coverage, or turn data.vocabulary.byte_fallback off, which takes 256 pieces"
    )
