"""The verb report: its flags, help and examples."""

from configs.flags import Verb, flag, path

REPORT = Verb(
    summary="show run folders side by side: one page with tables, figures and attention maps",
    usage="RUN [RUN ...] --out=FOLDER",
    description="Show run folders side by side, the answers of `ablate` with their verdicts, or both: one\n"
    "self-contained HTML page, its figures as PNG and its tables as CSV. Of many runs\n"
    "all are in the tables, and 15 in the figures: those of each architecture with the best BLEU.",
    examples=(
        "report runs/* --out=report/",
        "report runs/ablation/* --out=report/",
        "report runs/ablation/multi30k/heads.json --out=report/",
        "report runs/* --out=report/ --keep=docs/evidence",
    ),
    flags=(
        flag("runs", "run folders, evaluated; or answers, or folders of answers", nargs="+", type=path, metavar="RUN"),
        flag("--out", "where the report goes, made if absent", required=True, type=path, metavar="FOLDER"),
        flag(
            "--keep",
            "also write the evidence of each run below FOLDER: a run folder of about 20 kB, without weights and texts, "
            "that report reads like the run itself",
            type=path,
            metavar="FOLDER",
        ),
    ),
)
