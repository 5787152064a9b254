# A plan in one line of a list, and why it is in it.

list-deceased = DECEASED: died { $died }
list-locked = LOCKED: consent is withdrawn
list-cpr-none = CPR not documented
list-cpr = { $endorsed ->
        [yes] { $answer } ({ $author }, { $day }, endorsed)
       *[no] { $answer } ({ $author }, { $day }, not endorsed)
    }
list-cpr-kept = { $line }; KEPT FROM THE PERSON
list-cpr-in-conflict = CPR IN CONFLICT: { $answers }
list-cpr-unanswered = CPR decision without an answer

why-asked = { $by } asked for approval on { $day }
why-asked-note = { $by } asked for approval on { $day }: { $note }
why-changed-since-approval = Changed since { $by } approved it on { $day }
why-review-overdue = { $section } was due for review on { $day }
why-review-today = { $section } is due for review today
why-review-due = { $section } is due for review on { $day }
why-plan-review-overdue = The plan was due for review on { $day }
why-plan-review-today = The plan is due for review today
why-plan-review-due = The plan is due for review on { $day }
why-conflict = Decisions in conflict: { $sections }
why-held = { $count ->
        [one] { $count } entry held, since { $since }
       *[other] { $count } entries held, the oldest since { $since }
    }
why-key-worker = The plan names you as key worker
why-taken-on = In your caseload since { $day }
why-others-wrote = Others wrote in it on { $when }
why-never-opened = Never opened; others wrote in it on { $when }

visit-done = Done on { $done } (planned for { $when })
visit-missed = NOT DONE: planned for { $when }
visit-today = Today
visit-today-at = Today { $time }
visit-planned = { $when }
visit-noted = { $visit }: { $note }

# Why a privacy officer looks into a look.
unusual-glass = opened without consent
unusual-not-valid = not valid: it may have been somebody else
unusual-copy = taken out as a file
unusual-many-plans = { $count } plans looked at on that day
