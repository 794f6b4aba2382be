"""Where a run fits, and where it costs least."""

from __future__ import annotations

import pytest

from deepworth.cost import choice
from deepworth.errors import UserError

QLORA = {"kind": "llm", "model": "meta-llama/Llama-3.1-8B", "task": "train", "method": "qlora", "seq_len": 512}
TOKENS = 20_000 * 512.0


def test_the_cheapest_that_is_enough_comes_first() -> None:
    found = choice.choose(QLORA, TOKENS, ["A100-SXM4-80GB", "L4", "T4"])
    assert found.comparison is not None
    dollars = [offer.usd.likely for offer in found.comparison.offers if offer.usd]
    assert dollars == sorted(dollars)
    assert [place.name for place in found.places] == [offer.name for offer in found.comparison.offers]
    assert found.comparison.break_evens and "speed-up" in found.comparison.break_evens[0].sentence


def test_as_many_devices_as_it_takes() -> None:
    request = {"kind": "llm", "model": "llama-3.1-70b", "task": "generate", "precision": "bf16"}
    (place,) = choice.choose(request, None, ["H100-SXM5-80GB"]).places
    assert (place.name, place.answer["fits"]) == ("2x H100-SXM5-80GB", True)
    (place,) = choice.choose(request | {"n_gpus": 1}, None, ["H100-SXM5-80GB"]).places
    assert (place.name, place.answer["fits"]) == ("H100-SXM5-80GB", False)


def test_without_names_every_gpu_with_a_price_is_looked_at() -> None:
    places = choice.choose(QLORA, None).places
    assert {"T4", "L4", "H100-SXM5-80GB"} <= {place.hardware for place in places}
    assert all(place.answer["usd_per_hour"]["likely"] > 0 for place in places)
    fitting = [place.answer["fits"] for place in places]
    assert fitting == sorted(fitting, reverse=True)


def test_what_is_wrong_is_an_error() -> None:
    with pytest.raises(UserError, match="near it are"):
        choice.choose(QLORA | {"model": "llama-3.1-9b"}, None, ["L4"])
    with pytest.raises(UserError, match="no hardware"):
        choice.choose(QLORA, None, ["L5"])
