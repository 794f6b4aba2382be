"""Every part is found by every name it goes by, and every figure of it holds together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deepworth.cost.audit import RATIOS, claim, faults, recomputed
from deepworth.cost.catalogue import GIB, Accelerator, accelerator, accelerators, resolve
from deepworth.errors import UserError
from tests.cost import published

UNNAMED = {"not stated", "unstated", ""}
CARDS = [item for item in accelerators() if item.kind == "gpu"]


@pytest.mark.parametrize(
    ("spoken", "name"),
    [
        ("h100_80gb", "H100-SXM5-80GB"),
        ("RTX 3090", "RTX 3090"),
        ("rtx3090", "RTX 3090"),
        ("NVIDIA GeForce RTX 3090", "RTX 3090"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM4-80GB"),
        ("A100 80GB SXM4", "A100-SXM4-80GB"),
        ("NVIDIA A100 80GB PCIe", "A100-PCIe-80GB"),
        ("NVIDIA A100-PCIE-40GB", "A100-PCIe-40GB"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM5-80GB"),
        ("NVIDIA H100 PCIe", "H100-PCIe-80GB"),
        ("NVIDIA H100 NVL", "H100-NVL-94GB"),
        ("NVIDIA H200", "H200-SXM-141GB"),
        ("NVIDIA B200", "B200-HGX"),
        ("NVIDIA GH200 480GB", "GH200-96GB"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA A10G", "A10G"),
        ("Tesla T4", "T4"),
        ("Tesla V100-SXM2-16GB", "V100-SXM2-16GB"),
        ("V100-SXM3-32GB-450W", "V100-SXM3-32GB"),
        ("Quadro RTX 8000", "Quadro RTX 8000"),
        ("NVIDIA RTX A6000", "RTX A6000"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX PRO 6000 Max-Q"),
        ("AMD Instinct MI300X", "MI300X"),
        ("AMD Radeon RX 7900 XTX", "RX 7900 XTX"),
        ("TPU v5 lite", "TPU v5e"),
        ("Apple M3 Max", "Apple M3 Max-40c"),
        ("i9_10940x", "i9-10940X"),
        ("Intel(R) Core(TM) i9-10940X CPU @ 3.30GHz", "i9-10940X"),
        ("13th Gen Intel(R) Core(TM) i9-13900K", "i9-13900K"),
        ("AMD EPYC 9654 96-Core Processor", "EPYC 9654"),
        ("Intel(R) Xeon(R) Platinum 8480+", "Xeon Platinum 8480+"),
    ],
)
def test_a_part_is_found_by_what_drivers_and_people_call_it(spoken: str, name: str) -> None:
    assert accelerator(spoken).name == name


@pytest.mark.parametrize("item", accelerators(), ids=lambda item: item.name)
def test_a_part_is_found_by_its_own_names(item: Accelerator) -> None:
    for name in (item.name, item.name.lower(), item.name.replace("-", " "), *item.aliases):
        assert accelerator(name) is item


def test_an_ambiguous_name_says_what_it_was_taken_for() -> None:
    item, note = resolve("A100")
    assert item.name == "A100-SXM4-80GB"
    assert "A100-SXM4-40GB" in note
    assert not resolve("A100-SXM4-40GB")[1]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="MI300X"):
        accelerator("mi300")
    with pytest.raises(UserError, match="RTX 4060"):  # a mobile part is another part
        accelerator("NVIDIA GeForce RTX 4060 Laptop GPU")
    with pytest.raises(UserError, match="deepworth hardware"):
        accelerator("")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("memory_llm", "gpu"),
        ("throughput_llm", "gpu"),
        ("nvidia_examples", "gpu"),
        ("mlperf_training", "accel"),
        ("lambda_train", "gpu"),
        ("accelerators", "name"),
    ],
)
def test_all_hardware_of_the_published_measurements_is_known(table: str, column: str) -> None:
    named = {row[column] for row in published.rows(f"{table}.csv")} - UNNAMED
    assert named
    for name in named:
        accelerator(name)


@pytest.mark.parametrize("item", accelerators(), ids=lambda item: item.name)
def test_no_row_claims_what_no_part_can_be(item: Accelerator) -> None:
    assert faults(item) == ()
    assert item.confidence in "ABC"
    assert item.source and item.as_of


def test_most_rates_are_recomputed_and_every_architecture_of_a_card_has_its_ratios() -> None:
    assert sum(bool(item.fp32_from) for item in CARDS) > 0.75 * len(CARDS)
    assert all(item.arch in RATIOS for item in CARDS)
    assert sum(bool(item.bus_bits and item.pin_gbps) for item in CARDS) == len(CARDS)


def test_a_device_gives_less_than_it_has_and_most_of_it() -> None:
    for item in CARDS:
        assert 0.8 < item.usable_gb / (item.mem_gb / item.devices * GIB) < 1
    assert accelerator("B200").usable_gb == pytest.approx(191, abs=1)  # 179 GiB reported of "192 GB"
    assert accelerator("T4").usable_gb < 15.9  # error correction takes a part


def test_rates_with_sparsity_are_twice_the_dense_ones_where_the_part_has_it() -> None:
    h100, v100 = accelerator("H100"), accelerator("V100")
    assert h100.rate("bf16") == 989.4
    assert h100.rate("bf16", sparse=True) == pytest.approx(1978.9, rel=0.001)
    assert h100.rate("fp32", sparse=True) == h100.rate("fp32") == 67
    assert v100.rate("fp16", sparse=True) == v100.rate("fp16") == 125
    assert v100.rate("bf16") is None


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("A100-SXM4-80GB", {"fp32_tflops": 77.6}, "6912x2x1.41"),  # its fp16 outside the matrix units
        ("A100-SXM4-80GB", {"bf16_tflops": 624.0, "fp16_tflops": 624.0}, "sparsity"),
        ("H100-SXM5-80GB", {"bf16_tflops": 494.7, "fp16_tflops": 494.7}, "fp16 over fp32"),  # 989 taken for sparse
        ("H100-SXM5-80GB", {"fp32_tflops": 33.5}, "16896x2x1.98"),  # halved with the sparse rates, as torch has it
        ("H100-PCIe-80GB", {"bw_gbs": 3350.0}, "bandwidth"),  # of the SXM part
        ("L4", {"bf16_tflops": 242.0, "fp16_tflops": 242.0}, "sparsity"),  # as torch has it
        ("L4", {"bw_gbs": 3350.0}, "192 bits"),  # as torch has it
        ("RTX 4090", {"bf16_tflops": 82.6, "fp16_tflops": 82.6}, "fp16 over fp32"),  # outside the matrix units
        ("RTX 4090", {"bf16_tflops": 330.3, "fp16_tflops": 330.3}, "fp16 sums"),
        ("A10G", {"bf16_tflops": 125.0, "fp16_tflops": 125.0}, "fp16 over fp32"),  # of the A10
        ("RTX A6000", {"bf16_tflops": 309.7, "fp16_tflops": 309.7}, "sparsity"),
        ("A10", {"mem_gb": 28.0}, "28 GB on 384 bits"),
        ("L40S", {"reported_gib": 90.0}, "90 GiB a device"),
        ("T4", {"bf16_tflops": 65.0}, "no matrix unit for bf16"),
        ("TPU v5e", {"bw_gbs": 1640.0}, "bandwidth"),  # of the v6e
        ("TPU v5e", {"bw_gbs": 1638.4, "pin_gbps": 6.4}, "HBM2e runs at"),
        ("i9-13900K", {"fp32_tflops": 0.5}, "8x32x5.5"),  # a sustained figure among peaks
        ("i9-13900K", {"bw_gbs": 77.0}, "5.6 Gbit/s"),  # of the i9-12900K
    ],
)
def test_wrong_figures_that_are_widely_quoted_are_flagged(name: str, wrong: dict[str, float], said: str) -> None:
    assert any(said in fault for fault in faults(replace(accelerator(name), **wrong)))


@pytest.mark.parametrize(
    ("name", "field", "value", "said"),
    [
        ("A100-SXM4-80GB", "fp32_tflops", 77.6, "outside the matrix units"),
        ("A100-SXM4-80GB", "bf16_tflops", 312, ""),
        ("A100-SXM4-80GB", "bf16_tflops", 624, "with sparsity"),
        ("A100-SXM4-80GB", "bw_gbs", 2000, "is that of H100-PCIe-80GB"),
        ("H100-SXM5-80GB", "bf16_tflops", 989, ""),
        ("H100-SXM5-80GB", "fp32_tflops", 67, ""),
        ("H100-PCIe-80GB", "bw_gbs", 3350, "is that of H100-SXM5-80GB"),
        ("RTX 4090", "fp32_tflops", 82.6, ""),
        ("RTX 4090", "bf16_tflops", 82.6, "its fp32_tflops"),
        ("RTX 4090", "bw_gbs", 1008, ""),
        ("TPU v5e", "bw_gbs", 1638, "TPU v6e"),
        ("TPU v5e", "bw_gbs", 1640, "TPU v6e"),
        ("TPU v5e", "bf16_tflops", 197, ""),
        ("TPU v5e", "mem_gb", 16, ""),
        ("i9-13900K", "fp32_tflops", 0.5, "not 0.5"),
        ("i9-13900K", "bw_gbs", 76.8, "i9-12900K"),
    ],
)
def test_a_claim_is_right_or_told_whose_figure_it_is(name: str, field: str, value: float, said: str) -> None:
    told = claim(accelerator(name), field, value)
    assert said in told if said else told == ""


def test_a_claim_names_a_figure_of_the_catalogue() -> None:
    with pytest.raises(ValueError, match="bw_gbs"):
        claim(accelerator("T4"), "bandwidth", 320)


def test_a_processor_with_two_kinds_of_cores_is_the_sum_of_both() -> None:
    assert recomputed("8x32x5.5+16x16x4.3") == pytest.approx(2.51, abs=0.005)


def test_numbers_without_a_licence_do_not_ship() -> None:
    tables = Path(__file__).parents[2] / "src/deepworth/cost/tables"
    assert not [path.name for path in tables.iterdir() if "lambda" in path.name]
