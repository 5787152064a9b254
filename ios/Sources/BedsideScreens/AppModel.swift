#if canImport(SwiftUI)
    import Bedside
    import Foundation
    import SwiftUI

    /// What the screens show and what they can do.
    @MainActor
    public final class AppModel: ObservableObject {
        /// Where the app is.
        public enum Screen {
            /// This phone is no device yet.
            case welcome
            /// Several people share this phone: whose PIN it is, before it is asked for.
            case who([IdentityRow])
            /// The PIN of one of several who share this phone; none where there is one person only.
            case unlock(IdentityRow?)
            /// The device belongs to nobody yet.
            case enrol(EnrolStep?)
            case plans([Found])
            case plan(PlanId, PlanView, Receipts)
            case edit(PlanId, PlanView, FieldInfo, Draft, text: String)
        }

        /// For the tasks that the platform starts: the model that this process made.
        public private(set) static weak var current: AppModel?

        @Published public private(set) var screen = Screen.welcome
        @Published public private(set) var sync = SyncStatus.offline
        /// What went wrong, in words for people.
        @Published public var problem: String?
        public private(set) var session: Session?

        private let keyStore: any KeyStore
        private let directory: () throws -> URL
        private var device: Device?
        private var shown: Task<Void, Never>?

        public init(keyStore: any KeyStore, directory: @escaping () throws -> URL) {
            self.keyStore = keyStore
            self.directory = directory
            Self.current = self
            attempt {
                if let device = try Device.opened(in: try self.directory(), keyStore: keyStore) { try await self.follow(device) }
            }
        }

        public func create(_ pin: Pin) {
            attempt { [self] in
                try await follow(try await Device.made(in: try directory(), keyStore: keyStore, pin: pin))
            }
        }

        /// Whoever it is that is about to unlock.
        public func choose(_ person: IdentityRow?) {
            if let person { screen = .unlock(person) } else { screen = locked() }
        }

        public func unlock(_ whose: IdentityRow?, _ pin: Pin) {
            attempt { [self] in
                if let whose { try await session?.unlock(as: whose.id, pin) } else { try await session?.unlock(pin) }
            }
        }

        public func lock() {
            Task { await session?.lock() }
        }

        /// The key store asks for Face ID or Touch ID.
        public func unlockRemembered() {
            attempt { [self] in _ = try await session?.unlockRemembered() }
        }

        public func foreground() {
            Task { await session?.foreground() }
        }

        public func background() {
            Task { await session?.background() }
        }

        public func touched() {
            Task { await session?.touched() }
        }

        public func enrol(_ invitation: String) {
            show { [self] device in
                for try await step in device.enrolment(invitation.trimmingCharacters(in: .whitespacesAndNewlines)) {
                    screen = .enrol(step)
                }
                search("")
            }
        }

        public func search(_ text: String) {
            show { [self] device in
                for try await rows in device.watch({ try $0.found(text) }) { screen = .plans(rows) }
            }
        }

        public func open(_ plan: PlanId) {
            show { [self] device in
                for try await view in device.planViews(plan) {
                    screen = .plan(plan, view, try device.receipts(plan: plan))
                }
            }
        }

        /// Begins to write in a field of text; what stands there now is what the draft builds on.
        public func edit(_ plan: PlanId, _ view: PlanView, _ field: FieldInfo) {
            show { [self] device in
                let draft = try device.draft(plan: plan)
                let now = view.sections.flatMap(\.fields).first { $0.key == field.key }?.values.first?.text
                screen = .edit(plan, view, field, draft, text: now ?? "")
            }
        }

        /// Saves: durable here when the page shows it. What cannot be saved stays on the screen with the reason.
        public func save(_ plan: PlanId, _ field: FieldInfo, _ draft: Draft, _ text: String) {
            attempt { [self] in
                try draft.setText(key: field.key, text: text)
                _ = try draft.commit()
                open(plan)
            }
        }

        /// The fields that a person can write words into on the page of a section.
        public var writable: [FieldInfo] {
            fields().filter { field in
                if case .text = field.kind { field.list == nil } else { false }
            }
        }

        private func follow(_ device: Device) async throws {
            self.device = device
            let session = try Session(device) { error in
                Task { @MainActor in AppModel.current?.problem = error.words }
            }
            self.session = session
            await session.foreground()
            Task { [weak self] in
                for await status in device.syncStatuses() { self?.sync = status }
            }
            Task { [weak self] in
                for await open in await session.unlocks() { self?.turn(open) }
            }
        }

        private func turn(_ open: Bool) {
            shown?.cancel()
            if !open {
                screen = locked()
            } else if device?.identity() == nil {
                screen = .enrol(nil)
            } else {
                search("")
            }
        }

        /// What a locked phone shows: of several people, whose PIN it is.
        private func locked() -> Screen {
            let people = device?.identities() ?? []
            return people.count > 1 ? .who(people) : .unlock(nil)
        }

        /// One screen at a time: what the last one watched is let go of.
        private func show(_ work: @escaping @MainActor (Device) async throws -> Void) {
            guard let device else { return }
            shown?.cancel()
            shown = attempt { try await work(device) }
        }

        @discardableResult
        private func attempt(_ work: @escaping @MainActor () async throws -> Void) -> Task<Void, Never> {
            Task { [weak self] in
                do {
                    try await work()
                } catch let error as ApiError {
                    self?.problem = error.words
                    if remedy(error) == .enterPin { await self?.session?.lock() }
                } catch {
                    self?.problem = "This phone does not let the app keep files: \(error.localizedDescription)"
                }
            }
        }
    }
#endif
