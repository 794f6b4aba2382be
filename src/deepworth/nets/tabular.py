"""Networks for tables: a perceptron on embedded numbers and categories, and TabM, many of them that share weights."""

# Shapes: B rows, N numbers, C categories, F flat features, K ensemble members, O outputs.

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
from tabm import EnsembleView, LinearEnsemble, MLPBackboneMiniEnsemble
from torch import Tensor, nn

ONE_HOT = 8  # categories up to this many levels cost less as one-hot columns than as an embedding, and lose nothing
SAMPLE = 50_000  # rows the bins of the numbers are taken from


def number_bins(
    numbers_BN: Tensor, target_B: Tensor, num_bins: int, regression: bool, seed: int = 0
) -> list[list[float]]:
    """The bin edges of each number, where a small decision tree on the target would cut it; [] for one or two values.

    Section 3.2.2 of the paper of `TableInput`. Quantiles would spend all edges on the mass of a column such as a
    capital gain that is mostly 0, and none on the rest.
    """
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(numbers_BN), generator=draw)[:SAMPLE]
    sample, target = numbers_BN[rows], target_B[rows]
    tree = {"min_samples_leaf": max(1, min(64, len(rows) // 100)), "min_impurity_decrease": 1e-5, "random_state": seed}
    edges = []
    for column in sample.T:
        found = column[:0]
        if len(column.unique()) > 2:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that one bin is no more than a scaling
                found = compute_bins(
                    column[:, None], num_bins, tree_kwargs=dict(tree), y=target, regression=regression
                )[0]
        edges.append(found.tolist())
    return edges


class TableInput(nn.Module):
    """The flat features of a row: numbers as piecewise-linear embeddings, categories as one-hot or entity embeddings.

    Gorishniy et al., On Embeddings for Numerical Features in Tabular Deep Learning, NeurIPS 2022 (version B of the
    package: linear at the start); Guo and Berkhahn, Entity Embeddings of Categorical Variables, 2016.
    """

    def __init__(
        self, bins: Sequence[Sequence[float]], cardinalities: Sequence[int], d_number: int, d_category: int
    ) -> None:
        super().__init__()
        curved = [i for i, edges in enumerate(bins) if edges]
        plain = [i for i, edges in enumerate(bins) if not edges]
        small = [i for i, levels in enumerate(cardinalities) if levels <= ONE_HOT]
        large = [i for i, levels in enumerate(cardinalities) if levels > ONE_HOT]
        for name, chosen in (("curved", curved), ("plain", plain), ("small", small), ("large", large)):
            self.register_buffer(name, torch.tensor(chosen, dtype=torch.long), persistent=False)
        self.numbers = None
        if curved:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                edges = [torch.tensor(bins[i]) for i in curved]
                self.numbers = PiecewiseLinearEmbeddings(edges, d_number, activation=False, version="B")
        self.register_buffer("small_offsets", _offsets(cardinalities, small), persistent=False)
        self.register_buffer("large_offsets", _offsets(cardinalities, large), persistent=False)
        self.num_small = sum(cardinalities[i] for i in small)
        self.categories = nn.Embedding(sum(cardinalities[i] for i in large), d_category) if large else None
        if self.categories is not None:
            nn.init.normal_(self.categories.weight, std=d_category**-0.5)
        self.chunks = (  # width of each column among the flat features
            [d_number] * len(curved) + [1] * len(plain) + [cardinalities[i] for i in small] + [d_category] * len(large)
        )
        self.width = sum(self.chunks)

    def forward(self, numbers_BN: Tensor, codes_BC: Tensor) -> Tensor:
        parts = []
        if self.numbers is not None:
            parts.append(self.numbers(numbers_BN[:, self.curved]).flatten(1))
        if len(self.plain):
            parts.append(numbers_BN[:, self.plain])
        if len(self.small):
            hot = codes_BC.new_zeros((len(codes_BC), self.num_small), dtype=numbers_BN.dtype)
            parts.append(hot.scatter_(1, codes_BC[:, self.small] + self.small_offsets, 1.0))
        if self.categories is not None:
            parts.append(self.categories(codes_BC[:, self.large] + self.large_offsets).flatten(1))
        return torch.cat([part.to(parts[0].dtype) for part in parts], dim=1)


def _offsets(cardinalities: Sequence[int], chosen: Sequence[int]) -> Tensor:
    """Where each chosen category begins when their levels stand in one row."""
    sizes = torch.tensor([0, *(cardinalities[i] for i in chosen)], dtype=torch.long)
    return sizes.cumsum(0)[:-1]


class Perceptron(nn.Module):
    """A multilayer perceptron on `TableInput`: (B, N) float, (B, C) int64 -> (B, O)."""

    def __init__(self, inputs: TableInput, outputs: int, *, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.inputs = inputs
        layers: list[nn.Module] = []
        for i in range(depth):
            layers += [nn.Linear(width if i else inputs.width, width), nn.ReLU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, outputs)

    def forward(self, numbers_BN: Tensor, codes_BC: Tensor) -> Tensor:
        return self.head(self.body(self.inputs(numbers_BN, codes_BC)))


class TabM(nn.Module):
    """K perceptrons that share all but the scaling of their inputs and their heads: (B, N), (B, C) -> (B, K, O).

    Train each member on its own loss; predict with the mean of their probabilities. This is the mini form: with
    embedded numbers it scored best in the paper, and it costs a quarter less on a CPU, where scaling every layer is
    bound by memory. Gorishniy, Kotelnikov and Babenko, TabM: Advancing Tabular Deep Learning with Parameter-Efficient
    Ensembling, ICLR 2025.
    """

    def __init__(
        self, inputs: TableInput, outputs: int, *, members: int, width: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.view = EnsembleView(k=members)
        self.body = MLPBackboneMiniEnsemble(
            d_in=inputs.width,
            n_blocks=depth,
            d_block=width,
            dropout=dropout,
            k=members,
            affine_bias=False,
            affine_scaling_init="normal",
            affine_scaling_init_chunks=inputs.chunks,
        )
        self.head = LinearEnsemble(width, outputs, k=members)

    def forward(self, numbers_BN: Tensor, codes_BC: Tensor) -> Tensor:
        return self.head(self.body(self.view(self.inputs(numbers_BN, codes_BC))))
