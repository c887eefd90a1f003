"""The other end of `arena serve`: what stations and participants ask of the server."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

from arena.chain import Link
from envs.errors import ArenaError, tidy
from envs.rules import Rules

TIMEOUT_SECONDS = 10.0


class ServerRefused(ArenaError):
    """The server has understood and says no; asking again changes nothing.

    `status` is the HTTP status: 401 the token is unknown, 403 it may not, 409 it contradicts what was there, ...
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ServerUnreachable(ArenaError):
    """No answer, or one that says to try again later."""


@dataclass(frozen=True, slots=True)
class RankedTicket:
    """The right to play one ranked game."""

    id: str
    player: str
    rules: Rules
    seed: int
    chain: str
    """The chain head before the first frame (`arena.chain`)."""
    state: str


class Client:
    """A connection to a server. May be used by several threads at once.

    Every method raises ServerRefused or ServerUnreachable; after the latter nobody knows whether the request arrived,
    and sending it again is safe.

    Args:
        url: of the server, such as `http://10.0.0.5:8000`.
        token: from `arena token add`; None for what everybody may read.
        timeout: seconds that an answer is waited for.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise ServerRefused(f"A server's address begins with http:// or https://; this is {tidy(url, 80)!r}.", 0)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            self._http = httpx2.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)
        except (ValueError, httpx2.InvalidURL):
            raise ServerRefused("This address or token can't be used: letters and digits were expected.", 0) from None

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
        except httpx2.HTTPError as error:
            what = tidy(error) or type(error).__name__
            raise ServerUnreachable(f"The server {self.url} can't be reached ({what}); is it running?") from None
        if answer.status_code >= 500:
            raise ServerUnreachable(f"The server {self.url} can't take this now: {_reason(answer)}")
        if answer.status_code >= 300:
            raise ServerRefused(_reason(answer), answer.status_code)
        try:
            return answer.json()
        except ValueError:
            raise ServerUnreachable(f"What answers at {self.url} is no arena server.") from None


def _reason(answer: httpx2.Response) -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"it answered {answer.status_code}."
    if isinstance(detail, list):  # what the request's form was checked for
        first = detail[0] if detail and isinstance(detail[0], dict) else {}
        where = ".".join(str(part) for part in first.get("loc", []))
        return tidy(f"{where}: {first.get('msg', 'it can not be used')}.")
    return tidy(detail)


def _ticket(value: dict[str, Any]) -> RankedTicket:
    rules = Rules.from_dict(value["rules"])
    return RankedTicket(value["id"], value["player"], rules, value["seed"], value["chain"], value["state"])
