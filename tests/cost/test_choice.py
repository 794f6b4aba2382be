"""Where a run fits, and where it costs least."""

from __future__ import annotations

import pytest

from deepworth.cost import choice, requests
from deepworth.errors import UserError

QLORA = {"kind": "llm", "model": "meta-llama/Llama-3.1-8B", "task": "train", "method": "qlora", "seq_len": 512}
TOKENS = 20_000 * 512.0


def test_the_cheapest_that_is_enough_comes_first() -> None:
    found = choice.choose(QLORA, TOKENS, ["A100-SXM4-80GB", "L4", "T4"])
    assert found.comparison is not None
    dollars = [offer.usd.likely for offer in found.comparison.offers if offer.usd and offer.adequate]
    assert dollars == sorted(dollars)
    assert [place.name for place in found.places] == [offer.name for offer in found.comparison.offers]
    assert found.comparison.break_evens and "speed-up" in found.comparison.break_evens[0].sentence


def test_as_many_devices_as_it_takes() -> None:
    request = {"kind": "llm", "model": "llama-3.1-70b", "task": "generate", "precision": "bf16"}
    (place,) = choice.choose(request, None, ["H100-SXM5-80GB"]).places
    assert (place.name, place.answer["fits"]) == ("2x H100-SXM5-80GB", True)
    (place,) = choice.choose(request | {"n_gpus": 1}, None, ["H100-SXM5-80GB"]).places
    assert (place.name, place.answer["fits"]) == ("H100-SXM5-80GB", False)


def test_no_more_devices_are_offered_than_a_machine_holds() -> None:
    whole = QLORA | {"method": "full"}
    places = {place.hardware: place for place in choice.choose(whole, TOKENS, ["T4", "L4", "A100-SXM4-40GB"]).places}
    assert places["T4"].count == 1
    assert not places["T4"].answer["fits"]
    assert places["T4"].answer["devices_needed"] > 1
    assert any("largest machine with T4" in warning for warning in places["T4"].answer["warnings"])
    assert places["A100-SXM4-40GB"].answer["fits"]
    (named,) = choice.choose(whole, TOKENS, ["16x T4"]).places
    assert named.count == 16
    assert any("2 machines" in warning for warning in named.answer["warnings"])


def test_images_of_old_prices_are_warned_of_too() -> None:
    (place,) = choice.choose({"kind": "vision", "model": "resnet50"}, 1e5, ["V100"]).places
    assert any("undated" in warning for warning in place.answer["warnings"])
    assert place.answer["batch"] == 128


def test_this_machine_is_priced_by_its_electricity() -> None:
    for request in (QLORA | {"model": "gpt2"}, {"kind": "vision", "model": "resnet18", "mode": "infer"}):
        found = choice.choose(request, TOKENS, ["auto", "T4"])
        (here,) = (place for place in found.places if place.site.own)
        assert here.answer["usd_per_hour"]["likely"] < 1
        assert here.answer["seconds_per_step"]["likely"] > 0
        assert found.comparison is not None
        assert any("own machine" in offer.basis for offer in found.comparison.offers)


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


def test_a_command_and_a_request_are_the_same_run() -> None:
    """The number of devices that is chosen must not change the habits of the library that is meant."""
    lora = QLORA | {"method": "lora", "micro_batch": 1, "precision": "bf16"}
    (place,) = choice.choose(lora, None, ["L4"]).places
    asked = requests.answer(lora | {"hardware": "L4", "n_gpus": place.count, "sharding": "ZeRO-3"})
    assert (place.name, place.answer["fits"]) == ("2x L4", True)
    assert place.answer["peak_gb"] == asked["peak_gb"]
    assert requests.answer(lora | {"hardware": "L4"})["devices_needed"] == place.count
    (spelled,) = choice.choose(lora | {"sharding": "FULL_SHARD"}, None, ["2x L4"]).places
    assert spelled.answer["peak_gb"] == asked["peak_gb"]


@pytest.mark.parametrize(
    ("change", "hardware", "flag"),
    [
        ({"method": "full", "micro_batch": 8, "seq_len": 2048}, "L4", "--method"),
        ({"method": "full", "seq_len": 512, "micro_batch": 1}, "1x H100-SXM5-80GB", "--devices"),
        ({"model": "llama-3.1-70b", "task": "generate", "method": None}, "1x A100-SXM4-80GB", "--devices"),
        ({"model": "llama-3.1-70b", "task": "generate", "method": None}, "4x L4", "--quant"),
    ],
)
def test_fewer_bits_and_more_devices_are_tried_too(change: dict[str, object], hardware: str, flag: str) -> None:
    request = QLORA | {"precision": "bf16"} | change
    found = choice.choose(request, None, [hardware])
    easier = choice.easier(request, None, [hardware], found)
    assert not found.places[0].answer["fits"]
    assert easier is not None and flag in easier.flags
    assert any(place.answer["fits"] for place in easier.choice.places)


def test_a_batch_that_is_ours_leaves_room() -> None:
    request = {"kind": "vision", "model": "vit_base_patch16_224"}
    (place,) = choice.choose(request, None, ["T4"]).places
    assert place.answer["peak_gb"]["likely"] <= 0.9 * place.answer["usable_gb"]
    (given,) = choice.choose(request | {"batch": 120}, None, ["T4"]).places
    assert given.answer["fits"] and given.answer["peak_gb"]["likely"] > 0.9 * given.answer["usable_gb"]
