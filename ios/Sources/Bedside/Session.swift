import Foundation

/// What a session asks of a device, so that its rules can be shown without one.
protocol DeviceLife: AnyObject, Sendable {
    func unlock(pin: String) throws
    func unlockAs(identity: Slot, pin: String) throws
    func unlockRemembered() throws -> Bool
    func remember(pin: String, until: Int64) throws
    func lock() throws
    func foreground() throws
    func background()
    func suspend() throws
    func resume() throws
    func network(available: Bool)
    func inStep() async throws(ApiError) -> SyncReport
}

extension Device: DeviceLife {}

/// How a sync in the background ended.
public enum BackgroundSync: Sendable, Equatable {
    /// In step, as far as the relay could be.
    case done(SyncReport)
    /// It is worth trying again later; the time was over when there is no reason.
    case again(ApiError?)
    /// Trying again does not help before the person has done something.
    case stopped(ApiError)
}

/// A device in the life of an app: on the screen and off it, locked in time, its files released before the app is suspended.
///
/// iOS ends an app that is suspended while it holds a lock on a file that it shares: ``background()`` releases everything as soon
/// as nothing is under way.
public actor Session {
    /// Time since the device started, its sleep included.
    public typealias Elapsed = @Sendable () -> Duration

    private let life: any DeviceLife
    private let rules: LockRules
    private let elapsed: Elapsed
    private let failed: @Sendable (ApiError) -> Void
    private var presence: Presence
    private var running = 0
    private var timer: Task<Void, Never>?
    private var watchers: [UUID: AsyncStream<Bool>.Continuation] = [:]

    /// Plans can be read and written.
    public private(set) var unlocked: Bool {
        didSet { watchers.values.forEach { $0.yield(unlocked) } }
    }

    /// - Parameter failed: told what went wrong where nobody waits for an answer.
    public init(
        _ device: Device,
        rules: LockRules = LockRules(),
        elapsed: @escaping Elapsed = sinceStart,
        failed: @escaping @Sendable (ApiError) -> Void
    ) throws(ApiError) {
        let unlocked = try said { try device.status().unlocked }
        self.init(life: device, unlocked: unlocked, rules: rules, elapsed: elapsed, failed: failed)
    }

    init(
        life: any DeviceLife,
        unlocked: Bool,
        rules: LockRules = LockRules(),
        elapsed: @escaping Elapsed,
        failed: @escaping @Sendable (ApiError) -> Void
    ) {
        self.life = life
        self.unlocked = unlocked
        self.rules = rules
        self.elapsed = elapsed
        self.failed = failed
        presence = .away(left: elapsed())
    }

    /// Whether plans can be read: now, and whenever that changes. What was on the screen goes when it turns false.
    public func unlocks() -> AsyncStream<Bool> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let id = UUID()
            continuation.yield(unlocked)
            watchers[id] = continuation
            continuation.onTermination = { [weak self] _ in
                Task { await self?.forget(id) }
            }
        }
    }

    /// The app is on the screen. Locks first when the person was away for too long, so that no plan is seen on the way.
    public func foreground() {
        lockIfDue()
        presence = .here(touched: elapsed())
        told { try life.foreground() }
        watch()
    }

    /// The app is off the screen. A device that is open stays open for a while: its key is in memory only, its files are closed.
    public func background() {
        timer?.cancel()
        presence = .away(left: elapsed())
        life.background()
        releaseIfIdle()
    }

    /// Somebody touched the screen.
    public func touched() {
        if case .here = presence { presence = .here(touched: elapsed()) }
    }

    /// What the platform says of the network.
    public func network(available: Bool) {
        life.network(available: available)
    }

    /// Opens the vault. Throws what a PIN can be answered with.
    public func unlock(_ pin: Pin) async throws(ApiError) {
        let life = life
        try await waiting { _ in try life.unlock(pin: pin.digits) }
        opened()
    }

    /// Opens the vault as one of several who share the phone, or hands over to them from another.
    public func unlock(as identity: Slot, _ pin: Pin) async throws(ApiError) {
        let life = life
        try await waiting { _ in try life.unlockAs(identity: identity, pin: pin.digits) }
        opened()
    }

    /// Opens the vault, and lets ``unlockRemembered()`` do so until a moment at most a day away.
    public func remember(_ pin: Pin, until: Date) async throws(ApiError) {
        let life = life
        let moment = Int64(until.timeIntervalSince1970 * 1000)
        try await waiting { _ in try life.remember(pin: pin.digits, until: moment) }
        opened()
    }

    /// Opens the vault after the person proved who they are: the key store asks. False when it has to be the PIN.
    public func unlockRemembered() async throws(ApiError) -> Bool {
        let life = life
        let done = try await waiting { _ in try life.unlockRemembered() }
        if done { opened() }
        return done
    }

    /// Keys and plans leave memory.
    public func lock() {
        timer?.cancel()
        told { try life.lock() }
        unlocked = false
        releaseIfIdle()
    }

    /// Gets in step with the relay once. Cancel the task when the platform's time is over: what is under way stops at a safe
    /// moment, and the next run goes on from there.
    public func syncInBackground() async -> BackgroundSync {
        running += 1
        defer {
            running -= 1
            releaseIfIdle()
        }
        lockIfDue()
        do {
            try said { try life.resume() }
            return .done(try await life.inStep())
        } catch {
            return afterwards(error)
        }
    }

    private func opened() {
        unlocked = true
        touched()
        watch()
    }

    private func lockIfDue() {
        if unlocked && elapsed() >= rules.due(presence) { lock() }
    }

    /// Off the screen and nothing under way: whatever holds a lock on a file lets go of it.
    private func releaseIfIdle() {
        if case .away = presence, running == 0 { told { try life.suspend() } }
    }

    private func watch() {
        timer?.cancel()
        guard unlocked, case .here = presence else { return }
        timer = Task { [weak self] in
            while let left = await self?.left(), !Task.isCancelled {
                guard left > .zero else {
                    await self?.lockIfDue()
                    return
                }
                try? await Task.sleep(for: left)
            }
        }
    }

    private func left() -> Duration? {
        unlocked ? rules.due(presence) - elapsed() : nil
    }

    private func forget(_ watcher: UUID) {
        watchers[watcher] = nil
    }

    private func told(_ call: () throws -> Void) {
        do {
            try said(call)
        } catch {
            failed(error)
        }
    }
}

func afterwards(_ error: ApiError) -> BackgroundSync {
    switch error {
    case .Cancelled: .again(nil)
    case .Unreachable, .KeyStore, .FreeSpace, .InUse, .Wait: .again(error)
    case .Locked, .WrongPin, .KeysDestroyed, .NotEnrolled, .NotAllowed, .Invalid, .NotFound, .AlreadyThere, .Damaged,
        .UpdateApp, .Refused, .SyncFirst, .Bug:
        .stopped(error)
    }
}

/// Time since the device started, its sleep included.
@Sendable public func sinceStart() -> Duration {
    var now = timespec()
    #if canImport(Darwin)
        // Darwin's monotonic clock goes on in sleep.
        clock_gettime(CLOCK_MONOTONIC, &now)
    #else
        clock_gettime(CLOCK_BOOTTIME, &now)
    #endif
    return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
}
