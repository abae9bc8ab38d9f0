"""One table turns our errors into RFC 9457 problems: a status, a stable code, a title in the reader's language.

No answer carries a stack, a statement or a path: what is not in the table is `internal`, and only the log knows more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ioc import errors
from ioc.api.http.methods import allow_header
from ioc.errors import BodyTooLargeError, UnsupportedMediaTypeError
from ioc.store.audit.trail import AuditEntry
from ioc.store.changes.reader import ChangesPrunedError

MEDIA_TYPE = "application/problem+json"
LANGUAGES = ("vi", "en")
DETAIL_LENGTH_MAX = 400
ERRORS_MAX = 20
OBJECT_CHARS_MAX = 200
UNKNOWN_VALUES = frozenset({"unknown_value", "literal_error", "enum"})
"""How a declared filter says that it knows no such value; its message names those that it knows."""
_log = structlog.get_logger()


class PreconditionRequiredError(errors.IOCError):
    """The request must say in If-Match which version it has seen."""


class CrossSiteError(errors.ForbiddenError):
    """A browser sent this from another site, or did not say from which."""


class PasswordChangeRequiredError(errors.ForbiddenError):
    """A temporary password opens nothing but its own change."""


class PlainHTTPError(errors.ForbiddenError):
    """People sign in over TLS, or from this machine."""


@dataclass(frozen=True, slots=True)
class Problem:
    """How one kind of error looks outside."""

    status: int
    code: str
    vi: str
    en: str


PROBLEMS: Mapping[type[Exception], Problem] = {
    errors.UnauthenticatedError: Problem(401, "unauthenticated", "Bạn chưa đăng nhập", "Not signed in"),
    CrossSiteError: Problem(403, "cross_site", "Yêu cầu đến từ trang khác", "Request from another site"),
    PasswordChangeRequiredError: Problem(
        403, "password_change_required", "Hãy đổi mật khẩu tạm trước", "Change the temporary password first"
    ),
    PlainHTTPError: Problem(403, "plain_http", "Chỉ đăng nhập được qua HTTPS", "Sign in over HTTPS only"),
    errors.ForbiddenError: Problem(403, "forbidden", "Bạn không có quyền này", "Not allowed"),
    errors.NotFoundError: Problem(404, "not_found", "Không tìm thấy", "Not found"),
    errors.TransitionError: Problem(
        409, "forbidden_transition", "Trạng thái hiện tại không cho phép", "Not possible now"
    ),
    errors.UndoRefusedError: Problem(
        409, "undo_refused", "Không hoàn tác được: đã có thay đổi sau đó", "It has changed since: not undone"
    ),
    errors.AlreadyExistsError: Problem(409, "already_exists", "Tên này đã có", "There is one of this name already"),
    errors.NotSubscribedError: Problem(
        409, "not_subscribed", "Thiết bị không đăng ký nhận chủ đề này", "The device does not ask for this topic"
    ),
    errors.OutboundFullError: Problem(
        409, "outbound_full", "Quá nhiều bản tin đang chờ thiết bị nhận", "Too many messages wait for the device"
    ),
    errors.VersionConflictError: Problem(
        412, "version_conflict", "Người khác vừa thay đổi trước bạn", "Somebody else changed it first"
    ),
    ChangesPrunedError: Problem(
        410, "changes_pruned", "Thay đổi không còn được lưu: tải lại danh sách", "Changes no longer kept: load the list"
    ),
    errors.UnreadableBodyError: Problem(400, "unreadable_body", "Không đọc được nội dung", "Unreadable body"),
    BodyTooLargeError: Problem(413, "body_too_large", "Nội dung quá lớn", "Body too large"),
    UnsupportedMediaTypeError: Problem(
        415, "unsupported_media_type", "Không nhận kiểu nội dung này", "This kind of body is not taken"
    ),
    errors.InvalidSheetError: Problem(422, "invalid_sheet", "Tệp có lỗi, chưa nhập gì", "The sheet has faults"),
    errors.InvalidRuleError: Problem(422, "invalid_rule", "Quy tắc có lỗi", "The rule has errors"),
    errors.CursorError: Problem(400, "invalid_cursor", "Con trỏ trang không hợp lệ", "Invalid cursor"),
    errors.UnknownValueError: Problem(
        400, "unknown_value", "Bộ lọc có giá trị không tồn tại", "A filter asks for a value that there is not"
    ),
    errors.InvalidInputError: Problem(422, "invalid_input", "Dữ liệu không hợp lệ", "Invalid input"),
    PreconditionRequiredError: Problem(428, "version_required", "Thiếu If-Match", "If-Match is missing"),
    errors.TooManyRequestsError: Problem(429, "too_many_requests", "Quá nhiều yêu cầu", "Too many requests"),
    errors.BacklogHeldError: Problem(
        503, "backlog_held", "Số liệu cũ đang chờ đến lượt", "Older readings wait their turn"
    ),
    errors.IntakePausedError: Problem(503, "intake_paused", "Tạm ngừng nhận dữ liệu", "The intake is paused"),
    errors.QueueFullError: Problem(503, "queue_full", "Hàng đợi đã đầy", "The intake is full"),
    errors.MediaFullError: Problem(
        507, "media_full", "Hết dung lượng lưu ảnh, tệp đính kèm", "No room for more attachments"
    ),
    errors.StoreUnavailableError: Problem(
        503, "store_unavailable", "Cơ sở dữ liệu chưa sẵn sàng", "The database is not ready"
    ),
}
INTERNAL = Problem(500, "internal", "Lỗi hệ thống", "Internal error")
OF_STATUS: Mapping[int, Problem] = {
    404: PROBLEMS[errors.NotFoundError],
    405: Problem(405, "method_not_allowed", "Phương thức không được hỗ trợ", "Method not allowed"),
    413: PROBLEMS[BodyTooLargeError],
}
STORE_RETRY_SECONDS = 2


def language_of(header: str | None) -> str:
    """Return `vi` or `en` from Accept-Language; Vietnamese where nothing is asked."""
    best, best_weight = LANGUAGES[0], 0.0
    for part in (header or "")[:200].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        if tag[:2].lower() in LANGUAGES and weight > best_weight:
            best, best_weight = tag[:2].lower(), weight
    return best


def problem_of(error: Exception) -> Problem:
    """Return the row of the table for an error, by its class or the nearest base in the table."""
    return next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), INTERNAL)


def render(
    problem: Problem,
    *,
    language: str,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer."""
    title = problem.vi if language == "vi" else problem.en
    body = {
        "type": f"urn:ioc:problem:{problem.code}",
        "title": title,
        "status": problem.status,
        "detail": detail[:DETAIL_LENGTH_MAX] or title,
        "code": problem.code,
        **(extra or {}),
    }
    return Response(orjson.dumps(body), problem.status, headers, MEDIA_TYPE)


def _language(request: Request) -> str:
    return language_of(request.headers.get("accept-language"))


async def note_refusal(request: Request, error: Exception) -> None:
    """Write into the audit trail that a known caller was refused."""
    principal = request.scope.get("ioc.principal")
    if principal is None or not isinstance(error, errors.ForbiddenError | errors.BeyondWallError):
        return
    state = request.app.state.api
    route = getattr(request.scope.get("route"), "path_format", "")
    address = request.client.host if request.client else None
    entry = AuditEntry(principal.name, "access.refused", f"{request.method} {route}"[:OBJECT_CHARS_MAX], address,
                       {"code": problem_of(error).code, "kind": principal.kind})  # fmt: skip
    await state.refusals.note(entry, state.context.wall.now())


async def answer_ours(request: Request, error: Exception) -> Response:
    """Answer an error of the house."""
    await note_refusal(request, error)
    problem, extra, headers = problem_of(error), {}, {}
    if isinstance(error, errors.VersionConflictError) and error.current is not None:
        extra["current"] = error.current
    if isinstance(error, errors.InvalidInputError) and error.field is not None:
        extra["errors"] = [{"field": error.field, "message": str(error)}]
    if isinstance(error, errors.InvalidFieldsError):
        extra["errors"] = list(error.faults)[:ERRORS_MAX]
    if isinstance(error, errors.InvalidSheetError):
        extra["errors"] = list(error.faults)
    if isinstance(error, errors.UndoRefusedError):
        extra["errors"] = list(error.obstacles)[:ERRORS_MAX]
    if isinstance(error, errors.InvalidRuleError):
        extra["problems"] = error.problems
    if isinstance(error, errors.IntakePausedError):
        extra["reason"] = error.reason
    if isinstance(error, errors.TooManyRequestsError):
        headers["Retry-After"] = str(error.retry_after_seconds)
        headers.update({name.decode(): value.decode() for name, value in error.headers})
    if isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="ioc"'
    detail = str(error)
    if problem.status >= 500:  # noqa: PLR2004
        _log.warning("request_failed", path=request.url.path, error=str(error), kind=type(error).__name__)
        # The driver's words stay in the log: they may name hosts and statements.
        paused = isinstance(error, errors.IntakePausedError)
        detail, headers["Retry-After"] = detail if paused else "", str(STORE_RETRY_SECONDS)
    return render(problem, language=_language(request), detail=detail, extra=extra, headers=headers)


async def answer_validation(request: Request, error: Exception) -> Response:
    """Answer a query or path that does not fit its declared form: which field and why, never the value."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    is_unknown_value = all(fault["type"] in UNKNOWN_VALUES and fault["loc"][0] == "query" for fault in found)
    problem = PROBLEMS[errors.UnknownValueError if is_unknown_value else errors.InvalidInputError]
    return render(problem, language=_language(request), extra={"errors": faults(found)})


def faults(found: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return field and message of pydantic's errors, without the input they quote."""
    return [
        {"field": ".".join(str(part) for part in fault["loc"]), "message": str(fault["msg"])[:200]}
        for fault in found[:ERRORS_MAX]
    ]


async def answer_http(request: Request, error: Exception) -> Response:
    """Answer what the framework itself refuses (404, 405, 413)."""
    assert isinstance(error, HTTPException)
    fallback = Problem(error.status_code, "refused", "Yêu cầu bị từ chối", "Refused")
    headers = dict(error.headers or {})
    if error.status_code == 405:  # noqa: PLR2004 - HTTP
        headers |= allow_header(request.app.state.access, request.url.path)
    return render(OF_STATUS.get(error.status_code, fallback), language=_language(request), headers=headers)


def answer_unforeseen(path: str, language: str | None, error: Exception) -> Response:
    """Answer our own mistake; the log has it in full."""
    _log.error("request_crashed", path=path, exc_info=error)
    return render(INTERNAL, language=language_of(language))


def install(app: FastAPI) -> None:
    """Register the answers to what we raise; what nobody foresaw is answered by the outermost layer."""
    app.add_exception_handler(errors.IOCError, answer_ours)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(HTTPException, answer_http)
