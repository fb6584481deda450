"""uvicorn around the application: an address that is free, one line when it is ready, an orderly end."""

from __future__ import annotations

import socket
import threading

import uvicorn
from fastapi import FastAPI

from idfacevc.errors import InputError
from idfacevc.serve.engine import Engine

_PATIENCE = 5  # seconds that streams have to end when the service is stopped


def run_server(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        InputError: for an address that cannot be had.
        Exception: what loading the model raised.
    """
    engine: Engine = app.state.service.engine
    with _listening(host, port) as listener:
        config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=_PATIENCE)
        server = uvicorn.Server(config)

        def tell() -> None:
            engine.loaded.wait()
            if engine.failure is not None:
                server.should_exit = True
                return
            shown = f"[{host}]" if ":" in host else host
            print(f"idfacevc serves http://{shown}:{listener.getsockname()[1]}/ (Ctrl+C ends it)", flush=True)

        threading.Thread(target=tell, daemon=True).start()
        server.run(sockets=[listener])
    if engine.failure is not None:
        raise engine.failure


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket, so that a wrong address is told before the model is loaded."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:
        raise InputError(f"{host}:{port}: cannot be listened on ({error})") from error
    return listener
