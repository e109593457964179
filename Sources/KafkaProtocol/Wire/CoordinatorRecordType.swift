// SPDX-License-Identifier: Apache-2.0

/// The table of record types of one coordinator's topic.
public protocol CoordinatorRecordType: RawRepresentable, Sendable where RawValue == Int16 {
    var keyType: any CoordinatorMessage.Type { get }
    var valueType: any CoordinatorMessage.Type { get }
}
