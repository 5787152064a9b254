//! Who may write what. Whether an author's credential was valid is the ledger's matter.

use bedside_protocol::entry::Stage;
use bedside_protocol::statement::{Capabilities, Role};

use super::locale::{Arg, Message, said_in_english};
use super::schema::{Class, Field, Section};

/// What somebody wants to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A field of the log's document.
    Field(&'static Field),
    /// A decision on a section.
    Decision(Section),
    /// An endorsement of another's decision on a section.
    Endorsement(Section),
    /// An approval of sections as they stand.
    Approval,
    /// What becomes of somebody else's held entry.
    Review,
    /// Where the plan stands on its way to approval.
    Mark(Stage),
    /// Reading a plan although consent to share it was withdrawn.
    BreakGlass,
}

/// What somebody may not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A field.
    Field(&'static Field),
    /// A section.
    Section(Section),
}

/// What a role alone does not let somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Writing in plans.
    Write,
    /// Writing in one's own plan.
    WriteHere,
    /// Recording clinical decisions.
    Decide,
    /// Recording a prognosis.
    Prognosis,
    /// Endorsing decisions.
    Endorse,
    /// Approving plans.
    Approve,
    /// Deciding on held entries.
    Review,
    /// Saying how a plan stands.
    Mark,
}

/// Why somebody may not write something, for them to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The core fills this in.
    Derived(Subject),
    /// Part of a decision.
    PartOfDecision(&'static Field),
    /// The section is not decided.
    NotADecision(Section),
    /// A person's or proxy's device outside their own words.
    CareTeamOnly(Subject),
    /// A clinical or legal matter, and not a role that decides.
    CliniciansOnly {
        /// Field or section.
        what: Subject,
        /// The author's.
        role: Role,
    },
    /// The role may, but this credential does not say so.
    NotGranted(Doing),
    /// A person or proxy and what clinicians do.
    LeftToClinicians(Doing),
    /// A role that writes, and does not do this.
    NotForRole {
        /// What.
        what: Doing,
        /// The author's.
        role: Role,
    },
    /// A role that reads.
    ReadsOnly(Role),
    /// Reading without consent is for those who treat.
    KeepsGlass(Role),
    /// Only resuscitation and escalation are endorsed.
    NotEndorsed(Section),
}

impl Refusal {
    /// For people.
    #[must_use]
    pub fn message(&self) -> Message {
        match *self {
            Self::Derived(what) => Message::new("refused-derived").with("what", what),
            Self::PartOfDecision(field) => Message::new("refused-part-of-decision").with("what", field),
            Self::NotADecision(section) => Message::new("refused-not-a-decision").with("what", section),
            Self::CareTeamOnly(what) => Message::new("refused-care-team-only").with("what", what),
            Self::CliniciansOnly { what, role } => {
                Message::new("refused-clinicians-only").with("what", what).with("role", role)
            }
            Self::NotGranted(what) => Message::new("refused-not-granted").with("what", what.token()),
            Self::LeftToClinicians(what) => {
                Message::new("refused-left-to-clinicians").with("what", what.token())
            }
            Self::NotForRole { what, role } => {
                Message::new("refused-not-for-role").with("what", what.token()).with("role", role)
            }
            Self::ReadsOnly(role) => Message::new("refused-reads-only").with("role", role),
            Self::KeepsGlass(role) => Message::new("refused-glass").with("role", role),
            Self::NotEndorsed(section) => Message::new("refused-not-endorsed").with("what", section),
        }
    }
}

said_in_english!(Refusal);

impl Doing {
    const fn token(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::WriteHere => "write-here",
            Self::Decide => "decide",
            Self::Prognosis => "prognosis",
            Self::Endorse => "endorse",
            Self::Approve => "approve",
            Self::Review => "review",
            Self::Mark => "mark",
        }
    }
}

impl From<Subject> for Arg {
    fn from(what: Subject) -> Self {
        match what {
            Subject::Field(field) => field.into(),
            Subject::Section(section) => section.into(),
        }
    }
}

/// Decides whether a role with these capabilities may write this.
pub fn may_write(role: Role, capabilities: Capabilities, target: Target) -> Result<(), Refusal> {
    match target {
        Target::Field(field) if field.section.is_decision() => Err(Refusal::PartOfDecision(field)),
        Target::Field(field) => may_write_class(role, capabilities, field.class, Subject::Field(field)),
        Target::Decision(section) => match section.decision_class() {
            Some(class) => {
                may_write_class(role, capabilities, class, Subject::Section(section))?;
                may_decide(role, capabilities, section)
            }
            None => Err(Refusal::NotADecision(section)),
        },
        Target::Endorsement(section) => may_endorse(role, capabilities, section),
        Target::Approval => clinician(role, capabilities, &[Capabilities::APPROVE], Doing::Approve),
        Target::Review => may_review(role, capabilities, Doing::Review),
        Target::Mark(Stage::AwaitingApproval) => may_ask(role, capabilities),
        Target::Mark(_) => may_review(role, capabilities, Doing::Mark),
        Target::BreakGlass => match role {
            Role::Doctor | Role::Nurse | Role::AlliedHealth | Role::UrgentCare => Ok(()),
            _ => Err(Refusal::KeepsGlass(role)),
        },
    }
}

/// Some decisions are left to fewer roles than their class is.
fn may_decide(role: Role, capabilities: Capabilities, section: Section) -> Result<(), Refusal> {
    match section {
        Section::Cpr | Section::Escalation if role == Role::SocialWorker => {
            Err(Refusal::CliniciansOnly { what: Subject::Section(section), role })
        }
        // The GP or the responsible clinician: as far as a credential says, a doctor, or who approves or endorses plans.
        Section::Prognosis if role != Role::Doctor => {
            let responsible = [Capabilities::APPROVE, Capabilities::ENDORSE];
            clinician(role, capabilities, &responsible, Doing::Prognosis)
        }
        _ => Ok(()),
    }
}

/// A clinician with any of these capabilities.
fn clinician(role: Role, capabilities: Capabilities, any_of: &[u32], what: Doing) -> Result<(), Refusal> {
    match role {
        Role::Doctor | Role::Nurse | Role::AlliedHealth
            if any_of.iter().any(|bit| capabilities.has(*bit)) =>
        {
            Ok(())
        }
        Role::Doctor | Role::Nurse | Role::AlliedHealth => Err(Refusal::NotGranted(what)),
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        Role::Person | Role::Proxy => Err(Refusal::LeftToClinicians(what)),
        Role::Carer | Role::SocialWorker => Err(Refusal::NotForRole { what, role }),
    }
}

fn may_review(role: Role, capabilities: Capabilities, what: Doing) -> Result<(), Refusal> {
    clinician(role, capabilities, &[Capabilities::DECIDE, Capabilities::APPROVE], what)
}

/// Whoever may write in a plan may ask for its approval.
fn may_ask(role: Role, capabilities: Capabilities) -> Result<(), Refusal> {
    match role {
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        _ if capabilities.has(Capabilities::WRITE) || capabilities.has(Capabilities::PROPOSE) => Ok(()),
        _ => Err(Refusal::NotGranted(Doing::Write)),
    }
}

fn may_write_class(
    role: Role,
    capabilities: Capabilities,
    class: Class,
    what: Subject,
) -> Result<(), Refusal> {
    let granted = |bit, what| if capabilities.has(bit) { Ok(()) } else { Err(Refusal::NotGranted(what)) };
    if class == Class::A {
        return Err(Refusal::Derived(what));
    }
    match role {
        Role::Person | Role::Proxy if class == Class::P => granted(Capabilities::PROPOSE, Doing::WriteHere),
        Role::Person | Role::Proxy => Err(Refusal::CareTeamOnly(what)),
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        _ if matches!(class, Class::P | Class::S | Class::X) => granted(Capabilities::WRITE, Doing::Write),
        Role::Carer => Err(Refusal::CliniciansOnly { what, role }),
        Role::Doctor | Role::Nurse | Role::AlliedHealth | Role::SocialWorker => {
            if capabilities.has(Capabilities::DECIDE) {
                Ok(())
            } else if matches!(role, Role::Doctor | Role::Nurse) {
                Err(Refusal::NotGranted(Doing::Decide))
            } else {
                Err(Refusal::CliniciansOnly { what, role })
            }
        }
    }
}

fn may_endorse(role: Role, capabilities: Capabilities, section: Section) -> Result<(), Refusal> {
    if !section.is_endorsed() {
        return Err(Refusal::NotEndorsed(section));
    }
    match role {
        Role::Doctor | Role::Nurse | Role::AlliedHealth if capabilities.has(Capabilities::ENDORSE) => Ok(()),
        Role::Doctor | Role::Nurse | Role::AlliedHealth => Err(Refusal::NotGranted(Doing::Endorse)),
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        Role::Person | Role::Proxy => Err(Refusal::CareTeamOnly(Subject::Section(section))),
        Role::Carer | Role::SocialWorker => {
            Err(Refusal::CliniciansOnly { what: Subject::Section(section), role })
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::schema::{self, FIELDS};
    use super::*;

    const EVERYTHING: Capabilities = Capabilities(u32::MAX);
    const ANY: Subject = Subject::Section(Section::Cpr);

    fn outcome(role: Role, class: Class) -> char {
        let usual = may_write_class(role, role.usual_capabilities(), class, ANY).is_ok();
        let granted = may_write_class(role, EVERYTHING, class, ANY).is_ok();
        match (usual, granted) {
            (true, true) => 'y',
            (false, true) => 'g',
            (false, false) => '-',
            (true, false) => '!',
        }
    }

    #[test]
    fn the_table_of_roles_and_classes() {
        let mut table = "                P S C L X A   (y usually, g when granted)\n".to_owned();
        for role in Role::ALL {
            let row = [Class::P, Class::S, Class::C, Class::L, Class::X, Class::A]
                .map(|class| outcome(role, class));
            table += &format!("{:<15} {}\n", role.name(), row.map(|c| c.to_string()).join(" "));
        }
        expect![[r#"
                            P S C L X A   (y usually, g when granted)
            person          y - - - - -
            proxy           y - - - - -
            doctor          y y y y y -
            nurse           y y y y y -
            allied-health   y y g g y -
            carer           y y - - y -
            social-worker   y y g g y -
            urgent-care     - - - - - -
            administrator   - - - - - -
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn the_table_of_roles_and_acts() {
        let acts = [
            Target::Decision(Section::Cpr),
            Target::Endorsement(Section::Cpr),
            Target::Decision(Section::Prognosis),
            Target::Decision(Section::Capacity),
            Target::Approval,
            Target::Review,
            Target::Mark(Stage::AwaitingApproval),
            Target::Mark(Stage::EnteredInError),
            Target::BreakGlass,
        ];
        let mut table =
            "                cpr endorse prognosis capacity approve review ask in-error glass\n".to_owned();
        for role in Role::ALL {
            let row = acts.map(|act| {
                let usual = may_write(role, role.usual_capabilities(), act).is_ok();
                let granted = may_write(role, EVERYTHING, act).is_ok();
                if usual {
                    "y"
                } else if granted {
                    "g"
                } else {
                    "-"
                }
            });
            table += &format!("{:<15} {}\n", role.name(), row.join(" "));
        }
        expect![[r#"
                            cpr endorse prognosis capacity approve review ask in-error glass
            person          - - - - - - y - -
            proxy           - - - - - - y - -
            doctor          y y y y y y y y y
            nurse           y g g y g y y y y
            allied-health   g g g g g g y g y
            carer           - - - - - - y - -
            social-worker   - - - g - - y - -
            urgent-care     - - - - - - - - y
            administrator   - - - - - - - - -
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn a_person_writes_their_own_words_and_nothing_else() {
        for field in FIELDS {
            let may = may_write(Role::Person, EVERYTHING, Target::Field(field)).is_ok();
            assert_eq!(may, field.class == Class::P && !field.section.is_decision(), "{}", field.key);
        }
        for section in Section::ALL {
            assert!(may_write(Role::Person, EVERYTHING, Target::Decision(section)).is_err());
            assert!(may_write(Role::Proxy, EVERYTHING, Target::Endorsement(section)).is_err());
        }
        for act in [Target::Approval, Target::Review, Target::Mark(Stage::EnteredInError)] {
            assert!(may_write(Role::Person, EVERYTHING, act).is_err());
            assert!(may_write(Role::Proxy, EVERYTHING, act).is_err());
        }
    }

    #[test]
    fn no_credential_without_capabilities_writes_anything() {
        for role in Role::ALL {
            for field in FIELDS {
                assert!(may_write(role, Capabilities(0), Target::Field(field)).is_err());
            }
            for section in Section::ALL {
                assert!(may_write(role, Capabilities(0), Target::Decision(section)).is_err());
                assert!(may_write(role, Capabilities(0), Target::Endorsement(section)).is_err());
            }
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let field = |key| Target::Field(schema::field(key).unwrap().0);
        let say =
            |role: Role, target| may_write(role, role.usual_capabilities(), target).unwrap_err().to_string();
        expect!["\"Main carer\" is written by your care team; tell them what you would like to be there"]
            .assert_eq(&say(Role::Person, field("carer.main")));
        expect![[r#""Resuscitation (CPR)" is recorded by clinicians; your role is carer"#]]
            .assert_eq(&say(Role::Carer, Target::Decision(Section::Cpr)));
        expect![
            "your credential does not let you endorse decisions; ask the administrator of your organisation"
        ]
        .assert_eq(&say(Role::AlliedHealth, Target::Endorsement(Section::Cpr)));
        expect!["\"CPR\" is part of a decision; record the whole decision"]
            .assert_eq(&say(Role::Doctor, field("cpr.decision")));
        expect!["your role (urgent care) reads plans and does not write in them"]
            .assert_eq(&say(Role::UrgentCare, field("wishes.about_me")));
        expect!["\"Status\" is filled in by the plan itself"]
            .assert_eq(&say(Role::Doctor, field("control.status")));
    }
}
