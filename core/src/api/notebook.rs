//! The person's own words before they have a plan: a notebook on their device, shared with nobody.

use bedside_protocol::cbor;
use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::Timestamp;
use bedside_protocol::statement::Role;
use minicbor::{Decode, Encode};
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App, Saved};
use crate::driver::DriverError;
use crate::driver::commit::Rows;
use crate::driver::open_vault::name;
use crate::limits::DRAFT_EDITS_MAX;
use crate::plan::authority::{Target, may_write};
use crate::plan::check::{Given, check_edit};
use crate::plan::leaf::{Answer, Leaf};
use crate::plan::locale::{Locale, Message};
use crate::plan::schema;

/// One answer in the notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotebookRow {
    /// The field's key, as in a plan.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// What it says, in words.
    pub text: String,
    /// When it was written, by the device's clock, in milliseconds since 1970.
    pub at: u64,
}

/// What came of handing a notebook over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandedOver {
    /// What was saved in the plan.
    pub saved: Saved,
    /// What stays in the notebook: the plan says something else there.
    pub left: Vec<NotebookRow>,
}

/// An answer as the vault keeps it.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Note {
    #[n(0)]
    at: Timestamp,
    #[n(1)]
    said: Said,
}

#[derive(Encode, Decode)]
enum Said {
    #[n(0)]
    Text(#[n(0)] String),
    #[n(1)]
    Leaf(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

impl App {
    /// Everything in the notebook, by key.
    pub fn notebook(&self) -> Result<Vec<NotebookRow>, ApiError> {
        let locale = self.locale();
        Ok(self.notes()?.iter().map(|(key, note)| note.row(key, &locale)).collect())
    }

    /// Notes the answer to a field of the person's own, in place of what was noted there.
    ///
    /// Errors: [`ApiError::Invalid`] as for a plan, [`ApiError::NotAllowed`] for a field that is not the person's, and on a
    /// device of a care team.
    pub fn note(&self, key: &str, leaf: &Leaf) -> Result<(), ApiError> {
        self.keep_note(key, Given::Leaf(leaf), Said::Leaf(leaf.to_bytes()))
    }

    /// Notes the whole text of a field that merges as text.
    pub fn note_text(&self, key: &str, text: &str) -> Result<(), ApiError> {
        self.keep_note(key, Given::Text(text), Said::Text(text.to_owned()))
    }

    /// Takes an answer out of the notebook.
    pub fn forget_note(&self, key: &str) -> Result<(), ApiError> {
        if !self.notes()?.iter().any(|(noted, _)| noted == key) {
            return Err(ApiError::NotFound { what: format!("note for {key}") });
        }
        let open = self.vault()?;
        let name = open.keys.own.name(&note_name(key));
        Ok(open.vault.write(move |tx| tx.delete_secret(&name)).map_err(DriverError::Store)?)
    }

    /// Writes the notebook into the person's plan, as their own words, and empties it: all of that or nothing.
    ///
    /// A text is put after what the plan says already. Of a field that holds one value and says something else in the plan,
    /// the note is written only with `replace`; else it stays, and is named.
    ///
    /// Errors: [`ApiError::NotFound`] when there is no such plan or nothing to hand over, [`ApiError::NotAllowed`].
    pub fn hand_over(&self, plan: PlanId, replace: bool) -> Result<HandedOver, ApiError> {
        self.of_a_person()?;
        let (open, notes) = (self.vault()?, self.notes()?);
        if notes.is_empty() {
            return Err(ApiError::NotFound { what: "note".into() });
        }
        let mut draft = self.draft(plan)?;
        let (mut rows, mut left, mut edits) = (Rows::default(), Vec::new(), 0);
        for (key, note) in &notes {
            let said = self.with_replica(plan, |replica, _| {
                let document = replica.document();
                Ok((document.text(key), document.values(key)))
            })?;
            match (&note.said, said) {
                (Said::Text(text), (there, _)) if there == *text => {}
                (Said::Text(text), (there, _)) => {
                    let after = if there.is_empty() { text.clone() } else { format!("{there}\n\n{text}") };
                    draft.set_text(key, &after)?;
                    edits += 1;
                }
                (Said::Leaf(bytes), (_, there)) => {
                    let leaf = Leaf::from_bytes(bytes).map_err(|e| ApiError::bug("reading a note", e))?;
                    let answers =
                        there.iter().map(|value| Leaf::from_bytes(&value.bytes).map(|leaf| leaf.answer));
                    let answers: Vec<_> =
                        answers.filter(|said| !matches!(said, Ok(Answer::TakenBack))).collect();
                    if matches!(answers.as_slice(), [Ok(same)] if *same == leaf.answer) {
                        // The plan says it already.
                    } else if answers.is_empty() || replace {
                        draft.set(key, &leaf)?;
                        edits += 1;
                    } else {
                        left.push(note.row(key, &self.locale()));
                        continue;
                    }
                }
            }
            rows.secrets_done.push(open.keys.own.name(&note_name(key)));
        }
        let saved = if edits > 0 {
            draft.commit_with(rows)?
        } else {
            let write = move |tx: &crate::store::VaultTx<'_>| rows.write(tx);
            open.vault.write(write).map_err(DriverError::Store)?;
            Saved { entries: 0 }
        };
        Ok(HandedOver { saved, left })
    }

    fn keep_note(&self, key: &str, given: Given<'_>, said: Said) -> Result<(), ApiError> {
        self.of_a_person()?;
        let field = check_edit(key, given).map_err(|error| ApiError::unfit(key, error.message()))?;
        let role = Role::Person;
        may_write(role, role.usual_capabilities(), Target::Field(field))
            .map_err(|refusal| ApiError::not_allowed(refusal.message()))?;
        debug_assert!(field.may_be_in(Compartment::Shared), "the person's own words are kept from nobody");
        let notes = self.notes()?;
        if notes.len() >= DRAFT_EDITS_MAX && !notes.iter().any(|(noted, _)| noted == key) {
            let why = format!("it holds {DRAFT_EDITS_MAX} answers at most");
            return Err(ApiError::invalid("notebook", why));
        }
        let (open, note) = (self.vault()?, cbor::encode(&Note { at: self.device.now(), said }));
        let (name, sealed) = open.keys.own.seal(&note_name(key), &note, &*self.device.host().entropy);
        Ok(open.vault.write(move |tx| tx.put_secret(&name, &sealed)).map_err(DriverError::Store)?)
    }

    fn notes(&self) -> Result<Vec<(String, Note)>, ApiError> {
        let open = self.vault()?;
        let (own, prefix) = (&open.keys.own, open.keys.own.name(name::NOTEBOOK));
        let kept = open.vault.read(|read| {
            let names = read.secret_names()?.into_iter();
            let keys = names.filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned));
            Ok(keys.map(|key| Ok((own.get(read, &note_name(&key))?, key))).collect())
        });
        let kept: Vec<Result<_, DriverError>> = kept.map_err(DriverError::Store)?;
        let mut notes = Vec::with_capacity(kept.len());
        for note in kept {
            let (bytes, key) = note?;
            notes.extend(bytes.and_then(|bytes| cbor::decode(&bytes).ok()).map(|note| (key, note)));
        }
        Ok(notes)
    }

    /// A care team's device has plans and no notebook.
    fn of_a_person(&self) -> Result<(), ApiError> {
        match self.identity().map(|identity| identity.role) {
            None | Some(Role::Person | Role::Proxy) => Ok(()),
            Some(_) => Err(ApiError::not_allowed(Message::new("refused-notebook"))),
        }
    }
}

impl Note {
    fn row(&self, key: &str, locale: &Locale) -> NotebookRow {
        let field = schema::field(key).map(|(field, _)| field);
        let text = match &self.said {
            Said::Text(text) => text.clone(),
            Said::Leaf(bytes) => {
                Leaf::from_bytes(bytes).map(|leaf| locale.answer(field, &leaf.answer)).unwrap_or_default()
            }
        };
        let label = field.map_or_else(|| key.to_owned(), |field| locale.field(field));
        NotebookRow { key: key.to_owned(), label, text, at: self.at.0 }
    }
}

fn note_name(key: &str) -> String {
    format!("{}{key}", name::NOTEBOOK)
}
