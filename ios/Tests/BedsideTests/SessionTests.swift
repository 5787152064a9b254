import Foundation
import Testing

@testable import Bedside

/// A device that remembers what it was told.
private final class Told: DeviceLife, @unchecked Sendable {
    private let guardian = NSLock()
    private var made: [String] = []
    private var failure: ApiError?
    private let outcome: @Sendable () async throws(ApiError) -> SyncReport

    init(_ outcome: @escaping @Sendable () async throws(ApiError) -> SyncReport = { report }) {
        self.outcome = outcome
    }

    var calls: [String] { guardian.withLock { made } }

    func fail(_ error: ApiError) {
        guardian.withLock { failure = error }
    }

    private func note(_ call: String = #function) throws {
        try guardian.withLock {
            made.append(String(call.prefix { $0 != "(" }))
            if let failure { throw failure }
        }
    }

    func unlock(pin: String) throws { try note() }
    func unlockAs(identity: Slot, pin: String) throws { try note() }
    func unlockRemembered() throws -> Bool {
        try note()
        return true
    }
    func remember(pin: String, until: Int64) throws { try note() }
    func lock() throws { try note() }
    func foreground() throws { try note() }
    func background() { try? note() }
    func suspend() throws { try note() }
    func resume() throws { try note() }
    func network(available: Bool) { try? note() }
    func inStep() async throws(ApiError) -> SyncReport { try await outcome() }
}

private let report = SyncReport(bytesUp: 1, bytesDown: 2, roundTrips: 1, tookMs: 3, unsent: 0)

/// Time as a test says.
private final class Clock: @unchecked Sendable {
    private let guardian = NSLock()
    private var now = Duration.zero

    func pass(_ time: Duration) {
        guardian.withLock { now += time }
    }

    var elapsed: Session.Elapsed { { self.guardian.withLock { self.now } } }
}

private final class Failures: @unchecked Sendable {
    private let guardian = NSLock()
    private var heard: [ApiError] = []
    var all: [ApiError] { guardian.withLock { heard } }
    func add(_ error: ApiError) { guardian.withLock { heard.append(error) } }
}

@Suite struct SessionTests {
    private let clock = Clock()
    private let failures = Failures()

    private func session(_ told: Told, unlocked: Bool = true) -> Session {
        let failures = failures
        return Session(life: told, unlocked: unlocked, elapsed: clock.elapsed) { failures.add($0) }
    }

    @Test func a_device_is_due_five_minutes_after_the_last_touch_and_a_minute_after_it_left_the_screen() {
        let rules = LockRules()
        #expect(rules.due(.here(touched: .seconds(7))) == .seconds(307))
        #expect(rules.due(.away(left: .seconds(7))) == .seconds(67))
    }

    @Test func off_the_screen_every_file_is_released_at_once() async {
        let told = Told()
        let session = session(told)
        await session.foreground()
        await session.background()
        #expect(told.calls == ["foreground", "background", "suspend"])
        #expect(await session.unlocked)
    }

    @Test func back_within_the_minute_it_is_open_still() async {
        let told = Told()
        let session = session(told)
        await session.foreground()
        await session.background()
        clock.pass(.seconds(59))
        await session.foreground()
        #expect(await session.unlocked)
    }

    @Test func back_after_the_minute_it_locks_before_anything_is_shown() async {
        let told = Told()
        let session = session(told)
        await session.foreground()
        await session.background()
        clock.pass(.seconds(60))
        await session.foreground()
        #expect(await !session.unlocked)
        #expect(told.calls == ["foreground", "background", "suspend", "lock", "suspend", "foreground"])
    }

    @Test func whoever_watches_hears_the_present_first_and_then_the_lock() async {
        let session = session(Told())
        var heard = await session.unlocks().makeAsyncIterator()
        #expect(await heard.next() == true)
        await session.lock()
        #expect(await heard.next() == false)
    }

    @Test func a_sync_in_the_background_takes_the_files_and_releases_them() async {
        let told = Told()
        let session = session(told, unlocked: false)
        #expect(await session.syncInBackground() == .done(report))
        #expect(told.calls == ["resume", "suspend"])
    }

    @Test func a_sync_whose_time_is_over_is_tried_again_and_so_is_a_relay_out_of_reach() async {
        let cancelled = Told { () throws(ApiError) in throw .Cancelled(text: "cancelled") }
        #expect(await session(cancelled, unlocked: false).syncInBackground() == .again(nil))
        let unreachable = ApiError.Unreachable(text: "the relay cannot be reached")
        let away = Told { () throws(ApiError) in throw unreachable }
        #expect(await session(away, unlocked: false).syncInBackground() == .again(unreachable))
        let not = ApiError.NotEnrolled(text: "enrol first")
        let new = Told { () throws(ApiError) in throw not }
        #expect(await session(new, unlocked: false).syncInBackground() == .stopped(not))
    }

    @Test func what_fails_with_nobody_waiting_is_told_and_the_device_counts_as_locked_all_the_same() async {
        let told = Told()
        let session = session(told)
        await session.foreground()
        told.fail(.FreeSpace(text: "the disk is full"))
        await session.lock()
        #expect(await !session.unlocked)
        #expect(failures.all == [.FreeSpace(text: "the disk is full")])
    }

    @Test func a_pin_is_not_printed() {
        #expect("\(Pin("271828"))" == "Pin(withheld)")
        #expect(String(reflecting: Pin("271828")) == "Pin(withheld)")
    }
}
