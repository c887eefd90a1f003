"""`arena serve`, `arena token` and `arena backup`: for organizers."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from arena.archive.backup import backup as make
from arena.commands.options import DatabaseOption, EventOption, JsonOption, whole
from arena.commands.tables import dump
from arena.event.folder import open_event
from arena.scoreboard.server_tables import Role
from arena.scoreboard.store import Scoreboard
from arena.server.access.tokens import Tokens
from arena.server.clock import Clock
from envs.errors import EventError
from envs.extras import require

token = typer.Typer(
    name="token",
    help="Manage tokens: who may do what on the server.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for the whole network.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option("--port", metavar="N", parser=whole, help="Port; 0 takes any free one.")] = 8000,
    verifiers: Annotated[
        int, typer.Option("--verifiers", metavar="N", parser=whole, help="Processes that replay uploads.")
    ] = 2,
    evaluators: Annotated[
        int, typer.Option("--evaluators", metavar="N", parser=whole, help="Agents evaluated at once.")
    ] = 1,
    evaluation_seeds: Annotated[
        int, typer.Option("--evaluation-seeds", metavar="N", parser=whole, help="Hidden seeds that each agent plays.")
    ] = 20,
    approval: Annotated[
        bool, typer.Option("--approval", help="Evaluate an agent only after an organizer approves it.")
    ] = False,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Public address, shown on the big screen as a QR code.")
    ] = "",
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate for https.", show_default=False)
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="The certificate's key.", show_default=False)
    ] = None,
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Run the shared scoreboard: its API and its pages.

    Every score comes from the server's own replay of a recording. It may be stopped and restarted at any time: what
    it has acknowledged is on disk.
    """
    require("The server", "fastapi", "uvicorn", "python_multipart")
    from arena.server.app import create_app
    from arena.server.settings import RequestLimits, ServerSettings

    public = _checked_url(url)
    _check_certificate(tls_cert, tls_key)
    the_event = open_event(event)
    database, limits = db or str(the_event.database), RequestLimits.of(the_event.settings.quotas)
    settings = ServerSettings(the_event, database, verifiers, evaluators, evaluation_seeds, approval, public, limits)
    with _listening(host, port) as listening:
        app = create_app(settings)
        if not any(one.role == Role.ORGANIZER and not one.revoked_at for one in app.state.server.tokens.all()):
            typer.echo("Nobody is an organizer yet: arena token add NAME --role organizer", err=True)
        scheme = "https" if tls_cert else "http"
        typer.echo(f"{the_event.name}: {scheme}://{_reached_at(host, listening)}/ (Ctrl-C ends)")
        if public:
            typer.echo(f"Others find it at {public}/")
        _run(app, listening, tls_cert, tls_key)


def _checked_url(url: str) -> str:
    """Return an address as it stands on the big screen, without a slash at its end.

    Raises:
        EventError: it is none.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
        good = good and "@" not in parts.netloc  # no password on the big screen
    except ValueError:
        good = False
    if url and (not good or parts.query or parts.fragment or not url.isascii() or len(url) > 200):
        raise EventError(f"--url is the address that others type, such as http://10.0.0.5:8000, not {url!a}.")
    return url.rstrip("/")


def _check_certificate(cert: Path | None, key: Path | None) -> None:
    """Refuse to start with a certificate that can't serve.

    Raises:
        EventError: a file can't be read or isn't what it should be, or one doesn't fit the other.
    """
    if cert is None:
        if key is not None:
            raise EventError("--tls-key needs the certificate that it belongs to; name that with --tls-cert.")
        return
    for option, path in (("--tls-cert", cert), ("--tls-key", key)):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            reason = error.strerror or error
            raise EventError(f"{option} names {path}, which can't be read ({reason}); check the path.") from None

    def locked() -> str:
        raise EventError(
            f"The key in {key or cert} asks for a password, which nobody could type when the server starts again; "
            f"store it without one (openssl pkey -in {key or cert} -out plain.pem)."
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, locked)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise EventError(
                f"The key {key or cert} belongs to another certificate than {cert}; name its own."
            ) from None
        raise EventError(
            f"The certificate can't be used: expected -----BEGIN CERTIFICATE----- in {cert} and -----BEGIN PRIVATE "
            f"KEY----- in {key or cert}{'' if key else ', or in a file of its own that --tls-key names'}."
        ) from None


def _run(app: object, listening: socket.socket, tls_cert: Path | None, tls_key: Path | None) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,  # its lines go through our log, which leaves out secrets
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,  # event streams never end by themselves
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        EventError: the address isn't this machine's, or the port is taken.
    """
    if not 0 <= port < 2**16:
        raise EventError(f"A port is a number from 0 to 65535, not {port}.")
    name = _bare(host)
    if not name or "/" in name or (":" in name and not _is_ipv6(name)):
        raise EventError(
            f"--host takes one of this machine's addresses, such as 127.0.0.1 or 0.0.0.0, not {host!r}; the port goes "
            "after --port, and the address that others type after --url."
        )
    try:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        both = name == "::" and socket.has_dualstack_ipv6()  # everybody, also who knows only an IPv4 address
        return socket.create_server((name, port), family=family, backlog=1024, dualstack_ipv6=both)
    except (OSError, UnicodeError, ValueError) as error:
        number = getattr(error, "errno", None)
        reason = (getattr(error, "strerror", None) or "this can't be a name").partition(" (while")[0]
    match number:
        case errno.EADDRINUSE:
            way = "another program listens there, perhaps another arena serve: end it, or choose another port"
        case errno.EACCES | errno.EPERM:
            way = "choose another port; those below 1024 may need an administrator's rights"
        case _:
            way = "--host takes an address of this machine; 0.0.0.0 is all that it has"
    raise EventError(f"The server can't listen on {name}, port {port} ({reason}); {way}.")


def _bare(host: str) -> str:
    """Return an address without the brackets that an IPv6 address has in a URL."""
    return host.strip().removeprefix("[").removesuffix("]")


def _is_ipv6(name: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(name))
    except ValueError:
        return False


def _reached_at(host: str, listening: socket.socket) -> str:
    """Return host and port as they stand in an address that can be opened."""
    name, port = _bare(host), listening.getsockname()[1]
    if name == "0.0.0.0" or (name == "::" and socket.has_dualstack_ipv6()):
        name = _own_address(socket.AF_INET, "192.0.2.1", "127.0.0.1")
    elif name == "::":
        name = _own_address(socket.AF_INET6, "2001:db8::1", "::1")
    return f"[{name.replace('%', '%25')}]:{port}" if ":" in name else f"{name}:{port}"


def _own_address(family: socket.AddressFamily, nobody: str, itself: str) -> str:
    """Return this machine's address in its network, as far as it can be told; nothing is sent.

    Args:
        nobody: an address that belongs to nobody (RFC 5737, RFC 3849).
        itself: what is returned without a network.
    """
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((nobody, 9))
        return str(probe.getsockname()[0])
    return itself


@token.command("add")
def token_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token; a participant's name on the scoreboard.")],
    role: Annotated[Role, typer.Option("--role", metavar="ROLE", help=", ".join(Role))] = Role.PARTICIPANT,
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token and print it. It can't be printed again: only its hash is stored."""
    if role is Role.STATION:
        _check_station(event, name)
    with _tokens(event, db) as tokens:
        made, secret = tokens.add(role, name)
    if json:
        dump({"id": made.id, "role": made.role.value, "name": made.name, "token": secret})
    else:
        typer.echo(secret)
        typer.echo(f"Token {made.id} of {made.name}, {made.role}. It can't be shown again.", err=True)


@token.command("list")
def token_list(event: EventOption = None, db: DatabaseOption = None, json: JsonOption = False) -> None:
    """List the tokens, without the secrets themselves."""
    with _tokens(event, db) as tokens:
        found = tokens.all()
    if json:
        dump([asdict(one) for one in found])
        return
    if not found:
        typer.echo("No tokens yet: arena token add NAME")
    for one in found:
        state = f"revoked {one.revoked_at:%Y-%m-%d %H:%M} UTC" if one.revoked_at else "valid"
        typer.echo(f"{one.id:>4}  {one.role:<11}  {one.name:<32}  {one.created_at:%Y-%m-%d %H:%M} UTC  {state}")


@token.command("revoke")
def token_revoke(
    number: Annotated[int, typer.Argument(metavar="NUMBER", parser=whole, help="Its number in arena token list.")],
    event: EventOption = None,
    db: DatabaseOption = None,
) -> None:
    """Revoke a token."""
    with _tokens(event, db) as tokens:
        one = tokens.revoke(number)
    typer.echo(f"Token {one.id} of {one.name} is revoked.")


def _check_station(event: Path | None, name: str) -> None:
    """Refuse a station that the event doesn't have, where event.toml says which it has.

    Raises:
        EventError: there is no such station.
    """
    the_event = open_event(event)
    stations = the_event.settings.stations
    if stations.model_fields_set and name not in stations.names:
        raise EventError(
            f"{the_event.folder / 'event.toml'} names no station {name!r} (it has {', '.join(stations.names)}); add it "
            "there first."
        )


@contextmanager
def _tokens(event: Path | None, db: str | None) -> Iterator[Tokens]:
    with Scoreboard.open(db or open_event(event).database) as board:
        yield Tokens(board, Clock())


def backup(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    event: EventOption = None,
    db: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Copy the event to another folder; the server may be running.

    The copy is itself an event folder: to restore it, use it (--event FOLDER). A PostgreSQL scoreboard becomes a file
    in it.
    """
    the_event = open_event(event)
    made = make(the_event, db or the_event.database, target)
    if json:
        dump(asdict(made) | {"folder": str(made.folder)})
    else:
        typer.echo(f"{made.folder}: {made.results:,} results, {made.files:,} files, {made.bytes / 2**20:,.1f} MiB.")
