//! Every code, in one table. What is not confirmed by a second source says so, and is corrected by editing its line.

/// Where a code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// SNOMED CT, UK edition.
    Snomed,
    /// The NHS Data Model and Dictionary.
    Dictionary,
    /// No public code exists: a short English name that never changes.
    Local,
    /// The dictionary of medicines and devices.
    Dmd,
    /// Languages (ISO 639-1) as the demographics service names them.
    Language,
}

impl System {
    const ALL: [Self; 5] = [Self::Snomed, Self::Dictionary, Self::Local, Self::Dmd, Self::Language];

    /// The URI that stands in exported records.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Snomed => "http://snomed.info/sct",
            Self::Dictionary => "https://www.datadictionary.nhs.uk",
            Self::Local => "urn:bedside:choice",
            Self::Dmd => "https://dmd.nhs.uk",
            Self::Language => "https://fhir.hl7.org.uk/CodeSystem/UKCore-HumanLanguage",
        }
    }

    /// The system of a URI.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.uri() == uri)
    }

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Snomed => 0,
            Self::Dictionary => 1,
            Self::Local => 2,
            Self::Dmd => 3,
            Self::Language => 4,
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.number() == number)
    }
}

/// The answers that one field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described by its codes below")]
pub enum Set {
    YesNo,
    Gender,
    NumberStatus,
    Interpreter,
    CareGroup,
    MainCarer,
    Disability,
    Dwelling,
    Place,
    Achieved,
    ActualPlace,
    Exception,
    Prognosis,
    SurpriseQuestion,
    GoldStandard,
    Akps,
    Ecog,
    Frailty,
    AllergyStatus,
    HighRisk,
    Anticipatory,
    Treat,
    Focus,
    Recommendation,
    Cpr,
    Capacity,
    Involvement,
    Legal,
    Alert,
    AttachmentKind,
    DeathNotice,
    PlanStatus,
    Consent,
    Document,
}

/// One allowed answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The set it belongs to.
    pub set: Set,
    /// What is typed in commands; never changes.
    pub token: &'static str,
    /// Where the code comes from.
    pub system: System,
    /// The code.
    pub code: &'static str,
    /// In words.
    pub display: &'static str,
    /// A second source agrees.
    pub confirmed: bool,
}

/// The answer of a set that is meant by a token (with hyphens or spaces), a code, or its words in any case.
#[must_use]
pub fn find(set: Set, said: &str) -> Option<&'static Code> {
    let said = said.trim();
    let token = said.split_whitespace().collect::<Vec<_>>().join("-");
    of(set).find(|code| {
        code.token.eq_ignore_ascii_case(&token)
            || code.code == said
            || code.display.eq_ignore_ascii_case(said)
    })
}

/// Every answer of a set, in the order in which they are offered.
pub fn of(set: Set) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |code| code.set == set)
}

const fn snomed(set: Set, token: &'static str, code: &'static str, display: &'static str) -> Code {
    Code { set, token, system: System::Snomed, code, display, confirmed: true }
}

const fn nhs(set: Set, code: &'static str, display: &'static str) -> Code {
    Code { set, token: code, system: System::Dictionary, code, display, confirmed: true }
}

const fn own(set: Set, token: &'static str, display: &'static str) -> Code {
    Code { set, token, system: System::Local, code: token, display, confirmed: true }
}

const fn doubtful(code: Code) -> Code {
    Code { confirmed: false, ..code }
}

use Set::{
    Achieved, ActualPlace, Akps, Alert, AllergyStatus, Anticipatory, AttachmentKind, Capacity, CareGroup,
    Consent, Cpr, DeathNotice, Disability, Document, Dwelling, Ecog, Exception, Focus, Frailty, Gender,
    GoldStandard, HighRisk, Interpreter, Involvement, Legal, MainCarer, NumberStatus, Place, PlanStatus,
    Prognosis, Recommendation, SurpriseQuestion, Treat, YesNo,
};

/// Every code that the plan knows.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    own(YesNo, "yes", "Yes"),
    own(YesNo, "no", "No"),
    own(YesNo, "unknown", "Unknown"),

    snomed(Document, "summary", "861421000000109", "End of life care coordination summary"),
    snomed(Document, "plan", "736373009", "End of life care plan"),

    own(PlanStatus, "not-started", "Not started"),
    own(PlanStatus, "started-by-person", "Started by the person"),
    own(PlanStatus, "draft", "Draft"),
    own(PlanStatus, "awaiting-approval", "Awaiting approval"),
    own(PlanStatus, "approved", "Approved"),
    own(PlanStatus, "approved-changed", "Approved, with unapproved changes"),
    own(PlanStatus, "under-review", "Under review"),
    own(PlanStatus, "withdrawn", "Withdrawn"),
    own(PlanStatus, "deceased", "Deceased"),
    own(PlanStatus, "entered-in-error", "Entered in error"),

    Code { set: Gender, token: "male", system: System::Dictionary, code: "1", display: "Male", confirmed: true },
    Code { set: Gender, token: "female", system: System::Dictionary, code: "2", display: "Female", confirmed: true },
    Code { set: Gender, token: "indeterminate", system: System::Dictionary, code: "9", display: "Indeterminate", confirmed: true },
    nhs(NumberStatus, "01", "Number present and verified"),
    nhs(NumberStatus, "02", "Number present but not traced"),
    nhs(NumberStatus, "03", "Trace required"),
    nhs(NumberStatus, "04", "Trace attempted: no match or multiple match found"),
    nhs(NumberStatus, "05", "Trace needs to be resolved"),
    nhs(NumberStatus, "06", "Trace in progress"),
    nhs(NumberStatus, "07", "Number not present and trace not required"),
    nhs(NumberStatus, "08", "Trace postponed (baby under six weeks old)"),
    own(DeathNotice, "informal", "Informal: death notice received from a local NHS organisation"),
    own(DeathNotice, "formal", "Formal: death notice received from Registrar of Deaths"),
    own(DeathNotice, "reported", "Reported by the demographics service"),
    snomed(Interpreter, "needed", "315594003", "Interpreter needed"),
    snomed(Interpreter, "not-needed", "315595002", "Interpreter not needed"),

    snomed(CareGroup, "district-nurse", "305578001", "District nurse"),
    snomed(CareGroup, "community-nurse", "305574004", "Community nurse"),
    snomed(CareGroup, "clinical-nurse-specialist", "305556008", "Clinical nurse specialist"),
    snomed(CareGroup, "palliative-nurse", "850951000000107", "Palliative care specialist nurse"),
    snomed(CareGroup, "palliative-physician", "305496007", "Palliative care physician"),
    snomed(CareGroup, "occupational-therapist", "305605005", "Occupational therapist"),
    snomed(CareGroup, "physiotherapist", "305613006", "Physiotherapist"),
    snomed(CareGroup, "social-worker", "405775000", "Social worker"),
    snomed(CareGroup, "healthcare-support-worker", "853741000000104", "Healthcare support worker"),
    own(CareGroup, "general-practitioner", "General practitioner"),
    own(CareGroup, "care-home", "Care home staff"),

    snomed(MainCarer, "has", "184156005", "Has a carer"),
    snomed(MainCarer, "does-not-have", "414041006", "Does not have a carer"),
    own(MainCarer, "unknown", "Unknown whether there is a carer"),

    snomed(Disability, "hearing-loss", "15188001", "Hearing loss"),
    snomed(Disability, "visual-impairment", "397540003", "Visual impairment"),
    snomed(Disability, "difficulty-communicating", "288579009", "Difficulty communicating"),
    snomed(Disability, "impaired-cognition", "386806002", "Impaired cognition"),
    snomed(Disability, "unable-to-summon-help", "325541000000106", "Unable to summon help in an emergency"),
    snomed(Disability, "cannot-recognise-risks", "914271000000103", "Cannot recognise safety risks"),
    snomed(Disability, "none-known", "750691000000106", "No known disability"),

    own(Dwelling, "house", "House"),
    own(Dwelling, "bungalow", "Bungalow"),
    own(Dwelling, "flat", "Flat"),
    own(Dwelling, "sheltered", "Sheltered housing"),
    own(Dwelling, "residential-home", "Residential home"),
    own(Dwelling, "nursing-home", "Nursing home"),
    own(Dwelling, "no-fixed-abode", "No fixed abode"),

    own(Place, "home", "Home"),
    own(Place, "other-private-residence", "Other private residence"),
    own(Place, "hospice", "Hospice"),
    own(Place, "hospital", "Hospital"),
    own(Place, "community-hospital", "Community hospital"),
    own(Place, "nursing-home", "Nursing home"),
    own(Place, "residential-home", "Residential home"),
    snomed(Place, "usual-residence", "819211000000102", "Usual place of residence"),
    snomed(Place, "undecided", "517161000000101", "Undecided"),
    snomed(Place, "not-appropriate", "517131000000106", "Discussion not appropriate"),
    snomed(Exception, "unable-to-express", "517111000000103", "Unable to express"),
    snomed(Exception, "declined", "766391000000108", "Declined to discuss"),

    snomed(Prognosis, "last-days", "511401000000102", "Last days of life"),
    snomed(Prognosis, "last-weeks", "955231000000109", "Last weeks of life"),
    own(Prognosis, "last-months", "Last months of life"),
    own(Prognosis, "last-year", "Last year of life"),
    own(SurpriseQuestion, "not-surprised", "Would not be surprised if the person died within a year"),
    own(SurpriseQuestion, "surprised", "Would be surprised if the person died within a year"),
    own(GoldStandard, "a", "A: stable, a year or more"),
    own(GoldStandard, "b", "B: unstable, months"),
    own(GoldStandard, "c", "C: deteriorating, weeks"),
    own(GoldStandard, "d", "D: last days"),

    Code { set: Akps, token: "akps", system: System::Snomed, code: "901671000000100", display: "Australia-modified Karnofsky Performance Status", confirmed: true },
    own(Ecog, "0", "0: fully active"),
    own(Ecog, "1", "1: restricted in strenuous activity"),
    own(Ecog, "2", "2: up and about more than half the day, unable to work"),
    own(Ecog, "3", "3: limited self-care, in bed or chair more than half the day"),
    own(Ecog, "4", "4: completely disabled, totally confined to bed or chair"),
    own(Ecog, "5", "5: dead"),
    doubtful(snomed(Frailty, "1", "1129331000000101", "1: very fit")),
    doubtful(own(Frailty, "2", "2: fit")),
    doubtful(own(Frailty, "3", "3: managing well")),
    doubtful(own(Frailty, "4", "4: living with very mild frailty")),
    doubtful(own(Frailty, "5", "5: living with mild frailty")),
    doubtful(own(Frailty, "6", "6: living with moderate frailty")),
    doubtful(own(Frailty, "7", "7: living with severe frailty")),
    doubtful(own(Frailty, "8", "8: living with very severe frailty")),
    doubtful(snomed(Frailty, "9", "1129411000000100", "9: terminally ill")),

    own(AllergyStatus, "known", "Known allergies"),
    own(AllergyStatus, "none-known", "No known allergies"),
    own(AllergyStatus, "not-recorded", "Allergies not recorded in the source"),
    own(AllergyStatus, "unavailable", "Allergy information unavailable"),
    own(HighRisk, "anticoagulant", "Anticoagulant"),
    own(HighRisk, "insulin", "Insulin"),
    own(HighRisk, "opioid", "Opioid"),
    own(HighRisk, "steroid", "Steroid"),
    snomed(Anticipatory, "prescribed", "871021000000106", "Anticipatory medicines prescribed"),
    snomed(Anticipatory, "box-issued", "376201000000102", "Anticipatory medicines box issued"),
    own(Anticipatory, "not-prescribed", "Anticipatory medicines not prescribed"),
    own(Treat, "home", "Treat at home"),
    own(Treat, "hospital-if", "To hospital if"),
    own(Treat, "not-hospital", "Not for hospital"),

    own(Focus, "extend-life", "Prioritise extending life"),
    own(Focus, "balance", "Balance extending life with comfort"),
    own(Focus, "comfort", "Prioritise comfort"),
    own(Recommendation, "recommended", "Recommended"),
    own(Recommendation, "conditional", "Conditional"),
    own(Recommendation, "not-recommended", "Not recommended"),
    own(Recommendation, "unknown", "Unknown"),
    snomed(Cpr, "recommended", "450475007", "CPR recommended"),
    snomed(Cpr, "not-recommended", "450476008", "CPR not recommended"),
    own(Cpr, "modified", "Modified CPR (child only)"),
    own(Cpr, "unknown", "CPR recommendation unknown"),
    own(Cpr, "not-discussed", "CPR not discussed"),

    snomed(Legal, "adrt", "816301000000100", "Advance decision to refuse treatment"),
    snomed(Legal, "adrt-life-sustaining", "816321000000109", "Advance decision refusing life-sustaining treatment"),
    snomed(Legal, "attorney", "816361000000101", "Lasting power of attorney for health and welfare"),
    snomed(Legal, "attorney-life-sustaining", "816381000000105", "Lasting power of attorney with authority over life-sustaining treatment"),
    own(Legal, "deputy", "Court-appointed deputy"),
    snomed(Legal, "advance-statement", "816281000000101", "Advance statement"),
    snomed(Consent, "given", "882921000000109", "Consent given"),
    snomed(Consent, "withdrawn", "882941000000102", "Consent withdrawn"),
    snomed(Consent, "best-interests", "882961000000101", "Best-interests decision"),
    snomed(Consent, "attorney", "883001000000106", "Consent given by attorney"),
    snomed(Consent, "representative", "882981000000105", "Consent given by legitimate representative"),
    own(Capacity, "has", "Has capacity for this decision"),
    own(Capacity, "lacks", "Lacks capacity for this decision"),
    own(Capacity, "fluctuating", "Capacity fluctuates"),
    own(Capacity, "not-assessed", "Capacity not assessed"),
    own(Involvement, "a", "A: has capacity and took part"),
    own(Involvement, "b", "B: lacks capacity; made with legal proxy or in best interests"),
    own(Involvement, "c1", "C1: under 18, has capacity and took part"),
    own(Involvement, "c2", "C2: under 18, lacks capacity; their known views were considered"),
    own(Involvement, "c3", "C3: under 18; those with parental responsibility took part"),
    own(Involvement, "d", "D: the conversation did not take place"),

    own(Alert, "lone-worker", "Lone worker"),
    own(Alert, "infection", "Infection"),
    own(Alert, "oxygen", "Oxygen in use"),
    own(Alert, "safeguarding", "Safeguarding"),
    own(Alert, "bariatric", "Bariatric equipment needed"),
    own(AttachmentKind, "adrt", "Advance decision to refuse treatment"),
    own(AttachmentKind, "dnacpr", "DNACPR form"),
    own(AttachmentKind, "respect", "ReSPECT form"),
    own(AttachmentKind, "other", "Other document"),

    snomed(ActualPlace, "home", "184293009", "Died at home"),
    snomed(ActualPlace, "hospice", "313372007", "Died in hospice"),
    snomed(ActualPlace, "hospital", "184297005", "Died in hospital"),
    snomed(ActualPlace, "nursing-home", "184295002", "Died in nursing home"),
    snomed(ActualPlace, "usual-residence", "887801000000106", "Died in usual place of residence"),
    own(Achieved, "first", "Died in first preferred place"),
    own(Achieved, "second", "Died in second preferred place"),
    own(Achieved, "no", "Did not die in a preferred place"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_answer_is_found_by_its_token_its_code_and_its_words() {
        for code in CODES {
            for said in [code.token, code.code, code.display, &code.display.to_uppercase()] {
                assert!(find(code.set, said) == Some(code), "{:?} {said}", code.set);
            }
        }
        assert!(find(Cpr, "yes").is_none(), "an answer of another set");
    }

    #[test]
    fn no_code_of_a_system_stands_for_two_things_in_a_set() {
        let mut seen = BTreeSet::new();
        for code in CODES {
            assert!(seen.insert((code.set, code.system, code.code)), "{:?} {}", code.set, code.code);
        }
    }

    /// SNOMED CT identifiers end in a Verhoeff check digit, after a partition of 00 or 10.
    #[test]
    fn every_snomed_code_has_a_valid_check_digit() {
        for code in CODES.iter().filter(|code| code.system == System::Snomed) {
            assert!(verhoeff(code.code), "{} {}", code.code, code.display);
            assert!(
                ["00", "10"].contains(&&code.code[code.code.len() - 3..code.code.len() - 1]),
                "{}",
                code.code
            );
        }
    }

    fn verhoeff(digits: &str) -> bool {
        fn multiply(a: u8, b: u8) -> u8 {
            match (a < 5, b < 5) {
                (true, true) => (a + b) % 5,
                (true, false) => (a + b) % 5 + 5,
                (false, true) => (a - b + 5) % 5 + 5,
                (false, false) => (a + 5 - b) % 5,
            }
        }
        const STEP: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        let permute = |position: usize, digit: u8| (0..position % 8).fold(digit, |d, _| STEP[usize::from(d)]);
        let check = |sum, (i, digit): (usize, u8)| multiply(sum, permute(i, digit - b'0'));
        digits.bytes().rev().enumerate().fold(0, check) == 0
    }

    #[test]
    fn systems_are_known_by_number_and_uri() {
        for system in System::ALL {
            assert_eq!(System::from_number(system.number()), Some(system));
            assert_eq!(System::from_uri(system.uri()), Some(system));
        }
    }
}
