#if canImport(Security)
    import Foundation
    import LocalAuthentication
    import Security

    /// The library's secrets in the keychain of this device, and of no other: no backup and no iCloud takes them along.
    ///
    /// | secret | can be read |
    /// |---|---|
    /// | `transport-key` | from the first unlock after a start on, to sync while the screen is locked |
    /// | `device-secret` | while the screen is unlocked |
    /// | `remembered-vault-key` | after Touch ID or Face ID, which iOS asks for; never after another face or finger was enrolled |
    ///
    /// A keychain item is sealed by a key that the Secure Enclave keeps.
    public final class KeychainStore: KeyStore {
        private static let transport = "transport-key"
        private static let remembered = "remembered-vault-key"

        private let service: String
        private let reason: String

        /// - Parameter reason: what the person is told who is asked for their face or finger.
        public init(service: String = "org.bedside", reason: String) {
            self.service = service
            self.reason = reason
        }

        public func load(name: String) throws -> Data? {
            var query = item(name)
            query[kSecReturnData] = true
            query[kSecMatchLimit] = kSecMatchLimitOne
            if name == Self.remembered {
                let context = LAContext()
                context.localizedReason = reason
                query[kSecUseAuthenticationContext] = context
            }
            var found: CFTypeRef?
            switch SecItemCopyMatching(query as CFDictionary, &found) {
            case errSecSuccess: return found as? Data
            case errSecItemNotFound: return nil
            case let status: throw unavailable(status)
            }
        }

        public func save(name: String, secret: Data) throws {
            var fresh = item(name)
            fresh[kSecValueData] = secret
            if name == Self.remembered {
                // What guards an item cannot be changed in place.
                try delete(name: name)
                fresh[kSecAttrAccessControl] = try guarded()
            } else {
                fresh[kSecAttrAccessible] = Self.accessible(name)
            }
            switch SecItemAdd(fresh as CFDictionary, nil) {
            case errSecSuccess: return
            case errSecDuplicateItem:
                let status = SecItemUpdate(item(name) as CFDictionary, [kSecValueData: secret] as CFDictionary)
                guard status == errSecSuccess else { throw unavailable(status) }
            case let status: throw unavailable(status)
            }
        }

        public func delete(name: String) throws {
            let status = SecItemDelete(item(name) as CFDictionary)
            guard status == errSecSuccess || status == errSecItemNotFound else { throw unavailable(status) }
        }

        private static func accessible(_ name: String) -> CFString {
            name == transport ? kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly : kSecAttrAccessibleWhenUnlockedThisDeviceOnly
        }

        private func item(_ name: String) -> [CFString: Any] {
            [
                kSecClass: kSecClassGenericPassword,
                kSecAttrService: service,
                kSecAttrAccount: name,
                kSecAttrSynchronizable: false,
                kSecUseDataProtectionKeychain: true,
            ]
        }

        private func guarded() throws -> SecAccessControl {
            let access = SecAccessControlCreateWithFlags(
                nil, kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly, .biometryCurrentSet, nil)
            guard let access else { throw KeyStoreError.Unavailable(why: "this device has no Touch ID or Face ID") }
            return access
        }

        private func unavailable(_ status: OSStatus) -> KeyStoreError {
            let text = SecCopyErrorMessageString(status, nil) as String?
            return .Unavailable(why: text ?? "keychain error \(status)")
        }
    }
#endif
