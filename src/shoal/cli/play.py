"""shoal play: the playground, on a page of this computer or in a file."""

import threading
import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shoal.cli.rows import naming, read_rows_for, read_training_rows, refuse_to_overwrite
from shoal.cli.talk import QUIET_OPTION, Talk

if TYPE_CHECKING:
    from shoal.playground.boot import Boot

SUFFIX = ".shoal"


@click.command(short_help="See a network compute and learn, number by number.")
@click.argument("source", required=False)
@click.argument("data", required=False)
@click.option("--target", "-t", metavar="COLUMN", help="The column of a table to learn.")
@click.option(
    "--plane",
    nargs=2,
    metavar="COLUMN COLUMN",
    help="The two inputs to draw; by default those that tell most of the target.",
)
@click.option(
    "--export", metavar="PAGE.html", help="Write the page to one file that needs no other, and end."
)
@click.option("--language", type=click.Choice(["en", "it"]), help="Of the page, at first.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="By default any that is free."
)
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
@QUIET_OPTION
def play(
    source: str | None,
    data: str | None,
    target: str | None,
    plane: tuple[str, str] | None,
    export: str | None,
    language: str | None,
    port: int,
    no_open: bool,
    quiet: bool,
) -> None:
    """Open the playground: a page on which a network computes and learns, number by number.

    SOURCE is a table, of which --target is learnt, or a model. A model keeps no rows, so give it
    the table DATA to train on and to see its points. Without SOURCE the page has the course's
    flower.

    The page is served to this computer alone until Ctrl-C. Its address, on stderr, works once.
    """
    from shoal.playground.export import one_file
    from shoal.playground.server import PlaygroundServer, make_routes, page_files

    talk = Talk(quiet)
    boot = _boot(source, data, target, plane or (), talk).json(language)
    if export is not None:
        from shoal.atomic import atomic_write

        refuse_to_overwrite(export, "--export", *filter(None, (source, data)))
        page = one_file(boot).encode()
        with atomic_write(export) as file:
            file.write(page)
        talk.say(f"wrote {export} ({len(page):,} bytes): open it in a browser")
        return
    with PlaygroundServer(make_routes(page_files(), boot), port) as server:
        try:
            click.echo(f"{server.address}\nCtrl-C stops it.", err=True)
            if not no_open:
                opening = threading.Thread(target=webbrowser.open, args=(server.address,))
                opening.daemon = True  # a browser in the terminal may not come back
                opening.start()
            server.serve_forever()
        except KeyboardInterrupt:
            talk.say("stopped")


def _boot(
    source: str | None, data: str | None, target: str | None, plane: Sequence[str], talk: Talk
) -> "Boot":
    """What the page starts from."""
    from shoal.playground.boot import from_model, from_nothing, from_table

    if source is None:
        if target or plane:
            raise click.UsageError("--target and --plane are for a table: name it first")
        return from_nothing()
    if not source.endswith(SUFFIX):
        if data is not None:
            raise click.UsageError(f"{source} is not a model (*{SUFFIX}), so it takes no DATA")
        rows = read_training_rows(source, target, task="auto", drop=(), category=(), talk=talk)
        with naming(source):
            return from_table(
                rows.X, rows.y, target=rows.target, classify=rows.classify, plane=plane
            )
    from shoal.model_file import load_model

    model = load_model(source)
    if target not in (None, *model.target):
        raise click.UsageError(f"the target of {source} is {', '.join(model.target)}")
    if data is None:
        return from_model(model, plane=plane)
    rows = read_rows_for(model, data, talk)
    with naming(data):
        return from_model(model, rows.X, rows.y, plane=plane)
