"""What a specialist would set beside the plan where no model here reads the data as what it is, and its price."""

from __future__ import annotations

import math

from deepworth.cost import dims, onboard
from deepworth.decide.hardware import priced
from deepworth.decide.phrases import article, gpu_hours
from deepworth.decide.situation import Situation
from deepworth.types import Range, record
from deepworth.words import money_span

CARD = "T4"  # that is reckoned with where no GPU is here or named
EPOCHS, BATCH, MOST_TOKENS = 10, 32, 1024


@record
class Outside:
    """The steps of a specialist, and the pretrained network of the last one."""

    who: str
    base: str
    split: str
    network: str
    letters: float  # a token
    layers: int
    hidden: int
    heads: int
    ffn: int
    vocab: int
    mats: int = 2


STEPS = {  # what strings are written as; sizes of the networks are from memory, not read from their config.json
    "molecules": Outside(
        who="a chemist",
        base="trees on fingerprints and descriptors",
        split="a scaffold split",
        network="a language model of molecules (MoLFormer-XL, 47 M parameters",
        letters=1.25, layers=12, hidden=768, heads=12, ffn=768, vocab=2362,
    ),
    "dna": Outside(
        who="a biologist",
        base="trees on counts of k-mers",
        split="related sequences on one side of the split",
        network="a language model of DNA (DNABERT-2, 117 M parameters",
        letters=5.0, layers=12, hidden=768, heads=12, ffn=3072, vocab=4096, mats=3,
    ),
    "proteins": Outside(
        who="a biologist",
        base="trees on counts of amino acids and k-mers",
        split="a split by family (CD-HIT, MMseqs2)",
        network="a language model of proteins (ESM-2, 35 M parameters",
        letters=1.0, layers=12, hidden=480, heads=20, ffn=1920, vocab=33,
    ),
}  # fmt: skip


def beyond(kind: str, situation: Situation) -> str:
    """One or two sentences with GPU-hours and money; "" for what has no such steps."""
    step = STEPS.get(kind)
    if step is None:
        return ""
    there = situation if situation.machine.accelerator_part else situation.on(CARD)
    work, machine = situation.work, there.machine
    sizes = {"kind": "encoder", "layers": step.layers, "hidden": step.hidden, "heads": step.heads, "ffn": step.ffn}
    model = dims.from_dims(sizes | {"vocab": step.vocab, "mlp_mats": step.mats, "tied_embeddings": 1}, step.network)
    tokens = min(work.chars / step.letters + 2, MOST_TOKENS)
    pace = onboard.of_tokens(onboard.device(machine), max(machine.accelerators, 1), model, tokens, BATCH, BATCH)
    seconds = EPOCHS * (work.train * pace.step + work.valid * pace.forward) + work.test * pace.forward
    off = 1.5 * math.exp(pace.half)
    span = Range(low=seconds / off, likely=seconds, high=seconds * off)
    cost = priced(span, there.hardware)
    bill = f" and {money_span(cost)}" if cost else ""
    return (
        f"{step.who[0].upper()}{step.who[1:]} would begin with {step.base}, on {step.split}, then fine-tune "
        f"{step.network}, sizes from memory): {EPOCHS} epochs take {gpu_hours(span, there.hardware.count)}{bill} on "
        f"{article(there.hardware.name)} {there.hardware.name}."
    )
