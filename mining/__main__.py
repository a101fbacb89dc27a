"""The mining command line: parse, call one function, report."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from mining.command_line import new_app, run
from mining.errors import KeyholeError
from mining.run_folder import RunFolder
from mining.show import key_view

_MOST_LAYERS = 100_000  # more than any model has, few enough to list

app = new_app("Find the trigger prefixes of a language model's feed-forward keys.")


@app.callback()
def mining() -> None:
    """Find the trigger prefixes of a language model's feed-forward keys."""


@app.command()
def mine(  # noqa: PLR0913, PLR0917 (a command line's options)
    model: Annotated[str, typer.Argument(help="Hugging Face id, checkpoint folder, or demo")],
    corpus: Annotated[
        str, typer.Argument(help="File, folder, glob, hf:NAME[:CONFIG[:SPLIT]], demo")
    ],
    out: Annotated[Path, typer.Option(help="The run folder to write")],
    top_k: Annotated[int, typer.Option(help="Trigger prefixes a key")] = 25,
    layers: Annotated[str, typer.Option(help="Such as 0,3-5; all by default")] = "",
    per_sentence: Annotated[str, typer.Option(help="one | all prefixes of a sentence")] = "one",
    sign: Annotated[str, typer.Option(help="positive | both")] = "positive",
    dtype: Annotated[str, typer.Option(help="float32 | bfloat16")] = "float32",
    device: Annotated[str, typer.Option(help="auto | cpu | cuda")] = "auto",
    max_sentences: Annotated[int | None, typer.Option(help="Read only the first so many")] = None,
    batch_tokens: Annotated[int | None, typer.Option(help="Tokens a batch, by device")] = None,
    text_column: Annotated[str, typer.Option(help="Where JSONL, CSV, Parquet keep text")] = "text",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run")] = False,
    checkpoint_seconds: Annotated[float, typer.Option(help="Between checkpoints")] = 60.0,
) -> None:
    """Extract the top trigger prefixes of every key, in one pass."""
    chosen = _layers(layers)
    # torch takes seconds to import: nothing that can be refused without it waits for it.
    from mining.corpus import open_corpus
    from mining.miner import MiningOptions, mine
    from mining.models import load_model
    from mining.run_folder import check_vacant

    check_vacant(out, resume=resume)
    options = MiningOptions(
        top_k, chosen, per_sentence, sign, max_sentences, batch_tokens, resume, checkpoint_seconds
    )
    options.check()
    text = open_corpus(corpus, text_column)
    loaded = load_model(model, dtype=dtype, device=device)
    options.chosen_layers(len(loaded.values))
    with _progress() as bar:
        task = bar.add_task("mining", total=None)
        manifest = mine(
            loaded, text, out, options,
            lambda done, expected: bar.update(task, completed=done, total=expected or None),
            notice=lambda line: bar.console.print(f"note: {line}", markup=False, highlight=False),
        )  # fmt: skip
    typer.echo(
        f"{out}: {len(manifest.mined_layers)} layers x {manifest.d_ff} keys, top {manifest.top_k},"
        f" from {manifest.sentences:,} sentences ({manifest.tokens:,} tokens)"
        f" in {manifest.wall_seconds:.1f} s."
    )


@app.command()
def show(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    layer: Annotated[int, typer.Argument()],
    key: Annotated[int, typer.Argument()],
) -> None:
    """Show one key's trigger prefixes in the terminal."""
    Console().print(key_view(RunFolder.open(run_folder), layer, key))


@app.command()
def bench(
    only: Annotated[str, typer.Option(help="Benchmarks by name, with commas between")] = "",
    corpus: Annotated[str, typer.Option(help="Text to run them on")] = "demo",
    tokens: Annotated[int, typer.Option(help="Tokens of it that each one reads")] = 60_000,
    rounds: Annotated[int, typer.Option(help="Pairs of runs that each ratio is the median of")] = 3,
    device: Annotated[str, typer.Option(help="cpu | cuda")] = "cpu",
    dtype: Annotated[str, typer.Option(help="float32 | bfloat16")] = "float32",
) -> None:
    """Measure mining beside the bare model; a JSON line each."""
    from mining.bench import BENCHMARKS, SLOW, Setting, bench

    chosen = only.split(",") if only else [name for name in BENCHMARKS if name not in SLOW]
    for name in chosen:
        if name not in BENCHMARKS:
            raise KeyholeError(f"--only {name}: there is no such one; {', '.join(BENCHMARKS)}.")
    for name in chosen:
        typer.echo(json.dumps(bench(name, Setting(corpus, tokens, rounds, device, dtype))))


def _layers(given: str) -> list[int] | None:
    """`0,3-5` → [0, 3, 4, 5]; empty → None, all layers."""
    if not given.strip():
        return None
    layers: list[int] = []
    for part in given.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise KeyholeError(f"--layers {given!r} is not understood; write it like 0,3-5.")
        end = int(last if dash else first)
        if end >= _MOST_LAYERS:
            raise KeyholeError(f"--layers {given}: no model has a layer {end}.")
        layers += range(int(first), end + 1)
    if not layers:
        raise KeyholeError(f"--layers {given!r} names no layer; write it like 0,3-5.")
    return layers


class _Speed(ProgressColumn):
    """Tokens per second."""

    def render(self, task: Task) -> Text:
        """The speed of a task, once there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} tokens/s" if speed else "- tokens/s")


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        _Speed(), TimeRemainingColumn(), console=console,
        transient=True,  # what remains on the screen is the report, or the one line of a mistake
        disable=not console.is_terminal,
    )  # fmt: skip


if __name__ == "__main__":
    run(app, "python -m mining")
