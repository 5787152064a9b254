# What the person reads about themself. Plain words for a reading age of nine to eleven: short sentences, "you", no jargon.
# A message that is named "person-" and the name of another one, or of a label, takes its place for the person.

person-heading-you = About you
person-heading-matters = What matters to you
person-heading-places = Where you want to be
person-heading-cpr = If your heart stops
person-heading-treatment = Your treatment
person-heading-papers = Papers you have signed
person-heading-illness = Your illness
person-heading-time = How much time there may be
person-heading-medicines = Your medicines
person-heading-problems = What to do if you feel worse
person-heading-people = Your people
person-heading-team = The team who look after you
person-heading-consent = Who may see your plan
person-heading-ask = Do you want to ask or change something?

person-nothing-matters = Nothing is written here yet. What matters to you? Tell us, and we will write it down.
person-nothing-places = Nothing is written here yet. Where would you like to be looked after? You can tell us when you are ready.
person-nothing-cpr = Nothing is written here that we have talked about with you. You can ask your nurse or doctor at any time.
person-nothing-treatment = Nothing is written here yet. You can ask your nurse or doctor at any time.
person-in-conflict = Your doctors and nurses have written different things here. They will look at it again and talk with you.

person-ask-more = This page may not show all that staff have written. You can ask to see the rest.
person-ask-change = You can change your mind at any time. Tell your nurse or doctor.
person-ask-staff = Staff use another page, made for them.

# How old it is, and how it stands.
person-mark-waiting = { $count ->
        [one] { $count } change you made here is not sent yet
       *[other] { $count } changes you made here are not sent yet
    }
person-approval-none = No doctor or nurse has agreed this plan yet
person-approval-latest = { $author } last agreed this plan on { $day }
person-as-of-never = Only what is on this device. It has not been checked with others yet
person-as-of-fresh = Checked on { $when }
person-as-of-stale = Last checked on { $when }
person-as-of-past = This is your plan as it was on { $when }
person-mark-past = This is an old copy of your plan
person-alert-left-out = Some of this plan can not be shown on this device
    .action = Update the app, or ask your nurse
person-alert-unreadable = Some of this plan can not be shown on this device
    .action = Update the app, or ask your nurse
person-alert-to-come = Some of this plan is still on its way to this device
    .action = Look again later, or ask your nurse
person-alert-passed-over = Some of this plan can not be shown on this device
    .action = Ask your nurse
person-alert-held = Something new has to be looked at by a nurse or doctor
    .action = They will do this soon
person-severity-warning = PLEASE NOTE
person-severity-danger = IMPORTANT
person-foot = This is a copy made on { $when }. Your team may have a newer one

# Answers.
person-not-recorded = Not written down yet
person-answer-asked-none = We asked. You said there is none
person-answer-declined = You did not want to talk about this
person-answer-unable-to-express = You were not able to tell us
person-answer-unknown = Written, but this device can not show it
person-answer-damaged = Written, but it can not be read. Ask your nurse
person-answer-withheld = Written down, and kept hidden here
person-more-than-one = THERE IS MORE THAN ONE ANSWER
person-code-yes-no-unknown = Not known
person-decision-waits = Something is written here that no doctor has agreed yet
person-cpr-in-words = { $answer }
person-medicine-dose = take { $dose }
person-medicine-dose-missing = how much is not written down
person-medicine-name-missing = name not written down

# If your heart stops.
person-code-cpr-recommended = If your heart stops, staff will try to start it again.
person-code-cpr-not-recommended = If your heart stops, staff will not try to start it again. They will keep you calm and comfortable.
person-code-cpr-modified = If your heart stops, staff will do only some things to start it again.
person-code-cpr-unknown = We do not know yet what is best if your heart stops.
person-code-cpr-not-discussed = We have not talked about this with you yet.
person-field-cpr-reason = Why
person-field-cpr-form_location = Where the paper is kept

# Your treatment.
person-field-escalation-focus = What we try to do
person-code-focus-extend-life = Help you live as long as we can
person-code-focus-balance = Help you live longer, and keep you comfortable too
person-code-focus-comfort = Keep you comfortable
person-field-escalation-hospital = Going to hospital
person-field-escalation-icu = Going to intensive care
person-field-escalation-rationale = Why
person-code-recommendation-recommended = Yes, if it would help you
person-code-recommendation-conditional = Only sometimes
person-code-recommendation-not-recommended = We think it would not help you
person-code-recommendation-unknown = Not known yet

# Papers.
person-field-document-kind = Paper
person-field-document-holder = Who can speak for you
person-field-document-location = Where it is kept
person-code-legal-adrt = Your letter that says which treatments you do not want
person-code-legal-adrt-life-sustaining = Your letter that says you do not want treatments that keep you alive
person-code-legal-attorney = Somebody you chose can decide about your care
person-code-legal-attorney-life-sustaining = Somebody you chose can decide about your care, and about treatments that keep you alive
person-code-legal-deputy = A court chose somebody to decide for you
person-code-legal-advance-statement = Your letter about what you like and want

# Your illness.
person-field-diagnoses-primary = Your main illness
person-field-diagnosis-name = Another illness
person-field-prognosis-estimate = What the doctors think
person-code-prognosis-last-days = You may have only days to live.
person-code-prognosis-last-weeks = You may have some weeks to live.
person-code-prognosis-last-months = You may have some months to live.
person-code-prognosis-last-year = You may have about a year to live.

# Where you want to be.
person-field-preferences-place_of_care_1 = Where you would like to be looked after
person-field-preferences-place_of_care_1_where = Where that is
person-field-preferences-place_of_care_2 = If that is not possible
person-field-preferences-place_of_care_2_where = Where that is
person-field-preferences-place_of_death_1 = Where you would like to be when you die
person-field-preferences-place_of_death_1_where = Where that is
person-field-preferences-place_of_death_2 = If that is not possible
person-field-preferences-place_of_death_2_where = Where that is
person-field-preferences-notes = More about this
person-code-place-other-private-residence = At somebody else's home
person-code-place-community-hospital = A small hospital near you
person-code-place-residential-home = A care home
person-code-place-usual-residence = Where you live now
person-code-place-undecided = You have not made up your mind
person-code-place-not-appropriate = We have not talked about this

# What matters to you.
person-field-wishes-about_me = Who you are
person-field-wishes-most_value = What you care about most
person-field-wishes-most_fear = What you do not want to happen
person-field-wishes-wishes = What you wish for
person-field-wishes-priority = From 1 (live as long as I can) to 100 (be comfortable)
person-field-wishes-spiritual = Your faith and your customs
person-field-wishes-organ_donation = Giving organs after you die
person-field-wishes-daily_life = Your day
person-field-wishes-after_death = After you die

# You.
person-field-identity-preferred_name = You like to be called
person-field-identity-language = You speak
person-field-identity-religion = Your religion
person-field-identity-address = You live at

# Medicines.
person-field-allergies-status = Allergies
person-field-allergy-substance = Medicines or things that make you ill
person-field-allergy-reaction = What happens
person-code-allergy-status-known = You have allergies
person-code-allergy-status-none-known = We do not know of any
person-code-allergy-status-not-recorded = Not written down where we looked
person-code-allergy-status-unavailable = We could not find out
person-field-medicine-indication = What it is for
person-field-anticipatory-status = Medicines kept ready in case you feel worse
person-field-anticipatory-where_kept = Where they are kept
person-code-anticipatory-prescribed = Your doctor has ordered them
person-code-anticipatory-box-issued = The box is with you
person-code-anticipatory-not-prescribed = Not ordered

# What to do.
person-field-problem-name = Problem
person-field-problem-first_action = First
person-field-problem-if_no_better = If that does not help
person-field-problem-call_in_hours = Who to call in the day
person-field-problem-call_out_of_hours = Who to call at night and at weekends

# People.
person-field-carer-main = Somebody who cares for you
person-code-main-carer-has = Yes, you have somebody
person-code-main-carer-does-not-have = There is nobody
person-code-main-carer-unknown = Not known
person-field-contact-name = Name
person-field-contact-relationship = Who they are to you
person-field-contact-phone_1 = Phone
person-field-contact-phone_2 = Second phone
person-field-contact-phone_3 = Third phone
person-field-gp-practice = Your doctor's surgery
person-field-gp-phone = Phone
person-field-gp-usual = Your doctor
person-field-team-key_worker = Ask this person first
person-field-professional-name = Name
person-field-professional-group = What they do
person-field-professional-phone = Phone in the day
person-field-professional-phone_out_of_hours = Phone at night and at weekends
person-code-care-group-general-practitioner = Your family doctor
person-code-care-group-occupational-therapist = Helps you with daily tasks
person-code-care-group-physiotherapist = Helps you move
person-code-care-group-palliative-nurse = Nurse for your comfort
person-code-care-group-palliative-physician = Doctor for your comfort
person-code-care-group-healthcare-support-worker = Care worker
person-code-care-group-clinical-nurse-specialist = Nurse who knows your illness well

# Who may see your plan.
person-consent-record = { $outcome ->
        [given] You said that we may keep this plan.
        [withdrawn] You said that we may not keep this plan. We write nothing more in it.
        [best-interests] You were not able to decide about this plan. Others decided what is best for you.
        [attorney] The person you chose to speak for you said that we may keep this plan.
       *[representative] The person who speaks for you said that we may keep this plan.
    }
person-consent-share = { $outcome ->
        [given] You said that we may share this plan with people who care for you.
        [withdrawn] You said that we may not share this plan. Others do not see it now.
        [best-interests] You were not able to decide who may see this plan. Others decided what is best for you.
        [attorney] The person you chose to speak for you said that we may share this plan.
       *[representative] The person who speaks for you said that we may share this plan.
    }

# Who has looked at the plan. Nobody knows that nobody has: only what has come to this device.
person-heading-looks = Who has looked at your plan
person-looks-known = This is what this device had been told by { $when }. Newer looks may not be here yet.
person-looks-known-never = This is what is on this device. It has not been in touch with others yet.
person-looks-none = No looks are written down here, up to { $when }. Some may not be here yet.
person-looks-none-never = No looks are written down here. This device has not been in touch with others yet.
person-looks-own = Your own looks are not written down.
person-looks-more = { $count ->
        [one] There is { $count } more. You can ask to see it.
       *[other] There are { $count } more. You can ask to see them all.
    }
person-looked-view = { $who } looked at your plan
person-looked-reveal = { $who } asked to be shown: { $what }
person-looked-print = { $who } printed your plan
person-looked-export = { $who } made a copy of your plan
person-looked-glass = { $reason ->
        [emergency-treatment] { $who } opened your plan on { $when }, when you had said no. It was for care that could not wait. They wrote: { $why }
        [safeguarding] { $who } opened your plan on { $when }, when you had said no. It was because they thought somebody was not safe. They wrote: { $why }
        [legal-duty] { $who } opened your plan on { $when }, when you had said no. It was because of the law. They wrote: { $why }
       *[none] { $who } opened your plan on { $when }, when you had said no. They did not say why.
    }
person-role-proxy = speaks for you
person-field-home-key_safe = the code of your key safe
person-looked-when = { $count ->
        [one] on { $when }
       *[other] { $count } times that day, the last time on { $when }
    }
person-looked-who = { $author } ({ $role })
person-looked-who-of = { $author } ({ $role }, { $organisation })
person-looked-doubtful = We are not sure who this was
