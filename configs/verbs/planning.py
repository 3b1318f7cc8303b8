"""The verb plan: its flags, help and examples."""

from configs.flags import Verb, flag, new_file, numbers, price
from configs.verbs.training import AGAIN, CONFIG

PLAN = Verb(
    summary="say what a training will need on chips that are not here: memory, collectives, the least time",
    usage="--config=FILE[:NAME] | --from=RUN --target=CHIPS [flags] [--config.FIELD=VALUE ...]",
    description="Compile the training step of a config for chips that are not here, and say what it needs. No corpus\n"
    "is read: the batch is the widest that a step can have, of sentences of data.max_tokens. If it does not fit\n"
    "a chip, the config is compiled again with smaller parts of a batch (training.accumulation), remat and fsdp,\n"
    "until one fits. The exit code is 1 if the config, as it was given, does not fit. With\n"
    "--question every arm of an ablation is compiled, as it is configured, and the runs of all are added up.\n\n"
    "The compiler of TPUs is in the extra [tpu], that of NVIDIA's GPUs in [cuda]; both run on any machine. A\n"
    "compilation takes minutes. Time and cost are bounds from below, not forecasts.",
    examples=(
        "plan --config=configs/wmt14.py:big --target=v5e:16x16 --config.training.precision=bfloat16",
        "plan --config=configs/wmt14.py:base --target=h100:1x8 --price=2.5",
        "plan --config=configs/embedded_tiny.py:luong --target=cpu:8 --json=plan.json",
        "plan --question=heads --config=configs/wmt14.py --target=v5e:2x4 --seeds=0,1,2",
    ),
    flags=(
        (CONFIG, AGAIN),
        flag(
            "--target",
            "the chips: v4, v5e, v5p or v6e and the shape of the slice (v5e:16x16, v5p:2x2x1); h100 or h200, machines "
            "and GPUs a machine (h100:8x8); cpu and a number of this host's devices (cpu:8)",
            required=True,
            metavar="CHIPS",
        ),
        flag(
            "--price",
            "what an hour of a chip costs, in any currency: says what the least time costs",
            type=price,
            metavar="X",
        ),
        flag(
            "--question",
            "plan every arm of this question of experiments/; --config then names no model",
            metavar="NAME",
        ),
        flag(
            "--seeds",
            "for --question: the random seeds of each arm (default: 0,1,2)",
            type=numbers,
            metavar="N,N,N",
        ),
        flag("--json", "also write all numbers to this file", type=new_file, metavar="FILE"),
    ),
    overrides=("config",),
    requires={"seeds": ("question",)},
)
