import Bedside

/// How far what was written here has got, in three words.
public func progress(_ receipts: Receipts) -> String {
    "\(receipts.saved) saved, \(receipts.sent) sent, \(receipts.seen) seen"
}

/// How things are between this device and the relay, in a few words.
public func words(_ status: SyncStatus) -> String {
    switch status {
    case .offline: "Offline"
    case .syncing: "Getting in step"
    case .inStep(let live): live ? "In step" : "In step when last asked"
    case .retrying(_, let why): "Trying again: \(why)"
    case .diskFull: "This device is full: free some space"
    case .storageFailed(_, let what): "This device's storage fails: \(what)"
    case .notAdmitted: "The relay does not know this device"
    case .updateNeeded: "Update this app"
    }
}

/// What somebody is called on a phone that several share.
public func called(_ person: IdentityRow) -> String {
    let name = person.label.isEmpty ? "Whoever was here first" : person.label
    return person.canUnlock ? name : "\(name) (PIN forgotten: keys are gone)"
}

/// What a person can do about an error.
public enum Remedy: Sendable, Equatable {
    case enterPin
    case enrol
    case wait(until: Int64?)
    case correct(field: String)
    case tell
    case update
    case repair
}

/// What the app does next. Exhaustive: a new kind of error does not compile.
public func remedy(_ error: ApiError) -> Remedy {
    switch error {
    case .Locked: .enterPin
    case .WrongPin(_, _, let retryAt): .wait(until: retryAt)
    case .Wait(_, let until): .wait(until: until)
    case .KeysDestroyed, .NotEnrolled: .enrol
    case .Invalid(_, let what, _): .correct(field: what)
    case .Damaged: .repair
    case .UpdateApp: .update
    case .NotAllowed, .NotFound, .AlreadyThere, .InUse, .FreeSpace, .Unreachable, .Refused, .SyncFirst, .Cancelled, .KeyStore,
        .Bug:
        .tell
    }
}

extension ApiError {
    /// For people; no personal data.
    public var words: String {
        switch self {
        case .Locked(let text), .KeysDestroyed(let text), .NotEnrolled(let text), .InUse(let text), .FreeSpace(let text),
            .UpdateApp(let text), .Unreachable(let text), .SyncFirst(let text), .Cancelled(let text):
            text
        case .WrongPin(let text, _, _), .Invalid(let text, _, _): text
        case .Wait(let text, _), .NotAllowed(let text, _), .NotFound(let text, _), .AlreadyThere(let text, _),
            .Damaged(let text, _), .Refused(let text, _), .KeyStore(let text, _), .Bug(let text, _):
            text
        }
    }
}

/// One heading of a plan with what stands under it, as a screen shows it.
public struct ShownSection: Identifiable, Sendable, Equatable {
    public let id: String
    public let title: String
    public let inConflict: Bool
    /// What stands under it. Decisions in conflict are as many blocks, to be shown side by side.
    public let decisions: [Block]
    public let lines: [Line]

    public struct Block: Identifiable, Sendable, Equatable {
        public let id: String
        public let lines: [Line]
        public let by: String
    }

    public struct Line: Identifiable, Sendable, Equatable {
        public let id: String
        public let label: String
        public let values: [String]
    }
}

/// What a plan's page shows under the banner and the alerts: sections in which something stands, decisions in conflict first.
public func shown(_ view: PlanView) -> [ShownSection] {
    let all = view.sections.map { section in
        ShownSection(
            id: section.name,
            title: section.title,
            inConflict: section.inConflict,
            decisions: section.decisions.map { decision in
                ShownSection.Block(
                    id: decision.entry, lines: lines(decision.fields, decision.lists),
                    by: "\(decision.by.author), \(decision.by.role), \(decision.by.day)")
            },
            lines: lines(section.fields, section.lists))
    }
    let filled = all.filter { !$0.decisions.isEmpty || !$0.lines.isEmpty }
    return filled.filter(\.inConflict) + filled.filter { !$0.inConflict }
}

private func lines(_ fields: [FieldView], _ lists: [ListView]) -> [ShownSection.Line] {
    let single = fields.map { line($0, id: $0.key) }
    let items = lists.flatMap { list in
        list.items.filter { !$0.inError && !$0.ended }.flatMap { item in
            item.fields.map { line($0, id: "\(list.list)/\(item.id)/\($0.key)") }
        }
    }
    return single + items
}

private func line(_ field: FieldView, id: String) -> ShownSection.Line {
    ShownSection.Line(id: id, label: field.label, values: field.values.map(\.text))
}

/// 3-3-4, with spaces at which no line breaks.
public func spaced(_ nhsNumber: String) -> String {
    guard nhsNumber.count == 10 else { return nhsNumber }
    return "\(nhsNumber.prefix(3))\u{a0}\(nhsNumber.dropFirst(3).prefix(3))\u{a0}\(nhsNumber.suffix(4))"
}
