//! A plan out of Bedside, and in again.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::{Act, Compartment};
use serde::Serialize;

use super::draft::hides;
use super::{ApiError, App, PlanId, Saved, Section};
use crate::driver::shown::Made;
use crate::fhir::{self, Bases, DecisionRead, PlanRead, Said};
use crate::plan::csv::render_csv;
use crate::plan::kept::mark;
use crate::plan::leaf::{Answer, Leaf};
use crate::plan::schema::{self, Class, Field, Kind, Part};
use crate::plan::view::{FieldView, PlanView, ValueView};

/// What a plan is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A FHIR R4 document Bundle.
    Fhir,
    /// A table of answers (RFC 4180).
    Csv,
    /// For people and paper.
    Text,
    /// The view, with its stable names.
    Json,
}

impl ExportFormat {
    /// As it stands in an access record.
    const fn name(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Csv => "csv",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// A document read, beside the plan that this device holds. Nothing of it is in the plan.
#[derive(Clone, Serialize)]
pub struct Import {
    /// When the document was made, RFC 3339.
    pub as_of: Option<String>,
    /// What can be written: fields of the person and of all staff, each with one answer that is not here already.
    pub edits: Vec<ImportEdit>,
    /// Decisions, and medicines or allergies that a clinician stopped or struck out: to look at and to record anew.
    pub proposals: Vec<Proposal>,
    /// Answers given apart, of which nobody has chosen: to look at and to write by hand.
    pub undecided: Vec<Proposed>,
    /// Facts from the demographics service or the GP's record that differ from those here: to be asked of the source.
    pub elsewhere: Vec<Proposed>,
    /// Consents in the document, in words. They were given to whoever recorded them, and are asked for anew.
    pub consents: Vec<String>,
    /// How many answers are here already.
    pub same: usize,
    /// What somebody importing this should know.
    pub notes: Vec<String>,
}

/// One answer that can be written.
#[derive(Clone, Serialize)]
pub struct ImportEdit {
    /// Where it goes, in words.
    #[serde(flatten)]
    pub what: Proposed,
    /// What is here now, in words; none when nothing is recorded.
    pub here: Option<String>,
    /// `professional`: it is written where the person's device does not hold it, because the document says that it is not to be
    /// disclosed to them.
    pub kept_in: Option<&'static str>,
    #[serde(skip)]
    leaf: Leaf,
}

/// An answer in a document, for people.
#[derive(Clone, Serialize)]
pub struct Proposed {
    /// The field.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// What is said; several where answers stand beside each other.
    pub said: Vec<String>,
    /// Who wrote it, and when, as the document says.
    pub by: Option<String>,
}

/// A decision, or an item that is a clinician's, as it stands in a document.
#[derive(Clone, Serialize)]
pub struct Proposal {
    /// The section's name, as it is written in commands.
    pub section: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// Every answer.
    pub fields: Vec<Proposed>,
    /// Who recorded it, and when, as the document says.
    pub by: Option<String>,
    /// `professional`: it is not to be disclosed to the person.
    pub kept_in: Option<&'static str>,
}

impl App {
    /// Writes a plan as it stands on this device. Every export goes through here.
    ///
    /// That it was exported is recorded before it is. The key-safe code is not in it, and what professionals keep among themselves
    /// only `with_professional`, marked as such. What is written is not encrypted: it is as secret as the plan.
    pub fn export(
        &self,
        plan: PlanId,
        format: ExportFormat,
        with_professional: bool,
    ) -> Result<String, ApiError> {
        let (view, _) = self.shown(plan, Made { with_professional, ..Made::FOR_READER })?;
        let bases = if format == ExportFormat::Fhir { self.bases(plan)? } else { Bases::new() };
        self.looked_and_wait(plan, Act::Export, Some(format.name()))?;
        match format {
            ExportFormat::Fhir => Ok(fhir::write_plan(&plan.to_string(), &view, &bases)),
            ExportFormat::Csv => Ok(render_csv(&view)),
            ExportFormat::Text => Ok(self.page_of(plan, &view, self.usual_audience())?.text()),
            ExportFormat::Json => serde_json::to_string(&view)
                .map(|json| json + "\n")
                .map_err(|error| ApiError::Bug { step: "writing JSON".into(), source: Some(error.into()) }),
        }
    }

    /// Which consent each entry rests on.
    fn bases(&self, plan: PlanId) -> Result<Bases, ApiError> {
        self.with_family(plan, |family| {
            let entries = family.logs().flat_map(|replica| replica.ledger().in_order());
            Ok(entries
                .filter_map(|(id, entry, _)| Some((id.to_string(), entry.basis?.to_string())))
                .collect())
        })
    }

    /// Reads a document of a plan and says what it would change here. Writes nothing.
    ///
    /// Errors: [`ApiError::Invalid`] when it is no such document, or another person's.
    pub fn read_import(&self, plan: PlanId, json: &[u8]) -> Result<Import, ApiError> {
        let read =
            fhir::read_plan(json).map_err(|error| ApiError::invalid("FHIR file", error.to_string()))?;
        let another = || {
            ApiError::invalid(
                "FHIR file",
                "it is another person's plan: its NHS number leads to another; nothing was changed",
            )
        };
        match self.plan_id(&read.nhs_number.digits()) {
            Ok(of_file) if of_file == plan => Ok(compare(&read, &self.shown(plan, Made::FOR_READER)?.0)),
            Ok(_) | Err(ApiError::NotFound { .. }) => Err(another()),
            Err(error) => Err(error),
        }
    }

    /// Writes what an import found: all of it, or with `replace` false only where nothing is recorded here.
    ///
    /// Decisions are never among it. All or nothing: after an error nothing was changed.
    pub fn take_import(&self, plan: PlanId, import: &Import, replace: bool) -> Result<Saved, ApiError> {
        let mut draft = self.draft(plan)?;
        for edit in import.edits.iter().filter(|edit| replace || edit.here.is_none()) {
            draft.keep_in(match edit.kept_in {
                Some(_) => Compartment::Professional,
                None => Compartment::Shared,
            })?;
            match &edit.leaf.answer {
                Answer::Text(text) if is_text(&edit.what.key) => draft.set_text(&edit.what.key, text)?,
                _ if is_text(&edit.what.key) => {
                    draft.set(&format!("{}.answer", edit.what.key), &edit.leaf)?
                }
                _ => draft.set(&edit.what.key, &edit.leaf)?,
            }
        }
        draft.commit()
    }
}

fn is_text(key: &str) -> bool {
    schema::field(key).is_some_and(|(field, part)| field.kind == Kind::Text && part == Part::Main)
}

/// Sorts what a document says by what may become of it.
fn compare(read: &PlanRead, here: &PlanView) -> Import {
    let mut import = Import {
        as_of: read.as_of.clone(),
        edits: Vec::new(),
        proposals: read.decisions.iter().filter(|decision| !stands(decision, here)).map(proposal).collect(),
        undecided: Vec::new(),
        elsewhere: Vec::new(),
        consents: read.consents.clone(),
        same: 0,
        notes: read.notes.clone(),
    };
    let (clinicians, hidden) = (clinicians_items(read), hidden_items(read));
    let kept_in = |kept: bool| mark(if kept { Compartment::Professional } else { Compartment::Shared });
    let mut items: BTreeMap<&str, Vec<Proposed>> = BTreeMap::new();
    for (key, said) in &read.answers {
        let Some((field, _)) = schema::field(key) else { continue };
        let standing = standing(here, key);
        let proposed = proposed(read, field, key, said);
        if same(field, said, &standing) {
            import.same += 1;
        } else if let Some(item) = item(key).filter(|item| clinicians.contains(item)) {
            items.entry(item).or_default().push(proposed);
        } else if field.compartment() == Compartment::Restricted {
            import.notes.push(format!("{}: written in a compartment of its own, by hand.", field.label));
        } else {
            match (field.class, said.as_slice()) {
                (Class::A, _) => {}
                (Class::X, _) => import.elsewhere.push(proposed),
                (Class::P | Class::S, [one]) if !one.correction => {
                    let words: Vec<&str> = standing.iter().map(|value| value.text.as_str()).collect();
                    let here = (!words.is_empty()).then(|| words.join(" / "));
                    let hidden = item(key).is_some_and(|item| hidden.contains(item));
                    let (kept_in, leaf) = (kept_in(one.kept || hidden), one.leaf.clone());
                    import.edits.push(ImportEdit { what: proposed, here, kept_in, leaf });
                }
                _ => import.undecided.push(proposed),
            }
        }
    }
    let of_items = items.into_values().map(|fields| {
        let section = Section::Medicines;
        Proposal { section: section.name(), title: section.title(), fields, by: None, kept_in: None }
    });
    import.proposals.extend(of_items);
    import
}

/// Items in which a clinician has said something: without it, a stopped medicine would come in as one that is taken.
fn clinicians_items(read: &PlanRead) -> BTreeSet<&str> {
    let of_clinicians = |key: &str| schema::field(key).is_some_and(|(field, _)| field.class == Class::C);
    read.answers.keys().filter(|key| of_clinicians(key)).filter_map(|key| item(key)).collect()
}

/// Contacts whom the person is not to see.
fn hidden_items(read: &PlanRead) -> BTreeSet<&str> {
    let hides = |key: &str, said: &[Said]| said.iter().any(|said| hides(key, &said.leaf));
    read.answers.iter().filter(|(key, said)| hides(key, said)).filter_map(|(key, _)| item(key)).collect()
}

/// `medicine/00000000000000aa` of `medicine/00000000000000aa/name`.
fn item(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(item, _)| item)
}

fn standing<'a>(here: &'a PlanView, key: &str) -> Vec<&'a ValueView> {
    let of_sections = here.sections.iter().flat_map(|section| &section.fields);
    let lists = here.sections.iter().flat_map(|section| &section.lists);
    let of_items = lists.flat_map(|list| &list.items).flat_map(|item| &item.fields);
    of_sections.chain(of_items).filter(|field| field.key == key).flat_map(|field| &field.values).collect()
}

/// The same answers, whoever they were heard from.
fn same(field: &Field, said: &[Said], standing: &[&ValueView]) -> bool {
    let said: BTreeSet<(String, &str)> =
        said.iter().map(|said| (words(field, &said.leaf.answer), said.leaf.answer.kind())).collect();
    let standing: BTreeSet<(String, &str)> =
        standing.iter().map(|value| (grouped(field, &value.text), value.answer)).collect();
    said == standing
}

fn words(field: &Field, answer: &Answer) -> String {
    grouped(field, &answer.words())
}

/// An NHS number is the same with and without spaces.
fn grouped(field: &Field, words: &str) -> String {
    if field.key == "identity.nhs_number" { words.replace(' ', "") } else { words.to_owned() }
}

fn stands(decision: &DecisionRead, here: &PlanView) -> bool {
    let written: BTreeMap<&str, String> =
        decision.fields.iter().map(|(key, leaf)| (key.as_str(), leaf.answer.words())).collect();
    here.section(decision.section).decisions.iter().any(|standing| {
        let of_lists = standing.lists.iter().flat_map(|list| &list.items).flat_map(|item| &item.fields);
        let first =
            |field: &'_ FieldView| field.values.first().map(|value| value.text.clone()).unwrap_or_default();
        let shown: BTreeMap<&str, String> =
            standing.fields.iter().chain(of_lists).map(|field| (field.key.as_str(), first(field))).collect();
        shown == written
    })
}

fn proposed(read: &PlanRead, field: &Field, key: &str, said: &[Said]) -> Proposed {
    let by = said.iter().find_map(|said| read.author(said)).map(str::to_owned);
    let said = said.iter().map(|said| said.leaf.answer.words()).collect();
    Proposed { key: key.to_owned(), label: field.label.to_owned(), said, by }
}

fn proposal(decision: &DecisionRead) -> Proposal {
    let fields = decision.fields.iter().filter_map(|(key, leaf)| {
        let (field, _) = schema::field(key)?;
        let said = vec![leaf.answer.words()];
        Some(Proposed { key: key.clone(), label: field.label.to_owned(), said, by: None })
    });
    Proposal {
        section: decision.section.name(),
        title: decision.section.title(),
        fields: fields.collect(),
        by: decision.by.clone(),
        kept_in: mark(if decision.kept { Compartment::Professional } else { Compartment::Shared }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::leaf::Source;
    use crate::testing::plans::{Fullness, sample, with_answers};

    fn read(sample: &crate::testing::plans::Sample) -> PlanRead {
        fhir::read_plan(fhir::write_plan("5f1a", &sample.view, &Bases::new()).as_bytes()).unwrap()
    }

    #[test]
    fn a_plan_has_nothing_to_learn_from_its_own_document() {
        for fullness in [Fullness::Everything, Fullness::Unanswered, Fullness::Chance] {
            let made = sample(7, fullness);
            let import = compare(&read(&made), &made.view);
            let keys: Vec<&str> = import.edits.iter().map(|edit| edit.what.key.as_str()).collect();
            assert!(keys.is_empty(), "{keys:?}");
            assert!(
                import.proposals.is_empty() && import.undecided.is_empty() && import.elsewhere.is_empty()
            );
            assert_eq!(import.same, made.answers.len());
        }
    }

    #[test]
    fn an_empty_plan_learns_the_persons_and_the_staffs_answers_and_is_shown_the_rest() {
        let made = sample(7, Fullness::Everything);
        let import = compare(&read(&made), &sample(0, Fullness::Number).view);
        for edit in &import.edits {
            let (field, _) = schema::field(&edit.what.key).unwrap();
            assert!(matches!(field.class, Class::P | Class::S), "{}", edit.what.key);
            assert!(edit.here.is_none());
            let said = &made.answers[&edit.what.key][0].answer;
            assert!(edit.leaf.answer == *said, "{}", edit.what.key);
        }
        let decided: Vec<&str> = import.proposals.iter().map(|proposal| proposal.section).collect();
        for (section, _) in &made.decisions {
            assert!(decided.contains(&section.name()), "{}", section.name());
        }
        assert!(import.elsewhere.iter().any(|fact| fact.key == "identity.family"));
    }

    #[test]
    fn a_stopped_medicine_is_never_written_as_one_that_is_taken() {
        let key = |name: &str| format!("medicine/00000000000000aa/{name}");
        let mut answers = sample(0, Fullness::Number).answers;
        let mut say = |key: String, answer| answers.insert(key, vec![Leaf::new(answer, Source::Observed)]);
        say(key("name"), Answer::text("warfarin").unwrap());
        say(key("stopped"), Answer::date("2026-10-01").unwrap());
        say("medicine/00000000000000bb/name".to_owned(), Answer::text("morphine").unwrap());
        let import = compare(&read(&with_answers(answers)), &sample(0, Fullness::Number).view);
        let edits: Vec<&str> = import.edits.iter().map(|edit| edit.what.key.as_str()).collect();
        assert_eq!(edits, ["medicine/00000000000000bb/name"]);
        let [proposal] = import.proposals.as_slice() else { panic!("one item is the clinician's") };
        assert_eq!(proposal.fields.len(), 2);
    }

    #[test]
    fn answers_given_apart_are_shown_and_none_is_chosen() {
        let mut answers = sample(0, Fullness::Number).answers;
        let place = |words: &str| Leaf::new(Answer::uncoded(words).unwrap(), Source::Person);
        answers.insert("preferences.place_of_death_1".to_owned(), vec![place("home"), place("hospice")]);
        let import = compare(&read(&with_answers(answers)), &sample(0, Fullness::Number).view);
        assert!(import.edits.is_empty());
        assert_eq!(import.undecided[0].said.len(), 2);
    }
}
