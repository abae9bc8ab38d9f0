"""Every error the house raises on purpose: one base, one small class per thing that goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class IOCError(Exception):
    """Something that the operator or a client can act on went wrong."""


class SettingsError(IOCError):
    """A setting is missing, misspelt or out of its bounds."""


class PackError(IOCError):
    """A pack does not pass its check; the message names file and line."""


class ServiceUnreachableError(IOCError):
    """A service that this command needs (PostgreSQL, the running instance) does not answer."""


class StoreUnavailableError(IOCError):
    """PostgreSQL cannot commit now; nothing was acknowledged, try again later."""


class NewerDatabaseError(ServiceUnreachableError):
    """The database has tables of a later version: this one can neither read nor change them safely."""


class FencedError(IOCError):
    """Another worker has taken over this cursor; this one must stop."""


class QueueFullError(IOCError):
    """The intake is at its bound; the sender must come back later."""


class BacklogHeldError(QueueFullError):
    """Readings of long ago wait until the engine has room for them beside live ones."""


class IntakePausedError(QueueFullError):
    """The intake takes nothing for now, for a reason that the sender cannot mend: a full disk, a lost database."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotFoundError(IOCError):
    """No such thing, or not one that this person may see."""


class BeyondWallError(NotFoundError):
    """A change of what this caller may not see; told as what does not exist."""


class ForbiddenError(IOCError):
    """This person or key may not do that."""


class UnauthenticatedError(IOCError):
    """No valid session or key came with the request."""


class VersionConflictError(IOCError):
    """Somebody else changed it first; the current state comes with the answer."""

    def __init__(self, message: str, *, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class TransitionError(IOCError):
    """The thing's state does not allow this action now."""


class NotSubscribedError(IOCError):
    """No session of the device asks for this topic: what was said there would never arrive."""


class OutboundFullError(IOCError):
    """As many messages wait for this device as may."""


class InvalidInputError(IOCError):
    """The request can be read, but its content is not acceptable."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class AlreadyExistsError(InvalidInputError):
    """There is something of this name already."""


class CursorError(InvalidInputError):
    """The cursor is damaged, forged, or was made with other filters."""


class UnknownValueError(InvalidInputError):
    """A filter asks for a value that there is not; the message names those that there are."""


class InvalidFieldsError(InvalidInputError):
    """What a person entered does not fit its feed; ``faults`` name each field, a code and a sentence, JSON-ready."""

    def __init__(self, message: str, *, faults: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message)
        self.faults = faults


class InvalidSheetError(InvalidInputError):
    """A sheet has faults and nothing of it was taken; ``faults`` name each cell, a code and a sentence, JSON-ready."""

    def __init__(self, message: str, *, faults: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message)
        self.faults = faults


class UndoRefusedError(TransitionError):
    """What is to be undone has moved on; ``obstacles`` name each thing, a code and a sentence, JSON-ready."""

    def __init__(self, message: str, *, obstacles: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message)
        self.obstacles = obstacles


class InvalidRuleError(InvalidInputError):
    """A rule's text has errors; ``problems`` are all of them, JSON-ready."""

    def __init__(self, message: str, *, problems: Sequence[Mapping[str, object]]) -> None:
        super().__init__(message, field="yaml")
        self.problems = problems


class TooManyRequestsError(IOCError):
    """Too many attempts; come back after the stated number of seconds."""

    def __init__(
        self, message: str, *, retry_after_seconds: int, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers


class UnreadableBodyError(IOCError):
    """Nothing of the body can be read; ``code`` says why for machines."""

    def __init__(self, message: str, *, code: str = "unreadable_body") -> None:
        super().__init__(message)
        self.code = code


class UnsupportedMediaTypeError(IOCError):
    """The body's type or encoding is not one that this route takes."""


class BodyTooLargeError(IOCError):
    """The body is larger than this route takes."""


class MediaFullError(IOCError):
    """There is no room for this medium: of its sender's day, or of all; ``reason`` says which (`account`, `total`)."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
