import Foundation

/// The directory to give to a ``Device``: no backup takes it along. Its files can be used while the screen is locked, to sync.
public func deviceDirectory() throws -> URL {
    let support = try FileManager.default.url(
        for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
    var directory = support.appendingPathComponent("bedside", isDirectory: true)
    #if canImport(Darwin)
        // The files are encrypted by a key that is not here; the platform's protection is until the first unlock.
        let attributes: [FileAttributeKey: Any] = [
            .protectionKey: FileProtectionType.completeUntilFirstUserAuthentication
        ]
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true, attributes: attributes)
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try directory.setResourceValues(values)
    #else
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    #endif
    return directory
}
