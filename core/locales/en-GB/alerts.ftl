# What must be seen first, and what to do about it. Dates come as DD-Mmm-YYYY, in every language.

alert-break-glass = OPENED WITHOUT CONSENT, until { $until }: { $why }
    .action = Read what you need and no more; the person sees who opened it and why
glass-open = Opened without consent, until { $until }
alert-deceased = DECEASED: died { $died }
    .action = Stop visits and orders; only what concerns the death is recorded
alert-death-notice = The demographics service records a death ({ $notice }); confirm before acting
    .action = Confirm whether the person is alive before acting
alert-entered-in-error = This plan was ENTERED IN ERROR
    .action = Do not act on it; see the reason
alert-identity-differs = More than one answer for { $field }: check who this is
    .action = Ask the person or see a document before acting on the plan

alert-consent-withdrawn = { $scope ->
        [record] Consent to keep this plan: WITHDRAWN
       *[share] Consent to share this plan: WITHDRAWN
    }
    .action = { $scope ->
        [record] Write nothing in this plan; ask whether it may be kept
       *[share] Do not pass it on; other organisations no longer see it
    }

alert-in-conflict = IN CONFLICT: { $section }: { $count } decisions stand; see both
    .action = A clinician looks at all of them and records one that replaces them

alert-cpr-not-documented = CPR not documented
    .action = Until it is, CPR is started; talk about it and record the decision
alert-cpr-not-discussed = { $what ->
        [at-all] CPR has not been discussed
       *[with-person] The CPR decision is not recorded as discussed with the person
    }
    .action = { $what ->
        [at-all] Until it is, CPR is started; talk about it
       *[with-person] Talk about it, or record why that was not possible
    }
alert-cpr-not-endorsed = The CPR decision has not been endorsed by a senior clinician
    .action = Ask the senior responsible clinician to endorse it
alert-cpr-capacity-missing = Whether the person had capacity for the CPR decision is not recorded
    .action = Assess capacity for this decision and record it
alert-no-best-interests = The person lacks capacity for the CPR decision, and no best-interests decision is recorded
    .action = Record who was consulted, and why it was decided
alert-no-place-of-death = No preferred place of death recorded
    .action = Ask, and record the answer, or that it was declined

alert-review-overdue = { $what ->
        [cpr] The CPR decision was due for review on { $day }
       *[escalation] The escalation decision was due for review on { $day }
    }
    .action = Review the decision; it stands until it is replaced
alert-review-due-soon = { $what ->
        [cpr] The CPR decision is due for review on { $day }
       *[escalation] The escalation decision is due for review on { $day }
    }
    .action = Plan the review
alert-plan-review-overdue = The plan was due for review on { $day }
    .action = Go through the plan and have it approved again
alert-plan-review-due-soon = The plan is due for review on { $day }
    .action = Plan the review

alert-anticipatory-expired = The anticipatory medicines expired on { $day }
    .action = Do not use them; have them replaced today
alert-anticipatory-expiring = The anticipatory medicines expire on { $day }
    .action = Order new ones

alert-capacity-out-of-date = The assessment of capacity for { $decision } is not in force today
    .action = Assess capacity again before you rely on it
some-decision = a decision

alert-not-approved = Nobody has approved this plan
    .action = Ask a clinician who may approve to go through it
alert-changed-since-approval = Not yet approved as it stands: { $sections }
    .action = Look at what changed, and have it approved

alert-duplicate-medicine = { $name } is in the list of medicines more than once
    .action = Check whether both are taken; stop the one that is not
alert-duplicate-contact = { $name } is among the contacts more than once
    .action = Mark one as entered in error if they are the same person

alert-held = { $count ->
        [one] { $count } entry is held for a reviewer and not shown here
       *[other] { $count } entries are held for a reviewer and not shown here
    }
    .action = See why, and adopt or decline it, or ask a clinician to
alert-unreadable = { $count ->
        [one] { $count } answer was recorded by another version of this software and not shown here; update to read it
       *[other] { $count } answers were recorded by another version of this software and not shown here; update to read them
    }
    .action = Update this software
alert-left-out = { $count ->
        [one] { $count } entry is in this plan that this version cannot read: what you see is not all of it
       *[other] { $count } entries are in this plan that this version cannot read: what you see is not all of it
    }
    .action = Update this software
alert-passed-over = So much of this plan cannot be read that not all of it is fetched: what you see is not all
    .action = Tell your administrator: somebody may be flooding the plan
alert-to-come = { $count ->
        [one] { $count } entry has come for this plan and lacks something to be read: what you see is not all of it
       *[other] { $count } entries have come for this plan and lack something to be read: what you see is not all of it
    }
    .action = Sync; if it stays, update this software and ask your administrator

alert-adrt-under-18 = The advance decision was made at the age of { $age }; it binds only from 18
    .action = Take it as the person's wishes, and decide in their best interests
alert-adrt-age-unknown = { $missing ->
        [made] The advance decision has no date, so whether the person was 18 cannot be told
       *[days] Whether the person was 18 when they made the advance decision cannot be told
    }
    .action = { $missing ->
        [made] Record the day it was made
       *[days] Record the day it was made, and the date of birth, to the day
    }
alert-adrt-without-capacity = The advance decision is recorded as made without capacity; then it does not bind
    .action = Look at the original before you rely on it, and ask whoever holds it
alert-adrt-capacity-unknown = Whether the person had capacity when they made the advance decision is not recorded
    .action = Look at the original before you rely on it, and ask whoever holds it
alert-adrt-incomplete = The refusal of life-sustaining treatment is not recorded as { $missing }; without that it does not bind
    .action = Look at the original before you rely on it, and ask whoever holds it
adrt-in-writing = in writing
adrt-signed = signed
adrt-witnessed = witnessed
adrt-even-if-life-at-risk = said to apply "even if life is at risk"

alert-adrt-and-attorney = { $later ->
        [attorney] An attorney was appointed after the advance decision; for the same decision, the attorney comes first
        [decision] The advance decision was made after the attorney was appointed; the attorney cannot overrule it
       *[unknown] There is an attorney and an advance decision, and which came later cannot be told
    }
    .action = Read both documents: an attorney comes before an advance decision only if appointed later and for the same decision
alert-attorney-not-life-sustaining = The attorney has no recorded authority over life-sustaining treatment; the advance decision has
    .action = Read both documents: an attorney comes before an advance decision only if appointed later and for the same decision
alert-attorney-undocumented = An attorney consented, and no lasting power of attorney is recorded
    .action = See the document, and record it under Legal documents
alert-attorney-before-capacity-lost = An attorney consented, and no assessment in force says that the person lacks capacity
    .action = Ask the person, or assess capacity for this decision and record it
