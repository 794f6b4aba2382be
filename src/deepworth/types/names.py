"""The words of the project that are values: kinds, rungs, verdicts."""

from __future__ import annotations

from typing import Literal

Modality = str  # the name of a registered ModalitySpec: tabular, text, image, audio, or that of a plug-in
Kind = Literal["number", "category", "boolean", "datetime", "text", "image", "audio", "id", "constant"]
TaskKind = Literal["binary", "multiclass", "regression"]  # room for multilabel, multitarget, forecasting, transcription
Rung = Literal["floor", "classical", "frozen", "tuned", "custom"]
Status = Literal["done", "skipped", "failed", "stopped"]
Conclusion = Literal["worth it", "not worth it", "no measurable difference", "cannot tell yet"]
Question = Literal["data", "amount", "hardware", "iterations"]
Said = Literal["yes", "no", "unsure"]
Label = str | int | float | bool

RUNGS: tuple[Rung, ...] = ("floor", "classical", "frozen", "tuned", "custom")
SHALLOW: tuple[Rung, ...] = ("floor", "classical")
DEEP: tuple[Rung, ...] = ("frozen", "tuned", "custom")
