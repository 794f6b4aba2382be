"""Quantiles are those of numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepworth.profile.measure import quantiles


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_quantiles_are_those_of_numpy(numbers: list[float], shares: list[float]) -> None:
    found = quantiles(np.sort(numbers), np.array(shares))
    np.testing.assert_allclose(found, np.quantile(numbers, shares), rtol=1e-9, atol=1e-9)
