"""One Gaussian hidden Markov model of the MFCC frames for each class; the likeliest model names the class."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
from hmmlearn.hmm import GaussianHMM
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.modalities._audio import load_clips
from deepworth.modalities._spectrum import deltas, mfcc
from deepworth.models.classical._audio import LONGEST, LOW, common_rate, sounding, spectrum
from deepworth.models.learner import Context
from deepworth.types import Column, Task, dump, load

STATES = 6
ROUNDS = 8  # of expectation maximisation a class
FRAMES = 300  # a clip's frames beyond this are averaged together
SHORT = 150  # frames: words pass their states once in order, longer sounds may return to any
FLOOR = 0.1  # of a variance, in squared standard deviations of the clip
ABSENT = -1e6  # log-likelihood under the model of a class that has no training clip

logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # that EM has not converged after ROUNDS is meant


def frames_of(wave: np.ndarray, rate: int) -> np.ndarray:
    """(frames, 2 * LOW) MFCC of the sounding part, and their deltas."""
    _, log_mels = spectrum(wave, rate)
    cepstra = mfcc(log_mels[sounding(log_mels)], LOW)
    if len(cepstra) > FRAMES:
        cepstra = np.stack([part.mean(axis=0) for part in np.array_split(cepstra, FRAMES)])
    return np.concatenate([cepstra, deltas(cepstra)], axis=1).astype(np.float64)


class MfccHmm:
    """MFCC and a hidden Markov model a class (hmmlearn), their likelihoods made probabilities on the valid rows."""

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.params = task, params
        self.name = next((column.name for column in columns if column.kind == "audio"), "")
        self.rate, self.threads, self.sharpness = 0, 1, 1.0
        self.prior = np.zeros(len(task.classes))  # log shares
        self.ordered = True  # states are passed once, in order
        self.mean, self.spread = np.zeros(2 * LOW), np.ones(2 * LOW)  # of the training frames, where not per clip
        self.models: dict[int, GaussianHMM] = {}

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        """Start every class from its clips cut into equal parts, then improve class by class while time lasts."""
        assert train.labels is not None and valid.labels is not None
        self.threads, self.rate = context.threads, common_rate(train, self.name)
        with threadpool_limits(context.threads):
            clips = self._frames(train, context)
            self.ordered = float(np.median([len(clip) for clip in clips])) < SHORT
            if not self.ordered:
                every = np.concatenate(clips)
                self.mean, self.spread = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-3)
            clips = [self._standard(clip) for clip in clips]
            per_class = {
                code: [clips[row] for row in np.flatnonzero(train.labels == code)] for code in np.unique(train.labels)
            }
            for code, own in per_class.items():
                self.models[int(code)] = _started(own, self.ordered, context.seed)
            counts = np.bincount(train.labels, minlength=len(self.task.classes))
            self.prior = np.log(np.maximum(counts, 0.5) / len(train))
            start, last = time.monotonic(), context.deadline
            if last < float("inf"):
                last -= 0.3 * context.remaining()  # predictions cost a good part of what learning does
            for done, (code, own) in enumerate(per_class.items(), start=1):
                took = (time.monotonic() - start) / max(1, done - 1)
                if time.monotonic() + took > last:
                    context.notes["improved_classes"] = done - 1
                    context.cut("classes")
                    break
                self.models[int(code)] = _improved(self.models[int(code)], own)
                context.tell(0.3 + 0.6 * done / len(per_class), f"{done} of {len(per_class)} classes")
            if len(valid):
                self.sharpness = _sharpness(self._scores(self._frames(valid, context)), valid.labels, self.prior)

    def predict(self, examples: Examples) -> np.ndarray:
        with threadpool_limits(self.threads):
            return softmax(self.sharpness * self._scores(self._frames(examples, None)) + self.prior, axis=1)

    def save(self, folder: Path) -> None:
        facts = {
            "task": json.loads(dump(self.task)),
            "name": self.name,
            "rate": self.rate,
            "sharpness": self.sharpness,
            "ordered": self.ordered,
            "prior": self.prior.tolist(),
        }
        (folder / "hmm.json").write_text(json.dumps(facts))
        arrays = {
            f"{code}-{key}": value for code, model in self.models.items() for key, value in _arrays(model).items()
        }
        arrays |= {"codes": np.array(sorted(self.models)), "mean": self.mean, "spread": self.spread}
        np.savez(folder / "hmm.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> MfccHmm:
        facts = json.loads((folder / "hmm.json").read_text())
        learner = cls(load(Task, json.dumps(facts["task"])), (), {})
        learner.name, learner.rate, learner.sharpness = facts["name"], facts["rate"], facts["sharpness"]
        learner.ordered = facts["ordered"]
        learner.prior = np.array(facts["prior"])
        with np.load(folder / "hmm.npz", allow_pickle=False) as arrays:
            learner.mean, learner.spread = arrays["mean"], arrays["spread"]
            for code in arrays["codes"].tolist():
                learner.models[code] = _built(
                    *(arrays[f"{code}-{key}"] for key in ("start", "moves", "means", "spread"))
                )
        return learner

    def _frames(self, examples: Examples, context: Context | None) -> list[np.ndarray]:
        notes, late = (None, float("inf")) if context is None else (context.notes, context.deadline)
        found: list[np.ndarray] = []
        for positions, waves in load_clips(
            examples, self.name, self.rate, seconds=LONGEST, threads=self.threads, notes=notes
        ):
            if time.monotonic() > late:
                raise OutOfTime(f"the deadline passed after {positions[0]} of {len(examples)} clips were read")
            found += [frames_of(wave, self.rate) for wave in waves]
        return found

    def _standard(self, clip: np.ndarray) -> np.ndarray:
        """The clip with mean 0 and spread 1: its own for words, so that voice and room drop out, else the training
        frames', because the mean is what tells longer sounds apart (esc10, valid fold: 0.88 against 0.60)."""
        mean, spread = (clip.mean(axis=0), clip.std(axis=0)) if self.ordered else (self.mean, self.spread)
        return (clip - mean) / np.maximum(spread, 1e-3)

    def _scores(self, clips: list[np.ndarray]) -> np.ndarray:
        """(n, classes) log-likelihoods a frame."""
        standard = [self._standard(clip) for clip in clips]
        scores = np.full((len(clips), len(self.task.classes)), ABSENT)
        for code, model in self.models.items():
            scores[:, code] = [model.score(clip) / len(clip) for clip in standard]
        return scores


def _built(start: np.ndarray, moves: np.ndarray, means: np.ndarray, spread: np.ndarray, seed: int = 0) -> GaussianHMM:
    model = GaussianHMM(
        len(start),
        n_iter=ROUNDS,
        init_params="",
        params="tmc",
        transmat_prior=1.1,  # a state that no clip leaves keeps a valid row
        random_state=seed,
    )
    model.n_features = means.shape[1]
    model.startprob_, model.transmat_, model.means_, model.covars_ = start, moves, means, spread
    return model


def _arrays(model: GaussianHMM) -> dict[str, np.ndarray]:
    return {
        "start": model.startprob_,
        "moves": model.transmat_,
        "means": model.means_,
        "spread": np.diagonal(model.covars_, axis1=1, axis2=2).copy(),
    }


def _started(clips: list[np.ndarray], ordered: bool, seed: int) -> GaussianHMM:
    """A model whose states are the parts of the clips cut into equal lengths."""
    cut = [np.array_split(clip, STATES) for clip in clips]
    whole = np.concatenate(clips)
    parts = [np.concatenate([pieces[state] for pieces in cut]) for state in range(STATES)]
    parts = [part if len(part) > 1 else whole for part in parts]
    stay = min(0.95, max(0.3, 1.0 - STATES * len(clips) / len(whole)))
    if ordered:
        moves = np.diag(np.full(STATES, stay)) + np.diag(np.full(STATES - 1, 1 - stay), k=1)
        moves[-1, -1] = 1.0
        start = np.eye(STATES)[0]
    else:
        moves = np.full((STATES, STATES), (1 - stay) / (STATES - 1))
        np.fill_diagonal(moves, stay)
        start = np.full(STATES, 1 / STATES)
    means = np.stack([part.mean(axis=0) for part in parts])
    return _built(start, moves, means, np.stack([np.maximum(part.var(axis=0), FLOOR) for part in parts]), seed)


def _improved(model: GaussianHMM, clips: list[np.ndarray]) -> GaussianHMM:
    """The model after expectation maximisation, its variances floored."""
    model.fit(np.concatenate(clips), [len(clip) for clip in clips])
    found = _arrays(model)
    return _built(found["start"], found["moves"], found["means"], np.maximum(found["spread"], FLOOR))


def _sharpness(scores: np.ndarray, labels: np.ndarray, prior: np.ndarray) -> float:
    """What the log-likelihoods a frame are multiplied by so that the valid rows are least surprising."""

    def surprise(log_sharpness: float) -> float:
        log_shares = log_softmax(np.exp(log_sharpness) * scores + prior, axis=1)
        return -float(np.maximum(log_shares[np.arange(len(labels)), labels], -50.0).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(np.log(0.01), np.log(100.0)), method="bounded").x))
