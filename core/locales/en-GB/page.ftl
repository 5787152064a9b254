# Pages of a plan. British English: the language that is always there.
#
# To translate: copy this folder, keep every name before "=" and every { $name }. Labels of fields, sections and codes stand
# in the tables of core/src/plan; a language overrides one by a message that is named after it, such as
#   field-cpr-discussed_person    section-cpr    code-cpr-not-recommended    role-nurse
# Dates come as DD-Mmm-YYYY and NHS numbers in groups of 3-3-4, in every language.

# The banner: who the plan is about.
banner-name = { $family }, { $given }
banner-name-titled = { $family }, { $given } ({ $title })
banner-family-missing = FAMILY NAME NOT RECORDED
banner-given-missing = given name not recorded
banner-born = born { $born }
banner-born-aged = born { $born } ({ $years }y)
banner-born-missing = date of birth not recorded
banner-died = DIED { $died }
banner-death-reported = DEATH REPORTED { $notice }
banner-date-not-given = date not given
banner-gender-missing = gender not recorded
banner-nhs-number = NHS No. { $number }
banner-nhs-number-missing = NHS No. not recorded
banner-nhs-number-wrong = { $number } (not a valid NHS number)

# What kind of page it is.
title-person = Your care plan
title-care-team = Care plan
title-urgent = Care plan for urgent care
title-summary = Care plan on one page
document-title = { $name }: { $title }

# How old it is, and how it stands.
as-of-never = Never compared with the relay: only what this device holds
as-of-fresh = As of { $when }
as-of-stale = As of { $when }, not checked since
as-of-past = As it stood on { $when }
approval-none = { $status }. Nobody has approved this plan
approval-latest = { $status }. Last approved by { $author } ({ $role }) on { $day }
mark-locked = LOCKED: consent was withdrawn. Nothing else of this plan is shown here
mark-past = PAST: this is how the plan stood once, not how it stands now
mark-waiting = { $count ->
        [one] { $count } change made here is not sent yet
       *[other] { $count } changes made here are not sent yet
    }
mark-reason = The reason given: { $reason }

# The word before a mark, so that colour alone never carries it.
severity-danger = DANGER
severity-warning = CHECK
severity-note = NOTE

# Headings that are not a section's title.
heading-alerts = Look at first
heading-check = To be checked
heading-consent = Consent
heading-empty = Nothing recorded
heading-rest = Not on this page

# Answers. "Not recorded" is none of the others, and none of them is "no".
not-recorded = Not recorded
answer-asked-none = Asked: there is none
answer-declined = Declined to talk about this
answer-unable-to-express = Unable to express this
answer-taken-back = Taken back
answer-unknown = Recorded by a newer version; update to read it
answer-damaged = Recorded, but damaged; ask who wrote it
answer-withheld = Recorded; revealing it is recorded too
answer-with-words = { $answer }: { $words }
answer-labelled = { $label }: { $answer }
more-than-one = MORE THAN ONE ANSWER
kept-from-person = KEPT FROM THE PERSON
nothing-under = Nothing is recorded under: { $sections }

# Decisions.
decision-number = Decision { $number }
in-conflict = IN CONFLICT: { $count } decisions stand. A clinician must decide
recorded-by = Recorded by { $by }
endorsed-by = Endorsed by { $by }
not-endorsed = Not endorsed
decision-kept = KEPT FROM THE PERSON: their own copy does not have it. Do not talk about it with them or their family before you have asked the care team
decision-replaced = Approved, and since replaced by one that nobody has approved yet
decision-not-approved = Newer, and not yet approved
decision-waits = A decision is recorded and not approved yet. It is not shown here: ask who is in charge of the plan
cpr-not-recorded = CPR: not recorded. Until a decision is recorded, CPR is started
cpr-in-words = CPR: { $answer }

# Whether a section was approved.
review-not-reviewed = Not yet reviewed
review-approved = Approved by { $author } on { $day }
review-changed = Changed since { $author } approved it on { $day }; the change is not yet reviewed

# Lists.
item-ended = ended
item-in-error = ENTERED IN ERROR
medicine-dose = DOSE { $dose }
medicine-name-missing = name not recorded
medicine-dose-missing = dose not recorded
medicine-or = OR

# Where an answer comes from.
by = { $author } ({ $role }), { $day }
by-of = { $author } ({ $role }, { $organisation }), { $day }
by-of-ods = { $author } ({ $role }, { $organisation }, { $ods }), { $day }
wrote = { $author }, { $role }, { $day }
wrote-with = { $author } with { $others }, { $role }, { $day }
correction = correction
heard-from = { $source ->
        [person] heard from the person
        [proxy] heard from somebody who speaks for the person
        [observed] observed
        [record] from a record
       *[other] heard from a source that this version does not know
    }
confirmed = confirmed { $day }
all-from = All of this: { $note }

role-person = the person
role-proxy = speaks for the person
role-doctor = doctor
role-nurse = nurse
role-allied-health = allied health professional
role-carer = carer
role-administrator = administrator
role-social-worker = social worker
role-urgent-care = urgent care

# Consent.
consent-record = { $outcome ->
        [given] Consent to keep this plan: given
        [withdrawn] Consent to keep this plan: WITHDRAWN
        [best-interests] Best-interests decision to keep this plan
        [attorney] Consent to keep this plan: given by attorney
       *[representative] Consent to keep this plan: given by legitimate representative
    }
consent-share = { $outcome ->
        [given] Consent to share this plan: given
        [withdrawn] Consent to share this plan: WITHDRAWN
        [best-interests] Best-interests decision to share this plan
        [attorney] Consent to share this plan: given by attorney
       *[representative] Consent to share this plan: given by legitimate representative
    }
consent-noted = { $consent }: { $note }
consent-by = Decided by { $who }
consent-consulted = Consulted: { $people }
consent-why = Why: { $why }

# The foot of a page.
foot = This is a copy made on { $when }. A device may have something newer
foot-shared-only = What professionals keep among themselves is on no such copy. A device of the care team shows it
foot-urgent = Decisions are shown as they were approved. A newer one is shown at once only when it means less treatment, or when decisions are in conflict

# One page: what is not on it.
rest-more = { $count ->
        [one] { $count } more answer is in the whole plan
       *[other] { $count } more answers are in the whole plan
    }
rest-no-room = { $count ->
        [one] { $count } answer that belongs here found no room: { $what }
       *[other] { $count } answers that belong here found no room: { $what }
    }
rest-nothing = The whole plan has nothing else
