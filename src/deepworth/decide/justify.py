"""The justification: one paragraph a person could hand in before hardware is rented, made from records."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.decide.bill import bill
from deepworth.decide.candidates import Choice
from deepworth.decide.evidence import in_short
from deepworth.decide.limits import limited, total
from deepworth.decide.outside import beyond
from deepworth.decide.phrases import joined, kind, things
from deepworth.decide.shapes import SHAPES
from deepworth.decide.situation import Situation
from deepworth.decide.stop import weighed
from deepworth.registry import specs
from deepworth.types import DEEP, Candidate, Concern, Evidence, Goals, Rung
from deepworth.weights._networks import find_weights
from deepworth.words import percent, span

BLIND = {  # modality -> what boosted trees cannot read, and what stands in for it
    "text": ("read words", "counts of words and characters"),
    "image": ("read pixels", "features made by hand"),
    "audio": ("read a waveform", "statistics of its spectrum"),
}
SUSPICIONS = {  # concerns to settle before money is spent
    "leak": "a suspected leak",
    "group": "rows that belong together",
    "time": "the order of time",
    "duplicates": "test rows that stand among the training rows too",
    "broken": "broken files",
}
READ_AS = {  # concerns about what the data is -> what is read instead
    "molecules": "the letters of a formula, and knows nothing of its structure",
    "dna": "letters, and knows nothing of what they code for",
    "proteins": "letters, and knows nothing of folds and families",
    "lists": "only what stands beside these lists",
    "series": "one row at a time, and foretells nothing",
    "sequences": "one row at a time, and nothing of its course",
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
        bill(situation, choice),
        _first(situation, concerns),
        _task(situation),
        _trees(situation, choice) if not other or other.id == "sequences" else "",
        _texts(situation) if not other else "",
        in_short(
            evidence,
            forecast=other is not None and other.id == "series",
            pretrained=any(c.rung == "frozen" for c in choice.candidates),
        ),
        _start(situation, choice) if not other or other.id == "sequences" else "",
        beyond(other.id, situation) if other else "",
        _end(situation, choice),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _not_yet(other: Concern, choice: Choice) -> str:
    """What no score of this plan will tell, before anything else."""
    names = joined([c.model for c in choice.runs if c.rung != "floor"])
    run = f" What runs here ({names}) reads {READ_AS[other.id]}: its scores are a floor, no answer." if names else ""
    return f"deepworth cannot do this properly yet. {other.message[0].upper()}{other.message[1:]}.{run}"


def _task(situation: Situation) -> str:
    work, dataset = situation.work, situation.dataset
    classes = f", one of {work.classes} classes," if work.classes else ", a number,"
    return (
        f"The task is to predict {dataset.task.target}{classes} from {kind(situation)}: {work.rows:,} {things(work)}, "
        f"{work.train:,} of them to learn from."
    )


def _trees(situation: Situation, choice: Choice) -> str:
    """Why boosted trees can, or cannot, do it; and what the cheap side takes."""
    classical = [c for c in choice.runs if c.rung == "classical"]
    names, whole = joined([c.model for c in classical]), total(classical)
    takes = f"{span(whole)}{' in all' * (len(classical) > 1)}"
    uncut = ", uncut," if whole.likely > situation.goals.seconds else ""
    modality = situation.work.modality
    if modality not in (*BLIND, "tabular"):  # of a plug-in: what reads it is not known here
        return f"The cheap side is {names} ({takes}), which set{'s' * (len(classical) < 2)} the mark." if names else ""
    if modality in BLIND:
        cannot, instead = BLIND[modality]
        said = f"Boosted trees cannot {cannot}; they are given {instead} instead"
        return f"{said}, and {names} ({takes}) set the mark that a network has to beat." if names else f"{said}."
    if not names:
        return "Boosted trees can read such columns as they are, but were left out."
    many = len(classical) > 1
    return (
        f"Boosted trees can read such columns as they are: {names} "
        f"take{'s' * (not many)} {takes}{uncut} and set{'s' * (not many)} the mark."
    )


def _texts(situation: Situation) -> str:
    """How the texts of a table are read, which is not how texts alone are."""
    work = situation.work
    if work.modality != "tabular" or not work.texts:
        return ""
    many = work.texts > 1
    return (
        f"Of the {f'{work.texts} texts' if many else 'text'} beside the other columns every model here reads counted "
        "words only; vectors of a frozen language model beside the columns are not built in."
    )


def _start(situation: Situation, choice: Choice) -> str:
    """The pretrained model to start from, or why there is none."""
    rungs = {rung: [c for c in choice.candidates if c.rung == rung] for rung in DEEP}
    pretrained = [c for c in (*rungs["frozen"], *rungs["tuned"]) if specs("models")[c.model].weights]
    if not pretrained:
        return _from_nothing(rungs["custom"], situation.goals.seconds)
    spec = specs("models")[pretrained[0].model]
    weights, _ = find_weights(situation.work.modality, situation.goals.weights or spec.weights)
    said = f"The network starts from a pretrained one, {weights.summary} ({weights.licence})"
    made, moved = _runs(rungs["frozen"]), _runs(rungs["tuned"])
    steps = [f"to make features with it ({made})" if made else "", f"to fine-tune it ({moved})" if moved else ""]
    if any(steps):
        said = f"{said}: {' and then '.join(filter(None, steps))}"
    left: dict[str, list[str]] = {}  # reason -> what it leaves out
    uses: dict[Rung, str] = {"frozen": "making features with it", "tuned": "fine-tuning it"}
    for rung, what in uses.items():
        skipped = [c for c in (*rungs["frozen"], *rungs["tuned"]) if c.decision == "skip"]
        for one in rungs[rung]:
            if one.decision == "skip":
                alike = sum(c.reason == one.reason for c in skipped) > 1
                reason = _why(one, situation.goals.seconds, alike)
                left.setdefault(reason, []).append(f"{what} ({one.model}, {span(one.estimate.seconds)})")
    outs = [f"; {joined(some)} {'are' if len(some) > 1 else 'is'} left out, since {why}" for why, some in left.items()]
    return f"{said}{''.join(outs)}."


def _from_nothing(candidates: Sequence[Candidate], limit: float) -> str:
    runs = [c for c in candidates if c.decision == "run"]
    if runs:
        names, many = joined([c.model for c in runs]), len(runs) > 1
        said = f"No pretrained network for such data is built in: {names} start{'s' * (not many)} from nothing"
        return f"{said} ({span(total(runs))}{' in all' * many})."
    if candidates:
        names = joined([f"{c.model}, {span(c.estimate.seconds)}" for c in candidates])
        return f"No network is trained ({names}), since {_why(candidates[0], limit, len(candidates) > 1)}."
    return "No network is to be trained."


def _why(candidate: Candidate, limit: float, many: bool = False) -> str:
    """The reason of a skip, as part of a sentence."""
    reason = candidate.reason.partition(" (rule")[0]
    if reason.startswith("needs "):
        return f"they need{reason.removeprefix('needs')}" if many else f"it {reason}"
    return f"a run may take {limited(limit)}" if "the limit is" in reason and "GB" not in reason else reason


def _runs(candidates: Sequence[Candidate]) -> str:
    runs = [c for c in candidates if c.decision == "run"]
    return f"{joined([c.model for c in runs])}, {span(total(runs))}" if runs else ""


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
        said.append(
            f"Before anything is spent, {joined(settle)} must be settled: until then no score is worth its price."
        )
    return " ".join(said)


def _merged(concerns: Sequence[Concern]) -> dict[str, list[str]]:
    """The columns concerned, by what they are suspected of."""
    merged: dict[str, list[str]] = {}
    for concern in concerns:
        merged.setdefault(concern.id, []).extend(c for c in concern.columns if c not in merged.get(concern.id, []))
    return merged


def _end(situation: Situation, choice: Choice) -> str:
    """What would stop the project early: the rules `fit` follows (climb/stopping.py), in words."""
    goals = situation.goals
    limit = f"at the limit of {limited(goals.seconds)}"
    first, later = _by_price(choice, goals)
    if not first:
        return f"It ends {limit}."
    always = f"In any case {joined(first)} {'are' if len(first) > 1 else 'is'} tried"
    rungs = {c.rung for c in choice.runs} - {"floor"}
    if "classical" not in rungs or len(rungs) == 1:  # one side alone decides nothing
        return f"{always}; it ends {limit} at the latest."
    number = situation.work.task == "regression"  # no number is ever foretold without any error
    perfect = "a model of each side was tried and one makes no error on the validation rows"
    if not later:
        ends = "; it ends" if number else f". It ends early once {perfect}, and"
        return f"{always}{ends} {limit} at the latest."
    enough = "no step is expected to pay for its seconds" if number else perfect
    toll = percent(goals.worth, signed=False)
    return (
        f"{always}; {joined(later)} only if expected to take more off the error of the best so far than the price, "
        f"{toll} for the whole limit and in proportion for less. It ends early once "
        f"{enough}, and {limit} at the latest."
    )


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
