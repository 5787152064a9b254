//! How a plan came to be what it is: one field's history, the plan as it once stood, what changed, and taking a change back.

use std::collections::BTreeMap;

use bedside_protocol::entry::{Act, Body, Compartment, Decision, Entry};
use bedside_protocol::ids::{EntryId, Timestamp};
use bedside_protocol::statement::Trust;
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App, Saved};
use crate::crdt::{ChangeInfo, Document, Edit, inspect};
use crate::driver::commit::{Rows, Says};
use crate::driver::open_vault::Family;
use crate::ledger::replica::{Backlog, Replica};
use crate::ledger::{By, Verdict};
use crate::plan::check::decode_decision;
use crate::plan::compare::{Difference, differences};
use crate::plan::for_person::for_person;
use crate::plan::kept::mark;
use crate::plan::leaf::{Answer, Leaf, Source};
use crate::plan::locale::{Arg, Locale, Message};
use crate::plan::page::{Audience, Page};
use crate::plan::schema::{self, Field, TEXTS};
use crate::plan::view::{self, AsOf, PlanView};
use crate::plan::{dates, words};

/// A moment of a plan's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// After an entry, as its author knew the plan.
    Entry(EntryId),
    /// By the clocks of the authors' devices.
    Time(Timestamp),
}

impl At {
    /// Reads an entry's id, a moment in RFC 3339, or a day, which means its end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        EntryId::from_hex(text).map(Self::Entry).or_else(|| dates::parse_time(text).map(Self::Time))
    }
}

/// One time that a field was written.
#[derive(Clone, Debug, Serialize)]
pub struct FieldHistoryRow {
    /// The entry, in hexadecimal.
    pub entry: String,
    /// The author's device clock, in milliseconds since 1970.
    pub at: u64,
    /// The author.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    pub kept_in: Option<&'static str>,
    /// The consent or other basis on which it was written.
    pub basis: Option<String>,
    /// Who it was heard from; none for a text.
    pub heard_from: Option<&'static str>,
    /// What stood before; empty when nothing was recorded.
    pub before: Vec<String>,
    /// What stood after; several when answers stood beside each other.
    pub after: Vec<String>,
    /// Why it is held; absent when it is part of the plan.
    pub held: Option<String>,
}

impl App {
    /// Every time that a field was written, oldest first, held ones included, in every part of the plan that this device's person
    /// may read. What stood before and after is what stood in that part. What is shown on demand only, such as the key-safe
    /// code, is not told here.
    pub fn field_history(&self, plan: PlanId, key: &str) -> Result<Vec<FieldHistoryRow>, ApiError> {
        let unknown = || ApiError::invalid(key, "there is no such field");
        let (field, _) = schema::field(key).ok_or_else(unknown)?;
        let locale = self.locale();
        self.with_family(plan, |family| {
            let mut rows: Vec<FieldHistoryRow> = Vec::new();
            for replica in family.logs() {
                let (plan, trust) = (family.main, family.trust);
                let past = FieldPast { replica, plan, trust, field, key, locale: &locale };
                rows.extend(if field.section.is_decision() { past.decided() } else { past.written() });
            }
            if !family.beside.is_empty() {
                rows.sort_by_key(|row| row.at);
            }
            Ok(rows)
        })
    }

    /// The plan as it stood at a moment of its past. After an entry of the shared plan that is the shared plan alone: what its
    /// author knew of the parts beside it is written nowhere.
    pub fn plan_at(&self, plan: PlanId, at: At) -> Result<PlanView, ApiError> {
        Ok(self.said(self.was(plan, at)?))
    }

    /// The same as a page for a kind of reader; when none is named, for the kind that this device's person is.
    pub fn page_at(&self, plan: PlanId, at: At, audience: Option<Audience>) -> Result<Page, ApiError> {
        let audience = audience.unwrap_or_else(|| self.usual_audience());
        Ok(Page::in_language(&self.was(plan, at)?, audience, &self.locale()))
    }

    fn was(&self, plan: PlanId, at: At) -> Result<PlanView, ApiError> {
        let then = self.with_family(plan, |family| past(family, at))?;
        self.looked(plan, Act::View, None)?;
        self.marked(plan, self.for_reader(then))
    }

    /// What changed from one moment to another, or to now, in words.
    pub fn differences(&self, plan: PlanId, from: At, to: Option<At>) -> Result<Vec<Difference>, ApiError> {
        let now = self.device.moment()?;
        let (before, after) = self.with_family(plan, |family| {
            let before = past(family, from)?;
            let after = match to {
                Some(to) => past(family, to)?,
                None => {
                    let as_of = AsOf { now: now.now, last_contact: now.relay_time };
                    let (main, trust) = (family.main, family.trust);
                    main.material_with(&family.beside, trust, as_of, Backlog::default(), view::view)
                }
            };
            Ok((before, after))
        })?;
        Ok(differences(&self.for_reader(before), &self.for_reader(after), &self.locale()))
    }

    /// Without what the person must not see, on their own device and on that of whoever speaks for them.
    fn for_reader(&self, view: PlanView) -> PlanView {
        match self.usual_audience() {
            Audience::Person => for_person(view),
            _ => view,
        }
    }

    /// Takes back the last change that this device's person made to the plan's fields, by a new change. Undoing that does the
    /// change again.
    ///
    /// Errors: [`ApiError::NotAllowed`] when somebody has changed the same field since: nobody's words are undone by
    /// another's. A decision is not undone; the right one is recorded. What was disclosed is not kept from the person again.
    pub fn undo(&self, plan: PlanId) -> Result<Saved, ApiError> {
        let open = self.vault()?;
        let (log, edits) = self.with_family(plan, |family| {
            let last = |replica: &'_ Replica| {
                let mut own = replica.ledger().in_order().into_iter().filter(|(id, entry, _)| {
                    let credential = family.trust.credential(&entry.credential);
                    credential.is_some_and(|credential| credential.identity() == open.keys.identity)
                        && matches!(entry.body, Body::Change(_))
                        && replica.ledger().is_part(id)
                });
                own.next_back().map(|(id, entry, _)| (entry.device_time, id))
            };
            let own = family.logs().filter_map(|replica| Some((last(replica)?, replica)));
            let Some(((_, id), replica)) = own.max_by_key(|(last, _)| *last) else {
                return Err(ApiError::NotFound { what: "change of yours in this plan".into() });
            };
            Ok((replica.ledger().log(), reversing(replica, judged_by(family, replica), &id)?))
        })?;
        let entries = open.commit(log, vec![Says::Edits(edits)], self.device.moment()?, Rows::default())?;
        self.saved_something(plan.0)?;
        Ok(Saved::of(&entries))
    }
}

fn past(family: &Family<'_>, at: At) -> Result<PlanView, ApiError> {
    let (then, now) = match at {
        At::Entry(id) => after(family, &id)?,
        At::Time(time) => {
            let main = family.main.at(|_, entry| entry.device_time <= time, family.trust);
            let by = By { trust: family.trust, plan: Some(main.ledger()) };
            let beside = family.beside.iter().map(|log| log.at(|_, entry| entry.device_time <= time, by));
            (Then { beside: beside.collect(), main }, time)
        }
    };
    let as_of = AsOf { now, last_contact: None };
    let beside: Vec<&Replica> = then.beside.iter().collect();
    let view = then.main.material_with(&beside, family.trust, as_of, Backlog::default(), view::past);
    Ok(PlanView { shared_only: beside.is_empty(), ..view })
}

/// Logs of a plan as they once were.
struct Then {
    main: Replica,
    beside: Vec<Replica>,
}

/// What the author of an entry knew when they wrote it.
fn after(family: &Family<'_>, id: &EntryId) -> Result<(Then, Timestamp), ApiError> {
    let found = family.logs().find_map(|replica| Some((replica, replica.ledger().entry(id)?)));
    let (replica, entry) = found.ok_or_else(|| ApiError::NotFound { what: "entry of this plan".into() })?;
    let own = replica.ledger().past_of(&[*id]);
    if replica.ledger().compartment() == Compartment::Shared {
        let main = replica.at(|id, _| own.contains(id), family.trust);
        return Ok((Then { main, beside: Vec::new() }, entry.device_time));
    }
    let (_, heads) = entry.place();
    let known = family.main.ledger().past_of(heads);
    let main = family.main.at(|id, _| known.contains(id), family.trust);
    let by = By { trust: family.trust, plan: Some(main.ledger()) };
    let beside = vec![replica.at(|id, _| own.contains(id), by)];
    Ok((Then { main, beside }, entry.device_time))
}

/// What the entries of one log of a plan are judged by.
fn judged_by<'a>(family: &'a Family<'_>, replica: &Replica) -> By<'a> {
    let beside = replica.ledger().compartment() != Compartment::Shared;
    By { trust: family.trust, plan: beside.then(|| family.main.ledger()) }
}

/// The past of one field, to be told in a language.
struct FieldPast<'a> {
    replica: &'a Replica,
    /// The main log, in which what its entries rest on stands.
    plan: &'a Replica,
    trust: &'a Trust,
    field: &'static Field,
    key: &'a str,
    locale: &'a Locale,
}

impl FieldPast<'_> {
    fn row(&self, id: &EntryId, entry: &Entry) -> FieldHistoryRow {
        let by = self.replica.provenance(id, self.trust);
        let ledger = self.replica.ledger();
        let basis = entry.basis.and_then(|basis| match &self.plan.ledger().entry(&basis)?.body {
            Body::Consent(consent) => Some(words::consented(consent).say(self.locale)),
            _ => None,
        });
        FieldHistoryRow {
            entry: id.to_string(),
            at: entry.device_time.0,
            author: by.as_ref().map(|by| by.author.clone()).unwrap_or_default(),
            role: by.as_ref().map(|by| by.role.name().to_owned()).unwrap_or_default(),
            organisation: by.and_then(|by| by.organisation),
            kept_in: mark(ledger.compartment()),
            basis,
            heard_from: None,
            before: Vec::new(),
            after: Vec::new(),
            held: match ledger.verdict(id) {
                Some(Verdict::Held(reason)) if !ledger.is_part(id) => Some(reason.message().say(self.locale)),
                _ => None,
            },
        }
    }

    fn written(&self) -> Vec<FieldHistoryRow> {
        let (replica, key) = (self.replica, self.key);
        let mut document = Document::new(TEXTS);
        let mut rows = Vec::new();
        for (id, entry, _) in replica.ledger().in_order() {
            let Body::Change(change) = &entry.body else { continue };
            let Ok(info) = inspect(change, TEXTS) else { continue };
            let before = self.said(&document);
            if replica.ledger().is_part(&id) && document.apply(&[change]).is_err() {
                continue;
            }
            if !info.keys.contains(key) {
                continue;
            }
            let leaf = info.puts.get(key).and_then(|bytes| Leaf::from_bytes(bytes).ok());
            let row = self.row(&id, entry);
            let after = match (&row.held, &leaf) {
                (Some(_), Some(leaf)) => vec![self.words(leaf)],
                _ => self.said(&document),
            };
            let heard_from = leaf.map(|leaf| leaf.heard_from.name());
            rows.push(FieldHistoryRow { heard_from, before, after, ..row });
        }
        rows
    }

    fn said(&self, document: &Document) -> Vec<String> {
        let text = Some(document.text(self.key)).filter(|text| !text.is_empty());
        let values = document.values(self.key).into_iter();
        let words = values.filter_map(|value| match Leaf::from_bytes(&value.bytes) {
            Ok(leaf) if leaf.answer == Answer::TakenBack => None,
            Ok(leaf) => Some(self.words(&leaf)),
            Err(_) => Some(self.locale.say("answer-damaged", &[])),
        });
        let said = words.chain(text);
        // What is shown on demand only is not told by its history.
        match self.replica.ledger().compartment() {
            Compartment::Restricted => said.map(|_| self.locale.say("answer-withheld", &[])).collect(),
            _ => said.collect(),
        }
    }

    fn words(&self, leaf: &Leaf) -> String {
        self.locale.answer(Some(self.field), &leaf.answer)
    }

    fn decided(&self) -> Vec<FieldHistoryRow> {
        let mut known = self.known_before();
        let mut rows = Vec::new();
        for (id, entry, _) in self.replica.ledger().in_order() {
            let Body::Decision(decision) = &entry.body else { continue };
            if decision.section != self.field.section.number() || decision.endorses.is_some() {
                continue;
            }
            let leaf = self.answer_in(decision);
            let replaced = decision.supersedes.iter().filter_map(|old| known.get(old)?.as_ref());
            let before: Vec<String> = replaced.map(|leaf| self.words(leaf)).collect();
            known.insert(id, leaf.clone());
            if leaf.is_some() || !before.is_empty() {
                rows.push(FieldHistoryRow {
                    heard_from: leaf.as_ref().map(|leaf| leaf.heard_from.name()),
                    after: leaf.iter().map(|leaf| self.words(leaf)).collect(),
                    before,
                    ..self.row(&id, entry)
                });
            }
        }
        rows
    }

    /// What the decisions of the main log say: one that is kept from the person may have replaced them.
    fn known_before(&self) -> BTreeMap<EntryId, Option<Leaf>> {
        if self.replica.ledger().compartment() == Compartment::Shared {
            return BTreeMap::new();
        }
        let all = self.plan.ledger().in_order().into_iter();
        all.filter_map(|(id, entry, _)| match &entry.body {
            Body::Decision(decision) => Some((id, self.answer_in(decision))),
            _ => None,
        })
        .collect()
    }

    fn answer_in(&self, decision: &Decision) -> Option<Leaf> {
        decode_decision(&decision.content).ok().and_then(|mut fields| fields.remove(self.key))
    }
}

/// The edits that bring back what stood before an entry.
fn reversing(replica: &Replica, by: By<'_>, id: &EntryId) -> Result<Vec<Edit>, ApiError> {
    let entry = replica.ledger().entry(id);
    let Some(Entry { body: Body::Change(change), parents, .. }) = entry else { return Ok(Vec::new()) };
    let info = inspect(change, TEXTS).map_err(|error| ApiError::bug("reading an own change", error))?;
    let ledger = replica.ledger();
    let (with, without) = (ledger.past_of(&[*id]), ledger.past_of(parents));
    let after = replica.at(|id, _| with.contains(id), by);
    let before = replica.at(|id, _| without.contains(id), by);
    let texts = |key: &String| TEXTS.contains(&key.as_str());
    info.keys
        .iter()
        .map(|key| {
            if texts(key) {
                restored_text(replica.document(), after.document(), before.document(), key)
            } else {
                restored(replica.document(), before.document(), &info, key)
            }
        })
        .collect()
}

fn restored_text(now: &Document, after: &Document, before: &Document, key: &str) -> Result<Edit, ApiError> {
    if now.text(key) != after.text(key) {
        return Err(changed_since(key));
    }
    Ok(Edit::Text { key: key.to_owned(), text: before.text(key) })
}

fn restored(now: &Document, before: &Document, info: &ChangeInfo, key: &str) -> Result<Edit, ApiError> {
    if now.values(key).iter().any(|value| value.change != info.hash) {
        return Err(changed_since(key));
    }
    let value = match before.values(key).as_slice() {
        [] => Leaf::new(Answer::TakenBack, Source::Observed).to_bytes(),
        [one] => one.bytes.clone(),
        _ => {
            return Err(ApiError::not_allowed(Message::new("refused-undo-settled").with("what", label(key))));
        }
    };
    Ok(Edit::Put { key: key.to_owned(), value })
}

fn changed_since(key: &str) -> ApiError {
    ApiError::not_allowed(Message::new("refused-undo-changed").with("what", label(key)))
}

fn label(key: &str) -> Arg {
    schema::field(key).map_or_else(|| key.into(), |(field, _)| field.into())
}
