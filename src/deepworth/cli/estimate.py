"""`deepworth estimate`: what a network needs to train or to run, before anything is rented."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deepworth.cli.border import plainly
from deepworth.cli.options import LADDER, LIMITS, OUTPUT, TASK, Debug, Json, names, option
from deepworth.errors import UserError


def estimate(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="A language or vision model (meta-llama/Llama-3.1-8B, resnet50), a folder with its config.json, "
            "or a model of tables (lightgbm, xgboost, forest, linear).",
            show_default=False,
        ),
    ] = None,
    method: Annotated[str, option(LADDER, "full, lora, qlora or adapter.", metavar="NAME")] = "full",
    generate: Annotated[bool, option(LADDER, "Run the model instead of training it.", "--generate")] = False,
    precision: Annotated[str, option(LADDER, "bf16, bf16-true, fp16, fp32, fp8; amp for vision.")] = "bf16",
    quant: Annotated[str | None, option(LADDER, "nf4, nf4-dq, int8, int4: width of the weights.")] = None,
    optimizer: Annotated[str, option(LADDER, "AdamW, AdamW8bit, PagedAdamW8bit, SGD, Adafactor.")] = "AdamW",
    checkpointing: Annotated[bool, option(LADDER, "Compute activations again instead of keeping them.")] = False,
    rows: Annotated[int | None, option(TASK, "Examples of an epoch; rows of a table.")] = None,
    columns: Annotated[int | None, option(TASK, "Columns of a table.")] = None,
    categories: Annotated[int, option(TASK, "Of the columns, those of categories.")] = 0,
    classes: Annotated[int, option(TASK, "Classes to predict in a table; 0: a number.")] = 2,
    rounds: Annotated[int | None, option(TASK, "Trees to grow; else as many as early stopping leaves.")] = None,
    epochs: Annotated[float, option(TASK, "How often each example is seen.")] = 1.0,
    seq_len: Annotated[int, option(TASK, "Tokens of the longest example.")] = 512,
    image_size: Annotated[int, option(TASK, "Pixels along a side.")] = 224,
    batch: Annotated[
        int | None, option(TASK, "Examples at a time on a device; else 1 for text, and up to 128 images that fit.")
    ] = None,
    accumulate: Annotated[int, option(TASK, "Batches of a step.")] = 1,
    hardware: Annotated[
        str | None,
        option(LIMITS, "Names with commas: T4, '2x L4', '16 vCPU', auto (found here); else all GPUs with a price."),
    ] = None,
    devices: Annotated[int | None, option(LIMITS, "How many; else as many as it takes.")] = None,
    sharding: Annotated[str | None, option(LIMITS, "DDP, ZeRO-1, ZeRO-2, FULL_SHARD, TP8.")] = None,
    requests: Annotated[
        str | None, option(OUTPUT, "Answer a file of requests, one JSON object a line; - for standard input.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Peak memory, time, energy and money of a model, each with a 90 % interval, on hardware that need not be here.

    With --requests, one JSON answer a line; a line that cannot be answered holds `error` and stops nothing.
    """
    with plainly(debug):
        if requests is not None:
            _batch(requests)
            return
        if model is None:
            raise UserError("name a model, such as meta-llama/Llama-3.1-8B, or give --requests FILE")
        if batch is not None and batch < 1:
            raise UserError("--batch must be above 0")
        if (rows is not None and rows < 1) or epochs <= 0:
            raise UserError("--rows and --epochs must be above 0")
        kind = _kind(model)
        language = kind == "llm"
        work = "train" if not generate else "generate" if language else "infer"
        request: dict[str, Any] = {"kind": kind, "model": model}
        networks = {"--method": method != "full", "--quant": quant, "--checkpointing": checkpointing}
        networks |= {"--sharding": sharding, "--accumulate": accumulate != 1}
        tables = {"--columns": columns is not None, "--categories": categories, "--rounds": rounds is not None}
        if kind == "table":
            _unused(networks | {"--batch": batch is not None, "--devices": devices, "--epochs": epochs != 1}, "a table")
            if rows is None or columns is None:
                raise UserError("a model of tables needs --rows and --columns")
            request |= {"rows": rows, "columns": columns, "categories": categories, "classes": classes, "task": work}
            request |= {"rounds": rounds} if rounds is not None else {}
            _named(request, float(rows * (rounds or 1)), names(hardware) or (), as_json, context)
            return
        _unused(tables | {"--classes": classes != 2}, "a network")
        request |= {"precision": precision, "optimizer": optimizer} | ({"n_gpus": devices} if devices else {})
        if language:
            request |= {"task": work, "method": method, "quant": quant, "seq_len": seq_len, "micro_batch": batch or 1}
            request |= {"grad_accum": accumulate, "sharding": sharding, "grad_ckpt": int(checkpointing)}
        else:
            _unused(networks, "an image network")
            request |= {"mode": "infer" if generate else "train", "img": image_size}
            request |= {"batch": batch} if batch is not None else {}
        items = rows * epochs * (seq_len if language else 1) if rows else None
        _named(request, items, names(hardware) or (), as_json, context)


def _unused(options: dict[str, Any], of: str) -> None:
    """Raises UserError for options that say nothing about what is estimated."""
    if wrong := [name for name, used in options.items() if used]:
        raise UserError(f"{', '.join(wrong)} cannot be estimated for {of}: leave it out")


def _kind(model: str) -> str:
    """Whose name it is: of a language model, a model of tables, or an image network. Raises UserError for none."""
    from deepworth.cost import dims, rows, vision_networks

    if dims.is_folder(model) or dims.is_known(model):
        return "llm"
    if rows.is_known(model):
        rows.named(model)
        return "table"
    try:
        vision_networks.named({"model": model})
    except UserError as error:
        if dims.near(model) and not vision_networks.near(model):
            dims.find(model)
        if vision_networks.near(model) and not dims.near(model):
            raise
        close = ", ".join([*dims.near(model), *vision_networks.near(model)])
        raise UserError(
            f"{model!r} is not known{close and f'; near it are {close}'}; models of tables are "
            f"{', '.join(rows.names())}; a folder with its config.json does as well"
        ) from error
    return "vision"


def _batch(source: str) -> None:
    from deepworth.cost.requests import answers

    if source != "-" and not Path(source).is_file():
        raise UserError(f"there is no file {source}: give a file of JSON lines, or - for standard input")
    with sys.stdin if source == "-" else open(source, encoding="utf-8") as lines:
        for answer in answers(lines):
            print(answer, flush=source == "-")


def _typed(context: typer.Context, more: dict[str, str]) -> str:
    """The command as it was given, with other values of some options; "" is that of a switch."""
    given = {}
    for one in context.command.params:
        source = context.get_parameter_source(one.name or "")
        if source is not None and source.name == "COMMANDLINE" and one.opts[0] not in more:
            value = context.params[one.name or ""]
            given[one.opts[0]] = "" if value is True else str(value)
    words = ["deepworth estimate", *([shlex.quote(given.pop("model"))] if "model" in given else [])]
    for flag, value in (given | more).items():
        words += [flag, shlex.quote(value)] if value else [flag]
    return " ".join(words)


def _named(
    request: dict[str, Any], items: float | None, hardware: tuple[str, ...], as_json: bool, context: typer.Context
) -> None:
    from deepworth.cost.choice import choose, easier

    choice = choose(request, items, hardware)
    if as_json:
        from deepworth.types import dump

        document = {"request": request, "items": items} | json.loads(dump(choice))
        print(json.dumps(document, indent=2))
        return
    from deepworth.views.console import stdout
    from deepworth.views.estimate import estimate_view

    first = choice.places[0].answer
    size = f", {first['params'] / 1e9:.3g}B parameters" if first.get("params") else ""
    work = request.get("task") or request["mode"]
    work += f" ({request['method']})" if work == "train" and "method" in request else ""
    length = "" if items is None else f", {items:,.0f} {'tokens' if request['kind'] == 'llm' else 'images'}"
    if request["kind"] == "table":
        length = f", {request['rows']:,} rows x {request['columns']:,} columns"
        length += f" x {request['rounds']:,} rounds" if "rounds" in request else ""
    change = easier(request, items, hardware, choice)
    command = _typed(context, change.flags) if change else ""
    stdout().print(estimate_view(choice, f"{request['model']}{size}: {work}{length}", change, command))
