//! A plan as it is read: a page for each kind of reader, made of a view and of one language's messages.
//!
//! | module | what |
//! |---|---|
//! | `write` | answers, items, decisions and sections in words |
//! | `person`, `care_team`, `urgent`, `summary` | what each reader is shown, in which order |
//! | `looks` | who has looked, at the end of the person's page |
//! | [`text`] | a page at eighty columns |
//! | [`html`] | a page for a screen and for A4 |
//!
//! Who it is about comes before everything else, and how old it is and who approved it before any decision.

mod care_team;
mod html;
mod looks;
mod person;
mod summary;
mod text;
mod urgent;
mod write;

use bedside_protocol::statement::Role;
use serde::Serialize;

use super::dates;
use super::for_person::for_person;
use super::locale::Locale;
use super::looks::{Looked, sort};
use super::phrases;
use super::view::PlanView;
use write::Writer;

/// Who reads a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Whom the plan is about, in plain words.
    Person,
    /// Everybody who cares for them: everything that stands.
    CareTeam,
    /// A crew: what counts in the first ten seconds, then the rest.
    Urgent,
    /// Whoever has one sheet of paper.
    Summary,
}

/// A plan as one kind of reader reads it. Its JSON names are stable: fields are added, never renamed.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Who reads it.
    pub audience: Audience,
    /// The language it is in (BCP 47).
    pub lang: String,
    /// The kind of view it was made of: `full`, `urgent`, `locked` or `past`.
    pub kind: &'static str,
    /// Names exactly what is shown, as an approval does.
    pub version: String,
    /// What it is called.
    pub title: String,
    /// What the document is called: whom it is about, and what it is.
    pub document_title: String,
    /// Who it is about. Shown before everything else, always.
    pub banner: PageBanner,
    /// How old it is, how it stands, and what is missing from it: on the same screen as the first decision.
    pub marks: Vec<Mark>,
    /// The rest, in the order in which it is read.
    pub parts: Vec<Part>,
    /// What stands at its foot.
    pub foot: Vec<String>,
}

/// Who a page is about. No part is ever shortened or broken where it cannot be read any more.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PageBanner {
    /// `living`, `died` or `death-reported`.
    pub state: &'static str,
    /// FAMILY NAME, given names (title).
    pub name: String,
    /// When they were born, and their age.
    pub born: String,
    /// What is said of their death.
    pub died: Option<String>,
    /// Their gender.
    pub gender: String,
    /// Their NHS number, in groups of 3-3-4.
    pub nhs_number: String,
}

/// Something to be seen before what follows it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Stable name of its kind.
    pub kind: &'static str,
    /// `danger`, `warning` or `note`.
    pub severity: &'static str,
    /// The severity in a word.
    pub word: String,
    /// What is the matter.
    pub text: String,
    /// What to do about it.
    pub action: Option<String>,
}

/// A heading and what stands under it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Stable name, unique on its page.
    pub id: &'static str,
    /// The heading.
    pub heading: String,
    /// What must be seen before it.
    pub marks: Vec<Mark>,
    /// What stands there.
    pub blocks: Vec<Block>,
}

/// What stands under a heading.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "block", rename_all = "kebab-case")]
pub enum Block {
    /// A sentence.
    Text {
        /// The sentence.
        text: String,
    },
    /// Marks, each on its own.
    Marks {
        /// The marks.
        marks: Vec<Mark>,
    },
    /// Questions with their answers.
    Facts {
        /// In order.
        facts: Vec<Fact>,
        /// Where all of them come from, when that is one place.
        note: Option<String>,
    },
    /// Items of a list.
    List {
        /// Name in keys.
        list: &'static str,
        /// In order.
        items: Vec<Item>,
    },
    /// Decisions that stand; more than one are in conflict, and are shown side by side.
    Decisions {
        /// In the order in which they were made.
        decisions: Vec<Decision>,
    },
}

/// A question with every answer that stands.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Key in the document or decision; none for what the page itself says.
    pub key: Option<String>,
    /// The question.
    pub label: String,
    /// Said when there is more than one answer.
    pub several: Option<String>,
    /// The answers; never empty.
    pub said: Vec<Said>,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// In words.
    pub text: String,
    /// As in [`ValueView`](super::view::ValueView), or `not-recorded`.
    pub answer: &'static str,
    /// Who it was heard from, who wrote it and when.
    pub note: Option<String>,
    /// Said when it is kept from the person.
    pub kept: Option<String>,
}

/// An item of a list.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub title: String,
    /// Said when it has ended, or was entered in error.
    pub state: Option<String>,
    /// Said when any of it is kept from the person.
    pub kept: Option<String>,
    /// More about it.
    pub facts: Vec<Fact>,
    /// Where all of it comes from.
    pub note: Option<String>,
}

/// A decision.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Which of several it is.
    pub title: Option<String>,
    /// The answer that is looked for, before everything else about it.
    pub answer: Option<String>,
    /// How it stands.
    pub marks: Vec<Mark>,
    /// Its answers.
    pub facts: Vec<Fact>,
    /// Its items.
    pub items: Vec<Item>,
    /// Who recorded and who endorsed it, and when.
    pub signed: Vec<String>,
}

impl Page {
    /// A page in British English.
    #[must_use]
    pub fn of(view: &PlanView, audience: Audience) -> Self {
        Self::in_language(view, audience, Locale::british_english())
    }

    /// A page in a language.
    #[must_use]
    pub fn in_language(view: &PlanView, audience: Audience, locale: &Locale) -> Self {
        let filtered = (audience == Audience::Person).then(|| for_person(view.clone()));
        let view = filtered.as_ref().unwrap_or(view);
        let writer = Writer::new(view, audience, locale);
        let marks = writer.marks();
        let parts = match (view.kind, audience) {
            ("locked", _) => writer.locked(),
            (_, Audience::Person) => person::parts(&writer),
            (_, Audience::CareTeam) => care_team::parts(&writer),
            (_, Audience::Urgent) => urgent::parts(&writer),
            (_, Audience::Summary) => summary::parts(&writer, &marks),
        };
        let now = view.as_of.now.as_deref().and_then(dates::from_rfc3339);
        let mut foot =
            vec![writer.say("foot", &[("when", now.map_or_else(String::new, dates::show_minute).into())])];
        if audience == Audience::Urgent && view.kind != "locked" {
            foot.insert(0, writer.say("foot-urgent", &[]));
        }
        if audience != Audience::Person && view.shared_only {
            foot.insert(0, writer.say("foot-shared-only", &[]));
        }
        let (title, banner) = (locale.say(audience.title(), &[]), PageBanner::of(view, locale));
        let told = [("name", (&banner.name).into()), ("title", (&title).into())];
        Self {
            audience,
            lang: locale.tag().to_owned(),
            kind: view.kind,
            version: view.version.clone(),
            document_title: locale.say("document-title", &told),
            title,
            banner,
            marks,
            parts,
            foot,
        }
    }

    /// With who has looked at the plan at the end: the person's page of this view, in the language that it is in already. What
    /// `looks` says of somebody is shown to the person as it is.
    #[must_use]
    pub fn with_looks(mut self, view: &PlanView, looks: &[Looked], locale: &Locale) -> Self {
        let mut newest_first = looks.to_vec();
        sort(&mut newest_first);
        self.parts.push(looks::part(&Writer::new(view, self.audience, locale), &newest_first));
        self
    }

    /// At eighty columns.
    #[must_use]
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// A whole document of HTML 5, which is also XML: no script, nothing from elsewhere, for screens from 320 pixels and for
    /// A4.
    #[must_use]
    pub fn html(&self) -> String {
        html::render(self)
    }
}

impl Audience {
    /// Every kind of reader.
    pub const ALL: [Self; 4] = [Self::Person, Self::CareTeam, Self::Urgent, Self::Summary];

    /// As it is written in commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::CareTeam => "care-team",
            Self::Urgent => "urgent",
            Self::Summary => "summary",
        }
    }

    /// The kind of reader of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.name() == name)
    }

    /// The page that somebody of a role is shown first.
    #[must_use]
    pub const fn of_role(role: Role) -> Self {
        match role {
            Role::Person | Role::Proxy => Self::Person,
            Role::UrgentCare => Self::Urgent,
            _ => Self::CareTeam,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Person => "title-person",
            Self::CareTeam => "title-care-team",
            Self::Urgent => "title-urgent",
            Self::Summary => "title-summary",
        }
    }
}

impl PageBanner {
    fn of(view: &PlanView, locale: &Locale) -> Self {
        let banner = &view.banner;
        Self {
            state: match (&banner.died, &banner.death_notice) {
                (Some(_), _) => "died",
                (None, Some(_)) => "death-reported",
                (None, None) => "living",
            },
            name: phrases::name(locale, banner),
            born: phrases::born(locale, banner),
            died: phrases::died(locale, banner),
            gender: phrases::gender(locale, banner),
            nhs_number: phrases::nhs_number(locale, banner),
        }
    }
}

impl Part {
    fn new(id: &'static str, heading: String) -> Self {
        Self { id, heading, marks: Vec::new(), blocks: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.marks.is_empty()
    }
}

impl Block {
    fn text(text: String) -> Self {
        Self::Text { text }
    }
}
