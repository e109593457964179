// SPDX-License-Identifier: Apache-2.0

/// How the records of a batch are compressed; the raw value is the codec id in the batch's attributes.
public enum CompressionType: Int8, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The name in configurations (`compression.type`) and in what current tools print.
    public var name: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    /// nil for a name that is not a codec; `producer` and `uncompressed` are topic settings, not codecs.
    public init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}
