"""The figures of the report, drawn with matplotlib: each takes records and gives a Drawing with its words."""

from deepworth.report.figures._frame import Drawing
from deepworth.report.figures.answer import curve_figure, gain_figure
from deepworth.report.figures.cost import estimates_figure, ladder_figure, pareto
from deepworth.report.figures.model import drivers_figure, reliability_figure, residual_figure, shap_figure

__all__ = [
    "Drawing",
    "curve_figure",
    "drivers_figure",
    "estimates_figure",
    "gain_figure",
    "ladder_figure",
    "pareto",
    "reliability_figure",
    "residual_figure",
    "shap_figure",
]
