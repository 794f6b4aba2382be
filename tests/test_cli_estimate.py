"""`deepworth estimate`: the table a person reads, the document of --json, and the batch form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deepworth.cli import app

LLAMA = ["meta-llama/Llama-3.1-8B", "--method", "qlora", "--rows", "20000", "--seq-len", "512"]


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["estimate", *arguments], input=given, env={"COLUMNS": "160"})


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
        (["--requests", "no-such-file"], "no file"),
    ],
)
def test_errors_say_what_to_do(arguments: list[str], said: str) -> None:
    told = run(*arguments)
    assert told.exit_code == 2
    assert said in told.output
