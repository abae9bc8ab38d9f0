/* Written from docs/openapi.json by scripts/api-types.mjs: change the models of the API instead. */
/* eslint-disable max-lines -- nobody writes it by hand */
/** Nothing came. */
export type AbsenceDetails = {
  kind: "absence";
  last_heard: string;
  absent_seconds: number;
  silent: SilentDevice[];
};
/** Committed: what was taken, and what was not with its reason. */
export type Accepted = {
  accepted: number;
  duplicate: number;
  rejected: Rejected[];
  duplicates?: Remarked[] | null;
  /** Events that were taken and flagged. */
  marked?: Remarked[] | null;
};
/** The device that was registered, the release of what it had sent, and what its first step let in. */
export type Adoption = {
  release: Release;
  step: LetterTally;
  device: Device;
};
/** What the health advice of a band is about; the screens' texts hang on it. */
export type AirAdvice = "free" | "watch_sensitive" | "reduce_sensitive" | "reduce_all" | "warning" | "emergency";
/** The body that reports an indicator. */
export type Agency = {
  id: string;
  name: Label;
};
/** One band of VN_AQI with its official colour. */
export type AirBand = {
  band: Label;
  from: number;
  to: number;
  colour: string;
  colour_name: Label;
  advice: AirAdvice;
  health: Label;
};
/** The index of a local day. */
export type AirDay = {
  day: string;
  value: AirIndex | null;
};
/** The index of an hour; `t` is its end. */
export type AirHour = {
  t: string;
  /** Null: no data. */
  value: AirIndex | null;
};
/** An index with its band. */
export type AirIndex = {
  band: Label;
  from: number;
  to: number;
  colour: string;
  colour_name: Label;
  advice: AirAdvice;
  health: Label;
  index: number;
  /** Which decided. */
  pollutant: string;
};
/** The stations, and the bands. */
export type AirQuality = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: AirStation[];
  bands: AirBand[];
  source: AirSource;
};
/** Where the computation and its bands come from. */
export type AirSource = {
  text: string;
  verified: boolean;
  valid_from: string | null;
  note: string;
};
/** A station's indices, the newest and those before, oldest first. */
export type AirStation = {
  device: string;
  device_name: Label | null;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  hourly: AirHour;
  daily: AirDay;
  hours: AirHour[];
  days: AirDay[];
};
/** Alerts that have changed after a position, oldest change first. */
export type AlertChanges = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: (ChangedAlert | Gone)[];
};
/** Moves of an alert. */
export type AlertHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: AlertStep[];
  /** How many there are of the kinds asked for. */
  total: number;
};
/** The incident that an alert belongs to. */
export type AlertIncident = {
  id: string;
  number: string;
  title: Label;
};
/** The device of an open alert is in maintenance: it may be silent, and somebody may be working on it. */
export type AlertMaintenance = {
  /** The window that runs; null: a person put it there, without an end. */
  window: string | null;
  until: string | null;
  /** Null too where a wall display must not know. */
  reason: string | null;
};
/** An alert: the condition that the engine keeps, and the work of people on it. */
export type Alert = {
  id: string;
  /** To say aloud. */
  number: string;
  rule: string;
  rule_version: number;
  /** What of the rule it is about: a device, an area, a zone; empty where a wall display must not know. */
  key: string;
  condition: Condition;
  /** `person`: only people end it, with the outcome in words. */
  ends: "condition" | "person";
  /** Until when somebody should have dealt with what a person reported. */
  overdue_at: string | null;
  state: WorkState;
  severity: Severity;
  peak_severity: Severity;
  title: Label;
  /** One line: title, place, now, peak; it changes with every reading. */
  summary: Label;
  /** The sentence it opened with. */
  opening: Label;
  now: MeasuredValue | null;
  peak: MeasuredValue | null;
  trend: Trend | null;
  domain: string;
  feed: string;
  device: string | null;
  device_name: Label | null;
  /** Null: its device is not in maintenance, or the alert is not open. */
  maintenance: AlertMaintenance | null;
  /** Null: it is heard, or the alert is not open. It is evaluated, kept and told here all the same. */
  silence: AlertSilence | null;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  opened_at: string;
  changed_at: string;
  cleared_at: string | null;
  flap_count: number;
  retrospective: boolean;
  restricted: boolean;
  /** Why its condition moved last, in the engine's word; often empty. */
  reason: string;
  /** Who has it; while it is `new`, to whom it is handed and who has yet to take it. */
  owner: string | null;
  assigned_at: string | null;
  assigned_by: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
  called_at: string | null;
  called_by: string | null;
  dispatched_at: string | null;
  dispatched_by: string | null;
  false_alarm_at: string | null;
  false_alarm_by: string | null;
  shelved_at: string | null;
  shelved_by: string | null;
  /** When it comes back by itself. */
  shelved_until: string | null;
  started_at: string | null;
  started_by: string | null;
  closed_at: string | null;
  closed_by: string | null;
  comments: number;
  transitions: number;
  /** Null: it stands alone. */
  incident: AlertIncident | null;
  version: number;
};
/** Alerts. */
export type AlertPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: Alert[];
};
/** An open alert is silenced: it makes no sound and is not in the default list. */
export type AlertSilence = {
  /** The silence; of several the one that lasts longest. */
  id: string;
  until: string;
  /** Null, as the reason is, where a wall display must not know. */
  owner: string | null;
  reason: string | null;
};
/** One move of an alert: the engine's, or a person's. */
export type AlertStep = {
  number: number;
  at: string;
  kind: TransitionKind | WorkAction;
  /** Who did it; null: the engine, or of an `unshelve` nobody: it came back by itself. */
  actor: string | null;
  severity: Severity | null;
  summary: Label | null;
  reason: string;
  text: string | null;
  position: number | null;
  /** Of an `assign` to whom. */
  assignee: string | null;
  /** Of a `shelve` when it comes back by itself. */
  until: string | null;
  /** Of a `call` whether somebody of the directory was called; null: its words alone say who. */
  call: Call | null;
};
/** It lives. */
export type Alive = {
  status: "ok";
};
/** Areas by code. */
export type AreaList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Area[];
};
/** An administrative unit, from one day to another. */
export type Area = {
  code: string;
  valid_from: string;
  /** The day from which it no longer stands. */
  valid_to: string | null;
  name: Label;
  short: Label;
  level: string;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  aliases: string[];
  /** Codes of the units that cover it since it ended; more than one when it was split. */
  successors: string[];
  shape: Polygon | MultiPolygon | null;
  /** `sketch`: our own drawing. */
  shape_source: string;
};
/** Who may handle an alert, by user name. */
export type AssigneeList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Assignee[];
};
/** Somebody who may handle an alert. */
export type Assignee = {
  username: string;
  name: string;
  role: Role;
  /** What the account is bound to: a unit, a zone or a former district; null: every area. */
  area: string | null;
};
/** One line of the audit trail. */
export type AuditLine = {
  id: number;
  log_time: string;
  actor: string;
  action: string;
  object: string;
  address: string | null;
  detail: Record<string, unknown> | null;
  hash: string;
};
/** The audit trail, newest first. */
export type AuditList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: AuditLine[];
};
/** Whether the chain of the audit trail is whole. */
export type AuditVerdict = {
  checked: number;
  intact: boolean;
  broken_at: number | null;
  reason: string | null;
  /** The newest row that is anchored elsewhere. */
  anchored_id: number | null;
  last_id: number | null;
  last_hash: string;
};
/** An alert that a form would have raised, with the evidence of its highest severity. */
export type BacktestAlert = {
  key: string;
  severity: Severity;
  opened_at: string;
  cleared_at: string | null;
  reason: string;
  summary: Label;
  retrospective: boolean;
  chattering: boolean;
  flaps: number;
  device: string | null;
  area: string | null;
  zone: string | null;
  clause: string;
  limit: Limit | null;
  values: Record<string, unknown>;
  details: Record<string, unknown>;
  readings: Reading[];
};
/** What a form did on a local day. */
export type BacktestDay = {
  day: string;
  opened: number;
  firing_seconds: number;
};
/** Backtests, newest first. */
export type BacktestList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: ListedBacktest[];
};
/** A backtest. */
export type Backtest = {
  id: string;
  rule: string;
  version: number | null;
  hash: string;
  state: BacktestState;
  progress: BacktestProgress;
  from: string;
  to: string;
  include_history: boolean;
  asked_by: string;
  asked_at: string;
  started_at: string | null;
  ended_at: string | null;
  reason: string | null;
  moves: number;
  /** Null: it is not done. */
  result: BacktestResult | null;
};
/** How far it is. */
export type BacktestProgress = {
  /** Positions of the log that it has read. */
  done: number;
  total: number;
  fraction: number;
  events_per_second: number;
};
/** What a backtest found; the counts are the candidate's. */
export type BacktestResult = {
  entries: number;
  events: number;
  late: number;
  no_data: number;
  errors: number;
  full: number;
  candidate: BacktestSide;
  /** The form in force; null: there is none beside it. */
  present: BacktestSide | null;
  /** Whether alerts were left out of the lists. */
  truncated: boolean;
  from: string;
  to: string;
  read_from: string;
  seconds: number;
};
/** What one form did. */
export type BacktestSide = {
  /** Null: this text is not in force. */
  version: number | null;
  hash: string;
  opened: number;
  reopened: number;
  firing_seconds: number;
  severities: Partial<Record<Severity, number>>;
  days: BacktestDay[];
  alerts: BacktestAlert[];
};
/** How far a backtest is. */
export type BacktestState = "queued" | "running" | "done" | "cancelled" | "failed";
/** How the bridge stands to its broker. */
export type Bridge = {
  broker: string | null;
  connected: boolean;
  why: string;
};
/** What came of one alert of many. */
export type BulkOutcome = {
  /** As the request named it. */
  id: string;
  /** `lost`: somebody, or the condition, was first. */
  outcome: "done" | "lost" | "refused";
  /** After it; of one that was lost as it is now. Null where it was refused. */
  alert: Alert | null;
  /** Why not, as the problem of its own route would say it. */
  code: string | null;
  detail: string | null;
};
/** What came of each alert, in the order of the request. */
export type BulkWork = {
  items: BulkOutcome[];
};
/** A call of a contact of the directory, and what came of it. */
export type Call = {
  unit: string;
  contact: string;
  outcome: CallOutcome;
};
/** What came of a call. */
export type CallOutcome = "reached" | "no_answer" | "busy";
/** Somebody to call, and why it is this one. */
export type Candidate = {
  unit: NamedUnit;
  contact: string;
  title: Label;
  person: string | null;
  methods: ContactMethod[];
  reason: CandidateReason;
  /** The area or zone of the unit that the alert lies in; null: the unit acts everywhere. */
  place: string | null;
  place_name: Label | null;
  /** Null: the unit is for every domain. */
  domain: string | null;
  /** Until when it is on duty by the roster; null: it is not. */
  on_duty_until: string | null;
  /** The nearer unit of which nobody can be called now. */
  next_level_of: NamedUnit | null;
  /** What came of its newest call about this alert; null: there was none. */
  outcome: CallOutcome | null;
  called_at: string | null;
  called_by: string | null;
};
/** Why it is this one of those that serve the place and the domain. */
export type CandidateReason = "on_duty" | "in_hours" | "deputy" | "next_level";
/** One thing that a person may do. */
export type Capability =
  | "see"
  | "handle"
  | "lead"
  | "drill"
  | "intake"
  | "silence"
  | "approve"
  | "registry"
  | "keys"
  | "rules"
  | "audit"
  | "accounts"
  | "metrics";
/** What happens in a drill's story from `at` on, until the next one. */
export type Caption = {
  vi: string;
  en: string;
  at: string;
};
/** What is wrong in one cell of a sheet. */
export type CellFault = {
  /** Where, as people say it: `C17`; empty of the sheet as a whole. */
  cell: string;
  row: number;
  column: string;
  code: string;
  message: Label;
};
/** An alert that has changed. */
export type ChangedAlert = {
  id: string;
  /** To say aloud. */
  number: string;
  rule: string;
  rule_version: number;
  /** What of the rule it is about: a device, an area, a zone; empty where a wall display must not know. */
  key: string;
  condition: Condition;
  /** `person`: only people end it, with the outcome in words. */
  ends: "condition" | "person";
  /** Until when somebody should have dealt with what a person reported. */
  overdue_at: string | null;
  state: WorkState;
  severity: Severity;
  peak_severity: Severity;
  title: Label;
  /** One line: title, place, now, peak; it changes with every reading. */
  summary: Label;
  /** The sentence it opened with. */
  opening: Label;
  now: MeasuredValue | null;
  peak: MeasuredValue | null;
  trend: Trend | null;
  domain: string;
  feed: string;
  device: string | null;
  device_name: Label | null;
  /** Null: its device is not in maintenance, or the alert is not open. */
  maintenance: AlertMaintenance | null;
  /** Null: it is heard, or the alert is not open. It is evaluated, kept and told here all the same. */
  silence: AlertSilence | null;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  opened_at: string;
  changed_at: string;
  cleared_at: string | null;
  flap_count: number;
  retrospective: boolean;
  restricted: boolean;
  /** Why its condition moved last, in the engine's word; often empty. */
  reason: string;
  /** Who has it; while it is `new`, to whom it is handed and who has yet to take it. */
  owner: string | null;
  assigned_at: string | null;
  assigned_by: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
  called_at: string | null;
  called_by: string | null;
  dispatched_at: string | null;
  dispatched_by: string | null;
  false_alarm_at: string | null;
  false_alarm_by: string | null;
  shelved_at: string | null;
  shelved_by: string | null;
  /** When it comes back by itself. */
  shelved_until: string | null;
  started_at: string | null;
  started_by: string | null;
  closed_at: string | null;
  closed_by: string | null;
  comments: number;
  transitions: number;
  /** Null: it stands alone. */
  incident: AlertIncident | null;
  version: number;
  change_position: number;
};
/** A device that has changed. */
export type ChangedDevice = {
  id: string;
  feed: string;
  name: Label;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  /** The gateway or switch whose fall silences it. */
  parent: string | null;
  /** The unit that looks after it. */
  owner: string | null;
  place: string | null;
  /** Whether its silence is an alert. */
  critical: boolean;
  /** Whether it may publish for the devices whose parent it is. */
  gateway: boolean;
  /** What limits by class go by. */
  device_class: string | null;
  state: DeviceState;
  expected_period_seconds: number;
  registered_at: string;
  version: number;
  status: DeviceStatus;
  last_seen: string | null;
  last_effective: string | null;
  lag_seconds: number | null;
  events: number;
  main: MainValue | null;
  /** Null: it was never connected over MQTT. */
  presence: Presence | null;
  /** Null: no window runs for it. */
  maintenance: DeviceMaintenance | null;
  /** Null: nothing of it was told. */
  health: DeviceHealth | null;
  change_position: number;
};
/** An incident that has changed. */
export type ChangedIncident = {
  id: string;
  /** To say aloud. */
  number: string;
  /** Of the pack's `incidents.yaml`. */
  family: string;
  title: Label;
  /** Its worst alert in one line, and how many there are. */
  headline: Label;
  /** Of the worst that is open; of a closed one the highest that its worst reached. */
  severity: Severity;
  /** `open` while one of its alerts is. */
  state: "open" | "closed";
  areas: string[];
  zones: string[];
  opened_at: string;
  changed_at: string;
  /** The id of its worst alert. */
  worst: string;
  /** Ids, the newest first, at most 100; `/alerts?incident=` lists all. */
  alerts: string[];
  alert_count: number;
  open_count: number;
  /** Devices of the open alerts; of a closed one of all. */
  device_count: number;
  /** Whether somebody has every open alert of it. */
  taken: boolean;
  version: number;
  change_position: number;
};
/** Where the limit lies on the chart of the readings. */
export type ChartLimit = {
  value: number;
  /** The reading that a change is measured from. */
  base: number | null;
  base_at: string | null;
};
/** One reading of the chart. */
export type ChartPoint = {
  t: string;
  v: number;
  position: number;
};
/** What a column holds. */
export type ColumnType = "text" | "number" | "date" | "word";
/** Whether the thing the rule speaks of holds; written by the engine only. */
export type Condition = "firing" | "cleared";
/** Refused CONNECTs of one user name from one address for one reason. */
export type ConnectRefusal = {
  /** As the client wrote it; empty: none, or one of too many of its address. */
  username: string;
  /** The registered device of this id; null: nobody has registered it. */
  device: string | null;
  device_name: Label | null;
  address: string;
  /** `bad_user_name_or_password`, `not_authorized`, `forbidden_will_topic`, ...: as in the log and the metrics. */
  reason: string;
  /** What it was told in words, if more than the reason. */
  detail: string | null;
  count: number;
  first_at: string;
  last_at: string;
  /** Since when the device is connected after all; null: it is not. */
  connected_since: string | null;
};
/** Refused MQTT connections, the last one first. */
export type ConnectRefusalPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: ConnectRefusal[];
};
/** How a contact stood after a step. */
export type ContactBody = {
  unit: string;
  title: Label;
  rank: number;
  methods: ContactMethod[];
  hours: Hours | null;
  severity_from: Severity;
  deputy: string | null;
  has_person: boolean;
};
/** Why there is nobody to call. */
export type ContactGap = "no_unit" | "no_number" | "nobody_now";
/** Contacts by id. */
export type ContactList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Contact[];
};
/** One way to reach a contact. */
export type ContactMethod = {
  kind: MethodKind;
  value: string;
};
/** A function of a unit that can be called. */
export type Contact = {
  id: string;
  origin: DirectoryOrigin;
  /** It was taken out; an undo brings it back. */
  removed: boolean;
  version: number;
  changed_at: string;
  /** Null: the pack. */
  changed_by: string | null;
  changed_why: string;
  unit: string;
  unit_name: Label;
  title: Label;
  /** The lowest of a unit is called first. */
  rank: number;
  /** In the order in which they are tried. */
  methods: ContactMethod[];
  /** Null: in the unit's hours. */
  hours: Hours | null;
  /** The lowest severity that it is called for. */
  severity_from: Severity;
  /** The contact of the same unit that stands in outside its hours. */
  deputy: string | null;
  /** Who holds the function; null: not said, or erased. */
  person: string | null;
};
/** Several alerts together. */
export type CorrelateDetails = {
  kind: "correlate";
  members: CorrelateMember[];
  hidden: number;
};
/** One of several alerts together. */
export type CorrelateMember = {
  rule: string;
  severity: Severity;
  domain: string;
  device: string | null;
  device_name: Label | null;
  at: string;
  alert: string | null;
  number: string | null;
  condition: Condition | null;
  title: Label | null;
};
/** Units that keep a roster, by id. */
export type Coverage = {
  at: string;
  from: string;
  to: string;
  items: UnitCoverage[];
};
/** A limit of a table: of a device, of a class of devices or of an area, on the days from one to another. */
export type DatedLimit = {
  name: string;
  level: Severity | null;
  device: string | null;
  class: string | null;
  area: string | null;
  value: number;
  unit: string;
  source: string;
  verified: boolean;
  valid_from: string | null;
  valid_to: string | null;
  id: string;
  device_name: Label | null;
  area_name: Label | null;
  /** Whether today is one of its days. */
  in_force: boolean;
  /** How it stands among those of its table, level and target, on the day asked for (`on`), else today. */
  state: RowState;
  origin: RowOrigin;
  /** It was taken out: only the answer to that, or to an undo, has it. */
  removed: boolean;
  version: number;
  changed_at: string;
  /** Null: the pack. */
  changed_by: string | null;
  changed_why: string;
};
/** What a door refused. */
export type DeadLetter = {
  id: number;
  log_time: string;
  door: string;
  feed: string | null;
  device: string | null;
  topic: string | null;
  content_type: string | null;
  reason: string;
  detail: string;
  /** Its length as it came; what is kept of it may be less. */
  raw_bytes: number;
  /** Null where it is no UTF-8. */
  raw_text: string | null;
  raw_base64: string;
  released_at: string | null;
  released_by: string | null;
};
/** Dead letters, newest first. */
export type DeadLetterPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: DeadLetter[];
};
/** The OpenAPI document. */
export type Description = {
  openapi: string;
  info: Record<string, unknown>;
  paths: Record<string, unknown>;
  components: Record<string, unknown>;
};
/** Devices that have changed after a position, oldest change first. */
export type DeviceChanges = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: (ChangedDevice | Gone)[];
};
/** What a field says of the device itself, not of what it measures. */
export type DeviceHealthKind = "battery" | "signal" | "firmware";
/** How a device itself is, as it told last; null: it did not tell. */
export type DeviceHealth = {
  battery: DeviceNumber | null;
  signal: DeviceNumber | null;
  /** Null too where a wall display must not know. */
  firmware: DeviceText | null;
};
/** Imports of devices, the last one first. */
export type DeviceImportList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: DeviceImport[];
};
/** A sheet of devices that was imported, and whether it was undone. */
export type DeviceImport = {
  id: string;
  number: number;
  state: DeviceImportState;
  version: number;
  file_name: string | null;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  sent_by: string;
  sent_at: string;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
};
/** What an import would change, and every fault of it; nothing was stored. */
export type DeviceImportPreview = {
  rows: number;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  fault_count: number;
  /** The first 1,000. */
  faults: CellFault[];
  columns: PreviewColumn[];
  /** At most 500 rows: those with faults first, then those that change something. */
  items: DevicePreviewRow[];
};
/** What became of an import of devices. */
export type DeviceImportState = "applied" | "undone";
/** The maintenance window that a device is in. */
export type DeviceMaintenance = {
  window: string;
  until: string;
  reason: string;
};
/** Messages to a device, newest first. */
export type DeviceMessageList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: DeviceMessage[];
};
/** A message to a device. */
export type DeviceMessage = {
  number: number;
  /** Whose session it goes to. */
  device: string;
  meant_for: string;
  topic: string;
  payload: string;
  qos: number;
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  /** Null: it waits for its device. */
  outcome: OutboundOutcome | null;
  closed_at: string | null;
};
/** A registered device with what it last said. */
export type Device = {
  id: string;
  feed: string;
  name: Label;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  /** The gateway or switch whose fall silences it. */
  parent: string | null;
  /** The unit that looks after it. */
  owner: string | null;
  place: string | null;
  /** Whether its silence is an alert. */
  critical: boolean;
  /** Whether it may publish for the devices whose parent it is. */
  gateway: boolean;
  /** What limits by class go by. */
  device_class: string | null;
  state: DeviceState;
  expected_period_seconds: number;
  registered_at: string;
  version: number;
  status: DeviceStatus;
  last_seen: string | null;
  last_effective: string | null;
  lag_seconds: number | null;
  events: number;
  main: MainValue | null;
  /** Null: it was never connected over MQTT. */
  presence: Presence | null;
  /** Null: no window runs for it. */
  maintenance: DeviceMaintenance | null;
  /** Null: nothing of it was told. */
  health: DeviceHealth | null;
};
/** A number that a device told of itself. */
export type DeviceNumber = {
  value: number;
  unit: string;
  at: string;
};
/** Devices by id. */
export type DevicePage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: Device[];
};
/** One row as it stands in the sheet, and what would become of it. */
export type DevicePreviewRow = {
  row: number;
  device: string | null;
  outcome: RowOutcome;
  /** What is in its cells, by column. */
  cells: Record<string, string>;
  /** The columns that would change. */
  changed: string[];
  /** What those columns have now; one without a value is not there. */
  before: Record<string, string>;
};
/** What the registry says of a device. */
export type DeviceState = "active" | "maintenance" | "retired";
export type DeviceStatus = "online" | "silent" | "never" | "maintenance" | "retired";
/** A text that a device told of itself. */
export type DeviceText = {
  value: string;
  unit: string;
  at: string;
};
/** Which way of an indicator is the good one. */
export type Direction = "more" | "less";
/** What was done to a unit or a contact. */
export type DirectoryAction = "put" | "remove" | "undo" | "pack";
/** Steps, the newest first. */
export type DirectoryHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: DirectoryStep[];
};
/** Whose word it is. */
export type DirectoryOrigin = "pack" | "site";
/** A step of the history of a unit or a contact. */
export type DirectoryStep = {
  number: number;
  at: string;
  /** Null: the pack. */
  actor: string | null;
  action: DirectoryAction;
  why: string;
  version: number;
  unit: UnitBody | null;
  /** One of the two; both null: it was taken out. */
  contact: ContactBody | null;
};
/** The domains' tiles, in the pack's order. */
export type DomainList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Domain[];
};
/** A domain's tile. */
export type Domain = {
  id: string;
  number: string;
  label: Label;
  feeds: string[];
  /** Open alerts that are heard. */
  open: Partial<Record<Severity, number>>;
  /** Open alerts that a silence hides: they colour nothing, and are never left out of sight. */
  silenced: number;
  state: Severity | "normal" | "no_data";
  last_log_time: string | null;
  no_data_since: string | null;
  devices: number;
  online: number;
  /** Oldest first. */
  spark: (number | null)[];
  spark_step_seconds: number;
  spark_field: SparkField | null;
  /** The station with the worst air, where the domain has stations. */
  air: TileAir | null;
};
/** How one alert was handled. */
export type DrillAlert = {
  alert: string;
  number: string;
  rule: string;
  title: Label;
  severity: Severity;
  seconds: StepSeconds;
};
/** The newest drills first, and the scenarios that can be started here. */
export type DrillList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: DrillRun[];
  scenarios: DrillScenario[];
};
/** One drill. While it runs it has a clock, and its screens a port. */
export type DrillRun = {
  id: string;
  scenario: string;
  title: Label;
  speed: number;
  start: string;
  end: string;
  started_by: string;
  started_at: string;
  ended_at: string | null;
  state: "running" | "ended" | "stopped" | "failed";
  problem: string | null;
  score: DrillScore | null;
  clock: string | null;
  progress: number | null;
  port: number | null;
};
/** What can be trained. */
export type DrillScenario = {
  id: string;
  title: Label;
  description: Label | null;
  licence: string;
  start: string;
  end: string;
  speed: number;
  targets: StepTargets | null;
};
/** How a drill was handled. */
export type DrillScore = {
  targets: ScoredTargets;
  alerts: DrillAlert[];
  steps: StepSummaries;
};
/** What a drill says of itself. */
export type DrillState = {
  start: string;
  end: string | null;
  scenario: string | null;
  title: Label | null;
  tour: boolean;
  captions: Caption[];
  clock: string;
  /** 0: as fast as it can. */
  speed: number;
};
/** How often a step was done. */
export type DrillSummary = {
  of: number;
  done: number;
  /** Within its target. */
  met: number;
  /** In seconds. */
  median: number | null;
};
/** Duty modes, the newest start first. */
export type DutyModeList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: DutyMode[];
};
/** A duty mode as somebody has declared it. */
export type DutyMode = {
  id: string;
  mode: "reinforced" | "emergency";
  /** The civil-defence level that was declared: 1 commune, 2 province, 3 national. */
  level: number | null;
  decision: string | null;
  starts_at: string;
  /** Null: until somebody ends it. */
  ends_at: string | null;
  why: string;
  declared_at: string;
  declared_by: string;
  ended_by: string | null;
  ended_why: string | null;
  version: number;
};
/** A number that everybody may call. */
export type EmergencyNumber = {
  number: string;
  label: Label;
  source: string;
  verified: boolean;
};
/** The events that an alert rests on, newest first. */
export type EventList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: StoredEvent[];
};
/** Events, newest in the log first. */
export type EventPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: StoredEvent[];
};
export type EvidenceDetails =
  WindowDetails | AbsenceDetails | SequenceDetails | NearDetails | CorrelateDetails | ZoneDetails | OrderDetails;
/** Why an alert fired, as of its newest move that says something holds. */
export type Evidence = {
  alert: string;
  rule: EvidenceRule;
  clause: string;
  values: Record<string, unknown>;
  measures: Measured[];
  limit: Limit | null;
  /** Null: nowhere on the axis of the readings. */
  chart_limit: ChartLimit | null;
  field: string;
  feed: string;
  device: string | null;
  held_since: string | null;
  held_seconds: number;
  position: number;
  readings: Reading[];
  /** Pictures and papers of the events that it rests on, the last sent first; a wall display gets none. */
  media: Medium[];
  /** What the lookup tables say of its device and of the codes in its readings, at most ten; a wall display gets none. Of a device of a table without a row for it `missing` is told, of a code that no table knows nothing. */
  lookups: LookupAnswer[];
  /** How many more there are. */
  lookups_left: number;
  details: EvidenceDetails | null;
  series: ChartPoint[];
  transitions: EvidenceMove[];
};
/** When the alert moved. */
export type EvidenceMove = {
  at: string;
  kind: TransitionKind;
  severity: Severity | null;
};
/** The rule in the form that fired; its words are empty where that is no longer kept. */
export type EvidenceRule = {
  id: string;
  version: number;
  hash: string;
  title: Label;
  kind: RuleKind | null;
  text: Label;
  words: RuleSentence[];
  for_seconds: number | null;
  severity: Severity;
};
/** GeoJSON (lon, lat). */
export type FeatureCollection = {
  type: "FeatureCollection";
  features: Record<string, unknown>[];
};
/** One field of a feed. Outside of `possible` a value is dropped, outside of `plausible` flagged. */
export type FeedField = {
  name: string;
  label: Label;
  unit: string;
  type: FieldType;
  digits: number;
  required: boolean;
  possible: [number | null, number | null];
  plausible: [number | null, number | null];
  /** The only ones that there are; empty: any. */
  values: string[];
  /** What people are told instead of a value; one that is not in it stands for itself. */
  words: Record<string, Label>;
  personal: boolean;
  /** It is of the device itself: its newest value stands with the device. */
  device_health: DeviceHealthKind | null;
};
/** Feeds, in the pack's order. */
export type FeedList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Feed[];
};
/** A kind of device: what it may say, and whether it is heard. */
export type Feed = {
  id: string;
  label: Label;
  domain: string;
  main_field: string;
  expected_period_seconds: number;
  restricted: boolean;
  /** Whether only a registered device may speak in it. */
  device_required: boolean;
  /** Whether it speaks only when something happens: its silence alone makes no tile `no_data`. */
  occasional: boolean;
  /** The field that says when what a message announces will be. */
  due_field: string | null;
  fields: FeedField[];
  devices: number;
  last_log_time: string | null;
};
/** One feed; of what names none that there is, and comes from no registered device, `feed` is null. */
export type FeedQuality = {
  grade: Grade;
  /** What the doors have answered for. */
  received: number;
  /** Of it, what the log took as new. */
  stored: number;
  /** Of it, what the log had already. */
  duplicate: number;
  /** Of it, what was refused. */
  refused: number;
  /** Of what was refused, what no dead letter keeps. */
  not_kept: number;
  /** What was refused before and let in by a person; it was received once, when it was refused. */
  released: number;
  /** Of what was stored, imported history. */
  history: number;
  /** How many readings the devices' periods ask for. */
  expected: number;
  /** How many readings are of this time, whenever they came. */
  measured: number;
  /** Which part of the expected readings came, 0 to 1; null: less than one is expected. */
  completeness: number | null;
  late: number;
  /** Of the readings whose lag is known. */
  late_share: number | null;
  suspect: number;
  clock_fault: number;
  skewed: number;
  /** From the measurement to the log. */
  lag_mean_seconds: number | null;
  lag_max_seconds: number | null;
  /** How far ahead of ours a clock was at most; more than two minutes are counted as two. */
  clock_ahead_seconds: number | null;
  feed: string | null;
  label: Label | null;
  domain: string | null;
  /** Registered sources inside the wall that are in use. */
  devices: number;
  /** Of them, those of which less than 95 % of the expected readings came. */
  incomplete: number;
  /** Of them, those of which none came. */
  silent: number;
  /** Completeness of each hour or local day, oldest first; null where nothing was expected. */
  spark: (number | null)[];
};
/** The JSON type a field must have. */
export type FieldType = "number" | "integer" | "boolean" | "text" | "object" | "time";
/** The figures that have a target. */
export type FigureName = "mean" | "most" | "flood_share" | "top_share" | "chattering" | "stale" | "critical_share";
/** A mark on an event; none of them drops it. */
export type Flag =
  | "anonymous"
  | "clock_fault"
  | "before_registration"
  | "skewed"
  | "late"
  | "suspect"
  | "unknown_field"
  | "dropped_field"
  | "history"
  | "drill"
  | "released"
  | "withdrawn";
/** A stretch in which nobody is on duty. */
export type Gap = {
  from: string;
  to: string;
};
/** Something that no longer belongs to the list: it left the area, the filters or the registry. */
export type Gone = {
  id: string;
  gone: true;
  change_position: number;
};
/** What people are told first. Operating values of this house, from no regulation. */
export type Grade = "good" | "fair" | "poor" | "unknown";
/** How alerts were handled, and how noisy they were. */
export type Handling = {
  alerts: number;
  /** How often they opened, rose or returned. */
  announcements: number;
  /** Of the alerts, those opened from a backlog: none of the times counts them. */
  retrospective: number;
  /** From when the room could see an alert until somebody had it (MTTA is the mean). */
  received: Times;
  /** Until people said what came of it (MTTR is the mean). */
  handled: Times;
  /** Fire, and nobody has received them. */
  waiting: number;
  /** Were over before anybody had received them. */
  returned_unreceived: number;
  false_alarms: number;
  /** Of those that people ended. */
  false_share: number | null;
  /** Announced more than once. */
  returned: number;
  /** Announced three times within ten minutes. */
  chattering: number;
  /** Over within a minute, before anybody had received them. */
  fleeting: number;
  /** Fired for more than a day. */
  stale: number;
};
/** One word for how a rule does: the first of these that is so. */
export type RuleHealthState = "off" | "refused" | "degraded" | "idle" | "ok";
/** When somebody is there, as a rule's `active` says it; what is null is every day, all day, holidays too. */
export type Hours = {
  days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[] | null;
  /** Periods such as `07:30-17:00`. */
  hours: string[] | null;
  holidays: "include" | "exclude" | "only" | null;
};
/** Who ignores a device, since when and why. */
export type Ignored = {
  at: string;
  by: string;
  reason: string;
};
/** What an import would bring, and every fault of it; nothing was stored. */
export type ImportPreview = {
  /** Rows with something in them. */
  rows: number;
  valid_rows: number;
  fault_count: number;
  faults: CellFault[];
  /** Columns of the sheet that are no columns of figures. */
  unread_columns: string[];
  columns: PreviewColumn[];
  items: PreviewRow[];
};
/** One row of an import; ``*_before``: what stands, or stood when it was approved. */
export type ImportRow = {
  row: number;
  indicator: string;
  period: string;
  plan: number | null;
  actual: number | null;
  extra: Record<string, unknown>;
  plan_before: number | null;
  actual_before: number | null;
};
/** What became of an import of figures. */
export type ImportState = "pending" | "approved" | "rejected" | "undone";
/** A device of an import. */
export type ImportedDevice = {
  id: string;
  new: boolean;
  /** What the import changed of it; empty of a new one. */
  columns: string[];
};
/** A limit of an import: as the sheet says it, and as it was before; null: it is new. */
export type ImportedLimit = {
  id: string;
  row: LimitEntry;
  before: LimitEntry | null;
};
/** A row of an import: as the sheet says it, and as it was before; null: it is new. */
export type ImportedLookup = {
  id: string;
  row: LookupEntry;
  before: LookupEntry | null;
};
/** Incidents that have changed after a position, oldest change first. */
export type IncidentChanges = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: (ChangedIncident | Gone)[];
};
/** Moves of an incident's alerts, the newest first. */
export type IncidentHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: IncidentStep[];
};
/** An incident. Ids, counts, severity and headline are those of the alerts that the reader may see. */
export type Incident = {
  id: string;
  /** To say aloud. */
  number: string;
  /** Of the pack's `incidents.yaml`. */
  family: string;
  title: Label;
  /** Its worst alert in one line, and how many there are. */
  headline: Label;
  /** Of the worst that is open; of a closed one the highest that its worst reached. */
  severity: Severity;
  /** `open` while one of its alerts is. */
  state: "open" | "closed";
  areas: string[];
  zones: string[];
  opened_at: string;
  changed_at: string;
  /** The id of its worst alert. */
  worst: string;
  /** Ids, the newest first, at most 100; `/alerts?incident=` lists all. */
  alerts: string[];
  alert_count: number;
  open_count: number;
  /** Devices of the open alerts; of a closed one of all. */
  device_count: number;
  /** Whether somebody has every open alert of it. */
  taken: boolean;
  version: number;
};
/** Incidents. */
export type IncidentPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: Incident[];
};
/** One move of one of its alerts. */
export type IncidentStep = {
  number: number;
  at: string;
  kind: TransitionKind | WorkAction;
  /** Who did it; null: the engine, or of an `unshelve` nobody: it came back by itself. */
  actor: string | null;
  severity: Severity | null;
  summary: Label | null;
  reason: string;
  text: string | null;
  position: number | null;
  /** Of an `assign` to whom. */
  assignee: string | null;
  /** Of a `shelve` when it comes back by itself. */
  until: string | null;
  /** Of a `call` whether somebody of the directory was called; null: its words alone say who. */
  call: Call | null;
  alert: string;
  alert_number: string;
  title: Label;
};
/** One period of an indicator, with what is known beside plan and actual, and where it comes from. */
export type IndicatorFigure = {
  /** `2026-10`, `2026-Q4` or `2026`. */
  period: string;
  plan: number | null;
  actual: number | null;
  /** The actual as a part of the period's plan. */
  achievement_pct: number | null;
  /** Whether the period's plan is met, in the indicator's own direction. */
  met: boolean | null;
  cumulative_plan: number | null;
  /** The year so far; null as soon as a period of it is missing. */
  cumulative_actual: number | null;
  year_plan: number | null;
  /** The year so far as a part of the year's plan. */
  year_pct: number | null;
  /** What was planned up to now as a part of the year's plan. */
  due_pct: number | null;
  /** The actual of the same period of the year before. */
  last_year: number | null;
  yoy_change: number | null;
  /** Growth on the year before; null of what is a percentage itself. */
  yoy_pct: number | null;
  /** The last day on which its figure is in time. */
  due_on: string;
  late: boolean;
  extra: Record<string, unknown>;
  /** The key of its event in the log. */
  event: string | null;
  changed_at: string;
  changed_by: string;
  sent_by: string | null;
  approved_by: string | null;
};
/** Imports, the last sent first. */
export type IndicatorImportList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: IndicatorImport[];
};
/** A sheet of figures that was sent, and what became of it. */
export type IndicatorImport = {
  id: string;
  number: number;
  state: ImportState;
  version: number;
  file_name: string | null;
  row_count: number;
  sent_by: string;
  sent_at: string;
  decided_by: string | null;
  decided_at: string | null;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
};
/** Indicators in the order of the pack. */
export type IndicatorList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Indicator[];
};
/** An indicator, and how it stands in the period that was asked for or that is newest. */
export type Indicator = {
  code: string;
  label: Label;
  unit: string;
  digits: number;
  domain: string;
  agency: Agency;
  feed: string;
  area: string | null;
  zone: string | null;
  period_kind: PeriodKind;
  direction: Direction;
  /** Whether its periods add up over the year. */
  accumulates: boolean;
  standing: Standing;
  /** Periods since it was last reported whose figure should be there, newest first. */
  late_periods: string[];
  /** When the period's figure was approved. */
  changed_at: string | null;
  /** The import that brought it. */
  changed_by: string | null;
};
/** A device's new key: its secret is shown this once. */
export type IssuedDeviceKey = {
  id: string;
  key: string;
};
/** A new key: its secret is shown this once. */
export type IssuedKey = {
  id: string;
  key: string;
  kind: KeyKind;
  name: string;
};
/** What a machine may do. */
export type KeyKind = "device" | "feed" | "district" | "metrics" | "display";
/** Keys, newest first. */
export type KeyList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Key[];
};
/** When two keys are the same. */
export type KeyMatch = "device" | "text" | "plate";
/** A key, without its secret: nobody has it any more. */
export type Key = {
  id: string;
  kind: KeyKind;
  name: string;
  device: string | null;
  feed: string | null;
  area: string | null;
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
};
/** Text in both languages. */
export type Label = {
  vi: string;
  en: string;
};
/** The newest value of a field of a device. */
export type Latest = {
  device: string;
  feed: string;
  field: string;
  /** Null where it is withheld. */
  value: unknown;
  effective: string;
  log_time: string;
  flags: Flag[];
  lat: number | null;
  lon: number | null;
};
/** Newest values by device, feed and field. */
export type LatestPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: Latest[];
};
/** Map layers. */
export type LayerList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Layer[];
};
/** A layer of the map, without its geometry. */
export type Layer = {
  id: string;
  label: Label;
  /** `import`: the site's own; `sketch`: our drawing. */
  source: string;
  kind: "water" | "road" | null;
};
/** Letters that are still refused, and why. */
export type Left = {
  reason: string;
  field: string | null;
  /** Of the first of them. */
  detail: string;
  letters: number;
};
/** Causes, the largest first. */
export type LetterGroupList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: LetterGroup[];
  /** How many letters they are made of. */
  letters: number;
  /** Whether there are more causes or letters than these. */
  truncated: boolean;
};
/** Dead letters of one cause that nobody has let in. */
export type LetterGroup = {
  feed: string | null;
  reason: string;
  /** The field that does not fit, where the reason speaks of one. */
  field: string | null;
  /** The source, where sources are told apart. */
  device: string | null;
  letters: number;
  sources: number;
  /** Five of its sources at most. */
  devices: string[];
  first_at: string;
  last_at: string;
  sample: LetterSample;
};
/** The newest letter of a cause, the beginning of its bytes as they came. */
export type LetterSample = {
  letter: number;
  detail: string;
  topic: string | null;
  /** Its length as it came. */
  raw_bytes: number;
  /** Null where it is no UTF-8. */
  raw_text: string | null;
  raw_base64: string;
};
/** What comes of letters that are read again. */
export type LetterTally = {
  tried: number;
  /** Letters that are let in. */
  passes: number;
  /** Events that they hold: a letter may be a whole body. */
  events: number;
  /** Letters whose events the log has already. */
  duplicates: number;
  left: Left[];
  sample: TrialSample | null;
};
/** What would come of the letters of a cause. */
export type LetterTrial = {
  tried: number;
  /** Letters that are let in. */
  passes: number;
  /** Events that they hold: a letter may be a whole body. */
  events: number;
  /** Letters whose events the log has already. */
  duplicates: number;
  left: Left[];
  sample: TrialSample | null;
  /** How many there are. */
  total: number;
  truncated: boolean;
};
/** A limit as the log has it. */
export type LimitEntry = {
  name: string;
  level: Severity | null;
  device: string | null;
  class: string | null;
  area: string | null;
  value: number;
  unit: string;
  source: string;
  verified: boolean;
  valid_from: string | null;
  valid_to: string | null;
};
/** A page of a limit's history, newest first. */
export type LimitHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: LimitStep[];
};
/** A page of limits. */
export type LimitList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: DatedLimit[];
};
/** A threshold with its legal source. */
export type Limit = {
  value: number;
  unit: string;
  source: string;
  /** Whether somebody has held it against its source. */
  verified: boolean;
  valid_from: string | null;
  /** What people call it, such as BĐ II. */
  name?: Label | null;
};
/** One change of a limit. */
export type LimitStep = {
  number: number;
  at: string;
  /** Null: the pack. */
  actor: string | null;
  action: RowAction;
  why: string;
  version: number;
  /** How it stood after it; null: it was taken out. */
  limit: LimitEntry | null;
  /** The log entry from which it counts. */
  position: number | null;
};
/** All tables. */
export type LimitTableList = {
  items: LimitTableNoun[];
};
/** A limit that is looked up by device, class and area, perhaps with the rule's own beside it. */
export type LimitTable = {
  table: string;
  value?: number | null;
  unit?: string | null;
  source?: string | null;
  verified?: boolean | null;
  valid_from?: string | null;
  name?: Label | null;
};
/** A table as the rules ask for it: what a row may be of, for which level and in which unit. */
export type LimitTableNoun = {
  name: string;
  rules: LimitTableRule[];
  targets: ("device" | "class" | "area" | "zone")[];
  /** None: what is compared has no unit. */
  units: string[];
  levels: Severity[];
  feeds: string[];
  /** Empty: without a row there is no data. */
  own: OwnLimit[];
};
/** A rule that looks its limit up. */
export type LimitTableRule = {
  id: string;
  title: Label | null;
};
/** A backtest, without its result. */
export type ListedBacktest = {
  id: string;
  rule: string;
  version: number | null;
  hash: string;
  state: BacktestState;
  progress: BacktestProgress;
  from: string;
  to: string;
  include_history: boolean;
  asked_by: string;
  asked_at: string;
  started_at: string | null;
  ended_at: string | null;
  reason: string | null;
  moves: number;
};
/** What a lookup table says of a key that an alert names, on the day the alert opened. */
export type LookupAnswer = {
  table: string;
  label: Label;
  noun: Label;
  key: string;
  key_label: Label;
  /** The key, where it is a device. */
  device: string | null;
  /** Whether the row holds on that day, had ended, was to come, or there is none. */
  state: "holds" | "ended" | "coming" | "missing";
  restricted: boolean;
  row: string | null;
  columns: LookupValue[];
  source: string | null;
  verified: boolean;
  valid_from: string | null;
  valid_to: string | null;
};
/** A column of a table. */
export type LookupColumn = {
  id: string;
  label: Label;
  type: ColumnType;
  unit: string;
  needed: boolean;
  /** Those of a word; of any other type none. */
  words: LookupWord[];
};
/** A row as its history keeps it. */
export type LookupEntry = {
  table: string;
  key: string;
  data: Record<string, unknown>;
  columns: LookupValue[];
  source: string;
  verified: boolean;
  valid_from: string | null;
  valid_to: string | null;
};
/** A page of a row's history, newest first. */
export type LookupHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: LookupStep[];
};
/** What the rows of a table are keyed by. */
export type LookupKey = {
  label: Label;
  match: KeyMatch;
  feeds: string[];
  /** The field of these feeds whose text it is; null: a device of theirs. */
  field: string | null;
};
/** A page of rows. */
export type LookupRowList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: LookupRow[];
};
/** A row of a lookup table: what is known of a device or of a code, on the days from one to another. */
export type LookupRow = {
  table: string;
  key: string;
  data: Record<string, unknown>;
  columns: LookupValue[];
  source: string;
  verified: boolean;
  valid_from: string | null;
  valid_to: string | null;
  id: string;
  device: string | null;
  device_name: Label | null;
  /** How it stands among those of its key, on the day asked for (`on`), else today. */
  state: RowState;
  restricted: boolean;
  removed: boolean;
  version: number;
  changed_at: string;
  changed_by: string | null;
  changed_why: string;
};
/** One change of a row. */
export type LookupStep = {
  number: number;
  at: string;
  actor: string | null;
  action: RowAction;
  why: string;
  version: number;
  /** How it stood after it; null: it was taken out. */
  row: LookupEntry | null;
};
/** All tables that the caller may read. */
export type LookupTableList = {
  items: LookupTableNoun[];
  /** Rows of tables that the pack no longer declares: kept, and shown nowhere. */
  left_over: number;
};
/** A lookup table as the pack declares it. */
export type LookupTableNoun = {
  id: string;
  label: Label;
  /** What people call one row. */
  noun: Label;
  key: LookupKey;
  /** For people alone; every look at its rows is in the audit trail. */
  restricted: boolean;
  /** How many the caller may see. */
  rows: number;
  columns: LookupColumn[];
};
/** What a row has in one column. */
export type LookupValue = {
  id: string;
  label: Label;
  type: ColumnType;
  unit: string;
  value: unknown;
  /** What people are told of a word. */
  word: Label | null;
};
/** One word that a column may hold, and what people are told. */
export type LookupWord = {
  value: string;
  label: Label;
};
/** The newest value of the feed's main field. */
export type MainValue = {
  field: string;
  value: boolean | number | string;
  unit: string;
  at: string;
};
/** How a window is now. */
export type MaintenanceState = "planned" | "running" | "over";
/** Maintenance windows, the newest start first. */
export type MaintenanceWindowList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: MaintenanceWindow[];
};
/** From when to when a device may be silent. */
export type MaintenanceWindow = {
  id: string;
  device: string;
  device_name: Label;
  /** Whether what is below the device is in maintenance too. */
  with_children: boolean;
  /** Its first time. */
  starts_at: string;
  ends_at: string;
  repeat: Repeat;
  /** The last day on which it begins; null: it does not repeat. */
  repeat_until: string | null;
  reason: string;
  state: MaintenanceState;
  /** When it begins next; null while it runs and once it is over. */
  next_at: string | null;
  /** Null: it does not run now. */
  running_until: string | null;
  created_by: string;
  created_at: string;
  version: number;
};
/** What a person did with an entry. */
export type ManualAction = "entered" | "corrected" | "withdrawn";
/** One revision of an entry, and who entered it first. */
export type ManualEntry = {
  /** The event's key. */
  event: string;
  revision: number;
  position: number;
  /** What this revision is. */
  action: ManualAction;
  /** Who made this revision. */
  actor: string;
  reason: string | null;
  log_time: string;
  entered_by: string;
  entered_at: string;
  feed: string;
  /** Null: it is of no device. */
  device: string | null;
  /** When it was so, as the person says. */
  time: string;
  /** Its values; of one that was taken back there are none. */
  data: Record<string, unknown>;
  withheld: string[];
  /** Pictures and papers of the entry, whichever revision they came with; none once it is taken back. */
  media: Medium[];
  flags: Flag[];
  area: string | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
};
/** The revisions of an entry, oldest first. */
export type ManualHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: ManualEntry[];
};
/** Entries by their newest revision, the last entered first. */
export type ManualPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  /** The change position at which the list is true. */
  position: number;
  items: ManualEntry[];
};
/** A value that the rule looked at, and how to say it. */
export type Measured = {
  name: string;
  label: Label;
  unit: string;
  digits: number;
  value: unknown;
};
/** An alert's main measure at one reading. */
export type MeasuredValue = {
  /** A boolean for a yes or no; null where the rule's kind has no number. */
  value: boolean | number | null;
  unit: string;
  time: string;
  /** Orders two of them. */
  position: number;
  text: Label;
  /** Of a peak, which way it is one: highest, lowest, strongest. */
  label?: Label | null;
};
/** What a medium is stored and served as. */
export type MediaType = "image/jpeg" | "application/pdf";
/** A picture or paper: its bytes are at `/api/v1/media/{medium}`. */
export type Medium = {
  id: string;
  /** A picture is always JPEG: whatever came was drawn anew, without what a camera writes beside the pixels. */
  type: MediaType;
  /** Of the bytes that are stored; null once it is removed, as are its size and measures. */
  sha256: string | null;
  bytes: number | null;
  /** In pixels; null of a paper. */
  width: number | null;
  height: number | null;
  uploaded_by: string;
  uploaded_at: string;
  /** It was removed for good, because of who is to be seen on it. */
  removed: boolean;
};
/** How a contact is reached. */
export type MethodKind = "tel" | "radio" | "zalo" | "email";
/** The middle of a cluster. */
export type Middle = {
  lon: number;
  lat: number;
};
/** Whether a rule speaks up. */
export type RuleMode = "alert" | "monitor";
/** What a rule in monitor mode would have raised, newest first. */
export type MonitoredList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: MonitoredMove[];
};
/** What a rule in monitor mode would have done. */
export type MonitoredMove = {
  id: string;
  at: string;
  log_time: string;
  version: number;
  alert: string;
  key: string;
  kind: TransitionKind;
  severity: Severity;
  summary: Label;
  reason: string;
  clause: string;
  values: Record<string, unknown>;
  limit: WrittenLimit | null;
  feed: string;
  device: string | null;
  area: string | null;
  zone: string | null;
  retrospective: boolean;
  position: number;
};
/** GeoJSON (lon, lat). */
export type MultiPolygon = {
  type: "MultiPolygon";
  coordinates: number[][][][];
};
/** A unit by its name. */
export type NamedUnit = {
  id: string;
  name: Label;
};
/** Several close to each other. */
export type NearDetails = {
  kind: "near";
  radius_m: number;
  over_seconds: number;
  centre: Middle | null;
  members: NearMember[];
  /** How many more there are, outside the reader's wall. */
  hidden: number;
};
/** One of several events close to each other. */
export type NearMember = {
  at: string;
  position: number;
  lat: number;
  lon: number;
  device: string | null;
  device_name: Label | null;
  /** From the middle of all, those included that the reader must not see. */
  distance_m: number | null;
};
/** Events near another, nearest first. */
export type NeighbourList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Neighbour[];
  /** How many there are, those included that are not listed. */
  total: number;
};
/** An event near another. */
export type Neighbour = {
  key: string;
  position: number;
  log_time: string;
  feed: string;
  device: string;
  /** Its sender's. */
  id: string | null;
  /** When its sender says that it was. */
  time: string | null;
  effective: string;
  received_at: string;
  data: Record<string, unknown>;
  /** Names of fields that are shown for a reason only. */
  withheld: string[];
  flags: Flag[];
  area: string | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  revision: number;
  door: string;
  distance_m: number;
};
/** The key of a new device. */
export type NewDeviceKey = {
  device: string;
  key: string;
};
/** A new account, with its one-time password. */
export type NewUser = {
  username: string;
  name: string;
  role: Role;
  area: string | null;
  must_change: boolean;
  change_required: boolean;
  disabled: boolean;
  created_at: string;
  updated_at: string;
  version: number;
  password: string;
};
/** The alert that a line of the shift log is about. */
export type NotedAlert = {
  id: string;
  number: string | null;
  title: Label | null;
};
/** Somebody who is on duty now. */
export type OnDuty = {
  contact: string;
  title: Label | null;
  person: string | null;
  role: ShiftRole;
  until: string;
  shift: string;
  /** Whose shift it is, where that is another. */
  stands_for: Label | null;
};
/** An import with its devices. */
export type OneDeviceImport = {
  id: string;
  number: number;
  state: DeviceImportState;
  version: number;
  file_name: string | null;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  sent_by: string;
  sent_at: string;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
  devices: ImportedDevice[];
};
/** The newest revision of an event, with what is attached to it. */
export type OneEvent = {
  key: string;
  position: number;
  log_time: string;
  feed: string;
  device: string;
  /** Its sender's. */
  id: string | null;
  /** When its sender says that it was. */
  time: string | null;
  effective: string;
  received_at: string;
  data: Record<string, unknown>;
  /** Names of fields that are shown for a reason only. */
  withheld: string[];
  flags: Flag[];
  area: string | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  revision: number;
  door: string;
  media: Medium[];
};
/** An import with its rows. */
export type OneIndicatorImport = {
  id: string;
  number: number;
  state: ImportState;
  version: number;
  file_name: string | null;
  row_count: number;
  sent_by: string;
  sent_at: string;
  decided_by: string | null;
  decided_at: string | null;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
  rows: ImportRow[];
};
/** An indicator with its figures, newest period first. */
export type OneIndicator = {
  code: string;
  label: Label;
  unit: string;
  digits: number;
  domain: string;
  agency: Agency;
  feed: string;
  area: string | null;
  zone: string | null;
  period_kind: PeriodKind;
  direction: Direction;
  /** Whether its periods add up over the year. */
  accumulates: boolean;
  standing: Standing;
  /** Periods since it was last reported whose figure should be there, newest first. */
  late_periods: string[];
  /** When the period's figure was approved. */
  changed_at: string | null;
  /** The import that brought it. */
  changed_by: string | null;
  figures: IndicatorFigure[];
};
/** An import with its limits. */
export type OneLimitImport = {
  id: string;
  number: number;
  state: RowImportState;
  version: number;
  file_name: string | null;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  why: string;
  sent_by: string;
  sent_at: string;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
  rows: ImportedLimit[];
};
/** An import with its rows. */
export type OneLookupImport = {
  id: string;
  number: number;
  state: RowImportState;
  version: number;
  file_name: string | null;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  why: string;
  sent_by: string;
  sent_at: string;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
  rows: ImportedLookup[];
};
/** A new one-time password. */
export type OneTimePassword = {
  username: string;
  password: string;
};
/** What is measured, against what was ordered. */
export type OrderDetails = {
  kind: "order";
  measured: string;
  grace_seconds: number;
  of_label: Label | null;
  orders: OrderGiven[];
};
/** One order that was in force when it was measured. */
export type OrderGiven = {
  /** Its hour. */
  at: string;
  position: number;
  of: string;
  on: boolean;
  number: string | null;
};
/** How an outbound message ended; one without an outcome waits for its device. */
export type OutboundOutcome =
  "sent" | "acknowledged" | "refused" | "expired" | "too_large" | "unsubscribed" | "session_ended";
/** Who stands in for a part of a shift. */
export type Override = {
  contact: string;
  title: Label | null;
  starts_at: string;
  ends_at: string;
};
/** What a rule goes by for whoever has no row in the table. */
export type OwnLimit = {
  rule: string;
  /** Null: every level. */
  level: Severity | null;
  value: number;
  unit: string;
  source: string;
  verified: boolean;
  valid_from: string | null;
  /** What people call it, such as BĐ II. */
  label: Label | null;
};
/** The pack's present form of a rule. */
export type PackForm = {
  hash: string;
  yaml: string;
  differs: boolean;
  /** Whether it has changed since the site made its own form. */
  moved: boolean;
};
/** One step of a window. */
export type Pane = {
  at: string;
  v: number | null;
};
/** A pattern that was written. */
export type PatternDone = {
  pattern: string;
  shifts: number;
};
/** What a pattern would make. */
export type PatternPreview = {
  items: PlannedShift[];
  clashes: number;
};
/** What was taken out of a pattern. */
export type PatternUndone = {
  removed: number;
  /** Shifts that somebody had changed since: they stay. */
  kept: number;
};
/** One figure beside what the standards ask. */
export type PerformanceFigure = {
  name: FigureName;
  value: number | null;
  /** At most this is good. */
  target: number;
  /** At most this a room can manage. */
  manageable: number;
  verdict: TargetVerdict;
};
/** The alerts of one rule, domain, area or severity. */
export type PerformanceGroup = {
  alerts: number;
  /** How often they opened, rose or returned. */
  announcements: number;
  /** Of the alerts, those opened from a backlog: none of the times counts them. */
  retrospective: number;
  /** From when the room could see an alert until somebody had it (MTTA is the mean). */
  received: Times;
  /** Until people said what came of it (MTTR is the mean). */
  handled: Times;
  /** Fire, and nobody has received them. */
  waiting: number;
  /** Were over before anybody had received them. */
  returned_unreceived: number;
  false_alarms: number;
  /** Of those that people ended. */
  false_share: number | null;
  /** Announced more than once. */
  returned: number;
  /** Announced three times within ten minutes. */
  chattering: number;
  /** Over within a minute, before anybody had received them. */
  fleeting: number;
  /** Fired for more than a day. */
  stale: number;
  /** Null: of no area. */
  id: string | null;
  /** The newest title of a rule, the name of an area. */
  label: Label | null;
};
/** How well alerts were handled in a span of time, and how noisy they were. */
export type Performance = {
  since: string;
  until: string;
  alerts_max: number;
  /** There were more alerts than are counted: the newest are. */
  truncated: boolean;
  /** Of the targets. */
  source: string;
  /** Whether the targets were read in the text of the standards. */
  verified: boolean;
  handling: Handling;
  figures: PerformanceFigure[];
  /** When the ten minutes with the most announcements began. */
  most_at: string | null;
  severity_shares: Partial<Record<Severity, number>>;
  /** Announcements in each hour, oldest first. */
  hours: number[];
  /** The groups asked for, those with the most announcements first; at most 500. */
  items: PerformanceGroup[];
};
/** How often an indicator is reported. */
export type PeriodKind = "month" | "quarter" | "year";
/** What a place of the gazetteer is. */
export type PlaceKind = "road" | "unit" | "former" | "site";
/** Places, the nearest to what was asked first. */
export type PlaceList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Place[];
};
/** A place that people name. */
export type Place = {
  kind: PlaceKind;
  name: Label;
  lat: number;
  lon: number;
  /** Read off our own drawing, or the middle of a unit. */
  estimated: boolean;
};
/** A shift that a pattern would make. */
export type PlannedShift = {
  contact: string;
  title: Label | null;
  starts_at: string;
  ends_at: string;
  /** Its contact is on another shift meanwhile. */
  clash: boolean;
};
/** GeoJSON (lon, lat). */
export type Polygon = {
  type: "Polygon";
  coordinates: number[][][];
};
/** Whether a device is connected at an MQTT door. */
export type PresenceState = "online" | "offline";
/** Whether a device is connected to an MQTT door, since when and why. */
export type Presence = {
  state: PresenceState;
  since: string;
  reason: PresenceReason;
};
/** Why a device is online or offline. */
export type PresenceReason = "connected" | "disconnected" | "lost" | "closed" | "door_gone";
/** A column of the sheet. */
export type PreviewColumn = {
  id: string;
  label: Label;
};
/** One row as it stands in the sheet, and what is known of its indicator and period now. */
export type PreviewRow = {
  row: number;
  /** What is in its cells, by column. */
  cells: Record<string, string>;
  indicator: string | null;
  period: string | null;
  plan_before: number | null;
  actual_before: number | null;
  ok: boolean;
};
/** An open alert that would be hidden. */
export type PreviewedAlert = {
  id: string;
  number: string;
  severity: Severity;
  title: Label;
  area_name: Label | null;
  opened_at: string;
};
export type ProcessKind = "rules" | "rollup" | "door" | "bridge" | "keeper" | "api";
/** The account of every feed, the worst first. */
export type Quality = {
  window: "24h" | "30d";
  step_seconds: number;
  since: string;
  until: string;
  /** When the counting began: nothing is expected of before. Null: nothing was counted yet. */
  counted_since: string | null;
  /** Whether there are more sources than this account is made of. */
  truncated: boolean;
  items: FeedQuality[];
};
/** A message that is stored and will be sent. */
export type QueuedMessage = {
  number: number;
  device: string;
  /** Whose session it goes to: the device's own or its gateway's. */
  session: string;
  topic: string;
};
/** Whether it is ready. */
export type Readiness = {
  ready: boolean;
  /** `full`, `unknown`, or `degraded: ` and why. */
  durability: string;
  checks: Record<string, "ok" | "failing">;
  /** What hinders, and why. */
  trouble: Partial<Record<Trouble, string>>;
};
/** A reading that the evidence rests on. */
export type Reading = {
  position: number;
  device: string;
  effective: string;
  values: Record<string, unknown>;
};
/** An event that was not taken. */
export type Rejected = {
  /** Its place in what was sent. */
  index: number;
  reason: string;
  detail: string;
};
/** One person's decision to let the dead letters of a cause in, and how far it is. */
export type Release = {
  id: number;
  created_at: string;
  created_by: string;
  why: string;
  feed: string | null;
  reason: string;
  field: string | null;
  device: string | null;
  letter: number | null;
  /** Members that were read under another name; null: left out. */
  names: Record<string, string | null>;
  /** How many letters there were when it began. */
  total: number;
  released: number;
  events: number;
  duplicates: number;
  /** Letters that are still refused. */
  left: number;
  done: boolean;
  /** Events that were taken back. */
  undone: number;
  /** Events that were not, because they were revised since. */
  kept: number;
  undone_at: string | null;
  undone_by: string | null;
  undo_reason: string | null;
  /** Whether it registered its device, which was unknown. */
  adopted: boolean;
  /** Whether that device was taken back with it. */
  device_removed: boolean;
};
/** Releases, newest first. */
export type ReleasePage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Release[];
};
/** A release, and what this step did. */
export type ReleaseStep = {
  release: Release;
  step: LetterTally;
};
/** An event of which the sender should know something. */
export type Remarked = {
  index: number;
  /** Of a duplicate, the key of the event that it repeats. */
  event?: string | null;
  detail?: string | null;
  flags?: string[] | null;
};
/** When a window comes again. */
export type Repeat = "never" | "daily" | "weekly";
/** What a person is in the centre: a preset of capabilities. */
export type Role = "admin" | "shift_leader" | "operator" | "unit_officer" | "leader" | "auditor" | "viewer";
/** A device's new key, and until when the old one goes on. */
export type RotatedDeviceKey = {
  id: string;
  key: string;
  old: string;
  old_until: string;
};
/** What was done to a row. */
export type RowAction = "put" | "remove" | "import" | "undo" | "pack";
/** Imports, the last one first. */
export type RowImportList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: RowImport[];
};
/** A sheet of limits, or of rows of a lookup table, that was imported, and whether it was undone. */
export type RowImport = {
  id: string;
  number: number;
  state: RowImportState;
  version: number;
  file_name: string | null;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  why: string;
  sent_by: string;
  sent_at: string;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
};
/** What an import would change, and every fault of it; nothing was stored. */
export type RowImportPreview = {
  rows: number;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  fault_count: number;
  /** The first 1,000. */
  faults: CellFault[];
  columns: PreviewColumn[];
  /** At most 500 rows: those with faults first, then those that change something. */
  items: RowPreview[];
};
/** What became of a sheet of rows. */
export type RowImportState = "applied" | "undone";
/** Whose word a row is. */
export type RowOrigin = "pack" | "site";
/** What becomes of a row. */
export type RowOutcome = "new" | "changed" | "unchanged" | "faulty";
/** One row as it stands in the sheet, and what would become of it. */
export type RowPreview = {
  row: number;
  /** The id of what it says; null: the row has faults. */
  made: string | null;
  outcome: RowOutcome;
  /** What is in its cells, by column. */
  cells: Record<string, string>;
  /** The columns that would change. */
  changed: string[];
  /** What those columns have now; one without a value is not there. */
  before: Record<string, string>;
};
/** How a row stands on a day, among those of its table that are of the same thing. */
export type RowState = "holds" | "replaced" | "coming" | "ended";
/** What is done to a rule, as its history has it. */
export type RuleAction = "create" | "edit" | "enable" | "disable" | "monitor" | "alert" | "reset" | "delete" | "pack";
/** Who changed a rule last. */
export type RuleChange = {
  at: string;
  by: string | null;
  why: string | null;
  action: RuleAction;
};
/** What is wrong with a text, and what a sound one says. */
export type RuleCheck = {
  problems: RuleProblem[];
  rule: RuleForm | null;
};
/** When it is over. */
export type RuleClear = {
  when: string | null;
  for_seconds: number;
};
/** A rule read from a text. */
export type RuleForm = {
  id: string;
  title: Label;
  /** Null: the pack brought a body that cannot be read; the engine refuses it. */
  domain: string | null;
  feed: string | string[];
  hash: string;
  enabled: boolean;
  kind: RuleKind;
  mode: RuleMode;
  levels: RuleLevel[];
  clear: RuleClear | null;
  limit: WrittenLimit | LimitTable | WrittenLimit[] | null;
  text: Label;
  words: RuleSentence[];
  /** Its own measures, as evidence names them. */
  names: Record<string, RuleName>;
  yaml: string;
  limits: RuleLimit[];
};
/** How a rule does: what the engine counted, and one word for it. */
export type RuleHealth = {
  state: RuleHealthState;
  reason: string | null;
  since: string | null;
  evaluated: number;
  errors: number;
  no_data: number;
  late: number;
  full: number;
  monitored: number;
  keys: number;
  degraded_keys: number;
  last_evaluated_at: string | null;
  last_transition_at: string | null;
  updated_at: string | null;
};
/** One change of a rule. */
export type RuleHistoryItem = {
  id: number;
  at: string;
  /** Null: the pack. */
  by: string | null;
  action: RuleAction;
  why: string;
  version: number;
  hash: string;
  yaml: string;
  /** Null: the texts are too long to be compared. */
  diff: string | null;
  position: number | null;
};
/** Every change of a rule, newest first. */
export type RuleHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: RuleHistoryItem[];
};
/** How a rule looks at the log; it follows from the members that the rule has. */
export type RuleKind =
  "threshold" | "window" | "change" | "absence" | "sequence" | "near" | "order" | "zone" | "correlate";
/** When a rule holds at one severity. */
export type RuleLevel = {
  severity: Severity;
  when: string | null;
  for_seconds: number;
  limit: WrittenLimit | LimitTable | WrittenLimit[] | null;
};
/** A threshold of a rule or of one of its levels; of several dated ones one is in force on a day. */
export type RuleLimit = {
  value: number;
  unit: string;
  source: string;
  verified: boolean;
  valid_from: string | null;
  in_force: boolean;
  /** The level that it is of; null: the rule's own. */
  severity: Severity | null;
};
/** Rules by id. */
export type RuleList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Rule[];
};
/** A rule as it stands. */
export type Rule = {
  id: string;
  title: Label;
  /** Null: the pack brought a body that cannot be read; the engine refuses it. */
  domain: string | null;
  feed: string | string[];
  hash: string;
  enabled: boolean;
  kind: RuleKind;
  mode: RuleMode;
  levels: RuleLevel[];
  clear: RuleClear | null;
  limit: WrittenLimit | LimitTable | WrittenLimit[] | null;
  text: Label;
  words: RuleSentence[];
  /** Its own measures, as evidence names them. */
  names: Record<string, RuleName>;
  yaml: string;
  limits: RuleLimit[];
  version: number;
  /** Inside the reader's wall. */
  open_alerts: number;
  origin: RuleOrigin;
  pack: PackForm | null;
  health: RuleHealth;
  changed: RuleChange | null;
};
/** How a measure of the rule's own is named. */
export type RuleName = {
  label: Label;
  unit: string;
};
/** Whose form of a rule is in force. */
export type RuleOrigin = "pack" | "overlay" | "site";
/** A fault of a rule's text. */
export type RuleProblem = {
  line: number;
  column: number | null;
  member: string;
  detail: string;
  hint: string;
  severity: RuleProblemSeverity;
};
/** One sentence of a rule in plain words. */
export type RuleSentence = {
  vi: string;
  en: string;
  part: string;
  /** Of which level it is. */
  severity: Severity | null;
};
/** Seconds within which each step should have been done; null: whenever. */
export type ScoredTargets = {
  receive: number | null;
  call: number | null;
  dispatch: number | null;
};
/** An import as its sender gets it. */
export type SentDeviceImport = {
  id: string;
  number: number;
  state: DeviceImportState;
  version: number;
  file_name: string | null;
  new_count: number;
  changed_count: number;
  unchanged_count: number;
  sent_by: string;
  sent_at: string;
  undone_by: string | null;
  undone_at: string | null;
  reason: string | null;
  devices: ImportedDevice[];
  /** Those of new devices, where they were asked for: shown here and never again. */
  keys: NewDeviceKey[];
};
/** One thing after another. */
export type SequenceDetails = {
  kind: "sequence";
  steps: SequenceStep[];
  took_seconds: number | null;
};
/** One step of a chain. */
export type SequenceStep = {
  at: string;
  feed: string;
  feed_label: Label | null;
  text: Label | null;
  device: string | null;
  device_name: Label | null;
  position: number;
};
/** One line of a chart. */
export type Series = {
  step: "raw" | "5m" | "1h" | "1d";
  unit: string;
  items: SeriesPoint[];
};
/** One step of a series, or one reading, which is its own least and most. */
export type SeriesPoint = {
  t: string;
  v: number | null;
  n: number;
  min: number | null;
  max: number | null;
};
/** Who is signed in. */
export type Session = {
  username: string;
  name: string;
  role: Role;
  /** What this role may do; `areas` says where. */
  capabilities: Capability[];
  /** Null: every area. */
  areas: string[] | null;
  zone: string | null;
  language: string;
  must_change: boolean;
  /** Whether the password opens nothing but its own change. */
  change_required: boolean;
};
/** How much an alert matters; compare with ``rank``. */
export type Severity = "info" | "low" | "medium" | "high" | "critical";
/** What was done to a shift. */
export type ShiftAction = "put" | "remove" | "swap" | "override" | "undo";
/** How a shift stood after a step. */
export type ShiftBody = {
  unit: string;
  contact: string;
  title: Label | null;
  role: ShiftRole;
  starts_at: string;
  ends_at: string;
  overrides: Override[];
};
/** Steps, the newest first. */
export type ShiftHistory = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: ShiftStep[];
};
/** Shifts by their beginning. */
export type ShiftList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Shift[];
};
/** A contact of a unit on duty. Its end does not belong to it. */
export type Shift = {
  id: string;
  unit: NamedUnit;
  contact: string;
  title: Label;
  /** Who holds the function; null: not said, or erased. */
  person: string | null;
  /** Its contact or unit was taken out of the directory: nobody is on duty. */
  gone: boolean;
  role: ShiftRole;
  starts_at: string;
  ends_at: string;
  /** The later one counts. */
  overrides: Override[];
  /** The pattern that made it. */
  pattern: string | null;
  /** It was taken out; an undo brings it back. */
  removed: boolean;
  version: number;
  changed_at: string;
  changed_by: string;
  changed_why: string;
};
/** Lines of the shift log, the newest first. */
export type ShiftNoteList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: ShiftNote[];
};
/** A line of the shift log. */
export type ShiftNote = {
  id: number;
  at: string;
  author: string;
  text: string;
  /** Null: the whole site. */
  place: Label | null;
  alert: NotedAlert | null;
  /** The line that it corrects. */
  corrects: number | null;
  /** A later line corrects it. */
  corrected: boolean;
};
/** What somebody is on a shift. */
export type ShiftRole = "shift_leader" | "operator";
/** A step of a shift's history. */
export type ShiftStep = {
  number: number;
  at: string;
  actor: string;
  action: ShiftAction;
  why: string;
  version: number;
  /** The shift that it was swapped with. */
  other: string | null;
  /** Null: it was taken out. */
  shift: ShiftBody | null;
};
/** Silences, those that end last first. */
export type SilenceList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Silence[];
};
/** Which alerts: what is named must fit, an empty list fits all. */
export type SilenceMatch = {
  rule: string[];
  domain: string[];
  /** Codes of today's areas, and zones. */
  area: string[];
  device: string[];
  /** What is graver is never silenced. */
  severity_max: Severity;
};
/** Alerts that make no sound and leave the default list for a while. */
export type Silence = {
  id: string;
  match: SilenceMatch;
  /** Devices that it names outside the reader's areas. */
  devices_beyond: number;
  from: string;
  /** When it is over for good. */
  to: string;
  /** Its periods within that time; null: all of it. */
  active: Hours | null;
  reason: string;
  /** Who made it, and is warned before it is over. */
  owner: string;
  state: SilenceState;
  /** When it begins next; null while it runs and once it is over. */
  next_at: string | null;
  /** Null: it does not run now. */
  running_until: string | null;
  /** Open alerts of the reader's areas that are under it now. */
  hides: number;
  created_at: string;
  changed_at: string;
  changed_by: string;
  version: number;
};
/** What a silence would hide. */
export type SilencePreview = {
  /** Open alerts that it would hide now. */
  open: number;
  /** The gravest of them, at most twenty. */
  items: PreviewedAlert[];
  /** Open alerts that it names and leaves alone: they are graver than it silences. */
  graver: number;
  /** Alerts of the last seven days that it would have hidden, open or over by now. */
  opened_7d: Partial<Record<Severity, number>>;
};
/** How a silence is now. */
export type SilenceState = "planned" | "running" | "over";
/** A device that belongs to a silence. */
export type SilentDevice = {
  device: string;
  name: Label | null;
  last_heard: string | null;
};
/** One source; without a device: all of a feed that are not registered. */
export type SourceQuality = {
  grade: Grade;
  /** What the doors have answered for. */
  received: number;
  /** Of it, what the log took as new. */
  stored: number;
  /** Of it, what the log had already. */
  duplicate: number;
  /** Of it, what was refused. */
  refused: number;
  /** Of what was refused, what no dead letter keeps. */
  not_kept: number;
  /** What was refused before and let in by a person; it was received once, when it was refused. */
  released: number;
  /** Of what was stored, imported history. */
  history: number;
  /** How many readings the devices' periods ask for. */
  expected: number;
  /** How many readings are of this time, whenever they came. */
  measured: number;
  /** Which part of the expected readings came, 0 to 1; null: less than one is expected. */
  completeness: number | null;
  late: number;
  /** Of the readings whose lag is known. */
  late_share: number | null;
  suspect: number;
  clock_fault: number;
  skewed: number;
  /** From the measurement to the log. */
  lag_mean_seconds: number | null;
  lag_max_seconds: number | null;
  /** How far ahead of ours a clock was at most; more than two minutes are counted as two. */
  clock_ahead_seconds: number | null;
  feed: string | null;
  device: string | null;
  name: Label | null;
  area: string | null;
  zone: string | null;
  state: string | null;
  period_seconds: number | null;
  spark: (number | null)[];
};
/** Sources, the least complete first. */
export type SourceQualityPage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  window: "24h" | "30d";
  step_seconds: number;
  since: string;
  until: string;
  counted_since: string | null;
  items: SourceQuality[];
};
/** What a tile's line is of. */
export type SparkField = {
  feed: string;
  field: string;
  label: Label;
  unit: string;
};
/** How an indicator stands in one period; null: it cannot be told. */
export type Standing = {
  /** `2026-10`, `2026-Q4` or `2026`. */
  period: string;
  plan: number | null;
  actual: number | null;
  /** The actual as a part of the period's plan. */
  achievement_pct: number | null;
  /** Whether the period's plan is met, in the indicator's own direction. */
  met: boolean | null;
  cumulative_plan: number | null;
  /** The year so far; null as soon as a period of it is missing. */
  cumulative_actual: number | null;
  year_plan: number | null;
  /** The year so far as a part of the year's plan. */
  year_pct: number | null;
  /** What was planned up to now as a part of the year's plan. */
  due_pct: number | null;
  /** The actual of the same period of the year before. */
  last_year: number | null;
  yoy_change: number | null;
  /** Growth on the year before; null of what is a percentage itself. */
  yoy_pct: number | null;
  /** The last day on which its figure is in time. */
  due_on: string;
  late: boolean;
};
/** Where a device says that it is, in the newest of its samples that says so. */
export type StatedPlace = {
  lat: number;
  lon: number;
  /** The unit of today that holds the point; null: none does. */
  area: string | null;
  area_name: Label | null;
};
/** What this instance is. */
export type Status = {
  version: string;
  demo: boolean;
  bridge: Bridge | null;
  drill: DrillState | null;
  pack: string;
  title: Label;
  timezone: string;
  /** West, south, east, north. */
  bbox: [number, number, number, number];
  started_at: string;
  time: string;
  position: number;
  trouble: Partial<Record<Trouble, string>>;
};
/** Seconds until each step; null: never. */
export type StepSeconds = {
  receive: number | null;
  call: number | null;
  dispatch: number | null;
};
/** How often each step was done. */
export type StepSummaries = {
  receive: DrillSummary;
  call: DrillSummary;
  dispatch: DrillSummary;
};
/** Seconds within which each step should be done. */
export type StepTargets = {
  receive: number;
  call: number;
  dispatch: number;
};
/** One revision of an event as the log has it. */
export type StoredEvent = {
  key: string;
  position: number;
  log_time: string;
  feed: string;
  device: string;
  /** Its sender's. */
  id: string | null;
  /** When its sender says that it was. */
  time: string | null;
  effective: string;
  received_at: string;
  data: Record<string, unknown>;
  /** Names of fields that are shown for a reason only. */
  withheld: string[];
  flags: Flag[];
  area: string | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  revision: number;
  door: string;
};
/** How a figure stands to its target. */
export type TargetVerdict = "good" | "fair" | "poor" | "unknown";
/** The station with the worst air of the last hour that is over. */
export type TileAir = {
  device: string;
  device_name: Label | null;
  t: string;
  value: AirIndex;
  /** Of how many it is the worst. */
  stations: number;
};
/** How long something took, in seconds; null: it was never done. */
export type Times = {
  count: number;
  mean_seconds: number | null;
  median_seconds: number | null;
  p95_seconds: number | null;
};
/** A way into the tour, good once. */
export type TourEntry = {
  port: number;
  code: string;
};
/** How the tour stands. */
export type Tour = {
  /** Whether this instance is the tour. */
  here: boolean;
  state: "none" | "starting" | "ready" | "over";
  title: Label | null;
  /** Of its screens; absent in the tour itself. */
  port?: number | null;
  started_by?: string | null;
  /** This and what follows: once it is ready. */
  start?: string | null;
  end?: string | null;
  clock?: string | null;
  progress?: number | null;
  over?: boolean | null;
  paused?: boolean | null;
  speed?: number | null;
  speeds?: number[] | null;
};
/** How an alert's condition moved. */
export type TransitionKind = "opened" | "raised" | "lowered" | "cleared" | "reopened";
/** Where the main measure of an open alert goes. */
export type Trend = "rising" | "falling" | "steady";
/** The first event that would stand, or stands. */
export type TrialSample = {
  feed: string;
  device: string;
  time: string | null;
  data: Record<string, unknown>;
  flags: Flag[];
};
export type Trouble = "database" | "disk" | "durability" | "duty" | ProcessKind;
/** An area or a zone that a unit acts in. */
export type UnitArea = {
  code: string;
  name: Label | null;
};
/** How a unit stood after a step. */
export type UnitBody = {
  name: Label;
  function: Label | null;
  rank: number;
  domains: string[];
  areas: string[];
  hours: Hours | null;
  parent: string | null;
  next_level: string | null;
};
/** Who of a unit is on duty now, and where nobody is. */
export type UnitCoverage = {
  unit: NamedUnit;
  on_duty: OnDuty[];
  /** It keeps a roster, is there by its hours, and nobody is on duty now. */
  unstaffed: boolean;
  gaps: Gap[];
};
/** Units by id. */
export type UnitList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Unit[];
};
/** An agency or team that acts. */
export type Unit = {
  id: string;
  origin: DirectoryOrigin;
  /** It was taken out; an undo brings it back. */
  removed: boolean;
  version: number;
  changed_at: string;
  /** Null: the pack. */
  changed_by: string | null;
  changed_why: string;
  name: Label;
  function: Label | null;
  /** Of units that are alike near, the lowest is called first. */
  rank: number;
  /** None: every domain. */
  domains: string[];
  /** None: everywhere. */
  areas: UnitArea[];
  /** Null: around the clock. */
  hours: Hours | null;
  /** The unit that it is part of. */
  parent: string | null;
  /** Who is called where nobody of it can be. */
  next_level: string | null;
};
/** A device that nobody has registered, by what it sent for one feed. */
export type UnknownDevice = {
  device: string;
  feed: string;
  /** Dead letters of it that are kept. */
  letters: number;
  first_at: string;
  last_at: string;
  place: StatedPlace | null;
  /** Its three newest letters. */
  samples: UnknownSample[];
  ignored: Ignored | null;
};
/** Unknown devices, who sent last first. */
export type UnknownDevicePage = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: UnknownDevice[];
  /** How many there are on all pages. */
  devices: number;
  /** How many letters they are made of. */
  letters: number;
  /** Whether older letters were not looked at. */
  truncated: boolean;
};
/** One letter of an unknown device, the beginning of its bytes as they came. */
export type UnknownSample = {
  letter: number;
  detail: string;
  topic: string | null;
  /** Its length as it came. */
  raw_bytes: number;
  /** Null where it is no UTF-8. */
  raw_text: string | null;
  raw_base64: string;
  received_at: string;
  door: string;
};
/** The withheld fields of an event. */
export type Unmasked = {
  key: string;
  fields: Record<string, unknown>;
  /** The fields whose values were erased. */
  erased: string[];
};
/** Accounts by name. */
export type UserList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: User[];
};
/** An account, without anything of the password. */
export type User = {
  username: string;
  name: string;
  role: Role;
  area: string | null;
  must_change: boolean;
  change_required: boolean;
  disabled: boolean;
  created_at: string;
  updated_at: string;
  version: number;
};
/** How much a fault weighs. */
export type RuleProblemSeverity = "error" | "warning";
/** Whom to call about an alert, at most three, in order. */
export type WhomToCall = {
  items: Candidate[];
  /** Why there is nobody to call; null: there is somebody. */
  gap: ContactGap | null;
  /** Units here that keep a roster and have nobody on duty now, the nearest three: their next level is called. */
  unstaffed: NamedUnit[];
  /** Units that serve the domain here and have no contact with a number, the nearest three. */
  without_number: NamedUnit[];
  without_number_count: number;
  emergency_numbers: EmergencyNumber[];
};
/** A window of time. */
export type WindowDetails = {
  kind: "window";
  from: string;
  to: string;
  over_seconds: number;
  pane_seconds: number;
  measure: string | null;
  measure_label: Label | null;
  unit: string;
  pane_of: "mean" | "sum" | "count" | null;
  panes: Pane[];
  /** What the measure is taken apart by. */
  per: string | null;
  /** Which part decided. */
  part: string | null;
  parts: WindowPart[];
};
/** What a measure was in one part of a window that is taken apart. */
export type WindowPart = {
  part: string;
  v: number;
  name: Label | null;
};
/** What a person does with an alert. */
export type WorkAction =
  | "acknowledge"
  | "comment"
  | "resolve"
  | "reopen"
  | "call"
  | "dispatch"
  | "false-alarm"
  | "assign"
  | "unassign"
  | "shelve"
  | "unshelve"
  | "start"
  | "close";
/** How far people are with an alert; written by people only. */
export type WorkState = "new" | "acknowledged" | "in_progress" | "resolved" | "false_alarm" | "shelved" | "closed";
/** A threshold as the rule's text has it. */
export type WrittenLimit = {
  value: number;
  unit: string;
  source: string;
  verified: boolean;
  valid_from?: string | null;
  name?: Label | null;
};
/** Something came into a place, or left it. */
export type ZoneDetails = {
  kind: "zone";
  inside: boolean | null;
  margin_m: number;
  polygon: [number, number][] | null;
  circle: [number, number] | null;
  radius_m: number | null;
};
/** Zones. */
export type ZoneList = {
  /** The cursor of the page after this one; null: this is the last. */
  next: string | null;
  items: Zone[];
};
/** A former city or district, as a set of today's units. */
export type Zone = {
  code: string;
  name: Label;
  former_code: string;
  areas: string[];
};
/** The `clock` event of the stream, each second. */
export type Clock = {
  time: string;
  position: number;
  log_lag_seconds: number;
  devices: DeviceCounts;
  trouble: Trouble[];
  /** Processes that are missed, by kind, and since when. */
  stale: Partial<Record<ProcessKind, string>>;
  /** The duty mode that holds; null: the normal one. */
  duty_mode: ModeNow | null;
  /** When the duty roster was changed last; null: there is none. */
  roster_changed_at: string | null;
};
/** How many devices there are inside the reader's wall. */
export type DeviceCounts = {
  online: number;
  total: number;
};
/** The duty mode that holds, as the clock of the stream tells it. */
export type ModeNow = {
  mode: "reinforced" | "emergency";
  level: number | null;
  decision: string | null;
  until: string | null;
};
/** The `reset` event of the stream: the lists must be loaded again. */
export type Reset = {
  position: number;
};
/** An `alert` or `device` event of something that is gone, or has left the reader's area. */
export type StreamGone = {
  id: string;
  gone: true;
};
/** RFC 9457. `code` is stable; `title` follows Accept-Language (vi, en). */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code:
    | "already_exists"
    | "backlog_held"
    | "body_too_large"
    | "changes_pruned"
    | "cross_site"
    | "forbidden"
    | "forbidden_transition"
    | "intake_paused"
    | "internal"
    | "invalid_cursor"
    | "invalid_input"
    | "invalid_rule"
    | "invalid_sheet"
    | "media_full"
    | "method_not_allowed"
    | "not_found"
    | "not_subscribed"
    | "outbound_full"
    | "password_change_required"
    | "plain_http"
    | "queue_full"
    | "store_unavailable"
    | "too_many_requests"
    | "unauthenticated"
    | "undo_refused"
    | "unknown_value"
    | "unreadable_body"
    | "unsupported_media_type"
    | "version_conflict"
    | "version_required";
  /** What is wrong in the request, by field. */
  errors?: {
    field: string;
    message: string;
    code?: string;
  }[];
  /** Faults of a rule's text. */
  problems?: Record<string, unknown>[];
  /** With 412: the thing as it is now. */
  current?: Record<string, unknown>;
  /** With 503 `intake_paused`: why. */
  reason?: string;
};
/** An alert, in the version that was seen. */
export type SeenAlert = {
  id: string;
  version: number;
};
/** When somebody is there, in the words of a rule's `active`: every day and all day unless it says less. */
export type HoursEntry = {
  days?: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[] | null;
  hours?: string[] | null;
  holidays?: "include" | "exclude" | "only" | null;
};
/** Which alerts: what is named must fit, what is left out fits all; at least one is named. */
export type MatchForm = {
  rule?: string[];
  domain?: string[];
  area?: string[];
  device?: string[];
  severity_max?: "info" | "low" | "medium" | "high" | "critical";
};
/** One way to reach a contact. */
export type MethodForm = {
  kind: "tel" | "radio" | "zalo" | "email";
  value: string;
};
/** A name in both languages; English falls back to Vietnamese. */
export type NameText = {
  vi: string;
  en?: string | null;
};
/** All of them. */
export const WORK_ACTIONS: readonly WorkAction[] = [
  "acknowledge",
  "comment",
  "resolve",
  "reopen",
  "call",
  "dispatch",
  "false-alarm",
  "assign",
  "unassign",
  "shelve",
  "unshelve",
  "start",
  "close",
];
