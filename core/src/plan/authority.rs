//! Who may write what. Whether an author's credential was valid is the ledger's matter.

use bedside_protocol::entry::Stage;
use bedside_protocol::statement::{Capabilities, Role};

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

/// Why somebody may not write something, for them to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The core fills this in.
    #[error("\"{0}\" is filled in by the plan itself")]
    Derived(&'static str),
    /// Part of a decision.
    #[error("\"{0}\" is part of a decision; record the whole decision")]
    PartOfDecision(&'static str),
    /// The section is not decided.
    #[error("\"{0}\" is not written as a decision; change its fields one by one")]
    NotADecision(&'static str),
    /// A person's or proxy's device outside their own words.
    #[error("\"{0}\" is written by your care team; tell them what you would like to be there")]
    CareTeamOnly(&'static str),
    /// A clinical or legal matter, and not a role that decides.
    #[error("\"{what}\" is recorded by clinicians; your role is {}", .role.name())]
    CliniciansOnly {
        /// Field or section.
        what: &'static str,
        /// The author's.
        role: Role,
    },
    /// The role may, but this credential does not say so.
    #[error("your credential does not let you {what}; ask the administrator of your organisation")]
    NotGranted {
        /// What it would have to allow.
        what: &'static str,
    },
    /// A person or proxy and what clinicians do.
    #[error("only your care team can {what}; ask them")]
    LeftToClinicians {
        /// What.
        what: &'static str,
    },
    /// A role that writes, and does not do this.
    #[error("only clinicians {what}; your role is {}", .role.name())]
    NotForRole {
        /// What.
        what: &'static str,
        /// The author's.
        role: Role,
    },
    /// A role that reads.
    #[error("your role ({}) reads plans and does not write in them", .0.name())]
    ReadsOnly(Role),
    /// Reading without consent is for those who treat.
    #[error("only clinicians and urgent care may open a locked plan; your role is {}", .0.name())]
    KeepsGlass(Role),
    /// Only resuscitation and escalation are endorsed.
    #[error("\"{0}\" is not endorsed; only resuscitation and escalation are")]
    NotEndorsed(&'static str),
}

/// Decides whether a role with these capabilities may write this.
pub fn may_write(role: Role, capabilities: Capabilities, target: Target) -> Result<(), Refusal> {
    match target {
        Target::Field(field) if field.section.is_decision() => Err(Refusal::PartOfDecision(field.label)),
        Target::Field(field) => may_write_class(role, capabilities, field.class, field.label),
        Target::Decision(section) => match section.decision_class() {
            Some(class) => {
                may_write_class(role, capabilities, class, section.title())?;
                may_decide(role, capabilities, section)
            }
            None => Err(Refusal::NotADecision(section.title())),
        },
        Target::Endorsement(section) => may_endorse(role, capabilities, section),
        Target::Approval => clinician(role, capabilities, &[Capabilities::APPROVE], "approve plans"),
        Target::Review => may_review(role, capabilities, "decide on held entries"),
        Target::Mark(Stage::AwaitingApproval) => may_ask(role, capabilities),
        Target::Mark(_) => may_review(role, capabilities, "say how a plan stands"),
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
            Err(Refusal::CliniciansOnly { what: section.title(), role })
        }
        // The GP or the responsible clinician: as far as a credential says, a doctor, or who approves or endorses plans.
        Section::Prognosis if role != Role::Doctor => {
            let responsible = [Capabilities::APPROVE, Capabilities::ENDORSE];
            clinician(role, capabilities, &responsible, "record a prognosis")
        }
        _ => Ok(()),
    }
}

/// A clinician with any of these capabilities.
fn clinician(
    role: Role,
    capabilities: Capabilities,
    any_of: &[u32],
    what: &'static str,
) -> Result<(), Refusal> {
    match role {
        Role::Doctor | Role::Nurse | Role::AlliedHealth
            if any_of.iter().any(|bit| capabilities.has(*bit)) =>
        {
            Ok(())
        }
        Role::Doctor | Role::Nurse | Role::AlliedHealth => Err(Refusal::NotGranted { what }),
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        Role::Person | Role::Proxy => Err(Refusal::LeftToClinicians { what }),
        Role::Carer | Role::SocialWorker => Err(Refusal::NotForRole { what, role }),
    }
}

fn may_review(role: Role, capabilities: Capabilities, what: &'static str) -> Result<(), Refusal> {
    clinician(role, capabilities, &[Capabilities::DECIDE, Capabilities::APPROVE], what)
}

/// Whoever may write in a plan may ask for its approval.
fn may_ask(role: Role, capabilities: Capabilities) -> Result<(), Refusal> {
    match role {
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        _ if capabilities.has(Capabilities::WRITE) || capabilities.has(Capabilities::PROPOSE) => Ok(()),
        _ => Err(Refusal::NotGranted { what: "write in plans" }),
    }
}

fn may_write_class(
    role: Role,
    capabilities: Capabilities,
    class: Class,
    what: &'static str,
) -> Result<(), Refusal> {
    let granted = |bit, what| if capabilities.has(bit) { Ok(()) } else { Err(Refusal::NotGranted { what }) };
    if class == Class::A {
        return Err(Refusal::Derived(what));
    }
    match role {
        Role::Person | Role::Proxy if class == Class::P => {
            granted(Capabilities::PROPOSE, "write in this plan")
        }
        Role::Person | Role::Proxy => Err(Refusal::CareTeamOnly(what)),
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        _ if matches!(class, Class::P | Class::S | Class::X) => {
            granted(Capabilities::WRITE, "write in plans")
        }
        Role::Carer => Err(Refusal::CliniciansOnly { what, role }),
        Role::Doctor | Role::Nurse | Role::AlliedHealth | Role::SocialWorker => {
            if capabilities.has(Capabilities::DECIDE) {
                Ok(())
            } else if matches!(role, Role::Doctor | Role::Nurse) {
                Err(Refusal::NotGranted { what: "record clinical decisions" })
            } else {
                Err(Refusal::CliniciansOnly { what, role })
            }
        }
    }
}

fn may_endorse(role: Role, capabilities: Capabilities, section: Section) -> Result<(), Refusal> {
    if !section.is_endorsed() {
        return Err(Refusal::NotEndorsed(section.title()));
    }
    match role {
        Role::Doctor | Role::Nurse | Role::AlliedHealth if capabilities.has(Capabilities::ENDORSE) => Ok(()),
        Role::Doctor | Role::Nurse | Role::AlliedHealth => {
            Err(Refusal::NotGranted { what: "endorse decisions" })
        }
        Role::UrgentCare | Role::Administrator => Err(Refusal::ReadsOnly(role)),
        Role::Person | Role::Proxy => Err(Refusal::CareTeamOnly(section.title())),
        Role::Carer | Role::SocialWorker => Err(Refusal::CliniciansOnly { what: section.title(), role }),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::schema::{self, FIELDS};
    use super::*;

    const EVERYTHING: Capabilities = Capabilities(u32::MAX);

    fn outcome(role: Role, class: Class) -> char {
        let usual = may_write_class(role, role.usual_capabilities(), class, "").is_ok();
        let granted = may_write_class(role, EVERYTHING, class, "").is_ok();
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
        expect!["\"Resuscitation (CPR)\" is recorded by clinicians; your role is carer"]
            .assert_eq(&say(Role::Carer, Target::Decision(Section::Cpr)));
        expect![
            "your credential does not let you endorse decisions; ask the administrator of your organisation"
        ]
        .assert_eq(&say(Role::AlliedHealth, Target::Endorsement(Section::Cpr)));
        expect!["\"CPR\" is part of a decision; record the whole decision"]
            .assert_eq(&say(Role::Doctor, field("cpr.decision")));
        expect!["your role (urgent-care) reads plans and does not write in them"]
            .assert_eq(&say(Role::UrgentCare, field("wishes.about_me")));
        expect!["\"Status\" is filled in by the plan itself"]
            .assert_eq(&say(Role::Doctor, field("control.status")));
    }
}
