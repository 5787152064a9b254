# What was done to a plan, who looked at it, and what differs between two moments.

# Words, a label or an answer as they are, without a sentence around them.
just = { $what }

history-access-person = access given to a person
history-access-organisation = access given to an organisation
history-adopted = a held entry adopted
history-declined = a held entry declined
history-approved = approved: { $sections }
history-approval-asked = approval asked for
history-under-review = put under review
history-in-error = said to be entered in error
history-in-use = said to be in use again
history-unreadable = a change that cannot be read
history-text = the text is changed
history-newer-field = a field of a newer version
history-newer-section = a section of a newer version
history-decided = { $section }: decision recorded
history-taken-back = { $section }: no longer kept from the person; the shared plan says what holds
history-endorsed = { $section }: decision endorsed
history-replaced = { $section }: decision replaced
history-resolved = { $section }: decisions in conflict resolved
history-consent-record = { $outcome ->
        [given] consent to record given
        [withdrawn] consent to record withdrawn
        [best-interests] best-interests decision to record
        [attorney] consent to record by an attorney
       *[representative] consent to record by a legitimate representative
    }
history-consent-share = { $outcome ->
        [given] consent to share given
        [withdrawn] consent to share withdrawn
        [best-interests] best-interests decision to share
        [attorney] consent to share by an attorney
       *[representative] consent to share by a legitimate representative
    }

# Who looked. The author stands before it.
look-view = looked at the plan
look-reveal = had revealed: { $what }
look-print = printed the plan
look-export = exported the plan as { $format }
look-break-glass = opened the plan without consent, and gave no reason
look-break-glass-why = { $reason ->
        [emergency-treatment] opened the plan without consent, for emergency treatment: { $why }
        [safeguarding] opened the plan without consent, for safeguarding: { $why }
       *[legal-duty] opened the plan without consent, for a legal duty: { $why }
    }

# What differs between two moments.
difference = { $section }: { $label }: { $before } -> { $after }
difference-kept = { $answer } [KEPT FROM THE PERSON]
difference-item = { $item }: { $label }
difference-endorsed = { $section }: endorsed by { $author }
difference-endorsement = Endorsement

# What became of what this device sent.
receipt-refused = the relay refused it
