"""One key's trigger prefixes as a terminal table."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mining.errors import RunFolderError
from mining.run_folder import RunFolder

_LONGEST = 70  # characters of a prefix that are shown: its end, where the trigger is


def key_view(run: RunFolder, layer: int, key: int) -> Group:
    """A key's figures and its triggers, best first; the last token is underlined."""
    manifest = run.manifest
    if layer not in manifest.mined_layers:
        mined = ", ".join(map(str, manifest.mined_layers))
        raise RunFolderError(f"Layer {layer} is not in this run; it has {mined}.")
    if not 0 <= key < manifest.d_ff:
        raise RunFolderError(f"There is no key {key}; a layer has 0 to {manifest.d_ff - 1}.")
    figures = run.keys(layer).set_index("key").loc[key]
    triggers = run.triggers(layer, key)
    sentences = run.sentences()
    table = Table(box=None, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("coefficient", justify="right")
    table.add_column("prefix", justify="right", no_wrap=True)
    table.add_column("next", no_wrap=True)
    for row in triggers.itertuples():
        ends = sentences.at[row.sentence_id, "token_ends"]
        start = int(ends[row.position - 1]) if row.position else 0
        prefix = Text(_visible(row.prefix))
        prefix.stylize("bold underline", start, len(prefix))
        if len(prefix) > _LONGEST:
            prefix = Text("…") + prefix[len(prefix) - _LONGEST :]
        table.add_row(
            str(row.rank), f"{row.coefficient:.3f}", prefix, Text(_visible(row.next_token), "dim")
        )
    head = Text(f"{manifest.model}, layer {layer}, key {key}: ", "bold")
    head.append(
        f"active in {figures['active_share']:.1%} of positions, mean {figures['mean']:.3f},"
        f" max {figures['max']:.3f}",
        "not bold",
    )
    if triggers.empty:
        return Group(head, Text("A dead key: no prefix has a positive coefficient."))
    return Group(head, table)


def _visible(text: str) -> str:
    """Control characters would move the cursor: show them as their pictures, or as unknown."""
    pictures = {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\u2421"}
    unknown = dict.fromkeys(range(0x80, 0xA0), "\ufffd")  # C1: some terminals obey these too
    return text.translate(pictures | unknown)
