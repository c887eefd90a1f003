"""Addresses and tokens as they are typed and pasted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from arena.client.addresses import OWN_PATHS, AddressError, clean_token, server_address
from arena.client.api import Client, ConnectionMistake, ServerUnreachable, UnknownHost


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("http://h/submit", "http://h"),
        ("http://h:8000/", "http://h:8000"),
        ("h:8000", "http://h:8000"),
        (" \ufeff'https://h/standings/breakout/ab?x=1#top'\r\n", "https://h"),
        ("<http://h/Submit/>", "http://h"),
        ("http://h/api/v1", "http://h"),
        ("https://h/our/arena/", "https://h/our/arena"),
        ("[::1]:80", "http://[::1]:80"),
        ("::1", "http://[::1]"),
    ],
)
def test_an_address_is_understood_as_it_was_meant(typed: str, meant: str) -> None:
    assert server_address(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            " ",
            "http//h",
            "http:/h",
            "htp://h",
            "ftp://h",
            "file:///etc",
            "http://",
            "http://h:0",
            "http://h:99999",
        ),
        *("http://h:", "http://h h", "http://h,http://g", "http://h\x00", "C:\\x"),
    ],
)
def test_an_address_that_cannot_be_is_said_with_an_example(typed: str) -> None:
    with pytest.raises(AddressError, match=r"http://10\.0\.0\.5:8000") as caught:
        server_address(typed)
    assert "\n" not in str(caught.value)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(AddressError, match="no user and no password") as caught:
        server_address("https://ada:hunter22@h")
    assert "hunter22" not in str(caught.value)


def test_every_page_of_the_server_is_known_where_an_address_is_read() -> None:
    from arena.server.web.live import router as live
    from arena.server.web.organizer import router as organizer
    from arena.server.web.public import router as public

    routes = [route for router in (live, organizer, public) for route in router.routes]
    firsts = {route.path.split("/")[1] for route in routes if isinstance(route, APIRoute)} - {""}
    assert len(firsts) > 5
    assert firsts <= {*OWN_PATHS}


@pytest.mark.parametrize(
    "typed",
    [
        *("arena_abc\r", "arena_abc\r\n", "\ufeffarena_abc", ' "arena_abc" ', "Bearer arena_abc", "arena_abc"),
        *("ARENA_TOKEN=arena_abc", "$env:ARENA_TOKEN = 'arena_abc'"),
    ],
)
def test_what_clings_to_a_token_is_taken_off(typed: str) -> None:
    assert clean_token(typed) == "arena_abc"


@pytest.mark.parametrize("typed", ["hush_one hush_two", "hush_one\nhush_two", "hush_onë", "hush_one\x00"])
def test_what_cannot_be_a_token_is_refused_and_not_shown(typed: str) -> None:
    with pytest.raises(AddressError, match="at character") as caught:
        clean_token(typed)
    assert "hush" not in str(caught.value)


@pytest.fixture
def answering() -> Iterator[list[bytes]]:
    """Give the list of what a plain socket answers to whoever calls; its first entry becomes its address."""
    said: list[bytes] = [b""]
    listening = socket.create_server(("127.0.0.1", 0))
    said[0] = f"127.0.0.1:{listening.getsockname()[1]}".encode()

    def serve() -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            with caller:
                caller.recv(65536)
                caller.sendall(said[1])

    threading.Thread(target=serve, daemon=True).start()
    yield said
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "no arena server"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", "no arena server"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://h/\r\nContent-Length: 0\r\n\r\n", "sends one on to 'https://h/'"),
    ],
)
def test_what_is_no_arena_is_not_called_unreachable(answering: list[bytes], answer: bytes, words: str) -> None:
    answering.append(answer)
    with Client(answering[0].decode()) as client, pytest.raises(ConnectionMistake, match=words) as caught:
        client.get("/health")
    assert "reached" not in str(caught.value)


def test_https_where_http_is_spoken_is_named(answering: list[bytes]) -> None:
    answering.append(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with (
        Client(f"https://{answering[0].decode()}") as client,
        pytest.raises(ConnectionMistake, match="http, not https"),
    ):
        client.get("/health")


def test_a_name_that_nobody_has_is_named() -> None:
    for name in ("a..b", "a" * 70, "no-such-machine.invalid"):
        with Client(f"http://{name}") as client, pytest.raises(ServerUnreachable) as caught:
            client.get("/health")
        if name != "no-such-machine.invalid":  # without a network nobody knows whether it exists
            assert isinstance(caught.value, UnknownHost)


def test_a_file_of_authorities_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/none.pem")
    with pytest.raises(AddressError, match=r"/nowhere/none\.pem"):
        Client("https://h")
    Client("http://h").close()  # needs none
