"""The other end of `arena serve`: what stations and participants ask of the server."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from arena.client.addresses import AddressError, clean_token, server_address
from envs.errors import ArenaError, shown, tidy
from envs.rules import Rules
from recordings.live_chain import Link

TIMEOUT_SECONDS = 10.0
GREETING_SECONDS = 2.0


class ServerRefused(ArenaError):
    """The server has understood and says no; asking again changes nothing.

    `status` is the HTTP status: 401 the token is unknown, 403 it may not, 409 it contradicts what was there, ...
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ServerUnreachable(ArenaError):
    """No answer, or one that says to try again later."""


class ConnectionMistake(ServerUnreachable):
    """There is no answer because of something at this end: the address or the certificate. Asking again changes nothing
    until it is corrected."""


class UnknownHost(ConnectionMistake):
    """No machine has this name, or the network that would know it is gone."""


@dataclass(frozen=True, slots=True)
class RankedTicket:
    """The right to play one ranked game."""

    id: str
    player: str
    rules: Rules
    seed: int
    chain: str
    """The chain head before the first frame (`recordings.live_chain`)."""
    state: str


class Client:
    """A connection to a server. May be used by several threads at once.

    Every method raises ServerRefused or ServerUnreachable; after the latter nobody knows whether the request arrived,
    and sending it again is safe.

    Args:
        url: of the server, such as `http://10.0.0.5:8000`; see `server_address`.
        token: from `arena token add`; None for what everybody may read.
        timeout: seconds that an answer is waited for.

    Raises:
        AddressError: address or token can't be one.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        self.url = server_address(url)
        self._known = False
        """Whether an arena, or nothing that speaks TLS, has been found at the address."""
        clean = None if token is None else clean_token(token)
        headers = {"Authorization": f"Bearer {clean}"} if clean else {}
        try:
            self._http = httpx2.Client(
                base_url=self.url, headers=headers, timeout=timeout, trust_env=False, verify=_trusted(self.url)
            )
        except (ValueError, httpx2.InvalidURL) as error:
            raise AddressError(f"{shown(self.url)} is no address that can be called ({tidy(error, 80)}).") from None

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, path: str, **parameters: object) -> Any:
        """Return the JSON value at `/api/v1` + `path`."""
        return self._json("GET", path, params={k: v for k, v in parameters.items() if v is not None})

    def post(self, path: str, value: object = None) -> Any:
        """Post a JSON value to `/api/v1` + `path` and return the answer's."""
        return self._json("POST", path, json=value)

    def send_recording(self, content: bytes, key: str, ticket: str | None = None) -> dict[str, Any]:
        """Send a recording; return the receipt. Sent again under the same key, it is stored once."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/zip"}
        if ticket is not None:
            headers["Arena-Ticket"] = ticket
        found: dict[str, Any] = self._json("POST", "/recordings", content=content, headers=headers)
        return found

    def send_agent(self, content: bytes, key: str, *, name: str, game: str, rules: str) -> dict[str, Any]:
        """Send an agent to be evaluated; return what is known of it."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/zip"}
        parameters = {"name": name, "game": game, "rules": rules}
        found: dict[str, Any] = self._json("POST", "/agents", content=content, headers=headers, params=parameters)
        return found

    def ticket(self, player: str, game: str, rules: str = "5min", seed: int | None = None) -> RankedTicket:
        """Get a ticket for one ranked game. Stations may name the seed; without one the server draws it, tells it when
        the game begins, and the game begins with this call: from now on it counts."""
        wish = {"player": player, "game": game, "rules": rules} | ({} if seed is None else {"seed": seed})
        issued = self.post("/tickets", wish)
        return self.start(issued["id"]) if seed is None else _ticket(issued)

    def seat(self, tournament: str, player: str) -> RankedTicket:
        """Get a ticket for the next game that a tournament waits for from this player; stations only."""
        return _ticket(self.post(f"/tournaments/{tournament}/tickets", {"player": player}))

    def begin_together(self, tournament: str, player: str, others: Sequence[str]) -> tuple[list[str], float | None]:
        """Say that a player is ready to begin together with others; return who isn't there yet, and in how many seconds
        all begin."""
        found = self.post(f"/tournaments/{tournament}/starts", {"player": player, "others": [*others]})
        return found["missing"], found["begins_in"]

    def start(self, ticket: str) -> RankedTicket:
        """Say that the game begins: from now on it counts."""
        return _ticket(self.post(f"/tickets/{ticket}/start"))

    def abandon(self, ticket: str) -> RankedTicket:
        """Give up a started game: what was told of it counts."""
        return _ticket(self.post(f"/tickets/{ticket}/abandon"))

    def tell(self, ticket: str, links: Sequence[Link]) -> int:
        """Tell how a game goes on; return how many frames of it the server knows."""
        sent = [
            {"frame": link.frame, "head": link.head, "actions": base64.b64encode(link.actions).decode()}
            for link in links
        ]
        return int(self.post(f"/tickets/{ticket}/links", sent)["frames"])

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._http.request(method, f"/api/v1{path}", **arguments)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise self._unanswered(error) from None
        self._known = True
        if answer.status_code >= 500:
            reason = _reason(answer) or f"it answered {answer.status_code}."
            raise ServerUnreachable(f"The server {self.url} can't take this now: {reason}")
        if answer.status_code >= 300:
            reason = _reason(answer)
            if not reason or (reason == "Not Found" and urlsplit(self.url).path):
                raise self._no_arena(answer)
            raise ServerRefused(reason, answer.status_code)
        try:
            return answer.json()
        except ValueError:
            raise self._no_arena(answer) from None

    def _unanswered(self, error: Exception) -> ServerUnreachable:
        """Return what a person is told who gets no answer: what is wrong at this end by its name."""
        host = urlsplit(self.url).hostname
        secure = self.url.startswith("https:")
        cause = _cause(error)
        match cause:
            case socket.gaierror() if cause.errno != socket.EAI_AGAIN:
                return UnknownHost(f"No machine is called {host!r} ({cause.strerror}); check the server's address.")
            case UnicodeError():
                return UnknownHost(f"{host!r} can't be the name of a machine; check the server's address.")
            case ssl.SSLCertVerificationError():
                return ConnectionMistake(
                    f"The certificate of {self.url} isn't trusted here ({cause.verify_message}); use the name that it "
                    "was made for, and if it is your own, name its file in the variable SSL_CERT_FILE."
                )
            case ssl.SSLError() if secure and cause.reason in NOT_TLS:
                return ConnectionMistake(
                    f"What listens at {self.url} speaks http, not https; try http://{self.url.partition('://')[2]}."
                )
            case ssl.SSLError() if secure:
                return ConnectionMistake(f"No secure connection with {self.url} is possible ({tidy(cause, 120)}).")
        if isinstance(error, (httpx2.InvalidURL, ValueError, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
            return ConnectionMistake(f"The request to {self.url} can't be made ({tidy(error, 120)}).")
        if isinstance(error, (httpx2.RemoteProtocolError, httpx2.ReadError)) and not secure and not self._known:
            if _speaks_tls(self.url):
                return ConnectionMistake(
                    f"What listens at {self.url} speaks https, not http; try https://{self.url.partition('://')[2]}."
                )
            self._known = True  # asked once: a bad network would be asked again and again
        what = tidy(error) or type(error).__name__
        return ServerUnreachable(f"The server {self.url} can't be reached ({what}); is it running?")

    def _no_arena(self, answer: httpx2.Response) -> ConnectionMistake:
        whole = urlsplit(self.url)
        if answer.is_redirect:
            to = tidy(answer.headers.get("location", ""), 120)
            return ConnectionMistake(f"What answers at {self.url} sends one on to {to!r}; give the address it means.")
        alone = f"; the address alone is {whole.scheme}://{whole.netloc}" if whole.path else "; check the address"
        return ConnectionMistake(f"What answers at {self.url} is no arena server (status {answer.status_code}){alone}.")


NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""OpenSSL's reasons where the other end has answered in something else than TLS."""


def _trusted(url: str) -> ssl.SSLContext | bool:
    """Return the authorities that a server's certificate may come from: those of this machine, or the file that
    SSL_CERT_FILE names."""
    if not url.startswith("https:"):
        return False  # none is needed, and reading them takes a while
    try:
        return httpx2.create_ssl_context(trust_env=True)
    except OSError as error:
        file = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        raise AddressError(f"SSL_CERT_FILE names {file}, which can't be used ({error.strerror or error}).") from None


def _speaks_tls(url: str) -> bool:
    """Whether what listens at an address of plain http answers to a greeting in TLS. Nothing else is sent."""
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 80), GREETING_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname),
        ):
            return True
    except (OSError, ValueError):
        return False


def _cause(error: BaseException) -> BaseException:
    """Return the first error of the operating system or of TLS below `error`; itself if there is none."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, (OSError, UnicodeError)):
            return below
        below = below.__cause__ or below.__context__
    return error


def _reason(answer: httpx2.Response) -> str:
    """Return what an arena server says to be wrong; empty if this is none's answer."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return ""
    if isinstance(detail, list):  # what the request's form was checked for
        first = detail[0] if detail and isinstance(detail[0], dict) else {}
        where = ".".join(str(part) for part in first.get("loc", []))
        return tidy(f"{where}: {first.get('msg', 'it can not be used')}.")
    return tidy(detail)


def _ticket(value: dict[str, Any]) -> RankedTicket:
    rules = Rules.from_dict(value["rules"])
    return RankedTicket(value["id"], value["player"], rules, value["seed"], value["chain"], value["state"])
