"""Rules: as they stand, as a text is read, how each does, its history, and what one that is only watched saw."""

from typing import Annotated

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, Values, WholeListModel
from ioc.domain.alert import TransitionKind
from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.domain.rules.health import HealthState
from ioc.domain.severity import Severity
from ioc.rules.kinds.registry import KINDS
from ioc.rules.language.rule import Mode
from ioc.rules.loading.check import Weight

RuleKindName = TypeAliasType(
    "RuleKindName",
    Annotated[
        str,
        Field(pattern=f"^({'|'.join(KINDS)})$"),
        WithJsonSchema({
            "type": "string",
            "enum": list(KINDS),
            "description": "How a rule looks at the log; it follows from the members that the rule has.",
        }),
    ],
)  # fmt: skip
"""Which kinds there are, the registry says."""


class RuleSentenceModel(LabelModel):
    """One sentence of a rule in plain words."""

    part: str
    severity: Severity | None
    """Of which level it is."""


class WrittenLimitModel(AnswerModel):
    """A threshold as the rule's text has it."""

    value: float
    unit: str
    source: str
    verified: bool
    valid_from: str | None = None
    name: LabelModel | None = None


class LimitTableModel(AnswerModel):
    """A limit that is looked up by device, class and area, perhaps with the rule's own beside it."""

    table: str
    value: float | None = None
    unit: str | None = None
    source: str | None = None
    verified: bool | None = None
    valid_from: str | None = None
    name: LabelModel | None = None


class RuleLimitModel(AnswerModel):
    """A threshold of a rule or of one of its levels; of several dated ones one is in force on a day."""

    value: float
    unit: str
    source: str
    verified: bool
    valid_from: str | None
    in_force: bool
    severity: Severity | None
    """The level that it is of; null: the rule's own."""


class RuleLevelModel(AnswerModel):
    """When a rule holds at one severity."""

    severity: Severity
    when: str | None
    for_seconds: float
    limit: WrittenLimitModel | LimitTableModel | list[WrittenLimitModel] | None


class RuleClearModel(AnswerModel):
    """When it is over."""

    when: str | None
    for_seconds: float


class RuleNameModel(AnswerModel):
    """How a measure of the rule's own is named."""

    label: LabelModel
    unit: str


class RuleFormModel(AnswerModel):
    """A rule read from a text."""

    id: str
    title: LabelModel
    domain: str | None
    """Null: the pack brought a body that cannot be read; the engine refuses it."""
    feed: str | list[str]
    hash: str
    enabled: bool
    kind: RuleKindName
    mode: Mode
    levels: list[RuleLevelModel]
    clear: RuleClearModel | None
    limit: WrittenLimitModel | LimitTableModel | list[WrittenLimitModel] | None
    text: LabelModel
    words: list[RuleSentenceModel]
    names: dict[str, RuleNameModel]
    """Its own measures, as evidence names them."""
    yaml: str
    limits: list[RuleLimitModel]


class PackFormModel(AnswerModel):
    """The pack's present form of a rule."""

    hash: str
    yaml: str
    differs: bool
    moved: bool
    """Whether it has changed since the site made its own form."""


class RuleHealthModel(AnswerModel):
    """How a rule does: what the engine counted, and one word for it."""

    state: HealthState
    reason: str | None
    since: Moment | None
    evaluated: int
    errors: int
    no_data: int
    late: int
    full: int
    monitored: int
    keys: int
    degraded_keys: int
    last_evaluated_at: Moment | None
    last_transition_at: Moment | None
    updated_at: Moment | None


class RuleChangeModel(AnswerModel):
    """Who changed a rule last."""

    at: Moment
    by: str | None
    why: str | None
    action: RuleAction


class RuleModel(RuleFormModel):
    """A rule as it stands."""

    version: int
    open_alerts: int
    """Inside the reader's wall."""
    origin: RuleOrigin
    pack: PackFormModel | None
    health: RuleHealthModel
    changed: RuleChangeModel | None


class RuleListModel(WholeListModel):
    """Rules by id."""

    items: list[RuleModel]


class RuleProblemModel(AnswerModel):
    """A fault of a rule's text."""

    line: int
    column: int | None
    member: str
    detail: str
    hint: str
    severity: Weight


class RuleCheckModel(AnswerModel):
    """What is wrong with a text, and what a sound one says."""

    problems: list[RuleProblemModel]
    rule: RuleFormModel | None


class RuleHistoryItemModel(AnswerModel):
    """One change of a rule."""

    id: int
    at: Moment
    by: str | None
    """Null: the pack."""
    action: RuleAction
    why: str
    version: int
    hash: str
    yaml: str
    diff: str | None
    """Null: the texts are too long to be compared."""
    position: int | None


class RuleHistoryModel(WholeListModel):
    """Every change of a rule, newest first."""

    items: list[RuleHistoryItemModel]


class MonitoredMoveModel(AnswerModel):
    """What a rule in monitor mode would have done."""

    id: str
    at: Moment
    log_time: Moment
    version: int
    alert: str
    key: str
    kind: TransitionKind
    severity: Severity
    summary: LabelModel
    reason: str
    clause: str
    values: Values
    limit: WrittenLimitModel | None
    feed: str
    device: str | None
    area: str | None
    zone: str | None
    retrospective: bool
    position: int


class MonitoredListModel(WholeListModel):
    """What a rule in monitor mode would have raised, newest first."""

    items: list[MonitoredMoveModel]
