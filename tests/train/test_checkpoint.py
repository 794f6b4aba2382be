"""State in one safetensors file: what comes back is what went in, tied weights stay one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.train.checkpoint import read_state, write_state

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner),
    max_leaves=10,
)


@given(state=st.dictionaries(st.text(max_size=5), plain, max_size=4))
@settings(max_examples=50)
def test_plain_values_come_back(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("state") / "state.safetensors"
    write_state(path, state)
    assert read_state(path) == state


def test_tensors_come_back_bit_for_bit(tmp_path):
    table = torch.randn(4, 3)
    state = {"a": {0: table, 1: table}, "view": table[:, 1], "half": table.bfloat16(), "none": torch.zeros(0)}
    write_state(tmp_path / "s", state)
    back = read_state(tmp_path / "s")
    assert torch.equal(back["a"][0], table) and torch.equal(back["view"], table[:, 1])
    assert back["half"].dtype == torch.bfloat16 and back["none"].shape == (0,)
    assert back["a"][0].data_ptr() == back["a"][1].data_ptr()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_state(tmp_path / "s", {"x": math.inf})
    with pytest.raises(TypeError):
        write_state(tmp_path / "s", {"x": object()})
    assert read_state(tmp_path / "s") == {"x": math.inf}
