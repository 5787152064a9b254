#if canImport(SwiftUI)
    import Bedside
    import SwiftUI

    /// The whole app.
    public struct BedsideScreens: View {
        @ObservedObject private var model: AppModel

        public init(model: AppModel) {
            self.model = model
        }

        public var body: some View {
            content
                .padding()
                .simultaneousGesture(TapGesture().onEnded { model.touched() })
                .alert("", isPresented: .constant(model.problem != nil)) {
                    Button("OK") { model.problem = nil }
                } message: {
                    Text(model.problem ?? "")
                }
        }

        @ViewBuilder private var content: some View {
            switch model.screen {
            case .welcome: PinScreen(title: "Choose a PIN", action: "Make this phone a device", entered: model.create)
            case .who(let people): WhoScreen(people: people) { model.choose($0) }
            case .unlock(nil):
                PinScreen(title: "Enter your PIN", action: "Unlock", remembered: model.unlockRemembered) { model.unlock(nil, $0) }
            case .unlock(.some(let person)):
                // A face opens it as whoever asked for that, which on a shared phone may be somebody else.
                PinScreen(title: "PIN of \(called(person))", action: "Unlock") { model.unlock(person, $0) }
                Button("Somebody else") { model.choose(nil) }
            case .enrol(let step): EnrolScreen(step: step, answered: model.enrol)
            case .plans(let rows): PlansScreen(rows: rows, sync: model.sync, search: model.search, open: model.open, lock: model.lock)
            case .plan(let plan, let view, let receipts):
                PlanScreen(
                    view: view, receipts: receipts, sync: model.sync, writable: model.writable,
                    back: { model.search("") }, edit: { model.edit(plan, view, $0) })
            case .edit(let plan, let view, let field, let draft, let text):
                EditScreen(
                    banner: view.banner, field: field, before: text, text: text, back: { model.open(plan) },
                    save: { model.save(plan, field, draft, $0) })
            }
        }
    }

    /// A name each. Whose keys are gone is named, and cannot be chosen.
    struct WhoScreen: View {
        let people: [IdentityRow]
        let chosen: (IdentityRow) -> Void

        var body: some View {
            VStack(alignment: .leading, spacing: 12) {
                Text("Who are you?").font(.title2)
                List(people, id: \.id) { person in
                    Button(called(person)) { chosen(person) }.disabled(!person.canUnlock).frame(minHeight: 44)
                }
                .listStyle(.plain)
            }
        }
    }

    struct PinScreen: View {
        let title: String
        let action: String
        var remembered: (() -> Void)?
        let entered: (Pin) -> Void
        @State private var digits = ""

        var body: some View {
            VStack(alignment: .leading, spacing: 12) {
                Text(title).font(.title2)
                SecureField("PIN", text: $digits)
                    #if os(iOS)
                        .keyboardType(.numberPad)
                    #endif
                Button(action) {
                    entered(Pin(digits))
                    digits = ""
                }
                .disabled(digits.isEmpty)
                if let remembered { Button("Use Face ID or Touch ID", action: remembered) }
            }
        }
    }

    struct EnrolScreen: View {
        let step: EnrolStep?
        let answered: (String) -> Void
        @State private var invitation = ""

        var body: some View {
            VStack(alignment: .leading, spacing: 12) {
                Text("Join").font(.title2)
                Text(said)
                TextField("Invitation", text: $invitation)
                Button("Join") { answered(invitation) }.disabled(invitation.isEmpty)
            }
        }

        private var said: String {
            switch step {
            case nil: "Scan or paste the invitation that a colleague shows you."
            case .waiting: "Asked. Whoever invited you has to be online once."
            case .unreachable: "The relay cannot be reached. It is tried again."
            case .done: "This device is yours."
            }
        }
    }

    struct PlansScreen: View {
        let rows: [Found]
        let sync: SyncStatus
        let search: (String) -> Void
        let open: (PlanId) -> Void
        let lock: () -> Void
        @State private var text = ""

        var body: some View {
            VStack(alignment: .leading) {
                TextField("Name, NHS number or place", text: $text).onChange(of: text) { search($0) }
                HStack {
                    Text(words(sync)).font(.caption)
                    Spacer()
                    Button("Lock or hand over", action: lock)
                }
                if rows.isEmpty { Text(text.isEmpty ? "No plans on this device yet." : "No plan begins with that.") }
                List(rows, id: \.plan.plan) { found in
                    Button { open(found.plan.plan) } label: { card(found.plan, similar: found.similar) }
                }
                .listStyle(.plain)
            }
        }

        /// Who first, then what there is to know before opening it.
        @ViewBuilder private func card(_ row: PlanRow, similar: Bool) -> some View {
            VStack(alignment: .leading) {
                if similar { Text("Only similar to what was typed").foregroundStyle(.red) }
                Text("\(row.family), \(row.given)  \(row.born)").font(.headline)
                Text("NHS No. \(spaced(row.nhsNumber))")
                if let died = row.died { Text("Died \(died)") }
                if row.locked {
                    Text("Consent withdrawn: not shown here")
                } else {
                    Text(row.cpr)
                    if row.inConflict { Text("IN CONFLICT").foregroundStyle(.red) }
                }
            }
        }
    }

    extension View {
        /// Blanks the app in the task switcher, and wherever it is not active.
        public func privacy(covered: Bool) -> some View {
            overlay {
                if covered { Rectangle().fill(.background).ignoresSafeArea() }
            }
        }
    }
#endif
