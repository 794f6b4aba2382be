"""`deepworth estimate`: the table a person reads, the document of --json, and the batch form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deepworth.cli import app

LLAMA = ["meta-llama/Llama-3.1-8B", "--method", "qlora", "--rows", "20000", "--seq-len", "512"]


def run(*arguments: str, given: str | None = None, columns: int = 160) -> Result:
    return CliRunner().invoke(app, ["estimate", *arguments], input=given, env={"COLUMNS": str(columns)})


def test_a_person_reads_what_fits_and_what_it_costs() -> None:
    told = run(*LLAMA, "--hardware", "L4, A100-SXM4-40GB")
    assert told.exit_code == 0, told.output
    for word in (
        "8.03B parameters",
        "L4",
        "A100-SXM4-40GB",
        "kWh",
        "cheapest adequate",
        "speed-up",
        "weights",
        "basis",
    ):
        assert word in told.stdout


def test_no_name_and_no_number_is_cut_in_a_window_of_80_columns() -> None:
    told = run(*LLAMA, columns=80).stdout
    assert max(map(len, told.splitlines())) <= 80
    assert "…" not in told
    several = run("llama-3.1-8b", "--rows", "20000", "--hardware", "H100, 32x V100, A100", columns=80).stdout
    assert max(map(len, several.splitlines())) <= 80
    assert all(line.count("[") == line.count("]") for line in (told + several).splitlines())
    for words in ("A100-SXM4-80GB", "H100-SXM5-80GB ", "[0.50..1.00]", "too small", "needed"):
        assert words in told


def test_rows_with_an_old_price_are_marked() -> None:
    told = run(*LLAMA, "--hardware", "L4, T4, RTX 4090, H100-PCIe-80GB, A100-SXM4-80GB").stdout
    assert " !\n" in "\n".join(line.rstrip() for line in told.splitlines())
    assert "undated or older than a year" in told
    assert "intervals of the cost are those of the time" in told


def test_why_nothing_fits_is_told() -> None:
    told = run("llama-3.1-8b", "--rows", "1000", "--batch", "8", "--seq-len", "2048", "--hardware", "T4").stdout
    assert "it fits nowhere here" in told
    assert "gradient checkpointing" in told
    assert "devices hold it" in told


def test_images_are_taken_in_large_batches_and_steps_in_milliseconds() -> None:
    told = run("resnet50", "--hardware", "RTX 3090").stdout
    assert "taken as 128" in told
    assert " ms [" in told
    assert "taken as" not in run("resnet50", "--hardware", "RTX 3090", "--batch", "16").stdout


def test_this_machine_and_several_devices_are_hardware() -> None:
    document = json.loads(run(*LLAMA, "--hardware", "auto, 2x A100-SXM4-80GB", "--json").stdout)
    by_count = {place["count"]: place["answer"] for place in document["places"]}
    assert by_count[2]["hardware"] == "A100-SXM4-80GB"
    assert len(document["places"]) == 2


def test_json_is_one_document() -> None:
    document = json.loads(run(*LLAMA, "--hardware", "L4", "--epochs", "2", "--json").stdout)
    assert document["items"] == 2 * 20000 * 512
    (place,) = document["places"]
    assert place["answer"]["fits"] is True and 0 < place["seconds"]["low"] < place["seconds"]["high"]
    assert document["comparison"]["offers"][0]["usd"]["likely"] > 0


def test_a_local_folder_is_a_model(tmp_path: Path) -> None:
    config = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    (tmp_path / "config.json").write_text(json.dumps(config))
    told = run(str(tmp_path), "--hardware", "T4", "--json")
    assert json.loads(told.stdout)["places"][0]["answer"]["params"] == pytest.approx(0.124e9, rel=0.01)


def test_requests_are_answered_line_by_line(tmp_path: Path) -> None:
    lines = '{"kind": "llm", "model": "gpt2", "hardware": "T4"}\nnonsense\n{"kind": "llm", "model": "gpt3"}\n'
    (tmp_path / "requests.jsonl").write_text(lines)
    from_file = run("--requests", str(tmp_path / "requests.jsonl"), "--json")
    from_input = run("--requests", "-", "--json", given=lines)
    assert from_file.exit_code == 0 and from_file.stdout == from_input.stdout
    first, second, third = map(json.loads, from_file.stdout.splitlines())
    assert first["fits"] is True and "not JSON" in second["error"] and "gpt2" in third["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a model"),
        (["lama-3.1-8b"], "llama-3.1-8b"),
        (["gpt2", "--hardware", "A101"], "no hardware"),
        (["gpt2", "--rows", "0"], "above 0"),
        (["resnet50", "--method", "lora"], "image network"),
        (["gpt2", "--method", "rola"], "lora"),
        (["gpt2", "--batch", "0"], "above 0"),
        (["--requests", "no-such-file"], "no file"),
    ],
)
def test_errors_say_what_to_do(arguments: list[str], said: str) -> None:
    told = run(*arguments)
    assert told.exit_code == 2
    assert said in told.output


def test_trees_are_estimated_from_rows_columns_and_rounds() -> None:
    told = run("lightgbm", "--rows", "1000000", "--columns", "50", "--rounds", "500", columns=80)
    assert told.exit_code == 0, told.output
    assert max(map(len, told.stdout.splitlines())) <= 80
    for word in ("1,000,000 rows x 50 columns x 500 rounds", "8x", "vCPU", "cheapest adequate", "rows x columns"):
        assert word in told.stdout
    document = json.loads(run("linear", "--rows", "1000", "--columns", "5", "--hardware", "auto", "--json").stdout)
    assert document["places"][0]["answer"]["seconds"]["likely"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lightgbm", "--rows", "10"], "--columns"),
        (["lightgbm", "--rows", "10", "--columns", "2", "--batch", "3"], "--batch"),
        (["resnet50", "--columns", "2"], "--columns"),
        (["gpt2", "--rounds", "2"], "--rounds"),
        (["catboost", "--rows", "10", "--columns", "2"], "lightgbm"),
    ],
)
def test_options_that_say_nothing_about_a_model_are_refused(arguments: list[str], said: str) -> None:
    told = run(*arguments)
    assert told.exit_code == 2 and said in told.stderr


def test_the_answer_is_said_in_short_whether_or_not_rows_are_given() -> None:
    told = run("llama-3.1-8b", "--method", "qlora", "--hardware", "T4").stdout
    assert "does not fit as asked; with --checkpointing (gradient checkpointing) it fits T4: 10." in told
    command = "deepworth estimate llama-3.1-8b --method qlora --hardware T4 --checkpointing"
    assert command in " ".join(told.split())
    assert " it fits T4 for $0." in run(*command.split()[2:]).stdout
    assert "tokens/s" in told and "15.2 GB can be used" in " ".join(told.split())
    assert "it fits T4 for $0.53 an hour; --rows" in run("resnet50", "--batch", "64", "--hardware", "T4").stdout


def test_the_change_that_makes_it_fit_replaces_what_was_asked() -> None:
    words = ("llama-3.1-8b", "--method", "qlora", "--batch", "4", "--rows", "1000", "--hardware", "T4")
    told = " ".join(run(*words).stdout.split())
    assert "with --checkpointing --batch 1 (gradient checkpointing and a micro-batch of 1) it fits T4" in told
    command = "deepworth estimate llama-3.1-8b --method qlora --rows 1000 --hardware T4 --checkpointing --batch 1"
    assert command in told
    again = " ".join(run(*command.split()[2:]).stdout.split())
    assert "cheapest adequate: T4" in again


def test_without_rows_what_costs_least_an_hour_is_said() -> None:
    told = " ".join(run("llama-3.1-70b").stdout.split())
    assert re.search(r"it fits \d+x [AH]\w+-[\w-]+ for \$\d+ an hour, and \d+ more of \d+", told)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("llama-70b", "llama-3.1-70b"),
        ("vit-q", "vit_"),
        ("bert-huge", "bert-large"),
        ("catboost", "catboost is not built in and no fit of it was measured"),
        ("nonesuch", "models of tables are"),
    ],
)
def test_a_name_that_is_not_known_gets_the_nearest_of_its_family(name: str, said: str) -> None:
    told = run(name)
    assert told.exit_code == 2 and said in " ".join(told.stderr.split())
    assert "yi-6b" not in told.stderr


@pytest.mark.parametrize("name", ["vit_b_16", "google/vit-base-patch16-224", "mobilenet_v2", "microsoft/resnet-50"])
def test_names_of_torchvision_and_of_the_hub_are_known(name: str) -> None:
    assert run(name, "--hardware", "T4").exit_code == 0


def test_a_laptop_is_told_where_its_gpu_is_found() -> None:
    told = run("resnet50", "--hardware", "RTX 4060 laptop")
    assert told.exit_code == 2 and "--hardware auto" in told.stderr


def test_of_too_many_images_fewer_are_said() -> None:
    told = " ".join(run("resnet50", "--batch", "4096", "--hardware", "T4").stdout.split())
    assert "with --batch 128 (fewer images at a time) it fits T4: " in told
    assert "deepworth estimate resnet50 --hardware T4 --batch 128" in told
