"""The flag --gold, which evaluate and ablate have."""

from configs.flags import flag, path

GOLD = flag(
    "--gold",
    "gold alignment of the split in the Pharaoh format, words counted from 0, source first: 0-1 is sure, 0?1 or 0p1 "
    "possible (default: the corpus's own, if it has one)",
    type=path,
    metavar="FILE",
)
