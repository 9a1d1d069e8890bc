"""The Flask application: its rules are made from the operation table, its paths stay raw (clause 6.2).

Everything but the hot operations is served here, in a bounded pool of threads, and everything can be: both doors give
the same answers. PATH_INFO is the raw path, so that `%2F` in an id is no slash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from broker.errors import NgsiError
from broker.http.exchange import House
from broker.http.messages import Deferred, Request, Response
from broker.http.operation import Operation
from broker.http.perform import complete, perform, refuse
from broker.http.route import Routes, decode_segment
from broker.ports import INLINE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Pages = Iterable[tuple[str, Callable[[], Response]]]
Line = tuple[str, str, str, bool]
"""A rule: path, name, method, and whether a slash at its end makes it another path."""


def make_app(house: House, operations: Iterable[Operation], routes: Routes, pages: Pages = ()) -> Flask:
    """The application; `pages` are paths outside the standard's root, such as `/ready`."""
    app = Flask("misono", static_folder=None)
    app.wsgi_app = _raw_path(app.wsgi_app)  # type: ignore[assignment,method-assign]
    lines = list[Line]()
    for operation in operations:
        lines.append((operation.path.replace("{", "<").replace("}", ">"), operation.name, operation.method, False))
        app.view_functions[operation.name] = _view(house, operation)
    for path, page in pages:
        lines.append((path, path, "GET", True))
        app.view_functions[path] = _page(page)
    app.url_map = _rules(tuple(lines))

    def not_found(_error: HTTPException) -> FlaskResponse:
        return _unrouted(house, routes)

    app.register_error_handler(404, not_found)
    app.register_error_handler(405, not_found)
    return app


@lru_cache(maxsize=4)
def _rules(lines: tuple[Line, ...]) -> Map:
    """The rules of these paths, which applications of the same operations share: making them is most of the work."""
    return Map(
        [Rule(path, endpoint=name, methods=[method], strict_slashes=strict) for path, name, method, strict in lines],
        merge_slashes=False,
    )


def _view(house: House, operation: Operation) -> Callable[..., FlaskResponse]:
    def view(**variables: str) -> FlaskResponse:
        try:
            path = {name: decode_segment(segment) for name, segment in variables.items()}
        except NgsiError as error:
            return _send(refuse(error, _request({}, house)))
        return _answer(house, operation, path)

    return view


def _page(page: Callable[[], Response]) -> Callable[[], FlaskResponse]:
    return lambda: _send(page())


def _unrouted(house: House, routes: Routes) -> FlaskResponse:
    """What no rule matched: an empty id between two slashes, another method, or nothing of ours."""
    method = "GET" if request.method == "HEAD" else request.method
    try:
        operation, path = routes.find(method, request.environ["PATH_INFO"])
    except NgsiError as error:
        return _send(refuse(error, _request({}, house)))
    return _answer(house, operation, path)


def _answer(house: House, operation: Operation, path: dict[str, str]) -> FlaskResponse:
    INLINE.set(False)  # a2wsgi's thread carries the context of the event loop
    plain = _request(path, house)
    answer = perform(house, operation, plain)
    return _send(complete(answer, plain) if isinstance(answer, Deferred) else answer)


def _request(path: dict[str, str], house: House) -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not request.environ.get("CONTENT_TYPE"):
        headers.pop("content-type", None)
    if request.environ.get("CONTENT_LENGTH") in (None, ""):
        headers.pop("content-length", None)
    long = (request.content_length or 0) > house.limits.body_bytes_max
    return Request(
        request.method,
        request.environ["PATH_INFO"],
        request.environ.get("QUERY_STRING", ""),
        headers,
        b"" if long else request.get_data(cache=False),
        path,
    )


def _send(response: Response) -> FlaskResponse:
    sent = FlaskResponse(response.body, response.status)
    sent.headers.clear()
    for name, value in response.headers:
        sent.headers.add(name, value)
    if response.status != 204:  # noqa: PLR2004  no Content-Length there (clause 6.3.6)
        sent.headers["Content-Length"] = str(len(response.body))
    return sent


def _raw_path(inner: WSGIApplication) -> WSGIApplication:
    """PATH_INFO as it was sent, where the server says so (RAW_URI, REQUEST_URI) and has it decoded."""

    def outer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:  # noqa: ANN401  WSGI's own type
        sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        if sent:
            environ["PATH_INFO"] = sent.partition("?")[0]
        return inner(environ, start_response)

    return outer
