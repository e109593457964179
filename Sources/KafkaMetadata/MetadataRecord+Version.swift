// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

extension MetadataRecord {
    /// The version to write where `metadataVersion` is finalised.
    package func version(at metadataVersion: MetadataVersion) -> Int16 {
        switch self {
        case .registerBroker: metadataVersion.registerBrokerRecordVersion
        case .brokerRegistrationChange: metadataVersion.registrationChangeRecordVersion
        case .partition, .partitionChange: metadataVersion.partitionRecordVersion
        default: 0
        }
    }

    /// The value of the record that stands for this in the log.
    ///
    /// Throws `fieldNotInVersion` when a field is set that `metadataVersion` has no room for.
    package func encoded(at metadataVersion: MetadataVersion) throws(WireError) -> [UInt8] {
        try encoded(version: version(at: metadataVersion))
    }

    /// Reads the value of a record of the metadata log.
    package init(decoding value: UnsafeRawBufferPointer) throws(MetadataError) {
        do throws(WireError) { self = try Self.decode(value).record } catch { throw .malformed(error) }
    }
}
