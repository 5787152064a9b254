// swift-tools-version: 6.0

import Foundation
import PackageDescription

/// A published XCFramework: where it is, and `swift package compute-checksum` of it. None: the one that `cargo xtask ios` made here.
let release: (url: String, checksum: String)? = nil

#if os(Linux)
    // `cargo xtask ios --linux` puts the library there.
    let library = Target.systemLibrary(name: "BedsideFFI", path: "Sources/BedsideFFI")
    let folder = "\(Context.packageDirectory)/build/linux"
    let link: [LinkerSetting] = [.unsafeFlags(["-L\(folder)", "-Xlinker", "-rpath", "-Xlinker", folder])]
#else
    let library: Target =
        if let release {
            .binaryTarget(name: "BedsideFFI", url: release.url, checksum: release.checksum)
        } else {
            .binaryTarget(name: "BedsideFFI", path: "build/BedsideFFI.xcframework")
        }
    let link: [LinkerSetting] = []
#endif

let package = Package(
    name: "Bedside",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "Bedside", targets: ["Bedside"]),
        .library(name: "BedsideScreens", targets: ["BedsideScreens"]),
    ],
    targets: [
        library,
        .target(name: "Bedside", dependencies: ["BedsideFFI"], linkerSettings: link),
        .target(name: "BedsideScreens", dependencies: ["Bedside"]),
        .testTarget(name: "BedsideTests", dependencies: ["Bedside", "BedsideScreens"]),
    ],
    swiftLanguageModes: [.v6]
)
