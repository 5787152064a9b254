# Why somebody may not do something, why an entry is held, and why an answer does not fit: for whoever is told.

# What a role, or a credential, does not allow.
refused-derived = "{ $what }" is filled in by the plan itself
refused-part-of-decision = "{ $what }" is part of a decision; record the whole decision
refused-not-a-decision = "{ $what }" is not written as a decision; change its fields one by one
refused-care-team-only = "{ $what }" is written by your care team; tell them what you would like to be there
refused-clinicians-only = "{ $what }" is recorded by clinicians; your role is { $role }
refused-not-granted = { $what ->
        [write] your credential does not let you write in plans; ask the administrator of your organisation
        [write-here] your credential does not let you write in this plan; ask the administrator of your organisation
        [decide] your credential does not let you record clinical decisions; ask the administrator of your organisation
        [prognosis] your credential does not let you record a prognosis; ask the administrator of your organisation
        [endorse] your credential does not let you endorse decisions; ask the administrator of your organisation
        [approve] your credential does not let you approve plans; ask the administrator of your organisation
        [review] your credential does not let you decide on held entries; ask the administrator of your organisation
       *[mark] your credential does not let you say how a plan stands; ask the administrator of your organisation
    }
refused-left-to-clinicians = { $what ->
        [approve] only your care team can approve plans; ask them
        [review] only your care team can decide on held entries; ask them
        [mark] only your care team can say how a plan stands; ask them
       *[prognosis] only your care team can record a prognosis; ask them
    }
refused-not-for-role = { $what ->
        [approve] only clinicians approve plans; your role is { $role }
        [review] only clinicians decide on held entries; your role is { $role }
        [mark] only clinicians say how a plan stands; your role is { $role }
       *[prognosis] only clinicians record a prognosis; your role is { $role }
    }
refused-reads-only = your role ({ $role }) reads plans and does not write in them
refused-glass = only clinicians and urgent care may open a locked plan; your role is { $role }
refused-not-endorsed = "{ $what }" is not endorsed; only resuscitation and escalation are

# What a plan as it stands does not allow.
refused-locked-out = consent was withdrawn; only the person and the organisation that began the plan see it
refused-not-locked = the plan is not locked for you; open it as usual
refused-no-consent-to-share = consent to share this plan has not been given; record it first
refused-conflict-unseen = there are decisions in conflict; look at all of them and say that this one resolves them
refused-nothing-to-endorse = there is no decision to endorse
refused-conflict-to-endorse = the decisions are in conflict
refused-changed-since-shown = the plan has changed since it was shown; look at it again, then approve it
refused-kept-by-team = this part of the plan is kept by the care team, on devices of theirs; ask them to write it there
refused-decision-restricted = a decision is shared, or kept among professionals; only fields are restricted
refused-kept-unseen = a decision on this is kept from the person; keep this one among professionals too, or disclose that one once it was talked about, or say that this one resolves it
refused-nothing-kept = no decision on this is kept from the person
refused-conflict-to-disclose = the decisions are in conflict; record one that resolves them
refused-not-aware = they would not be shown it: say { $what } as well, once they know it
refused-text-beside = the shared plan has a text for { $what }; write there what is right, by hand
refused-answers-beside = { $what } has several answers beside each other; settle that first
refused-hidden-contact = the person's device would hold it; write whom they are not to see in the professional part, as a new contact, and end the one that is here
refused-conflict-to-approve = the decisions on "{ $section }" are in conflict; record one that resolves them, then approve it
refused-undo-changed = somebody has changed "{ $what }" since; write what is right instead
refused-undo-settled = { $what } settled answers that stood beside each other; write it anew
refused-key-worker = the plan names you as key worker; change that in the plan to hand it back
refused-notebook = the notebook is on the device of the person a plan is for; write in the plan itself
refused-not-begun = nobody has written in this part of the plan yet; ask a nurse or doctor to write in it first
refused-no-basis = { $scope ->
        [record] there is no consent, or other lawful basis, to record; record consent or another basis first
       *[share] there is no consent, or other lawful basis, to share; record consent or another basis first
    }
refused-no-lookup = your credential does not allow looking up or starting plans
refused-oversight = your credential does not let you see who looked at all plans; ask the administrator of your organisation

# Why an entry is kept and is not part of the plan.
held-no-basis = it names no consent, or other lawful basis, that stood when it was written
held-consent-withdrawn = consent had been withdrawn when it was written
held-no-grounds = a basis that is not the person's own word says who decided, and why
held-after-death = the person had died; only what concerns the death can be recorded
held-credential = the author's credential was not valid for it
held-builds-on-held = it builds on an entry that is held
held-forked = its author wrote two different entries in the same place; a device may have been copied
held-malformed = it is malformed: { $why }
held-consent-role = a role ({ $role }) that does not record consent
held-kept-role = a role ({ $role }) that does not write what is kept from the person
held-newer-field = it writes a field that this version does not know
held-grant-unapproved = a plan that the person started is shared after a clinician has approved it
held-grant-role = a role ({ $role }) that does not give others access
held-review-day = { $months ->
        [one] a review is planned for a day at most { $months } month ahead
       *[other] a review is planned for a day at most { $months } months ahead
    }
held-own-review = nobody decides on their own entry; ask a colleague
held-adopts-broken = what is malformed or has a twin cannot be adopted; write it anew
held-adopts-missing = what it builds on is missing; write it anew
held-adopts-too-early = it builds on another held entry; decide on that one first
held-adopts-taken-back = it takes back what is kept from the person, and the shared plan has nothing in its place; adopt that first
held-adopts-other = only changes and decisions can be adopted; write it anew

# What it is that makes an entry malformed.
malformed-document = its change does not fit the document it builds on
malformed-previous = its author's previous entry is not in its past
malformed-compartment = it is of another compartment than this log
malformed-kind = that is not kept in this compartment
malformed-unreadable = it cannot be read
malformed-actor = the change is by another actor than the entry's author
malformed-number = the change is not the next of its actor
malformed-repeated = the change was brought by an earlier entry
malformed-no-change = no change
malformed-field-compartment = "{ $what }" is kept in another compartment
malformed-death = a death is kept from nobody
malformed-taken-back = it takes a decision back, and the shared plan has none in its place
malformed-endorsement = an endorsement names a decision in its past and replaces none
malformed-section = there is no section { $number }
malformed-approval = it approves a section that there is not
malformed-review = what it is about is not in its past
malformed-settled = what it is about is part of the plan already; write what is right instead

# Why an answer does not fit its question.
shape-unknown-field = there is no field { $key }; list the fields with `bedside plan fields`
shape-part-of-decision = { $key } is part of a decision; record the whole decision
shape-not-of-decision = { $key } is not part of this decision
shape-wants-text = { $key } takes text
shape-wants-words = { $key } takes words
shape-wants-value = { $key } takes a value, not a text
shape-wants-exception = { $key } takes only "asked, none", "declined" or "unable to express"; write words as text
shape-wants-known = { $key } takes an answer that this version knows
shape-wants-choice = { $key } takes { $choices }, or words
shape-wants-date = { $key } takes a date such as 2026-11-22, 2026-11 or 2026
shape-wants-whole = { $key } takes a whole number from { $min } to { $max }
shape-wants-step = { $key } takes a number from { $min } to { $max } in steps of { $step }
shape-not-in-set = { $key } has no choice with this code; choose one of { $choices }, or write it in words
shape-text-too-long = the text has { $bytes } bytes, more than { $most }; attach long documents instead
shape-answer = { $key }: { $why }
shape-not-a-decision = section { $number } is not written as a decision
shape-incomplete = the decision is incomplete: { $key } is missing
shape-empty = the decision is incomplete: every field is missing
shape-too-many = { $count } fields at once are more than { $most }; save in parts
shape-content = a decision's content cannot be read
leaf-unreadable = an answer cannot be read
leaf-empty = the answer is empty; leave the field alone when nothing is known, or record that it was asked
leaf-too-long = the answer has { $bytes } bytes, more than { $most }; attach long documents instead
leaf-not-a-date = not a date; write 2026-11-22, 2026-11 or 2026
nhs-number-length = an NHS number has ten digits, such as 943 476 5919; check that none is missing
nhs-number-check-digit = this is not a valid NHS number: its last digit does not fit the others; check each digit

# Around them, where an app shows an error as one sentence.
error-not-allowed = not allowed: { $reason }
error-invalid = { $what }: { $why }
