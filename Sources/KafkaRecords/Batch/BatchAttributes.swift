// SPDX-License-Identifier: Apache-2.0

/// The 16 attribute bits of a magic-2 batch: 0–2 codec, 3 timestamp type, 4 transactional, 5 control,
/// 6 delete horizon (KIP-534); 7–15 are zero.
public struct BatchAttributes: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int16

    static let codecMask: Int16 = 0x07
    static let timestampTypeBit: Int16 = 0x08
    static let transactionalBit: Int16 = 0x10
    static let controlBit: Int16 = 0x20
    static let deleteHorizonBit: Int16 = 0x40

    public init(rawValue: Int16) { self.rawValue = rawValue }

    public init(
        compression: CompressionType = .none, timestampType: TimestampType = .createTime, isTransactional: Bool = false,
        isControl: Bool = false, hasDeleteHorizon: Bool = false
    ) {
        rawValue =
            Int16(compression.rawValue)
            | (timestampType == .logAppendTime ? Self.timestampTypeBit : 0)
            | (isTransactional ? Self.transactionalBit : 0)
            | (isControl ? Self.controlBit : 0)
            | (hasDeleteHorizon ? Self.deleteHorizonBit : 0)
    }

    /// nil for the codec ids 5–7, which nobody has defined.
    public var compression: CompressionType? { CompressionType(rawValue: Int8(rawValue & Self.codecMask)) }
    public var timestampType: TimestampType { rawValue & Self.timestampTypeBit == 0 ? .createTime : .logAppendTime }
    public var isTransactional: Bool { rawValue & Self.transactionalBit != 0 }
    public var isControl: Bool { rawValue & Self.controlBit != 0 }
    /// Whether the field of the base timestamp holds the time after which tombstones may go.
    public var hasDeleteHorizon: Bool { rawValue & Self.deleteHorizonBit != 0 }
}
