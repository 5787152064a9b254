import Foundation

private final class Listener: Observer {
    private let heard: @Sendable (Event) -> Void

    init(_ heard: @escaping @Sendable (Event) -> Void) {
        self.heard = heard
    }

    func told(event: Event) {
        heard(event)
    }
}

extension Device {
    /// Everything that changes, the current sync status first where there is one: a device that belongs to nobody has none. No
    /// event is left out, however slow the reader is. Ending the loop, or cancelling its task, ends the subscription.
    public func events() -> AsyncStream<Event> {
        told(.unbounded) { $0 }
    }

    /// How things are between this device and the relay: the newest only.
    public func syncStatuses() -> AsyncStream<SyncStatus> {
        told(.bufferingNewest(1)) { event in
            if case .sync(let status) = event { status } else { nil }
        }
    }

    /// What a read answers: now, and again whenever something that it may depend on has changed. A reader that is slow skips
    /// what is out of date. The loop throws an ``ApiError``.
    public func watch<T: Sendable>(_ read: @escaping @Sendable (Device) throws -> T) -> Watch<T> {
        watch(read) { event in
            if case .sync = event { false } else { true }
        }
    }

    /// A plan as it is shown: now, and again whenever it has changed.
    public func planViews(_ plan: PlanId) -> Watch<PlanView> {
        watch { try $0.plan(plan: plan) } matters: { $0 == .plan(plan: plan) }
    }

    /// Answers an invitation, step by step, until the credential is here. Ending the loop stops, and another with the same
    /// invitation goes on.
    public func enrolment(_ invitation: String) -> AsyncThrowingStream<EnrolStep, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task {
                do {
                    try await waiting { cancel in
                        let progress = Progress { continuation.yield($0) }
                        try self.enrol(invitation: invitation, progress: progress, cancel: cancel)
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func told<T: Sendable>(
        _ policy: AsyncStream<T>.Continuation.BufferingPolicy,
        _ pick: @escaping @Sendable (Event) -> T?
    ) -> AsyncStream<T> {
        AsyncStream(bufferingPolicy: policy) { continuation in
            let subscription = subscribe(
                observer: Listener { event in
                    if let picked = pick(event) { continuation.yield(picked) }
                })
            continuation.onTermination = { _ in subscription.cancel() }
        }
    }

    private func watch<T: Sendable>(
        _ read: @escaping @Sendable (Device) throws -> T,
        matters: @escaping @Sendable (Event) -> Bool
    ) -> Watch<T> {
        let changes = AsyncStream<Void>(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let subscription = subscribe(
                observer: Listener { event in
                    if matters(event) { continuation.yield() }
                })
            // After the subscription has begun, so that no change falls in between.
            continuation.yield()
            continuation.onTermination = { _ in subscription.cancel() }
        }
        return Watch(changes: changes) { () throws(ApiError) in try said { try read(self) } }
    }
}

/// A read that is done again at each change.
public struct Watch<Element: Sendable>: AsyncSequence, Sendable {
    public typealias Failure = ApiError

    let changes: AsyncStream<Void>
    let read: @Sendable () throws(ApiError) -> Element

    public func makeAsyncIterator() -> Iterator {
        Iterator(changes: changes.makeAsyncIterator(), read: read)
    }

    public struct Iterator: AsyncIteratorProtocol {
        var changes: AsyncStream<Void>.Iterator
        let read: @Sendable () throws(ApiError) -> Element

        public mutating func next() async throws(ApiError) -> Element? {
            await changes.next() == nil ? nil : try read()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ApiError) -> Element? {
            await changes.next(isolation: actor) == nil ? nil : try read()
        }
    }
}

private final class Progress: EnrolProgress {
    private let heard: @Sendable (EnrolStep) -> Void

    init(_ heard: @escaping @Sendable (EnrolStep) -> Void) {
        self.heard = heard
    }

    func reached(step: EnrolStep) {
        heard(step)
    }
}
