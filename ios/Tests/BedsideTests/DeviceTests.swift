import Foundation
import Testing

@testable import Bedside
import BedsideScreens

private let pin = Pin("271828")

/// A key store that lives as long as the test.
private final class MemoryStore: KeyStore, @unchecked Sendable {
    private let guardian = NSLock()
    private var secrets: [String: Data] = [:]
    private var closed = false

    var names: Set<String> { guardian.withLock { Set(secrets.keys) } }
    func close() { guardian.withLock { closed = true } }

    private func open<T>(_ use: () -> T) throws -> T {
        try guardian.withLock {
            if closed { throw KeyStoreError.Unavailable(why: "the screen is locked") }
            return use()
        }
    }

    func load(name: String) throws -> Data? { try open { secrets[name] } }
    func save(name: String, secret: Data) throws { try open { secrets[name] = secret } }
    func delete(name: String) throws { try open { secrets[name] = nil } }
}

/// With the real library.
@Suite struct DeviceTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    private let store = MemoryStore()

    private func device() async throws -> Device {
        try await Device.made(in: folder, keyStore: store, pin: pin)
    }

    @Test func a_folder_without_a_device_is_no_error() throws {
        #expect(try Device.opened(in: folder, keyStore: store) == nil)
    }

    @Test func a_device_is_made_locked_and_opened_again_by_its_pin() async throws {
        let device = try await device()
        try device.lock()
        let session = try Session(device) { _ in }
        #expect(await !session.unlocked)
        await #expect(throws: ApiError.self) { try await session.unlock(Pin("000000")) }
        try await session.unlock(pin)
        #expect(await session.unlocked)
        #expect(store.names == ["device-secret", "transport-key"])
    }

    @Test func of_two_who_share_a_device_each_unlocks_by_a_pin_of_their_own() async throws {
        let device = try await device()
        let first = try #require(device.identities().first)
        let second = try device.addIdentity(host: first.id, hostsPin: pin.digits, label: "Ben", pin: "314159")
        #expect(device.identities().map { called($0) } == ["Whoever was here first", "Ben"])
        let session = try Session(device) { _ in }
        try await session.unlock(as: second, Pin("314159"))
        #expect(device.identities().first { $0.here }?.id == second)
        await #expect(throws: ApiError.self) { try await session.unlock(as: first.id, Pin("314159")) }
    }

    @Test func errors_are_typed_and_say_what_to_do() async throws {
        let device = try await device()
        do {
            _ = try device.found("jane")
            _ = try await device.inStep()
            Issue.record("a device that belongs to nobody cannot sync")
        } catch {
            #expect(remedy(error) == .enrol)
            #expect(!error.words.isEmpty)
        }
    }

    @Test func what_the_key_store_throws_is_said() async throws {
        do {
            let device = try await device()
            try device.suspend()
        }
        store.close()
        do {
            _ = try Device.opened(in: folder, keyStore: store)
            Issue.record("its key store is closed")
        } catch .KeyStore(_, let why) {
            #expect(why.contains("the screen is locked"))
        } catch {
            Issue.record(error)
        }
    }

    @Test func the_present_comes_first_and_whoever_leaves_the_loop_hears_no_more() async throws {
        let device = try await device()
        for try await rows in device.watch({ try $0.plans(after: nil, limit: 10).rows }) {
            #expect(rows.isEmpty)
            break
        }
        let listening = Task {
            for await _ in device.events() {}
            return true
        }
        listening.cancel()
        #expect(await listening.value)
    }

    @Test func a_watch_that_fails_throws_what_the_library_says() async throws {
        let device = try await device()
        do {
            for try await _ in device.planViews("nonesuch") { Issue.record("there is no such plan") }
        } catch {
            #expect(!error.words.isEmpty)
        }
    }

    @Test func an_enrolment_with_an_unreadable_invitation_says_so() async throws {
        let device = try await device()
        await #expect(throws: ApiError.self) {
            for try await _ in device.enrolment("bedside:nonsense") {}
        }
    }

    @Test func receipts_are_three_words() {
        #expect(progress(Receipts(saved: 3, sent: 2, seen: 1)) == "3 saved, 2 sent, 1 seen")
    }
}
