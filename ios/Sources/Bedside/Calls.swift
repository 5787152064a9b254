import Dispatch
import Foundation

/// A PIN. It is not printed.
public struct Pin: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    let digits: String

    public init(_ digits: String) {
        self.digits = digits
    }

    public var description: String { "Pin(withheld)" }
    public var debugDescription: String { description }
}

/// Runs a call of the library and throws nothing but what the library says.
func said<T>(_ call: () throws -> T) throws(ApiError) -> T {
    do {
        return try call()
    } catch let error as ApiError {
        throw error
    } catch {
        throw ApiError.Bug(text: "the library answered something unexpected", causes: String(describing: type(of: error)))
    }
}

/// Runs a call that blocks where blocking is no harm, and tells it when the task is cancelled.
func waiting<T: Sendable>(_ call: @escaping @Sendable (Cancel) throws -> T) async throws(ApiError) -> T {
    let cancel = Cancel()
    let result: Result<T, ApiError> = await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .userInitiated).async {
                continuation.resume(returning: Result { () throws(ApiError) in try said { try call(cancel) } })
            }
        }
    } onCancel: {
        cancel.cancel()
    }
    return try result.get()
}

extension Device {
    /// Makes a new device in a directory without one. It is unlocked.
    public static func made(in directory: URL, keyStore: KeyStore, pin: Pin) async throws(ApiError) -> Device {
        try await waiting { _ in try create(directory: directory.path, keyStore: keyStore, pin: pin.digits) }
    }

    /// Opens a device, locked; none when the directory holds none.
    public static func opened(in directory: URL, keyStore: KeyStore) throws(ApiError) -> Device? {
        do {
            return try said { try open(directory: directory.path, keyStore: keyStore) }
        } catch .NotFound {
            return nil
        }
    }

    /// Gets in step with the relay once. Cancelling the task stops it at the next safe moment; nothing is lost.
    public func inStep() async throws(ApiError) -> SyncReport {
        try await waiting { cancel in try self.sync(cancel: cancel) }
    }

    /// Writes into a plan: all of it is saved, or nothing and the reason is thrown. For a screen on which somebody writes for a
    /// while, begin a ``Draft`` when they begin.
    @discardableResult
    public func edit(_ plan: PlanId, _ write: (Draft) throws -> Void) throws(ApiError) -> Saved {
        try said {
            let draft = try self.draft(plan: plan)
            try write(draft)
            return try draft.commit()
        }
    }

    /// A plan as it is shown. Show its banner first, always.
    public func view(_ plan: PlanId) throws(ApiError) -> PlanView {
        try said { try self.plan(plan: plan) }
    }

    /// Plans that a person typed the beginning of, or the first page of all.
    public func found(_ text: String, limit: UInt32 = 50) throws(ApiError) -> [Found] {
        try said {
            if !text.isEmpty { return try self.search(text: text) }
            return try self.plans(after: nil, limit: limit).rows.map { Found(plan: $0, similar: false) }
        }
    }
}
