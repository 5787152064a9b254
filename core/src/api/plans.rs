//! Plans: starting, listing, reading, consent, sharing, history.

use std::fmt;

use bedside_protocol::cbor;
use bedside_protocol::entry::{Act, Compartment, Consent, Grounds, Outcome, Scope};
use bedside_protocol::ids::{EntryId, LogId, Principal, StatementId, Timestamp};
use serde::{Serialize, Serializer};

use super::approval::HeldState;
use super::{ApiError, App, Saved};
use crate::crdt::Edit;
use crate::driver::DriverError;
use crate::driver::commit::{Listed, Rows, Says};
use crate::driver::compartments::NHS_NUMBER;
use crate::driver::open_vault::Family;
use crate::driver::shown::Made;
use crate::fhir::{self, Demographics};
use crate::ledger::Verdict;
use crate::ledger::replica::Replica;
use crate::ledger::review::Ruling;
use crate::limits::{PAGE_ITEMS_MAX, SEARCH_HITS_MAX};
use crate::plan::leaf::{Answer, Leaf, Source};
use crate::plan::locale::{Locale, Message};
use crate::plan::nhs_number::NhsNumber;
use crate::plan::page::{Audience, Page};
use crate::plan::view::PlanView;
use crate::plan::words;
use crate::plan::{dates, kept};
use crate::store::{Hit, LogRow, PageKey, PlanRow, ReceiptKind};

/// A plan on this device: the id of its main log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanId(pub(super) LogId);

/// A plan to be started.
pub struct NewPlan {
    /// Ten digits; spaces and hyphens may stand between them.
    pub nhs_number: String,
    /// What the demographics service says, if it was asked.
    pub demographics: Option<Demographics>,
    /// Consent, or another basis, to record. Without it there is no plan.
    pub record: ConsentSpec,
    /// Consent, or another basis, to share; absent when not asked yet.
    pub share: Option<ConsentSpec>,
    /// The demographics carry a death notice, and whoever starts the plan has seen the person alive.
    pub seen_alive: bool,
}

/// A consent, or another lawful basis, as it is recorded.
#[derive(Clone)]
pub struct ConsentSpec {
    /// Given, withdrawn, or on another basis.
    pub outcome: Outcome,
    /// How and by whom, in words.
    pub note: String,
    /// Who decided, whom they asked, and why: needed for every basis but the person's own word.
    pub grounds: Option<Grounds>,
}

/// A plan was started.
#[derive(Clone, Debug, Serialize)]
pub struct Started {
    /// The plan.
    pub plan: PlanId,
    /// What was saved.
    pub saved: Saved,
}

/// A page of plans.
pub struct PlanList {
    /// Ordered by family name, then given names.
    pub rows: Vec<PlanListRow>,
    /// Where the next page begins; none after the last.
    pub next: Option<PageKey>,
}

/// One plan in a list.
#[derive(Clone, Debug, Serialize)]
pub struct PlanListRow {
    /// The plan.
    pub plan: PlanId,
    /// Family name in upper case; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// Date of birth, DD-Mmm-YYYY; empty when not recorded.
    pub born: String,
    /// Ten digits.
    pub nhs_number: String,
    /// Where the person lives, in a few words.
    pub place: String,
    /// The CPR answer in one line, with who and when.
    pub cpr: String,
    /// How many alerts.
    pub alerts: u32,
    /// Decisions contradict each other.
    pub in_conflict: bool,
    /// How many entries are held.
    pub held: u32,
    /// When it last changed on this device, in milliseconds since 1970.
    pub changed_at: u64,
    /// How the plan as a whole stands: a token of the set of statuses.
    pub status: String,
    /// DD-Mmm-YYYY, when the person has died.
    pub died: Option<String>,
    /// Consent is withdrawn, and this device does not show the plan.
    pub locked: bool,
}

/// A plan that a search found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The plan.
    #[serde(flatten)]
    pub plan: PlanListRow,
    /// It does not begin as it was typed: show that, and have name, date of birth and NHS number compared before it is
    /// opened.
    pub similar: bool,
}

/// Who is given access to a plan.
#[derive(Clone, Debug)]
pub enum Reader {
    /// Everybody in an organisation, by its ODS code.
    Organisation(String),
}

/// One entry of a plan's history.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryRow {
    /// The entry's id.
    pub entry: String,
    /// The author's device clock, in milliseconds since 1970.
    pub at: u64,
    /// The last time that a relay had told the author's device, likewise; none when it had never met one.
    pub relay_at: Option<u64>,
    /// The author.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// What the entry does, in words.
    pub what: String,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    pub kept_in: Option<&'static str>,
    /// Why it is held; absent when it stands, or was adopted.
    pub held: Option<String>,
    /// What became of it, when it was held and somebody decided.
    pub review: Option<HeldState>,
    /// Saved, sent, seen.
    pub receipts: ReceiptState,
}

/// How far an entry has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiptState {
    /// The relay has it, durably. Always so for what came from others.
    pub sent: bool,
    /// Names of the readers whose devices hold it.
    pub seen_by: Vec<String>,
    /// Why the relay refused it.
    pub refused: Option<String>,
}

/// How far a plan's own entries have got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipts {
    /// Entries written on this device: durable here.
    pub saved: usize,
    /// Of these: durable on the relay.
    pub sent: usize,
    /// Of these: held by another named reader's device.
    pub seen: usize,
}

impl PlanId {
    /// Reads what `Display` writes: 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        LogId::from_hex(text).map(Self)
    }
}

impl From<LogId> for PlanId {
    fn from(log: LogId) -> Self {
        Self(log)
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for PlanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl App {
    /// Starts a plan. Durable when it returns.
    ///
    /// Errors: [`ApiError::AlreadyThere`] when this device holds one for the NHS number, [`ApiError::Invalid`] for a
    /// wrong number or a death notice, [`ApiError::NotAllowed`] without the right to start plans.
    pub fn start_plan(&self, new: NewPlan) -> Result<Started, ApiError> {
        let open = self.vault()?;
        open.standing()?;
        let number = NhsNumber::parse(&new.nhs_number)
            .map_err(|error| ApiError::unfit("NHS number", error.message()))?;
        check_demographics(&new, &number)?;
        let log = open.lookup_key()?.log_id(Compartment::Shared, &number.digits());
        let known =
            open.vault.read(|read| Ok(!read.entries(&log)?.is_empty())).map_err(DriverError::Store)?;
        if known {
            return Err(ApiError::AlreadyThere { what: "a plan for this NHS number".into() });
        }
        let at = self.device.moment()?;
        let entropy = &*self.device.host().entropy;
        let mut rows = Rows::default();
        let row = LogRow { id: log, main: None, compartment: 0, subscribed: false, opened_at: None };
        open.begin_log(&open.books().trust, row, at, entropy, &mut rows)?;
        let mut says = vec![Says::Consent(consent(Scope::Record, new.record))];
        says.extend(new.share.map(|share| Says::Consent(consent(Scope::Share, share))));
        says.push(Says::Edits(first_edits(new.demographics, &number)));
        let entries = open.commit(log, says, at, rows)?;
        self.saved_something(log)?;
        Ok(Started { plan: PlanId(log), saved: Saved::of(&entries) })
    }

    /// [`read_patient`], as of today.
    pub fn read_patient(&self, json: &[u8]) -> Result<Demographics, ApiError> {
        read_patient(json, self.device.now())
    }

    /// The id of the plan for an NHS number, whether or not this device holds it.
    pub fn plan_id(&self, nhs_number: &str) -> Result<PlanId, ApiError> {
        let number =
            NhsNumber::parse(nhs_number).map_err(|error| ApiError::unfit("NHS number", error.message()))?;
        let open = self.vault()?;
        let none = || ApiError::NotFound { what: "plan for this NHS number".into() };
        // The number itself leads to the plan: what somebody wrote into a plan's identity must not lead to another's. Only a
        // person's own device has no lookup key, and one plan.
        let wanted = open.lookup_key().ok().map(|key| key.log_id(Compartment::Shared, &number.digits()));
        let row = match wanted {
            Some(log) => open.vault.read(|read| read.plan(&log)),
            None => open.vault.read(|read| read.plan_by_nhs(&number.digits())),
        };
        row.map_err(DriverError::Store)?.map(|row| PlanId(row.log)).ok_or_else(none)
    }

    /// A page of at most `limit` plans (200 at most), by name.
    pub fn plans(&self, after: Option<&PageKey>, limit: usize) -> Result<PlanList, ApiError> {
        let limit = limit.clamp(1, PAGE_ITEMS_MAX);
        let page =
            self.reading()?.vault.read(|read| read.plans_page(after, limit)).map_err(DriverError::Store)?;
        let locale = self.locale();
        let rows = page.rows.into_iter().map(|row| PlanListRow::of(row, &locale)).collect();
        Ok(PlanList { rows, next: page.next })
    }

    /// Plans whose name, NHS number or place begins with each of the words, by name; then those whose name is similar, up to
    /// 20 and marked as such. At most 50.
    ///
    /// Meant for every keystroke. A letter that is wrong, missing, one too many or swapped with its neighbour is forgiven in
    /// names of four letters and more, two of them in names of eight; digits never.
    pub fn search(&self, text: &str) -> Result<Vec<Found>, ApiError> {
        let hits = self
            .reading()?
            .vault
            .read(|read| read.search(text, SEARCH_HITS_MAX))
            .map_err(DriverError::Store)?;
        let locale = self.locale();
        let found = |hit: Hit| Found { plan: PlanListRow::of(hit.plan, &locale), similar: hit.similar };
        Ok(hits.into_iter().map(found).collect())
    }

    /// The plan as this device's person is shown it: as it stands, or as urgent care is shown it, or, when consent was
    /// withdrawn and it is another organisation's plan, that and nothing else.
    ///
    /// They have looked at it with that (see [`super::Worklist::Changed`]), and it is recorded.
    pub fn plan(&self, plan: PlanId) -> Result<PlanView, ApiError> {
        Ok(self.said(self.seen(plan, Made::FOR_READER)?))
    }

    /// The plan as urgent care is shown it: of decisions those that were approved, marked where something changed since,
    /// and every newer decision for less treatment. A device of urgent care is shown this by [`Self::plan`] as well.
    pub fn plan_for_urgent_care(&self, plan: PlanId) -> Result<PlanView, ApiError> {
        Ok(self.said(self.seen(plan, Made { as_urgent: true, ..Made::FOR_READER })?))
    }

    /// The plan as a page for a kind of reader; when none is named, for the kind that this device's person is. They have
    /// looked at it with that. A page for the person is what their own device would show.
    pub fn page(&self, plan: PlanId, audience: Option<Audience>) -> Result<Page, ApiError> {
        let audience = audience.unwrap_or_else(|| self.usual_audience());
        let view = self.seen(plan, made_for(audience, true))?;
        self.page_of(plan, &view, audience)
    }

    /// The same page as a document of HTML, for paper. That it was printed is recorded before it is.
    ///
    /// Paper lies about: what professionals keep among themselves is on it only `with_professional`, and never on a page for
    /// the person.
    pub fn print(
        &self,
        plan: PlanId,
        audience: Option<Audience>,
        with_professional: bool,
    ) -> Result<String, ApiError> {
        let audience = audience.unwrap_or_else(|| self.usual_audience());
        let (view, _) = self.shown(plan, made_for(audience, with_professional))?;
        self.looked_and_wait(plan, Act::Print, None)?;
        Ok(self.page_of(plan, &view, audience)?.html())
    }

    /// How many answers and decisions of a plan are kept among professionals, as far as this device's person may read them: what
    /// [`Self::print`] and [`Self::export`] leave out unless they are told otherwise.
    pub fn kept_from_person(&self, plan: PlanId) -> Result<usize, ApiError> {
        Ok(kept::count(&self.shown(plan, Made::FOR_READER)?.0))
    }

    /// The kind of reader that this device's person is.
    #[must_use]
    pub fn usual_audience(&self) -> Audience {
        self.identity().map_or(Audience::CareTeam, |identity| Audience::of_role(identity.role))
    }

    fn seen(&self, plan: PlanId, made: Made) -> Result<PlanView, ApiError> {
        let (view, last) = self.shown(plan, made)?;
        self.vault()?.looked(plan.0, last, self.device.now());
        self.looked(plan, Act::View, None)?;
        Ok(view)
    }

    /// The plan as it is shown, for what is not a look at it, and the position of its last entry.
    pub(super) fn shown(&self, plan: PlanId, made: Made) -> Result<(PlanView, i64), ApiError> {
        let open = self.vault()?;
        let at = self.device.moment()?;
        self.is_here(plan)?;
        let may_read = self.may_read(plan)?;
        let mut books = open.books();
        let view = if may_read {
            books.unlocked(&open.vault, plan.0, at, made)?
        } else {
            books.shown(&open.vault, plan.0, at, made)?
        };
        // While the books are held nothing more comes in: what is here is what is shown.
        let last = open.vault.read(|read| read.last_position(&plan.0)).map_err(DriverError::Store)?;
        drop(books);
        Ok((self.marked(plan, view)?, last))
    }

    /// Records a consent or another basis, or its withdrawal.
    pub fn record_consent(&self, plan: PlanId, scope: Scope, spec: ConsentSpec) -> Result<Saved, ApiError> {
        let open = self.vault()?;
        let outcome = spec.outcome;
        let entries = open.commit(
            plan.0,
            vec![Says::Consent(consent(scope, spec))],
            self.device.moment()?,
            Rows::default(),
        )?;
        self.saved_something(plan.0)?;
        if outcome == Outcome::Withdrawn {
            self.send_first(plan);
        }
        Ok(Saved::of(&entries))
    }

    /// The organisations that a plan can be shared with: name and ODS code.
    pub fn organisations(&self) -> Result<Vec<(String, String)>, ApiError> {
        let open = self.vault()?;
        let books = open.books();
        Ok(books.trust.organisations().map(|(_, o)| (o.name.clone(), o.ods_code.clone())).collect())
    }

    /// Gives a reader access to a plan, history included. Needs consent to share.
    pub fn share(&self, plan: PlanId, reader: &Reader) -> Result<(), ApiError> {
        let open = self.vault()?;
        let Reader::Organisation(code) = reader;
        let found = {
            let books = open.books();
            let of_code = books.trust.organisations().find(|(_, o)| o.ods_code.eq_ignore_ascii_case(code));
            of_code.map(|(_, o)| (o.id, o.sealing_key.clone()))
        };
        let (id, sealing_key) = found
            .ok_or_else(|| ApiError::NotFound { what: format!("organisation with the ODS code {code}") })?;
        let shared =
            self.with_replica(plan, |replica, _| Ok(replica.ledger().basis(Scope::Share).is_some()))?;
        if !shared {
            return Err(ApiError::not_allowed(Message::new("refused-no-consent-to-share")));
        }
        let entropy = &*self.device.host().entropy;
        open.give_access(
            plan.0,
            Principal::Organisation(id),
            &sealing_key,
            true,
            self.device.moment()?,
            entropy,
        )?;
        self.saved_something(plan.0)
    }

    /// Every entry of a plan, oldest first.
    pub fn history(&self, plan: PlanId) -> Result<Vec<HistoryRow>, ApiError> {
        self.with_replica(plan, |_, _| Ok(()))?;
        let mut rows = Vec::new();
        let logs = self.logs_of(plan)?;
        for log in &logs {
            rows.extend(self.history_of(*log)?);
        }
        if logs.len() > 1 {
            rows.sort_by_key(|row| row.at);
        }
        Ok(rows)
    }

    /// The logs of a plan that the device's person may be shown, the main one first.
    pub(super) fn logs_of(&self, plan: PlanId) -> Result<Vec<LogId>, ApiError> {
        let open = self.vault()?;
        let beside = open.books().shown_beside(&open.vault, plan.0)?.into_iter().map(|(_, log)| log);
        Ok([plan.0].into_iter().chain(beside).collect())
    }

    fn history_of(&self, log: LogId) -> Result<Vec<HistoryRow>, ApiError> {
        let open = self.vault()?;
        let receipts = open.vault.read(|read| read.receipts_of(&log)).map_err(DriverError::Store)?;
        let unsent = open.vault.read(|read| read.outgoing(Some(&log))).map_err(DriverError::Store)?;
        let locale = self.locale();
        let mut books = open.books();
        let (replica, trust) = books.replica_and_trust(&open.vault, log)?;
        let replica = &*replica;
        let rows = replica.ledger().in_order().into_iter().map(|(id, entry, verdict)| {
            let by = replica.provenance(&id, trust);
            let of_entry = receipts.iter().filter(|row| row.entry_id == id);
            let mut state = ReceiptState {
                sent: !unsent.iter().any(|row| row.entry_id == id),
                ..ReceiptState::default()
            };
            for row in of_entry {
                match row.kind {
                    ReceiptKind::Sent => state.sent = true,
                    ReceiptKind::Refused => state.refused = Some(locale.say("receipt-refused", &[])),
                    ReceiptKind::Seen => state.seen_by.extend(
                        StatementId::from_slice(&row.by)
                            .and_then(|by| trust.credential(&by))
                            .map(|credential| credential.name.clone()),
                    ),
                }
            }
            state.sent &= state.refused.is_none();
            HistoryRow {
                entry: id.to_string(),
                at: entry.device_time.0,
                relay_at: entry.relay_time.map(|time| time.0),
                author: by.as_ref().map(|by| by.author.clone()).unwrap_or_default(),
                role: by.as_ref().map(|by| by.role.name().to_owned()).unwrap_or_default(),
                organisation: by.and_then(|by| by.organisation),
                what: words::entry(&entry.body).say(&locale),
                kept_in: kept::mark(replica.ledger().compartment()),
                held: match verdict {
                    Verdict::Held(reason) if !replica.ledger().is_part(&id) => {
                        Some(reason.message().say(&locale))
                    }
                    _ => None,
                },
                review: replica
                    .ledger()
                    .held_entry(&id)
                    .filter(|held| held.ruling != Ruling::Open)
                    .map(|held| HeldState::of(&held, replica, trust)),
                receipts: state,
            }
        });
        Ok(rows.collect())
    }

    /// How far this device's own entries of a plan have got: saved, sent, seen. Looks are not counted.
    pub fn receipts(&self, plan: PlanId) -> Result<Receipts, ApiError> {
        let open = self.vault()?;
        let logs = self.logs_of(plan)?;
        let (own, receipts) = open
            .vault
            .read(|read| {
                let (mut own, mut receipts) = (Vec::<EntryId>::new(), Vec::new());
                for log in &logs {
                    let entries = read.entries(log)?.into_iter();
                    own.extend(entries.filter(|row| row.own).map(|row| row.entry_id));
                    receipts.extend(read.receipts_of(log)?);
                }
                Ok((own, receipts))
            })
            .map_err(DriverError::Store)?;
        let with = |kind| {
            own.iter().filter(|id| receipts.iter().any(|r| r.entry_id == **id && r.kind == kind)).count()
        };
        Ok(Receipts { saved: own.len(), sent: with(ReceiptKind::Sent), seen: with(ReceiptKind::Seen) })
    }

    /// Everything about a plan but who it is about is behind this: it refuses where consent was withdrawn.
    pub(super) fn with_replica<R>(
        &self,
        plan: PlanId,
        use_it: impl FnOnce(&Replica, &bedside_protocol::statement::Trust) -> Result<R, ApiError>,
    ) -> Result<R, ApiError> {
        let open = self.vault()?;
        self.is_here(plan)?;
        if !self.may_read(plan)? {
            return Err(locked_out());
        }
        let mut books = open.books();
        let (replica, trust) = books.replica_and_trust(&open.vault, plan.0)?;
        use_it(replica, trust)
    }

    /// The same with the logs beside the main one that the device's person may be shown.
    pub(super) fn with_family<R>(
        &self,
        plan: PlanId,
        use_it: impl FnOnce(&Family<'_>) -> Result<R, ApiError>,
    ) -> Result<R, ApiError> {
        let open = self.vault()?;
        self.is_here(plan)?;
        if !self.may_read(plan)? {
            return Err(locked_out());
        }
        let mut books = open.books();
        use_it(&books.family(&open.vault, plan.0)?)
    }

    pub(super) fn is_here(&self, plan: PlanId) -> Result<(), ApiError> {
        let open = self.reading()?;
        if open.books().has_ready(&plan.0) {
            return Ok(());
        }
        let log = open.vault.read(|read| read.log(&plan.0)).map_err(DriverError::Store)?;
        log.map(drop).ok_or_else(|| ApiError::NotFound { what: "plan".into() })
    }

    /// After a commit: the mailbox gets its copy, observers hear of it, the driver is woken.
    pub(super) fn saved_something(&self, log: LogId) -> Result<(), ApiError> {
        self.device.observers.tell(super::Event::Plan(log));
        // The entry is durable; what fails here is done again at the next save, sync or unlock.
        if let Err(error) = self.post() {
            tracing::warn!(%error, "the mailbox could not be filled now");
        }
        Ok(())
    }
}

/// Reads what the demographics service says of a person: a FHIR R4 Patient, or a Bundle with one.
///
/// Errors: [`ApiError::Invalid`] with what is wrong with the file and what would be right.
pub fn read_patient(json: &[u8], now: Timestamp) -> Result<Demographics, ApiError> {
    let today = dates::day(now).ok_or_else(|| ApiError::invalid("clock", "it shows no date"))?;
    fhir::read_patient(json, today).map_err(|error| ApiError::invalid("FHIR file", in_full(&error)))
}

const fn made_for(audience: Audience, with_professional: bool) -> Made {
    Made {
        as_urgent: matches!(audience, Audience::Urgent),
        with_professional: with_professional && !matches!(audience, Audience::Person),
    }
}

pub(super) fn locked_out() -> ApiError {
    ApiError::not_allowed(Message::new("refused-locked-out"))
}

fn consent(scope: Scope, spec: ConsentSpec) -> Consent {
    Consent { scope, outcome: spec.outcome, note: spec.note, grounds: spec.grounds }
}

fn check_demographics(new: &NewPlan, number: &NhsNumber) -> Result<(), ApiError> {
    let Some(demographics) = &new.demographics else { return Ok(()) };
    if demographics.nhs_number.digits() != number.digits() {
        return Err(ApiError::invalid("demographics", "they are of another NHS number than the plan's"));
    }
    match &demographics.death_notice {
        Some(date) if !new.seen_alive => Err(ApiError::invalid(
            "demographics",
            format!(
                "they carry a death notice ({date}); if you have seen the person alive, say so explicitly"
            ),
        )),
        _ => Ok(()),
    }
}

fn first_edits(demographics: Option<Demographics>, number: &NhsNumber) -> Vec<Edit> {
    let from_service = demographics.map(|d| d.edits).unwrap_or_default();
    let mut edits: Vec<Edit> =
        from_service.into_iter().map(|(key, leaf)| Edit::Put { key, value: leaf.to_bytes() }).collect();
    if !edits.iter().any(|edit| matches!(edit, Edit::Put { key, .. } if key == NHS_NUMBER)) {
        let leaf =
            Leaf { answer: Answer::Text(number.digits()), heard_from: Source::Record, confirmed: None };
        edits.push(Edit::Put { key: NHS_NUMBER.to_owned(), value: leaf.to_bytes() });
    }
    edits
}

impl PlanListRow {
    pub(super) fn of(row: PlanRow, locale: &Locale) -> Self {
        let more: Listed = cbor::decode(&row.summary).unwrap_or_default();
        Self {
            plan: PlanId(row.log),
            family: row.family,
            given: row.given,
            born: row.born,
            nhs_number: row.nhs_number,
            place: row.place,
            cpr: more.first.map_or(row.cpr, |first| first.say(locale)),
            alerts: row.alerts,
            in_conflict: row.in_conflict,
            held: row.held,
            changed_at: row.changed_at.0,
            status: more.status,
            died: more.died,
            locked: more.locked,
        }
    }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
