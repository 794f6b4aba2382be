"""The justification: one paragraph a person could hand in before hardware is rented, made from records."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.decide.bill import bill
from deepworth.decide.candidates import Choice
from deepworth.decide.evidence import in_short
from deepworth.decide.limits import limited, total
from deepworth.decide.outside import beyond
from deepworth.decide.phrases import joined, kind, things, why
from deepworth.decide.shapes import SHAPES
from deepworth.decide.situation import Situation
from deepworth.decide.stop import weighed
from deepworth.registry import specs
from deepworth.types import DEEP, Candidate, Concern, Evidence, Goals, Rung
from deepworth.weights._networks import find_weights
from deepworth.words import percent, span

BLIND = {  # modality -> what boosted trees cannot read, and what stands in for it
    "text": ("words", "counts of them"),
    "image": ("pixels", "features made by hand"),
    "audio": ("a waveform", "statistics of its spectrum"),
}
SUSPICIONS = {  # concerns to settle before money is spent
    "leak": "a suspected leak",
    "group": "rows that belong together",
    "time": "the order of time",
    "duplicates": "test rows found in training too",
    "broken": "broken files",
}
READ_AS = {  # concerns about what the data is -> what is read instead
    "molecules": "the letters of a formula, not its structure",
    "dna": "letters, not what they code for",
    "proteins": "letters, not folds and families",
    "lists": "only what stands beside these lists",
    "series": "one row at a time, without its past values (lags)",
    "sequences": "one row at a time, not its course",
}
GRAVE = tuple(SUSPICIONS)
MANY = 0.1  # of the test rows: fewer duplicates change no verdict


def justification(
    situation: Situation, choice: Choice, evidence: Sequence[Evidence], concerns: Sequence[Concern]
) -> str:
    """What it costs and whether a GPU is needed; then the data, trees, where to start, and what would end it early."""
    other = next((c for c in concerns if c.id in READ_AS), None)  # what no model here reads as what it is
    sentences = (
        _not_yet(other, choice) if other else "",
        bill(situation, choice, brief=other is not None),
        _first(situation, concerns),
        _task(situation),
        _trees(situation, choice) if not other or other.id == "sequences" else "",
        _texts(situation) if not other else "",
        in_short(
            evidence,
            forecast=other is not None and other.id == "series",
            pretrained=any(c.rung == "frozen" for c in choice.candidates),
        ),
        _start(situation, choice) if not other else "",
        beyond(other.id, situation) if other else "",
        _end(situation, choice),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _not_yet(other: Concern, choice: Choice) -> str:
    """What no score of this plan will tell, before anything else."""
    said = f"deepworth cannot do this properly yet: {other.message.partition(':')[0]}"
    if not [c for c in choice.runs if c.rung != "floor"]:
        return f"{said}."
    return f"{said}, and models here read {READ_AS[other.id]}: their scores are only a floor."


def _task(situation: Situation) -> str:
    work, task = situation.work, situation.dataset.task
    classes = f"{work.classes} classes" if work.classes else "a number"
    told = f"{kind(situation)}, {work.train:,} {things(work)} to learn from"
    return f"The task is {task.target} ({classes}) from {told}."


def _trees(situation: Situation, choice: Choice) -> str:
    """Why boosted trees can, or cannot, do it; and what the cheap side takes."""
    classical = [c for c in choice.runs if c.rung == "classical"]
    modality, mark = situation.work.modality, f"the mark in {span(total(classical))}"
    if modality in BLIND:
        said = "Trees cannot read {}, only {}".format(*BLIND[modality])
        return f"{said}, which set {mark}." if classical else f"{said}."
    if modality != "tabular":  # of a plug-in: what reads it is not known here
        return f"The cheap side sets {mark}." if classical else ""
    return f"Trees read these as they are and {f'set {mark}' if classical else 'were left out'}."


def _texts(situation: Situation) -> str:
    """How the texts of a table are read, which is not how texts alone are."""
    work = situation.work
    if work.modality != "tabular" or not work.texts:
        return ""
    many = f"{work.texts} texts are" if work.texts > 1 else "text is"
    return f"Its {many} read as counted words only."


def _start(situation: Situation, choice: Choice) -> str:
    """The pretrained model to start from, or why there is none."""
    rungs = {rung: [c for c in choice.candidates if c.rung == rung] for rung in DEEP}
    pretrained = [c for c in (*rungs["frozen"], *rungs["tuned"]) if specs("models")[c.model].weights]
    if not pretrained:
        return _from_nothing(rungs["custom"], situation.goals.seconds)
    spec = specs("models")[pretrained[0].model]
    weights, _ = find_weights(situation.work.modality, situation.goals.weights or spec.weights)
    steps: list[str] = []
    left: dict[str, list[str]] = {}  # reason -> what it leaves out
    uses: dict[Rung, str] = {"frozen": "making features", "tuned": "fine-tuning it"}
    skipped = [c for c in (*rungs["frozen"], *rungs["tuned"]) if c.decision == "skip"]
    for rung, what in uses.items():
        if runs := [c for c in rungs[rung] if c.decision == "run"]:
            steps.append(f"{what} takes {span(total(runs))}")
        for one in (c for c in rungs[rung] if c.decision == "skip"):
            reason = why(one, situation.goals.seconds, sum(c.reason == one.reason for c in skipped) > 1)
            left.setdefault(reason, []).append(f"{what} ({span(one.estimate.seconds)})")
    outs = [f"{joined(some)} {'are' if len(some) > 1 else 'is'} left out, since {so}" for so, some in left.items()]
    network = f"{weights.summary} ({weights.licence.partition(' (')[0]})"
    return f"The network starts from {network}: {'; '.join(filter(None, [joined(steps), *outs]))}."


def _from_nothing(candidates: Sequence[Candidate], limit: float) -> str:
    runs = [c for c in candidates if c.decision == "run"]
    if runs:
        names, many = joined([c.model for c in runs]), len(runs) > 1
        start = f"{names} start{'s' * (not many)} from nothing ({span(total(runs))})"
        return f"No pretrained network is built in: {start}."
    if candidates:
        return f"No network is trained, since {why(candidates[0], limit, len(candidates) > 1)}."
    return "No network is to be trained."


def _first(situation: Situation, concerns: Sequence[Concern]) -> str:
    """What the plan is not about, and what must be settled before anything is spent."""
    said = [f"{c.message[0].upper()}{c.message[1:]}." for c in concerns if c.id in SHAPES and c.id not in READ_AS]
    grave = [c for c in concerns if c.id in GRAVE and (c.id != "duplicates" or c.rows > MANY * situation.splits.test)]
    columns = _merged(grave)
    read = situation.dataset.features  # a leak that no model reads does no harm
    columns["leak"] = [name for name in columns.get("leak", []) if name in read]
    if "time" in columns:  # a date foretells a series that is divided at random: the one thing said twice
        columns["leak"] = [name for name in columns["leak"] if name not in columns["time"]]
    settle = [
        SUSPICIONS[name] + (f" ({joined(some[:3], len(some))})" if some else "")
        for name, some in columns.items()
        if some or name in ("duplicates", "broken")
    ]
    if settle:
        said.append(f"First settle {joined(settle)}, else no score counts.")
    return " ".join(said)


def _merged(concerns: Sequence[Concern]) -> dict[str, list[str]]:
    """The columns concerned, by what they are suspected of."""
    merged: dict[str, list[str]] = {}
    for concern in concerns:
        merged.setdefault(concern.id, []).extend(c for c in concern.columns if c not in merged.get(concern.id, []))
    return merged


def _end(situation: Situation, choice: Choice) -> str:
    """What would stop the project early: the rules `fit` follows (climb/stopping.py), in words."""
    goals, limit = situation.goals, limited(situation.goals.seconds)
    first, later = _by_price(choice, goals)
    rungs = {c.rung for c in choice.runs} - {"floor"}
    if not first or "classical" not in rungs or len(rungs) == 1:  # one side alone decides nothing
        return f"It ends at the limit of {limit}."
    enough = []
    if situation.work.task != "regression":  # no number is ever foretold without any error
        enough.append("one side is faultless on validation rows")
    if later:
        toll = f"{percent(goals.worth, signed=False)} off the error per {limit}"
        enough.append(f"{joined(later)} promise{'s' * (len(later) == 1)} less than {toll}")
    return f"It ends at {limit}{', or once ' * bool(enough)}{' or '.join(enough)}."


def _by_price(choice: Choice, goals: Goals) -> tuple[list[str], list[str]]:
    """Models that are tried whatever the others show, and those that must pay for their seconds, if none fails."""
    first: list[str] = []
    later: list[str] = []
    tried: set[Rung] = set()
    for candidate in choice.runs:
        if candidate.rung == "floor":
            continue
        (later if weighed(candidate.rung, tried, goals) else first).append(candidate.model)
        tried.add(candidate.rung)
    return first, later
